"""Epochs of a student's own: a loop may shuffle the samples itself, as well as generate_batch_indices does."""

from collections.abc import Sequence

from lib.units.softmax_classifier.loop.calls import Call
from lib.units.softmax_classifier.loop.recordings import Pass
from lib.units.softmax_classifier.loop.steps import Step, sum_entries
from lib.units.softmax_classifier.loop.words import is_close


def find_own_epochs(call: Call, steps: Sequence[Pass] | Sequence[Step]) -> list[list[tuple[int, ...]]]:
    """Divide the samples of a loop that never calls generate_batch_indices into epochs that use each sample once.

    Returns nothing if there is a call, or a sample that comes twice in an epoch.
    """
    return [] if any(step.shuffle for step in steps) else _divide_into_epochs(call, steps)


def _divide_into_epochs(call: Call, steps: Sequence[Pass] | Sequence[Step]) -> list[list[tuple[int, ...]]]:
    """Divide the samples of a loop into epochs; returns nothing if a sample comes twice in an epoch."""
    epochs: list[list[tuple[int, ...]]] = [[]]
    for samples in (tuple(map(int, step.samples)) for step in steps):
        if sum(map(len, epochs[-1])) == call.samples:
            epochs.append([])
        epochs[-1].append(samples)
    every = list(range(call.samples))
    return epochs if all(sorted(sum(epoch, ())) == every for epoch in epochs) else []


def are_shuffles(call: Call, epochs: Sequence[Sequence[tuple[int, ...]]]) -> bool:
    """Tell whether epochs of a student's own are as good as those of generate_batch_indices.

    Their batches have the right sizes, and each epoch has its own order. Another epoch's order that begins at another
    sample is no order of its own. Of few samples two orders may be the same.
    """
    sizes = [len(batch) for batch in call.batches(0)]
    orders = {_begin_with_first(sum(epoch, ())) for epoch in epochs} - {tuple(range(call.samples))}
    is_new = call.number == 1 or len(orders) == len(epochs)
    return is_new and all([*map(len, epoch)] == sizes for epoch in epochs)


def _begin_with_first(order: tuple[int, ...]) -> tuple[int, ...]:
    """Turn an order so that it begins with sample 0: one that is only moved on in a circle stays what it is."""
    first = order.index(0)
    return order[first:] + order[:first]


def has_own_shuffles(call: Call, steps: Sequence[Step]) -> bool:
    """Tell whether a loop shuffles the samples itself, as well as generate_batch_indices does, which it never calls."""
    own = find_own_epochs(call, steps)
    return bool(own) and are_shuffles(call, own)


def moves_labels_along(call: Call, steps: Sequence[Step]) -> bool:
    """Tell whether a loop puts the columns of X and of y in another order together, besides taking its batches.

    Each epoch then still takes every sample once, in batches of the right sizes and with its own label.
    """
    epochs = _divide_into_epochs(call, steps)
    if not epochs or not are_shuffles(call, epochs):
        return False
    return all(is_close(step["labels"], sum_entries(call.y[:, step.samples])) for step in steps)
