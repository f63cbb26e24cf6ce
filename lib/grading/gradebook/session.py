"""The gradebook in a run: one connection for a whole class, one transaction a submission, nbgrader's own rows.

nbgrader opens its gradebook nine times a submission, and commits cell by cell. Here the rows of a submission are
written together, by columns that have an index, so that time doesn't grow with the class.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from nbgrader.api import Comment, Grade, Gradebook, InvalidEntry, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import (
    Boolean,
    Connection,
    Select,
    Table,
    Update,
    bindparam,
    func,
    insert,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from lib.grading.gradebook.source_notebook import SourceNotebook

STUDENTS, SUBMISSIONS, NOTEBOOKS, GRADES, COMMENTS = (
    model.__table__ for model in (Student, SubmittedAssignment, SubmittedNotebook, Grade, Comment)
)
DEFAULT_COURSE = "default_course"
"""The course that nbgrader's own steps name, whatever it is called."""
Made = TypeVar("Made")
Penalty = Callable[[float, float], float | None]
"""From the points of a late submission and the seconds that it is late to the points that this costs."""


@dataclass(frozen=True)
class CellResults:
    """What a run gave for a notebook's cells, by name.

    A score of None is for a person to give, and so is that of a cell in `waits`, which counts until then.
    """

    scores: Mapping[str, float | None]
    comments: Mapping[str, str | None]
    waits: Container[str] = ()


class GradebookSession(AbstractContextManager["GradebookSession"]):
    """nbgrader's gradebook, opened once, for one assignment."""

    def __init__(self, db_url: str, course_id: str, assignment: str):
        """Open the gradebook. Raises nbgrader's MissingEntry where it doesn't know the assignment."""
        self._gradebook = open_gradebook(db_url, course_id)
        self._connection: Connection | None = None
        try:
            self.id, self.duedate, self.sources = self.ask(partial(_read_assignment, assignment))
        except BaseException:
            self._gradebook.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._gradebook.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write all that is written within, or nothing of it; one within another is part of it."""
        if self._connection is not None:
            yield self._connection
            return
        # Not nbgrader's session, which commits after each cell.
        with self._gradebook.engine.begin() as self._connection:
            try:
                yield self._connection
            finally:
                self._connection = None

    def ask(self, question: Callable[[Gradebook], Made]) -> Made:
        """Have something read by nbgrader's own means."""
        try:
            return question(self._gradebook)
        finally:
            self._gradebook.db.remove()  # its session would hold a read lock through the whole run

    def times(self) -> dict[str, datetime | None]:
        """Read when each submission was made that there is, by student."""
        rows = select(SUBMISSIONS.c.student_id, SUBMISSIONS.c.timestamp).where(SUBMISSIONS.c.assignment_id == self.id)
        with self.transaction() as connection:
            return {row.student_id: row.timestamp for row in connection.execute(rows)}

    def save(
        self,
        student: str,
        made: datetime | None,
        notebooks: Mapping[str, CellResults],
        penalty: Penalty,
        more: timedelta | None = None,
    ) -> None:
        """Write what a run gave for a submission, which was `made` at a time; what rows it lacks are made.

        Marks that a person gave stay, to be looked at again. `more` time is what it gets if it has no extension.
        """
        with self.transaction() as connection:
            _row(connection, STUDENTS, id=student)
            key = {"assignment_id": self.id, "student_id": student}
            id, _ = _row(connection, SUBMISSIONS, **key)
            if made is not None:
                connection.execute(_set(SUBMISSIONS, "timestamp"), {"this": id, "new": made})
            submission = connection.execute(_where(SUBMISSIONS, *key), key).one()
            if more and submission.extension is None:
                connection.execute(_set(SUBMISSIONS, "extension"), {"this": id, "new": more})
            late = late_by(submission.timestamp, self.duedate, submission.extension or more).total_seconds()
            for name, rows in notebooks.items():
                notebook = self._save_notebook(connection, id, self.sources[name], rows)
                costs = penalty(connection.scalar(SCORE, {"notebook": notebook}), late) if late > 0 else None
                connection.execute(_set(NOTEBOOKS, "late_submission_penalty"), {"this": notebook, "new": costs})

    def _save_notebook(self, connection: Connection, submission: str, master: SourceNotebook, rows: CellResults) -> str:
        """Write what a run gave for one notebook's cells; give the notebook's id."""
        id, is_new = _row(connection, NOTEBOOKS, notebook_id=master.id, assignment_id=submission)
        for table, cells in ((GRADES, master.graded), (COMMENTS, master.commented)):
            key = {"notebook": id, "cells": list(cells.values())}
            there = () if is_new else connection.execute(_of_cells(table), key)
            if missing := set(cells.values()).difference(row.cell_id for row in there):
                connection.execute(insert(table), [{"cell_id": cell, "notebook_id": id} for cell in missing])
        scores = [
            {"notebook": id, "cell": master.graded[name], "score": score, "waits": score is None or name in rows.waits}
            for name, score in rows.scores.items()
        ]
        texts = [{"notebook": id, "cell": master.commented[name], "text": text} for name, text in rows.comments.items()]
        for statement, values in ((SET_SCORE, scores), (SET_COMMENT, texts)):
            if values:
                connection.execute(statement, values)
        return id


def _read_assignment(name: str, gradebook: Gradebook) -> tuple[str, datetime | None, dict[str, SourceNotebook]]:
    """Read an assignment's id, when it is due, and its notebooks by name."""
    found = gradebook.find_assignment(name)
    return found.id, found.duedate, {notebook.name: SourceNotebook.of(notebook) for notebook in found.notebooks}


def open_gradebook(db_url: str, course_id: str = DEFAULT_COURSE) -> Gradebook:
    """Open nbgrader's gradebook, which makes its tables and the course's row if need be."""
    url = make_url(db_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        with suppress(OSError):  # SQLite says it better
            Path(url.database).touch()  # SQLite itself would let no group write, whatever the umask
    return retry(lambda: Gradebook(db_url, course_id))


def retry(write: Callable[[], Made], times: int = 2) -> Made:
    """Do what makes tables or rows that another program may be making at the same moment.

    Once the other one has made the tables, it may still be ahead with the rows: so it may fail twice. What nbgrader
    commits in many steps may fail more `times`.
    """
    for _ in range(times):
        with suppress(IntegrityError, ProgrammingError, OperationalError, InvalidEntry):
            return write()
    return write()


def has_roster(gradebook: Gradebook) -> bool:
    """Tell whether a person has said who is in the course; only then anybody can be missing.

    Grading adds whoever hands something in, by the id alone.
    """
    about = (Student.first_name, Student.last_name, Student.email, Student.lms_user_id)
    by_hand = or_(*(column.is_not(None) for column in about), Student.id.not_in(select(SubmittedAssignment.student_id)))
    return gradebook.db.execute(select(Student.id).where(by_hand).limit(1)).first() is not None


def label(student: Student) -> str:
    """Return a student's id, with the name if there is one."""
    name = ", ".join(filter(None, (student.last_name, student.first_name)))
    return f"{student.id} ({name})" if name else student.id


def _row(connection: Connection, table: Table, **key: str) -> tuple[str, bool]:
    """Find a row by its key, or make it; give its id, and whether it is new."""
    found = connection.scalar(_where(table, *key), key)
    return str(found or connection.scalar(insert(table).returning(table.c.id), key)), found is None


# What is asked for each submission is put together once: to write SQL takes as long as to run it.


@cache
def _where(table: Table, *key: str) -> Select[Any]:
    """Select a row, of which the id comes first, by columns, each given under its own name."""
    return select(table).where(*(table.c[name] == bindparam(name) for name in key))


@cache
def _of_cells(table: Table) -> Select[Any]:
    """Select a `notebook`'s grades or comments: by the `cells`, since the index begins with them."""
    cells = table.c.cell_id.in_(bindparam("cells", expanding=True))
    return select(table).where(table.c.notebook_id == bindparam("notebook"), cells)


@cache
def _set(table: Table, column: str) -> Update:
    """Set a column to something `new` in `this` row."""
    return update(table).where(table.c.id == bindparam("this")).values({column: bindparam("new")})


def _of_cell(table: Table) -> Update:
    return update(table).where(table.c.notebook_id == bindparam("notebook"), table.c.cell_id == bindparam("cell"))


# nbgrader's own rule: a person is to look where nobody gave points, or a person did before this run.
SET_SCORE = _of_cell(GRADES).values(
    auto_score=bindparam("score"),
    needs_manual_grade=or_(bindparam("waits", type_=Boolean), GRADES.c.manual_score.is_not(None)),
)
SET_COMMENT = _of_cell(COMMENTS).values(auto_comment=bindparam("text"))
SCORE = select(func.coalesce(func.sum(Grade.score), 0.0)).where(Grade.notebook_id == bindparam("notebook"))
"""What counts of a submitted notebook, by nbgrader's own rule: a person's marks before the grader's."""


def late_by(timestamp: datetime | None, duedate: datetime | None, extension: timedelta | None) -> timedelta:
    """Tell how late a submission is; nothing if it is in time, or one of the two times isn't known."""
    if timestamp is None or duedate is None:
        return timedelta()
    return max(timedelta(), timestamp - duedate - (extension or timedelta()))
