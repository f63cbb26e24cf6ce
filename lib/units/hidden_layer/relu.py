"""Statements about the ReLU layer: what is positive passes, forward and backward."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np

from lib.checking.routes import ROUTES, hold_on_any
from lib.checking.values import expect_close, numbers
from lib.unit import Array, Example, ExampleStep, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.inputs import kept_output

SIZES = {"batch": (4, 7), "square": (5, 5)}
"""(units, batch) of the drawn inputs: all different, and once equal, where a wrong axis runs."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw inputs and incoming gradients in each of `SIZES`.

    In every row and every column of the inputs there are entries of either sign, below 1 and above 6: an output that is
    cut off shows. The gradient's sign is another one than the input's in about half of the entries: a mask that is made
    of the wrong array shows in every draw.
    """
    inputs = {}
    for size, (units, batch) in SIZES.items():
        signs = np.where((np.add.outer(np.arange(units), np.arange(batch)) + rng.integers(2)) % 2, 1, -1)
        others = np.where((np.arange(units)[:, None] + np.arange(batch) // 2 + rng.integers(2)) % 2, 1, -1)
        sizes = rng.uniform(0.3, 0.8, size=(units, batch)) * np.resize(rng.permutation([1, 4, 12]), (units, batch))
        inputs[f"input_{size}"] = signs * sizes
        inputs[f"gradient_{size}"] = others * rng.uniform(0.5, 4, size=(units, batch))
    return inputs


def forward(ReLU: Any, x: Array) -> Array:
    """Run the student's forward on a copy of x; return the output that it set, of the shape of x."""
    layer = ReLU()
    layer.forward(x.copy())
    return numbers(kept_output(layer), x.shape, what="self.output")


def backward(ReLU: Any, inputs: Inputs, size: str, route: str = "own") -> Array:
    """Run the student's backward on a new layer; return what it returned.

    On the route `own` the student's own forward runs first; on `given` the attributes `input` and `output` are set, as
    if a right forward had run.
    """
    layer, x = ReLU(), inputs[f"input_{size}"]
    if route == "own":
        layer.forward(x.copy())
    else:
        layer.input, layer.output = x.copy(), np.where(x > 0, x, 0.0)
    returned = layer.backward(inputs[f"gradient_{size}"].copy(), 0.1)
    return numbers(returned, x.shape, what="The result of backward")


class OfOneSign(Statement):
    """A statement about the entries where the input has a sign: the judge is shown all, and compares these."""

    sign: ClassVar[int]
    what: ClassVar[str]

    def compared_part(self, probe: str, given: Array, inputs: Inputs) -> Array:
        """Keep the entries where the input has the sign."""
        return _where_input_is(self.sign, given, inputs[f"input_{probe.rpartition('/')[2]}"])


class Outputs(OfOneSign):
    """What forward makes of these entries."""

    lines = r"output"

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        """Compare the outputs."""
        for size in SIZES:
            x = inputs[f"input_{size}"]
            _compare(forward(ReLU, x), x, x, self.sign, self.what)

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        """The outputs."""
        return {size: partial(forward, ReLU, inputs[f"input_{size}"]) for size in SIZES}


class Gradients(OfOneSign):
    """What backward makes of the gradient of these entries."""

    lines = r"return"

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        """Compare the gradients, on the route on which they are right if there is one."""
        hold_on_any(partial(self._hold_on, inputs, ReLU))

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        """The gradients on both routes."""
        return {f"{route}/{size}": partial(backward, ReLU, inputs, size, route) for route in ROUTES for size in SIZES}

    def _hold_on(self, inputs: Inputs, ReLU: Any, route: str) -> None:
        for size in SIZES:
            x, g = inputs[f"input_{size}"], inputs[f"gradient_{size}"]
            _compare(backward(ReLU, inputs, size, route), g, x, self.sign, self.what)


class PositivesPass(Outputs):
    text = "Where the input is positive, the output is the input."
    hint = "Take one positive number, such as 3: what should come out? Compare it with what your line gives."
    sign, what = 1, "A positive input came out changed."


class NegativesBecomeZero(Outputs):
    text = "Where the input is negative, the output is 0."
    hint = "Take one negative number, such as -2: what should come out? Compare it with what your line gives."
    sign, what = -1, "A negative input did not become 0."


class GradientPasses(Gradients):
    text = "Where the input was positive, backward returns the incoming gradient."
    hint = "Where a number passed forward, its slope is 1. By what is the incoming gradient multiplied there?"
    sign, what = 1, "The gradient of a positive input came back changed."


class GradientStops(Gradients):
    text = "Where the input was negative, backward returns 0."
    points = 2
    hint = "Where the output stays 0 whatever the input is, its slope is 0. Which array tells where that is?"
    sign, what = -1, "The gradient of a negative input did not become 0."


def _where_input_is(sign: int, given: Array, x: Array) -> Array:
    """Keep the entries where the input has a sign, and 0 elsewhere; another shape is wrong as it is."""
    return np.where(np.sign(x) == sign, given, 0.0) if given.shape == x.shape else given


def _compare(found: Array, passed: Array, x: Array, sign: int, what: str) -> None:
    """Compare the entries where the input has a sign: positive ones pass, and of negative ones 0 is left."""

    def where(at: tuple[int, ...]) -> str:
        return f"unit {at[0]}, sample {at[1]}, where the input is {x[at]:.3g}"

    expected = np.where(x > 0, passed, 0.0)
    expect_close(_where_input_is(sign, found, x), _where_input_is(sign, expected, x), what=what, where=where)


def example(ReLU: Any) -> Example:
    """Make an example of two samples that needs no pencil."""
    x, g = np.array([[3.0, -2.0], [-1.0, 5.0]]), np.array([[10.0, 20.0], [30.0, -40.0]])

    def run_backward() -> object:
        layer = ReLU()
        layer.forward(x.copy())
        return layer.backward(g.copy(), 0.1)

    return Example(
        "two units and two samples, input = [[3, -2], [-1, 5]] and output_gradient = [[10, 20], [30, -40]]",
        (
            ExampleStep("forward", np.array([[3.0, 0.0], [0.0, 5.0]]), partial(forward, ReLU, x)),
            ExampleStep("backward", np.array([[10.0, 0.0], [0.0, -40.0]]), run_backward),
        ),
    )


relu_forward = Part(
    "check-relu-forward",
    "ReLU, forward",
    ("ReLU",),
    (PositivesPass(), NegativesBecomeZero()),
    draw,
    code="ReLU.forward",
    example=example,
)
relu_backward = Part(
    "check-relu-backward",
    "ReLU, backward",
    ("ReLU",),
    (GradientPasses(), GradientStops()),
    draw,
    code="ReLU.backward",
    example=example,
)
