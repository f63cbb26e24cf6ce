"""A rehearsal of `train`: the loop runs with stand-ins for all it calls, and they write down what they were given.

The stand-ins hand back arrays drawn beforehand, so the loop is judged apart from the student's own layers and losses: which
samples it takes, in what order, what it passes on, at which rate, and for how many epochs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from lib.statements import Array, Drawn, Wrong, numbers


@dataclass
class Rehearsal:
    """What the stand-ins wrote down: an entry for each step, in order (the last one where a step calls twice)."""

    features: list[Array] = field(default_factory=list)
    loss_labels: dict[int, Array] = field(default_factory=dict)
    loss_outputs: dict[int, Array] = field(default_factory=dict)
    labels: dict[int, Array] = field(default_factory=dict)
    outputs: dict[int, Array] = field(default_factory=dict)
    into_softmax: dict[int, Array] = field(default_factory=dict)
    into_dense: dict[int, Array] = field(default_factory=dict)
    rates: dict[int, Array] = field(default_factory=dict)
    epochs: int = 0
    returned: Any = None

    @property
    def step(self) -> int:
        """The step that is under way, from 0: each begins with the dense layer's forward."""
        return len(self.features) - 1

    @property
    def losses(self) -> Array:
        """The epochs' losses that `train` returned, (nepochs,): its `loss` attribute or the last thing it returned."""
        losses = getattr(self.returned, "loss", None)
        if losses is None and isinstance(self.returned, tuple) and self.returned:
            losses = self.returned[-1]
        return numbers(self.returned if losses is None else losses, what="The list of losses that train returns")


def rehearse(train: Any, drawn: Drawn) -> Rehearsal:
    """Run `train` on the drawn data with stand-ins in place of the names it calls; its own are put back afterwards."""
    train = getattr(train, "__wrapped__", train)
    if not isinstance(train, FunctionType):
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    rehearsal = Rehearsal()
    with _swapped(train.__globals__, _stand_ins(drawn, rehearsal)):
        rehearsal.returned = train(
            drawn["X"].copy(),
            drawn["y"].copy(),
            float(drawn["learning_rate"]),
            int(drawn["batch_size"]),
            int(drawn["nepochs"]),
        )
    return rehearsal


def joined(steps: dict[int, Array] | list[Array], what: str) -> Array:
    """Put the arrays of all steps side by side, sample by sample."""
    arrays = list(steps.values()) if isinstance(steps, dict) else steps
    if not arrays:
        raise Wrong(f"{what} never happened.", found="no call", expected="one call in each step")
    if len({array.shape[:-1] for array in arrays}) > 1 or arrays[0].ndim == 0:
        raise Wrong(f"{what} has other shapes in other steps.", found=", ".join(str(a.shape) for a in arrays[:3]))
    return np.concatenate(arrays, axis=-1)


@contextmanager
def _swapped(namespace: dict[str, Any], stand_ins: dict[str, Any]) -> Iterator[None]:
    own = {name: namespace[name] for name in stand_ins if name in namespace}
    namespace.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            namespace.pop(name, None)
        namespace.update(own)


def _stand_ins(drawn: Drawn, rehearsal: Rehearsal) -> dict[str, Callable[..., Any]]:
    """Make the five stand-ins. A drawn bank holds one array for each step, wide enough for any batch."""

    def from_bank(name: str, like: Array) -> Array:
        bank = drawn[name]
        width = like.shape[-1] if like.ndim else 1
        return np.array(np.resize(bank[rehearsal.step % len(bank)], (bank.shape[1], width)))

    class Dense:
        def __init__(self, input_size: int, output_size: int, **_: Any):
            self.weights = drawn["weights"].copy()
            self.input: Any = None
            self.output: Any = None

        def forward(self, input: Any) -> Array:
            rehearsal.features.append(numbers(input, what="What goes into Dense.forward"))
            self.input = input
            self.output = from_bank("scores", rehearsal.features[-1])
            return self.output

        def backward(self, output_gradient: Any, learning_rate: Any) -> Array:
            gradient = numbers(output_gradient, what="What goes into Dense.backward")
            rehearsal.into_dense[rehearsal.step] = gradient
            rehearsal.rates[rehearsal.step] = numbers(learning_rate, what="The learning rate of Dense.backward")
            return from_bank("input_gradients", gradient)

    class Softmax:
        def __init__(self, **_: Any):
            self.input: Any = None
            self.output: Any = None

        def forward(self, input: Any) -> Array:
            self.input = input
            self.output = from_bank("outputs", numbers(input, what="What goes into Softmax.forward"))
            return self.output

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Array:
            gradient = numbers(output_gradient, what="What goes into Softmax.backward")
            rehearsal.into_softmax[rehearsal.step] = gradient
            return from_bank("score_gradients", gradient)

    def cce(y: Any, yhat: Any) -> float:
        rehearsal.loss_labels[rehearsal.step] = numbers(y, what="The labels that go into cce")
        rehearsal.loss_outputs[rehearsal.step] = numbers(yhat, what="The prediction that goes into cce")
        return float(drawn["losses"][rehearsal.step % len(drawn["losses"])])

    def cce_gradient(y: Any, yhat: Any) -> Array:
        rehearsal.labels[rehearsal.step] = numbers(y, what="The labels that go into cce_gradient")
        rehearsal.outputs[rehearsal.step] = numbers(yhat, what="The prediction that goes into cce_gradient")
        return from_bank("output_gradients", rehearsal.outputs[rehearsal.step])

    def generate_batch_indices(num_samples: int, batch_size: int, **_: Any) -> list[Array]:
        order = drawn["orders"][rehearsal.epochs % len(drawn["orders"])].astype(int)
        rehearsal.epochs += 1
        return np.split(order, np.arange(int(batch_size), len(order), int(batch_size)))

    return {
        "Dense": Dense,
        "Softmax": Softmax,
        "cce": cce,
        "cce_gradient": cce_gradient,
        "generate_batch_indices": generate_batch_indices,
    }
