"""Verdicts: kept whole beside the notebook, and shown without anything that a student could run or copy."""

from pathlib import Path

import pytest

from lib.checking.challenges import SECRET
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.pipeline.verdict_html import html
from tests.checking.test_render import Reader
from tests.grading.judge.test_judge import KEY, LAST, PAIR, _shipped, both, judged, loss  # noqa: F401  # a fixture


@pytest.fixture
def pair() -> PartVerdict:
    return judged(PAIR, both("x.sum()", "x[-1]"))


def test_a_verdict_reads_back_as_it_was_kept(tmp_path: Path, pair: PartVerdict) -> None:
    with pytest.raises(DamagedVerdictError):
        Verdict.load(tmp_path)
    (tmp_path / FILE).write_bytes(Verdict.pack([Verdict("small", "small", "ada", 1, (pair,))]))
    [read] = Verdict.load(tmp_path).parts
    assert read == pair and (read.points, read.max_points) == (1, 3)


def test_the_page_shows_points_mistake_and_hint_but_no_expected_number(pair: PartVerdict) -> None:
    heard = Reader(html(pair)).heard
    assert all(said in heard for said in ("A pair: 1 of 3 points", LAST.name, LAST.hint, "right:", "wrong:"))
    [apart] = [each.why for each in pair.statements if each.why]
    assert apart.expected and apart.found in heard and apart.expected not in heard
    assert "A pair: 0.3333 of 1 points" in html(pair, scale=1 / 3)


ATTACK = '<script>alert(1)</script><img src=x onerror="alert(2)"><iframe src=//x>'


def test_what_a_student_wrote_is_text() -> None:
    record = {"failure": "error", "text": ATTACK, "line": ATTACK}
    unanswered = judge(KEY, loss, 1, None, problem=ATTACK)
    for verdict in (judge(KEY, PAIR, 1, {SECRET: {"look total": record, "look apart": record}}), unanswered):
        reader = Reader(html(verdict))
        assert not {"script", "img", "iframe"} & set(reader.tags)
        assert set(reader.attributes) <= {"style", "aria-label", "aria-hidden"}
        assert ATTACK in reader.heard
    assert (unanswered.points, unanswered.mistakes) == (0, [])
    assert {each.state for each in unanswered.statements} == {"not checked"}, "no answer is no wrong one"
    assert judge(KEY, loss, 1, None).problem == "The check gave no answer."
