"""The closed half of the softmax classifier: the right objects, a sample class, and the mistakes that students make.

Where two mistakes give the same numbers, the more plausible one comes first.
"""

import re
from pathlib import Path

from lib import mistakes
from lib.answer_key import AnswerKey, WatchedCalls
from lib.units.softmax_classifier import UNIT
from lib.units.softmax_classifier.closed.right import RIGHT
from lib.units.softmax_classifier.closed.sample_class import SAMPLE_CLASS

WATCHED_CALLS = WatchedCalls(
    frozenset({"jax", "keras", "optax", "scipy", "sklearn", "tensorflow", "tensorflow_probability", "theano", "torch"}),
    re.compile(
        r"softmax|cross_?entropy|log_?loss|nll_?loss|logsumexp|gradient_?tape|(value_and_)?grad$", re.IGNORECASE
    ),
)

ANSWER_KEY = AnswerKey(
    unit=UNIT,
    right=RIGHT,
    mistakes=mistakes.read(Path(__file__).with_name("mistakes"), RIGHT, UNIT.parts),
    sample_class=SAMPLE_CLASS,
    watched_calls=WATCHED_CALLS,
)
