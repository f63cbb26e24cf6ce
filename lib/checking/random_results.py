"""Right results of code that draws random numbers: properties that hold for any right code.

Generators are seeded, so that the same code gives the same result in each run. Other right code may draw other numbers.
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
    """The `right` of a `Statement` on random numbers. The same result may be right for the inputs of several draws."""

    right: FoundAndExpected

    def __call__(self, found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        """Return the found and the expected result. They are the same object if the result is close enough."""
        return self.right(found, inputs, name)


def about(value: Callable[[Inputs], Any], tolerance: float | Callable[[Inputs], Any]) -> Chance:
    """Require the number or array that `value` computes from the inputs, within a tolerance.

    The tolerance is a number, or a function of the inputs. Four standard deviations of right code suffice for a class.
    """

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        expected, allowed = read(value(inputs)), tolerance(inputs) if callable(tolerance) else tolerance
        is_near = np.shape(found) == np.shape(expected) and np.all(np.abs(found - expected) <= allowed)
        return (found, found) if is_near else (found, expected)

    return Chance(right)


def _differ(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    one, other = found
    try:
        compare(one, other)
    except Wrong:
        return found, found
    raise Wrong("Two results are the same.", found=one, expected="another one")


differ = Chance(_differ)
"""Require a pair with two different entries, such as the results of two calls without a seed."""


def repeat(look: Callable[[], Any], n: int) -> Array:
    """Run a look n times and return its results, (n, …). Raises `Wrong` unless they are numbers of one shape."""
    first = numbers(look())
    return np.array([first, *(numbers(look(), first.shape) for _ in range(n - 1))])
