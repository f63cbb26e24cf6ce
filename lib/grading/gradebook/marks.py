"""Marks: what the gradebook says of each graded cell of a class, read with a few queries for whole columns.

nbgrader's own objects would ask for each grade and each comment apart.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from nbgrader import api
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import func, select

from lib.grading.gradebook.session import open_gradebook
from lib.grading.gradebook.source_notebook import known_cells

DECIMALS = 4
"""A person may give thirds. More digits than these are only what adding up binary fractions leaves."""


def format_points(points: float) -> str:
    """Write points without needless zeros, the same on every page and in every file that is exported.

    >>> format_points(22.0), format_points(100 + 2 / 3), format_points(0.1 + 0.2)
    ('22', '100.6667', '0.3')
    """
    return f"{points:.{DECIMALS}f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Mark:
    """What the gradebook says of one graded cell. `waiting`: a person has yet to read it. `graded`: without them.

    `again`: a person gave the points before it was graded again, and hasn't looked since.
    """

    points: float
    max_points: float
    waiting: bool = False
    by_hand: bool = False
    graded: float | None = None
    again: bool = False

    @property
    def state(self) -> str:
        """Say whether all points were given, some, or none, or whether a person has yet to give them."""
        if self.waiting:
            return "waiting"
        if self.points >= self.max_points:
            return "right"
        return "partly right" if self.points else "wrong"


@dataclass(frozen=True)
class NotebookMarks:
    """What the gradebook says of one submitted notebook.

    `cells` has the marks, and `comments` the text on each cell that may have one, None where nobody wrote any; those in
    `by_hand` are a person's. `penalty` is for being late. `code` gives for each cell the one with the student's code
    for it.
    """

    cells: Mapping[str, Mark]
    comments: Mapping[str, str | None]
    by_hand: frozenset[str]
    penalty: float
    code: Mapping[str, str]


@dataclass(frozen=True)
class Total:
    """What a submission has `earned` and what being late takes off that, and how much waits for a person.

    `max_points` is what could be had so far: without what waits.
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
        """What counts."""
        return round(max(0.0, self.earned - self.penalty), DECIMALS)


Class = Mapping[str, Mapping[str, NotebookMarks]]
"""The marks of a class by student, and then by notebook; a student who handed in nothing has none."""


def read_class(course: CourseDirectory, assignment: str) -> Class:
    """Open the gradebook and read the marks as `read_marks` does."""
    with open_gradebook(course.db_url, course.course_id) as gradebook:
        return read_marks(gradebook, assignment)


def read_marks(gradebook: api.Gradebook, assignment: str, student: str = "") -> Class:
    """Read the marks of a class, or of one student.

    It takes as many queries for many students as for one. Raises MissingEntry for no such assignment.
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
    """Say whose points for which cell are more than it has: extra credit, or a slip of whoever marked."""
    for student, notebooks in marks.items():
        for notebook in notebooks.values():
            for cell, mark in notebook.cells.items():
                if mark.points > mark.max_points:
                    more = f"{format_points(mark.points)} of {format_points(mark.max_points)} points for {cell}"
                    yield student, more


def _read_grades(
    gradebook: api.Gradebook, notebooks: Collection[str], submitted: Collection[str] | None
) -> Iterator[tuple[str, str, Mark]]:
    """Read each mark with its submitted notebook and its cell: of all `notebooks`, or of those `submitted`."""
    cell, grade = api.BaseCell, api.Grade
    # By their tables: nbgrader's classes of cells would bring the table of all cells once more.
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
        # nbgrader asks for a person's eye again after each run; what was marked stays marked.
        is_marked = manual is not None
        yield notebook, name, Mark(score, max_points, waits and not is_marked, is_marked, auto, waits and is_marked)


def _read_comments(
    gradebook: api.Gradebook, notebooks: Collection[str], submitted: Collection[str] | None
) -> Iterator[tuple[str, str, str | None, bool]]:
    """Read each comment likewise, and whether a person wrote it."""
    cell, comment = api.BaseCell, api.Comment
    query = (
        select(comment.notebook_id, cell.name, comment.comment, comment.manual_comment)
        .join(cell, cell.id == comment.cell_id)
        .where(cell.notebook_id.in_(notebooks) if submitted is None else comment.notebook_id.in_(submitted))
    )
    for notebook, name, text, manual in gradebook.db.execute(query):
        yield notebook, name, text, bool(manual)


def _code(notebook: api.Notebook) -> dict[str, str]:
    """Give for each cell of a notebook the one that holds the student's code for it."""
    code, last = {}, ""
    for name, cell in known_cells(notebook).items():
        flags = cell.metadata.nbgrader
        last = name if flags.solution and not flags.grade else last
        code[name] = name if flags.solution else last
    return code
