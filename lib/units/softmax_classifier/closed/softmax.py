"""Mistakes in the softmax layer: forward, for large scores, and backward.

A mistake that isn't about large scores subtracts the largest score first, so that it is one mistake only. The ways in
which people write one of them stand one after another.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import Softmax
from lib.reference.layer import FloatArray as Array
from lib.reference.layer import Layer
from lib.reference.wrong_code import (
    COMMA,
    INTEGERS,
    NO_RETURN,
    PER_SAMPLE,
    loop_over_rows,
    overwrite,
    with_backward,
    with_forward,
)


def _with_forward(output: Callable[[Array], Any]) -> type[Layer]:
    """Make a layer whose forward computes its output from the scores with the wrong function `output`."""
    return with_forward(Softmax, lambda layer, z: output(z))


def _with_backward(gradient: Callable[[Any, Array], Any]) -> type[Layer]:
    """Make a layer whose backward computes its result from the layer and the incoming gradient g with `gradient`."""
    return with_backward(Softmax, lambda layer, g, rate: gradient(layer, g))


TEACH_FORWARD = (
    "Write a small matrix of scores on the board, with samples in columns. Exponentiate every entry, then divide each"
    " column by its own sum."
)
TEACH_STABLE = (
    "Show what exp(1000) gives. Show that subtracting one number from all scores of a sample leaves its"
    " probabilities unchanged, and subtract the sample's largest score."
)
TEACH_BACKWARD = (
    "Write out one sample's Jacobian with its diagonal, and multiply it by the gradient. Then find the same"
    " product in the einsum: the sample's index is never summed."
)
DIVIDED, SIGN = "1/B is applied", "a sign is wrong"
"""Mistakes that some of those in backward come together with."""
Output = Callable[[Array], Any]


def _exp(z: Array) -> Array:
    return np.asarray(np.exp(np.subtract(z, z.max(axis=0), dtype=float)))


def _softmax(z: Array) -> Array:
    return np.asarray(_exp(z) / _exp(z).sum(axis=0))


def _by_sums(total: Callable[..., Any], shift: Output) -> Output:
    """Divide exponentials by what `total` gives of them."""
    return lambda z: np.exp(z - shift(z)) / total(np.exp(z - shift(z)))


def _jacobians(a: Array) -> Array:
    """Give each sample's Jacobian, (classes, classes, batch)."""
    return np.asarray(np.eye(len(a))[:, :, None] * a - a[:, None] * a)


def _contracted(pattern: str) -> Callable[[Array, Array], Any]:
    """Sum over other indices of the Jacobians and the gradient than one should."""
    return lambda a, g: np.einsum(pattern, _jacobians(a), g)


def _by_cases(diagonal: Array, beside: Array | float) -> Array:
    """Make a (classes, classes, batch) of a diagonal, (classes, batch), and of what stands beside it."""
    return np.where(np.eye(len(diagonal))[:, :, None] == 1, diagonal, beside)


def _product(a: Array, g: Array) -> Any:
    """Give the right product, with any array in the place of the probabilities."""
    return a * (g - (a * g).sum(axis=0))


forward = MistakeCatalog("check-softmax-forward", "Softmax", _with_forward, teach=TEACH_FORWARD)
whole_forward = replace(forward, make=lambda code: type("Wrong", (Softmax,), {"forward": code}))
"""Code that sets, or doesn't set, the layer's output itself."""
of_scores = replace(forward, make=lambda change: _with_forward(lambda z: _softmax(change(z))))
"""Softmax of scores that code has changed."""
of_softmax = replace(forward, make=lambda change: _with_forward(lambda z: change(_softmax(z))))
"""Right probabilities that code has changed."""

stable = MistakeCatalog("check-softmax-stable", "Softmax", _with_forward, teach=TEACH_STABLE)
shifted = replace(stable, make=lambda shift: _with_forward(_by_sums(lambda e: e.sum(axis=0), shift)))
"""Scores from which code subtracts the wrong number."""

backward = MistakeCatalog("check-softmax-backward", "Softmax", _with_backward, teach=TEACH_BACKWARD)
of_output = replace(backward, make=lambda code: _with_backward(lambda layer, g: code(layer.output, g)))
"""Code that knows only the output a and the incoming gradient g."""
of_product = replace(backward, make=lambda change: _with_backward(lambda layer, g: change(_product(layer.output, g))))
"""The right product, which code has changed."""
of_jacobian = replace(
    backward, make=lambda code: _with_backward(lambda layer, g: np.einsum("kmi,mi->ki", code(layer.output), g))
)
"""The product with a wrong (classes, classes, batch), made of the output."""


# ---- Forward: which numbers are divided by which

AXIS = "Print the sums that you divide by, and count them: there is one for each sample, and samples are columns."
SHIFTS: tuple[Output, ...] = (lambda z: z.max(axis=0), lambda z: 0)
"""What is subtracted before the exponential, one way or another: for the whole matrix it makes no difference which."""


for shift in SHIFTS:
    forward("The sum runs over axis 1: each row sums to 1, not each column", AXIS)(
        _by_sums(lambda e: e.sum(axis=1, keepdims=True), shift)
    )
    forward("The sum runs over axis 1, without keepdims", AXIS)(_by_sums(lambda e: e.sum(axis=1), shift))
    forward("The whole matrix sums to 1", AXIS)(_by_sums(np.sum, shift))
    forward("All samples are divided by the sum of the first one", AXIS)(_by_sums(lambda e: e[:, 0].sum(), shift))
    forward("All samples are divided by the sum of the last one", AXIS)(_by_sums(lambda e: e[:, -1].sum(), shift))
forward("The sum runs over axis 1, without keepdims", AXIS)(
    _by_sums(lambda e: e.sum(axis=1), lambda z: z.max(axis=1, keepdims=True))
)

NORMALISE = "Print self.output.sum(axis=0). Which number of each column makes these sums 1?"
OF_INTEGERS = "Print the dtype of the array that you write into, for integer scores. Can it hold 0.3?"
forward("The output is written into an array of integers", OF_INTEGERS)(lambda z: _softmax(z).astype(z.dtype))
forward("The exponentials are written into an array of integers", OF_INTEGERS)(
    lambda z: _exp(z).astype(z.dtype) / _exp(z).astype(z.dtype).sum(axis=0)
)


@forward(
    "The output is the sigmoid of each score, not softmax",
    "Change the score of one class. The probabilities of the other classes have to change too.",
)
def _sigmoid(z: Array) -> Any:
    return 1 / (1 + np.exp(-z))


forward(
    "The sigmoids of the scores are normalised, not their exponentials", "Compare the numerator of Step 2 with yours."
)(lambda z: _sigmoid(z) / _sigmoid(z).sum(axis=0))
of_softmax("Softmax is applied twice", "Apply softmax once: exponentiate the scores, not the probabilities.")(_softmax)
forward(
    "The exponential is missing",
    "Exponentiate the scores first: scores can be negative, and their exponentials are positive.",
)(lambda z: z / z.sum(axis=0))
forward("The scores are squared, not exponentiated", "Compare the numerator of Step 2 with yours.")(
    lambda z: z**2 / (z**2).sum(axis=0)
)
forward("The exponential is missing in the numerator", "Compare the numerator of Step 2 with yours.")(
    lambda z: z / np.exp(z).sum(axis=0)
)
forward("The output is the scores", "Step 2 makes probabilities of the scores.")(lambda z: z)
forward("The exponentials are not divided by their sum", NORMALISE)(_exp, np.exp)
forward("The exponentials are divided by their mean", NORMALISE)(lambda z: _exp(z) / _exp(z).mean(axis=0))
forward("The exponentials are divided by the largest one of the whole matrix", NORMALISE)(
    lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).max()
)
forward("The exponentials are divided by their norm, not by their sum", NORMALISE)(
    lambda z: _exp(z) / np.linalg.norm(_exp(z), axis=0)
)
forward("The exponentials are divided by the sum of the scores", NORMALISE)(lambda z: np.exp(z) / z.sum(axis=0))
forward("The sum is taken before the exponential", "Exponentiate each score first, then add.")(
    lambda z: np.exp(z) / np.exp(z.sum(axis=0))
)
for axis in (0, None):
    forward(
        "The largest score is subtracted from the exponentials, not from the scores",
        "Look where the parenthesis behind np.exp closes. What has to be inside it?",
    )(
        lambda z, axis=axis: (np.exp(z) - z.max(axis=axis)) / (np.exp(z) - z.max(axis=axis)).sum(axis=0),
        lambda z, axis=axis: (np.exp(z) - z.max(axis=axis)) / np.exp(z).sum(axis=0),
        lambda z, axis=axis: (np.exp(z) - z.max(axis=axis)) / _exp(z).sum(axis=0),
        lambda z, axis=axis: _exp(z) / (np.exp(z) - z.max(axis=axis)).sum(axis=0),
    )
for shift in SHIFTS:
    for extra in (1, 0.1, 0.01):
        forward(
            "A number is added to the sum of the exponentials", "Add up the exponentials alone: they are never all 0."
        )(_by_sums(lambda e, extra=extra: extra + e.sum(axis=0), shift))
of_softmax(
    "A number is added to each probability", "Keep the probabilities as they are: the loss avoids log 0 itself."
)(lambda p: p + 0.1, lambda p: p + 0.01, lambda p: p + 0.001)
for shift in SHIFTS:
    forward("The scores are divided inside the exponential", "Move a parenthesis: exponentiate first, then divide.")(
        lambda z, shift=shift: np.exp((z - shift(z)) / np.exp(z - shift(z)).sum(axis=0))
    )

# ---- Forward: what is exponentiated

of_scores(
    "The scores have the wrong sign",
    "Exponentiate the scores, not their negatives: the largest score gets the largest probability.",
)(np.negative)
of_softmax(
    "The output is the logarithm of softmax",
    "Leave out the logarithm: the output is probabilities, and the loss takes their logarithm later.",
)(np.log)

BASE = "Compute exp(1) by hand: it is 2.718."
of_scores("The exponential has base 2, not e", BASE)(lambda z: z * np.log(2))
of_scores("The exponential has base 10, not e", BASE)(lambda z: z * np.log(10))

SCALED = "The probabilities depend on the differences of the scores. Does your step before the exponential keep these?"
of_scores("The scores are divided by a number before the exponential, not shifted", SCALED)(
    lambda z: z / z.max(axis=0),
    lambda z: z / z.max(),
    lambda z: z / np.abs(z).max(axis=0),
    lambda z: z / np.abs(z).max(),
    lambda z: z / np.linalg.norm(z, axis=0),
    lambda z: z / np.linalg.norm(z),
    lambda z: z / np.abs(z).sum(axis=0),
    lambda z: z / z.std(axis=0),
    lambda z: z / z.std(),
    lambda z: z / np.ptp(z, axis=0),
    lambda z: z / np.ptp(z),
)
of_scores("The hyperbolic tangent of the scores is exponentiated", SCALED)(np.tanh)
of_scores("The scores are scaled by a fixed number before the exponential", SCALED)(
    *(lambda z, number=number: z / number for number in (2, 3, 5, 10, 100, 1000, 0.5, 0.1))
)
of_scores("The scores are divided by the number of classes or samples", SCALED)(
    lambda z: z / len(z), lambda z: z / z.shape[1], lambda z: z / np.sqrt(len(z)), lambda z: z / z.size
)
of_scores("The scores are normalised by row before the exponential", SCALED)(
    lambda z: (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
)

POSITIVE = "Exponentiate the scores with their signs: a negative score gives a small probability."
for limit in (1, 2, 3, 1.5, 0.5):
    of_scores("The scores are clipped to a small range", SCALED)(lambda z, limit=limit: np.clip(z, -limit, limit))
of_scores("Negative scores are replaced by 0", POSITIVE)(lambda z: np.maximum(z, 0))
of_scores("The signs of the scores are lost", POSITIVE)(np.abs)
of_scores("The scores are squared", POSITIVE)(np.square)
forward(
    "The output is 1 for the largest score, and 0 elsewhere",
    "Give every class a probability above 0: divide its exponential by the sum of its column.",
)(lambda z: (z == z.max(axis=0)).astype(float))
forward("The output is the number of the largest class", "Give every class of a sample a probability.")(
    lambda z: z.argmax(axis=0)
)

SAME = "Subtract the same number from all classes of a sample, or their probabilities change."
forward("The largest score of each row is subtracted, not that of each column", SAME)(
    lambda z: _softmax(z - z.max(axis=1, keepdims=True)),
    lambda z: _exp(z) / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=0),
)
forward("The largest score of each row is subtracted, without keepdims", SAME)(lambda z: _softmax(z - z.max(axis=1)))

NUMERATOR = "Subtract the same number in the numerator and in the denominator."
forward("The largest score is subtracted in the numerator only", NUMERATOR)(lambda z: _exp(z) / np.exp(z).sum(axis=0))
forward("The largest score is subtracted in the denominator only", NUMERATOR)(lambda z: np.exp(z) / _exp(z).sum(axis=0))

# ---- Forward: what is kept

LAYOUT = "Keep samples in columns: the output has the shape of the scores."

of_softmax("The output is transposed", LAYOUT)(np.transpose)
LOOP = "Print self.output after each turn of the loop. Does each sample get its column?"


def _keep_one(columns: Array, at: int) -> Array:
    """Keep one sample's column, with 0 in all others."""
    alone = np.zeros(columns.shape)
    alone[:, at] = columns[:, at]
    return alone


for at in (0, -1):
    of_softmax("Only one sample gets probabilities, the others 0", LOOP)(partial(_keep_one, at=at))
    of_softmax("Only one sample's probabilities are kept", LOOP)(lambda p, at=at: p[:, at])
    of_softmax("All samples get the probabilities of one", LOOP)(
        lambda p, at=at: np.repeat(p[:, [at]], p.shape[1], axis=1)
    )
of_softmax("The loop runs over the classes, not over the samples", PER_SAMPLE)(loop_over_rows)
of_softmax("The output is 1 minus softmax", "The largest score gets the largest probability.")(lambda p: 1 - p)
of_softmax("The probabilities are percentages", "The probabilities of a sample sum to 1, not to 100.")(
    lambda p: 100 * p
)
of_softmax("The probabilities are rounded", "Keep the probabilities as they are, and round only where you print them.")(
    *(partial(np.round, decimals=digits) for digits in (1, 2, 3, 4))
)
of_softmax("The last sample is left out", LOOP)(lambda p: np.hstack([p[:, :-1], 0 * p[:, -1:]]))
of_softmax("The probabilities are clipped", "Keep the probabilities as they are: the loss avoids log 0 itself.")(
    *(lambda p, least=least: np.clip(p, least, 1 - least) for least in (0.01, 0.02, 0.05, 0.1))
)
whole_forward("self.output is missing", "Assign the result to self.output: a name without self. is lost afterwards.")(
    lambda layer, z: _softmax(z)
)
replace(forward, make=partial(with_forward, Softmax))(
    "The second pass of a layer keeps the output of the first", "Compute the output from the scores of this call."
)(lambda layer, z: vars(layer).setdefault("first", _softmax(z)))
forward("forward overwrites the scores that it is given", "Compute into a new array.")(overwrite(0, _softmax))

# ---- Large scores

OWN = "Print the largest exponent of each sample, and the smallest: which number should you subtract to make it 0?"


@stable("Large scores overflow", "Print np.exp(1000). Which number can you subtract from the scores of a sample first?")
def _not_shifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=0)


shifted(
    "All samples are shifted by the same number",
    "Scores of two samples can be far apart. Then what is left of the exponentials of the lower one?",
)(np.max, np.min, np.mean)
shifted("The scores are shifted by a fixed number", OWN)(lambda z: 500)
for which, of in (("mean", np.mean), ("median", np.median), ("norm", np.linalg.norm), ("sum", np.sum)):
    shifted(f"The {which} of each sample's scores is subtracted, not the largest", OWN)(partial(of, axis=0))
shifted("The largest score is added, not subtracted", OWN)(lambda z: -z.max(axis=0))
shifted("The smallest score of each sample is subtracted, not the largest", OWN)(lambda z: z.min(axis=0))
shifted("The largest absolute value of each sample is subtracted, not its largest score", OWN)(
    lambda z: np.abs(z).max(axis=0)
)
shifted("The score of one class is subtracted, not the largest", OWN)(*map(itemgetter, (0, 1, 2, -1)))
shifted("A part of each sample's largest score is subtracted", OWN)(lambda z: z.max(axis=0) / 2)
shifted("The middle between each sample's largest and smallest score is subtracted", OWN)(
    lambda z: (z.max(axis=0) + z.min(axis=0)) / 2
)

CLIPPED = "Clipping changes the differences between scores. A shift keeps them."
for limit in (20, 30, 709):
    stable("Large scores are clipped", CLIPPED)(
        lambda z, limit=limit: _not_shifted(np.clip(z, -limit, limit)),
        lambda z, limit=limit: _not_shifted(np.minimum(z, limit)),
    )
stable("nan is replaced by 0", "Prevent the overflow: nan has lost what the scores were.")(
    lambda z: np.nan_to_num(np.exp(z) / np.exp(z).sum(axis=0))
)

# ---- Backward: the Jacobian

BESIDE = "A score changes all probabilities of its sample. Write down the Jacobian of two classes, all four entries."
ENTRIES = "Write down the Jacobian of two classes by the two cases of Step 7, and compare it with yours."
PROBABILITIES = "The a in the Jacobian are the layer's probabilities. Which attribute holds them?"
MULTIPLY = "Multiply the incoming gradient by the Jacobian of softmax."

of_output("Only the diagonal of the Jacobian is used", BESIDE, DIVIDED, SIGN)(lambda a, g: a * (1 - a) * g)
backward("The Jacobian is computed from the layer's input, not from its output", PROBABILITIES, DIVIDED, SIGN)(
    lambda layer, g: _product(layer.input, g)
)
backward("Only the diagonal is used, and it is computed from the layer's input", PROBABILITIES)(
    lambda layer, g: layer.input * (1 - layer.input) * g
)
backward("One factor is the layer's input, the other its output", PROBABILITIES)(
    lambda layer, g: layer.output * (1 - layer.input) * g,
    lambda layer, g: layer.input * (1 - layer.output) * g,
    lambda layer, g: layer.output * (g - (layer.input * g).sum(axis=0)),
    lambda layer, g: layer.output * g - layer.input * (layer.output * g).sum(axis=0),
    lambda layer, g: np.einsum(
        "kmi,mi->ki", _by_cases(layer.output * (1 - layer.input), -layer.output[:, None] * layer.output), g
    ),
)
backward("The exponentials are not divided by their sum in backward", PROBABILITIES)(
    lambda layer, g: _product(np.exp(layer.input), g)
)
of_output("Softmax is applied to the output again", PROBABILITIES)(lambda a, g: _product(_softmax(a), g))
of_output("Softmax is applied to the output again, and only the diagonal is used", PROBABILITIES)(
    lambda a, g: _softmax(a) * (1 - _softmax(a)) * g
)
of_output("Softmax is applied to the incoming gradient", PROBABILITIES)(
    lambda a, g: _product(_softmax(g), g),
    lambda a, g: _softmax(g) * (1 - _softmax(g)) * g,
    lambda a, g: _softmax(g) * (1 - _softmax(g)),
    lambda a, g: _softmax(g),
    lambda a, g: _product(_softmax(g), a),
)
of_output("The Jacobian is computed from the incoming gradient", PROBABILITIES)(lambda a, g: g * (1 - g))
of_output("The output and the incoming gradient are swapped", PROBABILITIES)(lambda a, g: _product(g, a))
of_output("The output and the incoming gradient are swapped, and only the diagonal is used", PROBABILITIES)(
    lambda a, g: g * (1 - g) * a
)
of_output("backward returns the incoming gradient unchanged", MULTIPLY, DIVIDED, SIGN)(lambda a, g: g)
of_output(
    "The off-diagonal entries of the Jacobian have the wrong sign",
    "When one probability grows, the others get smaller: which sign have the off-diagonal entries?",
    DIVIDED,
    SIGN,
)(lambda a, g: np.einsum("ijk,jk->ik", _jacobians(a) * (2 * np.eye(len(a)) - 1)[:, :, None], g))
of_output(
    "The products are added to the output on the diagonal, not subtracted", "Which sign do the products of Step 7 have?"
)(lambda a, g: a * (g + (a * g).sum(axis=0)))
of_jacobian("One factor is missing beside the diagonal of the Jacobian", ENTRIES, DIVIDED, SIGN)(
    lambda a: np.eye(len(a))[:, :, None] * a - a[None] + 0 * a[:, None],
    lambda a: _by_cases(a * (1 - a), -a[:, None] + 0 * a),
    lambda a: _by_cases(a * (1 - a), -a[None] + 0 * a[:, None]),
)
of_jacobian("Every entry beside the diagonal is -1", ENTRIES)(lambda a: _by_cases(a * (1 - a), -1.0))
of_jacobian("Beside the diagonal of the Jacobian stands a square, not a product of two outputs", ENTRIES)(
    lambda a: _by_cases(a * (1 - a), -(a[:, None] ** 2) + 0 * a),
    lambda a: _by_cases(a * (1 - a), -(a[None] ** 2) + 0 * a[:, None]),
)
of_jacobian(
    "The same number is subtracted from every entry of the Jacobian",
    "np.dot of two vectors is one number, a sum of products. np.outer gives all their products.",
)(lambda a: np.eye(len(a))[:, :, None] * a - (a * a).sum(axis=0))
of_jacobian("Every entry beside the diagonal is computed with 1 - a", ENTRIES)(
    lambda a: _by_cases(a * (1 - a), -a[:, None] * (1 - a))
)
of_jacobian("The square is missing on the diagonal of the Jacobian", ENTRIES)(lambda a: _by_cases(a, -a[:, None] * a))
of_jacobian("The diagonal of the Jacobian is 1 - a", ENTRIES)(lambda a: _by_cases(1 - a, -a[:, None] * a))
of_jacobian("The diagonal of the Jacobian is 0", ENTRIES)(lambda a: _by_cases(0 * a, -a[:, None] * a))
of_output("The Jacobian has the output on its diagonal and 0 elsewhere", ENTRIES, DIVIDED, SIGN)(lambda a, g: a * g)
of_output("The Jacobian has only the products -a_k a_m, on the diagonal too", ENTRIES, DIVIDED)(
    lambda a, g: -a * (a * g).sum(axis=0)
)
of_output("The Jacobian's diagonal is 1 minus a product, not the output minus a product", ENTRIES)(
    lambda a, g: g - a * (a * g).sum(axis=0)
)
of_output("Every entry of the Jacobian is computed like a diagonal entry", ENTRIES, DIVIDED, SIGN)(
    lambda a, g: a * ((1 - a) * g).sum(axis=0), lambda a, g: (1 - a) * (a * g).sum(axis=0)
)
WEIGHTS = "Write out the product for two classes: by what is each entry of the gradient multiplied?"
of_output("The incoming gradient is summed without the probabilities as weights", WEIGHTS, DIVIDED, SIGN)(
    lambda a, g: a * (g - g.sum(axis=0))
)
of_output("The products are averaged over the classes, not added up", WEIGHTS)(
    lambda a, g: a * (g - (a * g).mean(axis=0))
)
of_output("The mean of the incoming gradient is subtracted, without weights", WEIGHTS)(
    lambda a, g: a * (g - g.mean(axis=0))
)
of_output("The output is missing as a factor", ENTRIES)(lambda a, g: g - (a * g).sum(axis=0))
of_output("The derivative is that of another function, entry by entry", BESIDE)(
    lambda a, g: (1 - a) * g, lambda a, g: a * a * g, lambda a, g: (1 - a**2) * g
)
backward("The derivative is that of exp or log", BESIDE)(
    lambda layer, g: np.exp(layer.input) * g, lambda layer, g: g / layer.output
)

# ---- Backward: which indices

INDEX = (
    "Sum over the index that the Jacobian shares with the gradient. Keep the other class index and the sample's index."
)

KEEP = "Each sample has its own gradient: add up classes, not samples. In einsum, keep the sample's letter."
EACH = "Run backward on one sample at a time, then on two together. Each sample has its own Jacobian."
of_output("The result is 0 everywhere, as if the sum ran over the wrong axis of the Jacobian", INDEX)(
    _contracted("ijk,ik->ik")
)
# Below the one whose result is 0: for scores below 0, this one's is, too.
backward("The derivative is that of ReLU", BESIDE)(lambda layer, g: g * (layer.input > 0))
of_output("The sum runs over the samples too: the result is one column", KEEP)(_contracted("ijk,jk->i"))
of_output("The sum runs over the samples too, and every sample gets the same column", KEEP)(
    lambda a, g: np.einsum("ijk,jk->i", _jacobians(a), g)[:, None] + np.zeros_like(g)
)
of_output(
    "The sum runs over both class axes of the Jacobian",
    "Keep one class index on the right of the arrow: the result has a row for each class.",
)(_contracted("ijk,jk->k"))
of_output("The sum runs over everything: the result is one number", KEEP)(_contracted("ijk,jk->"))
of_output("The gradients of all samples are added before the product", KEEP)(_contracted("ijk,jl->ik"))
of_product("All samples get the mean of their gradients", KEEP)(lambda p: p.mean(axis=1, keepdims=True) + 0 * p)
of_output(
    "The incoming gradient is used with its axes swapped",
    "The gradient's first axis counts the classes, its second the samples. In einsum, write its letters in this order.",
)(_contracted("kmi,im->ki"))
of_output(
    "The samples are the first axis of the Jacobians, and are used as if they were the last",
    "Print the shape of the Jacobians. In einsum, write their letters in the order of their axes.",
)(lambda a, g: np.einsum("kmi,mi->ki", np.moveaxis(_jacobians(a), -1, 0), g))
of_output("The samples are summed, and two class axes are left", INDEX)(_contracted("ijk,jk->ij"))
of_output("The result is transposed", "Keep samples in columns, as in the gradient that comes in.")(
    _contracted("ijk,jk->ki")
)
of_output(
    "The Jacobian is multiplied entry by entry, and nothing is summed",
    "Sum over the index that the Jacobian shares with the gradient: a matrix times a vector is a sum.",
)(lambda a, g: _jacobians(a) * g)
of_output("The Jacobian is returned, not its product with the gradient", MULTIPLY)(
    lambda a, g: _jacobians(a), lambda a, g: np.moveaxis(_jacobians(a), -1, 0)
)
of_output("All samples use one Jacobian, averaged over the batch", EACH)(lambda a, g: _jacobians(a).mean(axis=2) @ g)
of_output("All samples use one Jacobian, summed over the batch", EACH)(lambda a, g: _jacobians(a).sum(axis=2) @ g)
of_output("All samples use the first sample's Jacobian", EACH)(lambda a, g: _jacobians(a)[:, :, 0] @ g)
of_output("All samples use the last sample's Jacobian", EACH)(lambda a, g: _jacobians(a)[:, :, -1] @ g)
of_output("The Jacobian is that of the mean probabilities of the batch", EACH)(
    lambda a, g: _product(a.mean(axis=1, keepdims=True) + 0 * g, g),
    lambda a, g: a.mean(axis=1, keepdims=True) * (1 - a.mean(axis=1, keepdims=True)) * g,
)
backward("The probabilities are computed anew, and all samples together sum to 1", EACH)(
    lambda layer, g: _product(np.exp(layer.input) / np.exp(layer.input).sum(), g)
)
of_output("The gradients of all samples are averaged before the product", EACH)(
    lambda a, g: _product(a, g.mean(axis=1, keepdims=True))
)
of_output("The Jacobian has as many rows and columns as the batch has samples", EACH)(
    lambda a, g: np.einsum("ijk,jk->ik", np.eye(g.shape[1])[:, :, None] * a - a[:, None] * a, g)
)
of_output("The derivative is that of the logarithm of softmax", ENTRIES)(lambda a, g: g - a * g.sum(axis=0))
of_output("The products of all samples are added to one Jacobian", EACH)(
    lambda a, g: (np.diag(a.mean(axis=1)) - a @ a.T) @ g
)
TURNS = LOOP.replace("self.output", "the result")
SUM = "Print the shape of the sum: there is one number for each sample."
of_output("The sum runs over the samples instead of the classes", SUM, DIVIDED, SIGN)(
    lambda a, g: a * (g - (a * g).sum(axis=1, keepdims=True))
)
of_output("The sum runs over the classes and the samples", SUM, DIVIDED, SIGN)(lambda a, g: a * (g - (a * g).sum()))
for at in (0, -1):
    of_product("Only one sample gets a gradient, the others 0", TURNS)(partial(_keep_one, at=at))
    of_product("Only one sample's gradient is returned", TURNS)(lambda p, at=at: p[:, at])
    of_output(
        "The terms of a sum replace each other: = stands for +=",
        "Print the result after each turn of the loop. Does it add up?",
    )(lambda a, g, at=at: _jacobians(a)[:, at] * g[at])

# ---- Backward: what the gradient is multiplied by

of_output("The incoming gradient is ignored", MULTIPLY, DIVIDED, SIGN)(
    lambda a, g: a * (1 - a), lambda a, g: _product(a, a)
)
of_output("backward returns the output", MULTIPLY)(lambda a, g: a)
of_product(
    "The result has the wrong sign",
    "Change the sign: cce_gradient already contains the minus sign of the loss.",
    DIVIDED,
)(np.negative)
of_product("The result is divided by the batch size", "Leave out the division: the training loop multiplies by 1/B.")(
    lambda p: p / p.shape[1]
)
of_product("The result is multiplied by the batch size", "Leave out the factor: each sample has its own gradient.")(
    lambda p: p * p.shape[1]
)
of_product("The result is divided by the number of classes", "Leave out the division: nothing is averaged here.")(
    lambda p: p / len(p)
)
of_product(
    "The result is multiplied by a number, such as a learning rate",
    "Leave out the factor: the Jacobian has none, and softmax has no weights to update.",
)(lambda p: 2 * p, lambda p: 0.5 * p, lambda p: 0.1 * p, lambda p: 0.01 * p, lambda p: 0.001 * p)

LABEL = "Multiply the incoming gradient by the Jacobian. There is no label to subtract here."
of_output("The incoming gradient is subtracted from the output", LABEL)(
    lambda a, g: a - g,
    lambda a, g: (a - g) / g.shape[1],
    lambda a, g: (a - g) * a * (1 - a),
    lambda a, g: _product(a, a - g),
)
of_output("The output is subtracted from the incoming gradient", LABEL)(
    lambda a, g: g - a, lambda a, g: (g - a) / g.shape[1]
)

LIMIT = "Return the gradient as it is: its size matters."
for limit in (1, 5, 10):
    of_product("The result is clipped", LIMIT)(lambda p, limit=limit: np.clip(p, -limit, limit))
    of_output("The incoming gradient is clipped", LIMIT)(
        lambda a, g, limit=limit: _product(a, np.clip(g, -limit, limit))
    )
of_product("The result is divided by its norm", LIMIT)(
    lambda p: p / np.linalg.norm(p), lambda p: p / np.linalg.norm(p, axis=0)
)
of_product("The result is rounded", "Return the gradient as it is, and round only where you print it.")(
    *(partial(np.round, decimals=digits) for digits in (0, 1, 2))
)
of_product("The result is written into an array of integers", INTEGERS)(lambda p: p.astype(int))
of_product("The loop runs over the classes, not over the samples", PER_SAMPLE)(loop_over_rows)
of_product("The last sample gets no gradient", TURNS)(lambda p: np.hstack([p[:, :-1], 0 * p[:, -1:]]))
of_product("The result is in a tuple or a list", COMMA)(lambda p: (p,))
of_product("The result of backward is missing", NO_RETURN)(lambda p: None)
of_output("backward overwrites the gradient that it is given", "Compute into a new array.")(overwrite(1, _product))
of_output("backward overwrites the layer's output", "Compute into a new array: the loss still needs self.output.")(
    overwrite(0, _product)
)
of_output(
    "The code makes one matrix of all samples together",
    "Run it on one sample, then on two. Which axis of each array counts the samples?",
)(
    lambda a, g: np.dot(np.diagflat(a.reshape(-1, 1)) - a.reshape(-1, 1) @ a.reshape(-1, 1).T, g),
    lambda a, g: (np.diag(a) - np.outer(a, a)) @ g,
    lambda a, g: (np.diagflat(a) - np.outer(a, a)) @ g.reshape(-1, 1),
)


@of_output("T has the wrong shape", "Print T.shape for one sample and for two. Which axis of T counts the samples?")
def _two_axes(a: Array, g: Array) -> Any:
    T = a * (1 - a)
    return np.einsum("kmi,mi->ki", T, g)


_two_axes.__code__ = _two_axes.__code__.replace(co_name="backward")  # the frame in which the check looks for T


@of_output("A name of the layer is used without self. before it", "Write self. before input, output and weights.")
def _without_self(a: Array, g: Array) -> Any:
    raise NameError("name 'output' is not defined")


of_output(
    "An array is called like a function",
    "Look for parentheses right behind an array: a product needs a * between its factors.",
)(lambda a, g: a(1 - a) * g)


def _scale(factor: Callable[[Array], float]) -> Callable[[Any], type[Layer]]:
    """Make a layer whose backward gives that of another one, times a factor that depends on the gradient's shape."""
    return lambda layer: _with_backward(lambda made, g: factor(g) * layer.backward(made, g))


backward.combine(DIVIDED, _scale(lambda g: 1 / g.shape[1]))
backward.combine(SIGN, _scale(lambda g: -1))

MISTAKES = (*forward.mistakes, *stable.mistakes, *backward.mistakes)
