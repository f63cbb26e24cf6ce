"""The inputs of a check, to take into the notebook and follow a number by hand."""

from typing import Any

import numpy as np

from lib.unit import Array, Part

MAX_NUMBERS = 60
"""The most numbers of an array that are shown; of a larger one only the shape is."""


class CheckInputs(dict[str, Array]):
    """The arrays that a check gives to student code, by name: `inputs["y_batch"]`. Shown, it lists them."""

    def __init__(self, part: Part):
        super().__init__(part.desk_inputs())
        self._part = part

    def __repr__(self) -> str:
        part = self._part
        lines = [f"The inputs of {part.id}, the same in every run:"]
        for name, value in self.items():
            if isinstance(value, np.ndarray):
                lines += [f"  [{name!r}], shape {value.shape}", *_numbers(value)]
            else:
                lines.append(f"  [{name!r}]: {value!r:.300}")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Called by IPython to show it: else it would be shown as any dict."""
        printer.text(repr(self))


def _numbers(array: Array) -> list[str]:
    if array.size > MAX_NUMBERS:
        return []
    text = np.array2string(array, precision=4, suppress_small=True, max_line_width=76)
    return [f"    {line}" for line in text.splitlines()]
