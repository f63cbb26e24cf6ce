"""The losses that each learning rate and batch size reaches in the same number of steps, or of epochs.

It fills in a little at a time, nearest to the present setting first, with runs that are let go when they are through.
"""

import math
import time
from collections.abc import Callable, Sequence

from lib.explorer.training import Run, Setting

STEPS = 300  # for each cell, where steps are compared

Cell = tuple[float, int]


class LossMap:
    """The training loss of each cell, a learning rate and a batch size, as far as they are known.

    `begin` begins the run of a cell; `epochs` is how many each trains, or 0 for `STEPS` steps. A run that diverges has
    the loss inf, and one that fails or takes too long nan.
    """

    def __init__(
        self, begin: Callable[[Cell], Run], rates: Sequence[float], batch_sizes: Sequence[int], epochs: int
    ) -> None:
        self.rates, self.batch_sizes, self.epochs = rates, batch_sizes, epochs
        self._cells = [(rate, size) for rate in rates for size in batch_sizes]
        self.size = len(self._cells)
        self.losses: dict[Cell, float] = {}
        self._begin = begin
        self._cell: Cell | None = None

    @property
    def complete(self) -> bool:
        """Whether every cell is known."""
        return len(self.losses) == self.size

    def fill(self, near: Setting, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Train until `seconds` have passed, `stop()` says so, or all is known."""
        deadline = time.perf_counter() + seconds
        while not self.complete and not stop() and (left := deadline - time.perf_counter()) > 0:
            if self._cell is None:
                missing = (cell for cell in self._cells if cell not in self.losses)
                self._cell = min(missing, key=lambda cell: distance(cell, near))
                self._run = self._begin(self._cell)
            loss = self._run.reach(self.epochs * self._run.iterations_per_epoch or STEPS, left, stop)
            if loss is not None:
                self.losses[self._cell], self._cell = loss, None

    def lowest(self) -> Cell | None:
        """Return the cell with the lowest loss so far, if any has a finite one."""
        finite = {cell: loss for cell, loss in self.losses.items() if math.isfinite(loss)}
        return min(finite, key=finite.__getitem__, default=None)


def distance(cell: Cell, setting: Setting) -> float:
    """Return how far a cell lies from a setting, in factors of e."""
    rate, size = cell
    return math.hypot(math.log(rate / setting.learning_rate), math.log(size / setting.batch_size))
