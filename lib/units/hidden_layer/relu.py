"""The ReLU layer: what is positive passes, forward and backward."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from lib.checking.layers import is_like, kept_output
from lib.checking.results import Plain, compare
from lib.checking.right import anything, by_name
from lib.checking.values import Wrong, numbers
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, statement

SIZES = {"batch": (4, 7), "square": (5, 5), "one": (6, 1)}
"""(units, batch) of the drawn inputs: all different, once equal, where a wrong axis runs, and once a single sample."""
LARGER = {"batch": (1, 1), "square": (1000, 12), "one": (1, 1)}
"""How many times larger inputs and gradients are: an output that is cut off at 1000 shows, and a clipped gradient."""
RATES = (0.1, 3.0)
"""The learning rates of passes, in turn. ReLU has no use for them: one that comes in shows."""
NEAR_0 = 0.002
"""How large the last unit's inputs and gradients are next to the others': a mask that begins above 0 shows."""
CASES = (*SIZES, "again")
"""`again` is the batch with its samples in another order, after other batches have passed through the same layer."""
BACKWARD_CASES = (*CASES, "beside")
"""`beside` is the batch once more; another layer is run between this one's forward and backward, as in a network."""
AXES = ("unit", "sample")
LATER = {
    "again": (
        "The first pass through a layer is right, and a later one is wrong.",
        "Use the input of this pass only. What does the layer still hold from the one before?",
    ),
    "beside": (
        "backward is wrong once another ReLU layer has been run in between.",
        "Keep what backward needs in self, under a name of its own: each layer has its own input.",
    ),
}
"""What is wrong, and what to try, where the batch alone is right."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw inputs and incoming gradients in each of `SIZES`, and those that pass through a layer before `again`.

    In every row and every column of the inputs there are entries of either sign, and in every row but the last one some
    below 1 and above 6: an output that is cut off shows. The gradient's sign is another one than the input's in about
    half of the entries: a mask that is made of the wrong array shows in every draw. Rows and columns come in an order
    of each draw's own: so does the mask. Some batches have a sum above 0, and one below: a mask that is one number for
    all lets all pass, and once stops all.
    """
    inputs: dict[str, Any] = {}
    for sign, (size, (units, batch)) in zip((1, -1, 1), SIZES.items(), strict=True):
        signs = np.where((np.add.outer(np.arange(units), np.arange(batch)) + rng.integers(2)) % 2, 1, -1)
        others = np.where((np.arange(units)[:, None] + np.arange(batch) // 2 + rng.integers(2)) % 2, 1, -1)
        sizes = rng.uniform(0.3, 0.8, size=(units, batch)) * np.resize(rng.permutation([1, 4, 12]), (units, batch))
        rows = rng.permutation(units)
        rows = np.roll(rows, 1 - abs(rows[0] - rows[-1]) % 2)  # the signs of the first and of the last one differ
        order = np.ix_(rows, rng.permutation(batch))
        x, gradient = (signs * sizes)[order], (others * rng.uniform(0.5, 4, size=(units, batch)))[order]
        for each in (x, gradient):
            each[-1] *= NEAR_0
        inputs[f"input_{size}"] = sign * np.sign(x.sum()) * x * LARGER[size][0]
        inputs[f"gradient_{size}"] = gradient * LARGER[size][1]
    batch_and_gradient = [inputs[f"{name}_batch"] for name in ("input", "gradient")]
    *moved, again = ([np.roll(each, by, axis=1) for each in batch_and_gradient] for by in (1, 2, 3, 4, 5, 6, 1, 2, 3))
    inputs["before_again"] = [[inputs["input_square"], inputs["gradient_square"]], *moved]
    inputs["input_again"], inputs["gradient_again"] = again
    return {**inputs, **{f"{name}_beside": inputs[f"{name}_batch"] for name in ("input", "gradient")}}


def _passes(inputs: Inputs) -> list[tuple[Array, Array]]:
    """Return the inputs and gradients that pass through one layer; the last ones count."""
    return [*inputs.get("before", ()), (inputs["input"], inputs["gradient"])]


def _prepare(layer: Any, x: Array) -> None:
    """Run the layer's own forward. Where its output is not right, have it hold one that is positive in the same places.

    So a mistake in forward is not backward's. Of a right output and what is left of it above x, the smaller one is 0.
    """
    with suppress(Exception):  # what is wrong in forward is another part's matter
        layer.forward(x.copy())
    with suppress(Wrong):
        output = numbers(getattr(layer, "output", None), x.shape)
        if is_like(np.minimum(output, output - x), np.zeros(x.shape)):
            return
    layer.input, layer.output = x.copy(), 1 + np.sign(x)


def _where_input_is(sign: int, passed: str) -> FoundAndExpected:
    """Where the input has this sign, it is what passed if that is positive, and else 0."""

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
    hint="Take one positive number, such as 3: what should come out? Compare it with what your line gives.",
    of=("output",),
    what="A positive input came out changed.",
)
@of_forward(
    "Where the input is negative, the output is 0.",
    by_name(output=_where_input_is(-1, "input"), fits=anything),
    name="NegativesBecomeZero",
    hint="Take one negative number, such as -2: what should come out? Compare it with what your line gives.",
    of=("output", "fits"),
    keeps=("input",),
    what="A negative input did not become 0.",
)
@of_forward(
    "forward also returns its output: a network hands on what its layers return.",
    anything,
    name="ReturnsOutput",
    hint="End forward with return(self.output).",
    points=0,
    of=("returned",),
    depends_on=("PositivesPass", "NegativesBecomeZero"),
    lines="return|output",
)
def forward(inputs: Inputs, ReLU: Any) -> NamedResults:
    """Run the student's forward: the output that it kept, what it returned, and whether the two fit."""
    layer = ReLU()
    for x, _ in _passes(inputs):
        returned = layer.forward(x)

    def fits() -> float:
        if returned is not None and not is_like(returned, kept_output(layer)):
            hint = "Return self.output: a network hands on what its layers return."
            raise Wrong("forward returns something else than its output.", hint=hint)
        return 1.0

    return NamedResults(
        output=lambda: kept_output(layer), returned=lambda: numbers(returned, what="The result of forward"), fits=fits
    )


@of_backward(
    "Where the input was positive, backward returns the incoming gradient.",
    _where_input_is(1, "gradient"),
    name="GradientPasses",
    hint="Where a number passed forward, its slope is 1. By what is the incoming gradient multiplied there?",
    keeps=("gradient",),
    what="The gradient of a positive input came back changed.",
)
@of_backward(
    "Where the input was negative, backward returns 0.",
    _where_input_is(-1, "gradient"),
    name="GradientStops",
    hint="Where the output stays 0 whatever the input is, its slope is 0. Which array tells where that is?",
    points=2,
    what="The gradient of a negative input did not become 0.",
)
def backward(inputs: Inputs, ReLU: Any) -> Array:
    """Run the student's backward; return what it returned."""
    layer = ReLU()
    for number, (x, gradient) in enumerate(_passes(inputs)):
        _prepare(layer, x)
        if inputs["case"] == "beside":
            with suppress(Exception):  # what is wrong there shows in the layer that is looked at, too
                other = ReLU()
                other.forward(np.roll(x, 1, axis=1))
                other.backward(gradient.copy(), 0.1)
        returned = layer.backward(gradient, RATES[number % 2])
    return numbers(returned, what="The result of backward")


relu_forward = Part(
    "check-relu-forward", "ReLU, forward", ("ReLU",), draw, (forward,), code="ReLU.forward", repeated=True
)
relu_backward = Part(
    "check-relu-backward", "ReLU, backward", ("ReLU",), draw, (backward,), code="ReLU.backward", repeated=True
)
