"""Names of mistakes in the samples that a loop takes, and in what goes into its layers."""

from collections.abc import Sequence

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.errors import Named
from lib.units.softmax_classifier.loop.calls import Call
from lib.units.softmax_classifier.loop.hints import DRAWN
from lib.units.softmax_classifier.loop.own_epochs import find_own_epochs
from lib.units.softmax_classifier.loop.recordings import Pass, RecordedValue, Recording
from lib.units.softmax_classifier.loop.words import is_equal, labels_are

MOVED = "The columns of X are in another order than those of y"


def name_batches(call: Call, steps: Sequence[Pass], other: Recording) -> str:
    """Name what is wrong with the samples of the steps; "" if that is not certain. `other` is the other call."""
    in_calls = [_name_arguments(*each) for each in ((call, steps), (other.call, other.steps)) if each[1]]
    for name in in_calls[0]:
        if all(name in names for names in in_calls):
            return name
    if steps[0].features is None:
        return "dlayer.forward is not called"
    if all(is_equal(step.features, step.returned.get("outputs")) for step in steps):
        return "softmax.forward runs before dlayer.forward"
    taken = [tuple(map(int, step.samples)) for step in steps]
    if not all(step.known for step in steps):
        return "X is moved or scaled inside train" if _are_scaled(call, steps) else ""
    if name := _name_same_columns(call, steps, taken):
        return name
    epochs_of_other = count_epochs(other.call, other.steps) if other.error is None else None
    if own := find_own_epochs(call, steps):
        return _name_own(call, own, epochs_of_other)
    length, full = call.batches_in_an_epoch, call.samples // call.batch_size
    if any(_in_column_order(call, taken, count) for count in (length, full)):
        return "The samples come in the order of the columns, not in a shuffled order"
    if _are_moved(call, steps):
        return MOVED
    places = [place for place in _places_of(call, steps) if place]
    are_batches = len(places) == len(steps)
    if not are_batches and _are_moved(call, steps, is_each_epoch=True):
        return MOVED
    return _name_order(call, places, epochs_of_other) if are_batches else _name_draws(call, steps, taken)


def _are_scaled(call: Call, steps: Sequence[Pass]) -> bool:
    """Tell whether each step has the columns of its batch with every feature moved and scaled, such as standardised.

    A batch of three samples or fewer shows nothing: nearly any numbers are those of another one, moved and scaled.
    """
    if any(step.position >= call.batches_in_an_epoch or not step.shuffle for step in steps):
        return False
    due = [call.X[:, call.batches(step.shuffle - 1)[step.position]] for step in steps]
    pairs = [(step.features, each) for step, each in zip(steps, due, strict=True) if each.shape[1] > 3]
    return bool(pairs) and all(_is_scaled(*pair) for pair in pairs)


def _is_scaled(found: RecordedValue, features: Array) -> bool:
    """Tell whether each row of `found` is that of `features` times one number, plus one number."""
    if not isinstance(found, np.ndarray) or found.shape != features.shape:
        return False
    moved, right = (array - array.mean(axis=1, keepdims=True) for array in (found, features))
    factors = (moved * right).sum(axis=1, keepdims=True) / (right * right).sum(axis=1, keepdims=True)
    return is_equal(moved, factors * right) and bool((factors > 0).all())


def _name_same_columns(call: Call, steps: Sequence[Pass], taken: Sequence[tuple[int, ...]]) -> str:
    """Name what is wrong with steps that take all samples, or the first ones, each time."""
    if all(sorted(samples) == list(range(call.samples)) for samples in taken):
        return "Each step uses all samples, not those of one batch"
    if any(samples != tuple(range(len(samples))) for samples in taken):
        return ""
    if all(labels_are(call, step.labels, step.samples) for step in steps):
        return "Samples and labels always come from the first columns"
    return "The samples always come from the first columns of X"


def _name_draws(call: Call, steps: Sequence[Pass], taken: Sequence[tuple[int, ...]]) -> str:
    """Name what is wrong with steps of which some take the samples of no batch."""
    full = call.samples // call.batch_size
    first = sum(taken[:full], ())  # of one epoch, whether the short batch is left out or not
    is_one_epoch = len({step.shuffle for step in steps[:full]}) == 1
    is_twice = (is_one_epoch and len(set(first)) < len(first)) or any(len(set(some)) < len(some) for some in taken)
    if is_twice and len(set(sum(taken[: call.batches_in_an_epoch], ()))) < call.samples:
        return DRAWN
    return "" if steps[-1].shuffle else _name_own_parts(call, taken)


def _are_moved(call: Call, steps: Sequence[Pass], is_each_epoch: bool = False) -> bool:
    """Tell whether each step has the labels of its batch, and each sample's features are always those of one other.

    If `is_each_epoch`, they are those of one other in an epoch.
    """
    moved: dict[tuple[int, int], tuple[int, int]] = {}
    for step in steps:
        if not step.shuffle or step.position >= call.batches_in_an_epoch:
            return False
        due = call.batches(step.shuffle - 1)[step.position]
        if len(due) != len(step.samples) or not labels_are(call, step.labels, due):
            return False
        epoch = step.shuffle * is_each_epoch
        for there, here in zip(due.tolist(), step.samples.tolist(), strict=True):
            if moved.setdefault((epoch, there), (epoch, here)) != (epoch, here):
                return False
    return len({*moved.values()}) == len(moved) and any(there != here for there, here in moved.items())


def count_epochs(call: Call, steps: Sequence[Pass]) -> int | None:
    """Count the epochs of a loop that takes all batches of each of its shuffles in order; None for another loop."""
    if own := find_own_epochs(call, steps):
        return len(own)
    places, length = _places_of(call, steps), call.batches_in_an_epoch
    orders = [[place[1] for place in places[at : at + length] if place] for at in range(0, len(places), length)]
    return len(orders) if all(order == list(range(length)) for order in orders) else None


def _name_own(call: Call, epochs: Sequence[Sequence[tuple[int, ...]]], epochs_of_other: int | None) -> str:
    """Name what is wrong with epochs whose batches are not those of generate_batch_indices."""
    orders = {sum(epoch, ()) for epoch in epochs}
    if orders == {tuple(range(call.samples))}:
        return "The samples come in the order of the columns, not in a shuffled order"
    if {len(batch) for batch in epochs[0][:-1]} != {call.batch_size}:
        return "The batches have another size than batch_size" if len(epochs[0]) > 1 else ""
    if len(orders) == 1 < len(epochs):
        return "All epochs use the same batches"
    return _name_epochs(call, len(epochs), epochs_of_other) if len(epochs) != call.epochs else ""


def _name_own_parts(call: Call, taken: Sequence[tuple[int, ...]]) -> str:
    """Name what is wrong with batches of a student's own that don't hold all samples of an epoch."""
    if max(map(len, taken)) < call.batch_size:
        return "The batches have another size than batch_size"
    full = call.samples // call.batch_size
    epochs = [sum(taken[at : at + full], ()) for at in range(0, len(taken), full)]
    is_full = all(len(samples) == call.batch_size for samples in taken)
    is_short = is_full and all(len(set(epoch)) == len(epoch) for epoch in epochs)
    return "The short last batch is left out" if is_short and full * call.batch_size < call.samples else ""


def _name_arguments(call: Call, steps: Sequence[Pass]) -> list[str]:
    """Name what the arguments of generate_batch_indices may be in place of the right ones."""
    asked, right = {step.asked for step in steps} - {()}, (call.samples, call.batch_size)
    if len(asked) != 1 or right in asked:
        return []
    [(samples, size)] = asked
    names = {
        "The arguments of generate_batch_indices are swapped": (size, samples) == right,
        "generate_batch_indices gets the number of features": samples == len(call.X),
        "The batches have another size than batch_size": samples == call.samples,
        "Only a part of the samples is used": size == call.batch_size and samples < call.samples,
    }
    return [name for name, is_so in names.items() if is_so]


def _in_column_order(call: Call, taken: Sequence[tuple[int, ...]], count: int) -> bool:
    size = call.batch_size
    due = [tuple(range(at * size, min((at + 1) * size, call.samples))) for at in range(count)]
    return count > 1 and all(samples == due[at % count] for at, samples in enumerate(taken))


def _places_of(call: Call, steps: Sequence[Pass]) -> list[tuple[int, int] | None]:
    """Find for each step the shuffle, from the latest back, and the batch in it that have its samples."""
    return [call.find_batch(step.samples, range(step.shuffle, 0, -1)) for step in steps]


def _name_order(call: Call, places: Sequence[tuple[int, int]], epochs_of_other: int | None) -> str:
    """Name what is wrong with the order of batches, each with its shuffle and its place in it."""
    length = call.batches_in_an_epoch
    shuffles = list(dict.fromkeys(shuffle for shuffle, _ in places))
    orders = [[at for shuffle, at in places if shuffle == one] for one in shuffles]
    every = list(range(length))
    if len(orders) == 1 and orders[0] == every * (len(places) // length) and len(places) > length:
        return "All epochs use the same batches"
    if len(places) == 1:
        return "Only one batch is trained"
    if all(order == every for order in orders):
        return _name_epochs(call, len(orders), epochs_of_other)
    if orders[:-1] and all(order == every for order in orders[:-1]) and len(orders) <= call.epochs:
        return "The loop stops before nepochs epochs are over"
    known = {
        tuple(every[:-1]): "The short last batch is left out",
        tuple(every[1:]): "The first batch of each epoch is left out",
        tuple(every[::-1]): "The batches are used in reversed order",
        tuple(every * 2): "Each batch is used twice in an epoch",
        tuple(at for at in every for _ in range(2)): "Each batch is used twice in an epoch",
        (0,) * length: "The first batch of an epoch is used again and again",
    }
    if len({*map(tuple, orders)}) == 1 and tuple(orders[0]) in known:
        return known[tuple(orders[0])]
    if all(len(order) == 1 for order in orders):
        is_one = len(orders) <= call.epochs
        return "Only one batch is used in each epoch" if is_one else DRAWN
    return ""


def _name_epochs(call: Call, epochs: int, of_other: int | None) -> str:
    if epochs == call.epochs + 1:
        return "There is one epoch too many"
    if epochs == of_other == 1:
        return "Only one epoch is trained"
    if epochs == of_other and epochs > 2:  # the other call has two: a loop that stops early may go through both
        return "The number of epochs is fixed, whatever nepochs is"
    if epochs == call.epochs - 1 and of_other == 1:
        return "There is one epoch too few"
    if epochs == call.epochs:
        return ""  # something else is wrong, such as features that differ a little
    more = "There are more epochs than nepochs"
    return "The loop stops before nepochs epochs are over" if epochs < call.epochs else more


def name_sizes(call: Call, sizes: tuple[object, ...]) -> str:
    """Name what is wrong with the arguments of Dense."""
    if sizes == (len(call.y), len(call.X)):
        return "The sizes of the dense layer are swapped"
    is_samples = sizes == (call.samples, len(call.y))
    return "The dense layer gets the number of samples as its number of inputs" if is_samples else ""


def name_softmax_input(call: Call, step: Pass, before: Pass | None) -> str:
    """Name what softmax.forward got in place of the scores; `before` is the step before."""
    found = step.softmax_input
    of_before = before.returned.get("scores") if before else None
    if is_equal(found, of_before) or (before is None and isinstance(found, Wrong) and not isinstance(found, Named)):
        return "softmax.forward runs before dlayer.forward"
    if is_equal(found, step.features) or is_equal(found, call.X):
        return "softmax.forward gets the samples, not the scores"
    if is_equal(found, call.outputs(step.version, step.samples)):
        return "Softmax is applied to its own output"
    return ""
