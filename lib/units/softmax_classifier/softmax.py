"""Statements about the softmax layer: forward, for large scores, and backward."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong, at_class_and_sample, central_difference_by_column, expect_close, numbers
from lib.unit import Array, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.inputs import SIZES, probabilities, scores


def draw_scores(rng: np.random.Generator) -> Inputs:
    """Draw scores in each of `SIZES`, and whole-number ones."""
    inputs = {f"scores_{size}": scores(rng, *shape) for size, shape in SIZES.items()}
    return inputs | {"scores_whole": rng.integers(-3, 4, size=(4, 6)).astype(float)}


def draw_large(rng: np.random.Generator) -> Inputs:
    """Draw scores in halves, which float32 holds exactly even a million away, and shifts of very different sizes."""
    classes, batch = SIZES["square"]
    shifts = {f"shift_{far:g}": np.full(batch, far) for far in (1000.0, -1000.0, 1e6)}
    apart = rng.permutation([-1e6, -1000.0, 0.0, 1000.0, 1e6])
    return {"scores": np.round(2 * scores(rng, classes, batch)) / 2, **shifts, "shift_apart": apart}


def draw_gradients(rng: np.random.Generator) -> Inputs:
    """Draw scores and incoming gradients, and a separate output with the input that belongs to it."""
    inputs = {}
    for size, shape in SIZES.items():
        inputs[f"scores_{size}"] = scores(rng, *shape)
        inputs[f"gradient_{size}"] = rng.normal(size=shape)
        inputs[f"output_{size}"] = probabilities(rng, *shape)
        inputs[f"input_{size}"] = np.log(inputs[f"output_{size}"]) + rng.normal(size=(1, shape[1]))
    return inputs


def output_of(Softmax: Any, z: Array) -> Array:
    """Run the student's forward on a copy of `z`; return the output that it set, which should be (classes, batch)."""
    layer = Softmax()
    layer.forward(z.copy())
    return numbers(getattr(layer, "output", None), what="self.output")


def forward(Softmax: Any, z: Array) -> Array:
    """Run the student's forward, as `output_of` does; raise `Wrong` for another shape than that of `z`."""
    return numbers(output_of(Softmax, z), z.shape, what="self.output")


def backward(Softmax: Any, inputs: Inputs, size: str, route: str = "own") -> Array:
    """Run the student's backward, right is (classes, batch).

    On the route `own` the student's own forward runs first; on `given` the attributes `input` and `output` are set, as
    if a right forward had run.
    """
    layer = Softmax()
    if route == "own":
        layer.forward(inputs[f"scores_{size}"].copy())
    else:
        layer.input, layer.output = inputs[f"input_{size}"].copy(), inputs[f"output_{size}"].copy()
    return numbers(layer.backward(inputs[f"gradient_{size}"].copy()), what="The result of backward")


class ColumnsSumToOne(Statement):
    text = "Every column of the output sums to 1, and no entry is below 0."
    hint = "Give self.output the shape of the scores: classes in rows, samples in columns."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Look at sums and signs, with B different from K and equal to it."""
        for size in ("batch", "one", "square"):
            z = inputs[f"scores_{size}"]
            output = forward(Softmax, z)
            if size == "batch" and np.allclose(output.sum(axis=1), 1):
                what, hint = "The rows sum to 1, not the columns.", "Sum over the classes, which is axis 0."
                raise Wrong(what, found=output.sum(axis=0), expected="ones", hint=hint)
            what, hint = "A column does not sum to 1.", "Divide each column by its own sum: the classes are axis 0."
            sums, where = output.sum(axis=0), lambda at: f"sample {at[0]}"
            expect_close(sums, np.ones(z.shape[1]), what=what, hint=hint, where=where)
            what, hint = "A probability is negative.", "Exponentiate the scores: that makes every entry positive."
            negative = np.minimum(output, 0)
            expect_close(negative, np.zeros(z.shape), what=what, hint=hint, where=at_class_and_sample)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The output itself."""
        return {size: partial(output_of, Softmax, inputs[f"scores_{size}"]) for size in SIZES}

    def compared_part(self, probe: str, output: Array, inputs: Inputs) -> Array:
        """The sums of the columns, and of their negative entries."""
        return np.stack([output.sum(axis=0), np.minimum(output, 0).sum(axis=0)])


class RatiosFollowScores(Statement):
    text = "In each column, log-probabilities differ as the scores do: log a_k - log a_m = z_k - z_m."
    depends_on = (ColumnsSumToOne,)
    hint = "Exponentiate each score once, then divide by the sum of its column."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Compare differences with those of class 0."""
        z = inputs["scores_batch"]
        logs = np.log(forward(Softmax, z))
        what = "log a_k - log a_0 is not z_k - z_0."
        expect_close(logs - logs[0], z - z[0], what=what, where=at_class_and_sample)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The output itself."""
        return {size: partial(output_of, Softmax, inputs[f"scores_{size}"]) for size in SIZES}


class WholeNumbers(Statement):
    text = "Scores that are integers give the same output as the same numbers as floats."
    depends_on = (ColumnsSumToOne,)
    hint = "Use an array of floats: np.zeros_like of integer scores makes integers, which can't hold 0.3."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Compare an integer array with the float array of the same values."""
        z = inputs["scores_whole"]
        what = "Integers and floats of the same value give different outputs."
        found = forward(Softmax, z.astype(int))
        expect_close(found, forward(Softmax, z), what=what, where=at_class_and_sample)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The output for integers."""
        return {"whole": partial(output_of, Softmax, inputs["scores_whole"].astype(int))}


class LargeScores(Statement):
    text = "Adding a large number to all scores of a sample does not change the output, and nothing overflows."
    hint = "Subtract each column's own largest score before the exponential: the probabilities stay the same."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Shift all scores by a large number, first the same for all samples, then another for each."""
        z = inputs["scores"]
        near = forward(Softmax, z)
        for shift in _shifts(inputs):
            moved = forward(Softmax, z + shift)
            far = f"scores near {shift[0]:g}" if np.ptp(shift) == 0 else "samples with scores of very different sizes"
            if not np.isfinite(moved).all():
                expected = "the same probabilities as without the shift"
                raise Wrong("The output overflows.", where=far, found="nan or inf", expected=expected)
            what = "The output changes when a number is added to all scores of a sample."
            expect_close(moved, near, what=what, where=partial(_at, far))

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The output without each shift and with it."""
        return {
            str(i): partial(_with_and_without_shift, Softmax, inputs["scores"], shift)
            for i, shift in enumerate(_shifts(inputs))
        }

    def compared_part(self, probe: str, outputs: Array, inputs: Inputs) -> Array:
        """The change of the output, and whether the output depends on the scores.

        A mistake that belongs to the forward part costs no points here, not even a wrong axis.
        """
        (near, moved), z = outputs, inputs["scores"]
        follows = _follows(near, z) or _follows(near.T, z) or _is_scaled_exponential(near, z)
        return np.append(moved - near, follows)


class OneSampleBack(Statement):
    text = "For one sample, the result of backward agrees with central differences of your forward."
    hint = "Multiply the incoming gradient by the Jacobian: a_k (1 - a_k) on its diagonal, -a_k a_m elsewhere."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Differentiate sum(gradient * forward(z)) numerically."""
        _agrees_with_central_differences(Softmax, inputs, "one")

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The result for one sample, after the student's own forward and with the attributes given."""
        return {f"{route}/one": partial(backward, Softmax, inputs, "one", route) for route in ("own", "given")}


class EachSampleItsOwn(Statement):
    text = "In a batch, each sample has its own Jacobian: every column agrees with central differences."
    depends_on = (OneSampleBack,)
    hint = "Keep the sample's index in every term of the einsum, also on the right of the arrow."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Differentiate numerically with B different from K and equal to it."""
        for size in ("batch", "square"):
            _agrees_with_central_differences(Softmax, inputs, size)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The result for the batches."""
        pairs = [(route, size) for route in ("own", "given") for size in ("batch", "square")]
        return {f"{route}/{size}": partial(backward, Softmax, inputs, size, route) for route, size in pairs}


class ColumnsSumToZero(Statement):
    text = "Every column of the result sums to 0, because adding one number to all scores of a sample changes nothing."
    depends_on = (OneSampleBack,)
    hint = "Check the off-diagonal entries of the Jacobian: each of its rows must sum to 0."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Look at the sums."""
        sums = backward(Softmax, inputs, "batch").sum(axis=0)
        expect_close(sums, np.zeros_like(sums), what="A column does not sum to 0.", where=lambda at: f"sample {at[0]}")

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        """The sums for the batch."""
        return {f"{route}/sums": partial(_sums_of_backward, Softmax, inputs, route) for route in ("own", "given")}


def _follows(output: Array, scores: Array) -> bool:
    """Tell whether, of any two classes of a sample, the one with the larger score has the larger output, or none has.

    So it is with any function of a score divided by something of its sample's; with the smaller output throughout, too.
    """
    if output.shape != scores.shape:
        return False
    one, other = np.triu_indices(len(scores), 1)
    gaps = (output[one] - output[other]) * np.sign(scores[one] - scores[other])
    clear = np.abs(gaps) > 1e-3 * np.maximum(np.abs(output[one]), np.abs(output[other]))
    return bool(clear.any() and len(set(np.sign(gaps[clear]))) == 1)


def _is_scaled_exponential(output: Array, scores: Array) -> bool:
    """Tell whether the output is exp(scores) with rows and columns divided by any factors."""
    if output.shape != scores.shape or not (output > 0).all():
        return False
    factors = np.log(output) - scores
    return np.allclose(factors - factors[:1] - factors[:, :1] + factors[0, 0], 0, atol=1e-3)


def _shifts(inputs: Inputs) -> list[Array]:
    return [shift for name, shift in inputs.items() if name.startswith("shift")]


def _with_and_without_shift(Softmax: Any, z: Array, shift: Array) -> Array:
    return np.stack([output_of(Softmax, z), output_of(Softmax, z + shift)])


def _at(text: str, at: tuple[int, ...]) -> str:
    return f"{text}, {at_class_and_sample(at)}"


def _sums_of_backward(Softmax: Any, inputs: Inputs, route: str) -> Any:
    return backward(Softmax, inputs, "batch", route).sum(axis=0)


def _agrees_with_central_differences(Softmax: Any, inputs: Inputs, size: str) -> None:
    z, gradient = inputs[f"scores_{size}"], inputs[f"gradient_{size}"]
    slopes = central_difference_by_column(lambda near: (gradient * forward(Softmax, near)).sum(axis=0), z)
    what = "The result differs from central differences of your own forward."
    expect_close(backward(Softmax, inputs, size), slopes, what=what, where=at_class_and_sample, rtol=1e-3, atol=1e-3)


softmax_forward = Part(
    "check-softmax-forward",
    "Softmax, forward",
    ("Softmax",),
    (ColumnsSumToOne(), RatiosFollowScores(), WholeNumbers()),
    draw_scores,
)
softmax_stable = Part("check-softmax-stable", "Softmax for large scores", ("Softmax",), (LargeScores(),), draw_large)
softmax_backward = Part(
    "check-softmax-backward",
    "Softmax, backward",
    ("Softmax",),
    (OneSampleBack(), EachSampleItsOwn(), ColumnsSumToZero()),
    draw_gradients,
    (softmax_forward,),
)
