"""Values: the results of student code read as numbers, what is wrong of them in a sentence, and central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.unit import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_NUMBERS = 100_000
"""Numbers in one array; the right results have a few hundred."""
FIND_NONE = "Look where this value comes from. Python gives None where a return or an assignment is left out."
FIND_NAN = (
    "Print the result of each step. Which is the first with nan or inf? np.log of 0 or less, a division by 0, and"
    " np.exp of a large number give these."
)
"""What to try where a result has nan or infinity: what is said of right numbers would not fit."""
FIND_SHAPE = "Print the shape of your result, and of each array that it is made of. What does each axis count?"
"""What to try where a result has another shape than the right one, likewise."""


class Wrong(Exception):
    """A statement does not hold: what is wrong, where, what was found and expected, and one thing to try.

    It stands under a `heading` of its own where it is about something else than what the statement says.
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
        """All of it on one line, as plain text."""
        parts = [self.what]
        if self.where:
            parts.append(f"Where: {self.where}.")
        if self.found:
            found = f"Found {self.found}" + (f", expected {self.expected}" if self.expected else "")
            parts.append(f"{found.removesuffix('.')}.")
        return " ".join(parts)


def show(value: object) -> str:
    """Format a value for a person: numbers with five digits, and large arrays by their shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        return f"{value + 0:.5g}"  # not "-0"
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
        hint = f"Print this value and its type. It has to be {kinds[1]}, and nothing else."
        raise Wrong(f"{what} is not {kinds[0]}.", found=kind, expected=kinds[1], hint=hint)
    if shape is not None:
        require_shape(array, shape, what=f"{what} has the wrong shape.")
    # True is shown as True.
    return array if array.dtype == bool and not array.ndim else array.astype(np.float64, copy=False)


def as_array(value: Any, what: str) -> NDArray[Any] | None:
    """Return a new array of floats, or of True and False; None for what holds anything but real numbers.

    Raises `Wrong` for more than `MOST_NUMBERS` of them.
    """
    if type(value) is np.ndarray and value.dtype == np.float64 and value.size <= MOST_NUMBERS:
        return value.copy()  # as nearly all are
    if type(value) is np.float64 or type(value) is float:
        return np.array(value)
    if isinstance(value, list | tuple) and len(value) > MOST_NUMBERS:
        return None
    try:
        array = np.asarray(value)
        if array.size > MOST_NUMBERS:  # one number seen as many would take all memory
            raise Wrong(f"{what} is far larger than expected.", found=f"{array.size:,} numbers")
        if array.dtype.kind in "biuf":
            return np.array(array, dtype=bool if array.dtype.kind == "b" else np.float64)
        if array.dtype.kind == "O" and array.size and all(isinstance(each, int | float) for each in array.flat):
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # a ragged list, or what an object's __array__ raises
        pass
    return None


def require_shape(found: NDArray[Any], shape: tuple[int, ...], *, what: str, hint: str = "") -> None:
    """Raise `Wrong` unless an array has a certain shape; `hint` says what to try about shapes."""
    if found.shape != shape:
        raise Wrong(what, found=f"shape {found.shape}", expected=f"shape {shape}", hint=hint or FIND_SHAPE)


def central_difference(function: Callable[[Array], float], point: Array, step: float = 1e-2) -> Array:
    """Differentiate a number with respect to every entry of `point`; the result has the shape of `point`.

    Four points, (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h, are exact to the fourth order of h: the step
    can be large enough for code that works in float32.
    """
    nudges = step * np.eye(point.size).reshape(-1, *point.shape)
    return np.reshape([_slope(function, point, nudge, step) for nudge in nudges], point.shape)


def central_difference_by_column(function: Callable[[Array], Array], point: Array, step: float = 1e-2) -> Array:
    """Differentiate one number a column, (batch,), with respect to that column's entries; the shape is `point`'s.

    Columns must not look at each other: then a whole row of `point` can be nudged at once. The function gets one array
    for each row, (rows, rows, batch), and returns (rows, batch).
    """
    nudges = step * np.eye(len(point))[:, :, None]
    return np.asarray(_slope(function, point, nudges, step))


def _slope(function: Callable[[Array], Any], point: Array, nudge: Array, step: float) -> Any:
    near, far = (function(point + n * nudge) - function(point - n * nudge) for n in (1, 2))
    return (8 * near - far) / (12 * step)
