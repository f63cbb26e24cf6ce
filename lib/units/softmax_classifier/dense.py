"""Statements about the dense layer's backward: the update of weights and bias, and the gradient that it returns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong, central_difference, expect_close, numbers
from lib.unit import Array, Inputs, Part, Probes, Statement

SIZES = {"batch": (4, 3, 6), "square": (3, 4, 4)}
"""(features, classes, batch): all different, and once features + 1 = classes = batch, where a transpose runs."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw weights, an input, an incoming gradient, and a learning rate with which the update is large."""
    inputs: dict[str, Array] = {"learning_rate": np.array(rng.uniform(0.3, 0.6))}
    for size, (features, classes, batch) in SIZES.items():
        inputs[f"weights_{size}"] = rng.normal(size=(classes, features + 1))
        inputs[f"input_{size}"] = rng.normal(size=(features, batch))
        inputs[f"gradient_{size}"] = rng.normal(size=(classes, batch))
    return inputs


def layer_with(Dense: Any, weights: Array) -> Any:
    """Make the student's layer and set its weights, (classes, features + 1)."""
    layer = Dense(weights.shape[1] - 1, weights.shape[0])
    layer.weights = weights.copy()
    return layer


def backward(Dense: Any, inputs: Inputs, size: str, route: str = "own") -> tuple[Any, Array]:
    """Run the student's backward; return its result and the change of the weights.

    On the route `own` the student's own forward runs first; on `given` the attributes `input`, bias row included, and
    `output` are set, as if a right forward had run. Weights that got another shape come back as they are.
    """
    weights, input_ = inputs[f"weights_{size}"], inputs[f"input_{size}"]
    layer = layer_with(Dense, weights)
    if route == "own":
        layer.forward(input_.copy())
    else:
        layer.input = np.vstack([input_, np.ones((1, input_.shape[1]))])
        layer.output = weights @ layer.input
    returned = layer.backward(inputs[f"gradient_{size}"].copy(), float(inputs["learning_rate"]))
    after = numbers(layer.weights, what="self.weights")
    return returned, after - weights if after.shape == weights.shape else after


class WeightsMove(Statement):
    text = "The weights change by -learning_rate times their gradient, as central differences of your forward show."
    points = 2
    hint = (
        "A weight's gradient is its row's incoming gradient times its input, summed over the samples: use one np.dot."
    )

    def holds(self, inputs: Inputs, Dense: Any) -> None:
        """Differentiate sum(gradient * forward(x)) with respect to W, numerically."""
        for size in SIZES:
            moved = _measure_step(Dense, inputs, size)[:, :-1]
            expected = -float(inputs["learning_rate"]) * _weights_slope(Dense, inputs, size)[:, :-1]
            if np.allclose(moved * inputs[f"input_{size}"].shape[1], expected, rtol=1e-3):
                what = "The step is divided by the batch size."
                raise Wrong(
                    what, hint="Leave out the division: the gradient that backward is given already contains 1/B."
                )
            what = "The weights did not change by -learning_rate times the gradient."
            expect_close(moved, expected, what=what, where=_at_weight, rtol=1e-3, atol=1e-3)

    def probes(self, inputs: Inputs, Dense: Any) -> Probes:
        """The change of the weights, without the bias."""
        return _both_routes(lambda size, route: backward(Dense, inputs, size, route)[1][:, :-1])


class BiasMoves(Statement):
    text = "The bias, the last column, changes by -learning_rate times the incoming gradient, summed over the samples."
    depends_on = (WeightsMove,)
    hint = "Use self.input with its last row of ones: the same np.dot then gives the gradient of the bias."

    def holds(self, inputs: Inputs, Dense: Any) -> None:
        """Compare with the sum."""
        expected = -float(inputs["learning_rate"]) * inputs["gradient_batch"].sum(axis=1)
        what = "The bias did not change by -learning_rate times the summed gradient."
        found = _measure_step(Dense, inputs, "batch")[:, -1]
        expect_close(found, expected, what=what, where=lambda at: f"the bias of class {at[0]}")

    def probes(self, inputs: Inputs, Dense: Any) -> Probes:
        """The change of the bias."""
        return _both_routes(lambda size, route: backward(Dense, inputs, size, route)[1][:, -1])


class InputGradient(Statement):
    text = "backward returns the gradient of the input, (features, batch), with the weights from before the update."
    hint = "Leave out the last column of the weights, the bias. Compute this gradient before the weights change."

    def holds(self, inputs: Inputs, Dense: Any) -> None:
        """Differentiate sum(gradient * forward(x)) with respect to x, numerically."""
        x, gradient, weights = inputs["input_batch"], inputs["gradient_batch"], inputs["weights_batch"]
        found = numbers(backward(Dense, inputs, "batch")[0], x.shape, what="The result of backward")
        slopes = central_difference(lambda near: float((gradient * _forward(Dense, weights, near)).sum()), x)
        what = "The returned gradient differs from central differences of your own forward."
        expect_close(found, slopes, what=what, where=_at_feature, rtol=1e-3, atol=1e-3)

    def probes(self, inputs: Inputs, Dense: Any) -> Probes:
        """The returned gradient."""
        return _both_routes(lambda size, route: backward(Dense, inputs, size, route)[0])


def _both_routes(run: Callable[[str, str], object]) -> Probes:
    return {f"{route}/{size}": partial(run, size, route) for route in ("own", "given") for size in SIZES}


def _measure_step(Dense: Any, inputs: Inputs, size: str) -> Array:
    return numbers(backward(Dense, inputs, size)[1], inputs[f"weights_{size}"].shape, what="self.weights")


def _forward(Dense: Any, weights: Array, input_: Array) -> Array:
    layer = layer_with(Dense, weights)
    layer.forward(input_.copy())
    return numbers(getattr(layer, "output", None), (weights.shape[0], input_.shape[1]), what="self.output of forward")


def _weights_slope(Dense: Any, inputs: Inputs, size: str) -> Array:
    x, gradient = inputs[f"input_{size}"], inputs[f"gradient_{size}"]
    return central_difference(lambda w: float((gradient * _forward(Dense, w, x)).sum()), inputs[f"weights_{size}"])


def _at_weight(at: tuple[int, ...]) -> str:
    return f"the weight of class {at[0]}, feature {at[1]}"


def _at_feature(at: tuple[int, ...]) -> str:
    return f"feature {at[0]}, sample {at[1]}"


dense_backward = Part(
    "check-dense-backward", "Dense, backward", ("Dense",), (WeightsMove(), BiasMoves(), InputGradient()), draw
)
