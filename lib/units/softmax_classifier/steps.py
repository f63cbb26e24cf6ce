"""What the steps of a training loop have to be: for each table of a trace, the first row that differs, in words.

Each statement looks at what a step did with the samples that it took. So where the short last batch is left out, the
labels, the gradient and the losses of the other batches are still right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array, Inputs
from lib.units.softmax_classifier.draws import Call, Samples
from lib.units.softmax_classifier.inputs import CALLS
from lib.units.softmax_classifier.trace import (
    BASE,
    HEADER,
    KEPT,
    NO_ARRAY,
    NO_SAMPLE,
    NOT_CALLED,
    OTHER_LAYER,
    OTHER_SHAPE,
    THREE_THINGS,
    WRITTEN,
    direction,
    most_steps,
    sum_entries,
    two_sums,
)

MOST_NUMBERS = 16
"""Numbers of samples in a sentence."""
LARGEST = 1e4
"""Numbers of steps and samples are below this."""
ONE_CALL = "one call in each step"
COLUMNS = "A batch is a list of column numbers: take these columns from both X and y."
UPDATE = "Make the dense layer once, before the loops, and call dlayer.backward once in every step."
BACK = "Follow the gradient backward: pass to each call the result of the call before it."
ONCE = "Multiply by 1/B once, just before the dense layer. B is the number of samples in the batch."
RATE = "Pass the learning_rate that train is given, in every step."


@dataclass(frozen=True)
class Row:
    """One training step, as its row in a table says: the samples that it took, and what it `gave` to the calls.

    `number` counts the steps from 0. `version` counts the updates before it, `shuffle` the calls of
    generate_batch_indices, and `position` the updates since the last of these.
    """

    call: Call
    number: int
    version: int
    shuffle: int
    position: int
    samples: Samples
    gave: list[float]

    @cached_property
    def is_known(self) -> bool:
        """Whether the features are those of samples."""
        return bool(((self.samples >= 0) & (self.samples < self.call.samples)).all())

    @cached_property
    def is_batch(self) -> bool:
        """Whether its samples are those of a batch: of the latest shuffle or of an earlier one."""
        return self.is_known and self.call.is_batch(self.samples, self.shuffle)

    @cached_property
    def due(self) -> Samples:
        """The batch that comes next in the latest shuffle."""
        batches = self.call.batches(max(self.shuffle - 1, 0))
        return batches[self.position % len(batches)]

    @cached_property
    def taken(self) -> Samples:
        """The samples that the spies took it for: of features that are no sample's, those that were due."""
        if self.is_known:
            return self.samples
        count = len(self.samples)
        return self.due if count == len(self.due) else self.call.samples + np.arange(count)

    @property
    def loss(self) -> float:
        """The mean loss of its samples, as the spies give it."""
        return self.call.loss(self.version, self.taken)

    @property
    def where(self) -> str:
        """Its epoch and its batch, counted from 1."""
        epoch, batch = divmod(self.number, self.call.batches_in_an_epoch)
        return f"epoch {epoch + 1}, batch {batch + 1}"


def require(name: str, found: Any, inputs: Inputs) -> None:
    """Raise `Wrong` unless a result of this name is right; in the second call of `train` with the sizes there."""
    call = Call(inputs)
    try:
        RESULTS[name](found, call)
    except Wrong as wrong:
        if inputs["case"] == CALLS[1]:
            sizes = f"{call.samples} samples, batch_size={call.batch_size} and nepochs={call.epochs}"
            wrong.where = ", ".join(filter(None, [f"a second call of train, with {sizes}", wrong.where]))
        raise


def _rows(found: Array, call: Call, count: int, first: str) -> list[Row]:
    """Read a table with `count` numbers in each row. Raises `Wrong` if it is empty, since `first` was never called.

    Raises ValueError for what is no table: it may come from anywhere.
    """
    if not len(found):
        raise Wrong(f"{first} was not called.", found="no training step", expected=ONE_CALL)
    heads, samples, rest = np.split(found, [HEADER, HEADER + call.samples], axis=1)
    if rest.shape[1] != count or not (np.abs(heads) < LARGEST).all():
        raise ValueError("no table of steps")
    rows = zip(heads.astype(int).tolist(), samples, rest.tolist(), strict=True)
    return [
        Row(call, number, version, shuffle, position, _unpad(ids), row)
        for number, ((version, shuffle, position), ids, row) in enumerate(rows)
    ]


def _unpad(samples: Array) -> Samples:
    if not (np.abs(samples) < LARGEST).all():
        raise ValueError("no numbers of samples")
    return np.asarray(samples[samples != NO_SAMPLE], dtype=int)


# ---- Each epoch sends all its batches through the layers


def require_batches(found: Array, call: Call) -> None:
    """Raise `Wrong` unless each step takes the batch that is due: of generate_batch_indices, or of shuffles as good."""
    rows = _rows(found, call, 7, "dlayer.forward")
    if len(rows) != call.steps:
        raise _explain_count(call, rows)
    due = [row.taken for row in rows] if has_own_shuffles(rows) else list(_due_batches(rows))
    for row, batch in zip(rows, due, strict=True):
        _, _, *sizes, features, scores, _ = row.gave
        if features == NOT_CALLED:
            raise _missing("dlayer.forward", row)
        right = [float(len(call.X)), float(call.classes)]
        if sorted(row.samples) != sorted(batch) or not _is_sum(features, call.X[:, row.samples]):
            raise _explain_batch(row, batch, features)
        if sizes != right:
            hint = "Dense takes the number of inputs first: a sample's inputs are its features."
            given, wanted = (f"Dense({one:g}, {other:g})" for one, other in (sizes, right))
            what = "The dense layer has the wrong sizes."
            raise Wrong(what, found=given, expected=wanted, hint=hint)
        passed_on = call.columns("scores", row.version, row.taken)
        if scores != NOT_CALLED and not _is_sum(scores, passed_on, is_shift_free=True):  # no call costs elsewhere
            raise Wrong(
                "softmax.forward did not get dlayer.output.",
                where=row.where,
                found=_write(scores),
                expected="the scores of this batch, from the same dense layer",
                hint="Give softmax.forward what dlayer.forward has just computed.",
            )


def has_own_shuffles(rows: Sequence[Row]) -> bool:
    """Tell whether a loop shuffles by itself, as well as generate_batch_indices does.

    Each epoch takes every sample once, in batches of the right sizes and in an order of its own, and labels are moved
    along. An order that is only moved on in a circle is none of its own.
    """
    call, orders = rows[0].call, set[tuple[int, ...]]()
    sizes = [len(batch) for batch in call.batches(0)]
    epochs = [rows[at : at + len(sizes)] for at in range(0, len(rows), len(sizes))]
    for epoch in epochs:
        order = np.concatenate([row.samples for row in epoch])
        if [len(row.samples) for row in epoch] != sizes or sorted(order) != [*range(call.samples)]:
            return False
        orders.add(tuple(np.roll(order, -int(order.argmin())).tolist()))
    are_moved = all(_is_sum(row.gave[-1], call.y[:, row.samples]) for row in rows if row.shuffle)
    return are_moved and len(orders - {tuple(range(call.samples))}) == len(epochs)


def _due_batches(rows: Sequence[Row]) -> Iterator[Samples]:
    """Give for each step the batch that is due: of the first shuffle since the last epoch that fits, or the latest."""
    call, last, length = rows[0].call, 0, rows[0].call.batches_in_an_epoch
    for at in range(0, len(rows), length):
        epoch = rows[at : at + length]
        since = range(last + 1, epoch[0].shuffle + 1)
        fits = (shuffle for shuffle in since if _take(epoch, call.batches(shuffle - 1)))
        last = next(fits, since[-1] if since else 0)
        yield from call.batches(last - 1) if last else [np.arange(0)] * length


def _take(epoch: Sequence[Row], batches: Sequence[Samples]) -> bool:
    return all(sorted(row.samples) == sorted(batch) for row, batch in zip(epoch, batches, strict=True))


def _explain_count(call: Call, rows: Sequence[Row]) -> Wrong:
    count, shuffles, length = len(rows), rows[-1].shuffle, call.batches_in_an_epoch
    if wrong := _wrong_arguments(rows[0]):
        return wrong
    is_cut = count == most_steps(call)  # later steps are not seen
    if shuffles not in (0, call.epochs) and count % length == 0 and not is_cut:
        return Wrong(
            "The number of epochs is wrong.",
            found=f"{shuffles} call{'s' * (shuffles != 1)} of generate_batch_indices",
            expected=f"{call.epochs}, one for each epoch",
            hint="Run the outer loop nepochs times, and call generate_batch_indices once in each epoch.",
        )
    sizes = ", ".join(str(len(batch)) for batch in call.batches(0))
    hint = "Each batch is one step: a forward pass and an update. Do that for every batch of every epoch."
    if count == 1:
        hint = "Check the indentation: a return inside a loop ends the function in the first round."
    return Wrong(
        "The number of training steps is wrong.",
        found=f"{'at least ' * is_cut}{count} step{'s' * (count != 1)}",
        expected=f"{call.steps}: {call.epochs} epochs of {length} batches, with {sizes} samples",
        hint=hint,
    )


def _explain_batch(row: Row, due: Samples, features: float) -> Wrong:
    if wrong := _wrong_arguments(row):
        return wrong
    what, expected, hint = "dlayer.forward did not get the samples of the batch.", f"columns {_list(due)}", COLUMNS
    if not row.is_known:
        return Wrong(what, where=row.where, found=_write(features), expected="X[:, batch]", hint=hint)
    if row.shuffle == 0:
        expected, hint = "the batches of generate_batch_indices", "Loop over them: it shuffles the samples."
    elif row.shuffle <= row.number // row.call.batches_in_an_epoch:
        hint = "Call generate_batch_indices inside the loop over the epochs: each epoch has its own order."
    return Wrong(what, where=row.where, found=f"columns {_list(row.samples)} of X", expected=expected, hint=hint)


def _wrong_arguments(row: Row) -> Wrong | None:
    asked, right = row.gave[:2], [row.call.samples, row.call.batch_size]
    if asked in ([NOT_CALLED, NOT_CALLED], right):
        return None
    return Wrong(
        "generate_batch_indices gets the wrong arguments.",
        found=f"generate_batch_indices({asked[0]:g}, {asked[1]:g})",
        expected=f"generate_batch_indices{tuple(right)}: the number of samples, then batch_size",
        hint="Pass num_samples and batch_size, in this order.",
    )


# ---- The losses get the labels of the same samples


def require_labels(found: Array, call: Call) -> None:
    """Raise `Wrong` unless cce and cce_gradient get the labels of the step's samples, and the prediction for them.

    A loss that is not called is another statement's matter, unless neither is. Where steps take other samples than
    they should, the labels of those that were due are right, too.
    """
    rows = _rows(found, call, 4 + 2 * call.samples, "cce")
    if all(each == NOT_CALLED for row in rows for each in row.gave[:4]):
        raise _missing("cce", rows[0])
    are_batches = all(row.is_batch for row in rows)
    for row in rows:
        sources = [row.samples] * row.is_known + [row.due] * (not are_batches)
        right = [call.y[:, samples] for samples in sources]
        for at, name in enumerate(("cce", "cce_gradient")):
            y, yhat = row.gave[2 * at : 2 * at + 2]
            if y == yhat == NOT_CALLED:
                continue
            if not any(_is_sum(y, each) for each in right):
                owners = np.array(row.gave[4:]).reshape(2, -1)[at]
                raise _explain_labels(name, row, y, _unpad(owners), sources[0])
            if not _is_sum(yhat, call.outputs(row.version, row.taken)):
                raise _explain_prediction(name, row, yhat, right)


def _explain_labels(name: str, row: Row, found: float, owners: Samples, due: Samples) -> Wrong:
    what, expected = f"{name} did not get the labels of the batch as y.", f"those of samples {_list(due)}"
    given = f"the labels of samples {_list(owners)}" if len(owners) else _write(found)
    return Wrong(what, where=row.where, found=given, expected=expected, hint=COLUMNS)


def _explain_prediction(name: str, row: Row, found: float, labels: Sequence[Array]) -> Wrong:
    what, hint = f"{name} did not get softmax.output as yhat.", "The prediction is what softmax.forward has computed."
    given = _write(found)
    if any(_is_sum(found, each) for each in labels):
        given, hint = "the labels", "Swap the two arguments: the labels y come first, then the prediction yhat."
    return Wrong(what, where=row.where, found=given, expected="the probabilities of this batch", hint=hint)


# ---- The gradient flows back


def require_flow(found: Array, call: Call) -> None:
    """Raise `Wrong` unless each step has one update, of the one layer, by the learning rate times 1/B times the
    gradient. 1/B may come in anywhere, but once; where samples are missing B may also be how many were due."""
    rows = _rows(found, call, 6, "dlayer.backward")
    for row in rows:
        if wrong := _wrong_update(row, rows[0].gave[1]):
            raise wrong
        taken = row.taken
        gradient = call.columns("output_gradients", row.version, taken) / call.gradient_sizes(row.version, taken)
        right = call.jacobian(row.version) @ gradient
        one, other = row.gave[4:]
        sizes = {len(taken): 0, len(row.due): 0}
        steps = [right * len(taken) / size for size in sizes]
        if not any(_is_sum(one, step) and _is_sum(other, step[::-1]) for step in steps):
            raise _explain_flow(row, direction(*two_sums(gradient)), _ratio((one, other), two_sums(right)))


def _wrong_update(row: Row, layer: float) -> Wrong | None:
    """Return what is wrong unless a step has one update of the one dense layer, by nothing but its backward."""
    updates, updated, touched, softmax = row.gave[:4]
    wrong = partial(Wrong, where=row.where, hint=UPDATE)
    if updates == 0:
        return _missing("softmax.backward" if softmax == NOT_CALLED else "dlayer.backward", row)
    if updates > 1:
        return wrong("dlayer.backward is called more than once.", found=f"{updates:g} calls", expected=ONE_CALL)
    if updated == OTHER_LAYER:
        hint = "Call forward and backward of the same two layers in every step."
        return wrong("backward is called on another layer than forward.", hint=hint)
    if updated != layer:
        return wrong("dlayer.backward updates another layer than in the first step.")
    if touched == KEPT:
        return wrong("The dense layer is kept from one call to the next.")
    if touched == WRITTEN:
        return wrong(
            "softmax.output is overwritten before softmax.backward needs it.", hint="Compute into a new array."
        )
    return wrong("Something besides dlayer.backward changes the weights.") if touched else None


def _explain_flow(row: Row, gradient: float, step: float | None) -> Wrong:
    """Say what is wrong with a step: by the right gradient's direction, and how many times the right step it is."""
    size = len(row.taken)
    where = f"{row.where}, with {size} samples" if size < row.call.batch_size else row.where
    if row.gave[3] == NOT_CALLED:
        return _missing("softmax.backward", row)
    if not _is_close(row.gave[3], gradient):
        what, expected = "softmax.backward did not get the result of cce_gradient.", "what cce_gradient returned"
        return Wrong(what, where=where, found=_write(row.gave[3]), expected=expected, hint=BACK)
    if step is None:
        what = "dlayer.backward did not get the result of softmax.backward times 1/B, and the learning rate."
        return Wrong(what, where=where, found=_write(row.gave[4]), hint=f"{BACK} {ONCE}")
    if step < 0:
        what = "The weights move the wrong way: gradient times learning rate has the wrong sign."
        return Wrong(what, where=where, hint="Leave out the minus sign: dlayer.backward subtracts the step itself.")
    if size < row.call.batch_size and _is_close(step, size / row.call.batch_size):
        return Wrong("1/B uses batch_size, but this batch is shorter.", where=where, hint=ONCE)
    what = f"The step is {step:.5g} times as large as it should be."
    return Wrong(what, where=f"{where}, dlayer.backward", hint=f"{ONCE} {RATE}")


def _ratio(found: Sequence[float], right: Sequence[float]) -> float | None:
    ratio = found[0] / right[0]
    is_multiple = 1e-9 < abs(ratio) < 1e9 and abs(found[1] - ratio * right[1]) <= 1e-4 * abs(ratio * right[1])
    return ratio if is_multiple else None


# ---- One loss for each epoch


def require_losses(found: list[Array], call: Call) -> None:
    """Raise `Wrong` unless there is one loss for each epoch: the mean over the samples of its steps."""
    losses, table = found
    rows = _rows(table, call, 1, "softmax.forward")
    is_cut = len(rows) == most_steps(call)  # of more steps nothing is known
    ways = _ways(call, rows)
    expected = next(ways)
    if any(_are_losses(losses, way, is_cut) for way in (expected, *ways)):
        return
    if len(losses) != len(expected):
        raise Wrong(
            "train does not return one loss for each epoch.",
            found=f"{len(losses)} loss{'es' * (len(losses) != 1)}",
            expected=f"{len(expected)}, one for each epoch",
            hint="Append the epoch's loss once, after its last batch, and return the list.",
        )
    at = next((at for at, both in enumerate(zip(losses, expected, strict=True)) if not _is_close(*both)), 0)
    raise Wrong(
        "An epoch's loss is not the mean over its samples.",
        where=f"epoch {at + 1}",
        found=f"{losses[at]:.7g}",
        expected=f"{expected[at]:.7g}",
    )


def _are_losses(found: Array, right: Array, is_cut: bool) -> bool:
    if is_cut:  # only the first are known
        found, right = found[: len(right) - 1], right[:-1]
    return len(found) == len(right) > 0 and all(map(_is_close, found, right))


def _ways(call: Call, rows: Sequence[Row]) -> Iterator[Array]:
    """Give what the epochs' losses may be: first of a loop whose steps are right.

    Where a loop takes other batches than it should, an epoch is what lies between two shuffles, or as many steps as an
    epoch has full batches, or batches, or as take all samples; and the weights may be the shares of all samples, or of
    those that were taken.
    """
    length = call.batches_in_an_epoch
    yield _means(call, _split(rows, length), _count_taken, is_share=True)
    if len(rows) == call.steps and all(row.is_batch for row in rows):
        return
    rows = [row for row in rows if row.gave[0]] or rows  # those beside the epoch have no loss
    shuffles = sorted({row.shuffle for row in rows})
    ways = [_split(rows, length), _split(rows, max(call.samples // call.batch_size, 1))]
    ways.append(_split_by_samples(rows))
    ways.append([[row for row in rows if row.shuffle == shuffle] for shuffle in shuffles])
    ways += [way[:-1] for way in ways if len(way) > 1]  # the last epoch may have ended before its loss was noted
    for way in ways:
        for count in (_count_taken, lambda row: len(row.due)):
            yield from (_means(call, way, count, is_share) for is_share in (True, False))


def _split(rows: Sequence[Row], length: int) -> list[Sequence[Row]]:
    return [rows[at : at + length] for at in range(0, len(rows), length)]


def _split_by_samples(rows: Sequence[Row]) -> list[Sequence[Row]]:
    epochs: list[list[Row]] = [[]]
    for row in rows:
        if sum(map(_count_taken, epochs[-1])) >= row.call.samples:
            epochs.append([])
        epochs[-1].append(row)
    return [*epochs]


def _count_taken(row: Row) -> int:
    return len(row.taken)


def _means(call: Call, epochs: Iterable[Sequence[Row]], count: Callable[[Row], int], is_share: bool) -> Array:
    means = []
    for epoch in epochs:
        weights = np.array([count(row) for row in epoch])
        losses = np.array([row.loss for row in epoch])
        means.append(weights @ losses / (call.samples if is_share else weights.sum()))
    return np.array(means)


def require_trained(found: Array, call: Call) -> None:
    """Raise `Wrong` unless the layers that are returned are the trained ones, the dense layer first."""
    if found != 0:
        untrained, order = "The dense layer that is returned has not been trained.", "The layers are in another order."
        raise Wrong(untrained if found == 1 else order, hint=THREE_THINGS)


RESULTS: Mapping[str, Callable[[Any, Call], None]] = {
    "batches": require_batches,
    "labels": require_labels,
    "flow": require_flow,
    "losses": require_losses,
    "returned": require_trained,
}
"""What each result of a trace has to be, by its name."""


# ---- Words


def _is_close(found: float, right: float) -> bool:
    """Tell whether two sums agree: float32 code is right, and what differs in the fifth digit is not."""
    return bool(abs(found - right) <= 1e-5 * max(abs(right), 0.03))


def _is_sum(found: float, array: Array, is_shift_free: bool = False) -> bool:
    """Tell whether a number is the sum of an array's entries, which float32 rounds."""
    right = sum_entries(array, is_shift_free)
    return _is_close(found, right) or bool(abs(found - right) <= 1e-6 * sum_entries(np.abs(array)))


def _missing(name: str, row: Row) -> Wrong:
    hint = UPDATE if "backward" in name else ""
    return Wrong(f"{name} was not called.", where=row.where, found="no call", expected=ONE_CALL, hint=hint)


def _write(number: float) -> str:
    """Say what a spy was given, as far as its sum tells."""
    if number in (NOT_CALLED, NO_ARRAY):
        return "no array of numbers"
    if np.isnan(number):
        return "nan among the numbers"
    if number > OTHER_SHAPE:
        return "other numbers"
    digits, shape = int(min(OTHER_SHAPE - number, BASE**3)), list[str]()
    while digits:
        digits, length = divmod(digits, int(BASE))
        shape.append(str(length - 1))
    return f"an array of shape ({', '.join(shape)}{',' * (len(shape) == 1)})" if shape else "a single number"


def _list(numbers: Iterable[float]) -> str:
    texts = [str(int(number)) for number in numbers]
    return ", ".join(texts if len(texts) <= MOST_NUMBERS else [*texts[:MOST_NUMBERS], "…"])
