"""`zerolayer grade`: grade a class by `pipeline.grade_class`, or one student's files by `grade.grade`."""

import lib.grading.lazy_apps  # noqa: F401  # first: it keeps the imports below from loading slow modules

# isort: split
import logging
import re
import signal
from typing import ClassVar

from nbgrader.apps import AutogradeApp
from nbgrader.converters import NbGraderException

from lib.grading.commands.command import Command, check_assignment, check_student, named_assignment, options
from lib.grading.errors import ConfigError
from lib.grading.machine_faults import RunLostError, sentence
from lib.grading.pipeline.course import BoundedExecute
from lib.grading.pipeline.grade_class import Grade
from lib.grading.progress import say
from lib.grading.score_table import verdict_lines

NEEDS_A_PERSON = 3
"""The exit code if some submissions need a person. nbgrader uses 0 and 1, shells use 2 and 126 or more."""


class GradeApp(Command, AutogradeApp):
    """`zerolayer grade ASSIGNMENT`: `nbgrader autograde` for a whole class at once."""

    own_log_level = logging.WARNING  # at nbgrader's default level each file of each submission is logged

    name = "zerolayer-grade"
    argument = "ASSIGNMENT or FILE.ipynb"
    description = f"""
        Grade the submissions of an assignment, and write the class report. Every submission gets a verdict, also one
        that can't be read.

        Exits with 0 if all submissions are graded, and with {NEEDS_A_PERSON} if some need a person: for example those
        that could not be read or not be run to the end. Each one is listed with its reason. Exits with 1 if grading had
        to stop, after a message. Finished submissions are kept: the same command continues from there, or with --force
        starts over.

        Only submissions that this run graded, or could not grade, are listed. The report has all that need a person.

        With a notebook's file in place of the assignment, in any folder, grades that file and prints its verdict: the
        points of each part, and what was found and expected for each wrong statement. Nothing is stored. If the unit
        has several notebooks, name all of them.
    """
    examples = """
        zerolayer grade UNIT
        zerolayer grade UNIT --student ada --force
        zerolayer grade UNIT --jobs 8 --timeout 60
        zerolayer grade ada.ipynb
        zerolayer grade UNIT --scheduler tcp://10.0.0.1:8786
    """
    aliases = {
        **options("student", "assignment", "notebook", "db"),
        "jobs": "Grade.jobs",
        "scheduler": "Grade.scheduler",
        "timeout": "BoundedExecute.timeout",
    }
    flags = {
        **Command.flags,
        "force": AutogradeApp.flags["force"],
        "f": AutogradeApp.flags["f"],
        "no-sandbox": (
            {"BoundedExecute": {"sandbox": False}},
            "Run students' code with all your rights, without protection.",
        ),
    }

    uses: ClassVar[tuple[type, ...]] = (Grade, BoundedExecute)

    @property
    def in_course(self) -> bool:  # type: ignore[override]
        """True unless the arguments are notebooks, which need no course."""
        return not self._files

    @property
    def _files(self) -> list[str]:
        return [word for word in self.extra_args if re.search(r"\.ipynb$", word, re.IGNORECASE)]

    def start(self) -> None:
        """Grade. Exits with 1 if nbgrader would, and with `NEEDS_A_PERSON` if some submissions need one."""
        super(AutogradeApp, self).start()  # not AutogradeApp's, which runs nbgrader's own converter
        if self._files:
            self._grade_files()
            return
        self.coursedir.assignment_id = check_assignment(self, named_assignment(self))
        grade = Grade(coursedir=self.coursedir, parent=self)
        check_student(self, self.coursedir.student_id)
        try:
            grade.start()
        except NbGraderException:
            self.exit(1)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the exit
            self.log.error("Stopped. Finished submissions are kept; %s.", grade.next_time)
            self.exit(130)
        from lib.grading.commands.report import write_report  # not at the top: workers have to be forked before

        write_report(self)
        if grade.progress.for_a_person:
            self.exit(NEEDS_A_PERSON)

    def _grade_files(self) -> None:
        """Grade the notebooks of one student, and print the verdict."""
        from lib.grading.grade import grade  # not at the top: grading a class doesn't need it

        try:
            bounds = BoundedExecute(parent=self).bounds
            verdict = grade(self.extra_args, self.coursedir.assignment_id, bounds=bounds)
        except (ConfigError, RunLostError, OSError, MemoryError) as error:
            self.fail("%s", f"Nothing was graded. {sentence(error)}")
        say(verdict_lines(verdict))
        if verdict.reasons:
            self.exit(NEEDS_A_PERSON)
