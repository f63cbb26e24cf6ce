"""A course of one small unit, in which everybody has everything right: what disturbs grading is tried on it."""

import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType

import nbformat
import pytest

from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.execution.notebook import run_cells
from lib.grading.judge.verdict import Verdict
from lib.grading.kernel.client import ADDRESS
from lib.grading.pipeline.course import BoundedExecute
from tests.grading import command_server
from tests.grading.conftest import Course
from tests.submissions import as_bytes, cell

UNIT = "tiny"
EVERYTHING = 2
"""The points of what `zerolayer new` begins with."""
RIGHT = "def loss(y, yhat):\n    return np.mean((y - yhat) ** 2)"
ENDS = f"{RIGHT}\nimport os; os._exit(0)"
CLASS = {"ada": RIGHT, "bo": RIGHT, "cy": RIGHT.replace("mean", "sum"), "di": ENDS, "ed": RIGHT}
"""Who hands in what: three are right, one is wrong, and one ends the kernel."""
POINTS = dict.fromkeys(CLASS, EVERYTHING) | {"cy": 0, "di": 0}
DIED = {"di": "was not run to the end"}
SAVED_POINTS = """
    SELECT student_id, sum(auto_score) FROM grade JOIN submitted_notebook AS n ON n.id = grade.notebook_id
    JOIN submitted_assignment AS s ON s.id = n.assignment_id GROUP BY student_id"""


class SmallCourse(Course):
    """A course folder, and what is done and seen there."""

    def copy(self, root):
        """Copy the course, and hand in what its class does."""
        shutil.copytree(self.root, root)
        course = SmallCourse(root)
        for student, code in CLASS.items():
            course.hand_in(student, code)
        return course

    def hand_in(self, student, code=RIGHT, front=()):
        """Hand in a notebook with this answer, and with cells in front of all others."""
        notebook = nbformat.read(self.root / "notebooks" / UNIT / f"{UNIT}.ipynb", as_version=4)
        cell(notebook, "loss").source = code
        notebook.cells[:0] = map(nbformat.v4.new_code_cell, front)
        folder = self.root / "submitted" / student / UNIT
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{UNIT}.ipynb").write_bytes(as_bytes(notebook))

    def configured(self, hook, moment="post"):
        """Have nbgrader's setting for what is called before or after each submission call `come` of this module."""
        (self.root / "moment.py").write_text(hook)
        with (self.root / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.BaseConverter.{moment}_convert_hook = 'moment.come'\n")

    def grade(self, *options, environment=os.environ):
        return command_server.run("lib.grading", ("grade", UNIT, *options), self.root, environment)

    def verdict(self, student):
        return Verdict.load(self.root / "autograded" / student / UNIT)

    def points(self):
        """Return the points of all who have any in the gradebook, which are those with a verdict."""
        with closing(sqlite3.connect(self.root / "gradebook.db")) as database:
            saved = dict(database.execute(SAVED_POINTS))
        assert saved.keys() == {path.parts[-3] for path in (self.root / "autograded").glob("*/*/verdict.json")}
        return saved

    def state(self):
        """Return all that grading leaves: the files in the folders, each verdict, and the gradebook's scores."""
        files = sorted(
            path for path in (self.root / "autograded").rglob("*") if path.is_file() and path.suffix != ".lock"
        )
        verdicts = {path.parts[-3]: path.read_text() for path in files if path.name == "verdict.json"}
        return [str(path.relative_to(self.root)) for path in files], verdicts, self.points()


def said(run):
    """Return a command's messages in one line; it never shows a traceback."""
    assert "Traceback" not in run.stdout + run.stderr
    return " ".join(run.stderr.split())


def listed(run):
    """Return the students whom a run lists for a person, and why; its exit code says whether there are any."""
    _, *lines = re.split(r" needs? a person; .*\n", run.stdout)
    assert run.returncode == (NEEDS_A_PERSON if lines else 0), run.stderr
    return dict(line.split(maxsplit=1) for text in lines for line in text.splitlines() if line.startswith(" "))


def alone(**more):
    """Return an environment in which nothing is warm yet."""
    return {name: value for name, value in os.environ.items() if name != ADDRESS} | more


@pytest.fixture(scope="session")
def built(small_course, tmp_path_factory):
    """The course before anybody has handed in."""
    root = tmp_path_factory.mktemp("class") / "built"
    shutil.copytree(small_course.root, root)
    (root / "judge_secret").write_text("ab" * 32)  # the same in all copies
    return SmallCourse(root)


@pytest.fixture
def course(built):
    """The course with all that the class has handed in, in the same folder each time: it shares a warm process."""
    shutil.rmtree(root := built.root.with_name("course"), ignore_errors=True)
    return built.copy(root)


@pytest.fixture(scope="session")
def undisturbed(built):
    course = built.copy(built.root.with_name("undisturbed"))
    run = course.grade()
    assert f"{len(CLASS)} of {len(CLASS)} submissions graded" in run.stdout
    assert (listed(run), course.points()) == (DIED, POINTS)
    assert run.stderr == ""  # neither a terminal nor anything to warn of
    return course


def ran(*sources, files=MappingProxyType({}), graded=(), **bounds):
    """Run cells of code; give them with their outputs, and the remarks."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    for at in graded:
        cells[at]["metadata"]["nbgrader"] = {"grade": True, "solution": False}
    remarks = run_cells(cells, dict(files), replace(BoundedExecute().bounds, **bounds))
    return cells, [remark.text for remark in remarks]


def text(cell):
    """Return a cell's outputs: texts, values, and the error that it ended in."""
    said = (each.get("data", each) for each in cell["outputs"])
    return "".join(
        f"{each['ename']}: {each['evalue']}" if "ename" in each else each.get("text", each.get("text/plain", ""))
        for each in said
    )
