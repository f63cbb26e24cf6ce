"""All layers of a network below softmax as one layer, whose weights are a vector: so the explorer can train it."""

from typing import Any

import numpy as np

from lib.explorer.runs import Matrix


class OneLayer:
    """All layers of a network but softmax, as one layer whose weights are a vector."""

    def __init__(self, network: Any) -> None:
        self._make = type(network)
        self.put(network.layers[:-1])

    def put(self, layers: list[Any]) -> None:
        """Have these layers, the lowest first."""
        self.layers = layers
        self._network = self._make(layers)
        self._with_weights = [layer for layer in layers if hasattr(layer, "weights")]

    @property
    def weights(self) -> Matrix:
        """All weights, those of the lowest layer first."""
        return np.concatenate([np.ravel(layer.weights) for layer in self._with_weights])

    @weights.setter
    def weights(self, new: Matrix) -> None:
        sizes = [layer.weights.size for layer in self._with_weights]
        for layer, part in zip(self._with_weights, np.split(new, np.cumsum(sizes)[:-1]), strict=True):
            layer.weights = part.reshape(layer.weights.shape).copy()

    def forward(self, input: Matrix) -> None:
        """Run the layers, the lowest first."""
        self.output = self._network.forward(input)

    def backward(self, output_gradient: Matrix, learning_rate: float) -> None:
        """Take a step."""
        self._network.backward(output_gradient, learning_rate)
