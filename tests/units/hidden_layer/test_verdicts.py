"""Code that students might write for the second unit: what it costs, what it is called, and what is said of it."""

import warnings

import numpy as np
import pytest

from lib.reference import Dense, Network, ReLU, Softmax, cce, cce_gradient
from lib.unit import Array
from lib.units.hidden_layer.closed.right import step
from tests.answers import answers
from tests.certificate.seen import Seen, see
from tests.certificate.table import expect_none
from tests.checking.desk import PARTS, checked, judged, lost

ANSWERS = answers("hidden_layer")
SEEDS = (1, 2**40 + 5)


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    """Each answer at the desk, and graded on two draws."""
    return [each for answer in ANSWERS for each in see(answer, SEEDS)]


def test_code_costs_its_own_statements_at_the_desk_and_in_every_draw(seen: list[Seen]) -> None:
    expect_none(each for each in seen if not each.is_exact)


def test_code_is_called_what_it_is_and_no_more(seen: list[Seen]) -> None:
    expect_none((each, each.answer.called) for each in seen if each.answer.called not in (None, each.names))
    expect_none(each for each in seen if not each.answer.lost and each.names)


def test_the_desk_says_what_is_so(seen: list[Seen]) -> None:
    at_desk = (each for each in seen if each.where == "desk")
    expect_none(
        (each.answer.id, text, each.said) for each in at_desk for text in each.answer.said if text not in each.said
    )


def test_code_that_fits_nothing_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for part in ("check-relu-forward", "check-network-forward", "check-step"):
            assert (
                checked(PARTS[part], ReLU=lambda: None, Network=lambda layers: None, step=lambda *given: 1).points == 0
            )


def test_a_mistake_in_a_step_shows_where_labels_read_the_same_backward() -> None:
    part = PARTS["check-step"]
    drawn = {seed: part.secret_inputs(seed)["y"] for seed in range(100)}
    seeds = [seed for seed, y in drawn.items() if np.array_equal(y, y[:, ::-1])][:3]
    assert seeds
    for answer in (each for each in ANSWERS if each.cell == "step"):
        code = answer.objects()
        expect_none((answer.id, lost(each)) for each in judged(part, code, seeds) if lost(each) != {*answer.lost})


def test_a_right_step_moves_each_weight_by_the_slope_of_the_mean_loss() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 6)), np.eye(3)[:, [0, 1, 2, 0, 1, 2]]
    below, above = Dense(2, 4, rng), Dense(4, 3, rng)
    below.weights = rng.normal(size=below.weights.shape)
    network = Network([below, ReLU(), above, Softmax()])
    before = below.weights.copy()

    def loss_with(weights: Array) -> float:
        below.weights = weights
        return cce(y, network.forward(X))

    slopes = np.empty_like(before)
    for at in np.ndindex(*before.shape):
        nudge = np.zeros_like(before)
        nudge[at] = 1e-6
        slopes[at] = (loss_with(before + nudge) - loss_with(before - nudge)) / 2e-6
    expected = loss_with(before.copy())
    value = step(network, cce, cce_gradient, X, y, learning_rate=1)
    np.testing.assert_allclose(before - below.weights, slopes, atol=1e-7)
    assert value == expected
