"""A small class in a term of its own, graded by the real command: a roster with names, a due date, and who was late."""

import shutil
import sys
from datetime import datetime

import nbformat
import pytest
from nbgrader.api import Gradebook

from lib.grading.commands.demo import complete, run
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.grade import NEEDS_A_PERSON
from lib.grading.commands.report import ReportApp
from tests.course import ASSIGNMENT
from tests.grading.conftest import Course
from tests.sample_class import ANSWERS, RIGHT, fill

SERVER = (sys.executable, "-m", "jupyter_server")
"""Formgrader without JupyterLab, which takes longer to start."""
DUE = datetime(2026, 3, 1, 12)
LOSS, SLOPE = RIGHT["loss"]
FILLINGS = {
    "ada": RIGHT,
    "bao": RIGHT,
    "emil": fill(loss=("-np.mean(y * np.log(yhat))", SLOPE)),
    "emma": fill(loss=("-np.mean(y * np.log(yhat))", SLOPE)),
    "finn": fill(loss=(f"3 * ({LOSS})", SLOPE)),
    "gail": fill(loss=(f"({LOSS}) * 3", SLOPE)),
    "hana": fill(softmax=("scipy.special.softmax(input, axis=0)", *RIGHT["softmax"][1:])),
    "ines": fill(train=(*RIGHT["train"][:6], "grad", "learning_rate")),
    "jomo": fill(softmax=("", "", "")),
    "kaja": fill(loss=("np.linalg.inv(y", SLOPE)),
}
NAMES = {
    "ada": ("Ada", "King", "ada@example.org", "77"),
    "bao": ("Bảo", "Nguyễn, Dr.", "bao@example.org", None),
    "emil": ("<script>alert('E')</script>", '"><img src=x onerror=alert(1)>', None, "N-12"),
    "mona": ("Mona", "Missing", "mona@example.org", None),
}


class SmallClass(Course):
    """A course in which more can be handed in."""

    def hand_in(self, student, fillings, stamp=None):
        folder = self.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        notebook = complete(nbformat.read(self.released(), as_version=4), fillings, ANSWERS)
        if student == "hana":
            notebook.cells.insert(3, nbformat.v4.new_code_cell("import scipy.special"))
        nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")
        if stamp:
            (folder / "timestamp.txt").write_text(stamp)

    def report(self, *arguments):
        run(ReportApp, self.root, ASSIGNMENT, *arguments)
        return (self.root / "reports" / f"{ASSIGNMENT}.html").read_text()

    def copy(self, to, *left_out):
        """Copy the class, without folders of these names, for a test that changes it."""
        return SmallClass(shutil.copytree(self.root, to / "course", ignore=shutil.ignore_patterns(*left_out)))

    def marks(self, points, again=False):
        """Save points by hand, by student and cell."""
        with Gradebook(f"sqlite:///{self.root}/gradebook.db", "zerolayer") as gradebook:
            for (student, cell), score in points.items():
                grade = gradebook.find_grade(cell, ASSIGNMENT, ASSIGNMENT, student)
                grade.manual_score, grade.needs_manual_grade = score, again
            gradebook.db.commit()


@pytest.fixture(scope="session")
def small_class(new_course, tmp_path_factory) -> SmallClass:
    """The class as grading and a page of feedback (for Ada) leave it; `nils` came after that."""
    course = SmallClass(new_course(tmp_path_factory.mktemp("small")).root)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "zerolayer") as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
        for student, (first, last, email, lms) in NAMES.items():
            gradebook.add_student(student, first_name=first, last_name=last, email=email, lms_user_id=lms)
    (course.root / "judge_secret").write_text("5" * 64)  # the same challenges each time, and so the same words
    for student, fillings in FILLINGS.items():
        course.hand_in(student, fillings, stamp="2026-03-02 15:20:00 UTC" if student == "bao" else None)
    (course.root / "submitted" / "lars" / ASSIGNMENT).mkdir(parents=True)
    (course.root / "submitted" / "lars" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_text("{not a notebook")
    done = course.zerolayer("grade", ASSIGNMENT)
    assert done.returncode == NEEDS_A_PERSON, done.stderr  # lars' can't be read
    run(FeedbackApp, course.root, ASSIGNMENT, "--student=ada")
    course.hand_in("nils", RIGHT)
    return course
