"""Scores as text, for instructors: a line for each submission, or one for a large class; and a verdict in full."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Self

from lib.checking.findings import Finding
from lib.grading.gradebook.marks import NotebookMarks
from lib.grading.judge import words
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
    head = f"points{what}"
    lines = [f"{'student':<{width}}  {head}  what was found"]
    for score in sorted(scores, key=lambda score: score.student):
        student = visible(score.student)
        earned = f"{score.points:>4g}/{score.max_points:g}"
        lines.append(f"{student:<{width}}  {earned:<{len(head)}}  {visible(score.found)}")
    return "\n".join(lines)


def describe(verdict: Verdict) -> str:
    """Return a line about what was found in a submission: the named mistakes, else the first failure."""
    if verdict.points == verdict.max_points:
        return "everything right"
    short = [part for part in verdict.parts if part.points < part.max_points]
    named = dict.fromkeys(mistake.name for part in short for mistake in part.mistakes)
    open_ = [part.title.lower() for part in short if any(statement.state == "open" for statement in part.statements)]
    reasons = (words.reason(each) for part in short for each in part.statements if each.why)
    why = next(reasons, "not right yet")
    if named or verdict.remarks:
        return visible("; ".join(named or [verdict.remarks[0].text]))
    return f"blanks still open in: {'; '.join(open_)}" if open_ else visible(f"{short[0].title}: {why}")


def verdict_lines(verdict: Verdict) -> str:
    """Return a verdict as text, for instructors: points, and for each wrong statement what was found and expected."""
    lines = [f"{verdict.points:g} of {verdict.max_points:g} points for code, with the seed {verdict.seed}"]
    shown = set[str]()
    for part in verdict.parts:
        lines.append(f"{f'{part.points:g}/{part.max_points:g}':>6}  {part.title}")
        lines += [f"{'':>8}{part.problem}"] if part.problem and part.problem not in shown else []
        shown.add(part.problem)
        for finding in part.statements:
            if finding.state in ("wrong", "open"):
                lines += [f"{'':>8}{finding.state}: {finding.heading}", *(f"{'':>10}{each}" for each in _why(finding))]
    lines += [f"Note: {remark.text}" for remark in verdict.remarks]
    lines += [f"For a person: {why}" for why in verdict.reasons]
    return "\n".join(map(visible, lines))


def _why(finding: Finding) -> Iterator[str]:
    if (why := finding.why) and not why.is_of_code:
        yield f"{why.text} ({why.where})" if why.where else why.text
        for side, text in (("found", why.found), ("expected", why.expected)):
            yield from [f"{side}: {' '.join(text.split())}"] if text else []
    elif why:
        yield " ".join(words.reason(finding).split())
    if finding.mistake:
        yield f"mistake: {finding.mistake.name}"
