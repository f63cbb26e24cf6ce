"""What a training loop did in one call of `train`: its forward passes, and what it made of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn, TypeGuard

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from lib.blanks import OpenBlank
from lib.checking.values import Wrong, numbers
from lib.unit import Array
from lib.units.softmax_classifier.errors import Named
from lib.units.softmax_classifier.loop.calls import Call, Samples

RECENT = 6
"""Forward passes among which an array is looked for: a loop works on the latest one or two."""


class Placeholder(NDArrayOperatorsMixin):
    """The value of an open blank: arithmetic returns it unchanged, and reading it raises `OpenBlank`."""

    def __init__(self, sentence: str):
        self.sentence = sentence

    def __array_ufunc__(self, *_: Any, **__: Any) -> Placeholder:
        return self

    def _raise_open_blank(self, *_: Any) -> NoReturn:
        raise OpenBlank(self.sentence)

    __array__ = __len__ = __iter__ = __float__ = __index__ = __bool__ = __getitem__ = __call__ = _raise_open_blank


RecordedValue = Array | Placeholder | Wrong | None
"""What a spy was given: its numbers, an open blank, why it is no array of numbers, or None if the spy wasn't called."""


def has_rows(value: RecordedValue, rows: int) -> TypeGuard[Array]:
    """Tell whether a spy was given a matrix with so many rows."""
    return isinstance(value, np.ndarray) and value.ndim == 2 and len(value) == rows


@dataclass
class Pass:
    """One forward pass of a dense layer, and what the loop did with it.

    `version` counts the updates before it, `shuffle` the calls of generate_batch_indices, and `position` the updates
    since the last of these; `asked` are the arguments of that call. `samples` are the columns of X that the spies took
    it for; where `features` are not columns of X, they are the batch that was due, and `known` is False. An update is a
    gradient and a learning rate.
    """

    version: int
    shuffle: int
    position: int
    samples: Samples
    asked: tuple[int, ...] = ()
    known: bool = False
    features: RecordedValue = None
    layer: int = 0
    sizes: tuple[Any, ...] = ()
    softmax_input: RecordedValue = None
    loss_labels: RecordedValue = None
    loss_outputs: RecordedValue = None
    labels: RecordedValue = None
    prediction: RecordedValue = None
    into_softmax: RecordedValue = None
    updates: list[tuple[RecordedValue, RecordedValue]] = field(default_factory=list)
    touched: bool = False
    """Whether something other than Dense.backward has changed the layer's weights."""
    kept: bool = False
    """Whether the layer is one of an earlier call of train, with the weights that it had there. It is touched, too."""
    returned: dict[str, Array] = field(default_factory=dict)
    """The arrays that the spies returned in it: the scores and the outputs."""


@dataclass
class Recording:
    """What the spies recorded in one call of `train`, and what it returned."""

    call: Call
    passes: list[Pass] = field(default_factory=list)
    shuffles: int = 0
    drawn: dict[float, int] = field(default_factory=dict)
    """The number that NumPy's generator gave at each shuffle, and which shuffle that was."""
    asked: tuple[int, ...] = ()
    version: int = 0
    returned: Any = None
    """The losses that `train` returned: its result's `loss` attribute, or the last thing it returned."""
    returned_layers: tuple[int, ...] = ()
    """The serial numbers of the dense layers that were returned."""
    is_softmax_first: bool = False
    """Whether `train` returned softmax before the dense layer."""
    X: Array | None = None
    y: Array | None = None
    error: Exception | None = None
    """What the call raised; the first one after an epoch at the earliest."""
    notes: dict[object, Any] = field(default_factory=dict)
    """What was worked out of it so far: several statements and probes ask for the same."""

    @property
    def has_an_epoch(self) -> bool:
        """Whether there were as many updates as an epoch has batches, so that a short last one was among them."""
        return sum(bool(each.updates) for each in self.passes) >= self.call.batches_in_an_epoch

    @cached_property
    def steps(self) -> list[Pass]:
        """The training steps: the forward passes with an update, and those of a batch that has none.

        Any other forward pass, for example to compute the accuracy, is not a step.
        """
        due = [self.call.find_batch(each.samples, [each.shuffle] if each.shuffle else []) for each in self.passes]
        done = {batch for each, batch in zip(self.passes, due, strict=True) if each.updates}
        steps = []
        for each, batch in zip(self.passes, due, strict=True):
            if each.updates or (each.known and batch is not None and batch not in done):
                steps.append(each)
                done.add(batch)
        return steps

    @property
    def losses(self) -> Array:
        """The epochs' losses that `train` returned, (nepochs,)."""
        if hasattr(self.returned, "forward"):
            what, expected = "train returns a layer last.", "the list of losses"
            raise Wrong(what, found=type(self.returned).__name__, expected=expected)
        found = numbers(self.returned, what="The list of losses that train returns")
        if found.ndim > 1 and len(found) == self.call.epochs < found.size:
            hint = "Put the epoch's loss alone into the list."
            what, expected = "The list has several numbers for each epoch.", f"shape ({self.call.epochs},)"
            raise Named(what, found=f"shape {found.shape}", expected=expected, hint=hint)
        return found.ravel()

    @property
    def current(self) -> Pass:
        """The latest forward pass; one without features where the loop goes on after an update without a forward."""
        if not self.passes or self.passes[-1].updates:
            self.passes.append(self._new_pass())
        return self.passes[-1]

    def forward(self, layer: Any, features: RecordedValue) -> Pass:
        """Record a forward pass. The same input as before, with no update or shuffle since, is the same pass."""
        last = self.passes[-1] if self.passes else None
        here = layer._serial, self.shuffles
        if last and (last.layer, last.shuffle) == here and not last.updates and _same(last.features, features):
            return last
        if last is None or last.updates or last.layer:
            last = self._new_pass()
            self.passes.append(last)
        # else softmax or the loss was called before the dense layer: it is the same step, in a wrong order
        last.features, last.layer, last.sizes = features, layer._serial, layer._sizes
        if isinstance(features, np.ndarray):
            self._identify(last, features)
        return last

    def find(self, name: str, value: object, recorded: RecordedValue) -> tuple[Pass, Samples | None]:
        """Find the pass, and in it the columns, whose array `name` is `value`; else the latest pass.

        None stands for all columns.
        """
        # Scores from before an update are no longer the layer's. A prediction may still be compared with the labels.
        recent = [one for one in reversed(self.passes[-RECENT:]) if name in one.returned]
        recent = [one for one in recent if name != "scores" or not one.updates]
        for seen in recent:
            if value is seen.returned[name]:
                return seen, None
        if isinstance(recorded, np.ndarray) and recorded.ndim == 2:
            for seen in recent:
                array = seen.returned[name]
                columns = _find_columns(array, recorded) if len(array) == len(recorded) else None
                if columns is not None:
                    return seen, None if len(columns) == array.shape[1] else columns
        return self.current, None

    def find_joined(self, outputs: RecordedValue) -> tuple[list[Pass], Samples]:
        """Find the latest passes whose outputs together are the columns of `outputs`, and the places of these in it.

        They stand side by side, or each in the column of its sample. There are no passes if there are no two.
        """
        if not isinstance(outputs, np.ndarray) or outputs.ndim != 2:
            return [], np.arange(0)
        found: list[Pass] = []
        width = 0
        for seen in reversed([each for each in self.passes if "outputs" in each.returned]):
            found.insert(0, seen)
            width += seen.returned["outputs"].shape[1]
            if width >= outputs.shape[1]:
                break
        if len(found) > 1:
            joined, columns = np.hstack([each.returned["outputs"] for each in found]), np.arange(outputs.shape[1])
            for places in (columns, np.concatenate([each.samples for each in found])):
                if np.array_equal(np.sort(places), columns) and _same(joined, outputs[:, places]):
                    return found, places
        return [], np.arange(0)

    def _new_pass(self) -> Pass:
        position = sum(each.shuffle == self.shuffles and bool(each.updates) for each in self.passes)
        batches = self.call.batches(max(self.shuffles - 1, 0))
        return Pass(self.version, self.shuffles, position, batches[position % len(batches)], self.asked)

    def _identify(self, seen: Pass, features: Array) -> None:
        """Find the samples that the columns of `features` are."""
        X = self.call.X
        if features.ndim != 2 or len(features) != len(X):
            return
        if features.shape[1] == len(seen.samples) and (X.take(seen.samples, axis=1) == features).all():
            seen.known = True
            return
        if (found := _find_columns(X, features)) is not None:
            seen.samples, seen.known = found, True
        elif features.shape[1] != len(seen.samples):
            seen.samples = len(X.T) + np.arange(features.shape[1])


Recordings = tuple[Recording, Recording]
"""What was recorded in both calls of `train`."""


def _same(one: RecordedValue, other: RecordedValue) -> bool:
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)


def _find_columns(table: Array, columns: Array) -> Samples | None:
    """Find for each of some columns the one of `table` that it equals, up to rounding; None if one isn't there."""
    if table.shape == columns.shape and np.array_equal(table, columns):
        return np.arange(table.shape[1])
    distances = np.abs(table[:, :, None] - columns[:, None, :]).max(axis=0, initial=0)
    nearest = distances.argmin(axis=0)
    is_near = distances[nearest, np.arange(len(nearest))] < 1e-3 * (1e-3 + np.abs(columns).max(axis=0, initial=0))
    return nearest if columns.size and is_near.all() else None
