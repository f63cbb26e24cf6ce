"""One sample on its way through the network: features, scores, probabilities, loss, each with the shape it has."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.svg import HEIGHT
from lib.explorer.training import Run

TOP, BOTTOM = 66, 274
COLUMNS = ((4, 96), (136, 252), (292, 408))  # from and to, in pixels: x, z, ŷ


def draw(run: Run, epoch: int, sample: int) -> str:
    """Return the picture for one validation sample after `epoch` epochs."""
    samples = run.samples
    x, y = samples.X_validation[:, [sample]], samples.y_validation[:, [sample]]
    scores, yhat = run.predict(x, epoch)
    true = int(samples.labels_validation[sample])
    headings = (("x", x.shape), ("z = W [x; 1]", scores.shape), ("ŷ = softmax(z)", yhat.shape))
    return svg.picture(
        "One sample",
        svg.text(100, 14, f"validation sample {sample}, of class {samples.names[true]}"),
        *(svg.text(at, 36, name, "t") for (at, _), (name, _) in zip(COLUMNS, headings, strict=True)),
        *(svg.text(at, 51, str(shape)) for (at, _), (_, shape) in zip(COLUMNS, headings, strict=True)),
        *(svg.text((a[1] + b[0]) / 2, 36, "→", "t m") for a, b in pairwise(COLUMNS)),
        _features(x[:, 0], samples.side),
        _bars(scores[:, 0], 1, true, samples.names),
        _bars(yhat[:, 0], 2, true, samples.names, largest=1.0),
        svg.text(4, HEIGHT - 40, f"W {run.weights[0].shape} times [x; 1] {(len(x) + 1, 1)} is z {scores.shape}."),
        svg.text(4, HEIGHT - 24, f"y {y.shape} is 1 for class {samples.names[true]} and 0 elsewhere, so the loss is"),
        svg.text(4, HEIGHT - 6, say_loss(float(yhat[true, 0]), run.recipe.network.loss(y, yhat)), "t"),
    )


def describe(run: Run, epoch: int, epochs: int, sample: int) -> str:
    """Say the loss of one validation sample after `epoch` of `epochs` epochs, and from which probability it comes."""
    samples = run.samples
    _, yhat = run.predict(samples.X_validation[:, [sample]], epoch)
    y, true = samples.y_validation[:, [sample]], int(samples.labels_validation[sample])
    loss = say_loss(float(yhat[true, 0]), run.recipe.network.loss(y, yhat))
    name = samples.names[true]
    return f"After epoch {epoch} of {epochs} validation sample {sample}, of class {name}, has the loss {loss}."


def say_loss(p: float, loss: float) -> str:
    """Say the loss of a sample whose true class has probability p, and what `cce` gives where that is another."""
    own = -math.log(p) if p > 0 else math.inf
    shown = f"(1 − {1 - p:.4g})" if 0.99 <= p < 1 else f"{p:.5g}"  # so that its logarithm has the digits on the right
    difference = "" if math.isclose(own, loss, rel_tol=1e-3, abs_tol=1e-6) else f"; your cce gives {svg.short(loss)}"
    return f"−log {shown} = {svg.short(own + 0.0)}{difference}"


def _features(x: NDArray[np.float64], side: int) -> str:
    left, right = COLUMNS[0]
    if side:
        size = (right - left) / side
        shade = np.rint(10 * np.clip((x.reshape(side, side) + 1.5) / 4, 0, 1)).astype(int)
        return svg.cells(shade, left, TOP, size, size, "ink", 10)
    shown = [svg.short(value) for value in x[:8]] + ["…"] * (len(x) > 8)
    return "".join(svg.text(left, TOP + 14 + 20 * row, words, "i") for row, words in enumerate(shown))


def _bars(values: NDArray[np.float64], column: int, true: int, names: list[str], largest: float = 0) -> str:
    """Draw a bar and a number for each class; the true class has an outline. Scores go both ways, up to their own."""
    left, right = COLUMNS[column]
    step = min((BOTTOM - TOP) / len(values), 56)
    room = (right - left - 60) / (1 if largest else 2)
    start = left + 16 + (0 if largest else room)
    largest = largest or max(float(np.nanmax(np.abs(values))), 1e-9)
    parts = []
    for label, value in enumerate(np.nan_to_num(values).tolist()):
        y, high = TOP + step * label, step * 0.62
        parts.append(
            svg.area(
                svg.boxes(start, y, value / largest * room, high),
                label,
                stroke=svg.var("ink") if label == true else "none",
                stroke_width="2",
            )
        )
        parts.append(svg.text(left, y + high / 2 + 4, names[label][:2], "i"))
        parts.append(svg.text(right, y + high / 2 + 4, f"{value:.2f}".replace("-", "−"), "e i"))
    return "".join(parts)
