"""Claim: the report on 1,000 students takes less than 2 seconds, from verdicts and a gradebook as grading leaves them.

The class is made up of a dozen sample students' real verdicts, each copied under many names. The peer, in the same run,
is reading every verdict whole: what a report would cost at least if it needed all numbers of everyone.
"""

import json
import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time
from uuid import uuid4

from nbgrader.api import Grade, Gradebook, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from traitlets.config import Config

from lib.grading.commands.demo import copy_course, run, write_sample_class
from lib.grading.commands.grade import GradeApp
from lib.grading.judge.verdict import FILE, Verdict
from lib.grading.pages.classroom import read_classroom
from lib.grading.pages.report import Links, class_page
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.closed.sample_class import SAMPLE_CLASS
from tests.course import ASSIGNMENT

STUDENTS = 1000
ROUNDS = 5


def made_up_class(root: Path) -> CourseDirectory:
    """Grade the sample class for real, then copy its verdicts and its rows in the gradebook until there are enough."""
    copy_course(root)
    run(GenerateAssignmentApp, root, ASSIGNMENT, "--force")
    write_sample_class(SAMPLE_CLASS, root / "notebooks", root / "submitted", ASSIGNMENT)
    models = [*SAMPLE_CLASS.students, "lars"]
    run(GradeApp, root, ASSIGNMENT)
    course = CourseDirectory(config=Config(CourseDirectory={"root": str(root)}))
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for number in range(STUDENTS - len(models)):
            copy_work(root, models[number % len(models)], f"student{number:04}")
            copy_rows(gradebook.db, models[number % len(models)], f"student{number:04}")
        gradebook.db.commit()
    return course


def copy_work(root: Path, model: str, name: str) -> None:
    """Give a new student the files of a graded one."""
    source, target = (root / "autograded" / student / ASSIGNMENT for student in (model, name))
    (root / "submitted" / name / ASSIGNMENT).mkdir(parents=True)
    target.mkdir(parents=True)
    (target / FILE).write_text((source / FILE).read_text().replace(json.dumps(model), json.dumps(name), 1))
    (target / f"{ASSIGNMENT}.ipynb").symlink_to(source / f"{ASSIGNMENT}.ipynb")


def copy_rows(db: Session, model: str, name: str) -> None:
    """Give a new student a graded one's rows in the gradebook."""
    submission, notebook = f"{name}-submission", f"{name}-notebook"
    db.execute(insert(Student.__table__).values(id=name, first_name="Student", last_name=name.title()))
    old = db.execute(select(SubmittedAssignment.__table__).where(SubmittedAssignment.student_id == model)).one()
    db.execute(insert(SubmittedAssignment.__table__).values({**old._mapping, "id": submission, "student_id": name}))
    book = db.execute(select(SubmittedNotebook.__table__).where(SubmittedNotebook.assignment_id == old.id)).one()
    copied = {**book._mapping, "id": notebook, "assignment_id": submission}
    db.execute(insert(SubmittedNotebook.__table__).values(copied))
    for grade in db.execute(select(Grade.__table__).where(Grade.notebook_id == book.id)).all():
        copied = {**grade._mapping, "id": uuid4().hex, "notebook_id": notebook}
        db.execute(insert(Grade.__table__).values(copied))


def seconds(action):
    """Time an action: medians of wall and processor seconds, and what it gave."""
    times = []
    for _ in range(ROUNDS):
        wall, processor = perf_counter(), process_time()
        result = action()
        times.append((perf_counter() - wall, process_time() - processor))
    return (*map(statistics.median, zip(*times, strict=True)), result)


def main():
    """Print sizes, medians, and the ratio to reading all verdicts whole."""
    with tempfile.TemporaryDirectory() as root:
        course = made_up_class(Path(root))
        folders = sorted(Path(root, "autograded").glob(f"*/{ASSIGNMENT}"))

        def report() -> str:
            links = Links(course, ASSIGNMENT, ASSIGNMENT, Path(root, "reports"), "http://localhost:8888")
            return class_page(read_classroom(course, ASSIGNMENT), ANSWER_KEY, links, datetime.now())

        wall, processor, page = seconds(report)
        peer_wall, peer_processor, _ = seconds(lambda: [Verdict.load(folder) for folder in folders])
        size = sum((folder / FILE).stat().st_size for folder in folders)
        print(f"{len(folders):,} verdicts, {size / 1e6:.0f} MB; the page has {len(page) / 1e6:.2f} MB")
        ratio = processor / peer_processor
        print(f"report                    {wall:5.2f} s wall  {processor:5.2f} s processor   {ratio:.2f} x the peer")
        print(f"peer: all verdicts whole  {peer_wall:5.2f} s wall  {peer_processor:5.2f} s processor")


if __name__ == "__main__":
    main()
