"""One hidden layer: ReLU, a network of layers, a training step, and an explorer with a slider for hidden units."""

from lib.units.hidden_layer.network import network_backward, network_forward
from lib.units.hidden_layer.predictions import PREDICTIONS as PREDICTIONS
from lib.units.hidden_layer.relu import relu_backward, relu_forward
from lib.units.hidden_layer.step import step

TITLE = "One hidden layer"
PARTS = (relu_forward, relu_backward, network_forward, network_backward, step)
BUILDS_ON = "softmax_classifier"
