"""Points: they stand once, in a unit's statements, and the build writes them into the notebook.

A part's graded cell gets the part's points. In Markdown placeholders such as `{{points:check-train}}`, which
docs/teaching.md lists, become numbers.

What a person grades has its points in the cell, as nbgrader keeps them. A notebook whose cells don't fit the unit is
refused: nbgrader would give everybody full points for a cell that nothing judges.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_task

from lib.grading.commands.build import CannotBuild, place_of
from lib.grading.door.cells import course_id
from lib.grading.grade.unit_faults import TOOLBAR, lost_unit, misfits, suggest
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.unit import Part, Unit

PLACEHOLDER = re.compile(r"\{\{\s*points?\b\s*:?([^{}]*)\}\}")
SOLUTION = "zerolayer_solution"
"""Under this name a notebook's resources hold it as it was before its blanks were made, for `Prove`."""


class Points(UnitPreprocessor):
    """Writes a unit's points into its notebook; what doesn't fit the unit is refused. Called by GenerateAssignment."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called once a notebook, before its blanks are made. A notebook without a unit stays as it is."""
        key = self.unit_of(resources["nbgrader"]["assignment"])
        file, assignment = f"{resources['unique_key']}.ipynb", resources["nbgrader"]["assignment"]
        if key is None and assignment not in self.units and (lost := lost_unit(assignment, {file: nb.cells})):
            raise lost
        if key is not None:
            folder = Path(resources["metadata"]["path"])
            # A unit's parts may be in several notebooks.
            others = {path.name: nbformat.read(path, as_version=4) for path in folder.glob("*.ipynb")}
            notebooks = {file: nb.cells} | {name: other.cells for name, other in others.items() if name != file}
            for misfit in misfits(key.unit, notebooks):
                raise misfit
            for index, cell in enumerate(nb.cells):
                if part := key.part(course_id(cell)):
                    write_points(cell, part, place_of(cell, index, resources))
            numbers = numbers_of(file, notebooks, key.unit)
            for index, cell in enumerate(nb.cells):
                if cell.cell_type == "markdown":
                    cell.source = fill_placeholders(cell.source, numbers, place_of(cell, index, resources))
            resources[SOLUTION] = deepcopy(nb)  # the next step replaces the answers by blanks
        return nb, resources


def write_points(cell: NotebookNode, part: Part, place: str) -> None:
    """Write a part's points into its cell. Raises CannotBuild where it has others; nbgrader begins with 0."""
    if (found := cell.metadata.nbgrader.get("points", 0) or part.points) != part.points:
        raise CannotBuild(
            f"{place}: other points than the Part's",
            found=f"{found:g} points in the cell" if isinstance(found, int | float) else f"{found!r} in the cell",
            expected=f"{part.points:g}, the sum over the Part's statements",
            attempt=f"set {part.points:g} in {TOOLBAR}, or change the statements' points in the unit",
        )
    cell.metadata.nbgrader.points = part.points


def numbers_of(file: str, notebooks: Mapping[str, list[NotebookNode]], unit: Unit) -> dict[str, float]:
    """Give the number that stands for each placeholder's name.

    The sums are those of one `file`; its text may speak of cells in the assignment's other notebooks too.
    """
    own = graded_points(notebooks[file])
    elsewhere = {id: points for cells in notebooks.values() for id, points in graded_points(cells).items()}
    parts = {part.id: part.points for part in unit.parts}
    statements = {f"{part.id}.{each.name}": each.points for part in unit.parts for each in part.reported}
    total, code = sum(own.values()), sum(points for id, points in parts.items() if id in own)
    return {"": total, "code": code, "written": total - code, **elsewhere, **parts, **statements}


def graded_points(cells: list[NotebookNode]) -> dict[str, float]:
    """Give the points of each graded cell and task, by its id."""
    own = [cell.metadata.nbgrader for cell in cells if is_grade(cell) or is_task(cell)]
    return {cell.grade_id: cell.get("points", 0) for cell in own}


def fill_placeholders(source: str, numbers: Mapping[str, float], place: str) -> str:
    """Put numbers in the place of a text's placeholders. Raises CannotBuild where one has an unknown name."""

    def number(placeholder: re.Match[str]) -> str:
        name = placeholder[1].strip()
        if name not in numbers:
            known = ", ".join(filter(None, numbers))
            raise CannotBuild(
                f"{place}: a placeholder for points that nothing has",
                found=placeholder[0],
                expected="{{points}}, or {{points:NAME}} with one of the names " + known,
                attempt=f"correct the name{suggest(name, numbers)}",
            )
        return f"{numbers[name]:g}"

    return PLACEHOLDER.sub(number, source)
