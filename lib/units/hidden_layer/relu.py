"""The ReLU layer, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import Plain, compare, numbers
from lib.checking.right import anything, by_name
from lib.checking.spies import RETURNED, fits, kept_output, prepare, run_forward
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, statement

SIZES = {"batch": (4, 7), "square": (9, 9), "one": (17, 1)}
"""(units, batch) of the inputs: different numbers, equal ones (a wrong axis raises no error), and one sample."""
LARGER = {"batch": (1, 1), "square": (1000, 12), "one": (1, 1)}
"""Factors of inputs and gradients: large ones reveal an output cut off at 1000, and a clipped gradient."""
RATES = (0.1, 3.0)
"""The learning rates of the passes, in turn. They reveal a ReLU that uses the learning rate."""
NEAR_0 = 0.0002
"""The factor of the last unit's inputs and gradients. It reveals a mask with a threshold above 0."""
CASES = (*SIZES, "again")
"""`again` is the batch with its samples in another order, after other batches in the same layer."""
BACKWARD_CASES = (*CASES, "beside")
"""`beside` is the batch again, with a pass of another layer between forward and backward, as in a network."""
AXES = ("unit", "sample")
LATER = {
    "again": (
        "The first pass through a layer is right, and a later one is wrong.",
        "Use the input of this pass only: print what the layer still holds from the pass before.",
    ),
    "beside": (
        "backward is wrong after a pass of another ReLU layer.",
        "Store what backward needs in an attribute of self: each layer has its own input.",
    ),
}
"""For the cases after `batch`: what is wrong if only they fail, and a hint."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw inputs and incoming gradients in each of `SIZES`, and those of the passes before `again`.

    Every row and every column of the inputs has entries of both signs. Every row but the last has entries below 1 and
    above 6, which reveal an output that is cut off. About half of the gradients have the other sign than their inputs,
    which reveals a mask from the wrong array. The order of rows and columns is random. The sum is positive in some
    batches and negative in one, which reveals a mask that is one number for all entries.
    """
    inputs: dict[str, Any] = {}
    for sign, (size, (units, batch)) in zip((1, -1, 1), SIZES.items(), strict=True):
        signs = np.where((np.add.outer(np.arange(units), np.arange(batch)) + rng.integers(2)) % 2, 1, -1)
        others = np.where((np.arange(units)[:, None] + np.arange(batch) // 2 + rng.integers(2)) % 2, 1, -1)
        sizes = rng.uniform(0.3, 0.8, size=(units, batch)) * np.resize(rng.permutation([1, 4, 12]), (units, batch))
        rows = rng.permutation(units)
        rows = np.roll(rows, 1 - abs(rows[0] - rows[-1]) % 2)  # the first and the last row have other signs
        order = np.ix_(rows, rng.permutation(batch))
        x, gradient = (signs * sizes)[order], (others * rng.uniform(0.5, 4, size=(units, batch)))[order]
        for each in (x, gradient):
            each[-1] *= NEAR_0
        if size == "square":  # a sample without a positive input
            x[:, 0] = np.abs(x[:, 0]) * -sign * np.sign(x[:, 1:].sum())
        inputs[f"input_{size}"] = sign * np.sign(x.sum()) * x * LARGER[size][0]
        inputs[f"gradient_{size}"] = gradient * LARGER[size][1]
    batch_and_gradient = [inputs[f"{name}_batch"] for name in ("input", "gradient")]
    turns = (1, 4), (2, 1), (3, 3), (1, 2), (2, 2)  # equal gradients, and equal inputs, of different passes
    *moved, again = ([np.roll(each, n, axis=1) for each, n in zip(batch_and_gradient, by, strict=True)] for by in turns)
    moved.insert(2, [inputs["input_square"], inputs["gradient_square"]])  # the first pass has the tested shape
    inputs["before_again"] = moved
    inputs["input_again"], inputs["gradient_again"] = again
    return {**inputs, **{f"{name}_beside": inputs[f"{name}_batch"] for name in ("input", "gradient")}}


def _passes(inputs: Inputs) -> Iterator[tuple[Array, Array]]:
    """Yield input and gradient of each pass: in the same two arrays where the shapes allow it.

    So a result that code keeps for an array, and not for its numbers, is wrong.
    """
    tested = inputs["input"], inputs["gradient"]
    for drawn in inputs.get("before", ()):
        is_alike = drawn[0].shape == tested[0].shape
        for array, new in zip(tested, drawn, strict=True) if is_alike else ():
            array[:] = new
        yield tested if is_alike else drawn
    for array, name in zip(tested, ("input", "gradient"), strict=True):
        array[:] = inputs[name]
    yield tested


def _where_input_is(sign: int, passed: str) -> FoundAndExpected:
    """Where the input has this sign, the result is the input named `passed` for a positive sign, and 0 otherwise."""

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        is_chosen = np.sign(inputs["input"]) == sign
        expected = np.where(is_chosen & (sign > 0), inputs[passed], 0.0)
        if np.shape(found) == expected.shape:
            found = np.where(is_chosen, found, 0.0)
        if later := LATER.get(inputs["case"]):
            compare(found, expected, what=later[0], hint=later[1], axes=AXES)
        return found, expected

    return right


of_forward = partial(statement, cases=CASES, axes=AXES, lines="output")
of_backward = partial(statement, cases=BACKWARD_CASES, axes=AXES, lines="return")


@of_forward(
    "Where the input is positive, the output is the input.",
    _where_input_is(1, "input"),
    name="PositivesPass",
    hint="Take two positive numbers, such as 0.5 and 3. Compute their outputs by hand, and then by your code.",
    of=("output",),
    what="The output of a positive input is not the input.",
)
@of_forward(
    "Where the input is negative, the output is 0. forward returns the output.",
    by_name(output=_where_input_is(-1, "input"), fits=anything),
    name="NegativesBecomeZero",
    hint="Take one negative number, such as -2. Compute its output by hand, and compare it with your code's.",
    of=("output", "fits"),
    keeps=("input", SEED),
    what="The output of a negative input is not 0.",
)
def forward(inputs: Any, ReLU: Any) -> NamedResults:
    """Run the student's forward; return self.output, the result, and whether the two agree."""
    layer, returned = ReLU(), None
    for x, _ in _passes(inputs):
        returned = layer.forward(x)
    return NamedResults(
        output=lambda: kept_output(layer),
        fits=lambda: fits(layer, returned),
    )


@of_backward(
    "Where the input was positive, backward returns the incoming gradient.",
    _where_input_is(1, "gradient"),
    name="GradientPasses",
    hint="The slope of a positive input is 1. Multiply the incoming gradient by the slope.",
    keeps=("gradient", "input", SEED),
    what="The result for a positive input is not the incoming gradient.",
)
@of_backward(
    "Where the input was negative, backward returns 0.",
    _where_input_is(-1, "gradient"),
    name="GradientStops",
    hint="The slope of a negative input is 0. Which array shows where the input was negative?",
    points=2,
    what="The result for a negative input is not 0.",
)
def backward(inputs: Any, ReLU: Any) -> Array:
    """Run the student's backward, and return its result. A layer may use the arrays of an earlier pass again."""
    layer, returned, last = ReLU(), None, len(inputs.get("before", ()))
    for number, (x, gradient) in enumerate(_passes(inputs)):
        given = prepare(layer, x, x, (np.abs(x) + x) / 2)
        if number == last:
            inputs.watch("input", given)
            inputs.watch("input", layer.output, RETURNED)
        if inputs["case"] == "beside":
            with suppress(Exception):  # an error here also occurs in the tested layer
                run_forward(other := ReLU(), np.roll(x, 1, axis=1))
                other.backward(gradient.copy(), 0.1)
        returned = layer.backward(gradient, RATES[number % 2])
    return numbers(returned, what="The result of backward")


of_relu = partial(Part, subjects=("ReLU",), draw=draw, repeated=True)
relu_forward = of_relu("check-relu-forward", "ReLU, forward", statements=(forward,), code="ReLU.forward")
relu_backward = of_relu("check-relu-backward", "ReLU, backward", statements=(backward,), code="ReLU.backward")
