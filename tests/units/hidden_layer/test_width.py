"""The explorer with a slider for hidden units: what it draws and says, held against NumPy on the same weights."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from lib.data import rings
from lib.explorer import Explorer, Network, gradients_view, path_view
from lib.explorer.regions_view import Plane
from lib.explorer.training import Run, Setting
from lib.reference import Dense, ReLU, Softmax, cce, cce_gradient
from lib.reference import Network as Layers
from lib.units.hidden_layer.lab import QUESTIONS
from lib.units.hidden_layer.units_view import UNITS, dead_units, kinks
from lib.units.hidden_layer.width import WIDTHS, hidden_units
from lib.units.hidden_layer.without_relu import WHAT_IFS


def make_network(sizes: list[int]) -> Any:
    """The notebook's, of the reference's layers."""
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes):
        dense = Dense(inputs, outputs)
        dense.weights[:, :-1] = np.sqrt(2 / inputs) * np.random.randn(outputs, inputs)
        dense.weights[:, -1] = 0
        layers += [dense, ReLU()]
    layers[-1] = Softmax()
    return Layers(layers)


@pytest.fixture(scope="module")
def explorer() -> Iterator[Explorer]:
    network = Network(lambda *sizes: None, lambda: make_network([1, 1, 1]).layers[-1], cce, cce_gradient)
    data = {"three rings": rings(300, 3, seed=0)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lib.explorer.training.RUN_LIMIT", 600.0)  # a busy machine takes longer
        yield Explorer(network, data, None, WHAT_IFS, hidden_units(make_network))


def trained(explorer: Explorer, units: int, seed: int = 0, what_if: str = "", epochs: int = 100) -> Run:
    run = explorer.run(Setting(0.1, 16, seed, "three rings", what_if, size=units))
    run.advance(epochs, seconds=600)
    assert run.epochs >= epochs, run.fault
    return run


def split(W: Any, units: int) -> tuple[Any, Any]:
    """Cut the vector of weights: (units, 3) below, (3, units + 1) above."""
    return W[: 3 * units].reshape(units, 3), W[3 * units :].reshape(3, units + 1)


def with_one(X: Any) -> Any:
    return np.vstack([X, np.ones((1, X.shape[1]))])


def by_hand(W: Any, units: int, X: Any) -> tuple[Any, Any]:
    """What the hidden units give, and the probabilities."""
    below, above = split(W, units)
    hidden = np.maximum(below @ with_one(X), 0)
    scores = above @ with_one(hidden)
    e = np.exp(scores - scores.max(axis=0))
    return hidden, e / e.sum(axis=0)


@pytest.mark.parametrize("units", [1, 5])
def test_the_pictures_are_of_the_students_own_layers(explorer: Explorer, units: int) -> None:
    run = trained(explorer, units, epochs=2)
    X, y = run.samples.X, run.samples.y
    for epoch in (0, 2):
        _, yhat = by_hand(run.weights[epoch], units, X)
        np.testing.assert_allclose(run.predict(X, epoch)[1], yhat)
    W = run.weights[2]
    steps = 1e-5 * np.eye(W.size)

    def loss(W: Any) -> Any:
        return -np.log((y * by_hand(W, units, X)[1]).sum(axis=0)).mean()

    slopes = [(loss(W + step) - loss(W - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(run.gradient(W), slopes, atol=1e-7)


def test_kinks_are_where_a_units_sum_is_0(explorer: Explorer) -> None:
    run = trained(explorer, 5, epochs=2)
    plane = Plane(np.array([[-2.0, 2.0], [-2.0, 2.0]]))
    drawn, *numbers = ET.fromstring(f"<svg>{kinks(run, 2, plane)}</svg>")
    below, _ = split(run.weights[2], 5)
    (left, right), (bottom, top) = plane.px[[0, -1]], plane.py[[0, -1]]
    found = set()
    for line in drawn.attrib["d"].split("M")[1:]:
        points = np.array(line.split(), dtype=float).reshape(-1, 2) / 10
        share = np.array([(points[:, 0] - left) / (right - left), (points[:, 1] - bottom) / (top - bottom)])
        X = plane.low[:, None] + share * (plane.high - plane.low)[:, None]
        sums = np.abs(below @ with_one(X)) / np.linalg.norm(below[:, :2], axis=1, keepdims=True)
        nearest = int(sums.max(axis=1).argmin())
        assert sums[nearest].max() < 0.02  # in features: a pixel or two
        found.add(str(nearest + 1))
    assert found == {number.text for number in numbers}


def test_dead_units_are_counted_and_named(explorer: Explorer) -> None:
    run = trained(explorer, 4, epochs=3)
    W = run.weights[3].copy()
    below, _ = split(W, 4)
    assert dead_units(run, 3) == np.sum(np.all(below @ with_one(run.samples.X) <= 0, axis=1))
    below[[1, 3], 2] = -50  # two kinks far beyond all samples
    run.weights.append(W)
    last = len(run.weights) - 1
    assert dead_units(run, last) == 2
    assert UNITS.describe(run, last) == "2 of 4 hidden units are dead: 0 for every training sample."
    names = [text.text for text in ET.fromstring(UNITS.draw(run, last)).iter("text")]
    assert {"1", "dead 2", "3", "dead 4"} <= set(names)
    assert not any("dark" in name for name in names if name)  # in a dark theme more is brighter
    run.weights.pop()


def test_the_slider_sets_the_width_and_views_of_one_layer_are_not_there(explorer: Explorer) -> None:
    controls = explorer.controls
    assert controls.size.options == WIDTHS
    assert not {"Weights", "One sample"} & controls.shown.keys()
    controls.epochs.value = 5
    controls.size.value = 3
    assert "3 hidden units" in explorer.caption and "the 3 hidden units" in explorer.caption
    assert controls.state().setting.size == 3
    controls.size.value = 1
    assert "16, 1 hidden unit. After" in explorer.caption
    assert "The hidden unit is not dead: for at least one training sample it isn't 0." in explorer.caption
    controls.choose_start(1)
    controls.size.value = 4  # a start that was chosen has the weights of another width
    assert controls.start == 0


def test_views_of_weights_in_general_take_those_of_all_layers(explorer: Explorer) -> None:
    run = trained(explorer, 4, epochs=3)
    for picture in (path_view.draw(run, 3, 3), gradients_view.draw(run, 3)):
        assert len(ET.fromstring(picture)) > 5
    assert "(root mean square)" in gradients_view.describe(run, 3)


def test_without_relu_the_borders_stay_straight_and_without_its_mask_gradients_are_wrong(explorer: Explorer) -> None:
    straight, maskless = (what_if.name for what_if in WHAT_IFS[:2])
    run = trained(explorer, 8, what_if=straight)
    assert not kinks(run, 100, Plane(run.samples.X))  # a line that is drawn would be no kink
    assert np.mean(run.predict(run.samples.X, 100)[1].argmax(axis=0) == run.samples.labels) < 0.5
    right, wrong = trained(explorer, 8, epochs=1), trained(explorer, 8, what_if=maskless, epochs=1)
    W = right.weights[0]
    np.testing.assert_allclose(wrong.predict(right.samples.X, 0)[1], right.predict(right.samples.X, 0)[1])
    assert np.abs(wrong.gradient(W) - right.gradient(W)).max() > 1e-3


# ---- Questions whose answer no run of the notebook shows


def choice(name: str) -> str:
    [question] = [question for question in QUESTIONS if question.id == name]
    return question.choices[question.right]


def test_two_kinks_leave_a_direction_without_any_unit_and_three_can_close_a_triangle() -> None:
    assert choice("kinks") == "3"
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    far = 1e6 * np.array([np.cos(angles), np.sin(angles)])
    rng = np.random.default_rng(0)
    for _ in range(200):
        W = rng.normal(size=15)
        hidden, _ = by_hand(W, 2, far)
        quiet = np.all(hidden == 0, axis=0)
        assert quiet.any()  # there the class is that of the bias, however far one goes
    triangle = np.array([[np.cos(at), np.sin(at), -1] for at in (0, 2.1, 4.2)])
    above = np.array([[0, 0, 0, 0.5], [1, 1, 1, 0], [0, 0, 0, -9.0]])
    W = np.concatenate([triangle.ravel(), above.ravel()])
    assert by_hand(W, 3, np.zeros((2, 1)))[1].argmax(axis=0) == 0
    assert (by_hand(W, 3, far / 1e5)[1].argmax(axis=0) == 1).all()
