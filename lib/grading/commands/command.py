"""A command of ours: nbgrader's application, with the options that work for it, and with settings that can be read.

traitlets would log what is wrong with a settings file and go on with its own defaults, which grade without the judge
and release without blanks. It would also take an option that nobody knows for a setting, and do nothing with it.
"""

import logging
import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from shlex import quote
from traceback import extract_tb
from typing import Any, ClassVar

from filelock import Timeout
from nbgrader.api import MissingEntry
from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, TraitError, default
from traitlets.config import Config, JSONFileConfigLoader, PyFileConfigLoader
from traitlets.config.loader import ConfigFileNotFound, FileConfigLoader

import lib.units
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.files import PRIVATE
from lib.grading.machine_faults import sentence
from lib.grading.names import unknown

HELP = ("h", "help", "help-all", "V", "version")
"""traitlets' own options, which take no value."""


class _Loader(FileConfigLoader):
    """Reads a file; what goes wrong in it is told with its place."""

    def load_config(self) -> Config:
        """Called by traitlets for each file that it finds, and by `load_subconfig` in one."""
        try:
            return super().load_config()
        except (ConfigFileNotFound, ConfigError):
            raise
        except (Exception, SystemExit) as error:  # Python may do anything, and JSON be anything but settings
            raise ConfigError(_describe(self.full_filename, error)) from error


class _PyLoader(_Loader, PyFileConfigLoader):
    pass


class _JSONLoader(_Loader, JSONFileConfigLoader):
    pass


def _describe(file: str, error: BaseException) -> str:
    """Say in which line of a file what went wrong."""
    if isinstance(error, SyntaxError) and error.filename == file:
        line, why = error.lineno, error.msg
    else:
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
        line, why = lines[-1] if lines else getattr(error, "lineno", None), str(error)
    at = f", line {line}" if line else ""
    return f"{file}{at}: {type(error).__name__}: {why}\nNothing was done. Correct that line, and try again."


def options(*names: str) -> dict[str, str]:
    """Give those of nbgrader's options that take a value: the two that all commands have, and those that are named."""
    known = {**nbgrader_aliases, "course": "CourseDirectory.course_id"}
    return {name: known[name] for name in ("course-dir", "log-level", *names)}


class Command(NbGrader):
    """A command that ends, with a sentence, where a settings file can't be read, or an option has no effect on it.

    Where `in_course` is set, it also ends where there is no such file at all.
    """

    in_course: ClassVar[bool] = False
    is_private: ClassVar[bool] = True
    """Whether all that it writes in a course is for its teachers: what a class wrote and earned."""
    argument: ClassVar[str] = ""
    """What stands behind the command, as its help says; in brackets if it may be left out."""
    own_log_level: ClassVar[int] = logging.INFO
    """From which level on it logs, unless it is told otherwise."""
    uses: ClassVar[tuple[type, ...]] = ()
    """Classes that have settings of its own, besides those of nbgrader's command."""
    # Each command has those that work for it, and none of nbgrader's command of which it is made.
    aliases: dict[Any, Any] = options()
    flags: dict[Any, Any] = nbgrader_flags
    python_config_loader_class = _PyLoader
    json_config_loader_class = _JSONLoader
    raise_config_file_errors = Bool(True)  # traitlets would log the error and go on without the rest of the file

    @default("log_level")
    def _log_level_default(self) -> int:
        return self.own_log_level

    @default("classes")
    def _classes_default(self) -> list[type]:
        return [*super()._classes_default(), *self.uses]

    @property
    def typed(self) -> str:
        """How it is given: its program and its name."""
        return self.name.replace("-", " ", 1)

    def emit_description(self) -> Iterator[str]:
        """Called by traitlets for the help: how the command is given, then what it does."""
        yield " ".join(filter(None, ("Usage:", self.typed, self.argument, "[OPTION…]")))
        yield ""
        yield from super().emit_description()

    def emit_examples(self) -> Iterator[str]:
        """Called by traitlets for the help, which would indent each example but the first."""
        yield from (re.sub("^ +", "    ", text, flags=re.MULTILINE) for text in super().emit_examples())

    @classmethod
    def launch_instance(cls, argv: list[str] | None = None, **kwargs: Any) -> None:
        """Run the command; exits with 1 where a class that it makes on its way can't have a setting of its own."""
        try:
            super().launch_instance(argv, **kwargs)
        except TraitError as error:
            cls.instance().log.debug("This is where", exc_info=True)
            cls.instance().fail("%s", f"A setting can't be used: {error}")

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Called by traitlets to read options; exits with 2, as it does itself, where there is no such option.

        traitlets would only warn of one with a value: it could be a setting of nobody's.
        """
        words = sys.argv[1:] if argv is None else argv
        known = {*self.aliases, *self.flags, *HELP}
        for word in takewhile("--".__ne__, words):
            option = re.match(r"--?([A-Za-z][\w-]*)(=|$)", word)
            if option and option[1] not in known:
                there = ", ".join(f"--{name}" for name in sorted({*self.aliases, *self.flags}) if len(name) > 1)
                word, _, _ = word.partition("=")
                self.log.error("`%s` has no option %s. It has: %s. --help says what they do.", self.typed, word, there)
                self.exit(2)
        super().parse_command_line(self._names_first(words))

    def _names_first(self, words: Sequence[str]) -> list[str]:
        """Put names before options: argparse refuses names in two places."""
        names, options, left = list[str](), list[str](), iter(words)
        for word in takewhile("--".__ne__, left):
            if not word.startswith("-"):
                names.append(word)
                continue
            options.append(word)
            if "=" not in word and word.lstrip("-") not in {*self.flags, *HELP}:
                options += [value for value in [next(left, None)] if value is not None]
        return [*names, *options, *(["--", *after] if (after := [*left]) else [])]

    def load_config_file(self, **kwargs: Any) -> None:
        """Called by nbgrader, which would warn that the folder it is in has no file, also where the course has one."""
        super(NbGrader, self).load_config_file(**kwargs)

    def initialize(self, argv: list[str] | None = None, root: str = "") -> None:
        """Read the configuration as nbgrader does; exits with 1 where a file can't be read."""
        try:
            super().initialize(argv, root)
        except ConfigError as error:
            self.fail("%s", error)
        lib.units.enter(self.coursedir.root)
        # Jupyter's own configuration may be found in any folder, and says nothing of a course.
        if self.in_course and not any(Path(file).stem != "jupyter_config" for file in self.loaded_config_files):
            self.fail(
                f"There is no nbgrader_config.py in {self.coursedir.root}. Give the command in the course's folder, or"
                " name that folder: --course-dir=FOLDER"
            )
        if self.in_course and self.is_private:
            os.umask(PRIVATE[self.coursedir.groupshared])

    @contextmanager
    def told_in_a_sentence(self, doing: str, then: str = "") -> Iterator[None]:
        """Exit with 1, after a sentence, where this machine or another run keeps its assignment from being done."""
        assignment = self.coursedir.assignment_id
        try:
            yield
        except Timeout:
            self.fail(f"{assignment} is being {doing} by another run. Wait until it is through, or end it.")
        except MissingEntry:
            self.fail(f"The gradebook doesn't know {assignment}. Run `zerolayer build` first.")
        except (OSError, MemoryError, SQLAlchemyError, ConfigError) as error:
            self.fail("%s", f"{sentence(error)}{then}")


def given_names(app: Command) -> list[str]:
    """Give the names that a command was given, with or without `--assignment`."""
    return [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]


def named_assignment(app: Command) -> str:
    """Give the one assignment that a command is about, named with or without `--assignment`; else exits with 1."""
    names = given_names(app)
    if len(names) != 1:
        app.fail(f"Name one assignment, for example: {app.typed} {next(iter(unit_registry.find_all()))}")
    return str(names[0])


def all_assignments(app: Command) -> list[str]:
    """Name all assignments in the course's source directory; exits with 1 where there are none."""
    if not (assignments := in_source(app)):
        source = Path(app.coursedir.root, app.coursedir.source_directory)
        app.fail(f"There are no notebooks in {source}. Start in a folder that has them, or give --course-dir.")
    return assignments


def in_source(app: Command) -> list[str]:
    """Return the names of the assignments that have a notebook in the course's source directory."""
    source = Path(app.coursedir.root, app.coursedir.source_directory)
    return sorted(folder.name for folder in source.glob("*") if any(folder.glob("*.ipynb")))


def named_unit(app: Command, names: Sequence[str]) -> str:
    """Give the unit that a command is about: the one that is named, or the one to begin with; else exits with 1."""
    known = list(unit_registry.find_all())
    chosen = list(names) or unit_registry.starting_units(known)
    if len(chosen) != 1:
        app.fail(f"Name one unit, for example: {app.typed} {known[0]}. There are: {', '.join(known)}.")
    if chosen[0] not in known:
        app.fail("%s", unknown("unit", chosen[0], known))
    return chosen[0]


def activation() -> str:
    """Write the line that puts this environment's programs on the path, where that is to be done first."""
    script = Path(sysconfig.get_path("scripts"), "activate")
    return "" if os.environ.get("VIRTUAL_ENV") or not script.is_file() else f"  . {quote(str(script))}\n"
