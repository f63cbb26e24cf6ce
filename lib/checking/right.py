"""Right results from the inputs alone, so that local checks and the judge can compare without a stored answer.

Each function here is or returns a `right` for a `Statement`: a function of the result, the inputs and the result's name
that returns the found and the expected value. Code that draws random numbers has properties that hold for any right
code, which may draw other numbers. Generators are seeded, so that the same code gives the same result in each run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.checking.results import FIND_SHAPE, Wrong, brief, compare, numbers, read
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
    step: float = 1e-2,
    by_column: bool = False,
) -> FoundAndExpected:
    """Require the derivative of a function, a number, with respect to the input called `at`.

    Central differences approximate it to the fourth order of `step`. With `by_column` the function returns one number
    for each column of the input, which depends on no other column: this takes a fraction of the time.
    """
    differentiate: Callable[..., Array] = central_difference_by_column if by_column else central_difference

    def differences(inputs: Inputs) -> Array:
        point = np.array(inputs[at], dtype=np.float64)
        return differentiate(lambda x: function(x, inputs), point, step)

    return expected(differences)


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


def by_name(**right: FoundAndExpected) -> FoundAndExpected:
    """Combine a `right` for each of several named results."""
    return lambda found, inputs, name: right[name](found, inputs, name)


# ---- Central differences


def central_difference(function: Callable[[Array], float], point: Array, step: float = 1e-2) -> Array:
    """Return the derivative of a function, a number, with respect to each entry of `point`, in the shape of `point`.

    The formula with four points, (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h, is exact to the fourth
    order of h. So the step can be large enough for code that computes in float32.
    """
    nudges = step * np.eye(point.size).reshape(-1, *point.shape)
    return np.reshape([_slope(function, point, nudge, step) for nudge in nudges], point.shape)


def central_difference_by_column(function: Callable[[Array], Array], point: Array, step: float = 1e-2) -> Array:
    """Return the derivative of one number for each column with respect to that column's entries, in `point`'s shape.

    No column may depend on another one: then a whole row of `point` can change at once. The function gets one array for
    each row, (rows, rows, batch), and returns (rows, batch).
    """
    nudges = step * np.eye(len(point))[:, :, None]
    return np.asarray(_slope(function, point, nudges, step))


def _slope(function: Callable[[Array], Any], point: Array, nudge: Array, step: float) -> Any:
    near, far = (function(point + n * nudge) - function(point - n * nudge) for n in (1, 2))
    return (8 * near - far) / (12 * step)


# ---- Results of code that draws random numbers


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

    @Chance
    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        expected, allowed = read(value(inputs)), tolerance(inputs) if callable(tolerance) else tolerance
        is_near = np.shape(found) == np.shape(expected) and np.all(np.abs(found - expected) <= allowed)
        return (found, found) if is_near else (found, expected)

    return right


@Chance
def differ(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Require a pair with two different entries, such as the results of two calls without a seed."""
    one, other = found
    try:
        compare(one, other)
    except Wrong:
        return found, found
    raise Wrong("Two results are the same.", found=one, expected="another one")


def repeat(look: Callable[[], Any], n: int) -> Array:
    """Run a look n times and return its results, (n, …). Raises `Wrong` unless they are numbers of one shape."""
    first = numbers(look())
    return np.array([first, *(numbers(look(), first.shape) for _ in range(n - 1))])
