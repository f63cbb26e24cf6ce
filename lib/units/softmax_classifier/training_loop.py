"""The training loop: `train` runs while spies replace the layers and losses, and record what they are given.

The numbers that they return are drawn, so that a mistake in a layer or a loss costs nothing here. Each statement is
about all steps together, in numbers that don't depend on which batches there were: so one mistake costs one statement.
"""

from __future__ import annotations  # or the signature of `draw` would load numpy.random, which a check needs only later

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from lib.checking.results import Wrong, numbers
from lib.checking.spies import namespace_of, spied
from lib.unit import Array, Inputs, NamedResults, Part, statement

CALLS = {"even": (12, 4, 3, 5), "short": (103, 34, 2, 6)}
"""(samples, batch size, epochs, features) of two calls of `train`; in the second, the last batch is a single sample."""
MOST_STEPS = 500


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data in which each sample has its own class, and the numbers that layers and losses return."""
    inputs: dict[str, Any] = {}
    for case, (samples, size, epochs, features) in CALLS.items():
        classes, codes = rng.permutation(samples + 1), rng.normal(size=samples)
        given = {
            "X": np.vstack([codes, rng.normal(size=(features - 1, samples))]),
            "y": np.eye(samples + 1)[:, classes[:-1]],
            "learning_rate": float(rng.uniform(0.2, 0.9)),
            "batch_size": size,
            "nepochs": epochs,
            "orders": np.array([rng.permutation(samples) for _ in range(epochs + 2)]),
            "codes": np.append(codes, 9.0)[np.argsort(classes)],
            "secrets": rng.uniform(1, 2, size=3),
            "scores": rng.normal(size=samples + 1),
            "marks": rng.uniform(0.1, 0.9, size=samples),
            "slopes": 100 * rng.normal(size=samples + 1),
            "jacobian": rng.normal(size=(samples + 1, samples + 1)),
        }
        inputs |= {f"{name}_{case}": each for name, each in given.items()}
    return inputs


def _sum(array: Array) -> float:
    return float(np.sqrt(np.arange(2, len(array) + 2)) @ array.mean(axis=1))


class Run:
    """One call of `train`: what it gives to the layers and losses, each of which returns drawn numbers."""

    def __init__(self, inputs: Inputs):
        self.inputs = {name: inputs[name] for name in inputs if not name.endswith(tuple(CALLS))}
        self.steps, self.labels, self.flow = list[list[float]](), list[list[float]](), list[list[float]]()
        self.epoch, self.passes, self.scores = -1, 0, np.nan
        self.sizes: tuple[float, ...] = (0.0, 0.0)
        self.features = self.into_softmax = np.ones((1, 1))
        self.codes = dict[float, float]()
        """The code of a sample by the number that identifies its prediction."""
        self.layers, self.weights = list[Any](), dict[int, Any]()

    def spies(self) -> dict[str, Any]:
        """Return the functions and methods that replace the notebook's."""
        methods = ("dense_forward", "dense_backward", "softmax_forward", "softmax_backward")
        named = {
            f"{each.partition('_')[0].capitalize()}.{each.partition('_')[2]}": getattr(self, each) for each in methods
        }
        functions = ("cce", "cce_gradient", "generate_batch_indices")
        return named | {name: getattr(self, name) for name in functions}

    def generate_batch_indices(self, _: Any, count: Any, size: Any, *__: Any) -> list[Any]:
        """Return the drawn batches of the next epoch."""
        self.epoch += 1
        order = self.inputs["orders"][self.epoch % len(self.inputs["orders"])]
        order = np.concatenate([order[order < int(count)], np.arange(len(order), int(count))])
        return np.split(order, range(int(size), len(order), int(size)))

    def dense_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        """Record the features, and return drawn scores, other ones after each step."""
        self.features = given = numbers(input)
        if layer not in self.layers:
            self.layers.append(layer)
            self.weights[id(layer)] = np.array(getattr(layer, "weights", np.zeros((0, 0))))
        scores = np.roll(self.inputs["scores"], len(self.steps))
        return _keep(original, layer, input, np.tile(scores[:, None], given.shape[1]))

    def softmax_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        """Record the scores, and return predictions: their losses in row 0, what identifies them in row 1."""
        given, self.passes = numbers(input), self.passes + 1
        count = given.shape[1]
        self.scores = _sum(given)
        output = np.full(given.shape, 0.5)
        output[0] = self.inputs["marks"][:count] if count <= len(self.inputs["marks"]) else 0.5
        output[1] = self.passes + np.arange(count) / 1000
        if count == self.features.shape[1]:
            self.codes |= dict(zip(output[1].round(4).tolist(), self.features[0].tolist(), strict=True))
        return _keep(original, layer, input, output)

    def see_labels(self, y: Any, yhat: Any) -> Array:
        """Record whose labels and whose predictions these are; return the predictions."""
        y, yhat = numbers(y), numbers(yhat)
        found = [self.codes.get(mark, np.nan) for mark in yhat[1].round(4).tolist()]
        self.labels += [[each] for each in (self.inputs["codes"] @ y - found + self.inputs["secrets"][0]).tolist()]
        return yhat if (yhat[1] >= 1).any() else y

    def cce(self, _: Any, y: Any, yhat: Any, *__: Any) -> Any:
        """Return the mean of the predictions' losses."""
        return self.see_labels(y, yhat)[0].mean()

    def cce_gradient(self, _: Any, y: Any, yhat: Any, *__: Any) -> Array:
        """Return the same gradient for each sample."""
        return np.tile(self.inputs["slopes"][:, None], self.see_labels(y, yhat).shape[1])

    def softmax_backward(self, original: Any, layer: Any, output_gradient: Any, *_: Any) -> Any:
        """Record the gradient, and multiply by a drawn matrix, so that 1/B may come in before or after it."""
        self.into_softmax = numbers(output_gradient)
        return self.inputs["jacobian"] @ self.into_softmax

    def dense_backward(
        self, original: Any, layer: Any, output_gradient: Any, learning_rate: Any = np.nan, *_: Any
    ) -> Any:
        """Record the step: gradient times rate, summed over the samples, doesn't depend on how many there are."""
        moved, into, weights = (
            numbers(output_gradient) * float(learning_rate),
            self.into_softmax,
            getattr(layer, "weights", 0),
        )
        is_whole = moved.shape[1] == self.features.shape[1] and layer is (self.layers or [None])[0]
        is_whole = is_whole and np.array_equal(self.weights.get(id(layer)), weights)
        count = moved.shape[1] if is_whole else np.nan
        self.flow.append([_sum(into[::-1]) / _sum(into), _sum(moved) * count, _sum(moved[::-1]) * count])
        self.steps.append([_sum(self.features), float(self.features.shape[1]), self.scores])
        shape = np.shape(weights)
        self.sizes = tuple(map(float, shape)) if len(shape) == 2 else (0.0, 0.0)
        self.weights[id(layer)] = np.array(weights) * 0.99
        with suppress(Exception):  # a layer that allows no weights is not a mistake of the loop
            layer.weights = self.weights[id(layer)].copy()
        if len(self.steps) > MOST_STEPS:
            raise Wrong("There are far more steps than expected.")
        return np.zeros(self.features.shape)

    def result(self, returned: Any) -> NamedResults:
        """Return what was recorded, and what `train` has returned."""
        if not self.steps:
            raise Wrong("dlayer.backward was not called.", hint="Call it once in every step.")
        has_layers = isinstance(returned, tuple | list) and hasattr(returned[0], "forward")
        losses, first = (returned[-1], returned[0]) if has_layers else (returned, None)
        is_trained = first is None or np.array_equal(
            getattr(first, "weights", 0), self.weights.get(id(self.layers[0]), 1)
        )
        return NamedResults(
            batches=[*self.sizes, *self.steps],
            labels=_ends(self.labels),
            flow=_ends(self.flow),
            losses=lambda: numbers(losses, what="The list of losses").ravel(),
            returned=self.inputs["secrets"][2] * is_trained,
        )


def _ends(rows: list[list[float]]) -> Array:
    """Return the smallest and the largest number of each column: in right code both are the same."""
    return np.array([np.min(rows, axis=0), np.max(rows, axis=0)])


def _keep(original: Any, layer: Any, input: Any, output: Array) -> Array:
    """Store in the layer what its own forward stores, with this output in place of its own."""
    with suppress(Exception):  # an error in a layer is not a mistake of the loop
        original(layer, input)
        own = layer.output
        for name in [name for name, value in vars(layer).items() if value is own]:
            setattr(layer, name, output)
    with suppress(Exception):
        layer.input, layer.output = input, output
    return output


of_the_loop = partial(statement, cases=tuple(CALLS))


@of_the_loop(
    "Each of the nepochs epochs sends all its batches through the layers, in order, including a short last one.",
    name="EveryBatch",
    hint="Loop over generate_batch_indices once in each epoch. Each batch is a list of column numbers.",
    of=("batches",),
    keeps=("X",),
    what="The steps of the loop aren't those of its batches.",
    lines=r"\b(Dense|generate_batch_indices|forward|range)\(",
)
@of_the_loop(
    "cce and cce_gradient get the labels of the same samples, and softmax's output as the prediction.",
    name="LabelsWithSamples",
    hint="Use the batch's columns of y as the labels, and the output of the softmax layer as the prediction.",
    of=("labels",),
    keeps=("y",),
    what="cce or cce_gradient gets other labels or another prediction in some step.",
    lines=r"\bcce(_gradient)?\(",
)
@of_the_loop(
    "softmax.backward gets the loss gradient; dlayer.backward its result and the learning rate, with 1/B once.",
    name="GradientFlowsBack",
    hint="Follow the dashed arrows of the figure, with one call for each."
    " Multiply by 1/B once, just before the dense layer.",
    of=("flow",),
    what="The gradient, times the learning rate and 1/B, is another one in some step.",
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
    """Run the student's loop with layers and losses that record what they are given."""
    if (space := namespace_of(train)) is None:
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    run, own = Run(inputs), inputs
    with spied(space, run.spies()):
        return run.result(train(own["X"], own["y"], own["learning_rate"], own["batch_size"], own["nepochs"]))


train = Part("check-train", "The training loop", ("train",), draw, (trace,), repeated=True)
