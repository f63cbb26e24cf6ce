"""Softmax: properties that only it has, scores that overflow, and its Jacobian."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.reference import Softmax, cce_gradient
from tests.reference.oracles import matrices

scores = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(lambda shape: matrices(*shape))


@given(scores)
def test_columns_sum_to_1_and_log_ratios_are_score_differences(z):
    before, softmax = z.copy(), Softmax()
    a = softmax.forward(z)
    np.testing.assert_allclose(a.sum(axis=0), 1)
    np.testing.assert_allclose(np.log(a) - np.log(a[0]), z - z[0], atol=1e-12)
    assert softmax.input is z and softmax.output is a
    np.testing.assert_array_equal(z, before)


@pytest.mark.parametrize("shift", [1e6, -1e6])
def test_moving_all_scores_a_million_changes_nothing(shift):
    z = np.array([[0.0, 1.0], [2.0, -1.0], [4.0, 0.5]])
    np.testing.assert_allclose(Softmax().forward(z + shift), Softmax().forward(z), rtol=1e-9)


def test_scores_a_million_apart_are_certainty():
    z = np.array([[1e6, -1e6, 0.0], [-1e6, 1e6, 0.0]])
    softmax = Softmax()
    np.testing.assert_array_equal(softmax.forward(z), [[1, 0, 0.5], [0, 1, 0.5]])
    for y in (np.array([[1, 0, 1], [0, 1, 0]]), np.array([[0, 1, 0], [1, 0, 1]])):
        assert np.isfinite(softmax.backward(cce_gradient(y, softmax.output))).all()


@pytest.mark.parametrize("dtype", [int, np.int8, np.uint8])
def test_integer_scores_are_scores(dtype):
    z = np.array([[1, 100], [3, 2], [0, 120]])
    np.testing.assert_allclose(Softmax().forward(z.astype(dtype)), Softmax().forward(z.astype(float)))


@given(scores, st.data())
def test_backward_is_the_jacobian_times_the_gradient_and_needs_the_output_alone(z, data):
    a, g = Softmax().forward(z), data.draw(matrices(*z.shape))
    softmax = Softmax()
    softmax.output = a
    jacobians = [np.diag(column) - np.outer(column, column) for column in a.T]
    expected = [jacobian @ column for jacobian, column in zip(jacobians, g.T, strict=True)]
    for result in (softmax.backward(g), softmax.backward(g, 0.1)):
        np.testing.assert_allclose(result, np.transpose(expected), atol=1e-12)
