"""A trial: an assignment as its author has it, and what comes of its code, run once for all laws that look at it."""

import ast
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import nbformat
import numpy as np
import orjson
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from traitlets.config import Configurable

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import Ships
from lib.authoring.markers import Hidden
from lib.authoring.student_version import Student, mark_cells
from lib.checking.challenges import CHALLENGE
from lib.checking.findings import Finding, Known, find
from lib.checking.looks import Shown, look_at_ours
from lib.checking.student_code import silence
from lib.grading import unit_registry
from lib.grading.errors import ConfigError, Fault, file_line
from lib.grading.execution.notebook import Bounds
from lib.grading.execution.pool import PackedNotebook, RunTask
from lib.grading.execution.settings import BoundedExecute
from lib.grading.judge.judge import judge, known_of
from lib.grading.judge.verdict import PartVerdict
from lib.grading.names import unknown
from lib.grading.pipeline.stages import answers_in
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.sandbox.obstacles import find_obstacle
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.submitted_files import course_files
from lib.grading.unit_registry import UnitLocation
from lib.mistakes import Mistake
from lib.right_code import find_definitions, find_needed
from lib.unit import Inputs, Part, Unit

SEED = 1
"""The notebooks are tried on inputs that this draws."""
TWICE = 3
"""Draws on which right code runs twice, to show the same."""
DESK = -1
"""In the place of a seed: the inputs of the desk."""


Faults = Iterator[Fault]


class Drawn(NamedTuple):
    """A draw of a part: inputs, what the judge knows of right results, and what right code shows when it runs again."""

    inputs: Inputs
    known: Known
    shown: Shown


class RightCode(NamedTuple):
    """Right code of a subject: where, the lines of its cell, its definition, its parts, and the names around it."""

    place: str
    lines: list[str]
    definition: Any
    parts: list[Part]
    space: dict[str, Any]


@dataclass
class Trial:
    """An assignment on trial: its solution notebooks by path, its answer key, which is empty without a unit, and where
    it lies.

    `answers` is the key's import string, which the configuration says if it `is_configured`, and `place` that of a unit
    that was found by its name. `settings` is what nbgrader's steps have theirs from. `students` are the notebooks that
    were made, and `ran` those that ran: for each the solution, and what students get. Where parts are `chosen`, laws of
    code look at these alone; `ships` is what they have found to ship, by part.
    """

    name: str
    folder: Path
    solutions: Mapping[str, NotebookNode]
    settings: Configurable
    key: AnswerKey
    answers: str = ""
    is_configured: bool = False
    place: UnitLocation | None = None
    students: dict[str, Student] = field(default_factory=dict)
    ran: dict[str, tuple[NotebookNode, NotebookNode]] = field(default_factory=dict)
    chosen: tuple[Part, ...] = ()
    ships: dict[str, Ships] = field(default_factory=dict)
    undefined: dict[Mistake, str] = field(default_factory=dict)
    _drawn: dict[str, dict[int, Drawn]] = field(default_factory=dict)
    _judged: dict[tuple[Part, int, tuple[int, ...]], tuple[list[Finding], tuple[object, ...]]] = field(
        default_factory=dict
    )
    _ways: dict[Mistake, list[Mapping[str, object]]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, folder: Path, settings: Configurable) -> Self:
        """Read an assignment. Raises ConfigError where its unit can't be imported, Fault where it has no notebook."""
        found = UnitPreprocessor(parent=settings)
        answers, place = found.answers_of(name), unit_registry.find(name)
        if not (files := sorted(folder.glob("*.ipynb"))):
            if not place:
                known = {each.parent.name for each in folder.parent.glob("*/*.ipynb")}
                raise ConfigError(unknown("assignment", name, known))
            attempt = f"put a notebook such as {name}.ipynb there"
            raise Fault(file_line(folder), "a unit without its solution notebook", attempt)
        key = found.unit_of(name)
        pattern = f"{CourseDirectory(parent=settings).notebook_id}.ipynb"
        if not (chosen := [file for file in files if file.match(pattern)]):
            raise ConfigError(unknown("notebook", pattern.removesuffix(".ipynb"), [file.stem for file in files]))
        if answers:
            chosen = files  # a unit's parts may be in several
        with silence():  # of ids that cells share a law tells
            solutions = {file_line(file): nbformat.read(file, as_version=4) for file in chosen}
        key = key or AnswerKey(Unit(name, name.replace("_", " ").capitalize(), ()), {}, ())
        for notebook in solutions.values() if answers else ():
            mark_cells(notebook, key.unit)
        own = place if place and place.answers == answers else None
        return cls(name, folder, solutions, settings, key, answers, name in found.units, own)

    @property
    def is_plain(self) -> bool:
        """Whether nbgrader grades it by itself: it has no unit."""
        return not self.answers

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that laws of code look at."""
        return self.chosen or self.key.parts

    @property
    def hidden(self) -> list[Hidden]:
        """What its blanks hide."""
        return [each for student in self.students.values() for each in student.hidden]

    @property
    def course(self) -> CourseDirectory:
        """The course's folders, by its settings."""
        return CourseDirectory(parent=self.settings)

    def files_beside(self) -> list[Path]:
        """Find the files that are handed out beside the notebooks, as nbgrader finds what it copies."""
        return [*map(Path, find_all_files(str(self.folder), [*self.course.ignore, "*.ipynb"]))]

    def resources(self, file: str) -> dict[str, Any]:
        """Return what nbgrader's steps know of a notebook."""
        name = Path(file).stem
        about = {"assignment": self.name, "notebook": name, "student": ".", "db_url": self.course.db_url}
        return {"unique_key": name, "metadata": {"path": str(self.folder)}, "nbgrader": about}

    def draw(self, part: Part, seed: int) -> Drawn:
        """Draw inputs, and run right code on them. Raises whatever the unit's own code raises."""
        drawn = self._drawn.setdefault(part.id, {})
        if seed not in drawn:
            inputs = part.desk_inputs() if seed == DESK else part.secret_inputs(seed)
            shown = look_at_ours(part, inputs, self.key.subjects(part))
            # What the answer key has to tell comes from one run, and is compared with another: on a few draws.
            asked = not all(statement.right for statement in part.statements)
            known = known_of(part, inputs, shown) if asked else {}
            again = asked and len(drawn) < TWICE
            drawn[seed] = Drawn(inputs, known, look_at_ours(part, inputs, self.key.subjects(part)) if again else shown)
        return drawn[seed]

    def drawn(self, part: Part) -> list[Drawn]:
        """Return what was drawn of a part until now."""
        return [*self._drawn.get(part.id, {}).values()]

    def judge(self, part: Part, subjects: tuple[object, ...], seed: int) -> list[Finding]:
        """Return what becomes of each statement by some code on a draw."""
        at = part, seed, tuple(map(id, subjects))
        if at not in self._judged:
            inputs, known, _ = self.draw(part, seed)
            found = find(part, inputs, look_at_ours(part, inputs, subjects), known)
            self._judged[at] = found, subjects  # kept, or another one could have its id
        return self._judged[at][0]

    def lost(self, part: Part, subjects: tuple[object, ...], seed: int) -> Finding | None:
        """Return the first statement with points that isn't right of some code on a draw."""
        wrong = (each for each in self.judge(part, subjects, seed) if each.statement.points and each.state != "right")
        return next(wrong, None)

    def ways(self, mistake: Mistake) -> list[Mapping[str, object]]:
        """Return wrong objects among the right ones, for each way to make a mistake.

        There are none where it can't be defined: `undefined` says why.
        """
        if mistake not in self._ways:
            try:
                self._ways[mistake] = [*mistake.objects(self.key.right)]
            except Exception as error:  # whatever changed code may raise
                self._ways[mistake] = []
                self.undefined[mistake] = f"{type(error).__name__}: {error}"
        return self._ways[mistake]

    def right_code(self) -> Iterator["RightCode"]:
        """Find each subject in the solutions, among what their cells define that grading runs, too."""
        cells = {
            f"{file}, cell {course_id(cell) or cell.get('id')!r}": cell.source
            for file, notebook in self.solutions.items()
            for cell in notebook.cells
            if cell.cell_type == "code" and "skip-execution" not in cell.metadata.get("tags", ())
        }
        subjects = {
            part.subjects[0]: [each for each in self.key.parts if each.subjects[0] == part.subjects[0]]
            for part in self.key.parts
        }
        needed, space = find_needed(find_definitions(cells.items()), subjects), {"np": np, "__name__": "__main__"}
        for each in needed:
            with suppress(Exception):  # what isn't installed, or needs a cell that isn't run
                exec(compile(ast.Module([each.node], []), each.place, "exec"), space)
        found = {name: each for each in needed for name in each.names}
        for subject, parts in subjects.items():
            if subject in found and {*parts} & {*self.parts}:
                place = found[subject].place
                yield RightCode(place, cells[place].splitlines(), found[subject].node, parts, space)

    def run_notebooks(self) -> Faults:
        """Run each solution and what students get, within the bounds of submissions and beside the same files.

        Where kernels can't be locked in they are left open: the code is the author's own.
        """
        bounds = BoundedExecute(parent=self.settings).bounds
        bounds = replace(bounds, sandbox=bounds.sandbox and find_obstacle() is None)
        if sys.platform == "linux":
            from lib.grading.kernel.client import ForkServer

            ForkServer.shared(bounds.sandbox)  # known before the runs begin, or each would start one of its own
        own = course_files(self.course, self.name, ())
        run = partial(_run, files={**own, CHALLENGE: orjson.dumps({"seed": SEED})}, bounds=bounds)
        with ThreadPoolExecutor() as pool:  # they run beside each other
            for file, made in self.students.items():
                both = (deepcopy(nb) for nb in (self.solutions[file], made.notebook))
                try:
                    solved, untouched = pool.map(run, both, (file, file))
                except Fault as fault:
                    yield fault
                else:
                    self.ran[file] = solved, untouched

    def judged(self, ran: NotebookNode) -> Iterator[PartVerdict]:
        """Judge the parts of a notebook that ran."""
        for cell in ran.cells:
            if part := self.key.part(course_id(cell)):
                yield judge(self.key, part, SEED, answers_in(cell, part.id))


Law = Callable[[Trial], Faults]
"""Looks at a trial, and gives what is wrong; its first sentence says what is expected."""


def _run(nb: NotebookNode, file: str, files: Mapping[str, bytes], bounds: Bounds) -> NotebookNode:
    try:
        ran = RunTask({file: PackedNotebook.of(nb.cells, files)}, bounds)()[file]
        found = " ".join(remark.text for remark in ran.remarks)
    except Exception as error:  # a kernel that can't be started, also one of Jupyter's off Linux
        found = f"{type(error).__name__}: {error}"
    if found:
        attempt = "restart the kernel and run all cells in JupyterLab"
        expected = f"all cells that are not tagged skip-execution run, each within {bounds.timeout} seconds"
        raise Fault(file, "the notebook can't be run as submissions are", attempt, found=found, expected=expected)
    for cell, outputs in zip(nb.cells, json.loads(ran.cells, object_hook=NotebookNode), strict=True):
        cell.update(outputs or {})
    return nb
