"""ReLU lets positive numbers pass and replaces negative ones by 0, a = max(0, z).

Without a layer between them that is not linear, two dense layers are one: W₂ (W₁ x) = (W₂ W₁) x. The name is short for
rectified linear unit (Nair and Hinton, ICML 2010).
"""

import numpy as np

from lib.reference.layer import FloatArray, Layer


class ReLU(Layer):
    """Rectifier: it has nothing to learn, and hands on the gradients of those entries that were positive."""

    def forward(self, input: FloatArray) -> FloatArray:
        """Return max(0, z) of every entry z of an input of shape (units, batch)."""
        self.input = input
        self.output = np.maximum(input, 0)
        return self.output

    def backward(self, output_gradient: FloatArray, learning_rate: float | None = None) -> FloatArray:
        """Return the gradient at the input, (units, batch), from the gradient g at the output.

        ∂a/∂z is 1 where z is positive and 0 where it is negative. At exactly 0 the slope is taken as 0, as TensorFlow
        does. Reads `self.input` only.
        """
        return output_gradient * (self.input > 0)
