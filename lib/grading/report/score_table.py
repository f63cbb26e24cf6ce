"""A score table: who earned how many points, and what cost most, on a line each; a few numbers for a large class."""

from collections.abc import Sequence
from statistics import quantiles

from lib.grading.judge.verdict import Verdict
from lib.grading.untrusted_names import visible

MAX_LINES = 40
"""A larger class is told in a few numbers: `zerolayer report` has the rest."""


def write_table(verdicts: Sequence[Verdict]) -> str:
    """Write the scores of one or more submissions; those of a large class in short."""
    if len(verdicts) > MAX_LINES:
        return summarise(verdicts)
    width = max(map(len, ("student", *(visible(verdict.student) for verdict in verdicts))))
    lines = [f"{'student':<{width}}  points   what the judge found"]
    for verdict in sorted(verdicts, key=lambda verdict: verdict.student):
        student = visible(verdict.student)
        lines.append(f"{student:<{width}}  {verdict.points:>4g}/{verdict.max_points:g}  {describe(verdict)}")
    return "\n".join(lines)


def summarise(verdicts: Sequence[Verdict]) -> str:
    """Write the range of the scores, and of the middle half of them."""
    points = [verdict.points for verdict in verdicts]
    lower, _, upper = quantiles(points, n=4, method="inclusive")
    most = max(verdict.max_points for verdict in verdicts)
    return (
        f"{min(points):g} to {max(points):g} points of {most:g} for code; the middle half of the class has"
        f" {lower:g} to {upper:g}."
    )


def describe(verdict: Verdict) -> str:
    """Say in one line what was found in a submission: the named mistakes, else the first failure."""
    if verdict.points == verdict.max_points:
        return "everything right"
    short = [part for part in verdict.parts if part.points < part.max_points]
    named = dict.fromkeys(part.mistake.name for part in short if part.mistake)
    open_ = [part.title.lower() for part in short if any(statement.state == "open" for statement in part.statements)]
    reasons = (statement.reason for part in short for statement in part.statements if statement.why)
    why = next(reasons, "not right yet")
    if named or verdict.remarks:
        return visible("; ".join(named or verdict.remarks[:1]))
    return f"blanks still open in: {'; '.join(open_)}" if open_ else visible(f"{short[0].title}: {why}")
