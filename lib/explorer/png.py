"""The first picture as a PNG, for pages without a kernel.

It is drawn anew by matplotlib. To have matplotlib draw the SVG of the live picture would take twice as many lines, most
of them to read CSS, and no less time.
"""

from __future__ import annotations

import io
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.explorer.regions_view import GRID, HIGHEST, Plane
from lib.explorer.svg import CLASS_COLOURS, Points
from lib.explorer.training import Run

MARKERS = "o^sD"


def png(run: Run, epochs: int, caption: str, regions: tuple[Plane, Points] | None) -> bytes:
    """Return the loss of a run and, if there are any, its decision regions, with the caption below, as a PNG.

    `regions` are a plane and the log odds of each class on its grid, (classes, GRID, GRID).
    """
    columns = 2 if regions else 1
    figure = Figure(figsize=(1 + 4 * columns, 4.2), dpi=90, layout="constrained", facecolor="white")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    _draw_loss(axes[0], run, epochs)
    if regions:
        _draw_regions(axes[1], run, *regions)
    figure.supxlabel(textwrap.fill(caption, 10 + 50 * columns), fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _draw_loss(axes: Axes, run: Run, epochs: int) -> None:
    """Draw the loss by iteration and by epoch."""
    per_epoch = run.iterations_per_epoch
    done = np.arange(1, min(epochs, run.epochs) + 1)
    losses = np.array(run.iteration_loss)[: per_epoch * epochs]
    axes.plot(
        np.arange(len(losses)) / per_epoch, losses, color=CLASS_COLOURS[0], lw=0.5, alpha=0.4, label="by iteration"
    )
    axes.plot(done, run.epoch_loss[: len(done)], color=CLASS_COLOURS[0], label="training")
    axes.plot(done, run.validation_loss[: len(done)], "--", color="#c84b00", label="validation")
    axes.set(title="Loss", xlabel="epoch", yscale="log")
    axes.legend(frameon=False)


def _draw_regions(axes: Axes, run: Run, plane: Plane, leads: Points) -> None:
    """Draw the decision regions with the training samples."""
    x, y = (np.linspace(low, high, GRID) for low, high in zip(plane.low, plane.high, strict=True))
    for label, lead in enumerate(leads):
        colour = CLASS_COLOURS[label % len(CLASS_COLOURS)]
        axes.contourf(x, y, lead, levels=[0, HIGHEST], colors=[colour], alpha=0.25)
        across, up = run.samples.X[:, run.samples.labels == label]
        axes.scatter(across, up, s=12, color=colour, marker=MARKERS[label % 4])
    axes.set(title="Decision regions")
