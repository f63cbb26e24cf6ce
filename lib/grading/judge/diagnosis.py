"""Diagnosis: the mistake of the catalogue whose numbers an answer has, if there is one."""

from collections.abc import Iterable

import numpy as np

from lib.checking.answers import Outcome, route_of
from lib.checking.student_code import Failure
from lib.grading.judge.comparison import Outcomes, agree, fits, run
from lib.grading.judge.verdict import Diagnosis
from lib.unit import AnswerKey, Inputs, Part, Statement


def diagnose(key: AnswerKey, part: Part, drawn: Inputs, found: Outcomes, right: Outcomes) -> Diagnosis | None:
    """Name the mistake that explains most of an answer; of those that explain as much, the first in the catalogue.

    A mistake is named only if it fits all that it has to say something about. Statements without points are asked only
    where the others don't tell: an infinite loss may come from any mistake.
    """
    routes = {route_of(probe) for probes in right.values() for probe in probes}
    routes = routes - {""} or {""}
    answer = _Answer(part.statements, drawn, found, right)
    if not answer.can_tell:
        return None
    best, most = None, 0
    for mistake in key.mistakes:
        if mistake.part == part.id:
            subjects = key.subjects(part, mistake)
            for route in sorted(routes):
                explains = answer.explained_by(run(answer.order, drawn, subjects, route))
                if explains > most:
                    best, most = mistake, explains
    return Diagnosis(best.name, best.hint) if best else None


class _Answer:
    """An answer, held against mistakes one after the other."""

    def __init__(self, statements: Iterable[Statement], drawn: Inputs, found: Outcomes, right: Outcomes):
        self.drawn, self.found, self.right = drawn, found, right
        self.wrong = {
            (statement.name, probe)
            for statement in statements
            for probe, outcome in found[statement.name].items()
            if not fits(statement, probe, outcome, right[statement.name], drawn)
        }
        wrong = {name for name, _ in self.wrong}
        self.order = sorted(statements, key=lambda statement: (statement.name not in wrong, not statement.points))
        """What is wrong comes first: most mistakes are ruled out by the first numbers."""
        self.can_tell = any(_tells(found[name][probe], right[name][probe]) for name, probe in self.wrong)

    def explained_by(self, mistaken: Iterable[tuple[Statement, str, Outcome]]) -> int:
        """Count the probes on which this and a mistake agree; 0 unless they agree wherever the mistake isn't right.

        Of at least one statement the mistake has to explain all that is wrong, and by numbers or by our own words: all
        infinities look alike, and so do many errors.
        """
        count, told, unexplained = 0, set[str](), set[str]()
        for statement, probe, outcome in mistaken:
            name = statement.name
            if told and not statement.points:
                continue
            if not told and not any(wrong == name for wrong, _ in self.wrong):
                return 0
            is_right = fits(statement, probe, outcome, self.right[name], self.drawn)
            alike = agree(self.found[name][probe], outcome, alike=True)
            if not alike and not is_right:
                return 0
            count += alike
            if alike and not is_right and _tells(outcome, self.right[name][probe]):
                told.add(name)
            elif not alike and (name, probe) in self.wrong:
                unexplained.add(name)
        return count if told - unexplained else 0


def _tells(outcome: Outcome, right: Outcome) -> bool:
    """Tell whether an outcome says more than that it is wrong: by finite numbers, or by our own words."""
    if isinstance(outcome, Failure) or isinstance(right, Failure):
        return isinstance(outcome, Failure) and outcome.kind == "value"
    return bool(np.isfinite(outcome).any()) and not agree(outcome, right)
