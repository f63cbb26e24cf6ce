"""Names of mistakes in the training loop, told from the steps that it took.

Each function looks at what the spies recorded and names a mistake only where nothing else gives the same steps. So a
name is found in any style of code, and also where samples are drawn at random. `HINTS` has one hint for each name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.errors import Named
from lib.units.softmax_classifier.loop_calls import Call, Samples
from lib.units.softmax_classifier.loop_recordings import Pass, RecordedValue, Recording
from lib.units.softmax_classifier.loop_steps import Step

COLUMNS = "A batch is a list of column numbers: take these columns from both X and y."
ORDER = "Swap the two arguments: the labels y come first, then the prediction yhat."
PREDICTION = "Use the probabilities as the prediction: they are the output of the softmax layer."
ONCE = "Multiply by 1/B once, just before the dense layer. B is the number of samples in the batch."
ACTIVATE = "Call softmax.forward once in each step, with the scores that dlayer.forward has just computed."
EPOCHS = "Run the outer loop nepochs times."
EVERY = "Run the training step for every batch of the epoch, once and in order."
BACK = "Follow the gradient backward: pass to each call the result of the call before it."
NOTHING_ELSE = "Multiply the result of softmax.backward by 1/B, and do nothing else to it."
RATE = "Pass the learning_rate that train is given, in every step."
DENSE = "Make the dense layer once, before the loops: what it has learnt is in its weights."
RETURNED = "Return the layers that the loop has used: dense layer, softmax, losses."
UPDATE = "Call dlayer.backward once in every step, with the gradient of this batch."

DRAWN = "Samples are drawn at random: some come twice in an epoch, others never"

HINTS = {
    "The arguments of generate_batch_indices are swapped": "The number of samples comes first, then batch_size.",
    "generate_batch_indices gets the number of features": "Pass the number of samples: X has one column for each.",
    "Only a part of the samples is used": "X has one column for each sample: use each of them once in an epoch.",
    "The batches have another size than batch_size": "Pass the batch_size that train is given.",
    "The sizes of the dense layer are swapped": "Dense takes the number of inputs first. What goes into it?",
    "The dense layer gets the number of samples as its number of inputs": (
        "A sample's inputs are its features: X has one row for each."
    ),
    "dlayer.forward is not called": "Call dlayer.forward once in each step, with the columns of the batch.",
    "Each step uses all samples, not those of one batch": COLUMNS,
    "Samples and labels always come from the first columns": COLUMNS,
    "The samples always come from the first columns of X": COLUMNS,
    "The samples come in the order of the columns, not in a shuffled order": (
        "Use the column numbers that generate_batch_indices gives: each epoch has its own order."
    ),
    DRAWN: ("Loop over the batches of generate_batch_indices: each sample is used once in an epoch."),
    "All epochs use the same batches": (
        "Call generate_batch_indices in each epoch, and set no seed there: each epoch has its own order."
    ),
    "There is one epoch too many": EPOCHS,
    "There is one epoch too few": EPOCHS,
    "Only one epoch is trained": "Run the outer loop nepochs times. A return or a break inside it ends it early.",
    "There are more epochs than nepochs": EPOCHS,
    "The number of epochs is fixed, whatever nepochs is": EPOCHS,
    "The loop stops before nepochs epochs are over": "Train for nepochs epochs, whatever the loss is.",
    "Only one batch is trained": "Check the indentation: a return inside a loop ends the function in the first round.",
    "The short last batch is left out": (
        "Train on every batch: each sample is used once in an epoch, also those of the short last batch."
    ),
    "Only one batch is used in each epoch": "Run the step for every batch of the epoch, inside the inner loop.",
    "The first batch of each epoch is left out": EVERY,
    "The batches are used in reversed order": EVERY,
    "Each batch is used twice in an epoch": EVERY,
    "The first batch of an epoch is used again and again": EVERY,
    "softmax.forward gets the samples, not the scores": "The scores are the output of the dense layer.",
    "Softmax is applied to its own output": ACTIVATE,
    "softmax.forward is not called": ACTIVATE,
    "softmax.forward runs before dlayer.forward": ACTIVATE,
    "The columns of X are in another order than those of y": COLUMNS,
    "The labels are rows of y, not columns": COLUMNS,
    "The labels are class numbers, not one-hot columns": "Take whole columns of y: each has a 1 at its sample's class.",
    "The labels always come from the first columns of y": COLUMNS,
    "The loss gets the labels of the first columns": COLUMNS,
    "The loss gradient gets the labels of the first columns": COLUMNS,
    "The labels come in the order of the columns, the samples in a shuffled order": COLUMNS,
    "The labels are those of the first epoch's batches": COLUMNS,
    "The labels are those of another shuffle than the samples": (
        "Call generate_batch_indices once in each epoch, and take the same columns from both X and y."
    ),
    "The labels of the batch are in another order than its samples": COLUMNS,
    "The labels are those of other samples": COLUMNS,
    "All labels are used in each step, not those of one batch": COLUMNS,
    "The labels are the predicted classes": "Take the labels from y. The prediction is the other argument.",
    "Labels and prediction are swapped": ORDER,
    "Labels and prediction are swapped in the loss": ORDER,
    "Labels and prediction are swapped in the loss gradient": ORDER,
    "The scores are used as the prediction": PREDICTION,
    "The loss uses the scores as the prediction": PREDICTION,
    "The loss gradient uses the scores as the prediction": PREDICTION,
    "The prediction is turned into 0 and 1 before the loss": PREDICTION,
    "The prediction is clipped before the loss": PREDICTION,
    "1/B is missing": ONCE,
    "1/B is applied twice": ONCE,
    "1/B uses batch_size, also for the short last batch": (
        "Use the number of samples in this batch: the last batch can be shorter than batch_size."
    ),
    "The gradient is divided by the number of all samples": ONCE,
    "The gradient is divided by the number of classes": ONCE,
    "The gradient is divided by the number of features": ONCE,
    "The gradient is divided by the number of batches": ONCE,
    "The gradient is multiplied by the batch size, not divided by it": ONCE,
    "The weights move in the direction of the gradient, not against it": (
        "Leave out the minus sign: dlayer.backward subtracts the step itself."
    ),
    "The weights move uphill after the first epoch": RATE,
    "The learning rate is applied twice": (
        "Pass the gradient without the learning rate: dlayer.backward multiplies by the rate itself."
    ),
    "The learning rate is not applied": RATE,
    "The learning rate changes during training": RATE,
    "softmax.backward gets softmax's own output": BACK,
    "softmax.backward gets the labels": BACK,
    "softmax.backward gets the loss, not its gradient": BACK,
    "softmax.backward gets yhat - y": (
        "Pass the result of cce_gradient. yhat - y is already the gradient for the scores."
    ),
    "softmax.backward gets the gradient of another step": BACK,
    "softmax.backward is applied twice": "Call softmax.backward once in each step.",
    "The gradient is averaged over the batch before dlayer.backward": (
        "Pass one gradient for each sample: dlayer.backward sums over the samples itself."
    ),
    "The gradient is transposed before dlayer.backward": NOTHING_ELSE,
    "The gradient is clipped": NOTHING_ELSE,
    "The gradient is clipped before softmax.backward": BACK,
    "dlayer.backward gets a gradient of zeros": (
        "Print each factor of the gradient. // rounds down to a whole number, also to 0."
    ),
    "Only the sign of the gradient is used": NOTHING_ELSE,
    "The gradient is divided by its norm": NOTHING_ELSE,
    "The gradient is scaled to a fixed norm": NOTHING_ELSE,
    "The arguments of dlayer.backward are swapped": "The gradient comes first, then the learning rate.",
    "The dense layer is made anew for each batch": DENSE,
    "The dense layer is made anew in each epoch": DENSE,
    "The weights are updated in the first epoch only": UPDATE,
    "The weights are updated once in each epoch only": UPDATE,
    "The weights are updated in some steps only": UPDATE,
    "The weights are updated twice in each step": UPDATE,
    "Something besides dlayer.backward changes the weights": (
        "Leave dlayer.weights alone in the loop: dlayer.backward makes the whole step."
    ),
    "The loss of all samples after the epoch is stored": (
        "Add up the losses of the epoch's batches, each weighted by its share of all samples."
    ),
    "The dense layer is kept from one call to the next": "Make the dense layer inside train, before the loops.",
    "The list of losses is kept from one call to the next": "Make the list of losses inside train, before the loops.",
    "No loss is added to the list": "Append the epoch's loss to the list once, after the epoch's last batch.",
    "Every loss is 0, though cce is called": "Print the loss after each line that changes it. Where is it still 0?",
    "The loss is stored in some epochs only": "Append the epoch's loss in every epoch, after its last batch.",
    "The mean over all epochs is returned, not a loss for each": "Return the list with the losses of all epochs.",
    "The epoch's loss is divided by the number of epochs": "Append each epoch's loss as it is: it is a mean already.",
    "The losses come in reversed order": "Put each epoch's loss behind those of the epochs before it.",
    "The losses are rounded": "Keep all digits in the list. Round only what you print.",
    "The layers are returned in another order": RETURNED,
    "The dense layer that is returned has not been trained": RETURNED,
    "The loss is never computed": "Add each batch's mean loss to the epoch's loss, weighted by its share of samples.",
}
"""For each name one thing to try."""


def name_as(name: str, wrong: Wrong) -> Wrong:
    """Give a finding a mistake's name; it keeps where it was and what was found. Without a name it stays as it is."""
    if not name:
        return wrong
    named = Named(f"{name}.", where=wrong.where, hint=HINTS[name])
    named.found, named.expected = wrong.found, wrong.expected
    return named


def name_at(name: str, where: str) -> Wrong:
    """Say that a mistake was made at a place; its name says all that is known of it."""
    return name_as(name, Wrong("", where=where))


# ---- Which samples


def name_batches(call: Call, steps: Sequence[Pass], other: Recording) -> str:
    """Name what is wrong with the samples of the steps; "" if that is not certain. `other` is the other call."""
    in_calls = [_name_arguments(*each) for each in ((call, steps), (other.call, other.steps)) if each[1]]
    for name in in_calls[0]:
        if all(name in names for names in in_calls):
            return name
    if steps[0].features is None:
        return "dlayer.forward is not called"
    if all(_is(step.features, step.returned.get("outputs")) for step in steps):
        return "softmax.forward runs before dlayer.forward"
    taken = [tuple(map(int, step.samples)) for step in steps]
    if not all(step.known for step in steps):
        return ""
    if name := _name_same_columns(call, steps, taken):
        return name
    epochs_of_other = count_epochs(other.call, other.steps) if other.error is None else None
    if own := find_own_epochs(call, steps):
        return _name_own(call, own, epochs_of_other)
    length, full = call.batches_in_an_epoch, call.samples // call.batch_size
    if any(_in_column_order(call, taken, count) for count in (length, full)):
        return "The samples come in the order of the columns, not in a shuffled order"
    if _are_moved(call, steps):
        return "The columns of X are in another order than those of y"
    places = [place for step in steps if (place := _place_of(call, step)) is not None]
    are_batches = len(places) == len(steps)
    return _name_order(call, places, epochs_of_other) if are_batches else _name_draws(call, steps, taken)


def _name_same_columns(call: Call, steps: Sequence[Pass], taken: Sequence[tuple[int, ...]]) -> str:
    """Name what is wrong with steps that take all samples, or the first ones, each time."""
    if all(sorted(samples) == list(range(call.samples)) for samples in taken):
        return "Each step uses all samples, not those of one batch"
    if any(samples != tuple(range(len(samples))) for samples in taken):
        return ""
    if all(_labels_are(call, step.labels, step.samples) for step in steps):
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


def _are_moved(call: Call, steps: Sequence[Pass]) -> bool:
    """Tell whether each step has the labels of its batch, and each sample's features are always those of one other."""
    moved: dict[int, int] = {}
    for step in steps:
        if not step.shuffle or step.position >= call.batches_in_an_epoch:
            return False
        due = call.batches(step.shuffle - 1)[step.position]
        if len(due) != len(step.samples) or not _labels_are(call, step.labels, due):
            return False
        if any(moved.setdefault(*both) != both[1] for both in zip(due.tolist(), step.samples.tolist(), strict=True)):
            return False
    return len({*moved.values()}) == len(moved) and any(there != here for there, here in moved.items())


def count_epochs(call: Call, steps: Sequence[Pass]) -> int | None:
    """Count the epochs of a loop that takes all batches of each of its shuffles in order; None for another loop."""
    if own := find_own_epochs(call, steps):
        return len(own)
    places = [_place_of(call, step) for step in steps]
    length = call.batches_in_an_epoch
    orders = [[place[1] for place in places[at : at + length] if place] for at in range(0, len(places), length)]
    return len(orders) if all(order == list(range(length)) for order in orders) else None


def find_own_epochs(call: Call, steps: Sequence[Pass] | Sequence[Step]) -> list[list[tuple[int, ...]]]:
    """Divide the samples of a loop that never calls generate_batch_indices into epochs that use each sample once.

    Returns nothing if there is a call, or a sample that comes twice in an epoch.
    """
    epochs: list[list[tuple[int, ...]]] = [[]]
    for samples in () if any(step.shuffle for step in steps) else (tuple(map(int, step.samples)) for step in steps):
        if sum(map(len, epochs[-1])) == call.samples:
            epochs.append([])
        epochs[-1].append(samples)
    every = list(range(call.samples))
    return epochs if all(sorted(sum(epoch, ())) == every for epoch in epochs) else []


def are_shuffles(call: Call, epochs: Sequence[Sequence[tuple[int, ...]]]) -> bool:
    """Tell whether epochs of a student's own are as good as those of generate_batch_indices.

    Their batches have the right sizes, and each epoch has its own order. Of few samples two orders may be the same.
    """
    sizes = [len(batch) for batch in call.batches(0)]
    orders = {sum(epoch, ()) for epoch in epochs} - {tuple(range(call.samples))}
    is_new = call.number == 1 or len(orders) == len(epochs)
    return is_new and all([*map(len, epoch)] == sizes for epoch in epochs)


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


def _place_of(call: Call, step: Pass) -> tuple[int, int] | None:
    """Find the shuffle, from the latest back, and the batch in it that have a step's samples."""
    samples = sorted(step.samples)
    for shuffle in range(step.shuffle, 0, -1):
        for at, batch in enumerate(call.batches(shuffle - 1)):
            if sorted(batch) == samples:
                return shuffle, at
    return None


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
    if _is(found, of_before) or (before is None and isinstance(found, Wrong) and not isinstance(found, Named)):
        return "softmax.forward runs before dlayer.forward"
    if _is(found, step.features) or _is(found, call.X):
        return "softmax.forward gets the samples, not the scores"
    if _is(found, call.outputs(step.version, step.samples)):
        return "Softmax is applied to its own output"
    return ""


# ---- Labels and predictions


@dataclass(frozen=True)
class Given:
    """What cce or cce_gradient got in a step; `number` is the step's."""

    call: Call
    step: Pass
    number: int
    labels: RecordedValue
    outputs: RecordedValue

    @cached_property
    def right(self) -> Array:
        """The probabilities that softmax gave."""
        return self.call.outputs(self.step.version, self.step.samples)

    @cached_property
    def owners(self) -> list[int] | None:
        """The samples whose labels these are, in order; None if they are others."""
        owners = owners_of(self.labels, self.call)
        return None if owners is None else owners.tolist()

    def is_of_step(self, value: RecordedValue) -> bool:
        """Tell whether a value is the labels of the step's samples."""
        return _labels_are(self.call, value, self.step.samples)

    def is_in_a_row(self, start: int) -> bool:
        """Tell whether the labels are those of the columns from `start` on, in their order."""
        return self.owners is not None and self.owners == list(range(start, start + len(self.owners)))

    def is_of_samples(self, values: Array) -> bool:
        """Tell whether the labels are those of `values` at the numbers of the step's samples."""
        return bool((self.step.samples < self.call.samples).all()) and _is(self.labels, values[self.step.samples])


def name_labels(call: Call, steps: Sequence[Pass]) -> str:
    """Name what cce and cce_gradient got in place of labels and prediction; "" if that is not certain."""
    loss = [Given(call, step, at, step.loss_labels, step.loss_outputs) for at, step in enumerate(steps)]
    gradient = [Given(call, step, at, step.labels, step.prediction) for at, step in enumerate(steps)]
    wrong = [all_ for all_ in (loss, gradient) if not all(map(_is_right, all_))]
    is_label = any(not got.is_of_step(got.labels) for all_ in wrong for got in all_)
    for names, test in (SWAPPED | (OF_LABELS if is_label else OF_PREDICTIONS)).items():
        if wrong and all(test(got) for all_ in wrong for got in all_):
            return (names * 3)[0 if len(wrong) == 2 else 1 if wrong[0] is loss else 2]
    return ""


def _is_right(got: Given) -> bool:
    return got.labels is None or (got.is_of_step(got.labels) and _is(got.outputs, got.right))


def _is_prediction(got: Given, *changed: Array) -> bool:
    """Tell whether the labels are right, and the prediction is one of the right prediction's `changed` forms."""
    return got.is_of_step(got.labels) and any(_is(got.outputs, each) for each in changed)


def _is_clipped_prediction(got: Given) -> bool:
    found, right = got.outputs, got.right
    if not isinstance(found, np.ndarray) or found.shape != right.shape:
        return False
    return _is_prediction(got, np.clip(right, found.min(), found.max()))


Tests = dict[tuple[str, ...], Callable[[Given], bool]]
"""For a mistake's name, whether what a loss got is as in it. Some have two more names: where only cce has it, and where
only cce_gradient has."""
SWAPPED: Tests = {
    (
        "Labels and prediction are swapped",
        "Labels and prediction are swapped in the loss",
        "Labels and prediction are swapped in the loss gradient",
    ): lambda got: _is(got.labels, got.right) and got.is_of_step(got.outputs),
}
OF_LABELS: Tests = {
    ("The labels are rows of y, not columns",): lambda got: got.is_of_samples(got.call.y),
    ("The labels are class numbers, not one-hot columns",): (
        lambda got: got.is_of_samples(got.call.classes.astype(float))
    ),
    ("All labels are used in each step, not those of one batch",): lambda got: _is(got.labels, got.call.y),
    (
        "The labels always come from the first columns of y",
        "The loss gets the labels of the first columns",
        "The loss gradient gets the labels of the first columns",
    ): lambda got: got.is_in_a_row(0),
    ("The labels come in the order of the columns, the samples in a shuffled order",): (
        lambda got: got.is_in_a_row(got.number % got.call.batches_in_an_epoch * got.call.batch_size)
    ),
    ("The labels are those of the first epoch's batches",): (
        lambda got: _labels_are(got.call, got.labels, got.call.batches(0)[got.number % got.call.batches_in_an_epoch])
    ),
    ("The labels of the batch are in another order than its samples",): (
        lambda got: got.owners is not None and sorted(got.owners) == sorted(got.step.samples)
    ),
    ("The labels are those of another shuffle than the samples",): (
        lambda got: (
            tuple(sorted(got.owners or ()))
            in [
                got.call.sorted_batches(one)[got.number % got.call.batches_in_an_epoch]
                for one in range(got.step.shuffle)
            ]
        )
    ),
    ("The labels are the predicted classes",): (
        lambda got: _is(got.labels, np.eye(len(got.right))[:, got.right.argmax(axis=0)])
    ),
    ("The labels are those of other samples",): lambda got: got.owners is not None and _is(got.outputs, got.right),
}
OF_PREDICTIONS: Tests = {
    (
        "The scores are used as the prediction",
        "The loss uses the scores as the prediction",
        "The loss gradient uses the scores as the prediction",
    ): lambda got: _is_prediction(got, got.call.columns("scores", got.step.version, got.step.samples)),
    ("The prediction is turned into 0 and 1 before the loss",): (
        lambda got: _is_prediction(got, (got.right == got.right.max(axis=0)).astype(float), got.right.round())
    ),
    ("The prediction is clipped before the loss",): _is_clipped_prediction,
}


def owners_of(array: RecordedValue, call: Call) -> Samples | None:
    """Find the samples whose labels an array has in its columns; None if it has others."""
    if not isinstance(array, np.ndarray) or array.ndim != 2 or len(array) != len(call.y) or not array.size:
        return None
    is_label = np.asarray((np.abs(array[:, :, None] - call.y[:, None, :]) < 1e-6).all(axis=0))
    return is_label.argmax(axis=1) if is_label.any(axis=1).all() else None


def _labels_are(call: Call, labels: RecordedValue, samples: Samples) -> bool:
    return bool((samples < call.samples).all()) and _is(labels, call.y[:, samples])


def _is(found: RecordedValue, right: RecordedValue) -> bool:
    """Tell whether two arrays are equal but for rounding."""
    if not isinstance(found, np.ndarray) or not isinstance(right, np.ndarray) or found.shape != right.shape:
        return False
    return np.allclose(found, right, rtol=1e-4, atol=1e-5 * max(1.0, float(np.abs(right).max(initial=0))))


# ---- The gradient


def name_updates(call: Call, steps: Sequence[Pass]) -> str:
    """Name which steps have no update, or more than one, or one of another layer; "" if all have their own."""
    updates = [len(step.updates) for step in steps]
    length = call.batches_in_an_epoch
    if 0 in updates and any(updates):
        if all(updates[:length]) and not any(updates[length:]):
            return "The weights are updated in the first epoch only"
        is_last = [at % length == length - 1 for at in range(len(steps))]
        if all(bool(count) == last for count, last in zip(updates, is_last, strict=True)):
            return "The weights are updated once in each epoch only"
        return "The weights are updated in some steps only"
    if {*updates} == {2}:
        return "The weights are updated twice in each step"
    changes = [one.layer != other.layer for one, other in pairwise(steps)]
    if changes and all(changes):
        return "The dense layer is made anew for each batch"
    if any(changes) and all(change == (at % length == 0) for at, change in enumerate(changes, 1)):
        return "The dense layer is made anew in each epoch"
    return "Something besides dlayer.backward changes the weights" if any(step.touched for step in steps) else ""


def name_into_softmax(call: Call, steps: Sequence[Pass], step: Pass) -> str:
    """Name what softmax.backward got in a step in place of the result of cce_gradient."""
    found, samples = step.into_softmax, step.samples
    outputs, gradient = call.outputs(step.version, samples), call.columns("output_gradients", step.version, samples)
    labels = call.y[:, samples] if (samples < call.samples).all() else None
    if _is(found, outputs):
        return "softmax.backward gets softmax's own output"
    if _is(found, labels):
        return "softmax.backward gets the labels"
    if labels is not None and (_is(found, outputs - labels) or _is(found, (outputs - labels) / len(samples))):
        return "softmax.backward gets yhat - y"
    if any(_is(found, np.full(shape, call.loss(step.version, samples))) for shape in ((), outputs.shape)):
        return "softmax.backward gets the loss, not its gradient"
    if _is(found, call.jacobian(step.version) @ gradient):
        return "softmax.backward is applied twice"
    others = [call.columns("output_gradients", one.version, one.samples) for one in steps if one is not step]
    if any(_is(found, other) for other in others):
        return "softmax.backward gets the gradient of another step"
    return "The gradient is clipped before softmax.backward" if _is_clipped(found, gradient) else ""


def name_into_dense(call: Call, steps: Sequence[Pass], step: Pass, gradient: RecordedValue, right: Array) -> str:
    """Name what has become of the result of softmax.backward, `right`, before it goes into dlayer.backward."""
    if not isinstance(gradient, np.ndarray):
        return ""
    if gradient.ndim == 0:
        rate = step.updates[-1][1]
        is_swapped = isinstance(rate, np.ndarray) and rate.ndim == 2
        return "The arguments of dlayer.backward are swapped" if is_swapped else ""
    mean, sizes = right.mean(axis=1, keepdims=True), (1, right.shape[1], 1 / right.shape[1])
    if gradient.shape == mean.shape != right.shape and any(_is(gradient, size * mean) for size in sizes):
        return "The gradient is averaged over the batch before dlayer.backward"
    if any(_is(gradient, size * right.T) for size in sizes):
        return "The gradient is transposed before dlayer.backward"
    given = [each.updates[-1][0] for each in steps if each.updates]
    if not gradient.any():
        return "dlayer.backward gets a gradient of zeros"
    if all(isinstance(each, np.ndarray) and np.ptp(np.abs(each)) < 1e-9 for each in given):
        return "Only the sign of the gradient is used"
    return "The gradient is clipped" if _is_clipped(gradient, right) else ""


def name_norm(steps: Sequence[Pass]) -> str:
    """Name a gradient that has the same norm in every step, before or after it is divided by B."""
    given = [(each.updates[-1][0], len(each.samples)) for each in steps if each.updates]
    if not all(isinstance(each, np.ndarray) for each, _ in given):
        return ""
    norms = np.array([np.linalg.norm(each) for each, _ in given if isinstance(each, np.ndarray)])
    for lengths in (norms, norms * np.array([size for _, size in given])):
        if np.allclose(lengths, lengths[0], rtol=1e-6):
            is_one = np.isclose(lengths[0], 1)
            return "The gradient is divided by its norm" if is_one else "The gradient is scaled to a fixed norm"
    return ""


def is_changing(steps: Sequence[Pass]) -> bool:
    """Tell whether the learning rate differs between steps with as many samples."""
    rates: dict[int, set[float]] = {}
    for step in steps:
        if step.updates and isinstance(step.updates[-1][1], np.ndarray) and step.updates[-1][1].size == 1:
            rates.setdefault(len(step.samples), set()).add(step.updates[-1][1].item())
    return any(len(each) > 1 for each in rates.values())


def _is_clipped(found: RecordedValue, right: Array) -> bool:
    """Tell whether the largest entries of an array are all alike, and the others as they should be but for a factor."""
    if not isinstance(found, np.ndarray) or found.shape != right.shape:
        return False
    limit = np.abs(found).max()
    is_limit = np.isclose(np.abs(found), limit)
    others = found[~is_limit] / right[~is_limit]
    return bool(
        is_limit.sum() > 3 and (found * right > 0).all() and (others.size == 0 or np.allclose(others, others[0]))
    )


# ---- The losses


def name_losses(recording: Recording, found: Array, count: int, expected: Array) -> str:
    """Name what `train` returns in place of the mean losses of its epochs."""
    if not any(each.loss_labels is not None for each in recording.passes):
        return "The loss is never computed"
    call, length = recording.call, recording.call.batches_in_an_epoch
    steps = recording.steps
    ends = [step.version + len(step.updates) for step in steps[length - 1 :: length]]
    of_all = [call.loss(version, np.arange(call.samples)) for version in ends]
    if _is(found, np.array(of_all)):
        return "The loss of all samples after the epoch is stored"
    if call.number and count > len(expected) and _is(found[-len(expected) :], expected):
        return "The list of losses is kept from one call to the next"
    if not len(found):
        return "No loss is added to the list"
    if not found.any():
        return "Every loss is 0, though cce is called"
    if count == 1 and np.allclose(found, expected.mean()):
        return "The mean over all epochs is returned, not a loss for each"
    if 1 < count < len(expected) and all(np.isclose(each, expected).any() for each in found):
        return "The loss is stored in some epochs only"
    if count == len(expected) and np.allclose(found * len(expected), expected):
        return "The epoch's loss is divided by the number of epochs"
    if count == len(expected) > 1 and _is(found, expected[::-1]):
        return "The losses come in reversed order"
    rounded = [np.floor(expected), *(np.round(expected, digits) for digits in range(7))]
    if count == len(expected) and any(np.allclose(found, each, rtol=0, atol=1e-12) for each in rounded):
        return "The losses are rounded"
    return ""
