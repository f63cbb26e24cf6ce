"""Local checks of the data and settings of training: advice, without points."""

from typing import Any

import numpy as np
import pytest

from lib.checking.render import Report
from lib.data import blobs, integers, standardise
from lib.units.softmax_classifier import check, data
from tests.checking.desk import finding, said, states

LABELS: Any
X, LABELS = blobs(num_samples=90, num_features=2, num_labels=3, seed=1)
X = standardise(X)
Y = np.eye(3)[LABELS].T  # as `one_hot` gives it, without TensorFlow


def looked_at(*given: Any, **named: Any) -> Report:
    report = check.data(*given, **named)
    assert isinstance(report, Report)
    return report


def test_data_with_structure_are_right_and_earn_nothing() -> None:
    report = looked_at(X, Y, 16, 0.1)
    assert set(states(report).values()) == {"right"}
    assert (report.points, data.points, report.right) == (0, 0, True)


def test_nothing_in_it_is_ever_wrong_only_advice() -> None:
    report = looked_at(X * 1000, np.roll(Y, 1), 1000, 1e9)
    assert "wrong" not in states(report).values()
    assert report.right


def test_labels_of_to_categorical_that_nobody_transposed_are_found() -> None:
    report = looked_at(X, Y.T)
    assert "Found X (2, 90), y (90, 3), expected y of shape (classes, 90)" in said(report, "Columns")
    assert "Transpose y" in said(report, "Columns")
    assert states(report)["OneHot"] == "not checked"


def test_samples_in_rows_are_found_in_features_too() -> None:
    said_of_x = said(looked_at(X.T, Y), "Columns")
    assert "expected X of shape (features, 90)" in said_of_x
    assert "Try: Transpose X:" in said_of_x
    said_of_both = said(looked_at(X.T, Y.T), "Columns")
    assert "expected X of shape (features, 90), y of shape (classes, 90)" in said_of_both
    assert "Try: Transpose X and y:" in said_of_both


def test_samples_in_rows_are_found_where_there_are_as_many_features_as_classes() -> None:
    three = np.vstack([X, X[:1]])
    assert "Try: Transpose X:" in said(looked_at(three.T, Y), "Columns")
    assert "Try: Transpose y:" in said(looked_at(three, Y.T), "Columns")
    assert "Try: Transpose y, and X too" in said(looked_at(three.T, Y.T), "OneHot")


@pytest.mark.parametrize("labels", [LABELS, LABELS[None].repeat(2, axis=0)[0]])
def test_labels_that_are_no_columns_are_found(labels: Any) -> None:
    assert "y is not a matrix." in said(looked_at(X, labels), "Columns")


def test_different_numbers_of_samples_are_found() -> None:
    assert "Split X and y together" in said(looked_at(X, Y[:, :50]), "Columns")
    assert "Split X and y together" in said(looked_at(np.vstack([X, X[:1]]), Y[:, :50]), "Columns")


def test_columns_that_are_not_one_hot_are_found() -> None:
    two = Y.copy()
    two[:, 7] = 1
    assert "Where: sample 7" in said(looked_at(X, two), "OneHot")
    assert finding(looked_at(X, Y * 0.5), "OneHot").state == "advice"


def test_features_that_are_not_standardised_are_found() -> None:
    report = looked_at(np.vstack([X, X[:1] * 3 + 6]), Y)
    assert "Where: feature 2" in said(report, "Standardised")
    assert finding(looked_at(np.vstack([X, np.zeros((1, 90))]), Y), "Standardised").state == "right", "constant is fine"
    moved = said(looked_at(np.vstack([X, np.ones((1, 90))]), Y), "Standardised")
    assert "Found mean 1.00, standard deviation 0.00, expected mean 0" in moved
    assert "deviation 1" not in moved


def labels_depend_on_features(*given: Any) -> str:
    report = looked_at(*given)
    assert states(report)["LabelsDependOnFeatures"] == "advice"
    return said(report, "LabelsDependOnFeatures")


def test_samples_and_labels_shuffled_apart_and_random_labels_are_told_both_causes() -> None:
    """The two can't be told apart by their numbers, so neither is told as if it were known."""
    features, labels = integers(seed=0)
    shuffled = X[:, np.random.default_rng(0).permutation(90)]
    for given in ((standardise(features), np.eye(3)[:, labels]), (shuffled, Y)):
        told = labels_depend_on_features(*given)
        assert "Were the labels drawn at random? Then there is nothing to correct" in told
        assert "If not, X and y may be in different orders" in told


def test_the_f_ratio_is_explained_where_it_is_shown() -> None:
    features, labels = integers(seed=0)
    told = labels_depend_on_features(standardise(features), np.eye(3)[:, labels])
    assert "its spread between the classes, divided by its spread inside them" in told
    assert "chance gives about 1" in told


def test_no_statement_claims_what_is_not_so() -> None:
    """A statement's text stands beside its state, so it says what should be, also where it is not."""
    features, labels = integers(seed=0)
    report = str(looked_at(standardise(features), np.eye(3)[:, labels]))
    assert "there is something to learn" not in report
    assert "Some feature should tell the classes apart" in report


@pytest.mark.parametrize("batch_size", [0, 91, 1000])
def test_a_batch_larger_than_the_data_or_empty_is_found(batch_size: int) -> None:
    assert "expected 1 to 90" in said(looked_at(X, Y, batch_size), "SettingsCanLearn")


@pytest.mark.parametrize(
    ("rate", "word"), [(1e-6, "hardly change"), (1e4, "overshoot"), (-0.1, "does not reduce the loss")]
)
def test_a_rate_that_is_too_small_or_too_large_is_found(rate: float, word: str) -> None:
    assert word in said(looked_at(X, Y, 16, rate), "SettingsCanLearn")


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"batch_size": 16}, "right"),
        ({"learning_rate": 0.1}, "right"),
        ({"learning_rate": 0.1, "batch_size": 16}, "right"),
        ({"batch_size": 91}, "advice"),
        ({"learning_rate": 1e4}, "advice"),
    ],
)
def test_settings_may_be_given_by_keyword(settings: dict[str, Any], state: str) -> None:
    assert states(looked_at(X, Y, **settings))["SettingsCanLearn"] == state
    assert states(looked_at(X=X, y=Y, **settings))["SettingsCanLearn"] == state


def test_a_setting_that_is_left_out_is_not_looked_at() -> None:
    assert "SettingsCanLearn" not in states(looked_at(X=X, y=Y))
    assert "SettingsCanLearn" not in states(looked_at(X, Y, None, learning_rate=None))


@pytest.mark.parametrize(
    ("given", "named", "called"),
    [
        ((X, Y), {"rate": 1}, "with rate="),
        ((X, Y), {"rate": 1, "batch": 2}, "with rate=, batch="),
        ((X, Y), {"y": Y}, "with y twice"),
        ((X, Y, 16), {"batch_size": 16}, "with batch_size twice"),
        ((), {"y": Y}, "without X"),
        ((X,), {"learning_rate": 1}, "without y"),
        ((X, Y, 16, 0.1, 3), {}, "with 5 arguments"),
    ],
)
def test_other_arguments_are_told_in_words(given: tuple[Any, ...], named: dict[str, Any], called: str) -> None:
    report = looked_at(*given, **named)
    assert report.note == f"This check takes X, y and optionally batch_size, learning_rate. It was called {called}."
    assert set(states(report).values()) == {"not checked"}


@pytest.mark.parametrize("junk", ["0.1", 1j, np.nan, [0.1, 0.2], np.array([0.1]), 10**400, print], ids=type)
@pytest.mark.parametrize("name", ["batch_size", "learning_rate"])
def test_a_setting_that_is_no_number_is_told_in_words(name: str, junk: Any) -> None:
    assert said(looked_at(X, Y, **{name: junk}), "SettingsCanLearn").startswith(f"{name} is not a number.")


def test_a_number_in_quotes_is_shown_in_them() -> None:
    assert "Found '16', expected one finite number" in said(looked_at(X, Y, batch_size="16"), "SettingsCanLearn")


def test_half_a_sample_is_no_part_of_a_batch() -> None:
    assert "Found batch_size 2.5" in said(looked_at(X, Y, batch_size=2.5), "SettingsCanLearn")


@pytest.mark.parametrize(
    "junk", [None, "x", 3, np.full((2, 90), np.nan), [[1, 2], [3]], object(), np.zeros((0, 0)), print]
)
def test_whatever_it_gets_it_says_something(junk: Any) -> None:
    for report in (looked_at(junk, Y), looked_at(X, junk), looked_at(junk, junk)):
        assert "advice" in states(report).values() or "not checked" in states(report).values()
        assert str(report)
    assert str(looked_at(X, Y, junk, junk))
