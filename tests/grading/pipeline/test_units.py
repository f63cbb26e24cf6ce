"""Which Unit an assignment is graded by: one that doesn't fit its notebook stops the class."""

import sqlite3
from contextlib import closing

import nbformat

from lib.grading.commands.demo import copy_course
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import SUBMISSIONS, Course
from tests.submissions import cell

FILE = f"{ASSIGNMENT}.ipynb"
TOLD = (
    f"{FILE}, cell 'check-cce-gradiet': a graded cell without a Part",
    "the id of one of the unit's Parts, such as 'check-cce-gradient'",
    "no graded code cells with the id 'check-cce-gradient'",
    "the Part 'check-train' is not one that only tests grade",
    "run `zerolayer build`",
)


def test_cells_and_parts_that_do_not_fit_stop_the_class(tmp_path):
    """The build refuses that, so here nbgrader makes it: the gradebook may be older than the unit."""
    course = Course(tmp_path)
    copy_course(course.root)
    source = course.root / "solutions" / ASSIGNMENT / FILE
    notebook = nbformat.read(source, as_version=4)
    cell(notebook, "check-cce-gradient").metadata.nbgrader.grade_id = "check-cce-gradiet"
    for_a_person = cell(notebook, "check-train")
    for_a_person.metadata.nbgrader.update(solution=True, locked=False)
    for_a_person.source = "check.train(train)  #? check.train(?)  # what to check\n"
    nbformat.write(notebook, source)
    only = "--GenerateAssignment.preprocessors=nbgrader.preprocessors.SaveCells"
    made = course.nbgrader("generate_assignment", ASSIGNMENT, "--force", only)
    assert made.returncode == 0, made.stderr
    SUBMISSIONS["untouched"].hand_in(course.released(), course.root / "submitted" / "ada" / ASSIGNMENT)
    graded = course.zerolayer("grade", ASSIGNMENT)
    assert "Traceback" not in graded.stderr
    for done in (graded, course.nbgrader("autograde", ASSIGNMENT)):
        assert done.returncode == 1
        assert not [said for said in TOLD if said not in done.stderr]
    assert not list((course.root / "autograded").glob("*/*/*.ipynb"))
    with closing(sqlite3.connect(course.root / "gradebook.db")) as database:
        assert not database.execute("SELECT auto_score FROM grade WHERE auto_score > 0").fetchall()


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
