"""The command `zerolayer`: one entry to the course, built on nbgrader's apps, with their flags and exit codes."""

import lib.grading.startup  # noqa: F401  # before all that would import what it leaves out

# isort: split
from importlib.metadata import version

from lib.grading.commands import COMMANDS, load
from lib.grading.commands.command import Command
from lib.grading.names import unknown

APPS = {name: load(name) for name in COMMANDS}


def summary(description: str) -> str:
    """Give the first paragraph of a command's description, in one line."""
    return " ".join(description.strip().split("\n\n")[0].split())


class ZeroLayerApp(Command):
    """Build the course, open it, grade it."""

    name = "zerolayer"
    argument = "COMMAND"
    description = "Notebooks with blanks to fill, and their grading. Give a command; each has --help."
    version = version("zerolayer")
    aliases, flags = {}, {}
    subcommands = {name: (app, summary(app.description)) for name, app in APPS.items()}
    uses = tuple(APPS.values())  # so `--help-all` lists the settings of every command

    def start(self) -> None:
        """List the commands; exits with 1 where the one that was given is not among them."""
        self.print_help()
        if self.extra_args:
            self.fail("%s", unknown("command", self.extra_args[0], COMMANDS))
        super().start()
