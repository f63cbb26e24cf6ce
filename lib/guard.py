"""A guard around student code: whatever that code does, the caller goes on and can say what happened.

Student code may raise, loop for ever, print, warn, call `sys.exit`, or reach an open blank. `guarded` runs it in a
thread with a time limit and gives back its value, or `Trouble`: the reason in a student's words with the student's own
line. A thread whose code ended in time is used again: to start one takes longer than a right answer does.
"""

import contextlib
import ctypes
import io
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Literal, TypeVar

import numpy as np

from lib.blanks import OpenBlank
from lib.statements import Wrong

Value = TypeVar("Value")
Kind = Literal["blank", "undefined", "error", "time", "value"]

PATIENCE = 3.0
"""Seconds that one piece of student code may run. A right answer needs a few milliseconds."""

_FOREIGN = (
    *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")},
    __file__.removesuffix("guard.py"),
    "<frozen",
    "<__array_function__",
)


@dataclass(frozen=True)
class Trouble:
    """Why student code gave no value: the kind of trouble, a sentence, and the student's own line if there is one."""

    kind: Kind
    says: str
    line: str = ""


def guarded(action: Callable[[], Value], seconds: float = PATIENCE) -> Value | Trouble:
    """Run `action`; give back its value, or the trouble it was in. Never raises what student code raised.

    `seconds` is the time limit. Code that ignores the stop signal is left behind in its thread.
    """
    worker = _Worker.free()
    # Silence is the caller's to keep: a thread left behind would never give the streams back.
    with _silence():
        try:
            outcome: Value | Trouble = worker.run(action, seconds)
        except BaseException as error:
            worker.stop()
            if not isinstance(error, Empty):
                raise
            says = f"It was still running after {seconds:.2g} seconds. Is there a loop that never ends?"
            return Trouble("time", says)
    _idle.append(worker)
    return outcome


def attempted(action: Callable[[], Value]) -> Value | Trouble:
    """Run `action` here and now, without a time limit: for code that is known to end."""
    try:
        with np.errstate(all="ignore"):
            return action()
    except Exception as error:
        return trouble_of(error)


def trouble_of(error: BaseException) -> Trouble:
    """Say what an exception from student code means, with the last of the student's own lines that it passed."""
    if isinstance(error, Wrong):
        return Trouble("value", error.sentence)
    if isinstance(error, OpenBlank):
        return Trouble("blank", error.sentence)
    try:
        message = str(error)[:300]
    except BaseException:
        message = ""
    says = f"It raised {type(error).__name__}: {message}" if message else f"It raised {type(error).__name__}."
    return Trouble("error", says, students_line(error))


def students_line(error: BaseException) -> str:
    """Return `line 3: return y / yhat` for the innermost frame that is the student's own, or nothing."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_FOREIGN)]
    return f"line {own[-1].lineno}: {own[-1].line}"[:200] if own and own[-1].line else ""


class _Nowhere(io.TextIOBase):
    """A stream that forgets: checks call student code many times, and its prints would drown the result."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    nowhere = _Nowhere()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Worker:
    """A thread that runs one action after another, each in a context of its own, until one has to be stopped."""

    def __init__(self) -> None:
        self._actions: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self._outcomes: SimpleQueue[Any] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @classmethod
    def free(cls) -> "_Worker":
        """Give one that has nothing to do: student code may call a check of its own, and may have forked."""
        with contextlib.suppress(IndexError):
            while not (worker := _idle.pop())._thread.is_alive():
                pass
            return worker
        return cls()

    def run(self, action: Callable[[], Value], seconds: float) -> Value | Trouble:
        """Have an action run, and give what came of it. Raises `queue.Empty` if it takes longer than that."""
        self._actions.put(action)
        outcome: Value | Trouble = self._outcomes.get(timeout=seconds)
        return outcome

    def _work(self) -> None:
        while not self._stopped:
            action = self._actions.get()
            try:
                outcome = Context().run(attempted, action)
            except BaseException as error:
                outcome = trouble_of(error)
            del action
            self._outcomes.put(outcome)
            del outcome

    def stop(self) -> None:
        """Ask the thread a few times to end."""
        self._stopped = True
        for _ in range(5):
            if not self._thread.is_alive():
                return
            stop = ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident or 0), stop)
            self._thread.join(0.05)


_idle: list[_Worker] = []
"""Threads whose last action has ended."""
