"""`zerolayer build` and `zerolayer check`: all that is wrong with an assignment, and its release if nothing is.

The release is made in a folder apart, and comes to its place while the gradebook's rows are written: all or nothing.
`check` does the same without that, and goes through all laws, also where code was proved before.
"""

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

from lib.authoring.gradebook_rows import written
from lib.authoring.make_fingerprints import write_file
from lib.authoring.proof import is_proved, note
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
from lib.grading.gradebook.session import retry
from lib.grading.machine_faults import sentence
from lib.grading.progress import say

HARMLESS = "          Warning only: the release goes ahead."


class Rebuild(Command, GenerateAssignmentApp):
    """`nbgrader generate_assignment --force`, since nobody edits what it makes; where it fails, nothing is changed."""

    in_course, is_private = True, False
    own_log_level = logging.WARNING
    proof = Bool(True, help="Whether the unit's code is tried before it is built.").tag(config=True)
    trial: Trial
    aliases = options("assignment", "notebook", "db", "course")
    flags = Command.flags | {name: GenerateAssignmentApp.flags[name] for name in ("no-db", "source_with_tests")}

    def start(self) -> None:
        """Build the assignment; exits with 1, after all that is wrong with it, where it can't be built."""
        super(GenerateAssignmentApp, self).start()
        if not (self.extra_args or self.coursedir.assignment_id):  # in nbgrader's own words
            self.fail("An assignment id must be specified, either as an argument or with --assignment.")
        self.coursedir.assignment_id = named_assignment(self)
        try:
            if self.source_with_tests:
                GenerateSourceWithTests(coursedir=self.coursedir, parent=self).start()
            self.trial = Trial.of(self.coursedir.assignment_id, self.source, self)
            self.go_through(self.trial)
        except NbGraderException:
            self.exit(1)  # nbgrader has said why
        except (Fault, ConfigError) as error:
            self.fail("%s", error)
        except (SQLAlchemyError, InvalidEntry, OSError) as error:
            self.fail("%s\nNothing was changed.", sentence(error))
        except KeyboardInterrupt:
            self.log.error("Stopped. Nothing was changed.")
            self.exit(130)
        except Exception as error:  # what nbgrader's own steps refuse has many types
            self.log.debug("", exc_info=True)
            why = f"{self.coursedir.assignment_id} can't be built: {type(error).__name__}: {error}"
            self.fail(f"{why}\nNothing was changed. The option --debug shows where it happened.")

    @property
    def source(self) -> Path:
        """Where the assignment's solution lies."""
        course = self.coursedir
        return Path(course.format_path(course.source_directory, ".", course.assignment_id))

    @property
    def released(self) -> Path:
        """Where the released assignment lies."""
        course = self.coursedir
        return Path(course.format_path(course.release_directory, ".", course.assignment_id))

    def go_through(self, trial: Trial) -> None:
        """Print what is wrong, and release the assignment if nothing is that holds it up."""
        found = self.say_faults(trial, rules_for(trial) if self.proof else OF_NOTEBOOKS)
        if holding := sum(rule.refuses for rule in found):
            many = "a fault" if len(found) == 1 else f"{holding} of {len(found)} faults"
            self.fail("%s is not built, because of %s. Nothing was changed.", trial.name, many)
        self.release(trial)
        try:
            self.ship(trial, self.proof)
        except OSError as error:
            self.fail("The notebook is built. The files by which mistakes are named are not: %s", sentence(error))

    def ship(self, trial: Trial, is_proved: bool) -> Path | None:
        """Write what ships with parts that were tried, and that the unit is proved; return the file if it is new."""
        new = write_file(trial.name, trial.ships) if trial.place and trial.ships else None
        if trial.place and trial.ships and is_proved:
            note(trial.place, trial.folder)
        return new

    def say_faults(self, trial: Trial, rules: Iterable[Rule]) -> list[Rule]:
        """Print all faults, and return the rule that each of them breaks."""
        found = []
        for rule, fault in faults_of(trial, rules):
            say(f"{fault}\n" if rule.refuses else f"{fault}\n{HARMLESS}\n")
            found.append(rule)
        return found

    def release(self, trial: Trial) -> None:
        """Make the release in a folder apart, then exchange it while the gradebook's rows are written."""
        course, released, is_whole = self.coursedir, self.released, self.coursedir.notebook_id == "*"
        chosen = {Path(file): made for file, made in trial.students.items()}
        wanted = {file: made for file, made in chosen.items() if file.match(f"{course.notebook_id}.ipynb")}
        nbgraders = GenerateAssignment(coursedir=course, parent=self)
        with self.apart() as built:
            nbgraders.run_pre_convert_hook()
            if not is_whole and released.is_dir():
                shutil.copytree(released, built, dirs_exist_ok=True)  # the other notebooks stay as they are
            for file in trial.files_beside():
                target = built / file.relative_to(trial.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            for file, made in wanted.items():
                (built / file.name).write_text(f"{nbformat.writes(made.notebook)}\n", encoding="utf-8")
            nbgraders.set_permissions(trial.name, ".")
            nbgraders.run_post_convert_hook()

            def exchange() -> None:
                masters = {file.stem: made.master for file, made in wanted.items()}
                rows = written(course.db_url, course.course_id, trial.name, masters, is_whole)
                released.parent.mkdir(parents=True, exist_ok=True)
                with (
                    private(course.groupshared),
                    nullcontext(bool) if nbgraders.no_database else rows as commit,
                    in_place(built, released),
                ):
                    commit()

            retry(exchange, times=9)  # another build may fill an empty gradebook at the same moment

    @contextmanager
    def apart(self) -> Iterator[Path]:
        """Release into a folder beside the release for a while, which is gone afterwards."""
        directory, place = self.coursedir.release_directory, Path(self.coursedir.root, self.coursedir.release_directory)
        # On the same file system, so that a move is a rename. nbgrader wants a name relative to the course.
        with temporary_sibling_folder(place) as beside:
            self.coursedir.release_directory = str(Path(directory).with_name(beside.name))
            built = self.released
            try:
                built.mkdir(parents=True, exist_ok=True)
                yield built
            finally:
                self.coursedir.release_directory = directory
                remove(built)  # in a course with another structure it is elsewhere


class BuildApp(Rebuild):
    """Builds the named assignment, or all there are in the source directory."""

    name = "zerolayer-build"
    argument = "[ASSIGNMENT]"
    description = "Make the student notebooks from the solutions."
    examples = """
        zerolayer build
        zerolayer build UNIT
    """

    # nbgrader's generate_assignment asks for a name; a course is built as a whole.
    def start(self) -> None:
        """Build the named assignment, or each one there is; exits with 1 at the end where one can't be built."""
        named = self.coursedir.assignment_id
        is_whole = True
        for assignment in [named] if named or self.extra_args else all_assignments(self):
            self.coursedir.assignment_id = assignment
            try:
                super().start()
            except SystemExit as end:
                if end.code != 1:  # it was stopped
                    raise
                is_whole = False
        if not is_whole:
            self.exit(1)

    def go_through(self, trial: Trial) -> None:
        """Build, and say what came of it."""
        super().go_through(trial)
        say(f"{self.released} is ready.\n{table_of_points(trial)}\n")


def table_of_points(trial: Trial) -> str:
    """Write what each graded cell is worth, and all together."""
    titles = {part.id: part.title for part in trial.key.parts}
    points = {id: each for made in trial.students.values() for id, each in points_in(made.master, {}).items()}
    width = max(map(len, [*points, "together"]))
    rows = [f"  {id:{width}} {each:6g}  {titles.get(id, '')}".rstrip() for id, each in points.items()]
    return "\n".join([*rows, f"  {'together':{width}} {sum(points.values()):6g}"])


class CheckApp(Rebuild):
    """Try a unit, and list what is wrong: where, what was found, what is expected, and what to try."""

    name = "zerolayer-check"
    argument = "NAME"
    description = "Try a unit as its author: its notebook, its checks, its answers and its mistakes."
    examples = "zerolayer check NAME"
    part = Unicode(help="The one part to try, by the name of its check, without its notebook.").tag(config=True)
    quick = Bool(False, help="Whether small changes of right code are left out.").tag(config=True)
    aliases = options("assignment") | {"part": "CheckApp.part"}
    flags = Command.flags | {"quick": ({"CheckApp": {"quick": True}}, "Leave out the small changes of right code.")}

    def start(self) -> None:
        """Try the unit; exits with 1 where something is wrong."""
        self.coursedir.assignment_id = named_unit(self, requested_names(self))
        self.extra_args: list[str] = []
        super().start()

    def go_through(self, trial: Trial) -> None:
        """Print what is wrong by any law, and write the file by which checks name mistakes."""
        if trial.is_plain:
            raise ConfigError(f"{trial.name} is no unit: the configuration says that nbgrader grades it by itself.")
        trial.chosen = tuple(part for part in trial.key.parts if self.part in (part.name, part.id))
        if self.part and not trial.chosen:
            known = ", ".join(part.name for part in trial.key.parts)
            self.fail("%s has no part called %s. It has: %s", trial.name, self.part, known)
        found = self.say_faults(trial, OF_CODE if self.part else (*OF_NOTEBOOKS, *OF_CODE, *OF_RUNS))
        if trial.ships.keys() == {part.id for part in trial.parts} and not self.quick:
            for remark in remarks(trial):
                say(f"{remark}\n")
        is_proved = not self.part and not any(rule.refuses for rule in found)
        if new := self.ship(trial, is_proved):
            say(f"{file_line(new)} is new: checks name mistakes by it. Restart the kernels that use it.")
        if found:
            self.fail("%s has %s.", trial.name, "a fault" if len(found) == 1 else f"{len(found)} faults")
        say(f"{trial.name} has no fault.")


def rules_for(trial: Trial) -> tuple[Rule, ...]:
    """Return the rules of a release: of code and runs only where a file has changed since that had no fault."""
    proved = trial.place and is_proved(trial.place, trial.folder)
    return OF_NOTEBOOKS if proved else (*OF_NOTEBOOKS, *OF_CODE, *OF_RUNS)
