"""Restoring a submitted notebook: ids, flags, points, locked cells and their places come from the gradebook.

A student may have deleted, changed, doubled or moved a check, flipped a cell's metadata, or sent another notebook. Whatever
came, what goes on from here has every cell that the course knows, once and in an order in which the checks can work.
"""

from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.api import Notebook as GradebookNotebook
from nbgrader.preprocessors import NbGraderPreprocessor

SCHEMA_VERSION = 3


class RestoreCells(NbGraderPreprocessor):
    """Replaces DeduplicateIds, OverwriteCells and CheckCellMetadata when a submission is sanitised."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde on each submitted notebook before it is run."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            known = known_cells(gradebook.find_notebook(names["notebook"], names["assignment"]))
        nb.cells = restored(nb.cells, known)
        return nb, resources


def known_cells(notebook: GradebookNotebook) -> dict[str, NotebookNode]:
    """Make the cells that the gradebook knows, by id and in the order of the source notebook."""
    points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    grades, solutions, tasks = (
        {cell.name for cell in cells} for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
    )
    known = {}
    for source in notebook.source_cells:
        make = new_code_cell if source.cell_type == "code" else new_markdown_cell
        cell = make(source.source)
        cell.id = source.name[:64]
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
    """Put submitted and known cells together.

    Of a doubled cell the last counts (it is the one that a run leaves defined). Locked cells are the course's own, put
    right behind the known cell that precedes them unless they stand somewhere after it already. A deleted code cell comes
    back empty: its code may live on in another cell, which a fresh copy of the blanks would undo.
    """
    counted = {_id(cell): at for at, cell in enumerate(cells) if _id(cell) in known}
    kept = [_own(cell, known[_id(cell)] if counted.get(_id(cell)) == at else None) for at, cell in enumerate(cells)]
    last = -1
    for name, master in known.items():
        at = next((i for i, cell in enumerate(kept) if _id(cell) == name), None)
        movable = not master.metadata.nbgrader.solution
        if at is None:
            kept.insert(last + 1, _emptied(master))
            at = last + 1
        elif at < last and movable:
            kept.insert(last, kept.pop(at))
            at = last
        last = max(last, at)
    return kept


def _id(cell: NotebookNode) -> str:
    metadata = cell.get("metadata", {}).get("nbgrader", {})
    name = metadata.get("grade_id", "") if isinstance(metadata, dict) else ""
    return name if isinstance(name, str) else ""


def _own(cell: NotebookNode, master: NotebookNode | None) -> NotebookNode:
    """Return the cell that stands for a submitted one: the course's where it is locked, else the student's source."""
    if master is None:
        cell.metadata.pop("nbgrader", None)
        return cell
    own = NotebookNode(master)
    if master.metadata.nbgrader.solution:
        own.source = cell.source
    return own


def _emptied(master: NotebookNode) -> NotebookNode:
    cell = NotebookNode(master)
    if master.metadata.nbgrader.solution and cell.cell_type == "code":
        cell.source = ""
    return cell
