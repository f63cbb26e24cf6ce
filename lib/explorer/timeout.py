"""Patience has an end: student code that never returns is interrupted, so that the explorer lives on.

In the main thread a timer signal interrupts even `time.sleep`. In other threads, and on systems without that timer, an
exception is planted in the thread, which meets it at its next line of Python.
"""

from __future__ import annotations

import ctypes
import io
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType

import numpy as np

AGAIN = 0.05  # seconds until the next try, for code that catches the first


class OutOfTime(BaseException):
    """Student code took too long. A BaseException: `except Exception` around an endless loop doesn't swallow it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block if it takes longer than `seconds`, and again until the block is left."""
    in_main = threading.current_thread() is threading.main_thread()
    with _timer_signal(seconds) if in_main and hasattr(signal, "setitimer") else _planted_exception(seconds):
        yield


@contextmanager
def _timer_signal(seconds: float) -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _planted_exception(seconds: float) -> Iterator[None]:
    thread = ctypes.c_ulong(threading.get_ident())
    left = threading.Event()

    def watch() -> None:
        wait = seconds
        while not left.wait(wait):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OutOfTime))
            wait = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what student code prints and NumPy's warnings: hundreds of runs would say it thousands of times.

    For the while threads take turns every half millisecond, so that a slider's message isn't kept waiting.
    """
    turns = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.setswitchinterval(turns)
