"""Three optimizers: the weights after each step, next to an object with other settings.

The case `more` has more arrays and steps, and other numbers, so that no fixed number is right in both cases.
"""

from functools import partial
from typing import Any

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import Wrong
from lib.checking.spies import RETURNED
from lib.unit import Array, Inputs, NamedResults, Part, statement

CASES = "", "more"
EPSILON, TINY = 2e-10, 1e-4
"""This epsilon matters next to the squares of tiny gradients, but not next to their roots, as both forms require."""
GIVEN = "weights", "other", "gradients", "other_gradients"
"""The weights and first gradients of two networks, which a step must not change."""
FEW = {"momentum": (0.6, 0.85), "beta1": (0.75, 0.9), "beta2": (0.95, 0.98), "epsilon": (0.5, 2)}
MORE = {"momentum": (0.2, 0.4), "beta1": (0.3, 0.45), "beta2": (0.6, 0.8)}
FEW |= {"share": (0.3, 0.4), "first_rate": (0, 0)}
MORE |= {"share": (0, 0), "first_rate": (0.1, 0.2)}
"""The ranges of the settings in each case. Another object has a `share` of them, and its first step has a rate of its
own: 0 is a setting, and a rate, too."""
SLOPES = (1, 8, 0.1), (1, 0.1, 8, 1)
"""The size of the gradients in each step, which reveals clipping and means that only grow."""
FAR = 1000.0
"""How far the weights of the step after the last one are from the others."""
RATES = (0.2, 0.2, 0.2), (0.01, 0.2, 0.2, 3)
"""The largest rate of each step."""
of_arrays = partial(
    statement,
    cases=CASES,
    axes=("array", "row", "column"),
    what="The new weights are wrong.",
    lines="return|self|_hat",
    size=10,  # of the largest weights
)


def draw(rng: np.random.Generator) -> Inputs:
    """Draw weights, gradients, rates and settings in both cases. Arrays of equal shape reveal shared state.

    The last array of `more` is a vector, which reveals code that only works for matrices.
    """
    rows, columns = (int(each) for each in rng.choice(np.arange(2, 5), size=2, replace=False))
    few: list[tuple[int, ...]] = [(rows, columns)] * 3
    more = [(rows, columns), (rows, columns), (columns, rows + 2), (columns,)]
    inputs = dict[str, Any]()
    for case, shapes, limits, slopes, rates in zip(("", "_more"), (few, more), (FEW, MORE), SLOPES, RATES, strict=True):
        for name in GIVEN:
            inputs[name + case] = [rng.uniform(0.5, 2, at) * np.sign(rng.random(at) - 0.4) for at in shapes]
        inputs |= {name + case: float(rng.uniform(*ends)) for name, ends in limits.items()}
        inputs |= {f"slopes{case}": np.array(slopes), f"rates{case}": rates * rng.uniform(0.3, 1, len(rates))}
    return inputs


def take_step(optimizer: Any, weights: list[Any], gradients: list[Any], learning_rate: float) -> list[Any]:
    """Return the new weights from a step of the student's optimizer: one for each array, or it raises `Wrong`."""
    returned = optimizer.step(weights, gradients, learning_rate)
    new = [*returned] if isinstance(returned, list | tuple | np.ndarray) else []
    found = str(len(new)) if new else f"a {type(returned).__name__}"
    if len(new) == len(weights):
        if all(hasattr(w, "shape") for w in new):
            return new
        found = f"a list of {type(new[0]).__name__}s"
    hint = "End step with return and a list of new arrays, one for each array of weights, in the same order."
    expected = f"a list of {len(weights)} arrays"
    raise Wrong("step does not return a list of new arrays.", found=found, expected=expected, hint=hint)


def take_steps(inputs: Any, optimizer: Any, other: Any) -> NamedResults:
    """Take steps from the weights of the step before, as in training; another optimizer takes the first and the last.

    Return the weights after the first, second and last step, the other's last weights, and whether the arrays of each
    step are new. After the last step comes one with its gradients from far other weights, which must have an effect:
    the exact one isn't compared, because a velocity that is the difference of the last two weights is right, too.
    """
    sizes, rates, seen, is_new = inputs["slopes"].tolist(), inputs["rates"].tolist(), list[list[Array]](), list[bool]()
    weights, others, begin, other_begin = (inputs[name] for name in GIVEN)
    for n, (size, rate) in enumerate(zip(sizes, rates, strict=True)):
        slopes, other_slopes = ([size * np.sin(n + g) for g in each] for each in (begin, other_begin))
        inputs.watch("gradients", slopes)
        new = take_step(optimizer, weights, slopes, rate)
        is_new.append(all(each is not one for each in new for one in (*weights, *slopes)))
        seen.append([np.array(w) for w in new])
        weights = inputs.watch("weights", new, RETURNED)
        if n in (0, len(sizes) - 1):
            inputs.watch("other_gradients", other_slopes)
            others = inputs.watch(
                "other", take_step(other, others, other_slopes, rate if n else inputs["first_rate"]), RETURNED
            )
    later = {"second step": seen[1], "last step": seen[-1], "last step of another optimizer": [*map(np.array, others)]}
    far = [w + FAR for w in seen[-1]]
    moved = take_step(optimizer, [w.copy() for w in far], [size * np.sin(n + g) for g in begin], rate)
    return NamedResults(
        first_step=seen[0],
        later=later,
        is_new=lambda: require_new(is_new),
        begins_there=lambda: require_begin(moved, far),
    )


class SameLists:
    """Passes its arguments to an optimizer in the same two lists in each step: plain steps have nothing to remember."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer, self.weights, self.gradients = optimizer, list[Array](), list[Array]()

    def step(self, weights: list[Array], gradients: list[Array], learning_rate: float) -> Any:
        """Take a step."""
        self.weights[:], self.gradients[:] = weights, gradients
        return self.optimizer.step(self.weights, self.gradients, learning_rate)


def require_begin(new: list[Any], weights: list[Array]) -> bool:
    """Raise `Wrong` if a step doesn't begin at the weights that it gets."""
    if all(np.all(one > each - FAR / 2) for one, each in zip(new, weights, strict=True)):
        return True
    hint = "Compute the new weights from the argument weights: other code may change them between two steps."
    raise Wrong("step does not begin at the weights that it gets.", hint=hint)


def require_new(is_new: list[bool]) -> bool:
    """Raise `Wrong` if in some step not all arrays were new."""
    if all(is_new):
        return True
    raise Wrong("step returns an array that it was given, not a new one.", where=f"step {is_new.index(False)}")


def same_steps(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
    """Tiny gradients lead to the same steps as large ones, a gradient of 0 to none, a large epsilon to shorter steps.

    Both forms of the paper are right: epsilon itself, or divided by the root of the second correction. If even steps
    with a small epsilon have a wrong length, other statements report it.
    """
    (tiny, large, first, short), begin = found, inputs["weights"]
    forms = 0.1 / (1 + inputs["epsilon"] / np.array([1, np.sqrt(1 - inputs["beta2"])]))
    nearest = begin[0] - forms[abs(forms - np.mean(begin[0] - short)).argmin()]
    stays, same = ([np.ravel(w)[:1] for w in arrays] for arrays in (large, begin))
    names = "tiny gradients", "the gradient 0", "a large epsilon"
    is_plain = np.allclose(np.ravel(first)[1:], np.ravel(begin[0])[1:] - 0.1)
    expected = large, same, nearest if is_plain else short
    return dict(zip(names, (tiny, stays, short), strict=True)), dict(zip(names, expected, strict=True))


part = partial(Part, repeated=True)


@of_arrays(
    "step returns each array minus learning_rate times its gradient, in the same order.",
    name="PlainStep",
    hint="Compute the step of one weight by hand: 2 with the gradient 10, at rate 0.3.",
    of=("first_step", "later", "begins_there"),
)
@of_arrays(
    "step returns new arrays, and does not change its arguments.",
    name="NewArrays",
    hint="Print weights before and after a call of step. Write the result into a new array.",
    of=("is_new",),
    keeps=(*GIVEN, SEED),
)
def plain(inputs: Inputs, SGD: Any) -> NamedResults:
    """Take plain steps."""
    return take_steps(inputs, SGD(), SameLists(SGD()))


sgd = part("check-sgd", "Plain steps", ("SGD",), draw, (plain,), code="SGD.step")


@of_arrays(
    "The first step is a plain step, since the velocity begins at 0.",
    name="FirstStep",
    hint="Follow one weight with the velocity 0 by hand: what are the velocity and the weight after the step?",
    of=("first_step",),
    keeps=(*GIVEN, SEED),
)
@of_arrays(
    "Each later step adds a plain step to momentum times the velocity. Each array and object has its own velocity.",
    name="LaterSteps",
    hint="Print the velocity in three steps with the gradient 1. Which part of it does the next step keep?",
    points=2,
    of=("later", "begins_there"),
    depends_on=("FirstStep",),
)
def with_momentum(inputs: Inputs, Momentum: Any) -> NamedResults:
    """Take steps with momentum."""
    momentum = inputs["momentum"]
    return take_steps(inputs, Momentum(momentum), Momentum(momentum=inputs["share"] * momentum))


momentum = part("check-momentum", "Momentum", ("Momentum",), draw, (with_momentum,), code="Momentum.step")


@of_arrays(
    "In the first step, every entry moves by learning_rate, against the sign of its gradient.",
    name="FirstLength",
    hint="Follow the first step by hand, with t = 1 and the gradient 2: m, v, and both after the correction.",
    of=("first_step",),
    keeps=(*GIVEN, SEED),
)
@of_arrays(
    "Later steps use both running means and both corrections. Each array and object has its own means.",
    name="LaterSteps",
    hint="Take two steps with the gradients 2 and 6. Print self.t, self.m and self.v, and compute them by hand.",
    points=2,
    of=("later", "begins_there"),
    depends_on=("FirstLength",),
)
def with_means(inputs: Inputs, Adam: Any) -> NamedResults:
    """Take steps of Adam."""
    betas = np.array([inputs["beta1"], inputs["beta2"]])
    beta1, beta2 = (inputs["share"] * betas).tolist()
    return take_steps(inputs, Adam(*betas.tolist()), Adam(beta1=beta1, beta2=beta2))


@of_arrays(
    "Gradients that are 10,000 times smaller lead to the same steps, and 0 to none: epsilon is outside the root.",
    same_steps,
    name="Epsilon",
    hint="Compute the steps for the gradients 0.0001 and 0 by hand, with epsilon outside the root.",
    what="A step has the wrong length.",
    cases=("",),
    size=100,
)
def with_epsilons(inputs: Inputs, Adam: Any) -> list[Any]:
    """Return weights after steps with various sizes of gradients and epsilon.

    These are all weights after two steps with tiny gradients, and with large ones, where one entry has the gradient 0.
    Then come two times one array after one step, with a small epsilon, and with a large one and the gradient 1.
    """

    def walk(epsilon: float, even: bool, *sizes: float) -> list[list[Array]]:
        optimizer, _ = (Adam(inputs["beta1"], inputs["beta2"], each) for each in (epsilon, epsilon / 3))
        steps = [[np.array(w) for w in inputs["weights"]]]
        slopes = [np.ones(w.shape) if even else np.arange(w.size).reshape(w.shape) for w in steps[0]]
        for size in sizes:
            new = take_step(optimizer, [w.copy() for w in steps[-1]], [size * slope for slope in slopes], 0.1)
            steps.append([np.array(w) for w in new])
        return steps

    tiny, large = (walk(EPSILON, False, size, 3 * size) for size in (TINY, 1))
    return [tiny[-1], large[-1], large[1][0], walk(inputs["epsilon"], True, 1)[1][0]]


adam = part("check-adam", "Adam", ("Adam",), draw, (with_means, with_epsilons), code="Adam.step")
