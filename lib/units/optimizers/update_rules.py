"""Three optimizers: the weights after each step, of two objects that take steps in turn.

In the case `more` there are more arrays and steps, and other numbers: nothing fixed is right in both.
"""

from functools import partial
from typing import Any

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array, Inputs, NamedResults, Part, statement

CASES = "", "more"
EPSILON, TINY = 2e-10, 1e-4
"""Next to tiny squares epsilon shows, next to their roots it does not: both forms of the paper agree."""
GIVEN = "weights", "other", "gradients", "other_gradients"
"""The weights and first gradients of two networks: steps leave them as they are."""
FEW = {"momentum": (0.6, 0.85), "beta1": (0.75, 0.9), "beta2": (0.95, 0.98), "epsilon": (0.5, 2)}
MORE = {"momentum": (0.2, 0.4), "beta1": (0.3, 0.45), "beta2": (0.6, 0.8)}
"""Between which numbers the settings are drawn, in each case."""
SLOPES = (1, 8, 0.1, 1), (1, 0.1, 8, 0.1, 1, 1)
"""How large gradients are, step by step: what is clipped shows, and a mean that only grows."""
RATES = (0.2, 0.2, 0.2, 0.2), (0.01, 0.2, 0.2, 0.2, 0.2, 3)
"""The largest rates, likewise."""
of_arrays = partial(
    statement,
    cases=CASES,
    axes=("array", "row", "column"),
    what="The new weights are wrong.",
    lines="return|self|_hat",
    size=lambda inputs: 10,  # as large as weights become
)


def draw(rng: np.random.Generator) -> Inputs:
    """Draw weights, gradients, rates and settings in both cases. Of equal shapes: state that is shared shows."""
    rows, columns = (int(each) for each in rng.choice(np.arange(2, 5), size=2, replace=False))
    few = [(rows, columns)] * 3
    more = [(rows, columns), (rows, columns), (columns, rows + 2), (1, columns)]
    inputs = dict[str, Any]()
    for case, shapes, limits, slopes, rates in zip(("", "_more"), (few, more), (FEW, MORE), SLOPES, RATES, strict=True):
        for name in GIVEN:
            inputs[name + case] = [rng.uniform(0.5, 2, at) * np.sign(rng.random(at) - 0.4) for at in shapes]
        inputs |= {name + case: float(rng.uniform(*ends)) for name, ends in limits.items()}
        inputs |= {f"slopes{case}": np.array(slopes), f"rates{case}": rates * rng.uniform(0.3, 1, len(rates))}
    return inputs


def take_step(optimizer: Any, weights: list[Any], gradients: list[Any], learning_rate: float) -> list[Any]:
    """Return what a step of the student's optimizer returns: it has to be an array for each of the weights.

    The lists are copies, the arrays are not: whether a step writes into these shows in what is left of the inputs.
    """
    returned = optimizer.step([*weights], [*gradients], learning_rate)
    new = [*returned] if hasattr(returned, "__iter__") else []
    if len(new) == len(weights):
        return new
    found = str(len(new)) if new else f"a {type(returned).__name__}"
    hint = "End step with return and the list of new arrays, one for each array of weights, in their order."
    raise Wrong("step does not return a list of new arrays.", found=found, expected=str(len(weights)), hint=hint)


def take_steps(inputs: Inputs, *optimizers: Any) -> NamedResults:
    """Take steps with two optimizers in turn: of one of them the weights after the first, the second and the last step,
    of the other one the last ones; and for each step whether its arrays are new."""
    weights, other, *both = (inputs[name] for name in GIVEN)
    again = [inputs[name] for name in GIVEN[2:]]  # copies of their own: the first step may write into its gradients
    seen, is_new = list[list[Array]](), list[bool]()
    for n, (size, rate) in enumerate(zip(inputs["slopes"].tolist(), inputs["rates"].tolist(), strict=True)):
        slopes, others = [[size * np.sin(n + g) for g in gradients] for gradients in again] if n else both
        new, other = take_step(optimizers[0], weights, slopes, rate), take_step(optimizers[1], other, others, rate)
        is_new.append(all(each is not one for each in new for one in (*weights, *slopes)))
        weights = new
        seen.append([np.array(w) for w in weights])
    later = {"second step": seen[1], "last step": seen[-1], "last step of another optimizer": other}
    return NamedResults(first_step=seen[0], later=later, is_new=is_new)


def same_steps(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Tiny gradients take the steps of large ones, and a gradient of 0 takes none. A large epsilon makes steps shorter:
    as it is or, in the paper's other form, divided by the second correction. Where the small one gives another length,
    other statements say so."""
    (tiny, large, plain, short), begin = found, inputs["weights"]
    forms = 0.1 / (1 + inputs["epsilon"] / np.array([1, np.sqrt(1 - inputs["beta2"])]))
    due = begin[0] - forms[abs(forms - np.mean(begin[0] - short)).argmin()]
    stays, stayed = ([np.ravel(w)[:1] for w in arrays] for arrays in (large, begin))
    names = "tiny gradients", "the gradient 0", "a large epsilon"
    expected = large, stayed, due if np.allclose(plain, begin[0] - 0.1) else short
    return dict(zip(names, (tiny, stays, short), strict=True)), dict(zip(names, expected, strict=True))


part = partial(Part, repeated=True)


@of_arrays(
    "step returns each array minus learning_rate times its gradient, in the same order.",
    name="PlainStep",
    hint="Compute the step of one weight by hand: 2 with the gradient 10, at rate 0.1.",
    of=("first_step", "later"),
)
@of_arrays(
    "step returns new arrays, and leaves those that it is given as they are.",
    name="NewArrays",
    hint="Print weights before and after a call of step. Does your code compute into a new array?",
    of=("is_new",),
    keeps=GIVEN,
    what="step returns an array that it was given.",
    axes=("step",),
)
def plain(inputs: Inputs, SGD: Any) -> NamedResults:
    """Take plain steps."""
    return take_steps(inputs, SGD(), SGD())


sgd = part("check-sgd", "Plain steps", ("SGD",), draw, (plain,), code="SGD.step")


@of_arrays(
    "The first step is a plain step, since the velocity begins at 0.",
    name="FirstStep",
    hint="Follow one weight. Its velocity is 0 at first: what is it after the step, and where is the weight then?",
    of=("first_step",),
    keeps=GIVEN,
)
@of_arrays(
    "Each later step adds a plain step to momentum times the velocity; every array and every object has its own.",
    name="LaterSteps",
    hint="Print the velocity in three steps with the gradient 1. Which part of it is left in the next step?",
    points=2,
    of=("later",),
    depends_on=("FirstStep",),
)
def with_momentum(inputs: Inputs, Momentum: Any) -> NamedResults:
    """Take steps with momentum."""
    return take_steps(inputs, Momentum(inputs["momentum"]), Momentum(momentum=inputs["momentum"]))


momentum = part("check-momentum", "Momentum", ("Momentum",), draw, (with_momentum,), code="Momentum.step")


@of_arrays(
    "The first step is learning_rate long in every entry, against the sign of the gradient.",
    name="FirstLength",
    hint="Follow the first step by hand, with t = 1 and the gradient 2: m, v, and both after the correction.",
    of=("first_step",),
    keeps=GIVEN,
)
@of_arrays(
    "Later steps follow both running means and both corrections; every array and every object has its own.",
    name="LaterSteps",
    hint="Take two steps with the gradients 2 and 6: print self.t, self.m and self.v, and compute them by hand.",
    points=2,
    of=("later",),
    depends_on=("FirstLength",),
)
def with_means(inputs: Inputs, Adam: Any) -> NamedResults:
    """Take steps of Adam."""
    make = partial(Adam, beta1=inputs["beta1"], beta2=inputs["beta2"])
    return take_steps(inputs, make(), make())


@of_arrays(
    "Steps are as long for gradients 10,000 times smaller, and 0 moves nothing: epsilon is outside the root.",
    same_steps,
    name="Epsilon",
    hint="Take the gradients 0.0001 and 0 by hand. Where does epsilon stand, and what is divided by what?",
    what="A step has the wrong length.",
    cases=("",),
    size=lambda inputs: 100,
)
def with_epsilons(inputs: Inputs, Adam: Any) -> list[Any]:
    """Return the weights after three steps with tiny gradients, and with large ones, where one entry has the gradient
    0; and one array after a step with the gradient 1, with a small epsilon and with a large one."""

    def walk(epsilon: float, even: bool, *sizes: float) -> list[Array]:
        optimizer, weights = Adam(inputs["beta1"], inputs["beta2"], epsilon), [np.array(w) for w in inputs["weights"]]
        slopes = [np.ones(w.shape) if even else np.arange(w.size).reshape(w.shape) for w in weights]
        for size in sizes:
            weights = take_step(optimizer, weights, [size * slope for slope in slopes], 0.1)
        return [np.array(w) for w in weights]

    ends = [walk(EPSILON, False, size, 2 * size, 3 * size) for size in (TINY, 1)]
    return [*ends, *(walk(epsilon, True, 1)[0] for epsilon in (EPSILON, inputs["epsilon"]))]


adam = part("check-adam", "Adam", ("Adam",), draw, (with_means, with_epsilons), code="Adam.step")
