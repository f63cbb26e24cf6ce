"""Diagnosis: the mistake of the catalogue whose numbers an answer has, if there is one."""

from collections.abc import Container, Iterator

from lib.checking.answers import Outcome, route_of
from lib.checking.student_code import Failure
from lib.grading.judge.comparison import Outcomes, agree, fits, run
from lib.grading.judge.verdict import Diagnosis
from lib.unit import AnswerKey, Inputs, Part, Statement


def diagnose(key: AnswerKey, part: Part, drawn: Inputs, found: Outcomes, right: Outcomes) -> Diagnosis | None:
    """Name the mistake that explains most of an answer; of those that explain as much, the first in the catalogue."""
    routes = {route_of(probe) for probes in right.values() for probe in probes}
    routes = routes - {""} or {""}

    good = {statement for statement in part.statements if _is_right(statement, drawn, found, right)}
    given = (found[statement.name].values() for statement in part.statements if statement not in good)
    if all(isinstance(outcome, Failure) for outcomes in given for outcome in outcomes):
        return None  # all errors look alike
    order = sorted(part.statements, key=good.__contains__)
    every = max(
        sum(route_of(probe) in ("", route) for probes in right.values() for probe in probes) for route in routes
    )
    best, most = None, 0
    for mistake in key.mistakes:
        if mistake.part == part.id and most < every:  # more than every probe can't be explained
            subjects = key.subjects(part, mistake)
            runs = (run(order, drawn, subjects, route) for route in sorted(routes))
            explains = max(_explains(run, good, drawn, found, right) for run in runs)
            if explains > most:
                best, most = mistake, explains
    return Diagnosis(best.name, best.hint) if best else None


def _is_right(statement: Statement, drawn: Inputs, found: Outcomes, right: Outcomes) -> bool:
    """Tell whether all of an answer's probes for a statement are right."""
    probes, wanted = found[statement.name].items(), right[statement.name]
    return all(fits(statement, probe, given, wanted, drawn) for probe, given in probes)


def _explains(
    mistaken: Iterator[tuple[Statement, str, Outcome]],
    good: Container[Statement],
    drawn: Inputs,
    found: Outcomes,
    right: Outcomes,
) -> int:
    """Count the probes on which an answer and a mistake agree; 0 unless they agree wherever the mistake isn't right.

    At least one of these must be numbers: all errors look alike. Stops at the first that tells the two apart, and where
    only statements are left that are `good` in the answer: what tells must be among the others, which come first.
    """
    count, telling = 0, False
    for statement, probe, outcome in mistaken:
        if not telling and statement in good:
            return 0
        is_right = fits(statement, probe, outcome, right[statement.name], drawn)
        alike = agree(found[statement.name][probe], outcome, alike=True)
        if not alike and not is_right:
            return 0
        count += alike
        telling |= alike and not is_right and not isinstance(outcome, Failure)
    return count if telling else 0
