"""A rehearsal of `train`: the loop runs with stand-ins for all it calls, and they write down what they were given.

The stand-ins hand back arrays drawn beforehand, so the loop is judged apart from the student's own layers and losses:
which samples it takes, in what order, what it passes on, at which rate, and for how many epochs. An open blank doesn't
stop the loop: its place is held by a `Hole`, and only who looks there meets the blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lib.blanks import OpenBlank
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs


class Hole(NDArrayOperatorsMixin):
    """The value of an open blank: reckoning with it gives it back, and to read it is to meet the blank."""

    def __init__(self, sentence: str):
        self.sentence = sentence

    def __array_ufunc__(self, *_: Any, **__: Any) -> Hole:
        return self

    def _meet(self, *_: Any) -> NoReturn:
        raise OpenBlank(self.sentence)

    __array__ = __len__ = __iter__ = __float__ = __index__ = __bool__ = __getitem__ = __call__ = _meet


class Samples(np.ndarray[Any, np.dtype[np.float64]]):
    """A data matrix with an open blank in its brackets gives that blank; apart from that it is an array like any."""

    def __getitem__(self, key: Any) -> Any:
        hole = _hole(*key) if isinstance(key, tuple) else _hole(key)
        return super().__getitem__(key) if hole is None else hole


def _hole(*values: object) -> Hole | None:
    return next((value for value in values if isinstance(value, Hole)), None)


Seen = Array | Hole | None


@dataclass
class Step:
    """What the stand-ins were given in one training step; None where nothing came."""

    features: Seen = None
    loss_labels: Seen = None
    loss_outputs: Seen = None
    labels: Seen = None
    outputs: Seen = None
    into_softmax: Seen = None
    into_dense: Seen = None
    rate: Seen = None


@dataclass
class Rehearsal:
    """What the stand-ins wrote down, and what `train` returned in the end.

    A step begins with Dense.forward and ends with Dense.backward: looking at the data in between, for the accuracy say,
    is no step.
    """

    drawn: Inputs
    begun: list[Step] = field(default_factory=list)
    epochs: int = 0
    returned: Any = None

    @cached_property
    def widths(self) -> list[int]:
        """How many samples each batch has, in order."""
        return [len(batch) for batch in batches(self.drawn)]

    @property
    def now(self) -> Step:
        """The step that is under way."""
        return self.begun[-1] if self.begun else self.begin()

    @property
    def steps(self) -> list[Step]:
        """The steps that came to an end."""
        return [step for step in self.begun if step.into_dense is not None]

    @property
    def losses(self) -> Array:
        """The epochs' losses that `train` returned, (nepochs,): its `loss` attribute or the last thing it returned."""
        losses = getattr(self.returned, "loss", None)
        if losses is None and isinstance(self.returned, tuple) and self.returned:
            losses = self.returned[-1]
        losses = self.returned if losses is None else losses
        return np.atleast_1d(numbers(losses, what="The list of losses that train returns"))

    @property
    def number(self) -> int:
        """The number of the step that is under way, from 0."""
        return max(len(self.begun) - 1, 0)

    def begin(self) -> Step:
        """Begin a step, unless the one under way hasn't ended: then the loop has only looked at the data."""
        if not self.begun or self.begun[-1].into_dense is not None:
            self.begun.append(Step())
        return self.begun[-1]

    def columns(self, name: str, like: object) -> Array:
        """Give this step's columns of the bank `name`: one a sample of its batch, or of all if `like` has all."""
        samples = self.drawn["X"].shape[1]
        everything = isinstance(like, np.ndarray) and like.shape[-1:] == (samples,)
        width = samples if everything else self.widths[self.number % len(self.widths)]
        return columns(self.drawn, name, self.number, width)


def batches(drawn: Inputs) -> list[Array]:
    """List the batches of sample indices of all epochs, in order."""
    size, samples = int(drawn["batch_size"]), drawn["X"].shape[1]
    orders = drawn["orders"][: int(drawn["nepochs"])].astype(int)
    return [order[start : start + size] for order in orders for start in range(0, samples, size)]


def of_step(drawn: Inputs, name: str, step: int) -> Array:
    """Give what the bank `name` holds for a step; after the last it begins again."""
    return np.asarray(drawn[name][step % len(drawn[name])])


def columns(drawn: Inputs, name: str, step: int, width: int) -> Array:
    """Give the first `width` columns of the array that the bank `name` holds for a step."""
    return of_step(drawn, name, step)[:, :width].copy()


def rehearse(train: Any, drawn: Inputs) -> Rehearsal:
    """Run `train` on the drawn data with stand-ins in place of the names it calls; the student's own are left alone."""
    train = getattr(train, "__wrapped__", train)
    if not isinstance(train, FunctionType):
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    rehearsal = Rehearsal(drawn)
    rehearsal.returned = _staged(train, _stand_ins(rehearsal))(
        drawn["X"].copy().view(Samples),
        drawn["y"].copy().view(Samples),
        float(drawn["learning_rate"]),
        int(drawn["batch_size"]),
        int(drawn["nepochs"]),
    )
    return rehearsal


def joined(steps: list[Seen], call: str) -> Array:
    """Put the arrays of some steps side by side, sample by sample. Raises `Wrong` where the call never happened."""
    arrays = [numbers(seen, what=f"What goes into {call}") for seen in steps if seen is not None]
    if not arrays:
        raise Wrong(f"{call} never happened.", found="no call", expected="one call in each step")
    if len({array.shape[:-1] for array in arrays}) > 1 or arrays[0].ndim == 0:
        raise Wrong(f"{call} gets other shapes in other steps.", found=", ".join(str(a.shape) for a in arrays[:3]))
    return np.concatenate(arrays, axis=-1)


def _staged(train: FunctionType, stand_ins: Mapping[str, object]) -> FunctionType:
    """Copy `train`, and the functions beside it that it may call, into a namespace where the stand-ins are."""
    stage = {**train.__globals__}
    for name, value in train.__globals__.items():
        if isinstance(value, FunctionType) and value.__globals__ is train.__globals__:
            stage[name] = _moved(value, stage)
    stage.update(stand_ins)
    return _moved(train, stage)


def _moved(function: FunctionType, namespace: dict[str, Any]) -> FunctionType:
    moved = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    moved.__kwdefaults__ = function.__kwdefaults__
    return moved


def _noted(value: object, what: str) -> Seen:
    return value if isinstance(value, Hole) else numbers(value, what=what)


def _stand_ins(rehearsal: Rehearsal) -> dict[str, object]:
    """Make what takes the place of Dense, Softmax, cce, cce_gradient, generate_batch_indices and an open blank."""
    drawn = rehearsal.drawn

    class Dense:
        def __init__(self, input_size: int, output_size: int, **_: Any):
            self.weights = drawn["weights"].copy()
            self.input: Any = None
            self.output: Any = None

        def forward(self, input: Any) -> Array:
            rehearsal.begin().features = _noted(input, "What goes into Dense.forward")
            self.input = input
            self.output = output = rehearsal.columns("scores", input)
            return output

        def backward(self, output_gradient: Any, learning_rate: Any) -> Array:
            step = rehearsal.now
            step.rate = _noted(learning_rate, "The learning rate of Dense.backward")
            step.into_dense = _noted(output_gradient, "What goes into Dense.backward")
            return rehearsal.columns("input_gradients", output_gradient)

    class Softmax:
        def __init__(self, **_: Any):
            self.input: Any = None
            self.output: Any = None

        def forward(self, input: Any) -> Array:
            self.input = input
            self.output = output = rehearsal.columns("outputs", input)
            return output

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            """Multiply by one drawn matrix: like the real one linear, so 1/B may come before it or after it."""
            what = "What goes into Softmax.backward"
            gradient = rehearsal.now.into_softmax = _noted(output_gradient, what)
            matrix = of_step(drawn, "jacobians", rehearsal.number)
            if isinstance(gradient, Hole):
                return gradient
            if gradient is None or gradient.ndim != 2 or len(gradient) != len(matrix):
                raise Wrong(f"{what} is no gradient of the loss.", found=output_gradient, expected="(classes, batch)")
            return np.asarray(matrix @ gradient)

    def cce(y: Any, yhat: Any) -> Any:
        step = rehearsal.now
        step.loss_labels = _noted(y, "The labels that go into cce")
        step.loss_outputs = _noted(yhat, "The prediction that goes into cce")
        hole = _hole(y, yhat)
        return float(of_step(drawn, "losses", rehearsal.number)) if hole is None else hole

    def cce_gradient(y: Any, yhat: Any) -> Array:
        step = rehearsal.now
        step.labels = _noted(y, "The labels that go into cce_gradient")
        step.outputs = _noted(yhat, "The prediction that goes into cce_gradient")
        return rehearsal.columns("output_gradients", yhat)

    def generate_batch_indices(num_samples: int, batch_size: int, **_: Any) -> list[Array]:
        order = drawn["orders"][rehearsal.epochs % len(drawn["orders"])].astype(int)
        rehearsal.epochs += 1
        return np.split(order, np.arange(int(batch_size), len(order), int(batch_size)))

    class Blanks:
        def __getitem__(self, sentence: str) -> Hole:
            return Hole(sentence)

    return {
        "Dense": Dense,
        "Softmax": Softmax,
        "cce": cce,
        "cce_gradient": cce_gradient,
        "generate_batch_indices": generate_batch_indices,
        "__blank__": Blanks(),
    }
