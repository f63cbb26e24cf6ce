"""Removal of right results from the warm process before it forks, so that student code can't find them in memory.

A unit's open half computes right results in the `right` of its statements, and in functions that these call. A kernel
needs only the looks and draws, since the judge compares elsewhere. So all names are deleted from the units' modules
that are used neither by looks and draws nor by notebooks.
"""

import gc
import sys
from collections.abc import Collection, Iterator
from types import CodeType, FunctionType, ModuleType

from lib.checking.challenges import forget_right
from lib.checking.dispatch import Checks
from lib.unit import Unit

EXPLORE = "explore"
"""The prefix of names that notebooks import from a unit's modules, besides objects of the classes below."""
OF_NOTEBOOKS = Unit | Checks


def forget(packages: Collection[str]) -> None:
    """Delete right results from the units in these packages. All of their modules must have been imported."""
    inner = tuple(f"{package}." for package in packages)
    modules = [module for name, module in sys.modules.items() if name in packages or name.startswith(inner)]
    named = [(name, value) for module in modules for name, value in vars(module).items()]
    parts = {part for _, value in named if isinstance(value, Unit) for part in value.parts}
    forget_right(parts)
    used = _find_used([*parts, *(value for name, value in named if name.startswith(EXPLORE))], modules)
    for module in modules:
        for name, value in list(vars(module).items()):
            is_kept = isinstance(value, ModuleType | OF_NOTEBOOKS) or name.startswith(("__", EXPLORE))
            if not is_kept and name not in used[module.__name__]:
                delattr(module, name)
    gc.collect()


def _find_used(roots: Collection[object], modules: Collection[ModuleType]) -> dict[str, set[str]]:
    """Return for each module the names that the roots use, directly or through other functions."""
    used: dict[str, set[str]] = {module.__name__: set() for module in modules}
    left, seen = [*roots], set[int]()
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, ModuleType | CodeType):
            continue
        seen.add(id(value))
        if not isinstance(value, FunctionType):
            left += gc.get_referents(value)
            continue
        left += value.__closure__ or (), value.__defaults__, value.__kwdefaults__
        names = {*_names(value.__code__)}
        for module in modules:
            # The function's own module, and modules that it refers to by name.
            if vars(module) is value.__globals__ or names & {module.__name__, module.__name__.rpartition(".")[2]}:
                found = names & vars(module).keys()
                used[module.__name__] |= found
                left += [vars(module)[name] for name in found]
    return used


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
