"""The right code: layers as the reference has them, and one step of training."""

from collections.abc import Callable
from typing import Any

from lib.reference import Network, ReLU
from lib.reference.layer import FloatArray as Array

__all__ = ["Network", "ReLU", "step"]
Loss = Callable[[Array, Array], Any]


def step(network: Network, loss: Loss, loss_gradient: Loss, X: Array, y: Array, learning_rate: float) -> Any:
    """Train on one batch, X (features, B) with labels y (classes, B); return the loss before the update.

    The gradient of a mean over B samples is 1/B times each sample's own gradient. Everything below is linear in the
    gradient, so the factor comes in once, at the top.
    """
    yhat = network.forward(X)
    network.backward(loss_gradient(y, yhat) / y.shape[1], learning_rate)
    return loss(y, yhat)
