"""Coalescing: many moves of a slider become one task, for the newest position.

A slider sends values faster than a network trains, so there is no queue. `wake` only sets a flag, from any thread, and
the next slice of work reads the controls as they are then. The kernel's event loop runs the slices between a notebook's
cells, so that cells and slices never run at the same time.
"""

import asyncio
import sys
import threading
from collections.abc import Callable


class Coalescer:
    """Calls `slice_of_work` in an event loop. It returns the seconds until its next call, or None to stop until `wake`.

    Without an event loop, `wake` does all the work at once.
    """

    def __init__(
        self, slice_of_work: Callable[[], float | None], loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._work = slice_of_work
        self._woken = threading.Event()
        self.is_new = False
        """True in the first slice of work since `wake`."""
        self._timer: asyncio.TimerHandle | None = None
        self._loop = loop

    @property
    def woken(self) -> bool:
        """True if `wake` was called since the slice began: a slice that is not urgent should end."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Request a slice as soon as possible. Any thread may call this."""
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
        self.is_new = self.woken
        self._woken.clear()
        # Messages arrive in another thread, which Python lets wait for 5 ms each time. That delays a slider visibly.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)
        try:
            return self._work()
        finally:
            sys.setswitchinterval(interval)
