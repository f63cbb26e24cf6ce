"""Labels of any kind become classes, or a sentence says why not; so does data that is none."""

import numpy as np
import pytest

from lib.explorer.samples import prepare

X = np.random.default_rng(0).normal(size=(2, 12))
TWO = np.arange(12) % 2


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (2 * TWO - 1, ["-1", "1"]),
        (TWO.astype(np.uint8), ["0", "1"]),
        (2.0 * TWO, ["0", "2"]),
        (TWO == 1, ["False", "True"]),
        (np.where(TWO, "setosa", "virginica"), ["setosa", "virginica"]),
        (np.array(["no", "yes"], dtype=object)[TWO], ["no", "yes"]),
        ([int(each) for each in TWO], ["0", "1"]),
    ],
    ids=lambda value: str(value)[:16],
)
def test_labels_become_classes(labels, names):
    samples = prepare(X, labels)
    assert samples.names == names
    assert samples.y.shape == (2, 10)
    np.testing.assert_array_equal(samples.y.sum(axis=0), 1)
    same = prepare(X, TWO)  # each class has the samples that it had
    np.testing.assert_array_equal(np.sort(samples.y @ samples.X.T, axis=0), np.sort(same.y @ same.X.T, axis=0))


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (TWO + 0.5, r"labels\[0\] is 0.5; expected a whole number or a string"),
        (np.where(TWO, np.nan, 1.0), r"labels\[1\] is nan; expected"),
        ([0, None] * 6, r"labels\[1\] is None; expected"),
        (TWO * 1j, r"labels\[0\] is 0j; expected"),
        (np.zeros(12, dtype=int), "All labels are 0; expected two classes or more"),
        (np.eye(2)[:, TWO], r"labels has shape \(2, 12\); expected one label for each sample. Try labels.argmax"),
        (TWO[:5], r"labels has shape \(5,\), but X has 12 samples"),
        (1, r"labels has shape \(\); expected one label for each sample"),
        ([[0], [1, 2]] * 6, r"labels has rows of different lengths; expected"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_other_labels_are_refused_in_a_sentence(labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        prepare(X, labels)


@pytest.mark.parametrize("sample", range(12))
def test_what_is_no_finite_number_is_named_by_its_place_in_what_was_given(sample):
    with pytest.raises(ValueError, match=rf"X\[1, {sample}\] is inf; expected a finite number"):
        prepare(np.where([[False] * 12, np.arange(12) == sample], np.inf, X), TWO)
