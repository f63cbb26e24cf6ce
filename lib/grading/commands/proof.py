"""Proof that a unit grades as it should, before students get it.

The answer key has no fault (`key_faults`), the solution notebook's own code earns all points, and the student notebook
as it is released earns none. Both are judged as submissions are.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Self

import orjson
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Configurable

from lib.answer_key import AnswerKey
from lib.checking.answers import CHALLENGE
from lib.grading import units
from lib.grading.commands.build import CannotBuild
from lib.grading.commands.key_faults import faults_of_key
from lib.grading.commands.open_half import faults_of_open_half
from lib.grading.commands.points import SOLUTION
from lib.grading.commands.proved import is_proved
from lib.grading.door.cells import course_id
from lib.grading.door.handed_in import own_files
from lib.grading.grade.cell_ends import error_output
from lib.grading.grade.one import answers_in
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.judge.challenge import challenge
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.grading.run.notebook import Bounds
from lib.grading.run.pool import PackedNotebook, RunTask
from lib.grading.run.settings import BoundedExecute
from lib.grading.sandbox.doctor import find_obstacle

SEED = 1
"""The notebooks are tried on inputs that this draws."""


class Prove(UnitPreprocessor):
    """Refuses a unit whose points are not earned by right code, or are earned by other code.

    Called by GenerateAssignment when the blanks are made, and before the gradebook learns of the notebook.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Called once a notebook. A notebook without a unit is not looked at."""
        assignment, file = resources["nbgrader"]["assignment"], f"{resources['unique_key']}.ipynb"
        if (key := self.unit_of(assignment)) is not None:
            trial = Trial.of(key, assignment, self)
            with ThreadPoolExecutor() as pool:  # the kernels run beside each other, and beside the catalogue
                notebooks = (resources[SOLUTION], nb)
                solved, untouched = (pool.submit(trial.run, each, file) for each in notebooks)
                if place := units.place_of(assignment):
                    refuse(faults_of_open_half(place, key, resources["blanks"]))
                if not is_proved(key):
                    refuse(faults_of_key(key, self.answers_of(assignment)))
                refuse(faults_of_solution(key, solved.result(), file))
                refuse(faults_of_untouched(key, untouched.result(), file))
        return nb, resources


def refuse(faults: Iterable[CannotBuild]) -> None:
    """Raise the first fault, if there is one."""
    for fault in faults:
        raise fault


@dataclass(frozen=True)
class Trial:
    """Runs a unit's notebooks as those of its submissions are run: within the same bounds, beside the same files."""

    files: Mapping[str, bytes]
    bounds: Bounds

    @classmethod
    def of(cls, key: AnswerKey, assignment: str, parent: Configurable) -> Self:
        """Read the course's settings and files; `parent` has the configuration.

        Where kernels can't be locked in they are left open: the code is the author's own.
        """
        bounds = BoundedExecute(parent=parent).bounds
        bounds = replace(bounds, locked=bounds.locked and find_obstacle() is None)
        if sys.platform == "linux":
            from lib.grading.kernel.client import ForkServer

            ForkServer.shared(bounds.locked)  # known before the runs begin, or each would start one of its own
        drawn = orjson.dumps(challenge(SEED))
        return cls({**own_files(CourseDirectory(parent=parent), assignment, ()), CHALLENGE: drawn}, bounds)

    def run(self, nb: NotebookNode, file: str) -> NotebookNode:
        """Run a copy of a notebook. Raises CannotBuild where that can't be done, or not to its end and whole."""
        found = []
        try:
            ran = RunTask({file: PackedNotebook.of(nb.cells, self.files)}, self.bounds)()[file]
            found = list(ran.remarks)
        except Exception as error:  # a kernel that can't be started, also one of Jupyter's off Linux
            found = [f"{type(error).__name__}: {error}"]
        if found:
            raise CannotBuild(
                f"{file}: the notebook can't be run as submissions are",
                found=" ".join(found),
                expected="a run of all cells that are not tagged skip-execution, each within "
                f"{self.bounds.cell_seconds} seconds",
                attempt="restart the kernel and run all cells in JupyterLab",
            )
        nb = deepcopy(nb)
        for cell, outputs in zip(nb.cells, json.loads(ran.cells, object_hook=NotebookNode), strict=True):
            cell.update(outputs or {})
        return nb


def judge_parts(key: AnswerKey, nb: NotebookNode) -> Iterable[PartVerdict]:
    """Judge the parts of a notebook that ran."""
    for cell in nb.cells:
        if part := key.part(course_id(cell)):
            yield judge(key, part, SEED, answers_in(cell, part.id))


def faults_of_solution(key: AnswerKey, ran: NotebookNode, file: str) -> Iterator[CannotBuild]:
    """Say for which parts the solution's own code doesn't earn all points."""
    for verdict in judge_parts(key, ran):
        if verdict.points != verdict.max_points:
            yield CannotBuild(
                f"{file}, cell {verdict.id!r}: the solution does not earn its points",
                found=f"no answer. {first_error(ran)}" if verdict.problem else _first_lost(verdict),
                expected=f"{verdict.max_points:g} points",
                attempt="run the solution notebook from the top, and correct the code that this check tests",
            )


def _first_lost(verdict: PartVerdict) -> str:
    lost = next(each for each in verdict.statements if not each.points)
    return f"0 of {lost.max_points:g} points for the statement {lost.name}. {lost.why}".strip()


def first_error(nb: NotebookNode) -> str:
    """Say which cell of a notebook that ran ended in an error first, and in which."""
    name, _, error = next(_errors(nb), ("", None, ""))
    return f"The cell {name!r} ended in {error}"[:400] if name else "Its call put none out."


def _errors(nb: NotebookNode) -> Iterator[tuple[str, NotebookNode, str]]:
    """Give each cell that ended in an error that isn't meant: its name, the cell, and the error."""
    for index, cell in enumerate(nb.cells):
        if (error := error_output(cell)) and "raises-exception" not in cell.metadata.get("tags", ()):
            name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id") or f"number {index + 1}"
            yield name, cell, f"{error.ename}: {error.evalue}"


def faults_of_cells(key: AnswerKey, ran: NotebookNode, file: str) -> Iterator[CannotBuild]:
    """Say which cells of the solution end in an error, but for those of parts, which lose points by it."""
    for name, cell, error in _errors(ran):
        if key.part(course_id(cell)) is None:
            yield CannotBuild(
                f"{file}, cell {name!r}: a cell of the solution that ends in an error",
                found=error[:400],
                expected="none: students run this cell, too",
                attempt="correct it; tag it raises-exception if the error is meant, and skip-execution if grading need "
                "not run it",
            )


def faults_of_untouched(key: AnswerKey, ran: NotebookNode, file: str) -> Iterator[CannotBuild]:
    """Say for which parts the notebook as students get it earns points."""
    for verdict in judge_parts(key, ran):
        if verdict.points:
            earned = [statement.name for statement in verdict.statements if statement.points]
            yield CannotBuild(
                f"{file}, cell {verdict.id!r}: a notebook that nobody has touched earns points",
                found=f"{verdict.points:g} of {verdict.max_points:g} points, for {', '.join(earned)}",
                expected="0 points",
                attempt="hide behind a ? what this check tests, or take the statement's points away",
            )
