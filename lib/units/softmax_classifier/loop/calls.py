"""The two calls of `train` in a check: their arguments, and what the spies return in them.

All arrays are drawn beforehand. What a layer gives depends on the samples and on the number of updates, as in a real
layer. The calls have different numbers of samples, batch sizes and epochs, so that no fixed number is right in both.
"""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lib.unit import Array, Inputs

Samples = NDArray[np.intp]
"""Numbers of samples: columns of X."""


class Call:
    """One call of `train`: its arguments, and what the spies return in it.

    `number` is 0 for the first call and 1 for the second. X is (features, samples) and y one-hot, (classes, samples):
    each sample has a class of its own, by number in `classes`. Samples are columns of X; a number beyond them stands
    for features that are no sample's. The last batch of an epoch may be short.
    """

    def __init__(self, inputs: Inputs, number: int):
        self.inputs, self.number = inputs, number
        sizes = (int(inputs[name][number]) for name in ("num_samples", "batch_size", "nepochs"))
        self.samples, self.batch_size, self.epochs = sizes
        self.rate = float(inputs["learning_rate"][number])
        self.X, self.y = (inputs[name][:, : self.samples] for name in ("X", "y"))
        self.classes: Samples = self.y.argmax(axis=0)
        self.batches_in_an_epoch = -(-self.samples // self.batch_size)
        self._gradient_sizes = np.abs(inputs["output_gradients"]).max(axis=0)

    def batches(self, shuffle: int) -> list[Samples]:
        """List the batches of sample indices that generate_batch_indices returns when it is called once more."""
        return self._batches[shuffle % len(self._batches)]

    def sorted_batches(self, shuffle: int) -> list[tuple[int, ...]]:
        """List the same batches with the samples of each in ascending order."""
        return self._sorted_batches[shuffle % len(self._batches)]

    @cached_property
    def _sorted_batches(self) -> list[list[tuple[int, ...]]]:
        return [[tuple(sorted(batch.tolist())) for batch in batches] for batches in self._batches]

    @cached_property
    def _batches(self) -> list[list[Samples]]:
        orders = [order[order < self.samples] for order in self.inputs["orders"].astype(np.intp)]
        return [
            [order[at : at + self.batch_size] for at in range(0, self.samples, self.batch_size)] for order in orders
        ]

    def find_batch(self, samples: Samples, shuffles: Iterable[int]) -> tuple[int, int] | None:
        """Find a batch of these samples, in any order, in the first of some shuffles that has one.

        Returns the shuffle, counted from 1, and the batch's place in it, counted from 0; None if no shuffle has one.
        """
        taken = tuple(sorted(samples.tolist()))
        for shuffle in shuffles:
            batches = self.sorted_batches(shuffle - 1)
            if taken in batches:
                return shuffle, batches.index(taken)
        return None

    def columns(self, name: str, version: int, samples: Samples) -> Array:
        """Return the drawn columns of some samples after `version` updates, (classes, batch)."""
        table = self.inputs[name]
        found: Array = table.take((7 * version + samples) % table.shape[1], axis=1)
        return found

    def gradient_sizes(self, version: int, samples: Samples) -> Array:
        """Return the largest entry of each sample's gradient as the spies draw it, (batch,)."""
        return np.asarray(self._gradient_sizes.take((7 * version + samples) % len(self._gradient_sizes)))

    def outputs(self, version: int, samples: Samples) -> Array:
        """Return the probabilities of some samples. In the second epoch each true class has the largest one.

        So the accuracy is 1 there, and a loop that stops at a high accuracy stops too early.
        """
        found = self.columns("outputs", version, samples)
        if version // self.batches_in_an_epoch == 1:
            known = np.flatnonzero(samples < self.samples)
            true, largest = self.classes[samples[known]], found[:, known].argmax(axis=0)
            found[true, known], found[largest, known] = found[largest, known], found[true, known]
        return found

    def jacobian(self, version: int) -> Array:
        """Return the matrix by which softmax.backward multiplies: the drawn one, rolled by `version` rows."""
        matrix = self.inputs["jacobian"]
        return matrix.take(np.arange(len(matrix)) - version, axis=0, mode="wrap")

    def loss(self, version: int, samples: Samples) -> float:
        """Return the mean loss of some samples."""
        levels, shifts = self.inputs["loss_levels"], self.inputs["loss_shifts"]
        known = samples[samples < self.samples]
        return float(levels[version % len(levels)] * (1 + shifts.take(known).sum() / max(len(known), 1)))

    def weights(self, version: int) -> Array:
        """Return the weights after `version` updates, (classes, features + 1)."""
        return self.inputs["weights"] * (1 - 0.01 * version)


def calls(inputs: Inputs) -> tuple[Call, Call]:
    """Give the two calls of `train`."""
    return Call(inputs, 0), Call(inputs, 1)
