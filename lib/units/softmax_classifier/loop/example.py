"""The loop's worked example: two steps of the student's own loop, as the spies recorded them, beside right ones."""

from functools import partial
from typing import Any

import numpy as np

from lib.blanks import OpenBlank
from lib.checking.values import Wrong
from lib.unit import Array, Example, ExampleStep, Inputs
from lib.units.softmax_classifier.loop.calls import Call, Samples
from lib.units.softmax_classifier.loop.recordings import Pass, Placeholder, RecordedValue, Recording
from lib.units.softmax_classifier.loop.rule import record_once


def two_steps(train: Any, inputs: Inputs) -> Example:
    """The first step of the check's call of `train` and the short last one of an epoch, as the spies recorded them."""
    recording = record_once(train, inputs)[0]
    call = recording.call
    batches = [batch for epoch in range(2) for batch in call.batches(epoch)]
    last = call.batches_in_an_epoch - 1
    shares = [len(batch) / call.samples * call.loss(at, batch) for at, batch in enumerate(batches)]
    return Example(
        f"The check calls train with {call.samples} samples, batches of {call.batch_size} and {call.epochs} epochs."
        " Each sample has a class of its own.",
        (
            *_explain_step(recording, 0, batches[0]),
            *_explain_step(recording, last, batches[last]),
            _columns_of(recording, last + 1, batches[last + 1]),
            ExampleStep(
                "the losses of the first two epochs: each batch's loss times its share of the samples, added",
                np.reshape(shares, (2, -1)).sum(axis=1),
                lambda: recording.losses[:2],
            ),
            ExampleStep("the number of losses that train returns", call.epochs, lambda: len(recording.losses)),
        ),
    )


def _explain_step(recording: Recording, at: int, batch: Samples) -> list[ExampleStep]:
    """Explain a step: its samples, their labels, the prediction, and what goes back."""
    call, seen = recording.call, partial(_step, recording, at)
    output, place = call.outputs(at, batch)[0, 0], _place(call, at)

    def factor() -> Any:
        due = call.jacobian(seen().version) @ call.columns("output_gradients", seen().version, seen().samples)
        gradient, rate = (_read(value, "dlayer.backward") for value in seen().updates[0])
        return np.median(rate * gradient / due) if gradient.shape == due.shape else gradient

    def classes(name: str, function: str) -> Any:
        labels = _read(getattr(seen(), name), function)
        return labels.argmax(axis=0) if labels.ndim else labels

    def probability(name: str, function: str) -> Any:
        return _read(getattr(seen(), name), function).flat[0]

    steps = [_columns_of(recording, at, batch)]
    for name, labels, prediction in (("cce", "loss_labels", "loss_outputs"), ("cce_gradient", "labels", "prediction")):
        given, first = partial(classes, labels, name), partial(probability, prediction, name)
        steps.append(ExampleStep(f"{place}: the classes of {name}'s labels", call.classes[batch], given))
        steps.append(ExampleStep(f"{place}: {name}'s first probability", output, first))
    return [
        *steps,
        ExampleStep(
            f"{place}: dlayer.backward's learning rate times its gradient, as a multiple of what softmax.backward gives"
            f" for the result of cce_gradient: {call.rate:.4g}/{len(batch)}",
            call.rate / len(batch),
            factor,
        ),
    ]


def _columns_of(recording: Recording, at: int, batch: Samples) -> ExampleStep:
    place = _place(recording.call, at)
    return ExampleStep(
        f"{place}: the columns of X that dlayer.forward gets", batch, lambda: _step(recording, at).samples
    )


def _place(call: Call, at: int) -> str:
    return f"epoch {at // call.batches_in_an_epoch + 1}, batch {at % call.batches_in_an_epoch + 1}"


def _step(recording: Recording, at: int) -> Pass:
    if at >= len(recording.steps):
        raise Wrong(f"Your loop made {len(recording.steps)} steps in all.")
    seen = recording.steps[at]
    if not seen.updates:
        raise Wrong("dlayer.backward was not called.")
    return seen


def _read(value: RecordedValue, function: str) -> Array:
    """Read what a spy was given. Raises `Wrong` where it was not called, or got no array of numbers."""
    if isinstance(value, Placeholder):
        raise OpenBlank(value.sentence)
    if isinstance(value, Wrong):
        raise value
    if value is None:
        raise Wrong(f"{function} was not called.")
    return value
