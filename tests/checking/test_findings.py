"""Statements of all kinds, at the desk and at grading: both find the same, and say what is wrong."""

from typing import Any

import numpy as np
import pytest

from lib.checking import right, student_code
from lib.checking.answers import answer
from lib.checking.calls import Calls
from lib.checking.findings import NOT_TESTED
from lib.grading.errors import UnitFailsError
from lib.unit import Inputs, Several, Statement
from tests.checking.little import desk_and_judge, one, part_of, said, states


def draw_many(rng: np.random.Generator) -> Inputs:
    return {"xs": [rng.normal(size=n) for n in (2, 3)], "g": np.exp, "d": {(1, 2): 3.0}, "name": "a"}


def of_many(inputs: Inputs, f: Any) -> Any:
    return f(inputs["xs"], inputs["g"], inputs["d"])


def many(xs: Any, g: Any, d: Any) -> Any:
    return [g(x) for x in xs] + [d[1, 2]]


def calls_of(inputs: Inputs, f: Any) -> Any:
    calls = Calls()
    return calls.and_result(f(calls("a", lambda x, y=2: x + y), calls("b", lambda x: 2 * x)))


def in_order(a: Any, b: Any) -> Any:
    return a(1) + b(2) + a(x=3, y=4)


def in_place(x: Any) -> Any:
    x -= 1
    return x + 1


def square(x: Any, inputs: Inputs) -> Any:
    return (x**2).sum()


RESULTS = one()
MANY = one(of_many, draw_many)
CALLS = one(calls_of, of=("a", "b", "result"))
KEEPS = one(keeps=("x",), examples=(({"x": np.ones(2)}, np.ones(2)),))
SLOPES = one(right=right.slopes(square, "x"))
SHAPE = one(right=right.shape(lambda inputs: inputs["x"].shape))
AGREE = one(lambda inputs, f: (f(inputs["x"]), f(inputs["x"] + 1)), right=right.agree)
SEALED = one(sealed=True)
CODE = [
    # (part, right code, code, whether it is right, what is said of wrong code)
    (RESULTS, lambda x: {(1, "a"): x, (2.0, "b"): 3}, lambda x: {(2, "b"): 3, (1, "a"): list(x)}, True, ""),
    (RESULTS, lambda x: {(1, "a"): x, (2.0, "b"): 3}, lambda x: {(1, "a"): x, (3, "b"): 3}, False, "[(2, 'b')]"),
    (RESULTS, lambda x: {round(v, 3) for v in x}, lambda x: {round(v, 1) for v in x}, False, "Found"),
    (RESULTS, lambda x: [x, x[:2], x[:, None]], lambda x: [x, x[:2], x], False, "Where: [2]. Found shape (4,)"),
    (RESULTS, lambda x: "abc", lambda x: "abd", False, "Found 'abd', expected 'abc'."),
    (RESULTS, lambda x: np.array([1, np.inf]), lambda x: np.array([1, 2.0]), False, "Found 2, expected inf."),
    (RESULTS, lambda x: x, lambda x: None, False, "The result is missing."),
    (RESULTS, lambda x: x, lambda x: x[99], False, "It raised IndexError"),
    (RESULTS, lambda x: [1, "a"], lambda x: (1, "a"), True, ""),
    (MANY, many, many, True, ""),
    (MANY, many, lambda xs, g, d: [np.sin(x) for x in xs] + [3], False, "Where: [0], entry 0."),
    (CALLS, in_order, lambda a, b: b(2) + a(y=2, x=1) + a(y=4, x=3), True, ""),
    (CALLS, in_order, lambda a, b: a(3, 4) + a(1) + b(2), False, "Where: a[0]['x']. Found 3, expected 1."),
    (CALLS, in_order, lambda a, b: a(1) + b(2), False, "Where: a. Found 1 entry, expected 2 entries."),
    (CALLS, in_order, lambda a, b: a(z=3), False, "got an unexpected keyword argument 'z'"),
    (KEEPS, lambda x: x + 0, in_place, False, "The code changes x, which it is given."),
    (KEEPS, lambda x: x + 0, lambda x: x + 0, True, ""),
    (KEEPS, lambda x: x + 0, lambda x: x + (len(x) == 2), False, "Where: x = [1., 1.], entry 0. Found 2, expected 1."),
    (SLOPES, lambda x: 2 * x, lambda x: 2 * x, True, ""),
    (SLOPES, lambda x: 2 * x, lambda x: -2 * x, False, "Found"),
    (SLOPES, lambda x: 2 * x, lambda x: x[:2], False, "Found shape (2,), expected shape (4,)."),
    (SHAPE, lambda x: x, lambda x: 7 * x, True, ""),
    (SHAPE, lambda x: x, lambda x: x[None], False, "The result has the wrong shape. Found shape (1, 4)"),
    (AGREE, lambda x: x - x.max(), lambda x: x - x.mean(), True, ""),
    (AGREE, lambda x: x - x.max(), lambda x: x, False, "Found"),
    (SEALED, lambda x: "secret", lambda x: "secret", True, ""),
    (SEALED, lambda x: "secret", lambda x: "guess", False, "The result is not the right one."),
    *((RESULTS, lambda x: 3 * x, lambda x, e=e: 3 * x * (1 + e), e < 1e-4, "") for e in (5e-5, 9e-5, 1.1e-4, 1e-3)),
]


def test_desk_and_judge_find_the_same_of_any_kind_of_result() -> None:
    off = []
    for row, (part, correct, code, is_right, words) in enumerate(CODE):
        findings, _, verdict = desk_and_judge(part, correct, code)
        found = [findings[0].state, *(each.state for each in verdict.statements)]
        if {*found} != {"right" if is_right else "wrong"} or words not in said(findings[0]):
            off.append((row, found, said(findings[0])))
    assert not off


def test_inputs_and_examples_are_copies_so_one_attempt_spoils_no_later_one() -> None:
    assert states(KEEPS, lambda x: x + 0, in_place) == ["wrong"]
    assert states(KEEPS, lambda x: x + 0, lambda x: x + 0) == ["right"]


def test_what_rests_on_a_wrong_statement_is_not_tested() -> None:
    def look(inputs: Inputs, f: Any) -> Several:
        return Several(one=f(1), two=f(2), three=f(3))

    right_of = right.by_name(
        **{n: right.expected(lambda _, n=at: n) for at, n in enumerate(("one", "two", "three"), 1)}
    )
    part = part_of(
        Statement("First", "One.", look, right_of, of=("one",)),
        Statement("Second", "Two.", look, right_of, of=("two",), depends_on=("First",)),
        Statement("Third", "Three.", look, right_of, of=("three",)),
    )
    findings, _, verdict = desk_and_judge(part, lambda n: n, lambda n: 0 if n == 1 else n)
    assert [each.state for each in findings] == ["wrong", "not checked", "right"]
    assert findings[1].why == verdict.statements[1].why == NOT_TESTED.format(1)
    assert verdict.points == 1


def test_several_results_of_one_run_fail_each_by_itself() -> None:
    ran = []

    def look(inputs: Inputs, f: Any) -> Several:
        ran.append(1)
        return Several(one=f(1), two=lambda: f(2))

    about = [Statement(n, f"{n}.", look, right.expected(lambda inputs: 1), of=(n,)) for n in ("one", "two")]
    assert states(part_of(*about), lambda n: 1, lambda n: 1 / (2 - n)) == ["right", "wrong"]
    assert len(ran) == 4  # for `build`, at the desk, and on both draws at grading


def test_a_case_has_its_own_inputs() -> None:
    def draw(rng: np.random.Generator) -> Inputs:
        return {"x_small": rng.normal(size=2), "x_big": rng.normal(size=5)}

    part = one(draw=draw, cases=("small", "big"))
    findings, _, _ = desk_and_judge(part, np.sum, lambda x: np.sum(x) * (len(x) < 5))
    assert findings[0].state == "wrong"
    assert states(part, np.sum, sum) == ["right"]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (one(lambda inputs, f: f(inputs["y"])), np.sum),
        (one(examples=(({"x": np.ones(2)}, 3.0),)), np.sum),
        (one(draw=lambda rng: {"x": rng.normal(size=0)}), lambda x: x[0]),
    ],
    ids=["a look asks for what isn't drawn", "right code differs from its example", "right code fails on the draw"],
)
def test_a_slip_of_the_author_is_told_as_the_units(part: Any, code: Any) -> None:
    with pytest.raises(UnitFailsError):
        desk_and_judge(part, code, code)


def test_what_a_look_cannot_go_on_with_is_no_error_of_the_students(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student_code, "_FOREIGN", [*student_code._FOREIGN, __file__])

    def items(inputs: Inputs, f: Any) -> Any:
        return sorted([*key, n] for key, n in f(inputs["x"]).items())

    findings, _, _ = desk_and_judge(one(items), lambda x: {("a", "b"): 1.0}, lambda x: [1])
    assert said(findings[0]).startswith("The check can't go on with what your code gave. In the check: AttributeError")


def test_an_answer_without_its_arguments_says_so_for_all() -> None:
    assert answer(RESULTS, 5, ())["secret"][""]["text"] == "This check takes f. It was called with no argument."


def test_two_looks_of_one_name_are_refused() -> None:
    looks: list[Any] = [lambda inputs, f: f(1), lambda inputs, f: f(2)]
    with pytest.raises(ValueError, match="check-f: the look of B has the name of another one"):
        part_of(*(Statement(name, "One.", look) for name, look in zip(("B", "A"), looks, strict=True)))
