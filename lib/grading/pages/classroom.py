"""The class: every student on the roster or with a submission, and what is stored of each one's work."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select

from lib.grading.files import is_folder
from lib.grading.gradebook.marks import Total, above_maximum, read_marks
from lib.grading.gradebook.seen import Seen
from lib.grading.gradebook.session import has_roster, late_by, open_gradebook
from lib.grading.judge.verdict import DamagedVerdictError, Verdict
from lib.grading.names import InvalidId
from lib.grading.submissions.collection import read_collected
from lib.grading.submissions.submitted_files import find_submitted

WorkState = Literal["graded", "not graded", "not collected", "missing"]
"""`not graded`: something was handed in, and there is no verdict on it. `not collected`: it could not be taken in."""


@dataclass(eq=False)
class StudentWork:
    """What one student did in one assignment. `late` is in time after the due date, extensions counted.

    `total` is what the gradebook has for all cells together; `to_mark` has the cells that wait for a person, each with
    its notebook, and `to_review` those that were marked before they were graded again: the marks count. `above` says
    which marks are more than there is to have. `scores` has for each cell what grading gave, out of how much, and
    `code` the cell with the code for it; `fault` says what is wrong with the verdict's file. `left_out` is what could
    not be collected of a download, and `to_look_at` why a person has to look at the notebook, less what was seen.
    `submission` is the id under which formgrader shows it, or nothing.
    """

    student: str
    name: str = ""
    folder: Path = Path()
    verdict: Verdict | None = None
    handed_in: bool = False
    submission: str = ""
    late: timedelta = timedelta()
    total: Total = field(default_factory=Total)
    to_mark: list[tuple[str, str]] = field(default_factory=list)
    to_review: list[tuple[str, str]] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    scores: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    left_out: list[str] = field(default_factory=list)
    to_look_at: list[str] = field(default_factory=list)

    @property
    def state(self) -> WorkState:
        """Tell how far this work has come."""
        if self.verdict is not None:
            return "graded"
        if self.handed_in:
            return "not graded"
        return "not collected" if self.left_out else "missing"

    @property
    def to_grade(self) -> bool:
        """True if grading has to run, for the first time or again: its verdict is missing, or can't stay."""
        return self.state == "not graded" or bool(self.fault)

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
        # nbgrader's gradebook can lose students; a verdict alone doesn't count then.
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

    Without a roster nobody knows who is missing. `strangers` have been graded and aren't in the gradebook: they were
    removed from it, or it was made anew. `unclaimed` lists what has no student's name in a download or `submitted/`.
    """

    assignment: str
    due: datetime | None
    max_score: float
    works: tuple[StudentWork, ...]
    has_roster: bool = True
    strangers: tuple[str, ...] = ()
    unclaimed: tuple[str, ...] = ()

    def of_state(self, state: WorkState) -> list[StudentWork]:
        """Choose the works of one state."""
        return [work for work in self.works if work.state == state]

    @property
    def graded(self) -> list[tuple[StudentWork, Verdict]]:
        """The works that have a verdict, each with it."""
        return [(work, work.verdict) for work in self.works if work.verdict is not None]


def read_classroom(course: CourseDirectory, assignment: str) -> Classroom:
    """Read what is stored of an assignment. Raises MissingEntry if the gradebook doesn't know it."""
    with open_gradebook(course.db_url, course.course_id) as gradebook:
        known = gradebook.find_assignment(assignment)
        due, max_score, works = known.duedate, known.max_score, _works(gradebook, known)
        roster = has_roster(gradebook)
    seen = Seen(Path(course.root), assignment)
    strangers, unclaimed = [], []
    found = [id for id, _ in find_submitted(course, assignment)]
    for wrong in (id for id in found if isinstance(id, InvalidId)):
        if seen.unseen(wrong.name, "", [wrong.reason]):
            unclaimed.append(f"{wrong.name}: {wrong.reason}")
    for student in sorted(id for id in found if not isinstance(id, InvalidId)):
        if student not in works and is_folder(_graded_folder(course, student, assignment)):
            strangers.append(student)
        else:
            works.setdefault(student, StudentWork(student)).handed_in = True
    collected = read_collected(course, assignment)
    for left in collected.left_out:
        if not seen.unseen(left.student or left.file, left.file, [left.why]):
            continue
        if left.student:
            works.setdefault(left.student, StudentWork(left.student)).left_out.append(left.reason)
        else:
            unclaimed.append(left.reason)
    for id, work in works.items():
        work.folder = _graded_folder(course, id, assignment)
        work.read_verdict(assignment)
        if work.verdict:
            work.to_look_at = seen.unseen(id, work.verdict.handed_in, work.verdict.reasons)
    by_name = sorted(works.values(), key=lambda work: ((work.name or work.student).casefold(), work.student))
    return Classroom(assignment, due, max_score, tuple(by_name), roster, tuple(strangers), tuple(unclaimed))


def _graded_folder(course: CourseDirectory, student: str, assignment: str) -> Path:
    return Path(course.format_path(course.autograded_directory, student, assignment))


def _works(gradebook: api.Gradebook, assignment: api.Assignment) -> dict[str, StudentWork]:
    """Give the work of each student whom the gradebook knows."""
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
        work.handed_in, work.submission = True, notebook
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
