"""Slow imports: what the units say takes seconds to import. A fork server of its own keeps it ready."""

import pkgutil
from functools import cache
from importlib import import_module

import lib.units
from lib.unit import SlowImports


def import_units() -> None:
    """Import all modules of the units' open halves, also those that wait for the first check that needs them."""
    for unit in pkgutil.iter_modules(lib.units.__path__, "lib.units."):
        if unit.ispkg:
            for module in pkgutil.iter_modules(import_module(unit.name).__path__, f"{unit.name}."):
                if not module.ispkg:  # a package within a unit is its closed half
                    import_module(module.name)


@cache
def slow_imports() -> tuple[SlowImports, ...]:
    """Give what the units say, of all that have a say."""
    names = [f"lib.units.{module.name}" for module in pkgutil.iter_modules(lib.units.__path__) if module.ispkg]
    said = (import_module(name).UNIT.slow_imports for name in names)
    return tuple(one for one in said if one is not None)


def needs_slow_imports(source: str) -> bool:
    """Tell whether code looks as if it imports something slow. Other code may do so too, and then waits for it."""
    return any(one.code.search(source) for one in slow_imports())
