"""`zerolayer check`: an author's linter. It tries a whole unit in seconds, and says all that is wrong with it.

`build` refuses at the first fault that makes a unit unsafe; this command goes on, and looks for more.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from lib.answer_key import AnswerKey
from lib.checking.fingerprints import FILE
from lib.grading import units
from lib.grading.commands.build import CannotBuild, Hidden, place_of, student_source
from lib.grading.commands.bundle import open_half
from lib.grading.commands.command import Command, given_names, named_unit, options
from lib.grading.commands.fingerprints import write_files
from lib.grading.commands.key_faults import faults_of_mistakes, faults_of_parts
from lib.grading.commands.locked_imports import faults_in_sandbox
from lib.grading.commands.open_half import faults_of_bundle, faults_of_open_half
from lib.grading.commands.proof import Trial, faults_of_cells, faults_of_solution, faults_of_untouched
from lib.grading.commands.release import AFTER_TRIAL, TRIAL, Rebuild
from lib.grading.errors import ConfigError
from lib.grading.grade.unit_faults import misfits
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import say
from lib.grading.units import Place


class CheckApp(Rebuild):
    """Try a unit, and list what is wrong: where, what was found, what is expected, and what to try."""

    name = "zerolayer-check"
    argument = "NAME"
    description = "Try a unit as its author: its notebook, its checks, its answers and its mistakes."
    examples = "zerolayer check NAME"
    aliases, flags = options("assignment"), Command.flags

    def start(self) -> None:
        """Try the unit; exits with 1 where something is wrong."""
        name = self.coursedir.assignment_id = named_unit(self, given_names(self))
        faults = 0
        try:
            for fault in dict.fromkeys(map(str, self._faults(name))):
                say(f"{fault}\n")
                faults += 1
        except (ConfigError, CannotBuild) as error:
            self.fail("%s", error)
        if faults:
            self.fail("%s has %s.", name, "a fault" if faults == 1 else f"{faults} faults")
        say(f"{name} has no fault.")

    def _faults(self, name: str) -> Iterator[CannotBuild]:
        place, key = units.place_of(name), UnitPreprocessor(parent=self).unit_of(name)
        if place is None or key is None:
            raise ConfigError(f"{name} is no unit: the configuration says that nbgrader grades it by itself.")
        folder = Path(self.coursedir.format_path(self.coursedir.source_directory, ".", name))
        if not (sources := sorted(folder.glob("*.ipynb"))):
            raise CannotBuild(
                f"{folder}: a unit without its solution notebook",
                found="no file that ends in .ipynb",
                expected=f"a notebook such as {name}.ipynb, with the right code",
                attempt="put it there, or take it from a copy of the course",
            )
        notebooks = {path.name: nbformat.read(path, as_version=4) for path in sources}
        hidden, faults = _blanks_of(notebooks)
        yield from faults
        yield from misfits(key.unit, {file: nb.cells for file, nb in notebooks.items()})
        yield from faults_of_open_half(place, key, hidden)
        if wrong := [*faults_of_parts(key, place.answers)]:
            yield from wrong
            return  # without right answers, whatever else is told is a consequence
        yield from faults_of_mistakes(key, place.answers)
        yield from self._faults_of_fingerprints(name, key)
        if not faults:
            yield from self._faults_of_notebooks(place, key, notebooks, hidden)
        yield from faults_in_sandbox(place)

    def _faults_of_fingerprints(self, name: str, key: AnswerKey) -> Iterator[CannotBuild]:
        """Write them, since the checks at the desk need them."""
        try:
            write_files(name, key)
        except OSError as error:
            yield CannotBuild(
                f"{error.filename or name}: a file that can't be written",
                found=str(error.strerror),
                expected=f"{FILE}, by which checks name mistakes",
                attempt="check a copy of the unit in the course's folder `units/`",
            )

    def _faults_of_notebooks(
        self, place: Place, key: AnswerKey, notebooks: dict[str, NotebookNode], hidden: list[Hidden]
    ) -> Iterator[CannotBuild]:
        """Build the student notebooks apart, run them and the solutions, and look for answers in what students get."""
        settings = TRIAL.copy()
        settings.merge(AFTER_TRIAL)
        with self.apart() as built, ThreadPoolExecutor() as pool:
            try:
                self.generate(settings)
            except CannotBuild as fault:
                yield fault
                return
            released = {path.name: nbformat.read(path, as_version=4) for path in built.glob("*.ipynb")}

            trial = Trial.of(key, self.coursedir.assignment_id, self)

            def start(nb: NotebookNode, file: str) -> Future[NotebookNode]:
                return pool.submit(trial.run, nb, file)

            runs = [(file, start(solution, file), start(released[file], file)) for file, solution in notebooks.items()]
            yield from faults_of_bundle(open_half(), place, hidden)
            for file, solved, untouched in runs:
                yield from faults_of_solution(key, solved.result(), file)
                yield from faults_of_cells(key, solved.result(), file)
                yield from faults_of_untouched(key, untouched.result(), file)


def _blanks_of(notebooks: dict[str, NotebookNode]) -> tuple[list[Hidden], list[CannotBuild]]:
    """Give what the blanks of solution cells hide, and the faults of their markers, one a cell."""
    hidden: list[Hidden] = []
    faults: list[CannotBuild] = []
    for file, nb in notebooks.items():
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code" and is_solution(cell):
                try:
                    hidden += student_source(cell.source, place_of(cell, index, {"unique_key": Path(file).stem}))[1]
                except CannotBuild as fault:
                    faults.append(fault)
    return hidden, faults
