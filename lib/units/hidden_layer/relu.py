"""Statements about the ReLU layer: what is positive passes, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from lib.checking.routes import ROUTES, has_right_forward, hold_on_any, run_forward
from lib.checking.values import Wrong, expect_close, numbers, require_shape
from lib.unit import Array, Example, ExampleStep, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.errors import IN_CODE, IN_LAYERS, explain_errors
from lib.units.softmax_classifier.inputs import is_kept, is_like, keeps_output, kept_output

SIZES = {"batch": (4, 7), "square": (5, 5)}
"""(units, batch) of the drawn inputs: all different, and once equal, where a wrong axis runs."""
RUNS = (*SIZES, "again")
"""What a layer is run on. `again` is the batch once more, after other batches have passed through the same layer."""
BACKWARD_RUNS = (*RUNS, "beside")
"""`beside` is the batch once more; another layer is run between this one's forward and backward, as in a network."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw inputs and incoming gradients in each of `SIZES`.

    In every row and every column of the inputs there are entries of either sign, below 1 and above 6: an output that is
    cut off shows. The gradient's sign is another one than the input's in about half of the entries: a mask that is made
    of the wrong array shows in every draw. Rows and columns come in an order of each draw's own: so does the mask.
    One batch has a sum above 0, and one below: a mask that is one number for all lets all pass, and once stops all.
    """
    inputs = {}
    for sign, (size, (units, batch)) in zip((1, -1), SIZES.items(), strict=True):
        signs = np.where((np.add.outer(np.arange(units), np.arange(batch)) + rng.integers(2)) % 2, 1, -1)
        others = np.where((np.arange(units)[:, None] + np.arange(batch) // 2 + rng.integers(2)) % 2, 1, -1)
        sizes = rng.uniform(0.3, 0.8, size=(units, batch)) * np.resize(rng.permutation([1, 4, 12]), (units, batch))
        order = np.ix_(rng.permutation(units), rng.permutation(batch))
        x = signs * sizes
        inputs[f"input_{size}"] = (sign * np.sign(x.sum()) * x)[order]
        inputs[f"gradient_{size}"] = (others * rng.uniform(0.5, 4, size=(units, batch)))[order]
    return inputs


def forward(ReLU: Any, x: Array, before: Sequence[Array] = ()) -> Array:
    """Run the student's forward on a copy of x; return the output that it set, which should have the shape of x.

    The inputs in `before` pass through the same layer first.
    """
    layer = ReLU()
    for each in (*before, x):
        with explain_errors():
            layer.forward(each.copy())
    return kept_output(layer)


def backward(ReLU: Any, inputs: Inputs, run: str, route: str = "own") -> Array:
    """Run the student's backward on a new layer, on a route; return what it returned."""
    layer, returned = ReLU(), None
    for x, gradient in zip(*(_passes(inputs, name, run) for name in ("input", "gradient")), strict=True):
        output = np.where(x > 0, x, 0.0)
        if route == "own" or has_right_forward(layer):
            with explain_errors():
                run_forward(layer, x.copy(), partial(keeps_output, layer, output))
        else:
            layer.input, layer.output = x.copy(), output
        if run == "beside" and has_right_forward(layer):
            other = ReLU()
            with explain_errors():
                other.forward(np.roll(x, 1, axis=1))
                other.backward(gradient.copy(), 0.1)
        with explain_errors():
            returned = layer.backward(gradient.copy(), 0.1)
    return numbers(returned, what=Gradients.result)


def keeps_input(ReLU: Any, inputs: Inputs) -> bool:
    """Tell whether the student's forward leaves the input as it is."""
    given = inputs["input_batch"].copy()
    with explain_errors():
        ReLU().forward(given)
    return is_kept(inputs["input_batch"], given)


def _require_returned(ReLU: Any, inputs: Inputs) -> None:
    """Raise `Wrong` where forward returns something, and that isn't the output that it has kept, right or wrong."""
    layer = ReLU()
    with explain_errors():
        returned = layer.forward(inputs["input_batch"].copy())
    if returned is not None and not is_like(returned, kept_output(layer)):
        hint = "Return self.output: a network hands on what its layers return."
        raise Wrong("forward returns something else than its output.", hint=hint)


def _passes(inputs: Inputs, name: str, run: str) -> list[Array]:
    """Give what passes through one layer; before `again` comes the batch with its samples, and so signs, moved on."""
    batch = inputs[f"{name}_batch"]
    if run == "beside":
        return [batch]
    return [inputs[f"{name}_square"], np.roll(batch, 1, axis=1), batch] if run == "again" else [inputs[f"{name}_{run}"]]


class OfOneSign(Statement):
    """A statement about the entries where the input has a sign: the judge is shown all, and compares these."""

    sign: ClassVar[int]
    what: ClassVar[str]
    result: ClassVar[str]

    def compared_part(self, probe: str, given: Array, inputs: Inputs) -> Array:
        run = probe.rpartition("/")[2]
        is_run = run in BACKWARD_RUNS
        return _where_input_is(self.sign, given, _passes(inputs, "input", run)[-1]) if is_run else given

    def compare(self, found: Array, passed: Array, x: Array, run: str) -> None:
        """Compare the entries where the input has the sign: positive ones pass, and of negative ones 0 is left."""
        hint = "Print its shape: it has an entry for each unit and each sample, also where that is 0."
        require_shape(found, x.shape, what=f"{self.result} has the wrong shape.", hint=hint)
        what, hint = self.what, ""
        if run == "again":
            what = "The first pass through a layer is right, and a later one is wrong."
            hint = "Use the input of this pass only. What does the layer still hold from the one before?"
        if run == "beside":
            what = "backward is wrong once another ReLU layer has been run in between."
            hint = "Keep what backward needs in self, under a name of its own: each layer has its own input."

        def where(at: tuple[int, ...]) -> str:
            return f"unit {at[0]}, sample {at[1]}, where the input is {x[at]:.3g}"

        expected = np.where(x > 0, passed, 0.0)
        entries = (_where_input_is(self.sign, each, x) for each in (found, expected))
        expect_close(*entries, what=what, hint=hint, where=where)


class Outputs(OfOneSign):
    """What forward makes of these entries."""

    lines = r"output"
    result = "self.output"

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        for run in RUNS:
            *before, x = _passes(inputs, "input", run)
            self.compare(forward(ReLU, x, before), x, x, run)

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        passes = {run: _passes(inputs, "input", run) for run in RUNS}
        return {run: partial(forward, ReLU, x, before) for run, (*before, x) in passes.items()}


class Gradients(OfOneSign):
    """What backward makes of the gradient of these entries."""

    lines = r"return"
    result = "The result of backward"

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        """Compare the gradients, on the route on which they are right if there is one.

        If the own forward is wrong, the failure that is told is that of the other route: it is backward's own.
        """

        def is_forward_right() -> bool:
            x = inputs["input_batch"]
            return is_like(forward(ReLU, x), np.where(x > 0, x, 0.0))

        hold_on_any(partial(self._hold_on, inputs, ReLU), is_forward_right)

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        return {
            f"{route}/{run}": partial(backward, ReLU, inputs, run, route) for route in ROUTES for run in BACKWARD_RUNS
        }

    def _hold_on(self, inputs: Inputs, ReLU: Any, route: str) -> None:
        for run in BACKWARD_RUNS:
            x, g = (_passes(inputs, name, run)[-1] for name in ("input", "gradient"))
            self.compare(backward(ReLU, inputs, run, route), g, x, run)


class PositivesPass(Outputs):
    text = "Where the input is positive, the output is the input."
    hint = "Take one positive number, such as 3: what should come out? Compare it with what your line gives."
    sign, what = 1, "A positive input came out changed."


class NegativesBecomeZero(Outputs):
    text = "Where the input is negative, the output is 0."
    hint = "Take one negative number, such as -2: what should come out? Compare it with what your line gives."
    sign, what = -1, "A negative input did not become 0."

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        super().holds(inputs, ReLU)
        _require_returned(ReLU, inputs)
        if not keeps_input(ReLU, inputs):
            hint = "Compute into a new array: the layer below still needs its output."
            raise Wrong("forward changes the input that it is given.", hint=hint)

    def probes(self, inputs: Inputs, ReLU: Any) -> Probes:
        def returned() -> float:
            _require_returned(ReLU, inputs)
            return 1.0

        return {**super().probes(inputs, ReLU), "kept": partial(keeps_input, ReLU, inputs), "returned": returned}


class ReturnsOutput(Statement):
    text = "forward also returns its output: a network hands on what its layers return."
    points = 0
    hint = "End forward with return(self.output)."
    depends_on = (PositivesPass, NegativesBecomeZero)
    lines = r"return|output"

    def holds(self, inputs: Inputs, ReLU: Any) -> None:
        """Look whether forward returns anything: what it returns is another statement's matter."""
        numbers(ReLU().forward(inputs["input_batch"].copy()), what="The result of forward")


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


def example(ReLU: Any) -> Example:
    """Make an example of two samples that needs no pencil."""
    x, g = np.array([[3.0, -2.0], [-1.0, 5.0]]), np.array([[10.0, 20.0], [30.0, -40.0]])

    def run_backward() -> object:
        layer = ReLU()
        layer.forward(x.copy())
        return layer.backward(g.copy(), 0.1)

    return Example(
        "Two units and two samples, with input = [[3, -2], [-1, 5]] and output_gradient = [[10, 20], [30, -40]].",
        (
            ExampleStep("forward", np.array([[3.0, 0.0], [0.0, 5.0]]), partial(forward, ReLU, x)),
            ExampleStep("backward", np.array([[10.0, 0.0], [0.0, -40.0]]), run_backward),
        ),
    )


relu_forward = Part(
    "check-relu-forward",
    "ReLU, forward",
    ("ReLU",),
    (PositivesPass(), NegativesBecomeZero(), ReturnsOutput()),
    draw,
    code="ReLU.forward",
    example=example,
    error_hints=(*IN_CODE, *IN_LAYERS),
)
relu_backward = Part(
    "check-relu-backward",
    "ReLU, backward",
    ("ReLU",),
    (GradientPasses(), GradientStops()),
    draw,
    code="ReLU.backward",
    example=example,
    error_hints=(*IN_CODE, *IN_LAYERS),
)
