"""A run trains the student's own classes: the same numbers as the notebook's loop written out, for any setting."""

import math
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lib.data import integers
from lib.explorer.runs import Network, Recipe, Run, Setting
from lib.explorer.samples import BUILT_IN, load, prepare
from lib.reference import Dense, Softmax, cce, cce_gradient
from lib.units.softmax_classifier.what_if import WHAT_IFS
from tests.explorer import student
from tests.explorer.two_layers import give_hidden, make_network

ROOT = Path(__file__).parents[2]
STUDENT = Network(student.Dense, student.Softmax, student.cce, student.cce_gradient)
REFERENCE = Network(Dense, Softmax, cce, cce_gradient)
BLOBS = load(BUILT_IN["blobs"])


def train(setting, epochs=5, network=STUDENT, samples=BLOBS, starts=None):
    changes = [what_if.apply for what_if in WHAT_IFS if what_if.name == setting.what_if]
    run = Run(changes[0](Recipe(network)) if changes else Recipe(network), samples, setting, starts)
    run.advance(epochs, seconds=60)
    return run


def by_the_notebooks_loop(rate, size, seed=0, epochs=100, layers=None):
    """Train on the blobs as the notebook's loop does: the losses of batches, epochs and validation, and the weights."""
    np.random.seed(seed)
    *layers, softmax = layers() if layers else (student.Dense(2, 3), student.Softmax())
    orders, batches, training, validation = np.random.default_rng(seed), [], [], []

    def forward(X):
        for layer in (*layers, softmax):
            layer.forward(X)
            X = layer.output
        return X

    for _ in range(epochs):
        order, total = orders.permutation(240), 0.0
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            yhat = forward(BLOBS.X[:, batch])
            loss = student.cce(BLOBS.y[:, batch], yhat)
            batches.append(loss)
            total += loss * len(batch)
            gradient = 1 / len(batch) * softmax.backward(student.cce_gradient(BLOBS.y[:, batch], yhat))
            for layer in reversed(layers):
                gradient = layer.backward(gradient, rate)
        training.append(total / len(order))
        validation.append(student.cce(BLOBS.y_validation, forward(BLOBS.X_validation)))
    weights = [layer.weights.ravel() for layer in layers if hasattr(layer, "weights")]
    return batches, training, validation, np.concatenate(weights)


SETTINGS = [(0.0001, 16, 0), (0.1, 16, 0), (31.6, 16, 1), (0.1, 1, 0), (0.1, 240, 2), (10.0, 4, 0), (100.0, 64, 3)]


@pytest.mark.parametrize(("rate", "size", "seed"), SETTINGS)
@pytest.mark.parametrize("units", [0, 4], ids=["one layer", "hidden layer"])
def test_losses_and_weights_are_those_of_the_notebooks_loop_to_the_last_bit(rate, size, seed, units):
    """The last batch of 64 in 240 is short, and weighs less in the loss of its epoch."""
    run = train(Setting(rate, size, seed, size=units), epochs=20, network=give_hidden(4) if units else STUDENT)
    loop = by_the_notebooks_loop(rate, size, seed, 20, (lambda: make_network([2, 4, 3]).layers) if units else None)
    found = (run.iteration_loss, run.epoch_loss, run.validation_loss, run.weights[-1].ravel())
    for ours, theirs in zip(found, loop, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("network", [STUDENT, REFERENCE], ids=["student", "reference"])
def test_a_seed_gives_the_same_start_and_the_same_order_for_every_setting(network):
    starts = {}  # the reference draws its weights from a generator of its own
    small, large = (train(Setting(rate, 16), epochs=1, network=network, starts=starts) for rate in (1e-4, 100.0))
    np.testing.assert_array_equal(small.weights[0], large.weights[0])
    assert small.iteration_loss[0] == large.iteration_loss[0]
    other = train(Setting(1e-4, 16, seed=1), epochs=1, network=network, starts=starts)
    assert not np.array_equal(small.weights[0], other.weights[0])
    whole, single = (train(Setting(1e-12, size), epochs=1, network=network, starts=starts) for size in (240, 1))
    np.testing.assert_allclose(np.mean(single.iteration_loss), whole.epoch_loss[0], rtol=1e-6)


def test_a_run_stops_after_any_batch_and_goes_on_as_if_it_had_not():
    whole, parts = train(Setting(0.1, 16), epochs=6), Run(Recipe(STUDENT), BLOBS, Setting(0.1, 16))
    for _ in range(2):  # before the first batch there is nothing to draw
        parts.advance(100, seconds=0.0)
        assert len(parts.weights) == len(parts.iteration_loss) == 1
    parts.advance(100, seconds=60, stop=lambda: len(parts.iteration_loss) == 7)  # for a newer position
    assert len(parts.iteration_loss) == 7 and not parts.over
    for epochs in (2, 3, 6):
        parts.advance(epochs, seconds=60)
        assert parts.epochs == epochs
    np.testing.assert_array_equal(parts.iteration_loss, whole.iteration_loss)
    np.testing.assert_array_equal(parts.weights[-1], whole.weights[-1])


def test_what_is_learnt_of_the_notebooks_random_labels_is_worth_nothing_on_other_samples():
    notebook = nbformat.read(ROOT / "solutions/softmax_classifier/softmax_classifier.ipynb", as_version=4)
    [cell] = [cell.source for cell in notebook.cells if cell.id == "explorer"]
    num_samples, num_features = map(
        int, re.search(r"'random labels': integers\(num_samples=(\d+), num_features=(\d+)\)", cell).groups()
    )
    for seed in range(6):
        samples = prepare(*integers(num_samples, num_features, seed=seed))
        for rate in (0.01, 0.1, 1.0, 10.0):
            run = train(Setting(rate, 16), epochs=50, samples=samples)
            assert run.validation_loss[-1] > math.log(3), (seed, rate)


def test_a_loss_in_an_array_of_one_entry_is_that_number():
    network = replace(STUDENT, cce=lambda *given: np.array([student.cce(*given)]))
    assert train(Setting(0.1, 16), network=network).epoch_loss == train(Setting(0.1, 16)).epoch_loss


def test_every_what_if_runs_and_all_but_the_invisible_one_change_the_picture():
    plain, *runs = (train(Setting(0.1, 16, what_if=name)) for name in ["", *(what_if.name for what_if in WHAT_IFS)])
    for run in runs:
        assert run.epochs == 5, run.fault
        np.testing.assert_array_equal(run.weights[0], plain.weights[0])
    same = [run.setting.what_if for run in runs if run.epoch_loss == plain.epoch_loss]
    assert same == ["the last, short batch is dropped"]  # 16 divides 240: nothing to see, as it says


def test_what_ifs_do_what_they_say():
    def step(what_if=""):  # of an epoch that is one batch
        run = train(Setting(0.1, 240, what_if=what_if), epochs=1)
        return run.weights[1] - run.weights[0]

    np.testing.assert_allclose(step("the gradient's sign is flipped"), -step())
    np.testing.assert_allclose(step("1/batch is left out"), 240 * step())
    np.testing.assert_allclose(step("1/batch is applied twice"), step() / 240)
    short = train(Setting(0.1, 128, what_if="the last, short batch is dropped"), epochs=3)
    assert short.iterations_per_epoch == 1 and train(Setting(0.1, 16)).iterations_per_epoch == 15
