"""Cells one after the other: the warm kernel at the word of one caller, over one socket.

Jupyter speaks with a kernel over five sockets and three threads, signs what is said, and waits for both sides at every
turn; on a notebook of a few milliseconds that is most of the time. Here a cell comes as a line of JSON, ipykernel runs
it as it runs any, and what it puts out goes back as lines of JSON: Jupyter's messages, without their headers.
`talk` is the other end.
"""

import asyncio
import io
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from functools import lru_cache
from time import monotonic
from typing import Any, NoReturn

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import Session

from lib.grading.room.talk import REPLY

COMMS = "comm_"
"""How the messages of widgets begin: nobody listens to them."""
AT_ONCE = 8192
"""Characters of a text that wait for the end of a cell at the most."""
PAUSE = 0.02
"""Seconds without a word, after which a line is sent as soon as it is whole; others wait for company."""


class Outlet(Session):
    """Jupyter's session, for a kernel that has one caller: what it sends goes out as lines."""

    line: socket.socket

    def open(self, line: socket.socket) -> None:
        """Send over this socket from now on."""
        self.line, self._one_at_a_time = line, threading.Lock()

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        """Called by ipykernel with all that it says. Widgets' messages have nobody to hear them."""
        msg = msg_or_type if isinstance(msg_or_type, dict) else {"msg_type": msg_or_type, "content": content}
        if not str(msg["msg_type"]).startswith(COMMS):
            words = json.dumps({"msg_type": msg["msg_type"], "content": msg["content"]}, default=str).encode()
            with self._one_at_a_time:
                # An interrupt may have cut the line before this one short.
                self.line.sendall(b"\n" + words + b"\n")
        return msg


class Printed(io.TextIOBase):
    """Standard output or error: what is written goes out in pieces of many lines."""

    def __init__(self, name: str, outlet: Outlet):
        """Send what is written as the stream `name`."""
        self.name, self._outlet = name, outlet
        self._parts: list[str] = []
        self._size, self._sent = 0, 0.0
        self._taking = threading.RLock()

    encoding, errors = "utf-8", "replace"  # some programs ask

    def writable(self) -> bool:
        """Called by whoever writes."""
        return True

    def write(self, text: str) -> int:
        """Take a text, and send what there is where that is due."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._taking:
            self._parts.append(text)
            self._size += len(text)
            due = "\n" in text and monotonic() - self._sent > PAUSE
        if due or self._size > AT_ONCE:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        with self._taking:
            text, self._parts, self._size, self._sent = "".join(self._parts), [], 0, monotonic()
        for at in range(0, len(text), 8 * AT_ONCE):
            piece = text[at : at + 8 * AT_ONCE]
            self._outlet.send(None, "stream", {"name": self.name, "text": piece})


def serve(kernel: IPythonKernel, outlet: Outlet) -> NoReturn:
    """Run cells until the caller hangs up, and end the process."""
    try:
        with outlet.line.makefile("r", encoding="utf-8") as cells:
            asyncio.run(_attend(kernel, outlet, cells))
    finally:
        os._exit(0)


async def _attend(kernel: IPythonKernel, outlet: Outlet, cells: Iterable[str]) -> None:
    """Run each cell within one event loop, as Jupyter does: code may find it running, and leave tasks in it."""
    # ipykernel transforms each cell twice, once to see whether it awaits anything.
    kernel.shell.transform_cell = transform = lru_cache(1)(kernel.shell.transform_cell)
    for cell in cells:
        transform.cache_clear()
        reply: dict[str, Any] = {"status": "error"}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            reply = await kernel.do_execute(json.loads(cell), silent=False)
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException as error:
            reply |= {"ename": type(error).__name__, "evalue": str(error)}
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        outlet.send(None, REPLY, {key: reply.get(key) for key in ("status", "ename", "evalue")})
