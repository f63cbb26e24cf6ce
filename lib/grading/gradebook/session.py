"""A gradebook session: the source notebooks of an assignment, read once, and one transaction for each submission.

nbgrader opens its gradebook nine times for a submission, and commits after each cell. Here all rows of a submission are
written together, and found by indexed columns, so that the time doesn't grow with the class.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self, TypeVar

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Comment, Grade, Gradebook, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.api import Notebook as GradebookNotebook
from sqlalchemy import Boolean, Connection, Select, Table, Update, bindparam, func, insert, or_, select, update

from lib.grading.gradebook.database import open_gradebook
from lib.grading.gradebook.lateness import late_by
from lib.grading.submissions.submitted_notebook import clean_cell


@dataclass(frozen=True)
class SourceNotebook:
    """A notebook in the gradebook: its kernel and cells. `graded` and `commented` map a cell's name to its row's id."""

    id: str
    kernelspec: dict[str, str] | None
    cells: dict[str, NotebookNode]
    graded: dict[str, str]
    commented: dict[str, str]

    @classmethod
    def of(cls, notebook: GradebookNotebook) -> Self:
        """Read a source notebook from the gradebook."""
        kinds = notebook.grade_cells, notebook.solution_cells
        graded, commented = ({cell.name: cell.id for cell in (*cells, *notebook.task_cells)} for cells in kinds)
        kernelspec = json.loads(notebook.kernelspec) if notebook.kernelspec else None
        return cls(notebook.id, kernelspec, known_cells(notebook), graded, commented)


def known_cells(notebook: GradebookNotebook) -> dict[str, NotebookNode]:
    """Return the notebook's source cells by name, in order."""
    from nbgrader.nbgraderformat import SCHEMA_VERSION  # not at the top: only grading needs jsonschema

    points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    grades, solutions, tasks = (
        {cell.name for cell in cells} for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
    )
    known = {}
    for source in notebook.source_cells:
        # Flags and points come from the gradebook, because a student can change those in a notebook.
        cell = clean_cell({"cell_type": source.cell_type, "source": source.source})
        cell.metadata["nbgrader"] = {
            "schema_version": SCHEMA_VERSION,
            "grade_id": source.name,
            "grade": source.name in grades,
            "solution": source.name in solutions,
            "task": source.name in tasks,
            "locked": bool(source.locked),
            "checksum": source.checksum,
            "cell_type": source.cell_type,
            **({"points": points[source.name]} if source.name in points else {}),
        }
        known[source.name] = cell
    return known


STUDENTS, SUBMISSIONS, NOTEBOOKS, GRADES, COMMENTS = (
    model.__table__ for model in (Student, SubmittedAssignment, SubmittedNotebook, Grade, Comment)
)
Result = TypeVar("Result")
Penalty = Callable[[float, float], float | None]
"""Returns the penalty for a submission's points and the seconds that it is late."""


@dataclass(frozen=True)
class CellResults:
    """Scores and comments of a notebook's cells by name.

    A person has to give a score that is None. `waits` has the reasons why a person has to look at a cell, whose score
    counts until then.
    """

    scores: Mapping[str, float | None]
    comments: Mapping[str, str | None]
    waits: Mapping[str, str]


class GradebookSession(AbstractContextManager["GradebookSession"]):
    """nbgrader's gradebook, opened once, for one assignment."""

    def __init__(self, db_url: str, course_id: str, assignment: str):
        """Open the gradebook. Raises nbgrader's MissingEntry if there is no such assignment."""
        self._gradebook = open_gradebook(db_url, course_id)
        self._connection: Connection | None = None

        def read(gradebook: Gradebook) -> tuple[str, datetime | None, dict[str, SourceNotebook]]:
            found = gradebook.find_assignment(assignment)
            return found.id, found.duedate, {notebook.name: SourceNotebook.of(notebook) for notebook in found.notebooks}

        try:
            self.id, self.duedate, self.sources = self.query(read)
        except BaseException:
            self._gradebook.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._gradebook.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection whose changes are committed together. An inner transaction joins the outer one."""
        if self._connection is not None:
            yield self._connection
            return
        # nbgrader's own session would commit after each cell.
        with self._gradebook.engine.begin() as self._connection:
            try:
                yield self._connection
            finally:
                self._connection = None

    def query(self, read: Callable[[Gradebook], Result]) -> Result:
        """Return the result of a function that reads nbgrader's gradebook."""
        try:
            return read(self._gradebook)
        finally:
            self._gradebook.db.remove()  # or its session would hold a read lock during the whole run

    def times(self) -> dict[str, datetime | None]:
        """Return the time of each submission by student."""
        rows = select(SUBMISSIONS.c.student_id, SUBMISSIONS.c.timestamp).where(SUBMISSIONS.c.assignment_id == self.id)
        with self.transaction() as connection:
            return {row.student_id: row.timestamp for row in connection.execute(rows)}

    def save(
        self,
        student: str,
        timestamp: datetime | None,
        notebooks: Mapping[str, CellResults],
        penalty: Penalty,
        extension: timedelta | None = None,
    ) -> None:
        """Store the results of a submission, and create missing rows.

        Marks that a person gave stay, and are flagged for another look. An `extension` is set if there is none yet.
        """
        with self.transaction() as connection:
            _row(connection, STUDENTS, id=student)
            key = {"assignment_id": self.id, "student_id": student}
            id, _ = _row(connection, SUBMISSIONS, **key)
            if timestamp is not None:
                connection.execute(_set(SUBMISSIONS, "timestamp"), {"this": id, "new": timestamp})
            submission = connection.execute(_where(SUBMISSIONS, *key), key).one()
            if extension and submission.extension is None:
                connection.execute(_set(SUBMISSIONS, "extension"), {"this": id, "new": extension})
            late = late_by(submission.timestamp, self.duedate, submission.extension or extension).total_seconds()
            for name, rows in notebooks.items():
                notebook = self._save_notebook(connection, id, self.sources[name], rows)
                points_off = penalty(connection.scalar(SCORE, {"notebook": notebook}), late) if late > 0 else None
                connection.execute(_set(NOTEBOOKS, "late_submission_penalty"), {"this": notebook, "new": points_off})

    def _save_notebook(self, connection: Connection, submission: str, source: SourceNotebook, rows: CellResults) -> str:
        id, is_new = _row(connection, NOTEBOOKS, notebook_id=source.id, assignment_id=submission)
        for table, cells in ((GRADES, source.graded), (COMMENTS, source.commented)):
            key = {"notebook": id, "cells": list(cells.values())}
            present = () if is_new else connection.execute(_of_cells(table), key)
            if missing := set(cells.values()).difference(row.cell_id for row in present):
                connection.execute(insert(table), [{"cell_id": cell, "notebook_id": id} for cell in missing])
        scores = [
            {"notebook": id, "cell": source.graded[name], "score": score, "waits": score is None or name in rows.waits}
            for name, score in rows.scores.items()
        ]
        texts = [{"notebook": id, "cell": source.commented[name], "text": text} for name, text in rows.comments.items()]
        for statement, values in ((SET_SCORE, scores), (SET_COMMENT, texts)):
            if values:
                connection.execute(statement, values)
        return id


def _row(connection: Connection, table: Table, **key: str) -> tuple[str, bool]:
    """Return the id of the row with this key, creating it if necessary, and whether it is new."""
    found = connection.scalar(_where(table, *key), key)
    return str(found or connection.scalar(insert(table).returning(table.c.id), key)), found is None


# Statements that run for each submission are cached, because building one takes as long as running it.


@cache
def _where(table: Table, *key: str) -> Select[Any]:
    """Return a query for a row, with its id first; each key column is a parameter of the same name."""
    return select(table).where(*(table.c[name] == bindparam(name) for name in key))


@cache
def _of_cells(table: Table) -> Select[Any]:
    """Return a query for a `notebook`'s grades or comments, with the `cells`, with which the index begins."""
    cells = table.c.cell_id.in_(bindparam("cells", expanding=True))
    return select(table).where(table.c.notebook_id == bindparam("notebook"), cells)


@cache
def _set(table: Table, column: str) -> Update:
    """Return a statement that sets a column of `this` row to a `new` value."""
    return update(table).where(table.c.id == bindparam("this")).values({column: bindparam("new")})


def _of_cell(table: Table) -> Update:
    return update(table).where(table.c.notebook_id == bindparam("notebook"), table.c.cell_id == bindparam("cell"))


# nbgrader's rule: a person has to look at a cell without points, or at one that a person marked before this run.
SET_SCORE = _of_cell(GRADES).values(
    auto_score=bindparam("score"),
    needs_manual_grade=or_(bindparam("waits", type_=Boolean), GRADES.c.manual_score.is_not(None)),
)
SET_COMMENT = _of_cell(COMMENTS).values(auto_comment=bindparam("text"))
SCORE = select(func.coalesce(func.sum(Grade.score), 0.0)).where(Grade.notebook_id == bindparam("notebook"))
"""The points of a submitted notebook by nbgrader's rule: a person's mark replaces the automatic one."""
