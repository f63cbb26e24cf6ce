"""A second unit, in content alone: a rectifier layer and the mean squared error.

Its statements, parts, right answers and mistakes are all that the judge is told.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey, MistakeCatalog
from lib.checking.values import central_difference, expect_close, numbers
from lib.unit import Array, Inputs, Part, Probes, Statement, Unit


class ReLU:
    """The right layer: negative inputs become 0, and stop the gradient."""

    def forward(self, input: Array) -> Array:
        self.input = input
        self.output = np.maximum(input, 0)
        return self.output

    def backward(self, output_gradient: Array) -> Array:
        return output_gradient * (self.input > 0)


def mse(y: Array, yhat: Array) -> Any:
    """The right loss."""
    return np.mean((y - yhat) ** 2)


class Rectifies(Statement):
    text = "Positive inputs pass, negative ones become 0."

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        expect_close(
            ReLU().forward(inputs["x"]), np.where(inputs["x"] > 0, inputs["x"], 0), what="Something else came out."
        )

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        return {"output": partial(ReLU().forward, inputs["x"])}


class StopsGradients(Statement):
    text = "The gradient passes where the input did."

    points = 2
    depends_on = (Rectifies,)

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        slopes = central_difference(lambda x: float((inputs["g"] * ReLU().forward(x)).sum()), inputs["x"], step=1e-6)
        expect_close(self._backward(ReLU, inputs), slopes, what="The gradient differs from central differences.")

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        return {"gradient": partial(self._backward, ReLU, inputs)}

    @staticmethod
    def _backward(ReLU: Any, inputs: Inputs) -> Array:
        layer = ReLU()
        layer.forward(inputs["x"])
        return numbers(layer.backward(inputs["g"]))


class SquaredError(Statement):
    text = "The loss is the mean of the squared differences."

    def holds(self, inputs: Inputs, mse: Any) -> None:
        expect_close(mse(np.zeros((2, 2)), np.full((2, 2), 3.0)), 9.0, what="A distance of 3 should cost 9.")

    def probes(self, inputs: Inputs, mse: Any) -> Probes:
        return {"loss": partial(mse, inputs["x"], inputs["g"])}


def draw(rng: np.random.Generator) -> Inputs:
    return {"x": rng.normal(size=(3, 5)), "g": rng.normal(size=(3, 5))}


relu = Part("check-relu", "The rectifier", ("ReLU",), (Rectifies(), StopsGradients()), draw)
loss = Part("check-mse", "The squared error", ("mse",), (SquaredError(),), draw)

layers, losses = MistakeCatalog("check-relu", "ReLU"), MistakeCatalog("check-mse", "mse")


@layers("The sign is turned", "Which inputs should pass?")
class Turned(ReLU):
    def forward(self, input: Array) -> Array:
        return super().forward(-input)


@layers("All gradients pass", "Does the output change with a negative input?")
class Open(ReLU):
    def backward(self, output_gradient: Array) -> Array:
        return output_gradient


@losses("The error is absolute", "What is done to a difference before the mean?")
def absolute(y: Array, yhat: Array) -> Any:
    return np.mean(np.abs(y - yhat))


ANSWER_KEY = AnswerKey(
    Unit("relu", "The rectifier", (relu, loss)), {"ReLU": ReLU, "mse": mse}, (*layers.mistakes, *losses.mistakes)
)
