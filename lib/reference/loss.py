"""The loss: categorical cross-entropy, the surprise at seeing the true class.

For one sample with one-hot label y and predicted probabilities ŷ, ℓ = -Σ_k y_k log ŷ_k. The loss of a batch, L, is the
mean of its samples' losses.
"""

import numpy as np

from lib.reference.layer import FloatArray

EPSILON = 1e-7
"""The lower bound of probabilities in the loss, as in `tf.keras.backend.epsilon()`: it avoids log 0 and 1/0."""


def cce(y: FloatArray, yhat: FloatArray) -> float:
    """Return the mean loss over a batch of one-hot labels y and probabilities yhat, both (classes, batch).

    In nats: 0 if the true class has probability 1, 1 if it has 1/e, log K if all K classes are equally likely.
    """
    return float(-(y * np.log(np.maximum(yhat, EPSILON))).sum() / y.shape[1])


def cce_gradient(y: FloatArray, yhat: FloatArray) -> FloatArray:
    """Return the gradient of each sample's own loss at yhat, ∂ℓ/∂ŷ_k = -y_k / ŷ_k, of shape (classes, batch).

    It doesn't contain the factor 1/batch of the mean: the training loop applies that once, just before
    `Dense.backward`. If the true class has less than EPSILON, the gradient is -1/EPSILON, so that after softmax such a
    sample has a smaller gradient than ŷ - y.
    """
    return -(y / np.maximum(yhat, EPSILON))
