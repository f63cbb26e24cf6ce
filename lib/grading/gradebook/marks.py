"""Marks: the points and comments of each graded cell of a class, read with a few queries.

nbgrader's own objects would run a query for each grade and each comment.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import func, select

from lib.grading.gradebook.database import open_gradebook

DECIMALS = 4
"""Enough for thirds of a point. Further digits come from floating-point sums."""


def format_points(points: float) -> str:
    """Return points without trailing zeros, as on every page and in every exported file.

    >>> format_points(22.0), format_points(100 + 2 / 3), format_points(0.1 + 0.2)
    ('22', '100.6667', '0.3')
    """
    return f"{points:.{DECIMALS}f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Mark:
    """The mark of one graded cell. `graded` has the automatic points.

    It is `waiting` if a person has yet to give points. `again` means that a person gave the points before the cell was
    graded again, and hasn't confirmed them since.
    """

    points: float
    max_points: float
    waiting: bool = False
    by_hand: bool = False
    graded: float | None = None
    again: bool = False

    @property
    def state(self) -> str:
        """Return `right`, `partly right` or `wrong` by the points, or `waiting`."""
        if self.waiting:
            return "waiting"
        if self.points >= self.max_points:
            return "right"
        return "partly right" if self.points else "wrong"


@dataclass(frozen=True)
class NotebookMarks:
    """The marks of one submitted notebook.

    `comments` has each cell that may have a comment, with its text or None; a person wrote those in `by_hand`.
    `penalty` is for being late. `code` maps each cell to the cell with the student's code for it.
    """

    cells: Mapping[str, Mark]
    comments: Mapping[str, str | None]
    by_hand: frozenset[str]
    penalty: float
    code: Mapping[str, str]


@dataclass(frozen=True)
class Total:
    """The sum of a submission's marks: points `earned`, the late `penalty`, and points `waiting` for a person.

    `max_points` is the maximum so far, without the points that wait.
    """

    earned: float = 0.0
    penalty: float = 0.0
    waiting: float = 0.0
    max_points: float = 0.0

    @classmethod
    def of(cls, notebooks: Collection[NotebookMarks]) -> Self:
        """Add up the marks of a submission's notebooks."""
        marks = [mark for notebook in notebooks for mark in notebook.cells.values()]
        earned = round(sum((mark.points for mark in marks), 0.0), DECIMALS)
        penalty = round(sum((notebook.penalty for notebook in notebooks), 0.0), DECIMALS)
        waiting = sum(mark.max_points for mark in marks if mark.waiting)
        return cls(earned, penalty, waiting, sum(mark.max_points for mark in marks) - waiting)

    @property
    def points(self) -> float:
        """The points that count."""
        return round(max(0.0, self.earned - self.penalty), DECIMALS)


Class = Mapping[str, Mapping[str, NotebookMarks]]
"""The marks of a class by student and notebook, without students who submitted nothing."""


def read_class(course: CourseDirectory, assignment: str) -> Class:
    """Open the gradebook and call `read_marks`."""
    with open_gradebook(course.db_url, course.course_id) as gradebook:
        return read_marks(gradebook, assignment)


def read_marks(gradebook: api.Gradebook, assignment: str, student: str = "") -> Class:
    """Read the marks of a class, or of one student. Raises MissingEntry if there is no such assignment.

    The number of queries doesn't depend on the number of students.
    """
    known: api.Assignment = gradebook.find_assignment(assignment)
    notebooks = {each.id: (each.name, _code(each)) for each in known.notebooks}
    whole, part = api.SubmittedAssignment, api.SubmittedNotebook
    submitted = (
        select(part.id, part.notebook_id, whole.student_id, part.late_submission_penalty)
        .join(whole, whole.id == part.assignment_id)
        .where(whole.assignment_id == known.id)
    )
    rows = gradebook.db.execute(submitted.where(whole.student_id == student) if student else submitted).all()
    own = [row.id for row in rows] if student else None
    marks, comments, by_hand = (defaultdict[str, Any](kind) for kind in (dict, dict, set))
    for notebook, name, mark in _read_grades(gradebook, notebooks, own):
        marks[notebook][name] = mark
    for notebook, name, text, is_by_hand in _read_comments(gradebook, notebooks, own):
        comments[notebook][name] = text
        by_hand[notebook] |= {name} if is_by_hand else set()
    found = defaultdict[str, dict[str, NotebookMarks]](dict)
    for id, notebook, owner, late in rows:
        name, code = notebooks[notebook]
        found[owner][name] = NotebookMarks(marks[id], comments[id], frozenset(by_hand[id]), late or 0, code)
    return found


def above_maximum(marks: Class) -> Iterator[tuple[str, str]]:
    """Yield each student with more points for a cell than its maximum, and a text with both numbers."""
    for student, notebooks in marks.items():
        for notebook in notebooks.values():
            for cell, mark in notebook.cells.items():
                if mark.points > mark.max_points:
                    more = f"{format_points(mark.points)} of {format_points(mark.max_points)} points for {cell}"
                    yield student, more


def _read_grades(
    gradebook: api.Gradebook, notebooks: Collection[str], submitted: Collection[str] | None
) -> Iterator[tuple[str, str, Mark]]:
    """Yield each mark with its submitted notebook and its cell: of all `notebooks`, or of those `submitted`."""
    cell, grade = api.BaseCell, api.Grade
    # By their tables, because nbgrader's classes of cells would join the table of all cells again.
    graded, tasks = api.GradeCell.__table__, api.TaskCell.__table__
    most = func.coalesce(graded.c.max_score, tasks.c.max_score, 0.0)
    given = grade.score, grade.auto_score, grade.manual_score, grade.needs_manual_grade
    query = (
        select(grade.notebook_id, cell.name, *given, most)
        .join(cell, cell.id == grade.cell_id)
        .outerjoin(graded, graded.c.id == grade.cell_id)
        .outerjoin(tasks, tasks.c.id == grade.cell_id)
        .where(cell.notebook_id.in_(notebooks) if submitted is None else grade.notebook_id.in_(submitted))
    )
    for notebook, name, score, auto, manual, waits, max_points in gradebook.db.execute(query):
        # nbgrader sets needs_manual_grade after each run, even if a person has already given points.
        is_marked = manual is not None
        yield notebook, name, Mark(score, max_points, waits and not is_marked, is_marked, auto, waits and is_marked)


def _read_comments(
    gradebook: api.Gradebook, notebooks: Collection[str], submitted: Collection[str] | None
) -> Iterator[tuple[str, str, str | None, bool]]:
    """Yield each comment with its submitted notebook and its cell, and whether a person wrote it."""
    cell, comment = api.BaseCell, api.Comment
    query = (
        select(comment.notebook_id, cell.name, comment.comment, comment.manual_comment)
        .join(cell, cell.id == comment.cell_id)
        .where(cell.notebook_id.in_(notebooks) if submitted is None else comment.notebook_id.in_(submitted))
    )
    for notebook, name, text, manual in gradebook.db.execute(query):
        yield notebook, name, text, bool(manual)


def _code(notebook: api.Notebook) -> dict[str, str]:
    """Return for each cell of a notebook the one with the student's code for it."""
    solutions = {cell.name for cell in notebook.solution_cells}
    written = solutions.difference(cell.name for cell in notebook.grade_cells)
    code, last = {}, ""
    for cell in notebook.source_cells:
        last = cell.name if cell.name in written else last
        code[cell.name] = cell.name if cell.name in solutions else last
    return code
