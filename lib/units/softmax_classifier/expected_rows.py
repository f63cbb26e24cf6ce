"""The expected rows of a trace: for each table, a message on the first row that is wrong.

Each statement is about what a step did with its own samples. So if the loop leaves out a short last batch, the labels,
gradients and losses of the other batches are still right.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from lib.checking.results import Wrong
from lib.unit import Array, Inputs
from lib.units.softmax_classifier import loop_trace
from lib.units.softmax_classifier.inputs import CALLS
from lib.units.softmax_classifier.loop_inputs import Call, Samples, Step

MOST_NUMBERS = 16
"""The largest number of sample indices in a message."""
LARGEST = 1e4
"""An upper limit for indices of steps and samples."""
ONE_CALL = "one call in each step"
COLUMNS = "A batch is a list of column numbers: take these columns from both X and y."
UPDATE = "Make the dense layer once, before the loops, and call dlayer.backward once in every step."
BACK = "Follow the gradient backward: pass to each call the result of the call before it."
ONCE = "Multiply by 1/B once, just before the dense layer. B is the number of samples in the batch."
RATE = "Pass the learning_rate that train gets, in every step."
_recent_calls = deque[Call](maxlen=len(CALLS))
"""The calls of the latest inputs: to prepare their tables takes a quarter of the time of judging."""


def require(name: str, found: Any, inputs: Inputs) -> None:
    """Raise `Wrong` unless the result of this name is right. The message on a second call of `train` has its sizes."""
    call = _call_of(inputs)
    try:
        RESULTS[name](found, call)
    except Wrong as wrong:
        if inputs["case"] == CALLS[1]:
            sizes = f"{call.samples} samples, batch_size={call.batch_size} and nepochs={call.epochs}"
            wrong.where = ", ".join(filter(None, [f"a second call of train, with {sizes}", wrong.where]))
        raise


def _call_of(inputs: Inputs) -> Call:
    """Return the call of `train` with these inputs, the same one for all of its results."""
    call = next((each for each in _recent_calls if each.X is inputs["X"]), None)
    if call is None:
        _recent_calls.append(call := Call(inputs))
    return call


def _read(table: Mapping[str, Any], call: Call, first: str) -> list[Step]:
    """Return the steps of a table. Raises `Wrong` if there is none, because `first` was never called.

    Raises ValueError or KeyError for a value that is not a table, because student code may send any value.
    """
    columns = {name.strip("'"): column for name, column in table.items()}
    if not columns:
        raise Wrong(f"{first} was not called.", found="no training step", expected=ONE_CALL)
    heads = [columns.pop(name) for name in loop_trace.HEAD]
    flat = [head if isinstance(head, np.ndarray) else np.concatenate(head) for head in heads]
    if not all((np.abs(each) < LARGEST).all() for each in flat):
        raise ValueError("no table of steps")
    steps = list[Step]()
    for version, shuffle, position, samples, *given in zip(*heads, *columns.values(), strict=True):
        plain = (each[()] if isinstance(each, np.ndarray) else each for each in given)  # a number, not an array
        arguments = dict(zip(columns, plain, strict=True))
        steps.append(Step(call, int(version), int(shuffle), int(position), samples.astype(int), arguments, len(steps)))
    return steps


def _wrong(step: Step, what: str, found: str = "", expected: str = "", hint: str = "", more: str = "") -> Wrong:
    epoch, batch = divmod(step.number, step.call.batches_in_an_epoch)
    return Wrong(what, where=f"epoch {epoch + 1}, batch {batch + 1}{more}", found=found, expected=expected, hint=hint)


def _missing(step: Step, name: str) -> Wrong:
    return _wrong(step, f"{name} was not called.", "no call", ONE_CALL, UPDATE if "backward" in name else "")


# ---- Each epoch sends all its batches through the layers


def require_batches(found: Mapping[str, Any], call: Call) -> None:
    """Raise `Wrong` unless each step uses its batch, from generate_batch_indices or from an equivalent shuffle."""
    steps = _read(found, call, "dlayer.forward")
    if len(steps) != call.steps:
        raise _explain_count(steps)
    due = [step.used for step in steps] if has_own_shuffles(steps) else list(_due_batches(steps))
    for step, batch in zip(steps, due, strict=True):
        features, scores, sizes = (step.arguments[name] for name in ("features", "scores", "sizes"))
        if features is None:
            raise _missing(step, "dlayer.forward")
        if sorted(step.samples) != sorted(batch) or not _is_sum(features, call.X[:, step.samples]):
            raise _explain_batch(step, batch)
        if not np.array_equal(sizes, right := (len(call.X), call.classes)):
            given = "no matrix of weights" if sizes is None else "Dense({:g}, {:g})".format(*sizes)
            hint = "Dense takes the number of inputs first: a sample's inputs are its features."
            raise _wrong(step, "The dense layer has the wrong sizes.", given, f"Dense{right}", hint)
        if scores is not None and not _is_sum(scores, step.columns("scores"), is_shift_free=True):
            hint = "Pass to softmax.forward what dlayer.forward has just computed."
            expected = "the scores of this batch, from the same dense layer"
            raise _wrong(step, "softmax.forward did not get dlayer.output.", _write(scores), expected, hint)


def has_own_shuffles(steps: Sequence[Step]) -> bool:
    """True if the loop has its own shuffle that is as good as generate_batch_indices.

    Each epoch uses every sample once, in batches of the right sizes and in a new order, with the labels in the same
    order. Rotating an order does not make it new.
    """
    call, orders = steps[0].call, set[tuple[int, ...]]()
    sizes = [len(batch) for batch in call.batches(0)]
    epochs = _split(steps, len(sizes))
    for epoch in epochs:
        order = np.concatenate([step.samples for step in epoch])
        if [len(step.samples) for step in epoch] != sizes or sorted(order) != [*range(call.samples)]:
            return False
        orders.add(tuple(np.roll(order, -int(order.argmin())).tolist()))
    are_moved = all(_are_samples(step.arguments["owners"], step.samples) for step in steps if step.shuffle)
    return are_moved and len(orders - {tuple(range(call.samples))}) == len(epochs)


def _due_batches(steps: Sequence[Step]) -> Iterator[Samples]:
    """Yield the expected batch of each step, from the first fitting shuffle since the last epoch or the latest one."""
    call, last = steps[0].call, 0
    for epoch in _split(steps, call.batches_in_an_epoch):
        since = range(last + 1, epoch[0].shuffle + 1)
        last = since[-1] if since else 0
        for shuffle in since:
            pairs = zip(epoch, call.batches(shuffle - 1), strict=True)
            if all(sorted(step.samples) == sorted(batch) for step, batch in pairs):
                last = shuffle
                break
        yield from call.batches(last - 1) if last else [np.arange(0)] * len(epoch)


def _explain_count(steps: Sequence[Step]) -> Wrong:
    call, count, shuffles = steps[0].call, len(steps), steps[-1].shuffle
    length, is_cut = call.batches_in_an_epoch, count == call.most_steps  # later steps are unknown
    if wrong := _wrong_arguments(steps[0]):
        return wrong
    if shuffles not in (0, call.epochs) and count % length == 0 and not is_cut:
        return Wrong(
            "The number of epochs is wrong.",
            found=f"{shuffles} call{'s' * (shuffles != 1)} of generate_batch_indices",
            expected=f"{call.epochs}, one for each epoch",
            hint="Run the outer loop nepochs times, and call generate_batch_indices once in each epoch.",
        )
    hint = "Do one step for every batch of every epoch: a forward pass and an update."
    if count == 1:
        hint = "Check the indentation: a return inside a loop ends the function in the first turn."
    return Wrong(
        "The number of training steps is wrong.",
        found=f"{'at least ' * is_cut}{count} step{'s' * (count != 1)}",
        expected=f"{call.steps}: {call.epochs} epochs of {length} batches,"
        f" with {', '.join(str(len(batch)) for batch in call.batches(0))} samples",
        hint=hint,
    )


def _explain_batch(step: Step, due: Samples) -> Wrong:
    if wrong := _wrong_arguments(step):
        return wrong
    found, expected, hint = f"columns {_list(step.samples)} of X", f"columns {_list(due)}", COLUMNS
    if not step.is_known:
        found, expected = _write(step.arguments["features"]), "X[:, batch]"
    elif step.shuffle == 0:
        expected, hint = "the batches of generate_batch_indices", "Loop over these batches: they are shuffled."
    elif step.shuffle <= step.number // step.call.batches_in_an_epoch:
        hint = "Call generate_batch_indices inside the loop over the epochs: each epoch has its own order."
    return _wrong(step, "dlayer.forward did not get the samples of the batch.", found, expected, hint)


def _wrong_arguments(step: Step) -> Wrong | None:
    asked, right = step.arguments["asked"], (step.call.samples, step.call.batch_size)
    if asked is None or np.array_equal(asked, right):
        return None
    return Wrong(
        "generate_batch_indices gets the wrong arguments.",
        found="generate_batch_indices({:g}, {:g})".format(*asked),
        expected=f"generate_batch_indices{right}: the number of samples, then batch_size",
        hint="Pass num_samples and batch_size, in this order.",
    )


# ---- The losses get the labels of the same samples


def require_labels(found: Mapping[str, Any], call: Call) -> None:
    """Raise `Wrong` unless cce and cce_gradient get the labels of the step's samples, and the prediction for them.

    If only one of the two is not called, another statement reports it. If steps use wrong samples, the labels of the
    expected samples are right, too.
    """
    steps = _read(found, call, "cce")
    if all(each is None for step in steps for each in step.arguments.values()):
        raise _missing(steps[0], "cce")
    are_batches = all(step.is_batch for step in steps)
    for step in steps:
        sources = [step.samples] * step.is_known + [step.expected] * (not are_batches)
        for name, y, yhat in (("cce", "loss_y", "loss_yhat"), ("cce_gradient", "y", "yhat")):
            owners, prediction = step.arguments[y], step.arguments[yhat]
            if owners is None and prediction is None:
                continue
            if not any(_are_samples(owners, each) for each in sources):
                what = f"{name} did not get the labels of the batch as y."
                given = f"the labels of samples {_list(owners)}" if np.ndim(owners) else _write(owners)
                raise _wrong(step, what, given, f"those of samples {_list(sources[0])}", COLUMNS)
            if not _is_sum(prediction, step.outputs):
                given, hint = _write(prediction), "Pass what softmax.forward has computed as the prediction."
                if any(_is_sum(prediction, call.y[:, each]) for each in sources):
                    hint = "Swap the two arguments: the labels y come first, then the prediction yhat."
                    given = "the labels"
                what = f"{name} did not get softmax.output as yhat."
                raise _wrong(step, what, given, "the probabilities of this batch", hint)


# ---- The gradient flows back


def require_flow(found: Mapping[str, Any], call: Call) -> None:
    """Raise `Wrong` unless each step has one update of the same layer, by learning rate times 1/B times gradient.

    1/B may come in anywhere, but only once. If samples are missing, B may also be the expected number of samples.
    """
    steps = _read(found, call, "dlayer.backward")
    for step in steps:
        if wrong := _wrong_update(step, steps[0].arguments["layer"]):
            raise wrong
        taken, moved = step.used, step.arguments["gradient"]
        gradient = step.columns("output_gradients") / call.gradient_sizes(step.version, taken)
        right = call.jacobian(step.version) @ gradient
        is_pair = np.shape(moved) == (2,)
        moves = [right * len(taken) / size for size in (len(taken), len(step.expected))]
        if not (is_pair and any(_is_sum(moved[0], move) and _is_sum(moved[1], move[::-1]) for move in moves)):
            ratio = _ratio(moved, loop_trace.two_sums(right)) if is_pair else None
            raise _explain_flow(step, loop_trace.direction(*loop_trace.two_sums(gradient)), ratio)


FAULTS = {
    loop_trace.OTHER_LAYER: (
        "backward is called on another layer than forward.",
        "Call forward and backward of the same two layers in every step.",
    ),
    loop_trace.CHANGED: ("Something besides dlayer.backward changes the weights.", UPDATE),
    loop_trace.KEPT: ("The dense layer is kept from one call to the next.", UPDATE),
    loop_trace.WRITTEN: ("softmax.output is overwritten before softmax.backward needs it.", "Write into a new array."),
}


def _wrong_update(step: Step, layer: float | str) -> Wrong | None:
    """Return `Wrong` unless a step has exactly one update of the first step's dense layer, by its backward alone."""
    updates, updated, fault = (step.arguments[name] for name in ("updates", "layer", "fault"))
    if updates == 0:
        return _missing(step, "softmax.backward" if step.arguments["into_softmax"] is None else "dlayer.backward")
    if updates > 1:
        return _wrong(step, "dlayer.backward is called more than once.", f"{updates:g} calls", ONE_CALL, UPDATE)
    if updated not in (layer, loop_trace.OTHER_LAYER):
        return _wrong(step, "dlayer.backward updates another layer than in the first step.", hint=UPDATE)
    if fault := loop_trace.OTHER_LAYER if updated == loop_trace.OTHER_LAYER else fault:
        what, hint = FAULTS[fault]
        return _wrong(step, what, hint=hint)
    return None


def _explain_flow(step: Step, gradient: float, ratio: float | None) -> Wrong:
    """Return `Wrong` with an explanation, from the right direction, and from the ratio of the step to the right one."""
    size, into_softmax = len(step.used), step.arguments["into_softmax"]
    more = f", with {size} samples" if size < step.call.batch_size else ""
    if into_softmax is None:
        return _missing(step, "softmax.backward")
    if not _is_close(into_softmax, gradient):
        what = "softmax.backward did not get the result of cce_gradient."
        return _wrong(step, what, _write(into_softmax), "what cce_gradient returned", BACK, more)
    if ratio is None:
        what = "dlayer.backward did not get the result of softmax.backward times 1/B, and the learning rate."
        return _wrong(step, what, _write(step.arguments["gradient"]), hint=f"{BACK} {ONCE}", more=more)
    if ratio < 0:
        what = "The weights move the wrong way: gradient times learning rate has the wrong sign."
        hint = "Leave out the minus sign: dlayer.backward subtracts the step itself."
        return _wrong(step, what, hint=hint, more=more)
    if more and _is_close(ratio, size / step.call.batch_size):
        return _wrong(step, "1/B uses batch_size, but this batch is shorter.", hint=ONCE, more=more)
    what = f"The step is {ratio:.5g} times as large as it should be."
    return _wrong(step, what, hint=f"{ONCE} {RATE}", more=f"{more}, dlayer.backward")


def _ratio(found: Array, right: Sequence[float]) -> float | None:
    ratio = float(found[0] / right[0])
    is_multiple = 1e-9 < abs(ratio) < 1e9 and abs(found[1] - ratio * right[1]) <= 1e-4 * abs(ratio * right[1])
    return ratio if is_multiple else None


# ---- One loss for each epoch


def require_losses(found: list[Any], call: Call) -> None:
    """Raise `Wrong` unless there is one loss for each epoch, the mean over its samples."""
    losses, table = found
    steps = _read(table, call, "softmax.forward")
    is_cut = len(steps) == call.most_steps  # later steps are unknown
    ways = _ways(call, steps)
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
    what, found, right = "An epoch's loss is not the mean over its samples.", losses[at], expected[at]
    raise Wrong(what, where=f"epoch {at + 1}", found=f"{found:.7g}", expected=f"{right:.7g}")


def _are_losses(found: Array, right: Array, is_cut: bool) -> bool:
    if is_cut:  # compare the known steps only
        found, right = found[: len(right) - 1], right[:-1]
    return len(found) == len(right) > 0 and all(map(_is_close, found, right))


def _ways(call: Call, steps: Sequence[Step]) -> Iterator[Array]:
    """Yield the possible losses of the epochs, beginning with those for right steps.

    With wrong batches, an epoch may end at the next shuffle, after the number of full batches or of all batches, or
    when all samples are used. The weight of a batch may be its share of all samples, or of the samples used.
    """
    length = call.batches_in_an_epoch
    yield _means(_split(steps, length), is_due=False, is_share=True)
    if len(steps) == call.steps and all(step.is_batch for step in steps):
        return
    steps = [
        step for step in steps if step.arguments["has_loss"]
    ] or steps  # extra steps outside the epochs have no loss
    shuffles = sorted({step.shuffle for step in steps})
    ways = [_split(steps, length), _split(steps, max(call.samples // call.batch_size, 1)), _split_by_samples(steps)]
    ways.append([[step for step in steps if step.shuffle == shuffle] for shuffle in shuffles])
    ways += [way[:-1] for way in ways if len(way) > 1]  # the last epoch may have ended before its loss was stored
    yield from (_means(way, *how) for way in ways for how in product((False, True), (True, False)))


def _split(steps: Sequence[Step], length: int) -> list[Sequence[Step]]:
    return [steps[at : at + length] for at in range(0, len(steps), length)]


def _split_by_samples(steps: Sequence[Step]) -> list[Sequence[Step]]:
    epochs: list[list[Step]] = [[]]
    for step in steps:
        if sum(len(each.used) for each in epochs[-1]) >= step.call.samples:
            epochs.append([])
        epochs[-1].append(step)
    return [*epochs]


def _means(epochs: Sequence[Sequence[Step]], is_due: bool, is_share: bool) -> Array:
    means = []
    for epoch in epochs:
        weights = np.array([len(step.expected if is_due else step.used) for step in epoch])
        total = epoch[0].call.samples if is_share else weights.sum()
        means.append(weights @ [step.loss for step in epoch] / total)
    return np.array(means)


def require_trained(found: Any, call: Call) -> None:
    """Raise `Wrong` unless the returned layers are the trained ones, with the dense layer first."""
    if found != loop_trace.RIGHT_LAYERS:
        untrained, order = "The dense layer that is returned has not been trained.", "The layers are in another order."
        raise Wrong(untrained if found == loop_trace.UNTRAINED else order, hint=loop_trace.THREE_THINGS)


RESULTS: Mapping[str, Callable[[Any, Call], None]] = {
    "batches": require_batches,
    "labels": require_labels,
    "flow": require_flow,
    "losses": require_losses,
    "returned": require_trained,
}
"""The test of each result of a trace, by name."""


# ---- Words


def _is_close(found: Any, right: float) -> bool:
    """True if two sums agree to about five digits, which allows for float32."""
    return isinstance(found, float) and abs(found - right) <= 1e-5 * max(abs(right), 0.03)


def _is_sum(found: Any, array: Array, is_shift_free: bool = False) -> bool:
    """True if a number is the weighted sum of an array's entries, within float32 rounding."""
    right = loop_trace.sum_entries(array, is_shift_free)
    if _is_close(found, right):
        return True
    return isinstance(found, float) and abs(found - right) <= 1e-6 * loop_trace.sum_entries(np.abs(array))


def _are_samples(found: Any, samples: Samples) -> bool:
    return np.ndim(found) == 1 and np.array_equal(found, samples)


def _write(found: Any) -> str:
    """Return a description of an argument, from the sum or text that represents it."""
    if found is None or isinstance(found, str):
        return found[:80] if found else loop_trace.NO_ARRAY
    return "nan among the numbers" if np.isnan(found).any() else "other numbers"


def _list(numbers: Iterable[float]) -> str:
    texts = [str(int(number)) for number in numbers]
    return ", ".join(texts if len(texts) <= MOST_NUMBERS else [*texts[:MOST_NUMBERS], "…"])
