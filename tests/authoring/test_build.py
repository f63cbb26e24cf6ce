"""`zerolayer build`: points stand once, a class that has begun keeps its cells, and what fails changes nothing."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.apps import GenerateAssignmentApp, NbGraderAPI
from nbgrader.apps.dbapp import DbAssignmentRemoveApp
from traitlets.config import PyFileConfigLoader

from lib.authoring.build import Rebuild
from lib.checking.subjects import SECTIONS
from lib.grading.commands.demo import CHECKOUT, run
from tests.authoring.broken import BROKEN, Change, both, cells, code, flags, more, own, text
from tests.authoring.own_unit import NOTEBOOK, UNIT, begin, flagged
from tests.course import UNPROVED
from tests.grading.conftest import Course, refusal

pytestmark = pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's own habit, as nbgrader_config.py says
TABLE = """\
There are {{points}} points: {{points:code}} for code and {{points: written}} for an answer of {{points:explain-why}}.
| {{points:check-loss}} | {{points:check-fit}} |"""
FILLED = "There are 7 points: 4 for code and 3 for an answer of 3.\n| 2 | 2 |"
SCORES = {"check-loss": 2, "check-fit": 2, "explain-why": 3}
WRITTEN = {"grade": True, "solution": True, "locked": False, "points": 3}


class Built(Course):
    """A course with this one unit, and an answer that a person grades."""

    def build(self, *options: str) -> None:
        """Build in this process, without the proof."""
        run(Rebuild, self.root, UNIT, UNPROVED, *options)

    def read(self, name: str = UNIT) -> nbformat.NotebookNode:
        return nbformat.read(self.root / "notebooks" / UNIT / f"{name}.ipynb", as_version=4)

    def write(self, name: str, *made: nbformat.NotebookNode) -> None:
        notebook = nbformat.v4.new_notebook(cells=[*made])
        nbformat.write(notebook, self.root / "solutions" / UNIT / f"{name}.ipynb")

    def state(self) -> tuple[set[str], dict[str, bytes], list[str]]:
        """What lies in the course, all released files, and all that the gradebook holds."""
        files = {str(path): path.read_bytes() for path in (self.root / "notebooks").rglob("*") if path.is_file()}
        with closing(sqlite3.connect(self.root / "gradebook.db")) as database:
            return {path.name for path in self.root.iterdir()}, files, list(database.iterdump())

    def max_scores(self) -> dict[str, float]:
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            notebooks = gradebook.find_assignment(UNIT).notebooks
            return {cell.name: cell.max_score for notebook in notebooks for cell in notebook.grade_cells}


def written(source: str, id: str, **changed: Any) -> nbformat.NotebookNode:
    """A cell for an answer that a person grades."""
    return flagged(id, source, "markdown", **{**WRITTEN, **changed})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, lockable_here: None) -> Course:
    course = Built(begin(tmp_path_factory.mktemp("built")).root)
    more(TABLE, "table")(course.root)
    cells(lambda nb: nb.cells.append(written("Because.", "explain-why")))(course.root)
    done = course.zerolayer("build", UNIT)
    assert done.returncode == 0, done.stdout
    return course


@pytest.fixture
def built(source: Course, tmp_path: Path) -> Built:
    return Built(shutil.copytree(source.root, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def begun(built: Built) -> Built:
    """With two students' work in the gradebook."""
    with Gradebook(f"sqlite:///{built.root}/gradebook.db") as gradebook:
        for student in ("ada", "emil"):
            gradebook.add_student(student)
            gradebook.add_submission(UNIT, student)
    return built


def without(*ids: str) -> Change:
    return cells(lambda nb: nb.update(cells=[cell for cell in nb.cells if cell.id not in ids]))


def test_points_stand_in_the_statements_alone_and_the_build_writes_them(built: Built) -> None:
    assert {id: own(built.read(), id).metadata.nbgrader.points for id in SCORES} == SCORES == built.max_scores()
    assert [cell.source for cell in built.read().cells if cell.id == "table"] == [FILLED]
    flags("check-loss", points=2.0)(built.root)  # those that agree may stand there too
    built.build()
    assert own(built.read(), "check-loss").metadata.nbgrader.points == 2


REFUSED: list[tuple[Change, str]] = [
    (more("{{points:check}}", "text"), "Found: {{points:check}}"),
    (
        cells(lambda nb: nb.cells.append(written("### BEGIN SOLUTION\nBecause.", "explain-how"))),
        "a notebook that can't be built. Found: RuntimeError: no end solution statement found",
    ),
    (BROKEN["a mistake earns points"].change, "a mistake that earns all points"),
]


@pytest.mark.parametrize(("change", "says"), REFUSED)
def test_what_does_not_fit_is_refused_by_every_way_to_build_and_changes_nothing(
    built: Built, change: Change, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By ours, by nbgrader's own, and by formgrader's button."""
    before = built.state()
    change(built.root)
    done = built.zerolayer("build", UNIT)
    assert done.returncode == 1 and "Nothing was changed." in done.stderr
    assert says in re.sub(r"\s+", " ", done.stdout)
    assert built.state() == before
    config = PyFileConfigLoader("nbgrader_config.py", str(built.root)).load_config()
    config.CourseDirectory.root = str(built.root)
    button = partial(NbGraderAPI(config=config).generate_assignment, UNIT, force=True)
    assert built.nbgrader("generate_assignment", UNIT, "--force").returncode == 1
    assert not button()["success"]
    assert built.state() == before


def test_the_committed_student_notebooks_are_what_is_built(
    new_course: Callable[[Path], Course], tmp_path: Path
) -> None:
    made, committed = new_course(tmp_path / "course").root / "notebooks", CHECKOUT / "notebooks"
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
    assert {*files} == {path.relative_to(committed) for path in committed.rglob("*") if path.is_file()}
    assert [str(path) for path in files if (made / path).read_bytes() != (committed / path).read_bytes()] == []


def test_nbgraders_own_command_builds_the_same(built: Built) -> None:
    sections = built.root / "units" / UNIT / SECTIONS
    before = built.read(), built.max_scores(), sections.read_bytes()
    sections.unlink()
    run(GenerateAssignmentApp, built.root, UNIT, "--force")
    assert (built.read(), built.max_scores(), sections.read_bytes()) == before


def test_a_class_that_was_graded_keeps_its_cells(begun: Built, capsys: pytest.CaptureFixture[str]) -> None:
    before = begun.max_scores()
    without("table", "explain-why")(begun.root)
    assert "submissions" in refusal(capsys, begun.build)
    assert begun.max_scores() == before


def test_after_grading_text_and_code_may_change_and_all_once_it_is_taken_out_of_the_gradebook(begun: Built) -> None:
    both(code("the weights after one step", "the next weights"), text(NOTEBOOK, "There are {{points}}", "New: "))(
        begun.root
    )
    begun.build()
    assert "the next weights" in own(begun.read(), "fit").source
    without("table", "explain-why")(begun.root)
    run(DbAssignmentRemoveApp, begun.root, UNIT, "--force")
    begun.build()
    assert begun.max_scores() == {"check-loss": 2, "check-fit": 2}


FULL = "CREATE TRIGGER full_{0} BEFORE {0} ON source_cell BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
"""As nbgrader meets a full disk: it logs each error with its traceback, 800 lines."""


def test_a_gradebook_that_cannot_be_used_is_told(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    released, database = built.read(), built.root / "gradebook.db"
    with closing(sqlite3.connect(database)) as opened, opened:
        for change in ("DELETE", "INSERT", "UPDATE"):
            opened.execute(FULL.format(change))
    cells(lambda nb: nb.cells.append(written("", "explain-more")))(built.root)
    assert "The gradebook can't be used: database or disk is full" in refusal(capsys, built.build)
    database.unlink()
    database.mkdir()
    assert "Nothing was changed." in refusal(capsys, built.build)
    assert built.read() == released


def test_parts_may_be_in_two_notebooks_but_each_in_one(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    second = [cell for cell in nbformat.read(built.root / NOTEBOOK, as_version=4).cells if cell.id in SCORES]
    without("check-fit", "explain-why")(built.root)
    built.write("second", *second[1:])
    built.build()
    assert built.max_scores() == SCORES
    built.write("second", *second)
    said = refusal(capsys, built.build)
    assert f"{UNIT}.ipynb, " in said and "second.ipynb: a Part with several cells." in said
    assert "2 graded code cells with the id 'check-loss'" in said
    assert "remove the copy, of the cell or of the whole notebook" in said


def test_an_assignment_without_a_unit_is_built_as_nbgrader_does_also_one_notebook_of_it(built: Built) -> None:
    """Its points are those in its cells, its code may fail, and what looks like a placeholder is text."""
    shutil.rmtree(built.root / "units")
    points = flags("check-loss", grade_id="anything", points=9), flags("check-fit", points=0.5)
    both(*points, code("check.fit()", "assert False"), code(f"from lib.units.{UNIT} import check", ""))(built.root)
    built.write("second", new_markdown_cell("old", id="a"))
    run(Rebuild, built.root, UNIT)
    assert built.max_scores() == {"anything": 9, "check-fit": 0.5, "explain-why": 3}
    without("table")(built.root)
    built.write("second", new_markdown_cell("new", id="a"))
    built.build("--notebook=second")
    assert TABLE in [cell.source for cell in built.read().cells]
    assert built.read("second").cells[0].source == "new"


def test_a_course_with_folders_in_another_order_loses_none(built: Built) -> None:
    with (built.root / "nbgrader_config.py").open("a") as config:
        config.write('\nc.CourseDirectory.directory_structure = "{student_id}/{assignment_id}/{nbgrader_step}"\n')
    (built.root / UNIT).mkdir()
    (built.root / "solutions" / UNIT).rename(built.root / UNIT / "solutions")
    for _ in range(2):
        built.build()
        assert {path.name for path in (built.root / UNIT).iterdir()} == {"solutions", "notebooks"}
        assert (built.root / UNIT / "notebooks" / f"{UNIT}.ipynb").is_file()
