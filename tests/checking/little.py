"""A little part of one's own, and what becomes of code at the desk and at grading: through JSON, as in a class."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import answer
from lib.checking.findings import Finding, find
from lib.checking.fingerprints import name_mistakes
from lib.checking.looks import look_at
from lib.checking.values import Wrong
from lib.grading.commands.fingerprints import build
from lib.grading.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.mistakes import Mistake
from lib.unit import Inputs, Part, Statement, Unit

Draw = Callable[[np.random.Generator], Inputs]


def four(rng: np.random.Generator) -> Inputs:
    """Draw four numbers."""
    return {"x": rng.normal(size=4)}


def of_x(inputs: Inputs, f: Any) -> Any:
    """Call the student's function on them."""
    return f(inputs["x"])


def part_of(*statements: Statement, draw: Draw = four) -> Part:
    """Make a part with one subject, `f`."""
    return Part("check-f", "F", ("f",), draw, statements)


def one(look: Any = of_x, draw: Draw = four, **more: Any) -> Part:
    """Make a part with one statement."""
    return part_of(Statement("S", "It is right.", look, **more), draw=draw)


def desk_and_judge(
    part: Part, right: Any, code: Any, *mistakes: Mistake
) -> tuple[list[Finding], list[str], PartVerdict]:
    """Give what the desk finds, the names that it has for mistakes, and the verdict."""
    key = AnswerKey(Unit("little", "Little", (part,)), {"f": right}, mistakes)
    at_desk, inputs = build(key).at_desk, part.desk_inputs()
    shown = look_at(part, inputs, (code,))
    findings = find(part, inputs, shown, at_desk.right[part.id])
    names = [mistake.name for mistake in name_mistakes(part, inputs, shown, at_desk)]
    with patch.object(judge, "shipped", lambda key: at_desk):
        given = json.loads(json.dumps(answer(part, 5, (code,)), allow_nan=False))
        return findings, names, judge.judge(key, part, 5, given)


def states(part: Part, right: Any, code: Any) -> list[str]:
    """Give the states of all statements, which desk and judge agree on."""
    findings, _, verdict = desk_and_judge(part, right, code)
    found, judged = [each.state for each in findings], [each.state for each in verdict.statements]
    assert found == judged, (found, judged)
    return found


def said(finding: Finding) -> str:
    """Give the sentence under a finding."""
    return finding.why.sentence if isinstance(finding.why, Wrong) else getattr(finding.why, "text", str(finding.why))


def mistakes_of(sources: Mapping[str, str]) -> list[Mistake]:
    """Make mistakes of code, each with a name."""
    return [Mistake("check-f", name, "Look again.", (source,)) for name, source in sources.items()]
