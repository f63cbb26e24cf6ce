"""Local checks: a part's statements are tested one by one on the student's own code, and a report says what was found.

Each mistake is reported once. A statement is "not checked" if it depends on one that fails, if it fails with the same
error as an earlier one, or if it reaches an open blank or an undefined name.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from lib.checking.answers import Copy, call_on_others
from lib.checking.arguments import argument_error, order_arguments
from lib.checking.cell_runs import find_stale
from lib.checking.render import NOT_TESTED, Finding, Report
from lib.checking.student_code import Failure, run_student_code
from lib.checking.values import Wrong
from lib.unit import Inputs, Part, Statement


def examine(part: Part, given: tuple[Any, ...], named: Mapping[str, Any] = {}) -> Report:
    """Test every statement of `part` on a call's arguments; never raises what student code raised."""
    note = argument_error(part, given, named)
    subjects = given if note else order_arguments(part, given, named)
    note = note or find_stale(subjects) or _find_unmet_dependency(part, subjects)
    statements = [statement for statement in part.statements if statement.applies(subjects)]
    if note:
        return Report(part, tuple(Finding(statement, "not checked") for statement in statements), note)
    call_on_others(part, subjects)
    findings: list[Finding] = []
    draw = cache(part.desk_inputs)  # when the first statement needs it, since a draw may raise as well
    for statement in statements:
        findings.append(_skip(statement, findings) or _test(statement, draw, subjects, findings))
    return Report(part, tuple(findings))


def _find_unmet_dependency(part: Part, subjects: tuple[Any, ...]) -> str:
    """Say which part this one depends on and is not right yet, if there is one."""
    named = dict(zip(part.subjects, subjects, strict=False))
    for foundation in part.depends_on:
        if not examine(foundation, tuple(named[name] for name in foundation.subjects)).right:
            return (
                f"Not tested: this part needs {foundation.id} ({foundation.title.lower()}), which is not right yet."
                " At grading each part is judged on its own."
            )
    return ""


def _skip(statement: Statement, earlier: Sequence[Finding]) -> Finding | None:
    """Return "not checked" for a statement whose test would say nothing after the `earlier` findings, else None."""
    for number, finding in enumerate(earlier, 1):
        if finding.state != "right" and isinstance(finding.statement, statement.depends_on):
            return Finding(statement, "not checked", NOT_TESTED.format(number))
        if isinstance(finding.why, Failure) and finding.why.kind == "time":
            return Finding(statement, "not checked", f"Not tested: statement {number} did not end in time.")
    return None


def _test(
    statement: Statement, draw: Callable[[], Inputs], subjects: tuple[Any, ...], earlier: Sequence[Finding]
) -> Finding:
    def test() -> Wrong | None:
        try:
            statement.holds(Copy(draw()), *subjects)
        except Wrong as wrong:
            return wrong
        return None

    why = run_student_code(test)
    if why is None:
        return Finding(statement, "right")
    blank = isinstance(why, Failure) and why.kind == "blank"
    for number, finding in enumerate(earlier, 1):
        if _text_of(finding.why) == _text_of(why):
            same = "the same blank" if blank else "the same error"
            return Finding(statement, "not checked", f"Not tested: {same} as in statement {number}.")
    if blank:
        return Finding(statement, "not checked", why)
    return Finding(statement, "wrong" if statement.points else "advice", why)


def _text_of(why: Wrong | Failure | str) -> tuple[str, ...]:
    """Return the text of a reason as the student reads it."""
    if isinstance(why, Wrong):
        return why.sentence, why.hint
    return (why.text, why.line) if isinstance(why, Failure) else (why,)
