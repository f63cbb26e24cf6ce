"""The second unit's right code, held against slopes: what its checks find of code stands in `tests.answers`."""

from typing import Any

import numpy as np

from lib.grading.unit_registry import answer_key
from lib.reference import Dense, Network, ReLU, Softmax, cce, cce_gradient
from lib.unit import Array
from tests.reference.oracles import slopes

step: Any = answer_key("hidden_layer").right["step"]


def test_a_right_step_moves_each_weight_by_the_slope_of_the_mean_loss() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 6)), np.eye(3)[:, [0, 1, 2, 0, 1, 2]]
    below, above = Dense(2, 4, rng), Dense(4, 3, rng)
    network = Network([below, ReLU(), above, Softmax()])

    def loss_with(weights: Array) -> float:
        below.weights = weights
        return cce(y, network.forward(X))

    before = rng.normal(size=below.weights.shape)
    expected = slopes(loss_with, before)
    loss = loss_with(before)
    assert step(network, cce, cce_gradient, X, y, learning_rate=1) == loss
    np.testing.assert_allclose(before - below.weights, expected, atol=1e-7)
