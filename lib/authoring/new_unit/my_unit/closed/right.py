"""The right code, under the names that the notebook gives it."""

from typing import Any

import numpy as np

from lib.unit import Array


def loss(y: Array, yhat: Array) -> Any:
    """The right loss."""
    return np.mean((y - yhat) ** 2)
