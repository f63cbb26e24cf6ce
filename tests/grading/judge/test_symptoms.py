"""The symptoms of mistakes, which are looked up while a class is graded."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from lib.answer_key import Mistake
from lib.checking.fingerprints import FILE as FINGERPRINTS
from lib.checking.fingerprints import Measurement, measure
from lib.grading.judge import symptoms
from lib.grading.judge.comparison import outcomes
from lib.units.softmax_classifier import UNIT, cce, softmax_stable
from lib.units.softmax_classifier.closed import ANSWER_KEY

SMALL = replace(ANSWER_KEY, mistakes=tuple(one for one in ANSWER_KEY.mistakes if one.part == softmax_stable.id))


def test_the_file_lies_in_the_closed_half_and_fingerprints_in_the_open_one() -> None:
    assert symptoms.file_of(UNIT.name).parent.name == "closed"
    assert not (symptoms.file_of(UNIT.name).parent / FINGERPRINTS).exists()


def test_they_are_read_from_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = copy_of_file(monkeypatch, tmp_path)
    stored = json.loads(file.read_text(encoding="utf-8"))
    stored["symptoms"].append({"Marked": {}})
    mistake = next(one for one in ANSWER_KEY.mistakes if one.part == cce.id)
    stored["mistakes"][cce.id][mistake.name] = [len(stored["symptoms"]) - 1] * len([*mistake.ways])
    file.write_text(json.dumps(stored), encoding="utf-8")
    marked = [seen for way, seen in symptoms.mistakes_of(ANSWER_KEY, cce) if way.name == mistake.name]
    assert marked == [{"Marked": {}}] * len([*mistake.ways])


def test_a_mistake_that_the_file_lacks_or_that_has_more_ways_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = symptoms.find(ANSWER_KEY, cce, on_the_desks_inputs, {})
    file = copy_of_file(monkeypatch, tmp_path)
    stored = json.loads(file.read_text(encoding="utf-8"))
    first, second, *_ = right
    del stored["mistakes"][cce.id][first]
    stored["mistakes"][cce.id][second].append(0)
    file.write_text(json.dumps(stored), encoding="utf-8")
    expected = [seen for ways in right.values() for seen in ways]
    assert [seen for _, seen in symptoms.mistakes_of(ANSWER_KEY, cce)] == expected


def test_a_unit_of_a_courses_own_needs_no_file() -> None:
    """Its name may be that of one in `lib.units`, whose file says nothing of its mistakes."""
    found = symptoms.mistakes_of(SMALL, softmax_stable)
    assert len(found) == len([way for mistake in SMALL.mistakes for way in mistake.ways])
    assert all("LargeScores" in seen for _, seen in found)


def on_the_desks_inputs(mistake: Mistake | None) -> Measurement:
    return measure(cce, lambda inputs: outcomes(cce, inputs, ANSWER_KEY.subjects(cce, mistake)))


def copy_of_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have the file read from a copy that a test may change, and nothing known yet."""
    text = symptoms.file_of(UNIT.name).read_text(encoding="utf-8")
    monkeypatch.setattr(symptoms, "file_of", lambda unit: tmp_path / symptoms.FILE)
    monkeypatch.setattr(symptoms, "mistakes_of", cache(symptoms.mistakes_of.__wrapped__))
    (tmp_path / symptoms.FILE).write_text(text, encoding="utf-8")
    return tmp_path / symptoms.FILE
