"""Student code with a time limit: whatever that code does, the caller continues and can report what happened.

Student code may raise an exception, loop for ever, print, warn, call `sys.exit`, or reach an open blank.
`run_student_code` runs it with a time limit and without output, and returns its value or a `Failure`: the reason in a
sentence, and the student's line. Checks and the explorer always run student code this way.

The code runs in a thread while the caller waits. Threads are reused, and one runs several actions in sequence: starting
a thread or waiting for one takes longer than right code does. Where threads can't be started, as in WebAssembly, the
code runs in the caller's thread, and a trace function checks the time at each line.
"""

import contextlib
import ctypes
import io
import linecache
import math
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Any, Literal, TypeVar

import numpy as np

from lib.blanks import OpenBlank
from lib.checking.results import Wrong, in_a_sentence

Value = TypeVar("Value")
Kind = Literal["blank", "undefined", "error", "time", "busy", "value", "differs"]

TIME_LIMIT = 5.0
"""The time limit in seconds for one piece of student code: 16 calls of 0.2 seconds, and a margin. On Linux the time in
which the thread waits for a processor doesn't count, so that right code doesn't fail on a busy machine."""
PATIENCE = 7.0
"""The limit in seconds for waiting for a processor. With `TIME_LIMIT` a student waits at most 12 seconds."""
HARDLY = 1.0
"""Code that has run for fewer seconds than this when its patience ends is stopped by the machine, not by its loop."""
BUSY = "This computer is busy: your code hardly ran, and did not finish. Close other programs, and try again."
BROWSER = 4.0 if sys.platform == "emscripten" else 1.0
"""The factor for time limits in a browser: WebAssembly is several times slower, and tracing slows it down further."""

MOST_PRINTS, LONGEST_PRINT = 10, 500
"""The number of calls of `print` that are recorded, and the number of characters of each."""
_FOREIGN = [
    os.path.join(os.path.dirname(os.path.dirname(__file__)), ""),  # noqa: PTH118, PTH120  # pathlib takes 4 ms to import
    os.path.dirname(traceback.__file__),  # noqa: PTH120  # likewise
    "<frozen",
    "<__array_function__",
]
"""Prefixes of file names that are not the student's: of this package, of Python, and of units in other places."""


@dataclass(frozen=True)
class OwnLine:
    """A line of the student's own code: its function, its file, its number and its text."""

    function: str
    file: str
    number: int
    code: str

    def __str__(self) -> str:
        """Return the place as text, such as `in Layer.backward, cell 12, line 3`."""
        return f"in {self.function}, {cell_of(self.file)}line {self.number}"


@dataclass(frozen=True)
class Failure:
    """The reason why a statement is not right: the kind, a sentence, and the student's line if there is one.

    A result that `differs` has `where` it does, what was `found` and `expected` there, and a `heading` if something
    else is wrong than the statement's text says. All other kinds mean that student code returned no value.

    `line` is the line that raised the error, `hint` is one thing to try, if it is known, and `cause` is what another
    cell has to do with it. `own` also has the function and the cell; for code that ran out of time it is the line that
    was running. That line is random, so `own` isn't compared.
    """

    kind: Kind
    text: str
    line: str = ""
    own: OwnLine | None = field(default=None, compare=False, repr=False)
    hint: str = field(default="", compare=False, repr=False)
    where: str = ""
    found: str = ""
    expected: str = ""
    heading: str = ""
    cause: str = ""

    @property
    def is_of_code(self) -> bool:
        """True if the sentence comes from student code, which may have made it up."""
        return self.kind != "differs"

    @property
    def sentence(self) -> str:
        """What is wrong, where, and what was found and expected, on one line of plain text."""
        return in_a_sentence(self.text, self.where, self.found, self.expected)

    @property
    def text_and_code(self) -> str:
        """The sentence with the place, and on a second line the student's code at that place."""
        if self.own is None:
            return self.text
        return f"{self.text}{'' if self.text.endswith(('.', '?', '!')) else '.'} That was {self.own}:\n{self.own.code}"


@dataclass
class Budget:
    """The seconds `left` for several runs of student code, and the seconds that each may wait for a processor."""

    left: float = math.inf
    patience: float = PATIENCE


def run_student_code(action: Callable[[], Value], seconds: float = TIME_LIMIT) -> Value | Failure:
    """Run `action`, and return its value or a `Failure`. Never raises an exception of student code.

    `seconds` is the time limit. Code that ignores the exception that should end it goes on in its thread.
    """
    [outcome] = run_each([action], seconds)
    return outcome


def run_each(
    actions: Sequence[Callable[[], Value]],
    seconds: float = TIME_LIMIT,
    budget: Budget | None = None,
    out: io.TextIOBase | None = None,
) -> list[Value | Failure]:
    """Run actions in order, as `run_student_code` does, until one exceeds its time limit; its failure is the last.

    The `budget` is the time limit for all of them together. Printed text goes to `out`.
    """
    seconds, budget = seconds * BROWSER, budget or Budget()
    # The caller redirects the streams, not the thread: a thread that never ends would never restore them.
    with silence(out):
        try:
            worker = _Worker.free()
        except RuntimeError:  # "can't start new thread": in WebAssembly, or at the limit of a sandbox
            return _run_here(actions, seconds, budget)
        return worker.run(actions, seconds, budget)


def attempt(action: Callable[[], Value]) -> Value | Failure:
    """Run `action` in the current thread, without a time limit and without warnings: for code that is known to end."""
    with warnings.catch_warnings(action="ignore"):
        return outcome_of(action)


def outcome_of(action: Callable[[], Value]) -> Value | Failure:
    """Run `action` as `attempt` does, if warnings are suppressed already."""
    try:
        with np.errstate(all="ignore"):
            return action()
    except Exception as error:
        return failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """Return the failure for an exception of student code, with the student's innermost line in the traceback."""
    if isinstance(error, Wrong):
        return Failure("value", error.sentence, hint=error.hint)
    if isinstance(error, OpenBlank):
        return Failure("blank", error.sentence)
    try:
        message = str(error).strip().partition("\n")[0][:300]
    except BaseException:
        message = ""
    text = f"It raised {type(error).__name__}: {message}" if message else f"It raised {type(error).__name__}."
    own = _own_line(reversed(list(traceback.walk_tb(error.__traceback__))))
    return Failure("error", text, write_line(own.number, own.code) if own and own.code else "", own)


def write_line(number: int, code: str) -> str:
    """Return a line of student code with its number, as a check shows it."""
    return f"line {number}: {code.strip()}"[:200]


@contextlib.contextmanager
def silence(out: io.TextIOBase | None = None) -> Iterator[None]:
    """Suppress printed text, or redirect it to `out`, and suppress warnings: checks run the same code many times."""
    nowhere = _Nowhere()
    with contextlib.redirect_stdout(out or nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def random_numbers(state: Any = None) -> Iterator[None]:
    """Set the state of `np.random`, from which students draw, if one is given. Restore the old state afterwards."""
    outside = np.random.get_state()
    if state is not None:
        np.random.set_state(state)
    try:
        yield
    finally:
        np.random.set_state(outside)


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


class PrintRecorder(io.TextIOBase):
    """Records the first calls of `print`, truncates long texts, and counts the other calls.

    Progress bars, which overwrite themselves, are ignored.
    """

    def __init__(self) -> None:
        self._calls, self._more = [""], 0

    def write(self, text: str) -> int:
        """Called by `print` for each argument, and once more for the end of the line."""
        if text == "\n" and self._calls[-1]:
            self._calls.append("")
            if len(self._calls) > MOST_PRINTS:
                self.write = self._count  # type: ignore[method-assign]  # from now on as fast as without a recorder
        elif "\r" not in text:
            self._calls[-1] += text[: LONGEST_PRINT + 1 - len(self._calls[-1])]
        return len(text)

    def _count(self, text: str) -> int:
        if text == "\n":
            self._more += 1
        return len(text)

    def __str__(self) -> str:
        cut = (each if len(each) <= LONGEST_PRINT else f"{each[:-1]}…" for each in self._calls if each)
        more = f"… and {self._more:,} more call{'s' * (self._more > 1)} of print" if self._more else ""
        return "\n".join(filter(None, [*cut, more]))


# ---- The student's own line


def _own_line(frames: Iterator[tuple[FrameType, int]]) -> OwnLine | None:
    for frame, number in frames:
        code = frame.f_code
        if is_own(code.co_filename):
            return OwnLine(
                code.co_qualname, code.co_filename, number, linecache.getline(code.co_filename, number).strip()
            )
    return None


def exclude_package(package: str) -> None:
    """Exclude the code of a unit's package from the student's own code."""
    file = getattr(sys.modules.get(package), "__file__", None)
    if file and (folder := os.path.dirname(file)):  # noqa: PTH120  # pathlib takes 4 ms to import
        _FOREIGN.append(os.path.join(folder, ""))  # noqa: PTH118  # likewise


def is_own(file: str) -> bool:
    """True if a file or a notebook's cell is the student's, and not part of this package, Python or another package."""
    return not file.startswith(tuple(_FOREIGN)) and "site-packages" not in file and "dist-packages" not in file


def cell_of(file: str) -> str:
    """Return the notebook cell of a file name, with IPython's number, such as `cell 12, `."""
    ipython = sys.modules.get("IPython")
    try:
        kind, name = ipython.get_ipython().compile.format_code_name(file)  # type: ignore[union-attr]  # None is caught
    except (AttributeError, TypeError):  # not in a notebook, or a file of the student's
        return ""
    return f"{kind.lower()} {name}, "


# ---- Deadlines


def _out_of_time(seconds: float, own: OwnLine | None) -> Failure:
    amount = f"{max(seconds, 0):.2g}"
    unit = "second" if amount == "1" else "seconds"
    return Failure("time", f"It was still running after {amount} {unit}. Is there a loop that never ends?", own=own)


def _survive(action: Callable[[], Value]) -> Value | Failure:
    deepest = sys.getrecursionlimit()
    try:
        # In a new context: NumPy stores its error handling there, which student code may change.
        return Context().run(outcome_of, action)
    except BaseException as error:
        sys.setrecursionlimit(deepest)  # before `failure_of`, which needs some calls itself
        return failure_of(error)
    finally:
        sys.setrecursionlimit(deepest)


def _run_here(actions: Sequence[Callable[[], Value]], seconds: float, budget: Budget) -> list[Value | Failure]:
    outcomes: list[Value | Failure] = []
    for action in actions:
        began = monotonic()
        outcomes.append(_Tracing(min(seconds, budget.left)).run(action))
        budget.left -= monotonic() - began
        if isinstance(outcomes[-1], Failure) and outcomes[-1].kind == "time":
            break
    return outcomes


class _OutOfTime(BaseException):
    """Ends code from inside `_Tracing`.

    Python stops tracing when a trace function raises. If student code catches this exception, deleting it resumes the
    tracing: there is no other event at that moment.
    """

    def __init__(self, tracing: "_Tracing"):
        self._tracing = tracing

    # Code in a loop may catch every exception, also this one, and Python stops tracing once a trace function raises. A
    # browser has no second thread or signal to look at the clock. That the exception is let go is all that can be seen.
    def __del__(self) -> None:
        self._tracing.resume()


class _Tracing:
    """Runs an action, and checks the time at each call of a function and at each line of student code.

    It can't end a single long call into C, code that loops for ever with a full stack, where `trace` can't be called,
    or code that loops for ever while it holds a reference to the exception.
    """

    def __init__(self, seconds: float):
        self._seconds, self._end = seconds, monotonic() + seconds
        self._late = self._over = False
        self._own: OwnLine | None = None

    def run(self, action: Callable[[], Value]) -> Value | Failure:
        before = sys.gettrace()
        try:
            sys.settrace(self.trace)
            outcome = _survive(action)
        except _OutOfTime:
            pass
        finally:
            self._over = True
            sys.settrace(before)
        return _out_of_time(self._seconds, self._own) if self._late else outcome

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        """Called by Python at each call and line."""
        if monotonic() > self._end:
            self._own = self._own or _own_line(traceback.walk_stack(frame))
            self._late = True
            raise _OutOfTime(self)
        # Up to Python 3.11 `while True: pass` on one line is a single instruction that jumps to itself, without lines.
        frame.f_trace_opcodes = sys.version_info < (3, 12)
        return self.trace if is_own(frame.f_code.co_filename) else None

    def resume(self) -> None:
        """Trace the running frames of the action again, unless it has ended."""
        if self._over:
            return
        for frame, _ in traceback.walk_stack(sys._getframe()):
            if frame.f_code is _Tracing.run.__code__:
                break
            if is_own(frame.f_code.co_filename):
                frame.f_trace = self.trace
        sys.settrace(self.trace)  # at the end, because the next call raises


def seconds_waited(task: str) -> float:
    """Return the seconds that a thread has waited for a processor. `task` is its folder in /proc; 0 without Linux."""
    try:
        with open(f"{task}/schedstat", "rb", 0) as file:  # noqa: PTH123  # as above: without pathlib
            return int(file.read(100).split()[1]) / 1e9  # nanoseconds; the first number is the time that it has run
    except OSError:
        return 0.0


class _Worker:
    """A thread that runs actions one after another, each in its own context, until one has to be stopped."""

    def __init__(self) -> None:
        self._given: SimpleQueue[tuple[Sequence[Callable[[], Any]], list[Any]]] = SimpleQueue()
        self._ended: SimpleQueue[float] = SimpleQueue()
        self._began = self._waited = 0.0
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @classmethod
    def free(cls) -> "_Worker":
        """Return an idle worker, or a new one: student code may call a check itself, or may have forked."""
        with contextlib.suppress(IndexError):
            while not (worker := _idle.pop())._thread.is_alive():
                pass
            return worker
        return cls()

    def clock(self) -> float:
        """Return the time in seconds, minus the time in which the thread has waited for a processor."""
        self._waited = max(self._waited, seconds_waited(f"/proc/self/task/{self._thread.native_id}"))
        return monotonic() - self._waited

    def run(self, actions: Sequence[Callable[[], Any]], seconds: float, budget: Budget) -> list[Any]:
        """Run actions, as `run_each` does."""
        outcomes: list[Any] = []
        began = self._began = monotonic() - self._waited
        hopeless = self._waited + budget.patience
        allowed = left = min(seconds, budget.left, budget.patience)
        self._given.put((actions, outcomes))
        try:
            while True:
                with contextlib.suppress(Empty):
                    budget.left -= self._ended.get(left > 0, left) - began
                    _idle.append(self)
                    return outcomes
                if left <= 0:
                    break
                now, allowed = self.clock(), min(seconds, began + budget.left - self._began)
                left = min(self._began + allowed - now, hopeless - self._waited)
        except BaseException:
            self.stop()
            raise
        now = self.clock()
        budget.left -= now - began
        ran, own, ended = now - self._began, self.own_line(), outcomes[: len(actions) - 1]
        is_busy = self._waited >= hopeless and ran < HARDLY
        self.stop()
        return [*ended, Failure("busy", BUSY, own=own) if is_busy else _out_of_time(min(allowed, ran), own)]

    def own_line(self) -> OwnLine | None:
        """Return the student's line that is running now."""
        frame = sys._current_frames().get(self._thread.ident or 0)  # documented, for uses such as this one
        return _own_line(traceback.walk_stack(frame)) if frame else None

    def stop(self) -> None:
        """Raise SystemExit in the thread, a few times if necessary."""
        self._stopped = True
        for _ in range(5):
            if not self._thread.is_alive():
                return
            stop = ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident or 0), stop)
            # Student code may catch it, so it is raised up to five times, within 0.25 seconds.
            self._thread.join(0.05)

    def _work(self) -> None:
        with contextlib.suppress(SystemExit):  # `stop` raises it anywhere in the thread
            while not self._stopped:
                actions, outcomes = self._given.get()
                for action in actions:
                    if self._stopped:
                        return
                    self._began = monotonic() - self._waited
                    outcomes.append(_survive(action))
                self._ended.put(self.clock())


_idle: list[_Worker] = []
"""Workers whose last action has ended."""
