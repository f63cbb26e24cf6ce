"""The still picture: the loss, and the decision regions or the weights, as a PNG for pages without a kernel.

It is not an SVG, because feedback refuses SVG from students: a few kilobytes can fill a browser's memory.
"""

import io

import numpy as np
from matplotlib.figure import Figure

from lib.explorer.runs import Matrix, Run
from lib.explorer.samples import Plane

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b8569a", "#8a6d00", "#3a9bd9", "#b07800", "#555555", "#7b4fb5", "#a3373d")
"""The colours of the classes, as in explorer.css. They repeat after ten classes."""
LEADS = (1, 2.5, 5)  # differences between the log probabilities of the two most probable classes
SHADES = (0.15, 0.28, 0.4, 0.5)  # the opacity of a class's colour between these differences


def draw(run: Run, epochs: int, plane: Plane | None, numbers: Matrix) -> bytes:
    """Draw a run after `epochs` epochs. `numbers` are log probabilities on the plane, or weights without a plane."""
    figure = Figure(figsize=(8.4, 3.3), dpi=100, layout="constrained")
    loss, right = figure.subplots(1, 2)
    iterations = run.iteration_loss[: run.iterations_per_epoch * epochs]
    # Explicit styles, because Matplotlib would otherwise cycle through those that the notebook has set.
    batch = (np.arange(len(iterations)) + 0.5) / run.iterations_per_epoch
    loss.plot(batch, iterations, color=COLOURS[0], ls="-", lw=0.5, alpha=0.4)
    epoch = np.arange(1, epochs + 1)
    loss.plot(epoch, run.epoch_loss[:epochs], color=COLOURS[0], ls="-", label="training")
    loss.plot(epoch, run.validation_loss[:epochs], color=COLOURS[1], ls="--", label="validation")
    loss.set(yscale="log", xlabel="epoch", title="Loss")
    loss.legend()
    if plane:
        colours = [COLOURS[label % len(COLOURS)] for label in range(len(numbers))]
        # Each class alone, because interpolation from class 0 to class 2 would draw class 1 between them.
        for label, colour in enumerate(colours):
            lead = numbers[label] - np.delete(numbers, label, axis=0).max(axis=0)
            lead, levels = lead.reshape(len(plane.y), len(plane.x)), [0, *LEADS, max(lead.max(), LEADS[-1]) + 1]
            right.contourf(plane.x, plane.y, lead, levels=levels, colors=[(colour, share) for share in SHADES])
        right.scatter(*run.samples.X, c=[colours[label] for label in run.samples.labels], s=8)
        right.set(title="Decision regions")
    else:
        strongest = np.abs(numbers).max(initial=1e-9)
        right.imshow(numbers, aspect="auto", cmap="RdBu", vmin=-strongest, vmax=strongest)
        right.set(title="Weights", xlabel="feature, the bias last", ylabel="row of the weights")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
