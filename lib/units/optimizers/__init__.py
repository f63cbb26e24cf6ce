"""Optimizers: plain steps, momentum and Adam, a loop with a schedule, and weight decay; `explorer` has the sliders."""

import re

from lib.checking.dispatch import Checks
from lib.predictions import Predict
from lib.unit import Extra, SlowImports, Unit
from lib.units.hidden_layer import UNIT as HIDDEN_LAYER
from lib.units.optimizers.lab import QUESTIONS
from lib.units.optimizers.loop import decay, fit, schedule
from lib.units.optimizers.steps import adam, momentum, sgd

TENSORFLOW = Extra(
    "tensorflow",
    "TensorFlow",
    "The notebook works without it: section 12 then shows only your own weights. With it, that section also shows\n"
    "how far those of Keras are from yours. It takes 1.5 GB or more of disk space.",
)
SLOW = SlowImports(("tensorflow", "keras", "keras.optimizers"), re.compile("tensorflow|keras"))
PARTS = (sgd, momentum, adam, fit, schedule, decay)
UNIT = Unit("optimizers", "Optimizers", PARTS, (TENSORFLOW,), SLOW, QUESTIONS, HIDDEN_LAYER.name)
check = Checks(UNIT.parts, __name__)
predict = Predict(UNIT)
