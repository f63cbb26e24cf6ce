"""At the desk: a part's statements are tested one by one on the student's own code, and the report says what was found.

One mistake is told once. A statement that rests on one that fails is "not checked", and so is what meets the trouble
that an earlier statement met already, an open blank, or an undefined name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lib.checking.arguments import argument_error, order_arguments
from lib.checking.render import Finding, Report
from lib.checking.student_code import Failure, run_student_code
from lib.checking.values import Wrong
from lib.unit import Inputs, Part, Statement

SEED = 0
"""The desk draws the same inputs every time, so that a student can follow one number while changing code."""


def examine(part: Part, given: tuple[Any, ...], named: Mapping[str, Any] = {}) -> Report:
    """Test every statement of `part` on a call's arguments; never raises what student code raised."""
    note = argument_error(part, given, named)
    subjects = given if note else order_arguments(part, given, named)
    note = note or _find_unmet_dependency(part, subjects)
    statements = [statement for statement in part.statements if statement.applies(subjects)]
    if note:
        return Report(part, tuple(Finding(statement, "not checked") for statement in statements), note)
    findings: list[Finding] = []
    for statement in statements:
        findings.append(_skip(statement, findings) or _test(statement, part, subjects, findings))
    return Report(part, tuple(findings))


def _find_unmet_dependency(part: Part, subjects: tuple[Any, ...]) -> str:
    """Say which part this one rests on and isn't right yet, if there is one."""
    named = dict(zip(part.subjects, subjects, strict=False))
    for foundation in part.depends_on:
        if not examine(foundation, tuple(named[name] for name in foundation.subjects)).right:
            rests = f"This rests on {foundation.title.lower()}, which isn't right yet: see {foundation.id}."
            return f"{rests} Grading judges it apart."
    return ""


def _skip(statement: Statement, earlier: Sequence[Finding]) -> Finding | None:
    """Tell from what came before that there is no use in testing `statement`, if there is none."""
    for number, finding in enumerate(earlier, 1):
        if finding.state != "right" and isinstance(finding.statement, statement.depends_on):
            return Finding(statement, "not checked", f"It rests on statement {number}, which isn't right yet.")
        if isinstance(finding.why, Failure) and finding.why.kind == "time":
            return Finding(statement, "not checked", f"Statement {number} never came to an end.")
    return None


def _test(statement: Statement, part: Part, subjects: tuple[Any, ...], earlier: Sequence[Finding]) -> Finding:
    def test() -> Wrong | None:
        try:
            statement.holds(draw_inputs(part), *subjects)
        except Wrong as wrong:
            return wrong
        return None

    why = run_student_code(test)
    if why is None:
        return Finding(statement, "right")
    for number, finding in enumerate(earlier, 1):
        if _text_of(finding.why) == _text_of(why):
            return Finding(statement, "not checked", f"It meets what statement {number} met.")
    if isinstance(why, Failure) and why.kind == "blank":
        return Finding(statement, "not checked", why)
    return Finding(statement, "wrong" if statement.points else "advice", why)


def _text_of(why: Wrong | Failure | str) -> tuple[str, ...]:
    """Give what a student reads of a reason."""
    if isinstance(why, Wrong):
        return why.sentence, why.hint
    return (why.text, why.line) if isinstance(why, Failure) else (why,)


def draw_inputs(part: Part) -> Inputs:
    """Draw the desk's inputs for `part`, anew for each statement: student code may write into what it is given."""
    return part.draw(np.random.default_rng(SEED))
