"""Whether each epoch sends all its batches through the layers, in order."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.errors import Named
from lib.units.softmax_classifier.loop.batch_names import name_batches, name_sizes, name_softmax_input
from lib.units.softmax_classifier.loop.calls import Call, Samples
from lib.units.softmax_classifier.loop.hints import name_as
from lib.units.softmax_classifier.loop.own_epochs import has_own_shuffles, moves_labels_along
from lib.units.softmax_classifier.loop.recordings import Recording
from lib.units.softmax_classifier.loop.rule import LoopRule
from lib.units.softmax_classifier.loop.steps import NOT_CALLED, Step, slots_of, sum_entries
from lib.units.softmax_classifier.loop.words import (
    fits,
    is_close,
    list_numbers,
    missing_call,
    place_of,
    require_steps,
    second_call,
    shape_of,
)


class EveryBatch(LoopRule):
    names = ("features", "input_size", "output_size", "scores", "labels")
    is_first = True
    data = "X"

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        require_steps(steps, "dlayer.forward")
        if len(steps) != call.epochs * call.batches_in_an_epoch:
            raise self._explain_count(call, steps)
        try:
            self._require_batches(call, steps, has_own_shuffles(call, steps))
        except Wrong:
            if not moves_labels_along(call, steps):
                raise
            self._require_batches(call, steps, True)

    def _require_batches(self, call: Call, steps: Sequence[Step], is_own: bool) -> None:
        """Raise `Wrong` unless each step takes the batch that is due, or one of the student's own."""
        last = 0
        for number, step in enumerate(steps):
            where = place_of(call, number)
            if number % call.batches_in_an_epoch == 0 and not is_own:
                due = range(last + 1, int(step["shuffle"]) + 1)
                last = next((shuffle for shuffle in due if fits(call, steps[number:], shuffle)), due[-1] if due else 0)
            if last == 0 and not is_own:
                raise self._explain_order(call, steps, number)
            at = number % call.batches_in_an_epoch
            batch = step.samples if is_own else call.batches(last - 1)[at]
            is_due = is_own or step.in_order == call.sorted_batches(last - 1)[at]
            if not is_due or not is_close(step["features"], sum_entries(call.X[:, step.samples])):
                raise self._explain_order(call, steps, number, batch)
            self._require_layers(step, where)

    @staticmethod
    def _require_layers(step: Step, where: str) -> None:
        """Raise `Wrong` unless the dense layer has the right sizes, and softmax gets its output."""
        call, sizes = step.call, (step["input_size"], step["output_size"])
        if sizes != (len(call.X), len(call.y)):
            raise Wrong(
                "The dense layer has the wrong sizes.",
                where=where,
                found="Dense({:g}, {:g})".format(*sizes),
                expected=f"Dense({len(call.X)}, {len(call.y)}): the number of features, then that of classes",
                hint="Take both numbers from the shapes of X and y.",
            )
        scores = call.columns("scores", step.version, step.samples)
        is_called = step["scores"] != NOT_CALLED  # without it the prediction is wrong, which costs elsewhere
        if is_called and not is_close(step["scores"], sum_entries(scores, is_shift_free=True)):
            if step.seen and isinstance(step.seen.softmax_input, Named):
                raise step.seen.softmax_input
            raise Wrong(
                "softmax.forward did not get dlayer.output.",
                where=where,
                found=shape_of(step.seen.softmax_input if step.seen else None),
                expected="the scores of this batch, from the same dense layer",
                hint="Give softmax.forward what dlayer.forward has just computed.",
            )

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        call, steps, other = recordings[number].call, recordings[number].steps, recordings[1 - number]
        if not steps:
            return wrong
        if wrong.what.startswith("softmax.forward"):
            names = {name_softmax_input(call, *both) for both in zip(steps, [None, *steps[:-1]], strict=True)}
            return name_as(names.pop() if len(names) == 1 else "", wrong)
        if wrong.what.startswith("The dense layer"):
            return name_as(name_sizes(call, steps[0].sizes), wrong)
        return name_as(name_batches(call, steps, other), wrong)

    def _explain_count(self, call: Call, steps: Sequence[Step]) -> Wrong:
        """Say whether epochs or steps are missing or too many."""
        shuffles, length = int(max(step["shuffle"] for step in steps)), call.batches_in_an_epoch
        sizes = [str(len(batch)) for batch in call.batches(0)]
        if wrong := _wrong_arguments(call, steps[0]):
            return wrong
        is_cut = len(steps) == slots_of(call)  # later calls are not seen
        if shuffles != call.epochs and ((len(steps) % length == 0 and not is_cut) or shuffles == 0):
            what, hint = "The batches are not those of generate_batch_indices.", ""  # the statement's own
            if shuffles:
                what = "The number of epochs is wrong."
                hint = "Run the outer loop nepochs times, and call generate_batch_indices once in each epoch."
            found = f"{shuffles or 'no'} call{'s' * (shuffles != 1)} of generate_batch_indices"
            expected = f"{call.epochs}, one for each epoch"
            return Wrong(what, found=found, expected=expected, where=second_call(call), hint=hint)
        what, found = "The number of training steps is wrong.", f"{len(steps)} step{'s' * (len(steps) != 1)}"
        asked = f"{call.epochs} epochs of {length} batches, with {', '.join(sizes[:-1])} and {sizes[-1]} samples"
        expected = f"{call.epochs * length}: {asked}"
        hint = "Each batch is one step: a forward pass and an update. Do that for every batch of every epoch."
        if len(steps) == 1:
            hint = "Check the indentation: a return inside a loop ends the function in the first round."
        return Wrong(what, where=second_call(call), found="at least " * is_cut + found, expected=expected, hint=hint)

    def _explain_order(self, call: Call, steps: Sequence[Step], number: int, due: Samples | None = None) -> Wrong:
        """Say which samples a step took, and which were due."""
        step = steps[number]
        seen, due = step.seen, step.batch if due is None else due
        if seen is not None and isinstance(seen.features, Wrong):
            return seen.features
        if wrong := _wrong_arguments(call, step):
            return wrong
        where, columns = place_of(call, number), "Take the batch's columns of X."
        explain = partial(Wrong, "dlayer.forward did not get the samples of the batch.", where=where)
        if step["features"] == NOT_CALLED:
            return missing_call("dlayer.forward", where)
        if seen is not None and not seen.known:
            expected = f"X[:, batch], of shape {(len(call.X), len(due))}"
            return explain(found=shape_of(seen.features), expected=expected, hint=columns)
        epoch = steps[number - number % call.batches_in_an_epoch :][: call.batches_in_an_epoch]
        taken = np.concatenate([one.samples for one in epoch])
        hint = columns
        if int(step["shuffle"]) == 0:
            hint = "Loop over the batches that generate_batch_indices returns: it shuffles the samples."
        elif number >= call.batches_in_an_epoch and int(step["shuffle"]) * call.batches_in_an_epoch <= number:
            hint = "Call generate_batch_indices inside the loop over the epochs: each epoch has its own order."
        elif len(taken) != len(set(taken)):
            hint = "In an epoch each sample is used once. Take the column numbers of the batch, nothing else."
        return explain(
            found=f"columns {list_numbers(step.samples)} of X", expected=f"columns {list_numbers(due)}", hint=hint
        )


def _wrong_arguments(call: Call, step: Step) -> Wrong | None:
    """Say that generate_batch_indices got other arguments than it should, if it did."""
    asked, right = step.seen.asked if step.seen else (), (call.samples, call.batch_size)
    if asked in ((), right):
        return None
    return Wrong(
        "generate_batch_indices gets the wrong arguments.",
        where=second_call(call),
        found=f"generate_batch_indices{asked}",
        expected=f"generate_batch_indices{right}: the number of samples, then batch_size",
        hint="Pass num_samples and batch_size, in this order.",
    )
