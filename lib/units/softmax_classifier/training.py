"""Statements about the training loop, tested with spies in place of the layers and losses that it calls.

Each statement looks only at the steps that it needs, so that one mistake costs one statement: without the short last
batch, the labels of the full batches are still right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong, expect_close, numbers
from lib.unit import Array, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.inputs import one_hot_columns, probabilities
from lib.units.softmax_classifier.spies import (
    RecordedStep,
    RecordedValue,
    Recording,
    batches,
    columns,
    join,
    of_step,
    record_calls,
)

FEATURES, CLASSES, SAMPLES, BATCH_SIZE, EPOCHS = 2, 3, 11, 4, 3
FULL = SAMPLES // BATCH_SIZE
"""Steps of the first epoch that have a full batch."""
STEPS = FULL + 1
"""Steps of an epoch: the last batch is short."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data whose last batch is short, the samples' order in each epoch, and arrays for each step and spy."""
    steps = (EPOCHS + 2) * STEPS  # more than a right loop takes, so that one epoch too many still finds arrays
    return {
        "X": rng.normal(size=(FEATURES, SAMPLES)),
        "y": one_hot_columns(rng, CLASSES, SAMPLES),
        "learning_rate": np.array(rng.uniform(0.05, 0.5)),
        "batch_size": np.array(float(BATCH_SIZE)),
        "nepochs": np.array(float(EPOCHS)),
        "weights": rng.normal(size=(CLASSES, FEATURES + 1)),
        "orders": np.array([rng.permutation(SAMPLES) for _ in range(EPOCHS + 2)], dtype=float),
        "losses": rng.uniform(0.5, 2.0, size=steps),
        "scores": rng.normal(size=(steps, CLASSES, SAMPLES)),
        "outputs": np.array([probabilities(rng, CLASSES, SAMPLES) for _ in range(steps)]),
        "output_gradients": rng.normal(size=(steps, CLASSES, SAMPLES)),
        "jacobians": rng.normal(size=(steps, CLASSES, CLASSES)),
        "input_gradients": rng.normal(size=(steps, FEATURES, SAMPLES)),
    }


class EveryBatch(Statement):
    text = "Each of the nepochs epochs sends all its batches through the layers, in order, also the short last one."
    hint = "Loop over generate_batch_indices once in each epoch. Each batch is a list of column numbers."

    def holds(self, inputs: Inputs, train: Any) -> None:
        """Compare what went into Dense.forward with the batches."""
        seen, expected = record_calls(train, inputs), batches(inputs)
        if seen.epochs != EPOCHS:
            found, right = f"{seen.epochs} calls of generate_batch_indices", f"{EPOCHS}, one for each epoch"
            raise Wrong("The number of epochs is wrong.", found=found, expected=right)
        if len(seen.steps) != len(expected):
            found, right = (
                f"{len(seen.steps)} steps",
                f"{len(expected)}: 3 epochs of 3 batches, with 4, 4 and 3 samples",
            )
            raise Wrong("The number of training steps is wrong.", found=found, expected=right)
        for number, (step, batch) in enumerate(zip(seen.steps, expected, strict=True)):
            what, hint = "dlayer.forward did not get the samples of the batch.", "Take the batch's columns of X."
            expect_close(step.features, inputs["X"][:, batch], what=what, hint=hint, where=partial(_in_step, number))

    def probes(self, inputs: Inputs, train: Any) -> Probes:
        """The features of all steps, and where one step ends and the next begins."""
        seen = partial(_record_once, train, inputs)
        return {
            "features": lambda: join(_values_of(seen().steps, "features"), "dlayer.forward"),
            "lengths": lambda: [numbers(features).shape[-1] for features in _values_of(seen().steps, "features")],
        }


class LabelsWithSamples(Statement):
    text = "cce and cce_gradient get the labels of the same samples, and softmax's output as the prediction."
    hint = "Take the batch's columns of y as the labels, and the output of the softmax layer as the prediction."

    def holds(self, inputs: Inputs, train: Any) -> None:
        """Compare what went into cce and cce_gradient with the batches and the spy's output."""
        for number, step, batch in _first_steps(FULL, record_calls(train, inputs)):
            right, output = inputs["y"][:, batch], columns(inputs, "outputs", number, len(batch))
            where = partial(_in_step, number)
            for call, labels, outputs in (
                ("cce", step.loss_labels, step.loss_outputs),
                ("cce_gradient", step.labels, step.outputs),
            ):
                _require_call(call, labels, number)
                expect_close(labels, right, what=f"{call} did not get the labels of the batch as y.", where=where)
                what = f"{call} did not get softmax.output as yhat."
                expect_close(outputs, output, what=what, where=where)

    def probes(self, inputs: Inputs, train: Any) -> Probes:
        """The labels and predictions of the first epoch's full batches."""
        seen = partial(_record_once, train, inputs)

        def of(name: str, call: str) -> Callable[[], Array]:
            return lambda: join(_values_of(seen().started[:FULL], name), call)

        return {
            "loss labels": of("loss_labels", "cce"),
            "loss outputs": of("loss_outputs", "cce"),
            "labels": of("labels", "cce_gradient"),
            "outputs": of("outputs", "cce_gradient"),
        }


class GradientFlowsBack(Statement):
    text = "softmax.backward gets the loss gradient; dlayer.backward gets its result times 1/B, and the learning rate."
    hint = (
        "Follow the dashed arrows of the figure, one call for each. Multiply by 1/B once, just before the dense layer."
    )

    def holds(self, inputs: Inputs, train: Any) -> None:
        """Compare the steps of the weights with the arrays that the spies returned, in the first epoch."""
        for number, step, batch in _first_steps(STEPS, record_calls(train, inputs)):
            _require_call("softmax.backward", step.into_softmax, number)
            _require_call("dlayer.backward", step.into_dense, number)
            gradient = columns(inputs, "output_gradients", number, len(batch))
            right = inputs["learning_rate"] * of_step(inputs, "jacobians", number) @ gradient / len(batch)
            move = _move(step)
            if not _agree(move, right):
                _explain_size(move, right, len(batch), number)
                if not any(_agree(step.into_softmax, factor * gradient) for factor in (1, 1 / len(batch))):
                    what = "softmax.backward did not get the result of cce_gradient."
                    expect_close(step.into_softmax, gradient, what=what, where=partial(_in_step, number))
            what, hint = "dlayer.backward did not get the result of softmax.backward times 1/B.", ""
            if not _agree(step.rate, inputs["learning_rate"]):
                what = "dlayer.backward did not get the learning rate that train is given."
                hint = "Pass learning_rate unchanged, after the gradient."
            expect_close(move, right, what=what, hint=hint, where=partial(_at_product, number))

    def probes(self, inputs: Inputs, train: Any) -> Probes:
        """Rate times gradient of each step in the first epoch: 1/B may be applied anywhere, but once."""
        seen = partial(_record_once, train, inputs)
        return {"moves": lambda: join([_move(step) for step in seen().started[:STEPS]], "dlayer.backward")}


class EpochLoss(Statement):
    text = "train returns one loss for each epoch: the mean over its samples, so a short batch counts for less."
    hint = "Start each epoch's loss at 0, and weight each batch's loss by its share of all samples."

    def holds(self, inputs: Inputs, train: Any) -> None:
        """Compare with the weighted mean of the losses that the spy returned."""
        each = [len(batch) / SAMPLES * of_step(inputs, "losses", step) for step, batch in enumerate(batches(inputs))]
        expected = np.reshape(each, (EPOCHS, STEPS)).sum(axis=1)
        what = "An epoch's loss is not the mean over its samples."
        found = record_calls(train, inputs).losses
        expect_close(found[:2], expected[:2], what=what, where=lambda at: f"epoch {at[0] + 1}")

    def probes(self, inputs: Inputs, train: Any) -> Probes:
        """The losses of the first two epochs. Their number is part of another statement."""
        return {"losses": lambda: _record_once(train, inputs).losses[:2]}


_latest: list[tuple[Any, Inputs, Recording]] = []


def _record_once(train: Any, inputs: Inputs) -> Recording:
    """Record the calls of `train`, or return the latest recording if it is of the same loop on the same inputs."""
    draw = getattr(inputs, "of", inputs)
    for earlier, seen, recording in _latest:
        if earlier is train and seen is draw:
            return recording
    recording = record_calls(train, inputs)
    _latest[:] = [(train, draw, recording)]
    return recording


def _values_of(steps: list[RecordedStep], name: str) -> list[RecordedValue]:
    return [getattr(step, name) for step in steps]


def _first_steps(count: int, seen: Recording) -> Iterator[tuple[int, RecordedStep, Array]]:
    """Iterate over the first `count` expected steps: number, recorded step, and the indices of its batch."""
    steps = (seen.started + [RecordedStep()] * count)[:count]
    return (
        (number, step, batch) for number, (step, batch) in enumerate(zip(steps, batches(seen.inputs), strict=False))
    )


def _require_call(call: str, seen: RecordedValue, step: int) -> None:
    if seen is None:
        raise Wrong(f"{call} was not called.", where=f"step {step}", found="no call", expected="one call in each step")


def _move(step: RecordedStep) -> Array:
    """Return the learning rate times the gradient that Dense.backward got in a step."""
    _require_call("dlayer.backward", step.into_dense, 0)
    rate = numbers(step.rate, (), what="The learning rate given to dlayer.backward")
    return rate * numbers(step.into_dense, what="The gradient given to dlayer.backward")


def _explain_size(found: Array, right: Array, batch: int, step: int) -> None:
    """Raise `Wrong` where a step has the wrong sign, or 1/B is not applied exactly once."""
    if _agree(found, -right):
        what = "The weights move the wrong way: gradient times learning rate has the wrong sign."
        raise Wrong(
            what,
            where=f"step {step}, dlayer.backward",
            hint="Leave out the minus sign: dlayer.backward subtracts the step itself.",
        )
    for factor, what in ((batch, "1/B is missing."), (1 / batch, "1/B is applied twice.")):
        if _agree(found, factor * right):
            raise Wrong(
                what, where=f"step {step}, dlayer.backward", hint="Multiply by 1/B once, just before the dense layer."
            )
    if batch != BATCH_SIZE and _agree(found, batch / BATCH_SIZE * right):
        what, hint = "1/B uses batch_size, but this batch is shorter.", "Use the number of samples in this batch."
        raise Wrong(what, where=f"step {step}, with {batch} samples", hint=hint)


def _agree(found: object, right: Array) -> bool:
    values = numbers(found)
    return values.shape == right.shape and np.allclose(values, right)


def _at_product(step: int, at: tuple[int, ...]) -> str:
    return f"{_in_step(step, at)}, learning rate times gradient"


def _in_step(step: int, at: tuple[int, ...]) -> str:
    return f"step {step}, row {at[0]}, sample {at[1]} of the batch" if len(at) == 2 else f"step {step}"


train = Part(
    "check-train",
    "The training loop",
    ("train",),
    (EveryBatch(), LabelsWithSamples(), GradientFlowsBack(), EpochLoss()),
    draw,
)
