"""What is known of a step of a training loop, in a few numbers.

Each array that a spy was given becomes one number, a weighted sum over its entries: arrays that differ have different
sums. So a step can be handed to the judge, who reads it as the check at the desk does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from lib.blanks import OpenBlank
from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.loop.calls import Call, Samples
from lib.units.softmax_classifier.loop.recordings import Pass, Placeholder, RecordedValue, has_rows

HEADER = ("version", "shuffle", "position", "count", "samples")
"""What is written of every step: updates before it, shuffles, updates since the last of these, samples taken."""
NOT_CALLED = -1.0
UNKNOWN = 15
"""The digit of features that are no sample's, where a step's samples are written as a fraction in base 16."""


@dataclass(frozen=True)
class Step:
    """One training step in numbers, and for a message the forward pass that was recorded, where that is at hand."""

    numbers: Mapping[str, float]
    samples: Samples
    batch: Samples
    call: Call
    seen: Pass | None = None

    def __getitem__(self, name: str) -> float:
        return self.numbers[name]

    def add(self, numbers: Mapping[str, float]) -> Step:
        """Return the step with more numbers."""
        return Step({**self.numbers, **numbers}, self.samples, self.batch, self.call, self.seen)

    @property
    def version(self) -> int:
        """The number of updates before it."""
        return int(self.numbers["version"])

    @property
    def shuffle(self) -> int:
        """The number of calls of generate_batch_indices before it."""
        return int(self.numbers["shuffle"])

    @cached_property
    def in_order(self) -> tuple[int, ...]:
        """Its samples in ascending order."""
        return tuple(sorted(self.samples.tolist()))

    @cached_property
    def loss(self) -> float:
        """The mean loss of its samples, as the spies give it."""
        return self.call.loss(self.version, self.samples)

    @cached_property
    def takes_a_batch(self) -> bool:
        """Whether its samples are those of a batch, in any order: of the latest shuffle or of an earlier one."""
        return self.call.find_batch(self.samples, range(1, self.shuffle + 1)) is not None

    @property
    def sizes(self) -> tuple[int, ...]:
        """What B may be: the number of its samples, or of those that were due."""
        return tuple({len(self.batch): 0, len(self.samples): 0})

    def right_move(self, size: int) -> float:
        """Return the learning rate times 1/B times the gradient, for B = `size`, as `_move` writes it."""
        gradient = self.call.columns("output_gradients", self.version, self.samples)
        right = self.call.jacobian(self.version) @ (gradient / self.call.gradient_sizes(self.version, self.samples))
        return self.call.rate / size * sum_entries(right)


@lru_cache(maxsize=64)
def weights_of(count: int) -> Array:
    """Return the weights of the sums: no two are alike, nor the sums of any two."""
    return np.sqrt(np.arange(2, count + 2))


@lru_cache(maxsize=64)
def _weights_of_rows(count: int, is_shift_free: bool) -> Array:
    """Return the weights of a column's entries: their sum is 1, or 0 if the sum is to be free of shifts."""
    rows = weights_of(count)
    return np.asarray(rows / rows.sum() - (1 / count if is_shift_free else 0))


def sum_entries(array: Array, is_shift_free: bool = False) -> float:
    """Sum an array's entries, (rows, batch), each with the weight of its row and of its column; rows' weights sum to 1.

    `is_shift_free` makes the sum independent of what is added to all entries of a column.
    """
    # `dot` and not `@`, which takes twice as long for arrays this small.
    return float(_weights_of_rows(len(array), is_shift_free).dot(array).dot(weights_of(array.shape[1])))


def _number(value: RecordedValue, rows: int, is_shift_free: bool = False) -> float:
    """Write what a spy was given as one number. Raises `OpenBlank` for a blank.

    An array of any other shape than (rows, batch) becomes a number that tells its shape.
    """
    if isinstance(value, Placeholder):
        raise OpenBlank(value.sentence)
    if value is None:
        return NOT_CALLED
    if isinstance(value, Wrong):
        return -2.0
    if not has_rows(value, rows):
        return -100.0 - float(sum(length * 40**at for at, length in enumerate(value.shape[:3])))
    return sum_entries(value, is_shift_free)


def describe_pass(seen: Pass, call: Call, names: Iterable[str]) -> dict[str, float]:
    """Write of a forward pass the numbers that have these names."""
    return {name: float(NUMBERS[name](seen, call)) for name in names}


def _write_samples(seen: Pass, call: Call) -> float:
    """Write sample numbers as a fraction in base 16."""
    count = min(len(seen.samples), 13)
    digits = (seen.samples[:count] + 1).tolist() if seen.known else [UNKNOWN] * count
    return float(sum(digit / 16**at for at, digit in enumerate(digits, 1)))


def _size(sizes: tuple[Any, ...], at: int) -> float:
    size = sizes[at] if len(sizes) > at else None
    return float(size) if isinstance(size, int | float | np.number) else NOT_CALLED


def _move(seen: Pass, call: Call) -> float:
    """Write the learning rate times the gradient that Dense.backward got: 1/B may be applied anywhere, but once.

    Each sample's gradient is measured by its own size, so that in a sum with large ones a small one counts as much.
    """
    if not seen.updates:
        return NOT_CALLED
    gradient, rate = seen.updates[-1]
    if isinstance(gradient, np.ndarray) and gradient.shape == (len(call.y), len(seen.samples)):
        gradient = gradient / call.gradient_sizes(seen.version, seen.samples)
    number = _number(gradient, len(call.y))
    into_softmax = seen.into_softmax
    if np.isnan(number) and into_softmax is not None and not has_rows(into_softmax, len(call.y)):
        number = _number(into_softmax, len(call.y))  # the nan is the spy's own, which can't multiply this
    if isinstance(rate, Placeholder):
        raise OpenBlank(rate.sentence)
    if not isinstance(rate, np.ndarray) or rate.size != 1:
        return -3.0
    return number * float(rate.ravel()[0])


NUMBERS: Mapping[str, Callable[[Pass, Call], float]] = {
    "version": lambda seen, call: seen.version,
    "shuffle": lambda seen, call: seen.shuffle,
    "position": lambda seen, call: seen.position,
    "count": lambda seen, call: len(seen.samples),
    "samples": _write_samples,
    "features": lambda seen, call: _number(seen.features, len(call.X)),
    "input_size": lambda seen, call: _size(seen.sizes, 0),
    "output_size": lambda seen, call: _size(seen.sizes, 1),
    "scores": lambda seen, call: _number(seen.softmax_input, len(call.y), is_shift_free=True),
    "loss_labels": lambda seen, call: _number(seen.loss_labels, len(call.y)),
    "loss_outputs": lambda seen, call: _number(seen.loss_outputs, len(call.y)),
    "labels": lambda seen, call: _number(seen.labels, len(call.y)),
    "outputs": lambda seen, call: _number(seen.prediction, len(call.y)),
    "has_loss": lambda seen, call: seen.loss_labels is not None,
    "updates": lambda seen, call: len(seen.updates),
    "layer": lambda seen, call: seen.layer,
    "touched": lambda seen, call: int(seen.touched) + seen.kept,  # 2 for a layer of an earlier call
    "move": lambda seen, call: _move(seen, call),
}
"""What is written of a forward pass, by name."""


def read_step(found: Mapping[str, float], call: Call, seen: Pass | None = None) -> Step:
    """Read the samples of a step, and find the batch that was due."""
    batches = call.batches(max(int(found["shuffle"]) - 1, 0))
    batch, count = batches[int(found["position"]) % len(batches)], int(found["count"])
    fraction = found["samples"]
    digits = np.array([int(fraction * 16**at) % 16 - 1 for at in range(1, min(count, 13) + 1)])
    if not ((digits >= 0) & (digits < call.samples)).all():
        digits = batch if count == len(batch) else call.samples + np.arange(count)
    return Step(found, digits, batch, call, seen)


def slots_of(call: Call) -> int:
    """Return how many steps are looked at: twice as many as there should be, and some."""
    return 2 * (call.epochs + 1) * call.batches_in_an_epoch
