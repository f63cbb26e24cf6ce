"""Mistakes in the loss and in its gradient.

One that people write in several ways stands here several times, under one name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
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


def _right(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat)) / y.shape[B]


def _right_gradient(y: Array, yhat: Array) -> Any:
    return -y / yhat


def _true(y: Array, yhat: Array) -> Array:
    """Give the probability of each sample's true class, (batch,)."""
    return np.asarray((y * yhat).sum(axis=0))


def _softmax(z: Array) -> Array:
    return np.asarray(np.exp(z) / np.exp(z).sum(axis=0))


# ---- The loss: sign, size, logarithm

DIVIDE = "Print the number that you divide by, for two batches of different sizes. Does it count the samples?"
NATURAL = "Compute the loss of one sample with p = 1/e by hand. It is 1."
ENTRY = "Multiply entry by entry, with *. A matrix product also combines entries that do not belong together."


@loss(
    "The minus sign is missing",
    "The logarithm of a probability is 0 or negative, and a loss is 0 or positive. Change the sign.",
)
def _without_minus(y: Array, yhat: Array) -> Any:
    return np.sum(y * np.log(yhat)) / y.shape[B]


@loss("The loss is the mean over all entries of the matrix", DIVIDE)
def _mean_of_entries(y: Array, yhat: Array) -> Any:
    return -np.mean(y * np.log(yhat))


@loss(
    "The loss is the sum over the batch, not its mean",
    "Compare the loss of one sample with that of the same sample twice.",
)
def _sum(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat))


@loss("The loss is divided by the number of classes", DIVIDE)
def _over_classes(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat)) / y.shape[0]


@loss(
    "The losses are summed over the samples and averaged over the classes",
    DIVIDE,
    same_as=("The loss is divided by the number of classes",),
)
def _sum_and_mean_exchanged(y: Array, yhat: Array) -> Any:
    return np.mean(np.sum(-y * np.log(yhat), axis=1))


@loss(
    "The loss is divided by the batch size twice", "Divide by the number of samples only once. np.mean already divides."
)
def _mean_twice(y: Array, yhat: Array) -> Any:
    return np.mean(-np.sum(y * np.log(yhat), axis=0)) / y.shape[B]


@loss("The logarithm has base 2", NATURAL)
def _base_2(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log2(yhat)) / y.shape[B]


@loss("The logarithm has base 10", NATURAL)
def _base_10(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log10(yhat)) / y.shape[B]


@loss("The logarithm is that of 1 + yhat", NATURAL)
def _log1p(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log1p(yhat)) / y.shape[B]


@loss(
    "The logarithm is that of 1 - yhat",
    "The loss is 0 where the true class has probability 1. What is it in your code?",
)
def _log_of_rest(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(1 - yhat)) / y.shape[B]


loss("The exponential stands in place of the logarithm", NATURAL)(lambda y, p: -np.sum(y * np.exp(p)) / y.shape[B])
loss("The loss is divided by the logarithm of the number of classes", NATURAL)(
    lambda y, p: _right(y, p) / np.log(y.shape[0])
)
loss("The loss is divided by the number of samples minus 1", DIVIDE)(
    lambda y, p: -np.sum(y * np.log(p)) / max(y.shape[B] - 1, 1)
)
for much in (0.1, 0.01, 0.05, 0.2):
    loss("The labels are smoothed: the other classes count a little", "Use the labels y as they are.")(
        lambda y, p, much=much: _right((1 - much) * y + much / y.shape[0], p)
    )


@loss(
    "The logarithm is missing",
    "Take the logarithm of the probabilities: where the true class has probability 1, the loss is 0.",
)
def _without_log(y: Array, yhat: Array) -> Any:
    return -np.sum(y * yhat) / y.shape[B]


@loss(
    "The loss is 1 minus the probability, without a logarithm",
    "Compute the loss of one sample with p = 1/e by hand: it is 1, and -log p.",
)
def _one_minus(y: Array, yhat: Array) -> Any:
    return np.mean(1 - _true(y, yhat))


# ---- The loss: which probabilities

for code in (
    lambda y, p: -np.sum(p * np.log(y)) / y.shape[B],
    lambda y, p: -np.sum(p * np.log(y)),
    lambda y, p: -np.mean(p * np.log(y)),
):
    loss(
        "y and yhat are swapped",
        "The labels y are 0 or 1, and log 0 is not finite. Of which array do you take the log?",
    )(code)


@loss(
    "y and yhat are swapped, and log 0 is avoided",
    "Take the logarithm of the prediction yhat, not of the labels y.",
)
def _exchanged_and_guarded(y: Array, yhat: Array) -> Any:
    return -np.sum(yhat * np.log(np.maximum(y, 1e-7))) / y.shape[B]


INSIDE = "Where y is 0, the logarithm is that of 0. Move the parenthesis, so that only yhat is inside."
for code in (
    lambda y, p: -np.sum(np.log(y * p)) / y.shape[B],
    lambda y, p: -np.sum(np.log(y * p)),
    lambda y, p: -np.mean(np.log(y * p)),
):
    loss("y is inside the logarithm", INSIDE)(code)


@loss(
    "Every class counts: y does not select the true one",
    "Which factor makes the terms of the other classes 0?",
)
def _without_y(y: Array, yhat: Array) -> Any:
    return -np.sum(np.log(yhat)) / y.shape[B]


@loss(
    "A matrix product mixes the classes",
    ENTRY,
    same_as=("Every class counts: y does not select the true one",),
)
def _product_over_samples(y: Array, yhat: Array) -> Any:
    return -np.sum(y @ np.log(yhat).T) / y.shape[B]


@loss("A matrix product mixes the samples", ENTRY)
def _product_over_classes(y: Array, yhat: Array) -> Any:
    return -np.sum(y.T @ np.log(yhat)) / y.shape[B]


@loss(
    "The predicted class is used in place of the true one",
    "Which class does the label name? The largest probability may belong to another one.",
)
def _predicted_class(y: Array, yhat: Array) -> Any:
    return np.mean(-np.log(yhat.max(axis=0)))


@loss(
    "The loss is the entropy of the prediction: y is not used",
    "Change the label of a sample. Does your loss change?",
)
def _entropy(y: Array, yhat: Array) -> Any:
    return -np.sum(yhat * np.log(yhat)) / y.shape[B]


@loss(
    "The probabilities of all samples are added before the logarithm",
    "Take the logarithm of each sample's probability first, then the mean.",
)
def _log_of_sum(y: Array, yhat: Array) -> Any:
    return -np.log(np.sum(y * yhat))


@loss("The mean is taken before the logarithm", "Take the logarithm of each sample's probability first, then the mean.")
def _log_of_mean(y: Array, yhat: Array) -> Any:
    return -np.log(np.sum(y * yhat) / y.shape[B])


@loss(
    "The labels and the probabilities are averaged over the batch first",
    "Compute the loss of each sample first, then the mean of the losses.",
)
def _of_means(y: Array, yhat: Array) -> Any:
    return -np.sum(y.mean(axis=1) * np.log(yhat.mean(axis=1)))


@loss(
    "Softmax is applied to yhat, which holds probabilities already",
    "Take the logarithm of yhat as it is: the softmax layer has made probabilities of the scores.",
)
def _softmax_again(y: Array, yhat: Array) -> Any:
    return _right(y, _softmax(yhat))


ONE_SAMPLE = "Print the loss after each turn of the loop. Does every sample add to it?"
for code in (lambda y, p: -np.log(_true(y, p)[-1]), lambda y, p: -np.log(_true(y, p)[-1]) / y.shape[B]):
    loss("Only the last sample counts", ONE_SAMPLE)(code)
for code in (lambda y, p: -np.log(_true(y, p)[0]), lambda y, p: -np.log(_true(y, p)[0]) / y.shape[B]):
    loss("Only the first sample counts", ONE_SAMPLE)(code)


@loss("The last sample is left out", ONE_SAMPLE)
def _without_last(y: Array, yhat: Array) -> Any:
    return -np.sum(np.log(_true(y, yhat)[:-1])) / y.shape[B]


for which, of in (("largest", np.max), ("smallest", np.min), ("middle", np.median)):
    loss(f"The {which} loss of the batch is returned, not the mean", "Every sample counts: take the mean of all.")(
        lambda y, p, of=of: of(-np.log(_true(y, p)))
    )

FAR = "Use a much smaller number: it may only matter where a probability is nearly 0."
for much in (1e-2, 1e-4, 1e-3, 0.1):
    loss("A number is added to yhat that is too large", FAR)(lambda y, p, much=much: _right(y, p + much))
for low in (0.01, 0.02, 0.05, 0.1):
    loss("yhat is clipped too far from 0", FAR)(lambda y, p, low=low: _right(y, np.maximum(p, low)))
    loss("yhat is clipped too far from 0", FAR)(lambda y, p, low=low: _right(y, np.clip(p, low, 1 - low)))

loss(
    "The smaller of yhat and a tiny number is taken",
    "np.minimum keeps the smaller of two numbers. Which one do you want?",
)(lambda y, p: _right(y, np.minimum(p, 1e-7)))
for number in (16, 10, 32, 64, 100, 1000):
    loss("The loss is divided by a fixed number", DIVIDE)(lambda y, p, number=number: -np.sum(y * np.log(p)) / number)

# ---- The loss: another one

BINARY = "Leave out the terms with 1 - y: only the probability of the true class counts."
OTHER = "Write the loss of Step 4 for one sample with three classes, and compare it with your code term by term."


@loss("The loss is binary cross-entropy", BINARY)
def _binary(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat) + (1 - y) * np.log(1 - yhat)) / y.shape[B]


@loss("The loss is binary cross-entropy, averaged over all entries", BINARY)
def _mean_binary(y: Array, yhat: Array) -> Any:
    return -np.mean(y * np.log(yhat) + (1 - y) * np.log(1 - yhat))


@loss("The loss is binary cross-entropy, summed", BINARY)
def _sum_binary(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat) + (1 - y) * np.log(1 - yhat))


for size in (lambda y: 1, lambda y: y.shape[B], np.size):
    loss("Only the classes that are not the true one count", BINARY)(
        lambda y, p, size=size: -np.sum((1 - y) * np.log(1 - p)) / size(y)
    )
    for sign in (1, -1):
        loss("The loss is binary cross-entropy with a wrong sign", BINARY)(
            lambda y, p, size=size, sign=sign: sign * np.sum(y * np.log(p) - (1 - y) * np.log(1 - p)) / size(y)
        )


for size in (lambda y: y.shape[B], lambda y: 1, np.size):
    loss("The logarithm is squared", OTHER)(lambda y, p, size=size: np.sum(y * np.log(p) ** 2) / size(y))


@loss("The loss is the mean squared error", OTHER)
def _squared_error(y: Array, yhat: Array) -> Any:
    return np.mean((y - yhat) ** 2)


for scale in (lambda y: 1, lambda y: 2, lambda y: y.shape[B], lambda y: 2 * y.shape[B], lambda y: 2 * y.size):
    loss("The loss is the squared error, not averaged over all entries", OTHER)(
        lambda y, p, scale=scale: np.sum((y - p) ** 2) / scale(y)
    )
for scale in (lambda y: 1, lambda y: y.shape[B], np.size):
    loss("The loss is the absolute error", OTHER)(lambda y, p, scale=scale: np.sum(np.abs(y - p)) / scale(y))
loss("The share of right predictions is returned, not the loss", OTHER)(
    lambda y, p: np.mean(y.argmax(axis=0) == p.argmax(axis=0))
)
loss("The exponential undoes the logarithm", OTHER)(lambda y, p: np.exp(_right(y, p)))
loss("The exponential undoes the logarithm", OTHER)(lambda y, p: np.exp(-_right(y, p)))
for digits in (2, 1, 0):
    loss("The loss is rounded", "Return the loss as it is, and round only where you print it.")(
        lambda y, p, digits=digits: np.round(_right(y, p), digits)
    )

# ---- The loss: not one number

ONE_NUMBER = "Print the shape of what you return: the loss of a batch is one number."


@loss(
    "The loss of each sample is returned, not their mean",
    "Take the mean over the samples: the loss of a batch is one number.",
)
def _not_reduced(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat), axis=0)


for code in (
    lambda y, p: -np.sum(y * np.log(p), axis=0) / y.shape[B],
    lambda y, p: -np.mean(y * np.log(p), axis=0),
):
    loss("A number for each sample is returned, not one for the batch", ONE_NUMBER)(code)
for code in (
    lambda y, p: -np.sum(y * np.log(p), axis=1),
    lambda y, p: -np.mean(y * np.log(p), axis=1),
    lambda y, p: -np.sum(y * np.log(p), axis=1) / len(y),
):
    loss("A number for each class is returned, not one for the batch", ONE_NUMBER)(code)
for code in (lambda y, p: -y * np.log(p), lambda y, p: -y * np.log(p) / y.shape[B]):
    loss("A matrix is returned: nothing is summed", ONE_NUMBER)(code)
for code in (
    lambda y, p: -y @ np.log(p).T,
    lambda y, p: -y @ np.log(p).T / y.shape[B],
    lambda y, p: -y.T @ np.log(p),
    lambda y, p: -y.T @ np.log(p) / y.shape[B],
    lambda y, p: -np.log(p) @ y.T / y.shape[B],
    lambda y, p: -np.log(p).T @ y / y.shape[B],
):
    loss("A matrix is returned, with a row for each class or each sample", ONE_NUMBER)(code)
for code in (
    lambda y, p: -np.sum(y) * np.log(p) / y.shape[B],
    lambda y, p: -np.sum(y) * np.log(p),
    lambda y, p: -np.sum(y, axis=0) * np.log(p) / y.shape[B],
):
    loss("A parenthesis closes too early: only y is summed", ONE_NUMBER)(code)
loss(
    "The labels pick whole rows of yhat",
    "yhat[labels] is a row for each label. Each sample needs one entry: that of its class, in its own column.",
)(lambda y, p: -np.mean(np.log(p[y.argmax(axis=0)])))


def _first_true(y: Array, yhat: Array) -> Array:
    """Give what code that takes rows for samples picks: for each row of yhat the entry at the largest of y."""
    return np.asarray(yhat[np.arange(len(y)), y.argmax(axis=1)])


for code in (
    lambda y, p: -np.mean(np.log(_first_true(y, p))),
    lambda y, p: -np.sum(np.log(_first_true(y, p))) / y.shape[B],
    lambda y, p: -np.sum(np.log(_first_true(y, p))),
):
    loss(
        "The rows are taken for the samples",
        "Columns are samples. Print which entries of yhat your code picks, for two samples with three classes.",
    )(code)
loss("The loss is in a list", "Return the number itself.")(lambda y, p: [_right(y, p)])
loss("The loss is in a tuple", "Look for a comma behind the value: it makes a tuple.")(lambda y, p: (_right(y, p),))
loss("The loss is missing", "Look for a path through cce that ends without return, or for print in place of return.")(
    lambda y, p: None
)
loss("np.dot gets two arrays of the same shape", ENTRY)(lambda y, p: -np.sum(np.dot(y, np.log(p))) / y.shape[B])
loss(
    "A float stands where NumPy expects an axis",
    "np.max(M, c) reads c as an axis. np.maximum(M, c) compares each entry with c.",
)(lambda y, p: _right(y, np.max(p, 1e-7)))  # type: ignore[call-overload]  # what the mistake is


def _overwriting(y: Array, yhat: Array) -> Any:
    right = _right(y, yhat)
    yhat[:] = 0
    return right


loss("cce overwrites the arrays that it is given", "Compute into a new array: the layers still need yhat.")(
    _overwriting
)

SIZES = (
    "The loss is the mean over all entries of the matrix",
    "The loss is the sum over the batch, not its mean",
    "The loss is divided by the number of classes",
    "The loss is divided by the batch size twice",
)
BASES = ("The logarithm has base 2", "The logarithm has base 10")
MINUS = "the minus is missing"


def _negate(wrong: Any) -> Function:
    return lambda y, yhat: -wrong(y, yhat)


def _resize(factor: Callable[[Array], float]) -> Callable[[Any], Function]:
    return lambda wrong: lambda y, yhat: wrong(y, yhat) * factor(y)


loss.combine("it is summed, not averaged", _resize(lambda y: y.shape[B]), BASES)
loss.combine("it is the mean over all entries", _resize(lambda y: 1 / len(y)), BASES)
loss.combine("it is divided by the number of classes", _resize(lambda y: y.shape[B] / len(y)), BASES)
loss.combine(
    MINUS,
    _negate,
    (
        *SIZES,
        *BASES,
        "Every class counts: y does not select the true one",
        "The loss of each sample is returned, not their mean",
        "A matrix product mixes the samples",
        "The loss is binary cross-entropy",
        "The loss is binary cross-entropy, averaged over all entries",
        "The loss is binary cross-entropy, summed",
        "The predicted class is used in place of the true one",
        "The loss is the entropy of the prediction: y is not used",
        "A matrix is returned: nothing is summed",
        "A matrix is returned, with a row for each class or each sample",
    ),
)
loss.combine(
    "it is summed, not averaged",
    _resize(lambda y: y.shape[B]),
    (
        "Every class counts: y does not select the true one",
        "A matrix product mixes the samples",
        "The predicted class is used in place of the true one",
        "The loss is the entropy of the prediction: y is not used",
        "The loss is 1 minus the probability, without a logarithm",
        "The logarithm is missing",
    ),
)

# ---- The gradient

SLOPE = "Differentiate -y log(yhat) with respect to yhat. What is the derivative of log x?"
FUSED = "Differentiate -y log(yhat) with respect to yhat. The step to the scores is made by softmax.backward."
NO_DIVISION = "This is one sample's gradient, and nothing is averaged here. The training loop multiplies by 1/B."
SHAPE = "Print the shape of the gradient: every entry of yhat has its own slope."


@gradient(
    "The gradient has the wrong sign",
    "The loss gets smaller when the true class's probability grows, so its slope is negative. Change the sign.",
)
def _plus(y: Array, yhat: Array) -> Any:
    return y / yhat


@gradient("The gradient is divided by the batch size", NO_DIVISION)
def _over_batch(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.shape[B]


@gradient("The gradient is yhat - y, which belongs to the scores, not to yhat", FUSED)
def _at_the_scores(y: Array, yhat: Array) -> Any:
    return yhat - y


@gradient("The gradient is y - yhat", FUSED)
def _minus_at_the_scores(y: Array, yhat: Array) -> Any:
    return y - yhat


@gradient("The gradient is (yhat - y) / B, which belongs to the scores, not to yhat", FUSED)
def _mean_at_the_scores(y: Array, yhat: Array) -> Any:
    return (yhat - y) / y.shape[B]


@gradient("The gradient is (y - yhat) / B", FUSED)
def _minus_mean_at_the_scores(y: Array, yhat: Array) -> Any:
    return (y - yhat) / y.shape[B]


@gradient("The gradient is yhat - y divided by the number of classes", FUSED)
def _over_classes_at_the_scores(y: Array, yhat: Array) -> Any:
    return (yhat - y) / len(y)


for code in (
    lambda y, p: (p - y) * p * (1 - p),
    lambda y, p: p * ((p - y) - (p * (p - y)).sum(axis=0)),
    lambda y, p: (p - y) * p * (1 - p) / y.shape[B],
    lambda y, p: p * ((p - y) - (p * (p - y)).sum(axis=0)) / y.shape[B],
):
    gradient("yhat - y is multiplied by the derivative of softmax", FUSED)(code)
for code in (
    lambda y, p: -(y / p) * p * (1 - p),
    lambda y, p: p * (-y / p - (p * (-y / p)).sum(axis=0)) * p,
):
    gradient("The derivative of softmax is in the loss gradient already", FUSED)(code)
for factor in (2.0, lambda y: 2 / len(y), lambda y: 2 / y.shape[B], lambda y: 2 / y.size, lambda y: 1 / y.size):
    gradient(
        "The gradient is that of the squared error",
        "Differentiate -y log(yhat), the loss of this notebook, with respect to yhat.",
    )(lambda y, p, factor=factor: (factor(y) if callable(factor) else factor) * (p - y))


@gradient(
    "The true class's entry is set to -1, the others are yhat",
    "Compare = -1 with -= 1. And which gradient is yhat minus the one-hot label?",
)
def _set_to_minus_1(y: Array, yhat: Array) -> Any:
    return np.where(y == 1, -1, yhat)


@gradient(
    "The one-hot y is missing: every class gets a gradient", "Which factor makes the slopes of the other classes 0?"
)
def _every_class(y: Array, yhat: Array) -> Any:
    return -1 / yhat


@gradient("y and yhat are swapped", "Divide by the prediction yhat. The labels y contain zeros.")
def _upside_down(y: Array, yhat: Array) -> Any:
    return -yhat / y


for guard in (lambda y: np.maximum(y, 1e-7), lambda y: y + 1e-7, lambda y: np.where(y == 0, 1e-7, y)):
    gradient("y and yhat are swapped", "Divide by the prediction yhat. The labels y contain zeros.")(
        lambda y, p, guard=guard: -p / guard(y)
    )
gradient("yhat itself is returned", SLOPE)(lambda y, p: p)


@gradient("The gradient is the loss of each entry, not its slope", SLOPE)
def _not_differentiated(y: Array, yhat: Array) -> Any:
    return -y * np.log(yhat)


@gradient("y is multiplied by yhat", SLOPE)
def _times(y: Array, yhat: Array) -> Any:
    return -y * yhat


@gradient("Every slope is -1, whatever the probability", SLOPE)
def _constant(y: Array, yhat: Array) -> Any:
    return -y


@gradient("yhat is squared", SLOPE)
def _squared(y: Array, yhat: Array) -> Any:
    return -y / yhat**2


for base in (np.log(2), np.log(10), 1 / np.log(2), 1 / np.log(10)):
    gradient("The gradient belongs to a logarithm of another base", SLOPE)(lambda y, p, base=base: -y / (p * base))


@gradient("The derivative of 1/x is taken for that of log x", SLOPE)
def _of_inverse(y: Array, yhat: Array) -> Any:
    return -np.log(yhat)


@gradient("yhat is divided by its logarithm", SLOPE)
def _over_log(y: Array, yhat: Array) -> Any:
    return -y / np.log(yhat)


@gradient(
    "The gradient is 1 - y / yhat",
    "Where y is 0, this gives 1. What is the slope of the loss for a class that is not the true one?",
)
def _one_minus_ratio(y: Array, yhat: Array) -> Any:
    return 1 - y / yhat


@gradient("The gradient is divided by the number of classes", NO_DIVISION)
def _over_classes_too(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.shape[0]


@gradient("The gradient is divided by the number of all entries", NO_DIVISION)
def _over_entries(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.size


@gradient("The gradient is multiplied by the batch size", NO_DIVISION)
def _times_batch(y: Array, yhat: Array) -> Any:
    return -y / yhat * y.shape[B]


@gradient("The gradient is that of binary cross-entropy", BINARY)
def _of_binary(y: Array, yhat: Array) -> Any:
    return -y / yhat + (1 - y) / (1 - yhat)


@gradient("The gradient is that of binary cross-entropy, divided by the batch size", BINARY)
def _of_mean_binary(y: Array, yhat: Array) -> Any:
    return (-y / yhat + (1 - y) / (1 - yhat)) / y.shape[B]


for sign in (1, -1):
    gradient("The gradient is that of binary cross-entropy with a wrong sign", BINARY)(
        lambda y, p, sign=sign: sign * (y / p + (1 - y) / (1 - p))
    )


@gradient(
    "The gradient is (yhat - y) / (yhat (1 - yhat)), as in binary cross-entropy",
    BINARY,
    same_as=("The gradient is that of binary cross-entropy",),
)
def _of_binary_as_fraction(y: Array, yhat: Array) -> Any:
    return (yhat - y) / (yhat * (1 - yhat))


@gradient(
    "The gradient is summed over the classes",
    "Leave out the sum: every class has its own slope, and the gradient has the shape of yhat.",
)
def _summed(y: Array, yhat: Array) -> Any:
    return -np.sum(y / yhat, axis=0)


@gradient("The gradient is averaged over the classes", SHAPE)
def _mean_of_classes(y: Array, yhat: Array) -> Any:
    return -np.mean(y / yhat, axis=0)


@gradient("The gradient is averaged over the batch", SHAPE)
def _averaged(y: Array, yhat: Array) -> Any:
    return -np.mean(y / yhat, axis=1, keepdims=True)


for code in (
    lambda y, p: -np.mean(y / p, axis=1),
    lambda y, p: -np.sum(y / p, axis=1),
    lambda y, p: -np.sum(y / p, axis=1, keepdims=True),
):
    gradient("The samples of the batch are added to one gradient", SHAPE)(code)


@gradient("The gradient is one number", SHAPE)
def _one_number(y: Array, yhat: Array) -> Any:
    return -np.sum(y / yhat) / y.shape[B]


for code in (lambda y, p: -np.sum(y / p), lambda y, p: -np.mean(y / p), lambda y, p: _right(y, p)):
    gradient("One number is returned for the whole batch", SHAPE)(code)


@gradient(
    "The gradient is transposed", "Print the shape of the gradient: classes in rows, samples in columns, as in yhat."
)
def _transposed(y: Array, yhat: Array) -> Any:
    return (-y / yhat).T


for code in (lambda y, p: -y @ (1 / p).T, lambda y, p: -y.T @ (1 / p)):
    gradient("A matrix product stands where entries are divided", "Divide entry by entry, with /.")(code)


@gradient("Softmax is applied to yhat, which holds probabilities already", "Use yhat as it is.")
def _softmax_first(y: Array, yhat: Array) -> Any:
    return -y / _softmax(yhat)


for least in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5):
    gradient(
        "Steep slopes are cut off: the gradient or yhat is clipped",
        "Return the slopes as they are: a small probability has a steep one. A limit for yhat has to be near 0.",
    )(lambda y, p, least=least: _right_gradient(y, np.maximum(p, least)))


@gradient("The gradient is divided by its norm", "Return the slopes as they are: their size matters.")
def _normalised(y: Array, yhat: Array) -> Any:
    return _right_gradient(y, yhat) / np.linalg.norm(_right_gradient(y, yhat))


for digits in (2, 1, 0):
    gradient("The gradient is rounded", "Return the slopes as they are, and round only where you print them.")(
        lambda y, p, digits=digits: np.round(_right_gradient(y, p), digits)
    )
for much in (1e-2, 1e-4, 1e-3, 0.1):
    gradient("A number is added to yhat that is too large", FAR)(lambda y, p, much=much: _right_gradient(y, p + much))
ENDS = "Check the indentation: a return inside a loop ends the function in the first round."
for at in (0, B):
    gradient("Only one sample gets a gradient, the others 0", ENDS)(
        lambda y, p, at=at: _right_gradient(y, p) * (np.arange(y.shape[B]) == at % y.shape[B])
    )
gradient("The gradient is written into an array of integers", "Print the dtype of the array. Can it hold 0.3?")(
    lambda y, p: _right_gradient(y, p).astype(int)
)
gradient("y stands in the denominator too", "The labels y contain zeros: multiply by them, and divide by yhat.")(
    lambda y, p: -1 / (y * p)
)
gradient("The gradient is missing", "Look for a path through cce_gradient that ends without return.")(lambda y, p: None)
gradient("np.dot gets two arrays of the same shape", "Divide entry by entry, with /.")(lambda y, p: -np.dot(y, 1 / p))


def _gradient_overwriting(y: Array, yhat: Array) -> Any:
    right = _right_gradient(y, yhat)
    yhat[:] = right
    return right


gradient("cce_gradient overwrites the array yhat", "Compute into a new array: softmax.backward still needs yhat.")(
    _gradient_overwriting
)

PLUS = "a sign is wrong"
gradient.combine(
    PLUS,
    _negate,
    (
        "The gradient is divided by the batch size",
        "The gradient is divided by the number of classes",
        "The gradient is yhat - y divided by the number of classes",
        "The one-hot y is missing: every class gets a gradient",
        "y and yhat are swapped",
        "The gradient is the loss of each entry, not its slope",
        "y is multiplied by yhat",
        "Every slope is -1, whatever the probability",
        "The gradient is that of binary cross-entropy",
        "The gradient is summed over the classes",
        "The gradient is averaged over the batch",
        "The gradient is one number",
        "yhat is squared",
    ),
)
gradient.combine(
    "1/B is applied",
    _resize(lambda y: 1 / y.shape[B]),
    (
        "The one-hot y is missing: every class gets a gradient",
        "The gradient is the loss of each entry, not its slope",
        "y is multiplied by yhat",
        "Every slope is -1, whatever the probability",
        "The true class's entry is set to -1, the others are yhat",
        "yhat is squared",
    ),
)

MISTAKES = (*loss.mistakes, *gradient.mistakes)
