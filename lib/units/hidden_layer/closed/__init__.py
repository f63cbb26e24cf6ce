"""The closed half of the hidden layer: the right objects, a sample class, and the mistakes that students make.

Where two mistakes give the same numbers, the more plausible one comes first.
"""

import re

from lib.answer_key import AnswerKey, WatchedCalls
from lib.reference import Network, ReLU
from lib.units.hidden_layer import UNIT
from lib.units.hidden_layer.closed.network import MISTAKES as IN_NETWORK
from lib.units.hidden_layer.closed.relu import MISTAKES as IN_RELU
from lib.units.hidden_layer.closed.sample_class import SAMPLE_CLASS
from lib.units.hidden_layer.closed.step import MISTAKES as IN_STEP
from lib.units.hidden_layer.closed.step import step

WATCHED_CALLS = WatchedCalls(
    frozenset({"jax", "keras", "optax", "scipy", "sklearn", "tensorflow", "tensorflow_probability", "theano", "torch"}),
    re.compile(r"relu|softmax|cross_?entropy|log_?loss|sequential|gradient_?tape|(value_and_)?grad$", re.IGNORECASE),
)

ANSWER_KEY = AnswerKey(
    unit=UNIT,
    right={"ReLU": ReLU, "Network": Network, "step": step},
    mistakes=(*IN_RELU, *IN_NETWORK, *IN_STEP),
    sample_class=SAMPLE_CLASS,
    watched_calls=WATCHED_CALLS,
)
