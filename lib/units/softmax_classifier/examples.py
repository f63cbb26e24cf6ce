"""Worked examples: two samples with numbers that can be followed by hand, for the help below a failed check.

The inputs are chosen for their results, which are written down here. No formula is needed to check them, so none is
here to be read.
"""

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import numbers
from lib.unit import Array, Example, ExampleStep

Y = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
"""Labels of two samples: classes 1 and 0."""
A = np.array([[0.5, 0.1], [0.25, 0.2], [0.25, 0.7]])
"""Probabilities of two samples."""
G = np.array([[4.0, 10.0], [0.0, 0.0], [0.0, 0.0]])
"""An incoming gradient for `A`."""
WEIGHTS = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, -0.5], [1.0, 1.0, 0.0]])
X = np.array([[1.0, 2.0], [3.0, 0.0]])
GRADIENT = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, -1.0]])


def loss(cce: Any) -> Example:
    """Probabilities 1/e and 1/e² for the true classes."""
    one, two = np.exp(-1.0), np.exp(-2.0)
    yhat = np.array([[0.4, two], [one, 0.6], [0.6 - one, 0.4 - two]])

    def of(samples: list[int]) -> Any:
        return cce(Y[:, samples], yhat[:, samples])

    return Example(
        "Two samples with 3 classes. Their true classes have p = 1/e = 0.3679 and p = 1/e² = 0.1353."
        " The logarithms of these are -1 and -2.",
        (
            ExampleStep("cce of sample 0 alone: -log(1/e)", 1.0, partial(of, [0])),
            ExampleStep("cce of sample 1 alone: -log(1/e²)", 2.0, partial(of, [1])),
            ExampleStep("cce of both: the mean of 1 and 2", 1.5, partial(of, [0, 1])),
        ),
    )


def loss_gradient(cce_gradient: Any, cce: Any = None) -> Example:
    """Probabilities 1/2 and 1/4 for the true classes."""
    yhat = np.array([[0.3, 0.25], [0.5, 0.15], [0.2, 0.6]])

    def column(sample: int) -> Array:
        return numbers(cce_gradient(Y.copy(), yhat.copy()), Y.shape, what="The gradient")[:, sample]

    return Example(
        "Two samples with 3 classes. Sample 0 is of class 1, with p = 0.5. Sample 1 is of class 0, with p = 0.25."
        " -log 0.501 is 0.6911 and -log 0.499 is 0.6951: the loss falls by 0.004 where p grows by 0.002."
        " -log 0.251 is 1.3823 and -log 0.249 is 1.3903: it falls by 0.008.",
        (
            ExampleStep("sample 0: -0.004 / 0.002 at class 1; no other class counts", [0, -2, 0], partial(column, 0)),
            ExampleStep("sample 1: -0.008 / 0.002 at class 0; no other class counts", [-4, 0, 0], partial(column, 1)),
        ),
    )


def probabilities(Softmax: Any) -> Example:
    """Scores whose exponentials are plain numbers."""
    z = np.log(np.array([[1.0, 4.0], [2.0, 0.5], [3.0, 0.5]]))
    return Example(
        "Two samples with 3 classes. Sample 0 has the scores 0, 0.6931 and 1.0986: their exponentials are 1, 2 and 3,"
        " with the sum 6. Sample 1 has 1.3863, -0.6931 and -0.6931: 4, 0.5 and 0.5, with the sum 5.",
        (
            ExampleStep("output of sample 0: 1/6, 2/6, 3/6", [1 / 6, 2 / 6, 3 / 6], partial(_output, Softmax, z, 0)),
            ExampleStep("output of sample 1: 4/5, 0.5/5, 0.5/5", [0.8, 0.1, 0.1], partial(_output, Softmax, z, 1)),
            ExampleStep(
                "output for the whole numbers 0, 0, 0 as scores: 1/3 each",
                [1 / 3] * 3,
                partial(_output, Softmax, np.zeros((3, 2), dtype=int), 0),
            ),
        ),
    )


def large_scores(Softmax: Any) -> Example:
    """Scores near 3000 and near -1000 in one batch."""
    z = np.array([[0.0, -1000.0], [3000.0, -1000.0 + np.log(2)], [0.0, -1000.0]])
    return Example(
        "Two samples with 3 classes. Sample 0 has the scores 0, 3000 and 0. With 3000 less each they are -3000, 0 and"
        " -3000, and their exponentials 0, 1 and 0. Sample 1 has -1000, -999.3069 and -1000. With 1000 more each they"
        " are 0, 0.6931 and 0, and their exponentials 1, 2 and 1.",
        (
            ExampleStep("output of sample 0: 0/1, 1/1, 0/1", [0, 1, 0], partial(_output, Softmax, z, 0)),
            ExampleStep("output of sample 1: 1/4, 2/4, 1/4", [0.25, 0.5, 0.25], partial(_output, Softmax, z, 1)),
        ),
    )


def softmax_gradient(Softmax: Any) -> Example:
    """Probabilities and incoming gradients with few digits."""

    def column(sample: int) -> Array:
        layer = Softmax()
        with suppress(Exception):  # a wrong forward has an example of its own: backward gets what a right one leaves
            layer.forward(np.log(A))
        layer.input, layer.output = np.log(A), A.copy()
        return numbers(layer.backward(G.copy()), G.shape, what="The result of backward")[:, sample]

    return Example(
        "Two samples with 3 classes. forward has given the outputs 0.5, 0.25, 0.25 and 0.1, 0.2, 0.7. The incoming"
        " gradients are 4, 0, 0 and 10, 0, 0, so only column 0 of each sample's Jacobian counts.",
        (
            ExampleStep("output of sample 0, after forward", A[:, 0], partial(_output, Softmax, np.log(A), 0)),
            ExampleStep(
                "sample 0: 4 times column 0 of its Jacobian, which is 0.25, -0.125, -0.125",
                [1, -0.5, -0.5],
                partial(column, 0),
            ),
            ExampleStep(
                "sample 1: 10 times column 0 of its Jacobian, which is 0.09, -0.02, -0.07",
                [0.9, -0.2, -0.7],
                partial(column, 1),
            ),
        ),
    )


def dense_step(Dense: Any) -> Example:
    """Small whole numbers, and the learning rate 0.5."""

    def step() -> tuple[Any, Any]:
        layer = Dense(2, 3)
        layer.weights = WEIGHTS.copy()
        layer.forward(X.copy())
        return layer.backward(GRADIENT.copy(), 0.5), layer.weights

    def change(row: int) -> Any:
        return (numbers(step()[1], WEIGHTS.shape, what="self.weights") - WEIGHTS)[row]

    def returned(sample: int) -> Array:
        return numbers(step()[0], X.shape, what="The result of backward")[:, sample]

    return Example(
        "Two samples with 2 features, 3 classes, learning rate 0.5. With the 1 for the bias the samples are (1, 3, 1)"
        " and (2, 0, 1). Their incoming gradients are (1, 0, 2) and (0, 3, -1). The rows of the weights are"
        " (1, 0, 0.5), (0, 1, -0.5) and (1, 1, 0).",
        (
            ExampleStep("class 0, change of its weights: -0.5 · (1, 3, 1)", [-0.5, -1.5, -0.5], partial(change, 0)),
            ExampleStep("class 1: -0.5 · 3 · (2, 0, 1)", [-3, 0, -1.5], partial(change, 1)),
            ExampleStep("class 2: -0.5 · (2 · (1, 3, 1) - (2, 0, 1))", [0, -3, -0.5], partial(change, 2)),
            ExampleStep("returned for sample 0: 1 · (1, 0) + 2 · (1, 1)", [3, 2], partial(returned, 0)),
            ExampleStep("returned for sample 1: 3 · (0, 1) - 1 · (1, 1)", [-1, 2], partial(returned, 1)),
        ),
    )


def _output(Softmax: Any, z: Array, sample: int) -> Array:
    layer = Softmax()
    layer.forward(z.copy())
    return numbers(layer.output, z.shape, what="self.output")[:, sample]
