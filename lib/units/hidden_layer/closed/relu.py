"""Mistakes in the ReLU layer: forward, and the mask of backward."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import ReLU
from lib.reference.layer import FloatArray as Array
from lib.reference.wrong_code import (
    COMMA,
    NO_RETURN,
    PER_SAMPLE,
    loop_over_rows,
    overwrite,
    with_backward,
    with_forward,
)

forward = MistakeCatalog(
    "check-relu-forward",
    "ReLU",
    lambda output: with_forward(ReLU, lambda layer, z: output(z)),
    teach="Draw the curve of max(0, z): it is flat to the left of 0, and has slope 1 to the right.",
)
backward = MistakeCatalog(
    "check-relu-backward",
    "ReLU",
    lambda result: with_backward(ReLU, lambda layer, g, rate: result(layer.input, g)),
    teach="Draw the curve of max(0, z) once more, and write its slope under each half. The slope depends on the input"
    " of the forward pass only.",
)
of_output = replace(backward, make=lambda result: with_backward(ReLU, lambda layer, g, rate: result(layer.output, g)))
"""Code that looks at the layer's output, not at its input."""

FORWARD_HINT = "Compute the output for the numbers -2 and 3 by hand. What should come out of each?"

forward("The input is passed on unchanged", FORWARD_HINT)(lambda z: z)
forward("The output is the smaller of 0 and the input", FORWARD_HINT)(lambda z: np.minimum(z, 0))
forward("The output is the absolute value of the input", FORWARD_HINT)(np.abs)
forward("The sign of the input is turned first", FORWARD_HINT)(lambda z: np.maximum(-z, 0))
forward("Negative inputs keep a small slope, as in a leaky ReLU", "Replace the slope on the left by 0.")(
    *(lambda z, slope=slope: np.where(z > 0, z, slope * z) for slope in (0.01, 0.1, 0.2, 0.3))
)
forward("The output says only whether the input is positive", "Give the positive number itself, not True or 1.")(
    lambda z: (z > 0).astype(float)
)
OTHER = "Use ReLU, which has no exponential: compare each number with 0."
forward("The output is a sigmoid", OTHER)(lambda z: 1 / (1 + np.exp(-z)))
forward("The output is the hyperbolic tangent", OTHER)(np.tanh)
forward("The output is a smooth ReLU, log(1 + exp(z))", "Use ReLU, which has no exponential: compare with 0.")(
    lambda z: np.log1p(np.exp(z))
)
LARGE = "Let large numbers pass as they are: only negative ones change."
forward("The output is cut off at 1", LARGE)(lambda z: np.clip(z, 0, 1))
forward("The output is cut off at 6, as in a ReLU6", LARGE)(lambda z: np.clip(z, 0, 6))
MAX = "Compare each entry with 0. np.max(a, 0) takes the largest along an axis; another function compares two numbers."
forward("np.max takes the largest entry of each column", MAX)(lambda z: np.max(z, 0))
forward("The largest entry of each column takes the place of the column", MAX)(
    lambda z: np.tile(z.max(axis=0), (len(z), 1))
)
forward("Only the largest entry of each sample passes", "Compare each entry with 0, not with the other entries.")(
    lambda z: np.where(z == z.max(axis=0), z, 0)
)
forward("The mean is subtracted first", "Compare each entry with 0, not with the mean.")(
    lambda z: np.maximum(z - z.mean(axis=0), 0)
)
forward("Softmax is computed in place of ReLU", "Compare each entry with 0: no entry depends on the others.")(
    lambda z: np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0)
)
forward("The output is squared", "Give the positive number itself, not its square.")(lambda z: np.maximum(z, 0) ** 2)
forward("The output is twice as large as it should be", "Give the positive number itself. |z| + z is twice that.")(
    lambda z: 2 * np.maximum(z, 0)
)
forward("The sign of the output is turned", FORWARD_HINT)(lambda z: -np.maximum(z, 0))
forward("The output is one number, the largest of all", MAX)(lambda z: np.max(z))
forward("The output is rounded", "Give the number as it is. An array of integers can't hold 0.3.")(
    lambda z: np.maximum(z, 0).round(), lambda z: np.maximum(z, 0).astype(int)
)
forward("Negative inputs go to -1 on a curve, as in an ELU", "Replace the curve on the left by 0.")(
    lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
)
forward("Each input is multiplied by its sigmoid", OTHER)(lambda z: z / (1 + np.exp(-z)))
SHAPE = "Print the shape of self.output: it has an entry for each unit and each sample, also where that is 0."
forward("Only the positive entries are kept, in one row", SHAPE)(lambda z: z[z > 0])
SAMPLES = "Print the last column of the result. Which samples does your loop leave out?"
forward("The loop runs over the units, not over the samples", PER_SAMPLE)(lambda z: loop_over_rows(np.maximum(z, 0)))
forward("The last sample is left out", SAMPLES)(lambda z: np.hstack([np.maximum(z[:, :-1], 0), 0 * z[:, -1:]]))
forward("The output is in a tuple or a list", COMMA)(lambda z: (np.maximum(z, 0),))
forward("forward overwrites its input", "Compute into a new array: the layer below still needs its output.")(
    overwrite(0, lambda z: np.maximum(z, 0))
)
forward("The output is the transpose", "Keep the shape of the input, (units, batch).")(lambda z: np.maximum(z, 0).T)

replace(forward, make=lambda code: type("Wrong", (ReLU,), {"forward": code}))(
    "self.output is missing", "Write self. before output: a name without it is lost where forward ends."
)(lambda layer, z: None)

MASK = "The slope depends on the input of the forward pass. Which attribute of the layer holds it?"
backward("The mask is made from the incoming gradient, not from the input", MASK)(lambda z, g: g * (g > 0))
of_output("The incoming gradient is returned unchanged", "Where the output stays 0, the gradient must be 0, too.")(
    lambda a, g: g
)
backward("The mask is the wrong way round", "Where the input was positive, the gradient passes.")(
    lambda z, g: g * (z < 0)
)
backward("Both the input and the gradient must be positive to pass", MASK)(lambda z, g: g * (z > 0) * (g > 0))
backward("The slope is returned without the incoming gradient", "Multiply the slope by the incoming gradient.")(
    lambda z, g: (z > 0).astype(float)
)
FACTOR = "The slope of max(0, z) is 1 where z is positive, whatever z is. Multiply the gradient by that."
backward("The gradient is multiplied by the input", FACTOR)(lambda z, g: g * z)
of_output("The gradient is multiplied by the output", FACTOR)(lambda a, g: g * a)
of_output("The output is returned in place of a gradient", "Return the incoming gradient where it may pass.")(
    lambda a, g: a
)
backward("The gradient is multiplied by the sign of the input", "The slope is 0 for negative inputs, not -1.")(
    lambda z, g: g * np.sign(z)
)
backward("Blocked entries keep a small slope, as in a leaky ReLU", "Replace the slope on the left by 0.")(
    *(lambda z, g, slope=slope: np.where(z > 0, g, slope * g) for slope in (0.01, 0.1, 0.2, 0.3))
)
SIGMOID = "Use the slope of ReLU: 1 or 0. a(1 - a) belongs to a sigmoid."
BENT = "Use the slope of ReLU: 1 where the input was positive, else 0."


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


backward("The slope is that of a sigmoid", BENT)(lambda z, g: g * _sigmoid(z) * (1 - _sigmoid(z)))
backward("The slope is that of the hyperbolic tangent", BENT)(
    lambda z, g: g * (1 - np.tanh(z) ** 2), lambda z, g: g * (1 - z**2)
)
of_output("The slope is that of the hyperbolic tangent", BENT)(lambda a, g: g * (1 - a**2))
backward("The slope is that of a smooth ReLU", BENT)(lambda z, g: g * _sigmoid(z))
backward("The slope is that of an ELU", BENT)(lambda z, g: g * np.exp(np.minimum(z, 0)))
backward("The slope is added to the gradient", "Multiply the slope by the incoming gradient.")(lambda z, g: g + (z > 0))
backward("The result is the transpose", "Keep the shape of the gradient, (units, batch).")(lambda z, g: (g * (z > 0)).T)
of_output("The slope is that of a sigmoid, a(1 - a)", SIGMOID)(lambda a, g: g * a * (1 - a))
backward("The gradient is divided by the batch size", "Leave out the division: 1/B comes in once, at the loss.")(
    lambda z, g: g * (z > 0) / g.shape[1]
)
backward("The gradient is multiplied by the learning rate", "Leave out the learning rate: this layer learns nothing.")(
    lambda z, g: 0.1 * g * (z > 0)
)
backward("The sign of the gradient is turned", "Leave out the minus: a step goes downhill, a gradient doesn't.")(
    lambda z, g: -g * (z > 0)
)
backward("The gradient is summed over the samples", "Keep one column for each sample.")(
    lambda z, g: (g * (z > 0)).sum(axis=1, keepdims=True), lambda z, g: (g * (z > 0)).sum(axis=1)
)
backward("A matrix product takes the place of a product entry by entry", "Multiply entry by entry, with *.")(
    lambda z, g: g @ (z > 0), lambda z, g: g @ (z > 0).T
)

backward("The result is rounded", "Return the gradient as it is.")(
    lambda z, g: (g * (z > 0)).round(), lambda z, g: (g * (z > 0)).astype(int)
)
backward("Only the gradients that may pass are returned, in one row", SHAPE.replace("self.output", "the result"))(
    lambda z, g: g[z > 0]
)
backward("The gradient is averaged to one number", "Keep an entry for each unit and each sample: leave out the mean.")(
    lambda z, g: (g * (z > 0)).mean()
)
backward("The gradient is summed to one number", "Keep an entry for each unit and each sample: leave out the sum.")(
    lambda z, g: (g * (z > 0)).sum()
)
backward("The gradient is summed over the units", "Keep one row for each unit: leave out the sum.")(
    lambda z, g: (g * (z > 0)).sum(axis=0), lambda z, g: (g * (z > 0)).sum(axis=0, keepdims=True)
)

backward("The loop runs over the units, not over the samples", PER_SAMPLE)(lambda z, g: loop_over_rows(g * (z > 0)))
backward("The last sample is left out", SAMPLES)(lambda z, g: np.hstack([g[:, :-1] * (z[:, :-1] > 0), 0 * g[:, -1:]]))
backward("The result is in a tuple or a list", COMMA)(lambda z, g: (g * (z > 0),))
backward("The result of backward is missing", NO_RETURN)(lambda z, g: None)

NOW = "Use the input of this pass: compute anew whatever you keep in the layer."


def _keep(layer: Any, name: str, new: Array) -> Any:
    """Give what the layer keeps under a name, and keep `new` only if that has another shape or is not there."""
    kept = getattr(layer, name, None)
    if kept is None or kept.shape != new.shape:
        setattr(layer, name, new)
    return getattr(layer, name)


replace(forward, make=lambda code: with_forward(ReLU, code))("A later pass keeps the output of an earlier one", NOW)(
    lambda layer, z: _keep(layer, "first", np.maximum(z, 0))
)


class _OneMask(ReLU):
    """A layer that keeps its mask where all layers find it."""

    masks: ClassVar[list[Array]] = []

    def forward(self, input: Array) -> Array:
        self.masks[:] = [(input > 0).astype(float)]
        return super().forward(input)


replace(backward, make=lambda code: with_backward(_OneMask, code))(
    "All ReLU layers share one mask", "Keep the mask in self: a global name, or one of the class, is the same for all."
)(lambda layer, g, rate: g * layer.masks[0])

replace(backward, make=lambda code: with_backward(ReLU, code))("A later pass keeps the mask of an earlier one", NOW)(
    lambda layer, g, rate: g * _keep(layer, "mask", layer.input > 0)
)

MISTAKES = (*forward.mistakes, *backward.mistakes)
