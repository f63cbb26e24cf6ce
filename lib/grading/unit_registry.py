"""The registry of units: finds each unit by its assignment's name, and loads its answer key.

A unit is a folder with `exercise.py`, in this package or in the course's folder `units`. Its module `lib.units.NAME` is
its open half, and the folder `closed` in it is its closed half.
"""

from __future__ import annotations  # lib.answer_key would import NumPy, whose threads make it unsafe to fork

import linecache
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePath
from traceback import extract_tb
from typing import TYPE_CHECKING

import lib.units
from lib.grading.errors import ConfigError, file_line

if TYPE_CHECKING:
    from lib.answer_key import AnswerKey
    from lib.unit import Unit

CLOSED = "closed"
CLOSED_FILES = ("answer_key.py", "mistakes.py", "right_code.py", "any_result_mistakes.toml")
CLOSED_FOLDERS = ("authoring", "grading", "reference")
CLOSED_PATHS = (*CLOSED_FILES, *CLOSED_FOLDERS, f"units/*/{CLOSED}")
"""Patterns of paths in `lib` that are never in the student bundle. Processes that run student code can't see the
folders."""

SOLUTIONS: dict[str, Path] = {}
"""Folders of assignments' solutions that the configuration sets."""
RIGHT = "<the right code of "
"""Start of the file name under which right code from a notebook is compiled."""


@dataclass(frozen=True)
class UnitLocation:
    """A unit's location: its name, and its folder."""

    name: str
    folder: Path

    @property
    def module(self) -> str:
        """The module of its open half."""
        return f"{lib.units.__name__}.{self.name}"

    @property
    def closed(self) -> Path:
        """The folder of its closed half."""
        return self.folder / CLOSED

    @property
    def is_built_in(self) -> bool:
        """True if the unit is part of this package."""
        return self.folder.parent == Path(lib.units.__file__).parent


def find_all() -> dict[str, UnitLocation]:
    """Return all units by name, those of this package before the course's. Raises ConfigError if two share a name."""
    found: dict[str, UnitLocation] = {}
    for folder in lib.units.__path__:
        for file in sorted(Path(folder).glob(f"*/{lib.units.EXERCISE}")):
            name = file.parent.name
            if name in found:
                raise ConfigError(
                    f"Two units are called {name}: {found[name].folder} and {file.parent}. Expected one."
                    " Rename one of them and its assignment, or remove it."
                )
            found[name] = UnitLocation(name, file.parent)
    return found


@cache
def find_by_key(key: AnswerKey) -> UnitLocation | None:
    """Return the unit with this answer key; None if the key isn't from a unit's folder."""
    location = find_all().get(key.unit.name)
    return location if location and answer_key(location.name) is key else None


def missing_packages(unit: Unit) -> list[str]:
    """Return the packages that a unit requires and this Python doesn't have."""
    found = []
    for package in unit.packages:
        try:
            distribution(name_of(package))
        except PackageNotFoundError:
            found.append(package)
    return found


def name_of(package: str) -> str:
    """Return the normalized name in a requirement such as `pandas>=2`."""
    return re.split(r"[^\w.-]", package)[0].lower().replace("_", "-")


def starting_units(known: Iterable[str]) -> list[str]:
    """Return the names without units that build on another one: the default of commands that take a unit."""
    found = find_all()
    return [name for name in known if name not in found or not import_module(found[name].module).UNIT.builds_on]


def answer_key(name: str) -> AnswerKey:
    """Load a unit's closed half. Raises KeyError if there is no such unit, ConfigError if it can't be loaded."""
    location = find_all()[name]
    try:
        return _read_folder(location, import_module(location.module).UNIT)
    except (Exception, SystemExit) as error:  # importing a module may raise anything
        raise ConfigError(f"The unit {name} can't be used: {describe(error)}. Correct the unit.") from error


@cache
def _read_folder(location: UnitLocation, unit: Unit) -> AnswerKey:
    from lib.answer_key import read_folder  # not at the top: it imports NumPy

    solution = None if location.is_built_in else SOLUTIONS.get(location.name)
    return read_folder(unit, location.module, location.folder, solution)


def describe(error: BaseException) -> str:
    """Return an error's type and message, and the line of a unit's code that raised it, if any."""
    from lib.mistakes import BadMistake  # not at the top: it imports NumPy

    if isinstance(error, BadMistake):
        return f"{str(error).removesuffix('.')} ({file_line(error.place.file, error.place.line)})"
    words, where = f"{type(error).__name__}: {error}", line_of(error)
    is_refused = "partially initialized module" in words or f".{CLOSED}" in words
    is_across = (f"/{CLOSED}/" in where) != (f".{CLOSED}" in words)  # an open file imports a closed one, or vice versa
    if where and isinstance(error, ImportError) and is_refused and is_across:
        return f"{words}. A file outside the folder {CLOSED} may not import from it"
    if isinstance(error, SyntaxError):
        words, where = f"SyntaxError: {error.msg}", file_line(error.filename or "", error.lineno or 0)
    return f"{words} ({where})" if where else words


def line_of(error: BaseException) -> str:
    """Return the innermost line of a unit's code in an error's traceback as `file:line`, or ""."""
    folders = [location.folder for location in find_all().values()]
    frames = [(frame.filename, frame.lineno or 0) for frame in extract_tb(error.__traceback__)]
    own = [frame for frame in frames if any(map(Path(frame[0]).is_relative_to, folders)) or frame[0].startswith(RIGHT)]
    if own and own[-1][0].startswith(RIGHT):
        return f"{own[-1][0].strip('<>')}: {linecache.getline(*own[-1]).strip()}"
    return file_line(*own[-1]) if own else ""


def closed_folders(package: Path) -> Iterator[Path]:
    """Yield the folders of the closed half in an installed `lib`."""
    return (folder for pattern in CLOSED_PATHS for folder in package.glob(pattern) if folder.is_dir())


def is_closed(file: PurePath) -> bool:
    """True if a file, by its path in `lib`, belongs to the closed half."""
    tops = ((PurePath(*file.parts[: pattern.count("/") + 1]), pattern) for pattern in CLOSED_PATHS)
    return any(top.match(pattern) for top, pattern in tops)
