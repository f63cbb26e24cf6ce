"""Mistakes in the loss and in its gradient."""

from typing import Any

import numpy as np

from lib.unit import Array, MistakeCatalog

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


@loss(
    "The minus sign is missing",
    "The logarithm of a probability is 0 or negative, and a loss is 0 or positive. Change the sign.",
)
def _without_minus(y: Array, yhat: Array) -> Any:
    return np.sum(y * np.log(yhat)) / y.shape[1]


@loss(
    "The loss is the mean over all entries of the matrix",
    "Sum over all entries, then divide by the number of samples, not by the number of entries.",
)
def _mean_of_entries(y: Array, yhat: Array) -> Any:
    return -np.mean(y * np.log(yhat))


@loss("The loss is the sum over the batch, not its mean", "Divide by the number of samples: y.shape[1] counts them.")
def _sum(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat))


@loss(
    "The loss is divided by the number of classes",
    "Divide by the number of samples: y.shape[1] counts them, and y.shape[0] counts the classes.",
)
def _over_classes(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat)) / y.shape[0]


@loss(
    "The losses are summed over the samples and averaged over the classes",
    "Swap the two axes: sum over the classes, which is axis 0, then average over the samples.",
    same_as=("The loss is divided by the number of classes",),
)
def _sum_and_mean_exchanged(y: Array, yhat: Array) -> Any:
    return np.mean(np.sum(-y * np.log(yhat), axis=1))


@loss(
    "The loss is divided by the batch size twice", "Divide by the number of samples only once. np.mean already divides."
)
def _mean_twice(y: Array, yhat: Array) -> Any:
    return np.mean(-np.sum(y * np.log(yhat), axis=0)) / y.shape[1]


@loss("The logarithm has base 2", "Use the natural logarithm, np.log: the loss is 1 where the true class has p = 1/e.")
def _base_2(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log2(yhat)) / y.shape[1]


@loss("The logarithm has base 10", "Use the natural logarithm, np.log: the loss is 1 where the true class has p = 1/e.")
def _base_10(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log10(yhat)) / y.shape[1]


@loss(
    "y and yhat are swapped",
    "Take the logarithm of the prediction yhat. The labels y are 0 or 1, and log 0 is not finite.",
)
def _exchanged(y: Array, yhat: Array) -> Any:
    return -np.sum(yhat * np.log(y)) / y.shape[1]


@loss(
    "y and yhat are swapped, and log 0 is avoided",
    "Take the logarithm of the prediction yhat, not of the labels y.",
)
def _exchanged_and_guarded(y: Array, yhat: Array) -> Any:
    return -np.sum(yhat * np.log(np.maximum(y, 1e-7))) / y.shape[1]


@loss(
    "The one-hot y is missing: every class counts",
    "Multiply by the one-hot y before you sum: only the probability of the true class counts.",
)
def _without_y(y: Array, yhat: Array) -> Any:
    return -np.sum(np.log(yhat)) / y.shape[1]


@loss(
    "A matrix product mixes the classes",
    "Multiply entry by entry, with *. A matrix product also combines entries of different classes.",
    same_as=("The one-hot y is missing: every class counts",),
)
def _product_over_samples(y: Array, yhat: Array) -> Any:
    return -np.sum(y @ np.log(yhat).T) / y.shape[1]


@loss(
    "A matrix product mixes the samples",
    "Multiply entry by entry, with *. A matrix product also combines one sample's label with another's prediction.",
)
def _product_over_classes(y: Array, yhat: Array) -> Any:
    return -np.sum(y.T @ np.log(yhat)) / y.shape[1]


@loss(
    "The loss of each sample is returned, not their mean",
    "Take the mean over the samples: the loss of a batch is one number.",
)
def _not_reduced(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat), axis=0)


@loss(
    "The logarithm is missing",
    "Take the logarithm of the probabilities: where the true class has probability 1, the loss is 0.",
)
def _without_log(y: Array, yhat: Array) -> Any:
    return -np.sum(y * yhat) / y.shape[1]


@loss(
    "The probabilities of all samples are added before the logarithm",
    "Take the logarithm of each sample's probability first, then the mean.",
)
def _log_of_sum(y: Array, yhat: Array) -> Any:
    return -np.log(np.sum(y * yhat))


@loss("The mean is taken before the logarithm", "Take the logarithm of each sample's probability first, then the mean.")
def _log_of_mean(y: Array, yhat: Array) -> Any:
    return -np.log(np.sum(y * yhat) / y.shape[1])


@loss(
    "The loss is binary cross-entropy",
    "Leave out the terms with 1 - y: only the probability of the true class counts.",
)
def _binary(y: Array, yhat: Array) -> Any:
    return -np.sum(y * np.log(yhat) + (1 - y) * np.log(1 - yhat)) / y.shape[1]


@loss(
    "The loss is binary cross-entropy, averaged over all entries",
    "Leave out the terms with 1 - y, and divide by the number of samples.",
)
def _mean_binary(y: Array, yhat: Array) -> Any:
    return -np.mean(y * np.log(yhat) + (1 - y) * np.log(1 - yhat))


@loss(
    "The loss is the mean squared error",
    "Use the logarithm of the true class's probability in place of the squared difference.",
)
def _squared_error(y: Array, yhat: Array) -> Any:
    return np.mean((y - yhat) ** 2)


@gradient(
    "The gradient has the wrong sign",
    "The loss gets smaller when the true class's probability grows, so its slope is negative. Change the sign.",
)
def _plus(y: Array, yhat: Array) -> Any:
    return y / yhat


@gradient(
    "The gradient is divided by the batch size",
    "Leave out the division: this is one sample's gradient. The training loop multiplies by 1/B.",
)
def _over_batch(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.shape[1]


@gradient(
    "The gradient is yhat - y, which belongs to the scores, not to yhat",
    "Differentiate -y log(yhat) with respect to yhat. The step to the scores is made by softmax.backward.",
)
def _at_the_scores(y: Array, yhat: Array) -> Any:
    return yhat - y


@gradient(
    "The gradient is y - yhat",
    "Differentiate -y log(yhat) with respect to yhat. The step to the scores is made by softmax.backward.",
)
def _minus_at_the_scores(y: Array, yhat: Array) -> Any:
    return y - yhat


@gradient(
    "The gradient is (yhat - y) / B, which belongs to the scores, not to yhat",
    "Differentiate -y log(yhat) with respect to yhat, without 1/B. The later steps of the loop do the rest.",
)
def _mean_at_the_scores(y: Array, yhat: Array) -> Any:
    return (yhat - y) / y.shape[1]


@gradient(
    "The one-hot y is missing: every class gets a gradient",
    "Multiply by the one-hot y: the loss depends only on the probability of the true class.",
)
def _every_class(y: Array, yhat: Array) -> Any:
    return -1 / yhat


@gradient("y and yhat are swapped", "Divide by the prediction yhat. The labels y contain zeros.")
def _upside_down(y: Array, yhat: Array) -> Any:
    return -yhat / y


@gradient(
    "The gradient is the loss of each entry, not its slope",
    "Differentiate -y log(yhat) with respect to yhat. What is the derivative of log x?",
)
def _not_differentiated(y: Array, yhat: Array) -> Any:
    return -y * np.log(yhat)


@gradient(
    "y is multiplied by yhat", "Differentiate -y log(yhat) with respect to yhat. What is the derivative of log x?"
)
def _times(y: Array, yhat: Array) -> Any:
    return -y * yhat


@gradient(
    "The gradient is -y, without yhat",
    "Differentiate -y log(yhat) with respect to yhat. What is the derivative of log x?",
)
def _constant(y: Array, yhat: Array) -> Any:
    return -y


@gradient(
    "The gradient is divided by the number of classes",
    "Leave out the division: this is one sample's gradient, and nothing is averaged here.",
)
def _over_classes_too(y: Array, yhat: Array) -> Any:
    return -y / yhat / y.shape[0]


@gradient(
    "The gradient is that of binary cross-entropy",
    "Leave out the terms with 1 - y: the loss depends only on the probability of the true class.",
)
def _of_binary(y: Array, yhat: Array) -> Any:
    return -y / yhat + (1 - y) / (1 - yhat)


@gradient(
    "The gradient is summed over the classes",
    "Leave out the sum: every class has its own slope, and the gradient has the shape of yhat.",
)
def _summed(y: Array, yhat: Array) -> Any:
    return -np.sum(y / yhat, axis=0)


@gradient(
    "The gradient is averaged over the batch",
    "Leave out the mean: every sample has its own gradient, and the result has the shape of yhat.",
)
def _averaged(y: Array, yhat: Array) -> Any:
    return -np.mean(y / yhat, axis=1, keepdims=True)


@gradient(
    "The gradient is one number",
    "Leave out the sum: every entry has its own slope, and the gradient has the shape of yhat.",
)
def _one_number(y: Array, yhat: Array) -> Any:
    return -np.sum(y / yhat) / y.shape[1]


MISTAKES = (*loss.mistakes, *gradient.mistakes)
