"""What grading asks of a unit, and what is said where it isn't so. Each function gives the faults that it finds.

| asked | or else |
|---|---|
| each tested cell has a part, and each part one cell | nbgrader gives everybody full points for what nothing judges |
| the answers are out of student code's sight | they can be imported, and earn points for nothing |
| the checks are in its sight | everybody has 0 points |
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution

from lib.answer_key import AnswerKey
from lib.grading.errors import Fault, file_line
from lib.grading.submissions.restore import course_id
from lib.grading.unit_registry import CLOSED
from lib.unit import Unit

TOOLBAR = "nbgrader's Create Assignment, in JupyterLab"
LAYOUT = f"lay the unit out as `zerolayer new` does, with the answers in its folder {CLOSED}"


# Whether the cells of an assignment fit the parts of its unit.


def misfits(unit: Unit, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Iterator[Fault]:
    """Say what doesn't fit in an assignment's notebooks, which are given as cells by the name of the file."""
    parts, tested, told = [part.id for part in unit.parts], list[str](), set[str]()
    for file, cells in notebooks.items():
        for cell in cells:
            (tested.append if is_tested(cell) else told.add)(course_id(cell))
            yield from _misfits_of(cell, file, parts, unit.name)
    for id in parts:
        if (count := tested.count(id)) != 1 and not (count == 0 and id in told):
            give_it_one = (
                f"mark its check 'Autograded tests' with that id in {TOOLBAR}, or take the Part out of the unit"
            )
            yield Fault(
                ", ".join(notebooks),
                f"a Part {'with several cells' if count else 'without its own cell'}",
                "remove the copy, of the cell or of the whole notebook" if count else give_it_one,
                found=f"{count or 'no'} graded code cells with the id {id!r}",
                expected="one",
            )


def _misfits_of(cell: NotebookNode, file: str, parts: list[str], unit: str) -> Iterator[Fault]:
    """Say that a tested cell has no part, or that a part's cell is no tested one."""
    id = course_id(cell)
    if is_tested(cell) and id not in parts:
        yield Fault(
            f"{file}, cell {id!r}",
            "a graded cell without a Part, which nothing would judge",
            f"correct the id in {TOOLBAR}, or add a Part to the unit {unit}",
            found=f"the id {id!r}",
            expected=f"the id of one of the unit's Parts{suggest(id, parts)}",
        )
    if id in parts and not is_tested(cell):
        kind = f"{'graded' if is_grade(cell) else 'not graded'}{', with a solution' if is_solution(cell) else ''}"
        yield Fault(
            f"{file}, cell {id!r}",
            f"the cell of the Part {id!r} is not one that tests alone decide on",
            f"make it 'Autograded tests' in {TOOLBAR}",
            found=f"a {cell.cell_type} cell, {kind}",
            expected="a graded code cell without a solution",
        )


def lost_unit(assignment: str, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Fault | None:
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
                return Fault(
                    f"{file}, cell {id or cell.get('id')!r}",
                    "checks of a unit that can't be found",
                    "start in the course's folder, and install the package that the unit is in",
                    found=(loads or call or [""])[0],
                    expected=f"a unit {assignment}, in `units/` of the course's folder or in an installed package",
                )
    return None


def is_tested(cell: NotebookNode) -> bool:
    """Tell whether tests alone decide on a cell's points. A person does where it is a solution, a text or a task."""
    return is_grade(cell) and cell.cell_type == "code" and not is_solution(cell)


def suggest(name: str, others: Iterable[str]) -> str:
    """Name what is spelt nearly as `name`, if there is any."""
    close = get_close_matches(name, sorted(others), 1)
    return f", such as {close[0]!r}" if close else ""


# What student code can import where submissions run.


def find_exposed(key: AnswerKey, answers: str) -> Iterator[Fault]:
    """Say which modules hold a unit's answers and can be imported by student code.

    `answers` is the import string of the answer key. What comes from other packages is theirs: anybody can import that.
    """
    home = answers.rpartition(".")[0]
    right = (key.right[name] for part in key.parts for name in part.subjects)
    modules = {home, *(str(getattr(each, "__module__", type(each).__module__)) for each in right)}
    own = {home.partition(".")[0], "lib"}
    for name in sorted(module for module in modules if module.partition(".")[0] in own):
        if (file := _file_of(name)) and is_shown(file):
            yield Fault(
                file_line(file),
                f"answers that student code can import where submissions run, as {name}",
                LAYOUT,
                expected=f"right objects in a folder {CLOSED} of the unit",
            )


def find_unseen(key: AnswerKey) -> Iterator[Fault]:
    """Say which modules a unit's checks need, and can't be found where submissions run."""
    for name in sorted(_modules_of(key)):
        if (file := _file_of(name)) and not is_shown(file):
            yield Fault(
                file_line(file),
                "checks that can't be imported where submissions run",
                f"{LAYOUT}, and read docs/authoring.md",
                expected="the unit in `units/` of the course's folder, or in an installed package with an entry point",
            )


def packages_of(key: AnswerKey) -> tuple[str, ...]:
    """Name the packages that a unit's checks are in."""
    return tuple(sorted({package for name in _modules_of(key) if (package := sys.modules[name].__package__)}))


def _modules_of(key: AnswerKey) -> set[str]:
    return {statement.look.__module__ for part in key.parts for statement in part.statements}


def is_shown(file: Path) -> bool:
    """Tell whether kernels that are locked in see a file of this machine. Where none can be, code sees everything."""
    if sys.platform != "linux":
        return True
    from lib.grading.sandbox.lockdown import view  # it can be imported on Linux only

    seen, path = view(commands=False), file.resolve()
    return any(map(path.is_relative_to, seen.shown)) and not any(map(path.is_relative_to, seen.hidden))


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file) if file else None
