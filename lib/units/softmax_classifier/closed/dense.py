"""Mistakes in the dense layer's backward, most of them in the two factors of `np.dot(?, ?)`.

Several run without an error only where features + 1, classes and batch are equal. One that people write in several ways
stands here several times, under one name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import Dense
from lib.reference.layer import FloatArray as Array


def _with_backward(backward: Callable[[Dense, Array, float], Any]) -> type[Dense]:
    """Make a layer with a wrong backward: it gets the layer, the incoming gradient g and the learning rate."""

    class Layer(Dense):
        def backward(self, output_gradient: Array, learning_rate: float) -> Any:
            return backward(self, output_gradient, learning_rate)

    return Layer


def _with_weights_gradient(weights_gradient: Callable[[Dense, Array], Any]) -> type[Dense]:
    """Make a layer that is right except for its weights' gradient."""

    def backward(layer: Dense, g: Array, rate: float) -> Array:
        input_gradient = np.asarray(layer.weights[:, :-1].T @ g)
        layer.weights = layer.weights - rate * weights_gradient(layer, g)
        return input_gradient

    return _with_backward(backward)


def _with_input_gradient(input_gradient: Callable[[Dense, Array], Any]) -> type[Dense]:
    """Make a layer that is right except for the gradient that it returns."""

    def backward(layer: Dense, g: Array, rate: float) -> Any:
        returned = input_gradient(layer, g)
        layer.weights = layer.weights - rate * g @ layer.input.T
        return returned

    return _with_backward(backward)


PART = "check-dense-backward"
backward = MistakeCatalog(
    PART,
    "Dense",
    _with_backward,
    teach="Repeat what an update is: the old weights minus the learning rate times their gradient, with the bias"
    " column. The returned gradient uses the weights from before the update.",
)
weights = MistakeCatalog(
    PART,
    "Dense",
    _with_weights_gradient,
    backward.mistakes,
    "Write the shapes side by side at the board: a gradient of (outputs, batch) and an input of (features + 1, batch)"
    " must give the shape of the weights, summed over the samples.",
)
returned = MistakeCatalog(
    PART,
    "Dense",
    _with_input_gradient,
    backward.mistakes,
    "Ask what the layer below needs: the slope of the loss for each of its outputs. It has no output for the bias.",
)

SHAPES = "Write the shapes of both factors side by side: their product must have the shape of the weights."


@weights("The product is the transpose of the weights' gradient", SHAPES)
def _transposed(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input, g.T)


@weights("Neither factor of the product is transposed", SHAPES)
def _not_transposed(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.input)


@weights("Neither factor is transposed, and the two are swapped", SHAPES)
def _not_transposed_exchanged(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input, g)


@weights("The wrong factor of the product is transposed", SHAPES)
def _gradient_transposed(layer: Dense, g: Array) -> Any:
    return np.dot(g.T, layer.input)


@weights("The factors are swapped, and the wrong one is transposed", SHAPES)
def _input_first(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input.T, g)


@weights("Both factors of the product are transposed", SHAPES)
def _both_transposed(layer: Dense, g: Array) -> Any:
    return np.dot(g.T, layer.input.T)


@weights("Both factors are transposed, and the two are swapped", SHAPES)
def _both_transposed_exchanged(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input.T, g.T)


@weights("The factors are multiplied entry by entry", "Use a matrix product: it also sums over the samples.")
def _entry_by_entry(layer: Dense, g: Array) -> Any:
    return g * layer.input


for scale in (lambda g: 1, lambda g: g.shape[1]):
    weights(
        "The layer's output is used in place of the incoming gradient",
        "Use the gradient that backward is given: it says how the loss changes with the scores.",
    )(lambda layer, g, scale=scale: np.dot(layer.output, layer.input.T) / scale(g))


@weights(
    "The weights are used in place of the input",
    "Use the input: a weight's effect on the score is the input that it is multiplied by.",
)
def _of_the_weights(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.weights)


def _gradient(layer: Dense, g: Array) -> Array:
    """Give the right gradient of the weights."""
    return np.asarray(g @ layer.input.T)


MEAN = "Leave out the division: the gradient that backward is given already contains 1/B."
for size in (lambda layer, g: g.shape[1], lambda layer, g: 2 * g.shape[1]):
    weights("The step is divided by the batch size", MEAN)(
        lambda layer, g, size=size: _gradient(layer, g) / size(layer, g)
    )
weights("The step is divided by the number of classes", MEAN)(lambda layer, g: _gradient(layer, g) / len(g))
weights("The step is divided by the number of features", MEAN)(lambda layer, g: _gradient(layer, g) / len(layer.input))
weights("The step is divided by the number of features", MEAN)(
    lambda layer, g: _gradient(layer, g) / (len(layer.input) - 1)
)
weights("The step is multiplied by the batch size", "The product sums over the samples. The gradient contains 1/B.")(
    lambda layer, g: _gradient(layer, g) * g.shape[1]
)
weights("The step is twice as long", "The loss of this notebook has no square: no factor 2 comes from it.")(
    lambda layer, g: 2 * _gradient(layer, g)
)

BIAS = "The bias is a weight whose input is always 1. Work out its gradient by hand, for two samples."


@weights("The bias never changes", BIAS)
def _without_bias(layer: Dense, g: Array) -> Any:
    gradient = _gradient(layer, g)
    gradient[:, -1] = 0
    return gradient


@backward("The bias is left out of the update", BIAS, same_as=("The bias never changes",))
def _update_without_bias(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights[:, :-1] -= rate * np.dot(g, layer.input[:-1].T)
    return input_gradient


def _with_bias(bias: Callable[..., Any]) -> Callable[[Dense, Array], Any]:
    """Give the right gradient with a wrong column for the bias."""

    def gradient(layer: Dense, g: Array) -> Any:
        right = _gradient(layer, g)
        right[:, -1] = bias(layer, g)
        return right

    return gradient


weights("The bias changes by the mean over the samples, the weights by the sum", BIAS)(
    _with_bias(lambda layer, g: g.mean(axis=1))
)
for bias in (lambda layer, g: g.sum(), lambda layer, g: g.mean(), lambda layer, g: g.sum() / g.shape[1]):
    weights(
        "The bias of every class changes by the same number, a sum over all classes",
        "Print the shape of the bias gradient: it has a number for each class.",
    )(_with_bias(bias))
for at in (0, -1):
    weights("The bias changes by the gradient of one sample", BIAS)(_with_bias(lambda layer, g, at=at: g[:, at]))
weights("The bias moves in the direction of the gradient, the weights against it", BIAS)(
    _with_bias(lambda layer, g: -g.sum(axis=1))
)
weights("The bias changes by 1, whatever the gradient", BIAS)(_with_bias(lambda layer, g: 1))
weights("The bias comes first, the weights after it", "Print dlayer.input: which row holds the ones?")(
    lambda layer, g: np.roll(_gradient(layer, g), 1, axis=1)
)
weights("Only the bias changes", "Print the weights before and after a step. Which columns have changed?")(
    lambda layer, g: np.hstack([np.zeros((len(g), len(layer.input) - 1)), g.sum(axis=1, keepdims=True)])
)


@backward("The bias changes without the learning rate", BIAS)
def _bias_without_rate(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    step = rate * _gradient(layer, g)
    step[:, -1] = g.sum(axis=1)
    layer.weights = layer.weights - step
    return input_gradient


SAMPLES = "Take two samples, and add the products of each by hand. Does your code give their sum?"
for at in (0, -1):
    weights("Only one sample of the batch counts", SAMPLES)(
        lambda layer, g, at=at: np.outer(g[:, at], layer.input[:, at])
    )
for result in (
    lambda layer, g: np.outer(g.mean(axis=1), layer.input.mean(axis=1)),
    lambda layer, g: np.outer(g.sum(axis=1), layer.input.mean(axis=1)),
    lambda layer, g: np.outer(g.mean(axis=1), layer.input.sum(axis=1)),
    lambda layer, g: np.outer(g.sum(axis=1), layer.input.sum(axis=1)),
):
    weights("The samples are added or averaged before the product, not after it", SAMPLES)(result)
for result in (
    lambda layer, g: g.sum(axis=1, keepdims=True) + 0 * layer.weights,
    lambda layer, g: g.mean(axis=1, keepdims=True) + 0 * layer.weights,
):
    weights("The input is missing: every weight of a class changes alike", SHAPES)(result)
for number in (lambda layer, g: _gradient(layer, g).sum(), lambda layer, g: _gradient(layer, g).mean()):
    weights("All weights change by the same number", "Each weight has its own gradient: leave out the sum.")(number)
weights("The gradient is not multiplied by the input, only by the weights", SHAPES)(
    lambda layer, g: g.sum(axis=1, keepdims=True) * layer.weights
)

weights("The row of ones is left out of the product", BIAS)(lambda layer, g: g @ layer.input[:-1].T)
weights("The layer's output is used in place of its input", SHAPES)(lambda layer, g: g @ layer.output.T)

# ---- The update


def _with_update(update: Callable[..., Any]) -> Callable[[Dense, Array, float], Any]:
    """Make a backward that is right except for the new weights: `update` gets the layer, their gradient, the rate."""

    def backward(layer: Dense, g: Array, rate: float) -> Any:
        input_gradient = layer.weights[:, :-1].T @ g
        layer.weights = update(layer, _gradient(layer, g), rate)
        return input_gradient

    return backward


DOWN = "The gradient points to where the loss grows. Which way should the weights move?"
backward("The weights move in the direction of the gradient, not against it", DOWN)(
    _with_update(lambda layer, gradient, rate: layer.weights + rate * gradient)
)
backward("The learning rate is missing", "Multiply the gradient by learning_rate before you subtract it.")(
    _with_update(lambda layer, gradient, rate: layer.weights - gradient)
)
for fixed in (0.01, 0.001, 0.0001, 0.1, 0.05):
    backward(
        f"The learning rate is always {fixed:g}", "Use the learning_rate that backward is given, not a fixed number."
    )(_with_update(lambda layer, gradient, rate, fixed=fixed: layer.weights - fixed * gradient))
backward("The learning rate is applied twice", "Multiply by the learning rate once.")(
    _with_update(lambda layer, gradient, rate: layer.weights - rate**2 * gradient)
)
backward(
    "The gradient is divided by the learning rate", "Multiply by the learning rate: a small rate makes a short step."
)(_with_update(lambda layer, gradient, rate: layer.weights - gradient / rate))
backward("The weights are replaced by the step", "Subtract the step from the weights that the layer has.")(
    _with_update(lambda layer, gradient, rate: -rate * gradient)
)
backward("The weights are replaced by the gradient", "Subtract the step from the weights that the layer has.")(
    _with_update(lambda layer, gradient, rate: gradient)
)
backward("The weights are multiplied by the step", "Subtract the step from the weights.")(
    _with_update(lambda layer, gradient, rate: layer.weights * rate * gradient)
)
backward("The weights never change", "Assign the new weights to self.weights.")(
    _with_update(lambda layer, gradient, rate: layer.weights)
)


@backward(
    "The weights are updated before the input's gradient is computed",
    "Compute the input's gradient first: it uses the weights from before the update.",
)
def _updated_first(layer: Dense, g: Array, rate: float) -> Any:
    layer.weights = layer.weights - rate * np.dot(g, layer.input.T)
    return layer.weights[:, :-1].T @ g


DECAY = "Subtract the step alone: this network has no weight decay."
for strength in (0.1, 0.01, 0.001, 0.0001, 1.0):
    backward("The weights decay", DECAY)(
        _with_update(
            lambda layer, gradient, rate, strength=strength: (
                layer.weights - rate * (gradient + strength * layer.weights)
            )
        )
    )
    if strength < 1:
        backward("The weights decay", DECAY)(
            _with_update(
                lambda layer, gradient, rate, strength=strength: (1 - strength) * layer.weights - rate * gradient
            )
        )
SIZE = "Use the gradient as it is: its size matters."
for limit in (1, 0.1, 0.5, 5, 10):
    backward("The weights' gradient is clipped", SIZE)(
        _with_update(lambda layer, gradient, rate, limit=limit: layer.weights - rate * np.clip(gradient, -limit, limit))
    )
    backward("The weights' gradient is clipped", SIZE)(
        _with_update(
            lambda layer, gradient, rate, limit=limit: (
                layer.weights - rate * gradient * min(1, limit / np.linalg.norm(gradient))
            )
        )
    )
for norm in (np.linalg.norm, np.max, lambda gradient: np.abs(gradient).max()):
    backward("The weights' gradient is divided by its norm", SIZE)(
        _with_update(lambda layer, gradient, rate, norm=norm: layer.weights - rate * gradient / norm(gradient))
    )
backward("Only the sign of the gradient counts", SIZE)(
    _with_update(lambda layer, gradient, rate: layer.weights - rate * np.sign(gradient))
)
for digits in (0, 1, 2):
    backward("The weights are rounded", "Keep the weights as they are, and round only where you print them.")(
        _with_update(lambda layer, gradient, rate, digits=digits: np.round(layer.weights - rate * gradient, digits))
    )
OWN_STEP = "Compute each step from this call's gradient alone, and compare two steps of one layer."


def _remember(layer: Any, gradient: Array, share: float, own: float = 1.0) -> Array:
    layer.earlier = share * getattr(layer, "earlier", 0) + own * gradient
    return np.asarray(layer.earlier)


for share in (0.9, 0.5, 0.99):
    backward("Earlier steps count too: there is momentum", OWN_STEP)(
        _with_update(
            lambda layer, gradient, rate, share=share: layer.weights - rate * _remember(layer, gradient, share)
        )
    )
backward("The gradients of all steps pile up", OWN_STEP)(
    _with_update(lambda layer, gradient, rate: layer.weights - rate * _remember(layer, gradient, 1))
)


def _first_only(layer: Any, gradient: Array, rate: float) -> Any:
    layer.steps = getattr(layer, "steps", 0) + 1
    return layer.weights - rate * gradient * (layer.steps == 1)


backward("The layer learns only once", OWN_STEP)(_with_update(_first_only))


def _decaying(decay: Callable[[int], float]) -> Callable[[Any, Array, float], Any]:
    def update(layer: Any, gradient: Array, rate: float) -> Any:
        layer.steps = getattr(layer, "steps", 0) + 1
        return layer.weights - rate * decay(layer.steps) * gradient

    return update


for decay in (lambda n: 1 / n, lambda n: 0.5 ** (n - 1), lambda n: 0.9 ** (n - 1), lambda n: 0.99 ** (n - 1)):
    backward(
        "The learning rate gets smaller from step to step", "Use the learning_rate that backward is given in each step."
    )(_with_update(_decaying(decay)))


def _overwriting(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights - rate * _gradient(layer, g)
    g *= rate
    return input_gradient


backward("backward overwrites the gradient that it is given", "Compute into a new array.")(_overwriting)

# ---- What is returned

LOWER = "The layer below needs the slope for each of its outputs: print the shape, (features, batch)."


@returned(
    "The returned gradient has a row for the bias", "How many outputs has the layer below? It has none for the bias."
)
def _with_bias_row(layer: Dense, g: Array) -> Any:
    return layer.weights.T @ g


@returned("The first feature is left out instead of the bias", "Which column of the weights is the bias?")
def _without_first(layer: Dense, g: Array) -> Any:
    return layer.weights[:, 1:].T @ g


@returned("The returned gradient is transposed", "Return the gradient with samples in columns: (features, batch).")
def _returned_transposed(layer: Dense, g: Array) -> Any:
    return g.T @ layer.weights[:, :-1]


returned("The returned gradient is transposed, and has a column for the bias", LOWER)(
    lambda layer, g: g.T @ layer.weights
)
returned("The weights' gradient is returned", LOWER)(_gradient)


@returned(
    "The incoming gradient is returned", "Multiply it by the weights: backward returns the gradient of the input."
)
def _unchanged(layer: Dense, g: Array) -> Any:
    return g


FACTOR = "Take one sample: how does its loss change with one feature? No other number comes in."
returned("The returned gradient is divided by the batch size", FACTOR)(
    lambda layer, g: layer.weights[:, :-1].T @ g / g.shape[1]
)
returned("The returned gradient has the wrong sign", FACTOR)(lambda layer, g: -layer.weights[:, :-1].T @ g)
returned("The returned gradient is multiplied by the input", FACTOR)(
    lambda layer, g: layer.weights[:, :-1].T @ g * layer.input[:-1]
)
returned("The weights are returned", LOWER)(lambda layer, g: layer.weights)
returned("The input is returned", LOWER)(lambda layer, g: layer.input)
returned("The output is returned", LOWER)(lambda layer, g: layer.output)
returned("The returned gradient is 0", LOWER)(lambda layer, g: np.zeros((len(layer.input) - 1, g.shape[1])))
returned("The returned gradient is summed over the samples", LOWER)(
    lambda layer, g: (layer.weights[:, :-1].T @ g).sum(axis=1, keepdims=True)
)
returned("The result of backward is missing", "Look for a path through backward that ends without return.")(
    lambda layer, g: None
)


@backward("The returned gradient is multiplied by the learning rate", FACTOR)
def _returned_with_rate(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = rate * layer.weights[:, :-1].T @ g
    layer.weights = layer.weights - rate * _gradient(layer, g)
    return input_gradient


for product in (np.dot, np.matmul):

    def _from_the_left(layer: Dense, g: Array, rate: float, product: Callable[..., Any] = product) -> Any:
        input_gradient = product(g, layer.weights[:, :-1])
        layer.weights = layer.weights - rate * _gradient(layer, g)
        return input_gradient

    def _from_the_left_later(layer: Dense, g: Array, rate: float, product: Callable[..., Any] = product) -> Any:
        layer.weights = layer.weights - rate * _gradient(layer, g)
        return product(g, layer.weights[:, :-1])

    for code in (_from_the_left, _from_the_left_later):
        backward("The factors of the returned gradient stand in the wrong order", LOWER)(code)


def _without_self(layer: Dense, g: Array, rate: float) -> Any:
    raise NameError("name 'weights' is not defined")


backward("A name of the layer is used without self. before it", "Write self. before input, output and weights.")(
    _without_self
)


def _also_divided(layer: Any) -> type[Dense]:
    def backward(made: Dense, g: Array, rate: float) -> Any:
        before = made.weights.copy()
        result = layer.backward(made, g, rate)
        made.weights = before + (made.weights - before) / g.shape[1]
        return result

    return _with_backward(backward)


backward.combine(
    "1/B is applied",
    _also_divided,
    (
        "The weights move in the direction of the gradient, not against it",
        "The learning rate is missing",
        "The bias never changes",
    ),
)

MISTAKES = tuple(backward.mistakes)
