"""The explorer with the student's own optimizer and a slider for its momentum."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from lib.explorer.layers_as_one import OneLayer
from lib.explorer.page_answers import Architecture
from lib.explorer.runs import Matrix, Network, Recipe, Run
from lib.explorer.what_ifs import WhatIf
from lib.explorer.widget import Explorer
from lib.units.hidden_layer.width import lower_weights

MOMENTA, UNITS = (0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99), 16


class Optimized(OneLayer):
    """The layers before softmax with an optimizer. Setting the weights starts training again, with a new optimizer."""

    def __init__(self, make_network: Any, make: Callable[[], Any], *sizes: int) -> None:
        super().__init__(make_network([sizes[0], UNITS, *sizes[1:]]))
        self.make_optimizer, self.optimizer = make, make()

    def backward(self, output_gradient: Matrix, learning_rate: float) -> None:
        """Take a step of the optimizer."""
        self._network.backward(output_gradient)
        arrays = ([getattr(layer, name) for layer in self._with_weights] for name in ("weights", "weights_gradient"))
        for layer, new in zip(self._with_weights, self.optimizer.step(*arrays, learning_rate), strict=True):
            layer.weights = new

    def restart(self) -> None:
        self.optimizer = self.make_optimizer()


def explore_momentum(make_network: Any, Momentum: Any, Adam: Any, cce: Any, cce_gradient: Any, data: Any) -> Explorer:
    """Show a network with 16 hidden units, trained with `Momentum(size)` or, as a what-if, `Adam()`; see `explore`."""

    def make(momentum: float) -> Callable[..., Optimized]:
        return partial(Optimized, make_network, partial(Momentum, momentum))

    def apply(recipe: Recipe) -> Recipe:
        return replace(recipe, network=replace(recipe.network, Dense=partial(Optimized, make_network, Adam)))

    def describe(run: Run, epoch: int) -> str:
        if run.setting.what_if:
            return "The momentum has no effect here: Adam has its own betas."
        longest = f"The velocity adds up to at most {1 / (1 - run.setting.size):.3g} plain steps."
        return longest if run.setting.size else "These are plain steps."

    adam = WhatIf("your Adam takes the steps", "Does it need smaller or larger learning rates?", apply)
    momentum = Architecture("momentum", MOMENTA, MOMENTA[0], make, lower_weights, describe, is_number=True)
    network = Network(make(0), lambda: make_network([1, 1, 1]).layers[-1], cce, cce_gradient)
    return Explorer(network, data, [adam], momentum)
