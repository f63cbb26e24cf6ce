"""A second unit, in content alone: a rectifier layer and the mean squared error.

Its statements, parts, right answers and mistakes are all that the judge is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lib.answer_key import AnswerKey
from lib.checking.right import expected, slopes
from lib.mistakes import Mistake
from lib.unit import Array, Inputs, Part, Unit, statement


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


@statement(
    "Positive inputs pass, negative ones become 0.",
    expected(lambda inputs: np.where(inputs["x"] > 0, inputs["x"], 0)),
    hint="Print one input and its output.",
    what="Something else came out.",
)
def Rectifies(inputs: Inputs, ReLU: Any) -> Any:
    return ReLU().forward(inputs["x"])


@statement(
    "The gradient passes where the input did.",
    slopes(lambda x, inputs: (inputs["g"] * np.where(x > 0, x, 0)).sum(), at="x", step=1e-6),
    hint="Where does the output change with the input?",
    points=2,
    depends_on=("Rectifies",),
)
def StopsGradients(inputs: Inputs, ReLU: Any) -> Any:
    layer = ReLU()
    layer.forward(inputs["x"])
    return layer.backward(inputs["g"])


@statement(
    "The loss is the mean of the squared differences.",
    hint="Compute two differences by hand.",
    examples=(({"x": np.zeros((2, 2)), "g": np.full((2, 2), 3.0)}, 9.0),),
)
def SquaredError(inputs: Inputs, mse: Any) -> Any:
    return mse(inputs["x"], inputs["g"])


def draw(rng: np.random.Generator) -> Inputs:
    return {"x": rng.normal(size=(3, 5)), "g": rng.normal(size=(3, 5))}


relu = Part("check-relu", "The rectifier", ("ReLU",), draw, (Rectifies, StopsGradients))
loss = Part("check-mse", "The squared error", ("mse",), draw, (SquaredError,))

RIGHT: Mapping[str, Any] = {"ReLU": ReLU, "mse": mse}
LAYER = "class ReLU(ReLU):\n    def {}:\n        return {}"
TURNED = Mistake(
    relu.id,
    "The sign is turned",
    "Which inputs should pass?",
    (LAYER.format("forward(self, input)", "super().forward(-input)"),),
)
OPEN = Mistake(
    relu.id,
    "All gradients pass",
    "Does the output change with a negative input?",
    (LAYER.format("backward(self, output_gradient)", "output_gradient"),),
)
ABSOLUTE = Mistake(
    loss.id,
    "The error is absolute",
    "What is done to a difference before the mean?",
    ("def mse(y, yhat):\n    return np.mean(np.abs(y - yhat))",),
)
ANSWER_KEY = AnswerKey(Unit("relu", "The rectifier", (relu, loss)), RIGHT, (TURNED, OPEN, ABSOLUTE))
