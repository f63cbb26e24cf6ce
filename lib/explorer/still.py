"""The still picture: the loss, and the regions or the weights, as a PNG for pages without a kernel.

It is a PNG because SVG of a student is refused in feedback, as a few kilobytes of it can fill a browser's memory.
"""

import io

import numpy as np
from matplotlib.figure import Figure

from lib.explorer.samples import Plane
from lib.explorer.training import Matrix, Run

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8569a", "#8a6d00", "#3a9bd9", "#b07800", "#555555", "#7b4fb5", "#a3373d")
"""Of the classes, as in explorer.css; those beyond ten start over."""


def draw(run: Run, epochs: int, plane: Plane | None, shown: Matrix) -> bytes:
    """Draw a run after `epochs` epochs; `shown` are log probabilities on the plane, or weights where there is none."""
    figure = Figure(figsize=(8.4, 3.3), dpi=100, layout="constrained")
    loss, right = figure.subplots(1, 2)
    iterations = run.iteration_loss[: run.iterations_per_epoch * epochs]
    loss.plot((np.arange(len(iterations)) + 0.5) / run.iterations_per_epoch, iterations, lw=0.5, alpha=0.4)
    epoch = np.arange(1, epochs + 1)
    loss.plot(epoch, run.epoch_loss[:epochs], color=COLOURS[0], label="training")
    loss.plot(epoch, run.validation_loss[:epochs], color=COLOURS[1], ls="--", label="validation")
    loss.set(yscale="log", xlabel="epoch", title="Loss")
    loss.legend()
    if plane:
        colours = [COLOURS[label % len(COLOURS)] for label in range(len(shown))]
        regions = shown.argmax(axis=0).reshape(len(plane.y), len(plane.x))
        levels = np.arange(len(shown) + 1) - 0.5
        right.contourf(plane.x, plane.y, regions, levels=levels, colors=colours, alpha=0.3)
        right.scatter(*run.samples.X, c=[colours[label] for label in run.samples.labels], s=8)
        right.set(title="Decision regions")
    else:
        strongest = np.abs(shown).max(initial=1e-9)
        right.imshow(shown, aspect="auto", cmap="RdBu", vmin=-strongest, vmax=strongest)
        right.set(title="Weights", xlabel="feature, the bias last", ylabel="row of the weights")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
