"""Mistakes in the loss and in its gradient."""

from typing import Any

import numpy as np

from lib.unit import Array, MistakeCatalog

loss = MistakeCatalog(
    "check-cce",
    "cce",
    teach="Work a batch of two samples at the board: -log of the probability of each sample's true class, and then the"
    " mean of the two numbers.",
)
gradient = MistakeCatalog(
    "check-cce-gradient",
    "cce_gradient",
    teach="Differentiate -y log(yhat) for one sample, class by class: -1/yhat at the true class and 0 elsewhere. 1/B"
    " and the step to the scores come later, each at a place of its own.",
)


@loss("The minus sign is missing", "log of a probability is never above 0. Which sign should a loss have?")
def _without_minus(y: Array, yhat: Array) -> Any:
    return np.sum(y * np.log(yhat)) / y.shape[1]


@loss(
    "The mean runs over all entries of the matrix",
    "How many numbers does the mean count, and how many samples are there?",
)
def _mean_of_entries(y: Array, yhat: Array) -> Any:
    return -np.mean(y * np.log(yhat))


@loss("The loss is the sum over the batch, not its mean", "Would a batch twice as large cost twice as much?")
def _sum(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat))


@loss("The loss is divided by the number of classes", "Which axis of y counts the samples?")
def _over_classes(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat)) / y.shape[0]


@loss(
    "The losses are summed over the samples and averaged over the classes",
    "Columns are samples: which axis do you sum over for one sample's loss, and which do you average over?",
    same_as=("The loss is divided by the number of classes",),
)
def _sum_and_mean_exchanged(y: Array, yhat: Array) -> Any:
    return np.mean(np.sum(-y * np.log(yhat), axis=1))


@loss("The loss is divided by the batch size twice", "np.mean divides too.")
def _mean_twice(y: Array, yhat: Array) -> Any:
    return np.mean(-np.sum(y * np.log(yhat), axis=0)) / y.shape[1]


@loss("The logarithm has base 2", "With the natural logarithm the loss is 1 where the true class has p = 1/e.")
def _base_2(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log2(yhat)) / y.shape[1]


@loss("The logarithm has base 10", "With the natural logarithm the loss is 1 where the true class has p = 1/e.")
def _base_10(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log10(yhat)) / y.shape[1]


@loss("y and yhat are exchanged", "Labels are 0 or 1. Of which of the two can one take a logarithm?")
def _exchanged(y: Array, yhat: Array) -> Any:
    return -np.sum(yhat * np.log(y)) / y.shape[1]


@loss(
    "y and yhat are exchanged, behind a guard against log 0",
    "Which of the two holds probabilities to take a logarithm of?",
)
def _exchanged_and_guarded(y: Array, yhat: Array) -> Any:
    return -np.sum(yhat * np.log(np.maximum(y, 1e-7))) / y.shape[1]


@loss(
    "The one-hot y is missing: every class counts", "Of all the probabilities of a sample, which one is its loss about?"
)
def _without_y(y: Array, yhat: Array) -> Any:
    return -np.sum(np.log(yhat)) / y.shape[1]


@loss(
    "A matrix product mixes the classes",
    "Which entries of y and of yhat belong together? Look at the shape of the product before it is summed.",
    same_as=("The one-hot y is missing: every class counts",),
)
def _product_over_samples(y: Array, yhat: Array) -> Any:
    return -np.sum(y @ np.log(yhat).T) / y.shape[1]


@loss(
    "A matrix product mixes the samples",
    "Look at the shape of the product before it is summed: whose label meets whose prediction?",
)
def _product_over_classes(y: Array, yhat: Array) -> Any:
    return -np.sum(y.T @ np.log(yhat)) / y.shape[1]


@loss("Each sample's loss is given, not their mean", "The loss of a batch is one number.")
def _not_reduced(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat), axis=0)


@loss("The logarithm is missing", "What should the loss be where the true class has probability 1?")
def _without_log(y: Array, yhat: Array) -> Any:
    return -np.sum(y * yhat) / y.shape[1]


@loss("The samples are added before the logarithm is taken", "Each sample has a logarithm of its own.")
def _log_of_sum(y: Array, yhat: Array) -> Any:
    return -np.log(np.sum(y * yhat))


@loss("The mean is taken before the logarithm", "Each sample has a logarithm of its own.")
def _log_of_mean(y: Array, yhat: Array) -> Any:
    return -np.log(np.sum(y * yhat) / y.shape[1])


@loss(
    "The loss is binary cross-entropy",
    "With more than two classes, what do the probabilities of the wrong classes add to the loss?",
)
def _binary(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat) + (1 - y) * np.log(1 - yhat)) / y.shape[1]


@loss(
    "The loss is the mean binary cross-entropy of all entries",
    "What do the probabilities of the wrong classes add to the loss?",
)
def _mean_binary(y: Array, yhat: Array) -> Any:
    return -np.mean(y * np.log(yhat) + (1 - y) * np.log(1 - yhat))


@loss("The loss is the squared error", "Cross-entropy has a logarithm in it.")
def _squared_error(y: Array, yhat: Array) -> Any:
    return np.mean((y - yhat) ** 2)


@gradient(
    "The gradient's sign is wrong", "When the true class gets more probable the loss falls. Which sign has its slope?"
)
def _plus(y: Array, yhat: Array) -> Any:
    return y / yhat


@gradient(
    "The gradient is divided by the batch size",
    "This is the gradient of one sample's loss. Where does the notebook apply 1/B?",
)
def _over_batch(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.shape[1]


@gradient(
    "p - y is the gradient at the scores, not at yhat",
    "The softmax layer's backward does the step from yhat to the scores itself.",
)
def _at_the_scores(y: Array, yhat: Array) -> Any:
    return yhat - y


@gradient(
    "y - p is not this gradient", "Differentiate -y log(yhat) with respect to yhat. The step to the scores comes later."
)
def _minus_at_the_scores(y: Array, yhat: Array) -> Any:
    return y - yhat


@gradient(
    "(p - y) / B is the mean's gradient at the scores",
    "Softmax's backward does the step to the scores, and the loop applies 1/B.",
)
def _mean_at_the_scores(y: Array, yhat: Array) -> Any:
    return (yhat - y) / y.shape[1]


@gradient(
    "The one-hot y is missing: every class gets a gradient",
    "Does the loss change when the probability of a wrong class does?",
)
def _every_class(y: Array, yhat: Array) -> Any:
    return -1 / yhat


@gradient("y and yhat are exchanged", "Labels are 0 or 1. By which of the two can one divide?")
def _upside_down(y: Array, yhat: Array) -> Any:
    return -yhat / y


@gradient("This is the loss of each entry, not its slope", "What is the derivative of log x?")
def _not_differentiated(y: Array, yhat: Array) -> Any:
    return -y * np.log(yhat)


@gradient("y is multiplied by yhat", "What is the derivative of log x?")
def _times(y: Array, yhat: Array) -> Any:
    return -y * yhat


@gradient("The gradient is -y", "What is the derivative of log x? It depends on x.")
def _constant(y: Array, yhat: Array) -> Any:
    return -y


@gradient(
    "The gradient is divided by the number of classes",
    "This is the gradient of one sample's loss: nothing is averaged yet.",
)
def _over_classes_too(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.shape[0]


@gradient(
    "The gradient is that of binary cross-entropy", "Does the loss change when the probability of a wrong class does?"
)
def _of_binary(y: Array, yhat: Array) -> Any:
    return -y / yhat + (1 - y) / (1 - yhat)


@gradient(
    "The gradient is summed over the classes", "Each class has a slope of its own: the gradient has the shape of yhat."
)
def _summed(y: Array, yhat: Array) -> Any:
    return -np.sum(y / yhat, axis=0)


@gradient(
    "The gradient is averaged over the batch",
    "Each sample has a gradient of its own: the gradient has the shape of yhat.",
)
def _averaged(y: Array, yhat: Array) -> Any:
    return -np.mean(y / yhat, axis=1, keepdims=True)


@gradient("The gradient is one number", "Each class of each sample has a slope: the gradient has the shape of yhat.")
def _one_number(y: Array, yhat: Array) -> Any:
    return -np.sum(y / yhat) / y.shape[1]


MISTAKES = (*loss.mistakes, *gradient.mistakes)
