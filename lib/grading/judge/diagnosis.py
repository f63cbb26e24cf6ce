"""Diagnosis: the mistake of the catalogue whose numbers an answer has, if there is one."""

import re
from collections.abc import Iterable

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.answers import Outcome, Outcomes, route_of
from lib.checking.student_code import Failure
from lib.checking.values import what_is_wrong
from lib.grading.judge.comparison import WrongProbes, agree, fits, run
from lib.grading.judge.symptoms import Symptoms, mistakes_of, words_of
from lib.grading.judge.verdict import Diagnosis
from lib.unit import Inputs, Part, Statement

SHAPES = re.compile(r"\(\d+,[\d, ]*\)")
"""How NumPy writes the shape of an array in the message of an error."""
NUMBER = re.compile(r"-?(\d+(\.\d*)?(e[-+]\d+)?|nan|inf)")
"""How a sentence writes a number that was found."""


def diagnose(
    key: AnswerKey, part: Part, drawn: Inputs, found: Outcomes, right: Outcomes, wrong: WrongProbes
) -> Diagnosis | None:
    """Name the mistake that explains most of an answer; of those that explain as much, the first in the catalogue.

    A mistake is named only if it fits all that it has to say something about. Statements without points are asked only
    where the others don't tell: an infinite loss may come from any mistake.
    """
    routes = {route_of(probe) for probes in right.values() for probe in probes}
    routes = routes - {""} or {""}
    answer = _Answer(part.statements, drawn, found, right, wrong)
    if not answer.can_tell:
        return None
    for route in sorted(routes):
        asked = sum(route_of(probe) in ("", route) for s in part.statements if s.points for probe in right[s.name])
        best, most = None, 0
        for mistake, symptoms in mistakes_of(key, part):
            if not answer.may_be(symptoms):
                continue
            explains = answer.explained_by(mistake.name, run(answer.order, drawn, key.subjects(part, mistake), route))
            if explains > most:
                best, most = mistake, explains
            if most >= asked:  # more than every probe can't be explained
                break
        if best:
            return Diagnosis(best.name, best.hint)
    return None


class _Answer:
    """An answer, held against mistakes one after the other."""

    def __init__(
        self, statements: Iterable[Statement], drawn: Inputs, found: Outcomes, right: Outcomes, wrong: WrongProbes
    ):
        self.drawn, self.found, self.right, self.wrong = drawn, found, right, wrong
        names = {name for name, _ in wrong}
        self.order = sorted(statements, key=lambda statement: (statement.name not in names, not statement.points))
        """What is wrong comes first: most mistakes are ruled out by the first numbers."""
        self.root: dict[str, str] = {}
        for statement in statements:
            bases = [self.root[base.__name__] for base in statement.depends_on if base.__name__ in self.root]
            self.root[statement.name] = bases[0] if bases else statement.name
        self.wrong_roots = {
            self.root[statement.name] for statement in statements if statement.points and statement.name in names
        }
        self.can_tell = any(
            _tells(found[name][probe], found[name][probe], right[name][probe]) for name, probe in self.wrong
        )

    def may_be(self, symptoms: Symptoms) -> bool:
        """Tell whether a mistake with these symptoms can explain anything that is wrong."""
        return any(
            (name, probe) in self.wrong and words == words_of(self.found[name][probe])
            for name, probes in symptoms.items()
            for probe, words in probes.items()
        )

    def explained_by(self, mistake: str, mistaken: Iterable[tuple[Statement, str, Outcome]]) -> int:
        """Count the probes on which this and a mistake of this name agree; 0 unless they agree wherever that is wrong.

        Of at least one statement, and of those that depend on it or on which it depends, the mistake has to explain all
        that is wrong: they look at the same code. It explains by numbers or by our own words, because all infinities
        look alike, and so do many errors.
        """
        count, told, unexplained = 0, set[str](), set[str]()
        for statement, probe, outcome in mistaken:
            name = statement.name
            if told and not statement.points:
                continue
            if not told and not any(wrong == name for wrong, _ in self.wrong):
                return 0
            is_right = fits(statement, probe, outcome, self.right[name], self.drawn)
            size = statement.size(probe, self.drawn)
            alike = agree(self.found[name][probe], outcome, alike=True, size=size)
            if not alike and not is_right:
                return 0
            count += alike
            if alike and not is_right and _tells(self.found[name][probe], outcome, self.right[name][probe], mistake):
                told.add(self.root[name])
            elif not alike and (name, probe) in self.wrong:
                unexplained.add(self.root[name])
                if unexplained >= self.wrong_roots:
                    return 0
        return count if told - unexplained else 0


def _tells(found: Outcome, mistaken: Outcome, right: Outcome, mistake: str = "") -> bool:
    """Tell whether the outcome of a mistake, which an answer has too, says more than that both are wrong.

    It says more by finite numbers, by our own words, or by an error about the shapes of the same arrays. Our words say
    more if they are the mistake's name, or if what was found is the same: many mistakes give a wrong shape.
    """
    if isinstance(found, Failure) and isinstance(mistaken, Failure):
        if found.kind == "value":
            return what_is_wrong(found.text) == f"{mistake}." or _found_alike(found.text, mistaken.text)
        return found.text == mistaken.text and bool(SHAPES.search(found.text))
    if isinstance(found, Failure) or isinstance(mistaken, Failure):
        return False
    return bool(np.isfinite(mistaken).any()) and not agree(mistaken, right)


def _found_alike(sentence: str, other: str) -> bool:
    """Tell whether two `Wrong.sentence`s say that the same was found; of numbers, the last digits may differ."""
    one, two = map(_found_in, (sentence, other))
    if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(two)):
        return one == two
    return bool(np.isclose(float(one), float(two), rtol=1e-3, atol=1e-6, equal_nan=True))


def _found_in(sentence: str) -> str:
    """Return what a `Wrong.sentence` says was found."""
    return sentence.partition(" Found ")[2].partition(", expected ")[0].rstrip(".")
