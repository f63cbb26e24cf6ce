"""The student version of a solution notebook: points from the unit, blanks for markers, and nbgrader's preprocessors.

Points are defined once, in a unit's statements. The graded cell of a part gets the part's points, and in Markdown
placeholders such as `{{points:check-train}}` become numbers. Cells that a person grades have their points in the cell,
as in nbgrader.
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

from lib.authoring.markers import HiddenAnswer, make_blanks
from lib.blanks import open_blanks
from lib.grading.errors import Fault
from lib.grading.pipeline.unit_preprocessor import TOOLBAR, suggest
from lib.grading.submissions.restore import course_id
from lib.unit import Part, Unit

PLACEHOLDER = re.compile(r"\{\{\s*points?\b\s*:?([^{}]*)\}\}")
CALL = re.compile(r"^check\.(\w+)\(", re.MULTILINE)
HIDING = re.compile(r"#\?.*\?")
DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}")
"""The form of the ids that JupyterLab and nbformat give to new cells."""
FIRST = (nbgrader.IncludeHeaderFooter, nbgrader.InstantiateTests, nbgrader.LockCells)
FOR_THE_GRADEBOOK = (nbgrader.ClearOutput, nbgrader.CheckCellMetadata, nbgrader.ComputeChecksums)
LAST = (nbgrader.ClearHiddenTests, nbgrader.ClearMarkScheme, nbgrader.ComputeChecksums, nbgrader.CheckCellMetadata)
"""nbgrader's preprocessors, in its own order: before the blanks, after them, and after writing the gradebook's rows."""
SILENT = logging.Logger("nbgrader's steps", logging.CRITICAL + 1)  # they log the traceback of errors that they raise


@dataclass
class StudentVersion:
    """The notebook for students, its source version for the gradebook, and the hidden answers.

    If there are `faults`, the notebooks are incomplete.
    """

    notebook: NotebookNode
    source: NotebookNode
    hidden: list[HiddenAnswer] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def make_student_version(
    solution: NotebookNode,
    unit: Unit | None,
    file: str = "notebook.ipynb",
    others: Iterable[NotebookNode] = (),
    settings: Configurable | None = None,
    resources: Mapping[str, Any] = {},
) -> StudentVersion:
    """Return the student version of a solution, and don't change the solution.

    Without a unit it is nbgrader's version, but with blanks. `file` is the notebook's name in faults, and `others` are
    the assignment's other notebooks, because placeholders may refer to their points. `settings` and `resources` are for
    nbgrader's preprocessors, whose exceptions are not caught.
    """
    nb = _run(FIRST, deepcopy(solution), settings, resources)
    _clear_mark_schemes(nb, settings)
    version = StudentVersion(nb, nb)
    if unit:
        # Without a language in the metadata, the browser edition asks each student for a kernel.
        nb.metadata.setdefault("language_info", {"name": "python"})
    numbers = numbers_of(nb, others, unit) if unit else {}
    parts = {part.id: part for part in unit.parts} if unit else {}
    for place, cell in places_of(nb, file):
        try:
            if unit and has_points(cell):
                write_points(cell, parts.get(course_id(cell)), place)
            if unit and cell.cell_type == "markdown":
                cell.source = fill_placeholders(cell.source, numbers, place)
            version.hidden += make_blanks(cell, place, is_plain=unit is None)
        except Fault as fault:
            version.faults.append(fault)
    if version.faults:
        return version
    # nbgrader clears written answers and solution regions, and without a unit also code without blanks.
    left = [
        cell
        for cell in nb.cells
        if cell.cell_type != "code" or (unit is None and not (is_solution(cell) and open_blanks(cell.source)))
    ]
    nbgrader.ClearSolutions(parent=settings).preprocess(NotebookNode(cells=left, metadata=nb.metadata), {})
    version.source = _run(FOR_THE_GRADEBOOK, nb, settings, resources)
    version.notebook = finish(version.source, settings, resources)
    return version


def mark_cells(nb: NotebookNode, unit: Unit) -> None:
    """Add nbgrader's metadata to code cells without it.

    A cell that calls a check becomes the tests of that part. A cell with a marker becomes an answer, with the cell's
    own id, or if that is random, the name that the cell defines.
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
    # nbgrader knows mark schemes only in tasks; here answers that a person grades may have one, too. Formgrader shows
    # it from the solution. In other cells nbgrader's own preprocessor refuses it later.
    step = nbgrader.ClearMarkScheme(parent=settings, log=SILENT, enforce_metadata=False)
    for cell in nb.cells:
        if is_task(cell) or (is_grade(cell) and is_solution(cell)):
            step.preprocess_cell(cell, {}, 0)


def finish(source: NotebookNode, settings: Configurable | None, resources: Mapping[str, Any]) -> NotebookNode:
    """Return the students' notebook from the gradebook's: without hidden tests and mark schemes."""
    return _run(LAST, deepcopy(source), settings, resources)  # nbgrader's preprocessors change their notebook


def _run(
    steps: Iterable[type], nb: NotebookNode, settings: Configurable | None, resources: Mapping[str, Any]
) -> NotebookNode:
    results = dict(resources)
    for step in steps:
        nb, results = step(parent=settings, log=SILENT)(nb, results)
    return nb


def places_of(nb: NotebookNode, file: str) -> Iterator[tuple[str, NotebookNode]]:
    """Yield each cell with its place for a message: its notebook, and its id or its number."""
    for number, cell in enumerate(nb.cells, 1):
        yield f"{file}, cell {course_id(cell) or cell.get('id') or f'number {number}'!r}", cell


def write_points(cell: NotebookNode, part: Part | None, place: str) -> None:
    """Write a part's points into its cell. Raises Fault if the cell has other points, or they aren't a number."""
    found = cell.metadata.nbgrader.get("points", 0)  # new cells have 0 points in nbgrader
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Fault(place, "points that are not a number", f"set them in {TOOLBAR}", found=repr(found))
    if part and found not in (0, part.points):
        raise Fault(
            place,
            "other points than the Part's",
            f"set {part.points:g} in {TOOLBAR}, or change the statements' points in the unit",
            found=f"{found:g} points in the cell",
            expected=f"{part.points:g}, the sum over the Part's statements",
        )
    cell.metadata.nbgrader.points = part.points if part else found


def numbers_of(nb: NotebookNode, others: Iterable[NotebookNode], unit: Unit) -> dict[str, float]:
    """Return the number for each placeholder's name. The sums are those of this notebook, without the others."""
    parts = {part.id: part.points for part in unit.parts}
    own = points_in(nb, parts)
    elsewhere = {id: points for each in others for id, points in points_in(each, parts).items()}
    total, code = sum(own.values()), sum(points for id, points in own.items() if id in parts)
    return {"": total, "code": code, "written": total - code, **elsewhere, **own, **parts}


def points_in(nb: NotebookNode, parts: Mapping[str, float]) -> dict[str, float]:
    """Return the points of each graded cell by its id: those of the unit's `parts`, or the number in the cell."""
    own = [cell.metadata.nbgrader for cell in nb.cells if has_points(cell)]
    found = {cell.grade_id: parts.get(cell.grade_id, cell.get("points", 0)) for cell in own}
    return {id: points if isinstance(points, int | float) else 0 for id, points in found.items()}


def has_points(cell: NotebookNode) -> bool:
    """True if a cell is graded by tests or by a person."""
    return bool(is_grade(cell) or is_task(cell))


def fill_placeholders(source: str, numbers: Mapping[str, float], place: str) -> str:
    """Return a text with numbers instead of placeholders. Raises Fault for an unknown name."""

    def number(placeholder: re.Match[str]) -> str:
        if (name := placeholder[1].strip()) in numbers:
            return f"{numbers[name]:g}"
        raise Fault(
            place,
            "a placeholder with an unknown name",
            f"correct the name{suggest(name, numbers)}",
            found=placeholder[0],
            expected="{{points}}, or {{points:NAME}} with one of " + ", ".join(filter(None, numbers)),
        )

    return PLACEHOLDER.sub(number, source)
