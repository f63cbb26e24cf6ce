"""What commands of ours share: they are about one assignment or one unit."""

from collections.abc import Sequence

from nbgrader.apps.baseapp import NbGrader

from lib.grading import units


def given_names(app: NbGrader) -> list[str]:
    """Give the names that a command was given, with or without `--assignment`."""
    return [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]


def named_assignment(app: NbGrader) -> str:
    """Give the one assignment that a command is about, named with or without `--assignment`; else exits with 1."""
    names = given_names(app)
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
