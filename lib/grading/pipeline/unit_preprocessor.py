"""The course's settings on units: the unit of each assignment, with checks that it can be graded, and the secret."""

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
        unit_registry.SOLUTIONS[assignment] = Path(course.format_path(course.source_directory, ".", assignment))
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
