"""The dense layer: one matrix product with the bias inside, and both of its gradients."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lib.reference import Dense, Softmax, cce, cce_gradient
from lib.reference.loss import EPSILON
from tests.reference.oracles import Array, batches, matrices, slopes


def dense_with(weights: Array) -> Dense:
    classes, width = weights.shape
    dense = Dense(width - 1, classes)
    dense.weights = weights
    return dense


def test_weights_start_small_and_the_bias_is_the_last_column():
    dense = Dense(784, 10, rng=1)
    assert dense.weights.shape == (10, 785)
    np.testing.assert_array_equal(dense.weights[:, -1], 0.01)
    assert dense.weights[:, :-1].std() == pytest.approx(0.01, rel=0.1)


def test_the_loss_starts_near_ln_K():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(64, 200)), np.eye(10)[rng.integers(0, 10, 200)].T
    assert cce(y, Softmax().forward(Dense(64, 10, rng).forward(X))) == pytest.approx(np.log(10), abs=0.05)


def test_the_same_seed_draws_the_same_weights():
    np.testing.assert_array_equal(Dense(4, 3, rng=7).weights, Dense(4, 3, np.random.default_rng(7)).weights)
    assert (Dense(4, 3).weights != Dense(4, 3).weights).any()


@given(batches())
def test_a_score_is_a_weighted_sum_of_the_features_and_a_bias(batch):
    weights, X, _ = batch
    dense = dense_with(weights)
    z = dense.forward(X)
    assert dense.output is z
    np.testing.assert_array_equal(dense.input, np.vstack([X, np.ones(X.shape[1])]))
    np.testing.assert_allclose(z, [[row[:-1] @ x + row[-1] for x in X.T] for row in weights], atol=1e-12)


def test_samples_may_be_integers():
    dense, X = Dense(2, 3, rng=1), np.array([[3, 4, 5], [9, 8, 7]])
    np.testing.assert_array_equal(dense.forward(X), dense.forward(X.astype(float)))


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
    dense = Dense(2, 3)
    dense.weights = np.array([[1.0, 2.0, 0.5], [3.0, 4.0, 0.5], [5.0, 6.0, 0.5]])
    dense.input = np.array([[1.0], [2.0], [1.0]])
    input_gradient = dense.backward(np.array([[1.0], [0.0], [-1.0]]), learning_rate=0.5)
    np.testing.assert_array_equal(input_gradient, [[-4.0], [-4.0]])
    np.testing.assert_array_equal(dense.weights, [[0.5, 1.0, 0.0], [3.0, 4.0, 0.5], [5.5, 7.0, 1.0]])


@given(batches(), st.data())
def test_a_layer_below_gets_the_gradient_it_needs(batch, data):
    below, X, y = batch
    K = len(y)
    above = data.draw(matrices(K, K + 1, 1.0))

    def loss(weights: Array) -> float:
        return cce(y, Softmax().forward(dense_with(above).forward(dense_with(weights).forward(X))))

    first, second, softmax = dense_with(below), dense_with(above), Softmax()
    softmax.forward(second.forward(first.forward(X)))
    assume(softmax.output.min() > EPSILON)
    gradient = softmax.backward(cce_gradient(y, softmax.output)) / y.shape[1]
    first.backward(second.backward(gradient, learning_rate=1), learning_rate=1)
    np.testing.assert_allclose(below - first.weights, slopes(loss, below), atol=1e-7)


@given(batches())
def test_with_softmax_and_the_mean_loss_on_top_the_gradient_at_the_weights_is_tensorflows(tf, batch):
    weights, X, y = batch
    dense, softmax = dense_with(weights), Softmax()
    gradient = softmax.backward(cce_gradient(y, softmax.forward(dense.forward(X))))
    dense.backward((1 / y.shape[1]) * gradient, learning_rate=1)

    W = tf.Variable(weights)
    with tf.GradientTape() as tape:
        logits = tf.transpose(W @ np.vstack([X, np.ones(X.shape[1])]))
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y.T, logits))
    np.testing.assert_allclose(weights - dense.weights, tape.gradient(loss, W), atol=1e-8)
