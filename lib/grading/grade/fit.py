"""Whether the cells of an assignment fit the parts of its unit: each tested cell has a part, and each part one cell.

nbgrader would give everybody full points for a cell that nothing judges.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution

from lib.grading.door.cells import course_id
from lib.grading.errors import CannotBuild
from lib.unit import Unit

TOOLBAR = "nbgrader's Create Assignment, in JupyterLab"


def misfits(unit: Unit, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Iterator[CannotBuild]:
    """Say what doesn't fit in an assignment's notebooks, which are given as cells by the name of the file."""
    parts, tested = [part.id for part in unit.parts], []
    for file, cells in notebooks.items():
        for cell in cells:
            tested += [course_id(cell)] if is_tested(cell) else []
            if fault := _misfit(cell, file, parts, unit.name):
                yield fault
    for id in parts:
        if id in unit.later_cells and id not in tested:
            continue  # the class has begun with a notebook from before, and goes on with that
        if (count := tested.count(id)) != 1:
            give_it_one = f"give its check that id in {TOOLBAR}, or take the Part out of the unit"
            yield CannotBuild(
                f"{', '.join(notebooks)}: a Part {'with several cells' if count else 'without its own cell'}",
                found=f"{count or 'no'} graded code cells with the id {id!r}",
                expected="one",
                attempt="remove the copy, of the cell or of the whole notebook" if count else give_it_one,
            )


def _misfit(cell: NotebookNode, file: str, parts: list[str], unit: str) -> CannotBuild | None:
    """Say that a tested cell has no part, or that a part's cell is no tested one."""
    id = course_id(cell)
    if is_tested(cell) and id not in parts:
        return CannotBuild(
            f"{file}, cell {id!r}: a graded cell without a Part, which nothing would judge",
            found=f"the id {id!r}",
            expected=f"the id of one of the unit's Parts{suggest(id, parts)}",
            attempt=f"correct the id in {TOOLBAR}, or add a Part to the unit {unit}",
        )
    if id in parts and not is_tested(cell):
        kind = f"{'graded' if is_grade(cell) else 'not graded'}{', with a solution' if is_solution(cell) else ''}"
        return CannotBuild(
            f"{file}, cell {id!r}: the cell of the Part {id!r} is not one that tests alone decide on",
            found=f"a {cell.cell_type} cell, {kind}",
            expected="a graded code cell without a solution",
            attempt=f"make it 'Autograded tests' in {TOOLBAR}",
        )
    return None


def lost_unit(assignment: str, notebooks: Mapping[str, Iterable[NotebookNode]]) -> CannotBuild | None:
    """Say that an assignment's notebook calls a unit's checks; for one whose unit can't be found.

    nbgrader would grade the calls as tests, which fail for everybody, since nothing can be imported.
    """
    for file, cells in notebooks.items():
        for cell in cells:
            id = course_id(cell)
            name = id.removeprefix("check-").replace("-", "_")
            call = re.search(rf"^check\.{re.escape(name)}\(", cell.source, re.MULTILINE) if name else None
            loads = re.search(r"^from lib\.units\.(\w+) import", cell.source, re.MULTILINE)
            if cell.cell_type == "code" and ((call and is_tested(cell)) or loads):
                return CannotBuild(
                    f"{file}, cell {id or cell.get('id')!r}: checks of a unit that can't be found",
                    found=(loads or call or [""])[0],
                    expected=f"a unit {assignment}, in `units/` of the course's folder or in an installed package",
                    attempt="start in the course's folder, and install the package that the unit is in",
                )
    return None


def is_tested(cell: NotebookNode) -> bool:
    """Tell whether tests alone decide on a cell's points. A person does where it is a solution, a text or a task."""
    return is_grade(cell) and cell.cell_type == "code" and not is_solution(cell)


def suggest(name: str, others: Iterable[str]) -> str:
    """Name what is spelt nearly as `name`, if there is any."""
    close = get_close_matches(name, sorted(others), 1)
    return f", such as {close[0]!r}" if close else ""
