"""At the desk: a part's statements are tested one by one on the student's own code, and the report says what was found.

One mistake is told once. A statement that rests on one that fails is "not checked", and so is what meets the trouble
that an earlier statement met already, an open blank, or an undefined name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

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
    """What came of one statement, and why it isn't right."""

    statement: Statement
    state: State
    why: Wrong | Trouble | str = ""


@dataclass(frozen=True)
class Report:
    """What a check shows at the desk: one finding for each statement, in order.

    `note` says what keeps the whole part from being checked, if anything does.
    """

    part: "Part"
    findings: tuple[Finding, ...]
    note: str = ""

    @property
    def right(self) -> bool:
        """Whether every statement that earns points holds."""
        return all(finding.state == "right" for finding in self.findings if finding.statement.points)

    @property
    def points(self) -> float:
        """What the statements that hold are worth."""
        return sum(finding.statement.points for finding in self.findings if finding.state == "right")

    def __str__(self) -> str:
        from lib.panel import text  # only where something is shown: a check's import is to be as light as numpy's

        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from lib.panel import html

        return html(self)


class CheckFailed(Exception):
    """Something in a report is wrong, under `nbgrader validate`. It shows as the report, without a traceback."""

    def __init__(self, report: Report):
        super().__init__(f"{report.part.id}: not everything is right yet")
        self.report = report

    def _render_traceback_(self) -> list[str]:
        return str(self.report).splitlines()


def examine(part: "Part", given: tuple[Any, ...], named: Mapping[str, Any] = {}) -> Report:
    """Test every statement of `part` on a call's arguments; never raises what student code raised."""
    note = part.misses(given, named)
    subjects = given if note else part.arguments(given, named)
    note = note or _foundations_missing(part, subjects)
    statements = [statement for statement in part.statements if statement.applies(subjects)]
    if note:
        return Report(part, tuple(Finding(statement, "not checked") for statement in statements), note)
    findings: list[Finding] = []
    for statement in statements:
        findings.append(_not_checked(statement, findings) or _tested(statement, part, subjects, findings))
    return Report(part, tuple(findings))


def _foundations_missing(part: "Part", subjects: tuple[Any, ...]) -> str:
    """Say which part this one rests on and isn't right yet, if there is one."""
    named = dict(zip(part.subjects, subjects, strict=False))
    for foundation in part.rests_on:
        if not examine(foundation, tuple(named[name] for name in foundation.subjects)).right:
            rests = f"This rests on {foundation.title.lower()}, which isn't right yet: see {foundation.id}."
            return f"{rests} Grading judges it apart."
    return ""


def _not_checked(statement: Statement, earlier: Sequence[Finding]) -> Finding | None:
    """Tell from what came before that there is no use in testing `statement`, if there is none."""
    for number, finding in enumerate(earlier, 1):
        if finding.state != "right" and isinstance(finding.statement, statement.rests_on):
            return Finding(statement, "not checked", f"It rests on statement {number}, which isn't right yet.")
        if isinstance(finding.why, Trouble) and finding.why.kind == "time":
            return Finding(statement, "not checked", f"Statement {number} never came to an end.")
    return None


def _tested(statement: Statement, part: "Part", subjects: tuple[Any, ...], earlier: Sequence[Finding]) -> Finding:
    def test() -> Wrong | None:
        try:
            statement.holds(fresh(part), *subjects)
        except Wrong as wrong:
            return wrong
        return None

    why = guarded(test)
    if why is None:
        return Finding(statement, "right")
    for number, finding in enumerate(earlier, 1):
        if _told(finding.why) == _told(why):
            return Finding(statement, "not checked", f"It meets what statement {number} met.")
    if isinstance(why, Trouble) and why.kind == "blank":
        return Finding(statement, "not checked", why)
    return Finding(statement, "wrong" if statement.points else "advice", why)


def _told(why: Wrong | Trouble | str) -> tuple[str, ...]:
    """Give what a student reads of a reason."""
    if isinstance(why, Wrong):
        return why.sentence, why.try_
    return (why.says, why.line) if isinstance(why, Trouble) else (why,)


def fresh(part: "Part") -> Drawn:
    """Draw the desk's inputs for `part`, anew for each statement: student code may write into what it is given."""
    return part.draw(np.random.default_rng(SEED))
