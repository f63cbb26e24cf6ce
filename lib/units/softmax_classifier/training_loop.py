"""The training loop: four statements about the trace of a run, with one row for each step.

`loop_inputs`, `loop_trace` and `expected_rows` are imported when a loop is first checked: they are as slow to import as
all other parts together.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

from functools import partial
from typing import Any

import numpy as np

from lib.unit import Inputs, NamedResults, Part, statement
from lib.units.softmax_classifier.inputs import CALLS


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes, and the results of the spies, for two calls of `train`."""
    from lib.units.softmax_classifier import loop_inputs  # not at the top, as the docstring of this module says

    return loop_inputs.draw(rng)


def right(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """It is right unless `expected_rows` raises `Wrong`."""
    from lib.units.softmax_classifier import expected_rows  # likewise

    expected_rows.require(name, found, inputs)
    return found, found


of_the_loop = partial(statement, right=right, cases=CALLS)


@of_the_loop(
    "Each of the nepochs epochs sends all its batches through the layers, in order, including a short last one.",
    name="EveryBatch",
    hint="Loop over generate_batch_indices once in each epoch. Each batch is a list of column numbers.",
    of=("batches",),
    keeps=("X",),
    lines=r"\b(Dense|generate_batch_indices|forward|range)\(",
)
@of_the_loop(
    "cce and cce_gradient get the labels of the same samples, and softmax's output as the prediction.",
    name="LabelsWithSamples",
    hint="Use the batch's columns of y as the labels, and the output of the softmax layer as the prediction.",
    of=("labels",),
    keeps=("y",),
    lines=r"\bcce(_gradient)?\(",
)
@of_the_loop(
    "softmax.backward gets the loss gradient; dlayer.backward its result and the learning rate, with 1/B once.",
    name="GradientFlowsBack",
    hint="Follow the dashed arrows of the figure, with one call for each."
    " Multiply by 1/B once, just before the dense layer.",
    of=("flow",),
    lines=r"\bbackward\(|grad",
)
@of_the_loop(
    "train returns one loss for each epoch: the mean over its samples, in which a short batch counts less.",
    name="EpochLoss",
    hint="Start each epoch's loss at 0, and weight each batch's loss by its share of all samples.",
    of=("losses", "returned"),
    lines=r"loss",
)
def trace(inputs: Inputs, train: Any) -> NamedResults:
    """Run the student's loop; return the arguments of its calls, and its result."""
    from lib.units.softmax_classifier.loop_trace import trace  # likewise

    return trace(inputs, train)


train = Part("check-train", "The training loop", ("train",), draw, (trace,), repeated=True)
