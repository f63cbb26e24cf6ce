"""Results of student code: read as plain data, compared at the first place that differs, and written as JSON."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.checking.results import Wrong, compare, from_json, leaves, read, to_json

ITSELF: list[Any] = [1]
ITSELF.append(ITSELF)
SAME = [
    (3, 3.0),
    (True, 1),
    ({1: 2}, {np.int64(1): 2.0}),
    ({(1, "a"): 3}, {(1.0, "a"): 3}),
    ({("a", 1), ("b", 2)}, {("b", 2), ("a", 1)}),
    ([np.ones(2), np.ones((3, 1))], [[1, 1], [[1], [1], [1]]]),
    (1 + 0.99e-4, 1),
    (0.99e-6, 0),
    (-1e4, -1e4 - 0.99),
    ([None, "text"], (None, "text")),
    (np.array([1, 2], dtype=object), [1.0, 2.0]),
]
DIFFERENT = [
    (1 + 1.02e-4, 1, "Found 1.0001, expected 1."),
    (1.01e-6, 0, "Found 1.01e-06, expected 0."),
    (np.inf, -np.inf, "Found inf, expected -inf."),
    (np.nan, 1, "Found nan, expected 1."),
    (2.0, np.inf, "Found 2, expected inf."),
    (np.nan, np.nan, "Found nan, expected a number."),
    (2.0, np.nan, "Found nan, expected a number."),
    (True, 3.2, "Found True, expected 3.2."),
    (np.array([True, False]), [1, 1], "Where: entry 1. Found False, expected 1."),
    (1.0, [1.0], "Found a number, expected shape (1,)."),
    ([1, 2, 4], [1, 2, 3], "Where: entry 2. Found 4, expected 3."),
    ("1", 1, "Found '1', expected 1."),
    ({"a": 1}, {"a": 1, "b": 2}, "Where: b. Found nothing, expected 2."),
    ({"a": 1, "b": 2}, {"a": 1}, "Where: b. Found 2, expected nothing."),
    ({(1, "a"): 3}, {(2, "a"): 3}, "Where: key (2, 'a'). Found nothing"),
    ({1, 2}, {1, 2, 3}, "one. Found 2 entries, expected 3 entries."),
    ([1, "a", "b"], [1, "a"], "Found 3 entries, expected 2 entries."),
    ([np.ones(2), np.zeros(3)], [np.ones(2), np.ones(3)], "Where: entry 1, 0. Found 0, expected 1."),
    ([[], []], [[{"a": 1}, {"a": 2}], [1]], "Where: entry 0. Found no entries, expected 2 entries."),
    ("none", [{"a": 1}, [1, [2, 3]]], "Found 'none', expected a list with 2 entries."),
    ([{"a": [np.ones(2), np.ones(3)]}], [{"a": [np.ones(2), np.eye(3)[1]]}], "Where: entry 0, a, entry 1, 0."),
]
REFUSED = [
    (None, "is missing. Found None"),
    (object(), "an object of the type object"),
    ((i for i in (1, 2)), "an object of the type generator"),
    (len, "a function"),
    (np.ones(3) * 1j, "an object of the type complex"),
    (ITSELF, "nested more deeply"),
    (np.broadcast_to(np.float64(1), (10**5, 10**5)), "far larger than expected"),
    (["a"] * 20_000, "far longer than expected"),
]


def difference(found: Any, expected: Any) -> str:
    try:
        compare(read(found), read(expected))
    except Wrong as wrong:
        return wrong.sentence
    return ""


def test_results_are_compared_by_what_they_are() -> None:
    assert not [(found, wanted, said) for found, wanted in SAME if (said := difference(found, wanted))]
    assert not [(found, said) for found, wanted, words in DIFFERENT if words not in (said := difference(found, wanted))]


def test_what_no_right_code_gives_is_refused_in_a_sentence() -> None:
    off = []
    for value, words in REFUSED:
        with pytest.raises(Wrong) as wrong:
            read(value, "The loss")
        off += [] if words in wrong.value.sentence and "The loss" in wrong.value.what else [wrong.value.sentence]
    assert not off


STEPS = [{"weights": [np.ones((2, 2)), np.ones(3)]}, {"weights": [np.ones((2, 2)), np.arange(3)]}]
PLACES = [
    # (found, expected, what the levels count, where they differ)
    (np.zeros((2, 3)), np.eye(2, 3), ("class", "sample"), "class 0, sample 0"),
    ([np.ones(2), np.ones(3)], [np.ones(2), np.arange(3)], ("array", "entry"), "array 1, entry 0"),
    ([np.ones(2), np.ones(3)], [np.ones(2), np.ones((3, 1))], ("array", "row", "column"), "array 1"),
    (STEPS[:1], STEPS, ("step", "array", "row", "column"), ""),
    ([STEPS[0]] * 2, STEPS, ("step", "array", "row"), "step 1, weights, array 1, row 0"),
    ([STEPS[0]] * 2, STEPS, ("array", "row"), "entry 1, weights, array 1, row 0"),
]


def test_a_place_is_named_by_what_its_levels_and_axes_count() -> None:
    for found, expected, axes, where in PLACES:
        with pytest.raises(Wrong) as wrong:
            compare(read(found), read(expected), axes=axes, what="It is wrong.", path="moved")
        assert wrong.value.where == ", ".join(filter(None, ["moved", where]))


numbers = st.floats(allow_nan=True, width=32) | st.integers(-(10**6), 10**6) | st.booleans()
arrays = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda shape: np.arange(np.prod(shape)).reshape(shape))
keys = st.text(max_size=3) | st.integers(0, 9)
values = st.recursive(
    numbers | st.text(max_size=5) | st.none() | arrays,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(keys, each, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150)
@given(values)
def test_any_result_reads_back_from_json_as_it_was(value: Any) -> None:
    plain = read([value, "so that None may be"])
    back = from_json(json.loads(json.dumps(to_json(plain), allow_nan=False)))
    for (path, one), (other_path, other) in zip(leaves(plain), leaves(back), strict=True):
        assert (path, type(one)) == (other_path, type(other))
        if isinstance(one, dict | list):
            assert len(one) == len(other)  # their entries follow
        else:
            assert np.array_equal(one, other, equal_nan=True) if isinstance(one, np.ndarray) else one == other


NO_RESULTS = [
    3,
    True,
    {},
    {"floats": 3},
    {"floats": "AA==", "shape": [1]},
    {"floats": "", "shape": [-1]},
    {"floats": "AAAAAAAA8D8=", "shape": [2]},
    {"floats": "AAAAAAAA8D8=", "shape": "1"},
    {"floats": "A" * 2_000_000, "shape": [187_500]},
    {"floats": "AAAAAAAA8D8=", "shapes": [[1], [1]]},
    {"floats": "AAAAAAAA8D8=", "shapes": [1]},
    {"floats": "", "shapes": [[0]] * 10_001},
    {"dict": [1]},
    [[[[[[[[[[[[["deep"]]]]]]]]]]]]],
]


def test_any_other_json_is_refused() -> None:
    for data in NO_RESULTS:
        with pytest.raises(ValueError, match=r"\w"):
            from_json(data)
