"""Predictions: before an experiment students fill in a blank with their guess, and its check says what came out.

    prediction_epochs = ?  # 1, 2, 3 or 4
    check.prediction_epochs()

A prediction is a part without points, so its verdict is stored and counted like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.checking.results import Wrong, numbers
from lib.unit import Inputs, Part, Statement

if TYPE_CHECKING:
    import numpy as np

PREDICTED = "You predicted {number}: {choice}."
NO_GUESS = "Your guess is the number of a choice."
"""It replaces what came out, which is for those who have made a guess."""


def prediction(name: str, title: str, choices: tuple[str, ...], right: int, why: str) -> Part:
    """Return the part of the guess `prediction_NAME`: the number of one of the `choices`, which count from 1.

    `right` is the number of what comes out, and `why` the reason, for all code that the checks accept.
    """

    def came_out(found: Any, inputs: Inputs, name: str) -> tuple[Any, Any]:
        try:
            guess = float(numbers(found, ()))
            if guess not in range(1, len(choices) + 1):
                raise Wrong("It is another number.", found=guess, expected=f"1 to {len(choices)}")
        except Wrong as wrong:
            wrong.heading = NO_GUESS
            raise
        if guess != right:
            raise Wrong(PREDICTED.format(number=f"{guess:g}", choice=choices[int(guess) - 1]))
        return found, found

    text = f"{choices[right - 1]}. {why}"
    statement = Statement("Guess", text, read_guess, came_out, points=0)
    return Part(f"check-prediction-{name}", title, (f"prediction_{name}",), draw_nothing, (statement,), repeated=True)


def draw_nothing(rng: np.random.Generator) -> Inputs:
    """Return no inputs."""
    return {}


def read_guess(inputs: Inputs, guess: Any) -> Any:
    """Return the student's guess."""
    return guess
