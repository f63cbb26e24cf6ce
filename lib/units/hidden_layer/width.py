"""The explorer with a slider for the number of hidden units: what each width can draw, and which units are dead.

A hidden unit is 0 on one side of a straight line, its kink, and grows on the other side. A unit that is 0 for all
training samples is dead: no gradient comes through it. `kinks` draws the lines over the regions, and `UNITS` is a
picture of what each unit gives for the training samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from contourpy import LineType, contour_generator

from lib.explorer import Explorer, Network, running_loop, show, svg
from lib.explorer.architecture import Architecture, View
from lib.explorer.regions_view import BOTTOM, GRID, TOP, Plane
from lib.explorer.svg import LEFT, RIGHT
from lib.explorer.training import Matrix, Recipe, Run
from lib.explorer.what_ifs import WhatIf
from lib.units.softmax_classifier.what_if import WHAT_IFS as OF_ONE_LAYER

WIDTHS = tuple(range(1, 17))
FIRST = 4
LEVELS = 8
"""Shades of an activation."""
SHOWN = 60
"""Samples in the picture of the units, evenly taken of all; more would be too narrow to see."""
LARGEST_ROW = 36
UNFIT = "features are not standardised"
"""Of the first unit's what-ifs the one that puts another object in the place of the layers."""
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
        "hidden units",
        WIDTHS,
        FIRST,
        lambda width: partial(_stack, make_network, width),
        kinks,
        (UNITS,),
    )


def _stack(make_network: MakeNetwork, width: int, inputs: int, outputs: int) -> Stack:
    return Stack(make_network([inputs, width, outputs]))


class Stack:
    """All layers of a network but softmax, as one layer whose weights are a vector."""

    def __init__(self, network: Any) -> None:
        self._make = type(network)
        self.put(network.layers[:-1])

    def put(self, layers: list[Any]) -> None:
        """Have these layers, the lowest first."""
        self.layers = layers
        self._network = self._make(layers)
        self._with_weights = [layer for layer in layers if hasattr(layer, "weights")]

    @property
    def weights(self) -> Matrix:
        """All weights, those of the lowest layer first."""
        return np.concatenate([np.ravel(layer.weights) for layer in self._with_weights])

    @weights.setter
    def weights(self, new: Matrix) -> None:
        sizes = [layer.weights.size for layer in self._with_weights]
        for layer, part in zip(self._with_weights, np.split(new, np.cumsum(sizes)[:-1]), strict=True):
            layer.weights = part.reshape(layer.weights.shape).copy()

    def forward(self, input: Matrix) -> None:
        """Compute the scores."""
        self.output = self._network.forward(input)

    def backward(self, output_gradient: Matrix, learning_rate: float) -> None:
        """Update all weights."""
        self._network.backward(output_gradient, learning_rate)


def activations(run: Run, epoch: int, X: Matrix) -> Matrix:
    """Return what each hidden unit gives for each sample, (units, samples), after `epoch` epochs."""
    dense, relu, *_ = run.layer_after(epoch).layers
    return np.asarray(relu.forward(dense.forward(X)), dtype=float)


def dead_units(run: Run, epoch: int) -> int:
    """Count the units that are 0 for all training samples."""
    return int(np.sum(np.all(activations(run, epoch, run.samples.X) == 0, axis=1)))


def kinks(run: Run, epoch: int, plane: Plane) -> str:
    """Draw the line of each unit on the plane, with its number where the line begins."""
    sums = np.asarray(run.layer_after(epoch).layers[0].forward(plane.points)).reshape(-1, GRID, GRID)
    lines, numbers = [], []
    for number, each in enumerate(sums, 1):
        contours: Any = contour_generator(plane.px, plane.py, each, line_type=LineType.Separate)
        for line in contours.lines(0.0):
            lines.append(svg.strokes(line))
            x, y = line[np.argmin(line[:, 1])]
            place = min(max(x, LEFT + 8), RIGHT - 8), min(max(y + 4, TOP + 12), BOTTOM - 4)
            numbers.append(svg.text(*place, str(number), "i o m"))
    return svg.path("".join(lines), stroke=svg.var("ink"), stroke_width="1.6", stroke_dasharray="5 3") + "".join(
        numbers
    )


def draw_units(run: Run, epoch: int) -> str:
    """Draw a row for each unit and a column for each of some training samples, class by class; darker is more."""
    samples = run.samples
    by_class = np.argsort(samples.labels, kind="stable")
    order = by_class[np.linspace(0, len(by_class) - 1, min(SHOWN, len(by_class))).astype(int)]
    found = activations(run, epoch, samples.X)
    largest = float(found.max(initial=0)) or 1.0
    shades = np.ceil(LEVELS * np.clip(np.nan_to_num(found[:, order] / largest), 0, 1)).astype(int)
    top, left = 48, 60
    wide, high = (RIGHT - left) / len(order), min((BOTTOM - top) / len(found), LARGEST_ROW)
    parts = [svg.path(svg.boxes(left, top, RIGHT - left, high * len(found)), "g")]
    parts.append(svg.text(left, 14, f"for {len(order)} of {len(by_class)} training samples; darker is more"))
    for label, name in enumerate(samples.names):
        columns = np.nonzero(samples.labels[order] == label)[0]
        if not len(columns):
            continue
        parts.append(svg.text(left + wide * (columns[0] + columns[-1] + 1) / 2, top - 6, f"class {name}", "m i"))
        for level in range(1, LEVELS + 1):
            row, column = np.nonzero(shades[:, columns] == level)
            data = svg.boxes(left + wide * columns[column], top + high * row, wide, high)
            parts.append(svg.area(data, label, level / LEVELS))
    for unit, each in enumerate(found):
        words = str(unit + 1) if each.any() else f"dead {unit + 1}"
        parts.append(svg.text(left - 6, top + high * (unit + 0.5) + 4, words, "e i"))
    return svg.picture("Units", *parts)


def describe_units(run: Run, epoch: int) -> str:
    """Say how many units are dead."""
    dead, units = dead_units(run, epoch), run.setting.size
    each = "is" if dead == 1 else "are"
    return f"{dead} of {units} hidden units {each} dead: 0 for all training samples."


class NoBend:
    """A layer that leaves everything as it is."""

    def forward(self, input: Matrix) -> Matrix:
        """Return the input."""
        self.input = self.output = input
        return input

    def backward(self, output_gradient: Matrix, learning_rate: float | None = None) -> Matrix:
        """Return the gradient."""
        return output_gradient


class NoMask(NoBend):
    """ReLU, whose backward leaves the gradient as it is."""

    def __init__(self, relu: Any) -> None:
        self._relu = relu

    def forward(self, input: Matrix) -> Matrix:
        """Return what ReLU makes of the input."""
        self.input, self.output = input, self._relu.forward(input)
        return self.output


def replace_relu(make: Callable[[Any], Any], recipe: Recipe) -> Recipe:
    """Put another layer in the place of ReLU; it is made of ReLU."""
    network = recipe.network

    def made(inputs: int, outputs: int) -> Stack:
        stack: Stack = network.Dense(inputs, outputs)
        below, relu, above = stack.layers
        stack.put([below, make(relu), above])
        return stack

    return replace(recipe, network=replace(network, Dense=made))


WHAT_IFS = (
    WhatIf(
        "ReLU is left out",
        "Which borders can two dense layers draw without a bend?",
        partial(replace_relu, lambda relu: NoBend()),
    ),
    WhatIf(
        "ReLU's backward lets every gradient through",
        "Units now learn from samples for which they are 0. Does the network still learn?",
        partial(replace_relu, NoMask),
    ),
    *(each for each in OF_ONE_LAYER if each.name != UNFIT),
)
UNITS = View("Units", "What each hidden unit gives for the training samples", draw_units, describe_units)
