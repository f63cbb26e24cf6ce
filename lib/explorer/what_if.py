"""What if: common mistakes, made on purpose and laid around the student's own code. Predict first, then look.

Each one bends what goes into or comes out of the student's functions, or how the loop uses them. None says how a
function is to be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lib.explorer.training import Indices, Matrix, Network, Recipe, cut


@dataclass(frozen=True)
class Mistake:
    """A mistake: its name in the list, the question to think about before looking, and how it bends a recipe."""

    name: str
    question: str
    bend: Callable[[Recipe], Recipe]


def uphill(recipe: Recipe) -> Recipe:
    """Turn the loss's gradient round."""
    network = recipe.network
    return _with_network(recipe, cce_gradient=lambda y, yhat: -network.cce_gradient(y, yhat))


def summed(recipe: Recipe) -> Recipe:
    """Leave 1/B out: a step for the sum over the batch."""
    return replace(recipe, share=lambda batch: 1.0)


def shared_twice(recipe: Recipe) -> Recipe:
    """Apply 1/B twice."""
    return replace(recipe, share=lambda batch: 1 / batch**2)


def sideways(recipe: Recipe) -> Recipe:
    """Let softmax run over the samples of a batch, not over the classes of a sample."""
    Softmax = recipe.network.Softmax

    class Sideways:
        def __init__(self) -> None:
            self.layer = Softmax()

        def forward(self, input: Matrix) -> None:
            self.layer.forward(input.T)
            self.output = self.layer.output.T

        def backward(self, output_gradient: Matrix) -> Matrix:
            gradient: Matrix = self.layer.backward(output_gradient.T).T
            return gradient

    return _with_network(recipe, Softmax=Sideways)


def twice(recipe: Recipe) -> Recipe:
    """Put one softmax after another."""
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


def apart(recipe: Recipe) -> Recipe:
    """Give every sample the label of its neighbour, as when X and y are shuffled one after the other."""
    return replace(recipe, labels=lambda batch: batch - 1)


def one_batch(recipe: Recipe) -> Recipe:
    """Train on the first batch of each epoch only."""
    return replace(recipe, batches=lambda order, size: cut(order, size)[:1])


def full_batches(recipe: Recipe) -> Recipe:
    """Drop the last batch if it is short."""

    def full(order: Indices, size: int) -> list[Indices]:
        return [batch for batch in cut(order, size) if len(batch) == size]

    return replace(recipe, batches=full)


def raw(recipe: Recipe) -> Recipe:
    """Feed features as they come from an instrument: all around 30, not around 0."""
    Dense = recipe.network.Dense

    class Raw:
        def __init__(self, input_size: int, output_size: int) -> None:
            self.layer = Dense(input_size, output_size)

        @property
        def weights(self) -> Any:
            return self.layer.weights

        @weights.setter
        def weights(self, new: Matrix) -> None:
            self.layer.weights = new

        def forward(self, input: Matrix) -> None:
            self.layer.forward(30 + 10 * input)
            self.output = self.layer.output

        def backward(self, output_gradient: Matrix, learning_rate: float) -> None:
            self.layer.backward(output_gradient, learning_rate)

    return _with_network(recipe, Dense=Raw)


MISTAKES = {
    mistake.name: mistake
    for mistake in (
        Mistake("the gradient's sign is flipped", "Every step goes the other way. What does the loss do?", uphill),
        Mistake("1/batch is left out", "The gradient is a sum now. For which batch sizes does it matter?", summed),
        Mistake("1/batch comes in twice", "Steps shrink with the batch. What does that look like?", shared_twice),
        Mistake("softmax runs over the wrong axis", "Each class now sums to 1 over the batch. Can it learn?", sideways),
        Mistake("softmax is applied twice", "Can a probability still come near 1?", twice),
        Mistake("X and y are shuffled apart", "Each sample has another's label. What is the best loss now?", apart),
        Mistake("only one batch an epoch is trained", "Most samples are never seen. What changes?", one_batch),
        Mistake("the last, short batch is dropped", "Try batch sizes that don't divide the set.", full_batches),
        Mistake("features are not standardised", "All inputs lie around 30. Does the same learning rate work?", raw),
    )
}


def bend(recipe: Recipe, what_if: str) -> Recipe:
    """Return the recipe with the mistake of this name in it, or as it is for no name."""
    return MISTAKES[what_if].bend(recipe) if what_if else recipe


def _with_network(recipe: Recipe, **parts: Any) -> Recipe:
    network: Network = replace(recipe.network, **parts)
    return replace(recipe, network=network)
