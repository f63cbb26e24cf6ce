"""The kernel's end of a connection with one caller: it runs cells one after the other, over one socket.

Jupyter uses five sockets and three threads for a kernel, signs each message, and waits for both sides at every turn; on
a notebook of a few milliseconds that is most of the time. Here a cell comes as a line of JSON, ipykernel runs
it as it runs any, and what it puts out goes back as lines of JSON: Jupyter's messages, without their headers.
`client` is the other end.
"""

import _thread
import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache, partial
from time import monotonic
from typing import Any, NoReturn

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import Session

from lib.grading.kernel import MAX_SAID, REFUSED, REPLY
from lib.grading.kernel.hooks import Hooks

AT_ONCE = 8192
"""Characters of a text that wait for more: a line by itself costs both sides more than its letters do."""
PIECE = 65536
"""Characters of a text that go out together: a longer one would be passed over whole by `MAX_MESSAGE`."""
PAUSE = 0.02
"""Seconds without a word, after which a line is sent as soon as it is whole; others wait for company."""
STARTERS = (
    *((_thread, "start_new_thread"), (threading, "_start_new_thread")),
    *((_thread, "start_joinable_thread"), (threading, "_start_joinable_thread")),  # since Python 3.13
    *((os, "fork"), (subprocess, "_fork_exec")),
)
"""What starts threads and processes. The modules that use one have its name too."""


class LineSession(Session):
    """Jupyter's session, for a kernel that has one caller: what it sends goes out as lines, what is printed with them.

    A text waits for more of its stream, but not for long, and never while something else goes out.
    """

    line: socket.socket

    def open(self, line: socket.socket) -> None:
        """Send over this socket from now on."""
        self.line, self._lock = line, threading.RLock()
        self._stream, self._texts, self._size, self._sent = "", [""], 0, 0.0

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *rest: Any, **more: Any) -> Any:
        """Called by ipykernel for each message. Widgets' messages are dropped: no page is open."""
        msg = msg_or_type if isinstance(msg_or_type, dict) else {"msg_type": msg_or_type, "content": content}
        if not str(msg["msg_type"]).startswith("comm_"):
            with self._lock:
                self.flush()
                self._send_line(msg["msg_type"], msg["content"])
        return msg

    def write(self, stream: str, text: str) -> None:
        """Take what is written to a stream, and send what there is where that is due."""
        with self._lock:
            if stream != self._stream:
                self.flush()
                self._stream = stream
            self._texts.append(text)
            self._size += len(text)
            if self._size > AT_ONCE or ("\n" in text and monotonic() - self._sent > PAUSE):
                self.flush()

    def flush(self) -> None:
        """Send what was written, in pieces."""
        with self._lock:
            text, self._texts, self._size = "".join(self._texts), [], 0
            for at in range(0, len(text), PIECE):
                self._send_line("stream", {"name": self._stream, "text": text[at : at + PIECE]})
            if text:
                self._sent = monotonic()

    def _send_line(self, kind: Any, content: Any) -> None:
        words = json.dumps({"msg_type": kind, "content": content}, default=str).encode()
        self.line.sendall(b"\n" + words + b"\n")  # an interrupt may have cut the line before this one short


class StreamWriter(io.TextIOBase):
    """Standard output or error: what is written to it goes out as a stream of that name."""

    encoding, errors = "utf-8", "replace"  # some programs ask

    def __init__(self, name: str, session: LineSession):
        self.name, self._session = name, session

    def writable(self) -> bool:
        """Called by whoever writes."""
        return True

    def fileno(self) -> int:
        """Called by those who write past Python: what they write is lost."""
        return {"stdout": 1, "stderr": 2}[self.name]

    def write(self, text: str) -> int:
        """Take a text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._session.write(self.name, text)
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        self._session.flush()


def tell_refusals(session: LineSession) -> None:
    """From now on, tell the caller when Linux refuses a thread or a process.

    What code then raises or prints tells nothing: it may be made up, or say something else.
    """
    for module, name in STARTERS:
        if start := getattr(module, name, None):
            setattr(module, name, partial(_start, session, start))


def _start(session: LineSession, start: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return start(*arguments, **named)
    except (RuntimeError, BlockingIOError):  # Python's words for EAGAIN
        session.send(None, REFUSED, {})
        raise


def serve(kernel: IPythonKernel, hooks: Hooks) -> NoReturn:
    """Run cells until the caller hangs up, and end the process."""
    cells = kernel.session.line.makefile("r", encoding="utf-8")
    try:
        asyncio.run(_run_cells(kernel, hooks, cells))
    finally:
        os._exit(0)


async def _run_cells(kernel: IPythonKernel, hooks: Hooks, cells: Iterable[str]) -> None:
    """Run each cell within one event loop, as Jupyter does: code may find it running, and leave tasks in it."""
    # ipykernel transforms each cell twice, once to see whether it awaits anything.
    kernel.shell.transform_cell = transform = lru_cache(1)(kernel.shell.transform_cell)
    for line in cells:
        code, token, is_the_courses = json.loads(line)
        await asyncio.sleep(0)  # tasks that cells before this one left
        transform.cache_clear()
        reply: dict[str, Any] = {"status": "error"}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with hooks.around(is_the_courses):
                reply = await kernel.do_execute(code, silent=False)
        except BaseException as error:
            reply |= {"ename": type(error).__name__, "evalue": str(error)}
        _ignore_sigint()
        said = {key: str(reply.get(key))[:MAX_SAID] for key in ("status", "ename", "evalue")}
        kernel.session.send(None, REPLY, {**said, "token": token})
    os._exit(0)  # nothing is taken apart that goes with the process


def _ignore_sigint() -> None:
    """Ignore interrupts from here on; one that arrives during this call is dropped."""
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
