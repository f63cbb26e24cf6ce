"""Mistakes in the softmax layer: forward, for large scores, and backward.

A mistake that isn't about large scores subtracts the largest score first, so that it is one mistake only. One that
people write in several ways stands here several times, under one name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import Softmax
from lib.reference.layer import FloatArray as Array


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


TEACH_FORWARD = (
    "Write a small matrix of scores on the board, with samples in columns. Exponentiate every entry, then divide each"
    " column by its own sum."
)
forward = MistakeCatalog("check-softmax-forward", "Softmax", _with_forward, teach=TEACH_FORWARD)
forward_layer = MistakeCatalog("check-softmax-forward", "Softmax", lambda layer: layer, forward.mistakes, TEACH_FORWARD)
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


Output = Callable[[Array], Any]


def _exp(z: Array) -> Array:
    return np.asarray(np.exp(np.subtract(z, z.max(axis=0), dtype=float)))


def _softmax(z: Array) -> Array:
    return np.asarray(_exp(z) / _exp(z).sum(axis=0))


# ---- Forward: which numbers are divided by which

AXIS = "Print the sums that you divide by, and count them: there is one for each sample, and samples are columns."
SHIFTS: tuple[Output, ...] = (
    lambda z: z.max(axis=0),
    lambda z: z.max(),
    lambda z: z.max(axis=1, keepdims=True),
    lambda z: 0,
)
"""What is subtracted before the exponential, one way or another: for the whole matrix it makes no difference which."""


def _by_sums(total: Callable[..., Any], shift: Output) -> Output:
    """Divide exponentials by what `total` gives of them."""
    return lambda z: np.exp(z - shift(z)) / total(np.exp(z - shift(z)))


for shift in (SHIFTS[0], SHIFTS[3]):
    forward("The sum runs over axis 1: each row sums to 1, not each column", AXIS)(
        _by_sums(lambda e: e.sum(axis=1, keepdims=True), shift)
    )
    forward("The sum runs over axis 1, without keepdims", AXIS)(_by_sums(lambda e: e.sum(axis=1), shift))
    forward("The whole matrix sums to 1", AXIS)(_by_sums(np.sum, shift))
forward("The sum runs over axis 1, without keepdims", AXIS)(_by_sums(lambda e: e.sum(axis=1), SHIFTS[2]))
for shift in (SHIFTS[0], SHIFTS[3]):
    forward("All samples are divided by the sum of the first one", AXIS)(_by_sums(lambda e: e[:, 0].sum(), shift))
    forward("All samples are divided by the sum of the last one", AXIS)(_by_sums(lambda e: e[:, -1].sum(), shift))

NORMALISE = "Print self.output.sum(axis=0). Which number of each column makes these sums 1?"


@forward(
    "The output is written into an array of integers",
    "Print the dtype of the array that you write into, for integer scores. Can it hold 0.3?",
)
def _integers(z: Array) -> Any:
    output = np.zeros_like(z)
    output[:] = _softmax(z)
    return output


@forward(
    "The exponentials are written into an array of integers",
    "Print the dtype of the array that you write into, for integer scores. Can it hold 0.3?",
)
def _integer_exponentials(z: Array) -> Any:
    e = z - z.max(axis=0)
    e[:] = np.exp(e)
    return e / e.sum(axis=0)


@forward(
    "The output is the sigmoid of each score, not softmax",
    "Change the score of one class. The probabilities of the other classes have to change too.",
)
def _sigmoid(z: Array) -> Any:
    return 1 / (1 + np.exp(-z))


@forward(
    "The sigmoids of the scores are normalised, not their exponentials",
    "Compare the numerator of Step 2 with yours.",
)
def _normalised_sigmoid(z: Array) -> Any:
    return _sigmoid(z) / _sigmoid(z).sum(axis=0)


@forward("Softmax is applied twice", "Apply softmax once: exponentiate the scores, not the probabilities.")
def _twice(z: Array) -> Any:
    return _softmax(_softmax(z))


@forward(
    "The exponential is missing",
    "Exponentiate the scores first: scores can be negative, and their exponentials are positive.",
)
def _without_exp(z: Array) -> Any:
    return z / z.sum(axis=0)


forward("The exponential is missing in the numerator", "Compare the numerator of Step 2 with yours.")(
    lambda z: z / np.exp(z).sum(axis=0)
)
forward("The output is the scores", "Step 2 makes probabilities of the scores.")(lambda z: z)


@forward("The exponentials are not divided by their sum", NORMALISE)
def _not_normalised(z: Array) -> Any:
    return _exp(z)


forward("The exponentials are not divided by their sum", NORMALISE)(np.exp)


@forward(
    "The exponentials are divided by the largest one of their column",
    NORMALISE,
    same_as=("The exponentials are not divided by their sum",),
)
def _over_largest(z: Array) -> Any:
    return _exp(z) / _exp(z).max(axis=0)


@forward("The exponentials are divided by their mean", NORMALISE)
def _over_mean(z: Array) -> Any:
    return _exp(z) / _exp(z).mean(axis=0)


@forward("The exponentials are divided by the largest one of the whole matrix", NORMALISE)
def _over_largest_of_all(z: Array) -> Any:
    return np.exp(z - z.max()) / np.exp(z - z.max()).max()


@forward("The exponentials are divided by their norm, not by their sum", NORMALISE)
def _over_norm(z: Array) -> Any:
    return _exp(z) / np.linalg.norm(_exp(z), axis=0)


forward("The exponentials are divided by the sum of the scores", NORMALISE)(lambda z: np.exp(z) / z.sum(axis=0))
forward("The sum is taken before the exponential", "Exponentiate each score first, then add.")(
    lambda z: np.exp(z) / np.exp(z.sum(axis=0))
)
for shift in (SHIFTS[0], SHIFTS[3]):
    for extra in (1, 0.1, 0.01):
        forward(
            "A number is added to the sum of the exponentials", "Add up the exponentials alone: they are never all 0."
        )(_by_sums(lambda e, extra=extra: extra + e.sum(axis=0), shift))
for extra in (0.1, 0.01, 0.001):
    forward(
        "A number is added to each probability", "Keep the probabilities as they are: the loss avoids log 0 itself."
    )(lambda z, extra=extra: _softmax(z) + extra)
for shift in (SHIFTS[0], SHIFTS[3]):
    forward("The scores are divided inside the exponential", "Move a parenthesis: exponentiate first, then divide.")(
        lambda z, shift=shift: np.exp((z - shift(z)) / np.exp(z - shift(z)).sum(axis=0))
    )

# ---- Forward: what is exponentiated


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


BASE = "Compute exp(1) by hand: it is 2.718."
forward("The exponential has base 2, not e", BASE)(lambda z: _softmax(z * np.log(2)))
forward("The exponential has base 10, not e", BASE)(lambda z: _softmax(z * np.log(10)))
SCALED = "The probabilities depend on the differences of the scores. Does your step before the exponential keep these?"
SCALES: tuple[Output, ...] = (
    lambda z: z.max(axis=0),
    lambda z: z.max(),
    lambda z: np.abs(z).max(axis=0),
    lambda z: np.abs(z).max(),
    lambda z: np.linalg.norm(z, axis=0),
    lambda z: np.linalg.norm(z),
    lambda z: np.abs(z).sum(axis=0),
    lambda z: z.std(axis=0),
    lambda z: z.std(),
    lambda z: np.ptp(z, axis=0),
    lambda z: np.ptp(z),
)
for scale in SCALES:
    forward("The scores are divided by a number before the exponential, not shifted", SCALED)(
        lambda z, scale=scale: _softmax(z / scale(z))
    )
for number in (2, 3, 5, 10, 100, 1000, 0.5, 0.1):
    forward("The scores are divided by a fixed number before the exponential", SCALED)(
        lambda z, number=number: _softmax(z / number)
    )
COUNTS: tuple[Output, ...] = (len, lambda z: z.shape[1], lambda z: np.sqrt(len(z)), np.size)
for size in COUNTS:
    forward("The scores are divided by the number of classes or samples", SCALED)(
        lambda z, size=size: _softmax(z / size(z))
    )
forward("The scores are normalised by row before the exponential", SCALED)(
    lambda z: _softmax((z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True))
)
POSITIVE = "Exponentiate the scores with their signs: a negative score gives a small probability."
for limit in (1, 2, 3, 1.5, 0.5):
    forward("The scores are clipped to a small range", SCALED)(
        lambda z, limit=limit: _softmax(np.clip(z, -limit, limit))
    )
forward("Negative scores are replaced by 0", POSITIVE)(lambda z: _softmax(np.maximum(z, 0)))
forward("The signs of the scores are lost", POSITIVE)(lambda z: _softmax(np.abs(z)))
forward("The scores are squared", POSITIVE)(lambda z: _softmax(z**2))


@forward(
    "The output is 1 for the largest score, and 0 elsewhere",
    "Give every class a probability above 0: divide its exponential by the sum of its column.",
)
def _hard(z: Array) -> Any:
    return (z == z.max(axis=0)).astype(float)


forward("The output is the number of the largest class", "Give every class of a sample a probability.")(
    lambda z: z.argmax(axis=0)
)
SAME = "Subtract the same number from all classes of a sample, or their probabilities change."
for output in (
    lambda z: _softmax(z - z.max(axis=1, keepdims=True)),
    lambda z: _exp(z) / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=0),
):
    forward("The largest score of each row is subtracted, not that of each column", SAME)(output)
forward("The largest score of each row is subtracted, without keepdims", SAME)(lambda z: _softmax(z - z.max(axis=1)))
NUMERATOR = "Subtract the same number in the numerator and in the denominator."
forward("The largest score is subtracted in the numerator only", NUMERATOR)(lambda z: _exp(z) / np.exp(z).sum(axis=0))
forward("The largest score is subtracted in the denominator only", NUMERATOR)(lambda z: np.exp(z) / _exp(z).sum(axis=0))

# ---- Forward: what is kept

LAYOUT = "Keep samples in columns: the output has the shape of the scores."
forward("The output is transposed", LAYOUT)(lambda z: _softmax(z).T)
LOOP = "Print self.output after each turn of the loop. Does each sample get its column?"


def _column_alone(at: int) -> Output:
    def output(z: Array) -> Any:
        alone = np.zeros(z.shape)
        alone[:, at] = _softmax(z)[:, at]
        return alone

    return output


for at in (0, -1):
    forward("Only one sample gets probabilities, the others 0", LOOP)(_column_alone(at))
    forward("Only one sample's probabilities are kept", LOOP)(lambda z, at=at: _softmax(z)[:, at])
    forward("All samples get the probabilities of one", LOOP)(
        lambda z, at=at: np.repeat(_softmax(z)[:, [at]], z.shape[1], axis=1)
    )
forward("The output is 1 minus softmax", "The largest score gets the largest probability.")(lambda z: 1 - _softmax(z))
forward("The probabilities are percentages", "The probabilities of a sample sum to 1, not to 100.")(
    lambda z: 100 * _softmax(z)
)
for digits in (1, 2, 3, 4):
    forward(
        "The probabilities are rounded", "Keep the probabilities as they are, and round only where you print them."
    )(lambda z, digits=digits: np.round(_softmax(z), digits))
for least in (0.01, 0.02, 0.05, 0.1):
    forward("The probabilities are clipped", "Keep the probabilities as they are: the loss avoids log 0 itself.")(
        lambda z, least=least: np.clip(_softmax(z), least, 1 - least)
    )


@forward_layer("self.output is missing", "Assign the result to self.output: a name without self. is lost afterwards.")
class _Forgetful(Softmax):
    def forward(self, input: Array) -> Array:
        self.input = input
        return _softmax(input)


@forward_layer(
    "The second pass of a layer keeps the output of the first", "Compute the output from the scores of this call."
)
class _FirstOutput(Softmax):
    def forward(self, input: Array) -> Array:
        self.first = getattr(self, "first", None)
        self.first = _softmax(input) if self.first is None else self.first
        self.output = self.first
        return self.output


@forward_layer("forward overwrites the scores that it is given", "Compute into a new array.")
class _Overwriting(Softmax):
    def forward(self, input: Array) -> Array:
        self.output = _softmax(input)
        if input.dtype.kind == "f":
            input[:] = self.output
        return self.output


# ---- Large scores

OWN = "Print the largest exponent of each sample, and the smallest: which number should you subtract to make it 0?"


@stable("Large scores overflow", "Print np.exp(1000). Which number can you subtract from the scores of a sample first?")
def _not_shifted(z: Array) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=0)


def _shifted(shift: Callable[..., Any]) -> Output:
    return lambda z: np.exp(z - shift(z)) / np.exp(z - shift(z)).sum(axis=0)


OF_ALL: tuple[Output, ...] = (np.max, np.min, np.mean)
for shift in OF_ALL:
    stable(
        "All samples are shifted by the same number",
        "Scores of two samples can be far apart. Then what is left of the exponentials of the lower one?",
    )(_shifted(shift))
stable("The scores are shifted by a fixed number", OWN)(_shifted(lambda z: 500))
stable("The mean of each sample's scores is subtracted, not the largest", OWN)(_shifted(lambda z: z.mean(axis=0)))
stable("The largest score is added, not subtracted", OWN)(_shifted(lambda z: -z.max(axis=0)))
stable("The smallest score of each sample is subtracted, not the largest", OWN)(_shifted(lambda z: z.min(axis=0)))
stable("The median of each sample's scores is subtracted, not the largest", OWN)(
    _shifted(lambda z: np.median(z, axis=0))
)
stable("The largest absolute value of each sample is subtracted, not its largest score", OWN)(
    _shifted(lambda z: np.abs(z).max(axis=0))
)
stable("The norm of each sample's scores is subtracted, not the largest", OWN)(
    _shifted(lambda z: np.linalg.norm(z, axis=0))
)
stable("The sum of each sample's scores is subtracted, not the largest", OWN)(_shifted(lambda z: z.sum(axis=0)))
for at in (0, 1, 2, -1):
    stable("The score of one class is subtracted, not the largest", OWN)(_shifted(lambda z, at=at: z[at]))
stable("A part of each sample's largest score is subtracted", OWN)(_shifted(lambda z: z.max(axis=0) / 2))
stable("The middle between each sample's largest and smallest score is subtracted", OWN)(
    _shifted(lambda z: (z.max(axis=0) + z.min(axis=0)) / 2)
)
CLIPPED = "Clipping changes the differences between scores. A shift keeps them."
for limit in (20, 30, 50, 88, 100, 200, 300, 500, 600, 700, 709):
    stable("Large scores are clipped", CLIPPED)(lambda z, limit=limit: _not_shifted(np.clip(z, -limit, limit)))
    stable("Large scores are clipped", CLIPPED)(lambda z, limit=limit: _not_shifted(np.minimum(z, limit)))


@stable("nan is replaced by 0", "Prevent the overflow: nan has lost what the scores were.")
def _nan_to_num(z: Array) -> Any:
    return np.nan_to_num(np.exp(z) / np.exp(z).sum(axis=0))


# ---- Backward: the Jacobian


def _jacobians(a: Array) -> Array:
    """Give each sample's Jacobian, (classes, classes, batch)."""
    return np.asarray(np.eye(len(a))[:, :, None] * a - a[:, None] * a)


def _product(a: Array, g: Array) -> Any:
    """Give the right product, with any array in the place of the probabilities."""
    return a * (g - (a * g).sum(axis=0))


def _contracted(pattern: str) -> Callable[[Softmax, Array], Any]:
    return lambda layer, g: np.einsum(pattern, _jacobians(layer.output), g)


def _with_jacobian(jacobian: Callable[[Array], Any]) -> Callable[[Softmax, Array], Any]:
    """Multiply by a wrong (classes, classes, batch), made of the output."""
    return lambda layer, g: np.einsum("kmi,mi->ki", jacobian(layer.output), g)


BESIDE = "A score changes all probabilities of its sample. Write down the Jacobian of two classes, all four entries."
ENTRIES = "Write down the Jacobian of two classes by the two cases of Step 7, and compare it with yours."
PROBABILITIES = "The a in the Jacobian are the layer's probabilities. Which attribute holds them?"
MULTIPLY = "Multiply the incoming gradient by the Jacobian of softmax."


@backward("Only the diagonal of the Jacobian is used", BESIDE)
def _diagonal(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * (1 - a) * g


backward("The Jacobian is computed from the layer's input, not from its output", PROBABILITIES)(
    lambda layer, g: _product(layer.input, g)
)
backward("Only the diagonal is used, and it is computed from the layer's input", PROBABILITIES)(
    lambda layer, g: layer.input * (1 - layer.input) * g
)
for result in (
    lambda layer, g: layer.output * (1 - layer.input) * g,
    lambda layer, g: layer.input * (1 - layer.output) * g,
    lambda layer, g: layer.output * (g - (layer.input * g).sum(axis=0)),
    lambda layer, g: layer.output * g - layer.input * (layer.output * g).sum(axis=0),
    lambda layer, g: np.einsum(
        "kmi,mi->ki",
        np.where(
            np.eye(len(g))[:, :, None] == 1,
            layer.output * (1 - layer.input),
            -layer.output[:, None] * layer.output,
        ),
        g,
    ),
):
    backward("One factor is the layer's input, the other its output", PROBABILITIES)(result)
backward("Softmax is applied to the output again", PROBABILITIES)(lambda layer, g: _product(_softmax(layer.output), g))
backward("Softmax is applied to the output again, and only the diagonal is used", PROBABILITIES)(
    lambda layer, g: _softmax(layer.output) * (1 - _softmax(layer.output)) * g
)
for result in (
    lambda layer, g: _product(_softmax(g), g),
    lambda layer, g: _softmax(g) * (1 - _softmax(g)) * g,
    lambda layer, g: _softmax(g) * (1 - _softmax(g)),
    lambda layer, g: _softmax(g),
    lambda layer, g: _product(_softmax(g), layer.output),
):
    backward("Softmax is applied to the incoming gradient", PROBABILITIES)(result)
backward("The Jacobian is computed from the incoming gradient", PROBABILITIES)(lambda layer, g: g * (1 - g))
backward("The output and the incoming gradient are swapped", PROBABILITIES)(lambda layer, g: _product(g, layer.output))
backward("The output and the incoming gradient are swapped, and only the diagonal is used", PROBABILITIES)(
    lambda layer, g: g * (1 - g) * layer.output
)


@backward("backward returns the incoming gradient unchanged", MULTIPLY)
def _unchanged(layer: Softmax, g: Array) -> Any:
    return g


@backward(
    "The off-diagonal entries of the Jacobian have the wrong sign",
    "When one probability grows, the others get smaller: which sign have the off-diagonal entries?",
)
def _plus_beside(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return np.einsum("ijk,jk->ik", _jacobians(a) * (2 * np.eye(len(a)) - 1)[:, :, None], g)


@backward(
    "The products are added to the output on the diagonal, not subtracted",
    "Which sign do the products of Step 7 have?",
)
def _plus_products(layer: Softmax, g: Array) -> Any:
    return layer.output * (g + (layer.output * g).sum(axis=0))


for jacobian in (
    lambda a: np.eye(len(a))[:, :, None] * a - a[None] + 0 * a[:, None],
    lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a * (1 - a), -a[:, None] + 0 * a),
    lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a * (1 - a), -a[None] + 0 * a[:, None]),
):
    backward("One factor is missing beside the diagonal of the Jacobian", ENTRIES)(_with_jacobian(jacobian))
backward("Every entry beside the diagonal is -1", ENTRIES)(
    _with_jacobian(lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a * (1 - a), -1.0))
)
for jacobian in (
    lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a * (1 - a), -(a[:, None] ** 2) + 0 * a),
    lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a * (1 - a), -(a[None] ** 2) + 0 * a[:, None]),
):
    backward("Beside the diagonal of the Jacobian stands a square, not a product of two outputs", ENTRIES)(
        _with_jacobian(jacobian)
    )
backward("Every entry beside the diagonal is computed with 1 - a", ENTRIES)(
    _with_jacobian(lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a * (1 - a), -a[:, None] * (1 - a)))
)
backward("The square is missing on the diagonal of the Jacobian", ENTRIES)(
    _with_jacobian(lambda a: np.where(np.eye(len(a))[:, :, None] == 1, a, -a[:, None] * a))
)
backward("The diagonal of the Jacobian is 1 - a", ENTRIES)(
    _with_jacobian(lambda a: np.where(np.eye(len(a))[:, :, None] == 1, 1 - a, -a[:, None] * a))
)
backward("The diagonal of the Jacobian is 0", ENTRIES)(
    _with_jacobian(lambda a: np.where(np.eye(len(a))[:, :, None] == 1, 0.0, -a[:, None] * a))
)


@backward("The Jacobian has the output on its diagonal and 0 elsewhere", ENTRIES)
def _output_times(layer: Softmax, g: Array) -> Any:
    return layer.output * g


@backward("The Jacobian has only the products -a_k a_m, on the diagonal too", ENTRIES)
def _products_alone(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return -a * (a * g).sum(axis=0)


@backward("The Jacobian's diagonal is 1 minus a product, not the output minus a product", ENTRIES)
def _identity(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return g - a * (a * g).sum(axis=0)


@backward("Every entry of the Jacobian is computed like a diagonal entry", ENTRIES)
def _diagonal_everywhere(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * ((1 - a) * g).sum(axis=0)


backward("Every entry of the Jacobian is computed like a diagonal entry", ENTRIES)(
    lambda layer, g: (1 - layer.output) * (layer.output * g).sum(axis=0)
)


@backward(
    "The incoming gradient is summed without the probabilities as weights",
    "Write out the product for two classes: by what is each entry of the gradient multiplied?",
)
def _unweighted(layer: Softmax, g: Array) -> Any:
    return layer.output * (g - g.sum(axis=0))


backward(
    "The mean of the incoming gradient is subtracted, without weights",
    "Write out the product for two classes: by what is each entry of the gradient multiplied?",
)(lambda layer, g: layer.output * (g - g.mean(axis=0)))
backward("The output is missing as a factor", ENTRIES)(lambda layer, g: g - (layer.output * g).sum(axis=0))
for result in (
    lambda layer, g: (1 - layer.output) * g,
    lambda layer, g: layer.output * layer.output * g,
    lambda layer, g: (1 - layer.output**2) * g,
):
    backward("The derivative is that of another function, entry by entry", BESIDE)(result)
for result in (
    lambda layer, g: np.exp(layer.input) * g,
    lambda layer, g: g / layer.output,
):
    backward("The derivative is that of exp or log", BESIDE)(result)

# ---- Backward: which indices

INDEX = (
    "Sum over the index that the Jacobian shares with the gradient. Keep the other class index and the sample's index."
)
KEEP = "Keep the sample's index on the right of the arrow: each sample has its own gradient."
EACH = "Run backward on one sample at a time, then on two together. Each sample has its own Jacobian."


@backward("The result is 0 everywhere, as if the sum ran over the wrong axis of the Jacobian", INDEX)
def _wrong_pair(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,ik->ik", _jacobians(layer.output), g)


@backward(
    "The sum keeps the wrong axis of the Jacobian, and the result is 0",
    INDEX,
    same_as=("The result is 0 everywhere, as if the sum ran over the wrong axis of the Jacobian",),
)
def _wrong_pair_left(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->jk", _jacobians(layer.output), g)


# Below those whose result is 0: for scores below 0, this one's is, too.
backward("The derivative is that of ReLU", BESIDE)(lambda layer, g: g * (layer.input > 0))
backward("The sum runs over the samples too: the result is one column", KEEP)(_contracted("ijk,jk->i"))


@backward("The sum runs over the samples too, and every sample gets the same column", KEEP)
def _without_samples_broadcast(layer: Softmax, g: Array) -> Any:
    return np.einsum("ijk,jk->i", _jacobians(layer.output), g)[:, None] + np.zeros_like(g)


backward(
    "The sum runs over both class axes of the Jacobian",
    "Keep one class index on the right of the arrow: the result has a row for each class.",
)(_contracted("ijk,jk->k"))
backward("The sum runs over everything: the result is one number", KEEP)(_contracted("ijk,jk->"))
backward("The gradients of all samples are added before the product", KEEP)(_contracted("ijk,jl->ik"))
backward("The samples are summed, and two class axes are left", INDEX)(_contracted("ijk,jk->ij"))
backward("The result is transposed", "Put the indices on the right of the arrow in the order of the gradient's axes.")(
    _contracted("ijk,jk->ki")
)
backward(
    "The Jacobian is multiplied entry by entry, and nothing is summed",
    "Sum over the index that the Jacobian shares with the gradient: a matrix times a vector is a sum.",
)(lambda layer, g: _jacobians(layer.output) * g)
for result in (
    lambda layer, g: _jacobians(layer.output),
    lambda layer, g: np.moveaxis(_jacobians(layer.output), -1, 0),
):
    backward("The Jacobian is returned, not its product with the gradient", MULTIPLY)(result)


@backward("All samples use one Jacobian, averaged over the batch", EACH)
def _averaged(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output).mean(axis=2) @ g


@backward("All samples use one Jacobian, summed over the batch", EACH)
def _summed(layer: Softmax, g: Array) -> Any:
    return _jacobians(layer.output).sum(axis=2) @ g


for at in (0, -1):
    backward(
        "All samples use the first sample's Jacobian" if at == 0 else "All samples use the last sample's Jacobian", EACH
    )(lambda layer, g, at=at: _jacobians(layer.output)[:, :, at] @ g)
for result in (
    lambda layer, g: _product(layer.output.mean(axis=1, keepdims=True) + 0 * g, g),
    lambda layer, g: layer.output.mean(axis=1, keepdims=True) * (1 - layer.output.mean(axis=1, keepdims=True)) * g,
):
    backward("The Jacobian is that of the mean probabilities of the batch", EACH)(result)
backward("The probabilities are computed anew, and all samples together sum to 1", EACH)(
    lambda layer, g: _product(np.exp(layer.input) / np.exp(layer.input).sum(), g)
)
backward("The gradients of all samples are averaged before the product", EACH)(
    lambda layer, g: _product(layer.output, g.mean(axis=1, keepdims=True))
)
backward("The Jacobian has as many rows and columns as the batch has samples", EACH)(
    lambda layer, g: np.einsum(
        "ijk,jk->ik",
        np.eye(g.shape[1])[:, :, None] * layer.output - layer.output[:, None] * layer.output,
        g,
    )
)
backward("The derivative is that of the logarithm of softmax", ENTRIES)(
    lambda layer, g: g - layer.output * g.sum(axis=0)
)
backward("The products of all samples are added to one Jacobian", EACH)(
    lambda layer, g: (np.diag(layer.output.mean(axis=1)) - layer.output @ layer.output.T) @ g
)


@backward(
    "The sum runs over the samples instead of the classes",
    "Print the shape of the sum: there is one number for each sample.",
)
def _over_samples(layer: Softmax, g: Array) -> Any:
    a = layer.output
    return a * (g - (a * g).sum(axis=1, keepdims=True))


backward(
    "The sum runs over the classes and the samples", "Print the shape of the sum: there is one number for each sample."
)(lambda layer, g: layer.output * (g - (layer.output * g).sum()))


def _kept_alone(at: int) -> Callable[[Softmax, Array], Any]:
    def result(layer: Softmax, g: Array) -> Any:
        alone = np.zeros(g.shape)
        alone[:, at] = _product(layer.output, g)[:, at]
        return alone

    return result


for at in (0, -1):
    backward("Only one sample gets a gradient, the others 0", LOOP)(_kept_alone(at))
    backward("Only one sample's gradient is returned", LOOP)(lambda layer, g, at=at: _product(layer.output, g)[:, at])
    backward(
        "The terms of a sum replace each other: = stands for +=",
        "Print the result after each turn of the loop. Does it add up?",
    )(lambda layer, g, at=at: _jacobians(layer.output)[:, at] * g[at])

# ---- Backward: what the gradient is multiplied by


@backward("The incoming gradient is ignored", MULTIPLY)
def _without_gradient(layer: Softmax, g: Array) -> Any:
    return layer.output * (1 - layer.output)


backward(
    "The Jacobian's rows are summed: the incoming gradient is ignored, and the result is 0",
    MULTIPLY,
    same_as=(
        "The result is 0 everywhere, as if the sum ran over the wrong axis of the Jacobian",
        "The sum keeps the wrong axis of the Jacobian, and the result is 0",
    ),
)(lambda layer, g: _jacobians(layer.output).sum(axis=1))
backward("backward returns the output", MULTIPLY)(lambda layer, g: layer.output)


@backward("The result has the wrong sign", "Change the sign: cce_gradient already contains the minus sign of the loss.")
def _turned_back(layer: Softmax, g: Array) -> Any:
    return -_product(layer.output, g)


@backward("The result is divided by the batch size", "Leave out the division: the training loop multiplies by 1/B.")
def _over_batch(layer: Softmax, g: Array) -> Any:
    return _product(layer.output, g) / g.shape[1]


backward("The result is divided by the number of classes", "Leave out the division: nothing is averaged here.")(
    lambda layer, g: _product(layer.output, g) / len(g)
)
for rate in (0.5, 0.1, 0.01, 0.001):
    backward("The result is multiplied by a learning rate", "Softmax has no weights to update: leave out the rate.")(
        lambda layer, g, rate=rate: rate * _product(layer.output, g)
    )
LABEL = "Multiply the incoming gradient by the Jacobian. There is no label to subtract here."
for result in (
    lambda layer, g: layer.output - g,
    lambda layer, g: (layer.output - g) / g.shape[1],
    lambda layer, g: (layer.output - g) * layer.output * (1 - layer.output),
    lambda layer, g: _product(layer.output, layer.output - g),
):
    backward("The incoming gradient is subtracted from the output", LABEL)(result)
for result in (lambda layer, g: g - layer.output, lambda layer, g: (g - layer.output) / g.shape[1]):
    backward("The output is subtracted from the incoming gradient", LABEL)(result)
LIMIT = "Return the gradient as it is: its size matters."
for limit in (1, 5, 10):
    backward("The result is clipped", LIMIT)(
        lambda layer, g, limit=limit: np.clip(_product(layer.output, g), -limit, limit)
    )
    backward("The incoming gradient is clipped", LIMIT)(
        lambda layer, g, limit=limit: _product(layer.output, np.clip(g, -limit, limit))
    )
for axis in (None, 0):
    backward("The result is divided by its norm", LIMIT)(
        lambda layer, g, axis=axis: _product(layer.output, g) / np.linalg.norm(_product(layer.output, g), axis=axis)
    )
for digits in (0, 1, 2):
    backward("The result is rounded", "Return the gradient as it is, and round only where you print it.")(
        lambda layer, g, digits=digits: np.round(_product(layer.output, g), digits)
    )
backward("The result of backward is missing", "Look for a path through backward that ends without return.")(
    lambda layer, g: None
)


def _overwriting(layer: Softmax, g: Array) -> Any:
    result = _product(layer.output, g)
    g[:] = result
    return result


def _first_jacobian(layer: Any, g: Array) -> Any:
    layer.first = getattr(layer, "first", layer.output)
    return (
        _product(layer.first, g) if layer.first.shape == g.shape else _product(layer.first[: len(g), : g.shape[1]], g)
    )


backward("backward overwrites the gradient that it is given", "Compute into a new array.")(_overwriting)


def _single(layer: Softmax, g: Array) -> Any:
    column = layer.output.reshape(-1, 1)
    return np.dot(np.diagflat(column) - column @ column.T, g)


def _diagonal_of_matrix(layer: Softmax, g: Array) -> Any:
    return (np.diag(layer.output) - np.outer(layer.output, layer.output)) @ g


def _two_axes(layer: Softmax, g: Array) -> Any:
    T = layer.output * (1 - layer.output)
    return np.einsum("kmi,mi->ki", T, g)


def _without_self(layer: Softmax, g: Array) -> Any:
    raise NameError("name 'output' is not defined")


def _called(layer: Any, g: Array) -> Any:
    return layer.output(1 - layer.output) * g


_two_axes.__code__ = _two_axes.__code__.replace(co_name="backward")  # the frame in which the check looks for T
for result in (_single, _diagonal_of_matrix):
    backward(
        "The code makes one matrix of all samples together",
        "Run it on one sample, then on two. Which axis of each array counts the samples?",
    )(result)
backward("T has the wrong shape", "Print T.shape for one sample and for two. Which axis of T counts the samples?")(
    _two_axes
)
backward("A name of the layer is used without self. before it", "Write self. before input, output and weights.")(
    _without_self
)
backward(
    "An array is called like a function",
    "Look for parentheses right behind an array: a product needs a * between its factors.",
)(_called)

SHAPED = (
    "Only the diagonal of the Jacobian is used",
    "The off-diagonal entries of the Jacobian have the wrong sign",
    "The Jacobian has the output on its diagonal and 0 elsewhere",
    "The Jacobian has only the products -a_k a_m, on the diagonal too",
    "Every entry of the Jacobian is computed like a diagonal entry",
    "The incoming gradient is summed without the probabilities as weights",
    "The sum runs over the samples instead of the classes",
    "The sum runs over the classes and the samples",
    "The incoming gradient is ignored",
    "One factor is missing beside the diagonal of the Jacobian",
    "The Jacobian is computed from the layer's input, not from its output",
    "backward returns the incoming gradient unchanged",
)


def _scale(factor: Callable[[Array], float]) -> Callable[[Any], type[Softmax]]:
    """Make a layer whose backward gives that of another one, times a factor that depends on the gradient's shape."""

    def change(layer: Any) -> type[Softmax]:
        return _with_backward(lambda made, g: factor(g) * layer.backward(made, g))

    return change


backward.combine("1/B is applied", _scale(lambda g: 1 / g.shape[1]), (*SHAPED, "The result has the wrong sign"))
backward.combine(
    "a sign is wrong", _scale(lambda g: -1), tuple(name for name in SHAPED if "only the products" not in name)
)

MISTAKES = (*forward.mistakes, *stable.mistakes, *backward.mistakes)
