"""Coalescing: many moves of a slider become one piece of work, on the newest position.

A slider sends values faster than a network trains. Nothing queues here: `wake` only notes that there is something new,
from whatever thread the message came in, and the next slice of work starts from what the controls show then. The
kernel's event loop runs the slices between a notebook's cells, so that cells and slices never run at once.
"""

import asyncio
import sys
import threading
from collections.abc import Callable


class Coalescer:
    """Calls `slice_of_work` in an event loop; it returns the seconds until the next call, or None to rest.

    Without an event loop `wake` does all the work at once.
    """

    def __init__(
        self, slice_of_work: Callable[[], float | None], loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._work = slice_of_work
        self._woken = threading.Event()
        self.news = False
        """True in the first slice of work since `wake`."""
        self._timer: asyncio.TimerHandle | None = None
        self._loop = loop

    @property
    def woken(self) -> bool:
        """True if something newer is queued: a slice that is not urgent should end."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Ask for a slice as soon as can be; any thread may."""
        if self._loop is None:
            self._woken.set()
            while self._turn() is not None:
                pass
        elif not self._woken.is_set():
            self._woken.set()
            self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = self._turn()
        self._timer = None
        if wait is not None and self._loop is not None and not self._woken.is_set():
            self._timer = self._loop.call_later(wait, self._run)

    def _turn(self) -> float | None:
        self.news = self.woken
        self._woken.clear()
        # Messages arrive in another thread. Python lets it wait for 5 ms each time; a slider would feel that.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)
        try:
            return self._work()
        finally:
            sys.setswitchinterval(interval)
