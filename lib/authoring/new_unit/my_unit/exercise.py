"""The exercise: the statements about student code, and the inputs on which it is tested. Students get this file."""

import numpy as np

from lib.unit import Part, statement


def draw(rng):
    """Draw `y` and `yhat`, (samples,), far apart."""
    y = rng.uniform(1, 2, size=int(rng.integers(4, 9)))
    return {"y": y, "yhat": y + rng.uniform(0.5, 3, size=y.size)}


@statement(
    "The loss is the mean of the squared differences of y and yhat.",
    points=2,
    hint="Compute the loss of two samples by hand.",
    examples=(({"y": np.array([1.0, 2.0]), "yhat": np.array([1.0, 5.0])}, 4.5),),
)
def mean(inputs, loss):
    """Run the student's loss."""
    return loss(inputs["y"], inputs["yhat"])


PARTS = (Part("check-loss", "The loss", ("loss",), draw, (mean,)),)
