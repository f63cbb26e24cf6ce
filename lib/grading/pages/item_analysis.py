"""Figures on a class: counts, scores, and how well each part tells students apart.

A part *discriminates* if those who do well in the rest also do well in it. Its measure is the corrected item-total
correlation: Pearson's r between a part's points and the points of all other parts, the point-biserial correlation where
a part earns all or nothing (S. Henrysson, Correction of item-total correlations in item analysis, Psychometrika 28,
1963). About 0.3 and more is good; near 0 or below, the part's text or its check deserves a look.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, mean
from typing import Literal, get_args

from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.pages.classroom import Classroom

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
    final = tuple(max(0.0, work.score - work.penalty) for work, _ in classroom.graded)
    return Scores(final, classroom.max_score, judged=False)


def distribution(found: Scores) -> list[Bin]:
    """Count scores in bins of equal, whole width; the last holds the best score, and more."""
    width = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**9) if found.best / step < MOST_BINS)
    last = int(found.best // width)
    counts = Counter(min(last, int(value // width)) for value in found.values)
    return [Bin(at * width, (at + 1) * width, counts[at]) for at in range(last + 1)]
