"""The network of the second notebook, of the reference's layers, and how the explorer is given it."""

from itertools import pairwise
from typing import Any

import numpy as np

from lib.explorer.runs import Network
from lib.reference import Dense, ReLU, Softmax
from lib.reference import Network as Layers
from lib.units.hidden_layer.width import hidden_units
from tests.explorer.student import cce, cce_gradient


def make_network(sizes: list[int]) -> Any:
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        dense = Dense(inputs, outputs)
        dense.weights[:, :-1] = np.sqrt(2 / inputs) * np.random.randn(outputs, inputs)
        dense.weights[:, -1] = 0
        layers += [dense, ReLU()]
    layers[-1] = Softmax()
    return Layers(layers)


def give_hidden(units: int) -> Network:
    """Return what the explorer trains, with this many hidden units."""
    return Network(hidden_units(make_network).make(units), Softmax, cce, cce_gradient, "hidden units")
