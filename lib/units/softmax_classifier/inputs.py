"""Inputs that distinguish mistakes: columns are samples, probabilities are not uniform, and B, K, D all differ.

Each drawn set comes in three sizes. In the square one B equals K, because some wrong axes run only there.
"""

from __future__ import annotations  # or the signatures would load numpy.random, which a check needs only later

import numpy as np

from lib.unit import Array

SIZES = {"one": (4, 1), "batch": (4, 7), "square": (5, 5)}
"""(classes, batch) of the drawn sets."""


def probabilities(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw columns that sum to 1 and stay clear of 0: (classes, batch)."""
    return np.asarray(0.9 * rng.dirichlet(np.full(classes, 2.0), size=batch).T + 0.1 / classes)


def one_hot_columns(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw labels as one-hot columns: (classes, batch)."""
    return np.eye(classes)[:, rng.integers(classes, size=batch)]


def scores(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw scores of either sign, a few units apart: (classes, batch)."""
    return rng.normal(scale=1.5, size=(classes, batch))
