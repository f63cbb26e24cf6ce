"""The answers: right code, and the mistakes that students make. This folder never leaves the instructors."""

from typing import Any

import numpy as np

from lib.answer_key import AnswerKey, MistakeCatalog, SampleClass
from lib.unit import Array

from .. import UNIT


def loss(y: Array, yhat: Array) -> Any:
    """The right loss."""
    return np.mean((y - yhat) ** 2)


mistakes = MistakeCatalog("check-loss", "loss", teach="Write the loss of two samples at the board.")


@mistakes("The squared differences are summed, not averaged", "Divide by the number of samples.")
def _summed(y: Array, yhat: Array) -> Any:
    return np.sum((y - yhat) ** 2)


@mistakes("The differences are not squared", "Look at the exponent in the formula.")
def _absolute(y: Array, yhat: Array) -> Any:
    return np.mean(np.abs(y - yhat))


ANSWER_KEY = AnswerKey(
    UNIT,
    right={"loss": loss},
    mistakes=tuple(mistakes.mistakes),
    # For `zerolayer demo my_unit`: what each student writes for the ? in the cell `loss`.
    sample_class=SampleClass(
        {"ada": {"loss": ("np.mean((y - yhat) ** 2)",)}, "ben": {"loss": ("np.sum((y - yhat) ** 2)",)}}, {}
    ),
)
