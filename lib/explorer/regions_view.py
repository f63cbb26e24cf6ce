"""Decision regions: which class the network predicts at every point of the plane, and how certain it is.

The stronger the colour, the more certain. The network predicts on a grid, and contour lines between these points are
the edges. They are drawn from the logarithms of probabilities, whose contour lines are straight where those of the
scores are, even where softmax changes from 0 to 1 within one cell of the grid.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from contourpy import FillType, LineType, contour_generator
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.loss_view import KeptRun
from lib.explorer.samples import Samples
from lib.explorer.svg import LEFT, RIGHT
from lib.explorer.training import Run

TITLE = "Decision regions"
TOP, BOTTOM = 24, 310
GRID = 36
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

    def features(self, x: float, y: float) -> tuple[float, float]:
        """Return the features at the pixel of the frame that is nearest to a pixel."""
        across, up = (x - LEFT) / (RIGHT - LEFT), (BOTTOM - y) / (BOTTOM - TOP)
        share = np.clip([across, up], 0, 1)
        return tuple((self.low + share * (self.high - self.low)).tolist())

    def zeros(self, values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the lines, (n, 2) in pixels, along which `values` on the grid, (GRID, GRID), are 0."""
        contours: Any = contour_generator(self.px, self.py, values, line_type=LineType.Separate)
        return contours.lines(0.0)


def draw(
    run: Run,
    epoch: int,
    plane: Plane,
    points: str,
    kept: Sequence[KeptRun] = (),
    sample: int = -1,
    keys: Iterable[str] = (),
    help: str = "",
) -> str:
    """Return the picture after `epoch` epochs, with the boundaries of kept runs and a ring around a sample.

    With `keys` the points answer to these and to the pointer, and `help` says how.
    """
    leads = log_odds(run, epoch, plane)
    ring = plane.pixels(run.samples.X_validation[:, [sample]])
    return svg.picture(
        TITLE,
        svg.path(svg.boxes(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP), "g"),
        *(_region(lead, label, plane) for label, lead in enumerate(leads)),
        svg.path(_edges(leads, plane), stroke=svg.var("ink"), stroke_width="1.3", opacity="0.7"),
        *(_kept(number, each, plane) for number, each in enumerate(kept)),
        points,
        svg.path(svg.marks(*ring, 0, 8), stroke=svg.var("ink"), stroke_width="2") if sample >= 0 else "",
        keys=keys,
        help=help,
    )


def log_odds(run: Run, epoch: int, plane: Plane) -> NDArray[np.float64]:
    """Return the log odds of each class against the best of the others at each grid point, (classes, GRID, GRID)."""
    _, yhat = run.predict(plane.points, epoch)
    p: NDArray[np.float64] = np.log(np.maximum(np.nan_to_num(yhat), TINY)).reshape(len(yhat), GRID, GRID)
    if len(p) == 1:
        return p
    best = np.sort(p, axis=0)[-2:]
    return p - np.where(p == best[1], best[0], best[1])


def draw_points(samples: Samples, plane: Plane) -> str:
    """Return one marker a sample, training samples filled and validation samples hollow."""
    parts = []
    for label in range(len(samples.names)):
        x, y = plane.pixels(samples.X[:, samples.labels == label])
        parts.append(svg.area(svg.marks(x, y, label, 3.1), label, stroke=svg.var("paper"), stroke_width="0.7"))
        x, y = plane.pixels(samples.X_validation[:, samples.labels_validation == label])
        parts.append(svg.area(svg.marks(x, y, label, 3.1), "paper", stroke=svg.var(label), stroke_width="1.6"))
    return "".join(parts)


def legend(names: Sequence[str]) -> str:
    """Return what the markers mean."""
    parts, at = [svg.text(134, 14, "class")], 168.0
    for label, name in enumerate(names):
        if at < 280:  # there is room for so many
            parts.append(svg.area(svg.marks(at, 10, label, 4), label) + svg.text(at + 8, 14, name))
        at += 22 + 6 * len(name)
    hollow = svg.path(svg.marks(310, 10, 0, 3.4), stroke=svg.var("soft"), stroke_width="1.6")
    return "".join(parts) + hollow + svg.text(318, 14, "hollow: validation")


def _region(lead: NDArray[np.float64], label: int, plane: Plane) -> str:
    """Draw a class's region as bands laid over each other, so that colour deepens with its lead."""
    contours: Any = contour_generator(plane.px, plane.py, lead, fill_type=FillType.OuterOffset)
    return "".join(svg.area(svg.rings(*contours.filled(band, HIGHEST)), label, 0.15) for band in BANDS)


def _edges(leads: NDArray[np.float64], plane: Plane) -> str:
    return "".join(svg.strokes(line) for lead in leads[: 1 if len(leads) == 2 else None] for line in plane.zeros(lead))


def _kept(number: int, kept: KeptRun, plane: Plane) -> str:
    """Draw the edges of a kept run, with its number where they begin."""
    weights = kept.run.weights  # none where not even the first batch was trained
    edges = _edges(log_odds(kept.run, min(kept.epochs, kept.run.epochs), plane), plane) if weights else ""
    if not edges:
        return ""
    x, y = (int(tenth) / 10 for tenth in edges[1:].replace("M", " ").split()[:2])
    number_there = svg.text(x - 12, min(max(y, TOP + 14), BOTTOM - 4), str(number + 1), "i o")
    return svg.path(edges, "kept", opacity="0.75") + number_there
