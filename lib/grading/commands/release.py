"""Releases: an assignment is built in a folder apart and then moved, so that a failed build changes nothing.

It is built twice. The first build doesn't touch the gradebook and tries the unit. If it succeeds, the second one fills
the gradebook, and its folder replaces the released one.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import partial
from pathlib import Path

from nbgrader.api import InvalidEntry
from nbgrader.apps import GenerateAssignmentApp
from nbgrader.converters import GenerateAssignment, GenerateSourceWithTests, NbGraderException
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from lib.grading import units
from lib.grading.book.gradebook import retry
from lib.grading.commands.begun import refuse_other_cells
from lib.grading.commands.build import Blanks, CannotBuild, NoLeak
from lib.grading.commands.command import Command, all_assignments, named_assignment, options
from lib.grading.commands.fingerprints import write_files
from lib.grading.commands.points import Points
from lib.grading.commands.proof import Prove
from lib.grading.commands.proved import is_proved, note
from lib.grading.errors import ConfigError
from lib.grading.files import put_in_place, remove
from lib.grading.grade.unit_preprocessor import UnitPreprocessor
from lib.grading.machine_faults import sentence
from lib.grading.progress import say

TRIAL = Config({"GenerateAssignment": {"no_database": True}, "SaveCells": {"enabled": False}})
"""Settings of the first build."""
AFTER_TRIAL = Config({"Prove": {"enabled": False}})
"""Settings of the second build."""


class Release(GenerateAssignment):
    """nbgrader's GenerateAssignment for one assignment, which ends at the first fault and leaves it to the caller.

    nbgrader's own would log a traceback, remove the release, and go on.
    """

    def convert_notebooks(self) -> None:
        """Called by `start`. Raises whatever keeps the assignment from being built."""
        # The order of a folder's files is the file system's; messages should be the same everywhere.
        self.notebooks = sorted(path for paths in self.assignments.values() for path in paths)
        self.run_pre_convert_hook()
        self.init_assignment(self.coursedir.assignment_id, self.coursedir.student_id)
        for notebook in self.notebooks:
            self.convert_single_notebook(notebook)
        self.set_permissions(self.coursedir.assignment_id, self.coursedir.student_id)
        self.run_post_convert_hook()


@contextmanager
def _keep_quiet() -> Iterator[None]:
    """Keep nbgrader from logging a traceback for each error of a database; it raises the error, too."""
    log = logging.getLogger("tornado.application")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


class Rebuild(Command, GenerateAssignmentApp):
    """`nbgrader generate_assignment --force`, since nobody edits what it makes; where it fails, nothing is changed."""

    in_course = True
    own_log_level = logging.WARNING  # nbgrader's own level tells of each file, and here twice
    aliases = options("assignment", "notebook", "db", "course")
    flags = Command.flags | {name: GenerateAssignmentApp.flags[name] for name in ("no-db", "source_with_tests")}

    def start(self) -> None:
        """Build the assignment; exits with 1, after a sentence, where it can't be built."""
        super(GenerateAssignmentApp, self).start()
        if not (self.extra_args or self.coursedir.assignment_id):  # in nbgrader's own words
            self.fail("An assignment id must be specified, either as an argument or with --assignment.")
        self.coursedir.assignment_id = named_assignment(self)
        try:
            self._require_steps()
            if self.source_with_tests:
                GenerateSourceWithTests(coursedir=self.coursedir, parent=self).start()
            self._release()
            self._write_files()
        except NbGraderException:
            self.exit(1)  # nbgrader has said why
        except (CannotBuild, ConfigError) as error:
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
    def released(self) -> Path:
        """Where the released assignment lies."""
        course = self.coursedir
        return Path(course.format_path(course.release_directory, ".", course.assignment_id))

    def _require_steps(self) -> None:
        """Raise ConfigError where the settings would release a unit with its solutions, or with points by chance."""
        if not UnitPreprocessor(parent=self).answers_of(self.coursedir.assignment_id):
            return
        found = GenerateAssignment(coursedir=self.coursedir, parent=self).preprocessors
        # An iterator: each search goes on behind what the last one found, so the order is seen to as well.
        steps = (import_item(step) if isinstance(step, str) else step for step in found)
        for kind in (Points, Blanks, Prove, NoLeak):
            if not any(issubclass(step, kind) for step in steps):
                files = ", ".join(dict.fromkeys(self.loaded_config_files)) or "no file at all"
                raise ConfigError(
                    f"GenerateAssignment.preprocessors lacks {kind.__module__}.{kind.__name__}, or has it in another"
                    f" place. The settings are from {files}. Nothing was done. Copy that list from the"
                    " nbgrader_config.py that came with the course."
                )

    def _write_files(self) -> None:
        """Write what check and judge recognise the unit's mistakes by, where the unit is found by its name."""
        key = UnitPreprocessor(parent=self).unit_of(self.coursedir.assignment_id)
        if key is not None and key.unit.name in units.places() and not is_proved(key):
            try:
                write_files(key.unit.name, key)
                if Prove(parent=self).enabled:
                    note(key)
            except OSError as error:
                self.fail("The notebook is built. The files by which mistakes are named are not: %s", sentence(error))

    def _release(self) -> None:
        """Build in a folder beside the release, then exchange the two."""
        released = self.released
        with self.apart() as built:
            if self.coursedir.notebook_id != "*" and released.is_dir():
                shutil.copytree(released, built)  # the assignment's other notebooks stay as they are
            self.generate(TRIAL)
            refuse_other_cells(self.coursedir, built)
            # Another build may fill an empty gradebook at the same moment.
            with _keep_quiet():
                retry(partial(self.generate, AFTER_TRIAL), times=9)
            put_in_place(built, released)

    @contextmanager
    def apart(self) -> Iterator[Path]:
        """Build into a folder beside the release for a while, which is gone afterwards."""
        directory = self.coursedir.release_directory
        # Beside the release, so that both are on one file system and a move is a rename.
        self.coursedir.release_directory = str(Path(directory).with_name(f".{Path(directory).name}.{os.getpid()}"))
        built = self.released
        try:
            yield built
        finally:
            self.coursedir.release_directory = directory
            remove(built)
            with suppress(OSError):  # in a course with another structure it isn't ours alone, and not empty
                built.parent.rmdir()

    def generate(self, settings: Config) -> None:
        """Have nbgrader build, with some settings in the place of the course's."""
        config = deepcopy(self.config)
        config.merge(settings)
        Release(coursedir=self.coursedir, parent=self, config=config).start()


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
            else:
                say(f"{self.released} is ready.")
        if not is_whole:
            self.exit(1)
