"""Statements about one training step: the loss of a batch, and the gradient of the batch's mean loss, passed down once.

The network is a test object that records what it is given. The loss and its gradient are functions that no other
formula agrees with, so the numbers tell whether, and on which arrays, a step has called them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from lib.checking.answers import run_once
from lib.checking.rebinding import inherit_own
from lib.checking.values import Wrong, expect_close, numbers
from lib.unit import Array, Example, ExampleStep, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.errors import IN_CODE, IN_LAYERS, explain_errors
from lib.units.softmax_classifier.inputs import copy_array, is_kept

FEATURES, CLASSES, BATCH = 7, 3, 5
WEIGHTS = CLASSES, FEATURES + 1
MOVED_ON = [BATCH - 1, *range(BATCH - 1)]
"""Another order of the samples. Not a reversed one: labels that read the same backward would hide a mistake."""
STEEP = 10_000
"""How large the loss gradient is: one that is clipped or scaled to a fixed norm shows."""
Function = Callable[[Any, Any], Any]
ARGUMENTS = {
    "y": "Pass on y as it is. Read the first line of cce again: which argument comes first?",
    "yhat": "Pass on what network.forward gave for X before the update, as it is. Each call of network.backward changes"
    " the weights.",
}
"""The arguments of the loss and of its gradient, and what to try where another one is given."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw a batch, the network's output for it, what a mistake in each class costs, and a learning rate.

    The loss has the digits 57 behind its thousandths, and it is small: one that is rounded shows.
    """
    y = np.eye(CLASSES)[:, rng.permutation(np.resize(np.arange(CLASSES), BATCH))]
    yhat, costs = rng.dirichlet(np.ones(CLASSES), size=BATCH).T, rng.uniform(1, 2, size=(CLASSES, 1))
    loss = rng.integers(100, 200) / 1000 + 0.00057
    return {
        "X": rng.normal(size=(FEATURES, BATCH)),
        "y": y,
        "yhat": yhat,
        "costs": costs * loss / mean_loss(costs, y, yhat),
        "learning_rate": np.array(rng.uniform(0.2, 0.9)),
    }


def mean_loss(costs: Array, y: Any, yhat: Any) -> Any:
    """Give the loss of a batch, a mean over its samples; labels and prediction can't be swapped."""
    return np.mean(np.sum(costs * _differences(y, yhat) ** 2, axis=0))


def loss_gradient(costs: Array, y: Any, yhat: Any) -> Any:
    """Give the gradient of each sample's own loss, (classes, batch)."""
    return -STEEP * costs * _differences(y, yhat)


def _differences(y: Any, yhat: Any) -> Any:
    """Subtract a part of the prediction from the labels. What doesn't fit is nan: it costs where that is used."""
    try:
        return np.asarray(y - yhat / 3, dtype=float)
    except (TypeError, ValueError):
        return np.full((CLASSES, BATCH), np.nan)


class PassingLayer:
    """The layer below the test network's own: forward changes nothing, and backward records what shape it is given."""

    input: Any = None
    output: Any = None

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, input: Any) -> Any:
        """Hand the input on."""
        self.input = self.output = input
        return input

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Record a shape, and return zeros: a gradient comes here last, from the layer above."""
        self.shapes.append(np.shape(output_gradient))
        return np.zeros((FEATURES, BATCH))


class Network:
    """A test network: it records what it is given, and returns the drawn prediction. It is its own upper layer.

    It has the other methods of the student's Network, too.
    """

    input: Any = None
    output: Any = None  # the student's may be a property
    layers: Any = ()
    weights: Any = None

    def __init__(self, inputs: Inputs):
        self.weights = np.ones(WEIGHTS)  # a loss that counts them, too, shows
        self._predictions = inputs["yhat"], np.roll(inputs["yhat"], 1, axis=1)
        self.inputs: list[Any] = []
        self.below = PassingLayer()
        self.layers = [self.below, self]
        self.gradients: list[Any] = []
        self.rates: list[Any] = []

    def forward(self, input: Any) -> Array:
        """Record the input if there was no update yet; after one the prediction is another."""
        self.input = input
        if not self.gradients:
            self.inputs.append(copy_array(input))
        self.output = prediction = self._predictions[bool(self.gradients)].copy()
        return prediction

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Record the gradient and the learning rate."""
        self.gradients.append(copy_array(output_gradient))
        self.rates.append(learning_rate)
        return np.zeros((FEATURES, BATCH))


class Record:
    """What one step of the student's did with a test network, and with a loss and its gradient.

    `losses` and `slopes` have the arguments of each call of the two functions, `returned` is what the step returned,
    and `kept` tells of X and of y whether they are as before.
    """

    def __init__(self, step: Any, inputs: Inputs, loss: Function, gradient: Function):
        self.network = inherit_own(Network, "Network", step)(inputs)
        self.losses, self.slopes = list[Any](), list[Any]()
        X, y = inputs["X"].copy(), inputs["y"].copy()
        functions = _recorded("loss", loss, self.losses), _recorded("loss_gradient", gradient, self.slopes)
        with explain_errors():
            self.returned = step(self.network, *functions, X, y, float(inputs["learning_rate"]))
        self.kept = {"X": is_kept(inputs["X"], X), "y": is_kept(inputs["y"], y)}


def run(step: Any, inputs: Inputs) -> Record:
    """Run the student's step on test objects, after steps on other batches: what these leave must not count.

    One of them has fewer samples.
    """
    functions = [partial(function, inputs["costs"]) for function in (mean_loss, loss_gradient)]
    for others in (MOVED_ON, MOVED_ON[:3]):
        Record(step, {**inputs, **{name: inputs[name][:, others] for name in ("X", "y", "yhat")}}, *functions)
    return Record(step, inputs, *functions)


def _recorded(name: str, function: Function, calls: list[Any]) -> Function:
    """Make a function of this name, as errors of student code are to say, that writes down its arguments."""

    def recorded(y: Any, yhat: Any) -> Any:
        calls.append((copy_array(y), copy_array(yhat)))
        return function(y, yhat)

    recorded.__name__ = recorded.__qualname__ = name
    return recorded


def _only(values: list[Any], what: str) -> Any:
    if not values:
        raise Wrong(f"{what} was not called.", hint=f"Call {what} once in a step.")
    if len(values) > 1:
        raise Wrong(f"{what} was called more than once in a step.", found=f"{len(values)} calls", expected="1 call")
    return values[0]


def _input(record: Record) -> Array:
    """Give what network.forward got last before the update."""
    if not record.network.inputs:
        hint = "The loss gradient needs a prediction: call network.forward first."
        raise Wrong("network.forward was not called before network.backward.", hint=hint)
    return numbers(record.network.inputs[-1], what="What network.forward gets")


def _loss(record: Record) -> Array:
    return numbers(record.returned, (), what="The result of step")


def _received(record: Record) -> Array:
    """Give the gradient that network.backward got, unless the step itself has changed weights, too."""
    if not np.array_equal(record.network.weights, np.ones(WEIGHTS)):
        hint = "Leave the weights to network.backward: there each layer moves its own."
        raise Wrong("step changes the weights itself.", hint=hint)
    right = FEATURES, BATCH
    for shape in record.network.below.shapes:
        if shape != right:
            what = "The first layer's backward does not get what the layer above it returned."
            hint = "Go from the last layer to the first. Give each what the backward of the one above it returned."
            raise Wrong(what, found=f"shape {shape}", expected=f"shape {right}", hint=hint)
    return numbers(_only(record.network.gradients, "network.backward"), what="The gradient for network.backward")


def _rate(record: Record) -> Array:
    rate = _only(record.network.rates, "network.backward")
    if rate is None:
        raise Wrong("network.backward got no learning rate.", hint="Hand on the learning rate behind the gradient.")
    return numbers(rate, (), what="The learning rate for network.backward")


def _require_kept(record: Record) -> None:
    for name, is_as_before in record.kept.items():
        if not is_as_before:
            hint = f"Work on a copy, such as {name}.copy(): the caller still needs its data."
            raise Wrong(f"step changes {name} itself.", hint=hint)


def _expect(found: Array, expected: Any, *, of: str, calls: list[Any], inputs: Inputs, what: str, where: Any) -> None:
    """Raise `Wrong` unless they agree. Say first if the function `of` was not called, or on other arrays."""
    if found.shape == np.shape(expected) and np.allclose(found, expected, rtol=1e-4, atol=1e-6):
        return
    if not calls:
        hint = f"Call the function that step is given under the name {of}."
        raise Wrong(f"{of} was not called.", hint=hint)
    for (name, hint), values in zip(ARGUMENTS.items(), _read_arguments(of, calls[-1]), strict=True):
        at = f"the argument {name} of {of}"
        expect_close(values, inputs[name], what=f"{of} got something else than (y, yhat).", where=at, hint=hint)
    expect_close(found, expected, what=what, where=where)


def _read_arguments(of: str, given: tuple[Any, Any]) -> Iterator[Array]:
    """Read the arguments of one call of the function `of`; raise `Wrong` at the first that doesn't fit."""
    for name, argument in zip(ARGUMENTS, given, strict=True):
        yield numbers(argument, (CLASSES, BATCH), what=f"What {of} gets as {name}")


def _explain_nan(found: Array, *, of: str, calls: list[Any]) -> Array:
    """Return what was found, or raise `Wrong` where it is nan because the function `of` got arrays that don't fit."""
    if not np.isfinite(found).all():
        for given in calls:
            if np.isnan(_differences(*given)).any():
                list(_read_arguments(of, given))
    return found


class BatchLoss(Statement):
    text = (
        "step returns the loss of the batch: the network gets X, and the loss function gets the labels and the"
        " network's output, in this order."
    )
    hint = "Print what the loss function gives, and what step returns."
    hint_fits_shapes = True
    lines = r"loss\(|forward\("

    def holds(self, inputs: Inputs, step: Any) -> None:
        record = run(step, inputs)
        what, hint = "network.forward did not get X.", "Hand the batch on as it is: network.forward(X)."
        expect_close(_input(record), inputs["X"], what=what, hint=hint)
        loss = mean_loss(inputs["costs"], inputs["y"], inputs["yhat"])
        what = "step does not return what the loss function returned."
        _expect(_loss(record), loss, of="loss", calls=record.losses, inputs=inputs, what=what, where="")
        _require_kept(record)

    def probes(self, inputs: Inputs, step: Any) -> Probes:
        def returned() -> Array:
            record = _record(step, inputs)
            _require_kept(record)
            return _explain_nan(_loss(record), of="loss", calls=record.losses)

        return {"input": lambda: _input(_record(step, inputs)), "returned": returned}


class MeanGradient(Statement):
    text = "network.backward gets the gradient of the batch's mean loss: the loss gradient times 1/B, once."
    points = 2
    hint = "The loss gradient is each sample's own. The loss is a mean over the B samples: what does that do to each?"
    lines = r"backward|gradient"

    def holds(self, inputs: Inputs, step: Any) -> None:
        record = run(step, inputs)
        gradient = loss_gradient(inputs["costs"], inputs["y"], inputs["yhat"]) / BATCH
        _expect(
            _received(record),
            gradient,
            of="loss_gradient",
            calls=record.slopes,
            inputs=inputs,
            what="network.backward did not get the gradient of the mean loss.",
            where=lambda at: f"class {at[0]}, sample {at[1]}, with B = {BATCH}",
        )

    def probes(self, inputs: Inputs, step: Any) -> Probes:
        def received() -> Array:
            record = _record(step, inputs)
            return _explain_nan(_received(record), of="loss_gradient", calls=record.slopes)

        return {"gradient": received}


class StepRate(Statement):
    text = "network.backward gets the learning rate as it is."
    hint = "Hand on the learning rate without a change: 1/B belongs to the gradient."
    hint_fits_shapes = True
    lines = r"backward"

    def holds(self, inputs: Inputs, step: Any) -> None:
        rate = _rate(run(step, inputs))
        expect_close(rate, inputs["learning_rate"], what="network.backward got another learning rate.")

    def probes(self, inputs: Inputs, step: Any) -> Probes:
        return {"rate": lambda: _rate(_record(step, inputs))}


def _record(step: Any, inputs: Inputs) -> Record:
    """Record a step once for all statements."""
    return run_once(inputs, "step", partial(run, step, inputs))


def example(step: Any) -> Example:
    """Make an example whose loss gradient is 10 everywhere, for five samples."""
    inputs = {
        "X": np.ones((FEATURES, BATCH)),
        "y": np.eye(CLASSES)[:, [0, 1, 2, 0, 1]],
        "yhat": np.full((CLASSES, BATCH), 1 / 3),
        "learning_rate": np.array(0.5),
    }

    def run_example() -> Record:
        return Record(step, inputs, lambda y, yhat: 1.25, lambda y, yhat: np.full(np.shape(yhat), 10.0))

    return Example(
        "Five samples. The loss is 1.25, each entry of the loss gradient is 10, and the learning rate is 0.5.",
        (
            ExampleStep("each entry that network.backward gets", 2.0, lambda: _received(run_example())[0, 0]),
            ExampleStep("the learning rate that it gets", 0.5, lambda: run_example().network.rates[0]),
            ExampleStep("what step returns", 1.25, lambda: run_example().returned),
        ),
    )


step = Part(
    "check-step",
    "One training step",
    ("step",),
    (BatchLoss(), MeanGradient(), StepRate()),
    draw,
    example=example,
    error_hints=(*IN_CODE, *IN_LAYERS),
)
