"""A network of layers: forward in order, backward in reverse, and the slope of the loss for every weight."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from lib.reference import Dense, Network, ReLU, Softmax, cce, cce_gradient
from lib.reference.loss import EPSILON
from tests.reference.oracles import Array, batches, matrices, slopes


def stack(*weights: Array) -> Network:
    """Make a network with a dense layer for each of the weights, a ReLU between them, and softmax on top."""
    layers = []
    for W in weights:
        dense = Dense(W.shape[1] - 1, len(W))
        dense.weights = W
        layers += [dense, ReLU()]
    return Network([*layers[:-1], Softmax()])


@given(batches(), st.data())
def test_every_weight_moves_by_the_slope_of_the_mean_loss(batch, data):
    below, X, y = batch
    K = len(y)
    above = data.draw(matrices(K, K + 1, 1.0))
    network = stack(below, above)
    yhat = network.forward(X)
    scores = network.layers[0].output
    assume(yhat.min() > EPSILON and np.abs(scores).min() > 1e-3)  # no slope at the bend, none where the loss is cut
    returned = network.backward(cce_gradient(y, yhat) / y.shape[1], learning_rate=1)

    def loss(below: Array, above: Array, X: Array) -> float:
        return cce(y, stack(below, above).forward(X))

    first, second = network.layers[0].weights, network.layers[2].weights
    np.testing.assert_allclose(below - first, slopes(lambda W: loss(W, above, X), below), atol=1e-7)
    np.testing.assert_allclose(above - second, slopes(lambda W: loss(below, W, X), above), atol=1e-7)
    np.testing.assert_allclose(returned, slopes(lambda x: loss(below, above, x), X), atol=1e-7)


@given(batches())
def test_a_network_is_a_layer_so_networks_can_be_stacked(batch):
    W, X, _ = batch
    flat, nested = stack(W, np.eye(len(W), len(W) + 1)), stack(W, np.eye(len(W), len(W) + 1))
    inner = Network(nested.layers[:2])
    nested = Network([inner, *nested.layers[2:]])
    np.testing.assert_array_equal(flat.forward(X), nested.forward(X))
    g = np.ones((len(W), X.shape[1]))
    np.testing.assert_array_equal(flat.backward(g, 0.1), nested.backward(g, 0.1))
    np.testing.assert_array_equal(flat.layers[0].weights, inner.layers[0].weights)


def test_without_a_layer_the_output_is_the_input():
    X = np.ones((2, 3))
    assert Network([]).forward(X) is X
