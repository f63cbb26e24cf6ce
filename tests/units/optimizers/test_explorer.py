"""The explorer with the student's own optimizer, held against the same steps in a plain loop."""

from typing import Any

import numpy as np
import pytest
import traitlets

from lib.data import rings
from lib.explorer.runs import Run, Setting
from lib.explorer.widget import Explorer
from lib.grading.unit_registry import answer_key
from lib.reference import ReLU, Softmax, cce, cce_gradient
from lib.units.optimizers.explorer import MOMENTA, UNITS, explore_momentum
from tests.explorer.two_layers import make_network as with_updates

RIGHT: Any = answer_key("optimizers").right
SGD, Momentum, Adam = (RIGHT[name] for name in ("SGD", "Momentum", "Adam"))
ADAM = "your Adam takes the steps"


class Dense:
    """The notebook's own, without the update."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights

    def forward(self, input: Any) -> Any:
        self.input = np.vstack([input, np.ones((1, input.shape[1]))])
        return self.weights @ self.input

    def backward(self, output_gradient: Any) -> Any:
        self.weights_gradient = output_gradient @ self.input.T
        return self.weights[:, :-1].T @ output_gradient


class Network:
    def __init__(self, layers: list[Any]) -> None:
        self.layers = layers

    def forward(self, output: Any) -> Any:
        for layer in self.layers:
            output = layer.forward(output)
        return output

    def backward(self, gradient: Any) -> Any:
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient


def make_network(sizes: list[int]) -> Network:
    """Make the notebook's own, with the same first weights as the second notebook's."""
    drawn = with_updates(sizes).layers
    return Network([Dense(each.weights) if hasattr(each, "weights") else each for each in drawn])


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return explore_momentum(make_network, Momentum, Adam, cce, cce_gradient, {"three rings": rings(300, 3, seed=0)})


def trained(explorer: Explorer, rate: float, momentum: float, what_if: str = "", epochs: int = 100) -> Run:
    run = explorer.run(Setting(rate, 16, 0, "three rings", what_if, momentum))
    run.advance(epochs, seconds=600)
    assert run.epochs >= epochs, run.fault
    return run


@pytest.mark.parametrize(
    ("momentum", "what_if", "make"), [(0, "", SGD), (0.9, "", lambda: Momentum(0.9)), (0.9, ADAM, Adam)]
)
def test_each_run_takes_the_steps_of_a_new_optimizer(
    explorer: Explorer, momentum: float, what_if: str, make: Any
) -> None:
    run = trained(explorer, 0.02, momentum, what_if, epochs=2)
    X, y, optimizer = run.samples.X, run.samples.y, make()
    below, above = np.split(run.weights[0], [3 * UNITS])
    network = Network([Dense(below.reshape(UNITS, 3)), ReLU(), Dense(above.reshape(3, UNITS + 1)), Softmax()])
    layers, orders = network.layers[::2], np.random.default_rng(0)
    for _ in range(2):
        order = orders.permutation(X.shape[1])
        for start in range(0, len(order), 16):
            batch = order[start : start + 16]
            network.backward(cce_gradient(y[:, batch], network.forward(X[:, batch])) / len(batch))
            arrays = [each.weights for each in layers], [each.weights_gradient for each in layers]
            layers[0].weights, layers[1].weights = optimizer.step(*arrays, 0.02)
    expected = np.concatenate([each.weights.ravel() for each in layers])
    np.testing.assert_allclose(run.weights[2], expected)


def test_the_velocity_adds_up_to_as_many_steps_as_the_caption_says(explorer: Explorer) -> None:
    for momentum, steps in ((0.5, "2"), (0.9, "10"), (0.98, "50")):
        optimizer, [w] = Momentum(momentum), [np.zeros(1)]
        moves = []
        for _ in range(1000):
            [new] = optimizer.step([w], [np.ones(1)], 1.0)
            moves.append(abs(float(new[0] - w[0])))
            w = new
        assert f"{max(moves):.3g}" == steps
        explorer.size = momentum
        assert explorer.caption.endswith(f"The velocity adds up to at most {steps} plain steps.")


def test_the_momentum_changes_nothing_where_adam_takes_the_steps(explorer: Explorer) -> None:
    runs = [trained(explorer, 0.05, momentum, ADAM, epochs=3) for momentum in (0, 0.9)]
    assert runs[0].epoch_loss == runs[1].epoch_loss
    explorer.what_if, explorer.size, explorer.epochs = ADAM, 0.9, 3
    assert explorer.caption.endswith("The momentum has no effect here: Adam has its own betas.")
    explorer.what_if, explorer.size = "", 0


def test_the_slider_sets_the_momentum(explorer: Explorer) -> None:
    assert explorer.choices["sizes"] == MOMENTA and explorer.choices["counted"] == "momentum"
    explorer.epochs = 2
    assert "batch size 16, momentum 0. After 2 epochs" in explorer.caption
    assert explorer.caption.endswith("These are plain steps.")
    explorer.size = 0.9
    assert "batch size 16, momentum 0.9. After" in explorer.caption
    assert explorer.caption.endswith("adds up to at most 10 plain steps.")
    with pytest.raises(traitlets.TraitError, match=r"size is 1; expected a number from 0 to 0\.99\. Try size=0\.99"):
        explorer.size = 1
