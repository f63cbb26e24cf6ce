"""Training in small portions: a run can pause after any batch, show its state, and go on later.

The loop is that of the notebook: forward through Dense and Softmax, the loss, and backward. All layers and losses are
the student's. The same seed gives the same initial weights and the same order of samples, so that only the setting
changes the picture. Runs don't influence each other: each one has its own state of `np.random`.
"""

import math
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.checking.results import Wrong
from lib.checking.student_code import BROWSER, Failure, attempt, random_numbers, run_student_code, silence
from lib.explorer.samples import Samples

Matrix: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

CALL_LIMIT = 1.0  # seconds for student code between two checks of the clock
TINY = 1e-300  # a probability of 0 has no logarithm
ROUNDING = 1e-6  # scores of equal probabilities may differ by this much
TRACED = BROWSER > 1  # without threads, tracing each line keeps the limit, which is several times slower


@dataclass(frozen=True)
class Network:
    """The student's `Dense(input_size, output_size)`, `Softmax()`, `cce(y, yhat)` and `cce_gradient(y, yhat)`.

    With an `Architecture`, `Dense` makes several layers with all weights in one array, and `counted` and `is_number`
    are those of the architecture.
    """

    Dense: Callable[..., Any]
    Softmax: Callable[..., Any]
    cce: Callable[[Matrix, Matrix], Any]
    cce_gradient: Callable[[Matrix, Matrix], Matrix]
    counted: str = ""
    is_number: bool = False

    def loss(self, y: Matrix, yhat: Matrix) -> float:
        """Return the loss from `cce`. As in its check, an array with one entry counts as that number."""
        loss: Any = self.cce(y, yhat)
        try:
            return float(loss)
        except (TypeError, ValueError):
            number = np.asarray(loss)
        if number.size == 1 and number.dtype.kind in "biuf":
            return float(number.item())
        seen = f"its shape is {number.shape}" if number.size != 1 else f"it is a {type(loss).__name__}"
        raise Wrong(f"cce: the result must be one number, but {'there is none' if loss is None else seen}.")


def cut(order: Indices, batch_size: int) -> list[Indices]:
    """Cut an epoch's order of samples into batches. The last one may be short."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


@dataclass(frozen=True)
class Recipe:
    """The variable steps of the training loop. A what-if replaces one of them.

    `share` is the factor of a batch's gradient, 1/B for a mean. `batches` cuts an order of samples into batches.
    `labels` returns the columns of y for the columns of X in a batch. `features` makes the network's input from X.
    """

    network: Network
    share: Callable[[int], float] = lambda batch: 1 / batch
    batches: Callable[[Indices, int], list[Indices]] = cut
    labels: Callable[[Indices], Indices] = lambda batch: batch
    features: Callable[[Matrix], Matrix] = lambda X: X


class Setting(NamedTuple):
    """The setting of a run, without the number of epochs: a longer run begins in the same way as a shorter one.

    `size` is that of an `Architecture`, such as the number of hidden units, or 0.
    """

    learning_rate: float
    batch_size: int
    seed: int = 0
    data: str = "blobs"
    what_if: str = ""
    size: float = 0


class Run:
    """One training run: its losses so far, the weights after each epoch, and the reason if it ended early.

    `iteration_loss` is the loss of every batch before its step. `epoch_loss[e]` is the mean over epoch e + 1, with each
    batch weighted by its samples. `validation_loss[e]` is the loss after that epoch, and `right[e]` the number of
    validation samples predicted correctly. `weights[e]` are the weights after e epochs. `fault` is a sentence about
    student code that failed or took too long. `diverged` is the epoch in which the loss or a weight became infinite or
    nan. Runs that share `starts` begin with the same weights for the same seed and data, even if Dense draws its
    weights from its own generator.
    """

    def __init__(
        self, recipe: Recipe, samples: Samples, setting: Setting, starts: dict[Setting, Matrix] | None = None
    ) -> None:
        self.recipe, self.samples, self.setting = recipe, samples, setting
        self.iteration_loss = array("d")
        self.epoch_loss: list[float] = []
        self.validation_loss: list[float] = []
        self.right: list[int] = []
        self.weights: list[Matrix] = []
        self.fault = ""
        self.diverged: int | None = None
        self.last_loss = math.nan
        self._all = np.arange(samples.X.shape[1])
        self._starts = {} if starts is None else starts
        self._random = np.random.RandomState(setting.seed).get_state()
        self._steps = self._train()

    @property
    def epochs(self) -> int:
        """The number of complete epochs."""
        return len(self.epoch_loss)

    @property
    def iterations_per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return len(self.recipe.batches(self._all, self.setting.batch_size))

    @property
    def over(self) -> bool:
        """True if the run can't go on, after a fault or divergence."""
        return bool(self.fault) or self.diverged is not None

    def complete(self, epochs: int) -> bool:
        """True if a picture of this many epochs needs no more training."""
        return self.over or self.epochs >= epochs

    def advance(self, epochs: int, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Train until `epochs` are complete, `seconds` have passed, `stop()` returns True, or the run is over."""
        if self.complete(epochs):  # the usual case, after training ahead: it needs no thread
            return
        is_known = TRACED and self.epochs > 0  # one epoch in time shows that there is no endless loop

        def train() -> None:
            deadline = time.perf_counter() + seconds
            # The first batch has no deadline: before it, there are no weights to show.
            while not self.complete(epochs) and not (self.weights and time.perf_counter() >= deadline) and not stop():
                next(self._steps, None)
            self._random = np.random.get_state()

        with random_numbers(self._random), silence():
            outcome = attempt(train) if is_known else run_student_code(train, seconds + CALL_LIMIT)
        if isinstance(outcome, Failure):
            self.fault = outcome.text_and_code

    def predict(self, X: Matrix, epoch: int) -> Matrix:
        """Return the probabilities, (classes, samples), of the network as it was after `epoch` epochs."""
        return self._forward(X, self.layer_after(epoch), self._softmax)

    def predict_logs(self, X: Matrix, epoch: int) -> Matrix:
        """Return the logarithms of what `predict` returns.

        Where a probability is too small for a float, the scores replace its logarithm, as long as the class with the
        highest score is always the most probable one. So the borders between classes don't move.
        """
        p = np.nan_to_num(self.predict(X, epoch))
        scores, first = np.asarray(self._dense.output), np.argmax(p, axis=0)[None]
        logs: Matrix = np.log(np.maximum(p, TINY))
        lag = scores - np.take_along_axis(scores, first, axis=0)
        if lag.max() < ROUNDING:
            logs = np.where(p < TINY, np.take_along_axis(logs, first, axis=0) + lag, logs)
        return logs

    def layer_after(self, epoch: int) -> Any:
        """Return the student's layer before softmax, with its weights after `epoch` epochs."""
        self._dense.weights = self.weights[epoch]
        return self._dense

    def _train(self) -> Iterator[None]:
        """Train without an end, and yield after every batch."""
        network, samples, setting, share = self.recipe.network, self.samples, self.setting, self.recipe.share
        dense, softmax = self._build()
        orders = np.random.default_rng(setting.seed)
        while True:
            total, trained = 0.0, 0
            for batch in self.recipe.batches(orders.permutation(samples.X.shape[1]), setting.batch_size):
                target = samples.y[:, self.recipe.labels(batch)]
                yhat = self._forward(samples.X[:, batch], dense, softmax)
                loss = network.loss(target, yhat)
                self.iteration_loss.append(loss)
                if not math.isfinite(loss):
                    return self._diverge(loss)
                gradient = softmax.backward(network.cce_gradient(target, yhat))
                dense.backward(share(len(batch)) * gradient, setting.learning_rate)
                total += loss * len(batch)
                trained += len(batch)
                yield
            if not np.isfinite(dense.weights).all():
                return self._diverge(math.nan)
            now = np.array(dense.weights, dtype=float)
            yhat = self._forward(samples.X_validation, dense, softmax)
            validation = network.loss(samples.y_validation, yhat)
            if not math.isfinite(validation):
                return self._diverge(validation)
            self.weights.append(now)
            self.validation_loss.append(validation)
            self.right.append(int(np.sum(np.argmax(yhat, axis=0) == samples.labels_validation)))
            self.epoch_loss.append(total / trained)
            yield

    def _forward(self, X: Matrix, dense: Any, softmax: Any) -> Matrix:
        """Return the probabilities, (classes, samples)."""
        dense.forward(self.recipe.features(X))
        softmax.forward(dense.output)
        output: Matrix = softmax.output
        return output

    def _build(self) -> tuple[Any, Any]:
        """Make two layers to train, and two to show earlier epochs."""
        Dense, Softmax = self.recipe.network.Dense, self.recipe.network.Softmax
        sizes = len(self.samples.X), len(self.samples.y)
        dense, softmax, self._dense, self._softmax = Dense(*sizes), Softmax(), Dense(*sizes), Softmax()
        if not self.recipe.network.counted:
            _require_shape("Dense", "weights", getattr(dense, "weights", None), (sizes[1], sizes[0] + 1))
        start = np.array(dense.weights, dtype=float)
        # The initial weights depend only on the seed, the data and the size.
        start = self._starts.setdefault(self.setting._replace(learning_rate=0.0, batch_size=0, what_if=""), start)
        dense.weights = start.copy()
        self._require_shapes(dense, softmax)
        dense.weights = start.copy()
        self.weights.append(start)
        return dense, softmax

    def _require_shapes(self, dense: Any, softmax: Any) -> None:
        """Raise `Wrong` if a layer returns a wrong shape, in a step with the learning rate 0."""
        layer = "Network" if self.recipe.network.counted else "Dense"
        first = self._all[: self.setting.batch_size]
        y, shape = self.samples.y[:, first], (len(self.samples.y), len(first))
        dense.forward(self.samples.X[:, first])
        _require_shape(f"{layer}.forward", "output", dense.output, shape)
        softmax.forward(dense.output)
        _require_shape("Softmax.forward", "output", softmax.output, shape)
        gradient = self.recipe.network.cce_gradient(y, softmax.output)
        _require_shape("cce_gradient", "result", gradient, shape)
        gradient = softmax.backward(gradient)
        _require_shape("Softmax.backward", "result", gradient, shape)
        weights = dense.weights.shape
        dense.backward(gradient, 0.0)
        _require_shape(f"{layer}.backward", "new weights", dense.weights, weights)

    def _diverge(self, loss: float) -> None:
        self.diverged, self.last_loss = self.epochs + 1, loss


def _require_shape(place: str, what: str, found: Any, expected: tuple[int, ...]) -> None:
    if (shape := np.shape(found)) != expected:
        hint = ". Try .T: columns are samples" if shape == expected[::-1] else ""
        seen = "there is none" if found is None else f"its shape is {shape}"
        raise Wrong(f"{place}: {what} must have the shape {expected}, but {seen}{hint}.")
