"""The dense layer: one matrix product with the bias inside, and both of its gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.reference import Dense
from tests.reference.oracles import Array, batches, matrices, slopes


def dense_with(weights: Array) -> Dense:
    classes, width = weights.shape
    dense = Dense(width - 1, classes)
    dense.weights = weights
    return dense


def test_weights_start_small_and_the_same_for_a_seed_and_the_bias_is_the_last_column():
    dense = Dense(784, 10, rng=1)
    assert dense.weights.shape == (10, 785)
    np.testing.assert_array_equal(dense.weights[:, -1], 0.01)
    assert dense.weights[:, :-1].std() == pytest.approx(0.01, rel=0.1)
    np.testing.assert_array_equal(Dense(784, 10, np.random.default_rng(1)).weights, dense.weights)
    assert (Dense(784, 10).weights != Dense(784, 10).weights).any()


@given(batches())
def test_a_score_is_a_weighted_sum_of_the_features_and_a_bias(batch):
    weights, X, _ = batch
    dense = dense_with(weights)
    z = dense.forward(X)
    assert dense.output is z
    np.testing.assert_array_equal(dense.input, np.vstack([X, np.ones(X.shape[1])]))
    np.testing.assert_allclose(z, [[row[:-1] @ x + row[-1] for x in X.T] for row in weights], atol=1e-12)


@given(batches(), st.data())
def test_both_gradients_are_slopes(batch, data):
    weights, X, y = batch
    g = data.draw(matrices(*y.shape))
    dense = dense_with(weights)
    dense.forward(X)
    input_gradient = dense.backward(g, learning_rate=1)
    slope_at_X = slopes(lambda moved: float((g * dense_with(weights).forward(moved)).sum()), X)
    slope_at_W = slopes(lambda moved: float((g * dense_with(moved).forward(X)).sum()), weights)
    np.testing.assert_allclose(input_gradient, slope_at_X, atol=1e-7)
    np.testing.assert_allclose(weights - dense.weights, slope_at_W, atol=1e-7)


def test_backward_needs_input_and_weights_alone_and_uses_them_before_it_learns():
    dense = dense_with(np.array([[1.0, 2.0, 0.5], [3.0, 4.0, 0.5], [5.0, 6.0, 0.5]]))
    dense.input = np.array([[1.0], [2.0], [1.0]])
    input_gradient = dense.backward(np.array([[1.0], [0.0], [-1.0]]), learning_rate=0.5)
    np.testing.assert_array_equal(input_gradient, [[-4.0], [-4.0]])
    np.testing.assert_array_equal(dense.weights, [[0.5, 1.0, 0.0], [3.0, 4.0, 0.5], [5.5, 7.0, 1.0]])
