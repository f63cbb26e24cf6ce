"""One hidden layer: ReLU, a network of layers, and what they can draw that a layer alone cannot.

In the notebook: `from lib.units.hidden_layer import check`.

| call | cell | what it looks at |
|---|---|---|
| `check.relu_forward()` | `check-relu-forward` | positive numbers pass |
| `check.relu_backward()` | `check-relu-backward` | so do their gradients |
| `check.network_forward()` | `check-network-forward` | layers in order |
| `check.network_backward()` | `check-network-backward` | layers in reverse, with what is handed on |
| `check.step()` | `check-step` | one step of training, and 1/B |

`predict` asks questions before their experiments: `lib.predictions` says how. `width` has the explorer with a slider
for the number of hidden units.
"""

from lib.checking.dispatch import Checks
from lib.predictions import Predict
from lib.unit import Unit
from lib.units.hidden_layer.lab import QUESTIONS
from lib.units.hidden_layer.network import network_backward, network_forward
from lib.units.hidden_layer.relu import relu_backward, relu_forward
from lib.units.hidden_layer.step import step
from lib.units.softmax_classifier import UNIT as SOFTMAX_CLASSIFIER

UNIT = Unit(
    "hidden_layer",
    "One hidden layer",
    (relu_forward, relu_backward, network_forward, network_backward, step),
    questions=QUESTIONS,
    builds_on=SOFTMAX_CLASSIFIER.name,
)

check = Checks(UNIT.parts, __name__)
predict = Predict(UNIT)
