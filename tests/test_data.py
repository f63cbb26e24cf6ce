"""Data: what is drawn, loaded, split, scaled and encoded, and how a loss is checked against TensorFlow's."""

import dataclasses
import re
import subprocess
import sys
import tracemalloc
import zlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jupyter_client.manager import run_kernel

from lib import data

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

tensorflow_takes_a_while = settings(deadline=None, max_examples=50)

NO_TENSORFLOW = "import sys; sys.modules['tensorflow'] = None\n"  # Python's own way to block an import

FIRST_USE = """
import numpy as np
from lib import data
y = data.one_hot([0, 2, 1, 2], num_classes=3)
print(y)
print(data.crosscheck(y, np.full((3, 4), 1 / 3), np.log(3)))
"""

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 20)),
    elements=st.integers(-10_000, 10_000).map(float),
)


def fresh_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter that has imported nothing yet."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def probabilities(num_classes: int, num_samples: int, seed: int = 0) -> np.ndarray:
    p = np.random.default_rng(seed).uniform(0.01, 1, (num_classes, num_samples))
    return p / p.sum(axis=0)


def mean_cross_entropy(y: np.ndarray, p: np.ndarray) -> float:
    return float(np.mean([-np.log(p[true, j]) for j, true in enumerate(y.argmax(axis=0))]))


def separable(X: np.ndarray, labels: np.ndarray) -> float:
    """How many samples a linear classifier gets right that has seen them all."""
    return float(logistic_regression(C=100, max_iter=1000).fit(X.T, labels).score(X.T, labels))


def logistic_regression(**settings: float) -> "LogisticRegression":
    """Make scikit-learn's linear classifier; to import it takes seconds, which those who only collect tests spare."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**settings)


# ---- Draw or load


def test_integers_have_the_shape_and_range_of_the_example():
    X, labels = data.integers()
    assert X.shape == (5, 64) and labels.shape == (64,)
    assert set(X.ravel()) == set(range(3, 10)) and set(labels) == {0, 1, 2}
    assert np.issubdtype(X.dtype, np.integer)


def test_integers_hold_nothing_to_learn():
    X, labels = data.integers(num_samples=20_000)
    p = logistic_regression(max_iter=1000).fit(X.T, labels).predict_proba(X.T)
    best = -np.mean(np.log(p[np.arange(20_000), labels]))
    assert best == pytest.approx(np.log(3), abs=1e-3)


@pytest.mark.parametrize("num_labels", [2, 3, 6])
@pytest.mark.parametrize("num_features", [1, 2, 7])
def test_a_linear_classifier_separates_blobs_well_but_not_perfectly(num_features, num_labels):
    X, labels = data.blobs(1000, num_features, num_labels)
    assert X.shape == (num_features, 1000) and X.dtype == np.float64
    assert 0.9 < separable(X, labels) < 1


def test_spread_makes_blobs_easy_or_hard():
    easy, usual, hard = (separable(*data.blobs(spread=spread)) for spread in (0.3, 1, 3))
    assert easy == 1 > usual > 0.9 > 0.75 > hard


@pytest.mark.parametrize(("num_samples", "num_labels"), [(10, 3), (2, 5), (7, 1)])
def test_blobs_share_the_samples_out_among_the_labels(num_samples, num_labels):
    _, labels = data.blobs(num_samples, num_labels=num_labels)
    counts = np.bincount(labels, minlength=num_labels)
    assert counts.sum() == num_samples and np.ptp(counts) <= 1


def test_moons_lie_on_two_half_circles_that_no_line_tells_apart():
    X, labels = data.moons(spread=0)
    for label, middle, side in ((0, (0, 0), 1), (1, (1, 0.5), -1)):
        right, up = X[:, labels == label] - np.reshape(middle, (2, 1))
        np.testing.assert_allclose(np.hypot(right, up), 1)
        assert (side * up >= 0).all() and right.min() < -0.9 and right.max() > 0.9
    assert np.bincount(labels).tolist() == [150, 150] and 0.8 < separable(*data.moons()) < 0.95


def test_rings_lie_around_each_other():
    X, labels = data.rings(spread=0)
    np.testing.assert_allclose(np.hypot(*X), labels + 0.5)
    assert np.bincount(labels).tolist() == [100, 100, 100] and separable(*data.rings()) < 0.6


@pytest.mark.parametrize("draw", [data.integers, data.blobs, data.rings, data.moons])
def test_a_seed_fixes_a_draw(draw):
    X, labels = draw(seed=7)
    again, labels_again = draw(seed=7)
    other, _ = draw(seed=8)
    assert np.array_equal(X, again) and np.array_equal(labels, labels_again) and not np.array_equal(X, other)
    rng = np.random.default_rng(7)
    first, second = draw(seed=rng), draw(seed=rng)
    assert np.array_equal(first[0], X) and not np.array_equal(second[0], X)


@pytest.mark.parametrize("draw", [data.integers, data.blobs])
def test_a_draw_needs_whole_positive_sizes(draw):
    with pytest.raises(ValueError, match=r"num_features is 0; expected a whole number, 1 or more\. Try"):
        draw(num_features=0)
    with pytest.raises(ValueError, match=r"num_samples is 2\.5; expected"):
        draw(num_samples=2.5)
    with pytest.raises(ValueError, match=r"num_samples is True; expected"):
        draw(num_samples=True)


@pytest.mark.parametrize("draw", [data.blobs, data.rings, data.moons])
@pytest.mark.parametrize("spread", [-1, np.nan, np.inf, "1"])
def test_a_draw_needs_a_spread_of_0_or_more(draw, spread):
    with pytest.raises(ValueError, match=r"spread is .*; expected a number, 0 or more\. Try spread=1\."):
        draw(spread=spread)


@pytest.mark.parametrize("seed", [-1, 1.5, "1"])
def test_a_draw_needs_a_seed_that_is_a_whole_number(seed):
    complaint = r"seed is .*; expected a whole number, 0 or more\. Try seed=0\."
    for draw in (data.integers, data.blobs, data.rings, data.moons):
        with pytest.raises(ValueError, match=complaint):
            draw(seed=seed)
    with pytest.raises(ValueError, match=complaint):
        data.split(np.zeros((2, 10)), np.zeros(10), seed=seed)


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    X, labels = data.digits()
    rows, expected = load_digits(return_X_y=True)
    assert X.shape == (64, 1797) and X.dtype == np.float64
    assert np.array_equal(X, rows.T) and np.array_equal(labels, expected)


def test_the_script_makes_the_shipped_digits(tmp_path):
    script, made = Path(__file__).with_name("make_digits.py"), tmp_path / "digits.npz"
    subprocess.run([sys.executable, script, made], check=True)
    shipped = files("lib") / "digits.npz"
    with np.load(made) as new, shipped.open("rb") as file, np.load(file) as old:
        assert all(np.array_equal(new[name], old[name]) for name in ("X", "labels"))
    with ZipFile(made) as archive:  # no time of day in it
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    # zlib-ng packs the same content into other bytes, and zipfile writes other headers since Python 3.11.4.
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION and sys.version_info >= (3, 11, 4):
        assert made.read_bytes() == shipped.read_bytes()


def test_digits_come_with_their_source_and_licence():
    credit = (files("lib") / "digits.txt").read_text(encoding="utf-8")
    assert "doi.org/10.24432/C50P49" in credit and "CC BY 4.0" in credit


# ---- Split and standardise


@given(num_samples=st.integers(2, 60), validation=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_split_loses_nothing_and_keeps_each_label_with_its_sample(num_samples, validation, seed):
    labels = np.arange(num_samples)  # so a label tells which sample it belongs to
    X = np.vstack([labels, labels**2])
    X_train, labels_train, X_validation, labels_validation = data.split(X, labels, validation, seed)
    assert sorted([*labels_train, *labels_validation]) == list(labels)
    assert np.array_equal(X_train, X[:, labels_train])
    assert np.array_equal(X_validation, X[:, labels_validation])
    assert 1 <= len(labels_validation) < num_samples
    assert abs(len(labels_validation) - validation * num_samples) <= 1


def test_split_takes_one_hot_columns_as_it_takes_labels():
    X, labels = data.integers()
    y = np.eye(3)[:, labels]
    _, labels_train, _, labels_validation = data.split(X, labels, seed=3)
    _, y_train, _, y_validation = data.split(X, y, seed=3)
    assert y_train.shape == (3, 51) and y_validation.shape == (3, 13)
    assert np.array_equal(y_train.argmax(axis=0), labels_train)
    assert np.array_equal(y_validation.argmax(axis=0), labels_validation)


def test_split_shuffles_by_its_seed():
    X, labels = data.blobs()
    one, same, other = (data.split(X, labels, seed=seed)[0] for seed in (1, np.random.default_rng(1), 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("labels", "validation", "complaint"),
    [
        (np.zeros(9), 0.2, r"labels has shape \(9,\), but X has 10 samples .* Try"),
        (np.zeros((10, 3)), 0.2, r"labels has shape \(10, 3\).* Try labels\.T"),
        (np.zeros(10), 1.0, r"validation is 1\.0; expected a fraction between 0 and 1\. Try"),
        (np.zeros(10), 20, r"validation is 20; expected"),
        (np.zeros(10), "0.2", r"validation is '0\.2'; expected"),
        (np.zeros(10), None, r"validation is None; expected"),
        ([[0], [1, 2]], 0.2, r"labels has rows of different lengths; .* Try"),
    ],
)
def test_split_says_what_does_not_fit(labels, validation, complaint):
    with pytest.raises(ValueError, match=complaint):
        data.split(np.zeros((2, 10)), labels, validation)


@pytest.mark.parametrize(
    ("rows_of_samples", "labels", "remedy"),
    [
        (np.zeros((10, 2)), np.zeros(10), r"Try X\.T, since the samples of X stand in rows\."),
        (np.zeros((10, 2)), np.zeros((3, 10)), r"Try X\.T, since the samples of X stand in rows\."),
        (np.zeros((10, 2)), np.zeros((10, 3)), r"Try X\.T and labels\.T, since"),
        (np.zeros((3, 10)), np.zeros((3, 8)), r"Try taking labels and X from the same samples"),
    ],
)
def test_samples_in_rows_are_told(rows_of_samples, labels, remedy):
    with pytest.raises(ValueError, match=remedy):
        data.split(rows_of_samples, labels)


def test_one_sample_cannot_be_split():
    with pytest.raises(ValueError, match="X has 1 sample; a split needs 2 or more"):
        data.split([[1.0]], [0])


@given(X=matrices)
def test_standardise_gives_mean_0_and_deviation_1_or_0_if_constant(X):
    scaled = data.standardise(X)
    constant = np.ptp(X, axis=1) == 0
    assert np.allclose(scaled.mean(axis=1), 0, atol=1e-9)
    assert np.allclose(scaled[~constant].std(axis=1), 1)
    assert np.all(scaled[constant] == 0)


@given(X=matrices, factor=st.floats(0.1, 10), shift=st.floats(-100, 100))
def test_standardise_does_not_see_units(X, factor, shift):
    assert np.allclose(data.standardise(factor * X + shift), data.standardise(X), atol=1e-6)


@given(X=matrices)
def test_standardise_scales_the_others_as_it_scales_X(X):
    scaled, first, twice = data.standardise(X, X[:, :1], np.hstack([X, X]))
    assert np.array_equal(first, scaled[:, :1])
    assert np.array_equal(twice, np.hstack([scaled, scaled]))


def test_what_never_varies_becomes_0_even_where_rounding_blurs_it():
    X = np.full((1, 1000), 0.1)
    assert X.std() > 0  # the mean of a thousand tenths isn't quite a tenth
    scaled, other = data.standardise(X, [[0.1, 0.7]])
    assert np.all(scaled == 0) and np.all(other == 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("factor", [1e200, 1e307, 1e-170, 1e-320])
def test_standardise_takes_numbers_of_any_size(factor):
    X = np.array([[1.0, 2.0, 6.0], [1.0, 1.0, 1.0]])
    expected = data.standardise(X, X[:, :1])
    for scaled, right in zip(data.standardise(factor * X, factor * X[:, :1]), expected, strict=True):
        np.testing.assert_allclose(scaled, right, rtol=1e-3)
    with pytest.raises(ValueError, match=r"standardised argument 2\[0, 1\] is inf; expected a finite number\."):
        data.standardise([[1e-300, 2e-300]], [[0.0, 1e300]])


@pytest.mark.filterwarnings("error")
def test_complex_numbers_are_refused_and_not_cut():
    complaint = r"not a matrix of numbers \(it holds complex numbers: np\.real leaves their imaginary parts out\)"
    with pytest.raises(ValueError, match=f"X is {complaint}"):
        data.standardise(np.array([[1 + 2j, 3]]))
    with pytest.raises(ValueError, match=f"argument 2 is {complaint}.* Try printing it where it is made"):
        data.standardise([[1, 2]], np.array([[1 + 2j, 3]]))


def test_what_is_advised_for_a_list_works_for_a_list():
    rows, labels = [[0.0, 1.0]] * 5, [[0, 1, 0]] * 5
    with pytest.raises(ValueError, match=r"Try np\.transpose\(X\) and np\.transpose\(labels\), since"):
        data.split(rows, labels)
    assert data.split(np.transpose(rows), np.transpose(labels))[0].shape == (2, 4)
    y, yhat = [[1, 0, 0], [0, 1, 0]], [[0.2, 0.5, 0.3]] * 2
    with pytest.raises(ValueError, match=r"Try crosscheck\(np\.transpose\(y\), np\.transpose\(yhat\), loss\)\."):
        data.crosscheck(y, yhat, 1.0)
    with pytest.raises(ValueError, match=r"Try np\.sum\(yhat, axis=0\) to see all columns\."):
        data.crosscheck([[1, 0], [0, 1]], [[0.5, 0.5], [0.1, 0.5]], 1.0)
    with pytest.raises(ValueError, match=r"loss .*; expected one number"):
        data.crosscheck([[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]], [[1], [1, 2]])


def test_standardise_leaves_its_input_alone():
    X, _ = data.integers()
    before = X.copy()
    data.standardise(X)
    assert np.array_equal(X, before)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([[1.0, 2.0]], r"X has shape \(2,\); expected two dimensions .* Try"),
        ([np.zeros((3, 0))], r"X has shape \(3, 0\)"),
        ([np.zeros((0, 3))], r"X has shape \(0, 3\)"),
        ([[[1.0, 2.0], [3.0, np.nan]]], r"X\[1, 1\] is nan; expected a finite number\. Try"),
        ([[["a", "b"]]], r"X is not a matrix of numbers \(could not convert .*'a'\); expected two dimensions .* Try"),
        ([[[1.0], [2.0, 3.0]]], r"X is not a matrix of numbers"),
        ([[[10**400, 1]]], r"X is not a matrix of numbers"),
        ([np.eye(2), [[0.0, np.inf], [0.0, 0.0]]], r"argument 2\[0, 1\] is inf; expected a finite number\. Try"),
        ([np.zeros((2, 3)), np.zeros((3, 2))], r"argument 2 has 3 features \(rows\), but X has 2"),
    ],
)
def test_standardise_says_what_does_not_fit(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        data.standardise(*arguments)


# ---- Encode the labels


@tensorflow_takes_a_while
@given(num_classes=st.integers(1, 12), draws=st.lists(st.integers(0, 10_000), max_size=40))
def test_one_hot_puts_a_single_1_in_the_row_of_the_label(num_classes, draws):
    labels = np.array(draws, dtype=int) % num_classes
    y = data.one_hot(labels, num_classes)
    assert y.shape == (num_classes, len(labels)) and y.dtype == np.float64
    assert np.array_equal(y, np.arange(num_classes)[:, np.newaxis] == labels)


@pytest.mark.parametrize(
    "labels", [[1, 0, 1], [1.0, 0.0, 1.0], [True, False, True], np.uint8([1, 0, 1]), np.array([1, 0, 1], object)]
)
def test_one_hot_takes_whole_numbers_of_any_type(labels):
    assert np.array_equal(data.one_hot(labels, 2), [[0, 1, 0], [1, 0, 1]])


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ([0, 2, 5, 9], r"labels\[2\] is 5; expected a whole number from 0 to 2 .* Try num_classes=10\."),
        ([1, 2, 3], r"labels\[2\] is 3; .* Try labels - labels\.min\(\)"),
        ([0, -1], r"labels\[1\] is -1; .* Try labels - labels\.min\(\)"),
        ([0, 0.5], r"labels\[1\] is 0\.5; .* Try np\.unique"),
        ([0, np.nan], r"labels\[1\] is nan; .* Try leaving that sample out"),
        ([0, np.inf], r"labels\[1\] is inf; .* Try leaving that sample out"),
        (["0", "1"], r"labels\[0\] is '0'; .* Try np\.unique"),
        ([1, "a"], r"labels\[0\] is '1'; .* Try np\.unique"),
        (np.array([1, "a"], object), r"labels\[1\] is 'a'; .* Try np\.unique"),
        ([[0], [1, 2]], r"labels has rows of different lengths; .* Try np\.concatenate\(labels\)"),
        ({0, 1}, r"labels has shape \(\); .* Try list\(labels\)"),
        ([None, 1], r"labels\[0\] is None; .* Try np\.unique"),
        ([[0], [1]], r"labels has shape \(2, 1\); expected one dimension, .* Try np\.ravel\(labels\)"),
        (2, r"labels has shape \(\); .* Try np\.ravel\(labels\)"),
        (np.eye(3)[:, [0, 1, 2, 2]], r"labels has shape \(3, 4\); .* Try using them as they are: .* one-hot"),
        (np.eye(3)[[0, 1, 2, 2]], r"labels has shape \(4, 3\); .* Try labels\.T: .* one-hot"),
    ],
)
def test_one_hot_names_the_first_label_that_cannot_be_a_class(labels, complaint):
    with pytest.raises(ValueError, match=complaint):
        data.one_hot(labels, num_classes=3)


@pytest.mark.parametrize(
    ("labels", "num_classes"),
    [
        ([1, 2, 3], 3),
        ([-1, 1], 3),
        ([0, None], 2),
        (np.array(["b", None, 2], object), 3),
        ("0110", 2),
        ({0, 1}, 2),
        ([[1, 0, 0], [0, 1, 0]], 3),
        ([[0, 2, 1], [4, 4, 4]], 5),
        (np.ones((2, 2)), 2),
        ([[0, 1, 4]], 3),
        ([0, 1e30], 2),
        ([2**53 + 1, 5], 3),
        ([0, 1, 2, 3], 2.0),
        ([0, 1, 2, 3], None),
        ([0, 1, 2, 3], 10**30),
    ],
)
def test_what_one_hot_advises_works(labels, num_classes):
    """Each sentence ends in code that mends the one thing that it is about; that code is run until nothing is wrong."""
    for _ in range(4):
        try:
            encoded = data.one_hot(labels, num_classes)
        except ValueError as error:
            advice = re.search(r"Try (.*?)(, which numbers .*|, so that .*|: they look .*)?\.$", str(error))[1]
            if found := re.fullmatch(r"num_classes=(\d+)", advice):
                num_classes = int(found[1])
                continue
            code, _, made_first = advice.removeprefix("one row of them, such as ").partition(" with labels = ")
            labels = eval(made_first, {"np": np, "labels": labels}) if made_first else labels
            labels = eval(code, {"np": np, "labels": labels})
            if ": they look one-hot" in str(error):
                break
        else:
            assert (encoded.sum(axis=0) == 1).all()
            return
    assert (labels.sum(axis=0) == 1).all()


def test_nothing_in_place_of_labels_is_told_where_it_comes_from():
    with pytest.raises(ValueError, match=r"Try printing labels where they are made: a function without return gives"):
        data.one_hot(None, 2)


def test_without_tensorflow_one_hot_takes_no_memory_for_classes_that_no_sample_has(monkeypatch):
    monkeypatch.setattr(data, "load_tensorflow", lambda: None)
    tracemalloc.start()
    try:
        assert data.one_hot([0, 4_999], 5_000).sum() == 2
        assert tracemalloc.get_traced_memory()[1] < 10e6  # a matrix of all classes takes 200 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [10**30, 10**12, np.int64(2**62)])
def test_a_size_that_no_computer_holds_is_told(size):
    with pytest.raises(ValueError, match=r"num_samples is .*; expected a whole number, 1,000,000,000 at most\. Try"):
        data.blobs(size)


@pytest.mark.parametrize(("num_classes", "meant"), [(0, 3), (-2, 3), (4.0, 4), (2.5, 3), (np.inf, 3), (None, 3)])
def test_one_hot_needs_a_class(num_classes, meant):
    complaint = rf"num_classes is .*; expected a whole number, 1 or more\. Try num_classes={meant}\."
    with pytest.raises(ValueError, match=complaint):
        data.one_hot([0], num_classes)


# ---- Check the loss


@tensorflow_takes_a_while
@given(num_classes=st.integers(2, 8), num_samples=st.integers(1, 30), seed=st.integers(0, 99))
def test_a_right_loss_agrees_with_tensorflow(num_classes, num_samples, seed):
    p = probabilities(num_classes, num_samples, seed)
    y = np.eye(num_classes)[:, np.random.default_rng(seed).integers(num_classes, size=num_samples)]
    result = data.crosscheck(y, p, mean_cross_entropy(y, p))
    assert result.agree
    assert result.tensorflow == pytest.approx(result.ours, rel=1e-5, abs=1e-5)


def test_crosscheck_shows_both_numbers():
    y, p = np.eye(3)[:, [0, 1, 2, 0]], np.full((3, 4), 1 / 3)
    result = data.crosscheck(y, p, np.log(3))
    assert repr(result).startswith("Our loss 1.0986123, TensorFlow's 1.09861")
    assert str(result).endswith(": they agree to 5 decimals.")
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.ours = 0.0


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        (lambda loss: 4 * loss, "they differ; ours is 4 times TensorFlow's."),  # the sum over 4 samples
        (lambda loss: -loss, "they differ; ours is -1 times TensorFlow's."),
        (lambda loss: loss / np.log(2), "they differ; ours is 1.443 times TensorFlow's."),
        (lambda loss: loss + 1e-4, "times TensorFlow's."),
        (lambda loss: np.nan, "they differ."),
    ],
)
def test_a_wrong_loss_differs_and_says_by_how_much(wrong, verdict):
    y, p = np.eye(3)[:, [0, 1, 2, 0]], probabilities(3, 4)
    result = data.crosscheck(y, p, wrong(mean_cross_entropy(y, p)))
    assert not result.agree
    assert repr(result).endswith(verdict)


def test_a_sure_and_right_prediction_costs_nothing_in_either():
    assert data.crosscheck(np.eye(3), np.eye(3), 0.0).agree


def test_a_probability_too_small_for_keras_is_named_as_the_reason():
    y, p = np.array([[0.0], [1.0]]), np.array([[1.0], [1e-20]])
    result = data.crosscheck(y, p, -np.log(1e-20))
    assert not result.agree
    assert "A true class has p = 1.0e-20, and TensorFlow replaces any p below 1e-07 by 1e-07" in repr(result)


COLUMNS, ROWS = np.eye(3)[:, [0, 1, 2, 0]], np.eye(3)[[0, 1, 2, 0]]


@pytest.mark.parametrize(
    ("y", "yhat", "loss", "complaint"),
    [
        (ROWS, probabilities(3, 4).T, 1.0, r"samples in rows: .* Try crosscheck\(y\.T, yhat\.T, loss\)"),
        (ROWS, probabilities(3, 4), 1.0, r"y has shape \(4, 3\) and yhat \(3, 4\); .* Try \.T"),
        (COLUMNS, probabilities(4, 3).T, 1.0, r"yhat, column \d sums to .*; expected 1.* Try yhat\.sum"),
        (COLUMNS, np.full((3, 4), np.nan), 1.0, r"yhat, column 0 sums to nan"),
        (
            COLUMNS,
            np.array([[1.5, -0.5, 0.0]] * 4).T,
            1.0,
            r"yhat\[1, 0\] is -0\.5; expected a probability, .* Try yhat",
        ),
        ([0, 1, 2, 0], probabilities(3, 4), 1.0, r"y has shape \(4,\); .* Try one_hot\(labels, num_classes\)"),
        (COLUMNS, probabilities(3, 4), [1.0, 2.0], r"loss has shape \(2,\); expected one number.* Try"),
        (COLUMNS, probabilities(3, 4), None, r"loss is None; expected one number"),
    ],
)
def test_crosscheck_does_not_guess(y, yhat, loss, complaint):
    with pytest.raises(ValueError, match=complaint):
        data.crosscheck(y, yhat, loss)


def test_as_many_classes_as_samples_is_no_riddle():
    y, p = np.eye(3)[:, [0, 0, 1]], probabilities(3, 3)
    assert data.crosscheck(y, p, mean_cross_entropy(y, p)).agree
    with pytest.raises(ValueError, match="samples in rows"):
        data.crosscheck(y.T, p.T, mean_cross_entropy(y, p))


# ---- TensorFlow, quietly or not at all


def test_importing_data_imports_no_tensorflow():
    done = fresh_python("import sys, lib.data; print({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules))")
    assert done.stdout == "set()\n"


def test_first_use_in_a_fresh_process_writes_nothing_on_stderr():
    one_class = "data.crosscheck(np.ones((1, 3)), np.ones((1, 3)), 0.0)\n"
    done = fresh_python(FIRST_USE + one_class + "import os; os.write(2, b'heard again')")
    assert "[1. 0. 0. 0.]" in done.stdout and "they agree" in done.stdout
    assert done.stderr == "heard again"


def test_first_use_in_a_jupyter_kernel_writes_nothing_on_stderr(monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # ipykernel shows no text from file descriptor 2 to pytest
    written = {"stdout": "", "stderr": ""}
    shown = []
    with run_kernel(kernel_name="python3") as client:
        client.execute(FIRST_USE)
        client.execute("data.crosscheck(y, np.full((3, 4), 1 / 3), 0)")
        client.execute("import os; os.write(2, b'heard again');")
        while "heard again" not in written["stderr"]:  # what was written before it arrives before it
            message = client.get_iopub_msg(timeout=120)
            if message["msg_type"] == "stream":
                written[message["content"]["name"]] += message["content"]["text"]
            elif message["msg_type"] == "execute_result":
                shown.append(message["content"]["data"]["text/plain"])
    assert written["stderr"] == "heard again"
    assert "they agree" in written["stdout"]
    assert shown == ["Our loss 0.0000000, TensorFlow's 1.0986123: they differ; ours is 0 times TensorFlow's."]


def test_first_use_goes_well_where_stderr_is_closed():
    done = fresh_python("import os; os.close(2)" + FIRST_USE)
    assert "they agree" in done.stdout


def test_without_tensorflow_numpy_encodes_and_one_line_says_so():
    twice = "print(data.one_hot([1, 0], 2).tolist(), data.one_hot([1, 0], 2).tolist())"
    done = fresh_python(NO_TENSORFLOW + "from lib import data\n" + twice)
    sentence, result = done.stdout.splitlines()
    assert sentence == "TensorFlow is not installed, so NumPy encodes the labels. The result is the same."
    assert result == "[[0.0, 1.0], [1.0, 0.0]] [[0.0, 1.0], [1.0, 0.0]]"
    assert done.stderr == ""


def test_without_tensorflow_crosscheck_says_what_it_needs():
    check = "result = data.crosscheck([[1], [0]], [[0.5], [0.5]], 0.69314718)\n"
    done = fresh_python(f"{NO_TENSORFLOW}from lib import data\n{check}print(result, result.agree)")
    assert done.stdout == (
        "Our loss 0.6931472. To compare it with TensorFlow's, "
        "install TensorFlow (%pip install tensorflow, or with uv as README.md says) and restart the kernel. False\n"
    )
    assert done.stderr == ""
