"""The training loop: four statements about the trace of a run, one row a step.

How a run is traced (`trace`), what its rows have to be (`steps`), and what is drawn for it (`draws`) is loaded when a
loop is checked for the first time: it takes as long to import as the statements of all other parts together.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.checking.right import by_name
from lib.unit import Inputs, Part, Several, Sides, Statement
from lib.units.softmax_classifier.inputs import CALLS


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes, and what the spies return, for two calls of `train`."""
    from lib.units.softmax_classifier import draws  # only when a loop is checked

    return draws.draw(rng)


def trace(inputs: Inputs, train: Any) -> Several:
    """Run the student's loop, and show what it gave to each call, and what it returned."""
    from lib.units.softmax_classifier.trace import trace  # likewise

    return trace(inputs, train)


def _right(name: str) -> Sides:
    """What `steps` says of a table of this name."""

    def right(found: Any, inputs: Inputs, _: str) -> tuple[Any, Any]:
        from lib.units.softmax_classifier import steps  # likewise

        require: Callable[[Any, Inputs], None] = getattr(steps, name)
        require(found, inputs)
        return found, found

    return right


STATEMENTS = (
    Statement(
        "EveryBatch",
        "Each of the nepochs epochs sends all its batches through the layers, in order, also the short last one.",
        trace,
        _right("require_batches"),
        "Loop over generate_batch_indices once in each epoch. Each batch is a list of column numbers.",
        of=("batches",),
        cases=CALLS,
        keeps=("X",),
        lines=r"\b(Dense|generate_batch_indices|forward|range)\(",
    ),
    Statement(
        "LabelsWithSamples",
        "cce and cce_gradient get the labels of the same samples, and softmax's output as the prediction.",
        trace,
        _right("require_labels"),
        "Take the batch's columns of y as the labels, and the output of the softmax layer as the prediction.",
        of=("labels",),
        cases=CALLS,
        keeps=("y",),
        lines=r"\bcce(_gradient)?\(",
    ),
    Statement(
        "GradientFlowsBack",
        "softmax.backward gets the loss gradient; dlayer.backward its result and the learning rate, with 1/B once.",
        trace,
        _right("require_flow"),
        "Follow the dashed arrows of the figure, one call for each. Multiply by 1/B once, just before the dense layer.",
        of=("flow",),
        cases=CALLS,
        lines=r"\bbackward\(|grad",
    ),
    Statement(
        "EpochLoss",
        "train returns one loss for each epoch: the mean over its samples, so a short batch counts for less.",
        trace,
        by_name(losses=_right("require_losses"), returned=_right("require_trained")),
        "Start each epoch's loss at 0, and weight each batch's loss by its share of all samples.",
        of=("losses", "returned"),
        cases=CALLS,
        lines=r"loss",
    ),
)
train = Part("check-train", "The training loop", ("train",), draw, STATEMENTS, repeated=True)
