"""`zerolayer watch`: what arrives in the exchange or in `submitted/`, what is said of it, and who is told."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from itertools import count

import nbformat
import pytest
from filelock import FileLock
from nbgrader.api import Gradebook

from lib.grading.commands.demo import complete
from lib.grading.commands.watch import WatchApp
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import Course
from tests.people import Term
from tests.sample_class import ANSWERS, fill
from tests.sample_class import RIGHT as ALL_RIGHT
from tests.submissions import cell

UNIT = "tiny"
RIGHT, WRONG, OTHER = "np.mean((y - yhat) ** 2)", "np.sum((y - yhat) ** 2)", "np.mean(np.abs(y - yhat))"
SECRET = "submission_secret.txt"
DAYS = [f"2026-03-0{day} 12:00:00.000000 UTC" for day in range(1, 9)]
AT_ONCE = "--WatchApp.wait=0"
"""Minutes until a next try is graded."""


class Watched(Course):
    """A course of one small unit, and an exchange beside it."""

    @property
    def exchange(self):
        return self.root.parent / "exchange"

    def options(self, *more, waits=AT_ONCE):
        places = (f"--Exchange.root={self.exchange}", "--ExchangeCollect.check_owner=False")
        return (UNIT, *places, "--OwnedCollect.check_time=False", "--WatchApp.settled=0", waits, *more)

    def lay(self, student, code, *, day=None):
        """Lay a try into `submitted/`, or into the exchange, as it was handed in on a `day`."""
        folder = self.root / "submitted" / student / UNIT
        if day is not None:
            folder = self.exchange / "zerolayer" / "inbound" / f"{student}+{UNIT}+{DAYS[day]}+x"
        folder.mkdir(parents=True, exist_ok=True)
        notebook = nbformat.read(self.root / "notebooks" / UNIT / f"{UNIT}.ipynb", as_version=4)
        solution = cell(notebook, "loss")
        solution.source = solution.source.replace("return ?", f"return {code}")
        nbformat.write(notebook, folder / f"{UNIT}.ipynb")
        if day is not None:
            (folder / "timestamp.txt").write_text(DAYS[day])
            (folder / SECRET).write_text(f"of {student}, day {day}")
        return folder

    def round(self, *options, waits=AT_ONCE):
        """Watch for one round; give what was said, without the times of day."""
        done = self.runs_here(WatchApp, *self.options("--once", *options, waits=waits))
        assert done.returncode == 0, done.stderr
        self.complained = done.stderr
        return [line[21:] for line in done.stdout.splitlines() if "  watching " not in line]

    def graded(self, student):
        return self.root / "autograded" / student / UNIT / f"{UNIT}.ipynb"

    def page(self, student):
        return self.root / "feedback" / student / UNIT / f"{UNIT}.html"

    def released(self):
        """The pages that lie in the exchange."""
        return sorted((self.exchange / "zerolayer" / "feedback").glob("*.html"))


def lay_out(small_course, root):
    """Copy the course, with an empty exchange beside it."""
    for folder in ("inbound", "feedback"):
        (root / "exchange" / "zerolayer" / folder).mkdir(parents=True)
    (root / "exchange").chmod(0o777)
    return Watched(shutil.copytree(small_course.root, root / "course"))


@pytest.fixture
def course(small_course):
    """A course, in the same folder each time: it shares a warm process."""
    shutil.rmtree(root := small_course.root.with_name("watched"), ignore_errors=True)
    return lay_out(small_course, root)


def test_a_round_tells_each_student_what_they_have_and_none_keeps_another(course):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(UNIT, duedate=DAYS[4])
    course.lay("ada", RIGHT, day=1)
    course.lay("bea", WRONG)
    course.lay("cai", RIGHT, day=5)
    course.lay("dana", RIGHT).joinpath(f"{UNIT}.ipynb").write_text("{")
    course.lay("eva", RIGHT)
    course.page("eva").mkdir(parents=True)
    course.lay("finn", RIGHT, day=1).joinpath(SECRET).write_bytes(b"\xff")
    course.lay("gil", RIGHT).joinpath(SECRET).write_bytes(b"no time beside it")
    course.lay("kaja", RIGHT)
    course.lay(" x", RIGHT)
    inbound = course.exchange / "zerolayer" / "inbound"
    (inbound / f"lena+{UNIT}+{DAYS[0]}").symlink_to(course.root)
    (inbound / f"mo+{UNIT}+no time").mkdir()
    options = ("--LateSubmissionPlugin.penalty_method=zero", "--CourseDirectory.student_id_exclude=kaja")
    said = course.round(*options)
    released, inside = "The feedback page is released.", f"The feedback page is in {course.root}/feedback"
    again = "The next round tries again."
    for line in (
        f"ada: 2 of 2 points. {released}",
        f"bea: 0 of 2 points. {inside}/bea/{UNIT}.",
        f"cai: 0 of 2 points (2 less for being late). {released}",
        f"dana: 0 of 2 points. {inside}/dana/{UNIT}.",
        "dana: this try needs a person: could not be read or run.",
    ):
        assert said.pop(said.index(line))
    failed = {
        "eva": f"{course.page('eva')}",
        "finn": "",
        "gil": f"{course.page('gil').with_name('timestamp.txt')}: No such",
    }
    for line, (student, why) in zip(sorted(said), failed.items(), strict=True):
        assert line.startswith(f"{student}: no feedback page: {why}") and line.endswith(again), line
    assert "it is not a folder" in course.complained and "its name isn't one that nbgrader gives" in course.complained
    assert ["of 2 points" in text_of(page.read_text()) for page in course.released()] == [True, True]
    before = {student: course.graded(student).stat().st_mtime_ns for student in (*failed, "ada", "dana")}
    assert len(course.round(*options)) == len(failed), "who was told isn't told again"
    assert {student: course.graded(student).stat().st_mtime_ns for student in before} == before


def test_who_cannot_be_graded_is_told_so(small_course, tmp_path):
    course = lay_out(small_course, tmp_path)
    unit = course.root / "units" / UNIT / "exercise.py"
    unit.write_text(unit.read_text().replace("rng.integers(", "rng.integer("))
    course.lay("ada", RIGHT)
    [said] = course.round()
    assert said.startswith("ada: this try was not graded: the unit's own code fails")
    assert said.endswith("The next round tries again.")


def test_the_last_try_counts_whatever_the_others_had(course):
    for day, (code, points) in enumerate(((RIGHT, 2), (WRONG, 0), (RIGHT, 2), (OTHER, 0))):
        course.lay("ada", code, day=day)
        [said] = course.round()
        assert said.startswith(f"ada: {points} of 2 points.")
        assert Gradebook(f"sqlite:///{course.root}/gradebook.db").find_submission(UNIT, "ada").score == points
    assert len(course.released()) == 4, "one page for each try"


def test_a_next_try_waits_as_long_as_the_course_says(course):
    course.lay("ada", RIGHT)
    assert "2 of 2" in course.round(waits="--WatchApp.wait=1000")[0]
    course.lay("ada", OTHER)
    [said] = course.round(waits="--WatchApp.wait=1000")
    assert re.fullmatch(r"ada: the next try will be graded at \d\d:\d\d\.", said)
    assert "ada: 0 of 2 points" in course.round()[0]


def test_what_another_command_has_graded_is_told_and_not_graded_again(course):
    """Also in a copy of the course, whose files have the time of the copy; and before a newer try takes its place."""
    course.lay("ada", RIGHT, day=1)
    assert course.nbgrader("collect", *course.options()[:4]).returncode == 0
    assert course.zerolayer("grade", UNIT).returncode == 0
    (copy := course.root.parent / "second" / "course").parent.mkdir()
    shutil.copytree(course.exchange, copy.parent / "exchange")
    moved = Watched(shutil.copytree(course.root, copy))
    graded = moved.graded("ada").stat().st_mtime_ns
    [said] = moved.round()
    assert said == "ada: 2 of 2 points. The feedback page is released."
    assert moved.graded("ada").stat().st_mtime_ns == graded
    course.lay("ada", WRONG, day=2)
    first, second = course.round()
    assert first.startswith("ada: 2 of 2") and second.startswith("ada: 0 of 2")
    assert len(course.released()) == 2


MOMENTS = ("os.rename", "os.mkdir", "os.remove", "shutil.copyfile", "os.link", "os.rmdir")


def is_killed(course, at):
    """Watch for a round in a process of its own, and kill that when it is to change a file for the `at`th time."""
    if child := os.fork():
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    own, changes = os.getpid(), count(1)

    def kill(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        is_change = event in MOMENTS or (writes and str(course.root.parent) in str(arguments[0]))
        if os.getpid() == own and is_change and next(changes) == at:
            os.kill(own, signal.SIGKILL)

    sys.addaudithook(kill)
    try:
        course.round()
    finally:
        os._exit(0)


def test_a_kill_at_any_moment_loses_no_page_and_nothing_is_graded_twice(course, tmp_path):
    course.lay("ada", RIGHT, day=1)
    course.lay("bea", WRONG)
    off, kills = [], 0
    shutil.copytree(course.root.parent, start := tmp_path / "start")
    for at in count(3, 13):
        shutil.rmtree(course.root.parent)
        shutil.copytree(start, course.root.parent)
        if not is_killed(course, at):
            break
        kills += 1
        before = {path: path.stat().st_mtime_ns for path in map(course.graded, ("ada", "bea")) if path.exists()}
        course.round()
        told = {student: course.page(student).exists() for student in ("ada", "bea")}
        again = [str(path) for path, changed in before.items() if path.stat().st_mtime_ns != changed]
        if told != {"ada": True, "bea": True} or again or len(course.released()) != 1 or course.round():
            off.append((at, told, again, course.released()))
    assert not off and kills > 5


def test_what_another_run_watches_is_not_watched_twice(course):
    with FileLock(course.root / "autograded" / ".unfinished" / f"{UNIT}.watch.lock", blocking=False):
        done = course.runs_here(WatchApp, UNIT, "--once")
    assert done.returncode == 1
    assert "is being watched by another run" in done.stderr and "Traceback" not in done.stderr


@contextmanager
def watching(folder, *options, environment=None):
    """Run `zerolayer watch` and end it; give a function that reads what it says up to a text, and all that was said."""
    command = [sys.executable, "-m", "lib.grading", "watch", *options, "--every=0.1"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process, said = subprocess.Popen(command, cwd=folder, env=environment, **streams), []

    def until(text):
        for line in process.stdout:
            said.append(line)
            if text in line:
                return line
        raise AssertionError(f"it ended without {text!r}: {''.join(said)}")

    try:
        until("watching")
        yield until, said
    finally:
        process.terminate()
        said.append(process.communicate(timeout=60)[0])
    assert process.returncode == 0 and "stopped" in said[-1]


def test_what_keeps_failing_is_tried_more_and_more_seldom_and_ends_with_the_fault(course):
    gradebook = course.root / "gradebook.db"
    with watching(course.root, *course.options()) as (until, _):
        gradebook.rename(kept := gradebook.with_name("kept.db"))
        gradebook.write_text("no database, for a while")
        course.lay("kaja", RIGHT)
        assert [float(until("this round failed").split()[-2]) for _ in range(3)] == [0.2, 0.4, 0.8]
        kept.replace(gradebook)
        until("kaja: 2 of 2 points")


@pytest.mark.gives(f"zerolayer watch {ASSIGNMENT}")
def test_from_handing_in_to_the_page(new_course, tmp_path):
    """With nbgrader's real exchange, both ways."""
    term = Term(tmp_path)
    new_course(term.course)
    ada, _ = term.students
    term.instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")
    ada.runs(f"nbgrader fetch_assignment {ASSIGNMENT}")
    fillings = fill(loss=("-np.mean(y * np.log(yhat))", ALL_RIGHT["loss"][1]))
    nbformat.write(complete(nbformat.read(ada.notebook, as_version=4), fillings, ANSWERS), ada.notebook)
    with watching(term.course, ASSIGNMENT, environment=term.instructor.environment) as (until, _):
        ada.runs(f"nbgrader submit {ASSIGNMENT}")
        until("ada: 19 of 20 points, and 4 points are still to be marked. The feedback page is released.")
    ada.runs(f"nbgrader fetch_feedback {ASSIGNMENT}")
    [page] = (ada.folder / ASSIGNMENT / "feedback").glob("*/*.html")
    assert "19 of 20 points so far" in text_of(page.read_text())
    [released] = tmp_path.glob("exchange/zerolayer/feedback/*.html")
    assert released.stat().st_mode & 0o777 == 0o644, "the student's own account can fetch it"
