"""Statements about the loss, the mean cross-entropy of a batch, and about the gradient of each sample's own loss."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong, at_class_and_sample, expect_close, numbers, require_shape
from lib.unit import Array, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.errors import IN_CODE, explain_errors
from lib.units.softmax_classifier.inputs import SIZES, is_kept, labels, predictions, probabilities, worked_example

SMALL, SMALL_FOR_SLOPE = (4.9, 5.2), (4.15, 4.25)
"""In these ranges lies the largest loss of a sample, for the loss and for its gradient.

So a number that is added to yhat is right up to 1e-6 and wrong from 1e-5 on, in every draw: 1e-5 changes the loss of
this sample by more than a thousandth. Slopes change more, so they are tested on a larger probability.
"""

ONE_NUMBER = "Print the shape of what you return. A loss is one number, for one sample and for a batch."


def draw(rng: np.random.Generator) -> Inputs:
    """Draw labels and probabilities in each of `SIZES`: `y_one`, `yhat_one`, `y_batch` … and labels above 0."""
    return {**_draw(rng, SMALL), "y_soft": probabilities(rng, *SIZES["square"])}


def _draw(rng: np.random.Generator, small: tuple[float, float]) -> Inputs:
    inputs: dict[str, Array] = {}
    for size, shape in SIZES.items():
        inputs[f"y_{size}"] = y = labels(rng, *shape)
        inputs[f"yhat_{size}"] = predictions(rng, y, small)
    return inputs


def loss_of(cce: Any, y: Array, yhat: Array) -> Array:
    """Run the student's loss. In an array of one entry it counts as that number, because it adds up like one."""
    with explain_errors(*y.shape):
        loss = cce(y.copy(), yhat.copy())
    if issubclass(type(loss), list | tuple):
        what, expected = f"The loss is in a {type(loss).__name__}.", "a number"
        raise Wrong(what, found=loss, expected=expected, hint="Return the number itself: a list can't be averaged.")
    loss = numbers(loss, what="The loss")
    return loss.reshape(()) if loss.size == 1 else loss


def _shape_hint(loss: Array) -> str:
    """Say what to try where a loss is not one number; a statement's own hint is about numbers."""
    return ONE_NUMBER if loss.shape else ""


def gradient_of(cce_gradient: Any, inputs: Inputs, size: str) -> Array:
    """Run the student's gradient; right is (classes, batch)."""
    y, yhat = inputs[f"y_{size}"], inputs[f"yhat_{size}"]
    with explain_errors(*y.shape):
        return numbers(cce_gradient(y.copy(), yhat.copy()), what="The gradient")


def kept_by(function: Any, y: Array, yhat: Array) -> Array:
    """Run student code on y and yhat; for each of the two give 1 if it is as before, else 0."""
    given = y.copy(), yhat.copy()
    with explain_errors(*y.shape):
        function(*given)
    return np.array([is_kept(before, after) for before, after in zip((y, yhat), given, strict=True)], dtype=float)


class OneSample(Statement):
    text = "The loss of one sample is -log of its true class's probability p: 1 for p = 1/e, and 2 for p = 1/e²."
    hint = "Compute -log(p) by hand with the natural logarithm, and compare it with each step of your code."

    def holds(self, inputs: Inputs, cce: Any) -> None:
        for loss in (1.0, 2.0, 5.0055):  # the last is not rounded, and far from 0
            p = np.exp(-loss)
            y = np.array([[0.0], [1.0], [0.0], [0.0]])  # another class, if the rows are turned round
            yhat = np.array([[0.5 * (1 - p)], [p], [0.2 * (1 - p)], [0.3 * (1 - p)]])
            where = f"one sample with y = {y[:, 0]}, yhat = {yhat[:, 0].round(4)}, as columns"
            what = f"The loss should be {loss:g} where the true class has p = {p:.4f}."
            found = loss_of(cce, y, yhat)
            expect_close(found, loss, what=what, where=where, hint=_shape_hint(found))

    def probes(self, inputs: Inputs, cce: Any) -> Probes:
        """The loss of one sample, after that of another one: what an earlier call leaves must not count."""

        def loss() -> Array:
            y, yhat = inputs["y_one"], inputs["yhat_one"]
            loss_of(cce, np.roll(y, 1, axis=0), yhat)
            return loss_of(cce, y, yhat)

        return {"loss": loss}


class BatchMean(Statement):
    text = "The loss of a batch is the mean of its samples' losses."
    depends_on = (OneSample,)
    hint = "Call cce with two samples, and with each of them alone. Compare the mean of the two with what both give."

    def holds(self, inputs: Inputs, cce: Any) -> None:
        """Compare a batch with its samples one at a time, and these with the probabilities of their true classes."""
        for size in ("batch", "square"):
            y, yhat = inputs[f"y_{size}"], inputs[f"yhat_{size}"]
            classes, samples = y.shape
            each = [loss_of(cce, y[:, [b]], yhat[:, [b]]) for b in range(samples)]
            _require_own_losses(each, y, yhat)
            found = loss_of(cce, y, yhat)
            expect_close(
                found,
                np.mean(each),
                what="The batch's loss is not the mean over its samples.",
                where=f"{classes} classes, {samples} samples",
                hint=_shape_hint(found),
            )
        _require_kept("cce", cce, inputs)

    def probes(self, inputs: Inputs, cce: Any) -> Probes:
        batches = {size: (inputs[f"y_{size}"], inputs[f"yhat_{size}"]) for size in ("batch", "square")}
        probes: Probes = {size: partial(loss_of, cce, *batch) for size, batch in batches.items()}
        return probes | {"kept": partial(kept_by, cce, *batches["batch"])}


class ZeroProbability(Statement):
    text = "The loss is a finite number even where a probability is 0."
    points = 0
    depends_on = (OneSample,)
    hint = "Keep yhat away from 0 inside the logarithm, for example with np.maximum(yhat, 1e-7)."

    def holds(self, inputs: Inputs, cce: Any) -> None:
        """Ask for the loss of two predictions with p = 1: for the true class, and for another one."""
        for name, yhat in (("right", [[1.0], [0.0]]), ("wrong", [[0.0], [1.0]])):
            loss = loss_of(cce, np.array([[1.0], [0.0]]), np.array(yhat))
            if not np.isfinite(loss).all():
                what = f"The loss is not finite for a prediction that is certain and {name}."
                raise Wrong(what, found=loss, expected="a finite number")


class SoftLabels(Statement):
    """No statement to the student: labels that are not 0 and 1 show what an infinite loss hides."""

    text = "The loss of labels that are not one-hot."
    points = 0

    def applies(self, subjects: tuple[Any, ...]) -> bool:
        """Never tested at the desk: right code may count on labels that are 0 or 1."""
        return False

    def probes(self, inputs: Inputs, cce: Any) -> Probes:
        return {"soft": partial(loss_of, cce, inputs["y_soft"], inputs["yhat_square"])}


class TrueClass(Statement):
    text = "The entry of the true class is the slope of that sample's loss: it agrees with central differences."
    points = 2
    hint = "Move the probability of the true class by 0.001, and see by how much the loss of that sample changes."

    def holds(self, inputs: Inputs, cce_gradient: Any, cce: Any = None) -> None:
        """Compare with central differences of -log p, whatever the student's own loss is: each part is tested apart."""
        for size in ("batch", "square", "one"):
            y, yhat = inputs[f"y_{size}"], inputs[f"yhat_{size}"]
            gradient = gradient_of(cce_gradient, inputs, size)
            hint = "Return one entry for each class and sample, as in yhat. Leave out sums and means."
            require_shape(gradient, y.shape, what="The gradient has the wrong shape.", hint=hint)
            found = _keep_entries(gradient, y)
            slopes = y * [_slope_at(p) for p in yhat.T[y.T == 1]]
            if y.shape[1] > 1 and np.allclose(found * y.shape[1], slopes, rtol=1e-3, atol=1e-6):
                what = "Every entry is divided by the batch size. The gradient here is each sample's own, without 1/B."
                hint = "Leave out the division: the training loop multiplies by 1/B, just before the dense layer."
                raise Wrong(what, hint=hint)
            what = "The entry of the true class is not the slope of the sample's own loss."
            expect_close(found, slopes, what=what, where=at_class_and_sample)

    def probes(self, inputs: Inputs, cce_gradient: Any, cce: Any = None) -> Probes:
        return {size: partial(_gradient_at, cce_gradient, inputs, size, inputs[f"y_{size}"]) for size in SIZES}


class OtherClasses(Statement):
    text = "Every other entry is 0: a sample's loss depends only on the probability of its true class."
    depends_on = (TrueClass,)
    hint = "Which factor of the slope is 0 for every class but the true one? Print your gradient of one sample."

    def holds(self, inputs: Inputs, cce_gradient: Any, cce: Any = None) -> None:
        what = "The entry of a class that is not the true one is not 0."
        for size in ("batch", "square", "one"):
            y = inputs[f"y_{size}"]
            found = _gradient_at(cce_gradient, inputs, size, 1 - y)
            expect_close(found, np.zeros_like(y), what=what, where=at_class_and_sample)
        _require_kept("cce_gradient", cce_gradient, inputs)

    def probes(self, inputs: Inputs, cce_gradient: Any, cce: Any = None) -> Probes:
        probes: Probes = {
            size: partial(_gradient_at, cce_gradient, inputs, size, 1 - inputs[f"y_{size}"]) for size in SIZES
        }
        return probes | {"kept": partial(kept_by, cce_gradient, inputs["y_batch"], inputs["yhat_batch"])}


class ZeroProbabilityGradient(Statement):
    text = "The gradient is finite even where a probability is 0."
    points = 0
    depends_on = (TrueClass,)
    hint = "Keep yhat away from 0 in the denominator too, as in the loss."

    def holds(self, inputs: Inputs, cce_gradient: Any, cce: Any = None) -> None:
        found = gradient_of(
            cce_gradient, {"y_sure": np.array([[1.0], [0.0]]), "yhat_sure": np.array([[0.0], [1.0]])}, "sure"
        )
        if not np.isfinite(found).all():
            raise Wrong(
                "The gradient is not finite where the true class has p = 0.", found=found, expected="finite numbers"
            )


def _require_own_losses(each: list[Array], y: Array, yhat: Array) -> None:
    """Raise `Wrong` unless the losses of single samples are those of their true classes, whichever these are."""
    for b, (loss, label) in enumerate(zip(each, y.argmax(axis=0), strict=True)):
        p = yhat[label, b]
        if not np.isclose(np.exp(-loss), p, rtol=1e-4, atol=1e-6):
            raise Wrong(
                "The loss of a sample alone is not -log of its true class's probability p.",
                where=f"a sample of class {label}, one of {len(y)} classes, with p = {p:.4f}",
                found=float(loss),
                expected=float(-np.log(p)),
                hint="Call cce with this one column of y and yhat. Is the class left out, or its probability changed?",
            )


def _require_kept(name: str, function: Any, inputs: Inputs) -> None:
    for argument, kept in zip(("y", "yhat"), kept_by(function, inputs["y_batch"], inputs["yhat_batch"]), strict=True):
        if not kept:
            hint = "Compute into a new array: the layers still need this one."
            raise Wrong(f"{name} changes the array {argument} that it is given.", hint=hint)


def _slope_at(p: float, step: float = 1e-3) -> float:
    """Measure the slope of a sample's loss at the probability p of its true class, by a central difference.

    The loss is 1 at 1/e and 2 at 1/e²: where p grows by the factor e**step, it falls by `step`.
    """
    return float(-2 * step / (p * np.exp(step) - p * np.exp(-step)))


def _gradient_at(cce_gradient: Any, inputs: Inputs, size: str, chosen: Array) -> Array:
    return _keep_entries(gradient_of(cce_gradient, inputs, size), chosen)


def _keep_entries(gradient: Array, chosen: Array) -> Array:
    """Keep the entries where `chosen` is 1, and 0 elsewhere; a gradient of another shape stays as it is."""
    return np.where(chosen == 1, gradient, 0.0) if gradient.shape == chosen.shape else gradient


cce = Part(
    "check-cce",
    "The loss",
    ("cce",),
    (OneSample(), BatchMean(), ZeroProbability(), SoftLabels()),
    draw,
    example=partial(worked_example, "loss"),
    error_hints=IN_CODE,
)
cce_gradient = Part(
    "check-cce-gradient",
    "The loss gradient",
    ("cce_gradient",),
    (TrueClass(), OtherClasses(), ZeroProbabilityGradient()),
    partial(_draw, small=SMALL_FOR_SLOPE),
    settings=("cce",),  # the notebook's call names it, but the gradient is judged without it
    example=partial(worked_example, "loss_gradient"),
    error_hints=IN_CODE,
)
