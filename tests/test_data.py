"""Data: what is drawn, loaded, split and scaled, what is refused, and how TensorFlow is loaded."""

import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jupyter_client.manager import run_kernel

from lib import data

DRAWS = [data.integers, data.blobs, data.rings, data.moons]
matrices = hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(-9999, 9999))


def classify(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probabilities, (samples, classes), of a linear classifier that has seen all these samples."""
    from sklearn.linear_model import LogisticRegression  # takes seconds, which those who only collect tests spare

    return np.asarray(LogisticRegression(C=100, max_iter=1000).fit(X.T, labels).predict_proba(X.T))


def test_integers_have_the_shape_and_range_of_the_example_and_hold_nothing_to_learn():
    X, labels = data.integers()
    assert X.shape == (5, 64) and labels.shape == (64,) and np.issubdtype(X.dtype, np.integer)
    assert set(X.ravel()) == set(range(3, 10)) and set(labels) == {0, 1, 2}
    X, labels = data.integers(num_samples=20_000)
    assert -np.mean(np.log(classify(X, labels)[np.arange(20_000), labels])) == pytest.approx(np.log(3), abs=1e-3)


def test_a_seed_fixes_a_draw():
    for draw in DRAWS:
        rng = np.random.default_rng(7)
        first, again, other, *of_rng = (draw(seed=seed) for seed in (7, 7, 8, rng, rng))
        assert all(map(np.array_equal, first, again)) and all(map(np.array_equal, first, of_rng[0]))
        assert not np.array_equal(first[0], other[0]) and not np.array_equal(first[0], of_rng[1][0])


def test_digits_are_those_of_scikit_learn_with_their_source_and_licence():
    from sklearn.datasets import load_digits

    X, labels = data.digits()
    rows, expected = load_digits(return_X_y=True)
    assert X.dtype == np.float64 and np.array_equal(X, rows.T) and np.array_equal(labels, expected)
    credit = (files("lib") / "digits.txt").read_text(encoding="utf-8")
    assert "doi.org/10.24432/C50P49" in credit and "CC BY 4.0" in credit


@given(num_samples=st.integers(2, 60), validation=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_split_loses_nothing_and_keeps_each_label_with_its_sample(num_samples, validation, seed):
    labels = np.arange(num_samples)  # so a label tells which sample it belongs to
    parts = data.split(np.vstack([labels, labels**2]), labels, validation, seed)
    assert sorted([*parts[1], *parts[3]]) == list(labels)
    for X, aside in (parts[:2], parts[2:]):
        assert np.array_equal(X, [aside, aside**2])
    assert 1 <= len(parts[3]) < num_samples and abs(len(parts[3]) - validation * num_samples) <= 1
    columns = data.split(labels[np.newaxis], np.eye(num_samples)[:, labels], validation, np.random.default_rng(seed))
    assert np.array_equal(columns[1].argmax(axis=0), parts[1]) and np.array_equal(columns[2][0], parts[3])


# The mean of a thousand tenths isn't quite a tenth: what never varies becomes 0 even where rounding blurs it.
@example(X=np.full((1, 1000), 0.1), factor=1.0, shift=0.0)
@given(X=matrices, factor=st.floats(0.1, 10), shift=st.floats(-100, 100))
def test_standardise_gives_mean_0_and_deviation_1_in_any_unit_and_scales_the_others_alike(X, factor, shift):
    before = X.copy()
    scaled, first, twice = data.standardise(X, X[:, :1], np.hstack([X, X]))
    constant = np.ptp(X, axis=1) == 0
    assert np.array_equal(X, before), "the input is left alone"
    assert np.allclose(scaled.mean(axis=1), 0, atol=1e-9) and np.allclose(scaled[~constant].std(axis=1), 1)
    assert np.all(scaled[constant] == 0)
    assert np.array_equal(first, scaled[:, :1]) and np.array_equal(twice, np.hstack([scaled, scaled]))
    assert np.allclose(data.standardise(factor * X + shift), scaled, atol=1e-6)


# ---- What is refused

ROWS = "labels has shape (10, 3), but X has 10 samples (columns); expected (10,) or (classes, 10)."
MATRIX = "X has no numbers, or rows of different lengths; expected two dimensions with samples in columns"
X = np.zeros((2, 10))


REFUSED = [
    (lambda: data.blobs(num_features=0), "num_features is 0; expected a whole number, 1 or more. Try"),
    (lambda: data.integers(num_samples=2.5), "num_samples is 2.5; expected a whole number"),
    (lambda: data.moons(num_samples=True), "num_samples is True; expected a whole number"),
    *((lambda draw=draw: draw(seed=1.5), "seed is 1.5; expected a whole number, 0 or more. Try") for draw in DRAWS),
    (lambda: data.split(X, X[0], seed=-1), "seed is -1; expected a whole number, 0 or more. Try seed=0."),
    *((lambda draw=draw: draw(spread=-1), "spread is -1; expected a number, 0 or more. Try") for draw in DRAWS[1:]),
    (lambda: data.blobs(spread=np.nan), "spread is nan; expected"),
    (lambda: data.split(X, np.zeros((10, 3))), f"{ROWS} Try np.transpose"),
    (lambda: data.split(X, None), ROWS.replace("(10, 3)", "()")),
    (lambda: data.split(X, [[0], [1, 2]]), "labels has rows of different lengths; expected one label for each"),
    (lambda: data.split([[1.0]], [0]), "X has 1 sample; expected 2 or more to split. Try more samples."),
    (lambda: data.split(X, X[0], 1.0), "validation is 1.0; expected a fraction between 0 and 1. Try"),
    (lambda: data.standardise([1.0, 2.0]), "X has shape (2,); expected two dimensions with samples in columns"),
    (lambda: data.standardise(np.zeros((3, 0))), "X has shape (3, 0); expected"),
    (lambda: data.standardise([["a"]]), MATRIX),
    (lambda: data.standardise([[10**400]]), MATRIX),
    (lambda: data.standardise([[1, 2], [3, np.nan]]), "X[1, 1] is nan; expected a finite number. Try leaving"),
    (lambda: data.standardise(np.eye(2), [[0, np.inf], [0, 0]]), "argument 2[0, 1] is inf; expected a finite"),
    (lambda: data.standardise(X, X.T), "argument 2 has 10 features (rows); expected 2, as X has. Try the same"),
]


def test_what_is_refused_is_named_with_what_was_expected_and_one_thing_to_try():
    for call, complaint in REFUSED:
        with pytest.raises(ValueError) as refused:
            call()
        assert str(refused.value).startswith(complaint) and ". Try " in str(refused.value)


# ---- TensorFlow, quietly or not at all

FIRST_USE = """
from lib.data import load_tensorflow
print((tf := load_tensorflow()).keras.utils.to_categorical([0, 2, 1, 2], 3).T.tolist())
print(float(tf.keras.losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])))
"""
COLUMNS = "[[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]\n0.693147"
NOT_INSTALLED = """
import sys; sys.modules['tensorflow'] = None  # Python's own way to block an import
from lib.data import load_tensorflow; print(load_tensorflow(), load_tensorflow())
"""
WITHOUT = """\
TensorFlow is not installed. The notebook goes on without it: NumPy encodes the labels, with the same result,
and the last check shows only your own loss.
None None
"""


PROCESSES = {f"import os; os.close(2){FIRST_USE}": COLUMNS, NOT_INSTALLED: WITHOUT}


@pytest.mark.slow
def test_a_fresh_process_writes_only_what_it_should():
    for code, out in PROCESSES.items():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(out) and not done.stderr


@pytest.mark.slow
def test_first_use_in_a_jupyter_kernel_writes_nothing_on_stderr(monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # ipykernel shows no text from file descriptor 2 to pytest
    written = {"stdout": "", "stderr": ""}
    with run_kernel(kernel_name="python3") as client:
        client.execute(FIRST_USE)
        client.execute("import os; os.write(2, b'heard again');")
        while "heard again" not in written["stderr"]:  # what was written before it arrives before it
            message = client.get_iopub_msg(timeout=120)
            if message["msg_type"] == "stream":
                written[message["content"]["name"]] += message["content"]["text"]
    assert written["stderr"] == "heard again" and written["stdout"].startswith(COLUMNS)
