"""The command `zerolayer`: one entry to the course, built on nbgrader's apps, with their flags and exit codes."""

import lib.grading.startup  # noqa: F401  # before all that would import what it leaves out

# isort: split
from importlib.metadata import version
from typing import Any

from traitlets import default

from lib.grading.commands.bundle import BundleApp
from lib.grading.commands.check import CheckApp
from lib.grading.commands.command import all_assignments, say
from lib.grading.commands.config import Configured
from lib.grading.commands.demo import DemoApp
from lib.grading.commands.doctor import DoctorApp
from lib.grading.commands.feedback import FeedbackApp
from lib.grading.commands.fingerprints import FingerprintsApp
from lib.grading.commands.grade import GradeApp
from lib.grading.commands.lab import LabApp
from lib.grading.commands.new import NewApp
from lib.grading.commands.quicker import CollectApp, GradesApp
from lib.grading.commands.release import Rebuild
from lib.grading.commands.report import ReportApp
from lib.grading.commands.site import SiteApp
from lib.grading.commands.watch import WatchApp


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


COMMANDS = (
    LabApp,
    DemoApp,
    DoctorApp,
    NewApp,
    CheckApp,
    BuildApp,
    FingerprintsApp,
    BundleApp,
    SiteApp,
    CollectApp,
    GradeApp,
    FeedbackApp,
    WatchApp,
    ReportApp,
    GradesApp,
)


def summary(description: str) -> str:
    """Give the first paragraph of a command's description, in one line."""
    return " ".join(description.strip().split("\n\n")[0].split())


class ZeroLayerApp(Configured):
    """Build the course, open it, grade it."""

    name = "zerolayer"
    argument = "COMMAND"
    description = "Notebooks with blanks to fill, and their grading. Give a command; each has --help."
    version = version("zerolayer")
    subcommands = {  # noqa: RUF012  # traitlets' own way to list them
        app.name.removeprefix("zerolayer-"): (app, summary(app.description)) for app in COMMANDS
    }

    # With these, `--help-all` and `--generate-config` list the settings of every command.
    @default("classes")
    def _classes_default(self) -> list[Any]:
        return [*super()._classes_default(), *(app for app, _ in self.subcommands.values())]

    def start(self) -> None:
        """Run the command that was given, or list them; exits with 1 where there is no such command."""
        if self.subapp is None:
            self.print_help()
            if self.extra_args:
                self.fail(f"There is no command {self.extra_args[0]}. Try one of those above.")
        super().start()
