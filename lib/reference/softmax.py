"""Softmax turns the scores z of a sample into probabilities, a_i = exp(z_i) / Σ_k exp(z_k).

Only differences of scores matter: adding c to all of them multiplies numerator and denominator by exp(c). So the
largest score of each sample can be shifted to 0, where exp never overflows and the denominator is at least 1.
"""

import numpy as np

from lib.reference.layer import FloatArray, Layer


class Softmax(Layer):
    """Softmax activation: it has nothing to learn, and hands gradients on."""

    def forward(self, input: FloatArray) -> FloatArray:
        """Return the probabilities, (classes, batch), of the scores in `input`: every column sums to 1."""
        self.input = input
        # Scores may be integers, and exp doesn't fit into those: ask for floats before subtracting.
        exp = np.exp(np.subtract(input, input.max(axis=0), dtype=float))
        self.output = exp / exp.sum(axis=0)
        return self.output

    def backward(self, output_gradient: FloatArray, learning_rate: float | None = None) -> FloatArray:
        """Return the gradient at the scores, (classes, batch), from the gradient g at the probabilities a.

        By the quotient rule ∂a_i/∂z_j is a_i (1 - a_i) where i = j, and -a_i a_j elsewhere. So the Jacobian is
        J = diag(a) - a aᵀ, which is symmetric, and J g = a * g - a (aᵀ g) = a * (g - Σ_k a_k g_k) needs no J: only
        g's mean under a. Columns of the result sum to 0, as moving all scores together changes nothing.
        Reads `self.output` only.
        """
        a, g = self.output, output_gradient
        mean: FloatArray = (a * g).sum(axis=0)
        return a * (g - mean)
