"""Batches: every sample once an epoch, whatever the sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.reference import generate_batch_indices


@given(num_samples=st.integers(1, 100), batch_size=st.integers(1, 120))
def test_every_sample_comes_once_and_only_the_last_batch_may_be_short(num_samples, batch_size):
    batches = generate_batch_indices(num_samples, batch_size)
    assert sorted(np.concatenate(batches)) == list(range(num_samples))
    *full, last = [len(batch) for batch in batches]
    assert set(full) <= {batch_size}
    assert 1 <= last <= batch_size


def test_the_order_is_new_each_time_and_the_same_for_a_seed():
    rng = np.random.default_rng(3)
    first, second = generate_batch_indices(50, 50, rng)[0], generate_batch_indices(50, 50, rng)[0]
    assert (first != second).any()
    np.testing.assert_array_equal(generate_batch_indices(50, 50, rng=3)[0], first)


REFUSED = {
    (0, 16): "num_samples is 0, .* The smallest that works is 1",
    (64, 0): "batch_size is 0",
    (64, -1): "batch_size is -1",
    (64, 64 / 4): "batch_size is 16.0, but should be a whole number",
}


@pytest.mark.parametrize("sizes", REFUSED, ids=str)
def test_sizes_that_make_no_batches_are_refused(sizes):
    with pytest.raises(ValueError, match=REFUSED[sizes]):
        generate_batch_indices(*sizes)
