"""Which unit an assignment is graded by, by the course's settings, and whether it can be; and the course's secret."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from glob import glob
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Unicode

import lib.units
from lib.answer_key import AnswerKey
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.gradebook.source_notebook import SourceNotebook
from lib.grading.judge.secret import make_secret, read_secret
from lib.grading.judge.verdict import FILE
from lib.grading.pipeline.unit_faults import find_exposed, find_unseen, lost_unit, misfits


class UnitPreprocessor(NbGraderPreprocessor):
    """The settings on units, which the steps that build a notebook share with grading."""

    units = Dict(
        help="""The import string of an AnswerKey, for an assignment whose unit isn't found by its name; or an empty
        text for an assignment that nbgrader is to grade by itself. All other units are found as before.""",
    ).tag(config=True)
    secret_file = Unicode(
        "judge_secret", help="Where the course keeps the secret from which seeds are derived; made at first need."
    ).tag(config=True)

    @cached_property
    def unit_of(self) -> Callable[[str], AnswerKey | None]:
        """Find the unit of an assignment, or None for one that nbgrader grades by itself.

        Raises ConfigError where there is one that can't be imported or isn't put together as it should be, or whose
        answers students could import.
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
                " 'my_package.closed.ANSWER_KEY'. Correct it, or take it out if nbgrader is to grade the assignment by"
                " itself."
            )
        course = CourseDirectory(parent=self)
        unit_registry.SOLUTIONS[assignment] = Path(course.format_path(course.source_directory, ".", assignment))
        key = unit_registry.load(name, what, advice)
        if not is_configured and key.unit.name != assignment:
            raise ConfigError(
                f"The unit {assignment} is called {key.unit.name!r}. Expected the name of its folder. Write it in that"
                f' folder\'s __init__.py: UNIT = Unit("{assignment}", …)'
            )
        for fault in find_exposed(key, name):
            raise ConfigError(str(fault))
        return key

    def answers_of(self, assignment: str) -> str:
        """Name the closed half of the assignment's unit: its import string, or nothing where there is no unit."""
        if assignment in self.units:
            return str(self.units[assignment] or "")
        lib.units.enter(CourseDirectory(parent=self).root)  # nbgrader's own commands don't know of a course's units
        place = unit_registry.find(assignment)
        return place.answers if place else ""

    def check_unit(self, assignment: str, sources: Mapping[str, SourceNotebook], locked: bool = True) -> None:
        """Raise ConfigError unless each tested cell of an assignment with a unit has its part, and each part a cell.

        Also where a notebook calls checks and there is no unit, or where the checks can't be imported in kernels that
        are `locked` in: then nobody would get points.
        """
        key = self.unit_of(assignment)
        cells = {f"{name}.ipynb": [*master.cells.values()] for name, master in sources.items()}
        if key is None:
            if assignment not in self.units and (lost := lost_unit(assignment, cells)):
                raise ConfigError(f"{lost}\nNobody was graded.")
            return
        if found := [*map(str, misfits(key.unit, cells))]:
            raise ConfigError(
                "\n".join([f"{assignment} can't be graded: its cells don't fit {self.answers_of(assignment)}.", *found])
                + "\nThen run `zerolayer build`, and grade again."
            )
        for fault in find_unseen(key) if locked else ():
            raise ConfigError(f"{fault}\nNobody was graded.")

    def secret(self) -> bytes:
        """Give the course's secret, made if there is none yet. Raises ConfigError where what is there can't be one."""
        path, course = Path(self.secret_file), CourseDirectory(parent=self)
        try:
            return read_secret(path)
        except FileNotFoundError:
            made = make_secret(path, course.groupshared)
        folders = course.format_path(course.autograded_directory, "*", "*")
        if graded := len(glob(str(Path(folders, FILE)))):  # noqa: PTH207  # the whole path is a pattern
            were = "a submission was" if graded == 1 else f"{graded:,} submissions were"
            self.log.warning(
                f"{path} was missing and has been made anew, though {were} graded with another one. Whatever is graded"
                " from now on draws other challenges than before. If you have a copy of the old file, put it back."
            )
        return made
