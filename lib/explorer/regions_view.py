"""Decision regions: which class the network predicts at every point of the plane, and how certain it is.

The darker the colour, the more certain. The network predicts on a grid, and contour lines between these points are the
edges. They are drawn from the logarithms of probabilities, whose contour lines are straight where those of the scores
are, even where softmax changes from 0 to 1 within one cell of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from contourpy import FillType, LineType, contour_generator
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.loss_view import KeptRun
from lib.explorer.training import Run

WIDTH, HEIGHT = 420, 330
LEFT, RIGHT, TOP, BOTTOM = 40, 410, 24, 310
GRID = 36
LEGEND = 5  # classes that the legend has room for
BANDS = (0.0, 1.0, 2.5, 5.0)  # the log of how many times likelier the likeliest class is than the next
HIGHEST = 1e4  # above every log odds
TINY = 1e-300  # a probability of 0 has no logarithm
MARGIN = 0.4


class Plane:
    """A piece of the plane around the samples, its grid, and the way from features to pixels."""

    def __init__(self, X: NDArray[np.float64]) -> None:
        self.low = X.min(axis=1) - MARGIN
        self.high = X.max(axis=1) + MARGIN
        self.px = np.linspace(LEFT, RIGHT, GRID)
        self.py = np.linspace(BOTTOM, TOP, GRID)
        x = np.linspace(self.low[0], self.high[0], GRID)
        y = np.linspace(self.low[1], self.high[1], GRID)
        self.points = np.stack([axis.ravel() for axis in np.meshgrid(x, y)])  # (2, GRID * GRID)

    def pixels(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return samples (2, n) as pixels x and y."""
        share = (X - self.low[:, None]) / (self.high - self.low)[:, None]
        return LEFT + share[0] * (RIGHT - LEFT), BOTTOM - share[1] * (BOTTOM - TOP)


def draw(
    run: Run, epochs: int, plane: Plane, points: str, kept: Sequence[KeptRun] = (), sample: int | None = None
) -> str:
    """Return the picture after `epochs` epochs (or as many as the run has), with the boundaries of kept runs."""
    epoch = min(epochs, run.epochs)
    leads = log_odds(run, epoch, plane)
    return svg.picture(
        WIDTH,
        HEIGHT,
        "Decision regions",
        svg.path(f"M{LEFT * 10} {TOP * 10}H{RIGHT * 10}V{BOTTOM * 10}H{LEFT * 10}z", "g"),
        *(_region(lead, label, plane) for label, lead in enumerate(leads)),
        svg.path(_edges(leads, plane), stroke="var(--zl-ink)", stroke_width="1.3", opacity=".7"),
        *(_kept(number, each.boundary) for number, each in enumerate(kept)),
        points,
        _ring(run, plane, sample),
        _words(run, epochs, epoch),
    )


def log_odds(run: Run, epoch: int, plane: Plane) -> NDArray[np.float64]:
    """Return the log odds of each class against the best of the others at each grid point, (classes, GRID, GRID)."""
    _, yhat = run.predict(plane.points, epoch)
    p: NDArray[np.float64] = np.log(np.maximum(np.nan_to_num(yhat), TINY)).reshape(len(yhat), GRID, GRID)
    if len(p) == 1:
        return p
    best = np.sort(p, axis=0)[-2:]
    lead: NDArray[np.float64] = p - np.where(p == best[1], best[0], best[1])
    return lead


def boundary(run: Run, epoch: int, plane: Plane) -> str:
    """Return the edges between regions as path data, to keep."""
    return _edges(log_odds(run, epoch, plane), plane)


def draw_points(samples_X: NDArray[np.float64], labels: NDArray[np.intp], plane: Plane, filled: bool) -> str:
    """Return one marker a sample: training samples filled, validation samples hollow."""
    parts = []
    for label in np.unique(labels).tolist():
        x, y = plane.pixels(samples_X[:, labels == label])
        look = {"fill": svg.colour(label)} if filled else {"fill": "var(--zl-paper)"}
        edge = "var(--zl-paper)" if filled else svg.colour(label)
        width = ".7" if filled else "1.6"
        style = ";".join(f"{key}:{value}" for key, value in look.items())
        parts.append(svg.path(svg.marks(x, y, label, 3.1), style=style, stroke=edge, stroke_width=width))
    return "".join(parts)


def legend(classes: int) -> str:
    """Return the line that says what the markers mean."""
    parts = []
    for label in range(classes):
        mark = svg.marks(np.array([174.0 + 28 * label]), np.array([10.0]), label, 4)
        parts.append(svg.path(mark, style=f"fill:{svg.colour(label)}"))
        parts.append(svg.text(182 + 28 * label, 14, str(label)))
    ring = svg.marks(np.array([318.0]), np.array([10.0]), 0, 3.4)
    hollow = svg.path(ring, stroke="var(--zl-soft)", stroke_width="1.6")
    return svg.text(134, 14, "class") + "".join(parts[: 2 * LEGEND]) + hollow + svg.text(326, 14, "hollow: validation")


def _region(lead: NDArray[np.float64], label: int, plane: Plane) -> str:
    """Draw a class's region as bands laid over each other, so that colour deepens with its lead."""
    contours: Any = contour_generator(plane.px, plane.py, lead, fill_type=FillType.OuterOffset)
    parts = []
    for band in BANDS:
        polygons, offsets = contours.filled(band, HIGHEST)
        data = "".join(svg.rings(p, o) for p, o in zip(polygons, offsets, strict=True))
        parts.append(svg.path(data, style=f"fill:{svg.colour(label)}", fill_opacity=".15"))
    return "".join(parts)


def _edges(leads: NDArray[np.float64], plane: Plane) -> str:
    parts = []
    for lead in leads[:-1] if len(leads) == 2 else leads:
        contours: Any = contour_generator(plane.px, plane.py, lead, line_type=LineType.Separate)
        parts += [svg.strokes(line) for line in contours.lines(0.0)]
    return "".join(parts)


def _kept(number: int, boundary: str) -> str:
    """Draw the edges of a kept run, with its number where they begin."""
    if not boundary:
        return ""
    x, y = (int(tenth) / 10 for tenth in boundary[1:].replace("M", " ").split()[:2])
    return svg.path(boundary, "kept", opacity=".75") + svg.text(
        x - 12, min(max(y, TOP + 14), BOTTOM - 4), str(number + 1), "i o"
    )


def _ring(run: Run, plane: Plane, sample: int | None) -> str:
    if sample is None:
        return ""
    x, y = plane.pixels(run.samples.X_validation[:, [sample]])
    return svg.path(svg.marks(x, y, 0, 8), stroke="var(--zl-ink)", stroke_width="2")


def _words(run: Run, epochs: int, epoch: int) -> str:
    """Say so when the picture is not of the epoch asked for, because there is none."""
    if run.diverged is None or run.diverged > epochs:
        return ""
    last = f"as after epoch {epoch}, the last with numbers" if epoch else "as at the start: no epoch was finished"
    return svg.text((LEFT + RIGHT) / 2, BOTTOM - 10, last, "h")
