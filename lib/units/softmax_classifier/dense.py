"""The dense layer's backward: the update of weights and bias, and the returned gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import numbers
from lib.checking.right import central_difference_by_column, expected, slopes
from lib.checking.spies import prepare
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, statement
from lib.units.softmax_classifier.inputs import MANY

SIZES = {"batch": (4, 3, 6), "square": (3, 4, 4), "large": (9, 11, 104), "again": (4, 3, 1)}
"""(features, classes, batch). In `square`, features + 1 = classes = batch, so that a wrong transpose raises no error.

The case `again` is a late step of a layer of the size `batch`, with its first weights and a single sample.
"""
SCALES = {"batch": 30, "square": 0.03, "large": 300, "again": 30}
RATES = {"batch": (0.003, 0.007), "square": (0.3, 0.6), "large": (1.5, 3), "again": (0.7, 1)}


def draw(rng: np.random.Generator) -> Inputs:
    """Draw weights, an input, an incoming gradient, and a learning rate, for each size.

    Gradients in the tens (in one batch) and hundreds (in the large one) reveal a clipped or normalised step in every
    draw. Gradients in the hundredths reveal weight decay. The single sample has features in the tens.
    """
    inputs: dict[str, Array] = {}
    for size, (features, classes, batch) in SIZES.items():
        inputs[f"learning_rate_{size}"] = np.array(rng.uniform(*RATES[size]))
        inputs[f"weights_{size}"] = rng.normal(size=(classes, features + 1))
        inputs[f"input_{size}"] = rng.normal(scale=30 if batch == 1 else 1, size=(features, batch))
        inputs[f"gradient_{size}"] = rng.normal(scale=SCALES[size], size=(classes, batch))
        inputs[f"gradient_{size}"][0, 0] /= 10
    return {**inputs, "weights_again": inputs["weights_batch"]}


def _prepare(layer: Any, weights: Array, x: Array, is_again: bool = False) -> Array:
    if is_again and np.shape(layer.weights) == weights.shape:
        np.copyto(layer.weights, weights)  # in place, so that the layer can't tell by the object
    else:
        layer.weights = weights.copy()
    with_ones = np.vstack([x, np.ones((1, x.shape[1]))])
    return prepare(layer, x, with_ones, weights @ with_ones)


def _scores(inputs: Inputs, weights: Array, x: Array) -> Array:
    # Gradient times scores, (classes, batch). The slopes of their sums are the results of backward.
    return np.asarray(inputs["gradient"] * (weights[..., :-1] @ x + weights[..., -1:]))


def _moves(pick: Callable[[Array], Array]) -> FoundAndExpected:
    """It is -learning_rate times the gradient of the weights, in the columns that `pick` returns."""

    def moved(inputs: Inputs) -> Array:
        def by_class(columns: Array) -> Array:
            return np.asarray(_scores(inputs, columns.swapaxes(-1, -2), inputs["input"]).sum(axis=-1))

        # A class's weights change only its own scores, so all classes can be differentiated at once.
        return -float(inputs["learning_rate"]) * central_difference_by_column(by_class, inputs["weights"].T, step=0.5).T

    return expected(moved, pick)


def _size(inputs: Inputs) -> float:
    # float32 rounds both the incoming gradient and the weights.
    return float(max(4 * np.abs(inputs["gradient"]).max(), np.abs(inputs["weights"]).max()))


in_each_size = partial(statement, cases=tuple(SIZES), size=_size)


@in_each_size(
    "The weights change by -learning_rate times their gradient, which agrees with central differences of forward.",
    _moves(lambda moved: moved[:, :-1]),
    name="WeightsMove",
    hint="For one sample, compute the change of one weight by hand. Then add a second sample.",
    points=2,
    of=("moved",),
    what="The weights did not change by -learning_rate times the gradient.",
    axes=("class", "feature"),
)
@in_each_size(
    "The bias, the last column, changes by -learning_rate times the incoming gradient, summed over the samples.",
    _moves(lambda moved: moved[:, -1]),
    name="BiasMoves",
    hint="The bias is a weight, and its input is always 1. Where is this 1 in self.input?",
    of=("moved",),
    depends_on=("WeightsMove",),
    what="The bias did not change by -learning_rate times the summed gradient.",
    axes=("class",),
)
@in_each_size(
    "backward returns the gradient of the input, (features, batch), with the weights from before the update.",
    slopes(lambda x, inputs: _scores(inputs, inputs["weights"], x).sum(axis=-2), "input", step=0.5, by_column=True),
    name="InputGradient",
    hint="Leave out the last column of the weights, the bias. Compute this gradient before the weights change.",
    of=("returned",),
    keeps=("gradient", "input", SEED),
    what="The returned gradient differs from central differences of forward.",
    axes=("feature", "sample"),
    size=lambda inputs: float(np.abs(inputs["gradient"]).max()),
)
def backward(inputs: Any, Dense: Any) -> NamedResults:
    """Run backward of the student's layer; return its result and the change of the weights.

    Before that, another layer takes a step of the same size, or in the case `again` this layer takes many.
    """
    weights, gradient, is_again = inputs["weights"], inputs["gradient"], inputs["case"] == "again"
    sizes = weights.shape[1] - 1, len(weights)
    layer = Dense(*sizes)
    other, before = (layer, "_batch") if is_again else (Dense(*sizes), "")
    given = _prepare(layer, weights, inputs["input"])
    _prepare(other, -weights, inputs[f"input{before}"][:, ::-1])
    others = inputs[f"gradient{before}"][::-1].copy()
    for rate in islice(cycle((0.5, 0.01, 2.0)), MANY if is_again else 1):  # not the tested rate
        other.backward(others, rate)
    if is_again:  # the last step before has an equal gradient
        _prepare(layer, -weights, -inputs["input"])
        layer.backward(gradient.copy(), 0.01)
        given = _prepare(layer, weights, inputs["input"], is_again)
    inputs.watch("input", given)
    inputs.watch("input", layer.output, "self.output")
    returned = layer.backward(gradient, float(inputs["learning_rate"]))
    after = numbers(layer.weights, what="self.weights")
    moved = after - weights if after.shape == weights.shape else after
    return NamedResults(moved=moved, returned=lambda: numbers(returned, what="The result of backward"))


dense_backward = Part(
    "check-dense-backward", "Dense, backward", ("Dense",), draw, (backward,), code="Dense.backward", repeated=True
)
