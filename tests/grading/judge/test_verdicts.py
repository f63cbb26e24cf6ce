"""Verdicts: kept whole beside the notebook, and shown without anything that a student could run or copy."""

import json
from pathlib import Path

import pytest

from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import FILE, PartVerdict, Verdict, html
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.checking.test_render import Reader
from tests.grading.judge.test_judge import judged, part_of

[SUM] = [each for each in ANSWER_KEY.mistakes if each.name == "The loss is the sum over the batch, not its mean"]


@pytest.fixture(scope="module")
def loss() -> PartVerdict:
    """A part with a mistake that has a name."""
    return judged(part_of("check-cce"), SUM.code)


def test_a_verdict_reads_back_as_it_was_kept_with_all_that_an_appeal_asks_for(tmp_path: Path) -> None:
    parts = tuple(judged(part, SUM.code) for part in ANSWER_KEY.parts)
    verdict = Verdict("softmax_classifier", "softmax_classifier", "ada", 1, parts, ("The kernel wrote to stderr.",))
    with pytest.raises(FileNotFoundError):
        Verdict.load(tmp_path)
    (tmp_path / FILE).write_bytes(Verdict.pack([verdict]))
    assert Verdict.load(tmp_path) == verdict
    assert (verdict.points, verdict.max_points) == (19, 20)
    part = json.loads((tmp_path / FILE).read_text())["parts"][0]
    given, expected = (part[kind]["BatchMean"]["batch"]["values"][0] for kind in ("answer", "expected"))
    assert given == pytest.approx(7 * expected)
    assert part["challenge"]["y_batch"]["shape"] == [4, 7]
    assert part["mistake"]["hint"] == SUM.hint


def test_the_page_shows_points_mistake_and_hint_but_no_expected_number(loss: PartVerdict) -> None:
    heard = Reader(html(loss)).heard
    assert all(said in heard for said in ("The loss: 1 of 2 points", SUM.name, SUM.hint, "right:", "wrong:"))
    assert not [number for number in loss.expected["BatchMean"]["batch"]["values"] if str(number)[:6] in heard]


def test_points_are_scaled_to_the_gradebooks(loss: PartVerdict) -> None:
    assert "The loss: 2.5 of 5 points" in html(loss, scale=2.5)
    assert "The loss: 0.3333 of 0.6667 points" in html(loss, scale=1 / 3)


def test_what_a_student_wrote_is_text() -> None:
    attack = '<script>alert(1)</script><img src=x onerror="alert(2)"><iframe src=//x>'
    records = {"": {"failure": "error", "text": attack, "line": attack}}
    reader = Reader(html(judge(ANSWER_KEY, part_of("check-cce"), 1, {"OneSample": records, "BatchMean": records})))
    assert not {"script", "img", "iframe"} & set(reader.tags)
    assert set(reader.attributes) <= {"style", "aria-label", "aria-hidden"}
    assert attack in reader.heard


def test_no_answer_is_not_a_wrong_one_and_its_problem_is_text() -> None:
    verdict = judge(ANSWER_KEY, part_of("check-cce"), 1, None, problem="<script>alert(1)</script>")
    assert (verdict.points, verdict.mistake, {each.state for each in verdict.statements}) == (0, None, {"not checked"})
    reader = Reader(html(verdict))
    assert verdict.problem in reader.heard and "script" not in reader.tags
    assert judge(ANSWER_KEY, part_of("check-cce"), 1, None).problem == "The check gave no answer."
