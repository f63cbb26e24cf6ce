"""What a student reads at the desk, for the tests of each part of both units."""

import pytest

from lib.answer_key import AnswerKey
from lib.checking import render
from lib.checking.dispatch import Check
from lib.checking.findings import Finding
from lib.checking.render import Report
from lib.mistakes import Mistake
from lib.unit import Part
from lib.units import hidden_layer, softmax_classifier
from lib.units.hidden_layer.closed import ANSWER_KEY as HIDDEN_LAYER
from lib.units.softmax_classifier.closed import ANSWER_KEY as SOFTMAX_CLASSIFIER

KEYS = {softmax_classifier.__name__: SOFTMAX_CLASSIFIER, hidden_layer.__name__: HIDDEN_LAYER}
"""The answer keys of both units, by their packages."""


def place_of(part: Part) -> tuple[str, AnswerKey]:
    """The package and the answer key of a part's unit."""
    return next((package, key) for package, key in KEYS.items() if part in key.parts)


def checked(part: Part, **code: object) -> Report:
    """The report on `code`, with the right objects for what isn't given."""
    package, key = place_of(part)
    objects = {**key.right, **code}
    report = Check(part, package)(*(objects[name] for name in part.subjects))
    assert isinstance(report, Report)
    return report


def mistakes_of(part: Part) -> pytest.MarkDecorator:
    """Parametrize a test with the catalogue's mistakes in one part."""
    ours = [mistake for mistake in place_of(part)[1].mistakes if mistake.part == part.id]
    return pytest.mark.parametrize("mistake", ours, ids=lambda mistake: mistake.name)


def mistaken(part: Part, mistake: Mistake | str) -> Report:
    """The report on a mistake of the catalogue, made in the first way; by its name on one in this part."""
    _, key = place_of(part)
    if isinstance(mistake, str):
        mistake = next(each for each in key.mistakes if (each.part, each.name) == (part.id, mistake))
    return checked(part, **next(iter(mistake.objects(key.right))))


def finding(report: Report, statement: str) -> Finding:
    """What was found of one statement."""
    (found,) = (found for found in report.findings if found.statement.name == statement)
    return found


def states(report: Report) -> dict[str, str]:
    """The state of each statement, by its name."""
    return {found.statement.name: found.state for found in report.findings}


def said(report: Report, statement: str) -> str:
    """All that the report says under one statement."""
    return "\n".join(label + sentence for label, sentence in render.details(finding(report, statement)))


def assert_it_says_what_is_wrong(report: Report) -> None:
    """Something is wrong, and each wrong statement says what, and one thing to try or the student's own line."""
    wrong = [found for found in report.findings if found.state == "wrong"]
    assert wrong and report.points < report.part.points
    for found in wrong:
        details = dict(render.details(found))
        assert len(details[""]) > 10 and "Try: " in details
