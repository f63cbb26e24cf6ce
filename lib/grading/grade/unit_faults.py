"""What grading asks of a unit, and what is said where it isn't so. Each function gives the faults that it finds.

| asked | or else |
|---|---|
| each tested cell has a part, and each part one cell | nbgrader gives everybody full points for what nothing judges |
| the answers are out of student code's sight | they can be imported, and earn points for nothing |
| the checks are in its sight | everybody has 0 points |
| it is put together as `lib.unit` and `lib.answer_key` say | Python fails late, in words that an author can't place |
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution

from lib.answer_key import AnswerKey
from lib.grading.door.cells import course_id
from lib.grading.errors import CannotBuild
from lib.grading.units import CLOSED
from lib.mistakes import Mistake
from lib.unit import Part, Unit

TOOLBAR = "nbgrader's Create Assignment, in JupyterLab"
LAYOUT = f"lay the unit out as `zerolayer new` does, with the answers in its folder {CLOSED}"


# Whether the cells of an assignment fit the parts of its unit.


def misfits(unit: Unit, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Iterator[CannotBuild]:
    """Say what doesn't fit in an assignment's notebooks, which are given as cells by the name of the file."""
    parts, tested = [part.id for part in unit.parts], []
    for file, cells in notebooks.items():
        for cell in cells:
            tested += [course_id(cell)] if is_tested(cell) else []
            yield from _misfits_of(cell, file, parts, unit.name)
    for id in parts:
        if (count := tested.count(id)) != 1:
            give_it_one = f"give its check that id in {TOOLBAR}, or take the Part out of the unit"
            yield CannotBuild(
                f"{', '.join(notebooks)}: a Part {'with several cells' if count else 'without its own cell'}",
                found=f"{count or 'no'} graded code cells with the id {id!r}",
                expected="one",
                attempt="remove the copy, of the cell or of the whole notebook" if count else give_it_one,
            )


def _misfits_of(cell: NotebookNode, file: str, parts: list[str], unit: str) -> Iterator[CannotBuild]:
    """Say that a tested cell has no part, or that a part's cell is no tested one."""
    id = course_id(cell)
    if is_tested(cell) and id not in parts:
        yield CannotBuild(
            f"{file}, cell {id!r}: a graded cell without a Part, which nothing would judge",
            found=f"the id {id!r}",
            expected=f"the id of one of the unit's Parts{suggest(id, parts)}",
            attempt=f"correct the id in {TOOLBAR}, or add a Part to the unit {unit}",
        )
    if id in parts and not is_tested(cell):
        kind = f"{'graded' if is_grade(cell) else 'not graded'}{', with a solution' if is_solution(cell) else ''}"
        yield CannotBuild(
            f"{file}, cell {id!r}: the cell of the Part {id!r} is not one that tests alone decide on",
            found=f"a {cell.cell_type} cell, {kind}",
            expected="a graded code cell without a solution",
            attempt=f"make it 'Autograded tests' in {TOOLBAR}",
        )


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


# What student code can import where submissions run.


def find_exposed(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say which modules hold a unit's answers and can be imported by student code.

    `answers` is the import string of the answer key. What comes from other packages is theirs: anybody can import that.
    """
    home = answers.rpartition(".")[0]
    right = (key.right[name] for part in key.parts for name in part.subjects)
    modules = {home, *(str(getattr(each, "__module__", type(each).__module__)) for each in right)}
    own = {home.partition(".")[0], "lib"}
    for name in sorted(module for module in modules if module.partition(".")[0] in own):
        if (file := _file_of(name)) and is_shown(file):
            yield CannotBuild(
                f"{name}: answers that student code can import where submissions run",
                found=str(file),
                expected=f"right objects in a folder {CLOSED} of the unit",
                attempt=LAYOUT,
            )


def find_unseen(key: AnswerKey) -> Iterator[CannotBuild]:
    """Say which modules a unit's checks need, and can't be found where submissions run."""
    for name in sorted(_modules_of(key)):
        if (file := _file_of(name)) and not is_shown(file):
            yield CannotBuild(
                f"{name}: checks that can't be imported where submissions run",
                found=str(file),
                expected="the unit in `units/` of the course's folder, or in an installed package with an entry point",
                attempt=f"{LAYOUT}, and read docs/authoring.md",
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


# Whether a unit is put together as it should be.


def faults_of_form(key: AnswerKey, answers: str, name: str = "") -> Iterator[CannotBuild]:
    """Say what isn't put together as it should be; `answers` is the import string of the answer key.

    `name` is that of the assignment, where the unit was found by it.
    """
    unit = key.unit.name
    if name and unit != name:
        yield CannotBuild(
            f"{answers}: a unit that is called otherwise than its folder",
            found=f"the name {unit!r}",
            expected=repr(name),
            attempt=f'write it in the folder\'s __init__.py: UNIT = Unit("{name}", …)',
        )
    attempt = "list the parts with a comma behind each: (loss,)"
    if fault := _fault_of_tuple("the parts", f"the unit {unit}", key.parts, Part, attempt):
        yield fault
        return
    yield from _faults_of_parts(key, answers)
    attempt = "read them from files: read(Path(__file__).parent, right, UNIT.parts), of lib.mistakes"
    if fault := _fault_of_tuple("the mistakes", answers, key.mistakes, Mistake, attempt):
        yield fault


def _faults_of_parts(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    unit = f"the unit {key.unit.name}"
    for id, count in Counter(part.id for part in key.parts).items():
        if count > 1:
            yield CannotBuild(
                f"{unit}, the part {id!r}: several parts with one id",
                found=f"{count} of them",
                expected="one: its cell's id",
                attempt="give the others ids of their own, or take them out",
            )
    for part in key.parts:
        yield from _faults_of_part(part, f"{unit}, the part {part.id!r}")
        if missing := [name for name in part.subjects if name not in key.right]:
            yield CannotBuild(
                f"{answers}, `right`: no right code for what a part checks",
                found=", ".join(repr(name) for name in key.right if not name.startswith("_")),
                expected=f"also {', '.join(map(repr, missing))}, for the part {part.id!r}",
                attempt="add it, or correct the part's `subjects`",
            )


def _faults_of_part(part: Part, place: str) -> Iterator[CannotBuild]:
    if fault := _fault_of_tuple("the subjects", place, part.subjects, str, 'put a comma behind each name: ("loss",)'):
        yield fault
    for statement in part.statements:
        text, points = statement.text, statement.points
        if not isinstance(text, str) or (points and not text):
            yield CannotBuild(
                f"{place}, the statement {statement.name}: a statement that says nothing",
                found=f"the text {text!r}" if text else "no text",
                expected="a sentence about right code, which students read",
                attempt='write it: @statement("The loss is …", …)',
            )
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < float("inf"):
            yield CannotBuild(
                f"{place}, the statement {statement.name}: points that are no number from 0",
                found=repr(points),
                expected="a number; 0 for advice",
                attempt="correct it: points=1",
            )


def _fault_of_tuple(what: str, place: str, value: object, kind: type, attempt: str) -> CannotBuild | None:
    """Say what is in the place of a tuple of objects of a kind; nothing if it is one."""
    strange = [each for each in value if not isinstance(each, kind)] if isinstance(value, tuple) else [value]
    if not strange:
        return None
    found = f"{_describe(strange[0])}{' in it' if isinstance(value, tuple) else ''}"
    expected = f"a tuple of {'names' if kind is str else f'objects of the class {kind.__name__}'}"
    return CannotBuild(f"{place}: {what} are not a tuple", found=found, expected=expected, attempt=attempt)


def _describe(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return repr(value) if isinstance(value, str) else f"an object of the class {type(value).__name__}"
