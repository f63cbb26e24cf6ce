"""The form of a unit: what Python would notice late, or never, is told at the author's own line, with what to write."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lib.answer_key import AnswerKey
from lib.checking.findings import find
from lib.checking.looks import look_at_ours
from lib.checking.right import expected
from lib.mistakes import Mistake
from lib.unit import Inputs, NamedResults, Part, Unit, statement


@statement("The number doubled.")
def Twice(inputs: Inputs, double: Any) -> Any:
    return double(inputs["x"])


def draw(rng: np.random.Generator) -> Inputs:
    return {"x": rng.uniform(1, 2)}


PART = Part("check-double", "Double", ("double",), draw, (Twice,))
WRONG = Mistake("check-double", "It is not doubled.", "Double it.", ("double = lambda x: x",))
KEY = AnswerKey(Unit("doubling", "Doubling", (PART,)), {"double": lambda x: 2 * x}, (WRONG,))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: replace(KEY.unit, parts=PART), "doubling: its parts must be a tuple of Part, not a Part"),
        (lambda: replace(KEY.unit, parts=(PART, PART)), "doubling: 2 parts have the id 'check-double'"),
        (
            lambda: replace(PART, subjects="double"),
            "check-double: its subjects must be a tuple of str, not 'double'. Write",
        ),
        (lambda: replace(PART, statements=Twice), "check-double: its statements must be a tuple of Statement"),
        (lambda: replace(PART, statements=[Twice]), "check-double: its statements must be a tuple of Statement"),
        (lambda: replace(PART, statements=(draw,)), "check-double: its statements must be a tuple of Statement"),
        (lambda: replace(PART, statements=(Twice, Twice)), "check-double: 2 statements are called Twice. Give each"),
        (
            lambda: replace(PART, statements=tuple(replace(Twice, name=name, look=lambda *_: 2) for name in "BA")),
            "check-double: the look of B has the name of another one.",
        ),
        (lambda: replace(Twice, text=""), "Twice: it has no text"),
        (lambda: replace(Twice, points=-1), "Twice: points=-1 must be a number of at least 0"),
        (lambda: replace(Twice, points="2"), "Twice: points='2' must be a number of at least 0"),
        (lambda: replace(KEY, right={"__name__": "right", "dobule": abs}), "`right` has no double, which check-double"),
    ],
)
def test_what_is_put_together_wrongly_is_told(make, said):
    with pytest.raises((TypeError, ValueError)) as told:
        make()
    assert str(told.value).startswith(said)


RUNS: list[str] = []
DOUBLED = expected(lambda inputs: 2 * inputs["x"])


@statement("It doubles.", DOUBLED, points=2, of=("one",))
@statement("It doubles a hundred.", expected(lambda inputs: 200), of=("large", "sign"), name="hundred")
@statement("It says what it is.", expected(lambda inputs: "a number"))
def doubled(inputs: Inputs, double: Any) -> Any:
    RUNS.append("doubled")
    return NamedResults({"one": double(inputs["x"]), "large": double(100), "sign": -double(-100), "": "a number"})


@pytest.mark.parametrize(
    ("double", "right"),
    [
        (lambda x: 2 * x, ["one", "hundred", "doubled"]),
        (lambda x: 2 * abs(x), ["one", "doubled"]),
        (lambda x: 2 * x if abs(x) > 2 else x, ["hundred", "doubled"]),
    ],
)
def test_statements_on_one_look_are_judged_each_by_its_own_side_and_the_look_runs_once(double, right):
    part, inputs = replace(PART, statements=(doubled, Twice)), PART.desk_inputs()
    assert [each.points for each in part.statements] == [2, 1, 1, 1]
    RUNS.clear()
    shown = look_at_ours(part, inputs, (double,))
    assert len(RUNS) == 1
    found = find(replace(PART, statements=doubled), inputs, shown, {})
    assert [each.name for each in found if each.state == "right"] == right
