"""Samples: a data set made ready to train on, split and standardised, with labels as one-hot columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib import data

Matrix: TypeAlias = NDArray[np.float64]
Source: TypeAlias = "Callable[[], tuple[Any, Any]] | tuple[ArrayLike, ArrayLike]"

BUILT_IN: dict[str, Source] = {"blobs": data.blobs, "digits": data.digits}


@dataclass(frozen=True, eq=False)
class Samples:
    """Training and validation data: X is (features, samples), y (classes, samples), labels (samples,)."""

    X: Matrix
    y: Matrix
    X_validation: Matrix
    y_validation: Matrix

    @cached_property
    def labels(self) -> NDArray[np.intp]:
        """The class of each training sample."""
        labels: NDArray[np.intp] = np.argmax(self.y, axis=0)
        return labels

    @cached_property
    def labels_validation(self) -> NDArray[np.intp]:
        """The class of each validation sample."""
        labels: NDArray[np.intp] = np.argmax(self.y_validation, axis=0)
        return labels

    @property
    def side(self) -> int:
        """The side in pixels if the features are a square image, else 0."""
        side = math.isqrt(len(self.X))
        return side if side >= 4 and side * side == len(self.X) else 0

    @property
    def batch_sizes(self) -> list[int]:
        """1, 2, 4, ... and at last all training samples."""
        whole = self.X.shape[1]
        return [2**power for power in range((whole - 1).bit_length())] + [whole]


def prepare(X: ArrayLike, labels: ArrayLike) -> Samples:
    """Split off a fifth for validation, standardise, and one-hot encode.

    X is (features, samples), labels (samples,) whole numbers from 0, or one-hot (classes, samples).
    Raises ValueError if they don't fit together.
    """
    labels = np.asarray(labels)
    classes = labels.shape[0] if labels.ndim == 2 else int(labels.max(initial=0)) + 1
    flat = labels.argmax(axis=0) if labels.ndim == 2 else labels
    X_train, labels_train, X_validation, labels_validation = data.split(X, flat)
    X_train, X_validation = data.standardise(X_train, X_validation)
    columns = np.eye(classes)
    return Samples(X_train, columns[:, labels_train], X_validation, columns[:, labels_validation])


def sources(chosen: Any) -> dict[str, Source]:
    """Name the data sets to choose from: the two that ship, and before them what `explore` was given.

    `chosen` is None, the name of one, a pair (X, labels), or a mapping from names to pairs.
    Raises ValueError for a name that isn't known.
    """
    if chosen is None:
        return BUILT_IN
    if isinstance(chosen, str):
        if chosen not in BUILT_IN:
            raise ValueError(f"data is {chosen!r}; expected one of {', '.join(BUILT_IN)}. Try data='blobs'.")
        return {chosen: BUILT_IN[chosen], **BUILT_IN}
    return {**(chosen if isinstance(chosen, Mapping) else {"your data": chosen}), **BUILT_IN}


def load(source: Source) -> Samples:
    """Draw or load a data set and make it ready."""
    X, labels = source() if callable(source) else source
    return prepare(X, labels)
