"""A run of `zerolayer grade`, however it is disturbed: no grade is lost, none is somebody else's, nothing is left."""

import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import termios
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from itertools import count
from pathlib import Path

import nbformat
import psutil
import pytest
from distributed import Client
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text
from tests.grading.kernels.clients import at_work_in

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.kernel.forkserver import ADDRESS
from lib.grading.run.pool import PackedNotebook
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import SUBMISSIONS, Course
from tests.submissions import FILE, POINTS, as_bytes, before, right

CLASS = ("blanks_open", "common_mistake", "cut_short", "honest", "kernel_dies", "one_blank_open")
"""Four that run to the end, one that can't be read, and one that breaks off."""
EVERYTHING = sum(POINTS.values())
SCORES = """
    SELECT student_id, base_cell.name, base_cell.type, auto_score, manual_score, extra_credit, needs_manual_grade
    FROM grade JOIN base_cell ON base_cell.id = cell_id JOIN submitted_notebook AS n ON n.id = grade.notebook_id
    JOIN submitted_assignment AS s ON s.id = n.assignment_id"""
COMMENTS = """
    SELECT student_id, base_cell.name, auto_comment, manual_comment
    FROM comment JOIN base_cell ON base_cell.id = cell_id JOIN submitted_notebook AS n ON n.id = comment.notebook_id
    JOIN submitted_assignment AS s ON s.id = n.assignment_id"""
SUBMITTED = """
    SELECT student_id, timestamp, late_submission_penalty, flagged
    FROM submitted_notebook AS n JOIN submitted_assignment AS s ON s.id = n.assignment_id"""


def rows(course):
    """Read what the gradebook holds on submissions, without the ids that are drawn anew in each."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        return [sorted(database.execute(query), key=repr) for query in (SCORES, COMMENTS, SUBMITTED)]


def state(course):
    """Give all that grading leaves: what lies in the folders, each verdict, and the gradebook's rows."""
    root = course.root / "autograded"
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"}
    return files, {path.parts[-3]: path.read_text() for path in root.glob("*/*/verdict.json")}, rows(course)


def total(course, student):
    return course.verdict(student).points


def verdict_to_nine_digits(course, student):
    """Give all that a verdict says; in a kernel of another kind a library may round the last digits otherwise."""
    text = (course.root / "autograded" / student / ASSIGNMENT / "verdict.json").read_text()
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.9g}"))


def configured(course, *lines):
    """Add lines to the course's configuration."""
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\n".join(["", *lines, ""]))


@pytest.fixture(scope="module")
def built(new_course, tmp_path_factory) -> Course:
    """A course before anybody has handed in."""
    course = new_course(tmp_path_factory.mktemp("built"))
    (course.root / "judge_secret").write_text("ab" * 32)  # the same in all copies
    return course


def handed_in(built, root, names=CLASS) -> Course:
    course = Course(root)
    shutil.copytree(built.root, root)
    for name in names:
        SUBMISSIONS[name].hand_in(course.released(), root / "submitted" / name / ASSIGNMENT)
    return course


@pytest.fixture
def course(built, tmp_path) -> Course:
    return handed_in(built, tmp_path / "course")


@pytest.fixture(scope="module")
def undisturbed(built, tmp_path_factory) -> Course:
    """The class, graded in one go."""
    course = handed_in(built, tmp_path_factory.mktemp("undisturbed") / "course")
    course.run = course.zerolayer("grade", ASSIGNMENT)
    assert course.run.returncode == NEEDS_A_PERSON, course.run.stderr
    return course


@pytest.mark.parametrize("kernelspec", [None, {}, {"name": "python3", "display_name": "Python 3"}])
def test_a_trial_can_be_made_whether_or_not_the_course_names_a_kernel(kernelspec):
    made = json.loads(PackedNotebook.of_code("1", kernelspec).notebook)
    assert made["metadata"] == ({"kernelspec": kernelspec} if kernelspec else {})
    assert [cell["source"] for cell in made["cells"]] == ["1"]


def test_a_run_ends_with_what_came_of_it(undisturbed):
    said = undisturbed.run.stdout
    assert "6 of 6 submissions graded" in said
    listed = ["cut_short    could not be read or run", "kernel_dies  was not run to the end"]
    assert [line.strip() for line in said.splitlines()[-2:]] == listed
    assert "2 need a person" in said
    assert re.search(r"^honest +\d+/\d+  everything right$", said, re.MULTILINE)  # the scores, a line each
    assert undisturbed.run.stderr == ""  # neither a terminal nor anything to warn of


def listed(run):
    """Give the students whom a run lists for a person; its exit code says whether there are any."""
    _, *lines = re.split(r" needs? a person; .*\n", run.stdout)
    assert run.returncode == (NEEDS_A_PERSON if lines else 0), run.stderr
    return dict(line.split(maxsplit=1) for text in lines for line in text.splitlines())


def test_who_needs_a_person_stays_listed_until_one_has_marked(undisturbed, tmp_path):
    """In the second run they were gone from the list and the exit code, as if all were resolved."""
    course = Course(tmp_path / "course")
    shutil.copytree(undisturbed.root, course.root)
    first = listed(undisturbed.run)
    assert first.keys() == {"cut_short", "kernel_dies"}
    assert listed(course.zerolayer("grade", ASSIGNMENT)) == first
    mark(course, "kernel_dies", "check-train", still_waiting={"explain-gradient"})
    assert listed(course.zerolayer("grade", ASSIGNMENT)) == first
    mark(course, "kernel_dies", "check-train")
    assert listed(course.zerolayer("grade", ASSIGNMENT)).keys() == {"cut_short"}
    assert listed(course.zerolayer("grade", ASSIGNMENT, "--student=kernel_dies", "--force")).keys() == {"kernel_dies"}
    anew = course.root / "submitted" / "cut_short" / ASSIGNMENT
    shutil.copy(course.root / "submitted" / "honest" / ASSIGNMENT / FILE, anew)
    (anew / "timestamp.txt").write_text("2026-03-02 12:00:00 UTC")
    assert listed(course.zerolayer("grade", ASSIGNMENT)).keys() == {"kernel_dies"}


def mark(course, student, cell, still_waiting=frozenset()):
    """Give points as formgrader does, and have no other cell of the student wait than these."""
    with gradebook_of(course) as gradebook:
        for grade in gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student).grades:
            grade.needs_manual_grade = grade.name in still_waiting
            if grade.name == cell:
                grade.manual_score = 1.0
        gradebook.db.commit()


def test_a_graded_notebook_that_was_damaged_lists_nobody(undisturbed, tmp_path):
    course = Course(tmp_path / "course")
    shutil.copytree(undisturbed.root, course.root)
    for content, student in (("[]", "cut_short"), ('{"metadata": "zerolayer_for_a_person"', "kernel_dies")):
        course.notebook(student).write_text(content)
    assert listed(course.zerolayer("grade", ASSIGNMENT)) == {}


def test_a_terminal_shows_rate_time_left_and_counts_while_it_runs(course):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    command = [sys.executable, "-m", "lib.grading", "grade", ASSIGNMENT, "--jobs=1"]
    shown = b""
    with subprocess.Popen(command, cwd=course.root, stdout=subprocess.DEVNULL, stderr=theirs) as run:
        os.close(theirs)
        with suppress(OSError):  # Linux's word for: nobody is at the other end any more
            while piece := os.read(ours, 65536):
                shown += piece
    os.close(ours)
    assert run.returncode == NEEDS_A_PERSON
    assert re.search(r"[1-5]/6 \[\d\d:\d\d<\d\d:\d\d, .*submission.*(graded|for a person)=\d", shown.decode())


# A run that is broken off

MOMENT = """
import json, os, signal
import psutil
from nbgrader.preprocessors import NbGraderPreprocessor

calls = []

def come(**_):
    calls.append(None)
    if len(calls) == {number}:
        with open("children.json", "w") as file:
            json.dump([child.pid for child in psutil.Process().children(recursive=True)], file)
        os.killpg(0, signal.{signal})

class Moment(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        come()
        return nb, resources
"""
MOMENTS = {
    "begun": "c.BaseConverter.pre_convert_hook = 'moment.come'",
    "judged": "c.Autograde.autograde_preprocessors.append('moment.Moment')",
    "saved": "c.BaseConverter.post_convert_hook = 'moment.come'",
}


@pytest.mark.parametrize(
    ("moment", "number", "signal"),
    [("begun", 4, "SIGKILL"), ("judged", 3, "SIGKILL"), ("saved", 2, "SIGKILL"), ("saved", 3, "SIGINT")],
)
def test_a_run_broken_off_goes_on_where_it_was(course, undisturbed, moment, number, signal):
    (course.root / "moment.py").write_text(MOMENT.format(number=number, signal=signal))
    shutil.copy(course.root / "nbgrader_config.py", course.root / "kept.py")
    configured(course, MOMENTS[moment])
    idle = around_the_fork_servers()
    broken = course.zerolayer("grade", ASSIGNMENT, start_new_session=True)
    assert broken.returncode in (-9, 130)
    assert left(course, idle) == []
    saved = len(list((course.root / "autograded").glob("*/*/verdict.json")))
    assert saved < len(CLASS)
    shutil.move(course.root / "kept.py", course.root / "nbgrader_config.py")
    again = course.zerolayer("grade", ASSIGNMENT)
    assert again.returncode == NEEDS_A_PERSON, again.stderr
    assert f"{len(CLASS) - saved} of 6 submissions graded" in again.stdout
    assert state(course) == state(undisturbed)


def around_the_fork_servers():
    found = set()
    for number in at_work_in(os.environ[ADDRESS]):
        with suppress(psutil.NoSuchProcess):  # a kernel that was just forked still looks like its server, and ends
            found.update(psutil.Process(number).children(recursive=True))
    return found


def left(course, idle):
    """Wait for the workers of a run that was broken off, and its kernels, to end; give those that don't."""
    numbers = json.loads((course.root / "children.json").read_text())
    workers = {process for process in psutil.process_iter() if process.pid in numbers}
    _, alive = psutil.wait_procs(workers | around_the_fork_servers() - idle, timeout=30)
    return alive


def test_what_is_there_in_part_is_graded_anew(course, undisturbed):
    """Rows without a folder, and a folder without a notebook: a run may end between two of its last steps."""
    shutil.copy(undisturbed.root / "gradebook.db", course.root)
    (course.root / "autograded" / "honest" / ASSIGNMENT).mkdir(parents=True)
    (course.root / "autograded" / ".unfinished" / "honest" / ASSIGNMENT / "deep").mkdir(parents=True)
    assert course.zerolayer("grade", ASSIGNMENT).returncode == NEEDS_A_PERSON
    assert state(course) == state(undisturbed)


# Others at work at the same time

SECOND = """
import subprocess, sys

def come(**_):
    command = [sys.executable, "-m", "lib.grading", "grade", "softmax_classifier"]
    with open("second.txt", "a") as file:
        done = subprocess.run(command, capture_output=True, text=True)
        file.write(f"{done.returncode} {done.stderr}")
"""


def test_of_two_runs_at_once_one_waits_for_another_day(course, undisturbed):
    (course.root / "moment.py").write_text(SECOND)
    configured(course, MOMENTS["saved"])
    assert course.zerolayer("grade", ASSIGNMENT, "--student=honest").returncode == 0
    second = (course.root / "second.txt").read_text()
    assert second.startswith("1 ")
    assert "softmax_classifier is being graded by another run. Wait until it is through, or end it." in second
    assert {path.name for path in (course.root / "autograded").iterdir()} == {".unfinished", "honest"}


def test_the_gradebook_can_be_written_while_a_class_is_graded(course, undisturbed):
    """As formgrader does when somebody marks: neither is told that the gradebook is locked."""
    url = f"sqlite:///{course.root}/gradebook.db"
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(course.zerolayer, "grade", ASSIGNMENT)
        for number in count():
            with Gradebook(url, "zerolayer") as gradebook:
                gradebook.update_or_create_student("somebody", first_name=f"Number {number}")
            if run.done():
                break
    assert number > 10
    assert run.result().returncode == NEEDS_A_PERSON, run.result().stderr
    assert state(course) == state(undisturbed)


# Workers

DEADLY = """
    import os, pathlib, signal
    met = pathlib.Path({met!r})
    if {always} or not met.exists():
        met.touch()
        os.kill(os.getppid(), signal.SIGKILL)
    """


def test_what_a_worker_died_of_is_tried_again_alone_and_takes_nobody_along(built, undisturbed, tmp_path):
    """In kernels that aren't locked in, and that the worker itself starts, so that there is something to kill."""
    others = ("common_mistake", "cut_short", "honest")
    course = handed_in(built, tmp_path / "course", others)
    for name, always in (("always", True), ("once", False)):
        notebook = right(nbformat.read(course.released(), as_version=4))
        code = DEADLY.format(met=str(tmp_path / name), always=always)
        folder = course.root / "submitted" / name / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(as_bytes(before(notebook, "check-train", code)))
    configured(course, "c.BoundedExecute.kernel_name = 'python3'")
    run = course.zerolayer("grade", ASSIGNMENT, "--jobs=3", "--no-sandbox")
    assert run.returncode == NEEDS_A_PERSON, run.stderr
    assert "could not be graded as it is" in " ".join(course.verdict("always").remarks)
    assert {name: total(course, name) for name in ("always", "once")} == {"always": 0, "once": EVERYTHING}
    for name in others:
        assert verdict_to_nine_digits(course, name) == verdict_to_nine_digits(undisturbed, name)


@pytest.fixture
def cluster(tmp_path):
    """Start a Dask scheduler and two workers, by the commands that docs/scaling.md gives; give their address."""
    address = tmp_path / "scheduler.json"
    commands = [
        ["scheduler", "--port=0", "--no-dashboard"],
        *2 * [["worker", "--nthreads=2", "--no-dashboard", "--local-directory", str(tmp_path)]],
    ]
    with ExitStack() as stack:
        for command in commands:
            command = [sys.executable, "-m", "dask", *command, "--scheduler-file", str(address)]
            process = stack.enter_context(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL))
            stack.callback(process.terminate)
        with Client(scheduler_file=str(address), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        yield json.loads(address.read_text())["address"]


HALF_A_RESULT = """
import os, signal, sys
from concurrent.futures import BrokenExecutor
from multiprocessing.connection import Connection
from lib.grading.run.pool import processes

def large():
    send = Connection._send
    Connection._send = lambda *piece: (send(*piece), os.kill(os.getpid(), signal.SIGKILL))
    return bytes(50_000)  # so large that it is sent in two pieces: the worker dies after the first

executor = processes(int(sys.argv[1]))
try:
    executor.submit(large).result()
except BrokenExecutor:
    print("noticed")
executor.shutdown()
"""


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_worker_that_dies_in_the_middle_of_its_result_is_noticed(jobs):
    command = [sys.executable, "-c", HALF_A_RESULT, jobs]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == ("noticed\n", "")


ENDED_ONCE = """
import os, signal, sys
from functools import partial
from pathlib import Path
from lib.grading.run.pool import Runner, processes

def question():
    if not Path(sys.argv[1]).exists():
        Path(sys.argv[1]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "answered"

if __name__ == "__main__":
    with Runner(partial(processes, 2), lambda: 2, 60, print) as runner:
        print(runner.answer(question, runner.ask(question)))
"""
"""A program in a file: while a thread of the first workers is still ending, the next ones are started anew, and import
it."""


def test_a_question_is_asked_again_if_its_worker_was_ended(tmp_path):
    """Before the first run, too: whether kernels can be locked in is such a question."""
    (program := tmp_path / "program.py").write_text(ENDED_ONCE)
    command = [sys.executable, program, str(tmp_path / "asked")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == ("answered\n", "")


BROKEN_OFF = """
import os, signal, threading
from functools import partial
from lib.grading.run.pool import Runner, processes

with Runner(partial(processes, 2), lambda: 2, 60, print) as runner:
    runner.ask(os.getpid).result()
    runner.ask(signal.pause)
print([thread.name for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon])
"""


def test_no_thread_of_a_pool_is_at_work_when_its_workers_have_ended():
    """At the end of the program it would close pipes that Python closes itself."""
    run = subprocess.run([sys.executable, "-c", BROKEN_OFF], capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == ("[]\n", "")


@pytest.mark.gives("dask scheduler", "dask worker --nthreads=2", f"zerolayer grade {ASSIGNMENT} --scheduler")
def test_dask_workers_give_the_same(course, undisturbed, cluster):
    run = course.zerolayer("grade", ASSIGNMENT, f"--scheduler={cluster}")
    assert run.returncode == NEEDS_A_PERSON, run.stderr
    assert state(course) == state(undisturbed)


def test_neither_order_nor_number_makes_a_difference(course, undisturbed):
    """The last one first, and then one at a time."""
    assert course.zerolayer("grade", ASSIGNMENT, f"--student={CLASS[-1]}").returncode == 0
    assert course.zerolayer("grade", ASSIGNMENT, "--jobs=1").returncode == NEEDS_A_PERSON
    assert state(course) == state(undisturbed)


def test_a_unit_that_cannot_be_imported_is_said_once_and_stops_nobody(course):
    """Each process that ran notebooks said so."""
    (course.root / "units" / "broken").mkdir(parents=True)
    (course.root / "units" / "broken" / "__init__.py").write_text("raise ValueError('half done')")
    run = course.zerolayer("grade", ASSIGNMENT, "--jobs=4")
    assert listed(run).keys() == {"cut_short", "kernel_dies"}
    assert run.stderr.count("The unit broken can't be imported: ValueError: half done (__init__.py, line 1)") == 1


# The gradebook's rows

STOCK_STEPS = """
steps = c.Autograde.autograde_preprocessors
steps[steps.index("lib.grading.submissions.scores.SaveScores")] = "nbgrader.preprocessors.SaveAutoGrades"
steps.append("nbgrader.preprocessors.AssignLatePenalties")
"""


def test_the_rows_are_those_that_nbgrader_writes(built, tmp_path):
    """Scores, comments, what a person is to look at and what being late costs; again once a person has marked."""
    ours, theirs = (handed_in(built, tmp_path / name, CLASS[:2]) for name in ("ours", "theirs"))
    configured(theirs, STOCK_STEPS)
    for course in (ours, theirs):
        configured(course, "c.LateSubmissionPlugin.penalty_method = 'zero'")
        stamp = course.root / "submitted" / "common_mistake" / ASSIGNMENT / "timestamp.txt"
        stamp.write_text("2026-03-02 12:00:00 UTC")
        with gradebook_of(course) as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=datetime(2026, 3, 1))
    grade = {ours: ours.zerolayer, theirs: theirs.nbgrader}
    command = {ours: "grade", theirs: "autograde"}
    for course in (ours, theirs):
        assert grade[course](command[course], ASSIGNMENT).returncode == 0
    assert rows(ours) == rows(theirs)
    for course in (ours, theirs):
        with gradebook_of(course) as gradebook:
            for cell, mark in (("explain-gradient", 1.5), ("check-train", 3.5)):
                found = gradebook.find_grade(cell, ASSIGNMENT, ASSIGNMENT, "common_mistake")
                found.manual_score, found.extra_credit, found.needs_manual_grade = mark, 0.5, False
            gradebook.db.commit()
        assert grade[course](command[course], ASSIGNMENT, "--force").returncode == 0
    assert rows(ours) == rows(theirs)


def gradebook_of(course):
    return Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer")


# What is asked for


def test_only_what_is_due_is_graded(course):
    stamp = course.root / "submitted" / "honest" / ASSIGNMENT / "timestamp.txt"
    for day, options, printed in (
        (2, ["--student=honest"], "1 of 1 submissions graded"),
        (2, ["--CourseDirectory.student_id_exclude=" + ",".join(set(CLASS) - {"honest"})], "6 skipped"),
        (2, ["--student=honest", "--force"], "1 of 1 submissions graded"),
        (3, ["--student=honest"], "1 of 1 submissions graded"),
    ):
        stamp.write_text(f"2026-03-0{day} 12:00:00 UTC")
        assert printed in course.zerolayer("grade", ASSIGNMENT, *options).stdout
        assert course.notebook("honest").with_name("timestamp.txt").read_text() == stamp.read_text()


def test_nothing_runs_unprotected_by_itself(course, tmp_path):
    """On a machine that lacks what locks kernels in; here a library."""
    (tmp_path / "pyseccomp.py").write_text("raise ImportError('there is no libseccomp')")
    lacking = {**os.environ, "PYTHONPATH": str(tmp_path)}
    refused = course.zerolayer("grade", ASSIGNMENT, env=lacking)
    assert refused.returncode == 1
    assert "with --no-sandbox" in refused.stderr
    assert not list((course.root / "autograded").glob("[!.]*"))
    allowed = course.zerolayer("grade", ASSIGNMENT, "--student=honest", "--no-sandbox", env=lacking)
    assert allowed.returncode == 0, allowed.stderr
    assert total(course, "honest") == EVERYTHING


def test_an_assignment_that_the_gradebook_does_not_know(course):
    shutil.copytree(course.root / "submitted" / "honest" / ASSIGNMENT, course.root / "submitted" / "honest" / "other")
    run = course.zerolayer("grade", "other")
    assert run.returncode == 1
    assert "The gradebook doesn't know other. Run `zerolayer build` first." in run.stderr


@pytest.fixture
def postgresql():
    """Start a PostgreSQL server of our own, reached by a socket in its folder; give the URL of an empty database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL's server is not installed here")
    pytest.importorskip("psycopg", reason="the driver for PostgreSQL is not installed here")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    user = {}
    if os.geteuid() == 0:  # it refuses to be root's
        shutil.chown(folder, "postgres")
        user = {"user": "postgres", "extra_groups": []}

    def call(program, *arguments):
        command = [programs[-1] / program, *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, **user)

    call("initdb", "--auth=trust", "--username=teacher", folder / "data")
    call("pg_ctl", "start", "--wait", "-D", folder / "data", "-l", folder / "log", "-o", f"-k {folder} -h ''")
    try:
        call("createdb", "-h", folder, "-U", "teacher", "grades")
        yield f"postgresql://teacher@/grades?host={folder}"
    finally:
        call("pg_ctl", "stop", "--wait", "-D", folder / "data", "--mode=immediate")
        shutil.rmtree(folder)


def test_the_gradebook_may_be_in_postgresql(course, undisturbed, postgresql):
    assert course.zerolayer("build", UNPROVED, "--db", postgresql).returncode == 0
    run = course.zerolayer("grade", ASSIGNMENT, "--db", postgresql)
    assert run.returncode == NEEDS_A_PERSON, run.stderr
    with create_engine(postgresql).connect() as connection:
        found = [sorted(map(tuple, connection.execute(text(query))), key=repr) for query in (SCORES, COMMENTS)]
    scores, comments, _ = rows(undisturbed)
    assert found == [[(*row[:-1], bool(row[-1])) for row in scores], comments]


OPENING = """
import sys
from nbgrader.api import MissingEntry
from lib.grading.book.gradebook import GradebookSession
for url in map(str.strip, sys.stdin):
    try:
        GradebookSession(url, "course", "none")
    except MissingEntry:
        print("opened", flush=True)
"""
"""Opens the gradebook each time that it is told to; an assignment is looked for when the tables are there."""


def test_graders_who_start_together_may_find_postgresql_empty(postgresql):
    """They make its tables and the course's row at the same time; each can't see what another hasn't finished."""
    programs = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # nbgrader calls alembic by name
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    database = create_engine(postgresql)
    with ExitStack() as stack:
        graders = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", OPENING], env={**os.environ, "PATH": programs}, **options)
            )
            for _ in range(4)
        ]
        for _ in range(3):
            with database.begin() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
            for grader in graders:
                print(postgresql, file=grader.stdin, flush=True)
            assert [grader.stdout.readline() for grader in graders] == ["opened\n"] * 4
            with database.connect() as connection:
                assert connection.execute(text("SELECT id FROM course")).all() == [("course",)]
                assert len(connection.execute(text("SELECT version_num FROM alembic_version")).all()) == 1
    database.dispose()
