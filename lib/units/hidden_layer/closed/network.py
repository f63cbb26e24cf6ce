"""Mistakes in the network's two loops: their order, and what is handed on."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.answer_key import MistakeCatalog
from lib.reference import Network
from lib.reference.layer import FloatArray as Array


def _with_forward(function: Callable[[Network, Array], Any]) -> type[Network]:
    class Stack(Network):
        def forward(self, input: Array) -> Any:
            self.input = input
            self.output = function(self, input)
            return self.output

    return Stack


def _with_backward(function: Callable[[Network, Array, float], Any]) -> type[Network]:
    class Stack(Network):
        def backward(self, output_gradient: Array, learning_rate: float) -> Any:
            return function(self, output_gradient, learning_rate)

    return Stack


forward = MistakeCatalog(
    "check-network-forward",
    "Network",
    _with_forward,
    teach="Draw the layers as boxes in a row, and follow one batch from the left to the right.",
)
backward = MistakeCatalog(
    "check-network-backward",
    "Network",
    _with_backward,
    teach="Draw the layers as boxes in a row once more, and follow the gradient from the right to the left: each box"
    " gets what its right neighbour returns.",
)

ORDER = "Write down which layer is called first, second, and so on. The first layer of the list stands at the input."


@forward("The layers are called in reverse", ORDER)
def _reversed_forward(network: Network, x: Array) -> Any:
    for layer in reversed(network.layers):
        x = layer.forward(x)
    return x


KEEP = "In each turn of the loop, keep what the layer returns, and give that to the next layer."


@forward("Every layer gets the network's input", KEEP)
def _always_the_input(network: Network, x: Array) -> Any:
    output = x
    for layer in network.layers:
        output = layer.forward(x)
    return output


@forward("The network returns its input", "After the loop, return the output of the last layer.")
def _returns_the_input(network: Network, x: Array) -> Any:
    output = x
    for layer in network.layers:
        output = layer.forward(output)
    return x


@forward("All outputs are returned in a list", "Return one array: the output of the last layer.")
def _list_of_outputs(network: Network, x: Array) -> Any:
    outputs = [x]
    for layer in network.layers:
        outputs.append(layer.forward(outputs[-1]))
    return outputs[1:]


@forward("The outputs of all layers are added up", "Hand each output on to the next layer; add nothing.")
def _sum_of_outputs(network: Network, x: Array) -> Any:
    total = 0 * x
    for layer in network.layers:
        x = layer.forward(x)
        total = total + x
    return total


@forward("Each layer's input is added to its output", "Hand on the output of a layer alone.")
def _residual(network: Network, x: Array) -> Any:
    for layer in network.layers:
        x = x + layer.forward(x)
    return x


@forward("The loop ends after the first layer", "Put the return behind the loop, not into it.")
def _return_in_the_loop(network: Network, x: Array) -> Any:
    return network.layers[0].forward(x)


@forward("The last layer is left out", "Let the loop run over all layers.")
def _without_the_last(network: Network, x: Array) -> Any:
    for layer in network.layers[:-1]:
        x = layer.forward(x)
    return x


@forward("The first layer is left out", "Let the loop run over all layers.")
def _without_the_first(network: Network, x: Array) -> Any:
    for layer in network.layers[1:]:
        x = layer.forward(x)
    return x


@forward("Each layer is called twice", "Call forward once for each layer.")
def _twice_forward(network: Network, x: Array) -> Any:
    for layer in network.layers:
        x = layer.forward(layer.forward(x))
    return x


@forward("Each layer is called twice, and one result is lost", "Call forward once for each layer, and keep the result.")
def _twice_and_lost(network: Network, x: Array) -> Any:
    for layer in network.layers:
        layer.forward(x)
        x = layer.forward(x)
    return x


@forward("The last layer is called once more at the end", "Call forward once for each layer, and keep the result.")
def _last_again(network: Network, x: Array) -> Any:
    for layer in network.layers:
        x = layer.forward(x)
    return network.layers[-1].forward(x)


SHARED = "The first layer takes the place of all others: they share its weights"
OWN = "Use the loop's own variable, `layer`: each layer has weights of its own."


@forward(SHARED, OWN)
def _first_layer_always(network: Network, x: Array) -> Any:
    for _ in network.layers:
        x = network.layers[0].forward(x)
    return x


@forward(SHARED, OWN)
def _one_layer_many_times(network: Network, x: Array) -> Any:
    network.layers = [network.layers[0]] * len(network.layers)
    return Network.forward(network, x)


IN_THE_LIST = "ReLU is a layer of the list, and not behind the last one. Hand on what each layer returns, unchanged."


@forward("ReLU stands behind every layer, on the scores, too", IN_THE_LIST)
def _relu_everywhere(network: Network, x: Array) -> Any:
    for layer in network.layers:
        x = np.maximum(0, layer.forward(x))
    return x


@forward("ReLU stands behind the last layer", IN_THE_LIST)
def _relu_on_the_output(network: Network, x: Array) -> Any:
    for layer in network.layers:
        x = layer.forward(x)
    return np.maximum(0, x)


@backward("The layers are called in the order of the forward pass", "Which layer is next to the loss? Begin there.")
def _not_reversed(network: Network, g: Array, rate: float) -> Any:
    for layer in network.layers:
        g = layer.backward(g, rate)
    return g


KEEP_GRADIENT = "In each turn of the loop, keep what backward returns, and give that to the next layer."


@backward("Every layer gets the gradient at the network's output", KEEP_GRADIENT)
def _always_the_gradient(network: Network, g: Array, rate: float) -> Any:
    returned = g
    for layer in reversed(network.layers):
        returned = layer.backward(g, rate)
    return returned


@backward("Every layer gets the gradient at the network's output, in the order of the forward pass", KEEP_GRADIENT)
def _always_the_gradient_not_reversed(network: Network, g: Array, rate: float) -> Any:
    returned = g
    for layer in network.layers:
        returned = layer.backward(g, rate)
    return returned


RETURN = "After the loop, return the gradient that is left: a network below would need it."


@backward("The incoming gradient is returned", RETURN)
def _returns_the_gradient(network: Network, g: Array, rate: float) -> Any:
    left = g
    for layer in reversed(network.layers):
        left = layer.backward(left, rate)
    return g


@backward("Nothing is returned", RETURN)
def _returns_nothing(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g, rate)


ONCE = "1/B belongs to the loss, and comes in once, before the first layer of the backward pass. Leave it out here."


@backward("The gradient is divided by the batch size in every layer", ONCE)
def _mean_in_every_layer(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g / g.shape[1], rate)
    return g


@backward("The gradient is divided by the batch size in every layer", ONCE)
def _mean_after_every_layer(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g, rate) / g.shape[1]
    return g


@backward("The gradient is divided by the batch size", ONCE)
def _mean_once(network: Network, g: Array, rate: float) -> Any:
    g = g / g.shape[1]
    for layer in reversed(network.layers):
        g = layer.backward(g, rate)
    return g


@backward("The last layer is left out", "Let the loop run over all layers: also the last one hands a gradient on.")
def _without_the_last_backward(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers[:-1]):
        g = layer.backward(g, rate)
    return g


@backward("The first layer is left out", "Let the loop run over all layers: the first one has weights to learn.")
def _without_the_first_backward(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers[1:]):
        g = layer.backward(g, rate)
    return g


@backward("The loop ends after one layer", "Put the return behind the loop, not into it.")
def _return_in_the_loop_backward(network: Network, g: Array, rate: float) -> Any:
    return network.layers[-1].backward(g, rate)


@backward(SHARED, OWN)
def _first_layer_always_backward(network: Network, g: Array, rate: float) -> Any:
    for _ in network.layers:
        g = network.layers[0].backward(g, rate)
    return g


@backward("Each layer is called twice", "Call backward once for each layer: every call updates weights.")
def _twice_backward(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        layer.backward(g, rate)
        g = layer.backward(g, rate)
    return g


@backward("Each layer is called twice", "Call backward once for each layer: every call updates weights.")
def _twice_on_its_own_result(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(layer.backward(g, rate), rate)
    return g


@backward("The last layer is called twice", "Call backward once for each layer: every call updates weights.")
def _last_twice(network: Network, g: Array, rate: float) -> Any:
    g = network.layers[-1].backward(g, rate)
    for layer in reversed(network.layers):
        g = layer.backward(g, rate)
    return g


@backward("The first layer is called twice", "Call backward once for each layer: every call updates weights.")
def _first_twice(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g, rate)
    return network.layers[0].backward(g, rate)


RATE = "Hand the learning rate on as it is."


@backward("The learning rate is left out", RATE)
def _without_rate(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g)  # type: ignore[call-arg]  # the mistake
    return g


@backward("The learning rate shrinks from layer to layer", RATE)
def _shrinking_rate(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g, rate)
        rate = rate / 2
    return g


@backward("The learning rate is turned", RATE)
def _turned_rate(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(g, -rate)
    return g


@backward("The gradient is multiplied by the learning rate", "The layers with weights apply the learning rate.")
def _rate_on_the_gradient(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.backward(rate * g, rate)
    return g


@backward("forward is called in place of backward", "In this loop, each layer's backward is needed.")
def _forward_again(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        g = layer.forward(g)
    return g


@backward("The layers' inputs are handed down in place of gradients", KEEP_GRADIENT)
def _inputs_handed_down(network: Network, g: Array, rate: float) -> Any:
    for layer in reversed(network.layers):
        layer.backward(g, rate)
        g = layer.input
    return g


MISTAKES = (*forward.mistakes, *backward.mistakes)
