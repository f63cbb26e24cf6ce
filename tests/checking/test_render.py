"""The panel: a report reads in HTML and in plain text, whoever reads it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from nbgrader.validator import Validator

from lib.checking.arguments import Undefined
from lib.checking.dispatch import CheckFailed
from lib.checking.render import COLOURS, MARKS, WIDTH, Report
from lib.checking.values import Wrong
from lib.unit import Part
from lib.units import hidden_layer
from lib.units.softmax_classifier import UNIT, cce, check, softmax_forward
from tests.checking.desk import checked, mistaken
from tests.variants import released, written

VOID = {"br", "img"}


class Reader(HTMLParser):
    """Reads HTML as a screen reader does: tags are balanced, and what is hidden is skipped."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.heard = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self.open.append((tag, ("aria-hidden", "true") in attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self.open):
            self.heard += data


@pytest.mark.parametrize("part", UNIT.parts, ids=lambda part: part.id)
def test_every_state_is_heard_as_a_word(part: Part) -> None:
    report = checked(part)
    reader = Reader(report._repr_html_())
    assert reader.heard.count("right:") == len(report.findings) > 0
    assert not set(reader.heard) & set(MARKS.values()) - set("–!")
    assert reader.tags[0] == "section"
    assert "aria-label" in reader.attributes
    assert reader.tags.count("li") == len(report.findings)
    assert "ol" in reader.tags


def test_the_text_says_the_same_as_the_page() -> None:
    report = mistaken(cce, "The loss is the sum over the batch, not its mean")
    assert report.help.mistake is not None
    text, heard = (re.sub(r"\W+", "", said) for said in (str(report), Reader(report._repr_html_()).heard))
    for sentence in ("The batch's loss is not the mean", "4 classes, 7 samples", f"Try: {report.help.mistake.hint}"):
        assert re.sub(r"\W+", "", sentence).lower() in text.lower()
        assert re.sub(r"\W+", "", sentence).lower() in heard.lower()


def test_statements_have_numbers_that_others_refer_to() -> None:
    report = mistaken(cce, "The minus sign is missing")
    assert "\n  1 ✗ wrong: " in str(report)
    assert "\n  2 – not checked: " in str(report)
    assert "Not tested: it needs statement 1, which is not right yet." in str(report)


def test_the_heading_counts_points_and_names_the_cell() -> None:
    assert str(mistaken(cce, "The loss is the sum over the batch, not its mean")).startswith(
        "The loss: 1 of 2 points (check-cce)\n"
    )


def test_what_student_code_says_is_escaped() -> None:
    code = written('def cce(y, yhat):\n    raise ValueError("<script>alert(1)</script><img src=x onerror=alert(2)>")')
    html = checked(cce, cce=code["cce"])._repr_html_()
    reader = Reader(html)
    assert not {"script", "img"} & set(reader.tags)
    assert set(reader.attributes) <= {"style", "aria-label", "aria-hidden", "scope"}
    assert "<script>alert(1)" in reader.heard


def test_a_name_that_isnt_defined_is_told_once_above_the_statements() -> None:
    report = check.dense_backward(Undefined("<b>Dense</b>"))
    assert isinstance(report, Report)
    assert str(report).count("is not defined yet") == 1
    assert str(report).count("not checked") == 3
    assert "<b>Dense</b> is not defined yet" in Reader(report._repr_html_()).heard


def test_lines_fit_a_terminal() -> None:
    long = "x" * 200
    report = checked(
        softmax_forward, Softmax=written(f"class Softmax:\n    def forward(self, input): {long}")["Softmax"]
    )
    assert max(len(line) for line in str(report).splitlines() if long[:80] not in line) <= WIDTH
    assert max(len(line) for line in str(checked(softmax_forward)).splitlines()) <= WIDTH


def test_validate_cuts_no_sentence() -> None:
    report = str(hidden_layer.check.network_backward(Undefined("Network")))
    assert max(map(len, report.splitlines())) == WIDTH
    assert "..." not in Validator()._indent(report)


def test_colours_only_repeat_the_words_and_follow_the_theme() -> None:
    assert set(COLOURS) == set(MARKS) == {"right", "wrong", "not checked", "advice"}
    assert all(colour.startswith("var(--jp-") for colour in COLOURS.values())
    assert len(set(MARKS.values())) == len(MARKS)


def test_a_failed_check_shows_as_its_report() -> None:
    report = checked(cce, cce=released()["cce"])
    failed = CheckFailed(report)
    assert failed._render_traceback_() == str(report).splitlines()
    assert str(failed) == "check-cce: not everything is right yet"


def test_large_arrays_are_shown_by_their_shape() -> None:
    report = checked(softmax_forward, Softmax=None)
    assert "NoneType" in str(report)
    from lib.checking.values import show

    assert show(np.ones((30, 30))) == "an array of shape (30, 30)"
    assert show(np.array([1.23456, 2])) == "[1.2346, 2.    ]"
    assert show(1.23456789) == "1.2346"


def test_a_sentence_ends_with_one_full_stop() -> None:
    found = "ValueError: there is none."
    assert Wrong("It is wrong.", found=found).sentence == f"It is wrong. Found {found}"
    assert Wrong("It is wrong.", found=1, expected=2).sentence == "It is wrong. Found 1, expected 2."
