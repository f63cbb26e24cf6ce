"""The closed half of the optimizers: the right objects, a sample class, and the mistakes that students make."""

import re
from pathlib import Path

from lib.answer_key import AnswerKey, WatchedCalls
from lib.mistakes import read
from lib.units.optimizers import UNIT
from lib.units.optimizers.closed.right import SGD, Adam, Momentum, WeightDecay, fit, warm_up_and_fall
from lib.units.optimizers.closed.sample_class import SAMPLE_CLASS

WATCHED_CALLS = WatchedCalls(
    frozenset({"jax", "keras", "optax", "scipy", "sklearn", "tensorflow", "torch"}),
    re.compile(r"optimi[sz]ers?|apply_gradients|minimize|gradient_?tape", re.IGNORECASE),
)
RIGHT = {each.__name__: each for each in (SGD, Momentum, Adam, fit, warm_up_and_fall, WeightDecay)}
MISTAKES = read(Path(__file__).with_name("mistakes"), RIGHT, UNIT.parts)
ANSWER_KEY = AnswerKey(UNIT, RIGHT, MISTAKES, SAMPLE_CLASS, WATCHED_CALLS)
