"""One call of `train`, in which spies replace the layers and losses, and note what each of these is given.

The spies return drawn numbers, which depend on the samples and on the number of updates before. So the loop is tested
without the layers and losses, and any other argument is noticed. The first row of a prediction says whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np

from lib.checking.epochs import Samples, list_of, require_every_sample, require_mixing, sizes_of
from lib.checking.results import Wrong, are_near, compare, numbers, show
from lib.checking.spies import Spy
from lib.unit import Array, Inputs, NamedResults

COLUMNS, STRIDE = 41, 17
"""The columns of each table; and the shift of a sample's column with each update."""
KEY, KEYS, MOST = 1e-6, 256, 1200
"""The step between the first rows of two predictions, the number of samples that have one, and the most steps."""
SCORES, PREDICTION, LABELS = "dlayer.output", "softmax.output", "the labels of the batch"
GRADIENT, BACK = "the result of cce_gradient", "the result of softmax.backward times 1/B"
HINTS = {
    SCORES: "Pass to softmax.forward what dlayer.forward has just computed.",
    PREDICTION: "The labels y come first, then the prediction yhat, as softmax.forward has computed it.",
    LABELS: "A batch is a list of column numbers: take these columns from both X and y.",
    GRADIENT: "Pass to each backward the result of the call before it.",
    BACK: "Multiply by 1/B once, just before the dense layer. B is the number of samples in the batch.",
}
"""What to try where an argument isn't what it should be."""
UPDATE = "Make the dense layer once, before the loops, and call dlayer.backward once in every step."
ORDER = "Return three things, in this order: the dense layer, softmax, and the list of losses."
ONE_CALL = "one call in each step"
EPOCHS = "Run the outer loop nepochs times, and call generate_batch_indices once in each epoch."


@dataclass(eq=False)
class Step:
    """A forward pass, and what the loop does until the next one: its drawn `arrays`, and what is wrong, by result.

    `due` is the next batch of generate_batch_indices. Features that aren't `is_known` belong to no sample.
    """

    layer: Any
    version: int
    samples: Samples
    due: Samples
    is_known: bool
    arrays: dict[str, Array]
    faults: dict[str, Wrong] = field(default_factory=dict)
    is_led_back: bool = False
    updates: int = 0
    shown: Any = None

    def blame(self, result: str, what: str, found: str = "", expected: str = "", hint: str = "") -> None:
        """Note what is wrong, if nothing else is yet."""
        self._note(result, Wrong(what, found=found, expected=expected, hint=hint))

    def expect(self, result: str, call: str, given: Any, name: str, right: Array, atol: float = 1e-6) -> None:
        """Note an argument that isn't the array of this name: by its own name, or by the first other number."""
        what, found = f"{call} did not get {name}.", _read(given)
        try:
            if own := next((own for own, each in self.arrays.items() if own != name and _ratio(found, each)), ""):
                raise Wrong(what, found=own, expected=name)
            if not found.ndim:
                raise Wrong(what, found=f"the number {found:.5g}", expected=name)
            found = numbers(given, what=f"The argument of {call}")
            compare(found, right, rtol=1e-5, atol=atol, what=what, axes=("row", "sample"))
        except Wrong as wrong:
            wrong.hint = HINTS[name]
            if found.shape == right.shape and wrong.where:
                wrong.where += f", and {np.sum(~are_near(found, right, 1e-5, atol)) - 1} other numbers"
            self._note(result, wrong)

    def _note(self, result: str, wrong: Wrong) -> None:
        first = self.faults.setdefault(result, wrong)
        if first.what.startswith("cce ") and wrong.what == first.what.replace("cce", "cce_gradient", 1):
            first.what = wrong.what.replace("cce_gradient", "cce and cce_gradient", 1)


class SpyWeights(np.ndarray[Any, Any]):
    """Weights that a spy has set. A layer that begins with them is from an earlier call of `train`."""


class Run:
    """One call of `train`: its spies, and the steps that they note."""

    def __init__(self, inputs: Inputs):
        self.drawn = inputs
        self.X, self.rate, self.size = (self.drawn[name] for name in ("X", "learning_rate", "batch_size"))
        self.samples, self.epochs = self.X.shape[1], self.drawn["nepochs"]
        self.sizes = sizes_of(self.samples, self.size)
        self.y = np.zeros((self.samples + 1, KEYS))
        self.y[:, : self.samples] = self.drawn["y"]
        self.class_of = self.y.argmax(axis=0)
        self.by_code = self.X[0].argsort()
        self.middles = np.convolve(self.X[0, self.by_code], [0.5, 0.5], "valid")
        self.steps, self.version, self.calls, self.begin = list[Step](), 0, 0, 0
        self.asked: tuple[int, int] | None = None
        self.batches, self.shuffles, self.given = list[Samples](), dict[float, int](), list[Samples]()
        self.weights, self.softmaxes, self.called = dict[int, tuple[Any, Array]](), dict[int, Any](), set[str]()
        self.kept = dict[object, tuple[dict[str, Any], Any]]()

    def spies(self) -> dict[str, Spy]:
        """Return the functions and methods that replace the notebook's."""
        names = ("cce", "cce_gradient", "generate_batch_indices")
        methods = ("Dense.forward", "Dense.backward", "Softmax.forward", "Softmax.backward")
        spies = {each: _in_order(getattr(self, each.replace(".", "_").lower())) for each in (*names, *methods)}
        return spies | dict.fromkeys(("Dense.__getattr__", "Softmax.__getattr__"), _find_attribute)

    # ---- What layers and losses return for samples, after a number of updates

    def columns(self, name: str, version: Any, samples: Samples) -> Array:
        """Return the drawn columns of a table."""
        return np.asarray(self.drawn[name].take((STRIDE * version + samples) % COLUMNS, axis=1))

    def outputs(self, version: Any, samples: Samples) -> Array:
        """Return probabilities. In the second epoch the largest is that of the true class, so the accuracy is 1."""
        key = 0.05 + KEY * (version * KEYS + samples)
        outputs = np.vstack([key, (1 - key) * self.columns("outputs", version, samples)])
        second = np.flatnonzero((version // len(self.sizes) == 1) & (samples < self.samples))
        if second.size:
            true, largest = self.class_of[samples[second]], outputs[1:, second].argmax(axis=0) + 1
            outputs[true, second], outputs[largest, second] = outputs[largest, second], outputs[true, second]
        return outputs

    def loss(self, version: Any, samples: Samples) -> Any:
        """Return the mean loss."""
        levels = self.drawn["levels"]
        return np.mean(levels[version % len(levels)] * (1 + self.drawn["shifts"].take(samples)))

    # ---- Spies

    def generate_batch_indices(self, original: Any, num_samples: Any, batch_size: Any, *_: Any) -> list[Samples]:
        """Return the drawn batches of the next epoch: the same ones again after the same seed."""
        shuffle = self.shuffles.setdefault(np.random.random(), self.calls)
        count, size = self.asked = int(num_samples), int(batch_size)
        order = self.drawn["orders"][shuffle % len(self.drawn["orders"])]
        if count != self.samples:
            order = np.concatenate([order[order < count], np.arange(len(order), count)])
        self.batches = [order[start : start + size] for start in range(0, len(order), size)]
        self.given += self.batches
        self.calls, self.begin = self.calls + 1, self.version
        return [*self.batches]

    def dense_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        """Begin a step, unless it is the same pass again, and return scores."""
        step = self.steps[-1] if self.steps else None
        samples, is_known = self._identify(input, self._due())
        if step is not None and step.layer is None and not step.updates:
            step.layer, step.faults["batches"].what = layer, "softmax.forward runs before dlayer.forward."
        elif step is None or step.updates or step.layer is not layer or not np.array_equal(step.samples, samples):
            step = self._begin(layer, samples, is_known)
        if id(layer) not in self.weights:
            self._look_at_new(layer, step)
        return self._keep(original, layer, input, step.arrays[SCORES].copy())

    def _due(self) -> Samples:
        return self.batches[(self.version - self.begin) % len(self.batches)] if self.batches else np.arange(0)

    def _identify(self, input: Any, due: Samples) -> tuple[Samples, bool]:
        """Return whose features these are. Unknown ones count as those of the batch that is due."""
        if _is_same(input, self.X.take(due, axis=1)):
            return due, True
        features = _read(input)
        if features.ndim == 2 and len(features) == len(self.X) and features.size:
            near = self.by_code[np.searchsorted(self.middles, features[0])]
            if _is_near(features, self.X[:, near], atol=1e-5):
                return near, True
        count = features.shape[-1] if features.ndim else 1
        return (due if len(due) == count else self.samples + np.arange(count) % (KEYS - self.samples)), False

    def _begin(self, layer: Any, samples: Samples, is_known: bool) -> Step:
        if len(self.steps) == MOST:
            raise Wrong("There are far more steps than expected.", found=f"more than {MOST}")
        scores, gradient = (self.columns(name, self.version, samples) for name in ("scores", "gradients"))
        arrays = {SCORES: scores, LABELS: self.y.take(samples, axis=1), GRADIENT: gradient}
        arrays[BACK] = gradient[::-1] * (self.drawn["slopes"] / max(len(samples), 1))
        self.steps.append(Step(layer, self.version, samples, self._due(), is_known, arrays))
        return self.steps[-1]

    def _current(self) -> Step:
        return self.steps[-1] if self.steps else self._begin_without_forward()

    def _begin_without_forward(self) -> Step:
        step = self._begin(None, self._due(), False)
        step.blame("batches", "dlayer.forward was not called.", "no call", ONE_CALL)
        return step

    def softmax_forward(self, original: Any, layer: Any, input: Any, *_: Any) -> Any:
        """Note scores that aren't those of the dense layer, and return probabilities."""
        step = self._current()
        if step.updates:
            step = self._begin_without_forward()
        right = step.arrays[SCORES]
        if not _is_same(input, right):
            given = _read(input)  # which may be moved by a number for each sample
            if not _is_near(given - given[-1:], right - right[-1:], atol=1e-5):
                step.expect("scores", "softmax.forward", input, SCORES, right)
        step.arrays[PREDICTION] = self.outputs(step.version, step.samples)
        step.shown = step.arrays[PREDICTION].copy()
        self.softmaxes[id(layer)] = layer
        return self._keep(original, layer, input, step.shown)

    def _keep(self, original: Any, layer: Any, input: Any, output: Array) -> Array:
        """Store in the layer what its own forward stores, with this output in place of its own.

        That forward runs once for each class and shape of the input: it may be slow.
        """
        key = type(layer), np.shape(input)
        with suppress(Exception):  # an error in a layer is not a mistake of the loop
            layer.input = input
            if key not in self.kept:
                before = dict(vars(layer))
                original(layer, input)
                stored = {name: each for name, each in vars(layer).items() if each is not before.get(name)}
                self.kept[key] = stored, layer.output
            stored, own = self.kept[key]
            for name, each in stored.items():
                is_dict, new = isinstance(each, dict), output if each is own else each
                setattr(
                    layer, name, {key: output if one is own else one for key, one in each.items()} if is_dict else new
                )
        with suppress(Exception):
            layer.output = output
        return output

    def cce(self, original: Any, y: Any, yhat: Any, *_: Any) -> Any:
        """Note whose labels and predictions these are, and return the mean of the predictions' losses."""
        return self.loss(*self._look_at_labels("cce", y, yhat))

    def cce_gradient(self, original: Any, y: Any, yhat: Any, *_: Any) -> Any:
        """Note whose labels and predictions these are, and return gradients of the predictions."""
        self._current().is_led_back = True
        version, samples = self._look_at_labels("cce_gradient", y, yhat)
        return self.columns("gradients", version, samples)

    def _look_at_labels(self, name: str, y: Any, yhat: Any) -> tuple[Any, Samples]:
        self.called.add(name)
        step = self._current()
        version: Any = step.version
        samples, right = step.samples, step.arrays[LABELS]
        if not _is_same(yhat, step.arrays.get(PREDICTION)):
            if (owners := self._owners_of(_read(yhat))) is not None:
                version, samples = owners
                right = self.y.take(samples, axis=1)
            elif step.updates:  # it is no part of training
                return self.version, samples
            else:
                step.expect("labels", name, yhat, PREDICTION, self.outputs(version, samples))
        if not _is_same(y, right) and not _is_near(labels := _read(y), right):
            self._look_at_other_labels(step, name, labels, samples, right)
        return version, samples

    def _owners_of(self, prediction: Array) -> tuple[Samples, Samples] | None:
        """Return the versions and samples of predictions."""
        if prediction.ndim != 2 or len(prediction) != len(self.y):
            return None
        keys = np.rint((prediction[0] - 0.05) / KEY).clip(0, MOST * KEYS).astype(int)
        found = keys // KEYS, keys % KEYS
        return found if _is_near(prediction, self.outputs(*found), atol=1e-6) else None

    def _look_at_other_labels(self, step: Step, name: str, y: Array, samples: Samples, right: Array) -> None:
        owners = np.zeros(0, dtype=int)
        if y.ndim == 2 and len(y) == len(self.y) and y.size:
            owners = self.class_of[: self.samples].argsort()[y.argmax(axis=0) - 1]
        if not owners.size or not _is_near(y, self.y[:, owners]):
            step.expect("labels", name, y, LABELS, right)
            return
        if not step.is_known:
            return
        is_given, other_is_given = (any({*each} == {*one} for one in self.given) for each in (owners, samples))
        if is_given and not other_is_given:
            what = "dlayer.forward did not get the samples of the batch."
            found = f"columns {list_of(samples)} of X, and columns {list_of(owners)} of y"
            step.blame("batches", what, found, f"columns {list_of(owners)} of both", HINTS[LABELS])
            return
        found, wanted = f"the labels of samples {list_of(owners)}", f"those of samples {list_of(samples)}"
        step.blame("labels", f"{name} did not get {LABELS}.", found, wanted, HINTS[LABELS])

    def softmax_backward(self, original: Any, layer: Any, output_gradient: Any, *_: Any) -> Any:
        """Note another gradient than that of the loss. Return a multiple, so that 1/B may come before or after it."""
        step, given = self._current(), _read(output_gradient)
        step.is_led_back, right = True, step.arrays[GRADIENT]
        if id(layer) not in self.softmaxes and PREDICTION in step.arrays:
            step.blame("flow", "backward is called on another layer than forward.", hint=UPDATE)
        if PREDICTION in step.arrays and not _is_same(step.shown, step.arrays[PREDICTION]):
            what = "softmax.output is overwritten before softmax.backward needs it."
            step.blame("flow", what, hint="Write into a new array.")
        if not _is_same(given, right) and not _ratio(given, right):
            step.expect("flow", "softmax.backward", output_gradient, GRADIENT, right, atol=1e-9)
        return given[::-1] * self.drawn["slopes"] if given.shape == right.shape else np.full(right.shape, np.nan)

    def dense_backward(self, _: Any, layer: Any, output_gradient: Any, learning_rate: Any = np.nan, *__: Any) -> Any:
        """Note a step that isn't rate times 1/B times gradient, and set other weights."""
        step = self._current()
        if step.layer is not None:
            step = next((each for each in reversed(self.steps) if each.layer is layer), step)
        step.updates += 1
        step.layer = step.layer or layer
        if step.updates > 1:
            step.blame("flow", "dlayer.backward is called more than once.", f"{step.updates} calls", ONE_CALL, UPDATE)
        if step.layer is not layer:
            step.blame("flow", "backward is called on another layer than forward.", hint=UPDATE)
        elif layer is not self.steps[0].layer:
            step.blame("flow", "dlayer.backward updates another layer than in the first step.", hint=UPDATE)
        self._look_at_weights(step, layer)
        self._look_at_update(step, output_gradient, _read(learning_rate))
        self.version += 1
        with suppress(Exception):  # a layer that allows no weights is not a mistake of the loop
            layer.weights = (self.drawn["weights"] * (1 - 0.01 * self.version)).view(SpyWeights)
        self.weights[id(layer)] = layer, np.array(getattr(layer, "weights", None))
        return np.ones((len(self.X), len(step.samples)))

    def _look_at_update(self, step: Step, output_gradient: Any, rate: Array) -> None:
        if not step.is_led_back:
            step.blame("flow", "softmax.backward was not called.", "no call", ONE_CALL, HINTS[GRADIENT])
        right, count = step.arrays[BACK], len(step.samples)
        ratio = _ratio(_read(output_gradient), right) * float(rate if not rate.ndim else 0) / self.rate
        if not ratio:
            step.expect("flow", "dlayer.backward", output_gradient, BACK, right, atol=1e-12)
            step.blame("flow", "dlayer.backward did not get the learning rate.", show(rate), show(self.rate))
            return
        lacking = count / max(len(step.due), 1)  # samples: that is the mistake of another statement
        if abs(ratio - 1) < 1e-5 or abs(ratio - lacking) < 1e-5:
            return
        what, hint = f"The step is {ratio:.5g} times as large as it should be.", "Multiply by 1/B and by the rate once."
        if ratio < 0:
            what, hint = "The weights move the wrong way.", "Leave out the minus sign: dlayer.backward subtracts."
        elif count < self.size and abs(ratio - count / self.size) < 1e-5:
            what = "1/B uses batch_size, but this batch is shorter."
        found, expected = (f"{each * self.rate / count:.5g} times the gradient" for each in (ratio, 1))
        step.blame("flow", what, f"a step by {found}", f"{expected}, which is learning_rate times 1/{count}", hint)

    def _look_at_new(self, layer: Any, step: Step) -> None:
        """Note the sizes of a layer's weights, and weights from an earlier call of `train`."""
        weights: Any = getattr(layer, "weights", None)
        self.weights[id(layer)] = layer, np.array(weights)
        if isinstance(weights, SpyWeights):
            step.blame("flow", "The dense layer is kept from one call to the next.", hint=UPDATE)
        elif np.shape(weights) != (len(self.y), len(self.X) + 1):
            rows, columns = np.shape(weights) if np.ndim(weights) == 2 else (0, 1)
            found, right = f"Dense({columns - 1}, {rows})", f"Dense({len(self.X)}, {len(self.y)})"
            hint = "Dense takes the number of inputs first: a sample's inputs are its features."
            step.blame("scores", "The dense layer has the wrong sizes.", found, right, hint)

    def _look_at_weights(self, step: Step, layer: Any) -> None:
        """Note weights that something else than the spy of dlayer.backward has set since the first step."""
        if id(layer) in self.weights and not _is_same(getattr(layer, "weights", None), self.weights[id(layer)][1]):
            step.blame("flow", "Something besides dlayer.backward changes the weights.", hint=UPDATE)

    # ---- Results

    def training_steps(self) -> list[Step]:
        """Return the steps with a backward pass, and batches that never have one: not those for an accuracy."""
        if all(step.is_led_back for step in self.steps):
            return self.steps
        kept, done = list[Step](), {frozenset(each.samples.tolist()) for each in self.steps if each.is_led_back}
        for step in self.steps:
            key = frozenset(step.samples.tolist())
            if step.is_led_back or step.updates or (key not in done and len(key) in self.sizes):
                kept.append(step)
                done.add(key)
        return kept

    def require_batches(self, steps: Sequence[Step]) -> None:
        """Raise `Wrong` unless each step has its batch."""
        if not steps:
            raise Wrong("dlayer.forward was not called.", found="no call", expected=ONE_CALL)
        self._require_arguments(steps)
        self.raise_first("batches", steps)
        samples = [step.samples for step in steps]
        try:
            if not all(step.is_known for step in steps):
                raise Wrong("dlayer.forward did not get columns of X.")
            require_every_sample(samples, self.samples, self.size, self.epochs)
        except Wrong:
            for step in steps:
                if not step.is_known or (len(step.due) and {*step.samples} != {*step.due}):
                    found = f"columns {list_of(step.samples)}" if step.is_known else "numbers that are no columns"
                    what = "dlayer.forward did not get the samples of the batch."
                    step.blame("batches", what, f"{found} of X", f"columns {list_of(step.due)}", HINTS[LABELS])
            self.raise_first("batches", steps)
            raise
        require_mixing(samples, self.samples, self.size)
        self.raise_first("scores", steps)

    def _require_arguments(self, steps: Sequence[Step]) -> None:
        """Raise `Wrong` for another number of steps, and for other arguments of generate_batch_indices."""
        count, right = self.epochs * len(self.sizes), (self.samples, self.size)
        if self.asked not in (None, right):
            what, hint = "generate_batch_indices gets the wrong arguments.", "Pass num_samples, and then batch_size."
            found, expected = (f"generate_batch_indices{each}" for each in (self.asked, right))
            raise Wrong(what, found=found, expected=expected, hint=hint)
        if len(steps) != count and self.calls not in (0, self.epochs) and len(steps) % len(self.sizes) == 0:
            what, found = "The number of epochs is wrong.", f"{self.calls} calls of generate_batch_indices"
            raise Wrong(what, found=found, expected=f"{self.epochs}, one for each epoch", hint=EPOCHS)
        if len(steps) != count:
            sizes = list_of([len(step.samples) for step in steps[: len(self.sizes)]])
            raise Wrong(
                "The number of training steps is wrong.",
                found=f"{len(steps)} step{'s' * (len(steps) != 1)}, the first with {sizes} samples",
                expected=f"{count}: {self.epochs} epochs of batches with {list_of(self.sizes)} samples",
                hint="Do one step for every batch of every epoch. A return in a loop ends the function.",
            )

    def raise_first(self, result: str, steps: Sequence[Step]) -> None:
        """Raise what is wrong in the first step with a fault in this result."""
        faulty = [(number, step.faults[result]) for number, step in enumerate(steps) if result in step.faults]
        for number, wrong in faulty[:2][-1:]:  # the second tells more: the first batch may be right by its place alone
            epoch, batch = divmod(number, len(self.sizes))
            wrong.where = ", ".join(filter(None, [f"epoch {epoch + 1}, batch {batch + 1}", wrong.where]))
            raise wrong

    def results(self, returned: Any, error: Exception | None) -> NamedResults:
        """Return the results of all statements. Each raises `Wrong` if it is wrong."""
        steps, (one, two, three) = self.training_steps(), self.drawn["secrets"].tolist()

        def batches() -> float:
            if error:
                raise error
            self.require_batches(steps)
            return float(one)

        def labels() -> float:
            if not self.called:
                raise Wrong("cce was not called.", found="no call", expected=ONE_CALL)
            self.raise_first("labels", steps)
            return float(two)

        def flow() -> float:
            if not steps:
                raise Wrong("dlayer.backward was not called.", found="no call", expected=ONE_CALL, hint=UPDATE)
            calls = sum(step.updates for step in steps)
            for step in (step for step in steps if not step.updates):
                found = f"{calls} calls in {len(steps)} steps"
                step.blame("flow", "dlayer.backward was not called.", found, ONE_CALL, UPDATE)
            for layer, _ in self.weights.values():
                self._look_at_weights(steps[-1], layer)
            self.raise_first("flow", steps)
            return float(three)

        def losses() -> list[Any]:
            if error:
                raise error
            return [*self._losses(returned, steps), float(one)]

        return NamedResults(batches=batches, labels=labels, flow=flow, losses=losses)

    def _losses(self, returned: Any, steps: Sequence[Step]) -> list[Array]:
        """Return the losses that `train` returns, and the right ones. Raises `Wrong` for other layers."""
        entries = [*returned[:9]] if isinstance(returned, tuple | list) else []
        layers = [each for each in entries if hasattr(each, "forward")]
        found: Any = returned[-1] if layers or (isinstance(returned, tuple) and returned) else returned
        if hasattr(found, "forward"):
            raise Wrong("train returns a layer last.", expected="the list of losses", hint=ORDER)
        found = numbers(found, what="The list of losses that train returns")
        if found.ndim > 1:
            what, shape = "The list has several numbers for each epoch.", f"shape ({self.epochs},)"
            raise Wrong(what, found=f"shape {found.shape}", expected=shape, hint="Append only the epoch's loss.")
        dense = [each for each in layers if hasattr(each, "weights")]
        trained = getattr(steps[-1].layer, "weights", None) if steps else None
        if steps and dense and not any(_is_same(each.weights, trained) for each in dense):
            raise Wrong("The dense layer that is returned has not been trained.", hint=ORDER)
        if dense and len(layers) > 1 and layers[0] is not dense[0]:
            raise Wrong("The layers are in another order.", hint=ORDER)
        if "cce" not in self.called:
            raise Wrong("cce was not called.", found="no call", expected=ONE_CALL)
        losses, values = found.ravel(), np.array([self.loss(step.version, step.samples) for step in steps])
        used, due = (np.array([len(getattr(step, name)) for step in steps]) for name in ("samples", "due"))
        try:
            self.require_batches(steps)
        except Wrong:
            ways = [(sizes, total) for sizes in (used, due) for total in (self.samples, 0)]
            if any(_are_means(losses, sizes * values, sizes, total) for sizes, total in ways):
                return [losses, losses]
        expected = np.add.reduceat(values * used / self.samples, np.arange(0, len(steps), len(self.sizes)))
        if len(losses) != len(expected):
            count, right = f"{len(losses)} loss{'es' * (len(losses) != 1)}: {list_of(losses)}", len(expected)
            what, hint = "train does not return one loss for each epoch.", "Append it once, after its last batch."
            raise Wrong(what, found=count, expected=f"{right}, one for each epoch", hint=hint)
        return [losses, expected]


def _are_means(found: Array, sums: Array, sizes: Array, total: int) -> bool:
    """True if each loss is the mean over some of the next steps, because these are not the right ones."""
    begin = 0
    for loss in found:
        with np.errstate(all="ignore"):
            means = sums[begin:].cumsum() / (total or sizes[begin:].cumsum())
            end = int(np.nanargmin(abs(means - loss))) if means.size else 0
        if not means.size or not are_near(means[end], loss, 1e-5, 1e-9):
            return False
        begin += end + 1
    return len(found) > 0


def _is_same(given: Any, right: Any) -> bool:
    """True for the same numbers in an array: a fast path for nearly all arguments."""
    return isinstance(given, np.ndarray) and given.shape == np.shape(right) and bool((given == right).all())


def _is_near(given: Array, right: Array, atol: float = 1e-9) -> bool:
    return np.shape(given) == right.shape and bool((np.abs(given - right) <= 1e-5 * np.abs(right) + atol).all())


def _ratio(given: Array, right: Array) -> float:
    """Return by how much an array is multiplied, or 0 if it isn't a multiple."""
    if given.shape != right.shape or not right.size:
        return 0.0
    at = np.abs(right).argmax()
    ratio = float(given.flat[at] / right.flat[at])
    return ratio if _is_near(given, ratio * right, atol=1e-12) else 0.0


def _read(value: Any) -> Array:
    """Return an array, an empty one for what is no array of numbers."""
    try:
        return numbers(value)
    except Wrong:
        return np.zeros((0, 0))


def _in_order(spy: Spy) -> Spy:
    """Return a spy that gets keyword arguments by position. Calls may use the notebook's names of parameters."""
    return wraps(spy)(lambda original, *given, **named: spy(original, *given, *named.values()))


def _find_attribute(original: Any, layer: Any, name: str) -> Any:
    """Return None for the input and output of a layer before its first pass."""
    if original is not None:
        return original(layer, name)
    if name in ("input", "output"):
        return None
    raise AttributeError(f"'{type(layer).__name__}' object has no attribute '{name}'")
