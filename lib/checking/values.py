"""Values: the results of student code, read as numbers and compared, with a sentence where they differ.

Also central differences of the student's own functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lib.unit import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_NUMBERS = 1_000_000
"""The most numbers that a check reads in one array; a right answer has a few hundred."""

MAX_LETTERS = 10_000
"""The longest text that a check reads."""
TEXT = -0.7316
"""Begins the numbers that stand for a text, the others being its bytes: no result is text by chance."""
DIGITS = 4
"""Digits of a number beside text. Letters are compared one by one, and sums in another order differ in the last digits.
"""
SEVERAL = -0.6154
"""Begins the numbers that stand for results of several shapes; before each stand its number of axes and its shape."""
MAX_AXES = 8
ENTRIES = {"U": "text", "O": "other objects", "c": "complex numbers"}
"""What is said of an array's entries, by NumPy's letter for their kind."""

ARRAYS = (np.ndarray, np.generic, int, float, list, tuple)
"""Types that are read as an array, besides objects with `__array__`."""


FIND_NAN = (
    "Print the result of each step. Which is the first with nan or inf? np.log of 0 or less, a division by 0, and"
    " np.exp of a large number give these."
)
"""What to try where a result has nan or infinity: what is said of right numbers would not fit."""
FIND_SHAPE = "Print the shape of your result, and of each array that it is made of. What does each axis count?"
"""What to try where a result has another shape than the right one, likewise."""


class Wrong(Exception):
    """A statement does not hold: what is wrong, where, what was found and expected, and one thing to try."""

    def __init__(self, what: str, *, where: str = "", found: object = "", expected: object = "", hint: str = ""):
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint
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


def what_is_wrong(sentence: str) -> str:
    """Return what is wrong of a `Wrong.sentence`, without where and with which numbers: these belong to one draw."""
    return sentence.partition(" Where: ")[0].partition(" Found ")[0]


def show(value: object) -> str:
    """Format a value for a person: numbers with five digits, and large arrays by their shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        return f"{value + 0:.5g}"  # not "-0"
    if isinstance(value, np.ndarray):
        if (text := readable(value)) is not None:
            return text
        small = np.array2string(value, precision=4, separator=", ") if value.size <= 8 else ""
        return small or f"an array of shape {value.shape}"
    return repr(value)[:120]


def numbers(value: object, shape: tuple[int, ...] | None = None, *, what: str = "The result") -> Array:
    """Read the result of student code as a new float64 array.

    Raises `Wrong` for None, for anything but real numbers, for more than `MAX_NUMBERS` of them, and for another shape
    than `shape`.
    """
    if type(value) is np.ndarray and value.dtype == np.float64 and shape is None and value.size <= MAX_NUMBERS:
        return value.copy()  # as nearly all are
    if value is None:
        raise _missing(what, "numbers")
    array = _as_array(value)
    if array is None or array.dtype.kind not in "biuf":
        kind = type(value).__name__
        if array is not None and not isinstance(value, np.generic):
            kind += f" of {ENTRIES.get(array.dtype.kind, array.dtype)}"
        kinds = ("a number", "a number") if shape == () else ("an array of real numbers", "a NumPy array of numbers")
        hint = f"Print this value and its type. It has to be {kinds[1]}, and nothing else."
        raise Wrong(f"{what} is not {kinds[0]}.", found=kind, expected=kinds[1], hint=hint)
    if array.size > MAX_NUMBERS:
        raise Wrong(f"{what} is far larger than expected.", found=f"{array.size:,} numbers")
    if shape is not None:
        require_shape(array, shape, what=f"{what} has the wrong shape.")
    return array.astype(np.float64)


def _missing(what: str, expected: str) -> Wrong:
    hint = "Look where this value comes from. Python gives None where a return or an assignment is left out."
    return Wrong(f"{what} is missing.", found="None", expected=expected, hint=hint)


def read_answer(value: object, *, what: str = "The result", expected: str = "a value") -> Array:
    """Read the result of student code as numbers; text, dicts, and lists with text in them, as its letters.

    Numbers in between are read as `_simplify` says. What was text reads back with `text_of`, and a list or tuple of
    several shapes with `several_of`. Raises `Wrong` as `numbers` does, and says of None what was `expected`.
    """
    if value is None:
        raise _missing(what, expected)
    if isinstance(value, np.ndarray) and value.dtype.kind in "UO":
        value = value.tolist()
    if not _has_text(value):
        if isinstance(value, list | tuple) and len(value) <= MAX_NUMBERS and _as_array(value) is None:
            each = [read_answer(one, what=what) for one in value]
            value = np.concatenate([[SEVERAL], *([one.ndim, *one.shape, *one.ravel()] for one in each)])
        return numbers(value, what=what)
    import json  # only where there is text: a check's import is to be as light as numpy's

    try:
        letters = json.dumps(_simplify(value), ensure_ascii=False, sort_keys=True).encode(errors="replace")
    except (TypeError, ValueError, RecursionError):
        raise Wrong(f"{what} holds something besides numbers and text.", found=type(value).__name__) from None
    if len(letters) > MAX_LETTERS:
        raise Wrong(f"{what} is far longer than expected.", found=f"{len(letters):,} letters")
    return np.array([TEXT, *letters], dtype=np.float64)


def read_array(value: object, *, what: str = "The result") -> Array:
    """Read the result of student code that is one array or number. Raises `Wrong` for text and for several results."""
    found = read_answer(value, what=what, expected="numbers")
    if (words := readable(found)) is not None:
        raise Wrong(f"{what} is not one array of numbers.", found=words, expected="an array or a number")
    return found


def _simplify(value: Any) -> Any:
    """Give a result with text in it as JSON has it, and numbers in it with `DIGITS`, whatever their type: 2.0 is 2."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {_simplify(key): _simplify(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_simplify(each) for each in value]
    if isinstance(value, float) and math.isfinite(value):
        near = round(value)
        value = near if math.isclose(value, near, abs_tol=1e-9) else float(f"{value:.{DIGITS}g}")
    return value


def text_of(array: Array) -> str | None:
    """Give back the text that `read_answer` has read; None if it has read numbers."""
    if array.ndim != 1 or not array.size or array[0] != TEXT or not ((array[1:] >= 0) & (array[1:] < 256)).all():
        return None
    return bytes(array[1:].astype(np.uint8)).decode(errors="replace")


def several_of(array: Array) -> list[Array] | None:
    """Give back the results that `read_answer` has read as one; None if it was a single one."""
    if array.ndim != 1 or not array.size or array[0] != SEVERAL or not np.isfinite(array).all():
        return None
    found, rest = [], array[1:]
    while rest.size:
        axes = int(rest[0])
        shape = tuple(map(int, rest[1 : 1 + axes]))
        end = 1 + axes + math.prod(shape)
        are_sizes = rest[: 1 + axes].tolist() == [axes, *shape] and min(shape, default=0) >= 0
        # NumPy wants to be able to count the entries, even where a size of 0 leaves none.
        are_few = 0 <= axes <= MAX_AXES and end <= rest.size and math.prod(filter(None, shape)) <= MAX_NUMBERS
        if not are_sizes or not are_few:
            return None  # a student's numbers that begin so
        found.append(rest[1 + axes : end].reshape(shape))
        rest = rest[end:]
    return found


def readable(array: Array) -> str | None:
    """Write a text, or several results, as a person reads them; None for a single array."""
    several = several_of(array)
    return text_of(array) if several is None else f"[{', '.join(map(show, several))}]"


def _has_text(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_text, value[:MAX_LETTERS]))
    return isinstance(value, str | dict)


def _as_array(value: object) -> NDArray[Any] | None:
    if isinstance(value, list | tuple) and len(value) > MAX_NUMBERS:
        return None
    if not isinstance(value, ARRAYS) and not hasattr(value, "__array__"):
        return None
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None


def require_shape(found: NDArray[Any], shape: tuple[int, ...], *, what: str, hint: str = "") -> None:
    """Raise `Wrong` unless an array has a certain shape; `hint` says what to try about shapes."""
    if found.shape != shape:
        raise Wrong(what, found=f"shape {found.shape}", expected=f"shape {shape}", hint=hint or FIND_SHAPE)


def expect_close(
    found: object,
    expected: object,
    *,
    what: str,
    hint: str = "",
    where: str | Callable[[tuple[int, ...]], str] = "",
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Raise `Wrong` unless `found` agrees with `expected` in shape and in every value; name the first that differs.

    `where` is the place, or turns that entry's index into words. float32 code passes; nan never does, and has a hint of
    its own in the place of `hint`.
    """
    right = np.asarray(expected, dtype=np.float64)
    values = numbers(found)
    require_shape(values, right.shape, what=what, hint=hint)
    agree = np.isclose(values, right, rtol=rtol, atol=atol)
    if not agree.all():
        at = tuple(int(i) for i in np.argwhere(~agree)[0])
        place = where if isinstance(where, str) else where(at)
        if np.isfinite(right[at]) and not np.isfinite(values[at]):
            hint = FIND_NAN
        is_truth = np.asarray(expected).dtype == bool
        value = bool(values[at]) if is_truth and values[at] in (0, 1) else float(values[at])
        wanted = bool(right[at]) if is_truth else float(right[at])
        raise Wrong(what, where=place, found=value, expected=wanted, hint=hint)


def are_close(found: Array, right: Array, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    """Tell whether all entries of two arrays of one shape agree; nan and infinities never do.

    `np.allclose`, which has rules for both, takes four times as long for arrays this small.
    """
    with np.errstate(invalid="ignore"):  # an infinity less another one is nan, which is below nothing
        return bool((np.abs(found - right) - rtol * np.abs(right) <= atol).all())


def at_class_and_sample(at: tuple[int, ...]) -> str:
    """Name an entry of a (classes, batch) array."""
    return f"class {at[0]}, sample {at[1]}"


def central_difference(function: Callable[[Array], float], point: Array, step: float = 1e-2) -> Array:
    """Differentiate a number with respect to every entry of `point`; the result has the shape of `point`.

    Four points, (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h, are exact to the fourth order of h: the step
    can be large enough for code that works in float32.
    """
    slope = np.empty_like(point)
    for at in np.ndindex(*point.shape):
        nudge = np.zeros_like(point)
        nudge[at] = step
        slope[at] = _slope(function, point, nudge, step)
    return slope


def central_difference_by_column(function: Callable[[Array], Array], point: Array, step: float = 1e-2) -> Array:
    """Differentiate one number a column, (batch,), with respect to that column's entries; the shape is `point`'s.

    Columns must not look at each other: then a whole row of `point` can be nudged at once.
    """
    nudges = step * np.eye(len(point))[:, :, None]
    return np.stack([_slope(function, point, nudge, step) for nudge in nudges])


def _slope(function: Callable[[Array], Any], point: Array, nudge: Array, step: float) -> Any:
    near, far = (function(point + n * nudge) - function(point - n * nudge) for n in (1, 2))
    return (8 * near - far) / (12 * step)
