"""The weights as a picture: a row for each class, a column for each feature, the bias last.

Where features are the pixels of an image, each class has an image. Colour says sign and size; its range is a power of
two, so that it stays put while the weights grow a little.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.svg import BOTTOM, HEIGHT, RIGHT, WIDTH
from lib.explorer.training import Run

LEVELS = 8  # shades on either side of zero
NUMBERS = 40  # cells up to which each holds its number


def draw(run: Run, epoch: int) -> str:
    """Return the picture of the weights after `epoch` epochs."""
    W, names = run.weights[epoch], run.samples.names
    largest = float(np.abs(W).max(initial=0))
    span = 2.0 ** math.ceil(math.log2(largest)) if 0 < largest < math.inf else 1.0
    body = _images(W, span, run.samples.side, names) if run.samples.side else _table(W, span, names)
    ends = svg.text(224, 14, f"−{span:g}", "e") + svg.text(355, 14, f"+{span:g}")
    return svg.picture("Weights", _scale(), ends, body)


def describe(run: Run, epoch: int) -> str:
    """Say which weight is farthest from 0."""
    W = run.weights[epoch]
    row, column = np.unravel_index(np.argmax(np.abs(W)), W.shape)
    feature = f"feature {column}" if column < W.shape[1] - 1 else "bias"
    return f"The weight farthest from 0 is {svg.short(W[row, column])}: class {run.samples.names[row]}, {feature}."


@cache
def _scale() -> str:
    """Draw all shades side by side."""
    return _cells(np.arange(-LEVELS, LEVELS + 1)[None, :] / LEVELS, 1.0, 230, 5, 7, 10)


def _table(W: NDArray[np.float64], span: float, classes: list[str]) -> str:
    rows, columns = W.shape
    left, top = 60, 48
    wide, high = (RIGHT - left) / columns, min((BOTTOM - top) / rows, 84)
    x, y = left + wide * (np.arange(columns) + 0.5), top + high * (np.arange(rows) + 0.5) + 4
    parts = [_cells(W, span, left, top, wide, high)]
    if columns <= 12:
        features = [f"feature {column}" if columns < 6 else str(column) for column in range(columns - 1)]
        parts += [svg.text(at, top - 6, name, "m i") for at, name in zip(x, [*features, "bias"], strict=True)]
    if rows <= 24:
        names = [f"class {name}" if len(name) < 4 else name[:9] for name in classes]
        parts += [svg.text(left - 6, at, name, "e i") for at, name in zip(y, names, strict=True)]
    if W.size <= NUMBERS:
        parts += [svg.text(x[column], y[row], svg.short(each), "m i o") for (row, column), each in np.ndenumerate(W)]
    return "".join(parts)


def _images(W: NDArray[np.float64], span: float, side: int, classes: list[str]) -> str:
    """Draw each class's weights as an image of `side` by `side` pixels, its bias in a number below."""
    columns = math.ceil(math.sqrt(len(W) * 1.6))
    rows = math.ceil(len(W) / columns)
    gap, top = 10, 44
    size = min((WIDTH - 8 - gap * (columns - 1)) / columns, (HEIGHT - top) / rows - 26)
    parts = [svg.text(4, 32, "each class with its bias")]
    for label, row in enumerate(W):
        x, y = 4 + (label % columns) * (WIDTH - 8) / columns, top + (label // columns) * (size + 28)
        parts.append(_cells(row[:-1].reshape(side, side), span, x, y, size / side, size / side))
        parts.append(svg.text(x + size / 2, y + size + 13, f"{classes[label]}: {svg.short(row[-1])}", "m i"))
    return "".join(parts)


def _cells(W: NDArray[np.float64], span: float, left: float, top: float, wide: float, high: float) -> str:
    """Draw one rectangle a weight, those of one shade in one path."""
    shade = np.rint(np.clip(np.nan_to_num(W / span), -1, 1) * LEVELS).astype(int)
    frame, at = svg.path(svg.boxes(left, top, wide * W.shape[1], high * len(W)), "g"), (left, top, wide, high)
    return frame + svg.cells(shade, *at, "plus", LEVELS) + svg.cells(-shade, *at, "minus", LEVELS)
