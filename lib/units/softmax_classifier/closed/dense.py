"""Mistakes in the dense layer's backward, most of them in the two factors of `np.dot(?, ?)`.

Several run without an error only where features + 1, classes and batch are equal.
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


@weights(
    "The layer's output is used in place of the incoming gradient",
    "Use the gradient that backward is given: it says how the loss changes with the scores.",
)
def _of_the_output(layer: Dense, g: Array) -> Any:
    return np.dot(layer.output, layer.input.T)


@weights(
    "The weights are used in place of the input",
    "Use the input: a weight's effect on the score is the input that it is multiplied by.",
)
def _of_the_weights(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.weights)


@weights(
    "The step is divided by the batch size",
    "Leave out the division: the gradient that backward is given already contains 1/B.",
)
def _over_batch(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.input.T) / g.shape[1]


@weights(
    "The bias never changes", "Update the last column of the weights too: the bias is a weight whose input is always 1."
)
def _without_bias(layer: Dense, g: Array) -> Any:
    gradient = np.dot(g, layer.input.T)
    gradient[:, -1] = 0
    return gradient


@backward(
    "The bias is left out of the update",
    "Update the last column of the weights too: the bias is a weight whose input is always 1.",
    same_as=("The bias never changes",),
)
def _update_without_bias(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights[:, :-1] -= rate * np.dot(g, layer.input[:-1].T)
    return input_gradient


@weights(
    "The bias changes by the mean over the samples, the weights by the sum",
    "Treat the bias like the other weights: sum over the samples.",
)
def _mean_of_bias(layer: Dense, g: Array) -> Any:
    gradient = np.dot(g, layer.input.T)
    gradient[:, -1] /= g.shape[1]
    return gradient


@backward(
    "The weights move in the direction of the gradient, not against it",
    "Subtract the step: the gradient points to where the loss grows.",
)
def _uphill(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights + rate * np.dot(g, layer.input.T)
    return input_gradient


@backward("The learning rate is missing", "Multiply the gradient by learning_rate before you subtract it.")
def _without_rate(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights - np.dot(g, layer.input.T)
    return input_gradient


@backward("The learning rate is always 0.01", "Use the learning_rate that backward is given, not a fixed number.")
def _rate_fixed(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = layer.weights - 0.01 * np.dot(g, layer.input.T)
    return input_gradient


@backward("The weights are replaced by the step", "Subtract the step from the weights that the layer has.")
def _replaced(layer: Dense, g: Array, rate: float) -> Any:
    input_gradient = layer.weights[:, :-1].T @ g
    layer.weights = -rate * np.dot(g, layer.input.T)
    return input_gradient


@backward("The weights never change", "Assign the new weights to self.weights.")
def _not_stored(layer: Dense, g: Array, rate: float) -> Any:
    return layer.weights[:, :-1].T @ g


@backward(
    "The weights are updated before the input's gradient is computed",
    "Compute the input's gradient first: it uses the weights from before the update.",
)
def _updated_first(layer: Dense, g: Array, rate: float) -> Any:
    layer.weights = layer.weights - rate * np.dot(g, layer.input.T)
    return layer.weights[:, :-1].T @ g


@returned(
    "The returned gradient has a row for the bias",
    "Leave out the last column of the weights: the layer below has no output for the bias.",
)
def _with_bias_row(layer: Dense, g: Array) -> Any:
    return layer.weights.T @ g


@returned(
    "The first feature is left out instead of the bias",
    "Leave out the last column of the weights, not the first: the bias is in the last one.",
)
def _without_first(layer: Dense, g: Array) -> Any:
    return layer.weights[:, 1:].T @ g


@returned("The returned gradient is transposed", "Return the gradient with samples in columns: (features, batch).")
def _returned_transposed(layer: Dense, g: Array) -> Any:
    return g.T @ layer.weights[:, :-1]


@returned(
    "The weights' gradient is returned", "Return the gradient with respect to the layer's input: (features, batch)."
)
def _weights_gradient_returned(layer: Dense, g: Array) -> Any:
    return np.dot(g, layer.input.T)


@returned(
    "The incoming gradient is returned",
    "Multiply it by the weights: backward returns the gradient with respect to the layer's input.",
)
def _unchanged(layer: Dense, g: Array) -> Any:
    return g


MISTAKES = tuple(backward.mistakes)
