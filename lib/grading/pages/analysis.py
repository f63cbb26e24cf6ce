"""What a class has in common: scores, figures of each part, mistakes, remarks, each with its students.

A part *discriminates* if those who do well in the rest also do well in it. Its measure is the corrected item-total
correlation: Pearson's r between a part's points and the points of all other parts, the point-biserial correlation where
a part earns all or nothing (S. Henrysson, Correction of item-total correlations in item analysis, Psychometrika 28,
1963). About 0.3 and more is good; near 0 or below, the part's text or its check deserves a look.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import StatisticsError, correlation, mean
from typing import Literal, TypeVar, get_args

from lib.answer_key import AnswerKey
from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.pages.classroom import Classroom, StudentWork

Item = TypeVar("Item", bound=Hashable)
PartOutcome = Literal["all points", "some points", "no points", "left blank", "no answer"]
OUTCOMES: tuple[PartOutcome, ...] = get_args(PartOutcome)
FEWEST = 10
"""Students below which a correlation is noise, and not shown."""
MOST_BINS = 25


@dataclass(frozen=True)
class PartFigures:
    """What a class made of one part: how many had which outcome, and how many found each statement right.

    `success` is the mean share of the part's points; `discrimination` is None where it says nothing.
    """

    id: str
    title: str
    max_points: float
    outcomes: Counter[PartOutcome]
    success: float
    discrimination: float | None
    statements: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Bin:
    """How many students have a score of `low` or more and less than `high`, or just `low` if it is one point wide."""

    low: float
    high: float
    count: int

    @property
    def label(self) -> str:
        """Say which scores these are."""
        if self.high == inf:
            return f"{self.low:g} and more"
        return f"{self.low:g}" if self.high == self.low + 1 else f"{self.low:g} to under {self.high:g}"


@dataclass(frozen=True)
class Scores:
    """Everyone's score and the best there is; `judged` where written answers wait, and only parts are counted."""

    values: tuple[float, ...]
    best: float
    judged: bool


def part_figures(classroom: Classroom) -> list[PartFigures]:
    """Give the figures of each part over all graded submissions, in the notebook's order."""
    verdicts = [verdict for _, verdict in classroom.graded]
    longest = max(verdicts, key=lambda verdict: len(verdict.parts), default=None)
    ran = [verdict for work, verdict in classroom.graded if work.ran]
    earned = [{part.id: part.points for part in verdict.parts} for verdict in ran]
    return [_figures(part, verdicts, earned) for part in longest.parts] if longest else []


def _figures(model: PartVerdict, verdicts: list[Verdict], earned: list[dict[str, float]]) -> PartFigures:
    """Give the figures of one part; `earned` has the points of every part, a row for each submission that ran."""
    parts = [part for verdict in verdicts for part in verdict.parts if part.id == model.id]
    rows = [row for row in earned if model.id in row]
    right = Counter(statement.name for part in parts for statement in part.statements if statement.state == "right")
    return PartFigures(
        model.id,
        model.title,
        model.max_points,
        Counter(outcome(part) for part in parts),
        mean(part.points for part in parts) / model.max_points if model.max_points else 0.0,
        discrimination([row[model.id] for row in rows], [sum(row.values()) for row in rows]),
        tuple((statement.text, right[statement.name]) for statement in model.statements),
    )


def outcome(part: PartVerdict) -> PartOutcome:
    """Say in a word or two what became of a part."""
    points = part.points
    if points == part.max_points:
        return "all points"
    if part.problem or all(statement.state == "not checked" for statement in part.statements):
        return "no answer"
    if any(statement.state == "open" for statement in part.statements):
        return "left blank"
    return "some points" if points else "no points"


def discrimination(points: Sequence[float], totals: Sequence[float]) -> float | None:
    """Correlate a part's points with the other parts'; None for too few students, or where all have the same."""
    if len(points) < FEWEST:
        return None
    try:
        # Less the part itself, with which even a part that is unrelated to the others would correlate.
        return correlation(points, [total - own for total, own in zip(totals, points, strict=True)])
    except StatisticsError:
        return None


def scores(classroom: Classroom) -> Scores:
    """Give the scores to show: the gradebook's, late penalties taken off, once no written answer waits for a person."""
    if any(work.to_mark for work, _ in classroom.graded):
        best = max((verdict.max_points for _, verdict in classroom.graded), default=0.0)
        return Scores(tuple(verdict.points for _, verdict in classroom.graded), best, judged=True)
    final = tuple(work.total.points for work, _ in classroom.graded)
    return Scores(final, classroom.max_score, judged=False)


def distribution(found: Scores) -> list[Bin]:
    """Count scores in bins of equal, whole width; the last holds the best score, and extra credit above it."""
    width = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if found.best / step < MOST_BINS)
    last = int(found.best // width)
    counts = Counter(min(last, int(value // width)) for value in found.values)
    highest = max(found.values, default=0)
    ends = [(at + 1) * width for at in range(last)] + [inf if highest > found.best else (last + 1) * width]
    return [Bin(at * width, end, counts[at]) for at, end in enumerate(ends)]


@dataclass(frozen=True)
class ClassMistake:
    """One mistake, in which part, the hint that students got, and a sentence on what to teach again."""

    part_id: str
    part: str
    name: str
    hint: str
    teach: str


def mistakes(classroom: Classroom, unit: AnswerKey | None) -> list[tuple[ClassMistake, list[StudentWork]]]:
    """Collect named mistakes from the verdicts; what to teach comes from today's catalogue, if it still has them."""
    teach = {(one.part, one.name): one.teach for one in (unit.mistakes if unit else ())}
    return group(
        (ClassMistake(part.id, part.title, found.name, found.hint, teach.get((part.id, found.name), "")), work)
        for work, verdict in classroom.graded
        for part in verdict.parts
        if (found := part.mistake) is not None
    )


def remarks(classroom: Classroom) -> list[tuple[str, list[StudentWork]]]:
    """Collect the remarks on how notebooks ran, whichever cell they are about."""
    anywhere = re.compile(r"^(The cell \S+|Cell \d+) ")
    return group(
        (anywhere.sub("A cell ", remark), work) for work, verdict in classroom.graded for remark in verdict.remarks
    )


def group(found: Iterable[tuple[Item, StudentWork]]) -> list[tuple[Item, list[StudentWork]]]:
    """Collect findings, each with its students once, the most frequent first."""
    groups: dict[Item, dict[str, StudentWork]] = {}
    for finding, work in found:
        groups.setdefault(finding, {})[work.student] = work
    pairs = [(finding, list(works.values())) for finding, works in groups.items()]
    return sorted(pairs, key=lambda pair: -len(pair[1]))
