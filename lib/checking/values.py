"""Values: reading results of student code as numbers, a description of what is wrong, and central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.unit import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_NUMBERS = 100_000
"""The largest number of entries in one array. Right results have a few hundred."""
FIND_NONE = "Find out where this value is computed. It is None if a return or an assignment is missing."
FIND_NAN = (
    "Print the result of each step. Which is the first with nan or inf? They come from np.log of 0 or less, a division"
    " by 0, or np.exp of a large number."
)
"""The hint if a result has nan or infinity, instead of the statement's own hint."""
FIND_SHAPE = "Print the shape of your result, and of each array that it is computed from. What does each axis count?"
"""The hint if a result has the wrong shape, instead of the statement's own hint."""


class Wrong(Exception):
    """Raised if a statement does not hold: what is wrong, where, what was found and expected, and one thing to try.

    A `heading` replaces the statement's text if something else is wrong than that text says.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        found: object = "",
        expected: object = "",
        hint: str = "",
        heading: str = "",
    ):
        super().__init__(what)
        self.what, self.where, self.hint, self.heading = what, where, hint, heading
        self.found, self.expected = show(found), show(expected)

    @property
    def sentence(self) -> str:
        """What is wrong, where, and what was found and expected, on one line of plain text."""
        parts = [self.what]
        if self.where:
            parts.append(f"Where: {self.where}.")
        if self.found:
            found = f"Found {self.found}" + (f", expected {self.expected}" if self.expected else "")
            parts.append(f"{found.removesuffix('.')}.")
        return " ".join(parts)


def show(value: object) -> str:
    """Format a value for a reader: numbers with five digits, and large arrays by their shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        return f"{value + 0:.5g}"  # + 0 turns -0 into 0
    if isinstance(value, np.ndarray):
        small = np.array2string(value, precision=4, separator=", ") if 0 < value.size <= 8 else ""
        return small or f"an array of shape {value.shape}"
    return repr(value)[:120]


def numbers(value: object, shape: tuple[int, ...] | None = None, *, what: str = "The result") -> Array:
    """Read the result of student code as a new float64 array.

    Raises `Wrong` for None, for anything but real numbers, for more than `MOST_NUMBERS` of them, and for another shape
    than `shape`.
    """
    if value is None:
        raise Wrong(f"{what} is missing.", found="None", expected="numbers", hint=FIND_NONE)
    if (array := as_array(value, what)) is None:
        kind = type(value).__name__ + (f" of {value.dtype}" if isinstance(value, np.ndarray) else "")
        kinds = ("a number", "a number") if shape == () else ("an array of real numbers", "a NumPy array of numbers")
        hint = f"Print this value and its type. It must be {kinds[1]}, and nothing else."
        raise Wrong(f"{what} is not {kinds[0]}.", found=kind, expected=kinds[1], hint=hint)
    if shape is not None:
        require_shape(array, shape, what=f"{what} has the wrong shape.")
    # True is shown as True.
    return array if array.dtype == bool and not array.ndim else array.astype(np.float64, copy=False)


def as_array(value: Any, what: str) -> NDArray[Any] | None:
    """Return a new array of floats or booleans, or None for values that aren't real numbers.

    Raises `Wrong` for more than `MOST_NUMBERS` entries.
    """
    if type(value) is np.ndarray and value.dtype == np.float64 and value.size <= MOST_NUMBERS:
        return value.copy()  # the fast path for nearly all results
    if type(value) is np.float64 or type(value) is float:
        return np.array(value)
    if isinstance(value, list | tuple) and len(value) > MOST_NUMBERS:
        return None
    try:
        array = np.asarray(value)
        if array.size > MOST_NUMBERS:  # a broadcast view of one number would fill the memory if it were copied
            raise Wrong(f"{what} is far larger than expected.", found=f"{array.size:,} numbers")
        if array.dtype.kind in "biuf":
            return np.array(array, dtype=bool if array.dtype.kind == "b" else np.float64)
        if array.dtype.kind == "O" and array.size and all(isinstance(each, int | float) for each in array.flat):
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # from a ragged list, or an object's __array__
        pass
    return None


def require_shape(found: NDArray[Any], shape: tuple[int, ...], *, what: str, hint: str = "") -> None:
    """Raise `Wrong` with the message `what` unless an array has this shape."""
    if found.shape != shape:
        raise Wrong(what, found=f"shape {found.shape}", expected=f"shape {shape}", hint=hint or FIND_SHAPE)


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
