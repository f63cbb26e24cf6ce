"""The network, a layer that is made of layers: forward in order, backward in reverse.

Test layers take the place of real ones. They note what they are given, and return arrays that were drawn: whatever the
network hands on, no shape can fail to fit. What has to be handed on are these arrays: a look gives both, in pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from lib.checking.layers import prepare
from lib.checking.results import Plain
from lib.checking.right import agree, expected
from lib.checking.spying import inherit_own
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Part, Several, Statement

LAYERS = 5
"""One more than the notebook's network has: a loop that is written out for that one does not fit."""
SHAPE = (3, 7)
"""(units, batch) of everything that is handed on. There are more samples than layers: who divides by what shows."""
SCALE = 30
"""How large all of it is: a gradient that is clipped shows."""
PASSES = (6, 8)
"""How many passes go through one network. A list that each pass turns round stands the wrong way in the last one."""
LATER = " in a later pass"
"""How the names of results end that are about the last pass, not about the first one."""
NETWORK = -1
"""Stands for a layer's number where there is none: with the network itself."""


def draw(rng: np.random.Generator) -> Inputs:
    """Draw an input, an incoming gradient, a learning rate, what each test layer returns, and a number of passes."""
    return {
        **{name: rng.normal(scale=SCALE, size=SHAPE) for name in ("input", "gradient")},
        **{name: rng.normal(scale=SCALE, size=(LAYERS, *SHAPE)) for name in ("outputs", "input_gradients")},
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

    `inherit_own` gives it the other methods of the student's Layer, too.
    """

    input: Any = None
    output: Any = None  # the student's may be a property

    def __init__(self, number: int, output: Array, input_gradient: Array, calls: list[Call]):
        self.number, self.drawn, self.calls = number, (output, input_gradient), calls

    def forward(self, input: Any) -> Array:
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
    values = inputs["input"].copy(), *inputs["outputs"]
    for x, when in _passes(inputs, "input"):
        calls.clear()
        returned = network.forward(x)
        shown |= _tell(calls, "forward", values, when, returned=returned, output=getattr(network, "output", None))
    return shown


def backward(inputs: Inputs, Network: Any) -> Several:
    """Run the student's backward: the layers called, what each was given, and what was returned."""
    calls: list[Call] = []
    layers = _make_layers(inputs, Network, calls)
    network, shown = Network(layers), Several()
    values = inputs["gradient"].copy(), *inputs["input_gradients"]
    for gradient, when in _passes(inputs, "gradient"):
        before = layers[:]
        prepare(network, inputs["input"], inputs["input"], inputs["outputs"][-1])
        layers[:] = before  # what forward makes of the list is not backward's mistake
        calls.clear()
        returned = network.backward(gradient, inputs["learning_rate"])
        shown |= _tell(calls, "backward", values, when, returned=returned)
    return shown


def _make_layers(inputs: Inputs, Network: Any, calls: list[Call]) -> list[Layer]:
    Test = inherit_own(Layer, "Layer", Network)
    drawn = zip(inputs["outputs"], inputs["input_gradients"], strict=True)
    return [Test(number, *arrays, calls) for number, arrays in enumerate(drawn)]


def _passes(inputs: Inputs, name: str) -> Iterator[tuple[Array, str]]:
    """Give copies of an input, and it itself for the last pass: whether that is left as it is shows afterwards."""
    yield inputs[name].copy(), ""
    for _ in range(inputs["passes"] - 2):
        yield inputs[name].copy(), LATER
    yield inputs[name], LATER


def _tell(calls: list[Call], method: str, values: tuple[Array, ...], when: str, **results: Any) -> dict[str, Any]:
    """Tell what a pass did: of what was handed on, each with what had to be.

    `values` are what the network was given and what its layers return.
    """
    mine = [call for call in calls if call.method == method]
    wanted = [values[0], *(values[call.layer + 1] for call in mine)]

    def of_calls(value: Callable[[Call], Any]) -> list[Any]:
        if not mine and not when:  # that a later pass calls no layer is a matter of the order
            raise Wrong("No layer was called.")
        return [value(call) for call in mine]

    return {
        f"layers{when}": ", ".join(str(call.layer) for call in mine) or "none",
        f"given{when}": lambda: [of_calls(lambda call: call.given), wanted[:-1]],
        f"rates{when}": lambda: np.array(of_calls(rate_of)),
        **{f"{name}{when}": [copy_array(result), wanted[-1]] for name, result in results.items()},
    }


def rate_of(call: Call, whose: str = "") -> Array:
    """Read the learning rate of a call. Raises `Wrong` where that is none."""
    whose = whose or f"Layer {call.layer}"
    if call.rate is None:
        raise Wrong(f"{whose} got no learning rate.", hint="Hand on the learning rate behind the gradient.")
    return numbers(call.rate, (), what=f"The learning rate that {whose} got")


def _rate_or_result(found: Plain, inputs: Inputs, name: str) -> tuple[Plain, Plain]:
    """Each rate is the learning rate; a result is a pair."""
    if name.startswith("rates"):
        return found, np.full(np.shape(found), inputs["learning_rate"])
    return agree(found, inputs, name)


def _both(*names: str) -> tuple[str, ...]:
    return (*names, *(f"{name}{LATER}" for name in names))


FORWARD = (
    Statement(
        "LayersInOrder",
        "forward calls each layer's forward once, from the first layer to the last.",
        forward,
        expected(lambda inputs: ", ".join(map(str, range(LAYERS)))),
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
        agree,
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
        agree,
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
        expected(lambda inputs: ", ".join(map(str, reversed(range(LAYERS))))),
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
        agree,
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
