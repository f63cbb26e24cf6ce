"""Source notebooks: an assignment's notebooks as the gradebook stores them, with all ids, flags, points and texts."""

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Self

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Assignment, Gradebook, SourceCell
from nbgrader.api import Notebook as GradebookNotebook
from sqlalchemy import select

from lib.grading.submissions.submission import clean_cell

SCHEMA_VERSION = 3


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


def cells_of_all(gradebook: Gradebook) -> dict[str, set[str]]:
    """Return the names of each assignment's cells."""
    rows = select(Assignment.name, SourceCell.name).join_from(SourceCell, GradebookNotebook).join(Assignment)
    found = defaultdict[str, set[str]](set)
    for assignment, cell in gradebook.db.execute(rows):
        found[assignment].add(cell)
    return found
