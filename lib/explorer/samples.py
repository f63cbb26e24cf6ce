"""Samples: a data set that is split and standardised for training, with labels as one-hot columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib import data

Matrix: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]
Source: TypeAlias = Callable[[], tuple[Any, Any]] | tuple[ArrayLike, ArrayLike]

BUILT_IN: dict[str, Callable[[], tuple[Any, Any]]] = {
    each.__name__: each for each in (data.blobs, data.rings, data.moons, data.digits)
}
GRID = 36  # points on each side of a plane; JavaScript interpolates between them
MARGIN = 0.4


@dataclass(frozen=True, eq=False)
class Samples:
    """Training and validation data: X is (features, samples), y (classes, samples), labels (samples,).

    Labels count from 0; `names` are the original labels.
    """

    X: Matrix
    labels: Labels
    y: Matrix
    X_validation: Matrix
    labels_validation: Labels
    y_validation: Matrix
    names: list[str]

    @property
    def batch_sizes(self) -> list[int]:
        """The values of the slider: 1, 2, 4, ... and finally the number of all training samples."""
        whole = self.X.shape[1]
        return [2**power for power in range((whole - 1).bit_length())] + [whole]


class Plane:
    """The plane of samples with two features: the axes `x` and `y` of a grid, and its `points`, (2, GRID * GRID)."""

    def __init__(self, samples: Samples) -> None:
        both = np.hstack([samples.X, samples.X_validation])
        self.low, self.high = both.min(axis=1) - MARGIN, both.max(axis=1) + MARGIN
        self.x, self.y = np.linspace(self.low, self.high, GRID).T
        self.points = np.stack([axis.ravel() for axis in np.meshgrid(self.x, self.y)])

    def share(self, X: Matrix) -> Matrix:
        """Return the positions of samples (2, n) in the plane, from 0 (left, bottom) to 1 (right, top)."""
        share: Matrix = (X - self.low[:, None]) / (self.high - self.low)[:, None]
        return share


def prepare(X: ArrayLike, labels: ArrayLike) -> Samples:
    """Split off a fifth for validation, standardise, and one-hot encode.

    X is (features, samples); for labels see `encode`. Raises ValueError if X and labels don't fit, or if a value of X
    is not finite.
    """
    numbers, names = encode(labels)
    parts = data.split(X, numbers)
    data.require_finite("X", np.asarray(X, dtype=np.float64))  # of X itself, so that the message has its indices
    X, labels, X_validation, labels_validation = parts
    X, X_validation = data.standardise(X, X_validation)
    columns, train, validation = np.eye(len(names)), labels.astype(np.intp), labels_validation.astype(np.intp)
    return Samples(X, train, columns[:, train], X_validation, validation, columns[:, validation], names)


def encode(labels: ArrayLike) -> tuple[Labels, list[str]]:
    """Return the class of each sample, counted from 0 in sorted order, and the names of the classes.

    `labels` has the shape (samples,), with whole numbers, strings or booleans. Raises ValueError for anything else.
    """
    found = data.read_labels(labels)
    found = np.asarray(found.tolist()) if found.dtype == object else found
    if found.ndim != 1 or not len(found):
        raise ValueError(
            f"labels has shape {found.shape}; expected one label for each sample. "
            "Try labels.argmax(axis=0) if they are one-hot columns."
        )
    for place, each in enumerate(found.tolist()):
        if not (each.is_integer() if isinstance(each, float) else isinstance(each, int | str | bytes)):
            raise ValueError(f"labels[{place}] is {each!r}; expected a whole number or a string. Try np.digitize.")
    values, numbers = np.unique(found, return_inverse=True)
    names = [str(int(each) if isinstance(each, float) else each) for each in values.tolist()]
    if len(names) == 1:
        raise ValueError(f"All labels are {names[0]}; expected two classes or more. Try samples of another class too.")
    return numbers, names


def sources(chosen: Any) -> dict[str, Source]:
    """Return the data sets to choose from by name: the argument `data` of `explore`, then the built-in ones.

    `chosen` is None, the name of a built-in data set, a pair (X, labels), or a mapping from names to pairs.
    Raises ValueError for an unknown name and for a value that isn't a pair.
    """
    if chosen is None:
        return {**BUILT_IN}
    if isinstance(chosen, str):
        if chosen not in BUILT_IN:
            raise ValueError(f"data is {chosen!r}; expected one of {', '.join(BUILT_IN)}. Try data='blobs'.")
        return {chosen: BUILT_IN[chosen], **BUILT_IN}
    given = {str(name): pair for name, pair in chosen.items()} if isinstance(chosen, Mapping) else {"your data": chosen}
    for name, pair in given.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{name} is not a pair; expected (X, labels). Try data=(X, labels).")
    return {**given, **{name: pair for name, pair in BUILT_IN.items() if name not in given}}


def load(source: Source) -> Samples:
    """Return a data set that is prepared for training."""
    X, labels = source() if callable(source) else source
    return prepare(X, labels)
