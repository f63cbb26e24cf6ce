"""Training, a little at a time: a run can stop after any batch, be looked at, and go on later.

The loop is the notebook's own: forward through Dense and Softmax, the loss, and the gradients back again. All layers
and losses are the student's; nothing here computes what they compute. Settings share what is not a setting: the same
seed gives the same start weights and the same order of samples, so that only the setting changes the picture.
"""

from __future__ import annotations

import inspect
import math
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.checking.student_code import Failure, run_student_code
from lib.checking.values import Wrong
from lib.explorer.samples import Samples

Matrix: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

CALL_LIMIT = 1.0  # seconds that the student's code may take between two looks at the clock
RUN_LIMIT = 10.0  # seconds of training for one run


@dataclass(frozen=True)
class Network:
    """The student's four: `Dense(input_size, output_size)`, `Softmax()`, `cce(y, yhat)`, `cce_gradient(y, yhat)`."""

    Dense: Callable[..., Any]
    Softmax: Callable[..., Any]
    cce: Callable[[Matrix, Matrix], Any]
    cce_gradient: Callable[[Matrix, Matrix], Matrix]


def cut(order: Indices, batch_size: int) -> list[Indices]:
    """Cut an epoch's order of samples into batches; the last may be short."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


@dataclass(frozen=True)
class Recipe:
    """What the loop does with a network; a what-if replaces one entry.

    `share` is the factor of a batch's gradient: 1/B makes its sum a mean. `labels` picks the columns of y that go
    with the columns of X in a batch.
    """

    network: Network
    share: Callable[[int], float] = lambda batch: 1 / batch
    batches: Callable[[Indices, int], list[Indices]] = cut
    labels: Callable[[Indices], Indices] = lambda batch: batch


@dataclass(frozen=True)
class Setting:
    """What tells one run from another. How many epochs is not part of it: a longer run begins like a shorter one."""

    learning_rate: float
    batch_size: int
    seed: int = 0
    data: str = "blobs"
    what_if: str = ""


class Run:
    """One training run: its losses so far, the weights after each epoch, and why it ended if it did.

    `iteration_loss` holds the loss of every batch before its step; `epoch_loss[e]` is the mean over epoch e + 1, each
    batch weighted by its samples; `validation_loss[e]` is the loss after it. `weights[e]` are those after e epochs.
    `fault` is a sentence about student code that failed, `diverged` the epoch in which the loss or a weight stopped
    being a finite number.
    """

    def __init__(self, recipe: Recipe, samples: Samples, setting: Setting, start: Matrix | None = None) -> None:
        self.recipe, self.samples, self.setting = recipe, samples, setting
        self.iteration_loss = array("d")
        self.epoch_loss: list[float] = []
        self.validation_loss: list[float] = []
        self.weights: list[Matrix] = []
        self.fault = ""
        self.diverged: int | None = None
        self.last_loss = math.nan
        self.seconds = 0.0
        self._start = start
        self._seen: dict[int, float] = {}
        self._before: float | None = None
        self._steps = self._train()

    @property
    def epochs(self) -> int:
        """How many epochs are complete."""
        return len(self.epoch_loss)

    @property
    def iterations_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return len(self.recipe.batches(np.arange(self.samples.X.shape[1]), self.setting.batch_size))

    @property
    def over(self) -> bool:
        """Whether it ended for good: a fault, or divergence."""
        return bool(self.fault) or self.diverged is not None

    def complete(self, epochs: int) -> bool:
        """Whether there is nothing left to train for a picture of this many epochs."""
        return self.over or self.epochs >= epochs

    def advance(self, epochs: int, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Train on until `epochs` are complete, `seconds` have passed, `stop()` says so, or the run is over."""
        if self.complete(epochs):  # most moves meet a run that was trained ahead: no need to wake a thread
            return
        begin = time.perf_counter()

        def train() -> None:
            deadline = time.perf_counter() + min(seconds, RUN_LIMIT - self.seconds)
            # The first batch has no deadline: before it there are no weights, and most pictures are of these.
            while not self.complete(epochs) and not (self.weights and time.perf_counter() >= deadline) and not stop():
                next(self._steps, None)

        outcome = run_student_code(train, seconds + CALL_LIMIT)
        if isinstance(outcome, Failure):
            self.fault = outcome.text_and_code
        self.seconds += time.perf_counter() - begin
        if self.seconds >= RUN_LIMIT and not self.complete(epochs):
            self.fault = f"Training took over {RUN_LIMIT:g} seconds, so it stopped in epoch {self.epochs + 1}."

    def predict(self, X: Matrix, epoch: int) -> tuple[Matrix, Matrix]:
        """Return scores and probabilities, (classes, samples) each, of the network as it was after `epoch` epochs."""
        self._dense.weights = self.weights[epoch]
        self._dense.forward(X)
        self._softmax.forward(self._dense.output)
        return self._dense.output, self._softmax.output

    def accuracy(self, epoch: int) -> float:
        """Return the part of the validation samples whose likeliest class is the true one, from 0 to 1."""
        if epoch not in self._seen:
            _, yhat = self.predict(self.samples.X_validation, epoch)
            right = np.argmax(yhat, axis=0) == self.samples.labels_validation
            self._seen[epoch] = float(np.mean(right))
        return self._seen[epoch]

    def loss_before(self) -> float:
        """Return the loss on the training samples with the start weights."""
        if self._before is None:
            _, yhat = self.predict(self.samples.X, 0)
            target = self.samples.y[:, self.recipe.labels(np.arange(yhat.shape[1]))]
            self._before = float(self.recipe.network.cce(target, yhat))
        return self._before

    def _train(self) -> Iterator[None]:
        """Train without end, and pause after every batch."""
        network, samples, setting = self.recipe.network, self.samples, self.setting
        X, y, rate = samples.X, samples.y, setting.learning_rate
        share, pick = self.recipe.share, self.recipe.labels
        cce, cce_gradient = network.cce, network.cce_gradient
        dense, softmax = self._build()
        orders = np.random.default_rng(setting.seed)
        check = True
        while True:
            total = 0.0
            trained = 0
            for batch in self.recipe.batches(orders.permutation(X.shape[1]), setting.batch_size):
                target = y[:, pick(batch)]
                dense.forward(X[:, batch])
                softmax.forward(dense.output)
                if check:
                    _require_shape("Dense.forward", "output", dense.output, target.shape)
                    _require_shape("Softmax.forward", "output", softmax.output, target.shape)
                loss = float(cce(target, softmax.output))
                self.iteration_loss.append(loss)
                if not math.isfinite(loss):
                    return self._diverge(loss)
                gradient = cce_gradient(target, softmax.output)
                if check:
                    _require_shape("cce_gradient", "result", gradient, target.shape)
                gradient = softmax.backward(gradient)
                if check:
                    _require_shape("Softmax.backward", "result", gradient, target.shape)
                dense.backward(share(len(batch)) * gradient, rate)
                if check:
                    _require_shape("Dense.backward", "new weights", dense.weights, self.weights[0].shape)
                    check = False
                total += loss * len(batch)
                trained += len(batch)
                yield
            if not np.isfinite(dense.weights).all():
                return self._diverge(math.nan)
            dense_now = np.array(dense.weights, dtype=float)
            validation = self._validate(dense, softmax)
            if not math.isfinite(validation):
                return self._diverge(validation)
            self.weights.append(dense_now)
            self.validation_loss.append(validation)
            self.epoch_loss.append(total / trained if trained else math.nan)
            yield

    def _build(self) -> tuple[Any, Any]:
        """Make the layers that train, and a second pair to look at earlier epochs with."""
        network, sizes = self.recipe.network, (len(self.samples.X), len(self.samples.y))
        start = start_weights(network, self.samples, self.setting.seed) if self._start is None else self._start
        with seeded(self.setting.seed):
            dense, self._dense = network.Dense(*sizes), network.Dense(*sizes)
        softmax, self._softmax = network.Softmax(), network.Softmax()
        dense.weights = start.copy()
        self.layer = dense
        self.weights.append(start)
        return dense, softmax

    def _validate(self, dense: Any, softmax: Any) -> float:
        dense.forward(self.samples.X_validation)
        softmax.forward(dense.output)
        return float(self.recipe.network.cce(self.samples.y_validation, softmax.output))

    def _diverge(self, loss: float) -> None:
        self.diverged, self.last_loss = self.epochs + 1, loss


def start_weights(network: Network, samples: Samples, seed: int) -> Matrix:
    """Return the weights, (classes, features + 1), that the student's Dense starts with under this seed.

    Raises Wrong if they have another shape.
    """
    sizes = len(samples.X), len(samples.y)
    with seeded(seed):
        dense = network.Dense(*sizes, **_rng(network.Dense, seed))
    _require_shape("Dense", "weights", getattr(dense, "weights", None), (sizes[1], sizes[0] + 1))
    return np.array(dense.weights, dtype=float)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which the notebook's Dense draws from, and put it back as it was."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def _rng(Dense: Callable[..., Any], seed: int) -> dict[str, np.random.Generator]:
    """Return the argument for a Dense that takes its own generator, as `rng`."""
    takes = "rng" in inspect.signature(Dense).parameters
    return {"rng": np.random.default_rng(seed)} if takes else {}


def _require_shape(place: str, what: str, found: Any, expected: tuple[int, ...]) -> None:
    """Refuse an array of another shape with a sentence about the place it comes from."""
    shape = np.shape(found)
    if shape != expected:
        hint = ". Try .T: columns are samples" if shape == expected[::-1] else ""
        seen = "there is none" if found is None else f"its shape is {shape}"
        raise Wrong(f"{place}: {what} should be {expected}, but {seen}{hint}.")
