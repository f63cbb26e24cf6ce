"""ReLU: what is positive passes, forward and backward."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lib.reference import ReLU
from tests.reference.oracles import Array, matrices, slopes


def entries(rows: int, columns: int) -> st.SearchStrategy[Array]:
    """Draw entries of thousandths: TensorFlow takes the very smallest floats for 0."""
    return matrices(rows, columns).map(lambda M: M.round(3))


@given(entries(4, 6), st.data())
def test_forward_and_backward_are_tensorflows(tf, z, data):
    g = data.draw(entries(*z.shape))
    relu = ReLU()
    rows = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        out = tf.nn.relu(rows)
        loss = tf.reduce_sum(g * out)
    np.testing.assert_array_equal(relu.forward(z), out.numpy())
    np.testing.assert_array_equal(relu.backward(g), tape.gradient(loss, rows).numpy())


@given(entries(4, 6), st.data())
def test_backward_is_the_slope_of_any_loss_above(z, data):
    g = data.draw(entries(*z.shape))
    z = np.where(np.abs(z) < 1e-3, 1e-3, z)  # at the bend there is no slope to measure
    relu = ReLU()
    relu.forward(z)
    # ReLU is straight on either side of the bend: a large step loses nothing, and less of it is lost by rounding.
    slope = slopes(lambda moved: float((g * ReLU().forward(moved)).sum()), z, step=5e-4)
    np.testing.assert_allclose(relu.backward(g), slope, atol=1e-8)


def test_backward_needs_the_input_alone():
    relu = ReLU()
    relu.input = np.array([[-1.0, 2.0]])
    np.testing.assert_array_equal(relu.backward(np.array([[5.0, -7.0]]), 0.1), [[0.0, -7.0]])


def test_the_input_stays_as_it_is():
    z = np.array([[-1.0, 2.0]])
    ReLU().forward(z)
    np.testing.assert_array_equal(z, [[-1.0, 2.0]])
