"""What-ifs of a hidden layer for the explorer: no ReLU, no mask in its backward, and those of the first unit."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from lib.explorer.layers_as_one import OneLayer
from lib.explorer.runs import Matrix, Recipe
from lib.explorer.what_ifs import WhatIf
from lib.units.softmax_classifier.what_if import WHAT_IFS as OF_ONE_LAYER


class Identity:
    """A layer that returns its input and its gradient unchanged."""

    def forward(self, input: Matrix) -> Matrix:
        self.input = self.output = input
        return input

    def backward(self, output_gradient: Matrix, learning_rate: float | None = None) -> Matrix:
        return output_gradient


def leave_out_mask(relu: Any) -> Any:
    """Return ReLU with a backward that returns its gradient unchanged."""
    relu.backward = lambda output_gradient, learning_rate=None: output_gradient
    return relu


def replace_relu(make: Callable[[Any], Any], recipe: Recipe) -> Recipe:
    """Replace the layer ReLU of a network by `make(relu)`."""
    network = recipe.network

    def make_layers(inputs: int, outputs: int) -> OneLayer:
        stack: OneLayer = network.Dense(inputs, outputs)
        below, relu, above = stack.layers
        stack.put([below, make(relu), above])
        return stack

    return replace(recipe, network=replace(network, Dense=make_layers))


WHAT_IFS = (
    WhatIf(
        "ReLU is left out",
        "Which borders can two dense layers draw without ReLU between them?",
        partial(replace_relu, lambda relu: Identity()),
    ),
    WhatIf(
        "ReLU's backward lets every gradient through",
        "Units now learn from samples for which they are 0. Does the network still learn?",
        partial(replace_relu, leave_out_mask),
    ),
    *OF_ONE_LAYER,
)
