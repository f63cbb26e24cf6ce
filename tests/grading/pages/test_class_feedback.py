"""`zerolayer feedback` makes the pages that are due, many at once, and goes on where it was stopped."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from filelock import FileLock
from nbgrader.api import Gradebook
from tests.grading.report.conftest import DUE, FILLINGS

from lib.grading.commands import feedback
from tests.course import ASSIGNMENT
from tests.grading.conftest import Course

STUDENTS = [*FILLINGS, "lars"]
ALL = f"{len(STUDENTS)} of {len(STUDENTS)} feedback pages written"


@pytest.fixture
def course(small_class, tmp_path):
    """The small class once more, without pages."""
    shutil.copytree(small_class.root, tmp_path / "course", ignore=shutil.ignore_patterns("feedback", "reports"))
    return Course(tmp_path / "course")


def page(course, student):
    return course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"


def times(course):
    return {student: page(course, student).stat().st_mtime_ns for student in STUDENTS}


def written_again(course, *arguments):
    """Give the command, and tell whose pages it writes."""
    before = times(course)
    done = course.zerolayer("feedback", ASSIGNMENT, *arguments)
    assert done.returncode == 0, done.stderr
    return {student for student, time in times(course).items() if time != before[student]}


def test_what_is_there_stays_and_new_marks_are_noticed(course):
    done = course.zerolayer("feedback", ASSIGNMENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert ALL in done.stdout
    assert written_again(course) == set()
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("explain-gradient", ASSIGNMENT, ASSIGNMENT, "ada")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.find_comment("explain-gradient", ASSIGNMENT, ASSIGNMENT, "emil").manual_comment = "Nearly!"
        late = gradebook.find_submission(ASSIGNMENT, "finn")
        late.timestamp, late.notebooks[0].late_submission_penalty = DUE + timedelta(hours=1), 2
        gradebook.db.commit()
    assert written_again(course) == {"ada", "emil", "finn"}
    assert "Written answer 1" in page(course, "ada").read_text() and "1.5 of 2" in page(course, "ada").read_text()
    assert "Nearly!" in page(course, "emil").read_text()
    assert written_again(course, "--force", "--student=ada") == {"ada"}


def test_a_page_that_another_command_wrote_or_somebody_removed_is_written_again(course):
    assert course.zerolayer("feedback", ASSIGNMENT).returncode == 0
    page(course, "ada").write_text("something else")
    shutil.rmtree(page(course, "emil").parent)
    done = course.zerolayer("feedback", ASSIGNMENT)
    assert f"2 of {len(STUDENTS)} feedback pages written" in done.stdout
    assert "<h1>" in page(course, "ada").read_text() and "<h1>" in page(course, "emil").read_text()


def test_what_students_hand_in_under_the_name_of_the_record_stops_no_page(course):
    """nbgrader copies what lies beside a graded notebook; its own command leaves it beside the page."""
    record = ".made_from.json"
    ada, emil = (course.root / "autograded" / student / ASSIGNMENT / record for student in ("ada", "emil"))
    ada.write_text("[" * 100_000)
    emil.mkdir()
    (emil / "note").write_text("x")
    for command in (course.zerolayer, course.nbgrader):
        done = command("feedback" if command == course.zerolayer else "generate_feedback", ASSIGNMENT, "--force")
        assert done.returncode == 0, done.stderr
    assert written_again(course) == set(STUDENTS)
    assert written_again(course) == set()


def test_beside_a_page_lie_the_notes_for_its_release_and_no_file_of_the_students(course):
    """A web page among them would be released as feedback."""
    folder = course.root / "autograded" / "ada" / ASSIGNMENT
    for name in ("own.html", "timestamp.txt", "submission_secret.txt"):
        (folder / name).write_text("2026-02-01 12:00:00 UTC")
    assert course.zerolayer("feedback", ASSIGNMENT, "--student=ada").returncode == 0
    names = {path.name for path in page(course, "ada").parent.iterdir()}
    assert names == {".made_from.json", page(course, "ada").name, "timestamp.txt", "submission_secret.txt"}


def test_what_keeps_all_pages_from_their_place_is_said_once(course, monkeypatch):
    """As where another account has made the folder. Root may write there, and is told here what others are."""

    def refuse(_, place):
        raise PermissionError(errno.EACCES, "Permission denied", str(place.parent))

    monkeypatch.setattr(feedback, "put_in_place", refuse)
    done = course.runs_here(feedback.FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1
    [told] = [line for line in done.stderr.splitlines() if "could not be made" in line]
    assert f"The page of ada could not be made: {course.root}/feedback/ada: Permission denied." in told
    assert "So it is with the pages of bao, emil, " in told


def test_another_grading_makes_another_page(course):
    assert course.zerolayer("feedback", ASSIGNMENT).returncode == 0
    assert course.zerolayer("grade", ASSIGNMENT, "--student=finn", "--force").returncode == 0
    assert written_again(course) == {"finn"}


def test_a_run_that_is_killed_leaves_whole_pages_and_is_taken_up(course):
    command = [sys.executable, "-m", "lib.grading", "feedback", ASSIGNMENT]
    process = subprocess.Popen(command, cwd=course.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    feedback = course.root / "feedback"
    while process.poll() is None and not list(feedback.glob("[!.]*")):
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait()
    (feedback / ".unfinished" / STUDENTS[0]).mkdir(exist_ok=True)  # as it is left at one moment
    there = {path.parents[1].name: path.read_bytes() for path in feedback.glob(f"[!.]*/{ASSIGNMENT}/*.html")}
    assert all(content.rstrip().endswith(b"</html>") for content in there.values())
    done = course.zerolayer("feedback", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    assert {student for student in STUDENTS if page(course, student).is_file()} == set(STUDENTS)
    assert all(page(course, student).read_bytes() == content for student, content in there.items())
    assert [path.name for path in (feedback / ".unfinished").iterdir()] == [f"{ASSIGNMENT}.lock"]


@pytest.mark.parametrize(
    ("flags", "next_time"),
    [((), "goes on from there"), (("--force",), "begins again with all, as --force says")],
    ids=["as usual", "by force"],
)
def test_where_it_has_to_stop_it_says_what_the_same_command_does(course, flags, next_time):
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = course.zerolayer("feedback", ASSIGNMENT, *flags)
    assert done.returncode == 1
    assert f"Once this is mended, the same command {next_time}." in done.stderr


def test_a_submission_without_marks_is_told_and_the_others_get_their_pages(course):
    shutil.copytree(course.root / "autograded" / "ada", course.root / "autograded" / "otto")
    done = course.zerolayer("feedback", ASSIGNMENT)
    assert done.returncode == 1
    assert (
        "The page of otto could not be made: the gradebook has nothing of it. Grade it again; if the student has left,"
        " remove " in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert all(page(course, student).is_file() for student in STUDENTS) and not page(course, "otto").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Name one assignment"),
        (["unknown"], "No notebooks were matched"),
        ([ASSIGNMENT, "--student=nobody"], "No notebooks were matched"),
    ],
)
def test_where_there_is_nothing_to_do_it_says_so_and_ends_with_1(course, arguments, text):
    done = course.zerolayer("feedback", *arguments)
    assert done.returncode == 1
    assert text in done.stderr


def test_two_runs_at_once_are_told_apart(course):
    with FileLock(course.root / "feedback" / ".unfinished" / f"{ASSIGNMENT}.lock", blocking=False):
        done = course.zerolayer("feedback", ASSIGNMENT)
    assert done.returncode == 1
    assert "is being written by another run" in done.stderr


def test_a_notebook_of_several_keeps_the_others_pages(course):
    """With `--notebook` nbgrader makes some pages of an assignment, and so does this."""
    assert course.zerolayer("feedback", ASSIGNMENT).returncode == 0
    other = page(course, "ada").with_name("other.html")
    other.write_text("another notebook's page")
    assert course.zerolayer("feedback", ASSIGNMENT, "--force", f"--notebook={ASSIGNMENT}").returncode == 0
    assert other.read_text() == "another notebook's page"
