"""Restoring a submitted notebook: ids, flags, points, locked cells and their places come from the gradebook.

A student may have deleted, changed, doubled or moved a check, flipped a cell's metadata, or sent another notebook.
Whatever came, what goes on from here has every cell that the course knows, once and in an order in which the checks
can work.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.api import Notebook as GradebookNotebook
from nbgrader.preprocessors import NbGraderPreprocessor

from lib.grading.running.execute import REMARKS
from lib.grading.submissions.read import sound

SCHEMA_VERSION = 3
MASTER = "zerolayer_master"
"""Under this name a run hands on, with a submission's resources, what it has already read from the gradebook."""


@dataclass(frozen=True)
class Master:
    """A notebook as the gradebook knows it: its kernel, its cells, and the rows that hold points and comments.

    `graded` and `commented` give the row of a cell by its name.
    """

    id: str
    kernelspec: dict[str, str] | None
    cells: dict[str, NotebookNode]
    graded: dict[str, str]
    commented: dict[str, str]

    @classmethod
    def of(cls, notebook: GradebookNotebook) -> Self:
        """Read a master from the gradebook."""
        graded, commented = (
            {cell.name: cell.id for cell in (*cells, *notebook.task_cells)}
            for cells in (notebook.grade_cells, notebook.solution_cells)
        )
        kernelspec = json.loads(notebook.kernelspec) if notebook.kernelspec else None
        return cls(notebook.id, kernelspec, known_cells(notebook), graded, commented)


class RestoreCells(NbGraderPreprocessor):
    """Stands for DeduplicateIds, OverwriteKernelspec, OverwriteCells and CheckCellMetadata in sanitising."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde on each submitted notebook before it is run."""
        master = resources[MASTER] if MASTER in resources else _read(resources["nbgrader"])
        submitted = [sound(cell) for cell in nb.cells]
        remarks = resources.setdefault(REMARKS, [])
        if not remarks and not any(_id(cell) in master.cells for cell in submitted):
            remarks.append("No cell says that it is the assignment's. Is it another notebook, or is its metadata lost?")
        nb.cells = restored(submitted, master.cells)
        nb.metadata = NotebookNode({"kernelspec": NotebookNode(master.kernelspec)} if master.kernelspec else {})
        return nb, resources


def _read(names: dict[str, str]) -> Master:
    with Gradebook(names["db_url"]) as gradebook:
        return Master.of(gradebook.find_notebook(names["notebook"], names["assignment"]))


def known_cells(notebook: GradebookNotebook) -> dict[str, NotebookNode]:
    """Make the cells that the gradebook knows, by id and in the order of the source notebook."""
    points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    grades, solutions, tasks = (
        {cell.name for cell in cells} for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
    )
    known = {}
    for source in notebook.source_cells:
        cell = sound({"cell_type": source.cell_type, "source": source.source})
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


def restored(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """Put submitted and known cells together, each known one once.

    The student's cells stay in the student's order. What is missing comes in front of what follows it in the source. A
    check that stands in front of a solution that precedes it there is moved behind it, and a given cell that stands
    behind anything that follows it there is moved in front.
    """
    kept, names = _once(cells, known), list(known)
    if [id for cell in kept if (id := _id(cell)) in known] == names:
        return kept  # in the source's order, as nearly all submissions are
    followers = {name: names[at + 1 :] for at, name in enumerate(names)}
    solutions = [name for name in names if known[name].metadata.nbgrader.solution]
    for name in reversed(names):
        if not _places(kept, [name]):
            kept.insert(_front(kept, followers[name]), _missing(known[name]))
    for name in reversed(names):
        [place] = _places(kept, [name])
        if _is_given(known[name]):
            kept.insert(min(place, _front(kept, followers[name])), kept.pop(place))
        elif name not in solutions:
            behind = 1 + max(_places(kept, [other for other in solutions if name in followers[other]]), default=-1)
            kept.insert(max(place, behind - 1), kept.pop(place))
    return kept


def _once(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """Keep each known cell once: of copies the last that isn't as it was released, since a run leaves that defined."""
    copies: dict[str, list[int]] = {}
    for at, cell in enumerate(cells):
        copies.setdefault(_id(cell), []).append(at)
    counted, untouched = set(), set()
    for name in copies.keys() & known.keys():
        written = [at for at in copies[name] if cells[at].source != known[name].source]
        counted.add((written or copies[name])[-1])
        untouched.update(set(copies[name]) - set(written))
    return [
        _own(cell, known[_id(cell)] if at in counted else None)
        for at, cell in enumerate(cells)
        if at in counted or at not in untouched
    ]


def _own(cell: NotebookNode, master: NotebookNode | None) -> NotebookNode:
    """Give the cell that stands for a submitted one: the course's where it is locked, else with the student's text."""
    if master is None:
        cell.metadata.pop("nbgrader", None)
        return cell
    own = _copy(master)
    if master.metadata.nbgrader.solution:
        own.source = cell.source
        if own.cell_type == "markdown" and "attachments" in cell:
            own.attachments = cell.attachments
    return own


def _missing(master: NotebookNode) -> NotebookNode:
    """Give what stands for a deleted cell. Code may live on in another, which a fresh copy of the blanks would undo."""
    cell = _copy(master)
    if cell.cell_type == "code" and cell.metadata.nbgrader.solution:
        cell.source = ""
    return cell


def _copy(master: NotebookNode) -> NotebookNode:
    """Copy a cell of the course's, for one submission: nbgrader's steps write into cells."""
    cell = sound(master)
    cell.metadata["nbgrader"] = NotebookNode(master.metadata["nbgrader"])
    return cell


def _is_given(cell: NotebookNode) -> bool:
    return not any(cell.metadata.nbgrader[flag] for flag in ("grade", "solution", "task"))


def _front(kept: list[NotebookNode], names: list[str]) -> int:
    return min(_places(kept, names), default=len(kept))


def _places(kept: list[NotebookNode], names: list[str]) -> list[int]:
    return [at for at, cell in enumerate(kept) if _id(cell) in names]


def _id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
