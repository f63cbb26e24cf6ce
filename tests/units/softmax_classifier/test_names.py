"""Code that several mistakes come near, and the name that is true of it: at the desk and at grading."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lib.reference import Dense, Softmax
from tests.checking.desk import checked
from tests.grading.judge.test_judge import judged, part_of
from tests.units.softmax_classifier.loops import BACK, GRADIENT, loop
from tests.variants import written

Array = Any


def subtract_from_yhat(y: Array, yhat: Array) -> Array:
    grad = yhat
    grad[y.argmax(axis=0), np.arange(y.shape[1])] -= 1
    return grad


def labels_pick_rows(y: Array, yhat: Array) -> Any:
    return -np.mean(np.log(yhat[y.argmax(axis=0)]))


class ClosedTooEarly(Softmax):
    def forward(self, input: Array) -> Array:
        self.input = input
        exps = np.exp(input) - np.max(input, axis=0)
        self.output = exps / np.sum(exps, axis=0)
        return self.output


class Sharper(Softmax):
    def forward(self, input: Array) -> Array:
        self.input = input
        exps = np.exp(10 * (input - input.max(axis=0)))
        self.output = exps / exps.sum(axis=0)
        return self.output


class RowsOfSamples(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        pairs = zip(self.output.T, output_gradient.T, strict=True)
        return np.array([np.dot(np.diag(a) - np.outer(a, a), g) for a, g in pairs])


class OneTurn(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        result = np.zeros_like(self.output)
        for i in range(result.shape[1]):
            a = self.output[:, i]
            result[:, i] = np.dot(np.diag(a) - np.outer(a, a), output_gradient[:, i])
            break
        return result


class DotForOuter(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        pairs = zip(self.output.T, output_gradient.T, strict=True)
        return np.array([np.dot(np.diag(a) - np.dot(a, a), g) for a, g in pairs]).T


class MeanForSum(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        return self.output * (output_gradient - np.mean(self.output * output_gradient, axis=0))


class LoopOverClasses(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        result = np.zeros(self.output.shape)
        for i in range(self.output.shape[0]):
            a = self.output[:, i]
            result[:, i] = (np.diag(a) - np.outer(a, a)) @ output_gradient[:, i]
        return result


class TransposedGradient(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        jacobians = np.array([np.diag(a) - np.outer(a, a) for a in self.output.T]).T
        return (jacobians * output_gradient.T).sum(axis=1)


class SamplesFirst(Softmax):
    def backward(self, output_gradient: Array, learning_rate: Any = None) -> Array:
        jacobians = np.array([np.diag(a) - np.outer(a, a) for a in self.output.T])
        return (jacobians * output_gradient).sum(axis=1)


class TwoUpdates(Dense):
    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        below = super().backward(output_gradient, learning_rate)
        self.weights = self.weights - learning_rate * np.dot(output_gradient, self.input.T)
        return below


LOSSES: list[tuple[Callable[..., Any], str]] = [
    (lambda y, yhat: -np.mean(np.dot(y.T, np.log(yhat))), "Each label is used with the probabilities of all samples"),
    (labels_pick_rows, "Each label is used with the probabilities of all samples"),
    (
        lambda y, yhat: -np.sum(y * np.log(yhat)) / (y.shape[1] - 1),
        "The loss is divided by the number of samples minus 1",
    ),
    (
        lambda y, yhat: -np.log(np.sum(y * yhat)) / y.shape[1],
        "The probabilities of all samples are added before the logarithm",
    ),
    (
        lambda y, yhat: -np.sum(y * np.log(np.maximum(yhat.astype(int), 1e-7))) / y.shape[1],
        "Every probability counts as a tiny number",
    ),
    (
        lambda y, yhat: -np.sum(y * np.log(np.minimum(yhat, 0.9))) / y.shape[1],
        "yhat is clipped too far from 1",
    ),
    (lambda y, yhat: np.mean(np.sum(-y * np.log(yhat), axis=0)) * 0.5, "The loss is half as large as it should be"),
    (lambda y, yhat: -np.sum(y * np.log(yhat**2)) / y.shape[1], "The loss is twice as large as it should be"),
    (
        lambda y, yhat: -np.sum(yhat * np.log(y + 1e-7)),
        "y and yhat are swapped, and log 0 is avoided, and it is summed, not averaged",
    ),
    (
        lambda y, yhat: np.mean([-y[:, i] @ np.log(yhat[:, i]) for i in range(len(y))]),
        "The loop runs over the classes, not over the samples",
    ),
]
GRADIENTS: list[tuple[Callable[..., Any], str]] = [
    (subtract_from_yhat, "The gradient is yhat - y, which belongs to the scores, not to yhat"),
    (lambda y, yhat: -y / np.log(yhat), "y is divided by the logarithm of yhat"),
    (lambda y, yhat: -y / np.minimum(yhat, 1e-7), "y is divided by a tiny number in place of yhat"),
    (lambda y, yhat: -y / 1e-7, "y is divided by a tiny number in place of yhat"),
    (lambda y, yhat: -y * np.where(y == 1, yhat, 1), "yhat stands where 1 / yhat belongs"),
    (
        lambda y, yhat: -(0.9 * y + 0.1 / len(y)) / yhat,
        "The labels are smoothed: the other classes count a little",
    ),
    (lambda y, yhat: -y / (1 + yhat), "A number is added to yhat that is too large"),
]
SKIP = BACK, ""
NO_SIZE = "(1 / len(batch)) * grad", "grad"
LOOPS = [
    (loop(SKIP, NO_SIZE), "The gradient skips softmax.backward"),
    (
        loop((GRADIENT, "            grad = softmax.output - y[:, batch]\n"), SKIP, NO_SIZE),
        "yhat - y replaces cce_gradient and softmax.backward",
    ),
    (
        loop(("(1 / len(batch)) * grad, learning_rate", "grad, learning_rate * len(batch)")),
        "The step is multiplied by the batch size, not divided by it",
    ),
    (loop(("(1 / len(batch)) * grad", "loss")), "dlayer.backward gets the loss, not a gradient"),
    (loop(("(1 / len(batch)) * grad", "np.mean(grad)")), "The gradient is averaged to one number"),
    (
        loop(("(1 / len(batch)) * grad", "np.mean(grad, axis=1)")),
        "The gradient is averaged over the batch before dlayer.backward",
    ),
]
WRITTEN = [
    *(("check-train", {"train": written(code)["train"]}, name) for code, name in LOOPS),
    *(("check-cce", {"cce": code}, name) for code, name in LOSSES),
    *(("check-cce-gradient", {"cce_gradient": code}, name) for code, name in GRADIENTS),
    (
        "check-softmax-forward",
        {"Softmax": ClosedTooEarly},
        "The largest score is subtracted from the exponentials, not from the scores",
    ),
    (
        "check-softmax-forward",
        {"Softmax": Sharper},
        "The scores are scaled by a fixed number before the exponential",
    ),
    (
        "check-softmax-backward",
        {"Softmax": DotForOuter},
        "The same number is subtracted from every entry of the Jacobian",
    ),
    (
        "check-softmax-backward",
        {"Softmax": MeanForSum},
        "The products are averaged over the classes, not added up",
    ),
    (
        "check-softmax-backward",
        {"Softmax": LoopOverClasses},
        "The loop runs over the classes, not over the samples",
    ),
    ("check-softmax-backward", {"Softmax": TransposedGradient}, "The incoming gradient is used with its axes swapped"),
    (
        "check-softmax-backward",
        {"Softmax": SamplesFirst},
        "The samples are the first axis of the Jacobians, and are used as if they were the last",
    ),
]


@pytest.mark.parametrize(("part", "code", "name"), WRITTEN)
def test_the_name_is_true_of_what_is_written(part: str, code: dict[str, object], name: str) -> None:
    report = checked(part_of(part), **code)
    assert report.help is not None and report.help.mistake is not None
    assert report.help.mistake.name == name
    for seed in (1, 2**40 + 5, 77):
        mistake = judged(part_of(part), code, seed).mistake
        assert mistake is not None and mistake.name == name


def test_samples_that_come_twice_are_not_said_to_be_drawn_at_random() -> None:
    code = {"train": written(loop(("[:, batch]", "[:, [epoch]]")))["train"]}
    report = " ".join(str(checked(part_of("check-train"), **code)).split())
    assert "Some samples come twice in an epoch, others never." in report
    mistake = judged(part_of("check-train"), code, 1).mistake
    assert mistake is not None and mistake.name == "Some samples come twice in an epoch, others never"


@pytest.mark.parametrize(
    ("gradient", "name"),
    [
        ("np.mean(grad) * np.ones_like(grad)", "Only the sign of the gradient is used"),
        ("losses", "dlayer.backward gets a gradient of zeros"),
    ],
)
def test_an_array_of_one_number_is_not_said_to_be_signs_nor_an_empty_one_to_be_zeros(gradient: str, name: str) -> None:
    code = {"train": written(loop(("(1 / len(batch)) * grad", gradient)))["train"]}
    report, verdict = checked(part_of("check-train"), **code), judged(part_of("check-train"), code, 1)
    assert not report.right and name not in str(report)
    assert verdict.mistake is None or verdict.mistake.name != name
    assert name not in " ".join(statement.why for statement in verdict.statements)


@pytest.mark.parametrize(
    ("part", "code", "hint"),
    [
        ("check-cce", {"cce": lambda y, yhat: np.mean(np.sum(-y * np.log(np.sqrt(yhat)), axis=0))}, "a square root"),
        (
            "check-cce-gradient",
            {"cce_gradient": lambda y, yhat: np.mean(-y / yhat, axis=1, keepdims=True) * np.ones_like(y)},
            "Leave out the mean",
        ),
        ("check-softmax-backward", {"Softmax": RowsOfSamples}, "Keep samples in columns"),
        ("check-softmax-backward", {"Softmax": OneTurn}, "Print the result after each turn"),
        ("check-dense-backward", {"Dense": TwoUpdates}, "Update the weights once"),
    ],
)
def test_the_hint_of_a_mistake_fits_each_way_to_make_it(part: str, code: dict[str, object], hint: str) -> None:
    report = checked(part_of(part), **code)
    assert report.help is not None and report.help.mistake is not None
    assert hint in report.help.mistake.hint
