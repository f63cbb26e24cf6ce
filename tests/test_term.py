"""The whole term, with real nbgrader: from the release to the grades, as two students and their instructor see it."""

import csv
from zipfile import ZipFile

import pytest

from lib.grading.judge.verdict import Verdict
from tests.course import ASSIGNMENT
from tests.grading.active import elements
from tests.people import MARKS, NOTEBOOK, QUESTIONS, REMARK

pytest_plugins = ["tests.term"]
pytestmark = pytest.mark.xdist_group("a term")

MISTAKE = "The loss is the mean over all entries of the matrix"
HINT = "Divide by the number of samples, once: y.shape[1] counts them."


def words(page):
    """The text of a page, as it is read: its words one space apart."""
    return " ".join(" ".join(elements(page.read_text())[0].itertext()).split())


def fetched_page(student):
    """Give the words of the one feedback page that a student has for the last submission."""
    return words(sorted((student.folder / ASSIGNMENT / "feedback").glob("*/*.html"))[-1])


def exported(told, name, by, column):
    """Give a number of each row of an exported file, by the student."""
    with (told.course / name).open() as file:
        return {row[by]: float(row[column]) for row in csv.DictReader(file)}


def test_students_fetch_what_was_built(marked):
    built = (marked.course / "notebooks" / ASSIGNMENT / NOTEBOOK).read_bytes()
    assert marked.copies == [built, built]


def test_validate_says_before_handing_in_whether_all_is_right(marked):
    right, wrong = marked.validations
    assert "Success! Your notebook passes all the tests." in right
    assert "VALIDATION FAILED" in wrong
    assert "check.cce()" in wrong
    assert "The loss of one sample is not -log of its true class's probability." in wrong


def test_what_students_hand_in_is_what_the_instructor_collects(marked):
    for student in marked.students:
        folder = marked.course / "submitted" / student.name / ASSIGNMENT
        assert (folder / NOTEBOOK).read_bytes() == student.notebook.read_bytes()
        assert (folder / "timestamp.txt").exists()


def test_grading_gives_points_names_the_mistake_and_leaves_the_written_questions_to_a_person(marked):
    ada, emil = marked.before_marking.values()
    assert (ada.score, emil.score) == (20, 19)
    assert (emil.points["check-cce"], emil.points["check-train"]) == (1, 4)
    assert [(each.to_mark, each.late) for each in (ada, emil)] == 2 * [(set(QUESTIONS), False)]
    verdict = Verdict.load(marked.course / "autograded" / "emil" / ASSIGNMENT)
    [loss] = [part for part in verdict.parts if part.id == "check-cce"]
    assert (loss.mistake.name, loss.mistake.hint) == (MISTAKE, HINT)


def test_marks_that_a_person_gives_in_formgrader_count(marked):
    for student, submission in marked.after_marking.items():
        assert tuple(submission.points[question] for question in QUESTIONS) == MARKS[student]
        assert submission.score == marked.before_marking[student].score + sum(MARKS[student])
        assert submission.to_mark == set()


def test_grading_again_keeps_the_marks_and_asks_to_look_at_them_again(told):
    for student, submission in told.after_regrading.items():
        assert submission.points == told.after_marking[student].points
        assert submission.to_mark == set(QUESTIONS)


def test_being_late_costs_what_the_course_says(told):
    ada, emil = told.after_regrading.values()
    assert ada.late and ada.penalty == ada.score == 23.5
    assert not emil.late and emil.penalty == 0 and emil.score == 22


def test_the_feedback_that_a_student_fetches_has_points_mistake_hint_and_remark(told):
    of_emil, of_ada = fetched_page(told.emil), fetched_page(told.ada)
    said = ("22 of 24 points", "The loss: 1 of 2 points", MISTAKE, HINT, REMARK)
    assert not [each for each in said if each not in of_emil]
    assert "The loss: 2 of 2 points" in of_ada and HINT not in of_ada


def test_the_report_names_the_mistake_and_who_was_late(told):
    report = words(told.course / "reports" / f"{ASSIGNMENT}.html")
    said = (MISTAKE, HINT, "2 submitted, 2 graded, 1 late", "only with a roster", "emil")
    assert not [each for each in said if each not in report]


COUNTS = {"ada": 0, "emil": 22}
EXPORTED = {
    ("grades.csv", "student_id", "raw_score"): {"ada": 23.5, "emil": 22},
    ("grades.csv", "student_id", "score"): COUNTS,
    ("grades.csv", "student_id", "max_score"): {"ada": 24, "emil": 24},
    ("worksheet-filled.csv", "Identifier", "Grade"): {"Participant 501": 0, "Participant 502": 22},
}


def test_nbgrader_exports_points_and_penalties_and_moodle_gets_what_counts(told):
    found = {key: exported(told, *key) for key in EXPORTED}
    assert {key: {name: rows[name] for name in EXPORTED[key]} for key, rows in found.items()} == EXPORTED


def test_moodle_gets_the_pages_that_students_fetch(told):
    with ZipFile(told.course / "feedback.zip") as file:
        pages = [file.read(name) for name in sorted(file.namelist())]
    folders = [told.course / "feedback" / student / ASSIGNMENT for student in ("ada", "emil")]
    assert pages == [(folder / f"{ASSIGNMENT}.html").read_bytes() for folder in folders]
