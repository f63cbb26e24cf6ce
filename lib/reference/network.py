"""A network is a layer made of layers: forward from the first to the last, backward from the last to the first.

It has the interface of a layer, so it can be trained, checked and stacked like one.
"""

from collections.abc import Sequence

from lib.reference.layer import FloatArray, Layer


class Network(Layer):
    """Layers in sequence: each one gets the output of the one before."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    def forward(self, input: FloatArray) -> FloatArray:
        """Return the last layer's output, (outputs, batch), for an input of shape (features, batch)."""
        self.input = self.output = input
        for layer in self.layers:
            self.output = layer.forward(self.output)
        return self.output

    def backward(self, output_gradient: FloatArray, learning_rate: float) -> FloatArray:
        """Pass the gradient of shape (outputs, batch) backward through the layers, and return the one at the input.

        By the chain rule the gradient at the output of a layer is the gradient at the input of the next one, so the
        last layer comes first. Every layer with weights takes its step.
        """
        for layer in reversed(self.layers):
            output_gradient = layer.backward(output_gradient, learning_rate)
        return output_gradient
