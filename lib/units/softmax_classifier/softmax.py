"""The softmax layer: forward, forward for large scores, and backward."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import Wrong, are_near, compare, numbers, require_shape
from lib.checking.right import anything, by_name, slopes
from lib.checking.spies import fits, is_like, kept_output, prepare
from lib.unit import Array, Inputs, NamedResults, Part, statement
from lib.units.softmax_classifier.inputs import MANY, SIZES, probabilities, scores

RATE = 0.1
"""Softmax has no weights. Its backward may get a learning rate, as in a network, and must not use it."""
ROUNDED = 3e-4
"""The tolerance of a sum of 1: for five probabilities that are rounded to four digits, another statement fails."""
ADDED = {
    "up": "scores near 1000",
    "down": "scores near -1000",
    "far": "scores near a million",
    "apart": "samples with scores of very different sizes",
    "above": "samples with one score far above the others",
    "below": "samples with one score far below the others",
    "deep": "samples with one score very far below the others",
}
"""A description of the large scores in each case."""
CASES = (*SIZES, "again")
"""The case `again` is the batch once more, in a layer that has already processed many other batches."""
CLASS_AND_SAMPLE = ("class", "sample")
FROM_THIS_CALL = "Compute the output from the scores of this call only."
OWN_OUTPUT = "Each layer keeps its own output."
"""What is wrong in place of a statement's text."""


# ---- Forward


def draw_scores(rng: np.random.Generator) -> Inputs:
    """Draw scores in each of `SIZES`, and integers."""
    inputs = {f"scores_{size}": scores(rng, *shape) for size, shape in SIZES.items()}
    # Three and one positive scores in the first two samples: clipped scores still give different outputs.
    columns = [rng.permutation(some)[:4] for some in ([-1, 1, 2, 3], [-3, -2, -1, 1], *[[-3, -2, -1, 1, 2, 3]] * 4)]
    return {**inputs, "scores_again": inputs["scores_batch"], "whole": np.stack(columns, axis=1)}


def output_of(layer: Any, z: Array) -> Array:
    """Run a layer's forward, and return self.output. The right shape is (classes, batch)."""
    layer.forward(z)
    return kept_output(layer)


def sums(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
    """Each column sums to 1, and all entries are positive."""
    hint = "Give self.output the shape of the scores: classes in rows, samples in columns."
    require_shape(found, inputs["scores"].shape, what="self.output has the wrong shape.", hint=hint)
    if inputs["case"] == "batch" and np.allclose(found.sum(axis=1), 1):
        what, hint = "The rows sum to 1, not the columns.", "Samples are columns: sum over the classes of each."
        raise Wrong(what, found=found.sum(axis=0), expected="ones", hint=hint)
    if (found <= 0).any():
        what, hint = "An entry is not above 0.", "Compare it with the exponential of its score, which is positive."
        raise Wrong(what, found=float(found.min()), expected="a number above 0", hint=hint)
    totals = found.sum(axis=0)
    totals = np.where(are_near(totals, np.ones(1), rtol=ROUNDED), 1.0, totals)
    return _check_again(totals, np.ones(len(totals)), inputs, FROM_THIS_CALL)


def ratios(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
    """The differences of log-probabilities from those of class 0 are the differences of the scores."""
    z, logs = inputs["scores"], np.log(found)
    return _check_again(logs - logs[:1], z - z[:1], inputs, FROM_THIS_CALL) if found.shape == z.shape else (found, z)


def are_alike(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Two outputs agree, and depend on the scores. Another statement reports a mistake in both."""
    integers, floats, other, given = found
    _require_dependence(floats, other, given, inputs["whole"])
    return integers, floats


@statement(
    "Scores that are integers give the same output as the same numbers as floats.",
    are_alike,
    hint="Print the dtype of each array in forward, for integer scores. Which of them can't hold 0.3?",
    depends_on=("ColumnsSumToOne",),
    what="Integers and floats of the same value give different outputs.",
    axes=CLASS_AND_SAMPLE,
)
def WholeNumbers(inputs: Inputs, Softmax: Any) -> list[Array]:
    """Return the outputs for integers, for equal floats, and for floats in another order, and the scores."""
    z = inputs["whole"]
    return [*(output_of(Softmax(), each) for each in (z.copy(), z.astype(float), z[::-1].astype(float))), z]


def _check_again(
    found: Array, expected: Array, inputs: Inputs, hint: str, size: float = 1, more: str = ""
) -> tuple[Array, Array]:
    """Raise `Wrong` in the case `again`, which has the same numbers as a first pass that was right."""
    if inputs["case"] == "again" and not are_near(found, expected, atol=1e-6 * size).all():
        raise Wrong(f"The second pass of the same layer is wrong.{more}", hint=hint)
    return found, expected


def _require_dependence(output: Array, other: Array, given: Array, z: Array) -> None:
    """Raise `Wrong` if other scores have the same output, or if the output or the scores used are not as expected."""
    if np.array_equal(output, other) or np.array_equal(output, z) or not np.array_equal(given, z):
        hint = "Compare self.output for two different columns of scores."
        raise Wrong("The output does not depend on the scores.", hint=hint)


@statement(
    "Every column of the output sums to 1, and every entry is above 0.",
    sums,
    name="ColumnsSumToOne",
    hint="Print the exponentials, and the number by which each is divided.",
    of=("output",),
    cases=("batch", "one", "square", "again"),
    what="A column does not sum to 1.",
    axes=("sample",),
)
@statement(
    "In each column, log-probabilities differ as the scores do: log a_k - log a_m = z_k - z_m."
    " forward returns the output.",
    by_name(output=ratios, fits=anything),
    name="RatiosFollowScores",
    hint="Take one column with two scores, and compute each step of your code by hand.",
    of=("output", "fits"),
    cases=CASES,
    keeps=("scores", SEED),
    depends_on=("ColumnsSumToOne",),
    what="log a_k - log a_0 is not z_k - z_0.",
    axes=CLASS_AND_SAMPLE,
)
def forward(inputs: Any, Softmax: Any) -> NamedResults:
    """Run a layer's forward, after another layer's or after many of its own, which get the same array."""
    layer, is_again, z = Softmax(), inputs["case"] == "again", inputs["scores"]
    other = layer if is_again else Softmax()
    z[:] = -z[::-1]  # with other sums and maxima
    other.forward(z.copy())  # another array, which code may keep
    for _ in range(MANY if is_again else 0):
        other.forward(z)
    before = None if is_again else getattr(other, "output", None)
    if before is not None:
        before = numbers(before, what="self.output").copy()
    z[:] = inputs["scores"]
    returned = layer.forward(z)

    def is_returned() -> float:
        if before is not None and not is_like(other.output, before):
            hint = "Store the output in the object, self.output, not in the class or in a global array."
            raise Wrong("The output of one layer changes when another layer runs.", hint=hint, heading=OWN_OUTPUT)
        return fits(layer, returned)

    return NamedResults(output=lambda: kept_output(layer), fits=is_returned)


of_softmax = partial(Part, subjects=("Softmax",), code="Softmax.forward", repeated=True)
softmax_forward = of_softmax(
    "check-softmax-forward",
    "Softmax, forward",
    draw=draw_scores,
    statements=(forward, WholeNumbers),
)


# ---- Large scores


def draw_large(rng: np.random.Generator) -> Inputs:
    """Draw scores in sixteenths, which are exact in float32 even after adding a million, and the numbers to add.

    In the case `apart`, each sample gets a number of another size. In the last three cases, only one class of each
    sample gets a number, so that its scores are far apart. The largest spread without an overflow shows which number
    the code subtracts.
    """
    classes, batch = SIZES["square"]
    # Odd sixteenths: neither a score nor a sum of five is 0. The largest score of each sample is positive.
    z = np.round(8 * scores(rng, classes, batch)) / 8 + 33 / 16
    z[0] -= 3  # so that the rows have different largest scores
    alike = {"up": 1000.0, "down": -1000.0, "far": 1e6}
    added = {case: np.full(z.shape, number) for case, number in alike.items()}
    added["apart"] = np.tile(rng.permutation([-1e6, -1000.0, 0.0, 1000.0, 1e6]), (classes, 1))
    one_each = np.eye(classes)[:, rng.permutation(batch)]
    added |= {"above": 1000 * one_each, "below": -1000 * one_each, "deep": -5000 * one_each}
    return {"scores": z, **{f"added_{case}": each for case, each in added.items()}}


def withstands(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Adding a number to all scores of a sample changes nothing, for any formula, and nothing overflows.

    If one class is far from the others, only outputs of softmax are tested: a class with a far lower score has the
    probability 0, and the others keep their ratios.
    """
    (small, large, other, given), z, added, where = found, inputs["scores"], inputs[f"added_{name}"], ADDED[name]
    _require_dependence(small, other, given, z)
    expected, what = small, "The output differs from that of small scores with the same differences."
    if np.ptp(added, axis=0).any():
        if not _is_softmax(small, z):
            return small, small
        left = np.where(added == added.max(axis=0), small, 0)
        expected, what = left / left.sum(axis=0), "The output is wrong for a score that is far from the others."
    if not (np.isfinite(small).all() and np.isfinite(large).all()):
        raise Wrong("The output overflows.", where=where, found="nan or inf", expected="probabilities")
    compare(large, expected, what=what, path=where, axes=CLASS_AND_SAMPLE)
    return found, found


def _is_softmax(output: Array, z: Array) -> bool:
    """True if an output is the softmax of these scores, within rounding."""
    if output.shape != z.shape or not (output > 0).all():
        return False
    totals, logs = output.sum(axis=0), np.log(output)
    return bool((abs(totals - 1) < 1e-4).all() and are_near(logs - logs[0], z - z[0], atol=1e-3).all())


@statement(
    "Adding a large number to all scores of a sample does not change the output, and nothing overflows.",
    withstands,
    hint="Print np.exp([1000, 1001]). Which two numbers have the same difference, but small exponentials?",
    of=tuple(ADDED),
    hint_also_for=("nan",),
)
def LargeScores(inputs: Inputs, Softmax: Any) -> NamedResults:
    """Return the outputs for the scores, with numbers added, and in another order, and the scores."""
    z, layer = inputs["scores"], Softmax()
    small, other = output_of(layer, z.copy()), output_of(Softmax(), z[::-1].copy())

    def with_added(case: str) -> list[Array]:
        # The same layer must not keep a shift. If it keeps an output, that is right here, and another part reports it.
        added = inputs[f"added_{case}"]
        return [small, output_of(Softmax() if np.ptp(added, axis=0).any() else layer, z + added), other, z]

    return NamedResults({case: partial(with_added, case) for case in ADDED})


softmax_stable = of_softmax(
    "check-softmax-stable", "Softmax for large scores", draw=draw_large, statements=(LargeScores,)
)


# ---- Backward


def draw_gradients(rng: np.random.Generator) -> Inputs:
    """Draw incoming gradients, outputs, and the inputs of these outputs.

    Gradients in the hundreds (in one batch) and thousands (in the large one) reveal a clipped or normalised gradient.
    Those of the single sample are near 1, and those of the square batch in thousandths, which reveals rounding. In the
    large batch, one output is near 0, and another one near 1.
    """
    inputs: dict[str, Array] = {}
    for size, (classes, batch) in SIZES.items():
        low, high = rng.uniform(200, 400, size=(2, 1, batch)) * [[[-1]], [[1]]]
        rest = rng.uniform(-100, 100, size=(classes - 2, batch))
        scale = {"one": 500, "square": 2e5, "large": 0.1}.get(size, 1)
        inputs[f"gradient_{size}"] = rng.permuted(np.vstack([low, high, rest]), axis=0) / scale
        spread = 0.5 if size == "one" else 1
        output = spread * probabilities(rng, classes, batch) + (1 - spread) / classes
        small = 2e-5 if size == "large" else 0.004  # reveals clipping
        output[:, 0] = rng.permutation(np.append(small, (1 - small) * output[1:, 0] / output[1:, 0].sum()))
        if size == "large":
            output[:, 1] = rng.permutation(np.append(0.9995, 0.0005 * output[1:, 1] / output[1:, 1].sum()))
        inputs[f"output_{size}"] = output
        inputs[f"input_{size}"] = np.log(output) + rng.uniform(1.5, 3, size=(1, batch))  # of both signs
        if size == "square":  # reveals softmax without a shift, or with one for the whole batch
            inputs[f"input_{size}"] += rng.permutation([-2000.0, -1000, 0, 1000, 2000])
    return {**inputs, **{f"{each}_again": inputs[f"{each}_batch"] for each in ("gradient", "output", "input")}}


def _call_backward(layer: Any, gradient: Array, *rate: float) -> Any:
    """Call backward as in the notebook's loop, or with a rate as a network does, if its parameters allow it."""
    try:
        return layer.backward(gradient, *rate)
    except TypeError as error:
        if not re.search(r"backward\(\) (missing 1 required|takes 2) positional argument", str(error)):
            raise
    return layer.backward(gradient, *(() if rate else (RATE,)))


def _gradient_times_softmax(z: Array, inputs: Inputs) -> Any:
    # (batch,). The probabilities at z follow from those at the input, because log-probabilities differ as scores do.
    moved = inputs["output"] * np.exp(z - inputs["input"])
    return (inputs["gradient"] * moved).sum(axis=-2) / moved.sum(axis=-2)


central_differences = slopes(_gradient_times_softmax, "input", step=0.003, by_column=True)


def products(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
    """It agrees with central differences of softmax at the known output."""
    what = "The result does not have the shape of the incoming gradient."
    hint = "Print the shapes of T and of the result, for one sample and for two: which axis counts the samples?"
    require_shape(found, inputs["gradient"].shape, what=what, hint=hint)
    more = " It gets a learning rate, if backward takes one."
    hint = "Use only the output and the gradient of this pass, and no learning rate."
    return _check_again(*central_differences(found, inputs, name), inputs, hint, _size(inputs), more)


def sums_to_zero(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
    """Each column sums to 0."""
    return found.sum(axis=0), np.zeros(inputs["gradient"].shape[1])


def _size(inputs: Inputs) -> float:
    return float(np.abs(inputs["gradient"]).max())


of_backward = partial(
    statement,
    of=("returned",),
    what="The result differs from central differences of softmax.",
    axes=CLASS_AND_SAMPLE,
    size=_size,
)


@of_backward(
    "For one sample, the result of backward agrees with central differences of softmax.",
    products,
    name="OneSampleBack",
    hint="Write down the Jacobian of one sample with two classes, and compare it with T entry by entry.",
    cases=("one",),
)
@of_backward(
    "In a batch, each sample has its own Jacobian: every column agrees with central differences.",
    products,
    name="EachSampleItsOwn",
    hint="Run backward on one sample at a time, then on two together, and compare the columns.",
    cases=("batch", "square", "large", "again"),
    keeps=("gradient", "input", "output", SEED),
    depends_on=("OneSampleBack",),
)
@of_backward(
    "Every column of the result sums to 0, because adding one number to all scores of a sample changes nothing.",
    sums_to_zero,
    name="ColumnsSumToZero",
    hint="Check the off-diagonal entries of the Jacobian: each of its rows must sum to 0.",
    cases=("batch",),
    depends_on=("OneSampleBack",),
    what="A column does not sum to 0.",
    axes=("sample",),
    size=1e4,  # the entries are in the hundreds, and a sum near 0 is rounded
)
def backward(inputs: Any, Softmax: Any) -> NamedResults:
    """Run backward after another layer's, or after many of its own; return its result.

    Its right shape is (classes, batch).
    """
    layer, is_again, gradient = Softmax(), inputs["case"] == "again", inputs["gradient"]
    other = layer if is_again else Softmax()
    own, others = ([inputs[name][::step] for name in ("input", "output")] for step in (1, -1))
    given = prepare(other, others[0], *others)
    if not is_again:  # this layer last: an output that all layers share is its own
        given = prepare(layer, own[0], *own)
    gradient[:] = gradient[::-1].copy()
    _call_backward(other, gradient.copy())  # another array, which code may keep
    for _ in range(MANY if is_again else 0):
        _call_backward(other, gradient)
    gradient[:] = inputs["gradient"]
    if is_again:
        given = prepare(layer, own[0], *own)
    inputs.watch("input", given)
    inputs.watch("output", layer.output)
    returned = _call_backward(layer, gradient, *([RATE] if is_again else []))
    return NamedResults(returned=numbers(returned, what="The result of backward"))


softmax_backward = of_softmax(
    "check-softmax-backward", "Softmax, backward", draw=draw_gradients, statements=(backward,), code="Softmax.backward"
)
