"""A dense layer: every score is a weighted sum of all features and a bias, z = W x + b.

The bias trick makes that one matrix product: x gets a last row of ones, and b becomes the last column of W.
"""

import numpy as np

from lib.reference.layer import FloatArray, Layer

WEIGHT_SCALE = 0.01
BIAS = 0.01


class Dense(Layer):
    """Fully connected layer with weights of shape (output_size, input_size + 1), the bias in the last column."""

    def __init__(self, input_size: int, output_size: int, rng: np.random.Generator | int | None = None) -> None:
        # Small weights make small scores: at the start all classes are about equally likely, and the loss is near
        # log K. With large weights most predictions would be confident and wrong: softmax is flat there, and learns
        # slowly.
        self.weights = np.random.default_rng(rng).normal(0, WEIGHT_SCALE, (output_size, input_size + 1))
        self.weights[:, -1] = BIAS

    def forward(self, input: FloatArray) -> FloatArray:
        """Return the scores, (output_size, batch), of samples of shape (input_size, batch)."""
        self.input = np.vstack([input, np.ones((1, input.shape[1]))])
        self.output = self.weights @ self.input
        return self.output

    def backward(self, output_gradient: FloatArray, learning_rate: float) -> FloatArray:
        """Take one step against the gradient g of shape (output_size, batch), and return the gradient at the input.

        z = W x̃, where x̃ is x with a 1 below it, implies ∂L/∂W = g x̃ᵀ, where the product sums over the batch, and
        ∂L/∂x = Wᵀ g, with the W of the forward pass. The ones of the bias trick are constant and have no gradient: the
        result is (input_size, batch). Reads only `self.input` and `self.weights`.
        """
        input_gradient = self.weights[:, :-1].T @ output_gradient
        self.weights = self.weights - learning_rate * (output_gradient @ self.input.T)
        return input_gradient
