"""Right results from the inputs alone, so that local checks and the judge can compare without a stored answer.

Each function here returns a `right` for a `Statement`: a function of the result, the inputs and the result's name that
returns the found and the expected value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.checking.results import brief, read
from lib.checking.values import FIND_SHAPE, Wrong, central_difference, central_difference_by_column
from lib.unit import Array, FoundAndExpected, Inputs


def expected(
    from_inputs: Callable[[Inputs], Any], pick: Callable[[Any], Any] = lambda found: found
) -> FoundAndExpected:
    """Require the value that a function computes from the inputs. If the shapes agree, compare what `pick` selects."""

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        value = read(from_inputs(inputs))
        return (pick(found), pick(value)) if _shape(found) == _shape(value) is not None else (found, value)

    return right


def slopes(
    function: Callable[[Array, Inputs], Any],
    at: str,
    factor: Callable[[Inputs], float] = lambda inputs: 1.0,
    pick: Callable[[Any], Any] = lambda found: found,
    step: float = 1e-2,
    by_column: bool = False,
) -> FoundAndExpected:
    """Require `factor` times the derivative of a function, a number, with respect to the input called `at`.

    Central differences approximate it to the fourth order of `step`. With `by_column` the function returns one number
    for each column of the input, which depends on no other column: this takes a fraction of the time.
    """
    differentiate: Callable[..., Array] = central_difference_by_column if by_column else central_difference

    def differences(inputs: Inputs) -> Array:
        point = np.array(inputs[at], dtype=np.float64)
        return factor(inputs) * differentiate(lambda x: function(x, inputs), point, step)

    return expected(differences, pick)


def shape(from_inputs: Callable[[Inputs], Any]) -> FoundAndExpected:
    """Require a shape, which is a tuple or the shape of an array; a number has the shape ()."""

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        value = from_inputs(inputs)
        shape = value if isinstance(value, tuple) else np.shape(value)
        if _shape(found) != shape:
            seen = brief(found) if _shape(found) is None else f"shape {_shape(found)}"
            raise Wrong("The result has the wrong shape.", found=seen, expected=f"shape {shape}", hint=FIND_SHAPE)
        return found, found

    return right


def _shape(plain: Any) -> tuple[int, ...] | None:
    return plain.shape if isinstance(plain, np.ndarray) else None


def anything(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Accept any result: the look itself raises `Wrong`, or another statement checks the result."""
    return found, found


def agree(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Require a pair of equal entries, such as f(x) and f(x + 2π)."""
    one, other = found
    return one, other


def by_name(**right: FoundAndExpected) -> FoundAndExpected:
    """Combine a `right` for each of several named results."""
    return lambda found, inputs, name: right[name](found, inputs, name)
