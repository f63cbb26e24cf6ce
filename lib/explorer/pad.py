"""A pad to draw a digit on: it becomes 8 by 8 pixels, as in the data set, and the student's network reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from lib.checking.results import Wrong
from lib.checking.student_code import Failure, run_student_code
from lib.explorer.samples import Matrix
from lib.explorer.still_outputs import display_live


class Pad(anywidget.AnyWidget):
    """A pad to draw a digit on, by mouse, pen, finger or arrow keys.

    `read(pixels)` returns ten probabilities, (10, 1), for the pixels of a digit, (64, 1), from 0 (paper) to 16 (ink).
    If it fails, the pad shows the error and the student's line. `examples` are digits of the data set, (64, digits).
    """

    _esm = Path(__file__).with_name("pad.js")
    _css = Path(__file__).with_name("explorer.css")

    pixels = traitlets.List(help="64 numbers, or an empty list before anything is drawn").tag(sync=True)
    examples = traitlets.List(help="the pixels of each example digit").tag(sync=True)
    answer = traitlets.Dict(help="the ten probabilities, and a sentence").tag(sync=True)

    def __init__(self, read: Callable[[Matrix], Any], examples: Matrix) -> None:
        super().__init__(examples=np.asarray(examples, dtype=float).T.tolist())
        self._read = read

    @traitlets.observe("pixels")
    def _answer(self, _: Any) -> None:
        found = run_student_code(self._find_answer) if self.pixels else {}
        self.answer = {"words": found.text_and_code} if isinstance(found, Failure) else found

    def _find_answer(self) -> dict[str, Any]:
        found = np.ravel(self._read(np.array(self.pixels, dtype=float)[:, None])).astype(float)
        if found.shape != (10,) or not np.isfinite(found).all():
            raise Wrong(f"The network must return ten probabilities, but it returned {found[:10]}.")
        second, first = np.argsort(found)[-2:]
        next_one = f"; next is {second} ({found[second]:.0%})" if found[second] >= 0.005 else ""
        words = f"Read as {first} ({found[first]:.0%}){next_one}."
        return {"probabilities": found.tolist(), "words": words}

    def _ipython_display_(self) -> None:
        display_live(self, "A pad to draw a digit on. Run this cell to draw.")
