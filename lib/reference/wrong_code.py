"""Wrong code for the catalogues of mistakes: layers with another forward or backward, and code that overwrites."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.reference.layer import FloatArray, Layer

COMMA = "Look for a comma behind the value, or for brackets around it: they make a tuple or a list."
NO_RETURN = "Look for a path through backward that ends without return."
PER_SAMPLE = "Columns are samples: let the loop run over range(M.shape[1]), the number of columns."
INTEGERS = "Print the dtype of the array. Can it hold 0.3?"
"""Hints that several catalogues give."""


def with_forward(base: type[Layer], output: Callable[[Any, FloatArray], Any]) -> type[Layer]:
    """Make a layer whose forward computes its output with `output`, from the layer and the input."""

    class Wrong(base):  # type: ignore[misc, valid-type]  # any layer, known only at the call
        def forward(self, input: FloatArray) -> Any:
            self.input = input
            self.output = output(self, input)
            return self.output

    return Wrong


def with_backward(base: type[Layer], result: Callable[[Any, FloatArray, Any], Any]) -> type[Layer]:
    """Make a layer whose backward returns what `result` makes of the layer, the gradient and the learning rate."""

    class Wrong(base):  # type: ignore[misc, valid-type]  # as above
        def backward(self, output_gradient: FloatArray, learning_rate: float | None = None) -> Any:
            return result(self, output_gradient, learning_rate)

    return Wrong


def overwrite(at: int, code: Callable[..., Any]) -> Callable[..., Any]:
    """Make code that also fills one of the arrays that it is given with zeros: the one at place `at`."""

    def overwriting(*given: Any) -> Any:
        result = code(*given)
        given[at][:] = 0
        return result

    return overwriting


def loop_over_rows(columns: FloatArray) -> FloatArray:
    """Fill as many columns as there are rows. Raises IndexError where there are fewer."""
    filled = np.zeros(columns.shape)
    for i in range(len(columns)):
        filled[:, i] = columns[:, i]
    return filled
