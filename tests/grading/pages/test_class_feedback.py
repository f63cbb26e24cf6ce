"""`zerolayer feedback` writes the pages of a class, many at once, and goes on after a failure."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from filelock import FileLock
from nbgrader.api import Gradebook

from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import GradeApp
from tests.course import ASSIGNMENT
from tests.grading.pages.conftest import DUE, FILLINGS

pytestmark = pytest.mark.xdist_group("a graded class")

STUDENTS = [*FILLINGS, "lars"]


@pytest.fixture
def course(small_class, tmp_path):
    """The small class once more, without pages."""
    return small_class.copy(tmp_path, "feedback", "reports")


def page(course, student):
    return course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"


def written_by(course, *arguments):
    """Run the command, and return whose pages it writes."""

    def times():
        pages = {student: page(course, student) for student in STUDENTS}
        return {student: path.stat().st_mtime_ns for student, path in pages.items() if path.exists()}

    before = times()
    done = course.runs_here(FeedbackApp, ASSIGNMENT, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    found = {student for student, _ in times().items() - before.items()}
    assert f"{len(found)} of " in done.stdout
    return found


def test_new_marks_penalties_and_submissions_are_on_the_pages(course):
    assert written_by(course) == {*STUDENTS}
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_comment("explain-gradient", ASSIGNMENT, ASSIGNMENT, "emil").manual_comment = "Nearly!"
        late = gradebook.find_submission(ASSIGNMENT, "finn")
        late.timestamp, late.notebooks[0].late_submission_penalty = DUE + timedelta(hours=1), 2
        gradebook.db.commit()
    course.marks({("ada", "explain-gradient"): 1.5})
    page(course, "gail").write_text("what another command wrote")
    shutil.rmtree(page(course, "hana").parent)
    course.hand_in("ines", FILLINGS["ada"])
    assert course.runs_here(GradeApp, ASSIGNMENT, "--student=ines").returncode == 0
    assert written_by(course, "--jobs=1", "--student=ada") == {"ada"}
    assert written_by(course) == {*STUDENTS}
    said = {"ada": "1.5 of 2", "emil": "Nearly!", "finn": "taken off", "gail": "points", "hana": "points"}
    assert not [student for student, text in said.items() if text not in page(course, student).read_text()]


def test_beside_a_page_lie_the_notes_for_its_release_and_no_file_of_the_students(course):
    """A web page among them would be released as feedback."""
    folder = course.root / "autograded" / "ada" / ASSIGNMENT
    for name in ("own.html", "timestamp.txt", "submission_secret.txt"):
        (folder / name).write_text("2026-02-01 12:00:00 UTC")
    assert written_by(course, "--student=ada") == {"ada"}
    names = {path.name for path in page(course, "ada").parent.iterdir()}
    assert names == {page(course, "ada").name, "timestamp.txt", "submission_secret.txt"}


def test_who_has_no_page_is_told_and_the_others_get_theirs(course):
    shutil.copytree(course.root / "autograded" / "ada", course.root / "autograded" / "otto")
    page(course, "emil").mkdir(parents=True)
    done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1
    emil, otto = (line for line in done.stderr.splitlines() if "could not be written" in line)
    assert f"The page of emil could not be written: {page(course, 'emil')}: Is a directory." in emil
    assert "page of otto could not be written: the gradebook has no marks for it. Grade it again; if the" in otto
    assert {each for each in [*STUDENTS, "otto"] if page(course, each).is_file()} == {*STUDENTS} - {"emil"}


def test_what_another_program_holds_is_told_with_what_comes_next(course):
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = course.runs_here(FeedbackApp, ASSIGNMENT, "--db=sqlite:///gradebook.db?timeout=0.1")
    assert done.returncode == 1
    assert "Once this is fixed, the same command goes on from there." in done.stderr
    with FileLock(course.root / "feedback" / f".{ASSIGNMENT}.lock", blocking=False):
        done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1 and "is being given feedback by another run" in done.stderr
