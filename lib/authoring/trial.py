"""Trials: an assignment in its author's files, and the results of its code, which are computed once for all rules."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Configurable

from lib.answer_key import AnswerKey
from lib.authoring.make_fingerprints import PartData
from lib.authoring.student_notebook import StudentVersion, mark_cells
from lib.checking.challenges import CHALLENGE
from lib.checking.findings import Finding, Known, find
from lib.checking.looks import Shown, look_at_ours
from lib.checking.student_code import silence
from lib.grading.errors import ConfigError, Fault, file_line
from lib.grading.execution.notebook import Bounds, run_cells
from lib.grading.execution.outputs import answer_in
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pipeline.course import BoundedExecute
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.safe_names import unknown
from lib.grading.sandbox.obstacles import find_obstacle
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.submitted_files import course_files
from lib.grading.unit_registry import UnitLocation
from lib.unit import Inputs, Part, Unit

SEED = 1
"""The seed of the inputs on which notebooks are judged."""
TWICE = 3
"""The number of draws on which right code runs twice, to compare the results."""
DESK = -1
"""Used as a seed: the inputs of the local check."""
Faults = Iterator[Fault]


class Draw(NamedTuple):
    """A draw of a part: its inputs, the right results for the judge, and the outcomes of another run of right code."""

    inputs: Inputs
    known: Known
    shown: Shown


@dataclass
class Trial:
    """An assignment to try: its folder, its solution notebooks by path, and its answer key, empty without a unit.

    `place` is the location of its unit. `settings` configure nbgrader's preprocessors. `students` are the student
    versions, and `runs` the executed solution and student notebooks, by path. If parts are `chosen`, rules of code
    apply only to these. `part_data` has the data of parts for local checks.
    """

    name: str
    folder: Path
    solutions: Mapping[str, NotebookNode]
    settings: Configurable
    key: AnswerKey
    place: UnitLocation | None = None
    students: dict[str, StudentVersion] = field(default_factory=dict)
    runs: dict[str, tuple[NotebookNode, NotebookNode]] = field(default_factory=dict)
    chosen: tuple[Part, ...] = ()
    part_data: dict[str, PartData] = field(default_factory=dict)
    _draws: dict[str, dict[int, Draw]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, folder: Path, settings: Configurable) -> Self:
        """Read an assignment. Raises ConfigError if its unit can't be imported, and Fault if it has no notebook."""
        place = (preprocessor := UnitPreprocessor(parent=settings)).location_of(name)
        if not (files := sorted(folder.glob("*.ipynb"))):
            if not place:
                known = {each.parent.name for each in folder.parent.glob("*/*.ipynb")}
                raise ConfigError(unknown("assignment", name, known))
            attempt = f"put a notebook such as {name}.ipynb there"
            raise Fault(file_line(folder), "a unit without its solution notebook", attempt)
        pattern = f"{CourseDirectory(parent=settings).notebook_id}.ipynb"
        if not (chosen := [file for file in files if file.match(pattern)]):
            raise ConfigError(unknown("notebook", pattern.removesuffix(".ipynb"), [file.stem for file in files]))
        key = preprocessor.unit_of(name) or AnswerKey(Unit(name, name.replace("_", " ").capitalize(), ()), {}, ())
        if place:
            chosen = files  # a unit's parts may be in several notebooks
        with silence():  # nbformat warns about duplicate ids, which a rule reports
            solutions = {file_line(file): nbformat.read(file, as_version=4) for file in chosen}
        for notebook in solutions.values() if place else ():
            mark_cells(notebook, key.unit)
        return cls(name, folder, solutions, settings, key, place)

    @property
    def is_plain(self) -> bool:
        """True if the assignment has no unit, so that nbgrader grades it without one."""
        return self.place is None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts to which rules of code apply."""
        return self.chosen or self.key.parts

    @property
    def course(self) -> CourseDirectory:
        """The course's folders, from the settings."""
        return CourseDirectory(parent=self.settings)

    def resources(self, file: str) -> dict[str, Any]:
        """Return the resources of a notebook for nbgrader's preprocessors."""
        name = Path(file).stem
        names = {"assignment": self.name, "notebook": name, "student": ".", "db_url": self.course.db_url}
        return {"unique_key": name, "metadata": {"path": str(self.folder)}, "nbgrader": names}

    def draw(self, part: Part, seed: int) -> Draw:
        """Draw inputs, and run right code on them. Raises any exception of the unit's own code."""
        draws = self._draws.setdefault(part.id, {})
        if seed not in draws:
            inputs = part.desk_inputs() if seed == DESK else part.secret_inputs(seed)
            shown = look_at_ours(part, inputs, self.key.subjects(part))
            # Results of right code that the judge compares with must be the same in another run: on a few draws.
            needs_results = not all(statement.right for statement in part.statements)
            known = shown if needs_results else {}
            again = needs_results and len(draws) < TWICE
            draws[seed] = Draw(inputs, known, look_at_ours(part, inputs, self.key.subjects(part)) if again else shown)
        return draws[seed]

    def draws(self, part: Part) -> list[Draw]:
        """Return the draws of a part until now."""
        return [*self._draws.get(part.id, {}).values()]

    def first_lost(self, part: Part, objects: Mapping[str, object], seed: int) -> Finding | None:
        """Return the finding of the first statement that loses its points on a draw; `objects` are the code by name."""
        inputs, known, _ = self.draw(part, seed)
        shown = look_at_ours(part, inputs, tuple(objects[name] for name in part.subjects))
        found = find(part, inputs, shown, known)
        return next((each for each in found if each.max_points and each.state != "right"), None)

    def run_notebooks(self) -> Faults:
        """Run each solution and student notebook, with the limits and the files of submissions.

        If kernels can't be locked into a sandbox, they run without one: the code is the author's own.
        """
        bounds = BoundedExecute(parent=self.settings).bounds
        bounds = replace(bounds, sandbox=bounds.sandbox and find_obstacle() is None)
        files = {**course_files(self.course, self.name, ()), CHALLENGE: json.dumps({"seed": SEED}).encode()}
        for file, version in self.students.items():
            both = (deepcopy(nb) for nb in (self.solutions[file], version.notebook))
            try:
                solution, untouched = (_run(nb, file, files, bounds) for nb in both)
            except Fault as fault:
                yield fault
            else:
                self.runs[file] = solution, untouched

    def verdicts(self, notebook: NotebookNode) -> Iterator[PartVerdict]:
        """Judge the parts of an executed notebook."""
        for cell in notebook.cells:
            if part := self.key.part(course_id(cell)):
                yield judge(self.key, part, SEED, answer_in(cell, part.id))


RuleFunction = Callable[[Trial], Faults]
"""Yields the faults of a trial. The first line of its docstring is the expectation."""


def _run(nb: NotebookNode, file: str, files: Mapping[str, bytes], bounds: Bounds) -> NotebookNode:
    try:
        found = " ".join(remark.text for remark in run_cells(nb.cells, files, bounds))
    except Exception as error:  # a kernel can't be started; outside Linux it may be one of Jupyter's
        found = f"{type(error).__name__}: {error}"
    if found:
        attempt = "restart the kernel and run all cells in JupyterLab"
        expected = f"all cells that are not tagged skip-execution run, each within {bounds.timeout} seconds"
        raise Fault(file, "the notebook can't be run as submissions are", attempt, found=found, expected=expected)
    return nbformat.from_dict(nb)
