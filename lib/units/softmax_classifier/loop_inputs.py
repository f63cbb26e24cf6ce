"""The random inputs that test a training loop: the arguments of two calls of `train`, and the results of the spies.

All arrays are drawn before the calls. As in a real layer, the result of a spy depends on the samples and on the number
of updates. The two calls differ in every size, so that no fixed number is right in both.
"""

from __future__ import annotations  # or the signatures would load numpy.random, which a check needs only later

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lib.unit import Array, Inputs
from lib.units.softmax_classifier.inputs import CALLS, probabilities

Samples = np.ndarray[Any, np.dtype[np.intp]]
"""Indices of samples, which are columns of X."""
UNKNOWN = -1
"""The index for features that belong to no sample."""
COLUMNS, STRIDE = 41, 17
"""The columns of each table, more than there are updates; and the shift of a sample's column with each update, larger
than the number of samples in the first call, so that the next update has other columns."""
EPOCH_LOSSES = (2.6, 2e-4, 4e-4, 1.3, 1.5, 1.4, 1.6, 1.5, 1.7, 1.6, 1.8, 1.7, 1.9, 1.8, 2, 1.9, 2.1)
"""They reveal a loop that stops early at a small loss, at a loss that hardly changes, or at a rising loss."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes, and the results of the spies, for the two calls of `train`.

    The first call has 16 epochs of two batches, with a short last batch. All its sizes differ (4, 9, 13, 14, 16, 18),
    so that a wrong size always has an effect. The short batch lacks several samples, so that batches of equal sizes are
    wrong. There are enough samples that two random orders are never the same.

    The second call has another rate, more than a hundred samples, more batches than epochs, and a last batch of one
    sample, which reveals limits in a loop. The sizes are the same in every draw, so that all draws reveal the same.
    """
    first_call = _draw_call(rng, samples=13, size=9, epochs=16, features=18, most=1.5)
    second_call = _draw_call(rng, samples=103, size=34, epochs=2, features=6, most=0.009)
    calls = zip(CALLS, (first_call, second_call), strict=True)
    return {f"{name}_{call}": value for call, drawn in calls for name, value in drawn.items()}


def _draw_call(rng: np.random.Generator, samples: int, size: int, epochs: int, features: int, most: float) -> Inputs:
    """Draw one call with a rate of at most `most`. Each sample has its own class, and one class has no sample.

    Large gradients and small probabilities reveal a loop that limits them.
    """
    classes = samples + 1
    orders = _draw_orders(rng, samples, size, epochs + 3)
    shifts = rng.uniform(-0.4, 0.4, size=samples)
    return {
        "X": _draw_features(rng, features, samples),
        "y": np.eye(classes)[:, rng.permutation(classes)[:samples]],
        "learning_rate": float(rng.uniform(0.4 * most, most)),
        "batch_size": size,
        "nepochs": epochs,
        "weights": rng.normal(size=(classes, features + 1)),
        "orders": orders,
        "loss_levels": _draw_losses(rng, size, orders[1], shifts),
        "loss_shifts": shifts,
        "scores": rng.normal(size=(classes, COLUMNS)),
        "outputs": 0.9 * rng.dirichlet(np.full(classes, 0.4), COLUMNS).T + 0.1 * probabilities(rng, classes, COLUMNS),
        "output_gradients": _draw_gradients(rng, classes),
        "jacobian": rng.normal(size=classes),
        "input_gradients": rng.normal(size=(features, COLUMNS)),
    }


def _draw_orders(rng: np.random.Generator, samples: int, size: int, count: int) -> Samples:
    """Draw orders of the samples without a common batch, so that each batch identifies its shuffle."""
    orders: list[Samples] = []
    known = set[frozenset[int]]()
    while len(orders) < count:
        order = rng.permutation(samples)
        batches = {frozenset(order[at : at + size].tolist()) for at in range(0, samples, size)}
        if not batches & known:
            orders.append(order)
            known |= batches
    return np.array(orders)


def _draw_features(rng: np.random.Generator, features: int, samples: int) -> Array:
    """Draw features with weighted sums that are far apart, because the sums identify samples."""
    X = rng.normal(size=(features, samples))
    weights = np.sqrt(np.arange(2, features + 2))
    sums = rng.permutation(np.linspace(-1, 1, samples)) + rng.uniform(-0.25, 0.25, size=samples) / samples
    X[-1] = (sums - weights[:-1] @ X[:-1]) / weights[-1]
    return X


def _draw_gradients(rng: np.random.Generator, classes: int) -> Array:
    """Draw large and small gradients in turn, which reveal upper and lower limits."""
    sizes = np.where(np.arange(COLUMNS) % 2, 1.0, 1000.0)
    return rng.choice([-1, 1], size=(classes, COLUMNS)) * rng.uniform(0.2, 0.9, size=(classes, COLUMNS)) * sizes


def _draw_losses(rng: np.random.Generator, size: int, order: Samples, shifts: Array) -> Array:
    """Draw a loss for each number of updates: tiny in the second and third epoch, and larger afterwards.

    The mean of the second epoch has a 4 in its seventh digit, which reveals rounding.
    """
    length = -(-len(order) // size)
    levels = np.repeat(EPOCH_LOSSES, length)
    levels = levels * rng.uniform(0.9, 1.1, size=len(levels))
    steps = length + np.arange(len(order)) // size
    mean = (levels[steps] * (1 + shifts[order])).mean()
    levels[length : 2 * length] *= (np.round(mean, 6) + 4e-7) / mean
    return levels


class Call:
    """One call of `train`: its arguments, and the results of the spies.

    X is (features, samples) and y one-hot, (classes, samples). Samples are columns of X; a larger index
    means unknown features. The last batch of an epoch may be short.
    """

    def __init__(self, inputs: Inputs):
        # Only once, and only those of this call, because each access to a check's inputs copies an array.
        self.inputs = {name: inputs[name] for name in inputs if not name.endswith(CALLS)}
        self.X: Array = inputs["X"]
        self.y: Array = inputs["y"]
        self.classes, self.samples = map(int, self.y.shape)
        self.rate: float = inputs["learning_rate"]
        self.batch_size: int = inputs["batch_size"]
        self.epochs: int = inputs["nepochs"]
        self.batches_in_an_epoch: int = -(-self.samples // self.batch_size)
        self.steps = self.epochs * self.batches_in_an_epoch
        self.most_steps = (self.epochs + 1) * max(2 * self.batches_in_an_epoch, self.samples)
        """The limit of traced steps: more than expected, even if each sample is a step."""
        self._tables: dict[str, Array] = {}
        self._turns = 1 + self.samples // COLUMNS
        self._latest: tuple[int, Samples, Samples] = 0, np.arange(0), np.arange(0)
        self._gradient_sizes = np.tile(np.abs(inputs["output_gradients"]).max(axis=0), self._turns)

    def batches(self, shuffle: int) -> list[Samples]:
        """Return the batches of one shuffle: the result of one call of generate_batch_indices."""
        return self._batches[shuffle % len(self._batches)]

    @cached_property
    def _batches(self) -> list[list[Samples]]:
        starts = range(0, self.samples, self.batch_size)
        return [[order[at : at + self.batch_size] for at in starts] for order in self.inputs["orders"]]

    @cached_property
    def shuffles(self) -> dict[tuple[int, ...], int]:
        """The shuffle that each batch comes from, by its samples in ascending order."""
        found = ((shuffle, batch) for shuffle, batches in enumerate(self._batches) for batch in batches)
        return {tuple(sorted(batch.tolist())): shuffle for shuffle, batch in found}

    def columns(self, name: str, version: int, samples: Samples) -> Array:
        """Return the drawn columns of some samples after `version` updates, (rows, batch)."""
        if name not in self._tables:  # so many samples have columns of their own, too: with the rows moved on
            turned = (np.roll(self.inputs[name], -turn, axis=0) for turn in range(self._turns))
            self._tables[name] = np.hstack([*turned])
        return np.asarray(self._tables[name].take(self._places(version, samples), axis=1))

    def _places(self, version: int, samples: Samples) -> Samples:
        """Return the columns of samples in a table. The latest ones are cached for the same step."""
        of, known, places = self._latest
        if of != version or known is not samples:
            places = (STRIDE * version + samples) % COLUMNS
            if self._turns > 1:
                places += COLUMNS * (samples // COLUMNS % self._turns)
            self._latest = version, samples, places
        return places

    def gradient_sizes(self, version: int, samples: Samples) -> Array:
        """Return the largest entry of each sample's gradient as the spies draw it, (batch,)."""
        return np.asarray(self._gradient_sizes.take(self._places(version, samples)))

    def outputs(self, version: int, samples: Samples) -> Array:
        """Return the probabilities of some samples, (classes, batch). In the second epoch each true class has the
        largest one: so the accuracy is 1 there, and a loop that stops at a high accuracy stops too early."""
        found = self.columns("outputs", version, samples)
        if version // self.batches_in_an_epoch == 1:
            known = np.flatnonzero(samples < self.samples)
            true, largest = self.y[:, samples[known]].argmax(axis=0), found[:, known].argmax(axis=0)
            found[true, known], found[largest, known] = found[largest, known], found[true, known]
        return found

    def jacobian(self, version: int) -> Array:
        """Return the matrix by which softmax.backward multiplies, (classes, classes): each row is the one above, moved
        on by one, and they move on with each update."""
        return np.asarray(self._rows[(version - 1 - np.arange(self.classes)) % self.classes])

    @cached_property
    def _rows(self) -> Array:
        return sliding_window_view(np.tile(self.inputs["jacobian"][::-1], 2), self.classes)

    @cached_property
    def sample_of(self) -> Samples:
        """The sample that each class is the label of, (classes,)."""
        samples = np.full(self.classes, UNKNOWN)
        samples[self.y.argmax(axis=0)] = np.arange(self.samples)
        return samples

    def loss(self, version: int, samples: Samples) -> float:
        """Return the mean loss of some samples."""
        levels, shifts = self.inputs["loss_levels"], self.inputs["loss_shifts"]
        known = samples[samples < self.samples]
        return float(levels[version % len(levels)] * (1 + shifts.take(known).sum() / max(len(known), 1)))

    def weights(self, version: int) -> Array:
        """Return the weights after `version` updates, (classes, features + 1)."""
        return np.asarray(self.inputs["weights"] * (1 - 0.01 * version))


@dataclass(eq=False)
class Step:
    """One step in a call of `train`: its samples, and the `arguments` of its calls, by name.

    `version` counts the updates before it, `shuffle` the calls of generate_batch_indices, and `position` the updates
    since the last of these; `number` counts the steps from 0. `samples` are the columns of X that its features are.
    """

    call: Call
    version: int
    shuffle: int
    position: int
    samples: Samples
    arguments: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        batches = self.call.batches(max(self.shuffle - 1, 0))
        self.expected: Samples = batches[self.position % len(batches)]
        """The next batch of the latest shuffle."""
        self.use(self.samples)

    def use(self, samples: Samples) -> None:
        """Set the samples. The spies act as if they were the `used` ones: the expected ones for unknown features."""
        self.samples = samples
        self.is_known = all(0 <= each < self.call.samples for each in samples.tolist())
        """True if all features belong to samples."""
        count = len(samples)
        others = self.expected if count == len(self.expected) else self.call.samples + np.arange(count)
        self.used: Samples = samples if self.is_known else others

    @property
    def is_batch(self) -> bool:
        """True if its samples are a batch of the latest or an earlier shuffle."""
        shuffle = self.call.shuffles.get(tuple(sorted(self.samples.tolist())))
        return shuffle is not None and shuffle < self.shuffle

    def columns(self, name: str) -> Array:
        """Return the drawn columns of its samples, (rows, batch)."""
        return self.call.columns(name, self.version, self.used)

    @property
    def outputs(self) -> Array:
        """The probabilities of its samples from the spies, (classes, batch)."""
        return self.call.outputs(self.version, self.used)

    @property
    def loss(self) -> float:
        """The mean loss of its samples from the spies."""
        return self.call.loss(self.version, self.used)
