"""What the numerics are tested against, and over: slopes by central differences, and batches of every shape."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

Array = NDArray[np.float64]


def slopes(loss: Callable[[Array], float], at: Array, step: float = 1e-6) -> Array:
    """Return the gradient of `loss` at a point by central differences, one entry at a time."""
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[index] = step
        gradient[index] = (loss(at + nudge) - loss(at - nudge)) / (2 * step)
    return gradient


def matrices(rows: int, columns: int, largest: float = 4.0) -> st.SearchStrategy[Array]:
    return arrays(np.float64, (rows, columns), elements=st.floats(-largest, largest))


@st.composite
def batches(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Draw weights (K, D + 1), samples (D, B) and one-hot labels (K, B), of sizes that may differ or agree.

    Scores stay small enough for every class to have a probability that the loss believes in.
    """
    telling = st.sampled_from([(3, 5, 4), (5, 2, 3), (3, 3, 3)])
    K, D, B = draw(telling | st.tuples(st.integers(2, 5), st.integers(1, 5), st.integers(1, 5)))
    labels = draw(st.lists(st.integers(0, K - 1), min_size=B, max_size=B))
    return draw(matrices(K, D + 1, 1.0)), draw(matrices(D, B, 1.0)), np.eye(K)[labels].T
