"""What code writes into its arguments is in no other call of any code: a row for each part of the units."""

import copy
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from lib.checking.looks import SEED
from lib.unit import Inputs, NamedResults, Part
from tests.checking.desk import PARTS, judged, key_of, lost
from tests.checking.little import desk_and_judge, one


def fill(given: Any) -> None:
    if isinstance(given, np.ndarray) and given.dtype.kind == "f":
        given[...] = np.nan
    for each in given if isinstance(given, list | tuple) else ():
        fill(each)


def copied(given: Any) -> Any:
    return copy.deepcopy(given) if isinstance(given, np.ndarray | list) else given


def writing(function: Any) -> Any:
    """Have a function work on copies of its arrays, and write into those that it is given."""

    def run(*given: Any, **named: Any) -> Any:
        try:
            return function(*map(copy_one, given), **{name: copy_one(each) for name, each in named.items()})
        finally:
            write((*given, *named.values()))

    copy_one, write = copied, fill
    # Where its names are looked up is where the spies of a loop stand.
    return FunctionType(run.__code__, function.__globals__, closure=run.__closure__)


def writing_everywhere(subject: Any) -> Any:
    """Have a function do so, or each method that a class has of its own and that takes an array."""
    if not isinstance(subject, type):
        return writing(subject)
    methods = {name: writing(vars(subject)[name]) for name in ("forward", "backward", "step") if name in vars(subject)}
    return type(subject.__name__, (subject,), methods)


@pytest.mark.parametrize("part", PARTS.values(), ids=lambda part: part.id)
def test_what_code_writes_into_its_arguments_costs_no_more_than_the_statements_that_look_there(part: Part) -> None:
    code = {name: writing_everywhere(key_of(part).right[name]) for name in part.subjects}
    keeping = {each.name for each in part.statements if {*each.keeps} - {SEED} and each.points}
    assert lost(judged(part, code)[0]) == keeping


def test_each_access_gives_a_copy_and_what_is_left_is_read_of_any() -> None:
    """By another name of it, as a part of it, or in a list: what code writes there is told by the statement, too."""

    def look(inputs: Inputs, f: Any) -> NamedResults:
        given = {**inputs}
        views = [inputs["x"][:2], inputs["several"][0], inputs["x_big"]]
        return NamedResults(
            all=[f(each).sum() for each in (inputs["x"], inputs["x"], inputs["several"][1], given["x"], *views)]
        )

    def draw(rng: np.random.Generator) -> Inputs:
        return {"x_big": rng.normal(size=4), "several": [np.ones(3), np.arange(3.0)]}

    def write(x: Any) -> Any:
        result = x + 1
        x *= 0
        return result

    cases: dict[str, Any] = {"look": look, "draw": draw, "of": ("all",), "cases": ("big",)}
    add = lambda x: x + 1  # noqa: E731
    for kept, state in ((), "right"), (("x",), "wrong"), (("several",), "wrong"), (("x_big",), "wrong"):
        [finding], _, verdict = desk_and_judge(one(keeps=kept, **cases), add, write)
        assert (finding.state, verdict.points) == (state, float(state == "right"))
        assert desk_and_judge(one(keeps=kept, **cases), add, add)[2].points == 1
