"""The guard: a check survives whatever student code does, and says so."""

import html
import io
import json
import math
import os
import re
import sys
import threading
import time
import warnings
from contextlib import redirect_stdout, suppress
from functools import partial
from typing import Any

import numpy as np
import pytest

from lib.blanks import OpenBlank
from lib.checking import looks, right, student_code
from lib.checking.challenges import answer
from lib.checking.dispatch import Check, CheckFailed
from lib.checking.findings import find
from lib.checking.render import Report
from lib.checking.results import Wrong, numbers
from lib.checking.student_code import BUSY, Budget, Failure, failure_of, run_each, run_student_code
from lib.unit import Part
from lib.units import hidden_layer, softmax_classifier
from tests.checking.little import LAYER, LOSS, check, of_x, one
from tests.variants import written

OURS = [
    pytest.param(part, marks=pytest.mark.slow)
    for unit in (softmax_classifier, hidden_layer)
    for part in unit.UNIT.parts
]


class Everything:
    """Equal to everything, larger and smaller than everything, and true."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    __lt__ = __gt__ = __le__ = __ge__ = __eq__


class EqualNumber(float):
    __eq__ = Everything.__eq__
    __hash__ = Everything.__hash__


class Lying:
    """Raises whatever it is asked."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise KeyboardInterrupt

    def __repr__(self) -> str:
        raise RuntimeError("no name")

    @property  # type: ignore[misc]  # it is a method of a class
    def __class__(self) -> Any:
        raise RuntimeError("no class")


class Nameless(Exception):
    def __str__(self) -> str:
        raise SystemExit


def raising(error: BaseException) -> Any:
    def code(*_: Any, **__: Any) -> Any:
        raise error

    return code


def printing(*_: Any, **__: Any) -> float:
    print("heard")
    print("heard", file=sys.stderr)
    warnings.warn("heard", stacklevel=1)
    return float(np.log(np.zeros(1))[0])


def recursion(*given: Any, **named: Any) -> Any:
    return recursion(*given, **named)


VALUES = {
    "nothing": None,
    "an array of nan": np.full((4, 7), np.nan),
    "a long list": [0.0] * 2_000_000,
    "10^10 numbers in one": np.broadcast_to(np.float64(1), (10**5, 10**5)),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "an integer too large": 10**400,
    "equal to everything": Everything(),
    "a number equal to everything": EqualNumber(3.0),
    "an array that lies": Lying(),
}
CODE = {
    **{name: lambda *_, value=value, **__: value for name, value in VALUES.items()},
    "not callable": Lying(),
    "sys.exit": raising(SystemExit(1)),
    "an interrupt": raising(KeyboardInterrupt()),
    "an exception without words": raising(Nameless()),
    "an exception of our own": raising(Wrong("not yours to raise")),
    "memory": raising(MemoryError("lots")),
    "prints": printing,
    "recursion": recursion,
}


def subjects_with(part: Part, code: Any) -> list[Any]:
    """The part's objects, all of them made of `code`: functions as they are, layers with every method that."""

    class Layer:
        def __init__(self, *_: Any):
            self.weights = np.zeros((2, 2))

        def forward(self, *_: Any, **__: Any) -> Any:
            self.input = self.output = self.weights = code()
            return self.output

        backward = forward

    return [Layer if name[0].isupper() else code for name in part.subjects]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("part", [LOSS, LAYER, *OURS], ids=lambda part: part.id)
def test_a_check_survives_and_says_so_and_answers_in_plain_data(part: Part, capfd: pytest.CaptureFixture[str]) -> None:
    off = []
    for name, code in CODE.items():
        subjects = subjects_with(part, code)
        report = Check(part)(*subjects)
        assert isinstance(report, Report) and str(report) and report._repr_html_()
        if report.points or not (report.note or "wrong" in {each.state for each in report.findings}):
            off.append((name, str(report)))
        answered = json.dumps(answer(part, 5, tuple(subjects)), allow_nan=False)
        off += [] if len(answered) < 1_000_000 else [(name, f"{len(answered)} letters")]
    assert not off
    assert capfd.readouterr() == ("", "")


PRINTED = {
    "print('<a>', 1)": ["<a> 1"],
    "print(np.eye(2))": ["[[1. 0.]", " [0. 1.]]"],
    "print(end='no end')": ["no end"],
    "[print(n) for n in range(13)]": [*"0123456789", "… and 3 more calls of print"],
    "[print(n) for n in range(11)]": [*"0123456789", "… and 1 more call of print"],
    "print('x' * 10**6); print('next')": ["x" * 500 + "…", "next"],
    "[print(f'\\rEpoch {n}', end='') for n in range(99)]": [],
    "print('before')\n    while True: print('on', end='')": ["before", "on" * 250 + "…"],
    "import sys, warnings; print('error', file=sys.stderr); warnings.warn('careful')": [],
    "pass": [],
}


@pytest.mark.parametrize(("body", "lines"), PRINTED.items(), ids=lambda value: str(value)[:40])
def test_what_code_prints_is_shown_below_its_check_at_the_desk_alone(
    body: str, lines: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the inputs of the desk; neither at grading nor under nbgrader's validate."""
    code = written(f"def f(x):\n    {body}\n    return x.mean()")["f"]
    part = one(of_x, right=right.expected(lambda inputs: inputs["x"].sum()))
    monkeypatch.setattr(student_code, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(looks, "TIME_LIMIT", 0.2)
    report = Check(part)(code)
    assert isinstance(report, Report)
    assert report.printed.splitlines() == lines
    below = str(report).partition("Your code printed:\n")[2]
    assert [line[4:] for line in below.partition("\n\n")[0].splitlines()] == lines
    shown = html.escape(report.printed)
    assert (f"<pre>{shown}</pre>" in report._repr_html_()) is bool(lines)
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(CheckFailed) as failed:
        Check(part)(code)
    assert "printed" not in str(failed.value.report)
    assert "before" not in json.dumps(answer(part, 1, (code,)))
    assert capfd.readouterr() == ("", "")


def test_an_error_is_told_with_the_innermost_of_the_students_lines() -> None:
    found = str(check.loss(written("def inner(y):\n    return y[99]\n\ndef loss(x):\n    return inner(x)")["loss"]))
    assert "Your line 2: return y[99]" in found and "lib/" not in found


def test_a_loop_that_ignores_the_stop_signal_is_left_behind_and_keeps_nothing() -> None:
    enough, threads, filters = threading.Event(), [], list(warnings.filters)

    def stubborn() -> None:
        threads.append(threading.current_thread())
        while not enough.is_set():
            with suppress(BaseException):
                while not enough.is_set():
                    time.sleep(0.001)

    with redirect_stdout(io.StringIO()) as heard, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        outcome = run_student_code(stubborn, seconds=0.05)
        print("still heard")
        warnings.warn("still warned", stacklevel=1)
    enough.set()
    assert isinstance(outcome, Failure) and outcome.kind == "time"
    assert (heard.getvalue(), [str(each.message) for each in warned]) == ("still heard\n", ["still warned"])
    threads[0].join()
    assert list(warnings.filters) == filters  # nor does it change anything when it ends at last


def test_code_that_ends_in_time_runs_in_one_thread_and_leaves_nothing_for_the_next() -> None:
    deepest, ended = sys.getrecursionlimit(), threading.Event()

    def careless() -> Any:
        np.seterr(divide="raise")
        sys.setrecursionlimit(deepest - 1)
        return threading.current_thread()

    def endless() -> None:
        try:
            while True:
                pass
        finally:
            ended.set()

    first = run_student_code(careless)
    assert first != threading.current_thread() and run_student_code(threading.current_thread) == first
    assert sys.getrecursionlimit() == deepest, "a low limit would break the check itself"
    assert run_student_code(np.geterr) == {**dict.fromkeys(np.geterr(), "ignore")}
    late = Failure("time", "It was still running after 0.1 seconds. Is there a loop that never ends?")
    assert run_student_code(endless, 0.1) == late and ended.is_set()
    assert run_student_code(threading.current_thread) not in (first, threading.current_thread())
    nested = run_student_code(lambda: (threading.get_ident(), run_student_code(threading.get_ident)))
    assert isinstance(nested, tuple) and nested[0] != nested[1]


def working(seconds: float) -> Any:
    """Make code that needs so many seconds of a processor for a mean, whatever the clock says."""

    def mean(x: Any) -> Any:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass
        return np.mean(x)

    return mean


@pytest.mark.slow
@pytest.mark.usefixtures("busy_machine")
def test_on_a_busy_machine_right_code_is_right_and_what_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    graded, at_desk = {"budget": Budget(patience=math.inf)}, {"budget": Budget(patience=0.3)}
    ran = {
        "right": run_each([partial(working(0.1), [1, 2])] * 2, 0.25, **graded),
        "endless": run_each([partial(working(math.inf), [1])], 0.1, **graded),
        "asleep": run_each([partial(time.sleep, 3)], 0.1, **graded),
        "a student waits": run_each([partial(working(math.inf), [1])], **at_desk),
    }
    late = Failure("time", "It was still running after 0.1 seconds. Is there a loop that never ends?")
    busy = Failure("busy", BUSY)
    assert ran == {"right": [1.5, 1.5], "endless": [late], "asleep": [late], "a student waits": [busy]}
    part = one(right=lambda found, inputs, _: (found, np.mean(inputs["x"])))
    monkeypatch.setattr(looks, "TIME_LIMIT", 0.25)
    answered = answer(part, 5, (working(0.1),))
    assert "failure" not in json.dumps(answered)
    [finding] = find(part, part.desk_inputs(), {"of_x": busy}, {})
    assert (finding.state, finding.why) == ("not checked", busy)


def test_a_part_has_its_seconds_for_all_its_looks_together() -> None:
    budget = Budget(0.5)
    assert run_each([partial(working(0.01), [1])] * 3, 0.2, budget) == [1.0] * 3
    [late] = run_each([partial(working(math.inf), [1])], 0.2, budget)
    assert re.match(r"It was still running after 0\.(2|1\d)", late.text), "less is left if the first took long"
    assert run_each([partial(time.sleep, 3)], 60.0, budget)[0].kind == "time"
    assert budget.left <= 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system doesn't fork.")
def test_a_fork_has_threads_of_its_own() -> None:
    assert run_student_code(lambda: 1) == 1
    child = os.fork()
    if child == 0:
        os._exit(0 if run_student_code(lambda: 1) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_open_blank_is_a_kind_of_its_own_and_no_other_exception_is() -> None:
    pretender = type("OpenBlank", (Exception,), {"sentence": "Blank 1."})
    assert failure_of(OpenBlank("Blank 1.")) == Failure("blank", "Blank 1.") and failure_of(pretender()).kind == "error"


def test_numbers_are_read_as_floats_of_their_own_in_the_shape_that_is_asked_for() -> None:
    for value in (3, [1, 2], np.float32(1), np.ones((2, 2), dtype=np.int8), EqualNumber(3.0)):
        array = numbers(value)
        assert (type(array), array.dtype) == (np.ndarray, np.float64)
        assert not np.shares_memory(array, np.asarray(value))
    with pytest.raises(Wrong, match="The result has the wrong shape"):
        numbers([1, 2], (3,))
