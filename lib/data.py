"""Data sets, with one sample in each column.

X is (features, samples); labels are whole numbers 0, 1, 2, ..., one a sample; one-hot encoded they are y,
(classes, samples). Four steps lead from raw data to training: draw or load it, `split` off a validation set,
`standardise` both by the mean and deviation of the training set, and `one_hot` encode the labels.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from numbers import Real
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Labels: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Seed: TypeAlias = "int | np.random.Generator"  # quoted: numpy loads its random module at the first draw

GAP = 4.0  # from one blob's centre to its neighbour's, in units of X
ROUNDING = 1e-12  # a feature that varies by less than this part of its mean varies by rounding alone
MOST = 10**9  # a size beyond it, which no computer's memory holds, is a slip
KERAS_EPSILON = 1e-7  # Keras takes any probability below this as this
TOLERANCE = 1e-5  # how near a loss must come to the one that Keras works out in float32


# ---- Draw or load


def integers(
    num_samples: int = 64, num_features: int = 5, num_labels: int = 3, seed: Seed = 0
) -> tuple[NDArray[np.int64], Labels]:
    """Draw whole numbers from 3 to 9 with random labels: an example of shapes, with nothing to learn.

    The labels don't depend on X, so no classifier is better than guessing on new data: its loss stays near
    log(num_labels), or above.

    Returns X (features, samples) and labels (samples,). Raises ValueError for a size below 1.
    """
    _require_sizes(num_samples=num_samples, num_features=num_features, num_labels=num_labels)
    rng = _make_rng(seed)
    return rng.integers(3, 10, size=(num_features, num_samples)), rng.integers(num_labels, size=num_samples)


def blobs(
    num_samples: int = 300, num_features: int = 2, num_labels: int = 3, seed: Seed = 0, spread: float = 1.0
) -> tuple[Matrix, Labels]:
    """Draw one round cluster for each label, 4 units from its neighbours: classes that straight lines can separate.

    `spread` is the standard deviation of a cluster along each feature. At 1 a linear classifier gets about
    19 of 20 samples right; at 0.3 all of them; at 3 far fewer. Only the first two features depend on the label;
    any others are noise.

    Returns X (features, samples) and labels (samples,), as many of each label as the number of samples
    allows, shuffled. Raises ValueError for a size below 1 or a spread below 0.
    """
    rng, labels = _draw_labels(spread, seed, num_samples=num_samples, num_features=num_features, num_labels=num_labels)
    X = _centres(num_features, num_labels)[:, labels] + rng.normal(0, spread, (num_features, num_samples))
    return X, labels


def _draw_labels(spread: float, seed: Seed, **sizes: int) -> tuple[np.random.Generator, Labels]:
    """Draw labels, as many of each as the number of samples allows; return the source of random numbers, and them.

    Raises ValueError for a size below 1, a spread below 0, or what is no seed.
    """
    _require_sizes(**sizes)
    if not (isinstance(spread, Real) and 0 <= spread < math.inf):
        raise ValueError(f"spread is {spread!r}; expected a number, 0 or more. Try spread=1.")
    rng = _make_rng(seed)
    return rng, rng.permutation(np.arange(sizes["num_samples"]) % sizes["num_labels"])


def _centres(num_features: int, num_labels: int) -> Matrix:
    """Place the blobs' centres (features, labels) on a circle, or on a line if there is but one feature."""
    centres = np.zeros((num_features, num_labels))
    if num_features == 1:
        centres[0] = GAP * (np.arange(num_labels) - (num_labels - 1) / 2)
    elif num_labels > 1:
        angle = 2 * np.pi * np.arange(num_labels) / num_labels
        radius = GAP / 2 / np.sin(np.pi / num_labels)  # half a chord over the sine of half its angle
        centres[:2] = radius * np.array([np.cos(angle), np.sin(angle)])
    return centres


def rings(num_samples: int = 300, num_labels: int = 3, seed: Seed = 0, spread: float = 0.15) -> tuple[Matrix, Labels]:
    """Draw one ring for each label, around each other: classes that no straight line tells apart.

    Neighbouring rings are 1 unit apart. `spread` is the standard deviation of the distance from the middle.

    Returns X (2, samples) and labels (samples,), as many of each label as the number of samples allows, shuffled.
    Raises ValueError for a size below 1 or a spread below 0.
    """
    rng, labels = _draw_labels(spread, seed, num_samples=num_samples, num_labels=num_labels)
    radius = labels + 0.5 + rng.normal(0, spread, num_samples)
    angle = rng.uniform(0, 2 * np.pi, num_samples)
    return radius * np.array([np.cos(angle), np.sin(angle)]), labels


def moons(num_samples: int = 300, seed: Seed = 0, spread: float = 0.15) -> tuple[Matrix, Labels]:
    """Draw two half rings of radius 1, each with an end inside the other: classes that no straight line tells apart.

    `spread` is the standard deviation of a sample from its half ring, along each feature.

    Returns X (2, samples) and labels (samples,), as many of each label as the number of samples allows, shuffled.
    Raises ValueError for a size below 1 or a spread below 0.
    """
    rng, labels = _draw_labels(spread, seed, num_samples=num_samples, num_labels=2)
    angle = rng.uniform(0, np.pi, num_samples)
    upper = np.array([np.cos(angle), np.sin(angle)])
    lower = np.array([[1], [0.5]]) - upper
    return np.where(labels == 0, upper, lower) + rng.normal(0, spread, (2, num_samples)), labels


def digits() -> tuple[Matrix, Labels]:
    """Load 1,797 handwritten digits of 8 by 8 pixels, each pixel from 0 (paper) to 16 (ink).

    Returns X (64, 1797) and labels (1797,), the digits 0 to 9. `X[:, j].reshape(8, 8)` is a picture.
    The data ship with the package; `digits.txt` beside them names their source and licence.
    """
    from importlib.resources import files  # costs more to import than this whole module

    with files("lib").joinpath("digits.npz").open("rb") as file, np.load(file) as shipped:
        return shipped["X"].astype(np.float64), shipped["labels"].astype(np.int64)


# ---- Split and standardise


def split(
    X: ArrayLike, labels: ArrayLike, validation: float = 0.2, seed: Seed = 0
) -> tuple[Matrix, NDArray[np.generic], Matrix, NDArray[np.generic]]:
    """Shuffle the samples and put a part of them aside, to measure how well the model does on new data.

    X is (features, samples); labels are (samples,), or one-hot (classes, samples). One shuffle serves both,
    so each sample keeps its label. `validation` is the fraction put aside, between 0 and 1; each side gets at
    least one sample.

    Returns X_train, labels_train, X_validation, labels_validation. Raises ValueError if X and labels don't
    have the same number of samples, if that number is below 2, or if `validation` isn't between 0 and 1.
    """
    given = X, labels
    X, labels = _read_columns("X", X), read_labels(labels)
    num_samples = X.shape[1]
    if labels.ndim not in (1, 2) or labels.shape[-1] != num_samples:
        raise ValueError(
            f"labels has shape {labels.shape}, but X has {num_samples} samples (columns); "
            f"expected ({num_samples},) or (classes, {num_samples}). Try {_suggest_columns(X, labels, *given)}."
        )
    if num_samples < 2:
        raise ValueError(f"X has {num_samples} sample; a split needs 2 or more. Try more samples.")
    if not (isinstance(validation, Real) and 0 < validation < 1):
        raise ValueError(f"validation is {validation!r}; expected a fraction between 0 and 1. Try validation=0.2.")
    order = _make_rng(seed).permutation(num_samples)
    cut = min(max(round(validation * num_samples), 1), num_samples - 1)
    aside, train = order[:cut], order[cut:]
    return X[:, train], labels[..., train], X[:, aside], labels[..., aside]


def _suggest_columns(X: Matrix, labels: NDArray[np.generic], *given: object) -> str:
    """Say what to turn where X and labels, as they were `given`, differ in their numbers of columns."""
    rows, columns = X.shape
    X_turned, labels_turned = map(_write_transpose, ("X", "labels"), given)
    if labels.ndim == 0:
        return _suggest_flat_labels(labels, labels_turned)
    if labels.shape[:1] == (columns,):
        return labels_turned
    if labels.shape[-1:] == (rows,):
        return f"{X_turned}, since the samples of X stand in rows"
    if labels.shape[:1] == (rows,) and rows > columns:
        return f"{X_turned} and {labels_turned}, since the samples of both stand in rows"
    return "taking labels and X from the same samples"


def _write_transpose(name: str, given: object) -> str:
    """Write the code that transposes what was given: a list has no .T."""
    return f"{name}.T" if isinstance(given, np.ndarray) else f"np.transpose({name})"


@overload
def standardise(X: ArrayLike, /) -> Matrix: ...
@overload
def standardise(X: ArrayLike, other: ArrayLike, /, *others: ArrayLike) -> tuple[Matrix, ...]: ...
def standardise(X: ArrayLike, *others: ArrayLike) -> Matrix | tuple[Matrix, ...]:
    """Give each feature (row) of X mean 0 and standard deviation 1, so that all features count alike.

    The others, such as a validation set, are moved and scaled by the mean and deviation of X, because nothing
    of a validation set may be used in training. A feature that is constant in X becomes 0 everywhere.

    X is (features, samples), the others (features, any number of samples). Returns X alone, or a tuple of X
    and the others. Raises ValueError if a shape doesn't fit or a value is not a finite number.
    """
    X = require_finite("X", _read_columns("X", X))
    # By a power of 2, which rounds nothing: the squares of numbers near 1e200 or 1e-200 are no numbers.
    power = np.frexp(np.abs(X).max(axis=1, keepdims=True))[1]
    small: Matrix = np.ldexp(X, -power)
    mean, deviation = small.mean(axis=1, keepdims=True), small.std(axis=1, keepdims=True)
    deviation[deviation <= ROUNDING * np.abs(mean)] = np.inf  # anything over infinity is 0
    scaled = [(small - mean) / deviation]
    for place, other in enumerate(others, start=2):
        other = _read_columns(f"argument {place}", other)
        if len(other) != len(X):
            raise ValueError(
                f"argument {place} has {len(other)} features (rows), but X has {len(X)}; expected the same number. "
                "Try the same features, with samples in columns."
            )
        with np.errstate(over="ignore"):
            scaled.append((np.ldexp(require_finite(f"argument {place}", other), -power) - mean) / deviation)
        require_finite(f"standardised argument {place}", scaled[-1])
    return tuple(scaled) if others else scaled[0]


def require_finite(name: str, X: Matrix) -> Matrix:
    """Return X, (features, samples). Raises ValueError, which says where, if a value is not a finite number."""
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(
            f"{name}[{row}, {column}] is {X[row, column]}; expected a finite number. Try leaving that sample out."
        )
    return X


# ---- Encode the labels, check the loss


def load_tensorflow() -> ModuleType | None:
    """Load TensorFlow without the messages of its start. Where it isn't installed, say so once and return None."""
    tf = _import_tensorflow()
    if tf is None:
        _print_once("TensorFlow is not installed, so NumPy encodes the labels. The result is the same.")
    return tf


def one_hot(labels: ArrayLike, num_classes: int) -> Matrix:
    """Encode labels (samples,) as columns y (classes, samples): 1 in the row of the label, 0 elsewhere.

    This is `tf.keras.utils.to_categorical`, which puts samples in rows, transposed. Without TensorFlow
    NumPy does the same.

    Raises ValueError, and names the first bad label, unless each is a whole number from 0 to num_classes - 1;
    also if labels aren't one-dimensional or num_classes is below 1.
    """
    _require_sizes(_suggest_num_classes(labels), num_classes=num_classes)
    checked = _check_labels(labels, num_classes)
    tf = load_tensorflow()
    if tf:
        rows = tf.keras.utils.to_categorical(checked, num_classes)
    else:
        rows = np.zeros((len(checked), num_classes))
        rows[np.arange(len(checked)), checked] = 1
    return np.ascontiguousarray(rows.T, dtype=np.float64)


@dataclass(frozen=True, repr=False)
class CrossCheck:
    """Our loss and TensorFlow's for the same y and yhat. When printed, it says whether they agree."""

    ours: float
    tensorflow: float | None  # None: TensorFlow isn't installed
    lowest: float  # the least probability that yhat gives to a true class

    @property
    def agree(self) -> bool:
        """Whether both are the same to 5 decimals, or to 5 digits if that is wider."""
        return self.tensorflow is not None and math.isclose(
            self.ours, self.tensorflow, rel_tol=TOLERANCE, abs_tol=TOLERANCE
        )

    def __repr__(self) -> str:
        if self.tensorflow is None and sys.platform == "emscripten":
            return f"Our loss {self.ours:.7f}. A browser has no TensorFlow to compare it with."
        if self.tensorflow is None:
            return (
                f"Our loss {self.ours:.7f}. To compare it with TensorFlow's, "
                "install TensorFlow (%pip install tensorflow, or with uv as README.md says) and restart the kernel."
            )
        both = f"Our loss {self.ours:.7f}, TensorFlow's {self.tensorflow:.7f}"
        if self.agree:
            unit = "decimals" if abs(self.ours - self.tensorflow) <= TOLERANCE else "digits"
            return f"{both}: they agree to 5 {unit}."
        if self.lowest < KERAS_EPSILON:
            return (
                f"{both}: they differ. A true class has p = {self.lowest:.1e}, "
                f"and TensorFlow replaces any p below {KERAS_EPSILON:.0e} by {KERAS_EPSILON:.0e}."
            )
        if math.isfinite(self.ours) and self.tensorflow > TOLERANCE:
            return f"{both}: they differ; ours is {self.ours / self.tensorflow:.4g} times TensorFlow's."
        return f"{both}: they differ."


def crosscheck(y: ArrayLike, yhat: ArrayLike, loss: float) -> CrossCheck:
    """Compare a categorical cross-entropy loss, the mean over the samples, with TensorFlow's.

    y and yhat are (classes, samples) with columns that sum to 1; loss is the number that your function gave
    for them. They are transposed for `tf.keras.losses.CategoricalCrossentropy`, which expects samples in rows,
    computes in float32 and replaces any probability below 1e-7 by 1e-7.

    Returns a CrossCheck; without TensorFlow it says how to install it. Raises ValueError if y and yhat aren't
    probabilities in columns of the same shape, or the loss isn't one number.
    """
    given = y, yhat
    y, yhat = _read_columns("y", y), _read_columns("yhat", yhat)
    _require_probabilities(y, yhat, *given)
    try:
        ours = np.asarray(loss)
    except ValueError:  # a list of lists of several lengths
        ours = np.asarray(None)
    if ours.size != 1 or ours.dtype.kind not in "biuf":
        found = f"has shape {ours.shape}" if ours.size != 1 else f"is {loss!r}"
        raise ValueError(
            f"loss {found}; expected one number, the mean over the samples. Try printing what your loss returns."
        )
    tf = _import_tensorflow()
    with warnings.catch_warnings(action="ignore"):  # Keras warns where there is one class
        theirs = float(tf.keras.losses.CategoricalCrossentropy()(y.T, yhat.T)) if tf else None
    return CrossCheck(float(ours.item()), theirs, lowest=float(yhat[y > 0].min()))


# ---- What errors say


def _require_sizes(least: int = 1, **sizes: float) -> None:
    """Refuse a size that isn't a whole number of at least 1, or that is too large; suggest none below `least`."""
    for name, size in sizes.items():
        is_whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
        if is_whole and 1 <= size <= MOST:
            continue
        is_meant = isinstance(size, float) and 1 <= size <= MOST and size.is_integer()  # such as 4.0
        meant = max(int(size) if is_meant else 3, least)
        expected = "1 or more" if not is_whole or size < 1 else f"{MOST:,} at most"
        raise ValueError(f"{name} is {size!r}; expected a whole number, {expected}. Try {name}={meant}.")


def _suggest_num_classes(labels: ArrayLike) -> int:
    """Say how many classes there are at least: one more than the largest label, where that is a number of classes."""
    with suppress(TypeError, ValueError, OverflowError):
        largest = np.max(np.asarray(labels, dtype=np.float64))
        return int(largest) + 1 if 0 <= largest < MOST else 1
    return 1


def _make_rng(seed: Seed) -> np.random.Generator:
    """Make a source of random numbers from a seed, or take the one that it is."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(f"seed is {seed!r}; expected a whole number, 0 or more. Try seed=0.") from None


def _read_columns(name: str, values: ArrayLike) -> Matrix:
    """Read values as a matrix of numbers that has rows, and samples in its columns."""
    try:
        if getattr(values, "dtype", np.dtype(float)).kind == "c":
            raise TypeError("it holds complex numbers: np.real leaves their imaginary parts out")
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        why = "its rows have different lengths" if "inhomogeneous" in str(error) else str(error).rstrip(".")
        raise ValueError(
            f"{name} is not a matrix of numbers ({why}); expected two dimensions with samples in columns, such as "
            f"(5, 64). Try printing {'it' if ' ' in name else name} where it is made."
        ) from None
    if found.ndim != 2 or 0 in found.shape:
        remedy = "one_hot(labels, num_classes)" if name == "y" else "printing its shape where it is made"
        raise ValueError(
            f"{name} has shape {found.shape}; expected two dimensions with samples in columns, such as (5, 64). "
            f"Try {remedy}."
        )
    return found


def read_labels(labels: ArrayLike) -> NDArray[np.generic]:
    """Read labels as an array, whatever they are. Raises ValueError if their rows differ in length."""
    try:
        return np.asarray(labels)
    except ValueError:
        raise ValueError(
            "labels has rows of different lengths; expected one dimension, with one label for each sample. "
            "Try np.concatenate(labels)."
        ) from None


def _check_labels(labels: ArrayLike, num_classes: int) -> Labels:
    """Read labels as whole numbers from 0 to num_classes - 1, or name the first that isn't one."""
    found = read_labels(labels)
    if found.ndim != 1:
        raise ValueError(
            f"labels has shape {found.shape}; expected one dimension, with one label for each sample. "
            f"Try {_suggest_flat_labels(found, _write_transpose('labels', labels))}."
        )
    allowed = np.isin(found, np.arange(num_classes)) & _are_numbers(found)
    if not allowed.all():
        first = int(np.argmin(allowed))
        bad = found.tolist()[first]
        raise ValueError(
            f"labels[{first}] is {bad!r}; expected a whole number from 0 to {num_classes - 1} "
            f"(num_classes={num_classes}). Try {_suggest_labels(found, bad, num_classes, labels)}."
        )
    return found.astype(np.int64)


def _are_numbers(found: NDArray[np.generic]) -> bool | NDArray[np.bool_]:
    """Tell whether all entries are numbers, or which are: an array of objects may hold anything."""
    return found.dtype.kind in "biuf" or np.array([isinstance(each, Real) for each in found.tolist()], dtype=bool)


def _suggest_flat_labels(found: NDArray[np.generic], turned: str) -> str:
    """Suggest what makes labels one-dimensional: labels that are one-hot already need something else."""
    if found.ndim == 0 and (found.dtype.kind in "US" or hasattr(found.item(), "__iter__")):  # a set, or a generator
        return "list(labels)"
    if found.ndim == 0 and not _are_numbers(found.reshape(1)):
        return "printing labels where they are made: a function without return gives None"
    if found.ndim == 2 and min(found.shape) > 1 and np.isin(found, (0, 1)).all():
        if (found.sum(axis=0) == 1).all():
            return "using them as they are: they look one-hot already"
        if (found.sum(axis=1) == 1).all():
            return f"{turned}: they look one-hot already, with samples in rows"
    if sum(size > 1 for size in found.shape) > 1:
        return "one row of them, such as labels[0]"
    return "np.ravel(labels)"


def _suggest_labels(found: NDArray[np.generic], bad: float, num_classes: int, given: object) -> str:
    """Suggest what corrects the first bad label of labels that were `given` as an array or as something else."""
    if found.dtype.kind in "biuf" and not math.isfinite(bad):
        return "leaving that sample out"
    is_number = found.dtype.kind in "biuf" and bad % 1 == 0
    if is_number and (bad < 0 or (found.min() == 1 and found.max() == num_classes)):
        remark = "" if isinstance(given, np.ndarray) else " with labels = np.array(labels)"
        return f"labels - labels.min(){remark}, so that they count from 0"
    if is_number and found.max() < MOST:
        return f"num_classes={int(found.max()) + 1}"
    # Objects of several types have no order, and their texts have.
    labels = "labels" if found.dtype.kind != "O" else "[str(label) for label in labels]"
    return f"np.unique({labels}, return_inverse=True)[1], which numbers the classes from 0"


def _require_probabilities(y: Matrix, yhat: Matrix, *given: object) -> None:
    """Refuse y and yhat unless they have one shape and columns that sum to 1; say what to try with what was `given`."""
    is_array = {name: isinstance(each, np.ndarray) for name, each in zip(("y", "yhat"), given, strict=True)}
    if y.shape != yhat.shape:
        raise ValueError(
            f"y has shape {y.shape} and yhat {yhat.shape}; expected the same, (classes, samples). "
            "Try .T on the one that has samples in rows, or take the same batch for both."
        )
    for name, each in (("y", y), ("yhat", yhat)):
        if (each < -TOLERANCE).any():
            row, column = np.argwhere(each < -TOLERANCE)[0]
            raise ValueError(
                f"{name}[{row}, {column}] is {each[row, column]:.6g}; expected a probability, from 0 to 1. "
                f"Try {f'{name}.min(' if is_array[name] else f'np.min({name}, '}axis=0) to see all columns."
            )
    columns_fit = [np.allclose(each.sum(axis=0), 1, atol=TOLERANCE) for each in (y, yhat)]
    rows_fit = [np.allclose(each.sum(axis=1), 1, atol=TOLERANCE) for each in (y, yhat)]
    if not any(columns_fit) and all(rows_fit):
        turned = ", ".join(map(_write_transpose, ("y", "yhat"), given))
        raise ValueError(
            f"y and yhat, both of shape {y.shape}, have samples in rows: rows sum to 1, columns don't; "
            f"expected (classes, samples). Try crosscheck({turned}, loss)."
        )
    for name, each, fits in zip(("y", "yhat"), (y, yhat), columns_fit, strict=True):
        if not fits:
            sums = each.sum(axis=0)
            worst = int(np.argmin(np.isclose(sums, 1, atol=TOLERANCE)))
            raise ValueError(
                f"{name}, column {worst} sums to {sums[worst]:.6g}; expected 1, the probabilities of one sample. "
                f"Try {f'{name}.sum(' if is_array[name] else f'np.sum({name}, '}axis=0) to see all columns."
            )


# ---- TensorFlow without its messages

_print_once = functools.cache(print)


@functools.cache
def _import_tensorflow() -> ModuleType | None:
    """Import TensorFlow and run its first operation, since both write messages; None where it isn't installed."""
    with _silence_tensorflow(), suppress(ImportError):
        import tensorflow

        tf: ModuleType = tensorflow
        tf.keras.losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])
        return tf
    return None


@contextmanager
def _silence_tensorflow() -> Iterator[None]:
    """Discard what TensorFlow writes when it starts; exceptions are raised as usual.

    Its C++ code writes to file descriptor 2, not to `sys.stderr`, and TF_CPP_MIN_LOG_LEVEL does not stop every
    line. So the descriptor itself points to the null device meanwhile.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    with ExitStack() as restore, warnings.catch_warnings(action="ignore"):
        with suppress(OSError):  # no descriptor 2, or no null device in a sandbox: the messages are shown
            kept = os.dup(2)
            restore.callback(os.close, kept)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            restore.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
            restore.callback(os.dup2, kept, 2)
        yield
