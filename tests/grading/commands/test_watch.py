"""`zerolayer watch`: what arrives in the exchange or in `submitted/`, what is said of it, and who is told."""

import os
import re
import shutil
import signal
import subprocess
import sys

import nbformat
import pytest
from filelock import FileLock
from nbgrader.api import Gradebook

from lib.grading.commands.demo import complete
from lib.grading.commands.watch import WatchApp
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, fill
from lib.units.softmax_classifier.closed.sample_class import RIGHT as ALL_RIGHT
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import Course
from tests.people import Term
from tests.submissions import cell

UNIT = "tiny"
RIGHT, WRONG, OTHER = "np.mean((y - yhat) ** 2)", "np.sum((y - yhat) ** 2)", "np.mean(np.abs(y - yhat))"
SECRET = "submission_secret.txt"
DAYS = [f"2026-03-0{day} 12:00:00.000000 UTC" for day in range(1, 9)]
AT_ONCE = "--WatchApp.waits=0"
"""Minutes until a second try, and any other, is graded."""


class Watched(Course):
    """A course of one small unit, and an exchange beside it."""

    @property
    def exchange(self):
        return self.root.parent / "exchange"

    def options(self, *more, waits=AT_ONCE):
        places = (f"--Exchange.root={self.exchange}", "--ExchangeCollect.check_owner=False")
        return (UNIT, *places, "--OwnedCollect.check_time=False", "--WatchApp.settled=0", waits, *more)

    def lay(self, student, code, *, day=None, secret=None, answer=None):
        """Lay a try into `submitted/`, or into the exchange, as it was handed in on a `day`."""
        folder = self.root / "submitted" / student / UNIT
        if day is not None:
            folder = self.exchange / "zerolayer" / "inbound" / f"{student}+{UNIT}+{DAYS[day]}+x"
        folder.mkdir(parents=True, exist_ok=True)
        notebook = nbformat.read(self.root / "notebooks" / UNIT / f"{UNIT}.ipynb", as_version=4)
        solution = cell(notebook, "loss")
        solution.source = answer or re.sub(r"return \?", f"return {code}", solution.source)
        nbformat.write(notebook, folder / f"{UNIT}.ipynb")
        if day is not None:
            (folder / "timestamp.txt").write_text(DAYS[day])
            (folder / SECRET).write_bytes(secret or f"of {student}, day {day}".encode())
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


@pytest.fixture
def course(small_course, tmp_path):
    for folder in ("inbound", "feedback"):
        (tmp_path / "exchange" / "zerolayer" / folder).mkdir(parents=True)
    (tmp_path / "exchange").chmod(0o777)
    return Watched(shutil.copytree(small_course.root, tmp_path / "course"))


def test_a_round_tells_each_student_what_they_have_and_none_keeps_another(course):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(UNIT, duedate=DAYS[4])
    course.lay("ada", RIGHT, day=1)
    course.lay("bea", WRONG)
    course.lay("cai", RIGHT, day=5)
    course.lay("dana", RIGHT).joinpath(f"{UNIT}.ipynb").write_text("{")
    course.lay("eva", RIGHT)
    course.page("eva").mkdir(parents=True)
    course.lay("finn", RIGHT, day=1, secret=b"\xff")
    course.lay("gil", RIGHT).joinpath(SECRET).write_bytes(b"no time beside it")
    course.lay("kaja", RIGHT)
    course.lay(" x", RIGHT)
    inbound = course.exchange / "zerolayer" / "inbound"
    (inbound / f"lena+{UNIT}+{DAYS[0]}").symlink_to(course.root)
    (inbound / f"mo+{UNIT}+no time").mkdir()
    options = ("--LateSubmissionPlugin.penalty_method=zero", "--CourseDirectory.student_id_exclude=kaja")
    said = course.round(*options)
    released, inside = "The feedback page is released.", f"The feedback page is in {course.root}/feedback"
    again = "It is tried again in the next round."
    for line in (
        f"ada: try 1 has 2 of 2 points. {released}",
        f"bea: try 1 has 0 of 2 points. {inside}/bea/{UNIT}.",
        f"cai: try 1 has 0 of 2 points (2 less for being late). {released}",
        f"dana: try 1 has 0 of 2 points. {inside}/dana/{UNIT}.",
        "dana: this try needs a person: could not be read or run.",
    ):
        assert said.pop(said.index(line))
    failed = {
        "eva": f"has no feedback page: {course.page('eva')}",
        "finn": "has a feedback page that can't be released: ",
        "gil": f"has a feedback page that can't be released: {course.page('gil').with_name('timestamp.txt')}: No such",
    }
    assert [line.partition(":")[0] for line in sorted(said)] == [*failed], said
    for line, (student, why) in zip(sorted(said), failed.items(), strict=True):
        assert line.startswith(f"{student}: this try {why}") and line.endswith(again), line
    assert "it is no folder" in course.complained and "nbgrader doesn't name a submission so" in course.complained
    assert ["of 2 points" in text_of(page.read_text()) for page in course.released()] == [True, True]
    before = {student: course.graded(student).stat().st_mtime_ns for student in (*failed, "ada", "dana")}
    assert len(course.round(*options)) == len(failed), "who was told isn't told again"
    assert {student: course.graded(student).stat().st_mtime_ns for student in before} == before


@pytest.mark.parametrize("by_exchange", [True, False])
def test_the_last_try_counts_whatever_the_others_had(course, by_exchange):
    for day, (code, points) in enumerate(((RIGHT, 2), (WRONG, 0), (RIGHT, 2), (OTHER, 0))):
        course.lay("ada", code, day=day if by_exchange else None)
        [said] = course.round()
        assert said.startswith(f"ada: try {day + 1} has {points} of 2 points.")
        assert Gradebook(f"sqlite:///{course.root}/gradebook.db").find_submission(UNIT, "ada").score == points
    assert len(course.released()) == (4 if by_exchange else 0), "one page for each try"


def test_a_third_try_waits_as_long_as_the_course_says(course):
    for code in (RIGHT, WRONG):
        course.lay("ada", code)
        assert "has" in course.round(waits="--WatchApp.waits=[0, 1000]")[0]
    course.lay("ada", OTHER)
    [said] = course.round(waits="--WatchApp.waits=[0, 1000]")
    assert re.fullmatch(r"ada: try 3 will be graded at \d\d:\d\d\.", said)
    assert "try 3 has 0 of 2 points" in course.round()[0]


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
    assert said == "ada: try 1 has 2 of 2 points. The feedback page is released."
    assert moved.graded("ada").stat().st_mtime_ns == graded
    course.lay("ada", WRONG, day=2)
    first, second = course.round()
    assert first.startswith("ada: try 1 has 2 of 2") and second.startswith("ada: try 2 has 0 of 2")
    assert len(course.released()) == 2


class Killed:
    """An audit hook that ends its process at one of the moments at which it changes a file, or counts them."""

    MOMENTS = ("os.rename", "os.mkdir", "os.remove", "shutil.copyfile", "os.link", "os.rmdir")

    def __init__(self, folder, at=None):
        self.folder, self.at, self.passed, self.process = str(folder), at, 0, os.getpid()

    def __call__(self, event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if os.getpid() == self.process and (writes or event in self.MOMENTS):
            self.passed += self.folder in str(arguments[0]) or event != "open"
            if self.passed == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


def forked_round(course, at=None):
    """Watch for a round in a process of its own, which is killed at the moment `at`; give how many there were."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            sys.addaudithook(hook := Killed(course.root.parent, at))
            course.round()
            os.write(writing, b"%d" % hook.passed)
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as line:
        return int(line.read() or 0)


def test_a_kill_at_any_moment_loses_no_page_and_nothing_is_graded_twice(course, tmp_path):
    course.lay("ada", RIGHT, day=1)
    course.lay("bea", WRONG)
    fresh = Watched(shutil.copytree(course.root, tmp_path / "count" / "course"))
    shutil.copytree(course.exchange, fresh.exchange)
    moments = forked_round(fresh)
    assert moments > 20
    off = []
    for at in [*range(3, moments, moments // 6), moments]:
        killed = Watched(shutil.copytree(course.root, tmp_path / str(at) / "course"))
        shutil.copytree(course.exchange, killed.exchange)
        forked_round(killed, at)
        before = {path: path.stat().st_mtime_ns for path in map(killed.graded, ("ada", "bea")) if path.exists()}
        killed.round()
        told = {student: killed.page(student).exists() for student in ("ada", "bea")}
        again = [str(path) for path, changed in before.items() if path.stat().st_mtime_ns != changed]
        if told != {"ada": True, "bea": True} or again or len(killed.released()) != 1 or killed.round():
            off.append((at, told, again, killed.released()))
    assert not off


def test_a_line_of_the_ledger_that_was_cut_short_costs_no_other(course):
    course.lay("ada", RIGHT)
    assert len(course.round()) == 1
    ledger = course.root / "autograded" / ".unfinished" / f"{UNIT}.told.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-7])
    assert course.round()[0].startswith("ada: try 1 has 2 of 2")
    assert course.round() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("softmax_clasifier", "--once"), "The gradebook doesn't know softmax_clasifier. Run `zerolayer build` first."),
        ((UNIT, "--once"), "is being watched by another run"),
        ((UNIT, "--once", "--db=sqlite:///nbgrader_config.py"), "The gradebook can't be used: file is not a database."),
    ],
)
def test_where_nothing_can_be_watched_the_command_ends_with_a_sentence(course, arguments, told):
    with FileLock(course.root / "autograded" / ".unfinished" / f"{UNIT}.told.lock", blocking=False):
        done = course.runs_here(WatchApp, *arguments)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


class Watch:
    """A running `zerolayer watch` and what it says."""

    def __init__(self, course, *options, environment=None):
        command = [sys.executable, "-m", "lib.grading", "watch", *options, "--every=0.1"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, cwd=course, env=environment, **streams)
        self.said = []
        self.until("watching")

    def until(self, text):
        """Read what it says up to a line with this text."""
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return line
        raise AssertionError(f"it ended without {text!r}: {''.join(self.said)}")

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=60)
        self.said.append(rest)
        return self.process.returncode


def test_a_notebook_without_end_keeps_nobody_waiting(course):
    """Neither who handed in together with it, nor who does while it runs."""
    course.lay("ada", "", answer="while True:\n    pass")
    course.lay("bea", RIGHT)
    watch = Watch(course.root, *course.options("--timeout=250"))
    try:
        watch.until("bea: try 1 has 2 of 2 points")
        course.lay("cai", WRONG, day=1)
        watch.until("cai: try 1 has 0 of 2 points")
    finally:
        watch.end()
    assert not any("ada" in line for line in watch.said)


def test_what_keeps_failing_is_tried_more_and_more_seldom_and_ends_with_the_fault(course):
    gradebook = course.root / "gradebook.db"
    watch = Watch(course.root, *course.options())
    try:
        gradebook.rename(kept := gradebook.with_name("kept.db"))
        gradebook.write_text("no database, for a while")
        course.lay("kaja", RIGHT)
        pauses = [float(watch.until("this round failed").split()[-2]) for _ in range(3)]
        kept.replace(gradebook)
        watch.until("kaja: try 1 has 2 of 2 points")
    finally:
        assert watch.end() == 0
    assert pauses == [0.2, 0.4, 0.8]


@pytest.fixture(scope="module")
def term(new_course, tmp_path_factory):
    """A course whose assignment both students have fetched."""
    term = Term(tmp_path_factory.mktemp("term"))
    new_course(term.course)
    term.instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")
    term.both(f"nbgrader fetch_assignment {ASSIGNMENT}")
    return term


def submit(student, fillings):
    notebook = complete(nbformat.read(student.notebook, as_version=4), fillings, ANSWERS)
    nbformat.write(notebook, student.notebook)
    student.runs(f"nbgrader submit {ASSIGNMENT}")


def pages(student):
    """Fetch what is there; give each page's words, in the order of the submissions."""
    student.runs(f"nbgrader fetch_feedback {ASSIGNMENT}")
    found = sorted((student.folder / ASSIGNMENT / "feedback").glob("*/*.html"))
    return [text_of(page.read_text()) for page in found]


@pytest.mark.gives(f"zerolayer watch {ASSIGNMENT}")
def test_from_handing_in_to_the_page_and_over_a_kill(term):
    """With nbgrader's real exchange, both ways."""
    ada, emil = term.students
    handed_out = ada.notebook.read_bytes()
    watch = Watch(term.course, ASSIGNMENT, environment=term.instructor.environment)
    try:
        submit(ada, fill(loss=("-np.mean(y * np.log(yhat))", ALL_RIGHT["loss"][1])))
        watch.until("ada: try 1 has 18 of 20 points, and 4 points wait for a person. The feedback page is released.")
        assert "18 of 20 points so far" in pages(ada)[-1]
        ada.notebook.write_bytes(handed_out)
        submit(ada, ALL_RIGHT)  # the second try is graded at once
        watch.until("ada: try 2 has 20 of 20 points")
    finally:
        assert watch.end(signal.SIGKILL) == -signal.SIGKILL
    assert ["of 20 points so far" in page for page in pages(ada)] == [True, True]
    again = Watch(term.course, ASSIGNMENT, environment=term.instructor.environment)
    try:
        submit(emil, ALL_RIGHT)
        again.until("emil: try 1 has 20 of 20 points")
    finally:
        assert again.end() == 0
    assert "20 of 20 points so far" in pages(emil)[-1]
    assert not any("ada: try" in line for line in again.said)
    assert "stopped" in again.said[-1]
