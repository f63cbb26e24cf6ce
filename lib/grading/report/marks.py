"""Marks: what the gradebook says of each graded cell of a class, read with a few queries for whole columns.

nbgrader's own objects would ask for each grade and each comment apart.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)  # fmt: skip
from sqlalchemy import func, select

from lib.grading.submissions.master import known_cells


@dataclass(frozen=True)
class Mark:
    """What the gradebook says of one graded cell. `waiting`: a person has yet to read it."""

    points: float
    max_points: float
    waiting: bool = False
    by_hand: bool = False


@dataclass(frozen=True)
class NotebookMarks:
    """What the gradebook says of one submitted notebook.

    `cells` has the marks, and `comments` the text on each cell that may have one, None where nobody wrote any; those in
    `by_hand` are a person's. `penalty` is for being late. `code` gives for each cell the one with the student's code
    for it, and `max_points` is what the whole notebook is worth.
    """

    cells: Mapping[str, Mark]
    comments: Mapping[str, str | None]
    by_hand: frozenset[str]
    penalty: float
    max_points: float
    code: Mapping[str, str]

    @property
    def points(self) -> float:
        """What counts, before the penalty."""
        return sum(mark.points for mark in self.cells.values())


def read_marks(gradebook: Gradebook, assignment: str, student: str = "") -> dict[tuple[str, str], NotebookMarks]:
    """Read the marks of all students, or of one, by student and notebook. Raises MissingEntry for no such assignment.

    It takes three queries, however many students there are.
    """
    known: Assignment = gradebook.find_assignment(assignment)
    worth = {notebook.id: notebook.max_score for notebook in known.notebooks}
    code = {notebook.id: _code(gradebook, notebook.name, assignment) for notebook in known.notebooks}
    names = {notebook.id: notebook.name for notebook in known.notebooks}
    submitted = (
        select(
            SubmittedNotebook.id,
            SubmittedNotebook.notebook_id,
            SubmittedAssignment.student_id,
            SubmittedNotebook.late_submission_penalty,
        )
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .where(SubmittedAssignment.assignment_id == known.id)
    )
    if student:
        submitted = submitted.where(SubmittedAssignment.student_id == student)
    rows = gradebook.db.execute(submitted).all()
    own = [row.id for row in rows] if student else []
    # By their tables: nbgrader's classes of cells would bring the table of all cells once more.
    graded, tasks = GradeCell.__table__.c, TaskCell.__table__.c
    grades = (
        select(
            Grade.notebook_id,
            BaseCell.name,
            Grade.score,
            Grade.manual_score,
            Grade.needs_manual_grade,
            func.coalesce(graded.max_score, tasks.max_score, 0.0),
        )
        .join(BaseCell, BaseCell.id == Grade.cell_id)
        .outerjoin(GradeCell.__table__, graded.id == Grade.cell_id)
        .outerjoin(TaskCell.__table__, tasks.id == Grade.cell_id)
        .where(Grade.notebook_id.in_(own) if student else BaseCell.notebook_id.in_(names))
    )
    marks: dict[str, dict[str, Mark]] = defaultdict(dict)
    for notebook, cell, score, manual, waits, most in gradebook.db.execute(grades):
        # nbgrader asks for a person's eye again after each run; what was marked stays marked.
        marks[notebook][cell] = Mark(score, most, waits and manual is None, manual is not None)
    texts = (
        select(Comment.notebook_id, BaseCell.name, Comment.comment, Comment.manual_comment)
        .join(BaseCell, BaseCell.id == Comment.cell_id)
        .where(Comment.notebook_id.in_(own) if student else BaseCell.notebook_id.in_(names))
    )
    comments: dict[str, dict[str, str | None]] = defaultdict(dict)
    by_hand = defaultdict(set)
    for notebook, cell, text, manual in gradebook.db.execute(texts):
        comments[notebook][cell] = text
        if manual:
            by_hand[notebook].add(cell)
    return {
        (row.student_id, names[row.notebook_id]): NotebookMarks(
            marks[row.id],
            comments[row.id],
            frozenset(by_hand[row.id]),
            row.late_submission_penalty or 0,
            worth[row.notebook_id],
            code[row.notebook_id],
        )
        for row in rows
    }


def _code(gradebook: Gradebook, notebook: str, assignment: str) -> dict[str, str]:
    """Give for each cell of a notebook the one that holds the student's code for it."""
    code, last = {}, ""
    for name, cell in known_cells(gradebook.find_notebook(notebook, assignment)).items():
        flags = cell.metadata.nbgrader
        last = name if flags.solution and not flags.grade else last
        code[name] = name if flags.solution else last
    return code
