"""The network, a layer that consists of layers: forward in order, backward in reverse.

Test layers replace the student's layers. They record their arguments, and return random arrays of the right shape
whatever the arguments are. The expected arguments are these random arrays. Each layer has a random number, so that no
fixed result is right for every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lib.checking.looks import SEED
from lib.checking.results import Plain, Wrong, numbers
from lib.checking.spies import make_test_class, prepare
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, statement

NETWORKS = {"": (3, [3], 7, 2, 1), "deeper": (7, [2, 3, 4], 15, 2, 10), "single": (1, [5, 6], 9, 8, 3)}
"""(layers, units in turn, batch, passes, factor of the rate) of three networks.

The number of passes is even. So if each pass reverses the list of layers, the last pass has the wrong order.
Many passes reveal code that changes after some of them. They have one layer, because student code may be slow.
"""
WEIGHTS = np.array([[-3.0, 0.02], [0.5, 7.0]])
"""The weights of every second layer but the last one."""
SCALES = (30, 0.3)
"""The size of all arrays, by sample: large numbers reveal clipping, and small ones reveal rounding."""
SHOWN = {"first pass": 0.5, "last pass": 1.0}
"""The passes to compare, and the scale of their arrays. All passes before the last have half the scale of the last.

But the last of many passes gets the same arrays as the one before, to reveal code that recognises them.
"""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw the input, the gradient, the learning rate, and the number and results of each layer, for both networks."""
    inputs: dict[str, Any] = {}
    for case, (layers, units, batch, passes, times) in NETWORKS.items():
        counts, scales = np.resize(units, layers + 1), np.resize(SCALES, batch)
        input, *outputs = (scales * rng.normal(size=(count, batch)) for count in counts)
        *input_gradients, gradient = (scales * rng.normal(size=(count, batch)) for count in counts)
        arrays = {"input": input, "gradient": gradient, "outputs": outputs, "input_gradients": input_gradients}
        drawn = [int(number) for number in rng.choice(np.arange(10, 100), layers, replace=False)]
        rate = times * float(rng.uniform(0.2, 0.9))
        given = {**arrays, "numbers": drawn, "learning_rate": rate, "passes": passes}
        inputs |= {f"{name}_{case}".rstrip("_"): each for name, each in given.items()}
    return inputs


class Call(NamedTuple):
    """A call of a test layer: the method, the layer, the argument, the result, and the learning rate.

    Code can't write into the result until the next pass, because the layers still need it.
    """

    method: str
    layer: Layer
    given: Any
    returned: Array
    rate: Any = None


class Layer:
    """A test layer: it records every call, also those of its copies, and returns `scale` times its random arrays."""

    input: Any = None
    output: Any = None  # the student's class may have a property of this name
    scale: float = 1

    def __init__(self, number: int, output: Array, input_gradient: Array, record: Callable[[Call], None]):
        self.number, self.drawn, self.record = number, (output, input_gradient), record

    def forward(self, input: Any) -> Any:
        """Record the input; store and return the random output."""
        # A dense layer's own input has one row more, of ones: it can't pass through the layer again.
        is_dense = "weights" in vars(self) and np.ndim(input) == 2
        self.input = np.vstack([input, np.ones((1, np.shape(input)[1]))]) if is_dense else input
        self.output = read_only(self.scale * self.drawn[0])
        self.record(Call("forward", self, copy_array(input), self.output))
        return self.output

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Record the gradient and the learning rate; return the random input gradient."""
        returned = read_only(self.scale * self.drawn[1])
        self.record(Call("backward", self, copy_array(output_gradient), returned, learning_rate))
        return returned


def read_only(array: Array) -> Array:
    """Return an array that code can't write into."""
    array.flags.writeable = False
    return array


def forget(calls: list[Call]) -> None:
    """Forget earlier calls. Code may write into their results again."""
    for call in calls:
        call.returned.flags.writeable = True
    calls.clear()


def copy_array(value: Any) -> Any:
    """Return a copy of an array, because later code may write into it. Return any other value itself."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _run_passes(inputs: Inputs, Network: Any, method: str, run: Callable[..., dict[str, Any]]) -> NamedResults:
    """Run passes through one network; return the results of the first and the last. Only the last gets the inputs."""
    calls, shown, last = list[Call](), list[dict[str, Callable[[], Any]]](), inputs["passes"] - 1
    layers = _make_layers(inputs, Network, calls)
    output = layers[-1].drawn[0]  # now, because student code may empty the list
    network, _ = Network(layers), Network([layers[-1], layers[0]])  # reveals layers that all networks share
    own = [*layers, *(each for each in getattr(network, "layers", ()) if isinstance(each, Layer))]
    drawn = [inputs[name] for name in ("input", "gradient", "learning_rate")]
    # The last two of many passes get the same arrays, and in the second, code may write into those of the first.
    shared = [each * 1 for each in drawn] if last > 1 else drawn
    for number in range(last + 1):
        scale = [*SHOWN.values()][number == last]
        given = shared if number in (last, last - 1 or last) else [each * scale for each in drawn]
        for array, each in zip(given[:2], drawn, strict=False) if number == last else ():
            array[:] = each  # again, because the pass before may have written into it
        for layer in own:
            layer.scale = scale
        if method == "backward":
            listed = layers[:]
            prepare(network, given[0], given[0], scale * output)
            layers[:] = listed  # forward may change the list, which is not a mistake of backward
        forget(calls)
        results = run(network, *given)
        if number in (0, last):
            shown.append(_results_of_pass(inputs["numbers"], calls, own, method, results, is_first=not number))
        forget(calls)

    def both(name: str) -> dict[str, Any]:
        return {when: each[name]() for when, each in zip(SHOWN, shown, strict=True)}

    return NamedResults({name: partial(both, name) for name in shown[0]})


def _make_layers(inputs: Inputs, Network: Any, calls: list[Call]) -> list[Layer]:
    # Instances of the student's classes, since code may ask for the class: Dense, ReLU, Dense, ..., Softmax.
    test = make_test_class(Layer, "Layer", Network)
    names = [*np.resize(["Dense", "ReLU"], len(inputs["numbers"]) - 1).tolist(), "Softmax"]
    kinds = {name: make_test_class(test, name, Network) for name in {*names}}
    drawn = zip(names, inputs["outputs"], inputs["input_gradients"], strict=True)
    layers = [kinds[name](number, *arrays, calls.append) for number, (name, *arrays) in enumerate(drawn)]
    for layer in layers[:-1:2]:
        layer.weights = WEIGHTS.copy()
    return layers


def _results_of_pass(
    drawn: list[int], calls: list[Call], own: list[Layer], method: str, results: Mapping[str, Any], is_first: bool
) -> dict[str, Callable[[], Any]]:
    """Return functions of a pass: `layers` returns the numbers of the called layers, all others these and a result."""
    mine = [call for call in calls if call.method == method]
    written = " ".join(str(drawn[call.layer.number]) for call in mine)
    other = ", ".join(f"{call.method} of {call.layer.number}" for call in calls)
    is_copy = any(all(call.layer is not each for each in own) for call in calls)
    forwards = [call for call in calls if call.method == "forward" != method]
    is_again = any(np.shape(call.given) != call.layer.drawn[1].shape for call in forwards)

    def order() -> str:
        if not all(np.array_equal(vars(each).get("weights", WEIGHTS), WEIGHTS) for each in own):
            hint = "Leave the weights to each layer's backward."
            raise Wrong(f"{method} changes the weights of a layer itself.", hint=hint)
        if is_copy:
            hint = "Call the layers in self.layers: what a copy stores or learns is lost."
            raise Wrong(f"{method} calls copies of the layers.", hint=hint)
        if is_again:
            hint = "Leave out forward here: each layer still has what its backward needs."
            raise Wrong("backward calls a layer's forward on an input of the wrong shape.", hint=hint)
        return written or other or "none"

    def with_order(value: Any) -> list[Any]:
        if not mine and is_first:  # in a later pass, this is a mistake in the order
            hint = f"In each turn of the loop, call the layer's {method}."
            raise Wrong(f"No layer's {method} was called.", found=other, hint=hint)
        return [written, value]

    def rates() -> list[Any]:
        return with_order(np.array([rate_of(call, f"layer {call.layer.number}") for call in mine]))

    given = [call.given for call in mine]
    copies = {name: copy_array(result) for name, result in {"given": given, **results}.items()}
    shown = {name: partial(with_order, each) for name, each in copies.items()}
    return {"layers": order, **shown, **({"rates": rates} if method == "backward" else {})}


def _in_order(step: int) -> FoundAndExpected:
    """All layers are called once, from the first to the last, or with a `step` of -1 from the last to the first.

    Found and expected are indices of layers, unless only another method was called.
    """

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        places = {str(number): str(place) for place, number in enumerate(inputs["numbers"])}

        def call(numbers: str) -> str:
            is_called = {*numbers.split()} <= places.keys()
            return ", ".join(places[number] for number in numbers.split()) if is_called else numbers

        wanted = ", ".join([*places.values()][::step])
        return {when: call(found[repr(when)]) for when in SHOWN}, dict.fromkeys(SHOWN, wanted)

    return right


def _chain(first: str, returned: str) -> FoundAndExpected:
    """Each layer gets, and the network returns, the result of the call before; the first call gets the input `first`.

    `returned` is the name of the input with the layers' results, in order. Each rate is the learning rate.
    """

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        values, expected = dict[str, Any](), dict[str, Any]()
        by_number = dict(zip(inputs["numbers"], inputs[returned], strict=True))
        for when, scale in SHOWN.items():
            order, values[when] = found[repr(when)]
            passed = [scale * each for each in (inputs[first], *(by_number[int(number)] for number in order.split()))]
            expected[when] = passed[:-1] if name == "given" else passed[-1]
            if name == "rates":
                expected[when] = np.full(np.shape(values[when]), scale * inputs["learning_rate"])
        return values, expected

    return right


def rate_of(call: Call, receiver: str) -> Array:
    """Return the learning rate of a call. Raises `Wrong` if there is none."""
    what = f"The learning rate for {receiver}"
    if call.rate is None:
        raise Wrong(f"{what} is missing.", hint="Pass the learning rate after the gradient.")
    return numbers(call.rate, (), what=what)


UP, DOWN = _chain("input", "outputs"), _chain("gradient", "input_gradients")
in_each_network = partial(statement, cases=tuple(NETWORKS), hint_also_for=("shape",))


@in_each_network(
    "forward calls each layer's forward once, from the first layer to the last.",
    _in_order(1),
    name="LayersInOrder",
    hint="Print the index of each layer in your loop. Every pass needs all layers, however many there are."
    " Which one must come first?",
    of=("layers",),
    what="The layers' forward was not called once for each layer, in the right order.",
    lines=r"for |forward\(",
)
@in_each_network(
    "The first layer gets the network's input; every other layer gets what the layer before it returned.",
    UP,
    name="OutputsGoUp",
    hint="In each turn of the loop, store what the layer returns, and pass exactly that to the next layer.",
    of=("given",),
    what="A layer did not get what the layer before it returned, or the first one did not get the input.",
    axes=("call", "unit", "sample"),
    lines=r"forward\(",
)
@in_each_network(
    "forward returns the output of the last layer that it called, and stores it as self.output.",
    UP,
    name="LastOutput",
    hint="After the loop, assign the last layer's output to self.output, and return it.",
    of=("returned", "output"),
    keeps=("input", SEED),
    what="The result of forward, or self.output, is not the last layer's output.",
    axes=("unit", "sample"),
    lines=r"output|return",
)
def forward(inputs: Inputs, Network: Any) -> NamedResults:
    """Run the student's forward; return the called layers, their arguments, the result and self.output."""

    def run(network: Any, input: Array, gradient: Array, rate: float) -> dict[str, Any]:
        return {"returned": network.forward(input), "output": getattr(network, "output", None)}

    return _run_passes(inputs, Network, "forward", run)


@in_each_network(
    "backward calls each layer's backward once, from the last layer to the first.",
    _in_order(-1),
    name="LayersReversed",
    hint="Print the index of each layer in your loop. Every pass needs all layers, however many there are."
    " The loss comes after the last layer. So which layer can get its gradient first?",
    points=2,
    of=("layers",),
    what="The layers' backward was not called once for each layer, in the right order.",
    lines=r"for ",
)
@in_each_network(
    "The layer that is called first gets the incoming gradient; each later one gets what the call before returned.",
    DOWN,
    name="GradientsGoDown",
    hint="In each turn of the loop, store what the layer's backward returns, and pass exactly that to the next call.",
    of=("given",),
    what="A layer did not get what the call before returned, or the first one did not get the incoming gradient.",
    axes=("call", "unit", "sample"),
    lines=r"backward\(",
)
@in_each_network(
    "Every layer gets the learning rate, and backward returns what its last call returned.",
    DOWN,
    name="RateAndResult",
    hint="Pass the learning rate to every layer, unchanged. After the loop, return the gradient of the last call.",
    of=("rates", "returned"),
    keeps=("gradient", SEED),
    what="A layer got another learning rate, or the result is not what the last call returned.",
    lines=r"backward\(|return",
)
def backward(inputs: Any, Network: Any) -> NamedResults:
    """Run the student's backward; return the called layers, their arguments and the result."""
    left = iter(range(inputs["passes"])[::-1])

    def run(network: Any, input: Array, gradient: Array, rate: float) -> dict[str, Any]:
        if next(left) == 0:  # code may write into the output of an earlier pass
            inputs.watch("gradient", network.output, "self.output")  # later code computes the loss of it
        return {"returned": network.backward(gradient, rate)}

    return _run_passes(inputs, Network, "backward", run)


of_network = partial(Part, subjects=("Network",), draw=draw, repeated=True)
network_forward = of_network("check-network-forward", "Network, forward", statements=(forward,), code="Network.forward")
network_backward = of_network(
    "check-network-backward", "Network, backward", statements=(backward,), code="Network.backward"
)
