"""A guard around student code: whatever that code does, the caller goes on and can say what happened.

Student code may raise, loop for ever, print, warn, call `sys.exit`, or reach an open blank. `run_student_code` runs it
in a thread with a time limit and gives back its value, or `Failure`: the reason in a student's words with the student's
own line. A thread whose code ended in time is used again, and one after the other needs no word in between: to start a
thread, or to wait for one, takes longer than a right answer does.
"""

import contextlib
import ctypes
import io
import math
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Literal, TypeVar

import numpy as np

from lib.blanks import OpenBlank
from lib.checking.values import Wrong

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
class Failure:
    """Why student code gave no value: the kind of trouble, a sentence, and the student's own line if there is one."""

    kind: Kind
    text: str
    line: str = ""


def run_student_code(action: Callable[[], Value], seconds: float = PATIENCE) -> Value | Failure:
    """Run `action`; give back its value, or the trouble it was in. Never raises what student code raised.

    `seconds` is the time limit. Code that ignores the stop signal is left behind in its thread.
    """
    [outcome] = run_each([action], seconds)
    return outcome


def run_each(
    actions: Sequence[Callable[[], Value]], seconds: float = PATIENCE, until: float = math.inf
) -> list[Value | Failure]:
    """Run actions in order, each as `run_student_code` does, until one doesn't end in time; that one's comes last.

    Not in time is also what still runs when the clock (`time.monotonic`) says `until`.
    """
    worker = _Worker.free()
    outcomes: list[Value | Failure] = []
    # Silence is the caller's to keep: a thread left behind would never give the streams back.
    with _silence():
        try:
            worker.run(actions, outcomes, seconds, until)
        except BaseException as error:
            ended, allowed = list(outcomes), min(seconds, until - worker.began)
            worker.stop()
            if not isinstance(error, Empty):
                raise
            text = f"It was still running after {max(allowed, 0):.2g} seconds. Is there a loop that never ends?"
            return [*ended[: len(actions) - 1], Failure("time", text)]
    _idle.append(worker)
    return outcomes


def attempt(action: Callable[[], Value]) -> Value | Failure:
    """Run `action` here and now, without a time limit: for code that is known to end."""
    try:
        with np.errstate(all="ignore"):
            return action()
    except Exception as error:
        return failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """Say what an exception from student code means, with the last of the student's own lines that it passed."""
    if isinstance(error, Wrong):
        return Failure("value", error.sentence)
    if isinstance(error, OpenBlank):
        return Failure("blank", error.sentence)
    try:
        message = str(error)[:300]
    except BaseException:
        message = ""
    text = f"It raised {type(error).__name__}: {message}" if message else f"It raised {type(error).__name__}."
    return Failure("error", text, student_line(error))


def student_line(error: BaseException) -> str:
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
    """A thread that runs actions one after another, each in a context of its own, until one has to be stopped."""

    def __init__(self) -> None:
        self._given: SimpleQueue[tuple[Sequence[Callable[[], Any]], list[Any]]] = SimpleQueue()
        self._ended: SimpleQueue[None] = SimpleQueue()
        self.began = 0.0
        """When the action under way began."""
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

    def run(self, actions: Sequence[Callable[[], Any]], outcomes: list[Any], seconds: float, until: float) -> None:
        """Have actions run, what comes of them put into `outcomes`. Raises `queue.Empty` if one isn't in time."""
        self.began = monotonic()
        self._given.put((actions, outcomes))
        while (left := min(self.began + seconds, until) - monotonic()) > 0:
            with contextlib.suppress(Empty):
                return self._ended.get(timeout=left)
        return self._ended.get(block=False)

    def _work(self) -> None:
        while not self._stopped:
            self._go_through(*self._given.get())
            self._ended.put(None)

    def _go_through(self, actions: Sequence[Callable[[], Any]], outcomes: list[Any]) -> None:
        for action in actions:
            if self._stopped:
                return
            self.began = monotonic()
            try:
                outcomes.append(Context().run(attempt, action))
            except BaseException as error:
                outcomes.append(failure_of(error))

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
