"""Which Unit an assignment is graded by: one that doesn't fit its notebook, or isn't there, stops the class."""

import sqlite3
from contextlib import closing

import nbformat
import pytest

from lib.grading.commands.demo import copy_course
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import SUBMISSIONS, Course

FILE = f"{ASSIGNMENT}.ipynb"
UNCHECKED = (f"--UnitPreprocessor.units={ASSIGNMENT}=",)
"""The build refuses what doesn't fit a unit, so here it is told of none: the gradebook may be older than the unit."""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course in which the id of one check has a letter too few."""
    course = Course(tmp_path_factory.mktemp("units"))
    copy_course(course.root)
    source = course.root / "solutions" / ASSIGNMENT / FILE
    source.write_text(source.read_text().replace('"check-cce-gradient"', '"check-cce-gradiet"'))
    made = course.zerolayer("build", ASSIGNMENT, *UNCHECKED)
    assert made.returncode == 0, made.stderr
    SUBMISSIONS["untouched"].hand_in(course.released(), course.root / "submitted" / "ada" / ASSIGNMENT)
    return course


def saved(course):
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        return database.execute("SELECT auto_score FROM grade WHERE auto_score > 0").fetchall()


def test_a_graded_cell_without_a_part_and_a_part_without_a_cell_stop_the_class(built):
    graded = built.zerolayer("grade", ASSIGNMENT)
    assert graded.returncode == 1
    assert f"{FILE}, cell 'check-cce-gradiet': a graded cell without a Part" in graded.stderr
    assert "the id of one of the unit's Parts, such as 'check-cce-gradient'" in graded.stderr
    assert "no graded code cells with the id 'check-cce-gradient'" in graded.stderr
    assert "run `zerolayer build`" in graded.stderr
    assert "Traceback" not in graded.stderr
    assert not list((built.root / "autograded").glob("*/*/*.ipynb"))
    assert saved(built) == []


def test_an_assignment_that_cannot_be_built_keeps_no_other_from_it(tmp_path):
    course = Course(tmp_path)
    copy_course(course.root)
    for name in ("an_essay", "plain"):
        folder = course.root / "solutions" / name
        folder.mkdir()
        nbformat.write(nbformat.v4.new_notebook(), folder / f"{name}.ipynb")
    (course.root / "solutions" / "an_essay" / "an_essay.ipynb").write_text("no notebook")
    done = course.zerolayer("build", UNPROVED)
    assert done.returncode == 1
    assert "an_essay can't be built" in done.stderr
    released = {folder.name for folder in (course.root / "notebooks").iterdir()}
    assert {"plain", ASSIGNMENT} <= released
    assert "an_essay" not in released


def test_nbgraders_own_command_says_so_too_and_saves_no_points(built):
    graded = built.nbgrader("autograde", ASSIGNMENT)
    assert graded.returncode == 1
    assert "cell 'check-cce-gradiet': a graded cell without a Part" in graded.stderr
    assert not list((built.root / "autograded").glob("*/*/*.ipynb"))
    assert saved(built) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lib.grading.judge.softmax_clasifier.UNIT", "can't be imported: ModuleNotFoundError"),
        ("lib.units.softmax_classifier.closed.UNITS", "can't be imported: ImportError"),
        ("broken_unit.UNIT", "can't be imported: ZeroDivisionError"),
        ("lib.unit.AnswerKey", "is a type"),
        ("math", "is a module"),
    ],
)
def test_a_unit_that_is_not_there_stops_the_class(built, name, text):
    (built.root / "broken_unit.py").write_text("1 / 0")
    graded = built.zerolayer("grade", ASSIGNMENT, f"--UnitPreprocessor.units={ASSIGNMENT}={name}")
    assert graded.returncode == 1
    assert f"fails: {name!r} {text}" in graded.stderr
    assert "Traceback" not in graded.stderr
    assert saved(built) == []


def test_a_part_whose_cell_is_for_a_person_to_grade_stops_the_class(built, tmp_path):
    course = Course(tmp_path / "course")
    copy_course(course.root)
    source = course.root / "solutions" / ASSIGNMENT / FILE
    notebook = nbformat.read(source, as_version=4)
    [check] = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "check-train"]
    check.metadata.nbgrader.update(solution=True, locked=False)
    check.source = "check.train(train)  #? check.train(?)  # what to check\n"
    nbformat.write(notebook, source)
    assert course.zerolayer("build", ASSIGNMENT, *UNCHECKED).returncode == 0
    SUBMISSIONS["untouched"].hand_in(course.released(), course.root / "submitted" / "ada" / ASSIGNMENT)
    graded = course.zerolayer("grade", ASSIGNMENT)
    assert graded.returncode == 1
    assert "the Part 'check-train' is not one that tests alone decide on" in graded.stderr
