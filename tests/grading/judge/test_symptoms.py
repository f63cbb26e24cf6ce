"""The symptoms of mistakes, which are looked up while a class is graded."""

import json
from dataclasses import replace
from functools import cache

import pytest

from lib.checking.fingerprints import FILE as FINGERPRINTS
from lib.grading.judge import symptoms
from lib.grading.judge.symptoms import find, measure_code, mistakes_of
from lib.units.softmax_classifier import UNIT, cce, softmax_stable
from lib.units.softmax_classifier.closed import ANSWER_KEY

SMALL = replace(ANSWER_KEY, mistakes=tuple(one for one in ANSWER_KEY.mistakes if one.part == softmax_stable.id))


@pytest.fixture
def stored(monkeypatch, tmp_path):
    """What the unit's file holds, and `save()`, which has it read anew from another file."""
    held = json.loads(symptoms.file_of(UNIT.name).read_text(encoding="utf-8"))
    monkeypatch.setattr(symptoms, "file_of", lambda unit: tmp_path / symptoms.FILE)
    monkeypatch.setattr(symptoms, "mistakes_of", cache(mistakes_of.__wrapped__))
    return held, lambda: (tmp_path / symptoms.FILE).write_text(json.dumps(held), encoding="utf-8")


def test_the_file_lies_in_the_closed_half_and_fingerprints_in_the_open_one():
    assert symptoms.file_of(UNIT.name).parent.name == "closed"
    assert not (symptoms.file_of(UNIT.name).parent / FINGERPRINTS).exists()


def test_they_are_read_from_the_file(stored):
    held, save = stored
    held["symptoms"].append({"Marked": {}})
    mistake = next(one for one in ANSWER_KEY.mistakes if one.part == cce.id)
    held["mistakes"][cce.id][mistake.name] = [len(held["symptoms"]) - 1] * len([*mistake.ways])
    save()
    marked = [seen for way, seen in symptoms.mistakes_of(ANSWER_KEY, cce) if way.name == mistake.name]
    assert marked == [{"Marked": {}}] * len([*mistake.ways])


def test_a_mistake_that_the_file_lacks_or_that_has_more_ways_is_looked_at(stored):
    right = find(ANSWER_KEY, cce, lambda mistake: measure_code(ANSWER_KEY, cce, mistake), {})
    (held, save), (first, second, *_) = stored, right
    del held["mistakes"][cce.id][first]
    held["mistakes"][cce.id][second].append(0)
    save()
    expected = [seen for ways in right.values() for seen in ways]
    assert [seen for _, seen in symptoms.mistakes_of(ANSWER_KEY, cce)] == expected


def test_a_unit_of_a_courses_own_needs_no_file():
    """Its name may be that of one in `lib.units`, whose file says nothing of its mistakes."""
    found = mistakes_of(SMALL, softmax_stable)
    assert len(found) == len([way for mistake in SMALL.mistakes for way in mistake.ways])
    assert all("LargeScores" in seen for _, seen in found)
