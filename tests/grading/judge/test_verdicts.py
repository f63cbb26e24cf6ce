"""Verdicts: kept whole beside the notebook, and shown without anything that a student could run or copy."""

import json
from pathlib import Path

import pytest

from lib.checking.answers import read_record, record
from lib.checking.student_code import Failure
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import FILE, Verdict, html
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.checking.test_render import Reader
from tests.grading.judge.test_judge import judged, part_of

SUM = next(
    mistake for mistake in ANSWER_KEY.mistakes if mistake.name == "The loss is the sum over the batch, not its mean"
)


def verdict_of_a_class() -> Verdict:
    parts = tuple(judged(part, SUM.code) for part in ANSWER_KEY.parts)
    return Verdict("softmax_classifier", "softmax_classifier", "ada", 1, parts, ("The kernel wrote to stderr.",))


def test_a_verdict_reads_back_as_it_was_kept(tmp_path: Path) -> None:
    verdict = verdict_of_a_class()
    verdict.save(tmp_path)
    assert Verdict.load(tmp_path) == verdict
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (verdict.points, verdict.max_points) == (20, 21)


def test_a_verdict_of_version_0_1_is_read_as_todays(tmp_path: Path) -> None:
    verdict = verdict_of_a_class()
    verdict.save(tmp_path)
    old = (tmp_path / FILE).read_text().replace('"text":', '"says":').replace('"library_calls":', '"borrowed":')
    assert '"says":' in old and '"borrowed":' in old
    (tmp_path / FILE).write_text(old)
    assert Verdict.load(tmp_path) == verdict


def test_a_failure_that_version_0_1_recorded_is_read_as_todays() -> None:
    today = record(Failure("time", "It took too long.", "line 3"))
    assert {*today} == {"failure", "text", "line"}
    assert read_record({"trouble": "time", "says": "It took too long.", "line": "line 3"}) == read_record(today)


def test_an_appeal_finds_challenge_answer_and_what_was_expected(tmp_path: Path) -> None:
    verdict_of_a_class().save(tmp_path)
    part = json.loads((tmp_path / FILE).read_text())["parts"][0]
    assert part["answer"]["BatchMean"]["batch"]["values"][0] == pytest.approx(
        7 * part["expected"]["BatchMean"]["batch"]["values"][0]
    )
    assert part["challenge"]["y_batch"]["shape"] == [4, 7]
    assert part["mistake"]["hint"] == SUM.hint


def test_a_missing_verdict_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Verdict.load(tmp_path)


def test_the_page_shows_points_mistake_and_hint_but_no_expected_number() -> None:
    part = judged(part_of("check-cce"), SUM.code)
    reader = Reader(html(part))
    assert "The loss: 1 of 2 points" in reader.heard
    assert SUM.name in reader.heard
    assert SUM.hint in reader.heard
    assert "right:" in reader.heard
    assert "wrong:" in reader.heard
    for number in part.expected["BatchMean"]["batch"]["values"]:
        assert str(number)[:6] not in reader.heard


def test_points_are_scaled_to_the_gradebooks() -> None:
    part = judged(part_of("check-cce"), SUM.code)
    assert "The loss: 2.5 of 5 points" in html(part, scale=2.5)
    assert "The loss: 0.3333 of 0.6667 points" in html(part, scale=1 / 3)


def test_what_a_student_wrote_is_text() -> None:
    attack = '<script>alert(1)</script><img src=x onerror="alert(2)"><iframe src=//x>'
    records = {"": {"trouble": "error", "says": attack, "line": attack}}
    part = judge(ANSWER_KEY, part_of("check-cce"), 1, {"OneSample": records, "BatchMean": records})
    reader = Reader(html(part))
    assert not {"script", "img", "iframe"} & set(reader.tags)
    assert set(reader.attributes) <= {"style", "aria-label", "aria-hidden"}
    assert attack in reader.heard
    assert attack not in Reader(html(judge(ANSWER_KEY, part_of("check-cce"), 1, None, problem=attack))).tags


def test_no_answer_shows_its_problem() -> None:
    reader = Reader(html(judge(ANSWER_KEY, part_of("check-cce"), 1, None, problem="The kernel died.")))
    assert "The kernel died." in reader.heard
    assert reader.heard.count("not checked:") == 2
