"""What is drawn to test a training loop: the arguments of two calls of `train`, and what the spies return in them.

All arrays are drawn beforehand. What a layer gives depends on the samples and on the number of updates, as in a real
layer. The two calls differ in every size, so that no fixed number is right in both.
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
"""Numbers of samples: columns of X."""
UNKNOWN = -1
"""In the place of a sample's number, where features are no sample's."""
COLUMNS, STRIDE = 41, 17
"""Columns of each table, more than there are updates, and by how many the samples move on with each update: by more
than there are samples, where they are few, so that the next update has other columns."""
EPOCH_LOSSES = (2.6, 2e-4, 4e-4, 1.3, 1.5, 1.4, 1.6, 1.5, 1.7, 1.6, 1.8, 1.7, 1.9, 1.8, 2, 1.9, 2.1)
"""A loop that stops too early does so here, whether it waits for a small loss, for one that hardly changes, or for one
that rises."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes, and what the spies return, for the calls of `train`.

    The first call has 16 epochs of two batches, and its last batch is short. The sizes there all differ (4, 9, 13, 14,
    16, 18), so that none can stand for another. The short batch lacks more than one sample, or batches of about one
    size would have the right sizes. There are too many samples for two orders to be the same by chance.

    The second call has another rate, more than a hundred samples, more batches than epochs, and a last batch of one
    sample: a loop that works within limits shows them in one of the two calls. The sizes are the same in every draw,
    so that no draw shows more than another.
    """
    first_call = _draw_call(rng, samples=13, size=9, epochs=16, features=18, most=1.5)
    second_call = _draw_call(rng, samples=103, size=34, epochs=2, features=6, most=0.009)
    calls = zip(CALLS, (first_call, second_call), strict=True)
    return {f"{name}_{call}": value for call, drawn in calls for name, value in drawn.items()}


def _draw_call(rng: np.random.Generator, samples: int, size: int, epochs: int, features: int, most: float) -> Inputs:
    """Draw one call with this rate at most. Each sample has a class of its own, and one class has no sample.

    The gradients are large, and some probabilities small, so that a loop that limits them is noticed.
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
    """Draw orders of the samples of which no two have a batch in common: a batch tells which shuffle it comes from."""
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
    """Draw features of which the weighted sums, by which a sample is told from another, are far apart."""
    X = rng.normal(size=(features, samples))
    weights = np.sqrt(np.arange(2, features + 2))
    sums = rng.permutation(np.linspace(-1, 1, samples)) + rng.uniform(-0.25, 0.25, size=samples) / samples
    X[-1] = (sums - weights[:-1] @ X[:-1]) / weights[-1]
    return X


def _draw_gradients(rng: np.random.Generator, classes: int) -> Array:
    """Draw gradients that are large for one sample and small for the next: both are changed where they are limited."""
    sizes = np.where(np.arange(COLUMNS) % 2, 1.0, 1000.0)
    return rng.choice([-1, 1], size=(classes, COLUMNS)) * rng.uniform(0.2, 0.9, size=(classes, COLUMNS)) * sizes


def _draw_losses(rng: np.random.Generator, size: int, order: Samples, shifts: Array) -> Array:
    """Draw a loss for each version of the weights: tiny in the second and third epoch, and larger afterwards.

    The second epoch's mean ends in 4 in the seventh digit: a loss that is rounded to fewer is noticed.
    """
    length = -(-len(order) // size)
    levels = np.repeat(EPOCH_LOSSES, length)
    levels = levels * rng.uniform(0.9, 1.1, size=len(levels))
    steps = length + np.arange(len(order)) // size
    mean = (levels[steps] * (1 + shifts[order])).mean()
    levels[length : 2 * length] *= (np.round(mean, 6) + 4e-7) / mean
    return levels


class Call:
    """One call of `train`: its arguments, and what the spies return in it.

    X is (features, samples) and y one-hot, (classes, samples). Samples are columns of X; a number beyond them stands
    for features that are no sample's. The last batch of an epoch may be short.
    """

    def __init__(self, inputs: Inputs):
        # Once, and none of another call's: each access to a check's inputs copies an array.
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
        """How many are looked at: many more than there should be, even if each sample is a step."""
        self._tables: dict[str, Array] = {}
        self._turns = 1 + self.samples // COLUMNS
        self._latest: tuple[int, Samples, Samples] = 0, np.arange(0), np.arange(0)
        self._gradient_sizes = np.tile(np.abs(inputs["output_gradients"]).max(axis=0), self._turns)

    def batches(self, shuffle: int) -> list[Samples]:
        """List the batches of sample numbers that generate_batch_indices returns when it is called once more."""
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
        """Return which columns of a table are those of samples; the latest are known, for a step has several."""
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
    """One step in a call of `train`: the samples that it takes, and what it has `given` to the calls, by name.

    `version` counts the updates before it, `shuffle` the calls of generate_batch_indices, and `position` the updates
    since the last of these; `number` counts the steps from 0. `samples` are the columns of X that its features are.
    """

    call: Call
    version: int
    shuffle: int
    position: int
    samples: Samples
    given: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        """Take the samples."""
        self.take(self.samples)

    def take(self, samples: Samples) -> None:
        """Take these samples; to spies it has `taken` them, or those that are due where features are no sample's."""
        self.samples = samples
        self.is_known = all(0 <= each < self.call.samples for each in samples.tolist())
        """Whether the features are those of samples."""
        count = len(samples)
        others = self.due if count == len(self.due) else self.call.samples + np.arange(count)
        self.taken: Samples = samples if self.is_known else others

    @property
    def is_batch(self) -> bool:
        """Whether its samples are those of a batch: of the latest shuffle or of an earlier one."""
        shuffle = self.call.shuffles.get(tuple(sorted(self.samples.tolist())))
        return shuffle is not None and shuffle < self.shuffle

    @property
    def due(self) -> Samples:
        """The batch that comes next in the latest shuffle."""
        batches = self.call.batches(max(self.shuffle - 1, 0))
        return batches[self.position % len(batches)]

    def columns(self, name: str) -> Array:
        """Return the drawn columns of its samples, (rows, batch)."""
        return self.call.columns(name, self.version, self.taken)

    @property
    def outputs(self) -> Array:
        """The probabilities of its samples, as the spies give them, (classes, batch)."""
        return self.call.outputs(self.version, self.taken)

    @property
    def loss(self) -> float:
        """The mean loss of its samples, as the spies give it."""
        return self.call.loss(self.version, self.taken)
