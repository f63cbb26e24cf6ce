"""`zerolayer feedback` makes the pages that are due, many at once, and goes on where it was stopped."""

import errno
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from datetime import timedelta
from time import monotonic

import pytest
from filelock import FileLock
from nbgrader.api import Gradebook

from lib.grading import files
from lib.grading.commands import feedback
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import GradeApp
from lib.grading.commands.report import ReportApp
from tests.course import ASSIGNMENT
from tests.grading.pages.conftest import DUE, FILLINGS

STUDENTS = [*FILLINGS, "lars"]


@pytest.fixture
def course(small_class, tmp_path):
    """The small class once more, without pages."""
    return small_class.copy(tmp_path, "feedback", "reports")


def page(course, student):
    return course.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"


def written_by(course, *arguments):
    """Give the command, and tell whose pages it writes."""

    def times():
        return {
            student: page(course, student).stat().st_mtime_ns for student in STUDENTS if page(course, student).exists()
        }

    before = times()
    done = course.runs_here(FeedbackApp, ASSIGNMENT, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    found = {student for student, time in times().items() if time != before.get(student)}
    assert f"{len(found)} of " in done.stdout
    return found


def test_what_is_there_stays_and_all_else_is_noticed(course):
    assert written_by(course) == {*STUDENTS}
    assert written_by(course) == set()
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
    assert written_by(course, "--notebook=another") == set()
    assert written_by(course) == {"emil", "finn", "gail", "hana", "ines"}
    assert "1.5 of 2" in page(course, "ada").read_text() and "Nearly!" in page(course, "emil").read_text()


def test_beside_a_page_lie_the_notes_for_its_release_and_no_file_of_the_students(course):
    """A web page among them would be released as feedback."""
    folder = course.root / "autograded" / "ada" / ASSIGNMENT
    for name in ("own.html", "timestamp.txt", "submission_secret.txt"):
        (folder / name).write_text("2026-02-01 12:00:00 UTC")
    assert written_by(course, "--student=ada") == {"ada"}
    names = {path.name for path in page(course, "ada").parent.iterdir()}
    assert names == {page(course, "ada").name, "timestamp.txt", "submission_secret.txt"}


def killed(course, app, where, whom):
    """Give a command in a process of its own, and have it killed while a page is half written; give its exit code.

    `where` is part of the page's path; `whom` tells whether the command, the process that writes, or both are killed.
    """

    def write(path, content):
        if where in str(path):
            path.write_bytes(content[: len(content) // 2])
            for each in {"command": [command], "worker": [os.getpid()], "all": [command, os.getpid()]}[whom]:
                os.kill(each, signal.SIGKILL)
        path.write_bytes(content)

    child = os.fork()
    if child == 0:
        os.setsid()
        command, files.write = os.getpid(), write
        done = course.runs_here(app, ASSIGNMENT, "--student=*" if app is FeedbackApp else "--student=ada")
        os._exit(
            done.returncode if "The page of gail could not be made: the process that made it" in done.stderr else 9
        )
    _, status = os.waitpid(child, 0)
    deadline = monotonic() + 60
    while monotonic() < deadline:  # whoever is left of the command's processes
        try:
            os.killpg(child, 0)
        except ProcessLookupError:
            return os.waitstatus_to_exitcode(status)
        os.sched_yield()
    os.killpg(child, signal.SIGKILL)
    raise AssertionError("processes of the command stayed")


@pytest.mark.parametrize(
    ("app", "where", "whom", "code"),
    [
        (FeedbackApp, "/ada/", "command", -signal.SIGKILL),
        (FeedbackApp, "/gail/", "command", -signal.SIGKILL),
        (FeedbackApp, "/gail/", "worker", 1),
        (FeedbackApp, "/gail/", "all", -signal.SIGKILL),
        (ReportApp, "ada.html", "command", -signal.SIGKILL),
        (ReportApp, f"{ASSIGNMENT}.html", "command", -signal.SIGKILL),
    ],
)  # fmt: skip
def test_whatever_is_killed_no_half_page_stays_and_the_same_command_goes_on(course, app, where, whom, code):
    assert killed(course, app, where, whom) == code

    def there():
        places = [path for folder in ("feedback", "reports") for path in (course.root / folder).rglob("[!.]*.html")]
        return {path: path.read_text() for path in places}

    before = there()
    assert all(text.rstrip().endswith("</html>") for text in before.values())
    if whom == "worker":
        assert len(before) == len(STUDENTS) - 1 and page(course, "gail") not in before
    done = course.runs_here(app, ASSIGNMENT, *(["--student=ada"] if app is ReportApp else []))
    assert (done.returncode, done.stderr) == (0, "")
    after = there()
    assert len(after) == (len(STUDENTS) if app is FeedbackApp else 2)
    assert app is ReportApp or before.items() <= after.items()
    assert not [*course.root.rglob(".*.part")]


def test_who_has_no_page_is_told_and_the_others_get_theirs(course, monkeypatch):
    shutil.copytree(course.root / "autograded" / "ada", course.root / "autograded" / "otto")
    write_whole = feedback.write_whole

    def refuse(place, content):
        if "emil" in str(place):
            raise PermissionError(errno.EACCES, "Permission denied", str(place.parent))
        write_whole(place, content)

    monkeypatch.setattr(feedback, "write_whole", refuse)
    done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1
    emil, otto = (line for line in done.stderr.splitlines() if "could not be made" in line)
    assert f"The page of emil could not be made: {course.root}/feedback/emil/{ASSIGNMENT}: Permission denied." in emil
    assert "page of otto could not be made: the gradebook has nothing of it. Grade it again; if the student has" in otto
    assert {each for each in [*STUDENTS, "otto"] if page(course, each).is_file()} == {*STUDENTS} - {"emil"}


def test_what_another_program_holds_is_told_with_what_comes_next(course):
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1
    assert "Once this is mended, the same command goes on from there." in done.stderr
    with FileLock(course.root / "feedback" / f".{ASSIGNMENT}.lock", blocking=False):
        done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1 and "is being given feedback by another run" in done.stderr
