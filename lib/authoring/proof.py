"""Proofs: a record in a unit's closed half that it had no faults, so that building it again takes seconds.

The record is a digest of the unit's files and notebooks, of this package's version, and of the modules that run and
compare looks, which in a clone also change between versions. If any of these has changed, the unit is tried again.
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
"""The record's name, in a unit's closed half."""
LIBRARY = Path(lib.__file__).parent
OWN = {".py", ".json", ".toml"}


def is_proved(place: UnitLocation, solutions: Path) -> bool:
    """True if a unit hasn't changed since its proof. Its notebooks are in the folder `solutions`."""
    with suppress(OSError):  # there is no record, or it can't be read
        return (place.closed / FILE).read_text(encoding="utf-8") == digest(place, solutions)
    return False


def record_proof(place: UnitLocation, solutions: Path) -> None:
    """Record that a unit has no faults. Raises OSError if the file can't be written."""
    (place.closed / FILE).write_text(digest(place, solutions), encoding="utf-8")


def digest(place: UnitLocation, solutions: Path) -> str:
    """Return a digest of everything on which a unit's proof depends, as a line of text."""
    total = sha256(version("zerolayer").encode())
    for file in files(place, solutions):
        # As text, because a checkout may change the ends of lines.
        total.update(f"{file.name} {len(text := file.read_text(encoding='utf-8'))}\n{text}".encode())
    return f"{total.hexdigest()}\n"


def files(place: UnitLocation, solutions: Path) -> Iterator[Path]:
    """Yield all files on which a unit's proof depends, in the same order on all systems."""
    yield from sorted((*LIBRARY.glob("*.py"), *LIBRARY.glob("checking/*.py")))
    yield from sorted(solutions.glob("*.ipynb"))
    base = unit_registry.find_all().get(import_module(place.module).UNIT.builds_on)
    for each in filter(None, (place, base)):
        yield from sorted(file for file in each.folder.rglob("*") if file.suffix in OWN)
