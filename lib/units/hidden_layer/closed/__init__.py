"""The closed half of the hidden layer: the right objects, a sample class, and the mistakes that students make.

Where two mistakes give the same numbers, the more plausible one comes first.
"""

import re
from pathlib import Path

from lib.answer_key import AnswerKey, WatchedCalls
from lib.mistakes import read
from lib.units.hidden_layer import UNIT
from lib.units.hidden_layer.closed.right import Network, ReLU, step
from lib.units.hidden_layer.closed.sample_class import SAMPLE_CLASS

WATCHED_CALLS = WatchedCalls(
    frozenset({"jax", "keras", "optax", "scipy", "sklearn", "tensorflow", "tensorflow_probability", "theano", "torch"}),
    re.compile(r"relu|softmax|cross_?entropy|log_?loss|sequential|gradient_?tape|(value_and_)?grad$", re.IGNORECASE),
)

RIGHT = {"ReLU": ReLU, "Network": Network, "step": step}
ANSWER_KEY = AnswerKey(
    unit=UNIT,
    right=RIGHT,
    mistakes=read(Path(__file__).with_name("mistakes"), RIGHT, UNIT.parts),
    sample_class=SAMPLE_CLASS,
    watched_calls=WATCHED_CALLS,
)
