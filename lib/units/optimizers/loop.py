"""The training loop, its schedule, and weight decay: what an optimizer gets in each step, and what becomes of it."""

import copy
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from lib.checking.spying import namespace_of, spied
from lib.checking.values import numbers
from lib.unit import Array, Inputs, Part, Several, Statement
from lib.units.optimizers import steps


def draw(rng: np.random.Generator) -> Inputs:
    """Draw what other optimizers get, data in batches of which the last one is short, and a schedule."""
    batch_size = int(rng.integers(3, 6))
    samples = batch_size * int(rng.integers(2, 5)) + int(rng.integers(1, batch_size))
    X, y = rng.normal(size=(2, samples)), np.eye(3)[:, rng.integers(3, size=samples)]
    sizes = {"batch_size": batch_size, "nepochs": int(rng.integers(2, 4)), "rate": float(rng.uniform(0.5, 1))}
    warmup_steps, others = int(rng.integers(4, 9)), int(rng.integers(9, 13))
    times = {"peak": float(rng.uniform(1, 5)), "warmup_steps": warmup_steps, "all_steps": warmup_steps + others}
    return {**steps.draw(rng), "X": X, "y": y, **sizes, **times}


class Optimizer:
    """A test optimizer that notes what it is given. Its new weights are drawn, or lie as far from the old ones."""

    def __init__(self, ends: list[list[Array]], moves: bool = False) -> None:
        self.ends, self.moves, self.arrays, self.rates = ends, moves, list[Any](), list[Any]()

    def step(self, weights: Any, gradients: Any, learning_rate: Any) -> list[Array]:
        """Note a step."""
        self.arrays.append(copy.deepcopy({"weights": weights, "gradients": gradients}))
        self.rates.append(learning_rate)
        ends = self.ends[(len(self.rates) - 1) % len(self.ends)]
        return [np.add(w, end) for w, end in zip(weights if self.moves else len(ends) * [0], ends, strict=False)]


def run_loop(inputs: Inputs, fit: Any) -> Several:
    """Run the student's loop on test objects: three dense layers, each with a layer without weights behind it."""
    dense = [SimpleNamespace(weights=w.copy(), weights_gradient=0 * w) for w in inputs["weights"]]
    network = SimpleNamespace(layers=[layer for each in dense for layer in (each, SimpleNamespace())])
    optimizer, batches = Optimizer([[w + step for w in inputs["weights"]] for step in range(1, 100)]), list[Any]()

    def find_gradients(original: Any, network: Any, X: Any, y: Any) -> float:
        batches.append(X)
        for layer, w in zip(dense, inputs["weights"], strict=True):
            layer.weights_gradient = np.sin(len(batches) * w)
        return 1 / len(batches)

    given = (inputs[name] for name in ("X", "y", "batch_size", "nepochs"))
    with spied(namespace_of(fit) or {}, {"find_gradients": find_gradients}):
        fit(network, optimizer, lambda t: inputs["rate"] * (1 + t), *given)
    rates = partial(map, partial(numbers, shape=(), what="The rate of a step"), optimizer.rates)
    return Several(arrays=optimizer.arrays, after=lambda: [each.weights for each in dense], rates=lambda: [*rates()])


def rates(inputs: Inputs, schedule: Any) -> Several:
    """Give the rates of all steps, in the warm-up and after it."""
    peak, half, end = inputs["peak"], inputs["warmup_steps"], inputs["all_steps"]

    def between(*ends: int) -> list[Any]:
        return [np.squeeze(schedule(t, peak, half, end)) for t in range(*ends)]

    return Several(warm_up=lambda: between(0, half), fall=lambda: between(half, end))


def decayed(inputs: Inputs, WeightDecay: Any) -> Several:
    """Take two steps with the student's decay around a test optimizer; momentum stands in for a large decay."""
    inner, seen = Optimizer([inputs["other"], inputs["other_gradients"][0]], moves=True), list[Any]()
    optimizer = WeightDecay(inner, inputs["momentum"] / 4)
    for step, gradients in enumerate(inputs["gradients"][:2]):
        weights = [w + step for w in inputs["weights"]]  # not the student's: each step is looked at by itself
        seen.append([np.array(w) for w in steps.take_step(optimizer, weights, gradients, inputs["rates"][step])])

    def cut(columns: Any) -> list[Any]:
        return [[w[:, columns] for w in each] for each in seen]

    return Several(given=[inner.arrays, inner.rates], weights=partial(cut, slice(-1)), bias=partial(cut, -1))


of_arrays = partial(Statement, axes=("row", "column"), lines="gradients|weights|decay|optimizer|return")
of_rates = partial(Statement, axes=("step",), lines=r"return|schedule|\bt\b")
ARRAYS = of_arrays(
    "Arrays",
    "The optimizer gets all weights and their gradients, one step a batch, and the layers get what it returns.",
    run_loop,
    hint="Print the shapes of both lists in the first step. Which attribute of a layer holds its gradient?",
    points=2,
    of=("arrays", "after"),
)
RATES = of_rates(
    "Rates",
    "Step t has the rate schedule(t), where t counts the steps of all epochs, from 0.",
    run_loop,
    hint="Print t and schedule(t) in each step, over two epochs.",
    of=("rates",),
)
WARM_UP = of_rates(
    "WarmUp",
    "In the warm-up the rate rises in a straight line, and the last of its steps has the peak.",
    rates,
    hint="Write down the rates of a warm-up of 4 steps to the peak 1: there t is 0, 1, 2 and 3.",
    of=("warm_up",),
)
FALL = of_rates(
    "Fall",
    "After the warm-up the rate falls along half a cosine, from the peak to near 0 in the last step.",
    rates,
    hint="Which angle does the cosine get in the first step after the warm-up, and which one near the end?",
    points=2,
    of=("fall",),
)
STEP = of_arrays(
    "OptimizerStep",
    "The optimizer takes one step, with the weights, the gradients and the learning rate as they are.",
    decayed,
    hint="Hand on the three arguments of step, unchanged: the decay is taken away after the optimizer's own step.",
    of=("given",),
)
WEIGHTS = of_arrays(
    "Decay",
    "Each weight is the optimizer's new one minus weight_decay times the old one.",
    decayed,
    hint="Take one weight of 2, the decay 0.1, and an optimizer that gives 5: which number comes out?",
    of=("weights",),
)
BIAS = of_arrays(
    "Bias",
    "The bias, the last column, is the optimizer's new one: it does not decay.",
    decayed,
    hint="Print what is taken away from the last column of each array: it has to be 0.",
    of=("bias",),
)
fit = Part("check-fit", "The training loop", ("fit",), draw, (ARRAYS, RATES), repeated=True)
schedule = Part("check-schedule", "The schedule", ("warm_up_and_fall",), draw, (WARM_UP, FALL))
decay = Part("check-decay", "Weight decay", ("WeightDecay",), draw, (STEP, WEIGHTS, BIAS), code="WeightDecay.step")
