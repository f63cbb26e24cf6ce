"""`zerolayer build`: points stand once, a unit that doesn't grade as it should is refused, and then nothing changes.

The unit is small: a rectifier and the mean squared error. What is wrong is made wrong in a copy of its solution.
"""

import logging
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.apps.dbapp import DbAssignmentRemoveApp

from lib.answer_key import AnswerKey, Mistake
from lib.grading.commands import proof
from lib.grading.commands.build import CannotBuild
from lib.grading.commands.demo import CHECKOUT, run
from lib.grading.commands.proof import SEEDS, faults_of_answers, refuse
from lib.grading.commands.release import Rebuild
from lib.grading.judge.challenge import drawn_for
from lib.unit import Inputs, Probes
from tests.course import UNPROVED
from tests.grading import relu_unit
from tests.grading.relu_unit import ANSWER_KEY
from tests.grading.running.test_runner import postgresql  # noqa: F401  # a fixture

UNIT = "relu"
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

| What is checked | Points |
|:--|--:|
| what passes | {{points:check-relu.Rectifies}} |
| what passes back | {{points:check-relu.StopsGradients}} |
| the loss | {{points:check-mse}} |"""
FILLED = """\
There are 7 points: 4 for code and 3 for an answer of 3.

| What is checked | Points |
|:--|--:|
| what passes | 1 |
| what passes back | 2 |
| the loss | 1 |"""


def cell(source: str, id: str, **flags: Any) -> NotebookNode:
    own = {"schema_version": 3, "task": False, "grade": False, "solution": False, "locked": True, "grade_id": id}
    make = nbformat.v4.new_markdown_cell if id.startswith("explain") else nbformat.v4.new_code_cell
    return make(source, id=id, metadata={"nbgrader": {**own, **flags}})


def solution() -> NotebookNode:
    """The unit's solution notebook. Only what a person grades has points in its cell."""
    written = {"grade": True, "solution": True, "locked": False, "points": 3}
    cells = [
        nbformat.v4.new_markdown_cell(TABLE, id="table"),
        cell(SETUP, "setup"),
        cell(RELU, "relu", solution=True, locked=False),
        cell("check.relu(ReLU)", "check-relu", grade=True),
        cell(MSE, "mse", solution=True, locked=False),
        cell("check.mse(mse)", "check-mse", grade=True),
        cell("Because.", "explain-why", **written),
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})


class Course:
    """A course of this one unit."""

    def __init__(self, root: Path):
        self.root, self.source = root, root / "solutions" / UNIT / f"{UNIT}.ipynb"
        self.source.parent.mkdir(parents=True)
        units = f'\nc.UnitPreprocessor.units = {{"{UNIT}": "tests.grading.relu_unit.ANSWER_KEY"}}\n'
        (root / "nbgrader_config.py").write_text((CHECKOUT / "nbgrader_config.py").read_text() + units)
        self.write(solution())

    def write(self, nb: NotebookNode, name: str = UNIT) -> None:
        self.source.with_name(f"{name}.ipynb").write_text(nbformat.writes(nb))

    def build(self, *options: str) -> None:
        run(Rebuild, self.root, UNIT, *options)

    @property
    def released(self) -> NotebookNode:
        return nbformat.read(self.root / "notebooks" / UNIT / f"{UNIT}.ipynb", as_version=4)

    def state(self) -> tuple[dict[str, bytes], list[str]]:
        """All released files, and all that the gradebook holds."""
        files = {str(path): path.read_bytes() for path in (self.root / "notebooks").rglob("*") if path.is_file()}
        with closing(sqlite3.connect(self.root / "gradebook.db")) as database:
            return files, list(database.iterdump())

    def max_scores(self) -> dict[str, float]:
        with closing(sqlite3.connect(self.root / "gradebook.db")) as database:
            query = "SELECT base_cell.name, max_score FROM grade_cells JOIN base_cell ON grade_cells.id = base_cell.id"
            return dict(database.execute(query))


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # a kernel that runs the solution imports the unit
    return Course(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What a build leaves: the release and the gradebook."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHECKOUT))
        course = Course(tmp_path_factory.mktemp("built"))
        course.build(UNPROVED)
    return course.root / "notebooks", course.root / "gradebook.db"


def lay_out(built: tuple[Path, Path], course: Course) -> None:
    shutil.copytree(built[0], course.root / "notebooks")
    shutil.copy(built[1], course.root)


def own(nb: NotebookNode, id: str) -> NotebookNode:
    [found] = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == id]
    return found


def test_points_stand_in_the_statements_alone_and_the_build_writes_them(course: Course) -> None:
    course.build()
    written = {id: own(course.released, id).metadata.nbgrader.points for id in ("check-relu", "check-mse")}
    assert written == {"check-relu": 3, "check-mse": 1}
    assert course.max_scores() == {"check-relu": 3, "check-mse": 1, "explain-why": 3}
    assert course.released.cells[0].source == FILLED
    assert sorted(path.name for path in course.root.iterdir()) == [
        "gradebook.db",
        "nbgrader_config.py",
        "notebooks",
        "solutions",
    ]


def test_points_that_agree_may_stand_in_the_cell_too(course: Course) -> None:
    nb = solution()
    own(nb, "check-relu").metadata.nbgrader.points = 3.0
    course.write(nb)
    course.build(UNPROVED)
    assert own(course.released, "check-relu").metadata.nbgrader.points == 3


def flags(id: str, **changed: Any) -> Callable[[NotebookNode], None]:
    return lambda nb: own(nb, id).metadata.nbgrader.update(changed)


def text(id: str, old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(nb: NotebookNode) -> None:
        [found] = [cell for cell in nb.cells if cell.id == id]
        assert old in found.source
        found.source = found.source.replace(old, new)

    return change


def without(id: str) -> Callable[[NotebookNode], None]:
    return lambda nb: nb.cells.remove(own(nb, id))


def as_text(nb: NotebookNode) -> None:
    at = nb.cells.index(own(nb, "check-mse"))
    nb.cells[at] = cell("Why?", "explain-check", grade=True, solution=True, locked=False, points=1)
    nb.cells[at].metadata.nbgrader.grade_id = "check-mse"


REFUSED = {
    "an id with a letter less": (
        flags("check-relu", grade_id="check-rel"),
        "relu.ipynb, cell 'check-rel': a graded cell without a Part, which nothing would judge.",
        "such as 'check-relu'",
    ),
    "a graded cell too many": (
        lambda nb: nb.cells.append(cell("assert True", "check-more", grade=True, points=1)),
        "relu.ipynb, cell 'check-more': a graded cell without a Part",
        "the id 'check-more'",
    ),
    "a cell too few": (without("check-mse"), "relu.ipynb: a Part without its own cell.", "no graded code cells with"),
    "a cell that is not graded": (
        flags("check-mse", grade=False),
        "cell 'check-mse': the cell of the Part 'check-mse' is not one that tests alone decide on.",
        "a code cell, not graded",
    ),
    "a cell that a person grades": (
        flags("check-mse", solution=True, points=1),
        "cell 'check-mse': the cell of the Part",
        "a code cell, graded, with a solution",
    ),
    "a text in a check's place": (as_text, "cell 'check-mse': the cell of the Part", "a markdown cell"),
    "more points": (flags("check-relu", points=4), "cell 'check-relu': other points than the Part's.", "4 points in"),
    "fewer points": (flags("check-relu", points=1), "cell 'check-relu': other points", "3, the sum over"),
    "points that are none": (flags("check-relu", points="3"), "cell 'check-relu': other points", "'3' in the cell"),
    "a placeholder of nothing": (
        text("table", "{{points:check-mse}}", "{{points:check-msee}}"),
        "cell 'table': a placeholder for points that nothing has.",
        "correct the name, such as 'check-mse'",
    ),
    "a placeholder without its colon": (text("table", "{{points}}", "{{point total}}"), "a placeholder for", "{{point"),
    "a solution that is wrong": (
        text("relu", "self.input > 0", "self.input > 1"),
        "cell 'check-relu': the solution does not earn its points.",
        "0 of 2 points for the statement StopsGradients.",
    ),
    "a solution that fails": (
        text("setup", "check = ", "checks = "),
        "cell 'check-relu': the solution does not earn its points.",
        "no answer. The cell 'check-relu' ended in NameError",
    ),
    "code that is given away": (
        lambda nb: (
            nb.cells.insert(2, cell("mse = lambda y, yhat: np.mean((y - yhat)**2)\n", "given"))
            or text("mse", "def mse", "def other")(nb)
        ),
        "cell 'check-mse': a notebook that nobody has touched earns points.",
        "1 of 1 points, for SquaredError",
    ),
    "an answer that can be read": (
        lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("`output_gradient * (self.input > 0)`", id="hint")),
        "cell 'hint': it shows what the blank",
        "nothing that a student could copy",
    ),
    "a region without an end": (
        lambda nb: own(nb, "explain-why").update(source="### BEGIN SOLUTION\nBecause."),
        "relu can't be built: RuntimeError: no end solution statement found",
        "Nothing was changed.",
    ),
    "a kernel that there is not": (
        lambda nb: nb.metadata.kernelspec.update(name="nosuch"),
        "the notebook can't be run.",
        "NoSuchKernel: No such kernel named nosuch",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    course: Course, built: tuple[Path, Path], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, where, what = REFUSED[fault]
    lay_out(built, course)
    before = course.state()
    nb = solution()
    change(nb)
    course.write(nb)
    with pytest.raises(SystemExit) as ended:
        course.build()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert where in said
    assert what in said
    assert "Traceback" not in said
    assert course.state() == before
    assert {path.name for path in course.root.iterdir()} <= {
        "gradebook.db",
        "nbgrader_config.py",
        "notebooks",
        "solutions",
    }


@pytest.mark.parametrize("fault", ["an id with a letter less", "more points", "code that is given away"])
def test_nbgraders_own_command_refuses_it_too_and_leaves_the_gradebook(
    course: Course, built: tuple[Path, Path], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change, _, what = REFUSED[fault]
    lay_out(built, course)
    _, gradebook = course.state()
    nb = solution()
    change(nb)
    course.write(nb)
    with pytest.raises(SystemExit) as ended:
        run(GenerateAssignmentApp, course.root, UNIT, "--force")
    assert ended.value.code == 1
    assert what in capsys.readouterr().err
    assert course.state()[1] == gradebook


# The catalogue, and the right answers


def refused(key: AnswerKey) -> str:
    with pytest.raises(CannotBuild) as caught:
        refuse(faults_of_answers(key, "relu_unit.ANSWER_KEY"))
    return str(caught.value)


def test_a_mistake_that_is_none_is_refused() -> None:
    class Other(relu_unit.ReLU):
        """Right, in other words."""

        def forward(self, input: Any) -> Any:
            self.input = input
            return np.where(input > 0, input, 0.0)

    twin = Mistake("check-relu", "Zero is put in by hand", "Which inputs should pass?", {"ReLU": Other})
    said = refused(replace(ANSWER_KEY, mistakes=(*ANSWER_KEY.mistakes, twin)))
    assert "relu_unit.ANSWER_KEY, the mistake 'Zero is put in by hand' of 'check-relu'" in said
    assert "a mistake that equals the right answer" in said
    assert "all 3 points" in said


def test_what_a_kernel_writes_past_jupyter_is_not_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine ipykernel may write a traceback of its own at its end."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # in a test ipykernel has no stream of its own
    writes = nbformat.v4.new_code_cell("import os, sys\nos.write(sys.stderr.fileno(), b'past Jupyter')")
    ran = proof.run(nbformat.v4.new_notebook(cells=[writes]), ANSWER_KEY, tmp_path, logging.getLogger())
    assert ran.cells[0].outputs[0].data["text/plain"] == str(len("past Jupyter"))
    assert capfd.readouterr().err == ""


def test_a_kernel_that_cannot_be_started_is_told_in_a_sentence_and_not_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "nosuch", "display_name": ""}})
    with pytest.raises(CannotBuild, match="No such kernel named nosuch"):
        proof.run(nb, ANSWER_KEY, tmp_path, logging.getLogger())
    assert [record for record in caplog.records if record.exc_info] == []


def test_what_is_said_to_be_known_of_right_code_has_to_come_of_it() -> None:
    def known(inputs: Inputs) -> dict[str, Probes]:
        probes = {each.name: each.probes(inputs, relu_unit.ReLU) for each in relu_unit.relu.statements}
        return {name: dict.fromkeys(some, lambda: np.ones(3)) for name, some in probes.items()}

    said = refused(replace(ANSWER_KEY, known={"check-relu": known}))
    assert "relu_unit.ANSWER_KEY, the right answer of 'check-relu'" in said
    assert "differ from what the answer key says is `known`" in said


def test_the_build_tries_the_catalogue(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = Mistake("check-mse", "It is right", "Which?", {"mse": relu_unit.mse})
    monkeypatch.setattr(relu_unit, "ANSWER_KEY", replace(ANSWER_KEY, mistakes=(twin,)))
    with pytest.raises(SystemExit):
        course.build()
    said = capsys.readouterr().err
    assert "tests.grading.relu_unit.ANSWER_KEY, the mistake 'It is right' of 'check-mse'" in said
    assert not (course.root / "notebooks").exists()
    assert not (course.root / "gradebook.db").exists()


def test_a_mistake_that_shows_only_now_and_then_is_refused() -> None:
    """It is right for every draw in which one number is positive, and so for half of the class."""
    first, second = (drawn_for(relu_unit.loss, seed)["x"] > 0 for seed in SEEDS)
    at = tuple(np.argwhere(first != second)[0])
    mistake = Mistake(
        "check-mse", "Some are 0", "Which?", {"mse": lambda y, yhat: relu_unit.mse(y, yhat) if y[at] > 0 else 0.0}
    )
    assert "a mistake that equals the right answer" in refused(replace(ANSWER_KEY, mistakes=(mistake,)))


@pytest.mark.parametrize(
    ("right", "found"),
    [
        ({"ReLU": relu_unit.ReLU}, "KeyError: 'mse'"),
        ({"ReLU": None, "mse": relu_unit.mse}, "TypeError: 'NoneType' object is not callable"),
        ({"ReLU": relu_unit.ReLU, "mse": lambda y, yhat: 1 / 0}, "ZeroDivisionError"),
        ({"ReLU": relu_unit.ReLU, "mse": lambda y, yhat: "five"}, "0 of 1 points for the statement SquaredError"),
    ],
)
def test_a_right_answer_that_does_not_work_is_refused(right: dict[str, object], found: str) -> None:
    said = refused(replace(ANSWER_KEY, right=right))
    assert said.startswith("relu_unit.ANSWER_KEY, the right answer of 'check-")
    assert found in said


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        (Mistake("check-msee", "It is absolute", "Which?", {"mse": abs}), "a mistake of a Part that is not there"),
        (Mistake("check-relu", "It is nothing", "Which?", {"ReLU": None}), "code that the part's probes can't call"),
    ],
)
def test_a_mistake_that_cannot_be_tried_is_refused(mistake: Mistake, problem: str) -> None:
    said = refused(replace(ANSWER_KEY, mistakes=(mistake,)))
    assert said.startswith(f"relu_unit.ANSWER_KEY, the mistake {mistake.name!r}")
    assert problem in said


# What else may stop a build


def begin(course: Course, built: tuple[Path, Path]) -> None:
    """Lay out a course in which two students' work is in the gradebook."""
    lay_out(built, course)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for student in ("ada", "emil"):
            gradebook.add_student(student)
            gradebook.add_submission(UNIT, student)


def make_task(nb: NotebookNode) -> None:
    own(nb, "explain-why").metadata.nbgrader.update(task=True, grade=False, solution=False, locked=True)


@pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own habit, as nbgrader_config.py says
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda nb: nb.cells.remove(own(nb, "explain-why")), "'explain-why' is gone"),
        (lambda nb: nb.cells.append(cell("More", "explain-more", locked=True)), "'explain-more' is new"),
        (
            lambda nb: own(nb, "explain-why").metadata.nbgrader.update(grade_id="explain-how"),
            "'explain-why' is gone, 'explain-how' is new",
        ),
        (
            make_task,
            "'explain-why' is no longer graded, 'explain-why' is no longer for an answer, 'explain-why' is now a task",
        ),
    ],
)
def test_a_class_that_was_graded_keeps_its_cells(
    course: Course,
    built: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    change: Callable[[NotebookNode], None],
    found: str,
) -> None:
    begin(course, built)
    before = course.state()
    nb = solution()
    nb.cells[0].source = ""
    change(nb)
    course.write(nb)
    with pytest.raises(SystemExit):
        course.build(UNPROVED)
    said = re.sub(r"\n +", "\n", capsys.readouterr().err)  # as the log sets them
    assert f"{UNIT}.ipynb: other cells than the class was graded with.\nFound:    {found}\n" in said
    assert "Expected: those of its submissions in the gradebook (2)\nTry:      put back what was there" in said
    assert "Traceback" not in said
    assert course.state() == before


@pytest.mark.filterwarnings("ignore:Object of type")
def test_a_class_that_was_graded_keeps_its_notebooks(
    course: Course, built: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    begin(course, built)
    before = course.state()
    course.write(nbformat.v4.new_notebook(metadata=solution().metadata), "more")
    with pytest.raises(SystemExit):
        course.build(UNPROVED)
    said = re.sub(r"\n +", "\n", capsys.readouterr().err)
    assert f"{UNIT}: other notebooks than the class was graded with.\nFound:    'more' is new\n" in said
    assert "Expected: those of its submissions in the gradebook (2)" in said
    assert "Traceback" not in said
    assert course.state() == before


@pytest.mark.filterwarnings("ignore:Object of type")
def test_text_and_code_may_change_after_grading(course: Course, built: tuple[Path, Path]) -> None:
    begin(course, built)
    nb = solution()
    nb.cells[0].source = "New words."
    own(nb, "relu").source = own(nb, "relu").source.replace("what passes back", "the gradient")
    course.write(nb)
    course.build(UNPROVED)
    assert course.released.cells[0].source == "New words."
    assert "the gradient" in own(course.released, "relu").source


@pytest.mark.filterwarnings("ignore:Object of type")
def test_an_assignment_that_was_taken_out_of_the_gradebook_begins_anew(
    course: Course, built: tuple[Path, Path]
) -> None:
    begin(course, built)
    nb = solution()
    nb.cells.remove(own(nb, "explain-why"))
    nb.cells[0].source = ""
    course.write(nb)
    run(DbAssignmentRemoveApp, course.root, UNIT, "--force")
    course.build(UNPROVED)
    assert course.max_scores() == {"check-relu": 3, "check-mse": 1}


def test_a_gradebook_that_cannot_be_opened_is_told(
    course: Course, built: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    lay_out(built, course)
    (course.root / "gradebook.db").unlink()
    (course.root / "gradebook.db").mkdir()
    released = course.released
    with pytest.raises(SystemExit):
        course.build(UNPROVED)
    said = capsys.readouterr().err
    assert "Nothing was changed." in said
    assert "Traceback" not in said
    assert course.released == released


def test_a_gradebook_that_cannot_be_filled_is_told_in_a_sentence(
    course: Course, built: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """nbgrader logs each error of a database with its traceback: 800 lines where a disk is full."""
    lay_out(built, course)
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database, database:
        why = "SELECT RAISE(ABORT, 'database or disk is full');"
        for change in ("DELETE", "INSERT", "UPDATE"):
            database.execute(f"CREATE TRIGGER full_{change} BEFORE {change} ON source_cell BEGIN {why} END")
    nb = solution()
    nb.cells.append(cell("Read on.", "explain-more"))
    course.write(nb)
    with pytest.raises(SystemExit):
        course.build(UNPROVED)
    said = capsys.readouterr()
    assert "The gradebook can't be used: database or disk is full" in said.err
    assert "Traceback" not in said.err + said.out


def test_parts_may_be_in_two_notebooks_but_each_in_one(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = solution(), solution()
    for nb, others in ((first, ("mse", "check-mse", "explain-why")), (second, ("relu", "check-relu"))):
        nb.cells = [cell for cell in nb.cells if cell.id not in (*others, "table")]
    course.write(first)
    course.write(second, "second")
    course.build()
    assert course.max_scores() == {"check-relu": 3, "check-mse": 1, "explain-why": 3}
    second.cells.append(cell("check.relu(ReLU)", "check-relu", grade=True))
    course.write(second, "second")
    with pytest.raises(SystemExit):
        course.build(UNPROVED)
    said = capsys.readouterr().err
    assert "relu.ipynb, second.ipynb: a Part with several cells." in said
    assert "2 graded code cells with the id 'check-relu'" in said
    assert "remove the copy, of the cell or of the whole notebook" in said


def test_an_assignment_without_a_unit_is_built_as_nbgrader_does(course: Course) -> None:
    """Its points are those in its cells, its code may fail, and what looks like a placeholder is text."""
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.UnitPreprocessor.units = {}\n")
    nb = solution()
    own(nb, "check-relu").metadata.nbgrader.update(grade_id="anything", points=9)
    own(nb, "check-mse").update(source="assert False")
    own(nb, "check-mse").metadata.nbgrader.points = 0.5
    course.write(nb)
    course.build()
    assert course.max_scores() == {"anything": 9, "check-mse": 0.5, "explain-why": 3}
    assert course.released.cells[0].source == TABLE


def test_a_course_with_folders_in_another_order_loses_none(course: Course) -> None:
    structure = "{student_id}/{assignment_id}/{nbgrader_step}"
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f'\nc.CourseDirectory.directory_structure = "{structure}"\n')
    (course.root / UNIT).mkdir()
    (course.root / "solutions" / UNIT).rename(course.root / UNIT / "solutions")
    for options in ((), (UNPROVED,)):
        course.build(*options)
        assert {path.name for path in (course.root / UNIT).iterdir()} == {"solutions", "notebooks"}
        assert (course.root / UNIT / "notebooks" / f"{UNIT}.ipynb").is_file()


def test_only_the_named_notebook_is_built_anew(course: Course) -> None:
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.UnitPreprocessor.units = {}\n")
    for name in (UNIT, "second"):
        course.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("old", id="a")]), name)
    course.build()
    for name in (UNIT, "second"):
        course.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("new", id="a")]), name)
    course.build("--notebook=second")
    folder = course.root / "notebooks" / UNIT
    sources = {path.stem: nbformat.read(path, as_version=4).cells[0].source for path in folder.glob("*.ipynb")}
    assert sources == {UNIT: "old", "second": "new"}


def test_builds_that_start_together_may_find_postgresql_empty(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgresql: str,  # noqa: F811  # the fixture
) -> None:
    """They make its tables and rows at the same time: each can't see what another hasn't finished."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    command = [sys.executable, "-m", "lib.grading", "build", UNIT, f"--db={postgresql}", UNPROVED]
    builds = [
        subprocess.Popen(command, cwd=Course(tmp_path / name).root, stderr=subprocess.PIPE, text=True)
        for name in ("first", "second", "third")
    ]
    told = [build.communicate()[1] for build in builds]
    assert [build.returncode for build in builds] == [0] * 3, told
    with Gradebook(postgresql, "zerolayer") as gradebook:
        [notebook] = gradebook.find_assignment(UNIT).notebooks
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == {
            "check-relu": 3,
            "check-mse": 1,
            "explain-why": 3,
        }
