"""The explorer with a slider for the number of hidden units: what each width can draw, and how many units are dead.

A hidden unit that is 0 for all training samples is dead: no gradient comes through it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lib.explorer import running_loop
from lib.explorer.answers import Architecture
from lib.explorer.training import Matrix, Network, Run
from lib.explorer.widget import Explorer
from lib.units.hidden_layer.stack import Stack
from lib.units.hidden_layer.without_relu import WHAT_IFS

WIDTHS = tuple(range(1, 17))
FIRST = 4
MakeNetwork = Callable[[list[int]], Any]


def explore_width(
    make_network: MakeNetwork, cce: Callable[..., Any], cce_gradient: Callable[..., Any], data: Any = None
) -> Explorer:
    """Show your network with sliders, one of them for the number of hidden units.

    `make_network([inputs, units, classes])` is a network of layers: a dense layer, ReLU, a dense layer and softmax.
    `cce`, `cce_gradient`, `data` and what is returned are as in `lib.explorer.explore`; the trait `size` is the number
    of hidden units.
    """
    network = Network(
        partial(_stack, make_network, FIRST), lambda: make_network([1, 1, 1]).layers[-1], cce, cce_gradient
    )
    return Explorer(network, data, WHAT_IFS, hidden_units(make_network), running_loop())


def hidden_units(make_network: MakeNetwork) -> Architecture:
    """Make the architecture of one hidden layer, of the student's own layers."""
    return Architecture(
        "hidden units", WIDTHS, FIRST, lambda width: partial(_stack, make_network, width), lower_weights, describe_units
    )


def lower_weights(run: Run, epoch: int) -> Matrix:
    """Return the weights of the hidden units, (units, features + 1), after `epoch` epochs."""
    return np.asarray(run.layer_after(epoch).layers[0].weights)


def dead_units(run: Run, epoch: int) -> int:
    """Count the units that are 0 for all training samples after `epoch` epochs."""
    dense, relu, *_ = run.layer_after(epoch).layers
    return int(np.sum(np.all(np.asarray(relu.forward(dense.forward(run.samples.X))) == 0, axis=1)))


def describe_units(run: Run, epoch: int) -> str:
    """Say how many units are dead."""
    dead, units = dead_units(run, epoch), run.setting.size
    if units == 1:
        if dead:
            return "The hidden unit is dead: it is 0 for every training sample."
        return "The hidden unit is not dead: for at least one training sample it isn't 0."
    if not dead:
        return f"None of the {units} hidden units is dead: none is 0 for every training sample."
    each = "is" if dead == 1 else "are"
    return f"{dead} of {units} hidden units {each} dead: 0 for every training sample."


def _stack(make_network: MakeNetwork, width: int, inputs: int, outputs: int) -> Stack:
    return Stack(make_network([inputs, width, outputs]))
