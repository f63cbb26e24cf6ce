"""The view of batch gradients, and the lock on rate and batch size: held against gradients written out by hand."""

import re

import numpy as np
import pytest

from lib.explorer import Explorer, Network
from lib.explorer.gradients_view import FEW, compute, describe, draw, find_plane
from lib.explorer.training import Setting
from tests.explorer import student
from tests.explorer.test_training import BLOBS, STUDENT, train


class InPlace(student.Dense):
    def backward(self, output_gradient, learning_rate):
        self.weights -= learning_rate * (output_gradient @ self.input.T)


def by_hand(W, samples):
    """Return the gradient of each sample, (samples, weights): (p - y) times the features and 1."""
    X = np.vstack([samples.X, np.ones(samples.X.shape[1])])
    e = np.exp(W @ X)
    return np.einsum("ki,ji->ikj", e / e.sum(axis=0) - samples.y, X).reshape(X.shape[1], -1)


@pytest.mark.parametrize("Dense", [student.Dense, InPlace])
@pytest.mark.parametrize("size", [1, 16, 240])
def test_gradients_are_those_of_the_students_own_code(Dense, size):
    run = train(Setting(0.1, size), network=Network(Dense, student.Softmax, student.cce, student.cce_gradient))
    before = [each.copy() for each in run.weights]
    found = run.gradients(3, size, 100)
    order = np.random.default_rng(0).permutation(240)
    expected = by_hand(before[3], BLOBS)[order].reshape(240 // size, size, -1).mean(axis=1)[:100]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_array_equal(run.weights, before)  # looking changes nothing
    run.advance(8, seconds=60)
    np.testing.assert_allclose(run.epoch_loss, train(Setting(0.1, size), epochs=8).epoch_loss)


def test_a_batch_that_does_not_divide_the_set_leaves_its_short_one_out():
    assert len(train(Setting(0.1, 128)).gradients(1, 128, 100)) == 1


@pytest.mark.parametrize("size", [2, 4, 8, 16, 32, 64])
def test_the_cloud_shrinks_as_the_root_of_the_batch_size(size):
    cloud = compute(train(Setting(0.1, size)), 5)
    cloud.refine(60)
    of_all = np.sqrt((240 - size) / 239)  # batches are drawn without putting back
    assert cloud.spread(cloud.batches) * np.sqrt(size) / cloud.spread(cloud.samples) == pytest.approx(of_all, rel=0.35)


def test_the_whole_set_is_the_full_gradient():
    cloud = compute(train(Setting(0.1, 240)), 5)
    assert cloud.spread(cloud.batches) < 1e-12


def test_the_plane_holds_the_two_longest_directions():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(60, 9)) * np.array([9, 5, 2, 1, 1, 1, 1, 1, 0])
    plane = find_plane(gradients)
    expected = np.linalg.svd(gradients)[2][:2]
    np.testing.assert_allclose(plane.T @ plane, expected.T @ expected, atol=1e-6)


def test_gradients_that_are_no_numbers_are_said():
    def slope(y, yhat):
        return -y / np.where(yhat > 0.9, 0, yhat)

    run = train(Setting(0.1, 16), network=Network(student.Dense, student.Softmax, student.cce, slope), epochs=1)
    with np.errstate(all="ignore"):
        assert "a gradient is not a finite number" in draw(run, 0)


def test_the_view_has_its_words():
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.shown["Gradients"].value = True
    assert 'aria-label="Batch gradients"' in explorer.pictures.value
    said = re.search(
        r"240 single samples lie (\S+) from the full gradient \(root mean square\)\. For 15 batches of 16 it is (\S+); "
        r"\1 / √16 is (\S+)\.",
        explorer.caption,
    ).groups()
    gradients = by_hand(explorer.run(Setting(0.1, 16)).weights[100], BLOBS)
    full = gradients.mean(axis=0)
    order = np.random.default_rng(0).permutation(240)
    batches = gradients[order].reshape(15, 16, -1).mean(axis=1)
    one, many = (np.sqrt(((each - full) ** 2).sum(axis=1).mean()) for each in (gradients, batches))
    assert said == (f"{one:.3g}", f"{many:.3g}", f"{one / 4:.3g}")


@pytest.mark.parametrize(
    ("size", "words", "drawn"),
    [
        (1, "(root mean square).", "240 batches; "),
        (50, "For 4 batches of 50 it is ", "4 batches; "),
        (120, "For 2 batches of 120 it is ", "2 batches; "),
        (128, "For 1 batch of 128 it is ", "1 batch; "),
        (240, "A batch of all samples has the full gradient itself.", "1 batch; "),
    ],
)
def test_batches_are_counted_and_one_of_all_samples_has_no_distance(size, words, drawn):
    run = train(Setting(0.1, size), epochs=1)
    compute(run, 1).refine(60)
    assert words in describe(run, 1) and drawn in draw(run, 1)
    assert ("√" in describe(run, 1)) == (1 < size < 240)
    assert ("tend to lie nearer" in describe(run, 1)) == (60 <= size < 240)


def test_a_move_shows_some_of_the_gradients_and_rest_shows_all():
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.shown["Gradients"].value = True
    shown = []
    explorer.pictures.observe(lambda change: shown.append(change.new), "value")
    explorer.controls.learning_rate.value = 1.0
    gradients = by_hand(explorer.run(Setting(1.0, 16)).weights[100], BLOBS)
    order = np.random.default_rng(0).permutation(240)
    counts = []
    for each in shown:
        if "still training" not in each:
            counts.append(int(re.search(r"the spread of (\d+) samples", each)[1]))
            far = ((gradients - gradients.mean(axis=0))[order[: counts[-1]]] ** 2).sum(axis=1)
            assert f"single samples lie {np.sqrt(far.mean()):.3g} from" in each  # true of those that are drawn
    assert counts == [FEW, 240]


def test_a_lock_moves_the_rate_with_the_batch_size():
    explorer = Explorer(STUDENT, "blobs")
    controls = explorer.controls
    plain = explorer.run(Setting(0.1, 16)).epoch_loss[-1]
    controls.lock.value = True
    assert controls.learning_rate.disabled
    for size in (1, 4, 64, 240):
        controls.batch_size.value = size
        rate = controls.learning_rate.value
        assert rate / size == pytest.approx(0.1 / 16, rel=0.13)  # to the nearest rate on the slider
        assert f"Learning rate / batch size is {rate / size:.3g}." in explorer.caption
        assert explorer.run(Setting(rate, size)).epoch_loss[99] == pytest.approx(plain, rel=0.05)
    controls.batch_size.value = 16
    assert controls.learning_rate.value == 0.1
    controls.presets[2].click()
    assert not controls.lock.value and controls.learning_rate.value == 31.6 and not controls.learning_rate.disabled
    assert "Learning rate / batch size" not in explorer.caption


def test_a_lock_ends_at_the_ends_of_the_slider():
    explorer = Explorer(STUDENT, "blobs")
    explorer.controls.learning_rate.value = 100.0
    explorer.controls.lock.value = True
    explorer.controls.batch_size.value = 32
    assert explorer.controls.learning_rate.value == 100.0
    assert "Learning rate / batch size is 3.12." in explorer.caption


def test_what_is_shown_finely_stays_so_while_others_are_made_ready():
    shown = train(Setting(0.1, 16), epochs=1)
    while not (cloud := compute(shown, 1)).fine:
        cloud.refine(60)
    compute(shown, 1)
    for rate in np.linspace(0.01, 0.09, 6):
        compute(train(Setting(rate, 16), epochs=1), 1)
    assert compute(shown, 1) is cloud
