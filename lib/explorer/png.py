"""The still picture: what an explorer showed first, as a PNG for pages without a kernel."""

from __future__ import annotations

import io
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.explorer import regions_view
from lib.explorer.training import Run

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8569a", "#8a6d00", "#3a9bd9", "#b07800", "#555555", "#7b4fb5", "#a3373d")
MARKERS = "o^sD"


def png(run: Run, epochs: int, words: str) -> bytes:
    """Return the loss and, on two features, the decision regions of a run, with its words below, as a PNG."""
    planar = len(run.samples.X) == 2 and not run.fault
    figure = Figure(figsize=(9 if planar else 5, 4.2), dpi=90, layout="constrained", facecolor="white")
    axes = figure.subplots(1, 2 if planar else 1, squeeze=False)[0]
    _loss(axes[0], run, epochs)
    if planar:
        _regions(axes[1], run, epochs)
    figure.supxlabel(textwrap.fill(words, 110 if planar else 60), fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _loss(axes: Axes, run: Run, epochs: int) -> None:
    """Draw the loss by iteration and by epoch."""
    per_epoch = run.iterations_per_epoch
    done = np.arange(1, min(epochs, run.epochs) + 1)
    losses = np.array(run.iteration_loss)[: per_epoch * epochs]
    axes.plot(np.arange(len(losses)) / per_epoch, losses, color=COLOURS[0], lw=0.5, alpha=0.4, label="by iteration")
    axes.plot(done, run.epoch_loss[: len(done)], color=COLOURS[0], label="training")
    axes.plot(done, run.validation_loss[: len(done)], "--", color="#c84b00", label="validation")
    axes.set(title="Loss", xlabel="epoch", yscale="log")
    axes.legend(frameon=False)


def _regions(axes: Axes, run: Run, epochs: int) -> None:
    """Draw the decision regions with the training samples."""
    plane = regions_view.Plane(run.samples.X)
    leads = regions_view.leading(run, min(epochs, run.epochs), plane)
    x, y = (np.linspace(low, high, regions_view.GRID) for low, high in zip(plane.low, plane.high, strict=True))
    for label, lead in enumerate(leads):
        colour = COLOURS[label % len(COLOURS)]
        axes.contourf(x, y, lead, levels=[0, regions_view.HIGHEST], colors=[colour], alpha=0.25)
        across, up = run.samples.X[:, run.samples.labels == label]
        axes.scatter(across, up, s=12, color=colour, marker=MARKERS[label % 4])
    axes.set(title="Decision regions")
