"""A class that began before the unit had its lab: it goes on as it was, and after a new build nobody loses points."""

import shutil

import nbformat
import pytest
from lib.grading.marking_queue import TO_DECIDE, cells_for_person
from nbgrader.api import Gradebook

from lib.grading.commands.demo import CHECKOUT, complete, copy_course
from lib.units.softmax_classifier import UNIT
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, RIGHT, fill
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.active import text_of
from tests.grading.conftest import Course

SOLUTION = CHECKOUT / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
WRITTEN = {"explain-gradient", "explain-random-labels"}
GRADED_LATER = {"check-steps-per-epoch", "explain-rate-and-batch"}
EMIL = fill(loss=("-np.mean(y * np.log(yhat))", RIGHT["loss"][1]))


def solution_from_before():
    """The solution without its lab, as classes have it that began before: what follows it was another text then."""
    notebook = nbformat.read(SOLUTION, as_version=4)
    ids = [cell.id for cell in notebook.cells]
    del notebook.cells[ids.index("lab-text") : ids.index("crosscheck-text")]
    cells = {cell.id: cell for cell in notebook.cells}
    cells["crosscheck-text"].source = "## Does TensorFlow agree?"
    cells["crosscheck"].source = "print(cce(y_validation, softmax.forward(dlayer.forward(X_validation))))"
    return notebook


def hand_in(course, student, fillings, change=lambda notebook: None):
    folder = course.root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    notebook = complete(nbformat.read(course.released(), as_version=4), fillings, ANSWERS)
    change(notebook)
    nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")


def without(*ids):
    """Delete cells by their ids in the course."""

    def change(notebook):
        notebook.cells = [
            cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in ids
        ]

    return change


def grades(course, student):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        found = gradebook.find_submission(ASSIGNMENT, student)
        rows = {grade.name: grade for notebook in found.notebooks for grade in notebook.grades}
        return (
            {name: grade.score for name, grade in rows.items()},
            {name for name, grade in rows.items() if grade.needs_manual_grade},
            found.max_score,
        )


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A class with the notebook from before: graded, and then somebody tries to build the new one."""
    course = Course(tmp_path_factory.mktemp("upgrade") / "begun")
    copy_course(course.root)
    solution = course.root / "solutions" / ASSIGNMENT / SOLUTION.name
    nbformat.write(solution_from_before(), solution)
    done = course.nbgrader("generate_assignment", ASSIGNMENT, UNPROVED)  # other tests prove the unit
    assert done.returncode == 0, done.stderr
    for student, fillings in (("ada", RIGHT), ("emil", EMIL)):
        hand_in(course, student, fillings)
    course.grading = course.zerolayer("grade", ASSIGNMENT)
    nbformat.write(nbformat.read(SOLUTION, as_version=4), solution)
    course.building = course.nbgrader("generate_assignment", ASSIGNMENT, "--force", UNPROVED)
    course.regrading = course.zerolayer("grade", ASSIGNMENT, "--force")
    return course


@pytest.fixture(scope="module")
def course(begun, tmp_path_factory):
    """A class that got the notebook from before and had handed nothing in when the new one was built."""
    course = Course(tmp_path_factory.mktemp("upgrade") / "course")
    copy_course(course.root)
    done = course.nbgrader("generate_assignment", ASSIGNMENT, UNPROVED)  # other tests prove the unit
    assert done.returncode == 0, done.stderr
    for student in ("ada", "emil"):
        shutil.copytree(begun.root / "submitted" / student, course.root / "submitted" / student)
    hand_in(course, "noor", RIGHT)
    hand_in(course, "olga", RIGHT, without("steps", "check-steps-per-epoch"))
    hand_in(course, "paul", RIGHT, without(*UNIT.later_cells))
    course.grading = course.zerolayer("grade", ASSIGNMENT)
    return course


def test_a_class_that_has_handed_in_goes_on_as_it_was(begun):
    assert begun.grading.returncode == begun.regrading.returncode == 0, begun.regrading.stderr
    assert begun.building.returncode != 0 and "there are submissions associated with it" in begun.building.stderr
    for student, code in (("ada", 20), ("emil", 18)):
        points, waiting, most = grades(begun, student)
        assert sum(points.values()) == code and waiting == WRITTEN and most == 24
        assert not GRADED_LATER & points.keys()
        assert not begun.verdict(student).remarks
    assert begun.zerolayer("report", ASSIGNMENT).returncode == 0
    report = text_of((begun.root / "reports" / f"{ASSIGNMENT}.html").read_text())
    assert "Steps in an epoch" not in report and "Predictions" not in report


def test_a_notebook_from_before_keeps_its_points_and_the_rest_waits(begun, course):
    for student in ("ada", "emil"):
        points, waiting, most = grades(course, student)
        before, _, _ = grades(begun, student)
        assert {name: points[name] for name in before} == before
        assert waiting == WRITTEN | GRADED_LATER and most == 28
        notebook = nbformat.read(course.notebook(student), as_version=4)
        assert {id for id, why in cells_for_person(notebook).items() if why == TO_DECIDE} == GRADED_LATER
        (remark,) = course.verdict(student).remarks
        assert "from before some questions were added" in remark


def test_a_new_notebook_is_judged_whole(course):
    points, waiting, _ = grades(course, "noor")
    assert points["check-steps-per-epoch"] == 1 and sum(points.values()) == 21
    assert waiting == WRITTEN | {"explain-rate-and-batch"}
    assert not course.verdict("noor").remarks


def test_who_deletes_cells_of_the_new_notebook_gets_no_points_for_that(course):
    points, waiting, _ = grades(course, "olga")
    assert points["check-steps-per-epoch"] == 0 and "check-steps-per-epoch" not in waiting
    points, waiting, _ = grades(course, "paul")
    assert points["check-steps-per-epoch"] == 0 and waiting == WRITTEN | GRADED_LATER, "a person looks"


def test_it_is_graded_once(course):
    done = course.zerolayer("grade", ASSIGNMENT)
    assert "5 skipped" in done.stdout, done.stdout + done.stderr


def test_what_a_person_gives_counts_and_the_student_reads_that_it_waits(course):
    assert course.nbgrader("generate_feedback", ASSIGNMENT, "--student=ada").returncode == 0
    page = text_of(course.feedback("ada"))
    assert "20 of 20 points so far" in page
    assert "Up to 8 more can come" in page
    assert "Steps in an epoch : up to 1 point" in page or "Steps in an epoch: up to 1 point" in page
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for cell, points in (("check-steps-per-epoch", 1), ("explain-rate-and-batch", 3)):
            grade = gradebook.find_grade(cell, ASSIGNMENT, ASSIGNMENT, "ada")
            grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()
    points, waiting, _ = grades(course, "ada")
    assert sum(points.values()) == 24 and waiting == WRITTEN
