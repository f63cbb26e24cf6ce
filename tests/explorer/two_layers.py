"""The network of the second notebook, of the reference's layers, and how the explorer is given it."""

from itertools import pairwise
from typing import Any

import numpy as np

from lib.explorer.training import Network
from lib.reference import Dense, ReLU, Softmax, cce, cce_gradient
from lib.reference import Network as Layers


def make_network(sizes: list[int]) -> Any:
    """Make the notebook's own."""
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        dense = Dense(inputs, outputs)
        dense.weights[:, :-1] = np.sqrt(2 / inputs) * np.random.randn(outputs, inputs)
        dense.weights[:, -1] = 0
        layers += [dense, ReLU()]
    layers[-1] = Softmax()
    return Layers(layers)


HIDDEN = Network(lambda *sizes: None, lambda: make_network([1, 1, 1]).layers[-1], cce, cce_gradient, "hidden units")
