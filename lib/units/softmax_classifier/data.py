"""Statements about the data and settings of training: orientation, one-hot labels, scaling. No points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Part, Statement


class Columns(Statement):
    text = "Columns are samples: X is (features, samples), y is (classes, samples), with the same number of columns."
    points = 0

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        features, labels = numbers(X, what="X"), numbers(y, what="y")
        for name, array, advice in (("X", features, "Put one sample in each column."), ("y", labels, OneHot.hint)):
            if array.ndim != 2:
                what, found = f"{name} is not a matrix.", f"shape {array.shape}"
                raise Wrong(what, found=found, expected="two axes", hint=advice)
            if not array.size or not np.isfinite(array).all():
                what = f"{name} contains nan or inf." if array.size else f"{name} is empty."
                hint = "Leave out the samples with nan or inf." if array.size else "Load or draw the samples first."
                place = np.argwhere(~np.isfinite(array))[0].tolist() if array.size else []
                found = f"{array[tuple(place)]} in {name}{place}" if place else f"shape {array.shape}"
                raise Wrong(what, found=found, expected="a finite number in every place", hint=hint)
        if features.shape[1] != labels.shape[1]:
            expected, hint = _choose_orientation(features, labels)
            found = f"X {features.shape}, y {labels.shape}"
            raise Wrong("X and y have different numbers of columns.", found=found, expected=expected, hint=hint)


def _choose_orientation(features: Array, labels: Array) -> tuple[str, str]:
    """Give the shape that is expected, and a hint: which of the two has its samples in rows, if one has."""
    rows_are_one_hot = _rows_are_one_hot(labels)
    if features.shape[0] == labels.shape[1] and not rows_are_one_hot:
        return f"X of shape (features, {labels.shape[1]})", "Transpose X: its samples are in rows."
    if features.shape[1] == labels.shape[0]:
        return f"y of shape (classes, {features.shape[1]})", "Transpose y: to_categorical puts samples in rows."
    if features.shape[0] == labels.shape[0] and rows_are_one_hot:
        samples = features.shape[0]
        expected = f"X of shape (features, {samples}), y of shape (classes, {samples})"
        return expected, "Transpose X and y: their samples are in rows."
    hint = "Split X and y together, so that both keep the same samples."
    return f"y of shape (classes, {features.shape[1]})", hint


def _is_one_hot(labels: Array) -> NDArray[np.bool_]:
    """Say of each column whether it is one-hot."""
    return np.asarray(np.isin(labels, (0, 1)).all(axis=0) & (labels.sum(axis=0) == 1))


def _rows_are_one_hot(labels: Array) -> bool:
    return bool(_is_one_hot(labels.T).all() and not _is_one_hot(labels).all())


class OneHot(Statement):
    text = "Every column of y is one-hot: a single 1, and 0 elsewhere."
    points = 0
    depends_on = (Columns,)
    hint = "Make y with one_hot(labels, num_classes)."

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        labels = numbers(y)
        bad = np.flatnonzero(~_is_one_hot(labels))
        if bad.size:
            raise Wrong(
                "A column is not one-hot.",
                where=f"sample {bad[0]}",
                found=labels[:, bad[0]],
                expected="one 1 among 0s",
                hint="Transpose y, and X too if its samples are in rows." if _rows_are_one_hot(labels) else "",
            )


class Standardised(Statement):
    text = "Every feature has a mean near 0 and, unless it is constant, a standard deviation near 1."
    points = 0
    depends_on = (Columns,)
    hint = "Use standardise(X). Large features make large scores, and the loss then starts far above log K."

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        features = numbers(X)
        mean, deviation = features.mean(axis=1), features.std(axis=1)
        varies = deviation > 1e-9
        bad = np.flatnonzero((np.abs(mean) > 0.5) | (deviation > 2) | (varies & (deviation < 0.5)))
        if bad.size:
            raise Wrong(
                "A feature is not standardised.",
                where=f"feature {bad[0]}",
                found=f"mean {mean[bad[0]]:.2f}, standard deviation {deviation[bad[0]]:.2f}",
                expected="mean 0, standard deviation 1" if varies[bad[0]] else "mean 0",
            )


class LabelsDependOnFeatures(Statement):
    text = "Some feature should tell the classes apart: else there is nothing to learn."
    points = 0
    depends_on = (OneHot,)
    hint = (
        "Were the labels drawn at random? Then there is nothing to correct, and nothing to learn. If not, X and y may"
        " be in different orders: shuffle or split both with the same column numbers."
    )

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        """Compare the spread between classes with that inside them: the F ratio of a feature's one-way ANOVA.

        It is about 1 by chance, and the largest of several features is a little more.
        """
        features, labels = numbers(X), numbers(y)
        labels = labels[labels.sum(axis=1) > 0]
        classes, samples = labels.shape
        if classes < 2 or samples < 5 * classes:
            return
        centred = features - features.mean(axis=1, keepdims=True)
        means = centred @ labels.T / labels.sum(axis=1)
        between = (means**2 * labels.sum(axis=1)).sum(axis=1) / (classes - 1)
        within = ((centred - means @ labels) ** 2).sum(axis=1) / (samples - classes)
        ratio = float(np.max(between / np.maximum(within, 1e-12)))
        if ratio < 4 + np.log(len(features)):
            raise Wrong(
                "No feature tells the classes apart better than chance does.",
                found=f"an F ratio of {ratio:.1f} for the best feature: its spread between the classes, divided by its"
                " spread inside them",
                expected="well above 4; chance gives about 1",
            )


class SettingsCanLearn(Statement):
    text = "The batch is no larger than the data set, and the learning rate is neither too small nor too large."
    points = 0
    depends_on = (OneHot,)

    def applies(self, subjects: tuple[Any, ...]) -> bool:
        return any(setting is not None for setting in subjects[2:])

    def holds(self, inputs: Inputs, X: Any, y: Any, batch_size: Any = None, learning_rate: Any = None) -> None:
        """Compare the rate with 2 / curvature: that of the mean loss is at most half the top eigenvalue of X Xᵀ / N."""
        for name, setting in (("batch_size", batch_size), ("learning_rate", learning_rate)):
            _require_number(name, setting)
        features = numbers(X)
        if batch_size is not None:
            _require_batch_size(batch_size, features.shape[1])
        if learning_rate is not None:
            _require_rate(learning_rate, features)


def _require_batch_size(size: Any, samples: int) -> None:
    if size % 1:
        raise Wrong("A batch has a whole number of samples.", found=f"batch_size {size:g}", expected="such as 16")
    if not 1 <= size <= samples:
        raise Wrong(
            "A batch can't be larger than the data set or smaller than 1.",
            found=f"batch_size {size}",
            expected=f"1 to {samples}",
            hint="Choose a batch size between 1 and the number of samples.",
        )


def _require_rate(rate: Any, features: Array) -> None:
    with_bias = np.vstack([features, np.ones((1, features.shape[1]))])
    limit = 2 / (0.5 * float(np.linalg.eigvalsh(with_bias @ with_bias.T / features.shape[1])[-1]))
    if 1e-3 * limit <= rate <= 10 * limit:
        return
    what = "With such a large learning rate the weights overshoot."
    if rate < limit:
        what = "With such a small learning rate the weights hardly change."
    if rate <= 0:
        what = "A learning rate of 0 or below does not reduce the loss."
    raise Wrong(
        what,
        found=f"learning_rate {rate:g}",
        expected=f"something like {limit / 10:.2g}",
        hint="Try several rates, each 3 times the one before, and compare the loss curves.",
    )


def _require_number(name: str, setting: object) -> None:
    """Raise `Wrong` if a setting is given and is not one finite number."""
    if setting is None:
        return
    try:
        number = numbers(setting, ())
    except Wrong:
        number = np.array(np.nan)
    if not np.isfinite(number):
        found = repr(setting) if issubclass(type(setting), str) else setting  # '16' is another thing than 16
        raise Wrong(f"{name} is not a number.", found=found, expected=f"one finite number, as in {name}=1")


data = Part(
    "check-data",
    "The data",
    ("X", "y"),
    (Columns(), OneHot(), Standardised(), LabelsDependOnFeatures(), SettingsCanLearn()),
    lambda rng: {},
    settings=("batch_size", "learning_rate"),
)
