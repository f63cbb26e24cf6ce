"""Which Unit an assignment is graded by: one that doesn't fit its notebook, or isn't there, stops the class."""

import sqlite3
from contextlib import closing

import nbformat
import pytest

from lib.grading.commands.demo import copy_course
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import SUBMISSIONS, Course
from tests.submissions import cell

FILE = f"{ASSIGNMENT}.ipynb"
UNCHECKED = (f"--UnitPreprocessor.units={ASSIGNMENT}=",)
"""The build refuses what doesn't fit a unit, so here it is told of none: the gradebook may be older than the unit."""


def built_with(root, change):
    """A course whose solution notebook was changed, in which ada has handed in."""
    course = Course(root)
    copy_course(course.root)
    source = course.root / "solutions" / ASSIGNMENT / FILE
    notebook = nbformat.read(source, as_version=4)
    change(notebook)
    nbformat.write(notebook, source)
    made = course.zerolayer("build", ASSIGNMENT, *UNCHECKED)
    assert made.returncode == 0, made.stderr
    SUBMISSIONS["untouched"].hand_in(course.released(), course.root / "submitted" / "ada" / ASSIGNMENT)
    return course


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course in which the id of one check has a letter too few."""

    def misspell(notebook):
        cell(notebook, "check-cce-gradient").metadata.nbgrader.grade_id = "check-cce-gradiet"

    return built_with(tmp_path_factory.mktemp("units") / "course", misspell)


def refused(course, *arguments, by="zerolayer"):
    """Grade, and see that it ends with 1 and nobody got any points; give what was said."""
    command, name = (course.zerolayer, "grade") if by == "zerolayer" else (course.nbgrader, "autograde")
    done = command(name, ASSIGNMENT, *arguments)
    assert done.returncode == 1
    assert not list((course.root / "autograded").glob("*/*/*.ipynb"))
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        assert not database.execute("SELECT auto_score FROM grade WHERE auto_score > 0").fetchall()
    assert by == "nbgrader" or "Traceback" not in done.stderr
    return done.stderr


def test_a_graded_cell_without_a_part_and_a_part_without_a_cell_stop_the_class(built):
    said = refused(built)
    assert f"{FILE}, cell 'check-cce-gradiet': a graded cell without a Part" in said
    assert "the id of one of the unit's Parts, such as 'check-cce-gradient'" in said
    assert "no graded code cells with the id 'check-cce-gradient'" in said
    assert "run `zerolayer build`" in said
    assert "cell 'check-cce-gradiet': a graded cell without a Part" in refused(built, by="nbgrader")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lib.grading.judge.softmax_clasifier.UNIT", "can't be imported: ModuleNotFoundError"),
        ("broken_unit.UNIT", "can't be imported: ZeroDivisionError"),
        ("math", "is a module"),
    ],
)
def test_a_unit_that_is_not_there_stops_the_class(built, name, text):
    (built.root / "broken_unit.py").write_text("1 / 0")
    said = refused(built, f"--UnitPreprocessor.units={ASSIGNMENT}={name}")
    assert f"The unit that UnitPreprocessor.units names for {ASSIGNMENT} fails: {name!r} {text}" in said


def test_a_part_whose_cell_is_for_a_person_to_grade_stops_the_class(tmp_path):
    def for_a_person(notebook):
        check = cell(notebook, "check-train")
        check.metadata.nbgrader.update(solution=True, locked=False)
        check.source = "check.train(train)  #? check.train(?)  # what to check\n"

    said = refused(built_with(tmp_path / "course", for_a_person))
    assert "the Part 'check-train' is not one that tests alone decide on" in said


def test_an_assignment_that_cannot_be_built_keeps_no_other_from_it(tmp_path):
    course = Course(tmp_path)
    copy_course(course.root)
    for name in ("an_essay", "plain"):
        (course.root / "solutions" / name).mkdir()
        nbformat.write(nbformat.v4.new_notebook(), course.root / "solutions" / name / f"{name}.ipynb")
    (course.root / "solutions" / "an_essay" / "an_essay.ipynb").write_text("no notebook")
    done = course.zerolayer("build", UNPROVED)
    assert done.returncode == 1
    assert "an_essay can't be built" in done.stderr
    released = {folder.name for folder in (course.root / "notebooks").iterdir()}
    assert {"plain", ASSIGNMENT} <= released and "an_essay" not in released
