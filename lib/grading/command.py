"""What commands of ours share: they are about one assignment, and what they build is never edited."""

from nbgrader.apps import GenerateAssignmentApp
from nbgrader.apps.baseapp import NbGrader
from traitlets.config import Config


def named_assignment(app: NbGrader) -> str:
    """Give the one assignment that a command is about, named with or without `--assignment`; else exits with 1."""
    names = [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]
    if len(names) != 1:
        app.fail(f"Name one assignment, for example: {app.name.replace('-', ' ')} softmax_classifier")
    return str(names[0])


class Rebuild(GenerateAssignmentApp):
    """`nbgrader generate_assignment --force`: overwriting by default, since what is generated is never edited."""

    def build_extra_config(self) -> Config:
        """Called by nbgrader while it reads the configuration."""
        config = super().build_extra_config()
        config.BaseConverter.force = True
        return config
