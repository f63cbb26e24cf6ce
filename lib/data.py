"""Data sets, with one sample in each column.

X is (features, samples); labels are whole numbers 0, 1, 2, ..., one for each sample. Three steps lead from raw data to
training: draw or load a data set, `split` off a validation set, and `standardise` both with the mean and deviation of
the training set. One-hot labels, (classes, samples), are `np.eye(num_labels)[:, labels]`.

`integers`, `blobs`, `rings` and `moons` draw X and labels; the last three draw equal numbers of each label, as far as
possible, in random order. Arguments that a function can't use raise a ValueError, which says what to try.
"""

from __future__ import annotations

import functools
import math
import os
import warnings
from contextlib import ExitStack, suppress
from numbers import Real
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, overload

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Labels: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Seed: TypeAlias = "int | np.random.Generator"  # quoted: numpy loads its random module at the first draw

GAP = 4.0  # the distance between the centres of neighbouring blobs
ROUNDING = 1e-12  # a feature whose relative deviation is smaller is constant up to rounding


def integers(
    num_samples: int = 64, num_features: int = 5, num_labels: int = 3, seed: Seed = 0
) -> tuple[NDArray[np.int64], Labels]:
    """Draw whole numbers from 3 to 9 with random labels: an example of shapes, with nothing to learn.

    The labels don't depend on X, so no classifier is better than guessing on new data: its loss stays near
    log(num_labels), or above.
    """
    rng = _begin(seed, num_samples=num_samples, num_features=num_features, num_labels=num_labels)
    return rng.integers(3, 10, size=(num_features, num_samples)), rng.integers(num_labels, size=num_samples)


def blobs(
    num_samples: int = 300, num_features: int = 2, num_labels: int = 3, seed: Seed = 0, spread: float = 1.0
) -> tuple[Matrix, Labels]:
    """Draw one round cluster for each label, 4 units from its neighbours: classes that straight lines can separate.

    `spread` is the standard deviation of a cluster along each feature. At 1 a linear classifier gets about
    19 of 20 samples right; at 0.3 all of them; at 3 far fewer. Only the first two features depend on the label;
    any others are noise.
    """
    rng = _begin(seed, spread, num_samples=num_samples, num_features=num_features, num_labels=num_labels)
    labels = rng.permutation(np.arange(num_samples) % num_labels)
    return _centres(num_features, num_labels)[:, labels] + rng.normal(0, spread, (num_features, num_samples)), labels


def _centres(num_features: int, num_labels: int) -> Matrix:
    # (features, labels), on a circle, or on a line if there is one feature.
    centres = np.zeros((num_features, num_labels))
    if num_features == 1:
        centres[0] = GAP * (np.arange(num_labels) - (num_labels - 1) / 2)
    elif num_labels > 1:
        angle = 2 * np.pi * np.arange(num_labels) / num_labels
        radius = GAP / 2 / np.sin(np.pi / num_labels)  # half a chord over the sine of half its angle
        centres[:2] = radius * np.array([np.cos(angle), np.sin(angle)])
    return centres


def rings(num_samples: int = 300, num_labels: int = 3, seed: Seed = 0, spread: float = 0.15) -> tuple[Matrix, Labels]:
    """Draw one ring for each label, around each other, in a plane: classes that no straight line separates.

    Neighbouring rings are 1 unit apart. `spread` is the standard deviation of the distance from the centre.
    """
    rng = _begin(seed, spread, num_samples=num_samples, num_labels=num_labels)
    labels = rng.permutation(np.arange(num_samples) % num_labels)
    radius = labels + 0.5 + rng.normal(0, spread, num_samples)
    angle = rng.uniform(0, 2 * np.pi, num_samples)
    return radius * np.array([np.cos(angle), np.sin(angle)]), labels


def moons(num_samples: int = 300, seed: Seed = 0, spread: float = 0.15) -> tuple[Matrix, Labels]:
    """Draw two half rings of radius 1, each with an end inside the other: classes that no straight line separates.

    `spread` is the standard deviation of a sample from its half ring, along each of the two features.
    """
    rng = _begin(seed, spread, num_samples=num_samples)
    labels = rng.permutation(np.arange(num_samples) % 2)
    angle = rng.uniform(0, np.pi, num_samples)
    upper = np.array([np.cos(angle), np.sin(angle)])
    lower = np.array([[1], [0.5]]) - upper
    return np.where(labels == 0, upper, lower) + rng.normal(0, spread, (2, num_samples)), labels


def digits() -> tuple[Matrix, Labels]:
    """Load 1,797 handwritten digits of 8 by 8 pixels, each pixel from 0 (paper) to 16 (ink).

    Returns X (64, 1797) and labels (1797,), the digits 0 to 9. `X[:, j].reshape(8, 8)` is a picture. The data are part
    of the package; `digits.txt` next to them names their source and licence.
    """
    from importlib.resources import files  # slower to import than the rest of this module

    with files("lib").joinpath("digits.npz").open("rb") as file, np.load(file) as shipped:
        return shipped["X"].astype(np.float64), shipped["labels"].astype(np.int64)


def split(
    X: ArrayLike, labels: ArrayLike, validation: float = 0.2, seed: Seed = 0
) -> tuple[Matrix, NDArray[np.generic], Matrix, NDArray[np.generic]]:
    """Shuffle the samples, and split off a validation set, to measure how well the model works on new data.

    X is (features, samples); labels are (samples,), or one-hot (classes, samples). Both are shuffled together, so each
    sample keeps its label. `validation` is the fraction of the validation set, between 0 and 1; both sets get at least
    one sample.

    Returns X_train, labels_train, X_validation, labels_validation.
    """
    X, labels = _read_columns("X", X), read_labels(labels)
    count = X.shape[1]
    if labels.ndim not in (1, 2) or labels.shape[-1] != count:
        found = f"has shape {labels.shape}, but X has {count} samples (columns)"
        _refuse("labels", found, f"({count},) or (classes, {count})", "np.transpose if its samples are in rows")
    if count < 2:
        _refuse("X", "has 1 sample", "2 or more to split", "more samples")
    if not (isinstance(validation, Real) and 0 < validation < 1):
        _refuse("validation", f"is {validation!r}", "a fraction between 0 and 1", "validation=0.2")
    order = _begin(seed).permutation(count)
    cut = min(max(round(validation * count), 1), count - 1)
    aside, train = order[:cut], order[cut:]
    return X[:, train], labels[..., train], X[:, aside], labels[..., aside]


@overload
def standardise(X: ArrayLike, /) -> Matrix: ...
@overload
def standardise(X: ArrayLike, other: ArrayLike, /, *others: ArrayLike) -> tuple[Matrix, ...]: ...
def standardise(X: ArrayLike, *others: ArrayLike) -> Matrix | tuple[Matrix, ...]:
    """Scale each feature (row) of X to mean 0 and standard deviation 1, so that all features have the same weight.

    The other arrays, such as a validation set, are scaled with the mean and deviation of X, because training must not
    use a validation set. A feature that is constant in X becomes 0 in all arrays.

    X is (features, samples), the others (features, any number of samples). Returns X, or a tuple of X and the others.
    """
    X = require_finite("X", _read_columns("X", X))
    mean, deviation = X.mean(axis=1, keepdims=True), X.std(axis=1, keepdims=True)
    deviation[deviation <= ROUNDING * np.abs(mean)] = np.inf  # dividing by infinity makes 0
    scaled = [(X - mean) / deviation]
    for name, values in ((f"argument {place}", other) for place, other in enumerate(others, start=2)):
        other = require_finite(name, _read_columns(name, values))
        if len(other) != len(X):
            found = f"has {len(other)} features (rows)"
            _refuse(name, found, f"{len(X)}, as X has", "the same features, with samples in columns")
        scaled.append((other - mean) / deviation)
    return tuple(scaled) if others else scaled[0]


@functools.cache
def load_tensorflow() -> ModuleType | None:
    """Import TensorFlow without its messages. If it isn't installed, print what happens instead, and return None.

    Its C++ code writes to file descriptor 2, not to `sys.stderr`, and TF_CPP_MIN_LOG_LEVEL doesn't stop every line.
    """
    with ExitStack() as restore, warnings.catch_warnings(action="ignore"), suppress(ImportError):
        with suppress(OSError):  # no descriptor 2, or no null device in a sandbox: the messages are shown
            stderr = os.dup(2)
            restore.callback(os.close, stderr)
            nowhere = restore.enter_context(open(os.devnull, "w"))  # noqa: PTH123  # pathlib takes 4 ms to import
            os.dup2(nowhere.fileno(), 2)
            restore.callback(os.dup2, stderr, 2)
        import tensorflow

        tf: ModuleType = tensorflow
        tf.keras.losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])  # the first operation writes, too
        return tf
    print(
        "TensorFlow is not installed. The notebook goes on without it: NumPy encodes the labels, with the same result,"
        "\nand the last check shows only your own loss."
    )
    return None


def _refuse(subject: str, found: str, expected: str, attempt: str) -> NoReturn:
    raise ValueError(f"{subject} {found}; expected {expected}. Try {attempt}.") from None


def _begin(seed: Seed, spread: float = 0.0, **sizes: int) -> np.random.Generator:
    # The generator for a draw, after its arguments have been checked.
    for name, size in sizes.items():
        is_whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
        if not (is_whole and size >= 1):
            _refuse(name, f"is {size!r}", "a whole number, 1 or more", f"{name}=3")
    if not (isinstance(spread, Real) and 0 <= spread < math.inf):
        _refuse("spread", f"is {spread!r}", "a number, 0 or more", "spread=1")
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        _refuse("seed", f"is {seed!r}", "a whole number, 0 or more", "seed=0")


def _read_columns(name: str, values: ArrayLike) -> Matrix:
    expected = "two dimensions with samples in columns, such as (5, 64)"
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        _refuse(name, "has no numbers, or rows of different lengths", expected, "printing it where it is computed")
    if found.ndim != 2 or 0 in found.shape:
        _refuse(name, f"has shape {found.shape}", expected, "printing its shape where it is computed")
    return found


def read_labels(labels: ArrayLike) -> NDArray[np.generic]:
    """Return labels as an array. Raises ValueError if their rows differ in length."""
    try:
        return np.asarray(labels)
    except ValueError:
        _refuse("labels", "has rows of different lengths", "one label for each sample", "np.concatenate(labels)")


def require_finite(name: str, X: Matrix) -> Matrix:
    """Return X, (features, samples). Raises ValueError with the place of a value that is not a finite number."""
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        _refuse(f"{name}[{row}, {column}]", f"is {X[row, column]}", "a finite number", "leaving that sample out")
    return X
