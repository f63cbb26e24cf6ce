"""Imports of units' open halves in the warm process. A unit that can't be imported doesn't affect other units."""

import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module

from lib.checking.challenges import rehearse
from lib.grading import unit_registry
from lib.grading.kernel.forget_answers import forget


def import_units() -> None:
    """Import all modules of the units' open halves, delete right results, and run each check once.

    The first run of a check takes five times as long as later ones.
    """
    places = unit_registry.find_all().values()
    for place in places:
        with suppress(Exception, SystemExit):  # whatever a unit's own code may raise
            for module in _open_modules(place.module):
                import_module(module)
    forget([place.module for place in places])
    for place in places:
        with suppress(Exception, SystemExit):
            for part in import_module(place.module).UNIT.parts:
                rehearse(part)


def _open_modules(package: str) -> Iterator[str]:
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if not module.name.endswith(f".{unit_registry.CLOSED}"):
            yield module.name
            if module.ispkg:
                yield from _open_modules(module.name)


@cache
def broken_units() -> tuple[str, ...]:
    """Return a message for each unit that can't be imported."""
    broken = []
    for place in unit_registry.find_all().values():
        try:
            import_module(place.module)
        except (Exception, SystemExit) as error:  # whatever a unit's own code may raise
            broken.append(f"The unit {place.name} can't be imported: {unit_registry.describe(error)}")
    return tuple(broken)
