"""A layer maps an input forward to an output, and a gradient of the loss backward, from its output to its input.

Layers don't depend on each other, so they can be stacked in any order. Columns are samples.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


class Layer:
    """The base class of layers: `forward` stores `input` and `output`, and `backward` reads them."""

    input: FloatArray
    output: FloatArray

    def forward(self, input: FloatArray) -> FloatArray:
        """Return and store the output for an input of shape (features, batch)."""
        raise NotImplementedError

    def backward(self, output_gradient: FloatArray, learning_rate: float) -> FloatArray:
        """Update the weights by the gradient of the loss at the output, and return the gradient at the input."""
        raise NotImplementedError
