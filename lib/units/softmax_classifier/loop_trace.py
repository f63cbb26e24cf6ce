"""The trace of a training loop: one row for each step, with the arguments of all calls in the loop.

While `train` runs, spies replace the student's layers and losses. They return random arrays, so that the loop is tested
without these. A row represents each argument by one or two weighted sums of its entries, because different arrays have
different sums. A wrong shape is described in words, and a missing call is None. `expected_rows` has the right rows. An
open blank does not stop the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial, wraps
from itertools import pairwise, takewhile
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from lib.blanks import OpenBlank
from lib.checking.placeholders import DataArray, Placeholder, placeholders
from lib.checking.results import Wrong, numbers
from lib.checking.spies import Spy, namespace_of, spied
from lib.checking.student_code import random_numbers
from lib.unit import Array, Inputs, NamedResults
from lib.units.softmax_classifier.loop_inputs import UNKNOWN, Call, Samples, Step

HEAD = ("version", "shuffle", "position", "samples")
"""The first columns of each table."""
NO_ARRAY = "no array of numbers"
CHANGED, KEPT, WRITTEN = "changed", "kept", "written"
"""Mistakes in a step: other code changes the weights; the layer and its weights are from an earlier call of `train`;
the prediction is overwritten before softmax.backward needs it."""
NO_LAYER, OTHER_LAYER = "no layer", "another layer"
"""Instead of a dense layer's number: no layer yet, or backward of another layer than forward."""
RIGHT_LAYERS, UNTRAINED, SWAPPED = 0.0, 1.0, 2.0
"""The layers that `train` returns: the trained ones, none that is trained, or softmax before the dense layer. They are
numbers, so that whoever makes up the numbers of an answer has none of its results right."""
RECENT = 6
"""The number of latest steps to search for an array. A loop usually works on the latest one or two."""
THREE_THINGS = "Return three things, in this order: the dense layer, softmax, and the list of losses."
_spy_weights: WeakValueDictionary[int, Array] = WeakValueDictionary()
"""Weights from spies, by identity. In a later call of `train`, they reveal a layer from an earlier call."""


@dataclass(eq=False)
class TracedStep(Step):
    """One forward pass of a dense layer, and the calls that follow it in the loop.

    `arguments` has those of the spies: an array, the placeholder of an open blank, or None for any other value.
    `asked` are the latest arguments of generate_batch_indices. `results` has the scores and outputs from the spies.
    """

    asked: tuple[float, float] | None = None
    layer: int | str = NO_LAYER
    sizes: tuple[int, int] | None = None
    updates: int = 0
    fault: str = ""
    results: dict[str, Array] = field(default_factory=dict)


class Trace:
    """The spies for one call of `train`, and the steps that they record."""

    def __init__(self, call: Call):
        self.call, self.steps = call, list[TracedStep]()
        self.version = self.shuffles = 0
        self.asked: tuple[float, float] | None = None
        self._drawn: dict[float, int] = {}
        self._layers: dict[int, tuple[int, Any]] = {}
        """Each dense layer and its number, by the layer's identity."""
        self._weights: dict[int, bytes] = {}
        """The expected weights of each dense layer, by its number. They are empty for a layer from an earlier call."""
        self._latest: dict[int, tuple[Any, TracedStep]] = {}
        """Each layer and its latest step, by the layer's identity."""
        methods = [f"{layer}.{method}" for layer in ("Dense", "Softmax") for method in ("forward", "backward")]
        names = [*methods, "cce", "cce_gradient", "generate_batch_indices"]
        spies = {name: getattr(self, name.replace(".", "_").lower()) for name in names}
        spies |= {"Dense.__getattr__": _find_attribute, "Softmax.__getattr__": _find_attribute}
        self.spies = {name: _in_order(spy) for name, spy in spies.items()}

    # ---- What the loop calls

    def dense_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        number, features, last = self._number(layer), _read(input), self.steps[-1] if self.steps else None
        is_again = last is not None and (last.layer, last.shuffle) == (number, self.shuffles) and not last.updates
        if last is None or not is_again or not _are_same(last.arguments.get("features"), features):
            # A step may begin with softmax or the loss: then its order is wrong, but it is the same step.
            last = self._begin() if last is None or last.updates or isinstance(last.layer, int) else last
            last.layer, last.arguments["features"] = number, features
            self._identify(last, features)
            self._look_at_weights(last, layer)
            shape = np.shape(getattr(layer, "weights", 0))  # one column more than inputs, for the bias
            last.sizes = (shape[1] - 1, shape[0]) if len(shape) == 2 else None
            if last.fault == KEPT:
                last.sizes = len(self.call.X), self.call.classes
        output = last.results["scores"] = last.columns("scores")
        self._latest[id(layer)] = layer, last
        _keep(original, layer, input, output)
        with suppress(Exception):
            layer.input = with_ones = np.ones((len(input) + 1, np.shape(input)[1]))
            with_ones[:-1] = input
        return output

    def softmax_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        step, _all = self._find("scores", input)
        step.arguments["scores"] = _read(input)
        output = step.results["outputs"] = step.outputs
        self._latest[id(layer)] = layer, step
        _keep(original, layer, input, output)
        return output

    def cce(self, original: Any, y: Any, yhat: Any, *_: Any) -> Any:
        if joined := self._find_joined(_read(yhat)):
            return self._note_joined(*joined, _read(y))
        step, columns = self._find("outputs", yhat)
        self._note(step, columns, loss_y=y, loss_yhat=yhat)
        for each in (y, yhat):
            if isinstance(each, Placeholder):
                return each
        return np.float64(self.call.loss(step.version, _used(step, columns)))

    def cce_gradient(self, original: Any, y: Any, yhat: Any, *_: Any) -> Any:
        step, columns = self._find("outputs", yhat)
        self._note(step, columns, y=y, yhat=yhat)
        return self.call.columns("output_gradients", step.version, _used(step, columns))

    def softmax_backward(self, original: Any, layer: Any, output_gradient: Any, *_: Any) -> Any:
        """Multiply by a random matrix. This is linear like the real layer, so 1/B may come in before or after it."""
        known = self._latest.get(id(layer))
        _layer, step = known or (layer, self._current())
        if known is None and "outputs" in step.results:  # if no forward ran, that is the mistake
            step.layer = OTHER_LAYER
        if "outputs" in step.results and not _are_same(step.results["outputs"], step.outputs):
            step.fault = WRITTEN
        step.arguments["into_softmax"] = given = _read(output_gradient)
        if isinstance(given, Placeholder):
            return given
        matrix = self.call.jacobian(step.version)
        return matrix @ given if _has_rows(given, len(matrix)) else np.full((len(matrix), len(step.samples)), np.nan)

    def dense_backward(
        self, original: Any, layer: Any, output_gradient: Any, learning_rate: Any = None, *_: Any
    ) -> Any:
        number, current = self._number(layer), self.steps[-1] if self.steps else None
        _layer, step = self._latest.get(id(layer), (layer, current))
        if step is None or (step.updates and step is not current):
            step = self._current()
        step.updates += 1
        step.arguments |= {"gradient": _read(output_gradient), "rate": _read(learning_rate)}
        step.layer = number if step.layer in (NO_LAYER, number) else OTHER_LAYER
        self._look_at_weights(step, layer)
        self.version += 1
        weights = self.call.weights(self.version)
        with suppress(Exception):  # a layer that allows no weights is not a mistake of the loop
            layer.weights = _spy_weights[id(weights)] = weights
        self._weights[number] = weights.tobytes()
        return step.columns("input_gradients")

    def generate_batch_indices(self, original: Any, count: Any, size: Any, *_: Any) -> list[Samples]:
        count, size = int(count), int(size)
        # The student's function draws from NumPy's generator: after a new seed, the order is the same again.
        shuffle = self._drawn.setdefault(np.random.random(), self.shuffles)
        order = np.concatenate(self.call.batches(shuffle))
        order = np.concatenate([order[order < count], np.arange(self.call.samples, max(count, 0))])
        self.shuffles += 1
        self.asked = float(count), float(size)
        ends = [0, *range(size, len(order), size), len(order)]
        return [order[start:end] for start, end in pairwise(ends)]  # like np.split, in a tenth of the time

    # ---- The step of a call

    def _begin(self) -> TracedStep:
        since = takewhile(lambda step: step.shuffle == self.shuffles, reversed(self.steps))
        position = sum(step.updates > 0 for step in since)
        step = TracedStep(self.call, self.version, self.shuffles, position, np.arange(0), asked=self.asked)
        step.use(np.full(len(step.expected), UNKNOWN))
        self.steps.append(step)
        return step

    def _current(self) -> TracedStep:
        """Return the latest step, or a new one without features if the loop calls no forward after an update."""
        return self._begin() if not self.steps or self.steps[-1].updates else self.steps[-1]

    def _find(self, name: str, value: Any) -> tuple[TracedStep, Any]:
        """Return the step with these scores or outputs, and their columns, or else the latest step and all columns."""
        # After an update, scores are outdated, but a prediction may still be compared with labels.
        recent = [step for step in reversed(self.steps[-RECENT:]) if name != "scores" or not step.updates]
        recent = [step for step in recent if name in step.results]
        for step in recent:
            if value is step.results[name]:
                return step, slice(None)
        given = _read(value)
        for step in recent:
            if _are_same(made := step.results[name], given):
                return step, slice(None)
            if _has_rows(given, len(made)) and given.shape[1] < made.shape[1]:
                is_equal = (made[:, :, None] == given[:, None, :]).all(axis=0)
                if is_equal.any(axis=0).all():
                    return step, is_equal.argmax(axis=0)
        return self._current(), slice(None)

    @staticmethod
    def _note(step: TracedStep, columns: Any, **given: Any) -> None:
        """Record the arguments of a loss. If they are some columns of the step, add them to those of earlier calls."""
        for name, value in given.items():
            new = _read(value)
            if not isinstance(columns, slice) and isinstance(new, np.ndarray) and new.shape[1:] == columns.shape:
                whole = step.arguments.get(name)
                if not isinstance(whole, np.ndarray) or whole.shape != (len(new), len(step.samples)):
                    whole = np.full((len(new), len(step.samples)), np.nan)
                whole[:, columns] = new
                new = whole
            step.arguments[name] = new

    def _find_joined(self, yhat: Any) -> tuple[list[TracedStep], Samples] | None:
        """Return the latest steps with outputs that together are the columns of `yhat`, in order or by sample."""
        last = next((step for step in reversed(self.steps) if "outputs" in step.results), None)
        if last is None or not isinstance(yhat, np.ndarray) or yhat.ndim != 2 or yhat.shape[1] <= len(last.samples):
            return None
        ran = [step for step in self.steps if "outputs" in step.results]
        widths = np.cumsum([len(step.samples) for step in reversed(ran)])
        if (count := int(np.searchsorted(widths, width := yhat.shape[1])) + 1) < 2 or width not in widths:
            return None
        found = ran[-count:]
        outputs = np.hstack([step.results["outputs"] for step in found])
        for places in (np.arange(width), np.concatenate([step.used for step in found])):
            if np.array_equal(np.sort(places), np.arange(width)) and _are_same(outputs, yhat[:, places]):
                return found, places
        return None

    def _note_joined(self, steps: Sequence[TracedStep], places: Samples, y: Any) -> Any:
        """Record the loss of several batches in one matrix of labels and one of predictions, and return their mean."""
        sizes = [len(step.samples) for step in steps]
        fits = isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == len(places)
        parts = np.split(y[:, places], np.cumsum(sizes)[:-1], axis=1) if fits else [y] * len(steps)
        for step, part in zip(steps, parts, strict=True):
            step.arguments |= {"loss_y": part, "loss_yhat": step.results["outputs"]}
        return np.average([step.loss for step in steps], weights=sizes)

    def _identify(self, step: TracedStep, features: Any) -> None:
        X, expected = self.call.X, step.expected
        if not _has_rows(features, len(X)) or not features.size:
            return
        if _are_same(features, X.take(expected, axis=1)):  # as in nearly all steps of a right loop
            step.use(expected)
            return
        distances = np.abs(X[:, :, None] - features[:, None, :]).max(axis=0)
        if (distances.min(axis=0) < 1e-3).all():
            step.use(distances.argmin(axis=0))
        else:
            step.use(np.full(features.shape[1], UNKNOWN))

    # ---- The layer of a call

    def _number(self, layer: Any) -> int:
        return self._layers.setdefault(id(layer), (len(self._layers), layer))[0]

    def _look_at_weights(self, step: TracedStep, layer: Any) -> None:
        """Record a mistake if other code than Dense.backward has changed the layer's weights."""
        number, now = self._number(layer), getattr(layer, "weights", None)
        written = np.asarray(0 if now is None else now).tobytes()
        if number not in self._weights:  # before its first step, a loop may set other weights
            self._weights[number] = b"" if _spy_weights.get(id(now)) is now is not None else written
        if self._weights[number] != written:
            step.fault = CHANGED if self._weights[number] else KEPT

    def look_at_the_end(self, returned: Any) -> None:
        """Check the weights of the returned layers after the last step."""
        for _, layer in self._layers.values():
            if any(each is layer for each in _entries_of(returned)) and self.steps:
                self._look_at_weights(self.steps[-1], layer)

    def trained(self) -> Any:
        """Return the layer that the last step trained, or None."""
        last = self.training_steps[-1].layer if self.training_steps else NO_LAYER
        return next((layer for number, layer in self._layers.values() if number == last), None)

    # ---- The tables

    @cached_property
    def training_steps(self) -> list[TracedStep]:
        """The steps with an update, and those of batches without one, up to a limit."""
        kept = list[TracedStep]()
        keys = [tuple(np.sort(step.used).tolist()) for step in self.steps]
        done = {key for key, step in zip(keys, self.steps, strict=True) if step.updates}
        for key, step in zip(keys, self.steps, strict=True):
            if step.updates or (key not in done and step.is_batch):
                kept.append(step)
                done.add(key)
        return kept[: self.call.most_steps]

    def table(self, fields: Callable[[TracedStep], dict[str, Any]]) -> dict[str, list[Any]]:
        """Return a column for each field of the training steps, by name. Raises `OpenBlank`."""
        rows = [{name: getattr(step, name) for name in HEAD} | fields(step) for step in self.training_steps]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def batches(step: TracedStep) -> dict[str, Any]:
    """Return the arguments of generate_batch_indices, the layer's sizes, features, scores, and labels' samples."""
    call = step.call
    return {
        "asked": step.asked,
        "sizes": step.sizes,
        "features": _shown(step, "features", len(call.X)),
        "scores": _shown(step, "scores", call.classes, partial(sum_entries, is_shift_free=True)),
        "owners": None if isinstance(step.arguments.get("y"), Placeholder) else _owners(step, "y"),
    }


def labels(step: TracedStep) -> dict[str, Any]:
    """Return the samples of the labels for cce and cce_gradient, and the predictions."""
    return {
        name: _owners(step, name) if name.endswith("y") else _shown(step, name, step.call.classes)
        for name in ("loss_y", "loss_yhat", "y", "yhat")
    }


def flow(step: TracedStep) -> dict[str, Any]:
    """Return the updates, the layer, the direction of softmax.backward's gradient, and learning rate times gradient.

    The last is divided by the right rate and by 1/B, so that its size is about 1.
    """
    into_softmax, rate = _gradient_sums(step, "into_softmax"), step.arguments.get("rate")
    if isinstance(rate, Placeholder):
        rate.read()
    number = rate.item() if isinstance(rate, np.ndarray) and rate.size == 1 else np.nan
    gradient, scale = _gradient_sums(step, "gradient"), number / step.call.rate * len(step.samples)
    is_whole, given = isinstance(gradient, tuple), step.arguments.get("gradient")
    return {
        "updates": step.updates,
        "layer": step.layer,
        "fault": step.fault,
        "into_softmax": direction(*into_softmax) if isinstance(into_softmax, tuple) else into_softmax,
        "gradient": tuple(each * scale for each in gradient) if is_whole else gradient,
        "other_gradient": 0.0 if is_whole or given is None else given.sum() * scale,
    }


def sum_entries(array: Array, is_shift_free: bool = False) -> float:
    """Return the sum of an array's entries, (rows, batch), weighted by row and by column.

    With `is_shift_free`, adding a number to all entries of a column does not change the sum.
    """
    rows, columns = array.shape
    # Not `@`, which takes twice as long for arrays this small.
    return float(_weights(rows, is_shift_free).dot(array).dot(_roots(columns)))


@cache
def _weights(count: int, is_shift_free: bool) -> Array:
    """Return weights that sum to 1, or to 0."""
    roots = _roots(count)
    return np.asarray(roots / roots.sum() - is_shift_free / count)


@cache
def _roots(count: int) -> Array:
    """Return weights that all differ, as do their sums."""
    return np.sqrt(np.arange(2, count + 2))


def two_sums(array: Array) -> tuple[float, float]:
    """Return two differently weighted sums of an array's entries."""
    return sum_entries(array), sum_entries(array[::-1])


def direction(one: float, other: float) -> float:
    """Return the ratio of an array's two sums, which is the same for all multiples of the array."""
    return other / one if one else 0.0


def _shown(step: TracedStep, name: str, rows: int, show: Callable[[Array], Any] = sum_entries) -> Any:
    """Return `show(argument)` for an array with so many rows, or a description of another value."""
    if name not in step.arguments:
        return None
    given = step.arguments[name]
    if isinstance(given, Placeholder):
        given.read()
    if given is None:
        return NO_ARRAY
    if not _has_rows(given, rows):
        return f"an array of shape {given.shape}" if given.ndim else "a single number"
    return show(given)


def _owners(step: TracedStep, name: str) -> Any:
    """Return the samples with the labels in an array's columns, or the array's sum if it has other columns."""
    call = step.call

    def find(given: Array) -> Any:
        owners = call.sample_of[given.argmax(axis=0)] if given.size else np.arange(0)
        return owners if given.size and np.abs(given - call.y[:, owners]).max() < 1e-6 else sum_entries(given)

    return _shown(step, name, step.call.classes, find)


def _gradient_sums(step: TracedStep, name: str) -> Any:
    """Return two sums of an array of gradients. A multiple of the array has the same multiples of both sums.

    Each sample's gradient is divided by its size, so that small gradients count as much as large ones.
    """

    def show(given: Array) -> Any:
        fits = given.shape[1] == len(step.samples)
        sizes = step.call.gradient_sizes(step.version, step.used)
        return two_sums(given / sizes) if fits else sum_entries(given)

    return _shown(step, name, step.call.classes, show)


# ---- One run


def trace(inputs: Inputs, train: Any) -> NamedResults:
    """Call `train` once with spies; return its tables, the losses, and the mistake in the returned layers.

    Raises an error from the first epoch. A later error is raised by the results `batches` and `losses` only.
    """
    namespace = namespace_of(train)
    if namespace is None:
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    run = Trace(Call(inputs))
    X, y = (inputs[name].view(DataArray) for name in ("X", "y"))
    # Spies compare with copies, because the student may write into X and y.
    run.call.X, run.call.y = run.call.X.copy(), run.call.y.copy()
    returned, error = None, None
    lacking = {name: kind for name, kind in {"Dense": _Dense, "Softmax": _Softmax}.items() if name not in namespace}
    made = {"Dense.__init__": _make} if "__init__" in getattr(namespace.get("Dense"), "__dict__", ()) else {}
    with (
        random_numbers(),
        placeholders(namespace),
        spied(namespace, run.spies | made),
        spied(namespace, {name: lambda _, *sizes, kind=kind: kind(*sizes) for name, kind in lacking.items()}),
        spied(lacking, run.spies),
    ):
        np.random.seed(1)  # the same random numbers in every check
        try:
            returned = train(X, y, run.call.rate, run.call.batch_size, run.call.epochs)
        except Exception as raised:
            count = sum(step.updates > 0 for step in run.steps)
            if isinstance(raised, OpenBlank) or count < run.call.batches_in_an_epoch:
                raise
            error = raised
    run.look_at_the_end(returned)
    returned_losses = _losses_of(returned)

    def fail() -> NoReturn:
        raise error or AssertionError

    def read_losses() -> list[Any]:
        return [
            _read_losses(returned_losses, run.call),
            run.table(lambda step: {"has_loss": "loss_y" in step.arguments}),
        ]

    return NamedResults(
        batches=fail if error else partial(run.table, batches),
        labels=partial(run.table, labels),
        flow=partial(run.table, flow),
        losses=fail if error else read_losses,
        returned=lambda: _what_is_returned(returned, run),
    )


def _losses_of(returned: Any) -> Any:
    """Return the losses from the result of `train`: the last entry of a tuple, or of a list with layers."""
    losses = getattr(returned, "loss", None)
    if losses is None:
        has_layers = isinstance(returned, list) and any(hasattr(each, "forward") for each in returned[:9])
        losses = returned[-1] if has_layers or (isinstance(returned, tuple) and returned) else returned
    return list(losses) if isinstance(losses, list) else losses  # a copy: the next call may add to it


def _read_losses(returned: Any, call: Call) -> Array:
    if hasattr(returned, "forward"):
        what, expected = "train returns a layer last.", "the list of losses"
        raise Wrong(what, found=type(returned).__name__, expected=expected, hint=THREE_THINGS)
    found = numbers(returned, what="The list of losses that train returns")
    if found.ndim > 1 and len(found) == call.epochs < found.size:
        what, expected = "The list has several numbers for each epoch.", f"shape ({call.epochs},)"
        raise Wrong(what, found=f"shape {found.shape}", expected=expected, hint="Append only the epoch's loss to it.")
    return found.ravel()[:1000]


def _what_is_returned(returned: Any, run: Trace) -> float:
    """Return the mistake in the returned layers, or `RIGHT_LAYERS`."""
    layers, trained = [each for each in _entries_of(returned) if hasattr(each, "forward")], run.trained()
    dense = [each for each in layers if hasattr(each, "weights")]

    def is_trained(layer: Any) -> bool:  # or a copy of the trained one, as it is at the end
        return layer is trained or _are_same(_read(layer.weights), _read(getattr(trained, "weights", None)))

    if dense and trained is not None and not any(map(is_trained, dense)):
        return UNTRAINED
    is_first = bool(layers) and any(layers[0] is each for each in dense)
    is_swapped = dense and len(layers) > 1 and isinstance(returned, tuple | list) and not is_first
    return SWAPPED if is_swapped else RIGHT_LAYERS


def _entries_of(returned: Any) -> list[Any]:
    """Return the entries of a tuple, a list or a dict, or the attributes of another object."""
    if isinstance(returned, tuple | list):
        return list(returned[:9])
    if isinstance(returned, dict):
        return list(returned.values())
    return list(vars(returned).values()) if hasattr(returned, "__dict__") else []


# ---- Arguments of spies, and attributes of a student's layer


def _read(value: Any) -> Any:
    if isinstance(value, Placeholder):
        return value
    try:
        return numbers(value)
    except Wrong:
        return None


def _used(step: Step, columns: Any) -> Samples:
    return step.used if isinstance(columns, slice) else step.used[columns]


def _are_same(one: Any, other: Any) -> bool:
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)


def _has_rows(value: Any, rows: int) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and len(value) == rows


def _keep(original: Any, layer: Any, input: Any, output: Array) -> None:
    """Store in the layer what its own forward stores, with the spy's output instead of its own."""
    with suppress(Exception):  # an error in a layer is not a mistake of the loop
        original(layer, input)
        own = layer.output
        for name, value in list(vars(layer).items()):
            setattr(layer, name, _exchange(value, own, output))
    with suppress(Exception):  # likewise
        layer.input = input
        layer.output = output


def _in_order(spy: Spy) -> Spy:
    """Return a spy that gets keyword arguments by position. Calls may use the notebook's names of parameters."""
    return wraps(spy)(lambda original, *given, **named: spy(original, *given, *named.values()))


class _Dense:
    """A dense layer for a notebook without one, which another part reports. The spies replace its methods."""

    def __init__(self, input_size: int, output_size: int):
        self.weights = np.ones((output_size, input_size + 1))


class _Softmax:
    """A softmax layer for a notebook without one."""


def _make(original: Any, *given: Any, **named: Any) -> None:
    """Make a layer, and restore the random state, so that the layer's own draws don't change the loop's."""
    state = np.random.get_state()
    original(*given, **named)
    np.random.set_state(state)


def _find_attribute(original: Any, layer: Any, name: str) -> Any:
    """Return None for the input and output of a layer before its first pass, as in the notebook."""
    if original is not None:
        return original(layer, name)
    if name in ("input", "output"):
        return None
    raise AttributeError(f"'{type(layer).__name__}' object has no attribute '{name}'")


def _exchange(value: Any, own: Any, output: Array) -> Any:
    if isinstance(value, dict):
        return {key: _exchange(each, own, output) for key, each in value.items()}
    return output if value is own or _are_same(value, own) else value
