"""An assignment of two notebooks: each has a verdict of its own, and the report is on both."""

from dataclasses import replace

import nbformat
import pytest

from lib.grading.commands.demo import CHECKOUT, complete, copy_course
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.grade import grade
from lib.grading.judge.verdict import FILE, Verdict
from lib.grading.pipeline.grade_class import CHANGED
from lib.grading.remarks import Remark
from tests.course import ASSIGNMENT, UNPROVED
from tests.grading.conftest import Course
from tests.sample_class import ANSWERS, RIGHT, fill

SECOND = "training"
"""The notebook in which the training loop is checked; all else is in the one that is called like the assignment."""
NOTEBOOKS = (ASSIGNMENT, SECOND)
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


def hand_in(course, student, fillings, names=NOTEBOOKS):
    folder = course.root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        released = nbformat.read(course.released().with_name(f"{name}.ipynb"), as_version=4)
        nbformat.write(complete(released, fillings, ANSWERS), folder / f"{name}.ipynb")
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Two students have handed in both notebooks, and all is graded."""
    course = Course(tmp_path_factory.mktemp("two") / "course")
    copy_course(course.root)
    for name in NOTEBOOKS:
        nbformat.write(of_two(name), course.root / "solutions" / ASSIGNMENT / f"{name}.ipynb")
    assert course.zerolayer("build", ASSIGNMENT, UNPROVED).returncode == 0
    for student, fillings in STUDENTS.items():
        hand_in(course, student, fillings)
    course.run = course.zerolayer("grade", ASSIGNMENT)
    course.first = {student: each(course, student) for student in STUDENTS}
    return course


def each(course, student):
    return Verdict.load_each(course.root / "autograded" / student / ASSIGNMENT)


def test_each_notebook_has_its_verdict_and_together_they_are_the_work(course):
    assert course.run.returncode == 0, course.run.stderr
    for student, points in (("ada", [16, 4]), ("emil", [15, 4])):
        verdicts = course.first[student]
        assert [(verdict.notebook, verdict.points) for verdict in verdicts] == [*zip(NOTEBOOKS, points, strict=True)]
        assert len({verdict.seed for verdict in verdicts}) == 2
        assert course.verdict(student).points == sum(points)
    assert [part.id for part in course.verdict("ada").parts][-1] == "check-train"
    done = course.nbgrader("autograde", ASSIGNMENT, "--force")
    assert done.returncode == 0, done.stderr
    assert {student: each(course, student) for student in STUDENTS} == course.first
    assert "2 skipped" in course.zerolayer("grade", ASSIGNMENT).stdout


def test_report_and_feedback_pages_say_what_is_of_which(course):
    done = course.zerolayer("report", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    text = (course.root / "reports" / f"{ASSIGNMENT}.html").read_text()
    assert "The loss" in text and "The training loop" in text
    done = course.nbgrader("generate_feedback", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    folder, mistake = course.root / "feedback" / "emil" / ASSIGNMENT, "The loss is the mean over all entries"
    first, second = ((folder / f"{name}.html").read_text() for name in NOTEBOOKS)
    assert mistake in first and mistake not in second and "4 of 4 points" in second
    assert not list(folder.rglob("*verdict*"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["zerolayer grade", "nbgrader autograde"])
def test_one_notebook_is_graded_by_itself_and_the_other_stays_until_all_are(course, command):
    """Also where another work lies there now, of which the notebook that stays says nothing yet."""
    program, name = command.split()
    folder, before = course.root / "autograded" / "ada" / ASSIGNMENT, each(course, "ada")
    kept = (folder / f"{ASSIGNMENT}.ipynb").read_bytes()
    hand_in(course, "ada", fill(loss=STUDENTS["emil"]["loss"], train=[""] * 8))
    done = getattr(course, program)(name, ASSIGNMENT, f"--notebook={SECOND}", "--student=ada", "--force")
    assert done.returncode == 0, done.stderr
    first, second = each(course, "ada")
    assert (first, second.points) == (before[0], 0)
    assert (folder / f"{ASSIGNMENT}.ipynb").read_bytes() == kept
    assert "1 skipped" in course.zerolayer("grade", ASSIGNMENT, f"--notebook={SECOND}", "--student=ada").stdout
    assert CHANGED in course.zerolayer("grade", ASSIGNMENT, "--student=ada").stdout
    assert [verdict.points for verdict in each(course, "ada")] == [15, 0]
    hand_in(course, "ada", RIGHT)
    course.zerolayer("grade", ASSIGNMENT, "--student=ada")
    assert each(course, "ada") == before


def test_one_notebook_does_not_stand_for_the_other_that_is_missing(course):
    """It was said to be another assignment's, and its answers to stand in the wrong place."""
    hand_in(course, "fay", RIGHT, [ASSIGNMENT])
    remark = f"{SECOND}.ipynb was not in the submission. Submit it together with {ASSIGNMENT}.ipynb."
    for command, name, ended in ((course.zerolayer, "grade", NEEDS_A_PERSON), (course.nbgrader, "autograde", 0)):
        graded = command(name, ASSIGNMENT, "--student=fay", "--force")
        assert graded.returncode == ended, graded.stderr
        first, second = each(course, "fay")
        assert (first.points, second.points, second.remarks) == (16, 0, (Remark(remark),))


def test_a_verdict_that_a_student_hands_in_is_not_one(course):
    """Also where the course's configuration doesn't leave the name out of what is handed in."""
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write('\nc.CourseDirectory.ignore = [".ipynb_checkpoints"]\n')
    folder = hand_in(course, "mallory", fill(train=[""] * 8))
    forged = replace(course.first["ada"][1], student="mallory")
    (folder / FILE).write_bytes(Verdict.pack([forged, replace(forged, notebook="a third one")]))
    own = [(ASSIGNMENT, 16), (SECOND, 0)]
    for command, name, options, found in (
        (course.nbgrader, "autograde", (f"--notebook={ASSIGNMENT}",), own[:1]),
        (course.zerolayer, "grade", (), own),
        (course.nbgrader, "autograde", (), own),
    ):
        done = command(name, ASSIGNMENT, "--force", "--student=mallory", *options)
        assert done.returncode in (0, NEEDS_A_PERSON), done.stderr
        assert [(one.notebook, one.points) for one in each(course, "mallory")] == found


def test_grade_takes_both_files_or_their_folder(course, lockable_here):
    folder, released = course.root / "submitted" / "emil" / ASSIGNMENT, course.released().parent
    files = sorted(folder.glob("*.ipynb"), reverse=True)
    one, other = (grade(each, ASSIGNMENT, released=released, seed=1) for each in (folder, files))
    assert one == other and one.points == 19
