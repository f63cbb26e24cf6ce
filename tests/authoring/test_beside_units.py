"""nbgrader's own kind of assignment in a course with units: built, exported and told as stock nbgrader does.

Its scores are compared in tests/grading/pipeline/test_plain_assignment.py.
"""

import csv
import os
import re
import shutil
from functools import partial
from pathlib import Path

import nbformat
import nbgrader
import pytest

from lib.grading.commands.demo import copy_course
from tests.authoring.own_unit import flagged, refused
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import QUICK, Course
from tests.grading.pipeline.test_plain_assignment import STOCK
from tests.submissions import as_bytes, cell

pytestmark = pytest.mark.slow

PLAIN = "plain"
AUTOTESTS = Path(nbgrader.__file__).with_name("docs") / "source/user_guide/autotests.yml"
STUDENTS = {
    "ada": {"squares": "def squares(n):\n    return [i * i for i in range(n)]", "total": "total = 14", "why": "Since."},
    "ben": {"squares": "def squares(n):\n    return [i for i in range(n)]", "total": "total = 14"},
}


def source():
    """Regions, a cell to clear as a whole, hidden tests, autotests, and a written answer with a region."""
    tested = {"grade": True, "locked": True}
    cells = [
        nbformat.v4.new_markdown_cell("# Squares, {{points}} points #?", id="title"),
        flagged(
            "squares",
            "def squares(n):\n    ### BEGIN SOLUTION\n    return [i**2 for i in range(n)]\n    ### END SOLUTION",
            solution=True,
        ),
        flagged(
            "test-squares",
            "assert squares(2) == [0, 1]\n### BEGIN HIDDEN TESTS\nassert squares(3) == [0, 1, 4]\n### END HIDDEN TESTS",
            points=2,
            **tested,
        ),
        flagged("total", "total = sum(squares(4))", solution=True),
        flagged("test-total", "### HASHED AUTOTEST total\n### AUTOTEST len(squares(2))", points=3, **tested),
        flagged(
            "why", "### BEGIN SOLUTION\nBecause.\n### END SOLUTION", "markdown", points=1, grade=True, solution=True
        ),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def laid_out(course, folder, release, build, grade):
    (course.root / folder / PLAIN).mkdir(parents=True)
    nbformat.write(source(), course.root / folder / PLAIN / f"{PLAIN}.ipynb")
    shutil.copy(AUTOTESTS, course.root / folder / PLAIN)
    succeeds(build())
    course.release = course.root / release / PLAIN / f"{PLAIN}.ipynb"
    for student, answers in STUDENTS.items():
        notebook = nbformat.read(course.release, as_version=4)
        for name, text in answers.items():
            cell(notebook, name).source = text
        target = course.root / "submitted" / student / PLAIN / f"{PLAIN}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_bytes(as_bytes(notebook))
    succeeds(grade())
    succeeds(course.nbgrader("generate_feedback", PLAIN))
    succeeds(course.nbgrader("export"))
    return course


def succeeds(done):
    assert done.returncode in (0, 3), done.stderr


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A course with the judged unit, too."""
    course = Course(tmp_path_factory.mktemp("beside"))
    copy_course(course.root)
    commands = partial(course.zerolayer, "build", PLAIN), partial(course.zerolayer, "grade", PLAIN, *QUICK)
    return laid_out(course, "solutions", "notebooks", *commands)


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """nbgrader as it comes, in programs of its own: nothing of ours is imported there."""
    course = Course(tmp_path_factory.mktemp("stock"))
    (course.root / "nbgrader_config.py").write_text(STOCK)
    nbgrader = course.nbgrader
    course.nbgrader = lambda *words: nbgrader(*words, env=os.environ)
    commands = (partial(course.nbgrader, command, PLAIN) for command in ("generate_assignment", "autograde"))
    return laid_out(course, "source", "release", *commands)


def test_the_notebook_that_students_get_is_the_same(ours, stock):
    """All but what Python gave new random ids."""
    built, wanted = (nbformat.read(course.release, as_version=4) for course in (ours, stock))
    assert [one.source for one in built.cells] == [one.source for one in wanted.cells]
    assert [one.metadata.get("nbgrader") for one in built.cells] == [
        one.metadata.get("nbgrader") for one in wanted.cells
    ]
    assert "i**2" not in str(built) and "BEGIN" not in str(built)


def exported(course):
    with (course.root / "grades.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == PLAIN]
    return {row["student_id"]: (row["score"], row["max_score"]) for row in rows}


SCORES = (
    r'<h3 id="([\w-]+)">(?:([\d.]+) of|up to) ([\d.]+)',
    r'<a href="#([\w-]+)">[^<]*</a> \(Score: ([\d.]+) / ([\d.]+)\)',
)


def test_export_and_feedback_have_the_same_scores(ours, stock):
    assert exported(ours) == exported(stock) == {"ada": ("5.0", "6.0"), "ben": ("3.0", "6.0")}
    for student in STUDENTS:
        pages = [(course.root / "feedback" / student / PLAIN / f"{PLAIN}.html").read_text() for course in (ours, stock)]
        told, wanted = (
            {name: (float(score or 0), float(most)) for name, score, most in re.findall(pattern, page)}
            for pattern, page in zip(SCORES, pages, strict=True)
        )
        assert told == wanted and {*told} >= {"test-squares", "test-total", "why"}


def test_the_report_says_where_its_points_are(ours):
    """stock nbgrader has no report."""
    told = refused(ours, "report", PLAIN)
    assert "it has no unit" in told and "nbgrader export" in told


def test_blanks_are_made_in_the_unit_beside_it_and_not_where_a_region_is_in_the_same_cell(ours):
    """In a plain assignment the region alone would be cleared."""
    assert ours.zerolayer("build", ASSIGNMENT, UNPROVED).returncode == 0
    assert "np.dot(?, ?)" in ours.released().read_text()
    notebook = source()
    squares = cell(notebook, "squares")
    squares.source = squares.source.replace("**2 for i in range(n)]", "**2 for i in range(n)]  #? return ?  # squares")
    folder = ours.root / "solutions" / "mixed"
    folder.mkdir()
    nbformat.write(notebook, folder / "mixed.ipynb")
    shutil.copy(AUTOTESTS, folder)
    assert "a solution region in code would not be cleared" in refused(ours, "build", "mixed")
