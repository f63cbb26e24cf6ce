"""Slow imports: what the units say takes seconds to import. A fork server of its own keeps it ready.

Where a unit can't be imported, all go on: no other unit's class has to wait for it, and its own is told elsewhere.
Many processes of one command find that; the command alone says it, with what `broken_units` gives.
"""

import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module

from lib.checking.challenges import rehearse
from lib.grading import unit_registry
from lib.grading.kernel.forget import forget
from lib.unit import SlowImports


def import_units() -> None:
    """Import all modules of the units' open halves, also those that wait for the first check that needs them.

    Then what is right is forgotten, and each check runs once: in a kernel the first run would take five times as long.
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
    """Name the modules of a unit's package, and of those within it but for its closed half."""
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if not module.name.endswith(f".{unit_registry.CLOSED}"):
            yield module.name
            if module.ispkg:
                yield from _open_modules(module.name)


def slow_imports() -> tuple[SlowImports, ...]:
    """Give what the units say, of all that have a say."""
    return _ask_units()[0]


def broken_units() -> tuple[str, ...]:
    """Say of each unit that can't be imported why."""
    return _ask_units()[1]


@cache
def _ask_units() -> tuple[tuple[SlowImports, ...], tuple[str, ...]]:
    """Import the units' open halves; give what they say is slow, and what keeps some from being imported."""
    found, broken = [], []
    for place in unit_registry.find_all().values():
        try:
            slow = import_module(place.module).UNIT.slow_imports
        except (Exception, SystemExit) as error:  # whatever a unit's own code may raise
            broken.append(f"The unit {place.name} can't be imported: {unit_registry.describe(error)}")
        else:
            found += [slow] if slow is not None else []
    return tuple(found), tuple(broken)


def needs_slow_imports(source: str) -> bool:
    """Tell whether code looks as if it imports something slow. Other code may do so too, and then waits for it."""
    return any(one.code.search(source) for one in slow_imports())
