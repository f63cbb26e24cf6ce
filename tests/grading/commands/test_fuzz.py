"""A seeded sample of mutated notebooks, graded as a class. `python -m tests.fuzz` does the same with thousands."""

import shutil
import sqlite3

import pytest

from tests import fuzz
from tests.course import ASSIGNMENT
from tests.grading.conftest import Course
from tests.submissions.mutations import Mutant

SAMPLE = [Mutant(number) for number in range(1, 37)]
PAIR = [mutant for mutant in SAMPLE if mutant.is_harmless][:2]


@pytest.fixture(scope="module")
def fuzzed(new_course, tmp_path_factory):
    course = new_course(tmp_path_factory.mktemp("fuzz"))
    course.found = fuzz.graded(course, SAMPLE)
    return course


def test_no_class_is_aborted_no_grade_lost_and_no_verdict_crossed(fuzzed):
    assert fuzzed.found == []


def execute(course, statement):
    with sqlite3.connect(course.root / "gradebook.db") as tables:
        tables.execute(statement)


ROWS = "delete from submitted_assignment where student_id = '{}'"
TAMPERS = {
    "no verdict can be read": lambda course, one, other: fuzz.path_of(course, one, "verdict.json").unlink(),
    "signatures of others: found": lambda course, *pair: shutil.copy(
        *(fuzz.path_of(course, mutant, f"{ASSIGNMENT}.ipynb") for mutant in reversed(pair))
    ),
    "rows in the gradebook: found 0": lambda course, one, other: execute(course, ROWS.format(one.student)),
    "score in the gradebook: found": lambda course, *pair: execute(
        course, "update grade set auto_score = auto_score + 1"
    ),
}
"""What never may happen, done by hand: what is looked at finds it, and says this."""


@pytest.mark.parametrize("text", TAMPERS)
def test_what_may_never_happen_is_found(fuzzed, tmp_path, text):
    course = Course(tmp_path)
    for name in ("gradebook.db", "judge_secret"):
        shutil.copy(fuzzed.root / name, tmp_path)
    for step in ("submitted", "autograded", "feedback"):
        for mutant in PAIR:
            shutil.copytree(fuzzed.root / step / mutant.student, tmp_path / step / mutant.student, symlinks=True)
    assert list(fuzz.findings(course, PAIR)) == []
    TAMPERS[text](course, *PAIR)
    found = list(fuzz.findings(course, PAIR))
    assert [finding for finding in found if finding.startswith(str(PAIR[0])) and text in finding]
