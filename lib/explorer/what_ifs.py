"""What-ifs: common mistakes, made on purpose around the student's own code. A student predicts the curve, then looks.

A unit lists them as `WHAT_IFS` in its module `what_if`. Units import the explorer, so the explorer doesn't import
units: it finds these modules by name when it is displayed.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from lib.checking.dispatch import UNITS_WITH_CHECKS
from lib.explorer.runs import Recipe


@dataclass(frozen=True)
class WhatIf:
    """A common mistake: its name, a question to answer before looking, and a function that changes a recipe.

    `apply` changes what goes into or comes out of the student's functions, or how the loop uses them.
    """

    name: str
    question: str
    apply: Callable[[Recipe], Recipe]


def of_units() -> tuple[WhatIf, ...]:
    """Return the what-ifs of the units whose checks the notebook has imported.

    If it has imported none, return those of all units, in this package and in the course's folder.
    """
    modules = [unit for unit in UNITS_WITH_CHECKS if unit in sys.modules]
    if not modules:
        units = import_module("lib.units")
        for folder in units.__path__:
            modules += [f"lib.units.{file.parent.name}" for file in sorted(Path(folder).glob("*/what_if.py"))]
    found = [unit for unit in modules if find_spec(f"{unit}.what_if")]
    return tuple(each for unit in found for each in import_module(f"{unit}.what_if").WHAT_IFS)
