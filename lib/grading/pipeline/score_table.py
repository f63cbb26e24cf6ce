"""The table of scores that `zerolayer grade` prints: a line for each student, or a summary of a large class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Self

from lib.grading.gradebook.marks import NotebookMarks
from lib.grading.judge.verdict import Verdict
from lib.grading.safe_names import visible

MAX_LINES = 40
"""The most lines; a larger class gets a summary. `zerolayer report` has the details."""


@dataclass(frozen=True)
class Score:
    """A submission's points so far, and a line about what was found in it."""

    student: str
    points: float
    max_points: float
    found: str

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Return the score in a verdict: points for code."""
        return cls(verdict.student, verdict.points, verdict.max_points, describe(verdict))

    @classmethod
    def of_marks(cls, student: str, notebooks: Iterable[NotebookMarks]) -> Self:
        """Return the score in the gradebook: points for all cells, for an assignment without a unit."""
        marks = [(cell, mark) for notebook in notebooks for cell, mark in notebook.cells.items()]
        short = [cell for cell, mark in marks if mark.points < mark.max_points and not mark.waiting]
        waiting = [cell for cell, mark in marks if mark.waiting]
        groups = (("not all points in", short), ("needs a person", waiting))
        found = "; ".join(f"{words}: {', '.join(cells)}" for words, cells in groups if cells) or "everything right"
        return cls(student, sum(mark.points for _, mark in marks), sum(mark.max_points for _, mark in marks), found)


def write_table(scores: Sequence[Score], what: str = " for code") -> str:
    """Return the scores of some submissions as text. `what` names what the points are for."""
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
    """Return a line about what was found in a submission: the named mistakes, else the first failure."""
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
