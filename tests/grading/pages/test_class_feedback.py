"""`zerolayer feedback` makes the pages that are due, many at once, and goes on where it was stopped."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from datetime import timedelta
from select import select

import pytest
from filelock import FileLock
from nbgrader.api import Gradebook

from lib.grading import files
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import GradeApp
from lib.grading.commands.report import ReportApp
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
    """Give the command, and tell whose pages it writes."""

    def times():
        pages = {student: page(course, student) for student in STUDENTS}
        return {student: path.stat().st_mtime_ns for student, path in pages.items() if path.exists()}

    before = times()
    done = course.runs_here(FeedbackApp, ASSIGNMENT, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    found = {student for student, _ in times().items() - before.items()}
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

    `where` is part of the page's path; `whom` tells whether the command or the process that writes is killed.
    """

    def write(path, content):
        if where in str(path):
            path.write_bytes(content[: len(content) // 2])
            os.kill(command if whom == "command" else os.getpid(), signal.SIGKILL)
        path.write_bytes(content)

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        command, files.write = os.getpid(), write
        done = course.runs_here(app, ASSIGNMENT, "--student=*" if app is FeedbackApp else "--student=ada")
        said = "The page of gail could not be made: the process that made it" in done.stderr
        os._exit(done.returncode if said else 9)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as held:  # by all processes of the command
        assert select([held], [], [], 60)[0], "processes of the command stayed"
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize(
    ("app", "where", "whom"),
    [
        (FeedbackApp, "/ada/", "command"),
        (FeedbackApp, "/gail/", "command"),
        (FeedbackApp, "/gail/", "worker"),
        (ReportApp, "ada.html", "command"),
        (ReportApp, f"{ASSIGNMENT}.html", "command"),
    ],
)
def test_whatever_is_killed_no_half_page_stays_and_the_same_command_goes_on(course, app, where, whom):
    assert killed(course, app, where, whom) == (1 if whom == "worker" else -signal.SIGKILL)

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


def test_who_has_no_page_is_told_and_the_others_get_theirs(course):
    shutil.copytree(course.root / "autograded" / "ada", course.root / "autograded" / "otto")
    page(course, "emil").mkdir(parents=True)
    done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1
    emil, otto = (line for line in done.stderr.splitlines() if "could not be made" in line)
    assert f"The page of emil could not be made: {page(course, 'emil')}: Is a directory." in emil
    assert "page of otto could not be made: the gradebook has nothing of it. Grade it again; if the student has" in otto
    assert {each for each in [*STUDENTS, "otto"] if page(course, each).is_file()} == {*STUDENTS} - {"emil"}


def test_what_another_program_holds_is_told_with_what_comes_next(course):
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = course.runs_here(FeedbackApp, ASSIGNMENT, "--db=sqlite:///gradebook.db?timeout=0.1")
    assert done.returncode == 1
    assert "Once this is mended, the same command goes on from there." in done.stderr
    with FileLock(course.root / "feedback" / f".{ASSIGNMENT}.lock", blocking=False):
        done = course.runs_here(FeedbackApp, ASSIGNMENT)
    assert done.returncode == 1 and "is being given feedback by another run" in done.stderr
