"""Comparison of a loop's steps with right ones, and the words for what differs."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.loop.calls import Call, Samples
from lib.units.softmax_classifier.loop.recordings import RecordedValue
from lib.units.softmax_classifier.loop.steps import Step

ONE_CALL = "one call in each step"


def ratio_of(found: RecordedValue, base: Array) -> float | None:
    """Return the number by which `base` is multiplied in `found`; None if there is none."""
    if not isinstance(found, np.ndarray) or found.shape != base.shape:
        return None
    ratio = float((found * base).sum() / (base * base).sum())
    rounding = 1e-5 * abs(ratio) * np.abs(base).max()
    return ratio if ratio != 0 and np.allclose(found, ratio * base, rtol=1e-4, atol=rounding) else None


def is_close(found: float, right: float) -> bool:
    """Tell whether two sums agree: float32 code is right, and what differs in the fifth digit is not."""
    return bool(abs(found - right) <= 1e-5 * max(abs(right), 0.03))


def are_losses(found: Array, right: Array, is_cut: bool) -> bool:
    """Tell whether losses are right; if `is_cut`, only the first are known."""
    if is_cut:
        found, right = found[: len(right) - 1], right[:-1]
    return len(found) == len(right) > 0 and all(map(is_close, found, right))


def require_steps(steps: Sequence[Step], call: str) -> None:
    """Raise `Wrong` where there is no step, because `call` was never made."""
    if not steps:
        raise Wrong(f"{call} was not called.", found="no training step", expected="one for each batch")


def missing_call(name: str, where: str, hint: str = "") -> Wrong:
    """Say that a step lacks a call."""
    return Wrong(f"{name} was not called.", where=where, found="no call", expected=ONE_CALL, hint=hint)


def fits(call: Call, steps: Sequence[Step], shuffle: int) -> bool:
    """Tell whether the next steps take all batches of one shuffle, in order."""
    batches = call.sorted_batches(shuffle - 1)
    return all(step.in_order == batch for step, batch in zip(steps, batches, strict=False))


def place_of(call: Call, number: int) -> str:
    """Say where a step is: its epoch and its batch, counted from 1."""
    epoch, batch = divmod(number, call.batches_in_an_epoch)
    return f"{second_call(call)}{', ' * call.number}epoch {epoch + 1}, batch {batch + 1}"


def second_call(call: Call) -> str:
    """Say that it is the second call of `train`, with its sizes; nothing for the first."""
    sizes = f"{call.samples} samples, batch_size={call.batch_size} and nepochs={call.epochs}"
    return f"a second call of train, with {sizes}" if call.number else ""


def compare_labels(found: RecordedValue, right: Array, call: Call) -> tuple[str, str]:
    """Say what labels or probabilities were found and expected: whose labels, or shapes, or an entry that differs."""
    if not isinstance(found, np.ndarray):
        return "nothing", "an array"
    owners, due = owners_of(found, call), owners_of(right, call)
    if owners is not None:
        expected = f"those of samples {list_numbers(due)}" if due is not None else "probabilities"
        return f"the labels of samples {list_numbers(owners)}", expected
    if found.shape != right.shape:
        return f"shape {found.shape}", f"shape {right.shape}"
    at = tuple(int(i) for i in np.argwhere(~np.isclose(found, right, rtol=1e-5, atol=1e-6))[:1].ravel()) or (0, 0)
    return f"{found[at]:.5g} for class {at[0]}, sample {at[1]} of the batch", f"{right[at]:.5g}"


def shape_of(value: RecordedValue) -> str:
    """Say of an array only its shape."""
    return f"other numbers, of shape {value.shape}" if isinstance(value, np.ndarray) else "no array"


def list_numbers(numbers: Iterable[Any]) -> str:
    """List whole numbers in a sentence."""
    return ", ".join(str(int(number)) for number in numbers)


def owners_of(array: RecordedValue, call: Call) -> Samples | None:
    """Find the samples whose labels an array has in its columns; None if it has others."""
    if not isinstance(array, np.ndarray) or array.ndim != 2 or len(array) != len(call.y) or not array.size:
        return None
    is_label = np.asarray((np.abs(array[:, :, None] - call.y[:, None, :]) < 1e-6).all(axis=0))
    return is_label.argmax(axis=1) if is_label.any(axis=1).all() else None


def labels_are(call: Call, labels: RecordedValue, samples: Samples) -> bool:
    """Tell whether labels are those of the samples, in their order."""
    return bool((samples < call.samples).all()) and is_equal(labels, call.y[:, samples])


def is_equal(found: RecordedValue, right: RecordedValue) -> bool:
    """Tell whether two arrays are equal but for rounding."""
    if not isinstance(found, np.ndarray) or not isinstance(right, np.ndarray) or found.shape != right.shape:
        return False
    return np.allclose(found, right, rtol=1e-4, atol=1e-5 * max(1.0, float(np.abs(right).max(initial=0))))
