"""Inputs that distinguish mistakes: columns are samples, probabilities are not uniform, and B, K, D all differ.

Each drawn set comes in four sizes. In the square one B equals K, because some wrong axes run only there. The large one
has more classes and samples than any limit that code may have, and its numbers come closer to 0 and to 1.
"""

from __future__ import annotations  # or the signatures would load numpy.random, which a check needs only later

from collections.abc import Callable
from time import process_time

import numpy as np

from lib.unit import Array

CALLS = ("first", "second")
"""The cases of a training loop: two calls of `train` with other sizes."""
SIZES = {"batch": (4, 7), "one": (4, 1), "square": (5, 5), "large": (11, 104)}
"""(classes, batch) of the drawn sets."""
LARGE = SIZES["large"][1]
MANY, SLOW = 52, 0.002
"""How often code is called before it is tested; only three times if each call takes more seconds of a processor. By the
clock a busy machine would decide."""


def call_before(call: Callable[[], object], times: int = MANY) -> None:
    """Call student code on other inputs: what it keeps from a call, or does after many, shows in the next one."""
    is_slow = True
    for number in range(times):
        begin = process_time() if is_slow else 0.0
        call()
        is_slow = is_slow and process_time() - begin >= SLOW
        if number >= 2 and is_slow:
            return


def probabilities(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw columns that sum to 1 and stay clear of 0: (classes, batch)."""
    return np.asarray(0.9 * rng.dirichlet(np.full(classes, 2.0), size=batch).T + 0.1 / classes)


def labels(rng: np.random.Generator, classes: int, batch: int) -> Array:
    """Draw one-hot columns in which one class comes twice, and with as many as B = K an inner one is missing.

    So the labels are never a permutation of the classes, and never the same seen from the side. Code that leaves out
    the first or the last classes is wrong in every draw. A single sample is of an inner class: code that keeps only the
    first or the last entry of a sum is wrong there in every draw.
    """
    inner = rng.integers(1, classes - 1)
    if batch == 1:
        return np.eye(classes)[:, [inner]]
    some = np.delete(np.arange(classes), inner) if batch <= classes else np.arange(classes)
    return np.eye(classes)[:, rng.permutation(np.resize(rng.permutation(some), batch))]


def predictions(rng: np.random.Generator, y: Array) -> Array:
    """Draw probabilities for one-hot labels, so that every draw shows what a few draws would hide.

    In one sample the true class has a small probability p, and another class has half of it: 0.002, or 8e-5 in a large
    batch, where differences of 1e-6 still give the slope. In the next one the true class is nearly certain:
    probabilities that are kept away from 1 show. In the last one it is the least likely. The first and the last sample
    have neither the smallest loss of the batch nor the largest or the middle one: code that takes one of these is not
    taken for code that takes a sample by its place. The mean of -log p has the digits 57 behind its hundredths: a
    rounded loss shows.
    """
    classes, batch = y.shape
    small, sure = ((9.3, 9.45), (5e-4, 1e-3)) if batch == LARGE else ((5.9, 6.2), (0.02, 0.05))  # of -log p
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
    """Draw scores of either sign, a few units apart: (classes, batch).

    In the first sample one class has a probability near 0.0003, or 2e-5 in a large batch, where one that is clipped or
    rounded shows. All others have at least 0.002. Of more samples than classes one has scores near 0.
    """
    z = rng.uniform(-1.8, 1.8, size=(classes, batch))
    z[:, 0] = rng.permutation(np.append(-7 if batch == LARGE else -5.2, rng.uniform(1.6, 1.8, size=classes - 1)))
    if batch > classes:
        z[:, 1] *= 0.004
    return z
