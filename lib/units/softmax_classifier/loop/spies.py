"""Spies for `train`: test layers and losses that record what the student's loop sends them.

The spies return arrays drawn beforehand. So the loop is tested separately from the student's own layers and losses:
which samples it takes, in what order, what it passes on, with which learning rate, and for how many epochs. An open
blank does not stop the loop: it becomes a `Placeholder`, which raises `OpenBlank` only where its value is read.

Otherwise a spy is what a student would have. Its classes inherit from the student's own, so their other methods and
attributes are there. Where the student's forward keeps more than its output, as `self.probabilities` or a cache, it
runs beside the spy, and the loop finds the same names with the spy's output in them. A layer gives the same output for
the same input until its weights change.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from lib.blanks import OpenBlank
from lib.checking.rebinding import namespace_of, rebind
from lib.checking.student_code import random_numbers
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs
from lib.units.softmax_classifier.errors import Named
from lib.units.softmax_classifier.loop.calls import Call, Samples, calls
from lib.units.softmax_classifier.loop.recordings import (
    Pass,
    Placeholder,
    RecordedValue,
    Recording,
    Recordings,
    has_rows,
)

NAMES = ("Dense", "Softmax", "cce", "cce_gradient", "generate_batch_indices")
CONTRACT = frozenset({"input", "output", "weights"})
"""What the notebook's layers keep."""
DOES_NOTHING = frozenset({"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"})
"""The instructions of a function with an empty body, from Python 3.11 on."""


class DataArray(np.ndarray[Any, np.dtype[np.float64]]):
    """A data matrix that returns the placeholder if one is used as an index. Otherwise it is an ordinary array."""

    def __getitem__(self, key: Any) -> Any:
        placeholder = _find_placeholder(*(key if isinstance(key, tuple) else (key,)))
        return super().__getitem__(key) if placeholder is None else placeholder


def _find_placeholder(*values: object) -> Placeholder | None:
    return next((value for value in values if isinstance(value, Placeholder)), None)


def record_calls(train: Any, inputs: Inputs) -> Recordings:
    """Run `train` twice on the drawn data with spies for what it calls. The student's namespace stays unchanged.

    Raises what the first call raises before an epoch is over: later, its steps show what they can show.
    """
    namespace = namespace_of(train)
    if namespace is None:
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    recorder = _Recorder(namespace)
    rebound = rebind(train, recorder.spies)
    first, second = (Recording(call) for call in calls(inputs))
    with random_numbers():
        for recording in (first, second):
            try:
                recorder.run(rebound, recording)
            except Exception as error:
                if recording is first and (isinstance(error, OpenBlank) or not first.has_an_epoch):
                    raise
                recording.error = error
    return first, second


def _record(value: object, what: str) -> RecordedValue:
    if isinstance(value, Placeholder):
        return value
    is_array = type(value) is np.ndarray  # as nearly all are, and looking for what isn't there takes time
    if not is_array and hasattr(value, "forward"):
        return Named(f"{what} is a layer, not an array.", hint="A layer keeps its result as its output: pass that.")
    if not is_array and callable(value):
        return Named(f"{what} is a function, not an array.", hint="Call the function, and pass its result.")
    try:
        return numbers(value, what=what)
    except Wrong as wrong:
        return wrong


class _Recorder:
    """The spies, made for one namespace, and the recording that they write to."""

    recording: Recording

    def __init__(self, namespace: Mapping[str, Any]):
        self._originals = {name: namespace.get(name) for name in NAMES}
        self._layers = 0
        self._keeps_more: dict[str, bool] = {}
        """Whether a layer's forward keeps more than its output, by the layer's name."""
        self.spies: dict[str, object] = {
            "Dense": self._make_dense(),
            "Softmax": self._make_softmax(),
            "cce": self._make_loss(),
            "cce_gradient": self._make_loss_gradient(),
            "generate_batch_indices": self._make_batches(),
            "__blank__": _Blanks(),
        }

    @property
    def call(self) -> Call:
        """The call of `train` that is recorded."""
        return self.recording.call

    def run(self, train: Callable[..., Any], recording: Recording) -> None:
        """Call `train` and record it."""
        self.recording, call = recording, recording.call
        X, y = call.X.copy().view(DataArray), call.y.copy().view(DataArray)
        np.random.seed(1)  # the same draws for every check
        recording.X, recording.y = np.asarray(X), np.asarray(y)  # what is written into X and y is in these, too
        returned = train(X, y, call.rate, call.batch_size, call.epochs)
        recording.returned = _losses_of(returned)
        Dense: Any = self.spies["Dense"]
        both: Any = (Dense, self.spies["Softmax"])
        layers = [one for one in _entries(returned) if isinstance(one, Dense)]
        recording.returned_layers = tuple(layer._serial for layer in layers)
        kinds = [isinstance(one, Dense) for one in _entries(returned) if isinstance(one, both)]
        recording.is_softmax_first = isinstance(returned, tuple | list) and kinds == [False, True]
        if recording.steps and any(map(self._is_touched, layers)):
            recording.steps[-1].touched = True

    def _inherit(self, name: str, body: dict[str, Any]) -> Any:
        """Make a class of the student's own one, with other methods, by whatever name the student calls them."""
        original = self._originals[name]
        if isinstance(original, type):
            replaced = {getattr(original, method, None): new for method, new in body.items()}
            aliases = {
                alias: replaced[value]
                for kind in reversed(original.__mro__[:-1])
                for alias, value in vars(kind).items()
                if isinstance(value, FunctionType) and value in replaced
            }
            # The student's may be properties, of what a spy doesn't keep, or give an object that is there already.
            plain = {"input": None, "output": None, "__new__": _make_anew}
            with suppress(Exception):  # a class that allows no other to inherit from it: then without its attributes
                return type(original)(original.__name__, (original,), {**aliases, **plain, **body})
        return type(name, (), {"input": None, "output": None, **body})

    def _initialise(self, name: str, layer: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        """Run the student's own __init__, for the attributes that it makes; those of a layer are there afterwards."""
        original: Any = self._originals[name]
        with random_numbers(), suppress(Exception):  # what is wrong in a layer is not the loop's
            original.__init__(layer, *given, **named)
            if name not in self._keeps_more:
                self._keeps_more[name] = _keeps_more(original)
            _note(layer, _twin=original(*given, **named) if self._keeps_more[name] else None)
        for method in ("forward", "backward"):  # a student may make these in __init__
            getattr(layer, "__dict__", {}).pop(method, None)

    @staticmethod
    def _keep_other_names(layer: Any, input: Any, output: Any) -> None:
        """Set on a layer what the student's own forward keeps besides its output; of arrays like that, the spy's."""
        if (twin := getattr(layer, "_twin", None)) is None:
            return
        with random_numbers(), suppress(Exception):  # likewise
            before = vars(twin).copy()
            twin.forward(input)
            kept = {name: value for name, value in vars(twin).items() if value is not before.get(name)}
            others = {name: _exchange(kept[name], twin.output, output) for name in kept.keys() - CONTRACT}
            _set(layer, **others)

    def _is_touched(self, layer: Any) -> bool:
        """Tell whether a layer's weights are no longer what the spy set."""
        weights = getattr(layer, "weights", None)
        return isinstance(weights, np.ndarray) and weights.tobytes() != layer._weights

    def _set_weights(self, layer: Any) -> None:
        weights = self.call.weights(self.recording.version)
        sizes = [size for size in layer._sizes if isinstance(size, int | np.integer) and 0 < size < 1000]
        if len(sizes) == 2 and weights.shape != (sizes[1], sizes[0] + 1):
            weights = np.ones((sizes[1], sizes[0] + 1))
        _note(layer, _weights=weights.tobytes())
        _set(layer, weights=weights)

    def _take_in(self, layer: Any) -> None:
        """Begin with a dense layer that was made outside of `train`."""
        if not hasattr(layer, "_serial"):
            self._layers += 1
            sizes = _sizes_of(getattr(layer, "weights", None))
            _note(layer, _serial=self._layers, _sizes=sizes, _is_from_outside=True)
            self._set_weights(layer)

    def _is_kept(self, layer: Any) -> bool:
        """Tell whether a dense layer is left from an earlier call of `train`; one with new weights begins anew."""
        if getattr(layer, "_recording", self.recording) is self.recording:
            return False
        if self._is_touched(layer):
            _note(layer, _pass=None)
            return False
        return not hasattr(layer, "_is_from_outside")  # whose sizes are wrong already

    def _make_dense(self) -> Any:
        recorder, method = self, _methods(self._originals["Dense"], _Dense)

        def initialise(self: Any, *given: Any, **named: Any) -> None:
            sizes = _arguments(method("__init__"), (self, *given), named, 3)[1:]
            recorder._initialise("Dense", self, given, named)
            recorder._layers += 1
            _note(self, _serial=recorder._layers, _sizes=tuple(sizes))
            recorder._set_weights(self)

        def forward(self: Any, *given: Any, **named: Any) -> Any:
            input = _arguments(method("forward"), (self, *given), named, 2)[1]
            recorder._take_in(self)
            is_kept = recorder._is_kept(self)
            if getattr(self, "_pass", None) is None:  # until here a loop may start from weights of its own
                _note(self, _weights=np.asarray(getattr(self, "weights", 0)).tobytes())
            seen = recorder.recording.forward(self, _record(input, "The input of dlayer.forward"))
            seen.kept = seen.kept or is_kept
            seen.touched = seen.touched or is_kept or recorder._is_touched(self)
            _note(self, _pass=seen, _recording=self._recording if is_kept else recorder.recording)
            output = seen.returned["scores"] = recorder.call.columns("scores", seen.version, seen.samples)
            _note(self, input=_add_ones(input, seen.features), output=output)
            recorder._keep_other_names(self, input, output)
            return output

        def backward(self: Any, *given: Any, **named: Any) -> Array:
            gradient, rate = _arguments(method("backward"), (self, *given), named, 3)[1:3]
            recording = recorder.recording
            own, current = getattr(self, "_pass", None), recording.passes[-1] if recording.passes else None
            if own is not None and (own is current or not own.updates):
                seen = own
            elif own is None and current is not None and current.softmax_input is not None:
                seen = current  # without dlayer.forward, softmax.forward begins a step
            else:
                seen = recording.current
            what = "given to dlayer.backward"
            seen.updates.append((_record(gradient, f"The gradient {what}"), _record(rate, f"The learning rate {what}")))
            seen.layer = seen.layer if own is not None and seen.layer else getattr(self, "_serial", 0)
            seen.touched = seen.touched or recorder._is_touched(self)
            recording.version += 1
            recorder._set_weights(self)
            return recorder.call.columns("input_gradients", seen.version, seen.samples)

        return self._inherit("Dense", {"__init__": initialise, "forward": forward, "backward": backward})

    def _make_softmax(self) -> Any:
        recorder, method = self, _methods(self._originals["Softmax"], _Softmax)

        def initialise(self: Any, *given: Any, **named: Any) -> None:
            _arguments(method("__init__"), (self, *given), named, 1)
            recorder._initialise("Softmax", self, given, named)

        def forward(self: Any, *given: Any, **named: Any) -> Array:
            input = _arguments(method("forward"), (self, *given), named, 2)[1]
            recorded = _record(input, "The input of softmax.forward")
            seen, _ = recorder.recording.find("scores", input, recorded)
            seen.softmax_input = recorded
            output = seen.returned["outputs"] = recorder.call.outputs(seen.version, seen.samples)
            _note(self, _pass=seen, input=input, output=output)
            recorder._keep_other_names(self, input, output)
            return output

        def backward(self: Any, *given: Any, **named: Any) -> Any:
            """Multiply by a drawn matrix: linear, like the real layer, so 1/B may be applied before or after."""
            gradient = _arguments(method("backward"), (self, *given), named, 2)[1]
            recorded = _record(gradient, "The gradient given to softmax.backward")
            own = getattr(self, "_pass", None)
            seen = own or recorder.recording.current
            seen.into_softmax = recorded
            if isinstance(recorded, Placeholder):
                return recorded
            is_its_own = own is not None or seen.softmax_input is None
            matrix = recorder.call.jacobian(seen.version if is_its_own else seen.version + 1)
            if not has_rows(recorded, len(matrix)):
                return np.full((len(matrix), len(seen.samples)), np.nan)
            return np.asarray(matrix @ recorded)

        return self._inherit("Softmax", {"__init__": initialise, "forward": forward, "backward": backward})

    def _make_loss(self) -> Any:
        original = _function(self._originals["cce"])

        def cce(*given: Any, **named: Any) -> Any:
            y, yhat = _arguments(original, given, named, 2)[:2]
            labels, outputs = _record(y, "The labels given to cce"), _record(yhat, "The prediction given to cce")
            joined, places = self.recording.find_joined(outputs)
            if joined:
                return self._record_joined(joined, places, labels)
            seen, columns = self.recording.find("outputs", yhat, outputs)
            seen.loss_labels = _put(seen.loss_labels, labels, columns, len(seen.samples))
            seen.loss_outputs = _put(seen.loss_outputs, outputs, columns, len(seen.samples))
            if (placeholder := _find_placeholder(y, yhat)) is not None:
                return placeholder
            return np.float64(self.call.loss(seen.version, seen.samples if columns is None else seen.samples[columns]))

        return cce

    def _record_joined(self, passes: list[Pass], places: Samples, labels: RecordedValue) -> Any:
        """Record the loss of several batches whose labels and predictions stand in one matrix: their mean loss."""
        sizes = [len(seen.samples) for seen in passes]
        each: Sequence[RecordedValue] = [labels] * len(passes)
        if isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.shape[1] == sum(sizes):
            each = np.split(labels[:, places], np.cumsum(sizes)[:-1], axis=1)
        for seen, part in zip(passes, each, strict=True):
            seen.loss_labels, seen.loss_outputs = part, seen.returned["outputs"]
        losses = [self.call.loss(seen.version, seen.samples) for seen in passes]
        return np.average(losses, weights=sizes)

    def _make_loss_gradient(self) -> Any:
        original = _function(self._originals["cce_gradient"])

        def cce_gradient(*given: Any, **named: Any) -> Array:
            y, yhat = _arguments(original, given, named, 2)[:2]
            what = "given to cce_gradient"
            labels, outputs = _record(y, f"The labels {what}"), _record(yhat, f"The prediction {what}")
            seen, columns = self.recording.find("outputs", yhat, outputs)
            seen.labels = _put(seen.labels, labels, columns, len(seen.samples))
            seen.prediction = _put(seen.prediction, outputs, columns, len(seen.samples))
            return self.call.columns(
                "output_gradients", seen.version, seen.samples if columns is None else seen.samples[columns]
            )

        return cce_gradient

    def _make_batches(self) -> Any:
        original = _function(self._originals["generate_batch_indices"])

        def generate_batch_indices(*given: Any, **named: Any) -> list[Samples]:
            count, size = (int(value) for value in _arguments(original, given, named, 2)[:2])
            # The student's own draws from NumPy's generator: where that is set back, the order is the same again.
            shuffle = self.recording.drawn.setdefault(np.random.random(), self.recording.shuffles)
            order = np.concatenate(self.call.batches(shuffle))
            order = np.concatenate([order[order < count], np.arange(self.call.samples, max(count, 0))])
            self.recording.shuffles += 1
            self.recording.asked = (count, size)
            ends = [0, *range(size, len(order), size), len(order)]
            return [order[start:end] for start, end in pairwise(ends)]  # as np.split does, in a tenth of the time

        return generate_batch_indices


class _Blanks:
    """What `__blank__` stands for while `train` is recorded."""

    def __getitem__(self, sentence: str) -> Placeholder:
        return Placeholder(sentence)


def _put(before: RecordedValue, value: RecordedValue, columns: Samples | None, count: int) -> RecordedValue:
    """Return what was given for a batch so far, with the columns of a call for single samples added."""
    if columns is None or not isinstance(value, np.ndarray) or value.ndim != 2 or value.shape[1] != len(columns):
        return value
    is_begun = isinstance(before, np.ndarray) and before.shape == (len(value), count)
    found = before.copy() if is_begun else np.full((len(value), count), np.nan)  # type: ignore[union-attr]  # an array
    found[:, columns] = value
    return found


def _losses_of(returned: Any) -> Any:
    """Find the losses in what `train` returned; a list is copied, since the next call may add to it.

    They come last in a tuple, and in a list that has the layers in it.
    """
    losses = getattr(returned, "loss", None)
    if losses is None:
        has_layers = isinstance(returned, list) and any(hasattr(one, "forward") for one in returned[:9])
        losses = returned[-1] if has_layers or (isinstance(returned, tuple) and returned) else returned
    return list(losses) if isinstance(losses, list) else losses


def _entries(returned: Any) -> Iterator[Any]:
    """Give what a call returned: the entries of a tuple, a list or a dict, or an object's attributes."""
    if isinstance(returned, tuple | list):
        yield from returned[:9]
    elif isinstance(returned, dict):
        yield from returned.values()
    elif hasattr(returned, "__dict__"):
        yield from vars(returned).values()


def _make_anew(kind: type, *_: Any, **__: Any) -> Any:
    """Make an object as Python itself does."""
    makers = (vars(each).get("__new__") for each in kind.__mro__)
    return next(make for make in makers if isinstance(make, BuiltinFunctionType))(kind)


def _add_ones(input: Any, features: RecordedValue) -> Any:
    """Put a row of ones below what a dense layer got, if that is a batch."""
    is_batch = isinstance(features, np.ndarray) and features.ndim == 2
    return np.concatenate([input, np.ones((1, len(features.T)))]) if is_batch else input  # type: ignore[union-attr]  # an array


def _sizes_of(weights: Any) -> tuple[int, ...]:
    """Give the sizes with which a dense layer was made that has these weights."""
    shape = np.shape(weights)
    return (shape[1] - 1, shape[0]) if len(shape) == 2 else shape  # without the bias


def _keeps_more(layer_class: type) -> bool:
    """Tell whether a layer's methods, but __init__ and backward, assign an attribute besides those of the contract."""
    methods = [
        method
        for kind in layer_class.__mro__[:-1]
        for name, method in vars(kind).items()
        if isinstance(method, FunctionType) and name not in ("__init__", "backward")
    ]
    return any(
        step.opname == "STORE_ATTR" and step.argval not in CONTRACT
        for method in methods
        for step in dis.get_instructions(method)
    )


def _exchange(value: Any, own: Any, spied: Any) -> Any:
    """Put a spy's output where a student's layer has kept its own: as it is, or as an entry of a dict or a list."""
    if isinstance(value, dict):
        return {key: _exchange(each, own, spied) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_exchange(each, own, spied) for each in value)
    return spied if isinstance(value, np.ndarray) and np.array_equal(value, own) else value


def _note(layer: Any, **attributes: Any) -> None:
    """Keep on a layer what is the spy's, past a __setattr__ that a student wrote."""
    for name, value in attributes.items():
        object.__setattr__(layer, name, value)


def _set(target: Any, **attributes: Any) -> None:
    """Set attributes, unless the student's class forbids it."""
    for name, value in attributes.items():
        with suppress(Exception):  # the loop is tested without it
            setattr(target, name, value)


# ---- Arguments, by the names that the student's own code gives them


def _methods(original: Any, given: type) -> Callable[[str], Callable[..., Any]]:
    """Give the student's own methods by name, and those of the `given` layer where there are none.

    Empty methods that are inherited, as from the notebook's class Layer, don't count: a misspelt backward is another
    part's matter.
    """

    def find(name: str) -> Callable[..., Any]:
        instead: Callable[..., Any] = getattr(given, name)
        found: object = getattr(original, name, None) if isinstance(original, type) else None
        if isinstance(found, FunctionType) and (name in vars(original) or not _is_empty(found)):
            return found
        return instead

    return find


def _is_empty(function: FunctionType) -> bool:
    """Tell whether a function's body is `pass`, with or without a docstring."""
    code = function.__code__
    if code.co_names or not {*code.co_consts} <= {None, function.__doc__}:
        return False  # as nearly all others are, and nothing need be taken apart to see it
    return {step.opname for step in dis.get_instructions(code)} <= DOES_NOTHING


class _Softmax:
    def __init__(self) -> None: ...

    def forward(self, input: Array) -> Any: ...

    def backward(self, output_gradient: Array, learning_rate: float | None = None) -> Any: ...


class _Dense(_Softmax):
    def __init__(self, input_size: int, output_size: int) -> None: ...

    def backward(self, output_gradient: Array, learning_rate: float) -> Any: ...  # type: ignore[override]  # it needs the rate


def _function(original: Any) -> Callable[..., Any]:
    return original if callable(original) else lambda one, other: None


def _arguments(function: Callable[..., Any], given: tuple[Any, ...], named: Mapping[str, Any], count: int) -> list[Any]:
    """Order a call's arguments as `function` does; None for those left out. Raises TypeError where `function` would."""
    if not named and len(given) == count:
        return list(given)
    try:
        bound = _signature(function).bind(*given, **named)
    except TypeError as error:
        name = getattr(function, "__qualname__", "").rpartition("<locals>.")[2].lstrip("_").removesuffix(".__init__")
        raise TypeError(f"{name}(): {error}") from None
    bound.apply_defaults()
    values = [*bound.args, *bound.kwargs.values()]
    return values + [None] * (count - len(values))


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Read how a function is called: once for all calls of one that can be kept in a table."""
    try:
        return _known_signature(function)
    except TypeError:  # an object that can be called, but not be hashed
        return inspect.signature(function)


_known_signature = lru_cache(maxsize=16)(inspect.signature)
