"""The unit of an assignment: the course's settings on units, and what grading requires of each one.

| requirement | otherwise |
|---|---|
| each tested cell has a part, and each part one cell | nbgrader gives full points for cells that nothing judges |
| student code can't import the answers | copying them earns points for nothing |
| student code can import the checks | all students get 0 points |
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
from traitlets import Dict, Unicode

import lib.units
from lib.answer_key import AnswerKey
from lib.grading import unit_registry
from lib.grading.errors import ConfigError, Fault, file_line
from lib.grading.gradebook.session import SourceNotebook
from lib.grading.judge.secret import make_secret, read_secret
from lib.grading.judge.verdict import FILE
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.submitted_files import step_folder
from lib.grading.unit_registry import CLOSED
from lib.unit import Unit


class UnitPreprocessor(NbGraderPreprocessor):
    """The settings on units, shared by grading and the preprocessors that build a notebook."""

    units = Dict(
        help="""The import strings of AnswerKeys for assignments whose units can't be found by name. An empty string
        means that nbgrader grades the assignment by itself.""",
    ).tag(config=True)
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
        name, is_configured = self.answers_of(assignment), assignment in self.units
        if not name:
            return None
        what, advice = f"The unit {assignment}", "Nothing was done. Correct the unit."
        if is_configured:
            what = f"The unit that UnitPreprocessor.units names for {assignment}"
            advice = (
                "Nothing was done. Expected the import string of an AnswerKey, such as"
                " 'my_package.closed.ANSWER_KEY'. Correct it, or remove it to have nbgrader grade the assignment by"
                " itself."
            )
        course = CourseDirectory(parent=self)
        unit_registry.SOLUTIONS[assignment] = step_folder(course, "source", ".", assignment)
        key = unit_registry.load(name, what, advice)
        if not is_configured and key.unit.name != assignment:
            raise ConfigError(
                f"The unit {assignment} is called {key.unit.name!r}. Expected the name of its folder. Change it in that"
                f' folder\'s __init__.py: UNIT = Unit("{assignment}", …)'
            )
        for fault in find_exposed(key, name):
            raise ConfigError(str(fault))
        return key

    def answers_of(self, assignment: str) -> str:
        """Return the import string of the AnswerKey for an assignment; "" if it has no unit."""
        if assignment in self.units:
            return str(self.units[assignment] or "")
        lib.units.enter(CourseDirectory(parent=self).root)  # needed in nbgrader's own commands
        place = unit_registry.find(assignment)
        return place.answers if place else ""

    def check_unit(self, assignment: str, sources: Mapping[str, SourceNotebook], locked: bool = True) -> None:
        """Raise ConfigError unless each tested cell of an assignment with a unit has its part, and each part a cell.

        Also raised if a notebook without a unit calls checks, or if the checks can't be imported in `locked` kernels:
        in both cases no student would get points.
        """
        key = self.unit_of(assignment)
        cells = {f"{name}.ipynb": [*source.cells.values()] for name, source in sources.items()}
        if key is None:
            if assignment not in self.units and (lost := lost_unit(assignment, cells)):
                raise ConfigError(f"{lost}\nNothing was graded.")
            return
        if found := [*map(str, misfits(key.unit, cells))]:
            raise ConfigError(
                "\n".join([f"{assignment} can't be graded: its cells don't fit {self.answers_of(assignment)}.", *found])
                + "\nThen run `zerolayer build`, and grade again."
            )
        for fault in find_unseen(key) if locked else ():
            raise ConfigError(f"{fault}\nNothing was graded.")

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
LAYOUT = f"arrange the unit's files as `zerolayer new` does, with the answers in its folder {CLOSED}"


def misfits(unit: Unit, notebooks: Mapping[str, Iterable[NotebookNode]]) -> Iterator[Fault]:
    """Yield the cells of an assignment that don't fit the unit's parts; `notebooks` has the cells by file name."""
    parts, tested, untested = [part.id for part in unit.parts], list[str](), set[str]()
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
                    "run this in the course's folder, and install the package with the unit",
                    found=(loads or call or [""])[0],
                    expected=f"a unit {assignment}, in `units/` of the course's folder or in an installed package",
                )
    return None


def is_tested(cell: NotebookNode) -> bool:
    """True if only tests decide on a cell's points. A person marks solutions, texts and tasks."""
    return is_grade(cell) and cell.cell_type == "code" and not is_solution(cell)


def suggest(name: str, others: Iterable[str]) -> str:
    """Return ", such as …" with the most similar name, or ""."""
    close = get_close_matches(name, sorted(others), 1)
    return f", such as {close[0]!r}" if close else ""


# ---- The modules that student code can import in the sandbox.


def find_exposed(key: AnswerKey, answers: str) -> Iterator[Fault]:
    """Yield the modules with a unit's answers that student code can import; `answers` is the key's import string."""
    home = answers.rpartition(".")[0]
    right = (key.right[name] for part in key.parts for name in part.subjects)
    modules = {home, *(str(getattr(each, "__module__", type(each).__module__)) for each in right)}
    own = {home.partition(".")[0], "lib"}
    for name in sorted(module for module in modules if module.partition(".")[0] in own):
        if (file := _file_of(name)) and is_shown(file):
            yield Fault(
                file_line(file),
                f"answers that student code can import, as {name}",
                LAYOUT,
                expected=f"right objects in a folder {CLOSED} of the unit",
            )


def find_unseen(key: AnswerKey) -> Iterator[Fault]:
    """Yield the modules that a unit's checks need and that can't be imported in the sandbox."""
    for name in sorted(_modules_of(key)):
        if (file := _file_of(name)) and not is_shown(file):
            yield Fault(
                file_line(file),
                "checks that submissions can't import in the sandbox",
                f"{LAYOUT}, and read docs/authoring.md",
                expected="the unit in `units/` of the course's folder, or in an installed package with an entry point",
            )


def packages_of(key: AnswerKey) -> tuple[str, ...]:
    """Return the packages that contain a unit's checks."""
    return tuple(sorted({package for name in _modules_of(key) if (package := sys.modules[name].__package__)}))


def _modules_of(key: AnswerKey) -> set[str]:
    return {statement.look.__module__ for part in key.parts for statement in part.statements}


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
