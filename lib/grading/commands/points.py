"""Points: they stand once, in a unit's statements, and the build writes them into the notebook.

A part's graded cell gets the part's points. In Markdown a placeholder becomes a number:

| placeholder | number |
|---|---|
| `{{points}}` | all points in the notebook |
| `{{points:code}}`, `{{points:written}}` | those that the judge gives, and those that a person gives |
| `{{points:check-train}}` | those of one graded cell |
| `{{points:check-train.EpochLoss}}` | those of one statement |

What a person grades has its points in the cell, as nbgrader keeps them. A notebook whose cells don't fit the unit is
refused: nbgrader would give everybody full points for a cell that nothing judges.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from lib.grading.commands.build import CannotBuild, place_of
from lib.grading.submissions.preprocessors import UnitPreprocessor
from lib.unit import Part, Unit

PLACEHOLDER = re.compile(r"\{\{\s*points?\b\s*:?([^{}]*)\}\}")
SOLUTION = "zerolayer_solution"
"""Under this name a notebook's resources hold it as it was before its blanks were made, for `Prove`."""
TOOLBAR = "nbgrader's Create Assignment, in JupyterLab"


class Points(UnitPreprocessor):
    """Writes a unit's points into its notebook; what doesn't fit the unit is refused. Called by GenerateAssignment."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called once a notebook, before its blanks are made. A notebook without a unit stays as it is."""
        key = self.unit(resources)
        if key is not None:
            file = f"{resources['unique_key']}.ipynb"
            for index, cell in enumerate(nb.cells):
                write_points(cell, key.unit, place_of(cell, index, resources))
            others = read_others(Path(resources["metadata"]["path"]), file)
            ids = [id for each in (nb, *others) for id in graded_ids(each)]
            for part in key.unit.parts:
                refuse_part_without_cell(part, ids, file)
            numbers = numbers_of(nb, others, key.unit)
            for index, cell in enumerate(nb.cells):
                if cell.cell_type == "markdown":
                    cell.source = fill_placeholders(cell.source, numbers, place_of(cell, index, resources))
            resources[SOLUTION] = deepcopy(nb)
        return nb, resources


def write_points(cell: NotebookNode, unit: Unit, place: str) -> None:
    """Write a part's points into its cell. Raises CannotBuild where the cell and the unit don't fit."""
    id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    part = next((part for part in unit.parts if part.id == id), None)
    if part is None:
        if is_tested(cell):
            raise CannotBuild(
                "a graded cell without a Part, which nothing would judge",
                place=place,
                found=f"the id {id!r}",
                expected=f"the id of one of the unit's Parts{spelt_like(id, (part.id for part in unit.parts))}",
                attempt=f"correct the id in {TOOLBAR}, or add a Part to lib/units/{unit.name}",
            )
        return
    if not is_tested(cell):
        raise CannotBuild(
            f"the cell of the Part {id!r} is not one that tests alone decide on",
            place=place,
            found=f"a {cell.cell_type} cell, {'graded' if is_grade(cell) else 'not graded'}"
            f"{', with a solution' if is_solution(cell) else ''}",
            expected="a graded code cell without a solution",
            attempt=f"make it 'Autograded tests' in {TOOLBAR}",
        )
    found = cell.metadata.nbgrader.get("points", part.points)
    if found != part.points:
        raise CannotBuild(
            "other points than the Part's",
            place=place,
            found=f"{found:g} points in the cell" if isinstance(found, int | float) else f"{found!r} in the cell",
            expected=f"{part.points:g}, the sum over the Part's statements",
            attempt=f"set {part.points:g} in {TOOLBAR}, or change the statements' points in lib/units/{unit.name}",
        )
    cell.metadata.nbgrader.points = part.points


def is_tested(cell: NotebookNode) -> bool:
    """Tell whether tests alone decide on a cell's points. A person does where it is a solution, a text or a task."""
    return is_grade(cell) and cell.cell_type == "code" and not is_solution(cell)


def graded_ids(nb: NotebookNode) -> list[str]:
    """List the ids of the cells that tests decide on."""
    return [cell.metadata.nbgrader.grade_id for cell in nb.cells if is_tested(cell)]


def read_others(folder: Path, file: str) -> list[NotebookNode]:
    """Read the assignment's other notebooks: a unit's parts may be in several."""
    others = [path for path in sorted(folder.glob("*.ipynb")) if path.name != file]
    return [nbformat.read(path, as_version=4) for path in others]


def refuse_part_without_cell(part: Part, ids: list[str], file: str) -> None:
    """Raise CannotBuild unless a part has one cell."""
    if ids.count(part.id) != 1:
        raise CannotBuild(
            "a Part without its own cell",
            place=file,
            found=f"{ids.count(part.id) or 'no'} graded code cells with the id {part.id!r}",
            expected="one",
            attempt=f"give its check that id in {TOOLBAR}, or take the Part out of the unit",
        )


def numbers_of(nb: NotebookNode, others: Iterable[NotebookNode], unit: Unit) -> dict[str, float]:
    """Give the number that stands for each placeholder's name.

    The sums are those of this notebook; a text may speak of cells in the assignment's `others` too.
    """
    own = graded_points(nb)
    elsewhere = {id: points for each in others for id, points in graded_points(each).items()}
    parts = {part.id: part.points for part in unit.parts}
    statements = {f"{part.id}.{each.name}": each.points for part in unit.parts for each in part.statements}
    total, code = sum(own.values()), sum(points for id, points in parts.items() if id in own)
    return {"": total, "code": code, "written": total - code, **elsewhere, **own, **parts, **statements}


def graded_points(nb: NotebookNode) -> dict[str, float]:
    """Give the points of each graded cell and task, by its id."""
    own = [cell.metadata.nbgrader for cell in nb.cells if is_grade(cell) or is_task(cell)]
    return {cell.grade_id: cell.get("points", 0) for cell in own}


def fill_placeholders(source: str, numbers: Mapping[str, float], place: str) -> str:
    """Put numbers in the place of a text's placeholders. Raises CannotBuild where one has an unknown name."""

    def number(placeholder: re.Match[str]) -> str:
        name = placeholder[1].strip()
        if name not in numbers:
            known = ", ".join(filter(None, numbers))
            raise CannotBuild(
                "a placeholder for points that nothing has",
                place=place,
                found=placeholder[0],
                expected="{{points}}, or {{points:NAME}} with one of the names " + known,
                attempt=f"correct the name{spelt_like(name, numbers)}",
            )
        return f"{numbers[name]:g}"

    return PLACEHOLDER.sub(number, source)


def spelt_like(name: str, others: Iterable[str]) -> str:
    """Name what is spelt nearly as `name`, if there is any."""
    close = get_close_matches(name, sorted(others), 1)
    return f", such as {close[0]!r}" if close else ""
