"""At the desk: a part's statements are tested one by one on the student's own code, and the report says what was found.

A statement that rests on one that failed is "not checked", and so is all that meets an open blank or an undefined name: one
mistake is told once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lib import panel
from lib.guard import Trouble, guarded
from lib.statements import Drawn, Statement, Wrong

if TYPE_CHECKING:
    from lib.parts import Part

State = Literal["right", "wrong", "not checked", "advice"]
SEED = 0
"""The desk draws the same inputs every time, so that a student can follow one number while changing code."""


class Undefined:
    """Stands for a name that the notebook hasn't defined yet."""

    def __init__(self, name: str):
        self.name = name


@dataclass(frozen=True)
class Finding:
    """What came of one statement. `what` and the rest speak only where it isn't right."""

    statement: Statement
    state: State
    what: str = ""
    where: str = ""
    found: str = ""
    expected: str = ""
    try_: str = ""
    line: str = ""


@dataclass(frozen=True)
class Report:
    """What a check shows at the desk: one finding for each statement, in order."""

    part: "Part"
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        """Whether every statement that earns points holds."""
        return all(finding.state == "right" for finding in self.findings if finding.statement.points)

    @property
    def points(self) -> float:
        """What the statements that hold are worth."""
        return sum(finding.statement.points for finding in self.findings if finding.state == "right")

    def __str__(self) -> str:
        return panel.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return panel.html(self)


class CheckFailed(Exception):
    """Something in a report is wrong, under `nbgrader validate`. It shows as the report, without a traceback."""

    def __init__(self, report: Report):
        super().__init__(f"{report.part.id}: not everything is right yet")
        self.report = report

    def _render_traceback_(self) -> list[str]:
        return str(self.report).splitlines()


def examine(part: "Part", subjects: tuple[Any, ...]) -> Report:
    """Test every statement of `part` on `subjects`; never raises what student code raised."""
    unready = _unready(part, subjects)
    if unready:
        return Report(part, tuple(Finding(s, "not checked", what=unready) for s in part.statements))
    findings: dict[type[Statement], Finding] = {}
    for statement in part.statements:
        findings[type(statement)] = _finding(statement, part, subjects, findings)
    return Report(part, tuple(findings.values()))


def _unready(part: "Part", subjects: tuple[Any, ...]) -> str:
    """Say what has to be there before `part` can be checked at all, if it isn't."""
    for name, subject in zip(part.subjects, subjects, strict=False):
        if isinstance(subject, Undefined):
            return f"{subject.name} is not defined yet. Run the cell that defines {name} first."
    if len(subjects) != len(part.subjects):
        return f"This check takes {len(part.subjects)} things: {', '.join(part.subjects)}."
    named = dict(zip(part.subjects, subjects, strict=True))
    for foundation in part.rests_on:
        report = examine(foundation, tuple(named[name] for name in foundation.subjects))
        if not report.right:
            return f"This rests on {foundation.title.lower()}, which isn't right yet: see {foundation.id}."
    return ""


def _finding(
    statement: Statement,
    part: "Part",
    subjects: tuple[Any, ...],
    earlier: Mapping[type[Statement], Finding],
) -> Finding:
    for foundation in statement.rests_on:
        if earlier[foundation].state != "right":
            return Finding(statement, "not checked", what=f"This rests on: {earlier[foundation].statement.says}")

    def test() -> Wrong | None:
        try:
            statement.holds(fresh(part), *subjects)
        except Wrong as wrong:
            return wrong
        return None

    outcome = guarded(test)
    wrong_state: State = "wrong" if statement.points else "advice"
    if outcome is None:
        return Finding(statement, "right")
    if isinstance(outcome, Trouble):
        state: State = "not checked" if outcome.kind == "blank" else wrong_state
        return Finding(statement, state, what=outcome.says, line=outcome.line, try_=_ADVICE.get(outcome.kind, ""))
    return Finding(
        statement,
        wrong_state,
        outcome.what,
        outcome.where,
        outcome.found,
        outcome.expected,
        outcome.try_ or statement.try_,
    )


_ADVICE = {
    "error": "Read that line with the shapes of its arrays in mind: columns are samples.",
    "time": "Stop the kernel if it stays busy, and look at what the loop waits for.",
}


def fresh(part: "Part") -> Drawn:
    """Draw the desk's inputs for `part`, anew for each statement: student code may write into what it is given."""
    return part.draw(np.random.default_rng(SEED))
