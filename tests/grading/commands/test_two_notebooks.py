"""An assignment of two notebooks: each has a verdict of its own, and the report is on both."""

from dataclasses import replace

import nbformat
import pytest

from lib.grading.commands.demo import CHECKOUT, complete, copy_course
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.judge.verdict import Verdict
from lib.units.softmax_classifier.closed.sample_class import ANSWERS, RIGHT, fill
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import Course

SECOND = "training"
"""The notebook in which the training loop is checked; all else is in the one that is called like the assignment."""
SOLUTION = CHECKOUT / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
STUDENTS = {"ada": RIGHT, "emil": fill(loss=("-np.mean(y * np.log(yhat))", RIGHT["loss"][1]))}


def of_two(name):
    """The solution with those of the graded cells that belong to one of the two notebooks."""
    notebook = nbformat.read(SOLUTION, as_version=4)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if not cell.metadata.get("nbgrader", {}).get("grade")
        or (cell.metadata.nbgrader.grade_id == "check-train") == (name == SECOND)
    ]
    return notebook


def hand_in(course, student, fillings):
    folder = course.root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    for name in (ASSIGNMENT, SECOND):
        released = nbformat.read(course.released().with_name(f"{name}.ipynb"), as_version=4)
        nbformat.write(complete(released, fillings, ANSWERS), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Two students have handed in both notebooks, and all is graded."""
    course = Course(tmp_path_factory.mktemp("two") / "course")
    copy_course(course.root)
    for name in (ASSIGNMENT, SECOND):
        nbformat.write(of_two(name), course.root / "solutions" / ASSIGNMENT / f"{name}.ipynb")
    assert course.zerolayer("build", ASSIGNMENT, UNPROVED).returncode == 0
    for student, fillings in STUDENTS.items():
        hand_in(course, student, fillings)
    course.run = course.zerolayer("grade", ASSIGNMENT)
    course.first = {student: course.verdict(student) for student in STUDENTS}
    return course


def each(course, student):
    return Verdict.load_each(course.root / "autograded" / student / ASSIGNMENT)


def test_each_notebook_has_its_verdict(course):
    assert course.run.returncode == 0, course.run.stderr
    for student, points in (("ada", [17, 4]), ("emil", [15, 4])):
        verdicts = each(course, student)
        assert [verdict.notebook for verdict in verdicts] == [ASSIGNMENT, SECOND]
        assert [verdict.points for verdict in verdicts] == points
        assert len({verdict.seed for verdict in verdicts}) == 2


def test_together_they_are_the_work(course):
    assert {student: verdict.points for student, verdict in course.first.items()} == {"ada": 21, "emil": 19}
    assert [part.id for part in course.first["ada"].parts][-1] == "check-train"
    without = Verdict.load(course.root / "autograded" / "emil" / ASSIGNMENT, evidence=False)
    assert without.points == 19
    assert not any(part.challenge or part.answer or part.expected for part in without.parts)


def test_the_report_is_on_both(course):
    done = course.zerolayer("report", ASSIGNMENT, "--student=emil")
    assert done.returncode == 0, done.stderr
    for page in ("emil.html", f"../{ASSIGNMENT}.html"):
        text = (course.root / "reports" / ASSIGNMENT / page).read_text()
        assert "The loss" in text and "The training loop" in text


def test_a_feedback_page_opens_with_its_own_notebooks_verdict(course):
    done = course.nbgrader("generate_feedback", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    folder = course.root / "feedback" / "emil" / ASSIGNMENT
    first, second = ((folder / f"{name}.html").read_text() for name in (ASSIGNMENT, SECOND))
    assert "2 of 4 points" not in second and "The loss is the mean over all entries" in first
    assert "The loss is the mean over all entries" not in second and "4 of 4 points" in second
    assert not list(folder.rglob("*verdict*"))


@pytest.mark.parametrize("notebook", [ASSIGNMENT, SECOND])
def test_one_notebook_graded_again_keeps_the_others_verdict(course, notebook):
    assert course.zerolayer("grade", ASSIGNMENT, "--force", f"--notebook={notebook}").returncode == 0
    assert {student: course.verdict(student) for student in STUDENTS} == course.first


def test_nbgraders_own_command_gives_the_same(course):
    done = course.nbgrader("autograde", ASSIGNMENT, "--force")
    assert done.returncode == 0, done.stderr
    assert {student: course.verdict(student) for student in STUDENTS} == course.first


def test_one_notebook_does_not_stand_for_the_other_that_is_missing(course):
    """It was said to be another assignment's, and its answers to stand in the wrong place."""
    hand_in(course, "fay", RIGHT)
    (course.root / "submitted" / "fay" / ASSIGNMENT / f"{SECOND}.ipynb").unlink()
    graded = course.zerolayer("grade", ASSIGNMENT, "--student=fay")
    assert graded.returncode == NEEDS_A_PERSON
    first, second = each(course, "fay")
    assert (first.points, second.points) == (17, 0)
    assert second.remarks == (f"{SECOND}.ipynb was not in the submission. Submit it beside {ASSIGNMENT}.ipynb.",)


def test_a_verdict_that_a_student_hands_in_is_not_one(course, tmp_path):
    """Also where the course's configuration doesn't leave the name out of what is handed in."""
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write('\nc.CourseDirectory.ignore = [".ipynb_checkpoints"]\n')
    hand_in(course, "mallory", fill(train=("", "", "", "", "", "", "", "")))
    folder = course.root / "submitted" / "mallory" / ASSIGNMENT
    [forged] = [replace(one, student="mallory") for one in each(course, "ada") if one.notebook == SECOND]
    forged.save(folder, [replace(forged, notebook="a third one")])
    for command in (course.zerolayer, course.nbgrader):
        name = "grade" if command == course.zerolayer else "autograde"
        assert command(name, ASSIGNMENT, "--force", "--student=mallory").returncode in (0, NEEDS_A_PERSON)
        assert [(one.notebook, one.points) for one in each(course, "mallory")] == [(ASSIGNMENT, 17), (SECOND, 0)]
