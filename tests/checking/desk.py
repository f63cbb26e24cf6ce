"""What a student reads at the desk, for the tests of each part."""

import pytest

from lib.answer_key import Mistake
from lib.checking import render
from lib.checking.dispatch import Check
from lib.checking.render import Finding, Report
from lib.unit import Part
from lib.units import softmax_classifier
from lib.units.softmax_classifier.closed import ANSWER_KEY


def checked(part: Part, **code: object) -> Report:
    """The report on `code`, with the reference for what isn't given."""
    objects = {**ANSWER_KEY.right, **code}
    report = Check(part, softmax_classifier.__name__)(*(objects[name] for name in part.subjects))
    assert isinstance(report, Report)
    return report


def mistakes_of(part: Part) -> pytest.MarkDecorator:
    """Parametrize a test with the catalogue's mistakes in one part."""
    ours = [mistake for mistake in ANSWER_KEY.mistakes if mistake.part == part.id]
    return pytest.mark.parametrize("mistake", ours, ids=lambda mistake: mistake.name)


def mistaken(part: Part, mistake: Mistake | str) -> Report:
    """The report on a mistake of the catalogue; by its name on one in this part."""
    if isinstance(mistake, str):
        mistake = next(each for each in ANSWER_KEY.mistakes if (each.part, each.name) == (part.id, mistake))
    return checked(part, **mistake.code)


def finding(report: Report, statement: str) -> Finding:
    (found,) = (found for found in report.findings if found.statement.name == statement)
    return found


def states(report: Report) -> dict[str, str]:
    return {found.statement.name: found.state for found in report.findings}


def said(report: Report, statement: str) -> str:
    """All that the report says under one statement."""
    return "\n".join(label + sentence for label, sentence in render.details(finding(report, statement), report.part))


def assert_it_says_what_is_wrong(report: Report) -> None:
    """Something is wrong, and each wrong statement says what, and one thing to try or the student's own line."""
    assert not report.right
    wrong = [found for found in report.findings if found.state == "wrong"]
    assert wrong
    for found in wrong:
        details = dict(render.details(found, report.part))
        assert len(details[""]) > 10
        assert "Try: " in details
    assert report.points < report.part.points
