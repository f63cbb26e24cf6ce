"""`zerolayer build` and `zerolayer check`: list the faults of an assignment, and release it if there are none.

The release is nbgrader's: its `generate_assignment` with two preprocessors of ours. `check` applies all rules, and
doesn't release.
"""

import lib.grading.lazy_apps  # noqa: F401  # first: it keeps the imports below from loading slow modules

# isort: split
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.api import InvalidEntry
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.converters import GenerateAssignment, GenerateSourceWithTests, NbGraderException
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Unicode

from lib.authoring.make_fingerprints import write_file
from lib.authoring.rules import CHECK, OF_CODE, OF_NOTEBOOKS, RELEASE, Rule, faults_of
from lib.authoring.student_notebook import SILENT, points_in
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
from lib.grading.files import private
from lib.grading.gradebook.database import open_gradebook
from lib.grading.machine_faults import sentence
from lib.grading.progress import say

HARMLESS = "          Warning only: the release goes ahead."


class Converter(GenerateAssignment):
    """nbgrader's converter without its tracebacks. `fault` is the error that ended it."""

    fault: Exception | None = None

    def run(self) -> None:
        """Convert. Raises the error that ended it, which nbgrader only logs."""
        try:
            self.start()
        except NbGraderException as error:
            fault = self.fault or error
        else:
            return
        raise fault  # outside of `except`, which would hide its cause

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Called by nbgrader first."""
        with self._store_error():
            super().init_assignment(assignment_id, student_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Called by nbgrader for each notebook."""
        with self._store_error():
            super().convert_single_notebook(notebook_filename)

    @contextmanager
    def _store_error(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # nbgrader's preprocessors raise many types
            self.fault = error
            raise


class Rebuild(Command, GenerateAssignmentApp):
    """`nbgrader generate_assignment --force`, since generated files aren't edited. If it fails, nothing changes."""

    in_course, is_private = True, False
    own_log_level = logging.WARNING
    runs = Bool(True, help="Try the notebooks, right code and mistakes before building.").tag(config=True)
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
        except NbGraderException as error:
            self.fail("%s.\nNothing was changed.", error)
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
        broken = self.print_faults(trial, RELEASE if self.runs else OF_NOTEBOOKS)
        if refusing := sum(rule.refuses for rule in broken):
            many = "a fault" if len(broken) == 1 else f"{refusing} of {len(broken)} faults"
            self.fail("%s is not built, because of %s. Nothing was changed.", trial.name, many)
        with private(self.coursedir.groupshared):
            self.release()

    def release(self) -> None:
        """Run nbgrader's converter with our preprocessors."""
        converter = Converter(coursedir=self.coursedir, parent=self, log=SILENT)
        converter.force = True
        if not converter.no_database:  # before nbgrader, whose file the group can't write
            open_gradebook(self.coursedir.db_url, self.coursedir.course_id).close()
        converter.run()

    def print_faults(self, trial: Trial, rules: Iterable[Rule]) -> list[Rule]:
        """Print all faults, and return the rule that each of them breaks."""
        broken = []
        for rule, fault in faults_of(trial, rules):
            say(f"{fault}\n" if rule.refuses else f"{fault}\n{HARMLESS}\n")
            broken.append(rule)
        return broken


class BuildApp(Rebuild):
    """Build the named assignment, or all assignments in the source directory."""

    name = "zerolayer-build"
    argument = "[ASSIGNMENT]"
    description = "Make the student notebooks from the solutions."
    examples = """
        zerolayer build
        zerolayer build UNIT --due "2030-03-05 18:00 UTC"
    """
    due = Unicode("", help="When the assignment is due, in UTC if it names no zone.").tag(config=True)
    aliases = {**Rebuild.aliases, "due": "BuildApp.due"}

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
        """Build, set the due date if there is one, and print the result. Raises ConfigError if that is no time."""
        try:
            due = parse_utc(self.due) if self.due else None
        except Exception as error:  # dateutil's parser may raise anything
            raise ConfigError(f"{self.due!r} is no time, such as 2030-03-05 18:00 UTC: {error}") from error
        super().process(trial)
        if due:
            with open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
                gradebook.find_assignment(trial.name).duedate = due
                gradebook.db.commit()
            say(f"{trial.name} is due on {due:%d %B %Y at %H:%M} UTC.")  # 05.03. may be read as May
        say(f"{self.released} is ready.\n{table_of_points(trial)}\n")


def table_of_points(trial: Trial) -> str:
    """Return a table of the points of each graded cell, and their sum."""
    titles = {part.id: part.title for part in (*trial.key.parts, *trial.key.unit.predictions)}
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
        """Try the unit. Exit with 1 if it has a fault; a warning is none."""
        self.coursedir.assignment_id = named_unit(self, requested_names(self))
        self.extra_args: list[str] = []
        super().start()

    def process(self, trial: Trial) -> None:
        """Print the faults by all rules, and write the file by which checks name mistakes."""
        trial.chosen = tuple(part for part in trial.key.parts if self.part in (part.name, part.id))
        if self.part and not trial.chosen:
            known = ", ".join(part.name for part in trial.key.parts)
            self.fail("%s has no part called %s. It has: %s", trial.name, self.part, known)
        broken = self.print_faults(trial, OF_CODE if self.part else CHECK)
        if trial.part_data.keys() == {part.id for part in trial.parts} and not self.quick:
            for remark in remarks(trial):
                say(f"{remark}\n")
        if trial.place and trial.part_data and (new := write_file(trial.name, trial.part_data)):
            say(f"{file_line(new)} is new: checks use it to name mistakes. Restart the kernels that have loaded it.")
        if refusing := sum(rule.refuses for rule in broken):
            self.fail("%s has %s.", trial.name, "a fault" if refusing == 1 else f"{refusing} faults")
        say(f"{trial.name} has no fault{' but has warnings' if broken else ''}.")
