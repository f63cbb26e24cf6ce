"""What was proved of a unit: a note in its closed half, so that to build an unchanged unit takes seconds.

The note is a digest of all that the proof depends on: the unit's code and files, and the code that runs it. Where
any of it has changed since, the unit is proved again.
"""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import lib
from lib.grading.units import Place

FILE = "proved.txt"
"""The note's name, in a unit's closed half."""
LIBRARY = Path(lib.__file__).parent
DEPENDS_ON = (
    *("*.py", "changes.toml", "checking/**/*.py", "reference/**/*.py", "units/**/*.py", "grading/judge/**/*.py"),
    *("authoring/fingerprints.py", "authoring/trial.py", "authoring/laws/*.py"),
)
"""Besides the unit's own folder, what the outcome of a proof can depend on, below `LIBRARY`. NumPy isn't among it: its
version is pinned, and a unit whose points hang on the version would be found by its tests."""


def is_proved(place: Place) -> bool:
    """True if a unit was proved as it stands."""
    with suppress(OSError):  # no note, or none that can be read
        return (place.closed / FILE).read_text(encoding="utf-8") == digest(place)
    return False


def note(place: Place) -> None:
    """Note that a unit is proved as it stands. Raises OSError where that can't be written."""
    (place.closed / FILE).write_text(digest(place), encoding="utf-8")


def digest(place: Place) -> str:
    """Take a digest of all that a unit's proof depends on, as a line of text."""
    hashed = sha256()
    for file in files(place):
        # As text, because a checkout may change how lines end.
        hashed.update(f"{file.name} {len(text := file.read_text(encoding='utf-8'))}\n{text}".encode())
    return f"{hashed.hexdigest()}\n"


def files(place: Place) -> Iterator[Path]:
    """Find all files that a unit's proof depends on, in an order that is the same everywhere."""
    for pattern in DEPENDS_ON:
        yield from sorted(LIBRARY.glob(pattern))
    for pattern in "**/*.py", "**/*.json", "**/*.toml":
        yield from sorted(place.folder.glob(pattern))
