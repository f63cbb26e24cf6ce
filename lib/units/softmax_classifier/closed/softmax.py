"""Mistakes in the softmax layer: forward, for large scores, and backward.

A mistake that isn't about large scores subtracts the largest score first, so that it is one mistake only.
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
    teach="Write a small matrix of scores on the board, with samples in columns. Exponentiate every entry, then"
    " divide each column by its own sum.",
)
stable = MistakeCatalog(
    "check-softmax-stable",
    "Softmax",
    _with_forward,
    teach="Show what exp(1000) gives. Show that subtracting one number from all scores of a sample leaves its"
    " probabilities unchanged, and subtract the sample's largest score.",
)
backward = MistakeCatalog(
    "check-softmax-backward",
    "Softmax",
    _with_backward,
    teach="Write out one sample's Jacobian with its diagonal, and multiply it by the gradient. Then find the same"
    " product in the einsum: the sample's index is never summed.",
)


def _exp(z: Array) -> Array:
    return np.asarray(np.exp(np.subtract(z, z.max(axis=0), dtype=float)))


def _softmax(z: Array) -> Array:
    return np.asarray(_exp(z) / _exp(z).sum(axis=0))


@forward(
    "The sum runs over axis 1: each row sums to 1, not each column",
    "Columns are samples: sum over the classes, which is axis 0.",
)
def _rows(z: Array) -> Any:
    return _exp(z) / _exp(z).sum(axis=1, keepdims=True)


@forward(
    "The sum runs over axis 1, without keepdims",
    "Columns are samples: sum over the classes, which is axis 0.",
)
def _rows_without_axis(z: Array) -> Any:
    return _exp(z) / _exp(z).sum(axis=1)


@forward("The whole matrix sums to 1", "Sum over axis 0 only: the probabilities of each sample sum to 1.")
def _everything(z: Array) -> Any:
    return _exp(z) / _exp(z).sum()


@forward(
    "The sum runs over axis 1, and large scores overflow",
    "Sum over the classes, which is axis 0. Subtract each column's largest score before the exponential.",
)
def _rows_unshifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


@forward(
    "The sum runs over axis 1, without keepdims, and large scores overflow",
    "Sum over the classes, which is axis 0. Subtract each column's largest score before the exponential.",
)
def _rows_without_axis_unshifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=1)


@forward(
    "The whole matrix sums to 1, and large scores overflow",
    "Sum over axis 0 only. Subtract each column's largest score before the exponential.",
)
def _everything_unshifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum()


@forward(
    "The output is written into an array of integers",
    "Use an array of floats: np.zeros_like of integer scores makes integers, which can't hold 0.3.",
)
def _integers(z: Array) -> Any:
    output = np.zeros_like(z)
    output[:] = _softmax(z)
    return output


@forward(
    "The output is the sigmoid of each score, not softmax",
    "Divide each exponential by the sum over its column: a probability depends on all scores of its sample.",
)
def _sigmoid(z: Array) -> Any:
    return 1 / (1 + np.exp(-z))


@forward("Softmax is applied twice", "Apply softmax once: exponentiate the scores, not the probabilities.")
def _twice(z: Array) -> Any:
    return _softmax(_softmax(z))


@forward(
    "The exponential is missing",
    "Exponentiate the scores first: scores can be negative, and their exponentials are positive.",
)
def _without_exp(z: Array) -> Any:
    return z / z.sum(axis=0)


@forward(
    "The exponentials are not divided by their sum",
    "Divide each column by its own sum: the probabilities of a sample sum to 1.",
)
def _not_normalised(z: Array) -> Any:
    return _exp(z)


@forward(
    "The exponentials are divided by the largest one of their column",
    "Divide each column by its own sum: the probabilities of a sample sum to 1.",
    same_as=("The exponentials are not divided by their sum",),
)
def _over_largest(z: Array) -> Any:
    return _exp(z) / _exp(z).max(axis=0)


@forward(
    "The exponentials are divided by their mean",
    "Divide each column by its own sum: the probabilities of a sample sum to 1.",
)
def _over_mean(z: Array) -> Any:
    return _exp(z) / _exp(z).mean(axis=0)


@forward(
    "The exponentials are divided by the largest one of the whole matrix",
    "Divide each column by its own sum: the probabilities of a sample sum to 1.",
)
def _over_largest_of_all(z: Array) -> Any:
    return np.exp(z - z.max()) / np.exp(z - z.max()).max()


@forward(
    "The scores have the wrong sign",
    "Exponentiate the scores, not their negatives: the largest score gets the largest probability.",
)
def _turned(z: Array) -> Any:
    return _softmax(-z)


@forward(
    "The output is the logarithm of softmax",
    "Leave out the logarithm: the output is probabilities, and the loss takes their logarithm later.",
)
def _log(z: Array) -> Any:
    return np.log(_softmax(z))


@forward("The exponential has base 2, not e", "Use the exponential with base e, np.exp.")
def _base_2(z: Array) -> Any:
    return np.exp2(z - z.max(axis=0)) / np.exp2(z - z.max(axis=0)).sum(axis=0)


@forward(
    "The output is 1 for the largest score, and 0 elsewhere",
    "Give every class a probability above 0: divide its exponential by the sum of its column.",
)
def _hard(z: Array) -> Any:
    return (z == z.max(axis=0)).astype(float)


@forward(
    "The largest score of each row is subtracted, not that of each column",
    "Subtract the same number from all classes of a sample: the largest score of its column.",
)
def _largest_of_rows(z: Array) -> Any:
    shifted = z - z.max(axis=1, keepdims=True)
    return _softmax(shifted)


@forward(
    "The largest score of each row is subtracted, without keepdims",
    "Subtract the same number from all classes of a sample: the largest score of its column.",
)
def _largest_of_rows_without_axis(z: Array) -> Any:
    return _softmax(z - z.max(axis=1))


@forward(
    "The largest score is subtracted in the numerator only",
    "Subtract the same number in the denominator.",
)
def _shifted_above(z: Array) -> Any:
    return _exp(z) / np.exp(z).sum(axis=0)


@forward("The output is transposed", "Keep samples in columns: the output has the shape of the scores.")
def _transposed(z: Array) -> Any:
    return _softmax(z).T


@stable(
    "Large scores overflow",
    "A float can't hold exp(1000). Subtract each sample's largest score first: the probabilities stay the same.",
)
def _not_shifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=0)


@stable(
    "All samples are shifted by the same number",
    "Subtract each sample's own largest score, so that no sample's exponentials are all 0.",
)
def _largest_of_all(z: Array) -> Any:
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=0)


@stable(
    "Large scores are clipped",
    "Clipping changes the differences between scores. Subtract each sample's largest score instead.",
)
def _clipped(z: Array) -> Any:
    z = np.clip(z, -500, 500)
    return np.exp(z) / np.exp(z).sum(axis=0)


@stable("nan is replaced by 0", "Prevent the overflow: subtract each sample's largest score before the exponential.")
def _nan_to_num(z: Array) -> Any:
    return np.nan_to_num(np.exp(z) / np.exp(z).sum(axis=0))


@backward(
    "Only the diagonal of the Jacobian is used",
    "A score changes all probabilities of its sample: use the off-diagonal entries, -a_k a_m, too.",
)
def _diagonal(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * (1 - a) * g


@backward(
    "The Jacobian is computed from the layer's input, not from its output",
    "The a in the Jacobian are probabilities: use self.output.",
)
def _of_the_input(layer: Softmax, g: Array) -> Any:
    z = layer.input
    return z * (g - (z * g).sum(axis=0))


@backward(
    "backward returns the incoming gradient unchanged",
    "Multiply the incoming gradient by the Jacobian of softmax.",
)
def _unchanged(layer: Softmax, g: Array) -> Any:
    return g


@backward(
    "The off-diagonal entries of the Jacobian have the wrong sign",
    "When one probability grows, the others get smaller: the off-diagonal entries are negative.",
)
def _plus_beside(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return np.einsum("ijk,jk->ik", _jacobians(a) * (2 * np.eye(len(a)) - 1)[:, :, None], g)


@backward(
    "The sum runs over the wrong axis of the Jacobian, and the result is 0",
    "Sum over the index that the Jacobian shares with the gradient. Keep the other class index and the sample's index.",
)
def _wrong_pair(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,ik->ik", _jacobians(layer.output), g)


@backward(
    "The sum keeps the wrong axis of the Jacobian, and the result is 0",
    "Sum over the index that the Jacobian shares with the gradient. Keep the other class index and the sample's index.",
    same_as=("The sum runs over the wrong axis of the Jacobian, and the result is 0",),
)
def _wrong_pair_left(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->jk", _jacobians(layer.output), g)


@backward(
    "The sum runs over the samples too: the result is one column",
    "Keep the sample's index on the right of the arrow: each sample has its own gradient.",
)
def _without_samples(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->i", _jacobians(layer.output), g)


@backward(
    "The sum runs over the samples too, and every sample gets the same column",
    "Keep the sample's index on the right of the arrow: each sample has its own gradient.",
)
def _without_samples_broadcast(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->i", _jacobians(layer.output), g)[:, None] + np.zeros_like(g)


@backward(
    "The sum runs over both class axes of the Jacobian",
    "Keep one class index on the right of the arrow: the result has a row for each class.",
)
def _without_classes(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->k", _jacobians(layer.output), g)


@backward(
    "The Jacobian is multiplied entry by entry, and nothing is summed",
    "Sum over the index that the Jacobian shares with the gradient: a matrix times a vector is a sum.",
)
def _entry_by_entry(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output) * g


@backward(
    "All samples use one Jacobian, averaged over the batch",
    "Use each sample's own Jacobian: leave out the mean over the batch.",
)
def _averaged(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output).mean(axis=2) @ g


@backward(
    "All samples use one Jacobian, summed over the batch",
    "Use each sample's own Jacobian: leave out the sum over the batch.",
)
def _summed(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output).sum(axis=2) @ g


@backward(
    "All samples use the first sample's Jacobian",
    "Use each sample's own Jacobian, computed from its own column of self.output.",
)
def _first(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output)[:, :, 0] @ g


@backward(
    "The sum runs over the samples instead of the classes", "Sum over the classes of each sample, which is axis 0."
)
def _over_samples(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * (g - (a * g).sum(axis=1, keepdims=True))


@backward(
    "The Jacobian has the output on its diagonal and 0 elsewhere",
    "Subtract the products a_k a_m everywhere, on the diagonal too.",
)
def _output_times(layer: Softmax, g: Array) -> Any:
    return layer.output * g


@backward(
    "The Jacobian has only the products -a_k a_m, on the diagonal too",
    "Add the output on the diagonal: the entry there is a_k - a_k a_k.",
)
def _products_alone(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return -a * (a * g).sum(axis=0)


@backward(
    "The Jacobian's diagonal is 1 minus a product, not the output minus a product",
    "Put the output on the diagonal in place of 1: the entry there is a_k - a_k a_k.",
)
def _identity(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return g - a * (a * g).sum(axis=0)


@backward(
    "Every entry of the Jacobian is computed like a diagonal entry", "Use -a_k a_m for the entries off the diagonal."
)
def _diagonal_everywhere(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * ((1 - a) * g).sum(axis=0)


@backward(
    "The incoming gradient is summed without the probabilities as weights",
    "Multiply the incoming gradient by the probabilities before you sum it over the classes.",
)
def _unweighted(layer: Softmax, g: Array) -> Any:
    return layer.output * (g - g.sum(axis=0))


@backward("The incoming gradient is ignored", "Multiply the Jacobian by the incoming gradient, output_gradient.")
def _without_gradient(layer: Softmax, g: Array) -> Any:
    return layer.output * (1 - layer.output)


@backward("The result has the wrong sign", "Change the sign: cce_gradient already contains the minus sign of the loss.")
def _turned_back(layer: Softmax, g: Array) -> Any:
    return -layer.output * (g - (layer.output * g).sum(axis=0))


@backward("The result is divided by the batch size", "Leave out the division: the training loop multiplies by 1/B.")
def _over_batch(layer: Softmax, g: Array) -> Any:
    return layer.output * (g - (layer.output * g).sum(axis=0)) / g.shape[1]


@backward(
    "The Jacobian is computed from the incoming gradient", "The a in the Jacobian are probabilities: use self.output."
)
def _of_the_gradient(layer: Softmax, g: Array) -> Any:
    return g * (1 - g)


@backward(
    "The incoming gradient is subtracted from the output",
    "Multiply the incoming gradient by the Jacobian. There is no label to subtract here.",
)
def _difference(layer: Softmax, g: Array) -> Any:
    return layer.output - g


def _jacobians(a: Array) -> Array:
    """Give each sample's Jacobian, (classes, classes, batch)."""
    return np.asarray(np.eye(len(a))[:, :, None] * a - a[:, None] * a)


MISTAKES = (*forward.mistakes, *stable.mistakes, *backward.mistakes)
