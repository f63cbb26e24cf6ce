"""`zerolayer build`: points stand once, a class that has begun keeps its cells, and what fails changes nothing.

The unit is small: a rectifier and the mean squared error. It is built once. A row of a table says what is made wrong in
a copy of its solution, and what the build says.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import GenerateAssignmentApp, NbGraderAPI
from nbgrader.apps.dbapp import DbAssignmentRemoveApp
from traitlets.config import Config, PyFileConfigLoader

from lib.authoring import build
from lib.authoring.build import Rebuild
from lib.authoring.notebook import student_notebook
from lib.grading.commands.demo import CHECKOUT, run
from lib.grading.grade.unit_faults import misfits
from lib.grading.kernel.client import ADDRESS
from tests.course import UNPROVED
from tests.grading.conftest import refusal
from tests.grading.relu_unit import ANSWER_KEY

pytestmark = pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own habit, as nbgrader_config.py says
UNIT = "relu"
UNITS = {UNIT: "tests.grading.relu_unit.ANSWER_KEY"}
SETUP = """\
%load_ext lib.blanks
import numpy as np
from lib.checking.dispatch import Checks
from tests.grading.relu_unit import ANSWER_KEY

check = Checks(ANSWER_KEY.parts)"""
RELU = """\
class ReLU:
    def forward(self, input):
        self.input = input
        return np.maximum(input, 0)  #? return ?  # what passes

    def backward(self, output_gradient):
        return output_gradient * (self.input > 0)  #? return ?  # what passes back"""
MSE = "def mse(y, yhat):\n    return np.mean((y - yhat) ** 2)  #? return ?  # one number"
TABLE = """\
There are {{points}} points: {{points:code}} for code and {{points: written}} for an answer of {{points:explain-why}}.
| {{points:check-relu.Rectifies}} | {{points:check-relu.StopsGradients}} | {{points:check-mse}} |"""
FILLED = "There are 7 points: 4 for code and 3 for an answer of 3.\n| 1 | 2 | 1 |"
SCORES = {"check-relu": 3, "check-mse": 1, "explain-why": 3}
KEPT = {"gradebook.db", "nbgrader_config.py", "notebooks", "solutions"}
Change = Callable[[NotebookNode], Any]


def cell(source: str, id: str, **flags: Any) -> NotebookNode:
    own = {"schema_version": 3, "task": False, "grade": False, "solution": False, "locked": True, "grade_id": id}
    make = nbformat.v4.new_markdown_cell if id.startswith("explain") else nbformat.v4.new_code_cell
    return make(source, id=id, metadata={"nbgrader": {**own, **flags}})


def solution(*changes: Change) -> NotebookNode:
    """The unit's solution notebook. Only what a person grades has points in its cell."""
    cells = [
        nbformat.v4.new_markdown_cell(TABLE, id="table"),
        cell(SETUP, "setup"),
        cell(RELU, "relu", solution=True, locked=False),
        cell("check.relu(ReLU)", "check-relu", grade=True),
        cell(MSE, "mse", solution=True, locked=False),
        cell("check.mse(mse)", "check-mse", grade=True),
        cell("Because.", "explain-why", grade=True, solution=True, locked=False, points=3),
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    for change in changes:
        change(nb)
    return nb


class Course:
    """A course of this one unit."""

    def __init__(self, root: Path, units: dict[str, str] = UNITS):
        self.root, self.source = root, root / "solutions" / UNIT / f"{UNIT}.ipynb"
        self.source.parent.mkdir(parents=True)
        self.configure(f"UnitPreprocessor.units = {units}", (CHECKOUT / "nbgrader_config.py").read_text())
        self.configure("BoundedExecute.sandbox = False")  # in which there are no tests, and so not this unit
        self.write()

    def configure(self, setting: str, before: str = "") -> None:
        with (self.root / "nbgrader_config.py").open("a") as config:
            config.write(f"{before}\nc.{setting}\n")

    def write(self, *changes: Change, name: str = UNIT) -> None:
        self.source.with_name(f"{name}.ipynb").write_text(nbformat.writes(solution(*changes)))

    def config(self) -> Config:
        """The settings, as formgrader has them."""
        loaded = PyFileConfigLoader("nbgrader_config.py", str(self.root)).load_config()
        loaded.CourseDirectory.root = str(self.root)
        return loaded

    def build(self, *options: str) -> None:
        run(Rebuild, self.root, UNIT, *options)

    def released(self, name: str = UNIT) -> NotebookNode:
        return nbformat.read(self.root / "notebooks" / UNIT / f"{name}.ipynb", as_version=4)

    def state(self) -> tuple[set[str], dict[str, bytes], list[str]]:
        """What lies in the course, all released files, and all that the gradebook holds."""
        files = {str(path): path.read_bytes() for path in (self.root / "notebooks").rglob("*") if path.is_file()}
        with closing(sqlite3.connect(self.root / "gradebook.db")) as database:
            return {path.name for path in self.root.iterdir()}, files, list(database.iterdump())

    def max_scores(self) -> dict[str, float]:
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            notebooks = gradebook.find_assignment(UNIT).notebooks
            return {cell.name: cell.max_score for notebook in notebooks for cell in notebook.grade_cells}


@pytest.fixture(scope="module", autouse=True)
def kernels_import_the_unit() -> Iterator[None]:
    """A warm process of these tests' own, which finds the unit."""
    folder = tempfile.mkdtemp(prefix=f"zerolayer-{os.getpid()}-")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHECKOUT))
        patch.setenv(ADDRESS, folder)
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("built"))
    course.build(UNPROVED)
    return course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


@pytest.fixture
def built(course: Course, source: Course) -> Course:
    """A course as a build leaves it."""
    shutil.copytree(source.root, course.root, dirs_exist_ok=True)
    return course


@pytest.fixture
def begun(built: Course) -> Course:
    """With two students' work in the gradebook."""
    with Gradebook(f"sqlite:///{built.root}/gradebook.db") as gradebook:
        for student in ("ada", "emil"):
            gradebook.add_student(student)
            gradebook.add_submission(UNIT, student)
    return built


def own(nb: NotebookNode, id: str) -> NotebookNode:
    [found] = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id", cell.id) == id]
    return found


def flags(id: str, **changed: Any) -> Change:
    return lambda nb: own(nb, id).metadata.nbgrader.update(changed)


def text(id: str, old: str, new: str) -> Change:
    def change(nb: NotebookNode) -> None:
        assert old in own(nb, id).source
        own(nb, id).source = own(nb, id).source.replace(old, new)

    return change


def without(*ids: str) -> Change:
    return lambda nb: nb.update(cells=[cell for cell in nb.cells if cell.id not in ids])


def more(source: str, id: str, at: int = 99, **flags: Any) -> Change:
    return lambda nb: nb.cells.insert(at, cell(source, id, **flags))


def both(*changes: Change) -> Change:
    return lambda nb: [change(nb) for change in changes]


# What is wrong in the notebook

WRITTEN = {"grade": True, "solution": True, "locked": False, "points": 1}
MISFITS: dict[str, tuple[Change, str, str]] = {
    "a letter less": (flags("check-relu", grade_id="check-rel"), "'check-rel': a graded cell without a Part", "such"),
    "a cell too many": (more("", "check-more", grade=True, points=1), "a graded cell without a Part", "'check-more'"),
    "a cell too few": (without("check-mse"), "relu.ipynb: a Part without its own cell.", "no graded code cells with"),
    "one not graded": (flags("check-mse", grade=False), "not one that tests alone decide on.", "code cell, not graded"),
    "one a person grades": (flags("check-mse", solution=True, points=1), "the cell of the Part", ", with a solution"),
    "a text for a check": (
        both(without("check-mse"), more("Why?", "explain-it", **WRITTEN), flags("explain-it", grade_id="check-mse")),
        "cell 'check-mse': the cell of the Part",
        "a markdown cell",
    ),
    "fewer points": (flags("check-relu", points=1), "'check-relu': other points than the Part's", "3, the sum over"),
    "points that are none": (flags("explain-why", points="3"), "'explain-why': points that are no number", "'3'"),
    "a placeholder of nothing": (
        text("table", "{{points:check-mse}}", "{{points:check-msee}}"),
        "cell 'table': a placeholder for points that nothing has.",
        "correct the name, such as 'check-mse'",
    ),
    "a placeholder without a colon": (text("table", "{{points}}", "{{point total}}"), "a placeholder for", "{{point"),
}  # fmt: skip
REFUSED: dict[str, tuple[Change, str]] = {
    "a solution that is wrong": (
        text("relu", "self.input > 0", "self.input > 1"),
        "cell 'check-relu': the solution does not earn its points. Found: 0 of 2 points for the statement StopsGrad",
    ),
    "code that is given away": (
        both(more("mse = lambda y, yhat: np.mean((y - yhat)**2)\n", "given", 2), text("mse", "def mse", "def other")),
        "cell 'check-mse': a notebook that nobody has touched earns points. Found: 1 of 1 points, for SquaredError",
    ),
    "a region without an end": (
        text("explain-why", "Because.", "### BEGIN SOLUTION\nBecause."),
        "a notebook that can't be built. Found: RuntimeError: no end solution statement found",
    ),
}


def test_a_notebook_that_does_not_fit_its_unit_is_told() -> None:
    unit = ANSWER_KEY.unit
    for fault, (change, *says) in MISFITS.items():
        nb = solution(change)
        faults = [*misfits(unit, {"relu.ipynb": nb.cells}), *student_notebook(nb, unit, "relu.ipynb").faults]
        assert [each for each in says if each not in str(faults[0])] == [], fault


def test_what_does_not_fit_is_refused_and_changes_nothing(built: Course, capsys: pytest.CaptureFixture[str]) -> None:
    before = built.state()
    for fault, (change, says) in REFUSED.items():
        built.write(change)
        said = refusal(capsys, built.build)
        assert says in said and "Nothing was changed." in said, fault
        assert built.state() == before, fault


def test_nbgraders_own_command_and_formgraders_button_refuse_it_too_and_leave_the_gradebook(
    built: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    gradebook = built.state()[2]
    for change, what in (REFUSED["a solution that is wrong"], REFUSED["code that is given away"]):
        built.write(change)
        with pytest.raises(SystemExit, match="1"):
            run(GenerateAssignmentApp, built.root, UNIT, "--force")
        told = capsys.readouterr().err  # below nbgrader's own traceback
        made = NbGraderAPI(config=built.config()).generate_assignment(UNIT, force=True)  # as the button does
        assert not made["success"]
        for said in (told, made["log"]):
            assert what.partition(". ")[0] in said
        assert built.state()[2] == gradebook


def test_nbgraders_own_command_builds_the_same(built: Course) -> None:
    before = built.released(), built.max_scores()
    run(GenerateAssignmentApp, built.root, UNIT, "--force")
    assert (built.released(), built.max_scores()) == before


@pytest.mark.parametrize("step", ["the commit", "the move"])
def test_where_the_last_step_fails_all_is_as_it_was(
    built: Course, step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk may be full, for the database or for the folder: never one without the other."""
    before, really = built.state(), build.written

    @contextmanager
    def cannot_commit(*arguments: Any) -> Iterator[Callable[[], None]]:
        with really(*arguments):
            yield lambda: os.write(-1, b"")

    @contextmanager
    def cannot_move(*arguments: Any) -> Iterator[None]:
        os.write(-1, b"")
        yield

    monkeypatch.setattr(build, *{"the commit": ("written", cannot_commit), "the move": ("in_place", cannot_move)}[step])
    built.write(text("relu", "what passes back", "the gradient"), flags("explain-why", points=9))
    assert "Bad file descriptor" in refusal(capsys, built.build, UNPROVED)
    assert built.state() == before
    monkeypatch.undo()
    built.build(UNPROVED)
    assert built.max_scores()["explain-why"] == 9


PLAIN = text("table", TABLE, "")
NO_LONGER = "'explain-why' was an answer and graded, and is a task"
AFTER_GRADING: dict[str, tuple[str, Change]] = {
    "'explain-why' is gone": (UNIT, both(PLAIN, without("explain-why"))),
    "'explain-more' is new": (UNIT, both(PLAIN, more("More", "explain-more"))),
    "'explain-how' is new, 'explain-why' is gone": (UNIT, both(PLAIN, flags("explain-why", grade_id="explain-how"))),
    NO_LONGER: (UNIT, both(PLAIN, flags("explain-why", task=True, grade=False, solution=False, locked=True))),
    "'more' is new": ("more", lambda nb: nb.cells.clear()),
}


def test_a_class_that_was_graded_keeps_its_cells_and_notebooks(
    begun: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    before = begun.state()
    for found, (name, change) in AFTER_GRADING.items():
        begun.write(change, name=name)
        said = refusal(capsys, begun.build, UNPROVED)
        assert (f" {UNIT}.ipynb: other cells " if name == UNIT else f" {UNIT}: other notebooks ") in said
        assert f"than the class was graded with. Found: {found} Expected: those of its submissions in the" in said
        assert begun.state() == before


def test_after_grading_text_and_code_may_change_and_all_once_it_is_taken_out_of_the_gradebook(begun: Course) -> None:
    begun.write(text("table", TABLE, "New words."), text("relu", "what passes back", "the gradient"))
    begun.build(UNPROVED)
    assert begun.released().cells[0].source == "New words."
    assert "the gradient" in own(begun.released(), "relu").source
    begun.write(PLAIN, without("explain-why"))
    run(DbAssignmentRemoveApp, begun.root, UNIT, "--force")
    begun.build(UNPROVED)
    assert begun.max_scores() == {"check-relu": 3, "check-mse": 1}


def test_points_stand_in_the_statements_alone_and_the_build_writes_them(course: Course) -> None:
    course.build()
    assert {id: own(course.released(), id).metadata.nbgrader.points for id in SCORES} == SCORES == course.max_scores()
    assert course.released().cells[0].source == FILLED
    assert {path.name for path in course.root.iterdir()} == KEPT
    course.write(flags("check-relu", points=3.0))  # those that agree may stand there too
    course.build(UNPROVED)
    assert own(course.released(), "check-relu").metadata.nbgrader.points == 3


# What else may stop a build


FULL = "CREATE TRIGGER full_{0} BEFORE {0} ON source_cell BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
"""As nbgrader meets a full disk: it logs each error with its traceback, 800 lines."""


def test_a_gradebook_that_cannot_be_used_is_told(built: Course, capsys: pytest.CaptureFixture[str]) -> None:
    released, database = built.released(), built.root / "gradebook.db"
    with closing(sqlite3.connect(database)) as opened, opened:
        for change in ("DELETE", "INSERT", "UPDATE"):
            opened.execute(FULL.format(change))
    built.write(more("Read on.", "explain-more"))
    assert "The gradebook can't be used: database or disk is full" in refusal(capsys, built.build, UNPROVED)
    database.unlink()
    database.mkdir()
    assert "Nothing was changed." in refusal(capsys, built.build, UNPROVED)
    assert built.released() == released


def test_parts_may_be_in_two_notebooks_but_each_in_one(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    course.write(without("mse", "check-mse", "explain-why", "table"))
    course.write(without("relu", "check-relu", "table"), name="second")
    course.build()
    assert course.max_scores() == SCORES
    course.write(without("relu", "table"), name="second")
    said = refusal(capsys, course.build, UNPROVED)
    assert "relu.ipynb, " in said and "second.ipynb: a Part with several cells." in said
    assert "2 graded code cells with the id 'check-relu'" in said
    assert "remove the copy, of the cell or of the whole notebook" in said


def test_an_assignment_without_a_unit_is_built_as_nbgrader_does_also_one_notebook_of_it(tmp_path: Path) -> None:
    """Its points are those in its cells, its code may fail, and what looks like a placeholder is text."""
    course = Course(tmp_path, {})
    course.write(
        flags("check-relu", grade_id="anything", points=9),
        both(text("check-mse", "check.mse(mse)", "assert False"), flags("check-mse", points=0.5)),
    )
    course.write(lambda nb: nb.update(cells=[nb.cells[0]]), name="second")
    course.build()
    assert course.max_scores() == {"anything": 9, "check-mse": 0.5, "explain-why": 3}
    course.write(PLAIN)
    course.write(lambda nb: nb.update(cells=[nbformat.v4.new_markdown_cell("new", id="a")]), name="second")
    course.build("--notebook=second")
    assert [course.released(name).cells[0].source for name in (UNIT, "second")] == [TABLE, "new"]


def test_a_course_with_folders_in_another_order_loses_none(course: Course) -> None:
    course.configure('CourseDirectory.directory_structure = "{student_id}/{assignment_id}/{nbgrader_step}"')
    (course.root / UNIT).mkdir()
    (course.root / "solutions" / UNIT).rename(course.root / UNIT / "solutions")
    for options in ((), (UNPROVED,)):
        course.build(*options)
        assert {path.name for path in (course.root / UNIT).iterdir()} == {"solutions", "notebooks"}
        assert (course.root / UNIT / "notebooks" / f"{UNIT}.ipynb").is_file()


def test_builds_that_start_together_may_find_postgresql_empty(tmp_path: Path, postgresql: str) -> None:
    """They make its tables and rows at the same time: each can't see what another hasn't finished."""
    command = [sys.executable, "-m", "lib.grading", "build", UNIT, f"--db={postgresql}", UNPROVED]
    folders = [Course(tmp_path / name).root for name in ("first", "second", "third")]
    builds = [subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) for folder in folders]
    told = [build.communicate()[1] for build in builds]
    assert [build.returncode for build in builds] == [0] * 3, told
    with Gradebook(postgresql, "zerolayer") as gradebook:
        [notebook] = gradebook.find_assignment(UNIT).notebooks
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == SCORES
