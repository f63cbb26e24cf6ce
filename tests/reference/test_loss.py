"""Cross-entropy: its value in nats, and the slope of each sample's own loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.reference import cce, cce_gradient
from lib.reference.loss import EPSILON
from tests.reference.oracles import Array, batches, matrices, slopes


@given(batches(), st.data())
def test_the_loss_is_the_mean_over_the_samples_and_the_gradient_the_slope_of_each_samples_own(batch, data):
    y = batch[2]
    z = data.draw(matrices(*y.shape))
    p = np.exp(z) / np.exp(z).sum(axis=0)
    assert cce(y, p) == pytest.approx(np.mean([-np.log(p[true, sample]) for sample, true in enumerate(y.argmax(0))]))

    def own_losses(yhat: Array) -> float:
        return sum(cce(y[:, [sample]], yhat[:, [sample]]) for sample in range(y.shape[1]))

    # A slope is only as exact as its step is small against p.
    np.testing.assert_allclose(cce_gradient(y, p), slopes(own_losses, p, step=1e-4 * p.min()), rtol=1e-6, atol=1e-5)


def test_a_true_class_with_probability_0_costs_much_but_not_infinitely_much_as_in_tensorflow():
    import tensorflow as tf  # here, because it takes seconds

    y, p = np.eye(2), 1 - np.eye(2)
    assert tf.keras.backend.epsilon() == EPSILON
    assert cce(y, p) == pytest.approx(-np.log(EPSILON))
    np.testing.assert_allclose(cce_gradient(y, p), -np.eye(2) / EPSILON)


def test_labels_may_be_of_any_type():
    y, p = np.eye(3), np.full((3, 3), 1 / 3)
    for labels in (y.astype(bool), y.astype(np.uint8)):  # -labels would fail, or be 255
        assert cce(labels, p) == cce(y, p)
        np.testing.assert_array_equal(cce_gradient(labels, p), cce_gradient(y, p))
