"""A class in a scratch course, graded once by the real command and shared by the tests that look at it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import nbgrader.api
import pytest
from filelock import FileLock

from lib.authoring.build import BuildApp
from lib.authoring.new import NewApp
from lib.grading.commands.demo import copy_course
from lib.grading.judge.verdict import Verdict
from lib.grading.sandbox.obstacles import find_obstacle
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading import command_server
from tests.missing import missing
from tests.submissions import changes, files, honest, pages, submissions

nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)  # it starts a program for each gradebook
SUBMISSIONS = {submission.name: submission for submission in submissions(honest, files, changes, pages)}
QUICK = ("--Execute.timeout=6", "--BoundedExecute.grace=3")


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

    def nbgrader(self, *arguments, **options):
        return self._run("nbgrader", *arguments, **options)

    def runs_here(self, app, *arguments):
        """Run a command by its app in this process: that spares the seconds in which a new one imports nbgrader."""
        said, complained, code = StringIO(), StringIO(), 0
        with chdir(self.root), redirect_stdout(said), redirect_stderr(complained):
            try:
                command = app()
                command.initialize([*arguments])
                command.start()
            except SystemExit as end:
                code = end.code or 0
                if isinstance(code, str):  # Python shows it, and exits with 1
                    print(code, file=sys.stderr)
                    code = 1
        return subprocess.CompletedProcess(arguments, code, said.getvalue(), complained.getvalue())

    def _run(self, module, *arguments, **options):
        """Run a command: forked, which is quick, or with options for `subprocess.run` as a program of its own."""
        if not options:
            return command_server.run(module, arguments, self.root)
        command = [sys.executable, "-m", module, *arguments]
        options = {"cwd": self.root, "capture_output": True, "text": True, **options}
        return subprocess.run(command, check=False, **options)


def refusal(capsys: pytest.CaptureFixture[str], command: Callable[..., object], *arguments: Any) -> str:
    """Return the output of a command that ends with 1: a few sentences, as one line, and no traceback."""
    with pytest.raises(SystemExit) as ended:
        command(*arguments)
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "Traceback" not in said.err + said.out
    return re.sub(r"\s+", " ", said.out + said.err)


@pytest.fixture(scope="session")
def lockable_here():
    """A machine that can lock kernels in."""
    if finding := find_obstacle():
        missing(f"sandbox ({finding})", "`zerolayer doctor` says what to change.")


@pytest.fixture(scope="session")
def new_course(tmp_path_factory, lockable_here) -> Callable[[Path], Course]:
    """Return `new_course(root)`, which makes a built course; all processes of a run share one build."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    source = Course(folder / "built")
    with FileLock(folder / "built.lock"):
        if not source.released().exists():
            copy_course(source.root)
            built = source.zerolayer("build", UNPROVED)  # test_build's course is proved
            assert built.returncode == 0, built.stderr

    def write_files(root: Path) -> Course:
        shutil.copytree(source.root, root, dirs_exist_ok=True)
        return Course(root)

    return write_files


@pytest.fixture(scope="session")
def small_course(tmp_path_factory, lockable_here) -> Course:
    """A course of the unit `tiny`, as `zerolayer new` writes it; its notebook is built. To be copied."""
    course = Course(tmp_path_factory.mktemp("small") / "course")
    course.root.mkdir()
    for app, *arguments in ((NewApp, "tiny"), (BuildApp, "tiny", UNPROVED)):
        done = course.runs_here(app, *arguments)
        assert done.returncode == 0, done.stderr
    return course


@pytest.fixture(scope="session")
def graded(new_course, tmp_path_factory) -> Course:
    """All submissions, graded in one run of `zerolayer grade`, with a secret that draws the same in each run."""
    course = new_course(tmp_path_factory.mktemp("course"))
    (course.root / "judge_secret").write_text("ab" * 32)
    for name, submission in SUBMISSIONS.items():
        submission.hand_in(course.released(), course.root / "submitted" / name / ASSIGNMENT)
    course.ungraded = shutil.copy(course.root / "gradebook.db", course.root / "ungraded.db")
    course.run = course.zerolayer("grade", ASSIGNMENT, *QUICK)
    return course
