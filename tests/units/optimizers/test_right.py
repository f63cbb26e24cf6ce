"""The right code, held against closed forms and against Keras; and styles that keep all points."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lib.grading.unit_registry import answer_key

RIGHT: Any = answer_key("optimizers").right
SGD, Momentum, Adam = (RIGHT[name] for name in ("SGD", "Momentum", "Adam"))
fit, warm_up_and_fall, WeightDecay = (RIGHT[name] for name in ("fit", "warm_up_and_fall", "WeightDecay"))


def walk(optimizer: Any, gradients: Any, rate: float) -> Any:
    weights = [np.ones(np.shape(gradients[0]))]
    for gradient in gradients:
        weights = optimizer.step(weights, [np.array(gradient)], rate)
    return weights[0]


def test_in_a_bowl_each_step_multiplies_by_a_constant() -> None:
    curvature, w = np.array([1.0, 100.0]), [np.array([10.0, 1.0])]
    for _ in range(7):
        w = list(SGD().step(w, [curvature * w[0]], 0.019))
    np.testing.assert_allclose(w[0], [10 * 0.981**7, (-0.9) ** 7])


@pytest.mark.parametrize("momentum", [0, 0.5, 0.9])
def test_the_velocity_is_a_sum_of_gradients_with_weights_that_fall(momentum: float) -> None:
    gradients, optimizer = np.random.default_rng(0).normal(size=(9, 4)), Momentum(momentum)
    walk(optimizer, gradients, 0.1)
    assert optimizer.velocity is not None
    np.testing.assert_allclose(optimizer.velocity[0], -0.1 * momentum ** np.arange(9)[::-1] @ gradients, atol=1e-12)


def test_corrected_means_of_one_gradient_are_that_gradient_so_steps_have_the_length_of_the_rate() -> None:
    for steps in (1, 2, 50):
        np.testing.assert_allclose(
            walk(Adam(), [[3.0, -1e-3]] * steps, 0.01), [1 - 0.01 * steps, 1 + 0.01 * steps], rtol=1e-4
        )


def test_a_schedule_has_its_peak_at_the_end_of_the_warm_up_and_is_half_of_it_in_the_middle_of_the_fall() -> None:
    rates = [warm_up_and_fall(t, 3, 4, 12) for t in range(12)]
    np.testing.assert_allclose(rates[:5], [0.75, 1.5, 2.25, 3, 3])
    assert rates[8] == pytest.approx(1.5) and 0 < rates[11] < 0.2
    assert rates[4:] == sorted(rates[4:], reverse=True)


def test_with_plain_steps_decoupled_decay_is_that_of_a_square_and_a_rate_in_the_loss() -> None:
    w, g = np.random.default_rng(1).normal(size=(2, 3, 4))
    [decayed] = WeightDecay(SGD(), 0.1 * 0.02).step([w], [g], 0.1)
    [coupled] = SGD().step([w], [g + 0.02 * w], 0.1)
    np.testing.assert_allclose(decayed[:, :-1], coupled[:, :-1])
    np.testing.assert_allclose(decayed[:, -1], w[:, -1] - 0.1 * g[:, -1])


def test_a_loop_counts_steps_over_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, seen = SimpleNamespace(weights=np.zeros((1, 2)), weights_gradient=np.ones((1, 2))), list[int]()
    network = SimpleNamespace(layers=[layer, SimpleNamespace()])
    monkeypatch.setitem(fit.__globals__, "find_gradients", lambda *batch: 0.0)
    assert len(fit(network, SGD(), lambda t: seen.append(t) or 0.5, np.zeros((2, 7)), np.zeros((3, 7)), 3, 2)) == 6
    assert seen == [*range(6)]
    np.testing.assert_allclose(layer.weights, -3)


def test_keras_takes_the_same_steps() -> None:
    optimizers = pytest.importorskip("keras").optimizers
    gradients = np.random.default_rng(2).normal(size=(6, 3, 4))
    for own, theirs in (
        (SGD(), optimizers.SGD(0.1)),
        (Momentum(0.8), optimizers.SGD(0.1, momentum=0.8)),
        (Adam(0.8, 0.95, 1e-8), optimizers.Adam(0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-8)),
    ):
        import keras

        variable = keras.Variable(np.ones((3, 4)))
        for gradient in gradients:
            theirs.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        np.testing.assert_allclose(walk(own, gradients, 0.1), np.asarray(variable), rtol=2e-5, atol=2e-5)
