"""Faults of the machine: nobody's zero, told in a sentence, and the same command goes on from there."""

import errno
import os
import re
import sqlite3
import subprocess
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import asdict

import pytest

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.machine_faults import sentence
from lib.grading.sandbox.limits import LEAST, limit_problem
from tests.grading.execution.conftest import DIED, EVERYTHING, POINTS, RIGHT, UNIT, listed, said
from tests.grading.execution.test_notebook import LINE, RUNS

pytestmark = pytest.mark.usefixtures("lockable_here")


def class_is_graded(course):
    """Run the command again: then all is graded as if nothing had happened."""
    left = DIED.keys() - course.points().keys()  # a run lists those for a person whom it grades
    again = course.grade()
    assert again.returncode == (NEEDS_A_PERSON if left else 0), again.stderr
    return course.points() == POINTS


# The disk


@contextmanager
def disk(folder, size):
    """Mount a disk of some kilobytes at `folder`; give what makes it larger."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Only root can mount a small disk to fill. Run this as root.")
    try:
        yield lambda more: subprocess.run(["mount", "-o", f"remount,size={more}k", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_the_class_and_nobody_gets_a_verdict_by_it(course):
    full = f"{course.root}/autograded/.unfinished/.*: No space left on device. Free some space there."
    with disk(course.root / "autograded", 12) as enlarge:
        run = course.grade()
        assert run.returncode == 1
        assert re.search(f"{full}.* the same command goes on from there", said(run))
        assert course.points().items() < POINTS.items()
        enlarge(100_000)
        assert class_is_graded(course)


# Errors in the middle

FAILING = """
from lib.grading.pipeline import grade_class, stages

def come(**_):
    pass

def fail(course, of, *rest, call={step}):
    if of.student == "cy":
        {what}
    return call(course, of, *rest)

{step} = fail
"""


def test_no_error_of_the_machine_is_a_verdict(course):
    config = course.root / "nbgrader_config.py"
    kept = config.read_text()
    for step, what in (
        ("grade_class.prepare", "bytearray(2**62)"),
        ("grade_class.prepare", "raise OSError(5, 'I/O error')"),
        ("stages.finish", "open('/proc/self/mem/no')"),
    ):
        course.configured(FAILING.format(step=step, what=what), "pre")
        run = course.grade("--jobs=1")
        config.write_text(kept)
        assert run.returncode == 1, (step, what)
        assert "goes on from there" in said(run)
        assert "cy" not in course.points()
    assert class_is_graded(course)


SHORT = "sqlite:///gradebook.db?timeout=0.1"
"""SQLite waits five seconds for who holds a database, and we ask three times."""


def test_a_gradebook_that_another_program_holds(course):
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = course.grade(f"--db={SHORT}")
    assert run.returncode == 1
    assert "database is locked. Another program may be using it" in said(run)
    assert class_is_graded(course)


# A busy machine

SLOW_LOSS = f"""{RIGHT}
def loss(y, yhat, loss=loss, seconds=[0.7]):
    import time
    end = time.thread_time() + (seconds.pop() if seconds and len(y) > 2 else 0)  # not for the example by hand
    while time.thread_time() < end: pass
    return loss(y, yhat)
"""
"""Of a busy processor it gets a fifth: its first call takes longer than a check lets code run."""


SOON_LOST = """
from lib.grading.execution import notebook

def come(**_):
    pass

notebook.CLOCK_FACTOR = 2
"""
"""A run is lost when twice its time has passed, and not only after five times."""


@pytest.mark.slow
def test_on_a_busy_machine_slow_code_keeps_its_points_and_who_is_lost_waits_for_a_person(course, request):
    assert course.grade("--student=ed").returncode == 0  # what starts only once does so before the machine is busy
    request.getfixturevalue("busy_machine")
    course.hand_in("ada", SLOW_LOSS)
    course.hand_in("bo", f"{RIGHT}\nwhile True: pass")
    assert listed(course.grade("--student=ada")) == {}
    course.configured(SOON_LOST, "pre")
    assert listed(course.grade("--student=bo", "--BoundedExecute.budget=1")) == {
        "bo": "was not graded: it could not be run: this machine was too busy. Grade again when it has less to do"
    }
    assert course.points() == {"ada": EVERYTHING, "ed": EVERYTHING}


# Files beside a notebook


def test_files_beside_a_notebook_cost_no_points(course):
    """64 MB was the limit of the kernels, 100 MB that of copying: what lay between them earned 0."""
    submitted = course.root / "submitted"
    for student, megabytes in (("ada", 80), ("bo", 200)):
        with (submitted / student / UNIT / "a.bin").open("wb") as file:
            file.truncate(megabytes * 10**6)
    for number in range(1500):
        (submitted / "ed" / UNIT / f"{number:04}").touch()
    run = course.grade("--BoundedExecute.limits={'inodes': 2000}", "--jobs=1")
    assert listed(run).keys() == {"bo", "di", "ed"}
    assert course.points() == POINTS
    assert course.verdict("ada").remarks == ()
    assert "without these files: a.bin." in course.verdict("bo").remarks[0].text
    assert "more. A submission may have 166 files" in course.verdict("ed").remarks[0].text


# What code says and does

ENDED_BY_LINUX = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass"
NO_THREAD = "can't start new thread"
SAYS = {
    "stdout": f"print({NO_THREAD!r})",
    "raised": f"raise RuntimeError({NO_THREAD!r})",
    "raised-as-Linux": "raise BlockingIOError(11, 'Resource temporarily unavailable')",
    "its-own-word": LINE + 'line.sendall(b\'{"msg_type": "refused", "content": {}}\\n\')',
    "a-true-refusal": RUNS["threads of its own limit"][0],
}
"""What reads like a fault of the machine, or is one of the code's own making."""


def test_who_makes_a_fault_of_the_machine_up_costs_nobody_points_and_stops_nobody(course):
    """What code says of it is not asked. Whose kernel Linux ends has no verdict."""
    for what in SAYS:
        course.hand_in(what, f"{RIGHT}\n{SAYS[what]}")
    course.hand_in("di", RIGHT, front=[ENDED_BY_LINUX])
    run = course.grade()
    assert {student: why.split(":")[0] for student, why in listed(run).items()} == {"di": "was not graded"}
    assert course.points() | {"di": 0} == POINTS | dict.fromkeys(SAYS, EVERYTHING)
    assert "di" not in course.points()


# Settings


LIMITS = "--BoundedExecute.limits="
MEANT_BY_NOBODY = {
    "--jobs=x": "A setting can't be used: The 'jobs' trait",
    f"{LIMITS}memory=1G": "limits has 'memory': '1G'. Expected a number from 268,435,456.",
    "--BoundedExecute.max_output=1000": "The value of the 'max_output' trait",
    "--scheduler=no://where:1": "No Dask scheduler with workers answers at no://where:1",
}


@pytest.mark.slow
def test_what_cannot_be_meant_is_told_in_a_sentence_and_nobody_is_graded_by_it(course):
    for option, told in MEANT_BY_NOBODY.items():
        run = course.grade(option)
        assert told in said(run)
        assert (run.returncode, course.points()) == (1, {}), option


def test_a_limit_that_cannot_be_meant_is_told():
    problems = {
        ("memroy", 1): "has no 'memroy'. Try one of memory, cpu_seconds,",
        ("memory", 4096): "has 'memory': 4096. Expected a number from 268,435,456.",
        ("inodes", True): "has 'inodes': True. Expected a number from 64.",
        ("commands", 1): "has 'commands': 1. Expected True or False.",
    }
    assert [told for (name, value), told in problems.items() if told not in limit_problem(name, value)] == []
    assert [name for name, value in asdict(LEAST).items() if limit_problem(name, value)] == []


def test_the_least_that_a_limit_may_be_is_enough_for_a_notebook(course):
    run = course.grade("--student=ada", f"{LIMITS}{asdict(LEAST)}")
    assert run.returncode == 0, run.stderr
    assert course.points() == {"ada": EVERYTHING}


def test_a_fault_is_told_in_the_systems_words():
    full = OSError(errno.ENOSPC, "No space left on device", "source", None, "target")
    told = {
        full: "target: No space left on device. Free some space there.",
        OSError(errno.EIO, "Input/output error", "source", None, "target"): "source: Input/output error.",
        TimeoutError("Task timeout", 30): "It was not done in time.",
        OSError(errno.ETIMEDOUT, "Connection timed out", "share"): "share: Connection timed out.",
        BrokenProcessPool(): "BrokenProcessPool, without a message. Run the command again.",
    }
    assert {error: sentence(error) for error in told} == told
