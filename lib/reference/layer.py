"""A layer maps an input forward to an output, and a gradient of the loss backward, from its output to its input.

Layers know nothing of each other: that is why they can be stacked. Columns are samples.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


class Layer:
    """Its two passes meet in two attributes: `forward` keeps `input` and `output`, and `backward` reads them."""

    input: FloatArray
    output: FloatArray

    def forward(self, input: FloatArray) -> FloatArray:
        """Return (and keep) the output for an input of shape (features, batch)."""
        raise NotImplementedError

    def backward(self, output_gradient: FloatArray, learning_rate: float) -> FloatArray:
        """Take the gradient of the loss at the output, learn from it, and return the gradient at the input."""
        raise NotImplementedError
