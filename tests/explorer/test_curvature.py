"""The largest rate that still descends: held against derivatives written out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lib.data import rings
from lib.explorer.curvature import descent_limit, largest_descending_rate
from lib.explorer.samples import prepare
from lib.explorer.training import Recipe, Run, Setting
from tests.explorer import student
from tests.explorer.test_training import BLOBS, STUDENT, train


def hessian(W, samples):
    """Return the second derivatives of the mean loss: the mean over samples of (diag p - p pᵀ) ⊗ x xᵀ."""
    X = np.vstack([samples.X, np.ones(samples.X.shape[1])])
    e = np.exp(W @ X)
    p = e / e.sum(axis=0)
    J = np.einsum("ib,ij->ijb", p, np.eye(len(p))) - np.einsum("ib,jb->ijb", p, p)
    return np.einsum("ijb,mb,nb->imjn", J, X, X).reshape(W.size, W.size) / X.shape[1]


WIDE = prepare(np.random.default_rng(1).normal(size=(12, 150)), np.arange(150) % 4)


@pytest.mark.parametrize("samples", [BLOBS, WIDE], ids=["9 weights", "52 weights"])
@pytest.mark.parametrize("rate", [0.01, 1.0])
def test_the_limit_is_2_over_the_largest_eigenvalue_of_the_second_derivatives(samples, rate):
    run = train(Setting(rate, 16), epochs=20, samples=samples)
    for epoch in (0, 20):
        expected = 2 / np.linalg.eigvalsh(hessian(run.weights[epoch], samples))[-1]
        assert descent_limit(run, epoch) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("rate", "size"), [(0.1, 16), (10.0, 16), (31.6, 4), (31.6, 240), (100.0, 1), (100.0, 16)])
def test_steps_below_the_largest_descending_rate_go_down(rate, size):
    run = train(Setting(rate, size), epochs=12)
    for epoch in (0, 1, 6, 12):
        W, largest = run.weights[epoch], largest_descending_rate(run, epoch)
        for share in (0.01, 0.2, 0.5, 0.95) if math.isfinite(largest) else ():
            assert run.loss(W - share * largest * run.gradient(W)) <= 1.001 * run.loss(W)


def test_where_a_step_goes_up_below_the_limit_the_rate_is_smaller():
    """Here a step goes down at 0.95 of the limit, and up at 0.99: the student's loss keeps away from log 0."""
    run = Run(Recipe(STUDENT), prepare(*rings(240)), Setting(31.6, 16))
    run.advance(5, seconds=60)
    W, limit = run.weights[5], descent_limit(run, 5)
    near, far = (run.loss(W - share * limit * run.gradient(W)) for share in (0.95, 0.99))
    assert near < run.loss(W) < far
    assert largest_descending_rate(run, 5) == pytest.approx(0.95 * limit)


@pytest.mark.parametrize(("factor", "rate"), [(-1, math.inf), (math.nan, math.nan)])
def test_a_gradient_that_leads_nowhere_has_no_such_rate(factor, rate):
    network = replace(STUDENT, cce_gradient=lambda y, yhat: factor * student.cce_gradient(y, yhat))
    run = train(Setting(0.1, 16), epochs=1, network=network)
    assert largest_descending_rate(run, 0) == pytest.approx(rate, nan_ok=True)
