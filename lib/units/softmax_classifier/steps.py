"""Statements about the number of steps in an epoch.

No formula is needed to test it: s steps are right if s batches have room for all samples, and s - 1 have not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import index
from typing import Any

import numpy as np

from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.inputs import worked_example


def draw(rng: np.random.Generator) -> Inputs:
    """Draw sizes as whole numbers, `num_samples` and `batch_size`, each (7,).

    The last batch is full, has one sample, or lacks one. A batch has all samples, more than all, or one. The last two
    sizes are of a real data set. So a number that is rounded down, up or to the nearest differs in every draw.
    """
    batch, other, last = (int(size) for size in rng.choice(np.arange(5, 12), size=3, replace=False))
    full, more, most = (int(count) for count in rng.choice(np.arange(3, 10), size=3, replace=False))
    sizes = [
        (full * batch, batch),
        (more * other + 1, other),
        (most * last + last - 1, last),
        (batch, batch),
        (other, 3 * other - 1),
        (int(rng.integers(20, 60)), 1),
        (1437, int(rng.integers(13, 40))),
    ]
    samples, batches = np.array(sizes).T
    return {"num_samples": samples, "batch_size": batches}


class BatchesInAnEpoch(Statement):
    text = "An epoch has as many steps as generate_batch_indices makes batches: a whole number, of type int."
    hint = "Write down the batches of 10 samples, 4 at a time, and count them. Then do the same for 12 samples."

    def holds(self, inputs: Inputs, steps_per_epoch: Any) -> None:
        sizes = _sizes_in(inputs)
        results = [steps_per_epoch(samples, batch) for samples, batch in sizes]
        for result, (samples, batch) in zip(results, sizes, strict=True):
            _require_batches(_read(result), samples, batch)
        for result in results:
            if not _is_whole_number(result):
                raise Wrong(
                    "The numbers are right, but they are not of type int.",
                    found=f"{type(result).__name__} {result}",
                    expected="an int, because range() takes no float",
                    hint="Turn the result into a whole number with int(...).",
                )

    def probes(self, inputs: Inputs, steps_per_epoch: Any) -> Probes:
        return {
            "steps": partial(_of_each, _read, steps_per_epoch, inputs),
            "whole": partial(_of_each, _is_whole_number, steps_per_epoch, inputs),
        }


def _require_batches(steps: float, samples: int, batch: int) -> None:
    """Raise `Wrong` unless there are as many steps as batches."""
    where = f"steps_per_epoch({samples}, {batch})"
    if steps % 1 or not np.isfinite(steps):
        hint = "A batch is used whole or not at all. Does the short last batch need a step of its own?"
        raise Wrong("The number of steps is not whole.", where=where, found=steps, expected="a whole number", hint=hint)
    if steps * batch < samples:
        raise Wrong(
            "There are too few steps: some samples are in no batch.",
            where=where,
            found=f"{steps:.0f} steps, with room for {max(steps, 0) * batch:.0f} samples",
            expected=f"room for all {samples}",
        )
    if (steps - 1) * batch >= samples:
        raise Wrong(
            "There are too many steps: some have no sample left.",
            where=where,
            found=f"{steps:.0f} steps, and {steps - 1:.0f} have room for all {samples} samples",
            expected="no step without samples",
        )


def _of_each(read: Callable[[object], Any], steps_per_epoch: Any, inputs: Inputs) -> Array:
    """Run student code on each pair of sizes, and read each result."""
    return np.array([read(steps_per_epoch(samples, batch)) for samples, batch in _sizes_in(inputs)], dtype=float)


def _sizes_in(inputs: Inputs) -> list[tuple[int, int]]:
    """Give the pairs of sizes as Python's own numbers, which a notebook would have."""
    return list(zip(inputs["num_samples"].tolist(), inputs["batch_size"].tolist(), strict=True))


def _read(result: object) -> float:
    return float(numbers(result, (), what="The number of steps"))


def _is_whole_number(result: object) -> bool:
    """Tell whether range() would take it."""
    try:
        index(result)  # type: ignore[arg-type]  # it may be anything
    except TypeError:
        return False
    return True


steps_per_epoch = Part(
    "check-steps-per-epoch",
    "Steps in an epoch",
    ("steps_per_epoch",),
    (BatchesInAnEpoch(),),
    draw,
    example=partial(worked_example, "batches_in_an_epoch"),
)
