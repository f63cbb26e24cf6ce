"""The network, a layer that is made of layers: forward in order, backward in reverse.

Test layers take the place of real ones. They note what they are given, and return arrays that were drawn: whatever the
network hands on, no shape can fail to fit. A look tells by their numbers which layers were called, and what each was
given: what has to be handed on are the arrays that were drawn. The numbers are drawn, too, so that no result is right
in every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from lib.checking.layers import make_test_class, prepare
from lib.checking.results import Plain
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Part, Several, Sides, Statement

LAYERS = 5
"""One more than the notebook's network has: a loop that is written out for that one does not fit."""
SHAPE = (3, 7)
"""(units, batch) of everything that is handed on. There are more samples than layers: who divides by what shows."""
SCALES = np.resize([30, 0.3], SHAPE[1])
"""How large all of it is, sample by sample: a gradient that is clipped shows, and one that is rounded."""
PASSES = (6, 8)
"""How many passes go through one network. A list that each pass turns round stands the wrong way in the last one."""
LATER = " in a later pass"
"""How the names of results end that are about the last pass, not about the first one."""
NETWORK = -1
"""Stands for a layer's number where there is none: with the network itself."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw an input, an incoming gradient, a learning rate, each layer's number and results, and a number of passes."""
    return {
        **{name: SCALES * rng.normal(size=SHAPE) for name in ("input", "gradient")},
        **{name: SCALES * rng.normal(size=(LAYERS, *SHAPE)) for name in ("outputs", "input_gradients")},
        "numbers": [int(number) for number in rng.choice(np.arange(10, 100), LAYERS, replace=False)],
        "learning_rate": float(rng.uniform(0.2, 0.9)),
        "passes": int(rng.choice(PASSES)),
    }


class Call(NamedTuple):
    """A call of a test layer: the method, the layer's number, what it was given, and the learning rate."""

    method: str
    layer: int
    given: Any
    rate: Any = None


class Layer:
    """A test layer: it returns drawn arrays, and adds every call to a list that all layers share.

    `make_test_class` gives it the other methods of the student's Layer, too.
    """

    input: Any = None
    output: Any = None  # the student's may be a property

    def __init__(self, number: int, output: Array, input_gradient: Array, calls: list[Call]):
        self.number, self.drawn, self.calls = number, (output, input_gradient), calls

    def forward(self, input: Any) -> Any:
        """Note the input, and return (and keep) the drawn output."""
        self.calls.append(Call("forward", self.number, copy_array(input)))
        self.input, self.output = input, self.drawn[0].copy()
        return self.output

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
        """Note the gradient and the learning rate, and return the drawn gradient."""
        self.calls.append(Call("backward", self.number, copy_array(output_gradient), learning_rate))
        return self.drawn[1].copy()

    def __deepcopy__(self, memo: object) -> Layer:
        """Add the calls of a copy to the same list: a network may work on copies of its layers."""
        return type(self)(self.number, *self.drawn, self.calls)


def copy_array(value: Any) -> Any:
    """Copy an array, into which later code may write; give anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def forward(inputs: Inputs, Network: Any) -> Several:
    """Run the student's forward: the layers called, what each was given, and the output, returned and kept."""
    calls: list[Call] = []
    network, shown = Network(_make_layers(inputs, Network, calls)), Several()
    for x, when in _passes(inputs, "input"):
        calls.clear()
        returned = network.forward(x)
        shown |= _tell(inputs, calls, "forward", when, returned=returned, output=getattr(network, "output", None))
    return shown


def backward(inputs: Inputs, Network: Any) -> Several:
    """Run the student's backward: the layers called, what each was given, and what was returned."""
    calls: list[Call] = []
    layers = _make_layers(inputs, Network, calls)
    network, shown = Network(layers), Several()
    for gradient, when in _passes(inputs, "gradient"):
        before = layers[:]
        prepare(network, inputs["input"], inputs["input"], inputs["outputs"][-1])
        layers[:] = before  # what forward makes of the list is not backward's mistake
        calls.clear()
        returned = network.backward(gradient, inputs["learning_rate"])
        shown |= _tell(inputs, calls, "backward", when, returned=returned)
    return shown


def _make_layers(inputs: Inputs, Network: Any, calls: list[Call]) -> list[Layer]:
    Test = make_test_class(Layer, "Layer", Network)
    drawn = zip(inputs["outputs"], inputs["input_gradients"], strict=True)
    return [Test(number, *arrays, calls) for number, arrays in enumerate(drawn)]


def _passes(inputs: Inputs, name: str) -> Iterator[tuple[Array, str]]:
    """Give copies of an input, and it itself for the last pass: whether that is left as it is shows afterwards."""
    yield inputs[name].copy(), ""
    for _ in range(inputs["passes"] - 2):
        yield inputs[name].copy(), LATER
    yield inputs[name], LATER


def _tell(inputs: Inputs, calls: list[Call], method: str, when: str, **results: Any) -> dict[str, Any]:
    """Tell what a pass did: the layers called, what each was given, and each result beside the last layer called."""
    mine = [call for call in calls if call.method == method]
    written = " ".join(str(inputs["numbers"][call.layer]) for call in mine)
    other = [f"{call.method} of {call.layer}" for call in calls]

    def of_calls(value: Callable[[Call], Any]) -> list[Any]:
        if not mine and not when:  # that a later pass calls no layer is a matter of the order
            hint = f"In each turn of the loop, call the layer's {method}."
            raise Wrong(f"No layer's {method} was called.", found=", ".join(other), hint=hint)
        return [value(call) for call in mine]

    return {
        f"layers{when}": written or ", ".join(other) or "none",
        f"given{when}": lambda: [written, of_calls(lambda call: call.given)],
        f"rates{when}": lambda: np.array(of_calls(lambda call: rate_of(call, f"layer {call.layer}"))),
        **{f"{name}{when}": [written, copy_array(result)] for name, result in results.items()},
    }


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
        return found, np.full(np.shape(found), inputs["learning_rate"])
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
        of=_both("given"),
        depends_on=("LayersInOrder",),
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
        of=_both("returned", "output"),
        keeps=("input",),
        depends_on=("LayersInOrder",),
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
        of=_both("rates", "returned"),
        keeps=("gradient",),
        what="A layer got another learning rate, or the result is not what the last call returned.",
        hint_fits_shapes=True,
        lines=r"backward\(|return",
    ),
)

network_forward = Part("check-network-forward", "Network, forward", ("Network",), draw, FORWARD, code="Network.forward")
network_backward = Part(
    "check-network-backward", "Network, backward", ("Network",), draw, BACKWARD, code="Network.backward"
)
