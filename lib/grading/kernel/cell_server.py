"""The kernel's end of the connection to its one caller: runs cells one after the other, over one socket.

Jupyter uses five sockets and three threads for a kernel, signs each message, and waits for both sides at every turn,
which takes most of the time on short notebooks. Here each cell is a line of JSON, ipykernel runs it as usual, and its
outputs go back as lines of JSON: Jupyter's messages without their headers. `client` is the other end.
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

from lib.grading.kernel import MAX_ERROR_TEXT, REFUSED, REPLY

AT_ONCE = 8192
"""Characters of text to collect before sending: a message per line would cost both sides more than the text itself."""
PIECE = 65536
"""Characters of text in one message: a message over `MAX_MESSAGE` would be lost as a whole."""
PAUSE = 0.02
"""Seconds since the last message after which a complete line is sent at once."""
STARTERS = (
    *((_thread, "start_new_thread"), (threading, "_start_new_thread")),
    *((_thread, "start_joinable_thread"), (threading, "_start_joinable_thread")),  # since Python 3.13
    *((os, "fork"), (subprocess, "_fork_exec")),
)
"""Functions that start threads and processes, also under the names by which other modules have imported them."""


class LineSession(Session):
    """Jupyter's session for a kernel with one caller: sends messages, and printed text, as lines over a socket.

    Printed text is collected for a short time, but sent before any other message, so that the order stays.
    """

    line: socket.socket

    def open(self, line: socket.socket) -> None:
        """Use this socket from now on."""
        self.line, self._lock = line, threading.RLock()
        self._stream, self._texts, self._size, self._sent = "", [""], 0, 0.0

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *rest: Any, **more: Any) -> Any:
        """Called by ipykernel for each message. Drops the messages of widgets, since there is no front end."""
        msg = msg_or_type if isinstance(msg_or_type, dict) else {"msg_type": msg_or_type, "content": content}
        if not str(msg["msg_type"]).startswith("comm_"):
            with self._lock:
                self.flush()
                self._send_line(msg["msg_type"], msg["content"])
        return msg

    def write(self, stream: str, text: str) -> None:
        """Collect text of a stream, and send it if there is enough or enough time has passed."""
        with self._lock:
            if stream != self._stream:
                self.flush()
                self._stream = stream
            self._texts.append(text)
            self._size += len(text)
            if self._size > AT_ONCE or ("\n" in text and monotonic() - self._sent > PAUSE):
                self.flush()

    def flush(self) -> None:
        """Send the collected text, in pieces."""
        with self._lock:
            text, self._texts, self._size = "".join(self._texts), [], 0
            for at in range(0, len(text), PIECE):
                self._send_line("stream", {"name": self._stream, "text": text[at : at + PIECE]})
            if text:
                self._sent = monotonic()

    def _send_line(self, kind: Any, content: Any) -> None:
        words = json.dumps({"msg_type": kind, "content": content}, default=str).encode()
        self.line.sendall(b"\n" + words + b"\n")  # starts a new line, since an interrupt may have cut off the last one


class StreamWriter(io.TextIOBase):
    """Standard output or error: sends text as messages of the stream of that name."""

    encoding, errors = "utf-8", "replace"  # read by some libraries

    def __init__(self, name: str, session: LineSession):
        self.name, self._session = name, session

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the usual descriptor, for libraries that ask. Output written directly to it is lost."""
        return {"stdout": 1, "stderr": 2}[self.name]

    def write(self, text: str) -> int:
        """Write text to the session."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._session.write(self.name, text)
        return len(text)

    def flush(self) -> None:
        """Send the collected text."""
        self._session.flush()


def report_refusals(session: LineSession) -> None:
    """Report to the caller when Linux refuses a thread or a process. Exceptions of student code are no evidence."""
    for module, name in STARTERS:
        if start := getattr(module, name, None):
            setattr(module, name, partial(_start, session, start))


def _start(session: LineSession, start: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return start(*arguments, **named)
    except (RuntimeError, BlockingIOError):  # raised by Python for EAGAIN
        session.send(None, REFUSED, {})
        raise


def serve(kernel: IPythonKernel, cells: Iterable[bytes]) -> NoReturn:
    """Run cells, each a line of JSON, until the caller closes the connection, then end the process."""
    try:
        asyncio.run(_run_cells(kernel, cells))
    finally:
        os._exit(0)


async def _run_cells(kernel: IPythonKernel, cells: Iterable[bytes]) -> None:
    """Run all cells in one event loop, as Jupyter does: code may use the running loop, and leave tasks in it."""
    # Cached, since ipykernel transforms each cell twice, the first time to see whether it awaits anything.
    kernel.shell.transform_cell = transform = lru_cache(1)(kernel.shell.transform_cell)
    for line in cells:
        code, token = json.loads(line)
        await asyncio.sleep(0)  # lets tasks from earlier cells run
        transform.cache_clear()
        reply: dict[str, Any] = {"status": "error"}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            reply = await kernel.do_execute(code, silent=False)
        except BaseException as error:
            reply |= {"ename": type(error).__name__, "evalue": str(error)}
        with suppress(KeyboardInterrupt):  # one that arrives before the next line takes effect
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        result = {key: str(reply.get(key))[:MAX_ERROR_TEXT] for key in ("status", "ename", "evalue")}
        kernel.session.send(None, REPLY, {**result, "token": token})
    os._exit(0)  # without finalizers: the process ends anyway
