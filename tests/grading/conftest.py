"""A class in a scratch course, graded once by the real command and shared by the tests that look at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.grading.commands.demo import copy_course
from lib.grading.judge.verdict import Verdict
from lib.grading.sandbox.doctor import protected
from tests.course import ASSIGNMENT
from tests.submissions import files, forgers, honest, pages, runs, submissions

SUBMISSIONS = {submission.name: submission for submission in submissions(honest, files, runs, forgers, pages)}
QUICK = ("--Execute.timeout=4", "--BoundedExecute.grace=3")


class Course:
    """A course folder, and the commands that an instructor gives there."""

    def __init__(self, root: Path):
        self.root = root

    def released(self):
        return self.root / "notebooks" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"

    def verdict(self, student):
        return Verdict.load(self.root / "autograded" / student / ASSIGNMENT)

    def notebook(self, student):
        return self.root / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"

    def feedback(self, student):
        return (self.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()

    def zerolayer(self, *arguments, **options):
        return self._run("lib.grading", *arguments, **options)

    def nbgrader(self, *arguments):
        return self._run("nbgrader", *arguments)

    def _run(self, module, *arguments, **options):
        command = [sys.executable, "-m", module, *arguments]
        options = {"cwd": self.root, "capture_output": True, "text": True, "timeout": 500, **options}
        return subprocess.run(command, check=False, **options)


@pytest.fixture(scope="session")
def lockable_here():
    """A machine that can lock kernels in: elsewhere tests that need one are skipped, and fail where all must run."""
    if finding := protected():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(finding))


@pytest.fixture(scope="session")
def graded(tmp_path_factory) -> Course:
    """All submissions, graded in one run of `zerolayer grade`."""
    course = Course(tmp_path_factory.mktemp("course"))
    copy_course(course.root)
    built = course.zerolayer("build")
    assert built.returncode == 0, built.stderr
    for name, submission in SUBMISSIONS.items():
        submission.hand_in(course.released(), course.root / "submitted" / name / ASSIGNMENT)
    course.run = course.zerolayer("grade", ASSIGNMENT, *QUICK)
    return course
