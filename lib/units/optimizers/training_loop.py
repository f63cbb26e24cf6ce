"""The training loop, its schedule, and weight decay: the arguments and results of the optimizer in each step."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from lib.checking.epochs import require_every_sample, require_mixing, sizes_of
from lib.checking.looks import SEED
from lib.checking.results import Plain, Wrong, numbers
from lib.checking.right import anything, by_name
from lib.checking.spies import Spy, make_test_class, namespace_of, spied
from lib.unit import Array, Inputs, NamedResults, Part, statement
from lib.units.optimizers import update_rules


def draw_matrices(rng: np.random.Generator) -> dict[str, Any]:
    """Draw the arguments of optimizers, all with a last column."""
    drawn = update_rules.draw(rng)
    return {name: [*map(np.atleast_2d, each)] if isinstance(each, list) else each for name, each in drawn.items()}


def draw_loops(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes and weights of two loops.

    The first has many epochs of two full batches. The second has more layers and samples, two full batches, and a last
    batch of one sample.
    """
    inputs = {name: value for name, value in draw_matrices(rng).items() if name.startswith("weights")}
    for case, size, whole, last, epochs in (("", 20, 2, 0, 11), ("_more", 51, 2, 1, 2)):
        batch_size, (features, classes) = int(rng.integers(size, size + 3)), (4, 5) if case else (2, 3)
        samples = whole * batch_size + last
        inputs |= {f"batch_size{case}": batch_size, f"nepochs{case}": epochs, f"rate{case}": rng.uniform(0.5, 1)}
        inputs[f"X{case}"] = rng.normal(size=(features, samples))
        inputs[f"y{case}"] = np.eye(classes)[:, rng.integers(classes, size=samples)]
        inputs[f"yhat{case}"] = rng.dirichlet(np.ones(classes), size=samples).T
    return {**inputs, "weights": inputs["weights"][:1], "weights_more": inputs["weights_more"][1:]}


def draw_schedules(rng: np.random.Generator) -> Inputs:
    """Draw the numbers of two schedules with as many steps: with a long fall, and with a long warm-up to a small peak.

    A long part reveals a lower bound. Some steps t are in the same part of both, with other rates.
    """
    peaks = rng.uniform([3.2, 0.004], [5, 0.01])
    all_steps = int(rng.integers(115, 135))
    warmups = [int(rng.integers(4, 9)), all_steps - int(rng.integers(12, 16))]
    return {"schedules": [(peak, warmup, all_steps) for peak, warmup in zip(peaks.tolist(), warmups, strict=True)]}


def draw_decays(rng: np.random.Generator) -> Inputs:
    """Draw the arguments of optimizers, and two decays."""
    decay, small = rng.uniform([0.15, 0.004], [0.2, 0.008]).tolist()
    return {**draw_matrices(rng), "decay": decay, "decay_more": small}


class Optimizer:
    """A test optimizer that records its arguments. `move(step, weights)` returns the new weights.

    Only a step changes its `state`, which has the names of those in the notebook's optimizers.
    """

    def __init__(self, move: Callable[[int, Any], list[Array]]) -> None:
        self.move, self.seen = move, {name: list[Any]() for name in ("weights", "gradients", "learning rate")}
        self.velocity = self.m = self.v = self.t = self.state = object()

    def step(self, weights: Any, gradients: Any, learning_rate: Any) -> list[Array]:
        """Record the arguments, and return the new weights."""
        if any(each is not self.state for each in (self.velocity, self.m, self.v, self.t)):
            hint = "Leave the optimizer's velocity and means to its step: they go on from one epoch to the next."
            raise Wrong("Something besides step changes the optimizer.", hint=hint)
        given = [*map(np.array, weights)], [*map(np.array, gradients)], learning_rate
        for record, each in zip(self.seen.values(), given, strict=True):
            record.append(each)
        return self.move(len(self.seen["weights"]), weights)

    def require_steps(self) -> dict[str, list[Any]]:
        """Return the arguments of all steps. Raises `Wrong` if there are none."""
        if not self.seen["weights"]:
            hint = "Call the optimizer's step with its three arguments: weights, gradients, and learning rate."
            raise Wrong("The optimizer takes no step.", found="no call", expected="one call in each step", hint=hint)
        return self.seen


# ---- The loop


class Dense:
    """A test layer with weights."""

    def __init__(self, weights: Array) -> None:
        self.weights, self.weights_gradient = weights.copy(), 0 * weights


class ReLU:
    """A test layer without weights."""


class Record(list[Any]):
    """A list that a deep copy shares."""

    def __deepcopy__(self, memo: object) -> "Record":
        """Return the list itself."""
        return self


class Network:
    """A test network: it records the samples of each pass, and each backward stores other gradients in its layers.

    Its copies use the same records.
    """

    def __init__(self, inputs: Inputs, layers: list[Any]) -> None:
        self.inputs, self.layers = inputs, layers
        self.batches, self.is_labelled, self.expected = Record(), Record(), np.ones(1)

    def forward(self, input: Any) -> Any:
        """Record which samples these are, and return their random probabilities."""
        is_one = (abs(self.inputs["X"][:, :, None] - numbers(input)[:, None, :]) < 1e-5).all(axis=0)
        self.batches.append(np.where(is_one.any(axis=0), is_one.argmax(axis=0), -1))
        return self.inputs["yhat"][:, self.batches[-1]]

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> None:
        """Store gradients, times the ratio of the incoming gradient to that of the mean loss."""
        expected = self.expected / len(self.batches[-1])
        self.store_gradients(np.sum(output_gradient * expected) / np.sum(expected * expected))

    def find_gradients(self, original: Any, network: Any, X: Any, y: Any) -> float:
        """Replace the notebook's `find_gradients`."""
        yhat = network.forward(X)
        network.store_gradients(1)
        return float(network.loss(original, y, yhat))

    def loss(self, original: Any, y: Any, yhat: Any) -> float:
        """Replace `cce`: each batch has its own loss."""
        self._record_labels(y, yhat)
        return float(loss_of(len(self.batches)))

    def gradient(self, original: Any, y: Any, yhat: Any) -> Array:
        """Replace `cce_gradient`."""
        self._record_labels(y, yhat)
        self.expected = 50 * np.cos(numbers(y) + 2 * numbers(yhat))
        return self.expected.copy()

    def store_gradients(self, ratio: float) -> None:
        """Store a gradient in each dense layer."""
        dense = (layer for layer in self.layers if isinstance(layer, Dense))
        for layer, w in zip(dense, self.inputs["weights"], strict=True):
            layer.weights_gradient = ratio * gradient_of(w, len(self.batches))

    def _record_labels(self, *given: Any) -> None:
        right = (self.inputs[name][:, self.batches[-1]] for name in ("y", "yhat"))
        self.is_labelled.append(all(map(np.array_equal, given, right)))


def loss_of(passes: Any) -> Any:
    """Return the loss of a pass. It rises and falls, above 1 and below 0.01."""
    return 1.1 * abs(np.sin(passes))


def gradient_of(weights: Array, passes: int) -> Array:
    """Return the gradient of a test layer after a number of passes."""
    return np.asarray(60 * np.sin(passes * weights))


def require_epochs(network: Network, inputs: Inputs) -> bool:
    """Raise `Wrong` unless each epoch takes every sample once, with its labels, and not in the batches of another."""
    samples, size = inputs["X"].shape[1], inputs["batch_size"]
    require_every_sample(network.batches, samples, size, inputs["nepochs"])
    if not all(network.is_labelled):
        hint = "Take the same columns of X and of y: X[:, batch] and y[:, batch]."
        raise Wrong("A batch does not have the labels of its samples.", hint=hint)
    require_mixing(network.batches, samples, size)
    return True


def right_sizes(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
    """The sizes of all batches, one for each pass through the network."""
    epochs, sizes = inputs["nepochs"], sizes_of(inputs["X"].shape[1], inputs["batch_size"])
    if len(found) != epochs * len(sizes):
        each = f"{epochs * len(sizes)}, one for each batch of {epochs} epochs"
        hint = "Pass each batch through the network once. How many batches has an epoch?"
        raise Wrong("The number of passes is wrong.", found=f"{len(found)} passes", expected=each, hint=hint)
    return found, epochs * sizes


def right_losses(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
    """The loss of each pass through the network, in order."""
    passes = inputs["nepochs"] * len(sizes_of(inputs["X"].shape[1], inputs["batch_size"]))
    return found, loss_of(1 + np.arange(passes))


def arrays_of_steps(network: Network, optimizer: Optimizer) -> dict[str, Any]:
    """Return the optimizer's arguments in each step, and the last weights.

    Raises `Wrong` unless there is one step for each pass through the network.
    """
    weights, gradients, _ = optimizer.require_steps().values()
    if len(weights) != len(network.batches):
        hint = "Call find_gradients, and then optimizer.step, once each in the inner loop."
        found = f"{len(weights)} steps and {len(network.batches)} passes"
        raise Wrong("There must be one step for each pass through the network.", found=found, hint=hint)
    last = [each.weights for each in network.layers if hasattr(each, "weights")]
    return {"weights": [*weights, last], "gradients": gradients}


def right_arrays(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
    """In each step, the optimizer gets the weights from the step before, and the new gradients."""
    begin, count = inputs["weights"], len(found["'gradients'"])
    weights = [[w + step for w in begin] for step in range(count + 1)]
    gradients = [[gradient_of(w, step + 1) for w in begin] for step in range(count)]
    return {key.strip("'"): each for key, each in found.items()}, {"weights": weights, "gradients": gradients}


of_arrays = partial(
    statement,
    cases=update_rules.CASES,
    axes=("step", "array", "row", "column"),
    lines="gradients|weights|decay|optimizer|return",
)
of_rates = partial(statement, axes=("step",), lines=r"return|schedule|\bt\b")


part = partial(Part, repeated=True)


@of_arrays(
    "Each epoch takes every sample once, with its labels and in a new order; fit returns the loss of each step.",
    by_name(sizes=right_sizes, epochs=anything, losses=right_losses),
    name="Batches",
    hint="Print the sample indices of each batch in two epochs, and what fit returns.",
    of=("sizes", "epochs", "losses"),
    keeps=("X", "y"),
)
@of_arrays(
    "In each batch, the optimizer gets all weights and their gradients once, and the layers get what it returns.",
    right_arrays,
    name="Arrays",
    hint="Print the shapes of both lists in the first step. Which attribute of a layer holds its gradient?",
    of=("arrays",),
)
@of_rates(
    "Step t has the rate schedule(t), where t counts the steps of all epochs from 0.",
    lambda found, inputs, name: (found, inputs["rate"] * np.arange(1, 1 + max(len(found), 1))),
    name="Rates",
    hint="Print t and schedule(t) in each step, over two epochs.",
    of=("rates",),
    cases=update_rules.CASES,
)
def run_loop(inputs: Inputs, fit: Any) -> NamedResults:
    """Run the student's loop on a test network. The loop may also work without calling `find_gradients`."""
    drawn = {name: inputs[name] for name in ("X", "y", "yhat", "weights", "rate", "batch_size", "nepochs")}
    classes = {each.__name__: make_test_class(each, each.__name__, fit) for each in (Dense, ReLU, Network)}
    given = [inputs[name] for name in ("X", "y", "batch_size", "nepochs")]

    def make() -> tuple[Network, Optimizer]:
        first, *others = map(classes["Dense"], drawn["weights"])
        network = classes["Network"](drawn, [first, classes["ReLU"](), *others])
        return network, Optimizer(lambda n, _: [w + n for w in drawn["weights"]])

    network, optimizer = make()
    spies: dict[str, Spy] = {
        "find_gradients": network.find_gradients,
        "cce": network.loss,
        "cce_gradient": network.gradient,
    }
    with spied(namespace_of(fit) or {}, spies):
        run = partial(fit, network, optimizer, lambda t: drawn["rate"] * (1 + t), *given)
        if inputs["case"]:  # an earlier call with the same objects must not have an effect
            with suppress(Exception):
                run()
            for used, new in zip((network, optimizer), make(), strict=True):
                vars(used).clear()
                vars(used).update(vars(new))
        losses = run()
    return NamedResults(
        sizes=[len(each) for each in network.batches],
        epochs=lambda: require_epochs(network, drawn),
        losses=lambda: losses,
        arrays=lambda: arrays_of_steps(network, optimizer),
        rates=lambda: [
            numbers(each, (), what="The rate of a step") for each in optimizer.require_steps()["learning rate"]
        ],
    )


fit = part("check-fit", "The training loop", ("fit",), draw_loops, (run_loop,))


# ---- The schedule, and weight decay


@of_rates(
    "In the warm-up, the rate rises in a straight line, and its last step has the peak.",
    name="WarmUp",
    hint="Write down the rates of a warm-up of 4 steps to the peak 1, for t = 0, 1, 2 and 3.",
    of=("warm_up",),
)
@of_rates(
    "After the warm-up, the rate falls along half a cosine, from the peak to near 0 in the last step.",
    name="Fall",
    hint="Print the angle in the cosine, in the first step after the warm-up and in the last step.",
    points=2,
    of=("fall",),
    keeps=(SEED,),
)
def rates(inputs: Inputs, schedule: Any) -> NamedResults:
    """Return the rates of both schedules in a few steps of the warm-up, and in a few after it."""

    def rates_of(is_fall: bool) -> dict[str, Any]:
        found = dict[str, Any]()
        for peak, half, end in inputs["schedules"]:
            steps = (half, (half + end) // 2, end - 11, end - 1) if is_fall else (0, 1, half // 2, half - 1)
            rates = {f"step {t}": numbers(schedule(t, peak, half, end), what="The rate").squeeze() for t in steps}
            found[f"peak {peak:.4g}, warmup_steps {half}, all_steps {end}"] = rates
        return found

    return NamedResults(warm_up=partial(rates_of, is_fall=False), fall=partial(rates_of, is_fall=True))


schedule = part("check-schedule", "The schedule", ("warm_up_and_fall",), draw_schedules, (rates,))


@of_arrays(
    "The optimizer takes one step, with the weights, the gradients and the learning rate as they are.",
    name="OptimizerStep",
    hint="Pass the three arguments of step as they are: the decay is subtracted after the optimizer's own step.",
    of=("given",),
    keeps=("weights", "gradients", SEED),
)
@of_arrays(
    "Each weight is the optimizer's new one minus weight_decay times the old one.",
    name="Decay",
    hint="Take one weight of 2, the decay 0.1, and an optimizer that returns 5. Compute the new weight by hand.",
    of=("weights",),
)
@of_arrays(
    "The bias, the last column, is the optimizer's new one: it does not decay.",
    name="Bias",
    hint="Print what is subtracted from the last column of each array: it must be 0.",
    of=("bias",),
)
def decayed(inputs: Any, WeightDecay: Any) -> NamedResults:
    """Take steps with the student's decay around a test optimizer, and then one with another object's decay of 0."""
    moves, new, given = inputs["other"], list[Any](), [inputs[name] for name in ("weights", "gradients")]
    inner = Optimizer(lambda n, old: [w + n * by for w, by in zip(old, moves, strict=False)])
    optimizer = WeightDecay(inner, inputs["decay"])
    other, _ = (WeightDecay(Optimizer(inner.move), share * inputs["decay"]) for share in (0, 0.4))  # may share it
    for rate in inputs["rates"].tolist():
        following = [[w + 1 for w in arrays] for arrays in given]  # not the student's results: they are tested alone
        new.append([np.array(w) for w in update_rules.take_step(optimizer, given[0], given[1], rate)])
        given = [inputs.watch(name, each) for name, each in zip(("weights", "gradients"), following, strict=True)]
    new.append([np.array(w) for w in update_rules.take_step(other, given[0], given[1], inputs["decay"])])

    def cut(columns: Any) -> list[Any]:
        return [[w[:, columns] for w in each] for each in new]

    def arguments() -> dict[str, Any]:
        rates = {f"step {n}": rate for n, rate in enumerate(inner.require_steps()["learning rate"])}
        return {**inner.seen, "learning rate": rates}

    return NamedResults(given=arguments, weights=partial(cut, slice(-1)), bias=partial(cut, -1))


decay = part("check-decay", "Weight decay", ("WeightDecay",), draw_decays, (decayed,), code="WeightDecay.step")
