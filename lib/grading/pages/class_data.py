"""The class: every student on the roster or with a submission, and the stored results of their work."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select

from lib.grading.files import is_folder
from lib.grading.gradebook.database import has_roster, open_gradebook
from lib.grading.gradebook.lateness import late_by
from lib.grading.gradebook.marks import Total, above_maximum, read_marks
from lib.grading.judge.verdict import DamagedVerdictError, Verdict
from lib.grading.safe_names import InvalidId
from lib.grading.submissions.collection_records import read_collection
from lib.grading.submissions.submitted_files import find_submitted, step_folder

WorkState = Literal["graded", "not graded", "not collected", "missing"]
"""`not graded`: submitted, but without a verdict. `not collected`: downloaded, but could not be collected."""


@dataclass(eq=False)
class StudentWork:
    """One student's work in one assignment."""

    student: str
    name: str = ""
    folder: Path = Path()
    verdict: Verdict | None = None
    is_submitted: bool = False
    submission: str = ""
    """Formgrader's id of the submission, or ""."""
    late: timedelta = timedelta()
    """Time after the due date and any extension."""
    is_late_in_canvas: bool = False
    """True if Canvas called it late, without a time."""
    total: Total = field(default_factory=Total)
    to_mark: list[tuple[str, str]] = field(default_factory=list)
    """Notebook and name of cells that a person has to mark."""
    to_review: list[tuple[str, str]] = field(default_factory=list)
    """Notebook and name of cells that were graded again after a person marked them; the marks count."""
    above: list[str] = field(default_factory=list)
    """Texts on marks above a cell's maximum."""
    scores: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    """Each cell's automatic score and maximum."""
    code: dict[str, str] = field(default_factory=dict)
    """For each cell the one with the student's code for it."""
    fault: str = ""
    """What is wrong with the verdict's file, or ""."""
    left_out: list[str] = field(default_factory=list)
    """Files that were not collected from a download, and why."""
    to_look_at: tuple[str, ...] = ()
    """Reasons why a person has to look at the notebook."""

    @property
    def state(self) -> WorkState:
        """How far this work has come."""
        if self.verdict is not None:
            return "graded"
        if self.is_submitted:
            return "not graded"
        return "not collected" if self.left_out else "missing"

    @property
    def to_grade(self) -> bool:
        """True if it has to be graded, or graded again because its verdict is missing or faulty."""
        return self.state == "not graded" or bool(self.fault)

    def read_verdict(self, assignment: str) -> None:
        """Read the verdict, or set `fault` if it is missing, damaged, or doesn't match the gradebook."""
        try:
            verdict = Verdict.load(self.folder, of=(assignment, self.student))
        except DamagedVerdictError as error:
            self.fault = str(error) if is_folder(self.folder) else ""
            return
        # The gradebook may be new, or the student removed from it; then the verdict alone doesn't count.
        if not self.submission:
            self.fault = (
                "is about a submission that the gradebook doesn't have: if the student has left, remove all folders"
            )
            return
        self.verdict = verdict
        scored = ((part, *self.scores[part.id]) for part in verdict.parts if part.id in self.scores)
        if any(score != part.score(worth) for part, score, worth in scored):
            self.fault = "has other points than the gradebook"


@dataclass(frozen=True)
class Classroom:
    """A class in one assignment, sorted by name. `max_score` includes written answers; `due` is in UTC.

    Without a roster, no student counts as missing. `unclaimed` are files and folders without a student's name.
    """

    assignment: str
    due: datetime | None
    max_score: float
    works: tuple[StudentWork, ...]
    has_roster: bool = True
    unclaimed: tuple[str, ...] = ()

    def of_state(self, state: WorkState) -> list[StudentWork]:
        """Return the works in this state."""
        return [work for work in self.works if work.state == state]

    @property
    def graded(self) -> list[tuple[StudentWork, Verdict]]:
        """The works with a verdict, each with the verdict."""
        return [(work, work.verdict) for work in self.works if work.verdict is not None]


def read_classroom(course: CourseDirectory, assignment: str) -> Classroom:
    """Read an assignment's stored results. Raises MissingEntry if the gradebook doesn't have the assignment."""
    with open_gradebook(course.db_url, course.course_id) as gradebook:
        known = gradebook.find_assignment(assignment)
        due, max_score, works = known.duedate, known.max_score, _works(gradebook, known)
        roster = has_roster(gradebook)
    found = [id for id, _ in find_submitted(course, assignment)]
    unclaimed = [f"{wrong.name}: {wrong.reason}" for wrong in found if isinstance(wrong, InvalidId)]
    for student in sorted(id for id in found if not isinstance(id, InvalidId)):
        works.setdefault(student, StudentWork(student)).is_submitted = True
    collected = read_collection(course, assignment)
    for left in collected.left_out:
        if left.student:
            works.setdefault(left.student, StudentWork(left.student)).left_out.append(left.reason)
        else:
            unclaimed.append(left.reason)
    for id, work in works.items():
        work.folder = step_folder(course, "autograded", id, assignment)
        work.is_late_in_canvas = id in collected.late
        work.read_verdict(assignment)
        if work.verdict:
            work.to_look_at = work.verdict.reasons
    by_name = sorted(works.values(), key=lambda work: ((work.name or work.student).casefold(), work.student))
    return Classroom(assignment, due, max_score, tuple(by_name), roster, tuple(unclaimed))


def _works(gradebook: api.Gradebook, assignment: api.Assignment) -> dict[str, StudentWork]:
    person = api.Student
    roster = gradebook.db.execute(select(person.id, person.last_name, person.first_name))
    works = {id: StudentWork(id, ", ".join(filter(None, name))) for id, *name in roster}
    whole, part = api.SubmittedAssignment, api.SubmittedNotebook
    submitted = (
        select(whole.student_id, whole.timestamp, whole.extension, part.id)
        .join(part, part.assignment_id == whole.id)
        .where(whole.assignment_id == assignment.id)
    )
    for student, timestamp, extension, notebook in gradebook.db.execute(submitted):
        work = works[student]
        work.is_submitted, work.submission = True, notebook
        work.late = late_by(timestamp, assignment.duedate, extension)
    found = read_marks(gradebook, assignment.name)
    for student, more in above_maximum(found):
        works[student].above.append(more)
    for student, notebooks in found.items():
        work = works[student]
        work.total = Total.of(notebooks.values())
        for notebook, marks in notebooks.items():
            work.scores |= {name: (mark.graded, mark.max_points) for name, mark in marks.cells.items()}
            work.code |= marks.code
            work.to_mark += [(notebook, name) for name, mark in marks.cells.items() if mark.waiting]
            work.to_review += [(notebook, name) for name, mark in marks.cells.items() if mark.again]
    return works
