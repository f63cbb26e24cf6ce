"""What is drawn to test a training loop: data, sizes, and what the spies return, for two calls of `train`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lib.unit import Array, Inputs
from lib.units.softmax_classifier.inputs import probabilities
from lib.units.softmax_classifier.loop.steps import weights_of

FEATURES = 8
UPDATES = 31
"""Updates for which losses are drawn, and columns of each table: a prime, so that no two updates share columns."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes, and what the spies return, for two calls of `train`.

    In the first call the last batch is short. The sizes there all differ (2 or 3, 5, 6 or 7, 8, 12 or 13, 13 or 14), so
    that none can stand for another. The short batch lacks more than one sample, or batches of about one size would have
    the right sizes; and no batch's share of the samples has few digits. Each sample has a class of its own. The
    gradients are large, and some probabilities small, so that a loop that limits them is noticed.

    In the second call all batches are full, there are more of them than epochs, and other samples than in the first.
    """
    batch_size = 5
    short, epochs = rng.integers([2, 6], [4, 8])
    samples = 2 * batch_size + short
    classes = samples + 1
    orders = _draw_orders(rng, samples, batch_size, epochs + 3)
    outputs = 0.9 * rng.dirichlet(np.full(classes, 0.4), size=UPDATES).T + 0.1 * probabilities(rng, classes, UPDATES)
    second_samples, second_size = (9, 3) if short == 2 else [(9, 3), (12, 3), (12, 4)][rng.integers(3)]
    shifts = rng.uniform(-0.4, 0.4, size=samples)
    return {
        "X": _draw_features(rng, samples),
        "y": np.eye(classes)[:, rng.permutation(classes)[:samples]],
        "num_samples": np.array([samples, second_samples], dtype=float),
        "batch_size": np.array([batch_size, second_size], dtype=float),
        "nepochs": np.array([epochs, 2.0]),
        "learning_rate": rng.uniform(0.05, 0.5, size=2),
        "weights": rng.normal(size=(classes, FEATURES + 1)),
        "orders": orders.astype(float),
        "loss_levels": _draw_losses(rng, batch_size, orders[1], shifts),
        "loss_shifts": shifts,
        "scores": rng.normal(size=(classes, UPDATES)),
        "outputs": outputs,
        "output_gradients": _draw_gradients(rng, classes),
        "jacobian": rng.normal(size=(classes, classes)),
        "input_gradients": rng.normal(size=(FEATURES, UPDATES)),
    }


def _draw_orders(rng: np.random.Generator, samples: int, batch_size: int, count: int) -> NDArray[np.intp]:
    """Draw orders of the samples of which no two have a batch in common: a batch tells which shuffle it comes from."""
    orders: list[NDArray[np.intp]] = []
    known = set[frozenset[int]]()
    while len(orders) < count:
        order = rng.permutation(samples)
        batches = {frozenset(order[at : at + batch_size].tolist()) for at in range(0, samples, batch_size)}
        if not batches & known:
            orders.append(order)
            known |= batches
    return np.array(orders)


def _draw_features(rng: np.random.Generator, samples: int) -> Array:
    """Draw features of which the weighted sums, by which a sample is told from another, are far apart."""
    X = rng.normal(size=(FEATURES, samples))
    weights = weights_of(FEATURES)
    sums = rng.permutation(np.linspace(-1, 1, samples)) + rng.uniform(-0.02, 0.02, size=samples)
    X[-1] = (sums - weights[:-1] @ X[:-1]) / weights[-1]
    return X


def _draw_gradients(rng: np.random.Generator, classes: int) -> Array:
    """Draw gradients that are large for one sample and small for the next: both are changed where they are limited."""
    sizes = np.where(np.arange(UPDATES) % 2, 1.0, 1000.0)
    return rng.choice([-1, 1], size=(classes, UPDATES)) * rng.uniform(0.2, 0.9, size=(classes, UPDATES)) * sizes


def _draw_losses(rng: np.random.Generator, batch_size: int, order: Array, shifts: Array) -> Array:
    """Draw a loss for each version of the weights: tiny in the second and third epoch, and larger afterwards.

    A loop that stops too early does so here, whether it waits for a small loss, for one that hardly changes, or for one
    that rises. The second epoch's mean ends in 4 in the seventh digit: a loss that is rounded to fewer is noticed.
    """
    epochs = np.array([2.6, 2e-4, 4e-4, 1.3, 1.5, 1.4, 1.6, 1.5, 1.7, 1.6, 1.8])
    levels = np.repeat(epochs, 3)[:UPDATES] * rng.uniform(0.9, 1.1, size=UPDATES)
    steps = 3 + np.arange(len(order)) // batch_size
    mean = (levels[steps] * (1 + shifts[order])).mean()
    levels[3:6] *= (np.round(mean, 6) + 4e-7) / mean
    return levels
