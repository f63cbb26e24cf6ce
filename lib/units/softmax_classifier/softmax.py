"""Statements about the softmax layer: forward, for large scores, and backward."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from lib.checking.routes import has_right_forward, hold_on_any, look_on_each, run_forward
from lib.checking.values import (
    Wrong,
    are_close,
    at_class_and_sample,
    central_difference_by_column,
    expect_close,
    numbers,
    require_shape,
)
from lib.unit import Array, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.errors import IN_CODE, IN_LAYERS, explain_errors
from lib.units.softmax_classifier.inputs import (
    SIZES,
    OfGradient,
    is_kept,
    kept_output,
    probabilities,
    scores,
    worked_example,
)

RATE = 0.1
"""The learning rate for a layer that asks for one; softmax has nothing to learn."""
ROUNDED = 3e-4
"""How far from 1 a sum may be: five probabilities that are rounded to four digits are wrong in another statement."""


def draw_scores(rng: np.random.Generator) -> Inputs:
    """Draw scores in each of `SIZES`, and integers."""
    inputs = {f"scores_{size}": scores(rng, *shape) for size, shape in SIZES.items()}
    # The first two samples have three positive scores and one: scores that are clipped still give several outputs.
    columns = [rng.permutation(some)[:4] for some in ([-1, 1, 2, 3], [-3, -2, -1, 1], *[[-3, -2, -1, 1, 2, 3]] * 4)]
    return inputs | {"scores_whole": np.stack(columns, axis=1)}


def draw_large(rng: np.random.Generator) -> Inputs:
    """Draw scores in sixteenths, which float32 holds exactly even a million away, and what is added to them.

    `shift_…` is one number for each sample, of very different sizes in `shift_apart`. `far_…` is added to one class of
    each sample, another one in each: the spread of a sample's scores becomes large, too.
    """
    classes, batch = SIZES["square"]
    z = np.round(8 * scores(rng, classes, batch)) / 8 + 1 / 16  # neither a score nor a sum of five is 0
    z[0] -= 3  # the largest scores of the rows are not all the same
    shifts = {f"shift_{far:g}": np.full(batch, far) for far in (1000.0, -1000.0, 1e6)}
    apart = rng.permutation([-1e6, -1000.0, 0.0, 1000.0, 1e6])
    one_each = np.eye(classes)[:, rng.permutation(batch)]
    return {"scores": z, **shifts, "shift_apart": apart, "far_below": -1000 * one_each, "far_above": 1000 * one_each}


def draw_gradients(rng: np.random.Generator) -> Inputs:
    """Draw scores and incoming gradients, and a separate output with the input that belongs to it.

    One batch has gradients in the hundreds: one that is clipped or normalised shows in every draw. The others have
    gradients near 1, where one that is rounded shows.
    """
    inputs = {}
    for size, (classes, batch) in SIZES.items():
        low, high = rng.uniform(200, 400, size=(2, 1, batch)) * [[[-1]], [[1]]]
        rest = rng.uniform(-100, 100, size=(classes - 2, batch))
        scale = {"one": 500, "square": 200}.get(size, 1)
        inputs[f"gradient_{size}"] = rng.permuted(np.vstack([low, high, rest]), axis=0) / scale
        spread = 0.5 if size == "one" else 1
        inputs[f"scores_{size}"] = spread * scores(rng, classes, batch)
        output = probabilities(rng, classes, batch)
        output = spread * output + (1 - spread) / classes
        output[:, 0] = rng.permutation(np.append(0.01, 0.99 * output[1:, 0] / output[1:, 0].sum()))  # clipping shows
        inputs[f"output_{size}"] = output
        inputs[f"input_{size}"] = np.log(output) + rng.uniform(1.5, 3, size=(1, batch))  # of either sign
    return inputs


def output_of(Softmax: Any, *scores: Array) -> Array:
    """Run a layer's forward on a copy of each; return the output that it set last, which should be (classes, batch)."""
    layer = Softmax()
    for z in scores:
        _pass_on(layer, z.copy())
    return kept_output(layer)


def _pass_on(layer: Any, z: Array) -> None:
    with explain_errors(*z.shape):
        layer.forward(z)


def forward(Softmax: Any, z: Array) -> Array:
    """Run the student's forward, as `output_of` does; raise `Wrong` for another shape than that of `z`."""
    return numbers(output_of(Softmax, z), z.shape, what="self.output")


class BackwardPass(NamedTuple):
    """What backward returned, and whether the gradient and the output are as before.

    The output is what forward has kept for others, too: the prediction.
    """

    returned: Array
    gradient_kept: bool
    output_kept: bool


def backward(Softmax: Any, inputs: Inputs, size: str, route: str = "own") -> BackwardPass:
    """Run the student's backward on a new layer, on a route; right is (classes, batch).

    In the size `again` the layer runs on one batch and then on others.
    """
    layer = Softmax()
    passes = _passes(inputs) if size == "again" else [(inputs, size)]
    return [_pass_back(layer, each, name, route) for each, name in passes][-1]


def _passes(inputs: Inputs) -> list[tuple[Inputs, str]]:
    """Give batches for one layer: the first one, and that before the last, are the last with its samples reversed."""
    reversed_ = {name: value[..., ::-1] for name, value in inputs.items()}
    return [(reversed_, "batch"), (inputs, "square"), (reversed_, "batch"), (inputs, "batch")]


def _pass_back(layer: Any, inputs: Inputs, size: str, route: str) -> BackwardPass:
    _prepare(layer, inputs, size, route)
    output: Any = getattr(layer, "output", None)
    before = output.copy() if isinstance(output, np.ndarray) and output.dtype.kind in "iuf" else None
    given = inputs[f"gradient_{size}"]
    gradient = given.copy()
    returned = numbers(_call_explained(layer, gradient), what="The result of backward")
    return BackwardPass(returned, is_kept(given, gradient), before is None or is_kept(before, output))


def _prepare(layer: Any, inputs: Inputs, size: str, route: str) -> None:
    """Run the layer's own forward, or set what a right one would have kept, unless the own one is right."""
    given, z = inputs[f"input_{size}"], inputs[f"scores_{size}"]
    if route == "own":
        with explain_errors(*z.shape):
            run_forward(layer, z.copy(), partial(_keeps_softmax, layer, z))
    elif has_right_forward(layer):
        _pass_on(layer, given.copy())
    else:
        layer.input, layer.output = given.copy(), inputs[f"output_{size}"].copy()


def _call_explained(layer: Any, gradient: Array) -> Any:
    shape = gradient.shape
    with explain_errors(*shape):
        try:
            return _call_backward(layer, gradient)
        except (ValueError, IndexError) as error:
            _require_shape_of_jacobians(error, shape)
            raise


def _call_backward(layer: Any, gradient: Array) -> Any:
    """Call backward as the notebook's loop does; the learning rate is passed where the layer has to get one."""
    try:
        return layer.backward(gradient)
    except TypeError as error:
        if "backward() missing 1 required positional argument" not in str(error):
            raise
    return layer.backward(gradient, RATE)


def _require_shape_of_jacobians(error: Exception, shape: tuple[int, ...]) -> None:
    """Raise `Wrong` where the student's `T`, a local variable of the code that raised, can't be one Jacobian a sample.

    Its axes may be in any order. The error itself is raised by the line below, np.einsum, which may be right.
    """
    classes, batch = shape
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = frame.f_locals.get("T") if frame.f_code.co_name == "backward" else None
        if type(found) is np.ndarray and sorted(found.shape) != sorted((classes, classes, batch)):
            raise Wrong(
                "T has the wrong shape.",
                where="backward of Softmax",
                found=f"shape {found.shape}",
                expected=f"shape ({classes}, {classes}, {batch}), one matrix for each sample",
                hint="Print T.shape for one sample and for two. Which axis of T counts the samples?",
            ) from error


class ColumnsSumToOne(Statement):
    text = "Every column of the output sums to 1, and every entry is above 0."
    hint = "Give self.output the shape of the scores: classes in rows, samples in columns."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        for size in ("batch", "one", "square"):
            z = inputs[f"scores_{size}"]
            output = forward(Softmax, z)
            if size == "batch" and np.allclose(output.sum(axis=1), 1):
                what, hint = "The rows sum to 1, not the columns.", "Each column is a sample. Which axis are the rows?"
                raise Wrong(what, found=output.sum(axis=0), expected="ones", hint=hint)
            what, hint = "A column does not sum to 1.", "Print the exponentials, and by which number each is divided."
            sums, where = output.sum(axis=0), lambda at: f"sample {at[0]}"
            expect_close(sums, np.ones(z.shape[1]), what=what, hint=hint, where=where, atol=ROUNDED)
            if not (output > 0).all():
                at = tuple(int(i) for i in np.argwhere(~(output > 0))[0])
                what, hint = "An entry is not above 0.", "Compare it with the exponential of its score."
                where_ = at_class_and_sample(at)
                raise Wrong(what, where=where_, found=float(output[at]), expected="a number above 0", hint=hint)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        return {size: partial(output_of, Softmax, inputs[f"scores_{size}"]) for size in SIZES}

    def compared_part(self, probe: str, output: Array, inputs: Inputs) -> Array:
        """Whether each column sums to 1, and all its entries are above 0."""
        return np.stack([np.abs(output.sum(axis=0) - 1) < ROUNDED, (output > 0).all(axis=0)]).astype(float)


class RatiosFollowScores(Statement):
    text = "In each column, log-probabilities differ as the scores do: log a_k - log a_m = z_k - z_m."
    depends_on = (ColumnsSumToOne,)
    hint = "Take one column with two scores, and compute each step of your code by hand."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Compare differences with those of class 0, also those of a second pass, and of the scores after it."""
        what = "log a_k - log a_0 is not z_k - z_0."
        for size in ("one", "square", "batch"):
            z = inputs[f"scores_{size}"]
            _expect_ratios(forward(Softmax, z), z, what)
        hint = "Compute the output from the scores of this call only."
        _expect_ratios(output_again(Softmax, inputs), z, "The second pass of the same layer is wrong.", hint)
        if not scores_kept(Softmax, inputs):
            hint = "Compute into a new array: the layer below still needs its output."
            raise Wrong("forward changes the scores that it is given.", hint=hint)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        probes: Probes = {size: partial(output_of, Softmax, inputs[f"scores_{size}"]) for size in SIZES}
        again, kept = partial(output_again, Softmax, inputs), partial(scores_kept, Softmax, inputs)
        return probes | {"again": again, "kept": kept}

    def compared_part(self, probe: str, output: Array, inputs: Inputs) -> Array:
        """The differences of log-probabilities."""
        return np.log(output) - np.log(output[:1]) if output.ndim == 2 and (output > 0).all() else output


class WholeNumbers(Statement):
    text = "Scores that are integers give the same output as the same numbers as floats."
    depends_on = (ColumnsSumToOne,)
    hint = "Print the dtype of each array of forward, for integer scores. Which of them can't hold 0.3?"

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        found, expected = _of_integers_and_floats(Softmax, inputs)
        what = "Integers and floats of the same value give different outputs."
        expect_close(found, expected, what=what, where=at_class_and_sample)
        _require_dependence(expected, inputs["scores_whole"])

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        return {"whole": partial(_of_integers_and_floats, Softmax, inputs)}

    def compared_part(self, probe: str, outputs: Array, inputs: Inputs) -> Array:
        """Whether the two are the same, and not just any numbers: a mistake in both belongs to another statement."""
        whole, floats = outputs
        same = np.allclose(whole, floats, rtol=1e-4, atol=1e-6) and _depends_on(floats, inputs["scores_whole"])
        return np.asarray(same, dtype=float)


class ReturnsOutput(Statement):
    text = "forward also returns its output: cells further down use what it returns."
    points = 0
    depends_on = (ColumnsSumToOne,)
    lines = r"return|output"

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Look whether forward returns anything: what it returns is another statement's matter."""
        numbers(Softmax().forward(inputs["scores_one"].copy()), what="The result of forward")


class LargeScores(Statement):
    """Judged apart from the forward part: where the output isn't softmax of small scores, only overflow counts."""

    text = "Adding a large number to all scores of a sample does not change the output, and nothing overflows."
    hint = "Print np.exp([1000, 1001]). Which two numbers have the same difference, and exponentials that are small?"
    is_about_overflow = True

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Shift all scores by a large number, first the same for all samples, then another for each; then one class."""
        z = inputs["scores"]
        for name in _additions(inputs):
            outputs = _with_and_without(Softmax, inputs, name)
            if _withstands(name, outputs, z):
                continue
            _require_dependence(outputs[0], z)
            where = _describe(name, inputs[name])
            if not np.isfinite(outputs).all():
                raise Wrong("The output overflows.", where=where, found="nan or inf", expected="probabilities")
            what = "The output changes when a number is added to all scores of a sample."
            if name.startswith("far"):
                what = "The output changes when a score that is far from the others moves further away."
            expect_close(outputs[-1], outputs[-2], what=what, where=partial(_at, where))
            sums = outputs[-1].sum(axis=0)
            at = int(np.abs(sums - 1).argmax())
            what, place = "A column does not sum to 1.", f"{where}, sample {at}"
            expect_close(sums[at], 1.0, what=what, where=place, atol=ROUNDED)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        return {name: partial(_with_and_without, Softmax, inputs, name) for name in _additions(inputs)}

    def compared_part(self, probe: str, outputs: Array, inputs: Inputs) -> Array:
        """Whether the output withstands the large numbers.

        A mistake that belongs to the forward part costs no points here, not even a wrong axis.
        """
        return np.asarray(_withstands(probe, outputs, inputs["scores"]), dtype=float)


class OneSampleBack(OfGradient):
    text = "For one sample, the result of backward agrees with central differences of softmax."
    hint = "Write down the Jacobian of one sample with two classes, and compare it with T entry by entry."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Differentiate sum(gradient * softmax(z)) numerically."""
        _hold_on_any_route(Softmax, inputs, partial(_agrees_with_central_differences, Softmax, inputs, "one"))

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        return look_on_each(inputs, partial(backward, Softmax, inputs), {"one": ("one", attrgetter("returned"))})


class EachSampleItsOwn(OfGradient):
    text = "In a batch, each sample has its own Jacobian: every column agrees with central differences."
    depends_on = (OneSampleBack,)
    hint = "Run backward on one sample at a time, then on two together, and compare the columns."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        """Differentiate numerically with B different from K and equal to it, and look at a second pass."""
        _hold_on_any_route(Softmax, inputs, partial(self._holds_on, inputs, Softmax))

    def _holds_on(self, inputs: Inputs, Softmax: Any, route: str) -> None:
        for size in ("batch", "square"):
            _agrees_with_central_differences(Softmax, inputs, size, route)
        what, hint = "The second pass of the same layer is wrong.", "Use this pass's output and gradient only."
        first = backward(Softmax, inputs, "batch", route)
        again = backward(Softmax, inputs, "again", route)
        expect_close(again.returned, first.returned, what=what, hint=hint, where=at_class_and_sample, atol=1e-2)
        if not first.gradient_kept:
            hint = "Compute into a new array: other code may still need this one."
            raise Wrong("backward changes the gradient that it is given.", hint=hint)
        if not first.output_kept:
            hint = "Compute into a new array: self.output is the prediction, which the loss needs."
            raise Wrong("backward changes the entries of self.output.", hint=hint)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        looks = {size: (size, attrgetter("returned")) for size in ("batch", "square", "again")}
        looks |= {"kept": ("batch", attrgetter("gradient_kept")), "output kept": ("batch", attrgetter("output_kept"))}
        return look_on_each(inputs, partial(backward, Softmax, inputs), looks)


class ColumnsSumToZero(Statement):
    text = "Every column of the result sums to 0, because adding one number to all scores of a sample changes nothing."
    depends_on = (OneSampleBack,)
    hint = "Check the off-diagonal entries of the Jacobian: each of its rows must sum to 0."

    def holds(self, inputs: Inputs, Softmax: Any) -> None:
        zeros = np.zeros(inputs["gradient_batch"].shape[1])

        def test(route: str) -> None:
            sums, what = _sums(backward(Softmax, inputs, "batch", route)), "A column does not sum to 0."
            expect_close(sums, zeros, what=what, where=lambda at: f"sample {at[0]}", atol=1e-2)

        _hold_on_any_route(Softmax, inputs, test)

    def probes(self, inputs: Inputs, Softmax: Any) -> Probes:
        return look_on_each(inputs, partial(backward, Softmax, inputs), {"sums": ("batch", _sums)})

    def compared_part(self, probe: str, sums: Array, inputs: Inputs) -> Array:
        """Whether each sum is 0 but for rounding: the entries are in the hundreds."""
        return (np.abs(sums) < 1e-2).astype(float)


def output_again(Softmax: Any, inputs: Inputs) -> Array:
    """Run a layer's forward on one batch and then on others; return the last output."""
    return output_of(Softmax, *(each[f"scores_{size}"] for each, size in _passes(inputs)))


def scores_kept(Softmax: Any, inputs: Inputs) -> bool:
    """Tell whether forward leaves the scores as they are; a shift of whole columns doesn't count."""
    z = inputs["scores_batch"].copy()
    _pass_on(Softmax(), z)
    return is_kept(inputs["scores_batch"] - inputs["scores_batch"][0], z - z[0])


def _expect_ratios(output: Array, z: Array, what: str, hint: str = "") -> None:
    logs = np.log(numbers(output, z.shape, what="self.output"))
    expect_close(logs - logs[0], z - z[0], what=what, hint=hint, where=at_class_and_sample)


def _of_integers_and_floats(Softmax: Any, inputs: Inputs) -> Array:
    z = inputs["scores_whole"]
    return np.stack([output_of(Softmax, z), output_of(Softmax, z.astype(float))])


# ---- Large scores


def _additions(inputs: Inputs) -> list[str]:
    """Name what is added to the scores."""
    return [name for name in inputs if name.startswith(("shift", "far"))]


def _with_and_without(Softmax: Any, inputs: Inputs, name: str) -> Array:
    """Give the outputs for the scores as they are and with a large number added; for one class, also ten times it."""
    z, added = inputs["scores"], inputs[name]
    moved = (z, z + added) if name.startswith("shift") else (z, z + added, z + 10 * added)
    return np.stack([output_of(Softmax, each) for each in moved])


def _withstands(name: str, outputs: Array, z: Array) -> bool:
    """Tell whether nothing overflows and, where the output is softmax of small scores, nothing changes.

    An output that isn't softmax changes for reasons of its own, so it is asked only about the same shift for all.
    """
    small = outputs[0]
    if _is_softmax(small, z):
        sums = outputs.sum(axis=1)
        return are_close(outputs[-1], outputs[-2]) and are_close(sums, np.ones_like(sums), atol=ROUNDED)
    alike = name.startswith("shift") and name != "shift_apart"
    return _depends_on(small, z) and (not alike or bool(np.isfinite(outputs).all()))


def _is_softmax(output: Array, z: Array, exactness: float = 1e-3) -> bool:
    if output.shape != z.shape or not (output > 0).all():
        return False
    sums, logs = output.sum(axis=0), np.log(output)
    return are_close(sums, np.ones_like(sums), atol=1e-4) and are_close(logs - logs[0], z - z[0], atol=exactness)


def _depends_on(output: Array, z: Array) -> bool:
    """Tell whether an output has more than two values, isn't the scores themselves, and follows their order or size.

    It does in each column, or in each row, or where rows and columns are divided by numbers of their own. It may be
    transposed.
    """
    if len(np.unique(output)) < 3:
        return False
    layouts = [layout for layout in (output, output.T) if layout.shape == z.shape and not np.allclose(layout, z)]
    return any(
        _is_monotone(layout, scores) or _is_monotone(layout.T, scores.T) or _is_scaled_exponential(layout, scores)
        for layout in layouts
        for scores in (z, np.abs(z))
    )


def _require_dependence(output: Array, z: Array) -> None:
    if not _depends_on(output, z):
        hint = "Compare self.output for two different columns of scores."
        raise Wrong("The output does not follow the scores.", hint=hint)


def _is_monotone(output: Array, scores: Array) -> bool:
    """Tell whether in each column a larger score never has a smaller output, or never a larger one."""
    one, other = np.triu_indices(len(scores), 1)
    steps = (output[one] - output[other]) * np.sign(scores[one] - scores[other])
    return bool(((steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)).all())


def _is_scaled_exponential(output: Array, scores: Array) -> bool:
    """Tell whether the output is exp(scores) with rows and columns divided by any factors."""
    if not (output > 0).all():
        return False
    factors = np.log(output) - scores
    return np.allclose(factors - factors[:1] - factors[:, :1] + factors[0, 0], 0, atol=1e-3)


def _describe(name: str, added: Array) -> str:
    if name.startswith("far"):
        return f"samples with one score far {name.removeprefix('far_')} the others"
    return f"scores near {added[0]:g}" if np.ptp(added) == 0 else "samples with scores of very different sizes"


def _at(text: str, at: tuple[int, ...]) -> str:
    return f"{text}, {at_class_and_sample(at)}"


def _sums(back: BackwardPass) -> Any:
    return back.returned.sum(axis=0)


def _hold_on_any_route(Softmax: Any, inputs: Inputs, test: Callable[[str], None]) -> None:
    """Test backward on both routes. Each part is tested apart: what is wrong or open in forward is not backward's."""
    hold_on_any(test, partial(_forward_seems_right, Softmax, inputs["scores_batch"]))


def _forward_seems_right(Softmax: Any, z: Array) -> bool:
    """Tell whether forward gives softmax, under whatever name it keeps it; nothing is seen of one without a result."""
    layer = Softmax()
    returned = layer.forward(z.copy())
    output = getattr(layer, "output", None)
    seen = returned if output is None else output
    return seen is None or _is_softmax(numbers(seen), z)


def _keeps_softmax(layer: Any, z: Array) -> bool:
    try:
        return _is_softmax(kept_output(layer), z, exactness=1e-5)  # float32 is as exact
    except Wrong:
        return False


def _agrees_with_central_differences(Softmax: Any, inputs: Inputs, size: str, route: str) -> None:
    """Differentiate softmax where its output is known: at the scores of `input_…`, which have the output `output_…`."""
    gradient, softmax = inputs[f"gradient_{size}"], partial(_move, inputs[f"output_{size}"])
    at_input = {**inputs, f"scores_{size}": inputs[f"input_{size}"]}
    found = backward(Softmax, at_input, size, route).returned
    what = "The result does not have the shape of the gradient that came in."
    hint = "Print the shapes of T and of the result, for one sample and for two: which axis counts the samples?"
    require_shape(found, gradient.shape, what=what, hint=hint)
    slopes = central_difference_by_column(
        lambda near: (gradient * softmax(near)).sum(axis=0), np.zeros(gradient.shape), step=0.003
    )
    what, rounding = "The result differs from central differences of softmax.", 1e-6 * np.abs(gradient).max()
    expect_close(found, slopes, what=what, where=at_class_and_sample, atol=rounding)


def _move(output: Array, added: Array) -> Array:
    """Give the probabilities after something is `added` to the scores: log-probabilities differ as the scores do."""
    moved = output * np.exp(added)
    return np.asarray(moved / moved.sum(axis=0))


softmax_forward = Part(
    "check-softmax-forward",
    "Softmax, forward",
    ("Softmax",),
    (ColumnsSumToOne(), RatiosFollowScores(), WholeNumbers(), ReturnsOutput()),
    draw_scores,
    code="Softmax.forward",
    example=partial(worked_example, "probabilities"),
    error_hints=(*IN_CODE, *IN_LAYERS),
)
softmax_stable = Part(
    "check-softmax-stable",
    "Softmax for large scores",
    ("Softmax",),
    (LargeScores(),),
    draw_large,
    code="Softmax.forward",
    example=partial(worked_example, "large_scores"),
    error_hints=(*IN_CODE, *IN_LAYERS),
)
softmax_backward = Part(
    "check-softmax-backward",
    "Softmax, backward",
    ("Softmax",),
    (OneSampleBack(), EachSampleItsOwn(), ColumnsSumToZero()),
    draw_gradients,
    code="Softmax.backward",
    example=partial(worked_example, "softmax_gradient"),
    error_hints=(*IN_CODE, *IN_LAYERS),
)
