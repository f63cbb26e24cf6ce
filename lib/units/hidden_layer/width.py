"""The explorer with a slider for the number of hidden units. Its caption counts dead units.

A hidden unit is dead if it is 0 for all training samples: no gradient passes through it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.explorer.layers_as_one import OneLayer
from lib.explorer.page_answers import Architecture
from lib.explorer.runs import Matrix, Network, Run
from lib.explorer.widget import Explorer
from lib.units.hidden_layer.without_relu import WHAT_IFS

WIDTHS = tuple(range(1, 17))
FIRST = 4
MakeNetwork = Callable[[list[int]], Any]


def explore_width(
    make_network: MakeNetwork, cce: Callable[..., Any], cce_gradient: Callable[..., Any], data: Any = None
) -> Explorer:
    """Show your network with sliders, one of them for the number of hidden units.

    `make_network([inputs, units, classes])` returns a network with a dense layer, ReLU, a dense layer and softmax. The
    other arguments and the result are those of `lib.explorer.explore`. The trait `size` is the number of hidden units.
    """
    units = hidden_units(make_network)
    network = Network(units.make(FIRST), lambda: make_network([1, 1, 1]).layers[-1], cce, cce_gradient)
    return Explorer(network, data, WHAT_IFS, units)


def hidden_units(make_network: MakeNetwork) -> Architecture:
    """Return the architecture with one hidden layer, made of the student's own layers."""

    def make(width: int) -> Callable[[int, int], OneLayer]:
        return lambda inputs, outputs: OneLayer(make_network([inputs, width, outputs]))

    return Architecture("hidden units", WIDTHS, FIRST, make, lower_weights, describe_units)


def lower_weights(run: Run, epoch: int) -> Matrix:
    """Return the weights of the hidden units, (units, features + 1), after `epoch` epochs."""
    return np.asarray(run.layer_after(epoch).layers[0].weights)


def describe_units(run: Run, epoch: int) -> str:
    """Return a sentence on the number of dead units after `epoch` epochs."""
    dense, relu, *_ = run.layer_after(epoch).layers
    hidden = relu.forward(dense.forward(run.recipe.features(run.samples.X)))
    dead = np.sum(np.all(np.asarray(hidden) == 0, axis=1))
    return f"Dead hidden units, 0 for every training sample: {dead} of {run.setting.size}."
