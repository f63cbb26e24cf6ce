"""The closed half of the softmax classifier: the right objects, a sample class, and the mistakes that students make.

| module | mistakes in |
|---|---|
| `loss` | the loss and its gradient |
| `softmax` | softmax: forward, for large scores, backward |
| `dense` | the dense layer's update, and the gradient that it returns |
| `training` | the training loop |

Where two mistakes give the same numbers, the more plausible one comes first.
"""

from lib.reference import Dense, Softmax, cce, cce_gradient, train
from lib.unit import AnswerKey
from lib.units.softmax_classifier import UNIT
from lib.units.softmax_classifier.closed.dense import MISTAKES as IN_DENSE
from lib.units.softmax_classifier.closed.loss import MISTAKES as IN_LOSS
from lib.units.softmax_classifier.closed.sample_class import SAMPLE_CLASS
from lib.units.softmax_classifier.closed.softmax import MISTAKES as IN_SOFTMAX
from lib.units.softmax_classifier.closed.training import MISTAKES as IN_TRAINING

ANSWER_KEY = AnswerKey(
    unit=UNIT,
    right={"cce": cce, "cce_gradient": cce_gradient, "Softmax": Softmax, "Dense": Dense, "train": train},
    mistakes=(*IN_LOSS, *IN_SOFTMAX, *IN_DENSE, *IN_TRAINING),
    sample_class=SAMPLE_CLASS,
)
