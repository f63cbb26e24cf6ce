"""Whether the losses get the labels of the same samples, and softmax's output as the prediction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.loop.calls import Call, Samples
from lib.units.softmax_classifier.loop.hints import name_as
from lib.units.softmax_classifier.loop.recordings import Pass, RecordedValue, Recording
from lib.units.softmax_classifier.loop.rule import LoopRule
from lib.units.softmax_classifier.loop.steps import NOT_CALLED, Step, sum_entries
from lib.units.softmax_classifier.loop.words import (
    compare_labels,
    is_close,
    is_equal,
    labels_are,
    missing_call,
    owners_of,
    place_of,
    require_steps,
)


class LabelsWithSamples(LoopRule):
    names = ("loss_labels", "loss_outputs", "labels", "outputs")
    data = "y"

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        """Compare what went into cce and cce_gradient with the samples of the step and the spy's output.

        A loss that is not called is another statement's matter, unless neither is.
        """
        require_steps(steps, "cce")
        if all(step["loss_labels"] == step["labels"] == NOT_CALLED for step in steps):
            raise missing_call("cce", place_of(call, 0))
        are_batches = all(step.takes_a_batch for step in steps)
        for number, step in enumerate(steps):
            right = [call.y.take(samples, axis=1) for samples in self._sources(step, are_batches)]
            sums, output = [*map(sum_entries, right)], call.outputs(step.version, step.samples)
            for name, labels, outputs in (
                ("cce", "loss_labels", "loss_outputs"),
                ("cce_gradient", "labels", "outputs"),
            ):
                if step[labels] == step[outputs] == NOT_CALLED:
                    continue
                if not any(is_close(step[labels], each) for each in sums):
                    raise self._explain(name, number, step, labels, right[0])
                if not is_close(step[outputs], sum_entries(output)):
                    raise self._explain(name, number, step, outputs, output)

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        if recordings[number].steps and all(step.softmax_input is None for step in recordings[number].steps):
            return name_as("softmax.forward is not called", wrong)
        if not wrong.what.startswith("cce"):
            return wrong
        return name_as(name_labels(recordings[number].call, recordings[number].steps), wrong)

    @staticmethod
    def _sources(step: Step, are_batches: bool) -> list[Samples]:
        """Give the samples whose labels are right: those that the step took; if these are wrong, those due as well."""
        sources = [step.samples] if (step.samples < step.call.samples).all() else []
        return sources if are_batches else [*sources, step.batch]

    @staticmethod
    def _explain(name: str, number: int, step: Step, labels: str, right: Array) -> Wrong:
        """Say what a loss was given."""
        is_label = labels.endswith("labels")
        found: RecordedValue = None
        if step.seen is not None:
            found = getattr(step.seen, labels if labels != "outputs" else "prediction")
        if isinstance(found, Wrong):
            return found
        text, expected = compare_labels(found, right, step.call)
        what = "the labels of the batch as y" if is_label else "softmax.output as yhat"
        hint = "Take the batch's columns of y." if is_label else "The prediction is what softmax.forward has computed."
        if not is_label and text.startswith("the labels"):
            hint = "Swap the two arguments: the labels y come first, then the prediction yhat."
        where = place_of(step.call, number)
        return Wrong(f"{name} did not get {what}.", where=where, found=text, expected=expected, hint=hint)


@dataclass(frozen=True)
class Given:
    """What cce or cce_gradient got in a step; `place` is the step's in its epoch."""

    call: Call
    step: Pass
    place: int
    labels: RecordedValue
    outputs: RecordedValue

    @cached_property
    def right(self) -> Array:
        """The probabilities that softmax gave."""
        return self.call.outputs(self.step.version, self.step.samples)

    @cached_property
    def owners(self) -> list[int] | None:
        """The samples whose labels these are, in order; None if they are others."""
        owners = owners_of(self.labels, self.call)
        return None if owners is None else owners.tolist()

    def is_of_step(self, value: RecordedValue) -> bool:
        """Tell whether a value is the labels of the step's samples."""
        return labels_are(self.call, value, self.step.samples)

    def is_in_a_row(self, start: int) -> bool:
        """Tell whether the labels are those of the columns from `start` on, in their order."""
        return self.owners is not None and self.owners == list(range(start, start + len(self.owners)))

    def is_of_samples(self, values: Array) -> bool:
        """Tell whether the labels are those of `values` at the numbers of the step's samples."""
        return bool((self.step.samples < self.call.samples).all()) and is_equal(self.labels, values[self.step.samples])


def name_labels(call: Call, steps: Sequence[Pass]) -> str:
    """Name what cce and cce_gradient got in place of labels and prediction; "" if that is not certain."""
    places = [(step, at % call.batches_in_an_epoch) for at, step in enumerate(steps)]
    loss = [Given(call, step, place, step.loss_labels, step.loss_outputs) for step, place in places]
    gradient = [Given(call, step, place, step.labels, step.prediction) for step, place in places]
    wrong = [all_ for all_ in (loss, gradient) if not all(map(_is_right, all_))]
    is_label = any(not got.is_of_step(got.labels) for all_ in wrong for got in all_)
    for name, test in (SWAPPED | (OF_LABELS if is_label else OF_PREDICTIONS)).items():
        if wrong and all(test(got) for all_ in wrong for got in all_):
            of_one = IN_ONE.get(name, name).format("loss" if wrong[0] is loss else "loss gradient")
            return name if len(wrong) == 2 else of_one
    return ""


def _is_right(got: Given) -> bool:
    return got.labels is None or (got.is_of_step(got.labels) and is_equal(got.outputs, got.right))


def _is_prediction(got: Given, *changed: Array) -> bool:
    """Tell whether the labels are right, and the prediction is one of the right prediction's `changed` forms."""
    return got.is_of_step(got.labels) and any(is_equal(got.outputs, each) for each in changed)


def _is_clipped_prediction(got: Given) -> bool:
    found, right = got.outputs, got.right
    if not isinstance(found, np.ndarray) or found.shape != right.shape:
        return False
    return _is_prediction(got, np.clip(right, found.min(), found.max()))


Tests = dict[str, Callable[[Given], bool]]
"""For a mistake's name, whether what a loss got is as in it."""
SWAPPED: Tests = {
    "Labels and prediction are swapped": lambda got: is_equal(got.labels, got.right) and got.is_of_step(got.outputs)
}
OF_LABELS: Tests = {
    "The labels are rows of y, not columns": lambda got: got.is_of_samples(got.call.y),
    "The labels are class numbers, not one-hot columns": (
        lambda got: got.is_of_samples(got.call.classes.astype(float))
    ),
    "All labels are used in each step, not those of one batch": lambda got: is_equal(got.labels, got.call.y),
    "The labels always come from the first columns of y": lambda got: got.is_in_a_row(0),
    "The labels come in the order of the columns, the samples in a shuffled order": (
        lambda got: got.is_in_a_row(got.place * got.call.batch_size)
    ),
    "The labels are those of the first epoch's batches": (
        lambda got: labels_are(got.call, got.labels, got.call.batches(0)[got.place])
    ),
    "The labels of the batch are in another order than its samples": (
        lambda got: got.owners is not None and sorted(got.owners) == sorted(got.step.samples)
    ),
    "The labels are those of another shuffle than the samples": (
        lambda got: (
            tuple(sorted(got.owners or ()))
            in [got.call.sorted_batches(one)[got.place] for one in range(got.step.shuffle)]
        )
    ),
    "The labels are the predicted classes": (
        lambda got: is_equal(got.labels, np.eye(len(got.right))[:, got.right.argmax(axis=0)])
    ),
    "The labels are those of other samples": lambda got: got.owners is not None and is_equal(got.outputs, got.right),
}
OF_PREDICTIONS: Tests = {
    "The scores are used as the prediction": (
        lambda got: _is_prediction(got, got.call.columns("scores", got.step.version, got.step.samples))
    ),
    "The prediction is turned into 0 and 1 before the loss": (
        lambda got: _is_prediction(got, (got.right == got.right.max(axis=0)).astype(float), got.right.round())
    ),
    "The prediction is clipped before the loss": _is_clipped_prediction,
}
IN_ONE = {
    "Labels and prediction are swapped": "Labels and prediction are swapped in the {}",
    "The labels always come from the first columns of y": "The {} gets the labels of the first columns",
    "The scores are used as the prediction": "The {} uses the scores as the prediction",
}
"""Other names of some mistakes, where only one of the two losses has it."""
