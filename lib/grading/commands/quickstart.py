"""`zerolayer quickstart COURSE`: create a course's folder, with configuration, solutions and built notebooks."""

import json
import logging
from pathlib import Path
from pkgutil import resolve_name

from lib.grading import unit_registry
from lib.grading.commands import COMMANDS
from lib.grading.commands.command import Command, activation
from lib.grading.commands.demo import copy_course, run
from lib.grading.progress import say
from lib.units import CONFIG

NEXT = """
{course} is ready. Next:
{activation}  cd {course}
  zerolayer build {unit} --due "2030-03-05 18:00 UTC"  # and any other change
  zerolayer collect {unit} submissions.zip              # as Canvas or Moodle downloads it
  zerolayer grade {unit}
"""


class QuickstartApp(Command):
    """`nbgrader quickstart` for this course. A clone isn't needed: an installed package has all files."""

    own_log_level = logging.ERROR  # nbgrader warns if a folder has no configuration yet
    name = "zerolayer-quickstart"
    argument = "COURSE"
    description = "Create a course's folder: the configuration, the solutions, and the notebooks for students."
    examples = "zerolayer quickstart deep_learning"

    def start(self) -> None:
        """Create the folder. Exits with 1 if it has files already, or a notebook can't be built."""
        super().start()
        if len(self.extra_args) != 1:
            self.fail(f"Name the course's new folder, for example: {self.command_name} deep_learning")
        course = Path(self.coursedir.root, self.extra_args[0])
        if course.exists() and not (course.is_dir() and not any(course.iterdir())):
            self.fail(f"{course} is not empty. Name a new folder, so that nothing is overwritten.")
        with self.exit_on_failure("created"):
            copy_course(course)
            config = (course / CONFIG).read_text("utf-8")
            own = f"c.CourseDirectory.course_id = {json.dumps(course.name)}"
            (course / CONFIG).write_text(config.replace('c.CourseDirectory.course_id = "zerolayer"', own), "utf-8")
        # Without a trial run of the solutions: they were tried when this package was made.
        run(resolve_name(COMMANDS["build"]), course, "--Rebuild.runs=False")
        unit = unit_registry.starting_units(unit_registry.find_all())[0]
        say(NEXT.format(course=course, unit=unit, activation=activation()))
