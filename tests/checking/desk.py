"""Code of a student as the tests of each part try it: what the desk reports on it, and the verdict at grading."""

import json
from collections.abc import Iterable, Mapping

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking import render
from lib.checking.challenges import answer
from lib.checking.dispatch import Check
from lib.checking.findings import find
from lib.checking.looks import look_at_ours
from lib.checking.render import Report
from lib.checking.student_code import silence
from lib.grading import unit_registry
from lib.grading.judge.judge import draw_and_run, judge
from lib.grading.judge.verdict import PartVerdict
from lib.unit import Part

KEYS = {name: unit_registry.answer_key(name) for name, place in unit_registry.find_all().items() if place.is_built_in}
PARTS = {part.id: part for key in KEYS.values() for part in key.parts}
Code = Mapping[str, object]
"""A student's objects by name; those of the answer key stand in for what isn't there."""


def key_of(part: Part) -> AnswerKey:
    return next(key for key in KEYS.values() if part in key.parts)


def subjects(part: Part, code: Code) -> tuple[object, ...]:
    """Return the arguments of a part's check."""
    return tuple({**key_of(part).right, **code}[name] for name in part.subjects)


def checked(part: Part, **code: object) -> Report:
    """Check code as a student does."""
    report = Check(part, f"lib.units.{key_of(part).unit.name}")(*subjects(part, code))
    assert isinstance(report, Report)
    return report


def judged(part: Part, code: Code, seeds: Iterable[int] = (1,)) -> tuple[PartVerdict, ...]:
    """Run code on challenges, and judge what it shows, which comes as JSON."""
    given = {seed: json.dumps(answer(part, seed, subjects(part, code)), allow_nan=False) for seed in seeds}
    return tuple(judge(key_of(part), part, seed, json.loads(each)) for seed, each in given.items())


def lost_on(part: Part, code: Code, seed: int) -> set[str]:
    """The statements that do not hold on a draw, of code that ends and did not run at the desk before."""
    with silence(), np.errstate(all="ignore"):
        inputs, known = draw_and_run(key_of(part), part, seed)
        found = find(part, inputs, look_at_ours(part, inputs, subjects(part, code)), known)
    return {each.name for each in found if each.state != "right" and each.max_points}


def said(report: Report, statement: str) -> str:
    found = next(found for found in report.findings if found.name == statement)
    return "\n".join(label + sentence for label, sentence in render.details(found))


def states(seen: Report | PartVerdict) -> dict[str, str]:
    if isinstance(seen, Report):
        return {found.name: found.state for found in seen.findings}
    return {each.name: each.state for each in seen.statements}


def lost(seen: Report | PartVerdict) -> set[str]:
    """The statements with points that do not hold."""
    if isinstance(seen, Report):
        return {found.name for found in seen.findings if found.state != "right" and found.max_points}
    return {name for name, state in states(seen).items() if state != "right"}


def names(seen: Report | PartVerdict) -> list[str]:
    mistakes = seen.mistakes if isinstance(seen, PartVerdict) else seen.help.mistakes if seen.help else ()
    return [mistake.name for mistake in mistakes]
