"""A score table: who earned how many points, and what cost most, on a line each; a few numbers for a large class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Self

from lib.grading.gradebook.marks import NotebookMarks
from lib.grading.judge.verdict import Verdict
from lib.grading.names import visible

MAX_LINES = 40
"""A larger class is told in a few numbers: `zerolayer report` has the rest."""


@dataclass(frozen=True)
class Score:
    """What a submission has earned so far, and in a line what was found in it."""

    student: str
    points: float
    max_points: float
    found: str

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Take the score from a verdict: points for code."""
        return cls(verdict.student, verdict.points, verdict.max_points, describe(verdict))

    @classmethod
    def of_marks(cls, student: str, notebooks: Iterable[NotebookMarks]) -> Self:
        """Take the score from the gradebook: of an assignment without a unit, points for all cells."""
        marks = [(cell, mark) for notebook in notebooks for cell, mark in notebook.cells.items()]
        short = [cell for cell, mark in marks if mark.points < mark.max_points and not mark.waiting]
        waiting = [cell for cell, mark in marks if mark.waiting]
        said = (("not all points in", short), ("waits for a person", waiting))
        found = "; ".join(f"{words}: {', '.join(cells)}" for words, cells in said if cells) or "everything right"
        return cls(student, sum(mark.points for _, mark in marks), sum(mark.max_points for _, mark in marks), found)


def write_table(scores: Sequence[Score], what: str = " for code") -> str:
    """Write the scores of one or more submissions; those of a large class in short, with `what` they are for."""
    if len(scores) > MAX_LINES:
        points, most = [score.points for score in scores], max(score.max_points for score in scores)
        lower, _, upper = quantiles(points, n=4, method="inclusive")
        whole = f"{min(points):g} to {max(points):g} points of {most:g}{what}"
        return f"{whole}; the middle half of the class has {lower:g} to {upper:g}."
    width = max(map(len, ("student", *(visible(score.student) for score in scores))))
    lines = [f"{'student':<{width}}  points   what was found"]
    for score in sorted(scores, key=lambda score: score.student):
        student = visible(score.student)
        lines.append(f"{student:<{width}}  {score.points:>4g}/{score.max_points:g}  {visible(score.found)}")
    return "\n".join(lines)


def describe(verdict: Verdict) -> str:
    """Say in one line what was found in a submission: the named mistakes, else the first failure."""
    if verdict.points == verdict.max_points:
        return "everything right"
    short = [part for part in verdict.parts if part.points < part.max_points]
    named = dict.fromkeys(mistake.name for part in short for mistake in part.mistakes)
    open_ = [part.title.lower() for part in short if any(statement.state == "open" for statement in part.statements)]
    reasons = (statement.reason for part in short for statement in part.statements if statement.why)
    why = next(reasons, "not right yet")
    if named or verdict.remarks:
        return visible("; ".join(named or [verdict.remarks[0].text]))
    return f"blanks still open in: {'; '.join(open_)}" if open_ else visible(f"{short[0].title}: {why}")
