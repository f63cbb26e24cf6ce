"""What commands of ours share: they are about one assignment, and what they build is never edited."""

from collections.abc import Sequence

from nbgrader.apps import GenerateAssignmentApp
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import GenerateAssignment
from traitlets.config import Config

from lib.grading import units
from lib.grading.commands.build import Blanks, NoLeak
from lib.grading.commands.config import Configured, require_steps
from lib.grading.errors import ConfigError
from lib.grading.submissions.preprocessors import Judging


def named_assignment(app: NbGrader) -> str:
    """Give the one assignment that a command is about, named with or without `--assignment`; else exits with 1."""
    names = [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]
    if len(names) != 1:
        app.fail(f"Name one assignment, for example: {app.name.replace('-', ' ')} {next(units.names())}")
    return str(names[0])


def named_unit(app: NbGrader, names: Sequence[str]) -> str:
    """Give the unit that a command is about: the one that is named, or the only one there is; else exits with 1."""
    known = list(units.names())
    chosen = list(names) or known
    if len(chosen) != 1 or chosen[0] not in known:
        app.fail(f"Name one unit, for example: {app.name.replace('-', ' ')} {known[0]}. There are: {', '.join(known)}.")
    return chosen[0]


class Rebuild(Configured, GenerateAssignmentApp):
    """`nbgrader generate_assignment --force`: overwriting by default, since what is generated is never edited."""

    in_course = True

    def build_extra_config(self) -> Config:
        """Called by nbgrader while it reads the configuration."""
        config = super().build_extra_config()
        config.BaseConverter.force = True
        return config

    def start(self) -> None:
        """Generate; exits with 1 where the settings would release a unit with its solutions."""
        assignment = self.coursedir.assignment_id or "".join(self.extra_args[:1])
        if assignment in Judging(parent=self).units:
            found = GenerateAssignment(coursedir=self.coursedir, parent=self).preprocessors
            try:
                require_steps("GenerateAssignment.preprocessors", found, (Blanks, NoLeak), self)
            except ConfigError as error:
                self.fail("%s", error)
        super().start()
