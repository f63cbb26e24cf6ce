"""Each mistake of both units is run once, at the desk and on two secret draws, into a table that the certificate reads.

What a table's rows hold is what a student reads at the desk, and the verdicts of the judge, whom answers reach as JSON.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from lib.answer_key import AnswerKey
from lib.checking.answers import answer
from lib.checking.dispatch import Check
from lib.checking.render import Report
from lib.grading import units
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.mistakes import Mistake
from lib.unit import Part

KEYS = {name: units.answer_key(name) for name in ("softmax_classifier", "hidden_layer")}
PARTS = {part.id: (key, part) for key in KEYS.values() for part in key.parts}
SEEDS = (1, 2**47 + 11)
"""The secret draws."""
Code = Mapping[str, object]
"""A student's objects by name; those of the answer key stand in for what isn't there."""


@dataclass(frozen=True)
class Row:
    """One way to make one mistake, and all that came of it."""

    mistake: Mistake
    code: Code
    desk: Report
    verdicts: tuple[PartVerdict, ...]

    @cached_property
    def lost(self) -> set[str]:
        """The statements with points that it loses at the desk."""
        return lost_at_desk(self.desk)

    @cached_property
    def names(self) -> list[str]:
        """What the desk calls it."""
        return names_at_desk(self.desk)

    @property
    def own_names(self) -> set[str]:
        """What it may be called: of two that give the same numbers, one has its name."""
        return {self.mistake.name, self.mistake.same_as} - {""}

    def __str__(self) -> str:
        return f"{self.mistake.part}: {self.mistake.name}"


@cache
def table(id: str) -> tuple[Row, ...]:
    """Run all mistakes of a part, each in every way."""
    key, part = PARTS[id]
    ours = (mistake for mistake in key.mistakes if mistake.part == id)
    rows = ((mistake, _changed(key, objects)) for mistake in ours for objects in mistake.objects(key.right))
    return tuple(Row(mistake, code, at_desk(part, code), at_grading(part, code)) for mistake, code in rows)


def _changed(key: AnswerKey, objects: Code) -> Code:
    """Leave out what is right."""
    return {name: each for name, each in objects.items() if each is not key.right[name]}


def subjects(part: Part, code: Code) -> tuple[object, ...]:
    """Give what a part's check is called with."""
    key, _ = PARTS[part.id]
    return tuple({**key.right, **code}[name] for name in part.subjects)


def at_desk(part: Part, code: Code) -> Report:
    """Check code as a student does."""
    key, _ = PARTS[part.id]
    report = Check(part, f"lib.units.{key.unit.name}")(*subjects(part, code))
    assert isinstance(report, Report)
    return report


def at_grading(part: Part, code: Code, seeds: Iterable[int] = SEEDS) -> tuple[PartVerdict, ...]:
    """Run code on challenges, and judge what it shows."""
    key, _ = PARTS[part.id]
    given = {seed: json.dumps(answer(part, seed, subjects(part, code)), allow_nan=False) for seed in seeds}
    return tuple(judge(key, part, seed, json.loads(each)) for seed, each in given.items())


def lost_at_desk(report: Report) -> set[str]:
    """Name the statements with points that do not hold."""
    return {found.statement.name for found in report.findings if found.state != "right" and found.statement.points}


def lost_at_grading(verdict: PartVerdict) -> set[str]:
    """Name the statements that do not hold."""
    return {each.name for each in verdict.statements if each.state != "right"}


def names_at_desk(report: Report) -> list[str]:
    """Give the names of the mistakes that fit."""
    return [mistake.name for mistake in report.help.mistakes] if report.help else []


def expect_none(off: Iterable[object]) -> None:
    """Expect nothing to be off, or list it all, a line each."""
    listed = [" | ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in off]
    assert not listed, "\n".join([f"{len(listed)} are off:", *listed])
