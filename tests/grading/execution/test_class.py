"""A class that is graded while others are at work, or in part: what is due is graded, and who needs a person listed."""

import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress

from lib.grading.commands.grade import NEEDS_A_PERSON
from tests.grading.execution.conftest import CLASS, DIED, EVERYTHING, POINTS, UNIT, listed


def test_a_run_lists_what_it_graded_itself(course):
    first, again = course.grade(), course.grade()
    assert (listed(first), first.returncode) == (DIED, NEEDS_A_PERSON)
    assert (listed(again), again.returncode) == ({}, 0)
    assert listed(course.grade("--student=di", "--force")) == DIED


def test_a_terminal_shows_at_once_what_begins_and_then_rate_time_left_and_counts(course):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    command = [sys.executable, "-m", "lib.grading", "grade", UNIT, "--jobs=1"]
    always = os.environ | {"TQDM_MININTERVAL": "0"}  # a quick class is over before tqdm draws a second time
    shown = b""
    with subprocess.Popen(command, cwd=course.root, env=always, stdout=subprocess.DEVNULL, stderr=theirs) as run:
        os.close(theirs)
        with suppress(OSError):  # Linux's word for: nobody is at the other end any more
            while piece := os.read(ours, 65536):
                shown += piece
    os.close(ours)
    assert run.returncode == NEEDS_A_PERSON
    assert shown.decode().startswith("zerolayer grade begins …")
    assert re.search(r"[1-4]/5 \[\d\d:\d\d<\d\d:\d\d, .*submission.*(graded|for a person)=\d", shown.decode())


SECOND = f"""
import subprocess, sys

def come(**_):
    done = subprocess.run([sys.executable, "-m", "lib.grading", "grade", "{UNIT}"], capture_output=True, text=True)
    with open("second.txt", "a") as file:
        file.write(f"{{done.returncode}} {{done.stderr}}")
"""


def test_of_two_runs_at_once_one_waits_for_another_day(course):
    course.configured(SECOND)
    assert course.grade("--student=ada").returncode == 0
    second = (course.root / "second.txt").read_text()
    assert second.startswith("1 ")
    assert f"{UNIT} is being graded by another run. Wait until it has finished, or stop it." in second
    assert course.points() == {"ada": EVERYTHING}


def test_only_what_is_due_is_graded(course):
    stamp = course.root / "submitted" / "ada" / UNIT / "timestamp.txt"
    others = "--CourseDirectory.student_id_exclude=" + ",".join({*CLASS} - {"ada"})
    for day, options, printed in (
        (2, ["--student=ada"], "1 of 1 submissions graded"),
        (2, [others], f"{len(CLASS)} skipped"),
        (2, ["--student=ada", "--force"], "1 of 1 submissions graded"),
        (3, ["--student=ada"], "1 of 1 submissions graded"),
    ):
        stamp.write_text(f"2026-03-0{day} 12:00:00 UTC")
        assert printed in course.grade(*options).stdout
        assert (course.root / "autograded" / "ada" / UNIT / "timestamp.txt").read_text() == stamp.read_text()


def test_a_unit_that_cannot_be_imported_is_said_once_and_stops_nobody(built, tmp_path):
    """Each process that ran notebooks said so."""
    course = built.copy(tmp_path / "course")
    (course.root / "units" / "broken").mkdir(parents=True)
    (course.root / "units" / "broken" / "exercise.py").write_text("raise ValueError('half done')")
    run = course.grade("--jobs=4")
    assert listed(run) == DIED
    told = "The unit broken can't be imported: ValueError: half done (units/broken/exercise.py:1)"
    assert run.stderr.count(told) == 1


def test_nothing_runs_unprotected_by_itself(course, tmp_path):
    """On a machine that lacks what locks kernels in; here a library. What is asked for gives the same points."""
    (tmp_path / "pyseccomp.py").write_text("raise ImportError('there is no libseccomp')")
    lacking = {**os.environ, "PYTHONPATH": str(tmp_path)}
    refused = course.zerolayer("grade", UNIT, env=lacking)
    assert (refused.returncode, course.points()) == (1, {})
    assert "use --no-sandbox" in refused.stderr
    assert listed(course.zerolayer("grade", UNIT, "--no-sandbox", env=lacking)) == DIED
    assert course.points() == POINTS
