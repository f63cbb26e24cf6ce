"""Batches: an epoch uses every sample once, in a new order, a few at a time."""

from numbers import Integral

import numpy as np
from numpy.typing import NDArray


def generate_batch_indices(
    num_samples: int, batch_size: int, rng: np.random.Generator | int | None = None
) -> list[NDArray[np.intp]]:
    """Return the sample indices of each batch of one epoch: a permutation of all indices in pieces of `batch_size`.

    The last batch is shorter if `batch_size` doesn't divide `num_samples`; a larger `batch_size` makes one batch.
    Raises ValueError if either isn't a positive whole number.
    """
    require_count("num_samples", num_samples)
    require_count("batch_size", batch_size)
    order = np.random.default_rng(rng).permutation(num_samples)
    return np.split(order, range(batch_size, num_samples, batch_size))


def require_count(name: str, value: int) -> None:
    """Raise ValueError unless `value` is a positive whole number."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}, but should be a whole number. The smallest that works is 1.")
