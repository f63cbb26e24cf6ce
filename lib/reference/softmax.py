"""Softmax turns the scores z of a sample into probabilities, a_i = exp(z_i) / Σ_k exp(z_k).

Only differences of scores matter: adding c to all of them multiplies the numerator and the denominator by exp(c). So
the largest score of each sample can be shifted to 0: then exp doesn't overflow, and the denominator is at least 1.
"""

import numpy as np

from lib.reference.layer import FloatArray, Layer


class Softmax(Layer):
    """Softmax activation: it has no weights, and passes gradients on."""

    def forward(self, input: FloatArray) -> FloatArray:
        """Return the probabilities, (classes, batch), of the scores in `input`: every column sums to 1."""
        self.input = input
        # Scores may be integers, in which differences could overflow: subtract as floats.
        exp = np.exp(np.subtract(input, input.max(axis=0), dtype=float))
        self.output = exp / exp.sum(axis=0)
        return self.output

    def backward(self, output_gradient: FloatArray, learning_rate: float | None = None) -> FloatArray:
        """Return the gradient at the scores, (classes, batch), from the gradient g at the probabilities a.

        By the quotient rule ∂a_i/∂z_j is a_i (1 - a_i) for i = j, and -a_i a_j otherwise. So the Jacobian is
        J = diag(a) - a aᵀ, which is symmetric, and J g = a * g - a (aᵀ g) = a * (g - Σ_k a_k g_k) needs only the mean
        of g with the weights a, and not J itself. Columns of the result sum to 0, because adding a constant to all
        scores changes nothing. Reads only `self.output`.
        """
        a, g = self.output, output_gradient
        mean: FloatArray = (a * g).sum(axis=0)
        return a * (g - mean)
