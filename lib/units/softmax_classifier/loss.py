"""The loss, which is the mean cross-entropy of a batch, and the gradient of each sample's own loss."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import Wrong, are_near, compare, numbers, require_shape, show
from lib.checking.right import anything, central_difference_by_column
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, Statement, statement
from lib.units.softmax_classifier.inputs import MANY, SIZES, labels, predictions, probabilities

KEPT_AWAY = 1.5e-6
"""The largest number to add to yhat, or lower limit of yhat, that avoids log 0: 1e-6, with a margin for rounding."""
OTHER_LOSS = "The loss of one sample is not -log of its true class's probability."
ONE_NUMBER = "Print the shape of what you return. A loss is one number, for one sample and for a batch."
ONE_ENTRY_EACH = "Return one entry for each class and sample, as in yhat. Leave out sums and means."
SURE = np.array([[1.0], [0.0]])
CERTAIN = {"right": SURE, "wrong": 1 - SURE}
"""Labels of one sample, and two certain predictions."""
CASES, ALONE = ("square", "large", "one"), 3
"""The inputs of the loss, and the number of a batch's last samples whose losses are computed alone. The first call has
several samples: a batch size that code keeps is then not 1."""


def draw(rng: np.random.Generator) -> dict[str, Array]:
    """Draw labels and probabilities in each of `SIZES`: `y_one`, `yhat_one`, `y_batch` … Some labels are integers."""
    inputs: dict[str, Array] = {}
    for size, shape in SIZES.items():
        y = labels(rng, *shape)
        inputs |= {f"y_{size}": y.astype(int) if size == "square" else y, f"yhat_{size}": predictions(rng, y)}
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
    return {**inputs, "y_soft": probabilities(rng, *SIZES["batch"]), "yhat_soft": inputs["yhat_batch"]}


def _call_before(code: Any, inputs: Any) -> tuple[Array, Array]:
    """Call code on other labels if the case is `one` or `square`, and return the tested y and yhat.

    These are the same two arrays, to reveal code that recognises arrays. One of them has other numbers, in turn.
    """
    y, yhat = inputs["y"], inputs["yhat"]
    for other in islice(cycle((y, yhat)), {"one": MANY, "square": 1}.get(inputs["case"], 0)):
        other[:] = other[::-1].copy()
        code(y, yhat)
        y[:], yhat[:] = inputs["y"], inputs["yhat"]
    return y, yhat


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


def probabilities_of(inputs: Inputs) -> Array:
    """Return the probability p of each sample's true class, (samples,)."""
    return np.asarray(inputs["yhat"].T[inputs["y"].T == 1])


def require_samples(found: Array, expected: Array, inputs: Inputs, what: str) -> None:
    """Raise `Wrong` for the first of the batch's last samples whose numbers differ. It names this sample's p.

    Without p a student can't see the cause, if only one of many samples is wrong. The last axis is that of the samples.
    """
    p = probabilities_of(inputs)[-found.shape[-1] :]
    for at in np.flatnonzero(~are_near(found, expected).reshape(-1, len(p)).all(axis=0)):
        path = f"sample {inputs['y'].shape[1] - len(p) + at}, whose true class has p = {show(float(p[at]))}"
        compare(np.array(found[..., at]), np.array(expected[..., at]), what=what, path=path, axes=("class",))


def mean_loss(found: Array, inputs: Inputs, name: str) -> tuple[Array, Any]:
    """It is -log p of each sample, or the mean over the samples, where p is the probability of the true class.

    It may be smaller by the effect of `KEPT_AWAY`.
    """
    is_each = name == "alone" and inputs["y"].shape[1] > 1
    require_numbers(found if is_each else [found])
    p = probabilities_of(inputs)[-ALONE if is_each else 0 :]
    least, most = (-np.log(each) if is_each else np.mean(-np.log(each)) for each in (p + KEPT_AWAY, p))
    return found, np.where((least <= np.asarray(found)) & (np.asarray(found) <= most), found, most)


def loss_of_each(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
    """It is -log p of each sample, as `mean_loss` allows."""
    found, expected = map(np.atleast_1d, mean_loss(found, inputs, name))
    require_samples(found, expected, inputs, OTHER_LOSS)
    return found, expected


def mean_of_samples(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
    """It is the mean of the student's own losses of the last samples and of the rest. Another statement tests these."""
    require_numbers(found)
    whole, rest, *alone = found
    if len({*alone}) == 1:
        raise Wrong("The loss is the same for all samples.", found=whole, hint="Compute the loss from y and yhat.")
    classes, samples = inputs["y"].shape
    mean = np.array((sum(alone) + (samples - len(alone)) * rest) / samples)
    if are_near(*mean_loss(np.array(alone), inputs, "alone")).all():  # then the mean of all samples is known
        mean = mean_loss(np.array(whole), inputs, name)[1]
    what = "The batch's loss is not the mean over its samples."
    compare(np.array(whole), mean, what=what, path=f"{classes} classes, {samples} samples")
    return whole, mean


def _by_hand(loss: float) -> tuple[Inputs, float]:
    """Return a sample with this loss, as an example. Reversing its rows changes its true class."""
    p = np.exp(-loss)
    return {"y": np.eye(4)[:, [1]], "yhat": np.array([[0.5 * (1 - p)], [p], [0.2 * (1 - p)], [0.3 * (1 - p)]])}, loss


@statement(
    "The loss of one sample is -log of its true class's probability p: 1 for p = 1/e, and 2 for p = 1/e².",
    loss_of_each,
    name="OneSample",
    hint="Compute -log(p) by hand with the natural logarithm, and compare it with each step of your code.",
    of=("alone",),
    cases=CASES,
    examples=(_by_hand(2.0),),
    what=OTHER_LOSS,
)
@statement(
    "The loss of a batch is the mean of its samples' losses.",
    mean_of_samples,
    name="BatchMean",
    hint="Call cce with two samples, and with each of them alone. The first result must be the mean of the other two.",
    of=("both",),
    cases=CASES[:2],
    keeps=("y", "yhat", SEED),
    depends_on=("OneSample",),
)
@statement(
    "The loss is a finite number even where a probability is 0.",
    is_finite("The loss is not finite for a prediction that is certain and {name}."),
    name="ZeroProbability",
    hint="Keep yhat away from 0 inside the logarithm, for example with np.maximum(yhat, 1e-7).",
    points=0,
    of=tuple(CERTAIN),
    cases=("square",),
    depends_on=("OneSample",),
)
def losses(inputs: Any, cce: Any) -> NamedResults:
    """Run the student's loss on the last three samples alone, on the rest, and on the batch."""
    y, yhat = _call_before(cce, inputs)
    first = max(y.shape[1] - ALONE, 0)
    parts = [np.s_[:, at : at + 1] for at in range(first, y.shape[1])]
    alone = [loss({"y": y[part], "yhat": yhat[part]}, cce) for part in parts]
    if not first:
        return NamedResults(alone=alone[0])
    rest = {"y": y[:, :first], "yhat": yhat[:, :first]}
    certain = CERTAIN.items() if inputs["case"] == "square" else ()
    given = {name: [inputs.watch(*each) for each in (("y", 1 * SURE), ("yhat", 1 * yhat))] for name, yhat in certain}
    return NamedResults(
        {name: partial(cce, *each) for name, each in given.items()},
        alone=alone,
        both=lambda: [loss({"y": y, "yhat": yhat}, cce), loss(rest, cce), *alone],
    )


def soft_losses(inputs: Inputs, cce: Any) -> Array:
    """Return the losses of two batches with soft labels."""
    y, yhat = inputs["y"], inputs["yhat"]
    return np.array([loss({"y": y[:, part], "yhat": yhat[:, part]}, cce) for part in (np.s_[:], np.s_[2:])])


cce = Part(
    "check-cce",
    "The loss",
    ("cce",),
    draw_with_soft_labels,
    (
        losses,
        # Never reported, because right code may rely on labels that are 0 or 1: it only helps to name mistakes.
        Statement("Losses", "", soft_losses, anything, points=0, cases=("soft",), depends_on=("OneSample",)),
    ),
    repeated=True,
)


# ---- Its gradient


def slopes_of(is_true: bool) -> FoundAndExpected:
    """It is the slope of each sample's loss -log p, at the true classes or at all others; other entries count as 0."""
    what = "The entry of the true class is not the slope of the sample's own loss."

    def right(found: Array, inputs: Inputs, name: str) -> tuple[Array, Array]:
        y = inputs["y"]
        require_shape(found, y.shape, what="The gradient has the wrong shape.", hint=ONE_ENTRY_EACH)
        slopes = central_difference_by_column(lambda p: -np.log((y * p).sum(axis=-2)), inputs["yhat"], step=1e-6)
        is_near = (slopes <= found) & (found <= slopes / (1 - KEPT_AWAY * slopes))
        chosen = y == is_true
        shown, expected = np.where(chosen, found, 0.0), np.where(chosen, np.where(is_near, found, slopes), 0.0)
        if is_true:
            require_samples(shown, expected, inputs, what)
        return shown, expected

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
    return numbers(cce_gradient(SURE.copy(), CERTAIN["wrong"].copy()), what="The gradient")


of_gradient = partial(statement, cases=tuple(SIZES), axes=("class", "sample"))


@of_gradient(
    "The entry of the true class is the slope of that sample's loss: it agrees with central differences.",
    slopes_of(is_true=True),
    name="TrueClass",
    hint="Change the probability of the true class by 0.001, and compute the change of that sample's loss by hand.",
    points=2,
)
@of_gradient(
    "Every other entry is 0: a sample's loss depends only on the probability of its true class.",
    slopes_of(is_true=False),
    name="OtherClasses",
    hint="Print your gradient for one sample. Which factor of the slope is 0 for every class but the true one?",
    keeps=("y", "yhat", SEED),
    depends_on=("TrueClass",),
    what="The entry of a class that is not the true one is not 0.",
)
def gradient(inputs: Any, cce_gradient: Any) -> Array:
    """Run the student's gradient. The right shape is (classes, batch)."""
    given = _call_before(cce_gradient, inputs)
    found = numbers(cce_gradient(*given), what="The gradient")
    if inputs["case"] == "one":
        with suppress(Exception):  # advice reports it
            cce_gradient(inputs.watch("y", SURE.copy()), inputs.watch("yhat", CERTAIN["wrong"].copy()))
    return found


STATEMENTS = (gradient, ZeroProbabilityGradient)
cce_gradient = Part("check-cce-gradient", "The loss gradient", ("cce_gradient",), draw, STATEMENTS, repeated=True)
