"""The reference: a right answer to every blank. Students never have it, and no process that runs their code loads it.

layer.py     a layer maps inputs forward and gradients backward
softmax.py   scores to probabilities, and the Jacobian back
dense.py     features to scores, and the weights that learn
relu.py      the activation between two dense layers
network.py   layers stacked to one
loss.py      how wrong the probabilities are, and in which direction
batches.py   which samples, and in which order
training.py  all of it together, over and over

Columns are samples everywhere: X is (features, samples), y is (classes, samples).
"""

from lib.reference.batches import generate_batch_indices
from lib.reference.dense import Dense
from lib.reference.layer import Layer
from lib.reference.loss import cce, cce_gradient
from lib.reference.network import Network
from lib.reference.relu import ReLU
from lib.reference.softmax import Softmax
from lib.reference.training import Trained, train

__all__ = [
    "Dense",
    "Layer",
    "Network",
    "ReLU",
    "Softmax",
    "Trained",
    "cce",
    "cce_gradient",
    "generate_batch_indices",
    "train",
]
