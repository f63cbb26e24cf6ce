"""The whole term, with real nbgrader: from the release to the grades, as two students and their instructor see it."""

import csv
from html.parser import HTMLParser
from zipfile import ZipFile

import nbformat

from lib.blanks import open_blanks
from lib.grading.judge.verdict import Verdict
from tests.course import ASSIGNMENT
from tests.people import MARKS, NOTEBOOK, QUESTIONS, REMARK

pytest_plugins = ["tests.term"]

MISTAKE = "The loss is the mean over all entries of the matrix"
HINT = "Print the number that you divide by, for two batches of different sizes. Does it count the samples?"


class Words(HTMLParser):
    """The text of a page, as it is read: its words one space apart."""

    def __init__(self, page):
        super().__init__()
        self.silent = False
        self.parts = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.silent = tag in ("style", "script")

    def handle_endtag(self, tag):
        self.silent = False

    def handle_data(self, data):
        if not self.silent:
            self.parts.append(data)

    def __str__(self):
        return " ".join(" ".join(self.parts).split())


def fetched_page(student):
    """Give the words of the one feedback page that a student has for the last submission."""
    pages = sorted((student.folder / ASSIGNMENT / "feedback").glob("*/*.html"))
    return str(Words(pages[-1].read_text()))


def test_students_fetch_what_was_built(fetched):
    built = (fetched.course / "notebooks" / ASSIGNMENT / NOTEBOOK).read_bytes()
    assert fetched.copies == [built, built]
    cells = nbformat.reads(built.decode(), as_version=4).cells
    assert sum(len(open_blanks(cell.source)) for cell in cells if cell.cell_type == "code") == 15


def test_validate_says_before_handing_in_whether_all_is_right(validated):
    right, wrong = validated.validations
    assert "Success! Your notebook passes all the tests." in right
    assert "VALIDATION FAILED" in wrong
    assert "check.cce(cce)" in wrong
    assert "The loss of one sample is not -log of its true class's probability." in wrong


def test_what_students_hand_in_is_what_the_instructor_collects(collected):
    for student in collected.students:
        folder = collected.course / "submitted" / student.name / ASSIGNMENT
        assert (folder / NOTEBOOK).read_bytes() == student.notebook.read_bytes()
        assert (folder / "timestamp.txt").exists()


def test_grading_gives_points_and_leaves_the_written_questions_to_a_person(graded):
    ada, emil = graded.before_marking.values()
    assert (ada.score, emil.score) == (20, 18)
    assert emil.points["check-cce"] == 0
    assert emil.points["check-train"] == 4
    for submission in (ada, emil):
        assert submission.to_mark == set(QUESTIONS)
        assert not submission.late


def test_the_verdict_names_the_mistake(graded):
    verdict = Verdict.load(graded.autograded("emil"))
    [loss] = [part for part in verdict.parts if part.id == "check-cce"]
    assert (loss.mistake.name, loss.mistake.hint) == (MISTAKE, HINT)


def test_marks_that_a_person_gives_in_formgrader_count(marked):
    for student, submission in marked.after_marking.items():
        assert tuple(submission.points[question] for question in QUESTIONS) == MARKS[student]
        assert submission.score == marked.before_marking[student].score + sum(MARKS[student])
        assert submission.to_mark == set()


def test_grading_again_keeps_the_marks_and_asks_to_look_at_them_again(regraded):
    for student, submission in regraded.after_regrading.items():
        assert submission.points == regraded.after_marking[student].points
        assert submission.to_mark == set(QUESTIONS)


def test_being_late_costs_what_the_course_says(regraded):
    ada, emil = regraded.after_regrading.values()
    assert ada.late and ada.penalty == ada.score == 23.5
    assert not emil.late and emil.penalty == 0 and emil.score == 21


def test_the_feedback_that_a_student_fetches_has_points_mistake_hint_and_remark(fed_back):
    page = fetched_page(fed_back.emil)
    assert "21 of 24 points" in page
    assert "The loss: 0 of 2 points" in page
    assert MISTAKE in page
    assert HINT in page
    assert REMARK in page


def test_the_feedback_of_who_had_all_right_names_no_mistake(fed_back):
    page = fetched_page(fed_back.ada)
    assert "The loss: 2 of 2 points" in page
    assert HINT not in page


def test_the_report_names_the_mistake_and_who_was_late(told):
    report = str(Words((told.course / "reports" / f"{ASSIGNMENT}.html").read_text()))
    assert MISTAKE in report
    assert HINT in report
    assert "submitted 2 of 2 graded 2 failed to run 0 late 1" in report
    assert "emil" in report


def exported(told, name, by):
    """Give the rows of an exported file, by the student."""
    with (told.course / name).open() as file:
        return {row[by]: row for row in csv.DictReader(file)}


def test_nbgrader_exports_points_and_penalties(told):
    rows = exported(told, "grades.csv", "student_id")
    assert {name: (float(row["raw_score"]), float(row["score"])) for name, row in rows.items()} == {
        "ada": (23.5, 0),
        "emil": (21, 21),
    }
    assert all(float(row["max_score"]) == 24 for row in rows.values())


def test_canvas_and_moodle_get_what_counts(told):
    for name, by in (("canvas.csv", "SIS Login ID"), ("moodle.csv", "Username"), ("upload.csv", "Username")):
        rows = exported(told, name, by)
        points = "Grade" if name == "upload.csv" else ASSIGNMENT
        assert {student: float(rows[student][points]) for student in ("ada", "emil")} == {"ada": 0, "emil": 21}


def test_moodle_gets_the_pages_that_students_fetch(told):
    with ZipFile(told.course / "feedback.zip") as file:
        pages = [file.read(name) for name in sorted(file.namelist())]
    folders = [told.course / "feedback" / student / ASSIGNMENT for student in ("ada", "emil")]
    assert pages == [(folder / f"{ASSIGNMENT}.html").read_bytes() for folder in folders]
