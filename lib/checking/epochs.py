"""Epochs: each uses every sample once, in batches of one size with a short last one, and mixes the samples anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lib.checking.results import Wrong

Samples = np.ndarray[tuple[int], np.dtype[np.intp]]
"""Indices of samples, which are columns of X."""
ALIKE = 0.9
"""The share of samples that stay with the same others from which on two epochs count as the same. So batches are
compared as sets: the order within a batch changes nothing."""
MOST_SHOWN = 12
MIX = "Draw new batches inside the loop over the epochs, and set no seed there."


def sizes_of(samples: int, size: int) -> list[int]:
    """Return the sizes of an epoch's batches."""
    return [min(size, samples - start) for start in range(0, samples, size)]


def require_every_sample(batches: Sequence[Samples], samples: int, size: int, epochs: int) -> None:
    """Raise `Wrong` unless the batches have the right sizes, and each epoch uses every sample once."""
    found, expected = [len(batch) for batch in batches], epochs * sizes_of(samples, size)
    length = len(expected) // epochs
    for epoch in range(max(epochs, -(-len(found) // length))):
        here = slice(epoch * length, (epoch + 1) * length)
        where = f"epoch {epoch + 1}"
        if found[here] != expected[here]:
            mine, right = (list_of(each[here]) or "no batch" for each in (found, expected))
            raise Wrong("The batches have other sizes.", where=where, found=mine, expected=right)
        if len({*np.concatenate(batches[here]).tolist()}) < samples:
            what = "An epoch does not use every sample."
            raise Wrong(what, where=where, found="some samples twice, others never", expected="each sample once")


def require_mixing(batches: Sequence[Samples], samples: int, size: int) -> None:
    """Raise `Wrong` if two epochs have the same batches, or nearly so, or one has those of the columns in order."""
    length = len(sizes_of(samples, size))
    in_order = [np.arange(start, min(start + size, samples)) for start in range(0, samples, size)]
    is_in = np.zeros((length + len(batches), samples), dtype=np.float32)
    for row, batch in zip(is_in, [*in_order, *batches], strict=True):
        row[batch] = 1
    together = (is_in @ is_in.T).reshape(-1, length, len(is_in) // length, length).max(axis=3).sum(axis=1)
    alike = np.argwhere(np.tril(together, -1) > ALIKE * samples) if length > 1 else ()
    for later, earlier in alike:
        raise Wrong(
            "Two epochs use the same batches." if earlier else "Each batch is a block of neighbouring columns.",
            where=f"epochs {earlier} and {later}" if earlier else f"epoch {later}",
            found=f"{together[later, earlier]:.0f} of {samples} samples with the same others in their batch",
            expected="samples that are mixed anew in each epoch",
            hint=MIX,
        )


def list_of(numbers: Sequence[float] | np.ndarray[Any, Any]) -> str:
    """Return whole numbers as a text, cut short if there are many."""
    texts = [f"{number:g}" for number in numbers[:MOST_SHOWN]]
    return ", ".join(texts + [f"… ({len(numbers)} in all)"] * (len(numbers) > MOST_SHOWN))
