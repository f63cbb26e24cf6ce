"""ReLU: what is positive passes, forward and backward."""

import numpy as np

from lib.reference import ReLU


def test_what_is_positive_passes_forward_and_backward_which_needs_the_input_alone():
    z, g = np.array([[-2.0, -0.5, 0.0], [0.5, 2.0, -0.0]]), np.array([[1.0, -2.0, 3.0], [4.0, -5.0, 6.0]])
    forward, backward = ReLU(), ReLU()
    np.testing.assert_array_equal(forward.forward(z), [[0, 0, 0], [0.5, 2, 0]])
    np.testing.assert_array_equal(z, [[-2, -0.5, 0], [0.5, 2, 0]])  # as it was
    backward.input = forward.input
    for result in (forward.backward(g), backward.backward(g, 0.1)):
        np.testing.assert_array_equal(result, [[0, 0, 0], [4, -5, 0]])  # at 0 the slope is 0, as TensorFlow has it
