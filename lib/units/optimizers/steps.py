"""Three optimizers: the weights after each step, of two objects that take steps in turn."""

from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Inputs, Part, Several, Statement

EPSILON, TINY = 2e-10, 1e-4  # beside tiny squares epsilon shows, beside their roots it does not: both forms agree
of_arrays = partial(Statement, axes=("row", "column"), lines="return|self|_hat", what="The new weights are wrong.")


def draw(rng: np.random.Generator) -> Inputs:
    """Draw two networks' weights, gradients and rates in some steps. Of equal shapes: state that is shared shows."""
    rows, columns = (int(each) for each in rng.choice(np.arange(2, 5), size=2, replace=False))
    shapes = (rows, columns), (rows, columns), (columns, rows + 2)
    steps = int(rng.integers(4, 7))

    def arrays(down: float = 0.5) -> list[Any]:
        return [rng.uniform(0.5, 2, size) * rng.choice([-1, 1], size, p=[down, 1 - down]) for size in shapes]

    inputs = {name: [arrays(0.3) for _ in range(steps)] for name in ("gradients", "other_gradients")}
    betas = {"beta1": float(rng.uniform(0.75, 0.9)), "beta2": float(rng.uniform(0.95, 0.98))}
    numbers = {**betas, "momentum": float(rng.uniform(0.6, 0.85)), "rates": rng.uniform(0.05, 0.2, size=steps)}
    return {**inputs, **numbers, "weights": arrays(), "other": arrays()}


def take_step(optimizer: Any, weights: list[Any], gradients: list[Any], learning_rate: float) -> list[Any]:
    """Take a step of the student's optimizer: what it returns has to be an array for each of the weights."""
    returned = optimizer.step(weights, [np.array(g) for g in gradients], learning_rate)
    new = [*returned] if hasattr(returned, "__iter__") else []
    if len(new) == len(weights):
        return new
    found = str(len(new)) if new else f"a {type(returned).__name__}"
    hint = "End step with return and the list of new arrays, one for each array of weights, in their order."
    raise Wrong("step does not return a list of new arrays.", found=found, expected=str(len(weights)), hint=hint)


def take_steps(inputs: Inputs, optimizers: tuple[Any, Any], rates: Any) -> Several:
    """Take steps with two optimizers in turn: the weights after the first one of all, and after the others."""
    weights, seen = [inputs["weights"], inputs["other"]], list[Any]()
    for *both, rate in zip(inputs["gradients"], inputs["other_gradients"], rates, strict=True):
        for number, gradients in enumerate(both):
            weights[number] = take_step(optimizers[number], weights[number], gradients, float(rate))
            seen.append([np.array(w) for w in weights[number]])
    return Several(first=seen[0], later=seen[1:])


def plain(inputs: Inputs, SGD: Any) -> Several:
    """Take plain steps at changing rates."""
    return take_steps(inputs, (SGD(), SGD()), inputs["rates"])


def with_momentum(inputs: Inputs, Momentum: Any) -> Several:
    """Take steps at one rate, so that it may come in with the velocity or after it."""
    kept, rates = inputs["momentum"], np.full(len(inputs["rates"]), inputs["rates"][0])
    return take_steps(inputs, (Momentum(kept), Momentum(momentum=kept)), rates)


def with_means(inputs: Inputs, Adam: Any) -> Several:
    """Take steps of Adam at changing rates."""
    make = partial(Adam, beta1=inputs["beta1"], beta2=inputs["beta2"])
    return take_steps(inputs, (make(), make()), inputs["rates"])


def tiny_and_large(inputs: Inputs, Adam: Any) -> list[Any]:
    """Give the weights after three steps with tiny gradients, and with large ones; one entry has the gradient 0."""
    ends, slopes = [], [np.where(np.arange(w.size).reshape(w.shape), w, 0) for w in inputs["weights"]]
    for size in (TINY, 1.0):
        optimizer, weights = Adam(inputs["beta1"], inputs["beta2"], EPSILON), [np.array(w) for w in inputs["weights"]]
        for step in range(1, 4):
            weights = take_step(optimizer, weights, [size * step * slope for slope in slopes], 0.1)
        ends.append([np.array(w) for w in weights])
    return ends


def same_steps(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Tiny gradients take the steps of large ones, and a gradient of 0 takes none."""
    tiny, large = found
    stays, stayed = ([np.ravel(w)[:1] for w in arrays] for arrays in (large, inputs["weights"]))
    return [tiny, stays], [large, stayed]


SGD = of_arrays(
    "PlainStep",
    "step returns each array minus learning_rate times its gradient, in the same order.",
    plain,
    hint="Compute the step of one weight by hand: 2 with the gradient 10, at rate 0.1.",
    points=2,
    of=("first", "later"),
)
FIRST_STEP = of_arrays(
    "FirstStep",
    "The first step is a plain step, since the velocity begins at 0.",
    with_momentum,
    hint="Follow one weight. Its velocity is 0 at first: what is it after the step, and where is the weight then?",
    of=("first",),
)
LATER_STEPS = of_arrays(
    "LaterSteps",
    "Each later step adds a plain step to momentum times the velocity; every array and every object has its own.",
    with_momentum,
    hint="Print the velocity in three steps with the gradient 1. Which part of it is left in the next step?",
    points=2,
    of=("later",),
)
FIRST_LENGTH = of_arrays(
    "FirstLength",
    "The first step is learning_rate long in every entry, against the sign of the gradient.",
    with_means,
    hint="Follow the first step by hand, with t = 1 and the gradient 2: m, v, and both after the correction.",
    of=("first",),
)
LATER_MEANS = of_arrays(
    "LaterSteps",
    "Later steps follow both running means and both corrections; every array and every object has its own.",
    with_means,
    hint="Print t, m_hat and v_hat in three steps with the gradient 1: both have to be 1 in each.",
    points=2,
    of=("later",),
)
OUTSIDE = of_arrays(
    "Epsilon",
    "Steps are as long for gradients 10,000 times smaller, and 0 moves nothing: epsilon is outside the root.",
    tiny_and_large,
    same_steps,
    hint="Take the gradients 0.0001 and 0 by hand. Where does epsilon stand, and what is divided by what?",
    what="Steps with tiny gradients are not as long as with large ones.",
    size=lambda inputs: 100,
)
sgd = Part("check-sgd", "Plain steps", ("SGD",), draw, (SGD,), code="SGD.step")
momentum = Part("check-momentum", "Momentum", ("Momentum",), draw, (FIRST_STEP, LATER_STEPS), code="Momentum.step")
adam = Part("check-adam", "Adam", ("Adam",), draw, (FIRST_LENGTH, LATER_MEANS, OUTSIDE), code="Adam.step")
