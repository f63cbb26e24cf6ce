"""The loss: categorical cross-entropy, the surprise at seeing the true class.

For one sample with one-hot label y and predicted probabilities ŷ, ℓ = -Σ_k y_k log ŷ_k. The loss of a batch, L, is the
mean of its samples' losses.
"""

import numpy as np

from lib.reference.layer import FloatArray

EPSILON = 1e-7
"""The smallest probability that the loss believes in, as `tf.keras.backend.epsilon()`: log 0 and 1/0 never happen."""


def cce(y: FloatArray, yhat: FloatArray) -> float:
    """Return the mean loss over a batch of one-hot labels y and probabilities yhat, both (classes, batch).

    In nats: 0 where the true class has probability 1, 1 where it has 1/e, log K where all K classes are equal.
    """
    return float(-(y * np.log(np.maximum(yhat, EPSILON))).sum() / y.shape[1])


def cce_gradient(y: FloatArray, yhat: FloatArray) -> FloatArray:
    """Return the gradient of each sample's own loss at yhat, ∂ℓ/∂ŷ_k = -y_k / ŷ_k, of shape (classes, batch).

    The mean's 1/batch isn't in it: the training loop applies that once, just before `Dense.backward`. Where the true
    class has less than EPSILON, the gradient stays at -1/EPSILON, and a sample so badly wrong pulls less than ŷ - y.
    """
    return -(y / np.maximum(yhat, EPSILON))
