"""The panel: a report reads in HTML and in plain text, whoever reads it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from nbgrader.validator import Validator

from lib.checking.render import COLOURS, MARKS, WIDTH, Report
from lib.checking.results import Wrong, show
from tests.checking.little import check
from tests.variants import written


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
        if tag not in {"br", "img"}:
            self.open.append((tag, ("aria-hidden", "true") in attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        self.heard += "" if any(hidden for _, hidden in self.open) else f"{data} "


def loss(line: str) -> Report:
    report = check.loss(written(f"def loss(x):\n    return {line}")["loss"])
    assert isinstance(report, Report)
    return report


RIGHT, SUM = loss("np.mean(x ** 2)"), loss("np.sum(x ** 2)")
RAISES = loss('x.throw("<script>alert(1)</script><img src=x onerror=alert(2)>")')
MARKUP = loss("""{}["<script>alert(1)</script><img src=x onerror=alert(2)>"]""")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@pytest.mark.parametrize("report", [RIGHT, SUM, RAISES, MARKUP], ids=["right", "sum", "raises", "markup"])
def test_what_is_seen_is_heard_and_escaped_and_the_text_says_the_same(report: Report) -> None:
    reader, text = Reader(report._repr_html_()), str(report)
    states = ["note" if each.state == "wrong" and not each.max_points else each.state for each in report.findings]
    assert reader.tags[0] == "section" and "aria-label" in reader.attributes and "ol" in reader.tags
    assert reader.tags.count("li") == len(report.findings) == 5
    assert not {"script", "img"} & {*reader.tags}
    assert {*reader.attributes} <= {"style", "aria-label", "aria-hidden", "scope"}
    assert not {*reader.heard} & {*MARKS.values()} - {*"–!"}
    for number, state in enumerate(states, 1):
        assert f"\n  {number} {MARKS[state]} {state}: " in text
        assert f"{state}: " in reader.heard
    counts = re.compile(r"^\s+\d|line \d+|\(\d\)|by hand: |your code: ", re.MULTILINE)  # laid out another way
    assert {*words(counts.sub("", text))} - {*words(reader.heard)} <= {"1", "2"}
    assert max(len(line) for line in text.splitlines() if "script" not in line) <= WIDTH


def test_the_heading_counts_points_and_a_failure_is_told_once() -> None:
    assert str(SUM).startswith("The loss: 0 of 4 points (check-loss)\n")
    assert "A reason:" not in str(SUM) and "note" not in str(SUM)
    for raises in (str(loss("x @ np.ones((9, 9))")), Reader(loss("x @ np.ones((9, 9))")._repr_html_()).heard):
        opened = " ".join(raises.split())
        assert opened.count("It raised ValueError") == 1 and opened.count("The same as in statement 1.") == 4
        assert opened.count("Try: ") == 1


def test_an_input_written_into_has_a_heading_that_fits() -> None:
    report = " ".join(str(loss("np.mean(x.__imul__(2) ** 2) / 4")).split())
    assert "1 ✗ wrong: Your code does not change its inputs. The code changes x, which it is given." in report
    assert "Try: Compute into a new array" in report


def test_advice_stands_open() -> None:
    advice = str(loss("np.mean(x ** 2) if x.size else 1.0"))
    assert "Try: Add them up first." in " ".join(advice.partition("----")[0].split())


def test_an_error_is_told_by_what_it_means_its_words_and_the_students_line() -> None:
    before = " ".join(str(loss("np.mean(x(2))")).partition("----")[0].split())
    error = "It raised TypeError: 'numpy.ndarray' object is not callable"
    assert f"An array is called like a function. {error} Your line 2: return np.mean(x(2))" in before
    assert "<code>line 2: return np.mean(x(2))</code>" in loss("np.mean(x(2))")._repr_html_()


def test_a_name_that_isnt_defined_is_told_once_above_the_statements() -> None:
    report = check.slope()
    assert (str(report).count("is not defined yet"), str(report).count("not checked")) == (1, 1)
    assert "slope is not defined yet" in Reader(report._repr_html_()).heard


def test_validate_cuts_no_sentence_and_colours_only_repeat_the_words() -> None:
    assert "..." not in Validator()._indent(str(SUM))
    assert set(COLOURS) == set(MARKS) and all(colour.startswith("var(--jp-") for colour in COLOURS.values())


SHOWN = [
    (np.ones((30, 30)), "an array of shape (30, 30)"),
    (np.array([1.23456, 2]), "[1.2346, 2.    ]"),
    (1.23456789, "1.2346"),
    (-0.0, "0"),
    ([1, 2], "[1, 2]"),
    ({"a" * 200}, "{'" + "a" * 118),
]


def test_values_are_shown_shortly_and_a_sentence_ends_with_one_full_stop() -> None:
    assert [show(value) for value, _ in SHOWN] == [shown for _, shown in SHOWN]
    assert Wrong("It is wrong.", found="there is none.").sentence == "It is wrong. Found there is none."
    assert Wrong("It is wrong.", found=1, expected=2).sentence == "It is wrong. Found 1, expected 2."
