"""Student code under a deadline: whatever that code does, the caller goes on and can say what happened.

Student code may raise, loop for ever, print, warn, call `sys.exit`, or reach an open blank. `run_student_code` runs it
with a time limit, in silence, and returns its value or a `Failure`: the reason in a sentence, with the student's own
line. Checks and the explorer both run student code this way, and in no other.

The code runs in a thread, and the caller waits. A thread whose code ended in time is used again, and several actions
run in one without a word in between: to start a thread, or to wait for one, takes longer than a right answer does.
Where no thread can be started, as in WebAssembly, the code runs in the caller's own thread, and Python's tracing looks
at the clock at every line of it.
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
from lib.checking.values import Wrong

Value = TypeVar("Value")
Kind = Literal["blank", "undefined", "error", "time", "busy", "value"]

TIME_LIMIT = 3.0
"""Seconds that one piece of student code may run or sleep. Those in which it waits for a processor don't count, where
Linux reports them: right code is right on a busy machine, too. A right answer needs a few milliseconds."""
PATIENCE = 7.0
"""Seconds that code may wait for a processor while a student waits for it: with those of `TIME_LIMIT` they make 10."""
BUSY = "This computer is busy: your code hardly got to run, and did not finish. Close other programs, and try again."
BROWSER = 4.0 if sys.platform == "emscripten" else 1.0
"""How many times as long each limit is in a browser. WebAssembly is several times slower, and tracing slows it more."""

MOST_PRINTS, LONGEST_PRINT = 10, 500
"""Calls of `print` whose text is kept, and letters of one."""
_FOREIGN = [
    os.path.join(os.path.dirname(os.path.dirname(__file__)), ""),  # noqa: PTH118, PTH120  # pathlib takes 4 ms to import
    os.path.dirname(traceback.__file__),  # noqa: PTH120  # likewise
    "<frozen",
    "<__array_function__",
]
"""How the names of files begin that are not the student's: this package's, Python's, and those of units elsewhere."""


@dataclass(frozen=True)
class OwnLine:
    """A line of the student's own: the function that it is in, its file, its number and its code."""

    function: str
    file: str
    number: int
    code: str

    def __str__(self) -> str:
        """Write it as in `in Layer.backward, cell 12, line 3`."""
        return f"in {self.function}, {cell_of(self.file)}line {self.number}"


@dataclass(frozen=True)
class Failure:
    """Why student code gave no value: the kind, a sentence, and the student's own line where there is one.

    `line` is the line that raised, and `hint` one thing to try, if it is known. `own` also says in which function and
    cell, and for code that ran out of time which line was running; that is chance, so it doesn't make two failures
    different.
    """

    kind: Kind
    text: str
    line: str = ""
    own: OwnLine | None = field(default=None, compare=False, repr=False)
    hint: str = field(default="", compare=False, repr=False)

    @property
    def text_and_code(self) -> str:
        """The sentence and where it happened and, on a second line, the student's code there."""
        if self.own is None:
            return self.text
        return f"{self.text}{'' if self.text.endswith(('.', '?', '!')) else '.'} That was {self.own}:\n{self.own.code}"


@dataclass
class Budget:
    """Seconds `left` to several runs of student code, and those that each may wait for a processor: at grading, any."""

    left: float = math.inf
    patience: float = PATIENCE


def run_student_code(action: Callable[[], Value], seconds: float = TIME_LIMIT) -> Value | Failure:
    """Run `action`; return its value, or why there is none. Never raises what student code raised.

    `seconds` is the time limit. Code that ignores the exception that ends it is left behind in its thread.
    """
    [outcome] = run_each([action], seconds)
    return outcome


def run_each(
    actions: Sequence[Callable[[], Value]],
    seconds: float = TIME_LIMIT,
    budget: Budget | None = None,
    out: io.TextIOBase | None = None,
) -> list[Value | Failure]:
    """Run actions in order, each as `run_student_code` does, until one doesn't end in time; that one's comes last.

    Not in time is also what still runs when the `budget` for all of them is spent. What is printed goes to `out`.
    """
    seconds, budget = seconds * BROWSER, budget or Budget()
    # The caller silences, not the thread: a thread that is left behind would never give the streams back.
    with silence(out):
        try:
            worker = _Worker.free()
        except RuntimeError:  # "can't start new thread": WebAssembly has none, and a sandbox may have none left
            return _run_here(actions, seconds, budget)
        return worker.run(actions, seconds, budget)


def attempt(action: Callable[[], Value]) -> Value | Failure:
    """Run `action` here and now, without a time limit and without its warnings: for code that is known to end."""
    with warnings.catch_warnings(action="ignore"):
        return outcome_of(action)


def outcome_of(action: Callable[[], Value]) -> Value | Failure:
    """Run `action` as `attempt` does, where its warnings are held back already."""
    try:
        with np.errstate(all="ignore"):
            return action()
    except Exception as error:
        return failure_of(error)


def failure_of(error: BaseException) -> Failure:
    """Return what an exception from student code means, with the last of the student's own lines that it passed."""
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
    """Write a line of the student's own with its number, as a check shows it."""
    return f"line {number}: {code.strip()}"[:200]


@contextlib.contextmanager
def silence(out: io.TextIOBase | None = None) -> Iterator[None]:
    """Hold back what is printed, unless `out` takes it, and warned: code is run many times, and says it as often."""
    nowhere = _Nowhere()
    with contextlib.redirect_stdout(out or nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def random_numbers(state: Any = None) -> Iterator[None]:
    """Have `np.random`, from which students draw, go on from a state, or from its own; and from its own afterwards."""
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


class Printed(io.TextIOBase):
    """What code prints: its first calls of `print`, cut where they are long, and how many more there were.

    Progress that overwrites itself is left out.
    """

    def __init__(self) -> None:
        self._calls, self._more = [""], 0

    def write(self, text: str) -> int:
        """Called by `print` for each argument, and for the end of the line by itself."""
        if text == "\n" and self._calls[-1]:
            self._calls.append("")
            if len(self._calls) > MOST_PRINTS:
                self.write = self._count  # type: ignore[method-assign]  # a flood takes as long as if nobody heard it
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


def leave_out(package: str) -> None:
    """Take the code of a unit's package for no student's own, wherever it is."""
    file = getattr(sys.modules.get(package), "__file__", None)
    if file and (folder := os.path.dirname(file)):  # noqa: PTH120  # likewise
        _FOREIGN.append(os.path.join(folder, ""))  # noqa: PTH118  # likewise


def is_own(file: str) -> bool:
    """True if a file, or a notebook's cell, is the student's: not ours, not Python's, not a package."""
    return not file.startswith(tuple(_FOREIGN)) and "site-packages" not in file and "dist-packages" not in file


def cell_of(file: str) -> str:
    """Name the notebook cell that a file name stands for, as IPython counts them: `cell 12, `."""
    ipython = sys.modules.get("IPython")
    try:
        kind, name = ipython.get_ipython().compile.format_code_name(file)  # type: ignore[union-attr]  # None is caught
    except (AttributeError, TypeError):  # no notebook, or a file of the student's
        return ""
    return f"{kind.lower()} {name}, "


# ---- Deadlines


def _out_of_time(seconds: float, own: OwnLine | None) -> Failure:
    amount = f"{max(seconds, 0):.2g}"
    unit = "second" if amount == "1" else "seconds"
    return Failure("time", f"It was still running after {amount} {unit}. Is there a loop that never ends?", own=own)


def _survive(action: Callable[[], Value]) -> Value | Failure:
    """Run `action` without letting anything escape, in a context that nothing else sees."""
    deepest = sys.getrecursionlimit()
    try:
        # A context of its own: NumPy keeps there what errors it raises, and student code may change that.
        return Context().run(outcome_of, action)
    except BaseException as error:
        sys.setrecursionlimit(deepest)  # now, too: to say what was raised takes some calls
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
    """Ends code from inside `_Tracing`. Python ends the tracing on it, so whoever swallows it starts that again."""

    def __init__(self, tracing: "_Tracing"):
        self._tracing = tracing

    # Code in a loop may catch every exception, also this one, and Python stops tracing once a trace function raises. A
    # browser has no second thread or signal to look at the clock. That the exception is let go is all that can be seen.
    def __del__(self) -> None:
        self._tracing.resume()


class _Tracing:
    """Runs an action, and looks at the clock whenever a function is called and at each line of the student's own.

    It can't end a single long call into C. Nor can it end code that goes on for ever after it has filled the stack,
    where there is no room to call `trace`, or that goes on for ever while it keeps the exception.
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
        """Called by Python."""
        if monotonic() > self._end:
            self._own = self._own or _own_line(traceback.walk_stack(frame))
            self._late = True
            raise _OutOfTime(self)
        # Up to Python 3.11 `while True: pass` on one line is a single instruction that jumps to itself: no line begins.
        frame.f_trace_opcodes = sys.version_info < (3, 12)
        return self.trace if is_own(frame.f_code.co_filename) else None

    def resume(self) -> None:
        """Trace again what runs of the action, unless it is over."""
        if self._over:
            return
        for frame, _ in traceback.walk_stack(sys._getframe()):
            if frame.f_code is _Tracing.run.__code__:
                break
            if is_own(frame.f_code.co_filename):
                frame.f_trace = self.trace
        sys.settrace(self.trace)  # last: from here on the next call raises


def seconds_waited(task: str) -> float:
    """Return how long a thread has waited for a processor, by its folder in Linux's /proc; 0 where there is none."""
    try:
        with open(f"{task}/schedstat", "rb", 0) as file:  # noqa: PTH123  # likewise
            return int(file.read(100).split()[1]) / 1e9  # the nanoseconds that it has run come first
    except OSError:
        return 0.0


class _Worker:
    """A thread that runs actions one after another, each in a context of its own, until one has to be stopped."""

    def __init__(self) -> None:
        self._given: SimpleQueue[tuple[Sequence[Callable[[], Any]], list[Any]]] = SimpleQueue()
        self._ended: SimpleQueue[float] = SimpleQueue()
        self._began = self._waited = 0.0
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @classmethod
    def free(cls) -> "_Worker":
        """Return one that has nothing to do: student code may call a check of its own, and may have forked."""
        with contextlib.suppress(IndexError):
            while not (worker := _idle.pop())._thread.is_alive():
                pass
            return worker
        return cls()

    def clock(self) -> float:
        """Return the time in seconds without the thread's waits for a processor; while others wait, it sleeps."""
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
        budget.left -= self.clock() - began
        is_busy, own, ended = self._waited >= hopeless, self.own_line(), outcomes[: len(actions) - 1]
        self.stop()
        return [*ended, Failure("busy", BUSY, own=own) if is_busy else _out_of_time(allowed, own)]

    def own_line(self) -> OwnLine | None:
        """Find the student's own line that is running now."""
        frame = sys._current_frames().get(self._thread.ident or 0)  # documented, for uses such as this one
        return _own_line(traceback.walk_stack(frame)) if frame else None

    def stop(self) -> None:
        """Ask the thread a few times to end."""
        self._stopped = True
        for _ in range(5):
            if not self._thread.is_alive():
                return
            stop = ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident or 0), stop)
            # Code may catch it, so it is raised a few times; 0.25 seconds are all that a check waits for it.
            self._thread.join(0.05)

    def _work(self) -> None:
        with contextlib.suppress(SystemExit):  # `stop` raises it, wherever the thread is by then
            while not self._stopped:
                actions, outcomes = self._given.get()
                for action in actions:
                    if self._stopped:
                        return
                    self._began = monotonic() - self._waited
                    outcomes.append(_survive(action))
                self._ended.put(self.clock())


_idle: list[_Worker] = []
"""Threads whose last action has ended."""
