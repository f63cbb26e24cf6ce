"""What was proved of a unit: a note in its closed half, so that to build what was checked takes seconds.

The note is a digest of the unit's files and its notebooks, of this product's version, and of the modules that run and
compare looks: these also change between versions, in a clone. Where any of it has changed since, the unit is tried
again.
"""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import lib
from lib.grading import unit_registry
from lib.grading.unit_registry import UnitLocation

FILE = "proved.txt"
"""The note's name, in a unit's closed half."""
LIBRARY = Path(lib.__file__).parent
OWN = {".py", ".json", ".toml"}


def is_proved(place: UnitLocation, solutions: Path) -> bool:
    """True if a unit was proved as it stands, with the notebooks in the folder `solutions`."""
    with suppress(OSError):  # no note, or none that can be read
        return (place.closed / FILE).read_text(encoding="utf-8") == digest(place, solutions)
    return False


def note(place: UnitLocation, solutions: Path) -> None:
    """Note that a unit is proved as it stands. Raises OSError where that can't be written."""
    (place.closed / FILE).write_text(digest(place, solutions), encoding="utf-8")


def digest(place: UnitLocation, solutions: Path) -> str:
    """Take a digest of all that a unit's proof depends on, as a line of text."""
    hashed = sha256(version("zerolayer").encode())
    for file in files(place, solutions):
        # As text, because a checkout may change how lines end.
        hashed.update(f"{file.name} {len(text := file.read_text(encoding='utf-8'))}\n{text}".encode())
    return f"{hashed.hexdigest()}\n"


def files(place: UnitLocation, solutions: Path) -> Iterator[Path]:
    """Find all files that a unit's proof depends on, in an order that is the same everywhere."""
    yield from sorted((*LIBRARY.glob("*.py"), *LIBRARY.glob("checking/*.py")))
    yield from sorted(solutions.glob("*.ipynb"))
    base = unit_registry.find_all().get(import_module(place.module).UNIT.builds_on)
    for each in filter(None, (place, base)):
        yield from sorted(file for file in each.folder.rglob("*") if file.suffix in OWN)
