"""What is right of code that draws random numbers: what right code has in common, however it draws.

Generators are seeded, so that the same code gives the same again; other right code draws other numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.checking.results import compare, read
from lib.checking.values import Wrong, numbers
from lib.unit import Array, FoundAndExpected, Inputs


@dataclass(frozen=True)
class Chance:
    """What a `Statement` takes as `right` where numbers are drawn: these may be right on many draws."""

    right: FoundAndExpected

    def __call__(self, found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        """Return what is found, and what has to be there: what is found, if that is near enough."""
        return self.right(found, inputs, name)


def about(value: Callable[[Inputs], Any], tolerance: float | Callable[[Inputs], Any]) -> Chance:
    """It is this, a number or an array of the inputs, give or take a tolerance, which may be of the inputs, too.

    Four times the spread that right code has is wide enough for all of a class.
    """

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        wanted, room = read(value(inputs)), tolerance(inputs) if callable(tolerance) else tolerance
        is_near = np.shape(found) == np.shape(wanted) and np.all(np.abs(found - wanted) <= room)
        return (found, found) if is_near else (found, wanted)

    return Chance(right)


def _differ(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    one, other = found
    try:
        compare(one, other)
    except Wrong:
        return found, found
    raise Wrong("Two results are the same.", found=one, expected="another one")


differ = Chance(_differ)
"""It is a pair whose two entries have to differ, as two calls without a seed."""


def repeat(look: Callable[[], Any], n: int) -> Array:
    """Run a look n times and return what it gives, (n, …). Raises `Wrong` where that are not numbers of one shape."""
    first = numbers(look())
    return np.array([first, *(numbers(look(), first.shape) for _ in range(n - 1))])
