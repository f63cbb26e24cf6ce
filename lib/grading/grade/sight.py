"""What student code can import of a unit where submissions run: the checks, and never the answers.

Answers in sight would earn points for nothing; checks out of sight would give everybody 0.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from lib.answer_key import AnswerKey
from lib.grading.errors import CannotBuild
from lib.grading.units import CLOSED

LAYOUT = f"lay the unit out as `zerolayer new` does, with the answers in its folder {CLOSED}"


def find_exposed(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    """Say which modules hold a unit's answers and can be imported by student code.

    `answers` is the import string of the answer key. What comes from other packages is theirs: anybody can import that.
    """
    home = answers.rpartition(".")[0]
    codes = [key.right, *(way.code for mistake in key.mistakes for way in mistake.ways)]
    objects = (code if getattr(code, "__module__", None) else type(code) for each in codes for code in each.values())
    modules = {home, *(str(each.__module__) for each in objects)}
    own = {home.partition(".")[0], "lib"}
    for name in sorted(module for module in modules if module.partition(".")[0] in own):
        if (file := _file_of(name)) and is_shown(file):
            yield CannotBuild(
                f"{name}: answers that student code can import where submissions run",
                found=str(file),
                expected=f"right objects and mistakes in a folder {CLOSED} of the unit",
                attempt=LAYOUT,
            )


def find_unseen(key: AnswerKey) -> Iterator[CannotBuild]:
    """Say which modules a unit's checks need, and can't be found where submissions run."""
    modules = {type(statement).__module__ for part in key.parts for statement in part.statements}
    for name in sorted(modules):
        if (file := _file_of(name)) and not is_shown(file):
            yield CannotBuild(
                f"{name}: checks that can't be imported where submissions run",
                found=str(file),
                expected="the unit in `units/` of the course's folder, or in an installed package with an entry point",
                attempt=f"{LAYOUT}, and read docs/authoring.md",
            )


def packages_of(key: AnswerKey) -> tuple[str, ...]:
    """Name the packages that a unit's checks are in."""
    modules = (sys.modules[type(statement).__module__] for part in key.parts for statement in part.statements)
    return tuple(sorted({module.__package__ for module in modules if module.__package__}))


def is_shown(file: Path) -> bool:
    """Tell whether kernels that are locked in see a file of this machine. Where none can be, code sees everything."""
    if sys.platform != "linux":
        return True
    from lib.grading.sandbox.lockdown import view  # it can be imported on Linux only

    seen, path = view(commands=False), file.resolve()
    return any(map(path.is_relative_to, seen.shown)) and not any(map(path.is_relative_to, seen.hidden))


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file) if file else None
