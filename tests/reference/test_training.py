"""Training: every step against a slow hand-written one, and what a loop may get wrong."""

from collections.abc import Callable

import numpy as np
import pytest

from lib.reference import Dense, generate_batch_indices, train
from tests.reference.oracles import Array

drawn = np.random.default_rng(5)
labels = drawn.integers(0, 3, 90)
X, y = drawn.normal(0, 3, (4, 3))[:, labels] + drawn.normal(size=(4, 90)), np.eye(3)[labels].T
SHORT = 16  # leaves a last batch of 10


def slow_training(learning_rate: float, batch_size: int, nepochs: int, seed: int) -> tuple[Array, list]:
    """The same draws, and then one sample after the other with nothing but sums and the full Jacobian."""
    rng = np.random.default_rng(seed)
    weights = Dense(len(X), len(y), rng).weights
    losses = []
    for _ in range(nepochs):
        loss = []
        for batch in generate_batch_indices(X.shape[1], batch_size, rng):
            step = np.zeros_like(weights)
            for x, true in ((np.append(X[:, sample], 1), y[:, sample].argmax()) for sample in batch):
                e = np.exp(weights @ x)
                a = e / e.sum()
                loss.append(-np.log(a[true]))
                gradient = np.zeros(len(y))
                gradient[true] = -1 / a[true]
                step += np.outer((np.diag(a) - np.outer(a, a)) @ gradient, x) / len(batch)
            weights = weights - learning_rate * step
        losses.append(np.mean(loss))
    return weights, losses


@pytest.mark.parametrize("batch_size", [1, SHORT, 1000])
def test_losses_and_weights_are_those_of_a_slow_loop_with_the_same_seed(batch_size):
    trained = train(X, y, 0.1, batch_size, nepochs=3, rng=11)
    weights, losses = slow_training(0.1, batch_size, nepochs=3, seed=11)
    np.testing.assert_allclose(trained.dense.weights, weights, atol=1e-10)
    np.testing.assert_allclose(trained.loss, losses, atol=1e-10)


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
@pytest.mark.parametrize("dtype", [int, float])
def test_how_the_data_lies_in_memory_does_not_matter_and_it_stays_as_it_is(layout: Callable, dtype: type):
    whole = np.round(X)
    data, labels = layout(whole.astype(dtype)), layout(y.astype(dtype))
    trained = train(data, labels, 0.01, SHORT, 2, rng=3)
    np.testing.assert_array_equal(trained.dense.weights, train(whole, y, 0.01, SHORT, 2, rng=3).dense.weights)
    np.testing.assert_array_equal(data, whole)
    np.testing.assert_array_equal(labels, y)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y": y[:, :-1]}, r"X is \(4, 90\) and y is \(3, 89\), but should be \(features, samples\)"),
        ({"X": X.T, "y": y.T}, r"X is \(90, 4\) and y is \(90, 3\), .* Try X.T or y.T"),
        ({"y": y.argmax(axis=0)}, r"y is \(90,\)"),
        ({"X": X[:, :0], "y": y[:, :0]}, r"X is \(4, 0\)"),
        ({"y": 2 * y}, "labels aren't one-hot: column 0 of y is"),
        ({"y": np.full_like(y, 1 / 3)}, "aren't one-hot"),
        ({"y": np.ones_like(y)}, "aren't one-hot"),
        ({"X": np.where(np.arange(90) == 7, np.nan, X)}, "column 7 of X contains nan"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"nepochs": 2.5}, "nepochs is 2.5, but should be a whole number"),
        ({"learning_rate": 0}, "learning_rate is 0, but should be positive"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_a_sentence(changed, message):
    arguments = {"X": X, "y": y, "learning_rate": 0.1, "batch_size": 16, "nepochs": 1} | changed
    with pytest.raises(ValueError, match=message):
        train(**arguments)
