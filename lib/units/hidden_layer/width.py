"""The explorer with a slider for the number of hidden units: what each width can draw, and which units are dead."""

from collections.abc import Callable
from functools import partial
from typing import Any

from lib.explorer import Explorer, Network, running_loop, show
from lib.explorer.architecture import Architecture
from lib.units.hidden_layer.stack import Stack
from lib.units.hidden_layer.units_view import UNITS, kinks
from lib.units.hidden_layer.without_relu import WHAT_IFS

WIDTHS = tuple(range(1, 17))
FIRST = 4
MakeNetwork = Callable[[list[int]], Any]


def explore_width(
    make_network: MakeNetwork, cce: Callable[..., Any], cce_gradient: Callable[..., Any], data: Any = None
) -> None:
    """Show your network with sliders, one of them for the number of hidden units.

    `make_network([inputs, units, classes])` is a network of layers: a dense layer, ReLU, a dense layer and softmax.
    `cce`, `cce_gradient` and `data` are as in `lib.explorer.explore`.
    """
    network = Network(
        partial(_stack, make_network, FIRST), lambda: make_network([1, 1, 1]).layers[-1], cce, cce_gradient
    )
    show(Explorer(network, data, running_loop(), WHAT_IFS, hidden_units(make_network)))


def hidden_units(make_network: MakeNetwork) -> Architecture:
    """Make the architecture of one hidden layer, of the student's own layers."""
    return Architecture(
        "hidden units", WIDTHS, FIRST, lambda width: partial(_stack, make_network, width), kinks, (UNITS,)
    )


def _stack(make_network: MakeNetwork, width: int, inputs: int, outputs: int) -> Stack:
    return Stack(make_network([inputs, width, outputs]))
