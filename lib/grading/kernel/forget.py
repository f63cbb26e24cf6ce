"""The warm process forgets what is right before it forks: whoever asks a check, or looks in memory, finds nothing.

A unit's open half says what is right in the `right` of its statements, and in functions that these are made of. A
kernel only takes looks, and the judge compares. So of the units' modules those names go that neither looks and draws
use nor notebooks.
"""

import gc
import sys
from collections.abc import Collection, Iterator
from types import CodeType, FunctionType, ModuleType

from lib.checking.challenges import forget_right
from lib.checking.dispatch import Checks
from lib.predictions import Predict
from lib.unit import Unit

EXPLORE = "explore"
"""How names begin that notebooks take from a unit's modules, besides these."""
OF_NOTEBOOKS = Unit | Checks | Predict


def forget(packages: Collection[str]) -> None:
    """Forget what is right in the units that are these packages, all of whose modules have been imported."""
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
    """Find the names of each module that code uses which is part of the roots, itself or by what it uses."""
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
            # Its own module, and those that it names: imported above it, or only when it is run.
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
