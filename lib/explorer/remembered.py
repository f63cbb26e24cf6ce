"""Remembered: what was computed of runs, roughly for the settings near by, and finely where the controls have rested.

Many rough ones are made ahead of time. They don't push out a fine one, which a picture is drawn from again and again.
"""

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from lib.explorer.training import Run

FINE = 16  # that are remembered: of the digits a fine one has some megabytes


class Refinable(ABC):
    """What is computed roughly at once, and finely later, a little at a time."""

    @property
    @abstractmethod
    def fine(self) -> bool:
        """Whether it is computed finely."""

    @abstractmethod
    def grow(self) -> None:
        """Compute a little more of it."""

    def refine(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Compute more of it until `seconds` have passed or `stop()` says so."""
        deadline = time.perf_counter() + seconds
        while not self.fine and time.perf_counter() < deadline and not stop():
            self.grow()


Value = TypeVar("Value", bound=Refinable)


class Remembered(Generic[Value]):
    """Calls `make` for a run after an epoch, and remembers the last `rough` results and the last `FINE` fine ones."""

    def __init__(self, make: Callable[[Run, int], Value], rough: int) -> None:
        self._make = make
        self._kinds: dict[bool, OrderedDict[tuple[Run, int], Value]] = {True: OrderedDict(), False: OrderedDict()}
        self._most = {True: FINE, False: rough}

    def __call__(self, run: Run, epoch: int) -> Value:
        """Return what was made of a run after an epoch, or make it."""
        key = run, epoch
        found = [kind.pop(key) for kind in self._kinds.values() if key in kind]
        value = found[0] if found else self._make(run, epoch)
        kind = self._kinds[value.fine]
        kind[key] = value
        if len(kind) > self._most[value.fine]:
            kind.popitem(last=False)
        return value
