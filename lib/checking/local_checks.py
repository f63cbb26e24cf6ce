"""Local checks: what student code shows on the inputs of the desk, and a report of what holds of it."""

from collections.abc import Mapping
from typing import Any

from lib.checking.answers import call_on_others
from lib.checking.arguments import argument_error, order_arguments
from lib.checking.cell_runs import find_stale
from lib.checking.findings import Finding, find
from lib.checking.looks import Shown, look_at
from lib.checking.render import Report
from lib.checking.student_code import Failure, attempt
from lib.unit import Part


def examine(part: Part, package: str, given: tuple[Any, ...], named: Mapping[str, Any] = {}) -> tuple[Report, Shown]:
    """Find what holds of a call's arguments; never raises what student code raised. Give what they have shown, too.

    `package` is the unit's: there lies what right code shows, where that can't be told from the inputs.
    """
    note = argument_error(part, given, named)
    subjects = given if note else order_arguments(part, given, named)
    note = note or find_stale(subjects) or _find_unmet_dependency(part, package, subjects)
    inputs = {} if note else attempt(part.desk_inputs)
    if isinstance(inputs, Failure):
        note = f"The inputs of this check can't be drawn: {inputs.text}. Tell your instructor."
    if note or isinstance(inputs, Failure):
        return Report(part, tuple(Finding(statement, "not checked") for statement in part.reported), note), {}
    call_on_others(part, subjects)
    shown = look_at(part, inputs, subjects)
    return Report(part, tuple(find(part, inputs, shown, known_right(part, package)))), shown


def known_right(part: Part, package: str) -> Mapping[str, Any]:
    """Give what right code shows on the inputs of the desk, where it can't be told from the inputs."""
    if all(statement.right for statement in part.statements):
        return {}
    from lib.checking import fingerprints  # only where it is needed: a check's import is to be as light as numpy's

    return fingerprints.read(package).right.get(part.id, {}) if package else {}


def _find_unmet_dependency(part: Part, package: str, subjects: tuple[Any, ...]) -> str:
    """Say which part this one depends on and is not right yet, if there is one."""
    named = dict(zip(part.subjects, subjects, strict=False))
    for foundation in part.depends_on:
        report, _ = examine(foundation, package, tuple(named[name] for name in foundation.subjects))
        if not report.right:
            return (
                f"Not tested: this part needs {foundation.id} ({foundation.title.lower()}), which is not right yet."
                " At grading each part is judged on its own."
            )
    return ""
