"""The training loop: `train` runs while spies replace the layers and losses, and note what each of these is given.

Each statement is about what a step does with its own samples: one mistake costs one statement.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from lib.checking.results import Wrong
from lib.checking.right import expected
from lib.checking.spies import namespace_of, spied
from lib.unit import FoundAndExpected, Inputs, NamedResults, Part, statement
from lib.units.softmax_classifier.loop_run import COLUMNS, KEYS, Run

CALLS = {"even": (30, 10, 11, 18, 1.5), "short": (103, 34, 2, 6, 0.009)}
"""(samples, batch size, epochs, features, largest rate) of two calls of `train`. In the first, many epochs have three
batches of one size. In the second, four batches have more samples than a limit would allow, and the last has one."""
LOSSES = (150, 3e-7, 4e-7, 0.05, 1.5, 1.7, 1.9, 1.8, 2, 1.9, 2.1)
"""The epochs' losses reveal a loop that stops at a large or small loss, or at one that rises or hardly changes."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw two calls of `train`, and what its layers and losses return. Each sample has its own class, but not 0."""
    inputs: dict[str, Any] = {}
    for case, (samples, size, epochs, features, most) in CALLS.items():
        X = rng.normal(size=(features, samples))
        X[0] = rng.permutation(np.linspace(-2, 2, samples)) + rng.uniform(-0.5, 0.5, size=samples) / samples
        levels = np.repeat(LOSSES, -(-samples // size))
        signs = rng.choice([-1, 1], size=(samples + 1, COLUMNS))
        given = {
            "X": X,
            "y": np.eye(samples + 1)[:, 1 + rng.permutation(samples)],
            "learning_rate": float(rng.uniform(0.4 * most, most)),
            "batch_size": size,
            "nepochs": epochs,
            "weights": rng.normal(size=(samples + 1, features + 1)),
            "orders": rng.permuted(np.tile(np.arange(samples), (4 * epochs, 1)), axis=1),
            "scores": rng.normal(size=(samples + 1, COLUMNS)),
            "outputs": 0.9 * rng.dirichlet(np.full(samples, 0.4), COLUMNS).T + 0.1 / samples,
            "gradients": signs * rng.uniform(0.2, 0.9, signs.shape) * np.resize([9000, 1], COLUMNS),  # reveals limits
            "slopes": rng.uniform(1, 2, size=(samples + 1, 1)),
            "levels": levels * rng.uniform(0.9, 1.1, size=len(levels)),
            "shifts": rng.uniform(-0.4, 0.4, size=KEYS),
            "secrets": rng.uniform(1, 2, size=3),
        }
        inputs |= {f"{name}_{case}": each for name, each in given.items()}
    return inputs


def ends_with(number: int) -> FoundAndExpected:
    """Require a secret number of these inputs, which the run returns only if nothing is wrong."""
    return expected(lambda inputs: inputs["secrets"][number])


def agree_here(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Require a pair of equal entries from a run on these inputs."""
    losses, expected, secret = found
    if secret != inputs["secrets"][0]:
        raise Wrong("The losses are not from this run.")
    return losses, expected


of_the_loop = partial(statement, cases=tuple(CALLS))


@of_the_loop(
    "Each of the nepochs epochs sends all its batches through the layers, in order, including a short last one.",
    ends_with(0),
    name="EveryBatch",
    hint="Loop over generate_batch_indices once in each epoch. Each batch is a list of column numbers.",
    of=("batches",),
    keeps=("X",),
    lines=r"\b(Dense|generate_batch_indices|forward|range)\(",
)
@of_the_loop(
    "cce and cce_gradient get the labels of the same samples, and softmax's output as the prediction.",
    ends_with(1),
    name="LabelsWithSamples",
    hint="Use the batch's columns of y as the labels, and the output of the softmax layer as the prediction.",
    of=("labels",),
    keeps=("y",),
    lines=r"\bcce(_gradient)?\(",
)
@of_the_loop(
    "softmax.backward gets the loss gradient; dlayer.backward its result and the learning rate, with 1/B once.",
    ends_with(2),
    name="GradientFlowsBack",
    hint="Follow the dashed arrows of the figure, with one call for each."
    " Multiply by 1/B once, just before the dense layer.",
    of=("flow",),
    lines=r"\bbackward\(|grad",
)
@of_the_loop(
    "train returns one loss for each epoch: the mean over its samples, in which a short batch counts less.",
    agree_here,
    name="EpochLoss",
    hint="Start each epoch's loss at 0, and weight each batch's loss by its share of all samples.",
    of=("losses",),
    what="An epoch's loss is not the mean over its samples.",
    axes=("epoch",),
    size=1e-3,
    lines=r"loss",
)
def trace(inputs: Inputs, train: Any) -> NamedResults:
    """Run the student's loop with layers and losses that note what they are given."""
    if (space := namespace_of(train)) is None:
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    drawn = {name: inputs[name] for name in inputs if not name.endswith((*CALLS, "case"))}
    X, y, rate, size, _ = earlier = given = [
        inputs[name] for name in ("X", "y", "learning_rate", "batch_size", "nepochs")
    ]
    # An earlier call must not have an effect: one with other samples in the same arrays, or one with other numbers.
    if inputs["case"] == "short":
        X[:], y[:] = (np.roll(each, 1, axis=1) for each in (X, y))
    else:
        earlier = [X, y, rate / 2, size, 1]
    with spied(space, Run(drawn).spies()), suppress(Exception):
        train(*earlier)
    X[:], y[:] = inputs["X"], inputs["y"]
    run, returned, error = Run(drawn), None, None
    with spied(space, run.spies()):
        try:
            returned = train(*given)
        except Exception as raised:
            if run.version < len(run.sizes):
                raise
            error = raised
    return run.results(returned, error)


train = Part("check-train", "The training loop", ("train",), draw, (trace,), repeated=True)
