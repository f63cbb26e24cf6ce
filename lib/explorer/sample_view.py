"""One sample on its way through the network: features, scores, probabilities, loss, each with the shape it has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.training import Run

WIDTH, HEIGHT = 420, 330
TOP, BOTTOM = 66, 274
COLUMNS = ((4, 96), (136, 252), (292, 408))  # from and to, in pixels: x, z, ŷ


def draw(run: Run, epochs: int, sample: int) -> str:
    """Return the picture for one validation sample after `epochs` epochs, or as many as the run has."""
    samples = run.samples
    x, y = samples.X_validation[:, [sample]], samples.y_validation[:, [sample]]
    scores, yhat = run.predict(x, min(epochs, run.epochs))
    loss = float(run.recipe.network.cce(y, yhat))
    W = run.weights[0].shape
    true = int(y[:, 0].argmax())
    return svg.picture(
        WIDTH,
        HEIGHT,
        "One sample",
        svg.text(100, 14, f"validation sample {sample}, of class {true}"),
        _heading(0, "x", x.shape),
        _heading(1, "z = W [x; 1]", scores.shape),
        _heading(2, "ŷ = softmax(z)", yhat.shape),
        _features(x[:, 0], samples.side),
        _bars(scores[:, 0], 1, true, signed=True),
        _bars(yhat[:, 0], 2, true, signed=False),
        _arrows(),
        svg.text(4, HEIGHT - 40, f"W {W} times [x; 1] {(len(x) + 1, 1)} is z {scores.shape}."),
        svg.text(4, HEIGHT - 24, f"y {y.shape} is 1 for class {true} and 0 elsewhere, so the loss is"),
        svg.text(4, HEIGHT - 6, f"−ln {yhat[true, 0]:.3g} = {loss:.3g}", "t"),
    )


def _heading(column: int, name: str, shape: tuple[int, ...]) -> str:
    left = COLUMNS[column][0]
    return svg.text(left, 36, name, "t") + svg.text(left, 51, str(shape))


def _features(x: NDArray[np.float64], side: int) -> str:
    left, right = COLUMNS[0]
    if side:
        size = (right - left) / side
        shade = np.clip((x.reshape(side, side) + 1.5) / 4, 0, 1)
        cells = [
            svg.path(
                _square(left + column * size, TOP + row * size, size),
                style="fill:var(--zl-ink)",
                fill_opacity=f"{shade[row, column]:.2f}",
            )
            for row, column in np.argwhere(shade > 0.02).tolist()
        ]
        return "".join(cells)
    shown = x[:8]
    return "".join(svg.text(left, TOP + 14 + 20 * row, f"{value:.3g}", "i") for row, value in enumerate(shown)) + (
        svg.text(left, TOP + 14 + 20 * len(shown), "…") if len(x) > len(shown) else ""
    )


def _square(x: float, y: float, size: float) -> str:
    a, b, s = round(x * 10), round(y * 10), round(size * 10)
    return f"M{a} {b}h{s}v{s}h{-s}z"


def _bars(values: Sequence[float] | NDArray[np.float64], column: int, true: int, signed: bool) -> str:
    """Draw a bar and a number for each class; the true class has an outline."""
    left, right = COLUMNS[column]
    step = min((BOTTOM - TOP) / len(values), 56)
    start = left + 16
    room = right - start - 44
    largest = max(float(np.nanmax(np.abs(values))), 1e-9) if signed else 1.0
    middle = start + room / 2 if signed else start
    parts = []
    for label, value in enumerate(np.nan_to_num(np.asarray(values, dtype=float)).tolist()):
        y, high = TOP + step * label, step * 0.62
        length = value / largest * (room / 2 if signed else room)
        bar = f"M{middle * 10:.0f} {y * 10:.0f}h{length * 10:.0f}v{high * 10:.0f}h{-length * 10:.0f}z"
        outline = {"stroke": "var(--zl-ink)", "stroke_width": "2"} if label == true else {}
        parts.append(svg.path(bar, style=f"fill:{svg.colour(label)}", **outline))
        parts.append(svg.text(left, y + high / 2 + 4, str(label), "i"))
        parts.append(svg.text(right, y + high / 2 + 4, f"{value:.2f}".replace("-", "−"), "e i"))
    return "".join(parts)


def _arrows() -> str:
    return "".join(svg.text((a[1] + b[0]) / 2, 36, "→", "t m") for a, b in pairwise(COLUMNS))
