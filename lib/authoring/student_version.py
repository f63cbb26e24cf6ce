"""The student version of a solution notebook: points from the unit, blanks for markers, and nbgrader's own steps.

Points stand once, in a unit's statements. A part's graded cell gets the part's points, and in Markdown placeholders
such as `{{points:check-train}}` become numbers. What a person grades has its points in the cell, as nbgrader has it.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbgrader import preprocessors as nbgrader
from nbgrader.utils import is_grade, is_solution, is_task
from traitlets.config import Configurable

from lib.authoring.markers import Hidden, make_blanks
from lib.blanks import open_blanks
from lib.grading.errors import Fault
from lib.grading.pipeline.unit_faults import TOOLBAR, suggest
from lib.grading.submissions.restore import course_id
from lib.unit import Part, Unit

PLACEHOLDER = re.compile(r"\{\{\s*points?\b\s*:?([^{}]*)\}\}")
CALL = re.compile(r"^check\.(\w+)\(", re.MULTILINE)
HIDING = re.compile(r"#\?.*\?")
DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}")
"""Ids that JupyterLab gives new cells, and nbformat."""
FIRST = (nbgrader.IncludeHeaderFooter, nbgrader.InstantiateTests, nbgrader.LockCells)
FOR_THE_GRADEBOOK = (nbgrader.ClearOutput, nbgrader.CheckCellMetadata, nbgrader.ComputeChecksums)
LAST = (nbgrader.ClearHiddenTests, nbgrader.ClearMarkScheme, nbgrader.ComputeChecksums, nbgrader.CheckCellMetadata)
"""nbgrader's own steps, in its own order: before the blanks, after them, and when the gradebook has the notebook."""
SILENT = logging.Logger("nbgrader's steps", logging.CRITICAL + 1)  # they log what they raise, with its traceback


@dataclass
class Student:
    """What comes of a solution notebook: what students get, what the gradebook keeps, and what the blanks hide.

    Where there are `faults`, the notebooks are half made.
    """

    notebook: NotebookNode
    master: NotebookNode
    hidden: list[Hidden] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def student_notebook(
    solution: NotebookNode,
    unit: Unit | None,
    file: str = "notebook.ipynb",
    beside: Iterable[NotebookNode] = (),
    settings: Configurable | None = None,
    resources: Mapping[str, Any] = {},
) -> Student:
    """Make the student version of a solution; without a unit as nbgrader does, but for blanks. Changes nothing.

    `file` is how faults name it, and `beside` are the assignment's other notebooks: a text may speak of points there.
    `settings` and `resources` are for nbgrader's steps, and what these refuse is raised as they raise it.
    """
    nb = _run(FIRST, deepcopy(solution), settings, resources)
    _clear_mark_schemes(nb, settings)
    made = Student(nb, nb)
    if unit:
        # Where a notebook doesn't say its language, the browser edition asks each student which kernel to take.
        nb.metadata.setdefault("language_info", {"name": "python"})
    numbers = numbers_of(nb, beside, unit) if unit else {}
    parts = {part.id: part for part in unit.parts} if unit else {}
    for place, cell in places_of(nb, file):
        try:
            if unit and has_points(cell):
                write_points(cell, parts.get(course_id(cell)), place)
            if unit and cell.cell_type == "markdown":
                cell.source = fill_placeholders(cell.source, numbers, place)
            made.hidden += make_blanks(cell, place, is_plain=unit is None)
        except Fault as fault:
            made.faults.append(fault)
    if made.faults:
        return made
    # nbgrader's own clears written answers and their regions, and where there is no unit also code without blanks.
    left = [cell for cell in nb.cells if cell.cell_type != "code" or (unit is None and not _has_blanks(cell))]
    nbgrader.ClearSolutions(parent=settings).preprocess(NotebookNode(cells=left, metadata=nb.metadata), {})
    made.master = _run(FOR_THE_GRADEBOOK, nb, settings, resources)
    made.notebook = finish(made.master, settings, resources)
    return made


def mark_cells(nb: NotebookNode, unit: Unit) -> None:
    """Write nbgrader's metadata into code cells that have none: the call of a check makes a cell the tests of its part,
    and a marker makes it an answer, with the cell's own id, or where that is a random one, the name that it defines.
    """
    checks = {part.name: part.id for part in unit.parts}
    for cell in nb.cells:
        if cell.cell_type != "code" or "nbgrader" in cell.metadata:
            continue
        tested = next((checks[name] for name in CALL.findall(cell.source) if name in checks), "")
        if tested or HIDING.search(cell.source):
            defined = DEFINED.search(cell.source)
            own = cell.id if "id" in cell and not RANDOM.fullmatch(cell.id) else defined[1].lower() if defined else ""
            kind = {"grade": True, "locked": True, "points": 0} if tested else {"grade": False, "locked": False}
            cell.metadata.nbgrader = NotebookNode(
                grade_id=tested or own or cell.get("id", ""), solution=not tested, task=False, schema_version=3, **kind
            )


def _clear_mark_schemes(nb: NotebookNode, settings: Configurable | None) -> None:
    """Take out how what a person grades is to be marked: nbgrader knows such regions in tasks alone, and keeps them.

    Formgrader reads them in the solution. In other cells nbgrader's own step refuses them, later on.
    """
    step = nbgrader.ClearMarkScheme(parent=settings, log=SILENT, enforce_metadata=False)
    for cell in nb.cells:
        if is_task(cell) or (is_grade(cell) and is_solution(cell)):
            step.preprocess_cell(cell, {}, 0)


def finish(master: NotebookNode, settings: Configurable | None, resources: Mapping[str, Any]) -> NotebookNode:
    """Make what students get of what the gradebook keeps: without hidden tests and marking schemes."""
    return _run(LAST, deepcopy(master), settings, resources)  # nbgrader's steps change what they are given


def _run(
    steps: Iterable[type], nb: NotebookNode, settings: Configurable | None, resources: Mapping[str, Any]
) -> NotebookNode:
    left = dict(resources)
    for step in steps:
        nb, left = step(parent=settings, log=SILENT)(nb, left)
    return nb


def _has_blanks(cell: NotebookNode) -> bool:
    return is_solution(cell) and cell.cell_type == "code" and bool(open_blanks(cell.source))


def places_of(nb: NotebookNode, file: str) -> Iterator[tuple[str, NotebookNode]]:
    """Yield each cell with its name for a message: its notebook, and its id or its number."""
    for number, cell in enumerate(nb.cells, 1):
        yield f"{file}, cell {course_id(cell) or cell.get('id') or f'number {number}'!r}", cell


def write_points(cell: NotebookNode, part: Part | None, place: str) -> None:
    """Write a part's points into its cell. Raises Fault where it has others, or where any cell's are no number."""
    found = cell.metadata.nbgrader.get("points", 0)  # nbgrader begins with 0
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Fault(place, "points that are no number", f"set them in {TOOLBAR}", found=repr(found))
    if part and found not in (0, part.points):
        raise Fault(
            place,
            "other points than the Part's",
            f"set {part.points:g} in {TOOLBAR}, or change the statements' points in the unit",
            found=f"{found:g} points in the cell",
            expected=f"{part.points:g}, the sum over the Part's statements",
        )
    cell.metadata.nbgrader.points = part.points if part else found


def numbers_of(nb: NotebookNode, beside: Iterable[NotebookNode], unit: Unit) -> dict[str, float]:
    """Return the number that stands for each placeholder's name; the sums are those of one notebook."""
    parts = {part.id: part.points for part in unit.parts}
    own, *others = (points_in(each, parts) for each in (nb, *beside))
    elsewhere = {id: points for each in others for id, points in each.items()}
    statements = {f"{part.id}.{each.name}": each.points for part in unit.parts for each in part.reported}
    total, code = sum(own.values()), sum(points for id, points in own.items() if id in parts)
    return {"": total, "code": code, "written": total - code, **elsewhere, **own, **parts, **statements}


def points_in(nb: NotebookNode, parts: Mapping[str, float]) -> dict[str, float]:
    """Return the points of each cell that has some, by its id: those of the unit's `parts`, or its own number."""
    own = [cell.metadata.nbgrader for cell in nb.cells if has_points(cell)]
    found = {cell.grade_id: parts.get(cell.grade_id, cell.get("points", 0)) for cell in own}
    return {id: points if isinstance(points, int | float) else 0 for id, points in found.items()}


def has_points(cell: NotebookNode) -> bool:
    """True if a cell is graded, by tests or by a person."""
    return bool(is_grade(cell) or is_task(cell))


def fill_placeholders(source: str, numbers: Mapping[str, float], place: str) -> str:
    """Put numbers in the place of a text's placeholders. Raises Fault where one has an unknown name."""

    def number(placeholder: re.Match[str]) -> str:
        if (name := placeholder[1].strip()) in numbers:
            return f"{numbers[name]:g}"
        raise Fault(
            place,
            "a placeholder for points that nothing has",
            f"correct the name{suggest(name, numbers)}",
            found=placeholder[0],
            expected="{{points}}, or {{points:NAME}} with one of " + ", ".join(filter(None, numbers)),
        )

    return PLACEHOLDER.sub(number, source)
