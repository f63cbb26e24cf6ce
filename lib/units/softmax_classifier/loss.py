"""The loss, which is the mean cross-entropy of a batch, and the gradient of each sample's own loss."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from lib.checking.results import Wrong, compare, numbers, require_shape
from lib.checking.right import central_difference_by_column
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, Statement, statement
from lib.units.softmax_classifier.inputs import MANY, SIZES, call_before, labels, predictions, probabilities

KEPT_AWAY = 1.5e-6
"""The largest number to add to yhat, or lower limit of yhat, that avoids log 0: 1e-6, with a margin for rounding."""
ONE_NUMBER = "Print the shape of what you return. A loss is one number, for one sample and for a batch."
ONE_ENTRY_EACH = "Return one entry for each class and sample, as in yhat. Leave out sums and means."
SURE, NOT = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
"""Labels of one sample, and two certain predictions, of which one is right."""


def draw(rng: np.random.Generator) -> dict[str, Array]:
    """Draw labels and probabilities in each of `SIZES`: `y_one`, `yhat_one`, `y_batch` …"""
    inputs: dict[str, Array] = {}
    for size, shape in SIZES.items():
        inputs[f"y_{size}"] = y = labels(rng, *shape)
        inputs[f"yhat_{size}"] = predictions(rng, y)
    return inputs


def is_finite(what: str) -> FoundAndExpected:
    """It is finite. Otherwise the message is `what`, with the result's `{name}`."""

    def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        if not np.isfinite(found).all():
            raise Wrong(what.format(name=name), found=found, expected="finite numbers")
        return found, found

    return right


# ---- The loss


def draw_with_soft_labels(rng: np.random.Generator) -> Inputs:
    """Draw labels between 0 and 1 as well. They distinguish mistakes that all lead to an infinite loss."""
    inputs = draw(rng)
    return {**inputs, "y_soft": probabilities(rng, *SIZES["square"]), "yhat_soft": inputs["yhat_square"]}


def _call_with_others(code: Any, inputs: Inputs) -> None:
    # Many times before the single sample, to reveal state that the code keeps.
    y, yhat = inputs["y"], inputs["yhat"]
    call_before(lambda: code(y[::-1].copy(), yhat.copy()), MANY if inputs["case"] == "one" else 1)


def loss(inputs: Inputs, cce: Any) -> Array:
    """Run the student's loss. An array of one entry counts as that number, because it adds up like one."""
    result = cce(inputs["y"], inputs["yhat"])
    if issubclass(type(result), list | tuple):
        hint = "Return the number itself: a list can't be averaged."
        raise Wrong(f"The loss is in a {type(result).__name__}.", expected="a number", hint=hint)
    found = numbers(result, what="The loss")
    return found.reshape(()) if found.size == 1 else found


def require_numbers(losses: Iterable[Array]) -> None:
    """Raise `Wrong` if one of the losses is not one number."""
    for each in losses:
        require_shape(np.asarray(each), (), what="The loss is not one number.", hint=ONE_NUMBER)


def mean_loss(found: Array, inputs: Inputs, name: str) -> tuple[Array, Any]:
    """It is -log p of each sample, or the mean over the samples, where p is the probability of the true class.

    It may be smaller by the effect of `KEPT_AWAY`.
    """
    is_each = name == "alone" and inputs["y"].shape[1] > 1
    require_numbers(found if is_each else [found])
    p = inputs["yhat"].T[inputs["y"].T == 1]
    least, most = (-np.log(each) if is_each else np.mean(-np.log(each)) for each in (p + KEPT_AWAY, p))
    return found, np.where((least <= np.asarray(found)) & (np.asarray(found) <= most), found, most)


def mean_of_samples(found: Array, inputs: Inputs, name: str) -> tuple[Array, Any]:
    """It is the mean of the student's own losses of single samples. Another statement tests these."""
    require_numbers(found)
    classes, samples = inputs["y"].shape
    if len({*found[1:]}) == 1:
        raise Wrong("The loss is the same for all samples.", found=found[0], hint="Compute the loss from y and yhat.")
    what = "The batch's loss is not the mean over its samples."
    mean = found[1 : 1 + samples].mean(keepdims=True)
    compare(found[:1].reshape(()), mean.reshape(()), what=what, path=f"{classes} classes, {samples} samples")
    return found[:1], mean


@statement(
    "The loss is a finite number even where a probability is 0.",
    is_finite("The loss is not finite for a prediction that is certain and {name}."),
    hint="Keep yhat away from 0 inside the logarithm, for example with np.maximum(yhat, 1e-7).",
    points=0,
    of=("right", "wrong"),
    depends_on=("OneSample",),
)
def ZeroProbability(inputs: Inputs, cce: Any) -> NamedResults:
    """Return the loss of two certain predictions: p = 1 for the true class, and p = 1 for another class."""
    return NamedResults(right=lambda: cce(SURE.copy(), SURE.copy()), wrong=lambda: cce(SURE.copy(), NOT.copy()))


def _by_hand(loss: float) -> tuple[Inputs, float]:
    """Return a sample with this loss, as an example. Reversing its rows changes its true class."""
    p = np.exp(-loss)
    return {"y": np.eye(4)[:, [1]], "yhat": np.array([[0.5 * (1 - p)], [p], [0.2 * (1 - p)], [0.3 * (1 - p)]])}, loss


@statement(
    "The loss of one sample is -log of its true class's probability p: 1 for p = 1/e, and 2 for p = 1/e².",
    mean_loss,
    name="OneSample",
    hint="Compute -log(p) by hand with the natural logarithm, and compare it with each step of your code.",
    of=("alone",),
    cases=tuple(SIZES),
    examples=(_by_hand(2.0), _by_hand(0.002)),
    what="The loss of one sample is not -log of its true class's probability.",
    axes=("sample",),
)
@statement(
    "The loss of a batch is the mean of its samples' losses.",
    mean_of_samples,
    name="BatchMean",
    hint="Call cce with two samples, and with each of them alone. The first result must be the mean of the other two.",
    of=("both",),
    cases=("batch", "square", "large"),
    keeps=("y", "yhat"),
    depends_on=("OneSample",),
)
def losses(inputs: Inputs, cce: Any) -> NamedResults:
    """Run the student's loss on each sample alone, on the batch, and on the first sample with other labels."""
    y, yhat = inputs["y"], inputs["yhat"]
    _call_with_others(cce, inputs)
    pairs = [(np.roll(y[:, [0]], by, axis=0), yhat[:, [0]]) for by in range(1, len(y))]
    pairs += [(y[:, [at]], yhat[:, [at]]) for at in range(y.shape[1])]  # last, to reveal state from earlier calls
    results = [loss({"y": labels, "yhat": prediction.copy()}, cce) for labels, prediction in pairs]
    others, alone = results[: len(y) - 1], results[len(y) - 1 :]
    return NamedResults(alone=alone if alone[1:] else alone[0], both=lambda: [loss(inputs, cce), *alone, *others])


cce = Part(
    "check-cce",
    "The loss",
    ("cce",),
    draw_with_soft_labels,
    (
        losses,
        ZeroProbability,
        # Never reported, because right code may rely on labels that are 0 or 1: it only helps to name mistakes.
        Statement(
            "Losses", "", loss, mean_loss, points=0, cases=("soft", "batch", "square"), depends_on=("OneSample",)
        ),
    ),
    repeated=True,
)


# ---- Its gradient


def slopes_of(is_true: bool) -> FoundAndExpected:
    """It is the slope of each sample's loss -log p, at the true classes or at all others; other entries count as 0."""

    def right(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
        y = inputs["y"]
        require_shape(found, y.shape, what="The gradient has the wrong shape.", hint=ONE_ENTRY_EACH)
        slopes = central_difference_by_column(lambda p: -np.log((y * p).sum(axis=-2)), inputs["yhat"], step=1e-6)
        is_near = (slopes <= found) & (found <= slopes / (1 - KEPT_AWAY * slopes))
        chosen = y == is_true
        return np.where(chosen, found, 0.0), np.where(chosen, np.where(is_near, found, slopes), 0.0)

    return right


@statement(
    "The gradient is finite even where a probability is 0.",
    is_finite("The gradient is not finite if the true class has p = 0."),
    hint="Keep yhat away from 0 in the denominator too, as in the loss.",
    points=0,
    depends_on=("TrueClass",),
)
def ZeroProbabilityGradient(inputs: Inputs, cce_gradient: Any) -> Array:
    """Return the gradient for a true class with p = 0."""
    return numbers(cce_gradient(SURE.copy(), NOT.copy()), what="The gradient")


of_gradient = partial(statement, cases=tuple(SIZES), axes=("class", "sample"))


@of_gradient(
    "The entry of the true class is the slope of that sample's loss: it agrees with central differences.",
    slopes_of(is_true=True),
    name="TrueClass",
    hint="Change the probability of the true class by 0.001, and compute the change of that sample's loss by hand.",
    points=2,
    what="The entry of the true class is not the slope of the sample's own loss.",
)
@of_gradient(
    "Every other entry is 0: a sample's loss depends only on the probability of its true class.",
    slopes_of(is_true=False),
    name="OtherClasses",
    hint="Print your gradient for one sample. Which factor of the slope is 0 for every class but the true one?",
    keeps=("y", "yhat"),
    depends_on=("TrueClass",),
    what="The entry of a class that is not the true one is not 0.",
)
def gradient(inputs: Inputs, cce_gradient: Any) -> Array:
    """Run the student's gradient. The right shape is (classes, batch)."""
    _call_with_others(cce_gradient, inputs)
    return numbers(cce_gradient(inputs["y"], inputs["yhat"]), what="The gradient")


STATEMENTS = (gradient, ZeroProbabilityGradient)
cce_gradient = Part("check-cce-gradient", "The loss gradient", ("cce_gradient",), draw, STATEMENTS, repeated=True)
