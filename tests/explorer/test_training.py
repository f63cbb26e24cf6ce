"""A run trains the student's own classes: the same numbers as the notebook's loop written out, for any setting."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from lib.explorer.samples import BUILT_IN, load, prepare
from lib.explorer.training import Network, Recipe, Run, Setting
from lib.reference.dense import Dense as ReferenceDense
from lib.reference.loss import cce as reference_cce
from lib.reference.loss import cce_gradient as reference_cce_gradient
from lib.reference.softmax import Softmax as ReferenceSoftmax
from lib.units.hidden_layer.width import hidden_units
from lib.units.softmax_classifier.what_if import WHAT_IFS
from tests.explorer import student
from tests.explorer.two_layers import HIDDEN, make_network

STUDENT = Network(student.Dense, student.Softmax, student.cce, student.cce_gradient)
REFERENCE = Network(ReferenceDense, ReferenceSoftmax, reference_cce, reference_cce_gradient)
BLOBS = load(BUILT_IN["blobs"])


def recipe(network, what_if=""):
    """The recipe with the what-if of this name, or as it is."""
    chosen = [each for each in WHAT_IFS if each.name == what_if]
    return chosen[0].apply(Recipe(network)) if chosen else Recipe(network)


def train(setting, epochs=5, network=STUDENT, samples=BLOBS, starts=None):
    run = Run(recipe(network, setting.what_if), samples, setting, starts)
    run.advance(epochs, seconds=60)
    return run


def by_hand(samples, setting, epochs):
    """Train with gradients written out for softmax and cross-entropy together: dL/dz = p - y."""
    state = np.random.RandomState(setting.seed)
    W = state.randn(len(samples.y), len(samples.X) + 1)
    W[:, -1] = 0.01
    orders = np.random.default_rng(setting.seed)
    losses = []

    def forward(X):
        z = W @ np.vstack([X, np.ones(X.shape[1])])
        e = np.exp(z - z.max(axis=0))
        return e / e.sum(axis=0)

    for _ in range(epochs):
        order = orders.permutation(samples.X.shape[1])
        total = 0.0
        for start in range(0, len(order), setting.batch_size):
            X, y = (a[:, order[start : start + setting.batch_size]] for a in (samples.X, samples.y))
            p = forward(X)
            total -= (y * np.log(p)).sum()
            W = W - setting.learning_rate / X.shape[1] * (p - y) @ np.vstack([X, np.ones(X.shape[1])]).T
        losses.append(total / len(order))
    validation = -(samples.y_validation * np.log(forward(samples.X_validation))).sum(axis=0).mean()
    return W, losses, validation


SETTINGS = [(0.0001, 16, 0), (0.1, 16, 0), (31.6, 16, 1), (0.1, 1, 0), (0.1, 240, 2), (10.0, 4, 0), (100.0, 64, 3)]


def by_the_notebooks_loop(layers, softmax, cce, cce_gradient, samples, rate, size, seed, epochs):
    """Train as the notebook's loop does; return the losses of batches, epochs and validation, and the last weights."""
    orders, batches, training, validation = np.random.default_rng(seed), [], [], []

    def forward(X):
        for layer in (*layers, softmax):
            layer.forward(X)
            X = layer.output
        return X

    for _ in range(epochs):
        order, total = orders.permutation(samples.X.shape[1]), 0.0
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            yhat = forward(samples.X[:, batch])
            loss = cce(samples.y[:, batch], yhat)
            batches.append(loss)
            total += loss * len(batch)
            gradient = 1 / len(batch) * softmax.backward(cce_gradient(samples.y[:, batch], yhat))
            for layer in reversed(layers):
                gradient = layer.backward(gradient, rate)
        training.append(total / len(order))
        validation.append(cce(samples.y_validation, forward(samples.X_validation)))
    weights = [layer.weights.ravel() for layer in layers if hasattr(layer, "weights")]
    return batches, training, validation, np.concatenate(weights)


@pytest.mark.parametrize(("rate", "size", "seed"), SETTINGS)
@pytest.mark.parametrize("width", [0, 4], ids=["one layer", "hidden layer"])
def test_losses_and_weights_are_those_of_the_notebooks_loop_to_the_last_bit(rate, size, seed, width):
    np.random.seed(seed)
    if width:
        *layers, softmax = make_network([2, width, 3]).layers
        network = replace(HIDDEN, Dense=hidden_units(make_network).make(width))
    else:
        layers, softmax, network = [student.Dense(2, 3)], student.Softmax(), STUDENT
    run = train(Setting(rate, size, seed, size=width), epochs=20, network=network)
    loop = by_the_notebooks_loop(layers, softmax, network.cce, network.cce_gradient, BLOBS, rate, size, seed, 20)
    found = (run.iteration_loss, run.epoch_loss, run.validation_loss, run.weights[-1].ravel())
    for ours, theirs in zip(found, loop, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(
    rate=st.floats(1e-4, 1.0),
    batch_size=st.sampled_from(BLOBS.batch_sizes),
    seed=st.integers(0, 99),
)
@budget(max_examples=15, deadline=None)
def test_training_agrees_with_the_loop_written_out(rate, batch_size, seed):
    setting = Setting(rate, batch_size, seed)
    run = train(setting, epochs=2)
    W, losses, validation = by_hand(BLOBS, setting, epochs=2)
    np.testing.assert_allclose(run.weights[-1], W, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(run.epoch_loss, losses, rtol=1e-6)
    assert run.validation_loss[-1] == pytest.approx(validation, rel=1e-6)


def test_a_short_last_batch_is_trained_and_weighted_by_its_samples():
    samples = prepare(*(part[..., :14] for part in BUILT_IN["blobs"]()))  # 11 to train on
    setting = Setting(0.1, 4)
    run = train(setting, epochs=3, samples=samples)
    assert run.iterations_per_epoch == 3
    assert len(run.iteration_loss) == 9
    _, losses, _ = by_hand(samples, setting, epochs=3)
    np.testing.assert_allclose(run.epoch_loss, losses, rtol=1e-9)
    first = np.average(run.iteration_loss[:3], weights=[4, 4, 3])
    assert run.epoch_loss[0] == pytest.approx(first)


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


def test_construction_leaves_numpys_global_generator_as_it_was():
    np.random.seed(5)
    expected = np.random.RandomState(5).rand(3)
    train(Setting(0.1, 16), epochs=1)
    np.testing.assert_array_equal(np.random.rand(3), expected)


def test_a_run_goes_on_where_it_stopped():
    whole = train(Setting(0.1, 16), epochs=6)
    parts = train(Setting(0.1, 16), epochs=2)
    for epochs in (3, 6):
        parts.advance(epochs, seconds=60)
    np.testing.assert_array_equal(parts.iteration_loss, whole.iteration_loss)
    np.testing.assert_array_equal(parts.weights[-1], whole.weights[-1])
    assert parts.epochs == 6


def test_no_time_left_gives_a_partial_curve_that_can_go_on():
    run = Run(Recipe(STUDENT), BLOBS, Setting(0.1, 1))
    run.advance(100, seconds=0.01)
    assert run.epochs < 100
    assert not run.over
    run.advance(1, seconds=60)
    assert run.epochs >= 1


def test_a_run_without_any_time_has_weights_to_draw():
    run = Run(Recipe(STUDENT), BLOBS, Setting(0.1, 16))
    for _ in range(2):
        run.advance(100, seconds=0.0)
    assert len(run.weights) == 1
    assert len(run.iteration_loss) == 1


def test_a_newer_position_stops_a_run_at_the_next_batch():
    run = Run(Recipe(STUDENT), BLOBS, Setting(0.1, 1))
    run.advance(100, seconds=60, stop=lambda: len(run.iteration_loss) == 7)
    assert len(run.iteration_loss) == 7


def test_divergence_is_dated():
    class Overflowing(student.Softmax):
        def forward(self, input):
            self.output = np.exp(input) / np.exp(input).sum(axis=0)

    network = Network(student.Dense, Overflowing, student.cce, student.cce_gradient)
    run = train(Setting(100.0, 1), network=network, epochs=100)
    assert math.isnan(run.last_loss)
    assert run.diverged == run.epochs + 1
    assert run.over and not run.fault
    assert np.isfinite(run.weights[-1]).all()


@pytest.mark.parametrize(
    ("Dense", "words"),
    [
        (lambda d, k: [][0], ["IndexError", "in <lambda>"]),
        (lambda d, k: object(), ["Dense: weights should be (3, 3)", "there is none"]),
    ],
)
def test_a_dense_that_cannot_be_made_is_a_fault_too(Dense, words):
    run = train(Setting(0.1, 16), network=Network(Dense, student.Softmax, student.cce, student.cce_gradient))
    assert all(word in run.fault for word in words), run.fault
    assert run.epochs == 0


@pytest.mark.parametrize(
    ("loss", "seen"),
    [
        (None, "there is none"),
        ("a lot", "it is a str"),
        (np.ones(16), "its shape is (16,)"),
        (1j, "it is a complex"),
    ],
)
def test_a_loss_that_is_no_number_is_said_to_be_none(loss, seen):
    network = Network(student.Dense, student.Softmax, lambda y, yhat: loss, student.cce_gradient)
    run = train(Setting(0.1, 16), epochs=1, network=network)
    assert run.fault == f"cce: result should be one number, but {seen}."


def test_a_loss_in_an_array_of_one_entry_is_that_number():
    network = Network(
        student.Dense, student.Softmax, lambda *given: np.array([student.cce(*given)]), STUDENT.cce_gradient
    )
    assert train(Setting(0.1, 16), epochs=2, network=network).epoch_loss == train(Setting(0.1, 16), epochs=2).epoch_loss


def test_a_what_if_changes_nothing_in_a_layer_that_takes_no_new_attributes():
    class Slim:
        __slots__ = ("input", "output", "weights")
        __init__, forward, backward = student.Dense.__init__, student.Dense.forward, student.Dense.backward

    network = Network(Slim, student.Softmax, student.cce, student.cce_gradient)
    for what_if in WHAT_IFS:
        setting = Setting(0.1, 16, what_if=what_if.name)
        assert train(setting, epochs=2, network=network).epoch_loss == train(setting, epochs=2).epoch_loss


def test_every_what_if_runs_and_all_but_the_invisible_one_change_the_picture():
    plain = train(Setting(0.1, 16), epochs=5)
    same = []
    for name in (what_if.name for what_if in WHAT_IFS):
        run = train(Setting(0.1, 16, what_if=name), epochs=5)
        assert not run.fault, name
        np.testing.assert_array_equal(run.weights[0], plain.weights[0])
        if run.epoch_loss == plain.epoch_loss:
            same.append(name)
    assert same == ["the last, short batch is dropped"]  # 16 divides 240: nothing to see, as it says


def test_what_ifs_do_what_they_say():
    def step(what_if=""):  # of an epoch that is one batch
        run = train(Setting(0.1, 240, what_if=what_if), epochs=1)
        return run.weights[1] - run.weights[0]

    np.testing.assert_allclose(step("the gradient's sign is flipped"), -step())
    np.testing.assert_allclose(step("1/batch is left out"), 240 * step())
    np.testing.assert_allclose(step("1/batch comes in twice"), step() / 240)
    short = train(Setting(0.1, 128, what_if="the last, short batch is dropped"), epochs=3)
    assert short.iterations_per_epoch == 1 and train(Setting(0.1, 16)).iterations_per_epoch == 15
