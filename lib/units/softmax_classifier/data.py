"""Statements on the data that training gets: orientation, one-hot labels, scaling, settings. No points."""

from typing import Any

import numpy as np

from lib.checking.values import Wrong, numbers
from lib.unit import Inputs, Part, Statement


class Columns(Statement):
    text = "Columns are samples: X is (features, samples), y is (classes, samples), with as many columns."
    points = 0

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        """Compare the shapes."""
        features, labels = numbers(X, what="X"), numbers(y, what="y")
        for name, array in (("X", features), ("y", labels)):
            if array.ndim != 2:
                raise Wrong(
                    f"{name} is not a matrix.",
                    found=f"shape {array.shape}",
                    expected="two axes",
                    hint="Labels become columns with one_hot(labels, num_classes).",
                )
            if not array.size or not np.isfinite(array).all():
                found = "nan or inf" if array.size else f"shape {array.shape}"
                raise Wrong(f"{name} should hold numbers.", found=found, expected="a finite number in every place")
        if features.shape[1] != labels.shape[1]:
            turned = features.shape[1] == labels.shape[0]
            raise Wrong(
                "X and y have different numbers of columns.",
                found=f"X {features.shape}, y {labels.shape}",
                expected=f"y of shape (classes, {features.shape[1]})",
                hint="Transpose y: to_categorical puts samples in rows." if turned else "Split X and y together.",
            )


class OneHot(Statement):
    text = "Every column of y is one-hot: a single 1, and 0 elsewhere."
    points = 0
    depends_on = (Columns,)
    hint = "Make y with one_hot(labels, num_classes)."

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        """Look at values and sums."""
        labels = numbers(y)
        bad = np.flatnonzero(~(np.isin(labels, (0, 1)).all(axis=0) & (labels.sum(axis=0) == 1)))
        if bad.size:
            raise Wrong(
                "A column is not one-hot.", where=f"sample {bad[0]}", found=labels[:, bad[0]], expected="one 1 among 0s"
            )


class Standardised(Statement):
    text = "Every feature has mean near 0 and a standard deviation near 1 (or is constant)."
    points = 0
    depends_on = (Columns,)
    hint = "Use standardise(X): large features make large first scores, and the loss starts far above ln K."

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        """Look at each row's mean and deviation."""
        features = numbers(X)
        mean, deviation = features.mean(axis=1), features.std(axis=1)
        varies = deviation > 1e-9
        bad = np.flatnonzero((np.abs(mean) > 0.5) | (deviation > 2) | (varies & (deviation < 0.5)))
        if bad.size:
            raise Wrong(
                "A feature is not standardised.",
                where=f"feature {bad[0]}",
                found=f"mean {mean[bad[0]]:.2f}, deviation {deviation[bad[0]]:.2f}",
                expected="0 and 1",
            )


class LabelsDependOnFeatures(Statement):
    text = "The classes differ in their features: there is something to learn."
    points = 0
    depends_on = (OneHot,)
    hint = "Shuffle X and y with the same permutation, or split them together. Random labels can't be learnt."

    def holds(self, inputs: Inputs, X: Any, y: Any, *settings: Any) -> None:
        """Compare the spread of the class means with what chance gives: the F ratio of a feature's one-way ANOVA."""
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
                found=f"a largest F ratio of {ratio:.1f}",
                expected="well above 4",
            )


class SettingsCanLearn(Statement):
    text = "The batch is no larger than the data set, and the learning rate neither stands still nor blows up."
    points = 0
    depends_on = (OneHot,)

    def applies(self, subjects: tuple[Any, ...]) -> bool:
        """Ask for at least one setting."""
        return any(setting is not None for setting in subjects[2:])

    def holds(self, inputs: Inputs, X: Any, y: Any, batch_size: Any = None, learning_rate: Any = None) -> None:
        """Compare the rate with 2 / curvature: the mean loss bends at most half the largest eigenvalue of X Xᵀ / N."""
        for name, setting in (("batch_size", batch_size), ("learning_rate", learning_rate)):
            _require_number(name, setting)
        features = numbers(X)
        samples = features.shape[1]
        if batch_size is not None and batch_size % 1:
            raise Wrong(
                "A batch has a whole number of samples.", found=f"batch_size {batch_size:g}", expected="such as 16"
            )
        if batch_size is not None and not 1 <= batch_size <= samples:
            raise Wrong(
                "A batch can't be larger than the data set or smaller than 1.",
                found=f"batch_size {batch_size}",
                expected=f"1 to {samples}",
                hint="With batch_size = the number of samples, one step is one epoch.",
            )
        if learning_rate is None:
            return
        with_bias = np.vstack([features, np.ones((1, samples))])
        limit = 2 / (0.5 * float(np.linalg.eigvalsh(with_bias @ with_bias.T / samples)[-1]))
        if not 1e-3 * limit <= learning_rate <= 10 * limit:
            slow = learning_rate < limit
            raise Wrong(
                "So small a rate hardly moves the weights." if slow else "So large a rate overshoots.",
                found=f"learning_rate {learning_rate:g}",
                expected=f"something like {limit / 10:.2g}",
                hint="Try rates a factor of 3 apart and look at the curves.",
            )


def _require_number(name: str, setting: object) -> None:
    """Refuse what is neither left out nor one finite number: there would be nothing to compare."""
    if setting is None:
        return
    try:
        number = numbers(setting, ())
    except Wrong:
        number = np.array(np.nan)
    if not np.isfinite(number):
        raise Wrong(f"{name} is not a number.", found=setting, expected=f"one finite number, as in {name}=1")


data = Part(
    "check-data",
    "The data",
    ("X", "y"),
    (Columns(), OneHot(), Standardised(), LabelsDependOnFeatures(), SettingsCanLearn()),
    lambda rng: {},
    settings=("batch_size", "learning_rate"),
)
