"""Hidden units as pictures: their kinks on the plane, and what each gives for the training samples.

A hidden unit is 0 on one side of a straight line, its kink, and grows on the other side. A unit that is 0 for all
training samples is dead: no gradient comes through it.
"""

import numpy as np

from lib.explorer import svg
from lib.explorer.architecture import View
from lib.explorer.regions_view import BOTTOM, GRID, TOP, Plane
from lib.explorer.svg import LEFT, RIGHT
from lib.explorer.training import Matrix, Run

LEVELS = 8
"""Shades of an activation."""
SHOWN = 60
"""Samples in the picture of the units, evenly taken of all; more would be too narrow to see."""
LARGEST_ROW = 36


def activations(run: Run, epoch: int, X: Matrix) -> Matrix:
    """Return what each hidden unit gives for each sample, (units, samples), after `epoch` epochs."""
    dense, relu, *_ = run.layer_after(epoch).layers
    return np.asarray(relu.forward(dense.forward(X)), dtype=float)


def dead_units(run: Run, epoch: int) -> int:
    """Count the units that are 0 for all training samples."""
    return int(np.sum(np.all(activations(run, epoch, run.samples.X) == 0, axis=1)))


def kinks(run: Run, epoch: int, plane: Plane) -> str:
    """Draw the line of each unit on the plane, with its number where the line begins; none where nothing bends."""
    dense, relu, *_ = run.layer_after(epoch).layers
    sums = np.array(dense.forward(plane.points))
    if np.array_equal(relu.forward(sums.copy()), sums, equal_nan=True):  # as in the what-if without ReLU
        return ""
    lines, numbers = [], []
    for number, each in enumerate(sums.reshape(-1, GRID, GRID), 1):
        for line in plane.zeros(each):
            lines.append(svg.strokes(line))
            x, y = line[np.argmin(line[:, 1])]
            place = min(max(x, LEFT + 8), RIGHT - 8), min(max(y + 4, TOP + 12), BOTTOM - 4)
            numbers.append(svg.text(*place, str(number), "i o m"))
    path = svg.path("".join(lines), stroke=svg.var("ink"), stroke_width="1.6", stroke_dasharray="5 3")
    return "".join([path, *numbers])


def draw_units(run: Run, epoch: int) -> str:
    """Draw a row for each unit and a column for each of some training samples, class by class.

    What is more has a stronger colour: that is darker in a light theme alone.
    """
    samples = run.samples
    by_class = np.argsort(samples.labels, kind="stable")
    order = by_class[np.linspace(0, len(by_class) - 1, min(SHOWN, len(by_class))).astype(int)]
    found = activations(run, epoch, samples.X)
    largest = float(found.max(initial=0)) or 1.0
    shades = np.ceil(LEVELS * np.clip(np.nan_to_num(found[:, order] / largest), 0, 1)).astype(int)
    top, left = 48, 60
    wide, high = (RIGHT - left) / len(order), min((BOTTOM - top) / len(found), LARGEST_ROW)
    parts = [svg.path(svg.boxes(left, top, RIGHT - left, high * len(found)), "g")]
    parts.append(svg.text(left, 14, f"for {len(order)} of {len(by_class)} training samples; a stronger colour is more"))
    for label, name in enumerate(samples.names):
        columns = np.nonzero(samples.labels[order] == label)[0]
        if not len(columns):
            continue
        parts.append(svg.text(left + wide * (columns[0] + columns[-1] + 1) / 2, top - 6, f"class {name}", "m i"))
        parts.append(svg.cells(shades[:, columns], left + wide * columns[0], top, wide, high, label, LEVELS))
    for unit, each in enumerate(found):
        words = str(unit + 1) if each.any() else f"dead {unit + 1}"
        parts.append(svg.text(left - 6, top + high * (unit + 0.5) + 4, words, "e i"))
    return svg.picture("Units", *parts)


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


UNITS = View("Units", "What each hidden unit gives for the training samples", draw_units, describe_units)
