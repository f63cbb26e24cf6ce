"""What commands of ours share: they are about one assignment or one unit."""

import os
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from nbgrader.apps.baseapp import NbGrader

from lib.grading import units


def given_names(app: NbGrader) -> list[str]:
    """Give the names that a command was given, with or without `--assignment`."""
    return [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]


def named_assignment(app: NbGrader) -> str:
    """Give the one assignment that a command is about, named with or without `--assignment`; else exits with 1."""
    names = given_names(app)
    if len(names) != 1:
        app.fail(f"Name one assignment, for example: {app.name.replace('-', ' ')} {next(iter(units.places()))}")
    return str(names[0])


def all_assignments(app: NbGrader) -> list[str]:
    """Name all assignments in the course's source directory; exits with 1 where there are none."""
    source = Path(app.coursedir.root, app.coursedir.source_directory)
    assignments = sorted(folder.name for folder in source.glob("*") if any(folder.glob("*.ipynb")))
    if not assignments:
        app.fail(f"There are no notebooks in {source}. Start in a folder that has them, or give --course-dir.")
    return assignments


def named_unit(app: NbGrader, names: Sequence[str]) -> str:
    """Give the unit that a command is about: the one that is named, or the one to begin with; else exits with 1."""
    known = list(units.places())
    chosen = list(names) or units.first_of(known)
    if len(chosen) != 1 or chosen[0] not in known:
        unknown = "".join(f"There is no unit called {name}. " for name in chosen if name not in known)
        example = f"{app.name.replace('-', ' ')} {known[0]}"
        app.fail(f"{unknown}Name one unit, for example: {example}. There are: {', '.join(known)}.")
    return chosen[0]


def activation() -> str:
    """Write the line that puts this environment's programs on the path, where that is to be done first."""
    script = Path(sysconfig.get_path("scripts"), "activate")
    return "" if os.environ.get("VIRTUAL_ENV") or not script.is_file() else f"  . {quote(str(script))}\n"
