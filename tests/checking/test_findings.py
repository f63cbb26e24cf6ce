"""Statements of all kinds, at the desk and at grading: both find the same, and say what is wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lib.checking import right, student_code
from lib.checking.spies import Calls
from lib.unit import Inputs, NamedResults, Statement
from tests.checking.little import desk_and_judge, one, part_of, said


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
FIRST = one(right=right.expected(lambda inputs: inputs["x"], lambda result: result[0]))
LISTS = one(right=right.expected(lambda inputs: [inputs["x"], inputs["x"][:2]]))
CASES = one(draw=lambda rng: {"x_small": rng.normal(size=2), "x_big": rng.normal(size=5)}, cases=("small", "big"))
CODE = [
    # (part, right code, code, what is said where it is wrong)
    (RESULTS, lambda x: {(1, "a"): x, (2.0, "b"): 3}, lambda x: {(2, "b"): 3, (1, "a"): list(x)}, ""),
    (RESULTS, lambda x: {(1, "a"): x, (2.0, "b"): 3}, lambda x: {(1, "a"): x, (3, "b"): 3}, "Where: key (2, 'b')."),
    (RESULTS, lambda x: [x, x[:2], x[:, None]], lambda x: [x, x[:2], x], "Where: entry 2. Found shape (4,)"),
    (RESULTS, lambda x: "a", lambda x: "b", "Found 'b', expected 'a'."),
    (RESULTS, lambda x: np.inf, lambda x: 2.0, "Found 2, expected inf."),
    (RESULTS, lambda x: x, lambda x: None, "The result is missing."),
    (RESULTS, lambda x: x, lambda x: x[99], "It raised IndexError"),
    (MANY, many, many, ""),
    (MANY, many, lambda xs, g, d: [np.sin(x) for x in xs] + [3], "Where: entry 0, 0."),
    (CALLS, in_order, lambda a, b: b(2) + a(y=2, x=1) + a(y=4, x=3), ""),
    (CALLS, in_order, lambda a, b: a(3, 4) + a(1) + b(2), "Where: a, entry 0, x. Found 3, expected 1."),
    (CALLS, in_order, lambda a, b: a(1) + b(2), "Where: a. Found 1 entry, expected 2 entries."),
    (CALLS, in_order, lambda a, b: a(z=3), "got an unexpected keyword argument 'z'"),
    (KEEPS, lambda x: x + 0, in_place, "The code changes x, which it is given."),
    (KEEPS, lambda x: x + 0, lambda x: x + 0, ""),
    (KEEPS, lambda x: x + 0, lambda x: x + (len(x) == 2), "Where: x = [1., 1.], entry 0. Found 2, expected 1."),
    (SLOPES, lambda x: 2 * x, lambda x: 2 * x, ""),
    (SLOPES, lambda x: 2 * x, lambda x: -2 * x, "Found"),
    (SLOPES, lambda x: 2 * x, lambda x: x[:2], "Found shape (2,), expected shape (4,)."),
    (SHAPE, lambda x: x, lambda x: 7 * x, ""),
    (SHAPE, lambda x: x, lambda x: x[None], "The result has the wrong shape. Found shape (1, 4)"),
    (SHAPE, lambda x: x, lambda x: [x, x[:2]], "The result has the wrong shape."),
    (FIRST, lambda x: x, lambda x: x + np.arange(4), ""),
    (FIRST, lambda x: x, lambda x: x + 1, "Found"),
    (FIRST, lambda x: x, lambda x: x[:2], "Found shape (2,), expected shape (4,)."),
    (LISTS, lambda x: [x, x[:2]], lambda x: [x, x[:2]], ""),
    (LISTS, lambda x: [x, x[:2]], lambda x: [x, 0 * x[:2]], "Where: entry 1, 0. Found 0"),
    (LISTS, lambda x: [x, x[:2]], lambda x: [x], "expected a list with 2 entries."),
    (LISTS, lambda x: [x, x[:2]], lambda x: x, "expected a list with 2 entries."),
    (CASES, np.sum, sum, ""),
    (CASES, np.sum, lambda x: np.sum(x) * (len(x) < 5), "Found 0"),
    (RESULTS, lambda x: 3 * x, lambda x: 3 * x * (1 + 0.9e-4), ""),
    (RESULTS, lambda x: 3 * x, lambda x: 3 * x * (1 + 1.1e-4), "Found"),
]


def test_desk_and_judge_find_the_same_of_any_kind_of_result() -> None:
    off = []
    for row, (part, correct, code, words) in enumerate(CODE):
        findings, _, verdict = desk_and_judge(part, correct, code)
        found = {findings[0].state, *(each.state for each in verdict.statements)}
        if found != {"wrong" if words else "right"} or words not in said(findings[0]):
            off.append((row, found, said(findings[0])))
    assert not off


def test_of_several_results_of_one_run_each_is_judged_by_itself_and_a_shared_failure_is_told_once() -> None:
    ran = []

    def look(inputs: Inputs, f: Any) -> NamedResults:
        ran.append(1)
        return NamedResults(one=f(1), two=lambda: f(2), three=f(3))

    ones = right.expected(lambda inputs: 1)
    right_of = right.by_name(one=ones, two=right.expected(lambda inputs: 2), three=ones)
    first, second, third = (Statement(n, f"{n}.", look, right_of, of=(n,)) for n in ("one", "two", "three"))
    part = part_of(first, second, replace(third, depends_on=("two",)))
    findings, _, verdict = desk_and_judge(part, {1: 1, 2: 2, 3: 1}.get, {1: 1, 3: 1}.__getitem__)
    assert [each.state for each in findings] == ["right", "wrong", "right"]
    assert verdict.points == 2
    assert len(ran) == 5  # for `build` twice, since it may be random; at the desk, and on both draws at grading
    sizes = {1: 3, 2: 3, 3: 4}  # the same line raises for all, with other shapes in the message

    def code(n: int) -> Any:
        return np.ones(sizes[n]) @ np.ones(2)

    findings, _, verdict = desk_and_judge(part, {1: 1, 2: 2, 3: 1}.get, code)
    for each in (findings, verdict.statements):
        assert [found.state for found in each] == ["wrong", "not checked", "not checked"]
        assert len({getattr(found.why, "text", found.why) for found in each}) == 1


def test_what_a_look_cannot_go_on_with_is_no_error_of_the_students(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student_code, "_FOREIGN", [*student_code._FOREIGN, __file__])

    def items(inputs: Inputs, f: Any) -> Any:
        return sorted([*key, n] for key, n in f(inputs["x"]).items())

    findings, _, _ = desk_and_judge(one(items), lambda x: {("a", "b"): 1.0}, lambda x: [1])
    assert said(findings[0]).startswith("The check can't use the result of your code. In the check: AttributeError")
