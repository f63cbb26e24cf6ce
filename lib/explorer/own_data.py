"""Data of one's own: a data set whose points are moved, added, relabelled and removed, one change after the other.

Points lie in the plane of the drawn set, standardised as it was, so that a change moves no other point. Each change
makes another version. Those before it stay to go back to, and so does the drawn set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.explorer.samples import Samples
from lib.explorer.svg import short

MAX_POINTS = 2000  # that a drag still moves quickly

Place: TypeAlias = Sequence[float]  # in the plane: the two features


@dataclass(frozen=True, eq=False)
class Version:
    """The points as they are at one time: X (2, points), labels (points,), and which of them are for validation.

    `change` says in words what was done last, and `moved` is the point that it moved, or -1. `number` is 0 for the
    drawn set and belongs to no other version.
    """

    number: int
    X: NDArray[np.float64]
    labels: NDArray[np.intp]
    validation: NDArray[np.bool_]
    names: list[str]
    change: str = ""
    moved: int = -1

    @cached_property
    def samples(self) -> Samples:
        """The points as training goes through them."""
        y, train, aside = np.eye(len(self.names))[:, self.labels], ~self.validation, self.validation
        X, labels = self.X, self.labels
        return Samples(X[:, train], labels[train], y[:, train], X[:, aside], labels[aside], y[:, aside], self.names)

    def name(self, point: int) -> str:
        """Say which kind of point it is, and of which class."""
        kind = "validation" if self.validation[point] else "training"
        return f"{kind} sample of class {self.names[self.labels[point]]}"

    def place(self, point: int) -> str:
        """Say where a point is."""
        return say_place(self.X[:, point].tolist())


class OwnData:
    """A drawn data set in a plane, and what became of it; `now` is the present version.

    A change that isn't possible changes nothing and returns a sentence that says why; any other returns "".
    """

    numbers: Iterator[int] = count(1)

    def __init__(self, drawn: Samples) -> None:
        labels = np.concatenate([drawn.labels, drawn.labels_validation])
        validation = np.arange(len(labels)) >= len(drawn.labels)
        X = np.hstack([drawn.X, drawn.X_validation])
        self.versions = [Version(0, X, labels, validation, drawn.names)]

    @property
    def now(self) -> Version:
        """The present version."""
        return self.versions[-1]

    @property
    def changes(self) -> int:
        """How many changes there were since the set was drawn."""
        return len(self.versions) - 1

    def find(self, number: int) -> Version:
        """Return the version with a number."""
        return next(version for version in reversed(self.versions) if version.number == number)

    def move(self, point: int, place: Place, go_on: bool = False) -> str:
        """Put a point at another place; with `go_on`, as a part of the move of this point that came last."""
        if go_on and self.now.moved == point:
            self.versions.pop()
        old, X = self.now, self.now.X.copy()
        X[:, point] = place
        words = f"a {old.name(point)} moved from {old.place(point)} to {say_place(place)}"
        return self._change(words, X=X, moved=point)

    def add(self, place: Place, label: int) -> str:
        """Add a training sample, as the last point of all."""
        old = self.now
        if old.X.shape[1] >= MAX_POINTS:
            return f"There are {MAX_POINTS:,} points, the most that can be changed here. Try removing one first."
        words = f"a training sample of class {old.names[label]} added at {say_place(place)}"
        X, labels = np.column_stack([old.X, place]), np.append(old.labels, label)
        return self._change(words, X=X, labels=labels, validation=np.append(old.validation, False))

    def relabel(self, point: int, label: int) -> str:
        """Give a point another class."""
        old, labels = self.now, self.now.labels.copy()
        labels[point] = label
        return self._change(
            f"a {old.name(point)} at {old.place(point)} is now of class {old.names[label]}", labels=labels
        )

    def remove(self, point: int) -> str:
        """Take a point out, unless nothing would be left to train on or to validate with."""
        old = self.now
        if np.sum(old.validation == old.validation[point]) == 1:
            use = "validate with" if old.validation[point] else "train on"
            return f"This {old.name(point)} stays: it is the last one to {use}. Try moving it."
        rest = np.arange(old.X.shape[1]) != point
        words = f"a {old.name(point)} removed at {old.place(point)}"
        return self._change(words, X=old.X[:, rest], labels=old.labels[rest], validation=old.validation[rest])

    def undo(self) -> str:
        """Go back to the version before."""
        if not self.changes:
            return "There is no change to undo."
        self.versions.pop()
        return ""

    def restart(self) -> str:
        """Start again from the drawn set; this can be undone too."""
        if not self.now.number:
            return "These are the points of the drawn set already."
        self.versions.append(replace(self.versions[0], change="back to the drawn set"))
        return ""

    def _change(self, words: str, moved: int = -1, **parts: Any) -> str:
        self.versions.append(replace(self.now, number=next(self.numbers), change=words, moved=moved, **parts))
        return ""


def say_place(place: Place) -> str:
    """Say where a place is."""
    return f"({short(place[0])}, {short(place[1])})"
