"""Mistakes in the dense layer's backward: mostly in the two factors of `np.dot(?, ?)`.

Several of them run only where features + 1, classes and batch are equal.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.reference import Dense
from lib.reference.layer import FloatArray as Array
from lib.unit import MistakeCatalog


def _with_backward(backward: Callable[[Dense, Array, float], Any]) -> type[Dense]:
    """Make a layer with a wrong backward: it gets the layer, the incoming gradient g and the learning rate."""

    class Layer(Dense):
        def backward(self, output_gradient: Array, learning_rate: float) -> Any:
            return backward(self, output_gradient, learning_rate)

    return Layer


def _with_weights_gradient(weights_gradient: Callable[[Dense, Array], Any]) -> type[Dense]:
    """Make a layer that is right but for its weights' gradient."""

    def backward(layer: Dense, g: Array, rate: float) -> Array:
        input_gradient = np.asarray(layer.weights[:, :-1].T @ g)
        layer.weights = layer.weights - rate * weights_gradient(layer, g)
        return input_gradient

    return _with_backward(backward)


def _with_input_gradient(input_gradient: Callable[[Dense, Array], Any]) -> type[Dense]:
    """Make a layer that is right but for what it returns."""

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
    teach="Say again what a step is: the weights there are, less the rate times their gradient, bias column and all;"
    " and what goes back is taken with the weights from before it.",
)
weights = MistakeCatalog(
    PART,
    "Dense",
    _with_weights_gradient,
    backward.mistakes,
    "Put the shapes beside each other at the board: a gradient of (outputs, batch) and an input of (features + 1,"
    " batch) have to give the shape of the weights, summed over the samples.",
)
returned = MistakeCatalog(
    PART,
    "Dense",
    _with_input_gradient,
    backward.mistakes,
    "Ask what the layer below needs: the slope of the loss with each of its outputs. It has no output for the bias.",
)

SHAPES = "Write the shapes of both factors beside each other: the product must have the shape of the weights."


@weights("The product is the transpose of the weights' gradient", SHAPES)
def _transposed(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input, g.T)


@weights("Neither factor of the product is transposed", SHAPES)
def _not_transposed(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.input)


@weights("Neither factor is transposed, and they are exchanged", SHAPES)
def _not_transposed_exchanged(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input, g)


@weights("The wrong factor of the product is transposed", SHAPES)
def _gradient_transposed(layer: Dense, g: Array) -> Any:
    return np.dot(g.T, layer.input)


@weights("The factors are exchanged, and the wrong one is transposed", SHAPES)
def _input_first(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input.T, g)


@weights("Both factors of the product are transposed", SHAPES)
def _both_transposed(layer: Dense, g: Array) -> Any:
    return np.dot(g.T, layer.input.T)


@weights("Both factors are transposed, and exchanged", SHAPES)
def _both_transposed_exchanged(layer: Dense, g: Array) -> Any:
    return np.dot(layer.input.T, g.T)


@weights("The factors are multiplied entry by entry", "Which operation sums over the samples on the way?")
def _entry_by_entry(layer: Dense, g: Array) -> Any:
    return g * layer.input


@weights(
    "The layer's output takes the place of the incoming gradient",
    "Which of the two says how the loss changes with the scores?",
)
def _of_the_output(layer: Dense, g: Array) -> Any:
    return np.dot(layer.output, layer.input.T)


@weights(
    "The weights take the place of the input",
    "How much does a score change with a weight? It depends on what that weight is multiplied by.",
)
def _of_the_weights(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.weights)


@weights("The step is divided by the batch size", "Where does the notebook apply 1/B?")
def _over_batch(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.input.T) / g.shape[1]


@weights("The bias never moves", "The bias learns like any weight. What is its input?")
def _without_bias(layer: Dense, g: Array) -> Any:
    gradient = np.dot(g, layer.input.T)
    gradient[:, -1] = 0
    return gradient


@backward(
    "The bias is left out of the update",
    "The bias learns like any weight. What is its input?",
    same_as=("The bias never moves",),
)
def _update_without_bias(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights[:, :-1] -= rate * np.dot(g, layer.input[:-1].T)
    return input_gradient


@weights(
    "The bias moves by the mean over the samples, the weights by the sum",
    "The bias is a weight like the others, with an input of its own.",
)
def _mean_of_bias(layer: Dense, g: Array) -> Any:
    gradient = np.dot(g, layer.input.T)
    gradient[:, -1] /= g.shape[1]
    return gradient


@backward("The weights go up the gradient", "The gradient points to where the loss grows.")
def _uphill(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights + rate * np.dot(g, layer.input.T)
    return input_gradient


@backward("The learning rate is missing", "How long is the step, and who says so?")
def _without_rate(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights - np.dot(g, layer.input.T)
    return input_gradient


@backward("The learning rate is always 0.01", "backward is given a learning rate.")
def _rate_fixed(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights - 0.01 * np.dot(g, layer.input.T)
    return input_gradient


@backward("The weights are replaced by the step", "A step starts from where the weights are.")
def _replaced(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = -rate * np.dot(g, layer.input.T)
    return input_gradient


@backward("The weights never change", "Where does the step end up?")
def _not_stored(layer: Dense, g: Array, rate: float) -> Any:
    return layer.weights[:, :-1].T @ g


@backward("The weights change before the input's gradient is computed", "With which weights did the forward pass run?")
def _updated_first(layer: Dense, g: Array, rate: float) -> Any:
    layer.weights = layer.weights - rate * np.dot(g, layer.input.T)
    return layer.weights[:, :-1].T @ g


@returned("The returned gradient has a row for the bias", "The layer below put out no row of ones.")
def _with_bias_row(layer: Dense, g: Array) -> Any:
    return layer.weights.T @ g


@returned("The first feature is left out instead of the bias", "In which column of the weights is the bias?")
def _without_first(layer: Dense, g: Array) -> Any:
    return layer.weights[:, 1:].T @ g


@returned("The returned gradient is transposed", "Columns are samples, in gradients too.")
def _returned_transposed(layer: Dense, g: Array) -> Any:
    return g.T @ layer.weights[:, :-1]


@returned("The weights' gradient is returned", "The layer below has other weights. What does it need to know?")
def _weights_gradient_returned(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.input.T)


@returned("The incoming gradient is returned", "It is the gradient at this layer's output. What is it at the input?")
def _unchanged(layer: Dense, g: Array) -> Any:
    return g


MISTAKES = tuple(backward.mistakes)
