"""The gradebook's rows of an assignment, written in one transaction.

The gradebook has a row for each cell of each submission, so notebooks and cells can't change after grading has begun.
nbgrader refuses such changes too, but without naming the cells, and it commits each row separately.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from nbformat import NotebookNode
from nbgrader.api import Assignment, Gradebook
from nbgrader.preprocessors import SaveCells
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from lib.grading.errors import Fault
from lib.grading.gradebook.database import open_gradebook

KINDS = {"graded": is_grade, "an answer": is_solution, "a task": is_task}
"""The kinds of cells with separate rows in the gradebook."""
Kinds = Mapping[str, set[str]]
"""The kinds of each cell, by its id."""


@contextmanager
def uncommitted_rows(
    db_url: str, course: str, assignment: str, sources: Mapping[str, NotebookNode], is_whole: bool
) -> Iterator[Callable[[], None]]:
    """Write the rows of notebooks by name, and yield a function that commits them. After an error nothing is written.

    If the notebooks are the whole assignment, rows of other notebooks are deleted. Raises Fault if the class was graded
    with other notebooks or cells.
    """
    log = logging.getLogger("tornado.application")  # there nbgrader logs the traceback of errors that it also raises
    before, log.disabled = log.disabled, True
    try:
        with open_gradebook(db_url, course) as book:
            session = book.db()
            # nbgrader commits each row separately, in its own session: there is no outer transaction to join. Flushing
            # instead lets one commit write all rows or none, without writing its methods again here.
            session.commit, commit = session.flush, session.commit
            try:
                known = book.update_or_create_assignment(assignment)
                _refuse_other_cells(known, sources, is_whole)
                for name in {each.name for each in known.notebooks} - sources.keys() if is_whole else ():
                    book.remove_notebook(name, assignment)
                for name, nb in sources.items():
                    _Rows().write(book, assignment, name, nb)
                yield commit
            except BaseException:
                session.rollback()
                raise
    finally:
        log.disabled = before


class _Rows(SaveCells):
    def write(self, book: Gradebook, assignment: str, notebook: str, nb: NotebookNode) -> None:
        """Write a notebook's rows with nbgrader's own code. nbgrader's `preprocess` would open the gradebook itself."""
        self.gradebook, self.assignment_id, self.notebook_id = book, assignment, notebook
        for kind in ("grade", "solution", "task", "source"):
            setattr(self, f"new_{kind}_cells", {})
        for index, cell in enumerate(nb.cells):
            self.preprocess_cell(cell, {}, index)
        self._create_notebook(nb)


def _refuse_other_cells(assignment: Assignment, sources: Mapping[str, NotebookNode], is_whole: bool) -> None:
    if assignment.num_submissions and is_whole:
        before: Kinds = {notebook.name: set() for notebook in assignment.notebooks}
        now: Kinds = {name: set() for name in sources}
        _refuse_unless_same(assignment.name, "notebooks", before, now, assignment.num_submissions)
    for known in assignment.notebooks:
        if known.name in sources and known.num_submissions:
            rows = {"graded": known.grade_cells, "an answer": known.solution_cells, "a task": known.task_cells}
            own = {kind: {cell.name for cell in cells} for kind, cells in rows.items()}
            before = {cell.name: {kind for kind in own if cell.name in own[kind]} for cell in known.source_cells}
            now = {
                cell.metadata.nbgrader.grade_id: kinds
                for cell in sources[known.name].cells
                if (kinds := {kind for kind, is_one in KINDS.items() if is_one(cell)}) or is_locked(cell)
            }
            _refuse_unless_same(f"{known.name}.ipynb", "cells", before, now, known.num_submissions)


def _refuse_unless_same(where: str, what: str, before: Kinds, now: Kinds, count: int) -> None:
    if before != now:
        raise Fault(
            where,
            f"other {what} than the class was graded with",
            "restore them, and save the change for the next class, in another course folder",
            found=", ".join(_differences(before, now)),
            expected=f"those of its submissions in the gradebook ({count})",
        )


def _differences(before: Kinds, now: Kinds) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{name!r} is gone"
        elif name not in before:
            yield f"{name!r} is new"
        elif before[name] != now[name]:
            was, is_now = (" and ".join(sorted(kinds)) or "read-only" for kinds in (before[name], now[name]))
            yield f"{name!r} was {was}, and is {is_now}"
