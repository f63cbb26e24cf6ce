"""The explorer with a slider for hidden units: what it draws and says, held against NumPy on the same weights."""

from typing import Any

import numpy as np
import pytest
import traitlets

from lib.data import rings
from lib.explorer.runs import Run, Setting
from lib.explorer.widget import Explorer
from lib.reference import cce, cce_gradient
from lib.units.hidden_layer import UNIT
from lib.units.hidden_layer.width import WIDTHS, describe_units, explore_width, lower_weights
from lib.units.hidden_layer.without_relu import WHAT_IFS
from tests.explorer.two_layers import make_network
from tests.reference.oracles import slopes


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return explore_width(make_network, cce, cce_gradient, data={"three rings": rings(300, 3, seed=0)})


def trained(explorer: Explorer, units: int, what_if: str = "", epochs: int = 100) -> Run:
    run = explorer.run(Setting(0.1, 16, 0, "three rings", what_if, size=units))
    run.advance(epochs, seconds=600)
    assert run.epochs >= epochs, run.fault
    return run


def step_on_all(explorer: Explorer, units: int, what_if: str = "") -> Any:
    """Return the weights before training, and the gradient that one step on all samples took at rate 1."""
    run = explorer.run(Setting(1.0, 240, 0, "three rings", what_if, size=units))
    run.advance(1, seconds=600)
    return run.weights[0], run.weights[0] - run.weights[1]


def by_hand(W: Any, units: int, X: Any) -> tuple[Any, Any]:
    """What the hidden units give, and the probabilities."""
    below, above = W[: 3 * units].reshape(units, 3), W[3 * units :].reshape(3, units + 1)
    hidden = np.maximum(below[:, :2] @ X + below[:, 2:], 0)
    scores = above[:, :-1] @ hidden + above[:, -1:]
    e = np.exp(scores - scores.max(axis=0))
    return hidden, e / e.sum(axis=0)


def test_the_pictures_are_of_the_students_own_layers(explorer: Explorer) -> None:
    run = trained(explorer, 5, epochs=2)
    X, y = run.samples.X, run.samples.y
    for epoch in (0, 2):
        np.testing.assert_allclose(run.predict(X, epoch), by_hand(run.weights[epoch], 5, X)[1])
    np.testing.assert_array_equal(lower_weights(run, 2), run.weights[2][:15].reshape(5, 3))

    def loss(W: Any) -> Any:
        return -np.log((y * by_hand(W, 5, X)[1]).sum(axis=0)).mean()

    W, gradient = step_on_all(explorer, 5)
    np.testing.assert_allclose(gradient, slopes(loss, W, step=1e-5), atol=1e-7)


def test_dead_units_are_counted(explorer: Explorer) -> None:
    run = trained(explorer, 4, epochs=3)
    for dead in ([], [1, 3]):
        run.weights[2] = run.weights[3].copy()
        run.weights[2][:12].reshape(4, 3)[dead, 2] = -50  # kinks far beyond all samples
        words = f"Dead hidden units, 0 for every training sample: {len(dead)} of 4."
        assert describe_units(run, 2) == words


def test_the_slider_sets_the_width(explorer: Explorer) -> None:
    assert explorer.choices["sizes"] == WIDTHS and explorer.choices["counted"] == "hidden units"
    explorer.epochs = 5
    explorer.size = 3
    assert "batch size 16, 3 hidden units. After 5 epochs" in explorer.caption
    assert explorer.caption.endswith(describe_units(explorer.run(Setting(0.1, 16, data="three rings", size=3)), 5))
    explorer.size = 1
    assert "16, 1 hidden unit. After" in explorer.caption
    assert "training sample: 0 of 1." in explorer.caption
    with pytest.raises(traitlets.TraitError, match="size is 17; expected a whole number from 1 to 16"):
        explorer.size = 17


def test_without_relu_the_borders_stay_straight_and_without_its_mask_gradients_are_wrong(explorer: Explorer) -> None:
    straight, maskless = (what_if.name for what_if in WHAT_IFS[:2])
    run = trained(explorer, 8, what_if=straight)
    assert np.mean(run.predict(run.samples.X, 100).argmax(axis=0) == run.samples.labels) < 0.5
    right, wrong = trained(explorer, 8, epochs=1), trained(explorer, 8, what_if=maskless, epochs=1)
    np.testing.assert_allclose(wrong.predict(right.samples.X, 0), right.predict(right.samples.X, 0))
    [(W, gradient), (same, other)] = (step_on_all(explorer, 8, what_if) for what_if in ("", maskless))
    np.testing.assert_array_equal(W, same)
    assert np.abs(other - gradient).max() > 1e-3


def test_two_kinks_leave_a_direction_without_any_unit_and_three_can_close_a_triangle() -> None:
    [part] = [part for part in UNIT.predictions if part.id == "check-prediction-kinks"]
    assert part.statements[0].text.startswith("3. ")
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    far = 1e6 * np.array([np.cos(angles), np.sin(angles)])
    rng = np.random.default_rng(0)
    for _ in range(200):
        hidden, _ = by_hand(rng.normal(size=15), 2, far)
        assert np.all(hidden == 0, axis=0).any()  # there the class is that of the bias, however far one goes
    triangle = np.array([[np.cos(at), np.sin(at), -1] for at in (0, 2.1, 4.2)])
    above = np.array([[0, 0, 0, 0.5], [1, 1, 1, 0], [0, 0, 0, -9.0]])
    W = np.concatenate([triangle.ravel(), above.ravel()])
    assert by_hand(W, 3, np.zeros((2, 1)))[1].argmax(axis=0) == 0
    assert (by_hand(W, 3, far / 1e5)[1].argmax(axis=0) == 1).all()
