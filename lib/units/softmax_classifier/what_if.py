"""What-ifs of the softmax classifier for the explorer: common mistakes, made around the student's own code.

Each one changes the arguments or results of the student's functions, or the training loop. None reveals how to write a
function.
"""

from dataclasses import replace
from typing import Any

from lib.explorer.runs import Matrix, Network, Recipe, cut
from lib.explorer.what_ifs import WhatIf


def normalise_samples(recipe: Recipe) -> Recipe:
    """Apply softmax over the samples of a batch instead of the classes of a sample."""
    Softmax = recipe.network.Softmax

    class OverSamples:
        def __init__(self) -> None:
            self.layer = Softmax()

        def forward(self, input: Matrix) -> None:
            self.layer.forward(input.T)
            self.output = self.layer.output.T

        def backward(self, output_gradient: Matrix) -> Any:
            return self.layer.backward(output_gradient.T).T

    return _with_network(recipe, Softmax=OverSamples)


def apply_softmax_twice(recipe: Recipe) -> Recipe:
    """Apply one softmax to the output of another."""
    Softmax = recipe.network.Softmax

    class Twice:
        def __init__(self) -> None:
            self.first, self.second = Softmax(), Softmax()

        def forward(self, input: Matrix) -> None:
            self.first.forward(input)
            self.second.forward(self.first.output)
            self.output = self.second.output

        def backward(self, output_gradient: Matrix) -> Any:
            return self.first.backward(self.second.backward(output_gradient))

    return _with_network(recipe, Softmax=Twice)


WHAT_IFS = (
    WhatIf(
        "the gradient's sign is flipped",
        "Every step goes in the opposite direction. What does the loss do?",
        lambda recipe: _with_network(recipe, cce_gradient=lambda y, yhat: -recipe.network.cce_gradient(y, yhat)),
    ),
    WhatIf(
        "1/batch is left out",
        "The gradient is a sum now. For which batch sizes does it matter?",
        lambda recipe: replace(recipe, share=lambda batch: 1.0),
    ),
    WhatIf(
        "1/batch is applied twice",
        "Steps are shorter with larger batches. How does the curve change?",
        lambda recipe: replace(recipe, share=lambda batch: 1 / batch**2),
    ),
    WhatIf(
        "softmax runs over the wrong axis",
        "Each class now sums to 1 over the batch. Can the network learn?",
        normalise_samples,
    ),
    WhatIf("softmax is applied twice", "Can a probability still get close to 1?", apply_softmax_twice),
    WhatIf(
        "X and y are shuffled apart",
        "Each sample has the label of another sample. What is the lowest possible loss now?",
        lambda recipe: replace(recipe, labels=lambda batch: batch - 1),
    ),
    WhatIf(
        "only one batch an epoch is trained",
        "The other batches of the epoch are left out. What changes?",
        lambda recipe: replace(recipe, batches=lambda order, size: cut(order, size)[:1]),
    ),
    WhatIf(
        "the last, short batch is dropped",
        "Try batch sizes that don't divide the number of samples. What changes?",
        lambda recipe: replace(recipe, batches=lambda order, size: cut(order[: len(order) // size * size], size)),
    ),
    WhatIf(
        "features are not standardised",
        "All inputs are near 30. Does the same learning rate work?",
        lambda recipe: replace(recipe, features=lambda X: 30 + 10 * X),
    ),
)


def _with_network(recipe: Recipe, **parts: Any) -> Recipe:
    network: Network = replace(recipe.network, **parts)
    return replace(recipe, network=network)
