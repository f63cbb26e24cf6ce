"""One training step: it returns the loss of a batch, and passes the gradient of the mean loss to the network once.

The network is a test object that records its arguments. The loss and its gradient are functions unlike any formula that
a student would write, so the numbers show whether step called them, and with which arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import takewhile
from typing import Any

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import Plain, Wrong, compare, numbers, read
from lib.checking.right import by_name
from lib.checking.spies import is_like, make_test_class
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, statement
from lib.units.hidden_layer.network import Call, Layer, copy_array, rate_of

BATCHES = {"": (7, 3, 40, 0.1, 8), "one": (8, 4, 1, 10, 0)}
"""(features, classes, batch, factor of loss and rate, steps before) of two batches, without a number in common."""
AXES = ("class", "sample")
STEEP = 10_000
"""The size of the loss gradient, which reveals clipping and scaling to a fixed norm."""
ARGUMENTS = {
    "y": "Pass y as it is. Read the first line of cce again: which argument comes first?",
    "yhat": "Pass what network.forward returned for X before the update, unchanged. Each call of network.backward"
    " changes the weights.",
}
"""The arguments of the loss and of its gradient, and a hint if another value is passed."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw batches, the network's output for each, the cost of an error in each class, and a learning rate.

    Before the tested step, there are `steps` on other batches. The fourth and fifth digits of the loss are 57, which
    reveals rounding.
    """
    inputs: dict[str, Any] = {}
    for case, (features, classes, batch, times, steps) in BATCHES.items():
        y = np.eye(classes)[:, rng.permutation(np.resize(np.arange(classes), batch))]
        yhat, costs = rng.dirichlet(np.ones(classes), size=batch).T, rng.uniform(1, 2, size=(classes, 1))
        loss = times * (rng.integers(100, 200) / 1000 + 0.00057)
        given = {
            "X": rng.normal(size=(features, batch)),
            "y": y,
            "yhat": yhat,
            "costs": costs * loss / mean_loss(costs, y, yhat),
            "learning_rate": times * float(rng.uniform(0.2, 0.9)),
            "steps": steps,
            "weights": rng.normal(scale=20, size=(2, classes, features + 1)),
        }
        inputs |= {f"{name}_{case}".rstrip("_"): each for name, each in given.items()}
    return inputs


def mean_loss(costs: Array, y: Any, yhat: Any) -> Any:
    """Return the mean loss of a batch. It changes if the labels and the prediction are swapped."""
    return np.mean(np.sum(costs * _differences(y, yhat) ** 2, axis=0))


def loss_gradient(costs: Array, y: Any, yhat: Any) -> Any:
    """Return the gradient of each sample's own loss, (classes, batch)."""
    return -STEEP * costs * _differences(y, yhat)


def _differences(y: Any, yhat: Any) -> Any:
    """Return labels minus a third of the prediction, or nan for arguments of other shapes or types."""
    try:
        return np.asarray(y - yhat / 3, dtype=float)
    except (TypeError, ValueError):
        return np.full((1, 1), np.nan)


def mean_gradient(inputs: Inputs) -> Any:
    """Return the gradient of the batch's mean loss, (classes, batch): the loss gradient times 1/B."""
    return loss_gradient(inputs["costs"], inputs["y"], inputs["yhat"]) / inputs["y"].shape[1]


class Dense(Layer):
    """A layer of the test network, with weights, as an instance of the student's Dense."""

    weights: Any = None


class Network(Layer):
    """A test network of two layers, with the results of the last one. It has the other methods of the student's."""

    layers: Any = ()


def _run_step(step: Any, network: Network, layers: list[Dense], calls: list[Call], inputs: Inputs) -> NamedResults:
    calls.clear()
    losses, slopes = list[list[Any]](), list[list[Any]]()
    passed = np.zeros(inputs["X"].shape)
    layers[0].drawn, network.drawn = (inputs["X"], passed), (inputs["yhat"], passed)
    layers[1].drawn, network.layers = network.drawn, [*layers]
    for layer, weights in zip(layers, inputs["weights"], strict=True):
        layer.weights = weights.copy()  # they also reveal a loss with weight decay
    functions = _recorded("loss", mean_loss, inputs, losses), _recorded("loss_gradient", loss_gradient, inputs, slopes)
    returned = step(network, *functions, inputs["X"], inputs["y"], inputs["learning_rate"])

    def gradient() -> Array:
        _require_one_way(network, layers, calls, inputs["weights"])
        return numbers(_update(calls).given, what="The gradient for network.backward")

    return NamedResults(
        input=lambda: _last_input((network, layers[1]), calls),
        returned=lambda: [numbers(returned, what="The result of step"), *losses[-1:]],
        gradient=lambda: [gradient(), _or_nan(_update(calls).rate), *slopes[-1:]],
        rate=lambda: [rate_of(_update(calls), "network.backward"), _or_nan(_update(calls).given)],
    )


def _recorded(name: str, function: Callable[..., Any], inputs: Inputs, calls: list[list[Any]]) -> Callable[..., Any]:
    """Return a function that records its arguments. Error messages of student code show its `name`."""

    def record(y: Any, yhat: Any) -> Any:
        calls.append([copy_array(y), copy_array(yhat)])
        return function(inputs["costs"], y, yhat)

    record.__name__ = record.__qualname__ = name
    return record


def _last_input(ends: tuple[Layer, ...], calls: list[Call]) -> list[Any]:
    """Return what the network's or its last layer's forward got last before the update, and how many calls it had."""
    given = [call.given for call in calls if call.layer in ends and call.method == "forward"]
    before = [*takewhile(lambda call: call.method == "forward", calls)]
    if not (own := [call.given for call in before if call.layer in ends]):
        hint = "The loss gradient needs a prediction: call forward of the network that step gets, not of a copy."
        raise Wrong("network.forward was not called before network.backward.", hint=hint)
    return [numbers(own[-1], what="The argument of network.forward"), float(len(given))]


def _update(calls: list[Call]) -> Call:
    """Return the one call of backward, of the network, its last layer or a copy. Raises `Wrong` if there isn't one."""
    updates = [call for call in calls if call.layer.number and call.method == "backward"]
    if len(updates) != 1:
        what, hint = "network.backward was not called once.", "Call it once in a step: every call changes the weights."
        raise Wrong(what, found=f"{len(updates)} calls", expected="1 call", hint=hint)
    return updates[0]


def _or_nan(value: Any) -> Array:
    """Return numbers, or nan for another value, which another statement reports."""
    with suppress(Wrong):
        return numbers(value)
    return np.array(np.nan)


def _require_one_way(network: Network, layers: list[Dense], calls: list[Call], weights: Array) -> None:
    """Raise `Wrong` if step trained a copy, changed the network, or didn't pass a gradient from layer to layer."""
    updates, shape = [call for call in calls if call.method == "backward"], layers[0].drawn[1].shape
    if any(call.layer not in (network, *layers) for call in updates):
        hint = "Call backward of the network that step gets: what a copy learns is lost."
        raise Wrong("backward is called on a copy of the network.", hint=hint)
    if not np.array_equal([layer.weights for layer in layers], weights):
        hint = "Leave the weights to network.backward: there, each layer updates its own."
        raise Wrong("step changes the weights itself.", hint=hint)
    if [*map(id, network.layers)] != [*map(id, layers)]:
        raise Wrong("step changes the network's layers.", hint="Leave network.layers as it is: the next step needs it.")
    first = [call for call in updates if call.layer is layers[0]]
    if not first and any(call.layer is layers[1] for call in updates):
        hint = "Call network.backward: it passes the gradient through all layers."
        raise Wrong("Only the last layer's backward is called.", hint=hint)
    for call in first:
        if np.shape(call.given) != shape:
            what = "The first layer's backward does not get what the next layer's backward returned."
            hint = "Go from the last layer to the first. Pass to each layer what the call before it returned."
            raise Wrong(what, found=f"shape {np.shape(call.given)}", expected=f"shape {shape}", hint=hint)


def result_of(function: str, wanted: Callable[[Inputs], Any]) -> FoundAndExpected:
    """It is the result of a function for y and yhat. Otherwise wrong arguments of the function are reported first."""

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        result, *calls = found
        if is_like(result, read(wanted(inputs))):
            return read(result), wanted(inputs)
        if not calls:
            raise Wrong(f"{function} was not called.", hint=f"Call the function that step gets as {function}.")
        what = f"The arguments of {function} are not (y, yhat)."
        for given, (argument, hint) in zip(calls[0], ARGUMENTS.items(), strict=True):
            given = read(given, f"The argument {argument} of {function}")
            compare(given, inputs[argument], what=what, hint=hint, hint_also_for=("shape",), axes=AXES, path=argument)
        return read(result), wanted(inputs)

    return right


def with_1_over_b(right: FoundAndExpected) -> FoundAndExpected:
    """It is right if gradient times rate is right: 1/B may be in either of them, because backward is linear.

    A result begins with one of the two and then the other. `right` gets the result without the other.
    """

    def either(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        one, other, *more = found
        if is_like(one * other, mean_gradient(inputs) * inputs["learning_rate"]):
            return one, one
        return right([one, *more], inputs, name)

    return either


def the_batch(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
    """The first of the two is X."""
    found = found[0]
    what, hint = "network.forward did not get X.", "Pass the batch as it is: network.forward(X)."
    compare(found, inputs["X"], what=what, hint=hint, hint_also_for=("shape",), axes=("feature", "sample"))
    return found, inputs["X"]


in_each_batch = partial(statement, cases=tuple(BATCHES))


@in_each_batch(
    "step returns the loss of the batch: the network gets X, and the loss function gets the labels and the network's"
    " output, in this order.",
    by_name(
        input=the_batch,
        returned=result_of("loss", lambda inputs: mean_loss(inputs["costs"], inputs["y"], inputs["yhat"])),
    ),
    name="BatchLoss",
    hint="Print what the loss function returns, and what step returns.",
    of=("input", "returned"),
    keeps=("X", "y", SEED),
    what="step does not return what the loss function returned.",
    hint_also_for=("shape",),
    lines=r"loss\(|forward\(",
)
@in_each_batch(
    "network.backward gets the gradient of the batch's mean loss: the loss gradient times 1/B, once. 1/B may be in the"
    " learning rate instead.",
    with_1_over_b(result_of("loss_gradient", mean_gradient)),
    name="MeanGradient",
    hint="Each column of the loss gradient belongs to one sample's loss. What does the mean over B samples do to it?",
    points=2,
    of=("gradient",),
    what="network.backward did not get the gradient of the mean loss.",
    axes=AXES,
    lines=r"backward|gradient",
)
@in_each_batch(
    "network.backward gets the learning rate as it is, or times 1/B if 1/B is not in the gradient.",
    with_1_over_b(lambda found, inputs, name: (found[0], inputs["learning_rate"])),
    name="StepRate",
    hint="Pass the learning rate unchanged. If 1/B is in the gradient, leave it out here.",
    of=("rate",),
    what="network.backward did not get the learning rate.",
    hint_also_for=("shape",),
    lines=r"backward",
)
def take_step(inputs: Inputs, step: Any) -> NamedResults:
    """Run the student's step on test objects, after steps on other batches, which must not have an effect.

    Every third one of these has fewer samples. The last one has the tested X, y and rate, for which the network
    returns something else there; all others have other rates. None reverses the samples, because labels that are the
    same in reverse would hide a mistake.
    """
    calls = list[Call]()
    last = {name: inputs[name] for name in ("X", "y", "yhat", "costs", "learning_rate", "weights")}
    samples, arrays = np.arange(last["X"].shape[1]), (last["X"], last["X"])

    def record(call: Call) -> None:
        calls.append(call)
        if call.method == "backward" and call.layer.number:  # each update changes the prediction
            network.drawn = layers[1].drawn = np.roll(network.drawn[0], 1, axis=1), network.drawn[1]

    dense = make_test_class(Dense, "Dense", step)
    layers = [dense(number, *arrays, record) for number in (0, 1)]
    network = make_test_class(Network, "Network", step)(2, *arrays, record)
    for by in range(inputs["steps"], 0, -1):
        others = np.roll(samples, by)[: len(samples) - 2 * (by % 3 == 0)]
        cut = {name: last[name][:, others] for name in ("X", "y", "yhat")}
        if by == 1:
            cut |= {"X": last["X"], "y": last["y"]}
        _run_step(step, network, layers, calls, {**last, **cut, "learning_rate": by * last["learning_rate"]})
    last["X"][:], last["y"][:] = inputs["X"], inputs["y"]  # again, because that step may have written into them
    return _run_step(step, network, layers, calls, last)


step = Part("check-step", "One training step", ("step",), draw, (take_step,), repeated=True)
