"""The reference: a right answer to every blank. Students don't get it, and no process that runs their code imports it.

layer.py     a layer maps inputs forward and gradients backward
softmax.py   from scores to probabilities, and the Jacobian backward
dense.py     from features to scores, and the weights that learn
relu.py      the activation between two dense layers
network.py   several layers as one
loss.py      the error of the probabilities, and its gradient
batches.py   the samples of each batch, in random order
training.py  the training loop

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
