"""The still picture: the loss, and the regions or the weights, as a PNG for pages without a kernel.

It is a PNG because SVG of a student is refused in feedback, as a few kilobytes of it can fill a browser's memory.
"""

import io

import numpy as np
from matplotlib.figure import Figure

from lib.explorer.runs import Matrix, Run
from lib.explorer.samples import Plane

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8569a", "#8a6d00", "#3a9bd9", "#b07800", "#555555", "#7b4fb5", "#a3373d")
"""Of the classes, as in explorer.css; those beyond ten start over."""
LEADS = (1, 2.5, 5)  # of the likeliest class over the next one, in logarithms of probabilities
SHADES = (0.15, 0.28, 0.4, 0.5)  # of a class's colour, between these leads


def draw(run: Run, epochs: int, plane: Plane | None, shown: Matrix) -> bytes:
    """Draw a run after `epochs` epochs; `shown` are log probabilities on the plane, or weights where there is none."""
    figure = Figure(figsize=(8.4, 3.3), dpi=100, layout="constrained")
    loss, right = figure.subplots(1, 2)
    iterations = run.iteration_loss[: run.iterations_per_epoch * epochs]
    # Each line has its own look: a notebook may set others, which matplotlib would take by turns.
    batch = (np.arange(len(iterations)) + 0.5) / run.iterations_per_epoch
    loss.plot(batch, iterations, color=COLOURS[0], ls="-", lw=0.5, alpha=0.4)
    epoch = np.arange(1, epochs + 1)
    loss.plot(epoch, run.epoch_loss[:epochs], color=COLOURS[0], ls="-", label="training")
    loss.plot(epoch, run.validation_loss[:epochs], color=COLOURS[1], ls="--", label="validation")
    loss.set(yscale="log", xlabel="epoch", title="Loss")
    loss.legend()
    if plane:
        colours = [COLOURS[label % len(COLOURS)] for label in range(len(shown))]
        for label, colour in enumerate(colours):  # one class at a time: between 0 and 2 there is no 1
            lead = shown[label] - np.delete(shown, label, axis=0).max(axis=0)
            lead, levels = lead.reshape(len(plane.y), len(plane.x)), [0, *LEADS, max(lead.max(), LEADS[-1]) + 1]
            right.contourf(plane.x, plane.y, lead, levels=levels, colors=[(colour, share) for share in SHADES])
        right.scatter(*run.samples.X, c=[colours[label] for label in run.samples.labels], s=8)
        right.set(title="Decision regions")
    else:
        strongest = np.abs(shown).max(initial=1e-9)
        right.imshow(shown, aspect="auto", cmap="RdBu", vmin=-strongest, vmax=strongest)
        right.set(title="Weights", xlabel="feature, the bias last", ylabel="row of the weights")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
