"""The lab: what its questions say is so is found again, with the reference, for each seed that they name."""

from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lib.explorer.samples import BUILT_IN, load
from lib.reference import cce, generate_batch_indices, train

ROOT = Path(__file__).parents[3]
NOTEBOOK = nbformat.read(ROOT / "solutions/softmax_classifier/softmax_classifier.ipynb", as_version=4)
SEEDS = range(10)  # a run on digits takes seconds: there it is seed 0 alone


@cache
def data(name):
    samples = load(BUILT_IN[name])
    return samples.X, samples.y, samples.X_validation, samples.y_validation


def run(name, rate, batch_size, epochs, seed):
    X, y, *_ = data(name)
    return train(X, y, rate, batch_size, epochs, rng=seed)


def loss(history, X, y):
    return cce(y, history.softmax.forward(history.dense.forward(X)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_small_batches_get_farthest_in_as_many_epochs_and_not_in_as_many_steps(seed):
    X, y, *_ = data("blobs")
    one, some, all_ = (run("blobs", 0.01, size, 20, seed).loss[-1] for size in (1, 16, 240))
    assert one < 0.9 * some < 0.9 * all_
    of_240_steps = [loss(run("blobs", 0.01, size, size, seed), X, y) for size in (1, 16, 240)]
    assert max(of_240_steps) < 1.01 * min(of_240_steps), "nearly the same"


@pytest.mark.parametrize("seed", SEEDS)
def test_b_the_learning_rate_goes_with_the_batch_size(seed):
    X, y, *_ = data("blobs")
    wanted = loss(run("blobs", 0.01, 16, 20, seed), X, y)
    found = {rate: loss(run("blobs", rate, 1, 20, seed), X, y) for rate in (0.16, 0.01, 0.0025, 0.000625)}
    assert abs(found[0.000625] - wanted) < 0.02 * wanted
    assert all(abs(found[rate] - wanted) > 0.3 * wanted for rate in found if rate != 0.000625)


@pytest.mark.parametrize("seed", SEEDS)
def test_c_the_spread_of_batches_shrinks_with_the_root_of_their_size(seed):
    X, y, *_ = data("blobs")
    history, rng = run("blobs", 0.1, 16, 30, seed), np.random.default_rng(seed)

    def spread(size):
        batches = [batch for _ in range(20) for batch in generate_batch_indices(240, size, rng=rng)]
        return np.std([loss(history, X[:, batch], y[:, batch]) for batch in batches])

    one, some = spread(1), spread(16)
    assert 0.2 < some / one < 0.3


def test_d_a_large_rate_needs_large_batches():
    *_, X, y = data("digits")
    ends = (run("digits", 10, size, 10, seed=0) for size in (1, 1438))
    guesses = (end.softmax.forward(end.dense.forward(X)).argmax(axis=0) for end in ends)
    one, all_ = (np.mean(guess == y.argmax(axis=0)) for guess in guesses)
    assert 0.2 < one < 0.8 < 0.9 < all_


def test_e_validation_is_best_long_before_the_end():
    # Of one seed, a shorter run is the beginning of a longer one.
    *_, X_validation, y_validation = data("digits")
    runs = {epochs: run("digits", 0.1, 16, epochs, seed=0) for epochs in (10, 50, 250)}
    at = {epochs: loss(each, X_validation, y_validation) for epochs, each in runs.items()}
    early, history = runs[50], runs[250]
    assert at[50] < 0.95 * min(at[10], at[250])
    assert history.loss[249] < history.loss[49] < history.loss[9]
    # "the weights grow, and the few samples that are predicted wrongly cost more and more"
    assert np.linalg.norm(history.dense.weights) > 1.2 * np.linalg.norm(early.dense.weights)
    losses, wrong = [], []
    for each in (early, history):
        yhat = each.softmax.forward(each.dense.forward(X_validation))
        losses.append(-np.log((y_validation * yhat).sum(axis=0)))
        wrong.append(yhat.argmax(axis=0) != y_validation.argmax(axis=0))
    both = wrong[0] & wrong[1]
    assert both.sum() < 20
    assert losses[1][both].mean() > 1.1 * losses[0][both].mean()


def test_counted_numbers_are_counted():
    steps = {size: 20 * len(generate_batch_indices(240, size)) for size in (1, 16, 240)}
    assert list(steps.values()) == [4800, 300, 20]
    text = "\n".join(cell.source for cell in NOTEBOOK.cells)
    assert "4,800 steps with batch size 1, 300 steps with 16, and 20 steps with 240" in text
    assert data("blobs")[0].shape[1] == 240 and data("digits")[0].shape[1] == 1438
