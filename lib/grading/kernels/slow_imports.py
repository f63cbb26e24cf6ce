"""Slow imports: what the units say takes seconds to import. A fork server of its own keeps it ready."""

import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

from lib.grading import units
from lib.unit import SlowImports


def import_units() -> None:
    """Import all modules of the units' open halves, also those that wait for the first check that needs them."""
    for place in units.places():
        with _told(place.name):
            for module in pkgutil.iter_modules(import_module(place.module).__path__, f"{place.module}."):
                if not module.ispkg:  # a package within a unit is its closed half
                    import_module(module.name)


@cache
def slow_imports() -> tuple[SlowImports, ...]:
    """Give what the units say, of all that have a say."""
    found: list[SlowImports | None] = []
    for place in units.places():
        with _told(place.name):
            found.append(import_module(place.module).UNIT.slow_imports)
    return tuple(one for one in found if one is not None)


@contextmanager
def _told(unit: str) -> Iterator[None]:
    """Go on where a unit can't be imported: no other unit's class has to wait for it, and its own is told elsewhere."""
    try:
        yield
    except Exception as error:  # whatever a unit's own code may raise
        # In one piece: several fork servers may say so at once.
        sys.stderr.write(f"The unit {unit} can't be imported: {type(error).__name__}: {error}\n")


def needs_slow_imports(source: str) -> bool:
    """Tell whether code looks as if it imports something slow. Other code may do so too, and then waits for it."""
    return any(one.code.search(source) for one in slow_imports())
