"""A seeded sample of mutated notebooks, graded as a class. `python -m tests.fuzz` does the same with thousands."""

import json
import shutil
import sqlite3

import pytest

from tests import fuzz
from tests.course import ASSIGNMENT
from tests.grading.conftest import Course
from tests.submissions.mutations import MUTATORS, Mutant

SAMPLE = [Mutant(number) for number in range(1, 37)]
PAIR = [mutant for mutant in SAMPLE if mutant.is_harmless][:2]


@pytest.fixture(scope="module")
def fuzzed(new_course, tmp_path_factory):
    course = new_course(tmp_path_factory.mktemp("fuzz"))
    course.found = fuzz.graded(course, SAMPLE)
    return course


def test_no_class_is_aborted_no_grade_lost_and_no_verdict_crossed(fuzzed):
    assert fuzzed.found == []


# What is looked at would be found: each of these does by hand what never may happen


def verdict_lost(course, one, other):
    fuzz.path_of(course, one, "verdict.json").unlink()


def verdict_of_another(course, one, other):
    shutil.copy(fuzz.path_of(course, other, "verdict.json"), fuzz.path_of(course, one, "verdict.json"))


def challenge_of_another(course, one, other):
    (course.root / "judge_secret").write_text("0123456789abcdef" * 4)


def notebook_of_another(course, one, other):
    name = f"{ASSIGNMENT}.ipynb"
    fuzz.path_of(course, one, name).unlink()
    shutil.copy(fuzz.path_of(course, other, name), fuzz.path_of(course, one, name))


def page_lost(course, one, other):
    (course.root / "feedback" / one.student / ASSIGNMENT / fuzz.PAGE).unlink()


def points_turned(course, one, other):
    path = fuzz.path_of(course, one, "verdict.json")
    verdict = json.loads(path.read_text())
    for part in verdict["parts"]:
        for statement in part["statements"]:
            statement["state"] = "open" if statement["state"] == "right" else "right"
    path.write_text(json.dumps(verdict))


def rows_lost(course, one, other):
    with sqlite3.connect(course.root / "gradebook.db") as tables:
        tables.execute("delete from submitted_assignment where student_id = ?", [one.student])


def scores_raised(course, one, other):
    with sqlite3.connect(course.root / "gradebook.db") as tables:
        tables.execute("update grade set auto_score = auto_score + 1")


@pytest.mark.parametrize(
    ("tamper", "text"),
    [
        (verdict_lost, "no verdict can be read"),
        (verdict_of_another, "student: found"),
        (challenge_of_another, "seed: found"),
        (notebook_of_another, "signatures of others: found"),
        (notebook_of_another, "own signature: found False"),
        (page_lost, "feedback page: found False"),
        (points_turned, "points: found"),
        (rows_lost, "rows in the gradebook: found 0"),
        (scores_raised, "score in the gradebook: found"),
    ],
)
def test_what_may_never_happen_is_found(fuzzed, tmp_path, tamper, text):
    course = Course(tmp_path)
    for name in ("gradebook.db", "judge_secret"):
        shutil.copy(fuzzed.root / name, tmp_path)
    for step in ("submitted", "autograded", "feedback"):
        for mutant in PAIR:
            shutil.copytree(fuzzed.root / step / mutant.student, tmp_path / step / mutant.student, symlinks=True)
    assert list(fuzz.findings(course, PAIR)) == []
    tamper(course, *PAIR)
    found = list(fuzz.findings(course, PAIR))
    assert [finding for finding in found if finding.startswith(str(PAIR[0])) and text in finding]


# Mutants


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_mutant_comes_from_its_number_alone(fuzzed, tmp_path):
    for mutant in SAMPLE:
        folder = tmp_path / str(mutant.number)
        Mutant(mutant.number).hand_in(fuzzed.released(), folder)
        assert contents(folder) == contents(fuzzed.root / "submitted" / mutant.student / ASSIGNMENT)


def test_every_mutator_has_its_turn():
    drawn = {mutator.name for number in range(1, 301) for mutator in Mutant(number).mutators}
    assert drawn == {mutator.name for mutator in MUTATORS}
