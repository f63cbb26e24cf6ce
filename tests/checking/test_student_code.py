"""The guard: a check survives whatever student code does, and says so."""

import io
import json
import os
import sys
import threading
import time
import warnings
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.blanks import OpenBlank
from lib.checking.answers import answer
from lib.checking.student_code import Failure, failure_of, run_student_code
from lib.checking.values import Wrong, are_close, numbers
from lib.reference import Softmax
from lib.unit import Part
from lib.units.softmax_classifier import UNIT, cce, softmax_backward, softmax_forward, train
from tests.checking.desk import checked, said, states
from tests.variants import written

parts = pytest.mark.parametrize("part", UNIT.parts, ids=lambda part: part.id)


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
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise KeyboardInterrupt

    def __repr__(self) -> str:
        raise RuntimeError("no name")


class Nameless(Exception):
    def __str__(self) -> str:
        raise SystemExit


def raising(error: BaseException) -> Any:
    def code(*_: Any, **__: Any) -> Any:
        raise error

    return code


def printing(*_: Any, **__: Any) -> float:
    print("hello from student code")
    print("and to stderr", file=sys.stderr)
    warnings.warn("careful", stacklevel=1)
    return float(np.log(np.zeros(1))[0])


def endless_sleep() -> None:
    while True:
        time.sleep(0.001)


def giving(value: Any) -> Any:
    return lambda *_, **__: value


VALUES = {
    "None": None,
    "nan": np.nan,
    "an array of nan": np.full((4, 7), np.nan),
    "text": "1.0",
    "a list of lists": [[1, 2], [3]],
    "a long list": [0.0] * 2_000_000,
    "10^8 numbers": np.zeros(10**8),
    "10^10 numbers in one": np.broadcast_to(np.float64(1), (10**5, 10**5)),
    "complex numbers": np.ones((4, 7)) * 1j,
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "an integer too large": 10**400,
    "a class": Softmax,
    "equal to everything": Everything(),
    "a number equal to everything": EqualNumber(3.0),
    "an array that lies": Lying(),
}
CODE = {
    **{name: giving(value) for name, value in VALUES.items()},
    "not callable": 3,
    "sys.exit": raising(SystemExit(1)),
    "an interrupt": raising(KeyboardInterrupt()),
    "an exception without words": raising(Nameless()),
    "an exception of our own": raising(Wrong("not yours to raise")),
    "memory": raising(MemoryError("lots")),
    "prints": printing,
    "recursion": lambda *args, **kwargs: CODE["recursion"](*args, **kwargs),
}


def subjects_with(part: Part, code: Any) -> dict[str, Any]:
    """The part's objects, all of them made of `code`: functions as they are, layers with every method that."""

    class Layer:
        def __init__(self, *_: Any):
            self.weights = np.zeros((2, 2))

        def forward(self, input: Any) -> Any:
            self.input, self.output = input, code(input)
            return self.output

        def backward(self, *_: Any) -> Any:
            self.weights = code()
            return self.weights

    return {name: Layer if name[0].isupper() else code for name in part.subjects}


@parts
@pytest.mark.parametrize("code", CODE.values(), ids=CODE.keys())
def test_a_check_survives_and_says_so(part: Part, code: Any, capfd: pytest.CaptureFixture[str]) -> None:
    report = checked(part, **subjects_with(part, code))
    assert not report.right
    assert report.points == 0
    assert report.note or {"wrong"} & set(states(report).values())
    assert str(report) and report._repr_html_()
    assert capfd.readouterr() == ("", "")


@parts
@pytest.mark.parametrize("code", CODE.values(), ids=CODE.keys())
def test_an_answer_survives_and_is_plain_data(part: Part, code: Any, capfd: pytest.CaptureFixture[str]) -> None:
    drawn = part.draw(np.random.default_rng(0))
    answered = answer(part, drawn, tuple(subjects_with(part, code).values()))
    assert set(answered) == {statement.name for statement in part.statements}
    assert len(json.dumps(answered, allow_nan=False)) < 200_000
    assert capfd.readouterr() == ("", "")


def test_prints_and_warnings_are_not_repeated_and_numbers_may_overflow() -> None:
    assert run_student_code(printing) == -np.inf


def test_an_error_is_told_with_the_students_own_line() -> None:
    code = written(
        """
        def cce(y, yhat):
            z = y * yhat
            return np.dot(z, z)
        """
    )
    report = checked(cce, cce=code["cce"])
    assert "Found ValueError: shapes (4,1) and (4,1) not aligned" in said(report, "OneSample")
    assert "line 3: return np.dot(z, z)" in said(report, "OneSample")
    assert "lib/" not in str(report)


def test_an_error_below_several_of_the_students_functions_shows_the_innermost() -> None:
    code = written("def inner(y):\n    return y[99]\n\ndef cce(y, yhat):\n    return inner(y)")
    assert "Your line 2: return y[99]" in said(checked(cce, cce=code["cce"]), "OneSample")


def test_inputs_that_student_code_writes_into_are_fresh_for_the_next_statement() -> None:
    """To write into them is one mistake: the statement that looks for it is wrong, and no other."""

    class Forward(Softmax):
        def forward(self, input: Any) -> Any:
            output = super().forward(input.copy())
            input[:] = 0
            return output

    class Backward(Softmax):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            result = super().backward(output_gradient.copy())
            output_gradient[:] = self.output[:] = 0
            return result

    for part, layer in ((softmax_forward, Forward), (softmax_backward, Backward)):
        report = checked(part, Softmax=layer)
        *others, wrong = sorted(states(report).values())
        assert wrong == "wrong" and {*others} == {"right"}
        assert f"{layer.__name__.lower()} changes the" in str(report)


def test_an_endless_loop_is_ended_with_a_sentence_and_told_once() -> None:
    ended = threading.Event()

    def endless(*_: Any, **__: Any) -> None:
        try:
            while True:
                pass
        finally:
            ended.set()

    report = checked(train, train=endless)
    assert ended.is_set()
    assert said(report, "EveryBatch").startswith("It was still running after 3 seconds.")
    assert said(report, "EpochLoss") == "Not tested: statement 1 did not end in time."
    assert list(states(report).values()) == ["wrong", "not checked", "not checked", "not checked"]


def test_a_loop_that_ignores_the_stop_signal_is_left_behind_and_keeps_nothing() -> None:
    enough, threads, filters = threading.Event(), [], list(warnings.filters)

    def stubborn() -> None:
        threads.append(threading.current_thread())
        while not enough.is_set():
            try:
                while not enough.is_set():
                    time.sleep(0.001)
            except BaseException:
                continue

    with redirect_stdout(io.StringIO()) as heard, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        outcome = run_student_code(stubborn, seconds=0.05)
        print("still heard")
        warnings.warn("still warned", stacklevel=1)
    enough.set()
    assert outcome == Failure("time", "It was still running after 0.05 seconds. Is there a loop that never ends?")
    assert heard.getvalue() == "still heard\n"
    assert [str(warning.message) for warning in warned] == ["still warned"]
    threads[0].join()
    assert list(warnings.filters) == filters  # nor does it change anything when it ends at last


def test_code_that_ends_in_time_runs_in_one_thread_and_leaves_nothing_for_the_next() -> None:
    deepest = sys.getrecursionlimit()

    def careless() -> Any:
        np.seterr(divide="raise")
        sys.setrecursionlimit(deepest - 1)
        return threading.current_thread()

    first = run_student_code(careless)
    assert first != threading.current_thread()
    assert sys.getrecursionlimit() == deepest, "a low limit would break the check itself"
    assert run_student_code(threading.current_thread) == first
    assert run_student_code(np.geterr) == {**dict.fromkeys(np.geterr(), "ignore")}
    assert run_student_code(endless_sleep, seconds=0.05) == run_student_code(endless_sleep, seconds=0.05)
    assert run_student_code(threading.current_thread) not in (first, threading.current_thread())


def test_student_code_may_call_a_check_of_its_own() -> None:
    inner: list[Any] = []

    def checking(*_: Any, **__: Any) -> float:
        inner.append(run_student_code(threading.get_ident))
        return float(threading.get_ident())

    assert run_student_code(checking) != inner[0]
    assert isinstance(inner[0], int)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system doesn't fork.")
def test_a_fork_has_threads_of_its_own() -> None:
    assert run_student_code(lambda: 1) == 1
    child = os.fork()
    if child == 0:
        os._exit(0 if run_student_code(lambda: 1) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_one_route_that_never_ends_leaves_the_other_its_time() -> None:
    class Endless(Softmax):
        def forward(self, input: Any) -> Any:
            while True:
                pass

    answered = answer(softmax_backward, softmax_backward.draw(np.random.default_rng(0)), (Endless,))
    records = {name: record for statement in answered.values() for name, record in statement.items()}
    assert {name.partition("/")[0] for name, record in records.items() if "shape" in record} == {"given"}
    assert {name.partition("/")[0] for name, record in records.items() if record.get("failure") == "time"} == {"own"}


def test_an_open_blank_is_trouble_of_its_own_kind_and_no_other_exception_is() -> None:
    assert failure_of(OpenBlank("Blank 1.")) == Failure("blank", "Blank 1.")

    class Pretender(Exception):
        sentence = "Blank 1."

    Pretender.__name__ = "OpenBlank"
    assert failure_of(Pretender()).kind == "error"


def test_what_our_own_process_runs_may_be_interrupted() -> None:
    from lib.checking.student_code import attempt

    with pytest.raises(KeyboardInterrupt):
        attempt(raising(KeyboardInterrupt()))
    assert isinstance(attempt(raising(ZeroDivisionError())), Failure)


def test_what_our_own_process_runs_warns_nobody_as_a_mistake_that_takes_the_mean_of_nothing_would() -> None:
    from lib.checking.student_code import attempt

    with warnings.catch_warnings(action="error"):
        assert np.isnan(attempt(lambda: np.mean([])))


@pytest.mark.parametrize(
    "value", [3, 2.5, True, [1, 2], np.float32(1), np.ones((2, 2), dtype=np.int8), EqualNumber(3.0)]
)
def test_numbers_are_read_as_floats_of_their_own(value: Any) -> None:
    array = numbers(value)
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    assert not np.shares_memory(array, np.asarray(value))


@settings(max_examples=300, derandomize=True)
@given(*(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=3, max_size=3) for _ in "ab"))
def test_finite_numbers_are_close_where_numpy_says_so(one: list[float], other: list[float]) -> None:
    found, right = np.array(one), np.array(other)
    for near in (found, right, right * (1 + 0.9e-4), right * (1 + 1.1e-4), right + 0.9e-6, right + 1.1e-6):
        assert are_close(near, right) == np.allclose(near, right, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("one", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("other", [0.0, np.nan, np.inf, -np.inf])
def test_nothing_is_close_to_what_is_not_finite(one: float, other: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not are_close(np.array([one]), np.array([other]))
        assert not are_close(np.array([other]), np.array([one]))
