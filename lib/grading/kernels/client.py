"""The caller's end of a connection to a forked kernel: it sends cells and receives messages, within bounds.

Student code can send anything over this connection, of any length and at any time. A message that is too long is
dropped while it comes in, and the caller sets a time limit. `server` is the kernel's end.
"""

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # off Linux it can't be imported
    from lib.grading.kernels.forkserver import ForkedKernel

MAX_MESSAGE = 2**22
"""Bytes of a message that is read; a longer one is passed over. Four times what is kept of a cell's output: letters
may take more room in JSON."""
ENDING = 1.0
"""Seconds in which a kernel that hung up may end: what closed its socket is most often its end."""
CHUNK = 2**18
"""Bytes that are received at a time: about what a socket holds."""


class KernelClient(AbstractContextManager["KernelClient"]):
    """A connection to one kernel; leaving its context ends the kernel."""

    def __init__(self, kernel: "ForkedKernel", line: socket.socket):
        self.kernel, self._line = kernel, line
        self._whole: deque[bytes] = deque()
        self._rest, self._passing = bytearray(), False
        self.received = 0
        """Bytes that the kernel has sent so far."""
        self.was_killed = False
        """Whether it was this side that ended it."""
        self.at_end: Callable[[], object] = lambda: None

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._line.close()
        self.kernel.close()
        self.at_end()

    def run(self, code: str, token: str, seconds: float) -> None:
        """Have a cell run, and its reply repeat the token. Raises `TimeoutError` if it isn't taken in time."""
        self._line.settimeout(seconds)
        with suppress(ConnectionError):  # `messages` will tell
            self._line.sendall(json.dumps([code, token]).encode() + b"\n")

    def messages(self, until: float) -> Iterator[bytes]:
        """Give each message that the kernel sends, until it hangs up; nothing in place of one that is too long.

        Raises `TimeoutError` when the clock (`time.monotonic`) says `until`.
        """
        while True:
            while self._whole:
                yield self._whole.popleft()
            if not self._receive(until):
                return

    def _receive(self, until: float) -> bool:
        """Wait for bytes; tell whether there were any."""
        left = until - monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(left)
        more = b""
        with suppress(ConnectionError):
            more = self._line.recv(CHUNK)
        self.received += len(more)
        # What came before is not looked through again: byte by byte that would keep a processor busy.
        first, *others = more.split(b"\n")
        self._rest += first
        for begun in others:
            if self._rest or self._passing:
                self._whole.append(b"" if self._passing else bytes(self._rest))
            self._rest, self._passing = bytearray(begun), False
        if len(self._rest) > MAX_MESSAGE:
            self._rest.clear()
            self._passing = True
        return bool(more)

    def ended_with(self) -> tuple[int | None, float]:
        """End a kernel that hung up, unless it ends by itself; give its exit code and the seconds of processor time.

        The code is None where the warm process had ended and taken it along.
        """
        if not self.kernel.has_ended(within=ENDING):
            self.kill()
        return self.kernel.exit_code(), self.kernel.seconds

    def kill(self) -> None:
        """End the kernel at once; safe to call from any thread."""
        self.was_killed = self.was_killed or not self.kernel.has_ended()
        with suppress(OSError):
            self.kernel.kill()
