"""The network, a layer that is made of layers: forward in order, backward in reverse.

Test layers take the place of real ones. They note what they are given, and return arrays that were drawn: whatever the
network hands on, no shape can fail to fit. A look tells by their numbers which layers were called, and what each was
given: what has to be handed on are the arrays that were drawn. The numbers are drawn, too, so that no result is right
in every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lib.checking.layers import make_test_class, prepare
from lib.checking.results import Plain
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Part, Several, Sides, Statement


class Sizes(NamedTuple):
    """How large a network is, how often it is run, and between which numbers its learning rate is drawn."""

    layers: int
    units: tuple[int, ...]
    batch: int
    passes: int
    rates: tuple[float, float]


NETWORKS = {"": Sizes(5, (3,), 7, 8, (0.2, 0.9)), "deeper": Sizes(12, (2, 3, 4), 15, 2, (2, 9))}
"""Two networks, so that no number is right in both. In the second one each layer has another number of units.

A list that each pass turns round is in the wrong order in the last pass, since there is an even number of passes.
"""
CASES = tuple(NETWORKS)
SCALES = (30, 0.3)
"""How large all of it is, sample by sample: a gradient that is clipped shows, and one that is rounded."""
EARLIER = 0.5
"""How large all of it is in the passes before the last one, the learning rate as well: what is kept from them shows."""
LATER = " in a later pass"
"""How the names of results end that are about the last pass, not about the first one."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw for each network an input, a gradient, a learning rate, and each layer's number and results."""
    return {
        f"{name}_{case}".removesuffix("_"): each
        for case, sizes in NETWORKS.items()
        for name, each in _draw_network(rng, sizes).items()
    }


def _draw_network(rng: np.random.Generator, sizes: Sizes) -> Inputs:
    units, scales = np.resize(sizes.units, sizes.layers + 1), np.resize(SCALES, sizes.batch)
    input, *outputs = (scales * rng.normal(size=(count, sizes.batch)) for count in units)
    *input_gradients, gradient = (scales * rng.normal(size=(count, sizes.batch)) for count in units)
    arrays = {"input": input, "gradient": gradient, "outputs": outputs, "input_gradients": input_gradients}
    drawn = [int(number) for number in rng.choice(np.arange(10, 100), sizes.layers, replace=False)]
    return {**arrays, "numbers": drawn, "learning_rate": float(rng.uniform(*sizes.rates)), "passes": sizes.passes}


def earlier(inputs: Inputs) -> Inputs:
    """Return the inputs of each pass before the last one."""
    lists = {name: [EARLIER * each for each in inputs[name]] for name in ("outputs", "input_gradients")}
    return {**inputs, **lists, **{name: EARLIER * inputs[name] for name in ("input", "gradient", "learning_rate")}}


def of_pass(inputs: Inputs, name: str) -> Inputs:
    """Return the inputs of the pass that a result of this name is about."""
    return inputs if name.endswith(LATER) else earlier(inputs)


class Call(NamedTuple):
    """A call of a test layer: the method, the layer, what it was given, and the learning rate."""

    method: str
    layer: Layer
    given: Any
    rate: Any = None


class Layer:
    """A test layer: it returns drawn arrays, and notes every call. A copy notes its calls as those of another layer."""

    input: Any = None
    output: Any = None  # the student's may be a property

    def __init__(self, number: int, output: Array, input_gradient: Array, note: Callable[[Call], None]):
        self.number, self.drawn, self.note = number, (output, input_gradient), note

    def forward(self, input: Any) -> Any:
        """Note the input, and return (and keep) the drawn output."""
        self.note(Call("forward", self, copy_array(input)))
        self.input, self.output = input, self.drawn[0].copy()
        return self.output

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Note the gradient and the learning rate, and return the drawn gradient."""
        self.note(Call("backward", self, copy_array(output_gradient), learning_rate))
        return self.drawn[1].copy()


def copy_array(value: Any) -> Any:
    """Copy an array, into which later code may write; return anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def forward(inputs: Inputs, Network: Any) -> Several:
    """Run the student's forward: the layers called, what each was given, and the output, returned and kept."""
    calls, shown = list[Call](), Several()
    layers = _make_layers(inputs, Network, calls)
    network = Network(layers)
    own = _own_layers(network, layers)
    for given, when in _passes(inputs, own):
        calls.clear()
        returned = network.forward(given["input"])
        if when is not None:
            results = {"returned": returned, "output": getattr(network, "output", None)}
            shown |= _tell(inputs, calls, own, "forward", when, results)
    return shown


def backward(inputs: Inputs, Network: Any) -> Several:
    """Run the student's backward: the layers called, what each was given, and what was returned."""
    calls, shown = list[Call](), Several()
    layers = _make_layers(inputs, Network, calls)
    network = Network(layers)
    own = _own_layers(network, layers)
    for given, when in _passes(inputs, own):
        before = layers[:]
        prepare(network, given["input"], given["input"], given["outputs"][-1])
        layers[:] = before  # what forward makes of the list is not backward's mistake
        calls.clear()
        returned = network.backward(given["gradient"], given["learning_rate"])
        if when is not None:
            shown |= _tell(inputs, calls, own, "backward", when, {"returned": returned})
    return shown


def _make_layers(inputs: Inputs, Network: Any, calls: list[Call]) -> list[Layer]:
    """Make test layers of the student's classes: Dense and ReLU take turns, and Softmax is the last one."""
    test = make_test_class(Layer, "Layer", Network)
    dense, relu, softmax = (make_test_class(test, name, Network) for name in ("Dense", "ReLU", "Softmax"))
    count = len(inputs["numbers"])
    kinds = [*np.resize([dense, relu], count - 1), softmax]
    drawn = zip(kinds, inputs["outputs"], inputs["input_gradients"], strict=True)
    return [kind(number, *arrays, calls.append) for number, (kind, *arrays) in enumerate(drawn)]


def _own_layers(network: Any, layers: list[Layer]) -> list[Layer]:
    """Return the layers that a network was made of, and those that it holds from then on."""
    held = getattr(network, "layers", ())
    more = held if isinstance(held, list | tuple) else ()
    return [*layers, *(each for each in more if isinstance(each, Layer))]


def _passes(inputs: Inputs, layers: list[Layer]) -> Iterator[tuple[Inputs, str | None]]:
    """Have the layers return the arrays of each pass; yield what it is given, and how the names of its results end.

    Only those of the first pass and of the last one are shown. The last one is given the inputs themselves: whether
    they are left as they are shows afterwards.
    """
    last = {name: inputs[name] for name in ("input", "gradient", "outputs", "input_gradients", "learning_rate")}
    before, passes = earlier(last), inputs["passes"]
    for number in range(passes):
        copies = {name: before[name].copy() for name in ("input", "gradient")}
        given = {**before, **copies} if number < passes - 1 else last
        for layer in layers:
            layer.drawn = given["outputs"][layer.number], given["input_gradients"][layer.number]
        yield given, {0: "", passes - 1: LATER}.get(number)


def _tell(
    inputs: Inputs, calls: list[Call], own: list[Layer], method: str, when: str, results: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a pass did: the layers called, what each was given, and each result with the layers called."""
    mine = [call for call in calls if call.method == method]
    drawn = inputs["numbers"]
    written = " ".join(str(drawn[call.layer.number]) for call in mine)
    other = [f"{call.method} of {call.layer.number}" for call in calls]
    is_copy = any(all(call.layer is not each for each in own) for call in calls)

    def order() -> str:
        if is_copy:
            hint = "Call the layers that self.layers holds: what a copy keeps or learns is lost."
            raise Wrong(f"{method} calls copies of the layers.", hint=hint)
        return written or ", ".join(other) or "none"

    def with_order(value: Callable[[], Any]) -> list[Any]:
        if not mine and not when:  # that a later pass calls no layer is a matter of the order
            hint = f"In each turn of the loop, call the layer's {method}."
            raise Wrong(f"No layer's {method} was called.", found=", ".join(other), hint=hint)
        return [written, value()]

    copies = {name: copy_array(result) for name, result in results.items()}
    values: dict[str, Callable[[], Any]] = {
        "given": lambda: [call.given for call in mine],
        "rates": lambda: np.array([rate_of(call, f"layer {call.layer.number}") for call in mine]),
        **{name: partial(copy_array, copy) for name, copy in copies.items()},
    }
    return {f"layers{when}": order, **{f"{name}{when}": partial(with_order, each) for name, each in values.items()}}


def _in_order(step: int) -> Sides:
    """All layers are called once, from the first to the last, or with a `step` of -1 from the last to the first."""

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[str, str]:
        places = {str(number): str(place) for place, number in enumerate(inputs["numbers"])}
        is_called = {*found.split()} <= places.keys()
        called = ", ".join(places[number] for number in found.split()) if is_called else found
        return called, ", ".join([*places.values()][::step])

    return right


def _handed_on(first: str, returned: str) -> Sides:
    """Each layer is given, and the result is, what the layer called before has returned, or else the input `first`.

    `returned` is the input with what the layers return, in the order of their numbers.
    """

    def right(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
        inputs = of_pass(inputs, name)
        by_number = dict(zip(inputs["numbers"], inputs[returned], strict=True))
        order, given = found
        values = [inputs[first], *(by_number[int(number)] for number in order.split())]
        return given, values[:-1] if name.startswith("given") else values[-1]

    return right


def rate_of(call: Call, whose: str) -> Array:
    """Read the learning rate of a call. Raises `Wrong` where there is none."""
    what = f"The learning rate for {whose}"
    if call.rate is None:
        raise Wrong(f"{what} is missing.", hint="Hand on the learning rate behind the gradient.")
    return numbers(call.rate, (), what=what)


def _rate_or_result(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
    """Each rate is the learning rate, and the result what the last layer has returned."""
    if name.startswith("rates"):
        return found[1], np.full(np.shape(found[1]), of_pass(inputs, name)["learning_rate"])
    return DOWN(found, inputs, name)


UP, DOWN = _handed_on("input", "outputs"), _handed_on("gradient", "input_gradients")


def _both(*names: str) -> tuple[str, ...]:
    return (*names, *(f"{name}{LATER}" for name in names))


FORWARD = (
    Statement(
        "LayersInOrder",
        "forward calls each layer's forward once, from the first layer to the last.",
        forward,
        _in_order(1),
        "Print the number of each layer in your loop. In every pass all have to come, however many there are. Which one"
        " should come first?",
        cases=CASES,
        of=_both("layers"),
        what="The layers' forward was not called once for each layer, in the right order.",
        lines=r"for |forward\(",
    ),
    Statement(
        "OutputsGoUp",
        "The first layer gets the network's input; every other layer gets what the layer before it returned.",
        forward,
        UP,
        "In each turn of the loop, keep what the layer returns. Give exactly that to the next layer.",
        cases=CASES,
        of=_both("given"),
        what="A layer was not given what the layer before it returned, or the first one not the network's input.",
        axes=("call", "unit", "sample"),
        hint_fits_shapes=True,
        lines=r"forward\(",
    ),
    Statement(
        "LastOutput",
        "forward returns the output of the layer that it called last, and keeps it as self.output.",
        forward,
        UP,
        "After the loop, assign the last layer's output to self.output, and return it.",
        cases=CASES,
        of=_both("returned", "output"),
        keeps=("input",),
        what="What forward returns, or keeps as self.output, is not the last layer's output.",
        axes=("unit", "sample"),
        hint_fits_shapes=True,
        lines=r"output|return",
    ),
)
BACKWARD = (
    Statement(
        "LayersReversed",
        "backward calls each layer's backward once, from the last layer to the first.",
        backward,
        _in_order(-1),
        "Print the number of each layer in your loop. In every pass all have to come, however many there are. The loss"
        " comes behind the last layer. So which layer can get its gradient first?",
        points=2,
        cases=CASES,
        of=_both("layers"),
        what="The layers' backward was not called once for each layer, in the right order.",
        lines=r"for ",
    ),
    Statement(
        "GradientsGoDown",
        "The first layer that is called gets the incoming gradient; every other one gets what the one before returned.",
        backward,
        DOWN,
        "In each turn of the loop, keep what the layer's backward returns. Give exactly that to the next layer.",
        cases=CASES,
        of=_both("given"),
        what="A layer was not given what the call before it returned, or the first one not the incoming gradient.",
        axes=("call", "unit", "sample"),
        hint_fits_shapes=True,
        lines=r"backward\(",
    ),
    Statement(
        "RateAndResult",
        "Every layer gets the learning rate, and backward returns what the layer that it called last returned.",
        backward,
        _rate_or_result,
        "Hand the learning rate to every layer as it is. Return the gradient that is left after the loop.",
        cases=CASES,
        of=_both("rates", "returned"),
        keeps=("gradient",),
        what="A layer got another learning rate, or the result is not what the last call returned.",
        hint_fits_shapes=True,
        lines=r"backward\(|return",
    ),
)

network_forward = Part(
    "check-network-forward", "Network, forward", ("Network",), draw, FORWARD, code="Network.forward", repeated=True
)
network_backward = Part(
    "check-network-backward", "Network, backward", ("Network",), draw, BACKWARD, code="Network.backward", repeated=True
)
