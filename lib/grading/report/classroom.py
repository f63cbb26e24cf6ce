"""The class: every student on the roster or with a submission, and what is stored of each one's work.

The gradebook is read with a few queries for whole columns; nbgrader's own objects would ask for each grade apart.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from glob import glob
from pathlib import Path
from typing import Literal

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.grading.judge.verdict import DamagedVerdictError, Verdict
from lib.grading.safe_files import is_folder
from lib.grading.submissions.collect import read_collected
from lib.grading.submissions.gradebook import Marks, late_by

State = Literal["graded", "not graded", "not collected", "missing"]
"""`not graded`: something was handed in, and there is no verdict on it. `not collected`: it could not be taken in."""


@dataclass(eq=False)
class Work:
    """What one student did in one assignment. `late` is in time after the due date, extensions counted.

    `score` is what the gradebook has for all cells together, before the late `penalty`; `to_mark` names the cells that
    wait for a person. `scores` has for each cell what grading gave, out of how much; `fault` says what is wrong with
    the verdict's file, and `left_out` what of a download could not be collected. `submission` is the id under which
    formgrader shows it, or nothing.
    """

    student: str
    name: str = ""
    email: str = ""
    folder: Path = Path()
    verdict: Verdict | None = None
    handed_in: bool = False
    submission: str = ""
    late: timedelta = timedelta()
    score: float = 0.0
    penalty: float = 0.0
    to_mark: list[str] = field(default_factory=list)
    scores: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    fault: str = ""
    left_out: list[str] = field(default_factory=list)

    @property
    def state(self) -> State:
        """Tell how far this work has come."""
        if self.verdict is not None:
            return "graded"
        if self.handed_in:
            return "not graded"
        return "not collected" if self.left_out else "missing"

    def read_verdict(self, assignment: str) -> None:
        """Read the verdict that grading left, as far as the gradebook knows of it, or note what is wrong with it."""
        try:
            verdict = Verdict.load(self.folder, evidence=False, of=(assignment, self.student))
        except FileNotFoundError:
            self.fault = "is missing" if is_folder(self.folder) else ""
            return
        except DamagedVerdictError as error:
            self.fault = str(error)
            return
        if not self.submission:
            self.fault = "is about a submission that the gradebook doesn't have"
            return
        self.verdict = verdict
        scored = ((part, *self.scores[part.id]) for part in verdict.parts if part.id in self.scores)
        if any(score != part.score(worth) for part, score, worth in scored):
            self.fault = "has other points than the gradebook"

    def whole_verdict(self) -> Verdict:
        """Read the verdict with its evidence; where that is damaged, give what could be read of it, and note that."""
        assert self.verdict is not None
        try:
            return Verdict.load(self.folder, of=(self.verdict.assignment, self.student))
        except (DamagedVerdictError, FileNotFoundError) as error:
            self.fault = f"has lost its evidence: {error}"
            return self.verdict

    @property
    def ran(self) -> bool:
        """Tell whether any part gave an answer."""
        return self.verdict is not None and not all(part.problem for part in self.verdict.parts)


@dataclass(frozen=True)
class Classroom:
    """One assignment's class, by name. `max_score` counts the written answers too; `due` is in UTC.

    `strangers` have been graded and aren't in the gradebook: they were removed from it, or it was made anew.
    `nobodys` is what a download had of which nobody knows whose it is.
    """

    assignment: str
    due: datetime | None
    max_score: float
    works: tuple[Work, ...]
    strangers: tuple[str, ...] = ()
    nobodys: tuple[str, ...] = ()

    def of_state(self, state: State) -> list[Work]:
        """Choose the works of one state."""
        return [work for work in self.works if work.state == state]

    @property
    def graded(self) -> list[tuple[Work, Verdict]]:
        """The works that have a verdict, each with it."""
        return [(work, work.verdict) for work in self.works if work.verdict is not None]


def read_classroom(course: CourseDirectory, assignment: str) -> Classroom:
    """Read what is stored of an assignment. Raises MissingEntry if the gradebook doesn't know it."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        due, max_score, works = _in_gradebook(gradebook.db, assignment)
    strangers = []
    for student in sorted(_handed_in(course, assignment)):
        if student not in works and is_folder(_graded_folder(course, student, assignment)):
            strangers.append(student)
        else:
            works.setdefault(student, Work(student)).handed_in = True
    nobodys = []
    for left in read_collected(course, assignment, course.config).left_out:
        told = " ".join(filter(None, (left.file, left.why)))
        if left.student:
            works.setdefault(left.student, Work(left.student)).left_out.append(told)
        else:
            nobodys.append(told)
    for student, work in works.items():
        work.folder = _graded_folder(course, student, assignment)
        work.read_verdict(assignment)
    by_name = sorted(works.values(), key=lambda work: ((work.name or work.student).casefold(), work.student))
    return Classroom(assignment, due, max_score, tuple(by_name), tuple(strangers), tuple(nobodys))


def _graded_folder(course: CourseDirectory, student: str, assignment: str) -> Path:
    return Path(course.format_path(course.autograded_directory, student, assignment))


def _in_gradebook(db: Session, assignment: str) -> tuple[datetime | None, float, dict[str, Work]]:
    """Give the due date, the points there are, and a work for each student the gradebook knows."""
    known = db.execute(select(Assignment.id, Assignment.duedate).where(Assignment.name == assignment)).first()
    if known is None:
        raise MissingEntry(f"No such assignment: {assignment}")
    works = {
        id: Work(id, ", ".join(filter(None, (last, first))), email or "")
        for id, first, last, email in db.execute(
            select(Student.id, Student.first_name, Student.last_name, Student.email)
        )
    }
    notebooks = select(Notebook.id).where(Notebook.assignment_id == known.id)
    max_score = sum(
        db.execute(
            select(func.coalesce(func.sum(kind.max_score), 0.0)).where(kind.notebook_id.in_(notebooks))
        ).scalar_one()
        for kind in (GradeCell, TaskCell)
    )
    owner: dict[str, Work] = {}
    submitted = (
        select(
            SubmittedAssignment.student_id,
            SubmittedAssignment.timestamp,
            SubmittedAssignment.extension,
            SubmittedNotebook.id,
            SubmittedNotebook.late_submission_penalty,
        )
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .where(SubmittedAssignment.assignment_id == known.id)
    )
    for student, stamp, extension, notebook, penalty in db.execute(submitted):
        work = owner[notebook] = works[student]
        work.handed_in, work.submission = True, notebook
        work.penalty += penalty or 0.0
        work.late = late_by(stamp, known.duedate, extension)
    grades = (
        select(
            Grade.notebook_id, BaseCell.name, Grade.auto_score, Grade.manual_score, Grade.extra_credit,
            Grade.needs_manual_grade, GradeCell.__table__.c.max_score,
        )
        .join(BaseCell, BaseCell.id == Grade.cell_id)
        .outerjoin(GradeCell.__table__, GradeCell.__table__.c.id == Grade.cell_id)
        .where(BaseCell.notebook_id.in_(notebooks))
    )  # fmt: skip
    for notebook, cell, auto, manual, extra, waits, worth in db.execute(grades):
        work = owner[notebook]
        work.scores[cell] = (auto, worth or 0.0)
        work.score += Marks(auto, manual, extra).score
        if waits:
            work.to_mark.append(cell)
    return known.duedate, max_score, works


def _handed_in(course: CourseDirectory, assignment: str) -> Iterable[str]:
    """Name the students of whom there is a folder of this assignment."""
    place = course.format_path(course.submitted_directory, "(?P<student>[^/]+)", assignment, escape=True)
    for folder in glob(course.format_path(course.submitted_directory, "*", assignment)):  # noqa: PTH207  # a pattern
        if (found := re.fullmatch(place, folder)) and Path(folder).is_dir():
            yield found["student"]
