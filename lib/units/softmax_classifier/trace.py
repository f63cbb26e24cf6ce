"""The trace of a training loop: one row a step, with what the loop gave to each call.

While `train` runs, spies stand in the place of the student's layers and losses. They return arrays that were drawn
beforehand, so the loop is tested apart from these. Each array that a spy is given becomes a number or two, weighted
sums of its entries: arrays that differ have different sums. `steps` says what the rows have to be.

An open blank does not stop the loop: it becomes a `Placeholder`, which raises `OpenBlank` where its value is read.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, wraps
from itertools import pairwise
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lib.blanks import OpenBlank
from lib.checking.spying import Spy, namespace_of, spied
from lib.checking.student_code import random_numbers
from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Several
from lib.units.softmax_classifier.draws import Call, Samples

HEADER = 3
"""Numbers at the start of each row: updates before it, shuffles, and updates since the last of these. The samples
follow, in as many columns as X has."""
NOT_CALLED, NO_ARRAY = -1.0, -2.0
NO_SAMPLE, UNKNOWN = -1, -2
"""In the place of a sample's number: there is none, or the features are no sample's."""
OTHER_SHAPE, BASE = -1000.0, 1000.0
"""Below this number a sum stands for the shape of an array that has another one than it should, in this base."""
BLANK = "__blank__"
"""The name that `lib.blanks` puts in the place of a ?."""
KEPT = 2
"""How a layer is touched that is left from an earlier call of `train`, with the weights that it had there."""
WRITTEN = 3
"""How a step is touched whose prediction is overwritten before softmax.backward needs it."""
NO_LAYER, OTHER_LAYER = -1, -2
"""In the place of a dense layer's number: none yet, or a backward pass was another layer's than the forward pass."""
RECENT = 6
"""Steps among which an array is looked for: a loop works on the latest one or two."""


THREE_THINGS = "Return three things, in this order: the dense layer, softmax, and the list of losses."
_given_out: WeakValueDictionary[int, Array] = WeakValueDictionary()
"""Weights that spies have given to layers, by their identity: in a later call of `train` a layer with such is kept."""


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
        for each in key if isinstance(key, tuple) else (key,):
            if isinstance(each, Placeholder):
                return each
        return super().__getitem__(key)


@dataclass(eq=False)
class Step:
    """One forward pass of a dense layer, and what the loop made of it.

    `version` counts the updates before it, `shuffle` the calls of generate_batch_indices, `asked` are the arguments of
    the latest, and `position` counts the updates since. `samples` are the columns of X that `features` are; where these
    are none, the batch that was due, and `is_known` is False.
    """

    version: int
    shuffle: int
    position: int
    samples: Samples
    asked: tuple[float, float]
    is_known: bool = False
    layer: int = NO_LAYER
    sizes: tuple[float, float] = (NOT_CALLED, NOT_CALLED)
    updates: int = 0
    touched: int = 0
    given: dict[str, Any] = field(default_factory=dict)
    """What the spies were given: an array, the placeholder of an open blank, or None for what is no array."""
    made: dict[str, Array] = field(default_factory=dict)
    """The scores and outputs that the spies returned."""


class Trace:
    """The spies for one call of `train`, and the steps that they note."""

    def __init__(self, call: Call):
        self.call, self.steps = call, list[Step]()
        self.version = self.shuffles = 0
        self.asked = (NOT_CALLED, NOT_CALLED)
        self._drawn: dict[float, int] = {}
        self._layers: list[Any] = []
        self._weights: dict[int, bytes] = {}
        """The weights that each dense layer should have, by its number; nothing for one that is left over."""
        self._latest: dict[int, tuple[Any, Step]] = {}
        """Each layer and its latest step, by the layer's identity."""
        spies: Mapping[str, Spy] = {
            "Dense.forward": self.dense_forward,
            "Dense.backward": self.dense_backward,
            "Softmax.forward": self.softmax_forward,
            "Softmax.backward": self.softmax_backward,
            "cce": self.cce,
            "cce_gradient": self.cce_gradient,
            "generate_batch_indices": self.generate_batch_indices,
            "Dense.__getattr__": _find_attribute,
            "Softmax.__getattr__": _find_attribute,
        }
        self.spies = {name: _in_order(spy) for name, spy in spies.items()}

    @property
    def has_an_epoch(self) -> bool:
        """Whether there were as many updates as an epoch has batches, so that a short last one was among them."""
        return sum(step.updates > 0 for step in self.steps) >= self.call.batches_in_an_epoch

    # ---- What the loop calls

    def dense_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        number, features, last = self._number(layer), _read(input), self.steps[-1] if self.steps else None
        is_again = last is not None and (last.layer, last.shuffle) == (number, self.shuffles) and not last.updates
        if last is None or not is_again or not _are_same(last.given.get("features"), features):
            # Where softmax or the loss was called before the dense layer it is the same step, in a wrong order.
            last = self._begin() if last is None or last.updates or last.layer >= 0 else last
            last.layer, last.given["features"] = number, features
            self._identify(last, features)
            self._look_at_weights(last, layer)
            last.sizes = _sizes(layer) if last.touched < KEPT else (len(self.call.X), self.call.classes)
        output = last.made["scores"] = self.call.columns("scores", last.version, last.samples)
        self._latest[id(layer)] = layer, last
        _keep(original, layer, input, output)
        with suppress(Exception):
            layer.input = np.vstack([input, np.ones((1, np.shape(input)[1]))])
        return output

    def softmax_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        step, _all = self._find("scores", input)
        step.given["scores"] = _read(input)
        output = step.made["outputs"] = self.call.outputs(step.version, step.samples)
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
        return np.float64(self.call.loss(step.version, step.samples[columns]))

    def cce_gradient(self, original: Any, y: Any, yhat: Any, *_: Any) -> Any:
        step, columns = self._find("outputs", yhat)
        self._note(step, columns, y=y, yhat=yhat)
        return self.call.columns("output_gradients", step.version, step.samples[columns])

    def softmax_backward(self, original: Any, layer: Any, output_gradient: Any, *_: Any) -> Any:
        """Multiply by a drawn matrix: linear, as the real layer is, so 1/B may come in before or after."""
        known = self._latest.get(id(layer))
        _layer, step = known or (layer, self._current())
        if known is None and "outputs" in step.made:  # where none ran, that is what is wrong
            step.layer = OTHER_LAYER
        if "outputs" in step.made and not _are_same(
            step.made["outputs"], self.call.outputs(step.version, step.samples)
        ):
            step.touched = WRITTEN
        step.given["into_softmax"] = given = _read(output_gradient)
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
        step.given |= {"gradient": _read(output_gradient), "rate": _read(learning_rate)}
        step.layer = number if step.layer in (NO_LAYER, number) else OTHER_LAYER
        self._look_at_weights(step, layer)
        self.version += 1
        weights = self.call.weights(self.version)
        with suppress(Exception):  # a layer that allows no weights: what is wrong in it is not the loop's
            layer.weights = _given_out[id(weights)] = weights
        self._weights[number] = weights.tobytes()
        return self.call.columns("input_gradients", step.version, step.samples)

    def generate_batch_indices(self, original: Any, count: Any, size: Any, *_: Any) -> list[Samples]:
        count, size = int(count), int(size)
        # The student's own draws from NumPy's generator: where that is set back, the order is the same again.
        shuffle = self._drawn.setdefault(np.random.random(), self.shuffles)
        order = np.concatenate(self.call.batches(shuffle))
        order = np.concatenate([order[order < count], np.arange(self.call.samples, max(count, 0))])
        self.shuffles += 1
        self.asked = float(count), float(size)
        ends = [0, *range(size, len(order), size), len(order)]
        return [order[start:end] for start, end in pairwise(ends)]  # as np.split does, in a tenth of the time

    # ---- Which step it belongs to

    def _begin(self) -> Step:
        position = sum(step.shuffle == self.shuffles and bool(step.updates) for step in self.steps)
        due = self.call.batches(max(self.shuffles - 1, 0))
        step = Step(self.version, self.shuffles, position, due[position % len(due)], self.asked)
        self.steps.append(step)
        return step

    def _current(self) -> Step:
        """Give the latest step; one without features where the loop goes on after an update without a forward."""
        return self._begin() if not self.steps or self.steps[-1].updates else self.steps[-1]

    def _find(self, name: str, value: Any) -> tuple[Step, Any]:
        """Find the step whose scores or outputs these are, and which columns; else the latest step, and all."""
        given = _read(value)
        # Scores from before an update are no longer the layer's. A prediction may still be compared with labels.
        recent = [step for step in reversed(self.steps[-RECENT:]) if name != "scores" or not step.updates]
        recent = [step for step in recent if name in step.made]
        for step in [each for each in recent if value is each.made[name]] or recent:
            made = step.made[name]
            if value is made or _are_same(made, given):
                return step, slice(None)
            if _has_rows(given, len(made)) and given.shape[1] < made.shape[1]:
                is_equal = (made[:, :, None] == given[:, None, :]).all(axis=0)
                if is_equal.any(axis=0).all():
                    return step, is_equal.argmax(axis=0)
        return self._current(), slice(None)

    @staticmethod
    def _note(step: Step, columns: Any, **given: Any) -> None:
        """Note what a loss was given; of some columns, beside those of the calls before it for the same step."""
        for name, value in given.items():
            new = _read(value)
            if not isinstance(columns, slice) and isinstance(new, np.ndarray) and new.shape[1:] == columns.shape:
                whole = step.given.get(name)
                if not isinstance(whole, np.ndarray) or whole.shape != (len(new), len(step.samples)):
                    whole = np.full((len(new), len(step.samples)), np.nan)
                whole[:, columns] = new
                new = whole
            step.given[name] = new

    def _find_joined(self, yhat: Any) -> tuple[list[Step], Samples] | None:
        """Find the latest steps whose outputs are the columns of `yhat`, side by side or in their samples' columns."""
        if not isinstance(yhat, np.ndarray) or yhat.ndim != 2:
            return None
        found, width = list[Step](), 0
        for step in reversed([each for each in self.steps if "outputs" in each.made]):
            if width >= yhat.shape[1]:
                break
            found.insert(0, step)
            width += len(step.samples)
        if len(found) < 2 or width != yhat.shape[1]:
            return None
        outputs = np.hstack([step.made["outputs"] for step in found])
        for places in (np.arange(width), np.concatenate([step.samples for step in found])):
            if np.array_equal(np.sort(places), np.arange(width)) and _are_same(outputs, yhat[:, places]):
                return found, places
        return None

    def _note_joined(self, steps: Sequence[Step], places: Samples, y: Any) -> Any:
        """Note the loss of several batches whose labels and predictions stand in one matrix, and give their mean."""
        sizes = [len(step.samples) for step in steps]
        fits = isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == len(places)
        parts = np.split(y[:, places], np.cumsum(sizes)[:-1], axis=1) if fits else [y] * len(steps)
        for step, part in zip(steps, parts, strict=True):
            step.given |= {"loss_y": part, "loss_yhat": step.made["outputs"]}
        return np.average([self.call.loss(step.version, step.samples) for step in steps], weights=sizes)

    def _identify(self, step: Step, features: Any) -> None:
        X = self.call.X
        if not _has_rows(features, len(X)) or not features.size:
            return
        distances = np.abs(X[:, :, None] - features[:, None, :]).max(axis=0)
        if (distances.min(axis=0) < 1e-3).all():
            step.samples, step.is_known = distances.argmin(axis=0), True
        elif features.shape[1] != len(step.samples):
            step.samples = self.call.samples + np.arange(features.shape[1])

    # ---- Which layer it is

    def _number(self, layer: Any) -> int:
        for number, known in enumerate(self._layers):
            if known is layer:
                return number
        self._layers.append(layer)
        return len(self._layers) - 1

    def _look_at_weights(self, step: Step, layer: Any) -> None:
        """Note whether something other than Dense.backward has changed the layer's weights."""
        number, now = self._number(layer), getattr(layer, "weights", None)
        written = np.asarray(0 if now is None else now).tobytes()
        if number not in self._weights:  # until its first step a loop may set weights of its own
            self._weights[number] = b"" if _given_out.get(id(now)) is now is not None else written
        if self._weights[number] != written:
            step.touched = 1 if self._weights[number] else KEPT

    def look_at_the_end(self, returned: Any) -> None:
        """Note what has become of the weights after the last step, in a layer that is returned."""
        for layer in self._layers:
            if any(each is layer for each in _entries_of(returned)) and self.steps:
                self._look_at_weights(self.steps[-1], layer)

    def trained(self) -> Any:
        """Give the layer that the last step trained, if there is one."""
        steps = self.training_steps
        return self._layers[steps[-1].layer] if steps and steps[-1].layer >= 0 else None

    # ---- In numbers

    @cached_property
    def training_steps(self) -> list[Step]:
        """Leave out forward passes without an update, unless a batch has no other, and what is far too much."""
        kept = list[Step]()
        keys = [tuple(np.sort(step.samples).tolist()) for step in self.steps]
        done = {key for key, step in zip(keys, self.steps, strict=True) if step.updates}
        for key, step in zip(keys, self.steps, strict=True):
            is_left_out = key not in done and step.is_known and self.call.is_batch(step.samples, step.shuffle)
            if step.updates or is_left_out:
                kept.append(step)
                done.add(key)
        return kept[: most_steps(self.call)]

    def table(self, columns: Callable[[Step, Call], Iterable[float]], count: int) -> Array:
        """Write a row for each training step: the header, its samples, and `count` numbers. Raises `OpenBlank`."""
        steps = zip(self._headers, self.training_steps, strict=True)
        rows = [[*header, *columns(step, self.call)] for header, step in steps]
        return np.array(rows, dtype=float).reshape(-1, HEADER + self.call.samples + count)

    @cached_property
    def _headers(self) -> list[list[float]]:
        shown = [step.samples if step.is_known else np.full(len(step.samples), UNKNOWN) for step in self.training_steps]
        heads = [(step.version, step.shuffle, step.position) for step in self.training_steps]
        return [[*head, *_pad(samples, self.call)] for head, samples in zip(heads, shown, strict=True)]


def most_steps(call: Call) -> int:
    """Return how many steps are looked at: many more than there should be, even if each sample is a step."""
    return (call.epochs + 1) * max(2 * call.batches_in_an_epoch, call.samples)


def _pad(samples: Samples, call: Call) -> list[float]:
    some = samples[: call.samples].tolist()
    return [*some, *[NO_SAMPLE] * (call.samples - len(some))]


def batches(step: Step, call: Call) -> Iterator[float]:
    """What was asked of generate_batch_indices, the dense layer's sizes, features, scores and labels."""
    yield from step.asked
    yield from step.sizes
    yield _sum(step, "features", len(call.X))
    yield _sum(step, "scores", call.classes, is_shift_free=True)
    labels = step.given.get("y")
    yield NO_ARRAY if isinstance(labels, Placeholder) else _sum(step, "y", call.classes)


def labels(step: Step, call: Call) -> list[float]:
    """What cce and cce_gradient were given, and whose labels these are."""
    sums = [_sum(step, name, call.classes) for name in ("loss_y", "loss_yhat", "y", "yhat")]
    one, other = (_pad(_owners_of(step.given.get(name), call), call) for name in ("loss_y", "y"))
    return [*sums, *one, *other]


def _owners_of(given: Any, call: Call) -> Samples:
    """Find the samples whose labels an array has in its columns; none if it has others."""
    if not _has_rows(given, call.classes) or not given.size:
        return np.arange(0)
    samples = np.full(call.classes, NO_SAMPLE)
    samples[call.y.argmax(axis=0)] = np.arange(call.samples)
    owners = samples[given.argmax(axis=0)]
    return owners if np.abs(given - call.y[:, owners]).max() < 1e-6 else np.arange(0)


def flow(step: Step, call: Call) -> Iterator[float]:
    """The updates and the layer, the direction of what softmax.backward was given, and learning rate times gradient.

    The latter is measured by the right rate and 1/B, so that it is about 1.
    """
    yield from (step.updates, step.layer, step.touched)
    into_softmax, gradient = (_gradient(step, name, call) for name in ("into_softmax", "gradient"))
    yield direction(*into_softmax) if into_softmax else _sum(step, "into_softmax", call.classes)
    rate = step.given.get("rate")
    if isinstance(rate, Placeholder):
        raise OpenBlank(rate.sentence)
    number = rate.item() if isinstance(rate, np.ndarray) and rate.size == 1 else np.nan
    other = 0.0 if step.given.get("gradient") is None else np.ravel(step.given["gradient"]).sum()
    one, other = gradient or (_sum(step, "gradient", call.classes), other)
    scale = number / call.rate * len(step.samples)
    yield from (one * scale if gradient else one, other * scale)


def _gradient(step: Step, name: str, call: Call) -> tuple[float, float] | None:
    """Write an array of gradients as two sums; None for what is no such array.

    One that is a multiple of another has a multiple of both sums. Each sample's gradient is measured by its own size,
    so that in a sum with large ones a small one counts as much.
    """
    given = step.given.get(name)
    if not isinstance(given, np.ndarray) or given.shape != (call.classes, len(step.samples)):
        return None
    return two_sums(given / call.gradient_sizes(step.version, step.samples))


def losses(step: Step, call: Call) -> Iterator[float]:
    """Whether cce was called for the step."""
    yield float("loss_y" in step.given)


def _sum(step: Step, name: str, rows: int, is_shift_free: bool = False) -> float:
    if name not in step.given:
        return NOT_CALLED
    given = step.given[name]
    if isinstance(given, Placeholder):
        raise OpenBlank(given.sentence)
    if given is None:
        return NO_ARRAY
    if not _has_rows(given, rows):
        digits = [min(length + 1, BASE - 1) * BASE**at for at, length in enumerate(given.shape[:3])]
        return OTHER_SHAPE - float(sum(digits))
    return sum_entries(given, is_shift_free)


@lru_cache(maxsize=64)
def _weights_of(count: int) -> Array:
    return np.sqrt(np.arange(2, count + 2))  # no two are alike, nor the sums of any two


@lru_cache(maxsize=64)
def _weights_of_rows(count: int, is_shift_free: bool) -> Array:
    """Return the weights of a column's entries: their sum is 1, or 0 if the sum is to be free of shifts."""
    rows = _weights_of(count)
    return np.asarray(rows / rows.sum() - (1 / count if is_shift_free else 0))


def sum_entries(array: Array, is_shift_free: bool = False) -> float:
    """Sum an array's entries, (rows, batch), each with the weight of its row and of its column.

    `is_shift_free` makes the sum independent of what is added to all entries of a column.
    """
    # `dot` and not `@`, which takes twice as long for arrays this small.
    return float(_weights_of_rows(len(array), is_shift_free).dot(array).dot(_weights_of(array.shape[1])))


def two_sums(array: Array) -> tuple[float, float]:
    """Sum an array's entries in two ways."""
    return sum_entries(array), sum_entries(array[::-1])


def direction(one: float, other: float) -> float:
    """Make of an array's two sums a number that is the same for all of its multiples."""
    return other / one if one else 0.0


# ---- One run


def trace(inputs: Inputs, train: Any) -> Several:
    """Call `train` once, spied on, and give its tables, the losses, and 1 or 2 where a wrong layer is returned.

    Raises what it raises before an epoch is over. A later error costs what the steps before it can't show.
    """
    namespace = namespace_of(train)
    if namespace is None:
        raise Wrong("train is not a function.", found=type(train).__name__, expected="a function")
    run = Trace(Call(inputs))
    X, y = (inputs[name].view(DataArray) for name in ("X", "y"))
    # What spies compare with must stay as it is drawn, whatever the student writes into X and y.
    run.call.X, run.call.y = run.call.X.copy(), run.call.y.copy()
    returned, error = None, None
    reach: Spy = lambda _, blank, sentence, *__: Placeholder(sentence)  # noqa: E731
    blanks = {"Blank": type(blank) if (blank := namespace.get(BLANK, vars(builtins).get(BLANK))) else None}
    lacking = {name: kind for name, kind in {"Dense": _Dense, "Softmax": _Softmax}.items() if name not in namespace}
    with (
        random_numbers(),
        spied(blanks, {"Blank.__getitem__": reach}),
        spied(namespace, run.spies),
        spied(namespace, {name: lambda _, *sizes, kind=kind: kind(*sizes) for name, kind in lacking.items()}),
        spied(lacking, run.spies),
    ):
        np.random.seed(1)  # the same draws for every check
        try:
            returned = train(X, y, run.call.rate, run.call.batch_size, run.call.epochs)
        except Exception as raised:
            if isinstance(raised, OpenBlank) or not run.has_an_epoch:
                raise
            error = raised
    run.look_at_the_end(returned)
    returned_losses = _losses_of(returned)

    def unless_it_failed(show: Callable[[], Any]) -> Any:
        if error is not None:
            raise error
        return show()

    return Several(
        batches=lambda: unless_it_failed(lambda: run.table(batches, 7)),
        labels=lambda: run.table(labels, 4 + 2 * run.call.samples),
        flow=lambda: run.table(flow, 6),
        losses=lambda: unless_it_failed(lambda: [_read_losses(returned_losses, run.call), run.table(losses, 1)]),
        returned=lambda: _what_is_returned(returned, run),
    )


def _losses_of(returned: Any) -> Any:
    """Find the losses in what `train` returned: last in a tuple, and in a list that has the layers in it."""
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
        raise Wrong(what, found=f"shape {found.shape}", expected=expected, hint="Put the epoch's loss alone into it.")
    return found.ravel()[:1000]


def _what_is_returned(returned: Any, run: Trace) -> float:
    """Give 1 if there is a dense layer among it and none is trained, 2 if softmax comes before it, else 0."""
    layers, trained = [each for each in _entries_of(returned) if hasattr(each, "forward")], run.trained()
    dense = [each for each in layers if hasattr(each, "weights")]
    if dense and trained is not None and not any(each is trained or _has_weights(each, trained) for each in dense):
        return 1
    is_first = bool(layers) and any(layers[0] is each for each in dense)
    return 2 if dense and len(layers) > 1 and isinstance(returned, tuple | list) and not is_first else 0


def _has_weights(layer: Any, trained: Any) -> bool:
    """Tell whether a layer is a copy of the trained one: of the layer as it is at the end."""
    return _are_same(_read(layer.weights), _read(getattr(trained, "weights", None)))


def _entries_of(returned: Any) -> list[Any]:
    """Give what a call returned: the entries of a tuple, a list or a dict, or an object's attributes."""
    if isinstance(returned, tuple | list):
        return list(returned[:9])
    if isinstance(returned, dict):
        return list(returned.values())
    return list(vars(returned).values()) if hasattr(returned, "__dict__") else []


# ---- What the spies are given, and what a student's layer keeps


def _read(value: Any) -> Any:
    if isinstance(value, Placeholder):
        return value
    try:
        return numbers(value)
    except Wrong:
        return None


def _are_same(one: Any, other: Any) -> bool:
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)


def _has_rows(value: Any, rows: int) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and len(value) == rows


def _sizes(layer: Any) -> tuple[float, float]:
    """Give the sizes with which a dense layer was made, by its weights, which have one column more, for the bias."""
    shape = np.shape(getattr(layer, "weights", 0))
    return (shape[1] - 1.0, float(shape[0])) if len(shape) == 2 else (NO_ARRAY, NO_ARRAY)


def _keep(original: Any, layer: Any, input: Any, output: Array) -> None:
    """Have the layer keep what its own forward keeps, with the spy's output in the place of its own."""
    with suppress(Exception):  # what is wrong in a layer is not the loop's
        original(layer, input)
        own = layer.output
        for name, value in list(vars(layer).items()):
            setattr(layer, name, _exchange(value, own, output))
    with suppress(Exception):  # likewise
        layer.input = input
        layer.output = output


def _in_order(spy: Spy) -> Spy:
    """Give a spy by place what can only be given by name. Calls may use the notebook's names, which are the spy's."""
    return wraps(spy)(lambda original, *given, **named: spy(original, *given, *named.values()))


class _Dense:
    """A dense layer for a notebook that lacks one, which is another part's matter: the spies do the rest."""

    def __init__(self, input_size: int, output_size: int):
        self.weights = np.ones((output_size, input_size + 1))


class _Softmax:
    """Likewise, a softmax layer."""


def _find_attribute(original: Any, layer: Any, name: str) -> Any:
    """Layers begin without an input and an output, as the notebook's do."""
    if original is not None:
        return original(layer, name)
    if name in ("input", "output"):
        return None
    raise AttributeError(f"'{type(layer).__name__}' object has no attribute '{name}'")


def _exchange(value: Any, own: Any, output: Array) -> Any:
    if isinstance(value, dict):
        return {key: _exchange(each, own, output) for key, each in value.items()}
    return output if value is own or _are_same(value, own) else value
