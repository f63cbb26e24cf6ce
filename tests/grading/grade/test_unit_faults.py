"""The form of a unit: what Python would notice late, or never, is told with what to write in its place."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lib.answer_key import AnswerKey
from lib.grading import units
from lib.grading.grade.unit_faults import faults_of_form
from lib.mistakes import Mistake
from lib.unit import Inputs, Part, Unit, statement


@statement("The number doubled.")
def Twice(inputs: Inputs, double: Any) -> Any:
    return double(inputs["x"])


def draw(rng: np.random.Generator) -> Inputs:
    return {"x": rng.uniform(1, 2)}


PART = Part("check-double", "Double", ("double",), draw, (Twice,))
WRONG = Mistake("check-double", "It is not doubled.", "Double it.", ("double = lambda x: x",))
KEY = AnswerKey(Unit("doubling", "Doubling", (PART,)), {"double": lambda x: 2 * x}, (WRONG,))


def with_part(**changes):
    return replace(KEY, unit=replace(KEY.unit, parts=(replace(PART, **changes),)))


@pytest.mark.parametrize(
    ("key", "problem", "found"),
    [
        (replace(KEY, unit=replace(KEY.unit, parts=PART)), "the parts are not a tuple", "an object of the class Part"),
        (replace(KEY, unit=replace(KEY.unit, parts=(PART, PART))), "several parts with one id", "2 of them"),
        (with_part(subjects="double"), "the subjects are not a tuple", "'double'"),
        (with_part(statements=(replace(Twice, text=""),)), "a statement that says nothing", "no text"),
        (with_part(statements=(replace(Twice, points=-1),)), "points that are no number from 0", "-1"),
        (with_part(statements=(replace(Twice, points="2"),)), "points that are no number from 0", "'2'"),
        (replace(KEY, right={"__name__": "right", "dobule": abs}), "no right code for what a part checks", "'dobule'"),
        (replace(KEY, mistakes=WRONG), "the mistakes are not a tuple", "an object of the class Mistake"),
    ],
)
def test_what_is_put_together_wrongly_is_told(key, problem, found):
    told = str(next(faults_of_form(key, "doubling.closed.ANSWER_KEY")))
    assert problem in told
    assert f"Found:    {found}\n" in told


@pytest.mark.parametrize("statements", [Twice, [Twice], (draw,)], ids=["one", "a list", "a function"])
def test_statements_that_are_none_are_told_at_once(statements):
    with pytest.raises(TypeError, match="check-double: its statements are no tuple"):
        replace(PART, statements=statements)


def test_a_unit_has_the_name_of_its_folder():
    """Another one's copy has not: by its name the judge would look for what it knows of that one's mistakes."""
    [told] = faults_of_form(KEY, "tripling.closed.ANSWER_KEY", "tripling")
    assert "Found:    the name 'doubling'\nExpected: 'tripling'\n" in str(told)
    assert not [*faults_of_form(KEY, "doubling.closed.ANSWER_KEY", "doubling")]


@pytest.mark.parametrize("unit", [None, *units.places()])
def test_what_is_put_together_well_has_no_fault(unit):
    assert not [*faults_of_form(units.answer_key(unit) if unit else KEY, "its answers")]
