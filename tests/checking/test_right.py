"""What is right, told from the inputs: of arrays, and of lists of arrays of several shapes."""

import numpy as np
import pytest

from lib.checking.results import Wrong, compare, read
from lib.checking.right import expected, shape

LISTS = [np.ones((2, 3)), np.ones(4)]


def test_a_list_of_arrays_is_compared_array_by_array():
    compare(*expected(lambda inputs: LISTS)(read(LISTS), {}, ""))
    for other in ([np.ones((2, 3)), np.zeros(4)], LISTS[:1], np.ones(4)):
        with pytest.raises(Wrong):
            compare(*expected(lambda inputs: LISTS)(read(other), {}, ""))


def test_of_arrays_in_one_shape_a_part_is_taken_and_of_others_none():
    assert expected(lambda inputs: np.arange(3), lambda r: r[0])(read([7, 8, 9]), {}, "") == (7, 0)
    found, wanted = expected(lambda inputs: np.arange(3), lambda r: r[0])(read([7, 8]), {}, "")
    assert (found.size, wanted.size) == (2, 3)


def test_a_list_of_arrays_has_another_shape_than_any_array():
    shape(lambda inputs: (2, 3))(read(np.ones((2, 3))), {}, "")
    with pytest.raises(Wrong, match="wrong shape") as raised:
        shape(lambda inputs: (2, 3))(read(LISTS), {}, "")
    assert raised.value.expected == "shape (2, 3)"
