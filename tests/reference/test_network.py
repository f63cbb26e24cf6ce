"""A network of layers: forward in order, backward in reverse, and the slope of the loss for every weight."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from lib.reference import Dense, Network, ReLU, Softmax, cce, cce_gradient
from lib.reference.loss import EPSILON
from tests.reference.oracles import Array, batches, matrices, slopes


def stack(below: Array, above: Array) -> Network:
    """Make a network of two dense layers with these weights, a ReLU between them, and softmax on top."""
    first, second = (Dense(W.shape[1] - 1, len(W)) for W in (below, above))
    first.weights, second.weights = below, above
    return Network([first, ReLU(), second, Softmax()])


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


def test_a_network_is_a_layer_so_networks_can_be_stacked_and_one_without_layers_leaves_all_as_it_is():
    X, g = np.array([[1.0, 2.0], [-3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, -4.0]])
    weights = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]), np.array([[0.5, -1.0, 0.0], [2.0, 1.0, 1.0]])
    flat, parts = stack(*weights), stack(*weights).layers
    nested = Network([Network(parts[:2]), Network([]), *parts[2:]])
    np.testing.assert_array_equal(flat.forward(X), nested.forward(X))
    np.testing.assert_array_equal(flat.backward(g, 0.1), nested.backward(g, 0.1))
    np.testing.assert_array_equal(flat.layers[0].weights, parts[0].weights)
