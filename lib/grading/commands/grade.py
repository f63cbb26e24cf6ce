"""`zerolayer grade`: a class is graded, as `grade.class_` does."""

import logging
import signal
from typing import ClassVar

from nbgrader.apps import AutogradeApp
from nbgrader.converters import NbGraderException

from lib.grading.commands.command import Command, named_assignment, options
from lib.grading.commands.known_names import check_assignment, check_student
from lib.grading.execution.settings import BoundedExecute
from lib.grading.pipeline.grade_class import Grade

NEEDS_A_PERSON = 3
"""Exit code: done, but a person has to look at some. nbgrader ends with 0 or 1, a shell with 2 and with 126 or more."""


class GradeApp(Command, AutogradeApp):
    """`zerolayer grade ASSIGNMENT`: `nbgrader autograde` for a whole class at once."""

    in_course = True
    own_log_level = logging.WARNING  # nbgrader's own level tells of each file of each submission

    name = "zerolayer-grade"
    argument = "ASSIGNMENT"
    description = f"""
        Grade the submissions of an assignment: every one gets a verdict, whatever it is.

        Exits with 0 when all is graded. Exits with {NEEDS_A_PERSON} when all is done, but a person has to look at some:
        those that could not be read, or not be run to the end, and others, each listed with the reason. Exits with 1
        when grading had to stop, after a sentence that says why: what was graded is kept, and the same command goes
        on from there. With --force it begins again with all.

        Those that need a person stay listed until `--seen` notes that one has seen them, or the student submits again.
        Each reason that is listed then goes into the file seen.csv.
    """
    examples = """
        zerolayer grade UNIT
        zerolayer grade UNIT --student ada --force
        zerolayer grade UNIT --seen ada        what is listed of ada was seen
        zerolayer grade UNIT --jobs 8 --timeout 60
        zerolayer grade UNIT --scheduler tcp://10.0.0.1:8786
    """
    aliases = {
        **options("student", "assignment", "notebook", "db"),
        "seen": "Grade.seen",
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
            "Run students' code with all your rights, on this machine as it is.",
        ),
    }

    uses: ClassVar[tuple[type, ...]] = (Grade, BoundedExecute)

    def start(self) -> None:
        """Grade; exits with 1 where nbgrader would, and with `NEEDS_A_PERSON` where one is needed."""
        super(AutogradeApp, self).start()  # not AutogradeApp's, which makes nbgrader's own converter
        self.coursedir.assignment_id = check_assignment(self, named_assignment(self))
        grade = Grade(coursedir=self.coursedir, parent=self)
        for asked in (self.coursedir.student_id, grade.seen):
            check_student(self, asked)
        try:
            grade.start()
        except NbGraderException:
            self.exit(1)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more says nothing new
            self.log.error("Stopped. What was graded is kept; %s.", grade.next_time)
            self.exit(130)
        if grade.progress.for_a_person:
            self.exit(NEEDS_A_PERSON)
