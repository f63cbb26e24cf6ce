"""Mistakes in the dense layer's backward, most of them in the two factors of `np.dot(?, ?)`.

Several run without an error only where features + 1, classes and batch are equal. The ways in which people write one of
them stand one after another.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import Dense
from lib.reference.layer import FloatArray as Array
from lib.reference.layer import Layer
from lib.reference.wrong_code import COMMA, NO_RETURN, overwrite, with_backward


def _gradient(layer: Dense, g: Array) -> Array:
    """Give the right gradient of the weights."""
    return np.asarray(g @ layer.input.T)


def _with(
    update: Callable[[Dense, Array, float], Any] = lambda layer, g, rate: layer.weights - rate * _gradient(layer, g),
    returned: Callable[[Dense, Array], Any] = lambda layer, g: layer.weights[:, :-1].T @ g,
) -> type[Layer]:
    """Make a layer that is right except for its new weights, or for the gradient that it returns."""

    def backward(layer: Dense, g: Array, rate: float) -> Any:
        result = returned(layer, g)
        layer.weights = update(layer, g, rate)
        return result

    return with_backward(Dense, backward)


def _with_steps(step: Callable[[list[Array]], Any]) -> type[Layer]:
    """Make a layer whose steps depend on the weights' gradients of all calls so far, the latest last."""

    def update(layer: Any, g: Array, rate: float) -> Any:
        layer.gradients = [*getattr(layer, "gradients", []), _gradient(layer, g)]
        return layer.weights - rate * step(layer.gradients)

    return _with(update)


backward = MistakeCatalog(
    "check-dense-backward",
    "Dense",
    partial(with_backward, Dense),
    teach="Repeat what an update is: the old weights minus the learning rate times their gradient, with the bias"
    " column. The returned gradient uses the weights from before the update.",
)
update = replace(
    backward, make=lambda code: _with(lambda layer, g, rate: code(layer.weights, _gradient(layer, g), rate))
)
"""New weights, made of the old ones, their gradient and the learning rate."""
steps = replace(backward, make=_with_steps)
"""What the learning rate is multiplied by, made of the weights' gradients so far."""
weights = replace(
    backward,
    make=lambda code: _with(lambda layer, g, rate: layer.weights - rate * code(layer, g)),
    teach="Write the shapes side by side at the board: a gradient of (outputs, batch) and an input of"
    " (features + 1, batch) must give the shape of the weights, summed over the samples.",
)
"""The weights' gradient, made of the layer and the incoming gradient."""
returned = replace(
    backward,
    make=lambda code: _with(returned=code),
    teach="Ask what the layer below needs: the slope of the loss for each of its outputs. It has no output for the"
    " bias.",
)
of_result = replace(returned, make=lambda change: with_backward(Dense, lambda *given: change(Dense.backward(*given))))
"""The right gradient to return, which code has changed."""

DIVIDED = "1/B is applied"
"""A mistake that some of the others come together with."""
SHAPES = "Write the shapes of both factors side by side: their product must have the shape of the weights."
weights("The product is the transpose of the weights' gradient", SHAPES)(lambda layer, g: np.dot(layer.input, g.T))
weights("Neither factor of the product is transposed", SHAPES)(lambda layer, g: np.dot(g, layer.input))
weights("Neither factor is transposed, and the two are swapped", SHAPES)(lambda layer, g: np.dot(layer.input, g))
weights("The wrong factor of the product is transposed", SHAPES)(lambda layer, g: np.dot(g.T, layer.input))
weights("The factors are swapped, and the wrong one is transposed", SHAPES)(lambda layer, g: np.dot(layer.input.T, g))
weights("Both factors of the product are transposed", SHAPES)(lambda layer, g: np.dot(g.T, layer.input.T))
weights("Both factors are transposed, and the two are swapped", SHAPES)(lambda layer, g: np.dot(layer.input.T, g.T))
weights("The factors are multiplied entry by entry", "Use a matrix product: it also sums over the samples.")(
    lambda layer, g: g * layer.input
)
weights(
    "The layer's output is used in place of the incoming gradient",
    "Use the gradient that backward is given: it says how the loss changes with the scores.",
)(
    lambda layer, g: np.dot(layer.output, layer.input.T),
    lambda layer, g: np.dot(layer.output, layer.input.T) / g.shape[1],
)
weights(
    "The weights are used in place of the input",
    "Use the input: a weight's effect on the score is the input that it is multiplied by.",
)(lambda layer, g: np.dot(g, layer.weights))

MEAN = "Leave out the division: the gradient that backward is given already contains 1/B."
weights("The step is divided by the batch size", MEAN)(
    lambda layer, g: _gradient(layer, g) / g.shape[1], lambda layer, g: _gradient(layer, g) / (2 * g.shape[1])
)
weights("The step is divided by the number of classes", MEAN)(lambda layer, g: _gradient(layer, g) / len(g))
weights("The step is divided by the number of features", MEAN)(
    lambda layer, g: _gradient(layer, g) / len(layer.input),
    lambda layer, g: _gradient(layer, g) / (len(layer.input) - 1),
)
weights("The step is multiplied by the batch size", "The product sums over the samples. The gradient contains 1/B.")(
    lambda layer, g: _gradient(layer, g) * g.shape[1]
)
weights("The step is twice as long", "Update the weights once, without a factor 2. No loss here has a square.")(
    lambda layer, g: 2 * _gradient(layer, g)
)

BIAS = "The bias is a weight whose input is always 1. Work out its gradient by hand, for two samples."


def _with_bias(bias: Callable[..., Any]) -> Callable[[Dense, Array], Any]:
    """Give the right gradient with a wrong column for the bias."""

    def gradient(layer: Dense, g: Array) -> Any:
        right = _gradient(layer, g)
        right[:, -1] = bias(layer, g)
        return right

    return gradient


weights("The bias never changes", BIAS, DIVIDED)(_with_bias(lambda layer, g: 0))
weights("The bias is left out of the update", BIAS, same_as=("The bias never changes",))(
    lambda layer, g: np.pad(g @ layer.input[:-1].T, ((0, 0), (0, 1)))
)
weights("The bias changes by the mean over the samples, the weights by the sum", BIAS)(
    _with_bias(lambda layer, g: g.mean(axis=1))
)
weights("The weights change by the mean over the samples, the bias by the sum", MEAN)(
    lambda layer, g: _gradient(layer, g) / np.append(np.full(len(layer.input) - 1, g.shape[1]), 1)
)
weights(
    "The bias of every class changes by the same number, a sum over all classes",
    "Print the shape of the bias gradient: it has a number for each class.",
)(
    _with_bias(lambda layer, g: g.sum()),
    _with_bias(lambda layer, g: g.mean()),
    _with_bias(lambda layer, g: g.sum() / g.shape[1]),
)
weights("The bias changes by the gradient of one sample", BIAS)(
    _with_bias(lambda layer, g: g[:, 0]), _with_bias(lambda layer, g: g[:, -1])
)
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
update("The bias changes without the learning rate", BIAS)(
    lambda W, gradient, rate: W - np.append(np.full(W.shape[1] - 1, rate), 1) * gradient
)

SAMPLES = "Take two samples, and add the products of each by hand. Does your code give their sum?"
weights("Only one sample of the batch counts", SAMPLES)(
    lambda layer, g: np.outer(g[:, 0], layer.input[:, 0]), lambda layer, g: np.outer(g[:, -1], layer.input[:, -1])
)
weights("The last sample is left out", SAMPLES)(lambda layer, g: np.dot(g[:, :-1], layer.input[:, :-1].T))
weights("The samples are added or averaged before the product, not after it", SAMPLES)(
    lambda layer, g: np.outer(g.mean(axis=1), layer.input.mean(axis=1)),
    lambda layer, g: np.outer(g.sum(axis=1), layer.input.mean(axis=1)),
    lambda layer, g: np.outer(g.sum(axis=1), layer.input.sum(axis=1)),
)
weights("The input is missing: every weight of a class changes alike", SHAPES)(
    lambda layer, g: g.sum(axis=1, keepdims=True) + 0 * layer.weights,
    lambda layer, g: g.mean(axis=1, keepdims=True) + 0 * layer.weights,
)
weights("All weights change by the same number", "Each weight has its own gradient: leave out the sum.")(
    lambda layer, g: _gradient(layer, g).sum(), lambda layer, g: _gradient(layer, g).mean()
)
weights("The gradient is not multiplied by the input, only by the weights", SHAPES)(
    lambda layer, g: g.sum(axis=1, keepdims=True) * layer.weights
)

weights("The row of ones is left out of the product", BIAS)(lambda layer, g: g @ layer.input[:-1].T)
weights("The layer's output is used in place of its input", SHAPES)(lambda layer, g: g @ layer.output.T)

# ---- The update

DOWN = "The gradient points to where the loss grows. Which way should the weights move?"

update("The weights move in the direction of the gradient, not against it", DOWN, DIVIDED)(
    lambda W, gradient, rate: W + rate * gradient
)
update("The learning rate is missing", "Multiply the gradient by learning_rate before you subtract it.", DIVIDED)(
    lambda W, gradient, rate: W - gradient
)
for fixed in (0.01, 0.001, 0.0001, 0.1, 0.05, 0.5):
    update(
        f"The learning rate is always {fixed:g}", "Use the learning_rate that backward is given, not a fixed number."
    )(lambda W, gradient, rate, fixed=fixed: W - fixed * gradient)
update("The learning rate is applied twice", "Multiply by the learning rate once.")(
    lambda W, gradient, rate: W - rate**2 * gradient
)
update(
    "The gradient is divided by the learning rate", "Multiply by the learning rate: a small rate makes a short step."
)(lambda W, gradient, rate: W - gradient / rate)
REPLACED = "Subtract the step from the weights that the layer has."
update("The weights are replaced by the step", REPLACED)(lambda W, gradient, rate: -rate * gradient)
update("The weights are replaced by the gradient", REPLACED)(lambda W, gradient, rate: gradient)
update("The weights are multiplied by the step", "Subtract the step from the weights.")(
    lambda W, gradient, rate: W * rate * gradient
)
update("The weights never change", "Assign the new weights to self.weights.")(lambda W, gradient, rate: W)


@backward(
    "The weights are updated before the input's gradient is computed",
    "Compute the input's gradient first: it uses the weights from before the update.",
)
def _updated_first(layer: Dense, g: Array, rate: float) -> Any:
    layer.weights = layer.weights - rate * _gradient(layer, g)
    return layer.weights[:, :-1].T @ g


def _without_bias(W: Array) -> Array:
    """Give 1 for each weight, and 0 for the bias."""
    return np.append(np.ones(W.shape[1] - 1), 0)


DECAY = "Subtract the step alone: this network has no weight decay."
for strength in (0.1, 0.01, 0.001, 0.2, 0.02, 0.002):
    update("The weights decay by the same amount, whatever their size", DECAY)(
        lambda W, gradient, rate, strength=strength: W - rate * (gradient + strength * np.sign(W)),
        lambda W, gradient, rate, strength=strength: W - rate * (gradient + strength * np.sign(W) * _without_bias(W)),
    )
for strength in (0.1, 0.01, 0.001, 0.0001, 1.0, 0.2, 0.02, 0.002, 0.0002):
    update("The weights decay", DECAY)(
        lambda W, gradient, rate, strength=strength: W - rate * (gradient + strength * W),
        lambda W, gradient, rate, strength=strength: W - rate * (gradient + strength * W * _without_bias(W)),
    )
    if strength < 1:
        update("The weights decay", DECAY)(
            lambda W, gradient, rate, strength=strength: (1 - strength) * W - rate * gradient
        )

SIZE = "Use the gradient as it is: its size matters."
for limit in (1, 0.1, 0.5, 5, 10):
    update("The weights' gradient is clipped", SIZE)(
        lambda W, gradient, rate, limit=limit: W - rate * np.clip(gradient, -limit, limit),
        lambda W, gradient, rate, limit=limit: W - rate * gradient * min(1, limit / np.linalg.norm(gradient)),
    )
update("The weights' gradient is divided by its norm", SIZE)(
    lambda W, gradient, rate: W - rate * gradient / np.linalg.norm(gradient),
    lambda W, gradient, rate: W - rate * gradient / gradient.max(),
    lambda W, gradient, rate: W - rate * gradient / np.abs(gradient).max(),
)
update("Only the sign of the gradient counts", SIZE)(lambda W, gradient, rate: W - rate * np.sign(gradient))
update("The weights are rounded", "Keep the weights as they are, and round only where you print them.")(
    *(lambda W, gradient, rate, digits=digits: np.round(W - rate * gradient, digits) for digits in (0, 1, 2))
)
OWN_STEP = "Compute each step from this call's gradient alone, and compare two steps of one layer."


def _add_up(gradients: list[Array], share: float) -> Array:
    """Add to the latest gradient this share of the one before, its square of the one before that, and so on."""
    return np.asarray(sum(share**age * gradient for age, gradient in enumerate(reversed(gradients))))


def _scale(gradients: list[Array], first: float, second: float) -> Array:
    """Divide the running mean of the gradients by the root of that of their squares, as Adam does."""
    count = len(gradients)
    mean, square = (
        (1 - share) * _add_up(each, share) / (1 - share**count)
        for each, share in ((gradients, first), ([g**2 for g in gradients], second))
    )
    return np.asarray(mean / (np.sqrt(square) + 1e-8))


for share in (0.9, 0.5, 0.99, 0.8, 0.95):
    steps("Earlier steps count too: there is momentum", OWN_STEP)(
        partial(_add_up, share=share),
        lambda gradients, share=share: (1 - share) * _add_up(gradients, share),
        lambda gradients, share=share: gradients[-1] + share * _add_up(gradients, share),  # Nesterov's
    )
steps("Each weight has a step size of its own, as in Adam, RMSprop or AdaGrad", SIZE)(
    partial(_scale, first=0.9, second=0.999),
    partial(_scale, first=0.9, second=0.99),
    *(
        lambda gradients, share=share: (
            gradients[-1] / (np.sqrt((1 - share) * _add_up([g**2 for g in gradients], share)) + 1e-8)
        )
        for share in (0.9, 0.99, 0.999)
    ),
    lambda gradients: gradients[-1] / (np.sqrt(sum(g**2 for g in gradients)) + 1e-8),
)
steps("The gradients of all steps pile up", OWN_STEP)(partial(_add_up, share=1))
steps("The layer learns only once", OWN_STEP)(lambda gradients: gradients[-1] * (len(gradients) == 1))
steps("The learning rate gets smaller from step to step", "Use the learning_rate that backward is given in each step.")(
    lambda gradients: gradients[-1] / len(gradients),
    *(lambda gradients, decay=decay: gradients[-1] * decay ** (len(gradients) - 1) for decay in (0.5, 0.9, 0.99)),
    *(lambda gradients, decay=decay: gradients[-1] / (1 + decay * (len(gradients) - 1)) for decay in (0.1, 0.01)),
)
backward("backward overwrites the gradient that it is given", "Compute into a new array.")(overwrite(1, Dense.backward))

# ---- What is returned

LOWER = "The layer below needs the slope for each of its outputs: print the shape, (features, batch)."

returned(
    "The returned gradient has a row for the bias", "How many outputs has the layer below? It has none for the bias."
)(lambda layer, g: layer.weights.T @ g)
returned("The first feature is left out instead of the bias", "Which column of the weights is the bias?")(
    lambda layer, g: layer.weights[:, 1:].T @ g
)
returned("The returned gradient is transposed", "Return the gradient with samples in columns: (features, batch).")(
    lambda layer, g: g.T @ layer.weights[:, :-1]
)
returned("The returned gradient is transposed, and has a column for the bias", LOWER)(
    lambda layer, g: g.T @ layer.weights
)
returned("The weights' gradient is returned", LOWER)(_gradient)
returned(
    "The incoming gradient is returned", "Multiply it by the weights: backward returns the gradient of the input."
)(lambda layer, g: g)

FACTOR = "Take one sample: how does its loss change with one feature? No other number comes in."
of_result("The returned gradient is divided by the batch size", FACTOR)(lambda result: result / result.shape[1])
of_result("The returned gradient has the wrong sign", FACTOR)(np.negative)
returned("The returned gradient is multiplied by the input", FACTOR)(
    lambda layer, g: layer.weights[:, :-1].T @ g * layer.input[:-1]
)
returned("The weights are returned", LOWER)(lambda layer, g: layer.weights)
returned("The input is returned", LOWER)(lambda layer, g: layer.input)
returned("The output is returned", LOWER)(lambda layer, g: layer.output)
returned("The returned gradient is 0", LOWER)(lambda layer, g: np.zeros((len(layer.input) - 1, g.shape[1])))
of_result("The returned gradient is summed over the samples", LOWER)(lambda result: result.sum(axis=1, keepdims=True))
of_result("The result is in a tuple or a list", COMMA)(lambda result: (result,))
of_result("The result of backward is missing", NO_RETURN)(lambda result: None)
backward("The returned gradient is multiplied by the learning rate", FACTOR)(
    lambda layer, g, rate: rate * Dense.backward(layer, g, rate)
)


def _from_the_left(layer: Dense, g: Array, rate: float, product: Callable[..., Any], is_late: bool) -> Any:
    before = layer.weights
    layer.weights = before - rate * _gradient(layer, g)
    return product(g, (layer.weights if is_late else before)[:, :-1])


backward("The factors of the returned gradient stand in the wrong order", LOWER)(
    *(partial(_from_the_left, product=each, is_late=late) for each in (np.dot, np.matmul) for late in (False, True))
)


@backward("A name of the layer is used without self. before it", "Write self. before input, output and weights.")
def _without_self(layer: Dense, g: Array, rate: float) -> Any:
    raise NameError("name 'weights' is not defined")


def _also_divided(layer: Any) -> type[Layer]:
    def backward(made: Dense, g: Array, rate: float) -> Any:
        before = made.weights.copy()
        result = layer.backward(made, g, rate)
        made.weights = before + (made.weights - before) / g.shape[1]
        return result

    return with_backward(Dense, backward)


backward.combine(DIVIDED, _also_divided)

MISTAKES = tuple(backward.mistakes)
