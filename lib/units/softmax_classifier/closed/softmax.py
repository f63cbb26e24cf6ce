"""Mistakes in the softmax layer: forward, for large scores, and backward.

Where a mistake isn't about large scores its variant is safe for them: one mistake each.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.reference import Softmax
from lib.reference.layer import FloatArray as Array
from lib.unit import MistakeCatalog


def _with_forward(output: Callable[[Array], Any]) -> type[Softmax]:
    """Make a layer whose forward computes its output from the scores with the wrong function `output`."""

    class Layer(Softmax):
        def forward(self, input: Array) -> Array:
            self.input = input
            self.output = output(input)
            return self.output

    return Layer


def _with_backward(gradient: Callable[[Softmax, Array], Any]) -> type[Softmax]:
    """Make a layer whose backward computes its result from the layer and the incoming gradient g with `gradient`."""

    class Layer(Softmax):
        def backward(self, output_gradient: Array, learning_rate: float | None = None) -> Any:
            return gradient(self, output_gradient)

    return Layer


forward = MistakeCatalog(
    "check-softmax-forward",
    "Softmax",
    _with_forward,
    teach="Fill in a small matrix of scores at the board, classes down and samples across: exponentiate every entry,"
    " and divide each column by its own sum.",
)
stable = MistakeCatalog(
    "check-softmax-stable",
    "Softmax",
    _with_forward,
    teach="Show what exp(1000) gives, and why taking one number off all scores of a sample changes none of its ratios;"
    " the sample's largest score is the number to take.",
)
backward = MistakeCatalog(
    "check-softmax-backward",
    "Softmax",
    _with_backward,
    teach="Write out one sample's Jacobian, diagonal and all, and its product with the gradient; then read the same off"
    " the einsum: which index is the sample, and is never summed?",
)


def _exp(z: Array) -> Array:
    return np.asarray(np.exp(np.subtract(z, z.max(axis=0), dtype=float)))


def _softmax(z: Array) -> Array:
    return np.asarray(_exp(z) / _exp(z).sum(axis=0))


@forward(
    "The sum runs over the rows: each row sums to 1, not each column",
    "Columns are samples. Along which axis do the classes of a sample lie?",
)
def _rows(z: Array) -> Any:
    return _exp(z) / _exp(z).sum(axis=1, keepdims=True)


@forward(
    "The sum runs over the rows, and its axis is gone",
    "Columns are samples. Along which axis do the classes of a sample lie?",
)
def _rows_without_axis(z: Array) -> Any:
    return _exp(z) / _exp(z).sum(axis=1)


@forward("The whole matrix sums to 1", "Each sample has probabilities of its own: what should its column sum to?")
def _everything(z: Array) -> Any:
    return _exp(z) / _exp(z).sum()


@forward(
    "The sum runs over the rows, of exponentials that also overflow",
    "Columns are samples. Along which axis do the classes of a sample lie? And how large may a score be?",
)
def _rows_unshifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


@forward(
    "The sum runs over the rows, of exponentials that also overflow, and its axis is gone",
    "Columns are samples. Along which axis do the classes of a sample lie? And how large may a score be?",
)
def _rows_without_axis_unshifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=1)


@forward(
    "The whole matrix sums to 1, and its exponentials overflow",
    "Each sample has probabilities of its own: what should its column sum to? And how large may a score be?",
)
def _everything_unshifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum()


@forward(
    "The output is written into an array of integers",
    "An array made after integer scores holds integers. What becomes of 0.3 in it?",
)
def _integers(z: Array) -> Any:
    output = np.zeros_like(z)
    output[:] = _softmax(z)
    return output


@forward(
    "This is the sigmoid, not softmax",
    "The classes of a sample compete: each probability depends on all of its scores.",
)
def _sigmoid(z: Array) -> Any:
    return 1 / (1 + np.exp(-z))


@forward(
    "Softmax is applied twice", "Are the ratios of the probabilities what the scores say, or are they much flatter?"
)
def _twice(z: Array) -> Any:
    return _softmax(_softmax(z))


@forward("The exponential is missing", "Scores may be negative. What makes a positive number of each?")
def _without_exp(z: Array) -> Any:
    return z / z.sum(axis=0)


@forward("The exponentials aren't divided by anything", "What should the probabilities of a sample sum to?")
def _not_normalised(z: Array) -> Any:
    return _exp(z)


@forward(
    "The exponentials are divided by their largest",
    "That makes the largest 1. What should the sum be?",
    same_as=("The exponentials aren't divided by anything",),
)
def _over_largest(z: Array) -> Any:
    return _exp(z) / _exp(z).max(axis=0)


@forward("The exponentials are divided by their mean", "What should the probabilities of a sample sum to?")
def _over_mean(z: Array) -> Any:
    return _exp(z) / _exp(z).mean(axis=0)


@forward(
    "The exponentials are divided by the largest of the whole matrix",
    "What should the probabilities of a sample sum to?",
)
def _over_largest_of_all(z: Array) -> Any:
    return np.exp(z - z.max()) / np.exp(z - z.max()).max()


@forward("The scores' signs are turned", "Should the class with the largest score be the most probable or the least?")
def _turned(z: Array) -> Any:
    return _softmax(-z)


@forward("The output is the logarithm of softmax", "Probabilities lie between 0 and 1. Who takes the logarithm later?")
def _log(z: Array) -> Any:
    return np.log(_softmax(z))


@forward("The base is 2, not e", "By which factor should a probability grow when its score grows by 1?")
def _base_2(z: Array) -> Any:
    return np.exp2(z - z.max(axis=0)) / np.exp2(z - z.max(axis=0)).sum(axis=0)


@forward("The output is 1 for the largest score, and 0 elsewhere", "Softmax is softer: every class gets something.")
def _hard(z: Array) -> Any:
    return (z == z.max(axis=0)).astype(float)


@forward(
    "The largest score is taken of each row, so the scores of a sample move apart",
    "What is subtracted must be the same for all classes of a sample.",
)
def _largest_of_rows(z: Array) -> Any:
    shifted = z - z.max(axis=1, keepdims=True)
    return _softmax(shifted)


@forward(
    "The largest score is taken of each row, and its axis is gone",
    "What is subtracted must be the same for all classes of a sample.",
)
def _largest_of_rows_without_axis(z: Array) -> Any:
    return _softmax(z - z.max(axis=1))


@forward(
    "The largest score is subtracted above the fraction bar only",
    "What is done to the numerator must be done to the denominator.",
)
def _shifted_above(z: Array) -> Any:
    return _exp(z) / np.exp(z).sum(axis=0)


@forward("The output is transposed", "Columns are samples, in the output too.")
def _transposed(z: Array) -> Any:
    return _softmax(z).T


@stable(
    "Large scores overflow",
    "exp(1000) is more than a float can hold. Which shift of the scores leaves the probabilities alone?",
)
def _not_shifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=0)


@stable(
    "All samples are shifted by the same number",
    "A sample whose scores are far below the others' is lost. Whose largest score should it be?",
)
def _largest_of_all(z: Array) -> Any:
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=0)


@stable("Large scores are clipped", "Clipped scores have lost their differences. Can the scores be moved instead?")
def _clipped(z: Array) -> Any:
    z = np.clip(z, -500, 500)
    return np.exp(z) / np.exp(z).sum(axis=0)


@stable(
    "nan is replaced by 0", "That hides the overflow, and the probabilities are gone. Can the scores be moved instead?"
)
def _nan_to_num(z: Array) -> Any:
    return np.nan_to_num(np.exp(z) / np.exp(z).sum(axis=0))


@backward(
    "Only the diagonal of the Jacobian is used", "A score moves all probabilities of its sample, not only its own."
)
def _diagonal(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * (1 - a) * g


@backward("The Jacobian is made of the layer's input, not of its output", "The a in the Jacobian are probabilities.")
def _of_the_input(layer: Softmax, g: Array) -> Any:
    z = layer.input
    return z * (g - (z * g).sum(axis=0))


@backward(
    "backward returns the incoming gradient unchanged",
    "The gradient changes on its way from the probabilities to the scores.",
)
def _unchanged(layer: Softmax, g: Array) -> Any:
    return g


@backward("Beside the Jacobian's diagonal the sign is wrong", "When one class gains, do the others gain or lose?")
def _plus_beside(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return np.einsum("ijk,jk->ik", _jacobians(a) * (2 * np.eye(len(a)) - 1)[:, :, None], g)


@backward(
    "The sum runs over the wrong axis of the Jacobian, and all comes out as 0",
    "Which index does the Jacobian share with the gradient, and which one should be left?",
)
def _wrong_pair(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,ik->ik", _jacobians(layer.output), g)


@backward(
    "The sum leaves the wrong axis of the Jacobian, and all comes out as 0",
    "Which index does the Jacobian share with the gradient, and which one should be left?",
    same_as=("The sum runs over the wrong axis of the Jacobian, and all comes out as 0",),
)
def _wrong_pair_left(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->jk", _jacobians(layer.output), g)


@backward(
    "The sum runs over the batch too: one column for all samples",
    "Each sample has a gradient of its own. Which index is missing on the right of the arrow?",
)
def _without_samples(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->i", _jacobians(layer.output), g)


@backward(
    "The sum runs over the batch too, and every sample gets it",
    "Each sample has a gradient of its own. Which index is missing on the right of the arrow?",
)
def _without_samples_broadcast(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->i", _jacobians(layer.output), g)[:, None] + np.zeros_like(g)


@backward(
    "The sum runs over both axes of the Jacobian",
    "The result has a row for each class. Which index is missing on the right of the arrow?",
)
def _without_classes(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->k", _jacobians(layer.output), g)


@backward(
    "The Jacobian is multiplied entry by entry, and nothing is summed", "A matrix times a vector has a sum in it."
)
def _entry_by_entry(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output) * g


@backward("All samples share one Jacobian, averaged over the batch", "Each sample has a Jacobian of its own.")
def _averaged(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output).mean(axis=2) @ g


@backward("All samples share one Jacobian, summed over the batch", "Each sample has a Jacobian of its own.")
def _summed(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output).sum(axis=2) @ g


@backward("All samples share the first one's Jacobian", "Each sample has a Jacobian of its own.")
def _first(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output)[:, :, 0] @ g


@backward("The sum runs over the samples instead of the classes", "Along which axis do the classes of a sample lie?")
def _over_samples(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * (g - (a * g).sum(axis=1, keepdims=True))


@backward(
    "The Jacobian is the diagonal of the output alone",
    "Moving one score moves every probability. What is missing from the Jacobian?",
)
def _output_times(layer: Softmax, g: Array) -> Any:
    return layer.output * g


@backward("The Jacobian lacks its diagonal term: only the products are there", "What is different on the diagonal?")
def _products_alone(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return -a * (a * g).sum(axis=0)


@backward(
    "The diagonal is 1 minus a product, not the output minus a product",
    "Differentiate a_i with respect to its own score once more.",
)
def _identity(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return g - a * (a * g).sum(axis=0)


@backward(
    "Every entry of the Jacobian is made like the diagonal's", "Beside the diagonal the derivative is another one."
)
def _diagonal_everywhere(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * ((1 - a) * g).sum(axis=0)


@backward(
    "The incoming gradient is summed without its weights",
    "Which probabilities weigh the incoming gradient before it is summed?",
)
def _unweighted(layer: Softmax, g: Array) -> Any:
    return layer.output * (g - g.sum(axis=0))


@backward("The incoming gradient is ignored", "The Jacobian has to be multiplied by something.")
def _without_gradient(layer: Softmax, g: Array) -> Any:
    return layer.output * (1 - layer.output)


@backward("The result's sign is turned", "Who has put the loss's minus sign in already?")
def _turned_back(layer: Softmax, g: Array) -> Any:
    return -layer.output * (g - (layer.output * g).sum(axis=0))


@backward("The result is divided by the batch size", "Where does the notebook apply 1/B?")
def _over_batch(layer: Softmax, g: Array) -> Any:
    return layer.output * (g - (layer.output * g).sum(axis=0)) / g.shape[1]


@backward("The Jacobian is made of the incoming gradient", "The a in the Jacobian are what this layer put out.")
def _of_the_gradient(layer: Softmax, g: Array) -> Any:
    return g * (1 - g)


@backward(
    "The incoming gradient is subtracted from the output",
    "It is multiplied by the Jacobian; there is no label to subtract here.",
)
def _difference(layer: Softmax, g: Array) -> Any:
    return layer.output - g


def _jacobians(a: Array) -> Array:
    """Give each sample's Jacobian, (classes, classes, batch)."""
    return np.asarray(np.eye(len(a))[:, :, None] * a - a[:, None] * a)


MISTAKES = (*forward.mistakes, *stable.mistakes, *backward.mistakes)
