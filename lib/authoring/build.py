"""`zerolayer build` and `zerolayer check`: list the faults of an assignment, and release it if there are none.

The release is made in a temporary folder, and moved to its place together with writing the gradebook's rows: both
happen, or neither does. `check` applies all rules, even if the code has been proved before, and doesn't release.
"""

import lib.grading.lazy_apps  # noqa: F401  # first: it keeps the imports below from loading slow modules

# isort: split
import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nbformat
from nbgrader.api import InvalidEntry
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.converters import GenerateAssignment, GenerateSourceWithTests, NbGraderException
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Unicode

from lib.authoring.gradebook_rows import uncommitted_rows
from lib.authoring.make_fingerprints import write_file
from lib.authoring.proof import is_proved, record_proof
from lib.authoring.rules import OF_CODE, OF_NOTEBOOKS, OF_RUNS, Rule, faults_of
from lib.authoring.student_version import points_in
from lib.authoring.survivors import remarks
from lib.authoring.trial import Trial
from lib.grading.commands.command import (
    Command,
    all_assignments,
    named_assignment,
    named_unit,
    options,
    requested_names,
)
from lib.grading.errors import ConfigError, Fault, file_line
from lib.grading.files import in_place, private, remove, temporary_sibling_folder
from lib.grading.gradebook.database import retry
from lib.grading.machine_faults import sentence
from lib.grading.progress import say

HARMLESS = "          Warning only: the release goes ahead."


class Rebuild(Command, GenerateAssignmentApp):
    """`nbgrader generate_assignment --force`, since generated files aren't edited. If it fails, nothing changes."""

    in_course, is_private = True, False
    own_log_level = logging.WARNING
    proof = Bool(True, help="Try the unit's code before building.").tag(config=True)
    trial: Trial
    aliases = options("assignment", "notebook", "db", "course")
    flags = Command.flags | {name: GenerateAssignmentApp.flags[name] for name in ("no-db", "source_with_tests")}

    def start(self) -> None:
        """Build the assignment. If it can't be built, print its faults, and exit with 1."""
        super(GenerateAssignmentApp, self).start()
        if not (self.extra_args or self.coursedir.assignment_id):  # with nbgrader's own message
            self.fail("An assignment id must be specified, either as an argument or with --assignment.")
        self.coursedir.assignment_id = named_assignment(self)
        try:
            if self.source_with_tests:
                GenerateSourceWithTests(coursedir=self.coursedir, parent=self).start()
            course = self.coursedir
            solution = Path(course.format_path(course.source_directory, ".", course.assignment_id))
            self.trial = Trial.of(course.assignment_id, solution, self)
            self.process(self.trial)
        except NbGraderException:
            self.exit(1)  # nbgrader has logged the reason
        except (Fault, ConfigError) as error:
            self.fail("%s", error)
        except (SQLAlchemyError, InvalidEntry, OSError) as error:
            self.fail("%s\nNothing was changed.", sentence(error))
        except KeyboardInterrupt:
            self.log.error("Stopped. Nothing was changed.")
            self.exit(130)
        except Exception as error:  # nbgrader's preprocessors raise many types
            self.log.debug("", exc_info=True)
            why = f"{self.coursedir.assignment_id} can't be built: {type(error).__name__}: {error}"
            self.fail(f"{why}\nNothing was changed. The option --debug shows where it happened.")

    @property
    def released(self) -> Path:
        """The folder of the released assignment."""
        course = self.coursedir
        return Path(course.format_path(course.release_directory, ".", course.assignment_id))

    def process(self, trial: Trial) -> None:
        """Print the faults, and release the assignment unless one of them prevents that."""
        broken = self.print_faults(trial, rules_for(trial) if self.proof else OF_NOTEBOOKS)
        if refusing := sum(rule.refuses for rule in broken):
            many = "a fault" if len(broken) == 1 else f"{refusing} of {len(broken)} faults"
            self.fail("%s is not built, because of %s. Nothing was changed.", trial.name, many)
        self.release(trial)
        try:
            self.write_results(trial, self.proof)
        except OSError as error:
            self.fail("The notebook is built, but the file that names mistakes is not: %s", sentence(error))

    def write_results(self, trial: Trial, is_proved: bool) -> Path | None:
        """Write the data of the parts that were tried, and record the proof. Return the file of data if it is new."""
        new = write_file(trial.name, trial.part_data) if trial.place and trial.part_data else None
        if trial.place and trial.part_data and is_proved:
            record_proof(trial.place, trial.folder)
        return new

    def print_faults(self, trial: Trial, rules: Iterable[Rule]) -> list[Rule]:
        """Print all faults, and return the rule that each of them breaks."""
        broken = []
        for rule, fault in faults_of(trial, rules):
            say(f"{fault}\n" if rule.refuses else f"{fault}\n{HARMLESS}\n")
            broken.append(rule)
        return broken

    def release(self, trial: Trial) -> None:
        """Make the release in a temporary folder, then move it to its place and write the gradebook's rows."""
        course, released, is_whole = self.coursedir, self.released, self.coursedir.notebook_id == "*"
        versions = {Path(file): version for file, version in trial.students.items()}
        chosen = {file: each for file, each in versions.items() if file.match(f"{course.notebook_id}.ipynb")}
        nbgraders = GenerateAssignment(coursedir=course, parent=self)
        with self.temporary_release() as built:
            nbgraders.run_pre_convert_hook()
            if not is_whole and released.is_dir():
                shutil.copytree(released, built, dirs_exist_ok=True)  # the other notebooks don't change
            for file in trial.other_files():
                target = built / file.relative_to(trial.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            for file, version in chosen.items():
                (built / file.name).write_text(f"{nbformat.writes(version.notebook)}\n", encoding="utf-8")
            nbgraders.set_permissions(trial.name, ".")
            nbgraders.run_post_convert_hook()

            def exchange() -> None:
                sources = {file.stem: version.source for file, version in chosen.items()}
                rows = uncommitted_rows(course.db_url, course.course_id, trial.name, sources, is_whole)
                released.parent.mkdir(parents=True, exist_ok=True)
                with (
                    private(course.groupshared),
                    nullcontext(bool) if nbgraders.no_database else rows as commit,
                    in_place(built, released),
                ):
                    commit()

            retry(exchange, times=9)  # another build may fill an empty gradebook at the same moment

    @contextmanager
    def temporary_release(self) -> Iterator[Path]:
        """Change the release directory to a temporary folder within this context."""
        directory, place = self.coursedir.release_directory, Path(self.coursedir.root, self.coursedir.release_directory)
        # In the same folder, so that moving the release is a rename. nbgrader needs a name relative to the course.
        with temporary_sibling_folder(place) as sibling:
            self.coursedir.release_directory = str(Path(directory).with_name(sibling.name))
            built = self.released
            try:
                built.mkdir(parents=True, exist_ok=True)
                yield built
            finally:
                self.coursedir.release_directory = directory
                remove(built)  # with another directory structure of the course it is outside the temporary folder


class BuildApp(Rebuild):
    """Build the named assignment, or all assignments in the source directory."""

    name = "zerolayer-build"
    argument = "[ASSIGNMENT]"
    description = "Make the student notebooks from the solutions."
    examples = """
        zerolayer build
        zerolayer build UNIT
    """

    # nbgrader's generate_assignment requires a name.
    def start(self) -> None:
        """Build the named assignment, or all assignments. If one can't be built, exit with 1 at the end."""
        named = self.coursedir.assignment_id
        is_whole = True
        for assignment in [named] if named or self.extra_args else all_assignments(self):
            self.coursedir.assignment_id = assignment
            try:
                super().start()
            except SystemExit as end:
                if end.code != 1:  # the user has stopped it
                    raise
                is_whole = False
        if not is_whole:
            self.exit(1)

    def process(self, trial: Trial) -> None:
        """Build, and print the result."""
        super().process(trial)
        say(f"{self.released} is ready.\n{table_of_points(trial)}\n")


def table_of_points(trial: Trial) -> str:
    """Return a table of the points of each graded cell, and their sum."""
    titles = {part.id: part.title for part in trial.key.parts}
    points = {id: each for version in trial.students.values() for id, each in points_in(version.source, {}).items()}
    width = max(map(len, [*points, "together"]))
    rows = [f"  {id:{width}} {each:6g}  {titles.get(id, '')}".rstrip() for id, each in points.items()]
    return "\n".join([*rows, f"  {'together':{width}} {sum(points.values()):6g}"])


class CheckApp(Rebuild):
    """Try a unit, and list its faults: where, what was found, what is expected, and what to try."""

    name = "zerolayer-check"
    argument = "NAME"
    description = "Test a unit for its author: its notebook, its checks, its answers and its mistakes."
    examples = "zerolayer check NAME"
    part = Unicode(help="Try only this part, by the name of its check, without the notebook.").tag(config=True)
    quick = Bool(False, help="Skip the small changes of right code.").tag(config=True)
    aliases = options("assignment") | {"part": "CheckApp.part"}
    flags = Command.flags | {"quick": ({"CheckApp": {"quick": True}}, "Skip the small changes of right code.")}

    def start(self) -> None:
        """Try the unit. Exit with 1 if it has a fault."""
        self.coursedir.assignment_id = named_unit(self, requested_names(self))
        self.extra_args: list[str] = []
        super().start()

    def process(self, trial: Trial) -> None:
        """Print the faults by all rules, and write the file by which checks name mistakes."""
        if trial.is_plain:
            raise ConfigError(f"{trial.name} is not a unit: by the configuration nbgrader grades it without one.")
        trial.chosen = tuple(part for part in trial.key.parts if self.part in (part.name, part.id))
        if self.part and not trial.chosen:
            known = ", ".join(part.name for part in trial.key.parts)
            self.fail("%s has no part called %s. It has: %s", trial.name, self.part, known)
        broken = self.print_faults(trial, OF_CODE if self.part else (*OF_NOTEBOOKS, *OF_CODE, *OF_RUNS))
        if trial.part_data.keys() == {part.id for part in trial.parts} and not self.quick:
            for remark in remarks(trial):
                say(f"{remark}\n")
        is_proved = not self.part and not any(rule.refuses for rule in broken)
        if new := self.write_results(trial, is_proved):
            say(f"{file_line(new)} is new: checks use it to name mistakes. Restart the kernels that have loaded it.")
        if broken:
            self.fail("%s has %s.", trial.name, "a fault" if len(broken) == 1 else f"{len(broken)} faults")
        say(f"{trial.name} has no fault.")


def rules_for(trial: Trial) -> tuple[Rule, ...]:
    """Return the rules for a release, without those of code and runs if the unit hasn't changed since its proof."""
    proved = trial.place and is_proved(trial.place, trial.folder)
    return OF_NOTEBOOKS if proved else (*OF_NOTEBOOKS, *OF_CODE, *OF_RUNS)
