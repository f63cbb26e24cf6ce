"""Cross-entropy: its value in nats, the slope of each sample's own loss, and TensorFlow's opinion."""

import numpy as np
import pytest
from hypothesis import given

from lib.reference import cce, cce_gradient
from lib.reference.loss import EPSILON
from tests.reference.oracles import Array, scores_and_labels, slopes


def probabilities(z: Array) -> Array:
    return np.exp(z) / np.exp(z).sum(axis=0)


def test_the_loss_is_1_where_the_true_class_has_one_over_e():
    y = np.array([[1.0], [0.0]])
    assert cce(y, np.array([[1 / np.e], [1 - 1 / np.e]])) == pytest.approx(1)


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_the_loss_is_ln_K_where_all_classes_are_equal(num_classes):
    y = np.eye(num_classes)
    assert cce(y, np.full_like(y, 1 / num_classes)) == pytest.approx(np.log(num_classes))


@given(scores_and_labels())
def test_the_loss_of_a_batch_is_the_mean_over_its_samples(batch):
    z, y = batch
    p = probabilities(z)
    alone = [-np.log(p[true, sample]) for sample, true in enumerate(y.argmax(axis=0))]
    assert cce(y, p) == pytest.approx(sum(alone) / len(alone))


@given(scores_and_labels())
def test_the_gradient_is_the_slope_of_each_samples_own_loss(batch):
    z, y = batch
    p = probabilities(z)

    def own_losses(yhat: Array) -> float:
        return sum(cce(y[:, [sample]], yhat[:, [sample]]) for sample in range(y.shape[1]))

    # A slope is only as exact as its step is small against p.
    np.testing.assert_allclose(cce_gradient(y, p), slopes(own_losses, p, step=1e-4 * p.min()), rtol=1e-6, atol=1e-5)


@given(scores_and_labels())
def test_the_gradient_of_a_sample_does_not_know_the_rest_of_its_batch(batch):
    z, y = batch
    p = probabilities(z)
    alone = [cce_gradient(y[:, [sample]], p[:, [sample]]) for sample in range(y.shape[1])]
    np.testing.assert_array_equal(cce_gradient(y, p), np.hstack(alone))


def test_a_true_class_with_probability_0_costs_much_but_not_infinitely_much():
    y, p = np.eye(2), 1 - np.eye(2)
    assert cce(y, p) == pytest.approx(-np.log(EPSILON))
    np.testing.assert_allclose(cce_gradient(y, p), -np.eye(2) / EPSILON)


@pytest.mark.parametrize("dtype", [bool, np.uint8, int, np.float32])
def test_labels_may_be_of_any_type(dtype):
    y, p = np.eye(3), np.full((3, 3), 1 / 3)
    assert cce(y.astype(dtype), p) == cce(y, p)
    np.testing.assert_array_equal(cce_gradient(y.astype(dtype), p), cce_gradient(y, p))


def test_epsilon_is_tensorflows(tf):
    assert tf.keras.backend.epsilon() == EPSILON


@given(scores_and_labels())
def test_the_loss_is_tensorflows(tf, batch):
    z, y = batch
    p = probabilities(z)
    # Keras wants samples in rows, and counts in float32.
    assert cce(y, p) == pytest.approx(float(tf.keras.losses.CategoricalCrossentropy()(y.T, p.T)), abs=1e-5)
