"""The command `zerolayer`: lists the subcommands. They use nbgrader's flags and exit codes."""

import lib.grading.lazy_imports  # noqa: F401  # first: it keeps the imports below from loading slow modules

# isort: split
import pkgutil
from importlib.metadata import version

from lib.grading.commands import COMMANDS
from lib.grading.commands.command import Command
from lib.grading.safe_names import unknown

APPS = {name: pkgutil.resolve_name(place) for name, place in COMMANDS.items()}
SUMMARIES = {name: " ".join(app.description.strip().split("\n\n")[0].split()) for name, app in APPS.items()}
"""The first paragraph of each command's description as one line."""


class ZeroLayerApp(Command):
    """Build the course, open it, grade it."""

    name = "zerolayer"
    argument = "COMMAND"
    description = "Notebooks with blanks to fill, and their grading. Each command has --help."
    version = version("zerolayer")
    aliases, flags = {}, {}
    subcommands = {name: (app, SUMMARIES[name]) for name, app in APPS.items()}
    uses = tuple(APPS.values())  # for `--help-all`, which lists the settings of every command

    def start(self) -> None:
        """List the commands. Exits with 1 if there is no command of the given name."""
        if self.extra_args[:1] == ["watch"]:
            self.fail("`zerolayer watch` is gone. Run `zerolayer grade` from a systemd timer or a cron line.")
        self.print_help()
        if self.extra_args:
            self.fail("%s", unknown("command", self.extra_args[0], COMMANDS))
        super().start()
