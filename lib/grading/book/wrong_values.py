"""Wrong values in a gradebook: text where a number or a time is due, in a table that was edited by hand.

SQLite takes any value in any column. It counts text as 0 where it adds up, so such a mark would cost points in silence;
and a time that is none ends whatever reads it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from nbgrader.api import Assignment, BaseCell, Grade, GradeCell, SubmittedAssignment, SubmittedNotebook, TaskCell
from sqlalchemy import Column, Connection, DateTime, Float, Interval, Select, String, func, select, type_coerce

from lib.grading.errors import ConfigError

ASSIGNMENTS, SUBMISSIONS, NOTEBOOKS, GRADES, CELLS, POINTS, TASKS = (
    model.__table__
    for model in (Assignment, SubmittedAssignment, SubmittedNotebook, Grade, BaseCell, GradeCell, TaskCell)
)
OF_NOTEBOOKS = NOTEBOOKS.outerjoin(SUBMISSIONS, SUBMISSIONS.c.id == NOTEBOOKS.c.assignment_id)
WHOSE = {
    ASSIGNMENTS: (ASSIGNMENTS, ASSIGNMENTS.c.name),
    POINTS: (POINTS.join(CELLS, CELLS.c.id == POINTS.c.id), CELLS.c.name),
    TASKS: (TASKS.join(CELLS, CELLS.c.id == TASKS.c.id), CELLS.c.name),
    SUBMISSIONS: (SUBMISSIONS, SUBMISSIONS.c.student_id),
    NOTEBOOKS: (OF_NOTEBOOKS, SUBMISSIONS.c.student_id),
    GRADES: (GRADES.outerjoin(OF_NOTEBOOKS, NOTEBOOKS.c.id == GRADES.c.notebook_id), SUBMISSIONS.c.student_id),
}
"""For each table with numbers or times: with what it is joined, and the column that says whose or which a row is."""

EXPECTED = {
    Float: "a number",
    DateTime: "a time in UTC such as 2026-03-01 12:00:00",
    Interval: "a length such as 1970-01-03 00:00:00, which is two days,",
}
"""What is expected in the columns of each type, as SQLite has it."""


def refuse_wrong_values(connection: Connection) -> None:
    """Raise ConfigError that names the first value that is no number or no time, with its table and whose it is."""
    if connection.dialect.name != "sqlite":  # others take no such values
        return
    for column, query in QUERIES:
        kind = next(kind for kind in EXPECTED if isinstance(column.type, kind))
        for owner, value in connection.execute(query):
            if kind is Float or not _is_time(value):
                found = f"in its table {column.table.name}, {column.name} of {owner} is {str(value)[:100]!r}"
                raise ConfigError(
                    f"The gradebook can't be used: {found}, where {EXPECTED[kind]} is expected. Correct it with the"
                    " program that wrote it, or take a copy of the gradebook from before."
                )


def _queries() -> Iterator[tuple[Column, Select]]:
    """Give for each column a query for what may be wrong in it, as it is stored: of a time only Python can tell."""
    for table, (joined, whose) in WHOSE.items():
        for column in table.columns:
            query = select(whose, type_coerce(column, String)).select_from(joined)
            if isinstance(column.type, (DateTime, Interval)):
                yield column, query.where(column.is_not(None))
            elif isinstance(column.type, Float):
                yield column, query.where(func.typeof(column).in_(("text", "blob")))


QUERIES = list(_queries())


def _is_time(value: object) -> bool:
    with suppress(ValueError):
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is None
    return False
