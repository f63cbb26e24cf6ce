"""What is right of a result, told from the inputs alone: so no answer ships, and desk and judge can both tell.

Each gives what a `Statement` takes as `right`: a function of the result, the inputs and the result's name, which gives
what is found and what has to be there.
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
    """It is this, of the inputs. Where both have one shape, `pick` takes the part that the statement is about."""

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        wanted = read(from_inputs(inputs))
        return (pick(found), pick(wanted)) if _shape(found) == _shape(wanted) is not None else (found, wanted)

    return right


def slopes(
    function: Callable[[Array, Inputs], Any],
    at: str,
    factor: Callable[[Inputs], float] = lambda inputs: 1.0,
    pick: Callable[[Any], Any] = lambda found: found,
    step: float = 1e-2,
    by_column: bool = False,
) -> FoundAndExpected:
    """It is `factor` times the central differences of a function, a number, by the input called `at`.

    The differences are exact to the fourth order of `step`. `by_column` the function gives a number for each column of
    the input, by which no other number changes: then they are found in a fraction of the time.
    """
    differentiate: Callable[..., Array] = central_difference_by_column if by_column else central_difference

    def differences(inputs: Inputs) -> Array:
        point = np.array(inputs[at], dtype=np.float64)
        return factor(inputs) * differentiate(lambda x: function(x, inputs), point, step)

    return expected(differences, pick)


def shape(from_inputs: Callable[[Inputs], Any]) -> FoundAndExpected:
    """It has this shape, or that of this array; a number has the shape ()."""

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        wanted = from_inputs(inputs)
        wanted = wanted if isinstance(wanted, tuple) else np.shape(wanted)
        if _shape(found) != wanted:
            seen = brief(found) if _shape(found) is None else f"shape {_shape(found)}"
            raise Wrong("The result has the wrong shape.", found=seen, expected=f"shape {wanted}", hint=FIND_SHAPE)
        return found, found

    return right


def _shape(plain: Any) -> tuple[int, ...] | None:
    return plain.shape if isinstance(plain, np.ndarray) else None


def anything(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """It is right as it is: the look raises where it isn't, or another statement is about it."""
    return found, found


def agree(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """It is a pair whose two entries have to agree, such as f(x) and f(x + 2π)."""
    one, other = found
    return one, other


def by_name(**sides: FoundAndExpected) -> FoundAndExpected:
    """It is one thing for each of several results."""
    return lambda found, inputs, name: sides[name](found, inputs, name)
