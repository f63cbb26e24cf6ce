"""Statements about the dense layer's backward: the update of weights and bias, and the gradient that it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from lib.checking.routes import has_right_forward, look_on_each, run_forward
from lib.checking.values import (
    Wrong,
    central_difference,
    central_difference_by_column,
    expect_close,
    numbers,
    require_shape,
)
from lib.unit import Array, Inputs, Part, Probes
from lib.units.softmax_classifier.errors import IN_CODE, IN_LAYERS, explain_errors
from lib.units.softmax_classifier.inputs import OfGradient, copy_array, is_kept, is_like, keeps_output, worked_example

SIZES = {"batch": (4, 3, 6), "square": (3, 4, 4)}
"""(features, classes, batch): all different, and once features + 1 = classes = batch, where a transpose runs."""
SCALES = {"batch": 30, "square": 0.03}
IN_SHAPE = "Print its shape: the gradient has a row for each feature and a column for each sample, as the input has."
AGAIN = 5
"""Samples of a second batch for the layer of the size `batch`."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw weights, an input, an incoming gradient, and a learning rate with which the update is large.

    One batch has gradients in the tens, so that a clipped or normalised step shows in every draw. One has hundredths,
    where weight decay shows.
    """
    inputs: dict[str, Array] = {"learning_rate": np.array(rng.uniform(0.3, 0.6))}
    for size, (features, classes, batch) in SIZES.items():
        inputs[f"weights_{size}"] = rng.normal(size=(classes, features + 1))
        inputs[f"input_{size}"] = rng.normal(size=(features, batch))
        inputs[f"gradient_{size}"] = rng.normal(scale=SCALES[size], size=(classes, batch))
    features, classes, _ = SIZES["batch"]
    inputs["input_again"] = rng.normal(size=(features, AGAIN))
    inputs["gradient_again"] = rng.normal(scale=30, size=(classes, AGAIN))
    return inputs


def layer_with(Dense: Any, weights: Array) -> Any:
    """Make the student's layer and set its weights, (classes, features + 1)."""
    layer = Dense(weights.shape[1] - 1, weights.shape[0])
    layer.weights = weights.copy()
    return layer


class Step(NamedTuple):
    """One pass forward and backward: what backward returned, the change of the weights, and whether g is as before."""

    returned: Any
    moved: Array
    gradient_kept: bool


def backward(Dense: Any, inputs: Inputs, size: str, route: str = "own") -> Step:
    """Run one step of the student's layer. In the size `again` it is the second step of a layer, with the old weights.

    `lib.checking.routes` says what a route is. Weights that got another shape come back as they are.
    """
    weights = _weights(inputs, size)
    layer = layer_with(Dense, weights)
    if size in SIZES:
        return _take_step(layer, weights, inputs, size, route)
    _take_step(layer, weights, inputs, "batch", route)
    layer.weights = weights.copy()
    return _take_step(layer, weights, inputs, size, route)


def _take_step(layer: Any, weights: Array, inputs: Inputs, size: str, route: str) -> Step:
    input_, gradient = inputs[f"input_{size}"].copy(), inputs[f"gradient_{size}"].copy()
    with_ones = _with_ones(input_)
    scores = weights @ with_ones
    with explain_errors(*gradient.shape):
        if route == "own" or has_right_forward(layer):
            run_forward(layer, input_, partial(keeps_output, layer, scores))
        else:
            layer.input, layer.output = with_ones, scores
        returned = copy_array(layer.backward(gradient, float(inputs["learning_rate"])))
    after = numbers(layer.weights, what="self.weights")
    moved = after - weights if after.shape == weights.shape else after
    return Step(returned, moved, is_kept(inputs[f"gradient_{size}"], gradient))


class OfStep(OfGradient):
    """A statement about the change of the weights, which float32 rounds as it rounds the weights themselves."""

    def size(self, probe: str, inputs: Inputs) -> float:
        """The largest entry of the incoming gradient, or of the weights."""
        return max(super().size(probe, inputs), float(np.abs(_weights(inputs, probe.partition("/")[2])).max()))


class WeightsMove(OfStep):
    text = "The weights change by -learning_rate times their gradient, as central differences of your forward show."
    points = 2
    hint = "Take one sample, and compute by hand how much one weight should change. Then add a second sample."

    def holds(self, inputs: Inputs, Dense: Any) -> None:
        """Differentiate sum(gradient * forward(x)) with respect to W, numerically."""
        rate = float(inputs["learning_rate"])
        for size in (*SIZES, "again"):
            moved = _measure_step(Dense, inputs, size)[:, :-1]
            expected = -rate * _weights_slope(Dense, inputs, size)[:, :-1]
            if np.allclose(moved * inputs[f"input_{size}"].shape[1], expected, rtol=1e-3):
                what = "The step is divided by the batch size."
                raise Wrong(
                    what, hint="Leave out the division: the gradient that backward is given already contains 1/B."
                )
            what, hint = "The weights did not change by -learning_rate times the gradient.", ""
            if size == "again":
                what = "The first step of a layer is right, and its second step is wrong."
                hint = "Compute each step from this call's gradient and input only."
            with _look_at_forward(Dense, inputs, size):
                _expect_nearly(moved, expected, what, lambda at: f"the weight of class {at[0]}, feature {at[1]}", hint)

    def probes(self, inputs: Inputs, Dense: Any) -> Probes:
        return _look_at_steps(inputs, Dense, lambda step: step.moved[:, :-1])


class BiasMoves(OfStep):
    text = "The bias, the last column, changes by -learning_rate times the incoming gradient, summed over the samples."
    depends_on = (WeightsMove,)
    hint = "The bias is a weight whose input is always 1. Where does self.input have this 1?"

    def holds(self, inputs: Inputs, Dense: Any) -> None:
        for size in (*SIZES, "again"):
            expected = -float(inputs["learning_rate"]) * inputs[f"gradient_{size}"].sum(axis=1)
            what = "The bias did not change by -learning_rate times the summed gradient."
            found = _measure_step(Dense, inputs, size)[:, -1]
            with _look_at_forward(Dense, inputs, size):
                _expect_nearly(found, expected, what, lambda at: f"the bias of class {at[0]}")

    def probes(self, inputs: Inputs, Dense: Any) -> Probes:
        return _look_at_steps(inputs, Dense, lambda step: step.moved[:, -1])


class InputGradient(OfGradient):
    text = "backward returns the gradient of the input, (features, batch), with the weights from before the update."
    hint = "Leave out the last column of the weights, the bias. Compute this gradient before the weights change."

    def holds(self, inputs: Inputs, Dense: Any) -> None:
        """Differentiate sum(gradient * forward(x)) with respect to x, numerically."""
        for size in (*SIZES, "again"):
            x, step = inputs[f"input_{size}"], backward(Dense, inputs, size)
            found = numbers(step.returned, what="The result of backward")
            hint = self.hint if found.shape == (len(x) + 1, x.shape[1]) else IN_SHAPE
            require_shape(found, x.shape, what="The result of backward has the wrong shape.", hint=hint)
            what = "The returned gradient differs from central differences of your own forward."
            slopes = _input_slope(Dense, inputs, size)
            with _look_at_forward(Dense, inputs, size):
                _expect_nearly(found, slopes, what, lambda at: f"feature {at[0]}, sample {at[1]}")
            if not step.gradient_kept:
                hint = "Compute into a new array: other code may still need this one."
                raise Wrong("backward changes the gradient that it is given.", hint=hint)

    def probes(self, inputs: Inputs, Dense: Any) -> Probes:
        kept = {"kept": ("batch", attrgetter("gradient_kept"))}
        returned = _look_at_steps(inputs, Dense, attrgetter("returned"))
        return returned | look_on_each(inputs, partial(backward, Dense, inputs), kept)


@contextmanager
def _look_at_forward(Dense: Any, inputs: Inputs, size: str) -> Iterator[None]:
    """Say that forward, which the notebook gives, was changed, where that is why backward does not fit it."""
    try:
        yield
    except Wrong:
        x, weights = inputs[f"input_{size}"], _weights(inputs, size)
        if not is_like(_forward(Dense, weights, x), weights @ _with_ones(x)):
            raise Wrong(
                "forward does not give the weights times the input and its row of ones.",
                hint="Write forward as the notebook has it, with the row of ones last: backward has to fit it.",
            ) from None
        raise


def _with_ones(x: Array) -> Array:
    """Put a row of ones below an input, as forward does for the bias."""
    return np.vstack([x, np.ones((1, x.shape[1]))])


def _expect_nearly(
    found: Array, expected: Array, what: str, where: Callable[[tuple[int, ...]], str], hint: str = ""
) -> None:
    """Raise `Wrong` as `expect_close` does; what differences of float32 numbers lose grows with the largest entry."""
    rounding = max(1e-5 * np.abs(expected).max(), 1e-6)
    expect_close(found, expected, what=what, hint=hint, where=where, atol=rounding)


def _look_at_steps(inputs: Inputs, Dense: Any, look: Callable[[Step], object]) -> Probes:
    """Look at a step of each size, on both routes."""
    return look_on_each(inputs, partial(backward, Dense, inputs), {size: (size, look) for size in (*SIZES, "again")})


def _measure_step(Dense: Any, inputs: Inputs, size: str) -> Array:
    return numbers(backward(Dense, inputs, size).moved, _weights(inputs, size).shape, what="self.weights")


def _weights(inputs: Inputs, size: str) -> Array:
    return inputs[f"weights_{size if size in SIZES else 'batch'}"]


def _forward(Dense: Any, weights: Array, input_: Array) -> Array:
    layer = layer_with(Dense, weights)
    returned, output = layer.forward(input_.copy()), getattr(layer, "output", None)
    shape, what = (weights.shape[0], input_.shape[1]), "self.output of forward"
    return numbers(returned if output is None else output, shape, what=what)


def _weights_slope(Dense: Any, inputs: Inputs, size: str) -> Array:
    """Differentiate by the weights. Scores are linear in them, so the step may be large, and rounding small."""
    x, gradient, weights = inputs[f"input_{size}"], inputs[f"gradient_{size}"], _weights(inputs, size)
    return central_difference(lambda w: float((gradient * _forward(Dense, w, x)).sum()), weights, step=0.5)


def _input_slope(Dense: Any, inputs: Inputs, size: str) -> Array:
    """Differentiate by the input, one entry of each sample at a time; scores are linear in it."""
    x, gradient, weights = inputs[f"input_{size}"], inputs[f"gradient_{size}"], _weights(inputs, size)
    return central_difference_by_column(lambda at: (gradient * _forward(Dense, weights, at)).sum(axis=0), x, step=0.5)


dense_backward = Part(
    "check-dense-backward",
    "Dense, backward",
    ("Dense",),
    (WeightsMove(), BiasMoves(), InputGradient()),
    draw,
    code="Dense.backward",
    example=partial(worked_example, "dense_step"),
    error_hints=(*IN_CODE, *IN_LAYERS),
)
