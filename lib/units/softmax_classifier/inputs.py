"""Random inputs that reveal mistakes: columns are samples, probabilities are not uniform, and B, K and D all differ.

There are four sizes. In the square one, B equals K, so that a wrong axis raises no error. The large one has more
classes and samples than any limit that code may have, and its probabilities are closer to 0 and to 1.
"""

from __future__ import annotations  # or the signatures would load numpy.random, which a check needs only later

import numpy as np

from lib.unit import Array

SIZES = {"batch": (4, 7), "one": (4, 1), "square": (5, 5), "large": (11, 104)}
"""(classes, batch) of the inputs."""
LARGE = SIZES["large"][1]
MANY = 8
"""The calls of code before its test, where it is tested what code keeps from many of them."""


def probabilities(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw columns that sum to 1, with entries not close to 0: (classes, batch)."""
    return np.asarray(0.9 * rng.dirichlet(np.full(classes, 2.0), size=batch).T + 0.1 / classes)


def labels(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw one-hot columns in which a class comes twice. If there are no more samples than classes, one is missing.

    So the labels are never a permutation of the classes, and differ from their transpose. Every draw reveals code that
    leaves out the first or the last class. A single sample belongs neither to the first nor to the last class.
    """
    inner = rng.integers(1, classes - 1)
    if batch == 1:
        return np.eye(classes)[:, [inner]]
    some = np.delete(np.arange(classes), inner) if batch <= classes else np.arange(classes)
    return np.eye(classes)[:, rng.permutation(np.resize(rng.permutation(some), batch))]


def predictions(rng: np.random.Generator, y: Array) -> Array:
    """Draw probabilities for one-hot labels, so that each draw reveals the same mistakes.

    In one sample, the true class has a small probability p, and another class half of it: 0.002, or 8e-5 in a large
    batch, where differences of 1e-6 still give the slope. In the next sample, the true class is nearly certain, which
    reveals probabilities that are limited below 1. In the last sample, it is the least likely class. The losses of the
    first and last sample are not the smallest, largest or middle one, because returning one of these is another
    mistake. The mean of -log p has the digits 57 after its hundredths, which reveals rounding.
    """
    classes, batch = y.shape
    small, sure = ((9.3, 9.45), (1e-4, 2e-4)) if batch == LARGE else ((5.9, 6.2), (0.02, 0.05))  # of -log p
    ranges = [small] if batch == 1 else [(0.9, 1.2), *[(1.3, 2.2)] * (batch - 4), small, sure, (3, 3.2)]
    losses = np.array(rng.integers(*(1e4 * np.array(ranges).T)))  # in ten-thousandths
    losses[-1] -= (losses.sum() - 57 * batch) % (100 * batch)
    p, rare = np.exp(-losses / 1e4), ranges.index(small)
    others = 0.5 * rng.dirichlet(np.full(classes - 1, 2.0), size=batch).T + 0.5 / (classes - 1)
    others[:, rare] *= (1 - 1.5 * p[rare]) / (1 - p[rare]) / others[1:, rare].sum()
    others[0, rare] = p[rare] / 2 / (1 - p[rare])
    yhat = np.empty(y.shape)
    yhat.T[y.T == 1], yhat.T[y.T == 0] = p, (others * (1 - p)).T.ravel()
    return yhat


def scores(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw scores of both signs, a few units apart: (classes, batch).

    In the first sample, one class has a probability near 0.0003, or 2e-5 in a large batch, which reveals clipping and
    rounding. All other probabilities are at least 0.002. If B > K, the second sample has scores near 0.
    """
    z = rng.uniform(-1.8, 1.8, size=(classes, batch))
    z[:, 0] = rng.permutation(np.append(-7 if batch == LARGE else -5.2, rng.uniform(1.6, 1.8, size=classes - 1)))
    if batch > classes:
        z[:, 1] *= 0.004
    return z
