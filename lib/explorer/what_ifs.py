"""What-ifs: common mistakes, made on purpose around the student's own code. Predict first, then look.

Which there are is a unit's to say: in a module `what_if` of its folder, as `WHAT_IFS`. A unit stands above the explorer
and imports it, so the explorer finds these modules by their names, when it is shown.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from lib.explorer.training import Recipe


@dataclass(frozen=True)
class WhatIf:
    """A common mistake to look at: its name, a question to answer before looking, and how it changes a recipe.

    `apply` changes what goes into or comes out of the student's functions, or how the loop uses them.
    """

    name: str
    question: str
    apply: Callable[[Recipe], Recipe]


def of_units() -> tuple[WhatIf, ...]:
    """Return the what-ifs of the unit whose checks the notebook has imported, or of all units if it imported none."""
    folders = import_module("lib.units").__path__
    units = [f"lib.units.{unit.name}" for unit in pkgutil.iter_modules(folders) if unit.ispkg]
    chosen = [unit for unit in units if unit in sys.modules] or units
    found: list[WhatIf] = []
    for unit in chosen:
        if any(module.name == "what_if" for module in pkgutil.iter_modules(import_module(unit).__path__)):
            found += import_module(f"{unit}.what_if").WHAT_IFS
    return tuple(found)
