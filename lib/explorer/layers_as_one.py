"""All layers of a network before softmax as one layer, so that the explorer can train them."""

from typing import Any

import numpy as np

from lib.explorer.runs import Matrix


class OneLayer:
    """The layers of a network without softmax, as one layer with a vector of weights."""

    def __init__(self, network: Any) -> None:
        self._make = type(network)
        self.put(network.layers[:-1])

    def put(self, layers: list[Any]) -> None:
        """Replace the layers. The first one gets the input."""
        self.layers = layers
        self._network = self._make(layers)
        self._with_weights = [layer for layer in layers if hasattr(layer, "weights")]

    @property
    def weights(self) -> Matrix:
        """All weights, beginning with those of the first layer."""
        return np.concatenate([np.ravel(layer.weights) for layer in self._with_weights])

    @weights.setter
    def weights(self, new: Matrix) -> None:
        sizes = [layer.weights.size for layer in self._with_weights]
        for layer, part in zip(self._with_weights, np.split(new, np.cumsum(sizes)[:-1]), strict=True):
            layer.weights = part.reshape(layer.weights.shape).copy()
        self.restart()

    def restart(self) -> None:
        """Called after the weights were set, for subclasses with more state."""

    def forward(self, input: Matrix) -> None:
        """Run the layers, beginning with the first."""
        self.output = self._network.forward(input)

    def backward(self, output_gradient: Matrix, learning_rate: float) -> None:
        """Update all weights."""
        self._network.backward(output_gradient, learning_rate)
