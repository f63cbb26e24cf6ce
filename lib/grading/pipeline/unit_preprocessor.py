"""The unit of an assignment: the course's settings on units, and what grading requires of each one.

| requirement | otherwise |
|---|---|
| each tested cell has a part, and each part one cell | nbgrader gives full points for cells that nothing judges |
| student code can't import the answers | copying them earns points for nothing |
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from glob import glob
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors.base import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Unicode

import lib.units
from lib.answer_key import AnswerKey
from lib.grading import unit_registry
from lib.grading.errors import ConfigError, Fault, file_line
from lib.grading.gradebook.session import SourceNotebook
from lib.grading.judge.secret import make_secret, read_secret
from lib.grading.judge.verdict import FILE
from lib.grading.submissions.restore import course_id, is_tested
from lib.grading.submissions.submitted_files import step_folder
from lib.grading.unit_registry import CLOSED, UnitLocation
from lib.unit import Unit


class UnitPreprocessor(NbGraderPreprocessor):
    """The settings on units, shared by grading and the preprocessors that build a notebook."""

    secret_file = Unicode(
        "judge_secret", help="The file with the secret from which seeds are derived. It is created when first needed."
    ).tag(config=True)

    @cached_property
    def unit_of(self) -> Callable[[str], AnswerKey | None]:
        """Return the unit of an assignment, or None for one that nbgrader grades by itself.

        Raises ConfigError if the unit can't be imported, isn't valid, or has answers that students could import.
        """
        return cache(self._import)

    def _import(self, assignment: str) -> AnswerKey | None:
        if self.location_of(assignment) is None:
            return None
        source = step_folder(CourseDirectory(parent=self), "source", ".", assignment)
        unit_registry.SOLUTIONS[assignment] = source
        key = unit_registry.answer_key(assignment)
        for fault in find_exposed(key):
            raise ConfigError(str(fault))
        return key

    def location_of(self, assignment: str) -> UnitLocation | None:
        """Return the location of an assignment's unit, or None if it has no unit."""
        lib.units.enter(CourseDirectory(parent=self).root)  # needed in nbgrader's own commands
        return unit_registry.find_all().get(assignment)

    def check_unit(self, assignment: str, sources: Mapping[str, SourceNotebook]) -> None:
        """Raise ConfigError unless each tested cell of an assignment with a unit has its part, and each part a cell.

        Also raised if a notebook without a unit calls checks: no student would get points.
        """
        key = self.unit_of(assignment)
        cells = {f"{name}.ipynb": [*source.cells.values()] for name, source in sources.items()}
        if key is None:
            if lost := lost_unit(assignment, cells):
                raise ConfigError(f"{lost}\nNothing was graded.")
            return
        if found := [*map(str, misfits(key.unit, cells))]:
            raise ConfigError(
                "\n".join([f"{assignment} can't be graded: its cells don't fit its unit.", *found])
                + "\nThen run `zerolayer build`, and grade again."
            )

    def secret(self) -> bytes:
        """Return the course's secret; make it if there is none yet. Raises ConfigError if the file can't be one."""
        path, course = Path(self.secret_file), CourseDirectory(parent=self)
        try:
            return read_secret(path)
        except FileNotFoundError:
            secret = make_secret(path, course.groupshared)
        folders = course.format_path(course.autograded_directory, "*", "*")
        if graded := len(glob(str(Path(folders, FILE)))):  # noqa: PTH207  # the whole path is a pattern
            were = "a submission was" if graded == 1 else f"{graded:,} submissions were"
            self.log.warning(
                f"{path} was missing and has been created again, but {were} graded with the old one. Grading now draws"
                " other challenges than before. If you have a backup of the old file, restore it."
            )
        return secret


# ---- The cells of an assignment and the parts of its unit. Each function yields the faults that it finds.

TOOLBAR = "nbgrader's Create Assignment, in JupyterLab"


def misfits(unit: Unit, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Iterator[Fault]:
    """Yield the cells of an assignment that don't fit the unit's parts; `notebooks` has the cells by file name."""
    parts, tested, untested = [part.id for part in (*unit.parts, *unit.predictions)], list[str](), set[str]()
    for file, cells in notebooks.items():
        for cell in cells:
            (tested.append if is_tested(cell) else untested.add)(course_id(cell))
            yield from _misfits_of(cell, file, parts, unit.name)
    for id in parts:
        if (count := tested.count(id)) != 1 and not (count == 0 and id in untested):
            advice = f"mark its check 'Autograded tests' with that id in {TOOLBAR}, or remove the Part from the unit"
            yield Fault(
                ", ".join(notebooks),
                f"a Part {'with several cells' if count else 'without its own cell'}",
                "remove the copy, of the cell or of the whole notebook" if count else advice,
                found=f"{count or 'no'} graded code cells with the id {id!r}",
                expected="one",
            )


def _misfits_of(cell: NotebookNode, file: str, parts: list[str], unit: str) -> Iterator[Fault]:
    id = course_id(cell)
    if is_tested(cell) and id not in parts:
        yield Fault(
            f"{file}, cell {id!r}",
            "a graded cell without a Part, so nothing would judge it",
            f"correct the id in {TOOLBAR}, or add a Part to the unit {unit}",
            found=f"the id {id!r}",
            expected=f"the id of one of the unit's Parts{suggest(id, parts)}",
        )
    if id in parts and not is_tested(cell):
        kind = f"{'graded' if is_grade(cell) else 'not graded'}{', with a solution' if is_solution(cell) else ''}"
        yield Fault(
            f"{file}, cell {id!r}",
            f"the cell of the Part {id!r} is not one that only tests grade",
            f"make it 'Autograded tests' in {TOOLBAR}",
            found=f"a {cell.cell_type} cell, {kind}",
            expected="a graded code cell without a solution",
        )


def lost_unit(assignment: str, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Fault | None:
    """Return a fault if an assignment without a unit calls a unit's checks.

    nbgrader would grade the calls as tests, and these would fail for all students, since the import fails.
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
                    "run this in the course's folder",
                    found=(loads or call or [""])[0],
                    expected=f"a unit {assignment}, in `units/` of the course's folder",
                )
    return None


def suggest(name: str, others: Iterable[str]) -> str:
    """Return ", such as …" with the most similar name, or ""."""
    close = get_close_matches(name, sorted(others), 1)
    return f", such as {close[0]!r}" if close else ""


# ---- The modules that student code can import in the sandbox.


def find_exposed(key: AnswerKey) -> Iterator[Fault]:
    """Yield the modules with a unit's answers that student code can import."""
    right = (key.right[name] for part in key.parts for name in part.subjects)
    modules = {str(getattr(each, "__module__", type(each).__module__)) for each in right}
    for name in sorted(each for each in modules if each.startswith("lib.")):
        if (file := _file_of(name)) and is_shown(file):
            yield Fault(
                file_line(file),
                f"answers that student code can import, as {name}",
                f"put them into the unit's folder {CLOSED}",
                expected=f"right objects in a folder {CLOSED} of the unit",
            )


def is_shown(file: Path) -> bool:
    """True if kernels in the sandbox can see a file of this machine. Without a sandbox they see all files."""
    if sys.platform != "linux":
        return True
    from lib.grading.sandbox.lockdown import view  # can be imported only on Linux

    seen, path = view(commands=False), file.resolve()
    return any(map(path.is_relative_to, seen.shown)) and not any(map(path.is_relative_to, seen.hidden))


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file) if file else None
