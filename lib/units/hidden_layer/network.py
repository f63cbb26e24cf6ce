"""The network, a layer that is made of layers: forward in order, backward in reverse.

Test layers take the place of real ones. They note what they are given, and return arrays that were drawn: whatever the
network hands on, no shape can fail to fit. A look tells by their numbers which layers were called, and what each was
given: what has to be handed on are the arrays that were drawn. The numbers are drawn, too, so that no result is right
in every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lib.checking.layers import make_test_class, prepare
from lib.checking.results import Plain
from lib.checking.values import Wrong, numbers
from lib.unit import Array, FoundAndExpected, Inputs, NamedResults, Part, statement

NETWORKS = {"": (3, [3], 7, 8, 1), "deeper": (7, [2, 3, 4], 15, 2, 10)}
"""(layers, numbers of units in turn, batch, passes, times the rate) of two networks: no number is right in both.

A list that each pass turns round is in the wrong order in the last pass, since there is an even number of passes.
"""
SCALES = (30, 0.3)
"""How large all of it is, sample by sample: a gradient that is clipped shows, and one that is rounded."""
SHOWN = {"first pass": 0.5, "last pass": 1.0}
"""The passes that are shown. All passes but the last have half of everything: what is kept from them shows."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw for each network an input, a gradient, a learning rate, and each layer's number and results."""
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
    """A call of a test layer: the method, the layer, what it was given, and the learning rate."""

    method: str
    layer: Layer
    given: Any
    rate: Any = None


class Layer:
    """A test layer: it returns drawn arrays, `scale` times as large, and notes every call, also those of its copies."""

    input: Any = None
    output: Any = None  # the student's may be a property
    scale: float = 1

    def __init__(self, number: int, output: Array, input_gradient: Array, note: Callable[[Call], None]):
        self.number, self.drawn, self.note = number, (output, input_gradient), note

    def forward(self, input: Any) -> Any:
        """Note the input, and return (and keep) the drawn output."""
        self.note(Call("forward", self, copy_array(input)))
        self.input, self.output = input, self.scale * self.drawn[0]
        return self.output

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Note the gradient and the learning rate, and return the drawn gradient."""
        self.note(Call("backward", self, copy_array(output_gradient), learning_rate))
        return self.scale * self.drawn[1]


def copy_array(value: Any) -> Any:
    """Copy an array, into which later code may write; return anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _run_passes(inputs: Inputs, Network: Any, method: str, run: Callable[..., dict[str, Any]]) -> NamedResults:
    """Run passes through one network, and show the first and the last one. Only that gets the inputs themselves."""
    calls, shown, last = list[Call](), list[dict[str, Callable[[], Any]]](), inputs["passes"] - 1
    layers = _make_layers(inputs, Network, calls)
    output = layers[-1].drawn[0]  # before code of the student can empty the list
    network = Network(layers)
    own = [*layers, *(each for each in getattr(network, "layers", ()) if isinstance(each, Layer))]
    drawn = [inputs[name] for name in ("input", "gradient", "learning_rate")]
    for number in range(last + 1):
        scale = [*SHOWN.values()][number == last]
        given = drawn if number == last else [scale * each for each in drawn]
        for layer in own:
            layer.scale = scale
        if method == "backward":
            listed = layers[:]
            prepare(network, given[0], given[0], scale * output)
            layers[:] = listed  # what forward makes of the list is not backward's mistake
        calls.clear()
        results = run(network, *given)
        if number in (0, last):
            shown.append(_tell(inputs["numbers"], calls, own, method, results, is_first=not number))

    def both(name: str) -> dict[str, Any]:
        return {when: each[name]() for when, each in zip(SHOWN, shown, strict=True)}

    return NamedResults({name: partial(both, name) for name in shown[0]})


def _make_layers(inputs: Inputs, Network: Any, calls: list[Call]) -> list[Layer]:
    """Make test layers of the student's classes: Dense and ReLU take turns, and Softmax is the last one."""
    test = make_test_class(Layer, "Layer", Network)
    dense, relu, softmax = (make_test_class(test, name, Network) for name in ("Dense", "ReLU", "Softmax"))
    kinds = [*np.resize([dense, relu], len(inputs["numbers"]) - 1), softmax]
    drawn = zip(kinds, inputs["outputs"], inputs["input_gradients"], strict=True)
    return [kind(number, *arrays, calls.append) for number, (kind, *arrays) in enumerate(drawn)]


def _tell(
    drawn: list[int], calls: list[Call], own: list[Layer], method: str, results: Mapping[str, Any], is_first: bool
) -> dict[str, Callable[[], Any]]:
    """Return what a pass did: the layers called, what each was given, and each result with the layers called."""
    mine = [call for call in calls if call.method == method]
    written = " ".join(str(drawn[call.layer.number]) for call in mine)
    other = ", ".join(f"{call.method} of {call.layer.number}" for call in calls)
    is_copy = any(all(call.layer is not each for each in own) for call in calls)

    def order() -> str:
        if is_copy:
            hint = "Call the layers that self.layers holds: what a copy keeps or learns is lost."
            raise Wrong(f"{method} calls copies of the layers.", hint=hint)
        return written or other or "none"

    def with_order(value: Any) -> list[Any]:
        if not mine and is_first:  # that a later pass calls no layer is a matter of the order
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

    Where no other layers are called, what is found is written in places, which count from 0, and not in numbers.
    """

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        places = {str(number): str(place) for place, number in enumerate(inputs["numbers"])}

        def call(numbers: str) -> str:
            is_called = {*numbers.split()} <= places.keys()
            return ", ".join(places[number] for number in numbers.split()) if is_called else numbers

        wanted = ", ".join([*places.values()][::step])
        return {when: call(found[repr(when)]) for when in SHOWN}, dict.fromkeys(SHOWN, wanted)

    return right


def _handed_on(first: str, returned: str) -> FoundAndExpected:
    """Each layer is given, and the result is, what the layer called before has returned, or else the input `first`.

    `returned` is the input with what the layers return, in the order of their numbers. Each rate is the learning rate.
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


def rate_of(call: Call, whose: str) -> Array:
    """Read the learning rate of a call. Raises `Wrong` where there is none."""
    what = f"The learning rate for {whose}"
    if call.rate is None:
        raise Wrong(f"{what} is missing.", hint="Hand on the learning rate behind the gradient.")
    return numbers(call.rate, (), what=what)


UP, DOWN = _handed_on("input", "outputs"), _handed_on("gradient", "input_gradients")
in_each_network = partial(statement, cases=tuple(NETWORKS), hint_fits_shapes=True)


@in_each_network(
    "forward calls each layer's forward once, from the first layer to the last.",
    _in_order(1),
    name="LayersInOrder",
    hint="Print the number of each layer in your loop. In every pass all have to come, however many there are."
    " Which one should come first?",
    of=("layers",),
    what="The layers' forward was not called once for each layer, in the right order.",
    lines=r"for |forward\(",
)
@in_each_network(
    "The first layer gets the network's input; every other layer gets what the layer before it returned.",
    UP,
    name="OutputsGoUp",
    hint="In each turn of the loop, keep what the layer returns. Give exactly that to the next layer.",
    of=("given",),
    what="A layer was not given what the layer before it returned, or the first one not the network's input.",
    axes=("call", "unit", "sample"),
    lines=r"forward\(",
)
@in_each_network(
    "forward returns the output of the layer that it called last, and keeps it as self.output.",
    UP,
    name="LastOutput",
    hint="After the loop, assign the last layer's output to self.output, and return it.",
    of=("returned", "output"),
    keeps=("input",),
    what="What forward returns, or keeps as self.output, is not the last layer's output.",
    axes=("unit", "sample"),
    lines=r"output|return",
)
def forward(inputs: Inputs, Network: Any) -> NamedResults:
    """Run the student's forward: the layers called, what each was given, and the output, returned and kept."""

    def run(network: Any, input: Array, gradient: Array, rate: float) -> dict[str, Any]:
        return {"returned": network.forward(input), "output": getattr(network, "output", None)}

    return _run_passes(inputs, Network, "forward", run)


@in_each_network(
    "backward calls each layer's backward once, from the last layer to the first.",
    _in_order(-1),
    name="LayersReversed",
    hint="Print the number of each layer in your loop. In every pass all have to come, however many there are."
    " The loss comes behind the last layer. So which layer can get its gradient first?",
    points=2,
    of=("layers",),
    what="The layers' backward was not called once for each layer, in the right order.",
    lines=r"for ",
)
@in_each_network(
    "The first layer that is called gets the incoming gradient; every other one gets what the one before returned.",
    DOWN,
    name="GradientsGoDown",
    hint="In each turn of the loop, keep what the layer's backward returns. Give exactly that to the next layer.",
    of=("given",),
    what="A layer was not given what the call before it returned, or the first one not the incoming gradient.",
    axes=("call", "unit", "sample"),
    lines=r"backward\(",
)
@in_each_network(
    "Every layer gets the learning rate, and backward returns what the layer that it called last returned.",
    DOWN,
    name="RateAndResult",
    hint="Hand the learning rate to every layer as it is. Return the gradient that is left after the loop.",
    of=("rates", "returned"),
    keeps=("gradient",),
    what="A layer got another learning rate, or the result is not what the last call returned.",
    lines=r"backward\(|return",
)
def backward(inputs: Inputs, Network: Any) -> NamedResults:
    """Run the student's backward: the layers called, what each was given, and what was returned."""

    def run(network: Any, input: Array, gradient: Array, rate: float) -> dict[str, Any]:
        return {"returned": network.backward(gradient, rate)}

    return _run_passes(inputs, Network, "backward", run)


network_forward = Part(
    "check-network-forward", "Network, forward", ("Network",), draw, (forward,), code="Network.forward", repeated=True
)
network_backward = Part(
    "check-network-backward",
    "Network, backward",
    ("Network",),
    draw,
    (backward,),
    code="Network.backward",
    repeated=True,
)
