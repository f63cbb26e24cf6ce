"""Whether the gradient flows back through the layers, times 1/B, with the learning rate."""

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from lib.checking.values import Wrong, numbers
from lib.unit import Array
from lib.units.softmax_classifier.errors import Named
from lib.units.softmax_classifier.loop.calls import Call
from lib.units.softmax_classifier.loop.hints import HINTS, NOTHING_ELSE, UPDATE, name_as, name_at
from lib.units.softmax_classifier.loop.recordings import Pass, RecordedValue, Recording
from lib.units.softmax_classifier.loop.rule import LoopRule
from lib.units.softmax_classifier.loop.steps import Step
from lib.units.softmax_classifier.loop.words import (
    ONE_CALL,
    is_close,
    is_equal,
    missing_call,
    place_of,
    ratio_of,
    require_steps,
    shape_of,
)


class Factor(NamedTuple):
    """What makes a step too large or too small: the mistake's name, the factor for a step, and other words for it."""

    name: str
    of: Callable[[Step], float]
    words: str = ""


DIVISORS = (
    Factor("The step is divided by the number of all samples", lambda step: len(step.batch) / step.call.samples),
    Factor("The step is divided by the number of classes", lambda step: len(step.batch) / len(step.call.y)),
    Factor("The step is divided by the number of features", lambda step: len(step.batch) / len(step.call.X)),
)
FACTORS = (
    Factor("1/B is missing", lambda step: len(step.batch)),
    Factor("1/B is applied twice", lambda step: 1 / len(step.batch)),
    Factor(
        "1/B uses batch_size, also for the short last batch",
        lambda step: len(step.batch) / step.call.batch_size,
        "1/B uses batch_size, but this batch is shorter.",
    ),
    *DIVISORS,
    Factor("The step is multiplied by the batch size, not divided by it", lambda step: len(step.batch) ** 2),
    Factor("The learning rate is applied twice", lambda step: step.call.rate),
    Factor("The learning rate is not applied", lambda step: 1 / step.call.rate),
)


def _as_well_as_by_B(divisor: Factor) -> Factor:
    return Factor(divisor.name, lambda step: divisor.of(step) / len(step.batch), f"{divisor.name}, as well as by B.")


BESIDES = tuple(map(_as_well_as_by_B, DIVISORS))
"""As by the number of all entries, which is that of the rows times B: 1/B is in it once, and not applied twice."""
OF_BATCHES = Factor(
    "The step is divided by the number of batches", lambda step: len(step.batch) / step.call.batches_in_an_epoch
)
"""It is not combined with others: there are always three batches, and three may come from elsewhere."""
SIGN = Factor(
    "The weights move in the direction of the gradient, not against it",
    lambda step: -1.0,
    "The weights move the wrong way: gradient times learning rate has the wrong sign.",
)


class GradientFlowsBack(LoopRule):
    names = ("updates", "layer", "touched", "move")

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        require_steps(steps, "dlayer.backward")
        for number, step in enumerate(steps):
            self._require_one_layer(step, steps[0], number)
            if not any(is_close(step["move"], step.right_move(size)) for size in step.sizes):
                raise self._explain(steps, number)

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        return name_as(name_updates(recordings[number].call, recordings[number].steps), wrong)

    @staticmethod
    def _require_one_layer(step: Step, first: Step, number: int) -> None:
        """Raise `Wrong` unless one dense layer is updated once in each step, and by nothing but its backward."""
        where = place_of(step.call, number)
        if step["updates"] == 0:
            is_lost = step.seen is not None and step.seen.into_softmax is None
            raise missing_call("softmax.backward" if is_lost else "dlayer.backward", where, UPDATE)
        if step["updates"] != 1:
            found, what = f"{step['updates']:g} calls", "dlayer.backward is called more than once."
            raise Wrong(what, where=where, found=found, expected=ONE_CALL, hint=UPDATE)
        if step["layer"] != first["layer"]:
            found, expected = "another dense layer", "that of the first step"
            raise Wrong("dlayer.backward updates another layer.", where=where, found=found, expected=expected)
        if step["touched"] == 2:
            raise name_at("The dense layer is kept from one call to the next", where)
        if step["touched"]:
            raise name_at("Something besides dlayer.backward changes the weights", where)

    def _explain(self, steps: Sequence[Step], number: int) -> Wrong:
        """Say what is wrong with a step: the gradient that goes into softmax or the dense layer, its size, the rate."""
        step = steps[number]
        call, seen, where = step.call, step.seen, place_of(step.call, number)
        if seen is None:
            return Wrong("The step of the weights is wrong.", where=where)
        passes = [each.seen for each in steps if each.seen is not None]
        gradient, rate = seen.updates[-1]
        due = call.columns("output_gradients", step.version, step.samples)
        for value in (seen.into_softmax, gradient, rate):
            if isinstance(value, Wrong):
                return value
        if seen.into_softmax is None:
            return missing_call("softmax.backward", where)
        if ratio_of(seen.into_softmax, due) is None:
            wrong = Wrong(
                "softmax.backward did not get the result of cce_gradient.",
                where=where,
                found=shape_of(seen.into_softmax),
                expected="what cce_gradient returned for this batch",
                hint="Pass on the result of cce_gradient as it is.",
            )
            return name_as(name_into_softmax(call, passes, seen), wrong)
        where, right = f"{where}, dlayer.backward", call.jacobian(step.version) @ due
        factor = ratio_of(gradient, right)
        if factor is None:
            wrong = Wrong(
                "dlayer.backward did not get the result of softmax.backward times 1/B.",
                where=where,
                found=shape_of(gradient),
                expected="what softmax.backward returned for this batch, times 1/B",
                hint=NOTHING_ELSE,
            )
            return name_as(name_into_dense(call, passes, seen, gradient, right), wrong)
        if len(step.batch) < call.batch_size:
            where += f", with {len(step.batch)} samples"
        return self._explain_size(steps, number, factor, where)

    @staticmethod
    def _explain_size(steps: Sequence[Step], number: int, factor: float, where: str) -> Wrong:
        """Say what is wrong with the size of a step, whose gradient is `factor` times that of all samples."""
        step = steps[number]
        call, seen = step.call, step.seen
        given = numbers(seen.updates[-1][1] if seen else np.nan).ravel()
        share = given[0] / call.rate if len(given) == 1 else np.nan
        size, is_later = factor * share * len(step.batch), number >= call.batches_in_an_epoch
        passes = [each.seen for each in steps if each.seen is not None]
        if name := name_norm(passes):
            return name_at(name, where)
        if is_later and is_close(size, -1):
            return name_at("The weights move uphill after the first epoch", where)
        if not is_later and (factors := find_factors(steps)):
            what = " ".join(factor.words or f"{factor.name}." for factor in factors)
            return Named(what, where=where, hint=HINTS[factors[0].name])
        if is_close(share, 1):
            return Wrong(f"The step is {size:.5g} times as large as it should be.", where=where, hint=NOTHING_ELSE)
        wrong = Wrong(
            "dlayer.backward did not get the learning rate that train is given.",
            where=where,
            found=f"{given[0]:.5g}" if len(given) == 1 else shape_of(given),
            expected=f"{call.rate:.5g}",
            hint="Pass learning_rate unchanged, after the gradient.",
        )
        if is_changing(passes):
            return name_as("The learning rate changes during training", wrong)
        fixed = f"The learning rate is always {given[0]:.12g}" if len(given) == 1 else ""
        return name_as(fixed if fixed in HINTS else "", wrong)


def find_factors(steps: Sequence[Step]) -> list[Factor]:
    """Say by what the steps are too large or too small; nothing if that is not certain.

    It is the sign, and one or two causes that explain each step. Batches differ in size in the first call, so that no
    other number is taken for one of the causes.
    """
    for causes in ((), *((one,) for one in (*FACTORS, OF_BATCHES, *BESIDES)), *combinations(FACTORS, 2)):
        for found in ([*causes], [SIGN, *causes]):
            if found and all(_explain(step, found) for step in steps):
                return found
    return []


def _explain(step: Step, causes: Sequence[Factor]) -> bool:
    factor = float(np.prod([cause.of(step) for cause in causes]))
    return any(is_close(step["move"], factor * step.right_move(size)) for size in step.sizes)


def name_updates(call: Call, steps: Sequence[Pass]) -> str:
    """Name which steps have no update, or more than one, or one of another layer; "" if all have their own."""
    updates = [len(step.updates) for step in steps]
    length = call.batches_in_an_epoch
    if 0 in updates and any(updates):
        if all(updates[:length]) and not any(updates[length:]):
            return "The weights are updated in the first epoch only"
        is_last = [at % length == length - 1 for at in range(len(steps))]
        if all(bool(count) == last for count, last in zip(updates, is_last, strict=True)):
            return "The weights are updated once in each epoch only"
        return "The weights are updated in some steps only"
    if {*updates} == {2}:
        return "The weights are updated twice in each step"
    changes = [one.layer != other.layer for one, other in pairwise(steps)]
    if changes and all(changes):
        return "The dense layer is made anew for each batch"
    if any(changes) and all(change == (at % length == 0) for at, change in enumerate(changes, 1)):
        return "The dense layer is made anew in each epoch"
    return "Something besides dlayer.backward changes the weights" if any(step.touched for step in steps) else ""


def name_into_softmax(call: Call, steps: Sequence[Pass], step: Pass) -> str:
    """Name what softmax.backward got in a step in place of the result of cce_gradient."""
    found, samples = step.into_softmax, step.samples
    outputs, gradient = call.outputs(step.version, samples), call.columns("output_gradients", step.version, samples)
    labels = call.y[:, samples] if (samples < call.samples).all() else None
    if is_equal(found, outputs):
        return "softmax.backward gets softmax's own output"
    if is_equal(found, labels):
        return "softmax.backward gets the labels"
    if labels is not None and (is_equal(found, outputs - labels) or is_equal(found, (outputs - labels) / len(samples))):
        return "softmax.backward gets yhat - y"
    loss, share = call.loss(step.version, samples), len(samples) / call.samples
    if any(is_equal(found, np.full(shape, size * loss)) for shape in ((), outputs.shape) for size in (1, share)):
        return "softmax.backward gets the loss, not its gradient"
    if is_equal(found, call.jacobian(step.version) @ gradient):
        return "softmax.backward is applied twice"
    others = [call.columns("output_gradients", one.version, one.samples) for one in steps if one is not step]
    if any(is_equal(found, other) for other in others):
        return "softmax.backward gets the gradient of another step"
    return "The gradient is clipped before softmax.backward" if _is_clipped(found, gradient) else ""


def name_into_dense(call: Call, steps: Sequence[Pass], step: Pass, gradient: RecordedValue, right: Array) -> str:
    """Name what has become of the result of softmax.backward, `right`, before it goes into dlayer.backward."""
    if not isinstance(gradient, np.ndarray):
        return ""
    sizes = (1, right.shape[1], 1 / right.shape[1])
    means = right.mean(axis=1, keepdims=True), right.mean(axis=1)
    if gradient.ndim == 0:
        rate = step.updates[-1][1]
        if isinstance(rate, np.ndarray) and rate.ndim == 2:
            return "The arguments of dlayer.backward are swapped"
        loss, share = call.loss(step.version, step.samples), right.shape[1] / call.samples
        if any(is_equal(gradient, np.array(size * loss)) for size in (*sizes, share, 1 / call.samples)):
            return "dlayer.backward gets the loss, not a gradient"
        is_mean = any(is_equal(gradient, np.array(size * right.mean())) for size in sizes)
        return "The gradient is averaged to one number" if is_mean else ""
    if gradient.shape != right.shape and any(is_equal(gradient, size * mean) for size in sizes for mean in means):
        return "The gradient is averaged over the batch before dlayer.backward"
    if any(is_equal(gradient, size * right.T) for size in sizes):
        return "The gradient is transposed before dlayer.backward"
    given = [each.updates[-1][0] for each in steps if each.updates]
    if gradient.size and not gradient.any():
        return "dlayer.backward gets a gradient of zeros"
    are_flat = all(isinstance(each, np.ndarray) and each.size and np.ptp(np.abs(each)) < 1e-9 for each in given)
    if are_flat and is_equal(np.sign(gradient), np.sign(right)):
        return "Only the sign of the gradient is used"
    return "The gradient is clipped" if _is_clipped(gradient, right) else ""


def name_norm(steps: Sequence[Pass]) -> str:
    """Name a gradient that has the same norm in every step, before or after it is divided by B."""
    given = [(each.updates[-1][0], len(each.samples)) for each in steps if each.updates]
    if not all(isinstance(each, np.ndarray) for each, _ in given):
        return ""
    norms = np.array([np.linalg.norm(each) for each, _ in given if isinstance(each, np.ndarray)])
    for lengths in (norms, norms * np.array([size for _, size in given])):
        if np.allclose(lengths, lengths[0], rtol=1e-6):
            is_one = np.isclose(lengths[0], 1)
            return "The gradient is divided by its norm" if is_one else "The gradient is scaled to a fixed norm"
    return ""


def is_changing(steps: Sequence[Pass]) -> bool:
    """Tell whether the learning rate differs between steps with as many samples."""
    rates: dict[int, set[float]] = {}
    for step in steps:
        if step.updates and isinstance(step.updates[-1][1], np.ndarray) and step.updates[-1][1].size == 1:
            rates.setdefault(len(step.samples), set()).add(step.updates[-1][1].item())
    return any(len(each) > 1 for each in rates.values())


def _is_clipped(found: RecordedValue, right: Array) -> bool:
    """Tell whether the largest entries of an array are all alike, and the others as they should be but for a factor."""
    if not isinstance(found, np.ndarray) or found.shape != right.shape:
        return False
    limit = np.abs(found).max()
    is_limit = np.isclose(np.abs(found), limit)
    others = found[~is_limit] / right[~is_limit]
    return bool(
        is_limit.sum() > 3 and (found * right > 0).all() and (others.size == 0 or np.allclose(others, others[0]))
    )
