"""ReLU returns positive numbers unchanged and replaces negative ones with 0, a = max(0, z).

Without a nonlinear layer between them, two dense layers are equivalent to one: W₂ (W₁ x) = (W₂ W₁) x. The name is short
for rectified linear unit (Nair and Hinton, ICML 2010).
"""

import numpy as np

from lib.reference.layer import FloatArray, Layer


class ReLU(Layer):
    """Rectifier: it has no weights, and passes on the gradients of the entries that were positive."""

    def forward(self, input: FloatArray) -> FloatArray:
        """Return max(0, z) of every entry z of an input of shape (units, batch)."""
        self.input = input
        self.output = np.maximum(input, 0)
        return self.output

    def backward(self, output_gradient: FloatArray, learning_rate: float | None = None) -> FloatArray:
        """Return the gradient at the input, (units, batch), from the gradient g at the output.

        ∂a/∂z is 1 where z is positive and 0 where it is negative. At exactly 0 it is set to 0, as in TensorFlow. Reads
        only `self.input`.
        """
        return output_gradient * (self.input > 0)
