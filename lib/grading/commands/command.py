"""The base class of the commands: nbgrader's application, but strict about settings files and options.

traitlets would log an error in a settings file and continue with its defaults, which grade without the judge and
release notebooks without blanks. It would also warn of an unknown option, and continue without it. An unknown
assignment, student or unit ends a command with a message, too.
"""

import logging
import os
import re
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from shlex import quote
from traceback import walk_tb
from typing import Any, ClassVar

from filelock import Timeout
from nbgrader.api import MissingEntry
from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, TraitError, default
from traitlets.config.loader import FileConfigLoader, KVArgParseConfigLoader

import lib.units
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.files import PRIVATE
from lib.grading.gradebook.database import label, open_gradebook
from lib.grading.machine_faults import sentence
from lib.grading.safe_names import InvalidId, unknown
from lib.grading.submissions.collection_records import read_collection
from lib.grading.submissions.submitted_files import find_submitted

GONE = {"seen": "--seen is gone: `grade` lists only what it has just graded, and the report lists what is still open."}
"""What to use in place of options of the last release."""


def options(*names: str) -> dict[str, str]:
    """Return nbgrader's options of these names, and the two that all commands have. Each takes a value."""
    known = {**nbgrader_aliases, "course": "CourseDirectory.course_id"}
    return {name: known[name] for name in ("course-dir", "log-level", *names)}


class Command(NbGrader):
    """A command that exits with a message if a settings file can't be read, or it doesn't have an option."""

    in_course: ClassVar[bool] = False
    """True if the command also exits without any settings file."""
    is_private: ClassVar[bool] = True
    """True if only instructors may read the files that it writes: the work and points of students."""
    argument: ClassVar[str] = ""
    """The arguments after the command's name in its help, in brackets if optional."""
    own_log_level: ClassVar[int] = logging.INFO
    """The default log level."""
    uses: ClassVar[tuple[type, ...]] = ()
    """Configurable classes that it uses besides those of nbgrader's command."""
    # Each command lists its own options: not all options of the nbgrader command that it extends work here.
    aliases: dict[Any, Any] = options()
    flags: dict[Any, Any] = nbgrader_flags
    raise_config_file_errors = Bool(True)  # traitlets would log the error and go on without the rest of the file

    @default("log_level")
    def _log_level_default(self) -> int:
        return self.own_log_level

    @default("classes")
    def _classes_default(self) -> list[type]:
        return [*super()._classes_default(), *self.uses]

    @property
    def command_name(self) -> str:
        """The command as it is typed: program and name."""
        return self.name.replace("-", " ", 1)

    def emit_description(self) -> Iterator[str]:
        """Called by traitlets for the help. Adds the usage before the description."""
        yield " ".join(filter(None, ("Usage:", self.command_name, self.argument, "[OPTION…]")))
        yield ""
        yield from super().emit_description()

    def emit_examples(self) -> Iterator[str]:
        """Called by traitlets for the help, where it would indent all examples but the first."""
        yield from (re.sub("^ +", "    ", text, flags=re.MULTILINE) for text in super().emit_examples())

    @classmethod
    def launch_instance(cls, argv: list[str] | None = None, **kwargs: Any) -> None:
        """Run the command. Exits with 1 if a class that it instantiates can't use one of its settings."""
        try:
            super().launch_instance(argv, **kwargs)
        except TraitError as error:
            cls.instance().log.debug("Traceback", exc_info=True)
            cls.instance().fail("%s", f"A setting can't be used: {error}")

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Parse the options. Exits with 1 for an unknown one; argparse would exit with 2."""
        try:
            super().parse_command_line(argv)
        except SystemExit as end:
            self.exit(int(bool(end.code)))

    def _create_loader(self, argv: Any, aliases: Any, flags: Any, classes: Any) -> KVArgParseConfigLoader:
        """Called by traitlets for the loader of the options, which would go on after a warning about an unknown one."""
        loader = super()._create_loader(argv, aliases, flags, classes)
        loader._handle_unrecognized_alias = self._refuse_option
        return loader

    def _refuse_option(self, name: str) -> None:
        self.fail("%s", GONE.get(name, f"Unrecognized option: {name}. --help lists the options."))

    def load_config_file(self, **kwargs: Any) -> None:
        """Load the files without nbgrader's warning that the working directory has none: the course may have one."""
        super(NbGrader, self).load_config_file(**kwargs)

    def initialize(self, argv: list[str] | None = None, root: str = "") -> None:
        """Read the configuration as nbgrader does. Exits with 1 if a file can't be read."""
        try:
            super().initialize(argv, root)
        except (Exception, SystemExit) as error:  # Python code may raise anything
            frames = [*walk_tb(error.__traceback__)]
            # No error names the file, but its loader does. The last one, since a file may load another one.
            loaders = [frame.f_locals.get("self") for frame, _ in frames]
            files = [each.full_filename for each in loaders if isinstance(each, FileConfigLoader)]
            if not files:
                raise
            lines = [line for frame, line in frames if frame.f_code.co_filename == files[-1]]
            line, why = lines[-1] if lines else getattr(error, "lineno", None), str(error)
            if isinstance(error, SyntaxError) and error.filename == files[-1]:
                line, why = error.lineno, error.msg
            at = f"{files[-1]}, line {line}" if line else files[-1]
            self.fail("%s", f"{at}: {type(error).__name__}: {why}\nNothing was done. Fix that line, and try again.")
        lib.units.enter(self.coursedir.root)
        # Jupyter's own configuration may exist in any folder, and doesn't make it a course.
        if self.in_course and not any(Path(file).stem != "jupyter_config" for file in self.loaded_config_files):
            self.fail(
                f"There is no nbgrader_config.py in {self.coursedir.root}. Run the command in the course's folder, or"
                " name that folder: --course-dir=FOLDER"
            )
        if self.in_course and self.is_private:
            os.umask(PRIVATE[self.coursedir.groupshared])

    @contextmanager
    def exit_on_failure(self, doing: str, then: str = "") -> Iterator[None]:
        """Exit with 1 and a message if this machine or another run keeps the assignment from being done."""
        assignment = self.coursedir.assignment_id
        try:
            yield
        except Timeout:
            self.fail(f"{assignment} is being {doing} by another run. Wait until it has finished, or stop it.")
        except MissingEntry:
            self.fail(f"The gradebook has no assignment {assignment}. Run `zerolayer build` first.")
        except (OSError, MemoryError, SQLAlchemyError, ConfigError) as error:
            self.fail("%s", f"{sentence(error)}{then}")


def requested_names(app: Command) -> list[str]:
    """Return the assignments on the command line, with or without `--assignment`."""
    return [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]


def named_assignment(app: Command) -> str:
    """Return the assignment on the command line. Exits with 1 unless there is exactly one."""
    names = requested_names(app)
    if len(names) != 1:
        app.fail(f"Name one assignment, for example: {app.command_name} {next(iter(unit_registry.find_all()))}")
    return str(names[0])


def all_assignments(app: Command) -> list[str]:
    """Return the names of all assignments in the course's source directory. Exits with 1 if there are none."""
    if not (assignments := in_source(app)):
        source = Path(app.coursedir.root, app.coursedir.source_directory)
        app.fail(f"There are no notebooks in {source}. Run this in the course's folder, or give --course-dir.")
    return assignments


def in_source(app: Command) -> list[str]:
    """Return the names of the assignments that have a notebook in the course's source directory."""
    source = Path(app.coursedir.root, app.coursedir.source_directory)
    return sorted(folder.name for folder in source.glob("*") if any(folder.glob("*.ipynb")))


def named_unit(app: Command, names: Sequence[str]) -> str:
    """Return the named unit, or the first unit if none is named. Exits with 1 for an unknown name or several."""
    known = list(unit_registry.find_all())
    chosen = list(names) or unit_registry.starting_units(known)
    if len(chosen) != 1:
        app.fail(f"Name one unit, for example: {app.command_name} {known[0]}. There are: {', '.join(known)}.")
    if chosen[0] not in known:
        app.fail("%s", unknown("unit", chosen[0], known))
    return chosen[0]


def activation() -> str:
    """Return the shell line that activates this environment, or "" if it is active."""
    script = Path(sysconfig.get_path("scripts"), "activate")
    return "" if os.environ.get("VIRTUAL_ENV") or not script.is_file() else f"  . {quote(str(script))}\n"


def check_assignment(app: Command, name: str) -> str:
    """Return `name` if the course or its gradebook has such an assignment. Exits with 1 otherwise."""
    if name not in (known := in_source(app)):
        with app.exit_on_failure("read"), open_gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
            known += [one.name for one in gradebook.assignments]
    if name not in known:
        app.fail("%s", unknown("assignment", name, {*known}))
    return name


def check_student(app: Command, asked: str) -> None:
    """Exit with 1 if an id, or a pattern of ids, matches none of the `known_students`."""
    if asked not in ("", "*"):
        known = known_students(app)
        if not any(asked == id or fnmatchcase(id, asked) for id in known):
            app.fail("%s", unknown("student", asked, known.values()))


def known_students(app: Command) -> dict[str, str]:
    """Return the students in the gradebook or with a submission: by id, the id with the person's name."""
    course, assignment = app.coursedir, app.coursedir.assignment_id
    found = [id.name if isinstance(id, InvalidId) else id for id, _ in find_submitted(course, assignment)]
    left = [each.student or each.file for each in read_collection(course, assignment).left_out]
    with app.exit_on_failure("read"), open_gradebook(course.db_url, course.course_id) as gradebook:
        return {**{id: id for id in (*found, *left)}, **{one.id: label(one) for one in gradebook.students}}
