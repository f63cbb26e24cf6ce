"""A class that has begun: once work of it was graded, its assignment keeps its notebooks, and these keep their cells.

The gradebook has a row for each cell of each submission. nbgrader refuses too, but doesn't say which cells it means.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Assignment, MissingEntry, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from lib.grading.book.gradebook import open_gradebook
from lib.grading.errors import CannotBuild

KINDS = {"grade": (is_grade, "graded"), "solution": (is_solution, "for an answer"), "task": (is_task, "a task")}
"""The kinds of cells of which the gradebook has rows of their own: how to tell, and how to say it."""
ATTEMPT = "put back what was there, and keep the change for the next class, in a course folder of its own"


def refuse_other_cells(course: CourseDirectory, built: Path) -> None:
    """Raise CannotBuild where the notebooks in `built` aren't those that submissions were graded with.

    Reads the gradebook, which nbgrader makes where there is none.
    """
    notebooks = {file.stem: nbformat.read(file, as_version=4) for file in sorted(built.glob("*.ipynb"))}
    with suppress(MissingEntry), open_gradebook(course.db_url) as gradebook:
        assignment = gradebook.find_assignment(course.assignment_id)
        if assignment.num_submissions and course.notebook_id == "*":
            _refuse_other_notebooks(assignment, notebooks)
        for known in assignment.notebooks:
            if known.name in notebooks and known.num_submissions:
                _refuse_cells_of(known, notebooks[known.name].cells)


def _refuse_other_notebooks(assignment: Assignment, built: Iterable[str]) -> None:
    before, now = {notebook.name for notebook in assignment.notebooks}, set(built)
    if before != now:
        raise CannotBuild(
            f"{assignment.name}: other notebooks than the class was graded with",
            found=", ".join([*_marked(before - now, "is gone"), *_marked(now - before, "is new")]),
            expected=f"those of its submissions in the gradebook ({assignment.num_submissions})",
            attempt=ATTEMPT,
        )


def _refuse_cells_of(known: Notebook, cells: Iterable[NotebookNode]) -> None:
    before = {cell.name: set[str]() for cell in known.source_cells}
    for kind in KINDS:
        for cell in getattr(known, f"{kind}_cells"):
            before.setdefault(cell.name, set()).add(kind)
    now = dict(_kinds(cells))
    if before != now:
        raise CannotBuild(
            f"{known.name}.ipynb: other cells than the class was graded with",
            found=", ".join(_differences(before, now)),
            expected=f"those of its submissions in the gradebook ({known.num_submissions})",
            attempt=ATTEMPT,
        )


def _kinds(cells: Iterable[NotebookNode]) -> Iterator[tuple[str, set[str]]]:
    """Give the id and the kinds of each cell that the gradebook would have a row of."""
    for cell in cells:
        kinds = {kind for kind, (is_one, _) in KINDS.items() if is_one(cell)}
        if kinds or is_locked(cell):
            yield cell.metadata.nbgrader.grade_id, kinds


def _differences(before: dict[str, set[str]], now: dict[str, set[str]]) -> Iterator[str]:
    yield from _marked(before.keys() - now.keys(), "is gone")
    yield from _marked(now.keys() - before.keys(), "is new")
    for kind, (_, words) in KINDS.items():
        was, is_now = ({id for id in before.keys() & now.keys() if kind in kinds[id]} for kinds in (before, now))
        yield from _marked(was - is_now, f"is no longer {words}")
        yield from _marked(is_now - was, f"is now {words}")


def _marked(names: Iterable[str], what: str) -> Iterator[str]:
    return (f"{name!r} {what}" for name in sorted(names))
