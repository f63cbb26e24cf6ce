"""Faults of the machine: nobody's zero, told in a sentence, and the same command goes on from there."""

import errno
import json
import logging
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest
from distributed import Client

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.files import write
from lib.grading.kernel import forkserver
from lib.grading.machine_faults import ClusterError, sentence
from lib.grading.sandbox.limits import LEAST
from tests.course import ASSIGNMENT
from tests.grading.conftest import SUBMISSIONS, Course
from tests.submissions import FILE, POINTS, as_bytes, before, right

pytestmark = pytest.mark.usefixtures("lockable_here")

EVERYTHING = sum(POINTS.values())
STUDENTS = ("ada", "bo", "cy", "di", "ed")


@pytest.fixture(scope="module")
def built(new_course, tmp_path_factory) -> Course:
    """A course in which everybody has everything right."""
    course = new_course(tmp_path_factory.mktemp("built"))
    for name in STUDENTS:
        SUBMISSIONS["honest"].hand_in(course.released(), course.root / "submitted" / name / ASSIGNMENT)
    return course


@pytest.fixture
def course(built, tmp_path) -> Course:
    course = Course(tmp_path / "course")
    shutil.copytree(built.root, course.root)
    return course


def configured(course, *lines):
    """Add lines to the course's configuration."""
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\n".join(["", *lines, ""]))


def said(run):
    """Give what a run said on its way, in one line; it never shows a traceback."""
    assert "Traceback" not in run.stdout + run.stderr
    return " ".join(run.stderr.split())


def points(course):
    """Give the points in the gradebook of those who are in it, and of those who have a verdict: they are the same."""
    query = """
        SELECT student_id, sum(auto_score) FROM grade JOIN submitted_notebook AS n ON n.id = grade.notebook_id
        JOIN submitted_assignment AS s ON s.id = n.assignment_id GROUP BY student_id"""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        saved = dict(database.execute(query))
    judged = {path.parts[-3] for path in (course.root / "autograded").glob("*/*/verdict.json")}
    assert saved.keys() == judged
    return saved


def everybody_has_everything(course):
    """Give the command again; all is graded then as if nothing had happened."""
    again = course.zerolayer("grade", ASSIGNMENT)
    assert again.returncode == 0, again.stderr
    return points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


# The disk


@contextmanager
def disk(folder, size):
    """Mount a disk of some kilobytes at `folder`; give what makes it larger."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A small disk to fill can be mounted by root alone")
    try:
        yield lambda more: subprocess.run(["mount", "-o", f"remount,size={more}k", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_the_class_and_nobody_gets_a_verdict_by_it(course):
    with disk(course.root / "autograded", 300) as enlarge:
        run = course.zerolayer("grade", ASSIGNMENT)
        assert run.returncode == 1
        assert f"{course.root}/autograded/.unfinished/" in said(run), "the place that is full"
        assert ": No space left on device. Free some space there." in said(run)
        assert "the same command goes on from there" in said(run)
        assert set(points(course).values()) <= {EVERYTHING}
        enlarge(100_000)
        assert everybody_has_everything(course)


def test_a_full_disk_stops_the_collection_of_a_download_with_a_sentence(course):
    """nbgrader's own copy showed a traceback, and left a part of a notebook that would have been graded."""
    archive = course.root / "downloaded" / ASSIGNMENT / "archive"
    archive.mkdir(parents=True)
    work = course.released().read_bytes()
    for number, name in enumerate(STUDENTS):
        (archive / f"{name}_{number}_2_{FILE}").write_bytes(work.ljust(100_000))

    def collected():
        return {path.parts[-3]: path.read_bytes() for path in (course.root / "submitted").glob("*/*/*.ipynb")}

    with disk(course.root / "submitted", 350) as enlarge:
        run = course.nbgrader("zip_collect", ASSIGNMENT)
        assert run.returncode == 1
        assert "No space left on device. Free some space there. Not all was collected." in said(run)
        assert 0 < len(collected()) < len(STUDENTS)
        assert all(content.startswith(work) for content in collected().values())
        run = course.nbgrader("zip_collect", ASSIGNMENT, "--force")
        assert "No space left on device" in said(run)
        assert collected(), "what was there before is only replaced by what is complete"
        enlarge(100_000)
        run = course.nbgrader("zip_collect", ASSIGNMENT, "--force")
        assert run.returncode == 0, run.stderr
        assert len(collected()) == len(STUDENTS)


def test_a_bundle_that_has_no_room_leaves_the_one_that_was_there(course):
    (course.root / "dist").mkdir()
    with disk(course.root / "dist", 64):
        (earlier := course.root / "dist" / f"{ASSIGNMENT}.zip").write_text("the earlier one")
        run = course.zerolayer("bundle", ASSIGNMENT)
        assert run.returncode == 1
        assert f"{earlier}: No space left on device. Free some space there." in said(run)
        assert [(file, file.read_text()) for file in earlier.parent.iterdir()] == [(earlier, "the earlier one")]


def test_an_exchange_without_room_for_feedback_is_told_once(course):
    for student in STUDENTS:
        (page := course.root / "feedback" / student / ASSIGNMENT).mkdir(parents=True)
        for name in (f"{ASSIGNMENT}.html", "timestamp.txt", "submission_secret.txt"):
            (page / name).write_text(student.ljust(10_000))
    (exchange := course.root / "exchange").mkdir()
    exchange.chmod(0o777)
    with disk(exchange / "zerolayer", 8):
        run = course.nbgrader("release_feedback", ASSIGNMENT, f"--Exchange.root={exchange}")
    assert run.returncode == 1
    assert "No space left on device. Free some space there. What was released stays." in said(run)
    assert said(run).count("No space left on device") == 1


def test_a_copy_to_work_in_that_has_no_room_is_not_begun(course):
    """A part of it would count as the student's own copy, and be opened from then on."""
    with disk(course.root / "my_work", 64):
        run = course.zerolayer("lab", ASSIGNMENT, "--no-browser")
        assert run.returncode == 1
        assert "No space left on device. Free some space there." in said(run)
        assert list((course.root / "my_work").iterdir()) == []


def test_of_a_copy_the_place_is_named_that_is_full(tmp_path):
    """It was the file that was copied; and of a file that was written, none."""
    (source := tmp_path / "folder" / "target").parent.mkdir()
    source.write_bytes(bytes(100_000))
    with disk(tmp_path / "small", 8):
        target = tmp_path / "small" / "target"
        for fill in (
            lambda: shutil.copyfile(source, target),
            lambda: write(target, source.read_bytes()),
            lambda: shutil.copytree(source.parent, target.parent, dirs_exist_ok=True),
        ):
            with pytest.raises(OSError, match="No space left") as found:
                fill()
            assert sentence(found.value) == f"{target}: No space left on device. Free some space there."
    unread = OSError(errno.EIO, "Input/output error", "source", None, "target")
    assert sentence(unread) == "source: Input/output error."


def test_by_force_the_same_command_begins_again_with_all(course):
    """It was said to go on from there."""
    with disk(course.root / "autograded", 300):
        run = course.zerolayer("grade", ASSIGNMENT, "--force")
    assert run.returncode == 1
    assert said(run).endswith("Once this is mended, the same command begins again with all, as --force says.")


def test_a_disk_without_room_for_the_lock_is_told_as_such(course):
    """It was told as another run that grades."""
    with disk(course.root / "autograded", 4):
        run = course.zerolayer("grade", ASSIGNMENT)
    assert run.returncode == 1
    assert "another run" not in said(run)
    assert "No space left on device" in said(run) or "disk" in said(run)


SHORT_OF_MEMORY = """
from nbgrader.preprocessors import NbGraderPreprocessor

class Greedy(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        if resources["nbgrader"]["student"] == "cy":
            {what}
        return nb, resources
"""


@pytest.mark.parametrize("what", ["bytearray(2**62)", "open('/proc/self/mem/no')", "raise OSError(5, 'I/O error')"])
@pytest.mark.parametrize("steps", ["sanitize_preprocessors", "autograde_preprocessors"])
def test_no_error_of_the_machine_is_a_verdict(course, what, steps):
    """Before a run and after it."""
    (course.root / "greedy.py").write_text(SHORT_OF_MEMORY.format(what=what))
    shutil.copy(course.root / "nbgrader_config.py", course.root / "kept.py")
    configured(course, f"c.Autograde.{steps}.append('greedy.Greedy')")
    run = course.zerolayer("grade", ASSIGNMENT, "--jobs=1")
    assert run.returncode == 1
    assert "goes on from there" in said(run)
    assert "cy" not in points(course)
    shutil.move(course.root / "kept.py", course.root / "nbgrader_config.py")
    assert everybody_has_everything(course)


def test_nesting_too_deep_is_the_notebooks_own(course):
    (course.root / "greedy.py").write_text(SHORT_OF_MEMORY.format(what="raise RecursionError"))
    configured(course, "c.Autograde.autograde_preprocessors.insert(-1, 'greedy.Greedy')")
    run = course.zerolayer("grade", ASSIGNMENT)
    assert run.returncode == 1  # for an empty notebook, too, it says so here
    assert "RecursionError" in run.stderr


def test_a_gradebook_that_another_program_holds(course):
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = course.zerolayer("grade", ASSIGNMENT)
    assert run.returncode == 1
    assert "database is locked. Another program holds it" in said(run)
    assert everybody_has_everything(course)


# Files beside a notebook


@pytest.mark.parametrize(("megabytes", "remarks"), [(80, 0), (200, 1)])
def test_files_beside_a_notebook_cost_no_points(course, megabytes, remarks):
    """64 MB was the limit of the kernels, 100 MB that of copying: what lay between them earned 0."""
    with (course.root / "submitted" / "ada" / ASSIGNMENT / "a.bin").open("wb") as file:
        file.truncate(megabytes * 10**6)
    run = course.zerolayer("grade", ASSIGNMENT, "--student=ada")
    assert run.returncode == (NEEDS_A_PERSON if remarks else 0), run.stderr
    assert course.verdict("ada").points == EVERYTHING
    assert [remark for remark in course.verdict("ada").remarks if "without these files: a.bin." in remark] == list(
        course.verdict("ada").remarks
    )
    assert len(course.verdict("ada").remarks) == remarks


def test_more_files_than_a_kernels_disk_has_room_for_cost_no_points(course):
    folder = course.root / "submitted" / "ada" / ASSIGNMENT
    for number in range(1500):
        (folder / f"{number:04}").touch()
    run = course.zerolayer("grade", ASSIGNMENT, "--student=ada", "--WarmProvisioner.limits={'inodes': 2000}")
    assert run.returncode == NEEDS_A_PERSON, run.stderr
    assert course.verdict("ada").points == EVERYTHING
    assert "more. A submission may have 166 files" in course.verdict("ada").remarks[0]


# Folders with long names, and few tasks


def alone():
    """Give an environment in which nothing is warm yet."""
    return {name: value for name, value in os.environ.items() if name != forkserver.ADDRESS}


@pytest.mark.parametrize("length", [70, 120])
def test_a_long_name_of_the_folder_for_temporary_files_costs_no_points(course, length):
    """The address of a socket has 107 characters; code that names TensorFlow needs the longest one."""
    base = tempfile.mkdtemp(dir="/tmp")
    folder = Path(base, "t" * (length - len(base) - 1))
    folder.mkdir()
    notebook = before(right(nbformat.read(course.released(), as_version=4)), "check-train", "'tensorflow'")
    (course.root / "submitted" / "ada" / ASSIGNMENT / FILE).write_bytes(as_bytes(notebook))
    try:
        run = course.zerolayer("grade", ASSIGNMENT, env={**alone(), "TMPDIR": str(folder)})
    finally:
        shutil.rmtree(base)
    assert run.returncode == 0, run.stderr
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


def few_tasks():
    resource.setrlimit(resource.RLIMIT_NPROC, (8, 8))


def test_too_few_tasks_stop_the_class_and_the_doctor_says_so(course):
    """In a child of this process: root has as many as it likes, its kernels have not."""
    doctor = course.zerolayer("doctor", preexec_fn=few_tasks)
    assert doctor.returncode == 1
    assert "ulimit -u" in doctor.stdout
    run = course.zerolayer("grade", ASSIGNMENT, preexec_fn=few_tasks, env=alone())
    assert run.returncode == 1
    assert "ulimit -u" in said(run) or "Resource temporarily unavailable" in said(run)
    assert points(course) == {}
    assert everybody_has_everything(course)


NO_THREADS = """
raise RuntimeError("can't start new thread")
"""


def test_who_makes_a_fault_of_the_machine_up_gets_no_points_and_stops_nobody(course):
    notebook = before(right(nbformat.read(course.released(), as_version=4)), "check-train", NO_THREADS)
    (course.root / "submitted" / "cy" / ASSIGNMENT / FILE).write_bytes(as_bytes(notebook))
    run = course.zerolayer("grade", ASSIGNMENT)
    assert run.returncode == NEEDS_A_PERSON
    assert "cy was not graded: A kernel with" in " ".join(run.stdout.split())
    assert points(course) == dict.fromkeys(set(STUDENTS) - {"cy"}, EVERYTHING)


# Workers that somebody stops, and commands that somebody ends

STOPPED = """
import os, signal
import psutil

calls = []

def come(**_):
    calls.append(None)
    if len(calls) == 2:
        me = psutil.Process()
        workers = [child for child in me.children() if "lib.grading.kernel.forkserver" not in child.cmdline()]
        workers[0].suspend()
        {then}
"""


def test_a_worker_that_somebody_stops_is_ended_and_nothing_is_lost(course):
    (course.root / "moment.py").write_text(STOPPED.format(then="pass"))
    configured(course, "c.BaseConverter.post_convert_hook = 'moment.come'")
    run = course.zerolayer("grade", ASSIGNMENT, "--jobs=2")
    assert run.returncode == 0, run.stderr
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


@pytest.mark.parametrize(
    ("flags", "next_time"),
    [((), "goes on from there"), (("--force",), "begins again with all, as --force says")],
    ids=["as usual", "by force"],
)
def test_ctrl_c_ends_a_run_with_a_stopped_worker(course, flags, next_time):
    (course.root / "moment.py").write_text(STOPPED.format(then="os.kill(0, signal.SIGINT); os.kill(0, signal.SIGINT)"))
    configured(course, "c.BaseConverter.post_convert_hook = 'moment.come'")
    run = course.zerolayer("grade", ASSIGNMENT, "--jobs=2", *flags, start_new_session=True, timeout=60)
    assert run.returncode == 130
    assert said(run).endswith(f"Stopped. What was graded is kept; the same command {next_time}.")


KILLED = """
import os, signal
import psutil

calls = []

def come(**_):
    calls.append(None)
    if len(calls) == 2:
        me = psutil.Process()
        warm = [child for child in me.children() if "lib.grading.kernel.forkserver" in child.cmdline()]
        workers = [child for child in me.children() if child not in warm]
        for process in {whom}:
            process.kill()
"""
EVERYBODY = "[*(inner for one in warm for inner in one.children(recursive=True)), *warm, *workers, me]"


@pytest.fixture
def place():
    """A folder for temporary files whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_what_is_killed_leaves_nothing_behind(course, place):
    """Where all is killed at once, nobody is left to tidy up but the next command; of that one parts are killed."""
    configured(course, "c.BaseConverter.post_convert_hook = 'moment.come'")

    def grade(whom, *flags):
        (course.root / "moment.py").write_text(KILLED.format(whom=whom))
        own = {name: value for name, value in os.environ.items() if name != forkserver.ADDRESS}
        return course.zerolayer("grade", ASSIGNMENT, "--jobs=2", *flags, env=own | {"TMPDIR": str(place)})

    assert grade(EVERYBODY, "--no-sandbox").returncode == -signal.SIGKILL
    assert list(place.iterdir())
    run = grade("workers[:1] + warm")
    assert run.returncode == 0, run.stderr
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)
    assert not list(place.iterdir())


HANGING = """
import threading
from pathlib import Path
from lib.grading.run.forked_execute import ForkedExecute

class Hanging(ForkedExecute):
    def run_cells(self, nb, resources, km):
        if not Path("met").exists():
            Path("met").touch()
            threading.Event().wait()  # a worker that waits for what never comes
        super().run_cells(nb, resources, km)
"""


def test_a_run_that_takes_far_longer_than_it_may_is_given_up_and_tried_again(course):
    (course.root / "hanging.py").write_text(HANGING)
    configured(
        course,
        "steps = c.Autograde.autograde_preprocessors",
        "steps[steps.index('lib.grading.run.forked_execute.ForkedExecute')] = 'hanging.Hanging'",
    )
    limits = ("--BoundedExecute.budget=6", "--BoundedExecute.grace=1", "--Grade.margin=20", "--jobs=1")
    run = course.zerolayer("grade", ASSIGNMENT, *limits, timeout=200)
    assert run.returncode == 0, run.stderr
    assert "take far longer than they may" in said(run)
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--jobs=x"], "A setting can't be used: The 'jobs' trait"),
        (["--jobs=-1"], "A setting can't be used: The value of the 'jobs' trait"),
        (["--timeout=x"], "A setting can't be used: The 'timeout' trait"),
        (
            ["--WarmProvisioner.limits={'memroy': 1}"],
            "A setting can't be used: WarmProvisioner.limits knows no 'memroy'",
        ),
        (
            ["--WarmProvisioner.limits=memory=1G"],
            "WarmProvisioner.limits has 'memory': '1G', where a whole number of bytes is",
        ),
        (
            ["--WarmProvisioner.limits={'memory': 4096}"],
            "limits has 'memory': 4096, where a whole number of bytes is expected: at least 256 * 1024**2."
            " Try {'memory': 4294967296}, which is 4 * 1024**3.",
        ),
        (
            ["--WarmProvisioner.limits={'cpu_seconds': 0}"],
            "limits has 'cpu_seconds': 0, where a whole number of seconds is expected: at least 1. Try",
        ),
        (["--WarmProvisioner.limits={'commands': 'no'}"], "where True or False is expected. Try {'commands': False}."),
        (
            ["--WarmProvisioner.limits={'memory': -1}"],
            "limits has 'memory': -1, where a whole number of bytes is expected",
        ),
        (
            ["--WarmProvisioner.limits={'tasks': 5000000}"],
            "'tasks': 5000000, where a whole number is expected: at most",
        ),
        (["--WarmProvisioner.limits={'inodes': True}"], "limits has 'inodes': True, where a whole number is expected"),
        (["--WarmProvisioner.limits={'commands': 1}"], "limits has 'commands': 1, where True or False is expected."),
        (["--BoundedExecute.max_output=1000"], "The value of the 'max_output' trait"),
        (["--BoundedExecute.max_notebook_output=1"], "The value of the 'max_notebook_output' trait"),
        (["--BoundedExecute.budget=0"], "The value of the 'budget' trait"),
        (["--ForkedExecute.flood=0"], "The value of the 'flood' trait"),
        (["--scheduler=nonsense"], "No Dask scheduler answers at nonsense"),
        (["--scheduler=no://where:1"], "No Dask scheduler answers at no://where:1"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(course, options, text):
    run = course.zerolayer("grade", ASSIGNMENT, *options, timeout=100)
    assert run.returncode == 1
    assert text in said(run)
    assert points(course) == {}, "nobody was graded by it"


def test_the_least_that_a_limit_may_be_is_enough_for_a_notebook(course):
    run = course.zerolayer("grade", ASSIGNMENT, "--student=ada", f"--WarmProvisioner.limits={asdict(LEAST)}")
    assert run.returncode == 0, run.stderr
    assert course.verdict("ada").points == EVERYTHING


def test_nobody_needs_to_read_to_the_end(course):
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "lib.grading", "grade", ASSIGNMENT]
    run = subprocess.run(command, cwd=course.root, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert (run.returncode, run.stderr) == (0, "")
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


# A cluster

NOT_INSTALLED = """
import importlib.metadata
found = importlib.metadata.distribution
def distribution(name):
    if name == "zerolayer":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)
importlib.metadata.distribution = distribution
"""


class Dask:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.file = folder, stack, folder / "scheduler.json"
        self.scheduler = self._started("scheduler", "--port=0", "--no-dashboard")
        with Client(scheduler_file=str(self.file), timeout=60, set_as_default=False):
            pass  # it answers
        self.address = json.loads(self.file.read_text())["address"]
        self.workers = []

    def add(self, **environment):
        """Start a worker."""
        options = ("--nthreads=2", "--no-dashboard", "--no-nanny", "--local-directory", str(self.folder))
        self.workers.append(self._started("worker", *options, env={**os.environ, **environment}))
        with Client(scheduler_file=str(self.file), timeout=60, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def _started(self, *words, **options):
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(self.file)]
        process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL, **options)
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        return process


@pytest.fixture
def dask(tmp_path):
    with ExitStack() as stack:
        dask = Dask(tmp_path, stack)
        yield dask
        for process in (*dask.workers, dask.scheduler):  # one may be stopped, and would be waited for
            process.kill()


def test_a_scheduler_without_workers_is_waited_for_and_then_told(course, dask):
    run = course.zerolayer("grade", ASSIGNMENT, f"--scheduler={dask.address}", "--Grade.patience=2", timeout=100)
    assert run.returncode == 1
    assert "Waiting up to 2 seconds for workers" in said(run)
    assert "has no workers" in said(run)
    assert "0 of 0" not in run.stdout


def test_workers_without_the_package_are_told_at_once(course, dask, tmp_path):
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(NOT_INSTALLED)
    dask.add(PYTHONPATH=str(tmp_path / "without"))
    run = course.zerolayer("grade", ASSIGNMENT, f"--scheduler={dask.address}", timeout=100)
    assert run.returncode == 1
    assert "has zerolayer" in said(run)
    dask.add()
    run = course.zerolayer("grade", ASSIGNMENT, f"--scheduler={dask.address}")
    assert run.returncode == 0, run.stderr
    assert "is not used: zerolayer is not installed there" in said(run)
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


WHEN_TWO_ARE_GRADED = """
import os, signal
calls = []
def come(**_):
    calls.append(None)
    if len(calls) == 2:
        os.kill({number}, signal.{signal})
"""


def test_a_scheduler_that_dies_is_told_in_a_sentence(course, dask):
    dask.add()
    (course.root / "moment.py").write_text(WHEN_TWO_ARE_GRADED.format(number=dask.scheduler.pid, signal="SIGKILL"))
    shutil.copy(course.root / "nbgrader_config.py", course.root / "kept.py")
    configured(course, "c.BaseConverter.pre_convert_hook = 'moment.come'")
    run = course.zerolayer("grade", ASSIGNMENT, f"--scheduler={dask.address}", timeout=200)
    assert run.returncode == 1
    assert f"The Dask scheduler at {dask.address} is gone" in said(run)
    assert "What was graded is kept" in said(run)
    shutil.move(course.root / "kept.py", course.root / "nbgrader_config.py")
    assert everybody_has_everything(course)


def test_what_a_silent_worker_had_is_run_by_others(course, dask):
    dask.add()
    dask.add()
    (course.root / "moment.py").write_text(WHEN_TWO_ARE_GRADED.format(number=dask.workers[0].pid, signal="SIGSTOP"))
    configured(course, "c.BaseConverter.pre_convert_hook = 'moment.come'")
    run = course.zerolayer("grade", ASSIGNMENT, f"--scheduler={dask.address}", timeout=300)
    assert run.returncode == 0, run.stderr
    assert points(course) == dict.fromkeys(STUDENTS, EVERYTHING)


def test_a_silent_worker_may_leave_while_it_is_asked_what_it_has(dask):
    from lib.grading.run.cluster import Cluster

    class OfOneThatLeaves(Cluster):
        def _is_silent(self, address, last_seen):
            dask.workers[0].kill()
            while self._client.sync(self._client.scheduler.identity)["workers"]:
                pass
            return True

    dask.add()
    heard = []
    with (
        OfOneThatLeaves(dask.address, 0, heard.append) as cluster,
        pytest.raises(ClusterError, match="has no workers"),
    ):
        cluster.width()
    assert [sentence for sentence in heard if "has been silent" in sentence]


def test_a_worker_that_comes_later_is_counted_and_what_dask_logs_is_not_shown(dask, capfd):
    from lib.grading.run.cluster import Cluster

    dask.add()
    heard = []
    with Cluster(dask.address, 10, heard.append) as cluster:
        assert cluster.width() == 4
        dask.add()
        while cluster.width() == 4:
            pass
        for name in ("distributed", "distributed.client", "distributed.core"):
            logging.getLogger(name).error("said by Dask")
        assert cluster.width() == 8
    assert heard == []
    assert "said by Dask" not in capfd.readouterr().err
