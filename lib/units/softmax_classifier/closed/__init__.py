"""The closed half of the softmax classifier: the right objects, a sample class, and the mistakes that students make.

Where two mistakes give the same numbers, the more plausible one comes first.
"""

import re

from lib.answer_key import AnswerKey, WatchedCalls
from lib.reference import Dense, Softmax, cce, cce_gradient, train
from lib.units.softmax_classifier import UNIT
from lib.units.softmax_classifier.closed import right_loop
from lib.units.softmax_classifier.closed.dense import MISTAKES as IN_DENSE
from lib.units.softmax_classifier.closed.loss import MISTAKES as IN_LOSS
from lib.units.softmax_classifier.closed.sample_class import SAMPLE_CLASS
from lib.units.softmax_classifier.closed.softmax import MISTAKES as IN_SOFTMAX
from lib.units.softmax_classifier.closed.training import MISTAKES as IN_TRAINING

WATCHED_CALLS = WatchedCalls(
    frozenset({"jax", "keras", "optax", "scipy", "sklearn", "tensorflow", "tensorflow_probability", "theano", "torch"}),
    re.compile(
        r"softmax|cross_?entropy|log_?loss|nll_?loss|logsumexp|gradient_?tape|(value_and_)?grad$", re.IGNORECASE
    ),
)

ANSWER_KEY = AnswerKey(
    unit=UNIT,
    right={
        "cce": cce,
        "cce_gradient": cce_gradient,
        "Softmax": Softmax,
        "Dense": Dense,
        "train": train,
    },
    mistakes=(*IN_LOSS, *IN_SOFTMAX, *IN_DENSE, *IN_TRAINING),
    sample_class=SAMPLE_CLASS,
    watched_calls=WATCHED_CALLS,
    known={"check-train": right_loop.probes},
)
