"""The units there are, by the name of their assignment, wherever they lie.

| place | module | named by |
|---|---|---|
| in this package | `lib.units.NAME` | its folder |
| in the course's folder | `lib.units.NAME` | its folder, `units/NAME` |
| in a package of its own | any | an entry point NAME of the group `zerolayer.units` |

A unit's module is its open half. The closed one is the folder `closed` in it, or a module there that has an ANSWER_KEY.
"""

from __future__ import annotations  # or the type of answers would load NumPy, whose threads keep a process from forking

import linecache
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from pathlib import Path, PurePath
from traceback import extract_tb
from typing import TYPE_CHECKING

from traitlets.utils.importstring import import_item

import lib.units
from lib.grading.errors import ConfigError, file_line

if TYPE_CHECKING:
    from lib.answer_key import AnswerKey
    from lib.unit import Unit

CLOSED = "closed"
CLOSED_FILES = ("answer_key.py", "mistakes.py", "right_code.py", "changes.toml")
CLOSED_FOLDERS = ("authoring", "grading", "reference")
CLOSED_PATHS = (*CLOSED_FILES, *CLOSED_FOLDERS, f"units/*/{CLOSED}")
"""Paths in `lib`, as patterns: never in the student bundle, and no process that runs student code sees the folders."""

SOLUTIONS: dict[str, Path] = {}
"""The folders of assignments' solutions, where the configuration says so."""
RIGHT = "<the right code of "
"""How the file is called that right code from a notebook is in."""


@dataclass(frozen=True)
class UnitLocation:
    """Where a unit lies: the module of its open half, and that module's folder."""

    name: str
    module: str
    folder: Path

    @property
    def answers(self) -> str:
        """The import string of its closed half, also where no module but the folder has that."""
        return f"{self.module}.{CLOSED}.ANSWER_KEY"

    @property
    def closed(self) -> Path:
        """The folder of its closed half."""
        return self.folder / CLOSED

    @property
    def is_built_in(self) -> bool:
        """Whether it came with this package."""
        return self.folder.parent == Path(lib.units.__file__).parent


def find_all() -> dict[str, UnitLocation]:
    """Find all units by name: of this package, the course, and other packages; of two with one name, the first."""
    found: dict[str, UnitLocation] = {}
    for place in _all_places():
        found.setdefault(place.name, place)
    return found


def find(name: str) -> UnitLocation | None:
    """Find the unit of an assignment; None where there is none.

    Raises ConfigError where there are two, or one whose package is gone: who grades must not be a matter of chance.
    """
    if isinstance(packaged := _in_packages().get(name), str):
        raise ConfigError(packaged)
    found = [place for place in _all_places() if place.name == name]
    if len(found) > 1:
        raise ConfigError(
            f"Two units are called {name}: {found[0].folder} and {found[1].folder}. Expected one."
            " Rename one of them and its assignment, or take it away."
        )
    return found[0] if found else None


def find_by_key(key: AnswerKey) -> UnitLocation | None:
    """Find the unit that has this answer key; None for one that no unit's folder holds."""
    place = find_all().get(key.unit.name)
    return place if place and answer_key(place.name) is key else None


def _all_places() -> Iterator[UnitLocation]:
    for folder in lib.units.__path__:
        exercises = {file.parent.name for file in Path(folder).glob(f"*/{lib.units.EXERCISE}")}
        names = sorted(exercises | {module.name for module in pkgutil.iter_modules([folder]) if module.ispkg})
        yield from (UnitLocation(name, f"lib.units.{name}", Path(folder, name)) for name in names)
    yield from (place for place in _in_packages().values() if isinstance(place, UnitLocation))


@cache
def _in_packages() -> Mapping[str, UnitLocation | str]:
    """Find the units of other packages; for one that can't be found, say why."""
    return {point.name: _find(point.name, point.module) for point in entry_points(group=lib.units.GROUP)}


def _find(name: str, module: str) -> UnitLocation | str:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # a module that it would be in is not there
        spec = None
    if spec is None or not spec.submodule_search_locations:
        return (
            f"The unit {name} can't be found. An installed package says that it is {module!r}, and that is no package"
            " which can be imported. Install it again, or uninstall it."
        )
    return UnitLocation(name, module, Path(spec.submodule_search_locations[0]))


def missing_packages(unit: Unit) -> list[str]:
    """Return what a unit asks for and this Python doesn't have."""
    found = []
    for package in unit.packages:
        try:
            distribution(name_of(package))
        except PackageNotFoundError:
            found.append(package)
    return found


def name_of(package: str) -> str:
    """Return the name in what pip reads, such as `pandas>=2`, in the one way to write it."""
    return re.split(r"[^\w.-]", package)[0].lower().replace("_", "-")


def first_of(known: Iterable[str]) -> list[str]:
    """Leave out the units that build on another one: a command without a name is about the unit to begin with."""
    found = find_all()
    return [name for name in known if name not in found or not import_module(found[name].module).UNIT.builds_on]


def answer_key(name: str) -> AnswerKey:
    """Load a unit's closed half. Raises KeyError where there is no unit of this name, ConfigError where it fails."""
    return load(find_all()[name].answers, f"The unit {name}", "Correct the unit.")


def load(answers: str, what: str, advice: str) -> AnswerKey:
    """Import an answer key by its import string. Raises ConfigError, on `what` and with advice, where it can't be."""
    from lib.answer_key import AnswerKey  # here, see above

    place = next((each for each in find_all().values() if each.answers == answers), None)
    try:
        is_folder = place and not (place.closed / "__init__.py").is_file()
        found = _read_folder(place, import_module(place.module).UNIT) if place and is_folder else import_item(answers)
    except (Exception, SystemExit) as error:  # whatever a module may raise as it is imported
        raise ConfigError(f"{what} fails: {answers!r} can't be imported: {describe(error)}. {advice}") from error
    if not isinstance(found, AnswerKey):
        raise ConfigError(f"{what} fails: {answers!r} is a {type(found).__name__}. {advice}")
    return found


@cache
def _read_folder(place: UnitLocation, unit: Unit) -> AnswerKey:
    from lib.answer_key import read_folder  # here, see above

    return read_folder(unit, place.module, place.folder, SOLUTIONS.get(place.name) if not place.is_built_in else None)


def describe(error: BaseException) -> str:
    """Give an error's type and words, and the line of a unit's code at which it was raised, if it was there."""
    from lib.mistakes import BadMistake  # here, see above

    if isinstance(error, BadMistake):
        return f"{str(error).removesuffix('.')} ({file_line(error.place.file, error.place.line)})"
    words, where = f"{type(error).__name__}: {error}", line_of(error)
    is_refused = "partially initialized module" in words or f".{CLOSED}" in words
    if (
        where and isinstance(error, ImportError) and is_refused and (f"/{CLOSED}/" in where) != (f".{CLOSED}" in words)
    ):  # an open and a closed file
        return f"{words}. A file outside the folder {CLOSED} may not import what is in it"
    if isinstance(error, SyntaxError):
        words, where = f"SyntaxError: {error.msg}", file_line(error.filename or "", error.lineno or 0)
    return f"{words} ({where})" if where else words


def line_of(error: BaseException) -> str:
    """Give the last line of a unit's own code at which an error was raised, as `file:line`, if there is one."""
    folders = [place.folder for place in find_all().values()]
    frames = [(frame.filename, frame.lineno or 0) for frame in extract_tb(error.__traceback__)]
    own = [frame for frame in frames if any(map(Path(frame[0]).is_relative_to, folders)) or frame[0].startswith(RIGHT)]
    if own and own[-1][0].startswith(RIGHT):
        return f"{own[-1][0].strip('<>')}: {linecache.getline(*own[-1]).strip()}"
    return file_line(*own[-1]) if own else ""


def closed_folders(package: Path) -> Iterator[Path]:
    """Find the folders of the closed half in an installed `lib`."""
    return (folder for pattern in CLOSED_PATHS for folder in package.glob(pattern) if folder.is_dir())


def is_closed(file: PurePath) -> bool:
    """Tell whether a file, by its path in `lib`, belongs to the closed half."""
    tops = ((PurePath(*file.parts[: pattern.count("/") + 1]), pattern) for pattern in CLOSED_PATHS)
    return any(top.match(pattern) for top, pattern in tops)
