"""The softmax classifier, a network without a hidden layer.

In the notebook: `from lib.units.softmax_classifier import check`.

| call | cell | what it looks at |
|---|---|---|
| `check.cce()` | `check-cce` | the loss |
| `check.cce_gradient()` | `check-cce-gradient` | the gradient of one sample's loss |
| `check.softmax_forward()` | `check-softmax-forward` | probabilities |
| `check.softmax_stable()` | `check-softmax-stable` | large scores |
| `check.softmax_backward()` | `check-softmax-backward` | the product with the Jacobian |
| `check.dense_backward()` | `check-dense-backward` | the update, and the input's gradient |
| `check.train()` | `check-train` | the loop |
| `check.cce.example()` | | the inputs of a check, as named arrays |

`predict` asks the lab's questions before their experiments: `lib.predictions` says how.
"""

import re

from lib.checking.dispatch import Checks
from lib.predictions import Predict
from lib.unit import Extra, SlowImports, Unit
from lib.units.softmax_classifier.dense import dense_backward
from lib.units.softmax_classifier.lab import QUESTIONS
from lib.units.softmax_classifier.loss import cce, cce_gradient
from lib.units.softmax_classifier.softmax import softmax_backward, softmax_forward, softmax_stable
from lib.units.softmax_classifier.training import train

TENSORFLOW = Extra(
    "tensorflow",
    "TensorFlow",
    "The notebook works without it: NumPy encodes the labels, with the same result, and section 16 shows only your\n"
    "own loss. With it, that section also shows TensorFlow's loss. It takes 1.5 GB or more of disk space, and it may\n"
    "not be available yet for the newest Python.",
)

UNIT = Unit(
    "softmax_classifier",
    "Softmax classifier",
    (cce, cce_gradient, softmax_forward, softmax_stable, softmax_backward, dense_backward, train),
    (TENSORFLOW,),
    SlowImports(("tensorflow", "keras", "keras.utils", "keras.losses"), re.compile("tensorflow|keras")),
    QUESTIONS,
)

check = Checks(UNIT.parts, __name__)
predict = Predict(UNIT)
