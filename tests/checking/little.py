"""Little parts, and what becomes of code at the desk and at grading: through JSON, as in a class.

`check` has a loss, its slope and a layer, for tests of what surrounds a check.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import build
from lib.checking import right, student_code
from lib.checking.challenges import answer
from lib.checking.dispatch import Checks
from lib.checking.findings import Finding, find
from lib.checking.fingerprints import name_mistakes
from lib.checking.looks import look_at
from lib.grading.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.mistakes import Mistake
from lib.unit import Inputs, Part, Statement, Unit, statement

student_code._FOREIGN.append(__file__)  # no student's, as the code of a unit
Draw = Callable[[np.random.Generator], Inputs]


def four(rng: np.random.Generator) -> Inputs:
    return {"x": rng.normal(size=4)}


def of_x(inputs: Inputs, f: Any) -> Any:
    return f(inputs["x"])


def part_of(*statements: Statement, draw: Draw = four) -> Part:
    return Part("check-f", "F", ("f",), draw, statements)


def one(look: Any = of_x, draw: Draw = four, **more: Any) -> Part:
    return part_of(Statement("S", "It is right.", look, **more), draw=draw)


def desk_and_judge(
    part: Part, right: Any, code: Any, *mistakes: Mistake
) -> tuple[list[Finding], list[str], PartVerdict]:
    """Return the desk's findings, its names of mistakes, and the verdict."""
    key = AnswerKey(Unit("little", "Little", (part,)), {"f": right}, mistakes)
    at_desk, inputs = build(key), part.desk_inputs()
    shown = look_at(part, inputs, (code,))
    findings = find(part, inputs, shown, at_desk.right[part.id])
    failed = [each.name for each in findings if each.why]
    names = [mistake.name for mistake in name_mistakes(part, inputs, shown, at_desk, failed)]
    with patch.object(judge, "shipped", lambda key: at_desk):
        given = json.loads(json.dumps(answer(part, 5, (code,)), allow_nan=False))
        return findings, names, judge.judge(key, part, 5, given)


def said(finding: Finding) -> str:
    return finding.why.sentence if finding.why else "None"


def mistakes_of(sources: Mapping[str, str]) -> list[Mistake]:
    return [Mistake("check-f", name, "Look again.", (source,)) for name, source in sources.items()]


SQUARES = right.expected(lambda inputs: (inputs["x"] ** 2).mean())


def draw_matrix(rng: np.random.Generator) -> Inputs:
    return {"x": rng.normal(size=(3, 4))}


@statement(
    "It is the mean of the squares.",
    SQUARES,
    hint="Square by hand.",
    keeps=("x",),
    lines="mean|sum",
    what="The loss is not the mean of the squares.",
)
def Mean(inputs: Inputs, loss: Any) -> Any:
    return loss(inputs["x"])


@statement("It grows with the square.", SQUARES, depends_on=("Mean",))
def Large(inputs: Inputs, loss: Any) -> Any:
    return loss(10 * inputs["x"]) / 100


@statement("It does not look at the sign.", SQUARES, depends_on=("Mean",))
def Sign(inputs: Inputs, loss: Any) -> Any:
    return loss(-inputs["x"])


@statement("It takes whole numbers.", right.expected(lambda inputs: [2.5, 5]), hint="Leave them as they are.")
def Whole(inputs: Inputs, loss: Any) -> Any:
    return [loss(np.array([1, 2])), loss(np.array([1, 3]))]


@statement("It takes an empty list.", right.expected(lambda inputs: 0), points=0, hint="Add them up first.")
def Empty(inputs: Inputs, loss: Any) -> Any:
    return np.nan_to_num(loss(np.array([])))


@statement("It is the slope of the loss.", right.slopes(lambda x, inputs: (x**2).mean(), "x"), points=2)
def Slope(inputs: Inputs, slope: Any, loss: Any) -> Any:
    return slope(inputs["x"])


@statement("Nothing changes.", right.expected(lambda inputs: inputs["x"]))
def Same(inputs: Inputs, Layer: Any) -> Any:
    return Layer().forward(inputs["x"])


LOSS = Part("check-loss", "The loss", ("loss",), draw_matrix, (Mean, Large, Sign, Whole, Empty))
SLOPE = Part("check-slope", "The slope", ("slope", "loss"), draw_matrix, (Slope,))
LAYER = Part("check-layer", "A layer", ("Layer",), draw_matrix, (Same,), code="Layer.forward")
check = Checks((LOSS, SLOPE, LAYER))
