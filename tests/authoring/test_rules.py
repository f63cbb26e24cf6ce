"""Laws of a unit's code that a change of one text can't break: test_broken_units.py has the others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Configurable

from lib.answer_key import AnswerKey
from lib.authoring.rules import OF_CODE, faults_of
from lib.authoring.rules.code import MANY
from lib.authoring.trial import Trial
from lib.mistakes import Mistake
from lib.unit import Part, statement
from tests.grading import relu_unit
from tests.grading.relu_unit import ABSOLUTE, ANSWER_KEY


def told(key: AnswerKey, rules: Any = OF_CODE) -> list[str]:
    """Return the report on a unit that no folder has."""
    trial = Trial("relu", Path(), {}, Configurable(), key)
    return [str(fault) for _, fault in faults_of(trial, rules)]


def with_part(part: Part, **changes: Any) -> AnswerKey:
    parts = tuple(replace(each, **changes) if each is part else each for each in ANSWER_KEY.parts)
    return replace(ANSWER_KEY, unit=replace(ANSWER_KEY.unit, parts=parts))


def a(name: str, *sources: str, part: str = "check-mse", **more: Any) -> AnswerKey:
    """The key with a mistake more."""
    return replace(ANSWER_KEY, mistakes=(*ANSWER_KEY.mistakes, Mistake(part, name, "Which?", sources, **more)))


@statement("The mean of squares is the same for any class.", hint="Print it.")
def Borrowed(inputs: Any, mse: Any, ReLU: Any) -> Any:
    return mse(ReLU().forward(inputs["x"]), inputs["g"])


@statement("It is symmetric.", lambda found, inputs, name: tuple(found), hint="Print both.")
def Agrees(inputs: Any, mse: Any) -> Any:
    return [mse(inputs["x"], inputs["g"]), mse(inputs["g"], inputs["x"])]


class Scaled:
    """Right code that calls other right code by its name."""

    def loss(self, y: Any, yhat: Any) -> Any:
        return mse(y, yhat) * len(y)


@statement("It is scaled.", hint="Print it.")
def Scales(inputs: Any, Scaled: Any) -> Any:
    return Scaled().loss(inputs["x"], inputs["g"])


mse = relu_unit.mse
CALLER = Part("check-scaled", "Scaled", ("Scaled",), relu_unit.draw, (Scales,))
HELPED = Part("check-helped", "Helped", ("mse", "ReLU"), relu_unit.draw, (Borrowed,))


def beside(part: Part, **code: Any) -> AnswerKey:
    unit = replace(ANSWER_KEY.unit, parts=(*ANSWER_KEY.parts, part))
    return replace(ANSWER_KEY, unit=unit, right={**ANSWER_KEY.right, **code})


FAULTS: dict[str, tuple[AnswerKey, list[str]]] = {
    "what is compared comes from one side": (
        with_part(relu_unit.loss, statements=(Agrees,)),
        ["the part 'check-mse' has the same right results on many draws", f"in {MANY} of {MANY} draws"],
    ),
    "it can't be defined": (
        a("Odd", "mse = squares"),
        ["relu: ", "'Odd'", "can't be run", "NameError: name 'squares'"],
    ),
    "it is another one": (
        a("Again", *ABSOLUTE.sources),
        ["'Again' of 'check-mse': a mistake without results of its own", "way 1: the same as"],
    ),
    "a part is given other code": (
        beside(HELPED),
        ["the part 'check-helped' loses points for a mistake in another part, the mistake 'The sign is turned' of "],
    ),
    "a part's right code calls other code": (
        beside(CALLER, Scaled=Scaled),
        ["the part 'check-scaled' loses points for a mistake in another part, the mistake 'The error is absol"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_fault_says_where_and_what(fault: str) -> None:
    key, says = FAULTS[fault]
    first = (told(key) or [""])[0]
    assert [each for each in says if each not in first] == [], first


def test_what_keeps_the_laws_has_no_fault() -> None:
    """Also what says that it can't be told, and a change of any result that is none here."""
    untold = a("Raises", "def mse(y, yhat):\n    return y[99]", is_untold=True)
    generic = a("Transposed", "mse = changed(mse, lambda r: r.T)", is_generic=True)
    for key in (ANSWER_KEY, untold, generic):
        assert told(key) == []
