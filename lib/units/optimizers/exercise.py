"""Optimizers: plain steps, momentum and Adam, a training loop with a schedule, and weight decay."""

from lib.unit import Extra
from lib.units.optimizers.predictions import PREDICTIONS as PREDICTIONS
from lib.units.optimizers.training_loop import decay, fit, schedule
from lib.units.optimizers.update_rules import adam, momentum, sgd

PARTS = (sgd, momentum, adam, fit, schedule, decay)
EXTRAS = (
    Extra(
        "tensorflow",
        "TensorFlow",
        "The notebook works without it: section 12 then shows only your own weights. With it, the section also shows\n"
        "their difference from those of Keras. It takes 1.5 GB or more of disk space.",
    ),
)
BUILDS_ON = "hidden_layer"
