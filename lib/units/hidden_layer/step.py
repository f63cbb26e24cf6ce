"""Statements about one training step: the loss of a batch, and the gradient of the batch's mean loss, passed down once.

The network and the two loss functions are test objects that record what they are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.checking.values import Wrong, expect_close, numbers
from lib.unit import Array, Example, ExampleStep, Inputs, Part, Probes, Statement

FEATURES, CLASSES, BATCH = 2, 3, 5


def draw(rng: np.random.Generator) -> Inputs:
    """Draw a batch, the network's output for it, what the loss and its gradient return, and a learning rate."""
    yhat = rng.dirichlet(np.ones(CLASSES), size=BATCH).T
    return {
        "X": rng.normal(size=(FEATURES, BATCH)),
        "y": np.eye(CLASSES)[:, rng.permutation(np.resize(np.arange(CLASSES), BATCH))],
        "yhat": yhat,
        "loss": np.array(rng.uniform(1, 2)),
        "loss_gradient": rng.normal(size=yhat.shape),
        "learning_rate": np.array(rng.uniform(0.2, 0.9)),
    }


class Record:
    """What one step of the student's did with a network, a loss and its gradient that return drawn arrays.

    `returned` is what the step returned.
    """

    returned: Any

    def __init__(self, inputs: Inputs):
        self._inputs = inputs
        self.gradients: list[Any] = []
        self.rates: list[Any] = []
        self.losses: list[tuple[Any, Any]] = []
        self.slopes: list[tuple[Any, Any]] = []

    def forward(self, input: Any) -> Array:
        """Take the place of the network's forward."""
        # Another forward, after an update, gives another prediction.
        self.output = self._inputs["yhat"] if not self.gradients else self._inputs["yhat"][:, ::-1].copy()
        return self.output

    def backward(self, output_gradient: Any, learning_rate: Any) -> Array:
        """Take the place of the network's backward."""
        self.gradients.append(output_gradient)
        self.rates.append(learning_rate)
        return np.zeros((FEATURES, BATCH))

    def loss(self, y: Any, yhat: Any) -> Any:
        """Take the place of the loss."""
        self.losses.append((y, yhat))
        return np.float64(self._inputs["loss"])

    def loss_gradient(self, y: Any, yhat: Any) -> Array:
        """Take the place of the loss gradient."""
        self.slopes.append((y, yhat))
        return self._inputs["loss_gradient"].copy()


def run(step: Any, inputs: Inputs) -> Record:
    """Run the student's step on test objects."""
    record = Record(inputs)
    X, y = inputs["X"].copy(), inputs["y"].copy()
    record.returned = step(record, record.loss, record.loss_gradient, X, y, float(inputs["learning_rate"]))
    return record


def _only(values: list[Any], what: str) -> Any:
    if not values:
        raise Wrong(f"{what} was not called.", hint=f"Call {what} once in a step.")
    if len(values) > 1:
        raise Wrong(f"{what} was called more than once in a step.", found=f"{len(values)} calls", expected="1 call")
    return values[0]


def _received(record: Record) -> Array:
    """Give the gradient that network.backward got."""
    gradient = _only(record.gradients, "network.backward")
    return numbers(gradient, (CLASSES, BATCH), what="The gradient for network.backward")


def _arguments(calls: list[tuple[Any, Any]], what: str) -> Array:
    """Give the two arguments of a loss function, one above the other."""
    return np.array([numbers(each, (CLASSES, BATCH), what=what) for each in _only(calls, what)])


def _right_arguments(inputs: Inputs) -> Array:
    return np.array([inputs["y"], inputs["yhat"]])


class BatchLoss(Statement):
    text = (
        "step returns the loss of the batch: the loss function gets the labels and the network's output, in this order."
    )
    hint = "Read the first line of `cce` again: which argument comes first?"
    lines = r"loss\("

    def holds(self, inputs: Inputs, step: Any) -> None:
        """Compare the arguments of the loss, and the result."""
        record = run(step, inputs)
        found = _arguments(record.losses, "loss")
        expect_close(found, _right_arguments(inputs), what="The loss got something else than (y, yhat).")
        expect_close(record.returned, inputs["loss"], what="step does not return what the loss function returned.")

    def probes(self, inputs: Inputs, step: Any) -> Probes:
        """The arguments, and the result over the loss."""
        return {
            "arguments": lambda: _arguments(run(step, inputs).losses, "loss"),
            "returned": lambda: numbers(run(step, inputs).returned) / float(inputs["loss"]),
        }


class MeanGradient(Statement):
    text = "network.backward gets the gradient of the batch's mean loss: the loss gradient times 1/B, once."
    points = 2
    hint = "The loss gradient is each sample's own. The loss is a mean over the B samples: what does that do to each?"
    lines = r"backward|gradient"

    def holds(self, inputs: Inputs, step: Any) -> None:
        """Compare the gradient that the network gets with 1/B of what the loss gradient returned."""
        record = run(step, inputs)
        found = _arguments(record.slopes, "loss_gradient")
        expect_close(found, _right_arguments(inputs), what="The loss gradient got something else than (y, yhat).")
        what = "network.backward did not get the gradient of the mean loss."
        expect_close(
            _received(record),
            inputs["loss_gradient"] / BATCH,
            what=what,
            where=lambda at: f"class {at[0]}, sample {at[1]}, with B = {BATCH}",
        )

    def probes(self, inputs: Inputs, step: Any) -> Probes:
        """The arguments of the loss gradient, and what the network gets."""
        return {
            "arguments": lambda: _arguments(run(step, inputs).slopes, "loss_gradient"),
            "gradient": lambda: _received(run(step, inputs)),
        }


class StepRate(Statement):
    text = "network.backward gets the learning rate as it is."
    hint = "Hand on the learning rate without a change: 1/B belongs to the gradient."
    lines = r"backward"

    def holds(self, inputs: Inputs, step: Any) -> None:
        """Compare the rate."""
        rate = _only(run(step, inputs).rates, "network.backward")
        expect_close(rate, inputs["learning_rate"], what="network.backward got another learning rate.")

    def probes(self, inputs: Inputs, step: Any) -> Probes:
        """The rate over the one that was given."""
        return {
            "rate": lambda: numbers(_only(run(step, inputs).rates, "network.backward")) / float(inputs["learning_rate"])
        }


def example(step: Any) -> Example:
    """Make an example whose loss gradient is 10 everywhere, for five samples."""
    inputs = {
        "X": np.ones((FEATURES, BATCH)),
        "y": np.eye(CLASSES)[:, [0, 1, 2, 0, 1]],
        "yhat": np.full((CLASSES, BATCH), 1 / 3),
        "loss": np.array(1.25),
        "loss_gradient": np.full((CLASSES, BATCH), 10.0),
        "learning_rate": np.array(0.5),
    }
    return Example(
        "five samples; the loss is 1.25, each entry of the loss gradient is 10, and the learning rate is 0.5",
        (
            ExampleStep("each entry that network.backward gets", 2.0, lambda: _received(run(step, inputs))[0, 0]),
            ExampleStep("the learning rate that it gets", 0.5, lambda: run(step, inputs).rates[0]),
            ExampleStep("what step returns", 1.25, lambda: run(step, inputs).returned),
        ),
    )


step = Part(
    "check-step",
    "One training step",
    ("step",),
    (BatchLoss(), MeanGradient(), StepRate()),
    draw,
    example=example,
)
