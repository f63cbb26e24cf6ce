"""The closed half of the hidden layer: the right objects, a sample class, and the mistakes that students make.

| module | mistakes in |
|---|---|
| `relu` | ReLU: forward, and the mask of backward |
| `network` | the two loops over the layers |
| `step` | one training step |

Where two mistakes give the same numbers, the more plausible one comes first.
"""

from lib.reference import Network, ReLU
from lib.unit import AnswerKey
from lib.units.hidden_layer import UNIT
from lib.units.hidden_layer.closed.network import MISTAKES as IN_NETWORK
from lib.units.hidden_layer.closed.relu import MISTAKES as IN_RELU
from lib.units.hidden_layer.closed.sample_class import SAMPLE_CLASS
from lib.units.hidden_layer.closed.step import MISTAKES as IN_STEP
from lib.units.hidden_layer.closed.step import step
from lib.units.softmax_classifier.closed import WATCHED_CALLS

ANSWER_KEY = AnswerKey(
    unit=UNIT,
    right={"ReLU": ReLU, "Network": Network, "step": step},
    mistakes=(*IN_RELU, *IN_NETWORK, *IN_STEP),
    sample_class=SAMPLE_CLASS,
    watched_calls=WATCHED_CALLS,
)
