"""Spies for `train`: test layers and losses that record what the student's loop sends them.

The spies return arrays drawn beforehand. So the loop is tested separately from the student's own layers and losses:
which samples it takes, in what order, what it passes on, with which learning rate, and for how many epochs. An open
blank does not stop the loop: it becomes a `Placeholder`, which raises `OpenBlank` only where its value is read.
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


class Placeholder(NDArrayOperatorsMixin):
    """The value of an open blank: arithmetic returns it unchanged, and reading it raises `OpenBlank`."""

    def __init__(self, sentence: str):
        self.sentence = sentence

    def __array_ufunc__(self, *_: Any, **__: Any) -> Placeholder:
        return self

    def _raise_open_blank(self, *_: Any) -> NoReturn:
        raise OpenBlank(self.sentence)

    __array__ = __len__ = __iter__ = __float__ = __index__ = __bool__ = __getitem__ = __call__ = _raise_open_blank


class DataArray(np.ndarray[Any, np.dtype[np.float64]]):
    """A data matrix that returns the placeholder if one is used as an index. Otherwise it is an ordinary array."""

    def __getitem__(self, key: Any) -> Any:
        placeholder = _find_placeholder(*key) if isinstance(key, tuple) else _find_placeholder(key)
        return super().__getitem__(key) if placeholder is None else placeholder


def _find_placeholder(*values: object) -> Placeholder | None:
    return next((value for value in values if isinstance(value, Placeholder)), None)


RecordedValue = Array | Placeholder | None


@dataclass
class RecordedStep:
    """What the spies were given in one training step; None where they were not called."""

    features: RecordedValue = None
    loss_labels: RecordedValue = None
    loss_outputs: RecordedValue = None
    labels: RecordedValue = None
    outputs: RecordedValue = None
    into_softmax: RecordedValue = None
    into_dense: RecordedValue = None
    rate: RecordedValue = None


@dataclass
class Recording:
    """What the spies recorded, and what `train` returned.

    A step begins with Dense.forward and ends with Dense.backward. A forward pass without a backward pass, for example
    to compute the accuracy, is not a step.
    """

    inputs: Inputs
    started: list[RecordedStep] = field(default_factory=list)
    epochs: int = 0
    returned: Any = None

    @cached_property
    def batch_sizes(self) -> list[int]:
        """The number of samples in each batch, in order."""
        return [len(batch) for batch in batches(self.inputs)]

    @property
    def current_step(self) -> RecordedStep:
        """The step that has not ended yet."""
        return self.started[-1] if self.started else self.start_step()

    @property
    def steps(self) -> list[RecordedStep]:
        """The steps that ended."""
        return [step for step in self.started if step.into_dense is not None]

    @property
    def losses(self) -> Array:
        """The epochs' losses that `train` returned, (nepochs,): its `loss` attribute or the last thing it returned."""
        losses = getattr(self.returned, "loss", None)
        if losses is None and isinstance(self.returned, tuple) and self.returned:
            losses = self.returned[-1]
        losses = self.returned if losses is None else losses
        return np.atleast_1d(numbers(losses, what="The list of losses that train returns"))

    @property
    def current_number(self) -> int:
        """The number of the current step, from 0."""
        return max(len(self.started) - 1, 0)

    def start_step(self) -> RecordedStep:
        """Start a step, or return the current one if it has not ended: then the loop made a forward pass only."""
        if not self.started or self.started[-1].into_dense is not None:
            self.started.append(RecordedStep())
        return self.started[-1]

    def columns(self, name: str, like: object) -> Array:
        """Return this step's columns of the array `name`: one a sample of its batch, or all if `like` has all."""
        samples = self.inputs["X"].shape[1]
        everything = isinstance(like, np.ndarray) and like.shape[-1:] == (samples,)
        count = samples if everything else self.batch_sizes[self.current_number % len(self.batch_sizes)]
        return columns(self.inputs, name, self.current_number, count)


def batches(inputs: Inputs) -> list[Array]:
    """List the batches of sample indices of all epochs, in order."""
    size, samples = int(inputs["batch_size"]), inputs["X"].shape[1]
    orders = inputs["orders"][: int(inputs["nepochs"])].astype(int)
    return [order[start : start + size] for order in orders for start in range(0, samples, size)]


def of_step(inputs: Inputs, name: str, step: int) -> Array:
    """Return the entry of the array `name` for a step; after the last entry it starts again."""
    return np.asarray(inputs[name][step % len(inputs[name])])


def columns(inputs: Inputs, name: str, step: int, count: int) -> Array:
    """Return the first `count` columns of the entry of the array `name` for a step."""
    return of_step(inputs, name, step)[:, :count].copy()


def record_calls(train: Any, inputs: Inputs) -> Recording:
    """Run `train` on the drawn data with spies for what it calls. The student's namespace stays unchanged."""
    train = getattr(train, "__wrapped__", train)
    if not isinstance(train, FunctionType):
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    recording = Recording(inputs)
    recording.returned = _bind_spies(train, _make_spies(recording))(
        inputs["X"].copy().view(DataArray),
        inputs["y"].copy().view(DataArray),
        float(inputs["learning_rate"]),
        int(inputs["batch_size"]),
        int(inputs["nepochs"]),
    )
    return recording


def join(steps: list[RecordedValue], call: str) -> Array:
    """Join the arrays of some steps along the samples. Raises `Wrong` where `call` was never called."""
    arrays = [numbers(seen, what=f"An argument of {call}") for seen in steps if seen is not None]
    if not arrays:
        raise Wrong(f"{call} was not called.", found="no call", expected="one call in each step")
    if len({array.shape[:-1] for array in arrays}) > 1 or arrays[0].ndim == 0:
        raise Wrong(
            f"{call} gets arrays of different shapes in different steps.",
            found=", ".join(str(a.shape) for a in arrays[:3]),
        )
    return np.concatenate(arrays, axis=-1)


def _bind_spies(train: FunctionType, spies: Mapping[str, object]) -> FunctionType:
    """Copy `train`, and the functions in its namespace, into a new namespace that has the spies."""
    namespace = {**train.__globals__}
    for name, value in train.__globals__.items():
        if isinstance(value, FunctionType) and value.__globals__ is train.__globals__:
            namespace[name] = _rebind(value, namespace)
    namespace.update(spies)
    return _rebind(train, namespace)


def _rebind(function: FunctionType, namespace: dict[str, Any]) -> FunctionType:
    rebound = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    rebound.__kwdefaults__ = function.__kwdefaults__
    return rebound


def _record(value: object, what: str) -> RecordedValue:
    return value if isinstance(value, Placeholder) else numbers(value, what=what)


def _make_spies(recording: Recording) -> dict[str, object]:
    """Make spies for Dense, Softmax, cce, cce_gradient and generate_batch_indices, and placeholders for open blanks."""
    inputs = recording.inputs

    class Dense:
        def __init__(self, input_size: int, output_size: int, **_: Any):
            self.weights = inputs["weights"].copy()
            self.input: Any = None
            self.output: Any = None

        def forward(self, input: Any) -> Array:
            recording.start_step().features = _record(input, "The input of dlayer.forward")
            self.input = input
            self.output = output = recording.columns("scores", input)
            return output

        def backward(self, output_gradient: Any, learning_rate: Any) -> Array:
            step = recording.current_step
            step.rate = _record(learning_rate, "The learning rate given to dlayer.backward")
            step.into_dense = _record(output_gradient, "The gradient given to dlayer.backward")
            return recording.columns("input_gradients", output_gradient)

    class Softmax:
        def __init__(self, **_: Any):
            self.input: Any = None
            self.output: Any = None

        def forward(self, input: Any) -> Array:
            self.input = input
            self.output = output = recording.columns("outputs", input)
            return output

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            """Multiply by a drawn matrix: linear, like the real layer, so 1/B may be applied before or after."""
            what = "The gradient given to softmax.backward"
            gradient = recording.current_step.into_softmax = _record(output_gradient, what)
            matrix = of_step(inputs, "jacobians", recording.current_number)
            if isinstance(gradient, Placeholder):
                return gradient
            if gradient is None or gradient.ndim != 2 or len(gradient) != len(matrix):
                raise Wrong(
                    f"{what} is not a gradient of the loss.", found=output_gradient, expected="shape (classes, batch)"
                )
            return np.asarray(matrix @ gradient)

    def cce(y: Any, yhat: Any) -> Any:
        step = recording.current_step
        step.loss_labels = _record(y, "The labels given to cce")
        step.loss_outputs = _record(yhat, "The prediction given to cce")
        placeholder = _find_placeholder(y, yhat)
        return float(of_step(inputs, "losses", recording.current_number)) if placeholder is None else placeholder

    def cce_gradient(y: Any, yhat: Any) -> Array:
        step = recording.current_step
        step.labels = _record(y, "The labels given to cce_gradient")
        step.outputs = _record(yhat, "The prediction given to cce_gradient")
        return recording.columns("output_gradients", yhat)

    def generate_batch_indices(num_samples: int, batch_size: int, **_: Any) -> list[Array]:
        order = inputs["orders"][recording.epochs % len(inputs["orders"])].astype(int)
        recording.epochs += 1
        return np.split(order, np.arange(int(batch_size), len(order), int(batch_size)))

    class Blanks:
        def __getitem__(self, sentence: str) -> Placeholder:
            return Placeholder(sentence)

    return {
        "Dense": Dense,
        "Softmax": Softmax,
        "cce": cce,
        "cce_gradient": cce_gradient,
        "generate_batch_indices": generate_batch_indices,
        "__blank__": Blanks(),
    }
