"""What-ifs: common mistakes, made on purpose around the student's own code. Predict first, then look.

A unit lists them in a module `what_if` of its folder, as `WHAT_IFS`. Units import the explorer, and not the other way
round: it finds these modules by their names, when it is shown.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from lib.checking.dispatch import UNITS_WITH_CHECKS
from lib.explorer.runs import Recipe


@dataclass(frozen=True)
class WhatIf:
    """A common mistake to look at: its name, a question to answer before looking, and how it changes a recipe.

    `apply` changes what goes into or comes out of the student's functions, or how the loop uses them.
    """

    name: str
    question: str
    apply: Callable[[Recipe], Recipe]


def of_units() -> tuple[WhatIf, ...]:
    """Return the what-ifs of the units whose checks the notebook has imported, or of all units if it imported none."""
    loaded = [unit for unit in UNITS_WITH_CHECKS if unit in sys.modules]
    found: list[WhatIf] = []
    for unit in loaded or _all_units():
        if find_spec(f"{unit}.what_if"):
            found += import_module(f"{unit}.what_if").WHAT_IFS
    return tuple(found)


def _all_units() -> Iterator[str]:
    """Name the modules of all units: those of this package and of the course's folder, and those of other packages."""
    units = import_module("lib.units")
    for folder in units.__path__:
        yield from (f"lib.units.{file.parent.name}" for file in sorted(Path(folder).glob("*/what_if.py")))
    for point in entry_points(group=units.GROUP):
        with suppress(ImportError):  # its package is gone; building or grading the unit reports it
            yield import_module(point.module).__name__
