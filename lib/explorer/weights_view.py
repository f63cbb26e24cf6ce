"""The weights as a picture: a row for each class, a column for each feature, the bias last.

Where features are the pixels of an image, each class has an image. Colour says sign and size; its range is a power of
two, so that it stays put while the weights grow a little.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.training import Run

WIDTH, HEIGHT = 420, 330
LEVELS = 8  # shades on either side of zero
NUMBERS = 40  # cells up to which each holds its number


def draw(run: Run, epochs: int) -> str:
    """Return the picture of the weights after `epochs` epochs, or as many as the run has."""
    W = run.weights[min(epochs, run.epochs)]
    largest = float(np.abs(W).max(initial=0))
    span = 2.0 ** math.ceil(math.log2(largest)) if 0 < largest < math.inf else 1.0
    body = _images(W, span, run.samples.side) if run.samples.side else _table(W, span)
    return svg.picture(WIDTH, HEIGHT, "Weights", _scale(span), body)


def _table(W: NDArray[np.float64], span: float) -> str:
    rows, columns = W.shape
    left, top, right, bottom = 60, 48, 410, 300
    wide, high = (right - left) / columns, min((bottom - top) / rows, 84)
    parts = [_cells(W, span, left, top, wide, high)]
    names = [f"x{_low(column)}" for column in range(columns - 1)] + ["bias"]
    if columns <= 12:
        parts += [svg.text(left + wide * (column + 0.5), top - 6, name, "m i") for column, name in enumerate(names)]
    parts += [svg.text(left - 6, top + high * (row + 0.5) + 4, f"class {row}", "e i") for row in range(rows)]
    if W.size <= NUMBERS:
        parts += [
            _number(W[row, column], left + wide * (column + 0.5), top + high * (row + 0.5) + 4)
            for row in range(rows)
            for column in range(columns)
        ]
    return "".join(parts)


def _number(value: float, x: float, y: float) -> str:
    halo = "paint-order:stroke;stroke:var(--zl-paper);stroke-width:3px"
    return svg.text(x, y, f"{value:.3g}".replace("-", "−"), "m i", style=halo)


def _images(W: NDArray[np.float64], span: float, side: int) -> str:
    """Draw each class's weights as an image of `side` by `side` pixels, its bias in words below."""
    columns = math.ceil(math.sqrt(len(W) * 1.6))
    rows = math.ceil(len(W) / columns)
    gap, top = 10, 44
    size = min((WIDTH - 8 - gap * (columns - 1)) / columns, (HEIGHT - top) / rows - 26)
    parts = []
    for label, row in enumerate(W):
        x, y = 4 + (label % columns) * (size + gap), top + (label // columns) * (size + 28)
        parts.append(_cells(row[:-1].reshape(side, side), span, x, y, size / side, size / side))
        parts.append(svg.text(x + size / 2, y + size + 13, f"{label}: bias {svg.short(row[-1])}", "m"))
    return "".join(parts)


def _cells(W: NDArray[np.float64], span: float, left: float, top: float, wide: float, high: float) -> str:
    """Draw one rectangle a weight, those of one shade in one path."""
    shade = np.rint(np.clip(np.nan_to_num(W / span), -1, 1) * LEVELS).astype(int)
    w, h = round(wide * 10), round(high * 10)
    rows, columns = W.shape
    frame = f"M{left * 10:.0f} {top * 10:.0f}h{w * columns}v{h * rows}h{-w * columns}z"
    parts = [svg.path(frame, "g")]
    for level in np.unique(shade).tolist():
        if level:
            row, column = np.nonzero(shade == level)
            x, y = (column * w + round(left * 10)).tolist(), (row * h + round(top * 10)).tolist()
            data = "".join(f"M{a} {b}h{w}v{h}h{-w}z" for a, b in zip(x, y, strict=True))
            parts.append(svg.path(data, style=f"fill:{_sign(level)}", fill_opacity=f"{abs(level) / LEVELS:.2f}"))
    return "".join(parts)


def _scale(span: float) -> str:
    """Draw the strip that says what colours mean."""
    steps = np.arange(-LEVELS, LEVELS + 1)[None, :] / LEVELS
    strip = _cells(steps, 1.0, 230, 5, 7, 10)
    return strip + svg.text(224, 14, f"−{span:g}", "e") + svg.text(355, 14, f"+{span:g}")


def _sign(level: int) -> str:
    return "var(--zl-plus)" if level > 0 else "var(--zl-minus)"


def _low(number: int) -> str:
    """Return a number in subscript digits."""
    return "".join(chr(0x2080 + int(digit)) for digit in str(number))
