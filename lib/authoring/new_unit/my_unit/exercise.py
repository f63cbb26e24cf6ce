"""The exercise: what is said of the student's code, and the inputs on which it is tested."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.unit import Inputs, Part, statement


def draw(rng: np.random.Generator) -> Inputs:
    """Draw `y` and `yhat`, (samples,), far enough apart for every mistake to show."""
    samples = int(rng.integers(4, 9))
    y = rng.uniform(1, 2, size=samples)
    return {"y": y, "yhat": y + rng.uniform(0.5, 3, size=samples)}


@statement(
    "The loss is the mean of the squared differences of y and yhat.",
    points=2,
    hint="Compute the loss of two samples by hand, and compare it with each step of your code.",
    examples=(({"y": np.array([1.0, 2.0]), "yhat": np.array([1.0, 5.0])}, 4.5),),
)
def mean(inputs: Inputs, loss: Any) -> Any:
    """Run the student's loss: what comes of it has to be what the right one gives."""
    return loss(inputs["y"], inputs["yhat"])


PARTS = (Part("check-loss", "The loss", ("loss",), draw, (mean,)),)
"""All parts, in the notebook's order."""
