"""Inputs that distinguish mistakes: columns are samples, probabilities are not uniform, and B, K, D all differ.

Each drawn set comes in three sizes. In the square one B equals K, because some wrong axes run only there.
"""

from __future__ import annotations  # or the signatures would load numpy.random, which a check needs only later

from typing import Any

import numpy as np

from lib.checking.values import Wrong, are_close, numbers
from lib.unit import Array, Example, Inputs, Statement

SIZES = {"one": (4, 1), "batch": (4, 7), "square": (5, 5)}
"""(classes, batch) of the drawn sets."""


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


def predictions(rng: np.random.Generator, y: Array, small: tuple[float, float]) -> Array:
    """Draw probabilities for one-hot labels, so that every draw shows what a few draws would hide.

    In one sample the true class has a small probability p, and another class has half of it; -log p lies in the range
    `small`. In the next one the true class is nearly certain: probabilities that are kept away from 1 show. In the last
    one it is the least likely. The first and the last sample have neither the smallest loss of the batch nor the
    largest or the middle one: code that takes one of these is not taken for code that takes a sample by its place. The
    mean of -log p has the digits 57 behind its hundredths: a rounded loss shows.
    """
    classes, batch = y.shape
    ranges = [small] if batch == 1 else [(0.9, 1.2), small, (0.02, 0.05), *[(1.3, 2.2)] * (batch - 4), (3, 3.2)]
    losses = np.array([rng.integers(int(1e4 * low), int(1e4 * high)) for low, high in ranges])  # in ten-thousandths
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

    In the first sample one class has a probability near 0.0003, where one that is clipped or rounded shows.
    All others have at least 0.005.
    """
    z = rng.uniform(-1.8, 1.8, size=(classes, batch))
    z[:, 0] = rng.permutation(np.append(-5.2, rng.uniform(1.6, 1.8, size=classes - 1)))
    return z


def is_kept(before: Array, after: Array) -> bool:
    """Tell whether code left an array as it was given; to clip probabilities at 1e-7 in place doesn't count."""
    return before.shape == after.shape and bool((np.abs(before - after) <= 1e-6).all())


def copy_array(value: Any) -> Any:
    """Copy an array, into which later code may write; give anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def is_like(found: object, right: Array) -> bool:
    """Tell whether a result of student code is the right array, but for rounding in float32."""
    try:
        return are_close(numbers(found, right.shape), right)
    except Wrong:
        return False


def keeps_output(layer: object, right: Array) -> bool:
    """Tell whether a student's forward has kept the right output."""
    return is_like(getattr(layer, "output", None), right)


def kept_output(layer: Any) -> Array:
    """Read the output that a student's forward has kept; raise `Wrong` where it has kept none."""
    output = getattr(layer, "output", None)
    if output is None:
        hint = "Assign the result to self.output: a name without self. is lost where forward ends."
        raise Wrong("self.output is missing.", found="None", expected="numbers", hint=hint)
    return numbers(output, what="self.output")


class OfGradient(Statement):
    """A statement about what backward makes of an incoming gradient, `gradient_…`, whose size its numbers have."""

    def size(self, probe: str, inputs: Inputs) -> float:
        gradient = inputs.get(f"gradient_{probe.partition('/')[2]}", inputs["gradient_batch"])
        return float(np.abs(gradient).max())


def worked_example(name: str, *subjects: Any) -> Example:
    """Make the worked example of this name; its module is loaded only after a check has failed."""
    from lib.units.softmax_classifier import examples

    example: Example = getattr(examples, name)(*subjects)
    return example
