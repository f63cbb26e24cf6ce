"""Mistakes in the network's two loops: their order, and what is handed on."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import Network
from lib.reference.layer import FloatArray as Array
from lib.reference.layer import Layer
from lib.reference.wrong_code import COMMA, with_backward, with_forward

Layers = list[Any]


def _with_forward(output: Callable[[Layers, Array], Any]) -> type[Layer]:
    """Make a network whose forward computes its output from its layers and the input."""
    return with_forward(Network, lambda network, x: output(network.layers, x))


def _with_backward(result: Callable[[Layers, Array, float], Any]) -> type[Layer]:
    """Make a network whose backward computes its result from its layers, the incoming gradient and the rate."""
    return with_backward(Network, lambda network, g, rate: result(network.layers, g, rate))


def _up(
    layers: Iterable[Any],
    input: Array,
    turn: Callable[[Any, Array, Array], Any] = lambda layer, x, first: layer.forward(x),
) -> Array:
    """Run forward's loop; `turn` is one turn: of the layer, of what is handed on, and of the network's input."""
    x = input
    for layer in layers:
        x = turn(layer, x, input)
    return x


def _down(
    layers: Iterable[Any],
    g: Array,
    rate: float,
    turn: Callable[[Any, Array, float], Any] = lambda layer, g, rate: layer.backward(g, rate),
) -> Array:
    """Run backward's loop in the order of these layers; `turn` is one turn, of the layer and what is handed on."""
    for layer in layers:
        g = turn(layer, g, rate)
    return g


forward = MistakeCatalog(
    "check-network-forward",
    "Network",
    _with_forward,
    teach="Draw the layers as boxes in a row, and follow one batch from the left to the right.",
)
whole_forward = replace(forward, make=lambda code: type("Wrong", (Network,), {"forward": code}))
"""Code that sets, or doesn't set, the network's output itself."""
turn_up = replace(forward, make=lambda turn: _with_forward(lambda layers, x: _up(layers, x, turn)))
backward = MistakeCatalog(
    "check-network-backward",
    "Network",
    _with_backward,
    teach="Draw the layers as boxes in a row once more, and follow the gradient from the right to the left: each box"
    " gets what its right neighbour returns.",
)
turn_down = replace(
    backward, make=lambda turn: _with_backward(lambda layers, g, rate: _down(reversed(layers), g, rate, turn))
)

ORDER = "Write down which layer is called first, second, and so on. The first layer of the list stands at the input."
forward("The layers are called in reverse", ORDER)(lambda layers, x: _up(reversed(layers), x))

KEEP = "In each turn of the loop, keep what the layer returns, and give that to the next layer."
turn_up("Every layer gets the network's input", KEEP)(lambda layer, x, first: layer.forward(first))


turn_up("What the layers return is lost", KEEP)(lambda layer, x, first: (layer.forward(x), x)[1])
whole_forward("The result of forward is missing", "Return the output as well: the loss needs it.")(
    lambda network, x: setattr(network, "output", _up(network.layers, x))
)
whole_forward("self.output is missing", "Assign the last layer's output to self.output before you return it.")(
    lambda network, x: _up(network.layers, x)
)
forward("The network returns its input", "After the loop, return the output of the last layer.")(
    lambda layers, x: (_up(layers, x), x)[1]
)
forward("The result is in a tuple or a list", COMMA)(lambda layers, x: (_up(layers, x),))


@forward("All outputs are returned in a list", "Return one array: the output of the last layer.")
def _outputs(layers: Layers, x: Array) -> Any:
    outputs = [x]
    for layer in layers:
        outputs.append(layer.forward(outputs[-1]))
    return outputs[1:]


forward("The outputs of all layers are added up", "Hand each output on to the next layer; add nothing.")(
    lambda layers, x: sum(_outputs(layers, x))
)
turn_up("Each layer's input is added to its output", "Hand on the output of a layer alone.")(
    lambda layer, x, first: x + layer.forward(x)
)
AFTER = "Let the loop run over all layers. A return belongs behind the loop, not into it."
forward("Only the first layer is called", AFTER)(lambda layers, x: _up(layers[:1], x))
forward("The last layer is left out", "Use a loop over all layers: another network may have more of them.")(
    lambda layers, x: _up(layers[:-1], x)
)
forward("The first layer is left out", "Use a loop over all layers, from the first one on.")(
    lambda layers, x: _up(layers[1:], x)
)
turn_up("Each layer is called twice", "Call forward once for each layer.")(
    lambda layer, x, first: layer.forward(layer.forward(x))
)
turn_up("Each layer is called twice, and one result is lost", "Call forward once for each layer, and keep the result.")(
    lambda layer, x, first: (layer.forward(x), layer.forward(x))[1]
)
forward("The last layer is called once more at the end", "Call forward once for each layer, and keep the result.")(
    lambda layers, x: _up([*layers, layers[-1]], x)
)

SHARED = "The first layer takes the place of all others: they share its weights"
OWN = "Use the loop's own variable, `layer`: each layer has weights of its own."
forward(SHARED, OWN)(lambda layers, x: _up(layers[:1] * len(layers), x))


LAYERS_STAY = (
    "Print what your loop runs over before and after a pass: the next one needs all layers, in the same order."
)
forward("A second pass through the network calls no layer", LAYERS_STAY)(
    lambda layers, x: _up([layers.pop(0) for _ in layers[:]], x)
)
IN_THE_LIST = "ReLU is a layer of the list, and not behind the last one. Hand on what each layer returns, unchanged."
turn_up("ReLU stands behind every layer, on the scores, too", IN_THE_LIST)(
    lambda layer, x, first: np.maximum(0, layer.forward(x))
)
forward("Softmax stands behind the last layer", IN_THE_LIST.replace("ReLU", "Softmax"))(
    lambda layers, x: (lambda z: np.exp(z) / np.exp(z).sum(axis=0))(_up(layers, x))
)
forward("ReLU stands behind the last layer", IN_THE_LIST)(lambda layers, x: np.maximum(0, _up(layers, x)))

backward("The layers are called in the order of the forward pass", "Which layer is next to the loss? Begin there.")(
    _down
)


@backward("The list of layers is turned round for good: the next pass runs through it the other way", LAYERS_STAY)
def _turns_the_list(layers: Layers, g: Array, rate: float) -> Any:
    layers.reverse()
    return _down(layers, g, rate)


backward("A second pass through the network calls no layer", LAYERS_STAY)(
    lambda layers, g, rate: _down([layers.pop() for _ in layers[:]], g, rate)
)
KEEP_GRADIENT = "In each turn of the loop, keep what backward returns, and give that to the next layer."
backward("Every layer gets the gradient at the network's output", KEEP_GRADIENT)(
    lambda layers, g, rate: [layer.backward(g, rate) for layer in reversed(layers)][-1]
)
backward("Every layer gets the gradient at the network's output, in the order of the forward pass", KEEP_GRADIENT)(
    lambda layers, g, rate: [layer.backward(g, rate) for layer in layers][-1]
)
turn_down("What the layers' backward returns is lost", KEEP_GRADIENT)(
    lambda layer, g, rate: (layer.backward(g, rate), g)[1]
)
backward(
    "The loop leaves out the last layer, and runs in the order of the forward pass",
    "Print what stands behind `in` for a short list such as [1, 2, 3]: which entries come, and in which order?",
)(lambda layers, g, rate: _down(layers[:-1], g, rate))

RETURN = "After the loop, return the gradient that is left: a network below would need it."
backward("The incoming gradient is returned", RETURN)(lambda layers, g, rate: (_down(reversed(layers), g, rate), g)[1])
backward("The result is in a tuple or a list", COMMA)(lambda layers, g, rate: (_down(reversed(layers), g, rate),))
backward("Nothing is returned", RETURN)(lambda layers, g, rate: (_down(reversed(layers), g, rate), None)[1])


@backward("All gradients are returned in a list", "Return one array: the gradient that is left after the loop.")
def _list_of_gradients(layers: Layers, g: Array, rate: float) -> Any:
    gradients = [g]
    for layer in reversed(layers):
        gradients.append(layer.backward(gradients[-1], rate))
    return gradients[1:]


turn_down("The gradient that came in is added to each layer's own", "Hand on what the layer returns alone.")(
    lambda layer, g, rate: g + layer.backward(g, rate)
)
turn_down("The sign of the gradient is turned in every layer", "Hand on what the layer returns as it is.")(
    lambda layer, g, rate: -layer.backward(g, rate)
)
AS_IT_IS = "Hand on what the layer returns as it is: its size matters."
for limit in (1, 0.5, 0.1):
    turn_down("The gradient is clipped in every layer", AS_IT_IS)(
        lambda layer, g, rate, limit=limit: np.clip(layer.backward(g, rate), -limit, limit)
    )

ONCE = "1/B belongs to the loss, and comes in once, before the first layer of the backward pass. Leave it out here."
turn_down("The gradient is divided by the batch size in every layer", ONCE)(
    lambda layer, g, rate: layer.backward(g / g.shape[1], rate),
    lambda layer, g, rate: layer.backward(g, rate) / g.shape[1],
)
backward("The gradient is divided by the batch size", ONCE)(
    lambda layers, g, rate: _down(reversed(layers), g / g.shape[1], rate)
)
backward("The last layer is left out", "Let the loop run over all layers: also the last one hands a gradient on.")(
    lambda layers, g, rate: _down(reversed(layers[:-1]), g, rate)
)
backward("The first layer is left out", "Let the loop run over all layers: the first one has weights to learn.")(
    lambda layers, g, rate: _down(reversed(layers[1:]), g, rate)
)
backward("Only the last layer is called", AFTER)(lambda layers, g, rate: _down(layers[-1:], g, rate))
backward(SHARED, OWN)(lambda layers, g, rate: _down(layers[:1] * len(layers), g, rate))
turn_down("Each layer is called twice", "Call backward once for each layer: every call updates weights.")(
    lambda layer, g, rate: (layer.backward(g, rate), layer.backward(g, rate))[1],
    lambda layer, g, rate: layer.backward(layer.backward(g, rate), rate),
)
backward("The last layer is called twice", "Call backward once for each layer: every call updates weights.")(
    lambda layers, g, rate: _down(reversed([*layers, layers[-1]]), g, rate)
)
backward("The first layer is called twice", "Call backward once for each layer: every call updates weights.")(
    lambda layers, g, rate: _down(reversed([layers[0], *layers]), g, rate)
)

RATE = "Hand the learning rate on as it is."
turn_down("The learning rate is left out", RATE)(lambda layer, g, rate: layer.backward(g))


def _shrink_rate(layers: Layers, g: Array, rate: float, factor: float) -> Any:
    for layer in reversed(layers):
        g = layer.backward(g, rate)
        rate = rate * factor
    return g


for factor in (0.5, 0.9, 0.1, 0.99):
    backward("The learning rate shrinks from layer to layer", RATE)(partial(_shrink_rate, factor=factor))
for fixed in (0.1, 0.01, 0.001, 0.5, 1):
    turn_down("A fixed learning rate is handed on", "Hand on the learning_rate that backward is given.")(
        lambda layer, g, rate, fixed=fixed: layer.backward(g, fixed)
    )
turn_down("The learning rate is divided by the batch size", ONCE)(
    lambda layer, g, rate: layer.backward(g, rate / g.shape[1])
)
turn_down("The arguments of the layers' backward are swapped", "The gradient comes first, then the learning rate.")(
    lambda layer, g, rate: layer.backward(rate, g)
)
turn_down("The learning rate is turned", RATE)(lambda layer, g, rate: layer.backward(g, -rate))
turn_down("The gradient is multiplied by the learning rate", "The layers with weights apply the learning rate.")(
    lambda layer, g, rate: layer.backward(rate * g, rate), lambda layer, g, rate: rate * layer.backward(g, rate)
)
turn_down("forward is called in place of backward", "In this loop, each layer's backward is needed.")(
    lambda layer, g, rate: layer.forward(g)
)
turn_down("The layers' inputs are handed down in place of gradients", KEEP_GRADIENT)(
    lambda layer, g, rate: (layer.backward(g, rate), layer.input)[1]
)

MISTAKES = (*forward.mistakes, *backward.mistakes)
