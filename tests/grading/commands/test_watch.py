"""`zerolayer watch`, with nbgrader's real exchange: students submit, and fetch their feedback seconds later."""

import shutil
import signal
import subprocess
import sys
from time import monotonic, time

import nbformat
import pytest
from filelock import FileLock
from lib.grading.submissions.tries import digest
from nbgrader.api import Gradebook

from lib.grading.book.marks import Mark, NotebookMarks
from lib.grading.commands.demo import complete
from lib.grading.commands.feedback import ClassFeedback
from lib.grading.commands.watch import LONGEST_PAUSE, WatchApp
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, RIGHT, fill
from tests.course import ASSIGNMENT
from tests.grading.active import text_of
from tests.grading.conftest import Course
from tests.people import Term
from tests.submissions import before

WRONG = fill(loss=("-np.mean(y * np.log(yhat))", RIGHT["loss"][1]))
BLANK = fill(loss=("", ""))
NO_THREADS = """
raise RuntimeError("can't start new thread")
"""
"""What a kernel raises on a machine that has no more tasks; a student who writes it makes the run look so."""


class Watch:
    """A running `zerolayer watch` and what it says."""

    def __init__(self, course, *options, environment=None):
        command = [sys.executable, "-u", "-m", "lib.grading", "watch", ASSIGNMENT, "--every=0.2", *options]
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


@pytest.fixture(scope="module")
def term(new_course, tmp_path_factory):
    term = Term(tmp_path_factory.mktemp("watched"))
    new_course(term.course)
    term.instructor.runs(f"nbgrader release_assignment {ASSIGNMENT}")
    term.both(f"nbgrader fetch_assignment {ASSIGNMENT}")
    term.copies = {student.name: student.notebook.read_bytes() for student in term.students}
    return term


def submit(term, student, fillings):
    notebook = nbformat.reads(term.copies[student.name], as_version=4)
    nbformat.write(complete(notebook, fillings, ANSWERS), student.notebook)
    student.runs(f"nbgrader submit {ASSIGNMENT}")


def pages(student):
    """Fetch what is there; give each page's words, in the order of the submissions."""
    student.runs(f"nbgrader fetch_feedback {ASSIGNMENT}")
    found = sorted((student.folder / ASSIGNMENT / "feedback").glob("*/*.html"))
    return [text_of(page.read_text()) for page in found]


@pytest.mark.gives(f"zerolayer watch {ASSIGNMENT}")
def test_from_handing_in_to_the_page_and_over_a_kill(term):
    ada, emil = term.students
    watch = Watch(term.course, environment=term.instructor.environment)
    try:
        submit(term, ada, WRONG)
        watch.until("ada: the feedback page is released")
        assert "19 of 21 points so far" in pages(ada)[-1]
        submit(term, ada, BLANK)  # the second try is graded at once
        watch.until("ada: try 2 has")
        watch.until("ada: the feedback page is released")
        assert len(pages(ada)) == 2
        submit(term, ada, RIGHT)  # and the third has to wait
        watch.until("ada: try 3 will be graded at")
    finally:
        assert watch.end(signal.SIGKILL) == -signal.SIGKILL
    graded = term.course / "autograded" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    before = graded.stat().st_mtime_ns
    again = Watch(term.course, "--WatchApp.waits=[0, 1000]", environment=term.instructor.environment)
    try:
        submit(term, emil, RIGHT)
        again.until("emil: the feedback page is released")
        assert "21 of 21 points so far" in pages(emil)[-1]
    finally:
        again.end()
    assert not any("ada: try" in line and "has" in line for line in again.said)
    assert "stopped" in again.said[-1]
    assert graded.stat().st_mtime_ns == before
    submit(term, emil, WRONG)
    once = ["watch", ASSIGNMENT, "--once", "--WatchApp.waits=[]", "--WatchApp.settled=0.3"]
    done = subprocess.run(
        [sys.executable, "-m", "lib.grading", *once],
        cwd=term.course, env=term.instructor.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "ada: try 3 has 21 of 21 points, and 7 points wait for a person." in done.stdout, done.stderr
    assert "emil: try 2 has 19 of 21 points" in done.stdout
    assert "21 of 21 points so far" in pages(ada)[-1]


def test_a_notebook_without_end_keeps_nobody_waiting(new_course, tmp_path):
    """Neither who handed in together with it, nor who does while it runs."""
    course = new_course(tmp_path / "course")

    def hand_in(student, added=""):
        folder = course.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        notebook = complete(nbformat.read(course.released(), as_version=4), RIGHT, ANSWERS)
        [loss] = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "loss"]
        loss.source += added
        nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")

    hand_in("ada", "\nwhile True:\n    pass")
    hand_in("bea")
    watch = Watch(course.root, "--timeout=250", "--WatchApp.settled=0.2", f"--Exchange.root={tmp_path / 'none'}")
    try:
        watch.until("bea: the feedback page is in")
        hand_in("cai")
        watch.until("cai: try 1 has 21 of 21 points")
        watch.until("cai: the feedback page is in")
    finally:
        watch.end()
    assert not any("ada" in line for line in watch.said)


def one_round(course, fillings, *options, student="kaja", notebook=None, at=""):
    """Lay a try into the folder of submissions, and let it be watched for one round; give what that said.

    What comes by the exchange says when it was handed in: `at`.
    """
    folder = course.root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    notebook = notebook or complete(nbformat.read(course.released(), as_version=4), fillings, ANSWERS)
    nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")
    if at:
        (folder / "timestamp.txt").write_text(at)
    places = (f"--Exchange.root={course.root / 'none'}", "--WatchApp.waits=[]", "--WatchApp.settled=0")
    done = course.zerolayer("watch", ASSIGNMENT, "--once", *places, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mark(course, student, **points):
    """Give points by hand, as formgrader does."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for cell, score in points.items():
            grade = gradebook.find_grade(cell.replace("_", "-"), ASSIGNMENT, ASSIGNMENT, student)
            grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.db.commit()


def score(course, student):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return gradebook.find_submission(ASSIGNMENT, student).score


def test_the_best_try_counts_where_that_is_set(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    page = course.root / "feedback" / "kaja" / ASSIGNMENT / f"{ASSIGNMENT}.html"
    points, outdone = [], []
    for fillings in (WRONG, RIGHT, BLANK):
        said = one_round(course, fillings, "--keep=best")
        points.append(course.verdict("kaja").points)
        outdone.append("An earlier try of yours has more points. That one counts" in text_of(page.read_text()))
    assert points == [19, 21, 21]
    assert outdone == [False, False, True]
    assert course.zerolayer("feedback", ASSIGNMENT).returncode == 0
    assert "An earlier try" not in text_of(page.read_text()), "the page is of the try that counts"
    assert "kaja: an earlier try has more points, 21, and counts." in said
    assert "1 skipped" in course.zerolayer("grade", ASSIGNMENT).stdout, "it has been graded, and the best one counts"
    assert course.verdict("kaja").points == 21
    newer = complete(nbformat.read(course.released(), as_version=4), WRONG, ANSWERS)
    newer.cells.append(nbformat.v4.new_code_cell("print('a new try')"))
    nbformat.write(newer, course.root / "submitted" / "kaja" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    assert "1 of 1 submissions graded" in course.zerolayer("grade", ASSIGNMENT).stdout
    assert course.verdict("kaja").points == 19


def test_the_best_try_counts_also_where_a_later_one_says_when_it_was_handed_in(new_course, tmp_path):
    """As what comes by the exchange: its time alone is no reason to grade it once more."""
    course = new_course(tmp_path / "course")
    for day, fillings in enumerate((RIGHT, WRONG), start=1):
        one_round(course, fillings, "--keep=best", at=f"2026-03-0{day} 12:00:00 UTC")
    assert course.verdict("kaja").points == 21
    assert "1 skipped" in course.zerolayer("grade", ASSIGNMENT).stdout
    assert course.verdict("kaja").points == 21


def test_the_best_try_counts_also_where_it_was_graded_before_anybody_watched(new_course, tmp_path):
    """What is newer in the exchange is collected into its place."""
    course = new_course(tmp_path / "course")
    (inbound := tmp_path / "exchange" / "zerolayer" / "inbound").mkdir(parents=True)
    for day, fillings in enumerate((RIGHT, WRONG), start=1):
        at = f"2026-03-0{day} 12:00:00 UTC"
        (folder := inbound / f"kaja+{ASSIGNMENT}+{at}").mkdir()
        solved = complete(nbformat.read(course.released(), as_version=4), fillings, ANSWERS)
        nbformat.write(solved, folder / f"{ASSIGNMENT}.ipynb")
        (folder / "timestamp.txt").write_text(at)
        options = (f"--Exchange.root={tmp_path / 'exchange'}", "--ExchangeCollect.check_owner=False")
        if fillings is RIGHT:
            assert course.nbgrader("collect", ASSIGNMENT, *options).returncode == 0
            assert course.zerolayer("grade", ASSIGNMENT).returncode == 0
    options = (*options, "--keep=best", "--WatchApp.waits=[]", "--WatchApp.settled=0")
    said = course.zerolayer("watch", ASSIGNMENT, "--once", *options).stdout
    assert "kaja: try 2 has 19 of 21 points" in said
    assert "kaja: an earlier try has more points, 21, and counts." in said
    assert course.verdict("kaja").points == 21


def test_the_best_try_counts_also_where_a_kill_came_before_its_folder_was_in_place(new_course, tmp_path):
    """Its points are in the gradebook then, and the verdict of the last one still lies beside the notebook."""
    course = new_course(tmp_path / "course")
    for fillings in (RIGHT, WRONG):
        one_round(course, fillings, "--keep=best")
    place, of_last = course.root / "autograded" / "kaja" / ASSIGNMENT, tmp_path / "of the last"
    course.zerolayer("grade", ASSIGNMENT, "--force")
    shutil.copytree(place, of_last)
    one_round(course, WRONG, "--keep=best")
    assert course.verdict("kaja").points == 21
    shutil.rmtree(place)
    shutil.copytree(of_last, place)
    assert course.verdict("kaja").points == 19
    one_round(course, WRONG, "--keep=best")
    assert course.verdict("kaja").points == score(course, "kaja") == 21


def test_marks_given_between_two_tries_count_for_the_best_too(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    one_round(course, RIGHT, "--keep=best")
    mark(course, "kaja", explain_gradient=2, explain_random_labels=1.5)
    said = one_round(course, WRONG, "--keep=best")
    assert "kaja: an earlier try has more points, 24.5, and counts." in said
    assert (course.verdict("kaja").points, score(course, "kaja")) == (21, 24.5)
    mark(course, "kaja", check_cce=0)  # that it has less by a person's mark is no reason to grade it once more
    assert "an earlier try" not in one_round(course, WRONG, "--keep=best")
    assert score(course, "kaja") == 22.5


def test_a_try_that_needs_a_person_is_named_with_the_reason(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    folder = course.root / "submitted" / "dana" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").write_text("{")
    assert "dana: this try needs a person: could not be read or run." in one_round(course, RIGHT)
    assert "needs a person" not in one_round(course, WRONG), "it was said, and the other try is an ordinary one"


def test_what_being_late_costs_a_try_is_told(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-03-01 12:00:00 UTC")
    late = "--LateSubmissionPlugin.penalty_method=zero"
    said = one_round(course, RIGHT, late, at="2026-03-02 12:00:00 UTC")
    assert "kaja: try 1 has 0 of 21 points (21 less for being late), and 7 points wait for a person." in said


def test_the_last_try_counts_also_where_it_was_handed_in_before(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    for fillings, points in ((RIGHT, 21), (WRONG, 19), (RIGHT, 21)):
        one_round(course, fillings)
        assert course.verdict("kaja").points == points


@pytest.mark.usefixtures("lockable_here")
def test_what_was_graded_before_is_not_graded_again_in_a_copy_of_the_course(new_course, tmp_path):
    """A copy's files have the time of the copy, as a course has that moves to the server on which it is watched."""
    course = new_course(tmp_path / "course")
    one_round(course, RIGHT)
    shutil.rmtree(course.root / "autograded" / ".unfinished")  # what `watch` knows, which `grade` doesn't write
    moved = Course(shutil.copytree(course.root, tmp_path / "moved"))
    graded = moved.notebook("kaja").stat().st_mtime_ns
    assert "kaja: try 1 has 21 of 21 points" in one_round(moved, RIGHT)
    assert moved.notebook("kaja").stat().st_mtime_ns == graded
    assert "kaja: try 2 has 19 of 21 points" in one_round(moved, WRONG)


def test_a_try_that_the_machine_could_not_run_has_no_points_of_an_earlier_one(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    one_round(course, RIGHT)
    broken = before(nbformat.read(course.released(), as_version=4), "check-train", NO_THREADS)
    said = one_round(course, RIGHT, notebook=broken)
    assert "kaja: this try was not graded: " in said
    assert "Raise the limit on tasks" in said, "why, and what to try"
    assert "It is tried again in the next round." in said
    assert "try 2" not in said
    assert "kaja: try 2 has 19 of 21 points" in one_round(course, WRONG)


def test_what_changes_while_it_is_graded_is_no_try_yet(tmp_path, monkeypatch):
    """What was graded would be kept under the name of what lies there now, and come back as the best."""
    folder = tmp_path / "submitted" / "kaja"
    folder.mkdir(parents=True)
    (folder / "work.ipynb").write_text("graded")
    found = digest(folder)
    watch = WatchApp(keep="best")
    watch._tries, watch._said, watch._file = {}, {}, tmp_path / "tries.json"
    points = {"work": NotebookMarks({"loss": Mark(2, 2, graded=2.0)}, {}, frozenset(), 0, 2, {})}
    monkeypatch.setattr(watch, "_marks", lambda: {"kaja": points})
    monkeypatch.setattr(watch, "_best", tmp_path.joinpath)
    (folder / "work.ipynb").write_text("handed in meanwhile")
    watch._note({"kaja": (folder, found)})
    assert watch._tries == {}
    watch._note({"kaja": (folder, digest(folder))})
    assert watch._tries["kaja"].best == digest(tmp_path / "kaja")


def test_why_a_try_is_not_graded_is_told_once_for_each_reason(capsys):
    watch = WatchApp()
    watch._said, watch._later = {}, {}
    for why in ("can't be read.", "can't be read.", "was not graded: There is not enough memory."):
        watch._put_off({"kaja": why})
    told = [line.partition("kaja: ")[2] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        "this try can't be read. It is tried again in 60 seconds, and so on.",
        "this try was not graded: There is not enough memory. It is tried again in 60 seconds, and so on.",
    ]


def test_a_clock_that_is_set_back_keeps_nobody_waiting(monkeypatch):
    watch = WatchApp()
    watch._said, watch._later = {}, {}
    watch._put_off({"kaja": "can't be read."})
    assert watch._is_put_off("kaja")
    later, before = monotonic() + LONGEST_PAUSE + 1, time() - 3600
    monkeypatch.setattr("lib.grading.commands.watch.monotonic", lambda: later)
    monkeypatch.setattr("lib.grading.commands.watch.time", lambda: before)
    assert not watch._is_put_off("kaja")


def test_who_is_not_graded_is_not_waited_for(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    assert "kaja" not in one_round(course, RIGHT, "--CourseDirectory.student_id_exclude=kaja")


def test_each_round_says_what_is_new_and_nothing_twice(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    (inbound := tmp_path / "exchange" / "zerolayer" / "inbound").mkdir(parents=True)
    options = (f"--Exchange.root={tmp_path / 'exchange'}", "--every=0.1", "--WatchApp.settled=0")
    command = [sys.executable, "-u", "-m", "lib.grading", "watch", ASSIGNMENT, *options]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    said = []
    with subprocess.Popen(command, cwd=course.root, text=True, **streams) as watching:
        for line in watching.stdout:
            said.append(line)
            if "watching" in line:
                (inbound / f"ada+{ASSIGNMENT}+2026-03-01 12:00:00 UTC").symlink_to(tmp_path)
            if "it is no folder" in line:
                (inbound / f"bao+{ASSIGNMENT}+no time").mkdir()
            if "doesn't name a submission so" in line:
                break
        watching.send_signal(signal.SIGTERM)
        said += watching.stdout
    assert sum("ada+" in line for line in said) == 1
    assert not any("No submissions" in line for line in said)


def test_a_single_round_that_fails_says_so_by_its_exit_code(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    folder = course.root / "submitted" / "kaja" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").touch()
    broken = f"--db=sqlite:///{course.root / 'nbgrader_config.py'}"
    options = ("--once", "--WatchApp.settled=0", f"--Exchange.root={tmp_path / 'none'}")
    done = course.zerolayer("watch", ASSIGNMENT, broken, *options)
    assert done.returncode == 1
    [told] = [line for line in done.stdout.splitlines() if "this round failed" in line]
    assert told.endswith("The gradebook can't be used: file is not a database. Mend this, and give the command again.")
    done = course.zerolayer("watch", ASSIGNMENT, "--WarmProvisioner.limits=memory=1G", *options)
    assert done.returncode == 1
    assert "A setting can't be used: WarmProvisioner.limits has 'memory'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_keeps_failing_is_tried_more_and_more_seldom(new_course, tmp_path):
    """And another assignment's unit that is broken is told once, not in each round."""
    course = new_course(tmp_path / "course")
    (broken := course.root / "units" / "broken").mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ValueError('half done')")
    options = ("--every=0.1", f"--db=sqlite:///{course.root / 'nbgrader_config.py'}")
    folder = course.root / "submitted" / "kaja" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").touch()
    command = [sys.executable, "-u", "-m", "lib.grading", "watch", ASSIGNMENT, *options, "--WatchApp.settled=0"]
    command.append(f"--Exchange.root={tmp_path / 'none'}")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=course.root, text=True, **pipes) as watching:
        pauses = []
        for line in watching.stdout:
            if "this round failed" in line:
                pauses.append(float(line.split()[-2]))
            if len(pauses) == 3:
                break
        watching.send_signal(signal.SIGTERM)
        complaints = watching.stderr.read()
    assert pauses == [0.2, 0.4, 0.8]
    assert complaints.count("The unit broken can't be imported: ValueError: half done (__init__.py, line 1)") == 1


def test_an_assignment_that_is_not_there_is_not_waited_for(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    done = course.zerolayer("watch", "softmax_clasifier")
    assert done.returncode == 1
    assert "The gradebook doesn't know softmax_clasifier. Run `zerolayer build` first." in done.stderr


SECRET = "submission_secret.txt"


def test_a_page_that_cant_be_made_or_released_keeps_nobody_elses(new_course, tmp_path, monkeypatch):
    course = new_course(tmp_path / "course")
    for student, secret in (("ada", b""), ("bea", b"\xff"), ("cai", b"no time beside it"), ("zoe", b"")):
        folder = course.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        shutil.copy(course.released(), folder)
        if secret:
            (folder / SECRET).write_bytes(secret)

    def note(feedback, folder, *rest, real=ClassFeedback._note):
        if "ada" in folder:
            raise RecursionError("what nobody foresaw")
        real(feedback, folder, *rest)

    monkeypatch.setattr(ClassFeedback, "_note", note)
    places = (f"--Exchange.root={tmp_path / 'exchange'}", "--WatchApp.settled=0", "--once")
    done = course.runs_here(WatchApp, ASSIGNMENT, *places)
    assert done.returncode == 0, done.stderr
    assert "ada: this try has no feedback page: RecursionError: what nobody foresaw." in done.stdout
    assert "bea: this try has a feedback page that can't be released: " in done.stdout
    assert "cai: this try has a feedback page that can't be released: " in done.stdout
    assert "zoe: the feedback page is in" in done.stdout
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange").chmod(0o777)
    told = course.runs_here(WatchApp, ASSIGNMENT, *places).stdout
    for student in ("bea", "cai"):
        missing = f"{course.root}/feedback/{student}/{ASSIGNMENT}/timestamp.txt: No such file or directory."
        assert f"{student}: this try has a feedback page that can't be released: {missing}" in told


def test_two_watches_of_one_assignment_are_told_apart(new_course, tmp_path):
    course = new_course(tmp_path / "course")
    lock = course.root / "autograded" / ".unfinished" / f"{ASSIGNMENT}.tries.lock"
    with FileLock(lock, blocking=False):
        done = course.zerolayer("watch", ASSIGNMENT, "--once")
    assert done.returncode == 1
    assert "is being watched already" in done.stderr
