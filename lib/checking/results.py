"""Results of student code as plain data, and their comparison, in local checks and during grading.

A plain result is an array of floats or booleans, a text, None, or a list or dict of these. `read` converts any value,
`compare` finds the first place where two results differ, and `to_json` encodes a result for the judge.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from functools import partial
from itertools import accumulate, pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from lib.unit import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

Plain: TypeAlias = Any
"""An array of floats or booleans, a text, None, or a list or dict of these."""
MOST_NUMBERS = 100_000
"""The largest number of entries in one array. Right results have a few hundred."""
FIND_NONE = "Find out where this value is computed. It is None if a return or an assignment is missing."
FIND_NAN = (
    "Print the result of each step. Which is the first with nan or inf? They come from np.log of 0 or less, a division"
    " by 0, or np.exp of a large number."
)
FIND_SHAPE = "Print the shape of your result, and of each array that it is computed from. What does each axis count?"
MOST_LETTERS = 10_000
MOST_ENTRIES = 10_000
DEEPEST = 10
"""The largest number of nested lists and dicts in a result."""
A_SET = "a set of"
"""The only key of a dict that represents a set."""
HUGE = 1e300
"""Numbers of at least this size count as infinite: computing with them would overflow."""
PRINT_BOTH = "Print the result of your code, and its type. Compare it with the expected one."
HINTS = {"nan": FIND_NAN, "shape": FIND_SHAPE, "form": PRINT_BOTH}
"""The hint for each kind of a `Difference` but another value."""


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
        if self.found == self.expected and isinstance(found, float):
            self.found, self.expected = repr(found), repr(expected)  # they differ after the fifth digit

    @property
    def sentence(self) -> str:
        """What is wrong, where, and what was found and expected, on one line of plain text."""
        return in_a_sentence(self.what, self.where, self.found, self.expected)


def in_a_sentence(what: str, where: str, found: str, expected: str) -> str:
    """Return what is wrong, where, and what was found and expected, on one line; each but the first may be empty."""
    parts = [what]
    if where:
        parts.append(f"Where: {where}.")
    if found:
        found = f"Found {found}" + (f", expected {expected}" if expected else "")
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


# ---- Reading


def read(value: object, what: str = "The result") -> Plain:
    """Convert a value to a plain result. Raises `Wrong` for None, and for a value without a plain form."""
    if value is None:
        raise Wrong(f"{what} is missing.", found="None", hint=FIND_NONE)
    return _read(value, what, 0)


def _read(value: Any, what: str, depth: int) -> Plain:
    if depth > DEEPEST:
        raise Wrong(f"{what} is nested more deeply than {DEEPEST} levels.", hint="Does it contain itself?")
    if value is None or issubclass(type(value), str):
        return value if value is None else str(value)[:MOST_LETTERS]
    if type(value) is float and abs(value) < HUGE:
        return np.array(value)
    is_list = isinstance(value, list | tuple)
    if (array := as_array(value, what)) is not None and (array.size or not is_list):
        is_huge = np.abs(array) >= HUGE
        return np.where(is_huge, np.copysign(np.inf, array), array) if is_huge.any() else array
    if isinstance(value, np.ndarray) and not value.ndim:
        return _read(value.item(), what, depth + 1)
    if not is_list and not isinstance(value, Mapping | Set | np.ndarray):
        kind = "a function" if callable(value) else f"an object of the type {type(value).__name__}"
        wrong = f"{what} is not a number, an array, a text, or a list or dict of these."
        raise Wrong(wrong, found=kind, hint="Print this value and its type. Which line of your code computes it?")
    if len(value) > MOST_ENTRIES:
        raise Wrong(f"{what} is far longer than expected.", found=f"{len(value):,} entries")
    if isinstance(value, Mapping):
        pairs = sorted(((_key(key), each) for key, each in value.items()), key=lambda pair: pair[0])
        return {key: _read(each, what, depth + 1) for key, each in pairs}
    if isinstance(value, Set):
        return {A_SET: sorted((_read(each, what, depth + 1) for each in value), key=_order)}
    return [_read(each, what, depth + 1) for each in value]


def _key(key: Any) -> str:
    # Equal keys get equal texts: 2 and 2.0, and tuples of them.
    if isinstance(key, tuple):
        return f"({', '.join(map(_key, key))})"
    if isinstance(key, str):
        return repr(str(key))
    return f"{key:g}" if isinstance(key, int | float | np.number) else str(key)[:80]


def _order(value: Plain) -> tuple[str, float, str]:
    is_number = isinstance(value, np.ndarray) and not value.ndim
    return ("", float(value), "") if is_number else (type(value).__name__, 0.0, str(value))


def leaves(value: Plain, path: str = "") -> Iterator[tuple[str, Plain]]:
    """Yield the contents of a result with their paths: each array, text, dict and list."""
    yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}[{key}]")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}[{index}]")


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
    if type(value) is np.ndarray and value.dtype.kind in "iuf" and value.size <= MOST_NUMBERS:
        return value.astype(np.float64)  # the fast path for nearly all results; it also copies
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


# ---- Comparing


def are_near(found: Array, expected: Array, rtol: float = 1e-4, atol: float = 1e-6) -> Any:
    """True for each entry that is as expected within the tolerances. nan never is, infinity only if it is expected."""
    found, expected = (np.asarray(each, np.float64) for each in (found, expected))  # booleans can't be subtracted
    with np.errstate(all="ignore"):
        near = np.isfinite(expected) & (np.abs(found - expected) <= rtol * np.abs(expected) + atol)
    return near | (found == expected)


class Difference(NamedTuple):
    """The place where two results differ, what was found and expected there, and the kind of the difference."""

    at: tuple[int | str, ...]
    found: object
    expected: object
    kind: Literal["value", "nan", "shape", "form"] = "value"


def compare(
    found: Plain,
    expected: Plain,
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    what: str = "",
    hint: str = "",
    hint_also_for: Collection[str] = (),
    axes: tuple[str, ...] = (),
    path: str = "",
) -> None:
    """Raise `Wrong` for the first place where two results differ, with the values found and expected there.

    `path` names the whole result, and `axes` name the levels of its lists and the axes of its arrays. The
    hint is for other values; other kinds of a `Difference` have their own hint, except for those in `hint_also_for`.
    """
    if difference := _find_difference(found, expected, partial(are_near, rtol=rtol, atol=atol)):
        at, one, other, kind = difference
        where = ", ".join(filter(None, [path, *_name_place(at, axes)]))
        hint = hint if kind in ("value", *hint_also_for) else HINTS[kind]
        what = what or "The result is not the right one."
        raise Wrong(what, found=one, expected=other, where=where, hint=hint)


def _find_difference(
    found: Plain, expected: Plain, are_near: Callable[[Array, Array], Any], at: tuple[int | str, ...] = ()
) -> Difference | None:
    if isinstance(expected, np.ndarray) and isinstance(found, np.ndarray):
        if found.shape != expected.shape:
            return Difference(at, _form(found), _form(expected), "shape")
        if (near := found == expected if found is expected else are_near(found, expected)).all():
            return None
        entry = tuple(int(i) for i in np.argwhere(~near)[0])
        one, other = found[entry].item(), expected[entry].item()
        if np.isnan(other):  # possible if both results come from student code
            return Difference((*at, *entry), "nan", "a number", "nan")
        return Difference((*at, *entry), one, other, "value" if np.isfinite(one) or np.isinf(other) else "nan")
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*expected, *found]):
            way = at if key == A_SET else (*at, key)
            if key not in found or key not in expected:
                one, other = (brief(each[key]) if key in each else "nothing" for each in (found, expected))
                return Difference(way, one, other, "form")
            if difference := _find_difference(found[key], expected[key], are_near, way):
                return difference
        return None
    if isinstance(expected, list) and isinstance(found, list):
        for number, (one, other) in enumerate(zip(found, expected, strict=False)):
            if difference := _find_difference(one, other, are_near, (*at, number)):
                return difference
        return None if len(found) == len(expected) else Difference(at, _count(found), _count(expected), "form")
    if type(found) is not type(expected):
        return Difference(at, brief(found), brief(expected), "shape" if isinstance(expected, np.ndarray) else "form")
    return None if found == expected else Difference(at, brief(found), brief(expected))


def _name_place(at: tuple[int | str, ...], axes: tuple[str, ...]) -> list[str]:
    # For example `step 1, weights, row 0`: axes name numbers, the last ones if there are more numbers than axes.
    unnamed = sum(isinstance(each, int) for each in at) - len(axes)
    names, words = iter([""] * unnamed + [*axes]), list[str]()
    for each in at:
        if isinstance(each, str):
            words.append(each[1:-1] if each.startswith(("'", '"')) else f"key {each}")
        elif not (name := next(names)) and words and words[-1].startswith("entry "):
            words[-1] += f", {each}"
        else:
            words.append(f"{name or 'entry'} {each}")
    return words


def _count(entries: list[Plain]) -> str:
    return f"{len(entries) or 'no'} entr{'y' if len(entries) == 1 else 'ies'}"


def _form(array: Array) -> str:
    return f"shape {array.shape}" if array.ndim else "a number"


def brief(value: Plain) -> object:
    """Return a short form of a result for a sentence."""
    if isinstance(value, np.ndarray):
        return value if value.ndim else value.item()
    if isinstance(value, dict):
        return f"a set of {len(value[A_SET])}" if A_SET in value else f"a dict with {len(value)} keys"
    if isinstance(value, list):
        is_flat = not any(isinstance(each, list | dict) or np.ndim(each) for each in value)
        text = f"[{', '.join(show(brief(each)) for each in value)}]" if is_flat and 0 < len(value) <= 8 else ""
        return text if text and len(text) <= 80 else f"a list with {_count(value)}"
    return repr(value)[:80]


# ---- Writing


def to_json(value: Plain) -> Any:
    """Return a result as JSON data.

    Numbers are encoded as bytes, and all arrays of a list together: digits and one object for each array would take a
    tenth of the time of grading.
    """
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "floats": _pack([value])} | ({"bool": True} if value.dtype == bool else {})
    if isinstance(value, dict):
        return {"dict": {key: to_json(each) for key, each in value.items()}}
    if not isinstance(value, list):
        return value
    are_arrays = all(isinstance(each, np.ndarray) and each.dtype != bool for each in value)
    if are_arrays and 0 < sum(each.size for each in value) <= MOST_NUMBERS:  # no more numbers than one array may have
        return {"shapes": [list(each.shape) for each in value], "floats": _pack(value)}
    return [to_json(each) for each in value]


def _pack(arrays: list[Array]) -> str:
    return b2a_base64(b"".join([each.astype("<f8", copy=False).tobytes() for each in arrays]), newline=False).decode()


def from_json(data: Any, depth: int = 0) -> Plain:
    """Decode a result that `to_json` has encoded. Raises ValueError for any other JSON data that a kernel may send."""
    if depth > DEEPEST + 1:
        raise ValueError("nested too deeply")
    if data is None:
        return None
    if isinstance(data, str) and len(data) <= MOST_LETTERS:
        return clean(data)
    if isinstance(data, list) and len(data) <= MOST_ENTRIES:
        return [from_json(each, depth + 1) for each in data]
    if isinstance(data, dict) and isinstance(entries := data.get("dict"), dict) and len(entries) <= MOST_ENTRIES:
        return {clean(key): from_json(each, depth + 1) for key, each in entries.items()}
    if isinstance(data, dict) and isinstance(packed := data.get("floats"), str):
        if "shapes" in data:
            return _unpack(packed, data["shapes"])
        [array] = _unpack(packed, [data.get("shape")])
        return array.astype(bool) if data.get("bool") is True else array
    raise ValueError("not in the form that a check returns")


def _unpack(packed: str, shapes: object) -> list[Array]:
    if len(packed) > 11 * MOST_NUMBERS:  # letters of base64 for eight bytes
        raise ValueError("larger than expected")
    if not isinstance(shapes, list) or len(shapes) > MOST_ENTRIES or not all(map(_is_shape, shapes)):
        raise ValueError("an array without a shape")
    numbers = np.frombuffer(a2b_base64(packed), "<f8").astype(np.float64)
    ends = [*accumulate(map(prod, shapes), initial=0)]
    if ends[-1] != numbers.size:
        raise ValueError("an array whose numbers don't fit its shape")
    if (is_huge := np.abs(numbers) >= HUGE).any() and np.isfinite(numbers[is_huge]).any():
        raise ValueError(f"an array with numbers of {HUGE:g} or more")
    return [numbers[start:end].reshape(shape) for (start, end), shape in zip(pairwise(ends), shapes, strict=True)]


def _is_shape(shape: object) -> bool:
    if not isinstance(shape, list) or len(shape) > 8:
        return False
    return all(type(n) is int and 0 <= n <= MOST_NUMBERS for n in shape)


def clean(text: object) -> str:
    """Return a text without lone surrogates, which can't be written to a file, or "" if it isn't a text."""
    if not isinstance(text, str):
        return ""
    return text if text.isascii() else text.encode(errors="replace").decode()
