"""Mistakes in the loss and in its gradient.

The ways in which people write one of them stand one after another.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference.wrong_code import COMMA, INTEGERS, PER_SAMPLE, loop_over_rows, overwrite
from lib.unit import Array

Function = Callable[[Array, Array], Any]

loss = MistakeCatalog(
    "check-cce",
    "cce",
    teach="Compute the loss of a batch of two samples at the board: -log of each true class's probability, then the"
    " mean of the two numbers.",
)
gradient = MistakeCatalog(
    "check-cce-gradient",
    "cce_gradient",
    teach="Differentiate -y log(yhat) for one sample, class by class: -1/yhat for the true class and 0 for the others."
    " Softmax's backward makes the step to the scores, and the training loop multiplies by 1/B.",
)
B = -1
"""The axis of the samples."""
TINY = 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15
"""Numbers that people add to keep away from log 0."""
mean_of = replace(loss, make=lambda entries: lambda y, p: np.sum(entries(y, p)) / y.shape[B])
"""The sum of wrong entries, divided by the batch size."""
of_slopes = replace(gradient, make=lambda change: lambda y, p: change(-y / p))
"""The right gradient, which code has changed."""
MINUS, SUMMED, OF_ENTRIES = "the minus is missing", "it is summed, not averaged", "it is the mean over all entries"
BY_CLASSES, SIGN, DIVIDED = "it is divided by the number of classes", "a sign is wrong", "1/B is applied"
"""Mistakes that some of those below come together with."""


def _right(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat)) / y.shape[B]


def _right_gradient(y: Array, yhat: Array) -> Any:
    return -y / yhat


def _true(y: Array, yhat: Array) -> Array:
    """Give the probability of each sample's true class, (batch,)."""
    return np.asarray((y * yhat).sum(axis=0))


def _softmax(z: Array) -> Array:
    return np.asarray(np.exp(z) / np.exp(z).sum(axis=0))


def _sums_and_means(entries: Function) -> tuple[Function, ...]:
    """Make of entries the three losses that people do: their sum by the batch size, their sum, and their mean."""
    return (
        lambda y, p: np.sum(entries(y, p)) / y.shape[B],
        lambda y, p: np.sum(entries(y, p)),
        lambda y, p: np.mean(entries(y, p)),
    )


def _inside(tiny: float) -> Function:
    return lambda y, p: -np.log(y * p + tiny)


def _focal(focus: int) -> Function:
    return lambda y, p: -y * (1 - p) ** focus * np.log(p)


# ---- The loss: sign, size, logarithm

DIVIDE = "Print the number that you divide by, for two batches of different sizes. Does it count the samples?"
NATURAL = "Compute the loss of one sample with p = 1/e by hand. It is 1."
ENTRY = "Multiply entry by entry, with *. A matrix product also combines entries that do not belong together."

mean_of(
    "The minus sign is missing",
    "The logarithm of a probability is 0 or negative, and a loss is 0 or positive. Change the sign.",
)(lambda y, p: y * np.log(p))
loss("The loss is the mean over all entries of the matrix", DIVIDE, MINUS)(lambda y, p: -np.mean(y * np.log(p)))
loss(
    "The loss is the sum over the batch, not its mean",
    "Compare the loss of one sample with that of the same sample twice.",
    MINUS,
)(lambda y, p: -np.sum(y * np.log(p)))
loss("The loss is divided by the number of classes", DIVIDE, MINUS)(lambda y, p: -np.sum(y * np.log(p)) / y.shape[0])
loss(
    "The loss is divided by the batch size twice",
    "Divide by the number of samples only once. np.mean already divides.",
    MINUS,
)(lambda y, p: np.mean(-np.sum(y * np.log(p), axis=0)) / y.shape[B])
loss("The mean over all entries is divided by the batch size", DIVIDE, MINUS)(
    lambda y, p: -np.mean(y * np.log(p)) / y.shape[B]
)
mean_of("The logarithm has base 2", NATURAL, SUMMED, OF_ENTRIES, BY_CLASSES, MINUS)(lambda y, p: -y * np.log2(p))
mean_of("The logarithm has base 10", NATURAL, SUMMED, OF_ENTRIES, BY_CLASSES, MINUS)(lambda y, p: -y * np.log10(p))
mean_of("The logarithm is that of 1 + yhat", NATURAL)(lambda y, p: -y * np.log1p(p))
mean_of(
    "The logarithm is that of 1 - yhat",
    "The loss is 0 where the true class has probability 1. What is it in your code?",
)(lambda y, p: -y * np.log(1 - p))
mean_of("The exponential stands in place of the logarithm", NATURAL)(lambda y, p: -y * np.exp(p))
loss("The loss is divided by the logarithm of the number of classes", NATURAL)(
    lambda y, p: _right(y, p) / np.log(y.shape[0])
)
loss("The loss is divided by the number of samples minus 1", DIVIDE)(
    lambda y, p: -np.sum(y * np.log(p)) / max(y.shape[B] - 1, 1), lambda y, p: -np.sum(y * np.log(p)) / (y.shape[B] - 1)
)
loss("The loss is divided by the number of samples plus 1", DIVIDE)(
    lambda y, p: -np.sum(y * np.log(p)) / (y.shape[B] + 1)
)
loss("The loss is half as large as it should be", "Look for a factor 1/2, or for a square root of yhat.")(
    lambda y, p: _right(y, p) / 2
)
loss("The loss is twice as large as it should be", "Look for a factor 2, or for a square of yhat.")(
    lambda y, p: 2 * _right(y, p)
)
mean_of("The probabilities are divided before the logarithm", "Leave only yhat inside np.log, and divide behind it.")(
    lambda y, p: -y * np.log(p / y.shape[B]), lambda y, p: -y * np.log(p / y.shape[B]) * y.shape[B]
)
for much in (0.1, 0.01, 0.05, 0.2):
    for catalog, make in ((loss, _right), (gradient, _right_gradient)):
        catalog("The labels are smoothed: the other classes count a little", "Use the labels y as they are.")(
            lambda y, p, much=much, make=make: make((1 - much) * y + much / y.shape[0], p)
        )
mean_of(
    "The logarithm is missing",
    "Take the logarithm of the probabilities: where the true class has probability 1, the loss is 0.",
    SUMMED,
)(lambda y, p: -y * p)
loss(
    "The loss is 1 minus the probability, without a logarithm",
    "Compute the loss of one sample with p = 1/e by hand: it is 1, and -log p.",
    SUMMED,
)(lambda y, p: np.mean(1 - _true(y, p)))

# ---- The loss: which probabilities

loss("y and yhat are swapped", "The labels y are 0 or 1, and log 0 is not finite. Of which array do you take the log?")(
    *_sums_and_means(lambda y, p: -p * np.log(y))
)
mean_of(
    "y and yhat are swapped, and log 0 is avoided",
    "Take the logarithm of the prediction yhat, not of the labels y.",
    SUMMED,
)(*(lambda y, p, tiny=tiny: -p * np.log(y + tiny) for tiny in TINY))

INSIDE = "Where y is 0, the logarithm is that of 0. Move the parenthesis, so that only yhat is inside."
loss("y is inside the logarithm", INSIDE)(*_sums_and_means(lambda y, p: -np.log(y * p)))
for tiny in TINY:
    loss(
        "y is inside the logarithm, and log 0 is avoided",
        "Print the logarithm for a class where y is 0. Move the parenthesis, so that y is outside.",
    )(*_sums_and_means(_inside(tiny)))
mean_of(
    "Every class counts: y does not select the true one",
    "Which factor makes the terms of the other classes 0?",
    SUMMED,
    OF_ENTRIES,
    MINUS,
)(lambda y, p: -np.log(p))
mean_of("A matrix product mixes the classes", ENTRY, same_as=("Every class counts: y does not select the true one",))(
    lambda y, p: -y @ np.log(p).T
)
mean_of("A matrix product mixes the samples", ENTRY, SUMMED, MINUS)(lambda y, p: -y.T @ np.log(p))
loss(
    "The predicted class is used in place of the true one",
    "Which class does the label name? The largest probability may belong to another one.",
    SUMMED,
    MINUS,
)(lambda y, p: np.mean(-np.log(p.max(axis=0))))
mean_of(
    "The loss is the entropy of the prediction: y is not used",
    "Change the label of a sample. Does your loss change?",
    SUMMED,
    MINUS,
)(lambda y, p: -p * np.log(p))
LAST = "Take the logarithm of each sample's probability first, then the mean."
loss("The probabilities of all samples are added before the logarithm", LAST)(
    lambda y, p: -np.log(np.sum(y * p)), lambda y, p: -np.log(np.sum(y * p)) / y.shape[B]
)
loss("The mean is taken before the logarithm", LAST)(lambda y, p: -np.log(np.sum(y * p) / y.shape[B]))
loss(
    "The labels and the probabilities are averaged over the batch first",
    "Compute the loss of each sample first, then the mean of the losses.",
)(lambda y, p: -np.sum(y.mean(axis=1) * np.log(p.mean(axis=1))))
loss(
    "Softmax is applied to yhat, which holds probabilities already",
    "Take the logarithm of yhat as it is: the softmax layer has made probabilities of the scores.",
)(lambda y, p: _right(y, _softmax(p)))

ONE_SAMPLE = "Print the loss after each turn of the loop. Does every sample add to it?"
loss("Only the last sample counts", ONE_SAMPLE)(
    lambda y, p: -np.log(_true(y, p)[-1]), lambda y, p: -np.log(_true(y, p)[-1]) / y.shape[B]
)
loss("Only the first sample counts", ONE_SAMPLE)(
    lambda y, p: -np.log(_true(y, p)[0]), lambda y, p: -np.log(_true(y, p)[0]) / y.shape[B]
)
mean_of("The last sample is left out", ONE_SAMPLE)(lambda y, p: -np.log(_true(y, p)[:-1]))
mean_of("The first sample is left out", ONE_SAMPLE)(lambda y, p: -np.log(_true(y, p)[1:]))
loss("The loop runs over the classes, not over the samples", PER_SAMPLE)(
    *_sums_and_means(lambda y, p: -loop_over_rows(y * np.log(p))),
    lambda y, p: -np.sum(loop_over_rows(y * np.log(p))) / len(y),
)
for which, of in (("largest", np.max), ("smallest", np.min), ("middle", np.median)):
    loss(f"The {which} loss of the batch is returned, not the mean", "Every sample counts: take the mean of all.")(
        lambda y, p, of=of: of(-np.log(_true(y, p)))
    )

FAR = "Use a much smaller number: it may only matter where a probability is nearly 0."
for much in (1e-2, 1e-4, 1e-3, 0.1):
    loss("A number is added to yhat that is too large", FAR)(lambda y, p, much=much: _right(y, p + much))
for low in (0.01, 0.02, 0.05, 0.1):
    loss("yhat is clipped too far from 0", FAR)(
        lambda y, p, low=low: _right(y, np.maximum(p, low)), lambda y, p, low=low: _right(y, np.clip(p, low, 1 - low))
    )
for high in (0.5, 0.8, 0.9):
    for catalog, make in ((loss, _right), (gradient, _right_gradient)):
        catalog("yhat is clipped too far from 1", "Limit yhat near 0 alone: the logarithm of 1 is 0.")(
            lambda y, p, high=high, make=make: make(y, np.minimum(p, high))
        )

loss(
    "Every probability counts as a tiny number",
    "Print what you take the logarithm of, for one sample. np.minimum keeps the smaller of two numbers.",
)(lambda y, p: _right(y, np.minimum(p, 1e-7)))
for number in (16, 10, 32, 64, 100, 1000):
    loss("The loss is divided by a fixed number", DIVIDE)(lambda y, p, number=number: -np.sum(y * np.log(p)) / number)

# ---- The loss: another one

BINARY = "Leave out the terms with 1 - y: only the probability of the true class counts."
OTHER = "Write the loss of Step 4 for one sample with three classes, and compare it with your code term by term."

for words, size in (("", lambda y: y.shape[B]), (", averaged over all entries", np.size), (", summed", lambda y: 1)):
    loss(f"The loss is binary cross-entropy{words}", BINARY, MINUS)(
        lambda y, p, size=size: -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / size(y)
    )
for size in (lambda y: 1, lambda y: y.shape[B], np.size):
    loss("Only the classes that are not the true one count", BINARY)(
        lambda y, p, size=size: -np.sum((1 - y) * np.log(1 - p)) / size(y)
    )
    for sign in (1, -1):
        loss("The loss is binary cross-entropy with a wrong sign", BINARY)(
            lambda y, p, size=size, sign=sign: sign * np.sum(y * np.log(p) - (1 - y) * np.log(1 - p)) / size(y)
        )


FOCUS = "Look for a factor with 1 - yhat. The loss of Step 4 has none: every sample counts alike."
for focus in (1, 2, 5):
    loss("The loss is focal loss: samples that are predicted well count less", FOCUS)(*_sums_and_means(_focal(focus)))
loss("The logarithm is squared", OTHER)(*_sums_and_means(lambda y, p: y * np.log(p) ** 2))
loss("The loss is the mean squared error", OTHER)(lambda y, p: np.mean((y - p) ** 2))
for scale in (lambda y: 1, lambda y: 2, lambda y: y.shape[B], lambda y: 2 * y.shape[B], lambda y: 2 * y.size):
    loss("The loss is the squared error, not averaged over all entries", OTHER)(
        lambda y, p, scale=scale: np.sum((y - p) ** 2) / scale(y)
    )
for scale in (lambda y: 1, lambda y: y.shape[B], np.size):
    loss("The loss is the absolute error", OTHER)(lambda y, p, scale=scale: np.sum(np.abs(y - p)) / scale(y))
loss("The share of right predictions is returned, not the loss", OTHER)(
    lambda y, p: np.mean(y.argmax(axis=0) == p.argmax(axis=0))
)
loss("The exponential undoes the logarithm", OTHER)(
    lambda y, p: np.exp(_right(y, p)), lambda y, p: np.exp(-_right(y, p))
)
loss(
    "The loss is rounded", "Return the loss as it is, and round only where you print it. // rounds, too: divide by /."
)(
    *(lambda y, p, digits=digits: np.round(_right(y, p), digits) for digits in (2, 1, 0)),
    lambda y, p: np.floor(_right(y, p)),
)
loss("The share of wrong predictions is returned, not the loss", OTHER)(
    lambda y, p: np.mean(y.argmax(axis=0) != p.argmax(axis=0))
)

# ---- The loss: not one number

ONE_NUMBER = "Print the shape of what you return: the loss of a batch is one number."

loss(
    "The loss of each sample is returned, not their mean",
    "Take the mean over the samples: the loss of a batch is one number.",
    MINUS,
)(lambda y, p: -np.sum(y * np.log(p), axis=0))
loss("A number for each sample is returned, not one for the batch", ONE_NUMBER)(
    lambda y, p: -np.sum(y * np.log(p), axis=0) / y.shape[B], lambda y, p: -np.mean(y * np.log(p), axis=0)
)
loss("A number for each class is returned, not one for the batch", ONE_NUMBER)(
    lambda y, p: -np.sum(y * np.log(p), axis=1),
    lambda y, p: -np.mean(y * np.log(p), axis=1),
    lambda y, p: -np.sum(y * np.log(p), axis=1) / len(y),
)
loss("A matrix is returned: nothing is summed", ONE_NUMBER, MINUS)(
    lambda y, p: -y * np.log(p), lambda y, p: -y * np.log(p) / y.shape[B]
)
loss("A matrix is returned, with a row for each class or each sample", ONE_NUMBER, MINUS)(
    lambda y, p: -y @ np.log(p).T,
    lambda y, p: -y @ np.log(p).T / y.shape[B],
    lambda y, p: -y.T @ np.log(p),
    lambda y, p: -y.T @ np.log(p) / y.shape[B],
    lambda y, p: -np.log(p) @ y.T / y.shape[B],
    lambda y, p: -np.log(p).T @ y / y.shape[B],
)
loss("A parenthesis closes too early: only y is summed", ONE_NUMBER)(
    lambda y, p: -np.sum(y) * np.log(p) / y.shape[B],
    lambda y, p: -np.sum(y) * np.log(p),
    lambda y, p: -np.sum(y, axis=0) * np.log(p) / y.shape[B],
    lambda y, p: -np.mean(y) * np.log(p),
    lambda y, p: -np.mean(y, axis=0) * np.log(p),
)
loss(
    "Only the logarithms are summed, before they are multiplied by y",
    "A .sum() belongs to what stands directly before it. Print what it sums.",
)(
    lambda y, p: -y * np.log(p).sum(axis=0),
    lambda y, p: -y * np.log(p).sum(axis=0) / y.shape[B],
    lambda y, p: -y * np.log(p).sum(),
    lambda y, p: -y * np.log(p).sum() / y.shape[B],
    lambda y, p: -y * np.log(p).mean(axis=0),
    lambda y, p: -y * np.log(p).mean(),
)
loss(
    "Each label is used with the probabilities of all samples",
    "Print the matrix that you average, for two samples. Which of its entries belong to a label and its own sample?",
)(lambda y, p: -np.mean(np.log(p[y.argmax(axis=0)])), lambda y, p: -np.mean(y.T @ np.log(p)))


def _first_true(y: Array, yhat: Array) -> Array:
    """Give what code that takes rows for samples picks: for each row of yhat the entry at the largest of y."""
    return np.asarray(yhat[np.arange(len(y)), y.argmax(axis=1)])


loss(
    "The rows are taken for the samples",
    "Columns are samples. Print which entries of yhat your code picks, for two samples with three classes.",
)(*_sums_and_means(lambda y, p: -np.log(_first_true(y, p))))
loss("The loss is in a list", "Return the number itself.")(lambda y, p: [_right(y, p)])
loss("The loss is in a tuple", "Look for a comma behind the value: it makes a tuple.")(lambda y, p: (_right(y, p),))
loss("The loss is missing", "Look for a path through cce that ends without return, or for print in place of return.")(
    lambda y, p: None
)
mean_of("np.dot gets two arrays of the same shape", ENTRY)(lambda y, p: -np.dot(y, np.log(p)))
loss(
    "A float stands where NumPy expects an axis",
    "np.max(M, c) reads c as an axis. np.maximum(M, c) compares each entry with c.",
)(lambda y, p: _right(y, np.max(p, 1e-7)))  # type: ignore[call-overload]  # what the mistake is
loss("cce overwrites the arrays that it is given", "Compute into a new array: the layers still need yhat.")(
    overwrite(1, _right)
)
loss("cce overwrites the labels that it is given", "Compute into a new array: the gradient still needs y.")(
    overwrite(0, _right)
)


def _resize(factor: Callable[[Array], float]) -> Callable[[Any], Function]:
    return lambda wrong: lambda y, yhat: wrong(y, yhat) * factor(y)


loss.combine(SUMMED, _resize(lambda y: y.shape[B]))
loss.combine(OF_ENTRIES, _resize(lambda y: 1 / len(y)))
loss.combine(BY_CLASSES, _resize(lambda y: y.shape[B] / len(y)))
loss.combine(MINUS, _resize(lambda y: -1))

# ---- The gradient

SLOPE = "Differentiate -y log(yhat) with respect to yhat. What is the derivative of log x?"
FUSED = "Differentiate -y log(yhat) with respect to yhat. The step to the scores is made by softmax.backward."
NO_DIVISION = "This is one sample's gradient, and nothing is averaged here. The training loop multiplies by 1/B."
SHAPE = "Print the shape of the gradient: every entry of yhat has its own slope."

gradient(
    "The gradient has the wrong sign",
    "The loss gets smaller when the true class's probability grows, so its slope is negative. Change the sign.",
)(lambda y, p: y / p)
of_slopes("The gradient is divided by the batch size", NO_DIVISION, SIGN)(lambda g: g / g.shape[B])
gradient("The gradient is yhat - y, which belongs to the scores, not to yhat", FUSED)(
    lambda y, p: p - y, lambda y, p: np.subtract(p, y, out=p)
)
gradient("The gradient is y - yhat", FUSED)(lambda y, p: y - p)
gradient("The gradient is (yhat - y) / B, which belongs to the scores, not to yhat", FUSED)(
    lambda y, p: (p - y) / y.shape[B]
)
gradient("The gradient is (y - yhat) / B", FUSED)(lambda y, p: (y - p) / y.shape[B])
gradient("The gradient is yhat - y divided by the number of classes", FUSED, SIGN)(lambda y, p: (p - y) / len(y))
gradient("yhat - y is multiplied by the derivative of softmax", FUSED)(
    lambda y, p: (p - y) * p * (1 - p),
    lambda y, p: p * ((p - y) - (p * (p - y)).sum(axis=0)),
    lambda y, p: (p - y) * p * (1 - p) / y.shape[B],
    lambda y, p: p * ((p - y) - (p * (p - y)).sum(axis=0)) / y.shape[B],
)
gradient("The derivative of softmax is in the loss gradient already", FUSED)(
    lambda y, p: -(y / p) * p * (1 - p), lambda y, p: p * (-y / p - (p * (-y / p)).sum(axis=0)) * p
)
gradient(
    "The gradient is that of the squared error",
    "Differentiate -y log(yhat), the loss of this notebook, with respect to yhat.",
)(
    lambda y, p: 2 * (p - y),
    lambda y, p: 2 / len(y) * (p - y),
    lambda y, p: 2 / y.shape[B] * (p - y),
    lambda y, p: 2 / y.size * (p - y),
    lambda y, p: 1 / y.size * (p - y),
)
gradient(
    "The true class's entry is set to -1, the others are yhat",
    "Compare = -1 with -= 1. And which gradient is yhat minus the one-hot label?",
    DIVIDED,
)(lambda y, p: np.where(y == 1, -1, p))
gradient(
    "The one-hot y is missing: every class gets a gradient",
    "Which factor makes the slopes of the other classes 0?",
    SIGN,
    DIVIDED,
)(lambda y, p: -1 / p)
gradient("y and yhat are swapped", "Divide by the prediction yhat. The labels y contain zeros.", SIGN)(
    lambda y, p: -p / y,
    lambda y, p: np.nan_to_num(-p / y),
    *(lambda y, p, tiny=tiny: -p / (y + tiny) for tiny in TINY),
)
gradient("yhat itself is returned", SLOPE)(lambda y, p: p)
gradient("The gradient is the loss of each entry, not its slope", SLOPE, SIGN, DIVIDED)(lambda y, p: -y * np.log(p))
gradient("yhat stands where 1 / yhat belongs", SLOPE, SIGN, DIVIDED)(lambda y, p: -y * p)
gradient("Every slope is -1, whatever the probability", SLOPE, SIGN, DIVIDED)(lambda y, p: -y)
gradient("yhat is squared", SLOPE, SIGN, DIVIDED)(lambda y, p: -y / p**2)
for focus in (1, 2, 5):
    gradient("The gradient is that of focal loss", FOCUS)(
        lambda y, p, focus=focus: y * (1 - p) ** (focus - 1) * (focus * np.log(p) - (1 - p) / p)
    )
    gradient(
        "The slope is multiplied by 1 - yhat, or by a power of it",
        "Differentiate -log yhat by hand, and compare it with each factor of your code.",
    )(lambda y, p, focus=focus: -y / p * (1 - p) ** focus)
for base in (np.log(2), np.log(10), 1 / np.log(2), 1 / np.log(10)):
    gradient("The gradient belongs to a logarithm of another base", SLOPE)(lambda y, p, base=base: -y / (p * base))
gradient("The derivative of 1/x is taken for that of log x", SLOPE)(lambda y, p: -np.log(p))
gradient("y is divided by the logarithm of yhat", SLOPE)(lambda y, p: -y / np.log(p))
gradient(
    "The gradient is 1 - y / yhat",
    "Where y is 0, this gives 1. What is the slope of the loss for a class that is not the true one?",
)(lambda y, p: 1 - y / p)
of_slopes("The gradient is divided by the number of classes", NO_DIVISION, SIGN)(lambda g: g / len(g))
of_slopes("The gradient is divided by the number of all entries", NO_DIVISION)(lambda g: g / g.size)
of_slopes("The slopes are half as steep as they should be", "Leave out the factor: the derivative of log x has none.")(
    lambda g: g / 2
)
of_slopes("The gradient is multiplied by the batch size", NO_DIVISION)(lambda g: g * g.shape[B])
gradient("The gradient is that of binary cross-entropy", BINARY, SIGN)(lambda y, p: -y / p + (1 - y) / (1 - p))
gradient("The gradient is that of binary cross-entropy, divided by the batch size", BINARY)(
    lambda y, p: (-y / p + (1 - y) / (1 - p)) / y.shape[B]
)
gradient("The gradient is that of binary cross-entropy with a wrong sign", BINARY)(
    lambda y, p: y / p + (1 - y) / (1 - p), lambda y, p: -(y / p + (1 - y) / (1 - p))
)
of_slopes(
    "The gradient is summed over the classes",
    "Leave out the sum: every class has its own slope, and the gradient has the shape of yhat.",
    SIGN,
)(lambda g: g.sum(axis=0))
of_slopes("The gradient is averaged over the classes", SHAPE)(lambda g: g.mean(axis=0))
of_slopes("The gradient is averaged over the batch", SHAPE, SIGN)(lambda g: g.mean(axis=1, keepdims=True))
of_slopes("All samples get the mean of their gradients", "Leave out the mean: each sample has a gradient of its own.")(
    lambda g: g.mean(axis=1, keepdims=True) + 0 * g
)
gradient("Only the classes that are not the true one get a gradient", "Which class does the loss depend on?")(
    lambda y, p: -(1 - y) / p, lambda y, p: (1 - y) / p, lambda y, p: (1 - y) / (1 - p)
)
of_slopes("The samples of the batch are added to one gradient", SHAPE)(
    lambda g: g.mean(axis=1), lambda g: g.sum(axis=1), lambda g: g.sum(axis=1, keepdims=True)
)
of_slopes("The gradient is one number", SHAPE, SIGN)(lambda g: g.sum() / g.shape[B])
gradient("One number is returned for the whole batch", SHAPE)(
    lambda y, p: -np.sum(y / p), lambda y, p: -np.mean(y / p), lambda y, p: _right(y, p)
)
of_slopes(
    "The gradient is transposed", "Print the shape of the gradient: classes in rows, samples in columns, as in yhat."
)(np.transpose)
gradient("A matrix product stands where entries are divided", "Divide entry by entry, with /.")(
    lambda y, p: -y @ (1 / p).T, lambda y, p: -y.T @ (1 / p)
)
gradient("Softmax is applied to yhat, which holds probabilities already", "Use yhat as it is.")(
    lambda y, p: -y / _softmax(p)
)
for least in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5):
    gradient(
        "Steep slopes are cut off: the gradient or yhat is clipped",
        "Return the slopes as they are: a small probability has a steep one. A limit for yhat has to be near 0.",
    )(lambda y, p, least=least: _right_gradient(y, np.maximum(p, least)))
of_slopes("The gradient is divided by its norm", "Return the slopes as they are: their size matters.")(
    lambda g: g / np.linalg.norm(g)
)
of_slopes(
    "The gradient is rounded", "Return the slopes as they are, and round only where you print them. // rounds, too."
)(*(partial(np.round, decimals=digits) for digits in (2, 1, 0)), np.floor)
for much in (1e-2, 1e-4, 1e-3, 0.1, 1):
    gradient("A number is added to yhat that is too large", FAR)(lambda y, p, much=much: _right_gradient(y, p + much))
gradient(
    "y is divided by a tiny number in place of yhat",
    "Print what you divide by, for one sample. np.minimum keeps the smaller of two numbers, and np.maximum the larger.",
)(lambda y, p: _right_gradient(y, np.minimum(p, 1e-7)))

ENDS = "Check the indentation: a return inside a loop ends the function in the first round."
of_slopes("Only one sample gets a gradient, the others 0", ENDS)(
    *(lambda g, at=at: g * (np.arange(g.shape[B]) == at % g.shape[B]) for at in (0, B))
)
of_slopes("The last sample gets no gradient", "Print the last column of the gradient. Does your loop reach it?")(
    lambda g: np.hstack([g[:, :-1], 0 * g[:, -1:]])
)
of_slopes("The loop runs over the classes, not over the samples", PER_SAMPLE)(loop_over_rows)
gradient("Only the entries of the true classes are returned, in one row", SHAPE)(lambda y, p: -1 / p[y == 1])
of_slopes("The gradient is in a tuple or a list", COMMA)(lambda g: (g,))
of_slopes("The gradient is written into an array of integers", INTEGERS)(lambda g: g.astype(int))
gradient("y stands in the denominator too", "The labels y contain zeros: multiply by them, and divide by yhat.")(
    lambda y, p: -1 / (y * p),
    lambda y, p: np.nan_to_num(-1 / (y * p)),
    *(lambda y, p, tiny=tiny: -1 / (y * p + tiny) for tiny in TINY),
)
of_slopes("The gradient is missing", "Look for a path through cce_gradient that ends without return.")(lambda g: None)
gradient("np.dot gets two arrays of the same shape", "Divide entry by entry, with /.")(lambda y, p: -np.dot(y, 1 / p))
gradient("cce_gradient overwrites the array y", "Compute into a new array: the labels are needed in the next epoch.")(
    overwrite(0, _right_gradient)
)
gradient("cce_gradient overwrites the array yhat", "Compute into a new array: softmax.backward still needs yhat.")(
    overwrite(1, _right_gradient)
)

gradient.combine(SIGN, _resize(lambda y: -1))
gradient.combine(DIVIDED, _resize(lambda y: 1 / y.shape[B]))

MISTAKES = (*loss.mistakes, *gradient.mistakes)
