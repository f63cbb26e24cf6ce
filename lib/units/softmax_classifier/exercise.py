"""The softmax classifier, a network without a hidden layer: the loss, softmax, a dense layer, and the training loop."""

from lib.unit import Extra
from lib.units.softmax_classifier.dense import dense_backward
from lib.units.softmax_classifier.loss import cce, cce_gradient
from lib.units.softmax_classifier.predictions import PREDICTIONS as PREDICTIONS
from lib.units.softmax_classifier.softmax import softmax_backward, softmax_forward, softmax_stable
from lib.units.softmax_classifier.training_loop import train

PARTS = (cce, cce_gradient, softmax_forward, softmax_stable, softmax_backward, dense_backward, train)
EXTRAS = (
    Extra(
        "tensorflow",
        "TensorFlow",
        "The notebook works without it: NumPy encodes the labels, with the same result, and section 16 shows only your"
        "\nown loss. With it, that section also shows TensorFlow's loss. It takes 1.5 GB or more of disk space, and it"
        " may\nnot be available yet for the newest Python.",
    ),
)
