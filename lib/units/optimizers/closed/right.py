"""The right code: three optimizers, the loop around them, a schedule, and weight decay."""

# ruff: noqa: B007, B905  # written as students write it: mistakes are changes of this text
from collections.abc import Sequence
from typing import Any

import numpy as np

from lib.unit import Array

Arrays = Sequence[Array]
find_gradients: Any = None  # the notebook's own


class SGD:
    def step(self, weights: Arrays, gradients: Arrays, learning_rate: float) -> Arrays:
        return [w - learning_rate * g for w, g in zip(weights, gradients)]


class Momentum:  # Sutskever, Martens, Dahl and Hinton (2013), equations 1 and 2
    def __init__(self, momentum: float = 0.9) -> None:
        self.momentum = momentum
        self.velocity: Arrays | None = None

    def step(self, weights: Arrays, gradients: Arrays, learning_rate: float) -> Arrays:
        if self.velocity is None:
            self.velocity = [np.zeros(w.shape) for w in weights]
        self.velocity = [self.momentum * v - learning_rate * g for v, g in zip(self.velocity, gradients)]
        return [w + v for w, v in zip(weights, self.velocity)]


class Adam:  # Kingma and Ba (2015), algorithm 1
    def __init__(self, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.t = 0
        self.m: Arrays | None = None

    def step(self, weights: Arrays, gradients: Arrays, learning_rate: float) -> Arrays:
        if self.m is None:
            self.m = [np.zeros(w.shape) for w in weights]
            self.v: Arrays = [np.zeros(w.shape) for w in weights]
        self.t = self.t + 1
        self.m = [self.beta1 * m + (1 - self.beta1) * g for m, g in zip(self.m, gradients)]
        self.v = [self.beta2 * v + (1 - self.beta2) * g**2 for v, g in zip(self.v, gradients)]
        m_hat = [m / (1 - self.beta1**self.t) for m in self.m]
        v_hat = [v / (1 - self.beta2**self.t) for v in self.v]
        return [w - learning_rate * m / (np.sqrt(v) + self.epsilon) for w, m, v in zip(weights, m_hat, v_hat)]


def fit(network: Any, optimizer: Any, schedule: Any, X: Array, y: Array, batch_size: int, nepochs: int) -> Any:
    """Train a network; return the loss of each step."""
    layers = [layer for layer in network.layers if hasattr(layer, "weights")]
    losses = []
    t = 0
    for epoch in range(nepochs):
        order = np.random.permutation(X.shape[1])
        for batch in np.split(order, np.arange(batch_size, X.shape[1], batch_size)):
            losses.append(find_gradients(network, X[:, batch], y[:, batch]))
            weights = [layer.weights for layer in layers]
            gradients = [layer.weights_gradient for layer in layers]
            new_weights = optimizer.step(weights, gradients, schedule(t))
            t = t + 1
            for layer, new in zip(layers, new_weights):
                layer.weights = new
    return losses


def warm_up_and_fall(t: int, peak: float, warmup_steps: int, all_steps: int) -> Any:
    """Loshchilov and Hutter (2017), equation 5, after a warm-up."""
    if t < warmup_steps:
        return peak * (t + 1) / warmup_steps
    return peak / 2 * (1 + np.cos(np.pi * (t - warmup_steps) / (all_steps - warmup_steps)))


class WeightDecay:  # Loshchilov and Hutter (2019), algorithm 2
    def __init__(self, optimizer: Any, weight_decay: float) -> None:
        self.optimizer, self.weight_decay = optimizer, weight_decay

    def step(self, weights: Arrays, gradients: Arrays, learning_rate: float) -> Arrays:
        decays = [self.weight_decay * w for w in weights]
        for decay in decays:
            decay[:, -1] = 0
        new_weights = self.optimizer.step(weights, gradients, learning_rate)
        return [new - decay for new, decay in zip(new_weights, decays)]
