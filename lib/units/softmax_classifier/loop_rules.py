"""How the statements about the training loop are tested: with spies in place of the layers and losses that it calls.

One mistake costs one statement. So each statement looks at what a step did with the samples that it took: where the
short last batch is left out, the labels, the gradient and the loss of the other batches are still right.

At grading a step is written as a few numbers. Each array becomes one number, a weighted sum over its entries: arrays
that differ have different sums. The judge decides by the same functions as the check at the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from lib.checking.values import Wrong, numbers
from lib.unit import Array, Inputs, Probes
from lib.units.softmax_classifier.errors import IN_LOOPS, Named, explain_errors
from lib.units.softmax_classifier.loop_calls import Call, Samples, calls
from lib.units.softmax_classifier.loop_names import (
    NOTHING_ELSE,
    UPDATE,
    are_shuffles,
    find_own_epochs,
    is_changing,
    name_as,
    name_at,
    name_batches,
    name_into_dense,
    name_into_softmax,
    name_labels,
    name_losses,
    name_norm,
    name_sizes,
    name_softmax_input,
    name_updates,
)
from lib.units.softmax_classifier.loop_recordings import RecordedValue, Recording, Recordings
from lib.units.softmax_classifier.loop_steps import (
    HEADER,
    NOT_CALLED,
    Step,
    describe_pass,
    read_step,
    slots_of,
    sum_entries,
)
from lib.units.softmax_classifier.loop_words import (
    ONE_CALL,
    are_losses,
    compare_labels,
    find_factors,
    fits,
    is_close,
    list_numbers,
    missing_call,
    place_of,
    ratio_of,
    require_steps,
    second_call,
    shape_of,
)
from lib.units.softmax_classifier.spies import record_calls


class LoopRule:
    """How the statement of the same name is tested on the steps of a loop. `names` are the numbers of each step."""

    names: ClassVar[tuple[str, ...]] = ()
    data: ClassVar[str] = ""
    """The argument of `train` that this statement wants unchanged: X or y."""

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        """Raise `Wrong` where the statement does not hold in one call of `train`."""
        raise NotImplementedError

    def extra(self, recording: Recording) -> Array:
        """Give what the statement needs besides the steps: a few numbers."""
        return np.zeros(0)

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        """Give what was found in a call the name of the mistake, where that is certain."""
        return wrong

    def holds(self, inputs: Inputs, train: Any) -> None:
        """Test the statement on both calls of `train`."""
        wrong = self._find_wrong(record_once(train, inputs, is_first=isinstance(self, EveryBatch)))
        if wrong is not None:
            raise wrong

    def _find_wrong(self, recordings: Sequence[Recording]) -> Exception | None:
        """Find what is wrong in the first call in which the statement does not hold; a recording is read once."""
        notes = recordings[0].notes
        if type(self) not in notes:
            notes[type(self)] = self._look_for_wrong(recordings)
        found: Exception | None = notes[type(self)]
        return found

    def _look_for_wrong(self, recordings: Sequence[Recording]) -> Exception | None:
        for number, recording in enumerate(recordings):
            if recording.error is not None:
                if isinstance(self, EveryBatch):
                    return recording.error
                continue
            try:
                self.require(recording.call, self._steps(recording), self.extra(recording))
                self._require_same_data(recording)
            except Named as wrong:
                return wrong
            except Wrong as wrong:
                return self.diagnose(recordings, number, wrong)
        return None

    def probes(self, record: Callable[[], Recordings], is_right: bool = False) -> Probes:
        """For each call of `train` an array with a row for each step; X or y afterwards.

        What is recorded of a loop that `is_right` isn't searched for mistakes that have names.
        """
        probes: Probes = {
            name: partial(self._write, record, number, is_right)
            for number, name in enumerate(("first call", "second call"))
        }
        if self.data:
            probes[f"{self.data} afterwards"] = lambda: getattr(record()[0], self.data)
        return probes

    def compared_part(self, probe: str, given: Array, inputs: Inputs) -> Array:
        """Decide about an array as the check at the desk does; raises `Wrong` where the statement does not hold."""
        if "afterwards" in probe:
            return given
        call = calls(inputs)[probe == "second call"]
        rows, extra = given[: slots_of(call)], given[slots_of(call) :].ravel()
        found = [dict(zip((*HEADER, *self.names), row.tolist(), strict=True)) for row in rows if row.any()]
        if found or call.number == 0:
            self.require(call, [read_step(one, call) for one in found], extra)
        return np.zeros(1)

    def _steps(self, recording: Recording) -> list[Step]:
        """Read the steps, with the numbers that this statement needs of each."""
        call, notes = recording.call, recording.notes
        if HEADER not in notes:  # all statements need these
            seen = recording.steps[: slots_of(call)]
            notes[HEADER] = [(each, read_step(describe_pass(each, call, HEADER), call, each)) for each in seen]
        if self.names not in notes:
            notes[self.names] = [step.add(describe_pass(each, call, self.names)) for each, step in notes[HEADER]]
        steps: list[Step] = notes[self.names]
        return steps

    def _write(self, record: Callable[[], Recordings], number: int, is_right: bool) -> Array:
        recordings = record()
        wrong = None if is_right else self._find_wrong(recordings)
        if isinstance(wrong, Named):  # what else is wrong is the judge's to find in the numbers
            raise wrong
        recording = recordings[number]
        names = (*HEADER, *self.names)
        rows = np.zeros((slots_of(recording.call) + self._rows_of_extra(recording.call), len(names)))
        if recording.error is not None:
            if isinstance(self, EveryBatch):
                raise recording.error
            return rows
        steps = self._steps(recording)
        for at, step in enumerate(steps):
            rows[at] = [step[name] for name in names]
        extra = self.extra(recording)
        rows[slots_of(recording.call) :].flat[: len(extra)] = extra
        return rows

    def _rows_of_extra(self, call: Call) -> int:
        return 0

    def _require_same_data(self, recording: Recording) -> None:
        if not self.data:
            return
        now, given = getattr(recording, self.data), getattr(recording.call, self.data)
        if now is None or now.shape != given.shape or not np.allclose(now, given):
            raise Named(
                f"train changes {self.data} itself.",
                where=f"after train, {self.data} is no longer what it was",
                hint=f"Work on a copy, such as {self.data}.copy(): the caller still needs its data.",
            )


class EveryBatch(LoopRule):
    names = ("features", "input_size", "output_size", "scores")
    data = "X"

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        """Compare what went into the layers with the batches."""
        require_steps(steps, "dlayer.forward")
        if len(steps) != call.epochs * call.batches_in_an_epoch:
            raise self._explain_count(call, steps)
        last, is_own = 0, has_own_shuffles(call, steps)
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
        """Name which samples the steps take instead, or what is wrong with the layers."""
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
        if shuffles != call.epochs and (len(steps) % length == 0 or shuffles == 0):
            hint = "Run the outer loop nepochs times, and call generate_batch_indices once in each epoch."
            return Wrong(
                "The number of epochs is wrong."
                if shuffles
                else "The batches are not those of generate_batch_indices.",
                found=f"{shuffles or 'no'} call{'s' * (shuffles != 1)} of generate_batch_indices",
                expected=f"{call.epochs}, one for each epoch",
                where=second_call(call),
                hint=hint if shuffles else "",  # the statement's own
            )
        found = f"{'at least ' * (len(steps) == slots_of(call))}{len(steps)} step{'s' * (len(steps) != 1)}"
        asked = f"{call.epochs} epochs of {length} batches, with {', '.join(sizes[:-1])} and {sizes[-1]} samples"
        hint = "Each batch is one step: a forward pass and an update. Do that for every batch of every epoch."
        if len(steps) == 1:
            hint = "Check the indentation: a return inside a loop ends the function in the first round."
        return Wrong(
            "The number of training steps is wrong.",
            where=second_call(call),
            found=found,
            expected=f"{call.epochs * length}: {asked}",
            hint=hint,
        )

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
            for name, labels, outputs in (
                ("cce", "loss_labels", "loss_outputs"),
                ("cce_gradient", "labels", "outputs"),
            ):
                if step[labels] == step[outputs] == NOT_CALLED:
                    continue
                right = [call.y[:, samples] for samples in self._sources(step, are_batches)]
                if not any(is_close(step[labels], sum_entries(each)) for each in right):
                    raise self._explain(name, number, step, labels, right[0])
                output = call.outputs(step.version, step.samples)
                if not is_close(step[outputs], sum_entries(output)):
                    raise self._explain(name, number, step, outputs, output)

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        """Name what cce and cce_gradient get instead."""
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


class GradientFlowsBack(LoopRule):
    names = ("updates", "layer", "touched", "move")

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        """Compare the steps of the weights with the arrays that the spies returned."""
        require_steps(steps, "dlayer.backward")
        for number, step in enumerate(steps):
            self._require_one_layer(step, steps[0], number)
            if not any(is_close(step["move"], step.right_move(size)) for size in step.sizes):
                raise self._explain(steps, number)

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        """Name which updates are missing, or too many, or of another layer."""
        return name_as(name_updates(recordings[number].call, recordings[number].steps), wrong)

    @staticmethod
    def _require_one_layer(step: Step, first: Step, number: int) -> None:
        """Raise `Wrong` unless one dense layer is updated once in each step, and by nothing but its backward."""
        where = place_of(step.call, number)
        if step["updates"] == 0:
            is_lost = step.seen is not None and step.seen.into_softmax is None
            raise missing_call("softmax.backward" if is_lost else "dlayer.backward", where, UPDATE)
        if step["updates"] != 1:
            found, what = f"{step['updates']:g} calls", "dlayer.backward is called more than once."
            raise Wrong(what, where=where, found=found, expected=ONE_CALL, hint=UPDATE)
        if step["layer"] != first["layer"]:
            found, expected = "another dense layer", "that of the first step"
            raise Wrong("dlayer.backward updates another layer.", where=where, found=found, expected=expected)
        if step["touched"]:
            kept, changed = (
                "The dense layer is kept from one call to the next",
                "Something besides dlayer.backward changes the weights",
            )
            raise name_at(kept if step["touched"] == 2 else changed, where)

    def _explain(self, steps: Sequence[Step], number: int) -> Wrong:
        """Say what is wrong with a step: the gradient that goes into softmax or the dense layer, its size, the rate."""
        step = steps[number]
        call, seen, where = step.call, step.seen, place_of(step.call, number)
        if seen is None:
            return Wrong("The step of the weights is wrong.", where=where)
        passes = [each.seen for each in steps if each.seen is not None]
        gradient, rate = seen.updates[-1]
        due = call.columns("output_gradients", step.version, step.samples)
        for value in (seen.into_softmax, gradient, rate):
            if isinstance(value, Wrong):
                return value
        if seen.into_softmax is None:
            return missing_call("softmax.backward", where)
        if ratio_of(seen.into_softmax, due) is None:
            wrong = Wrong(
                "softmax.backward did not get the result of cce_gradient.",
                where=where,
                found=shape_of(seen.into_softmax),
                expected="what cce_gradient returned for this batch",
                hint="Pass on the result of cce_gradient as it is.",
            )
            return name_as(name_into_softmax(call, passes, seen), wrong)
        where, right = f"{where}, dlayer.backward", call.jacobian(step.version) @ due
        factor = ratio_of(gradient, right)
        if factor is None:
            wrong = Wrong(
                "dlayer.backward did not get the result of softmax.backward times 1/B.",
                where=where,
                found=shape_of(gradient),
                expected="what softmax.backward returned for this batch, times 1/B",
                hint=NOTHING_ELSE,
            )
            return name_as(name_into_dense(call, passes, seen, gradient, right), wrong)
        if len(step.batch) < call.batch_size:
            where += f", with {len(step.batch)} samples"
        return self._explain_size(steps, number, factor, where)

    @staticmethod
    def _explain_size(steps: Sequence[Step], number: int, factor: float, where: str) -> Wrong:
        """Say what is wrong with the size of a step, whose gradient is `factor` times that of all samples."""
        step = steps[number]
        call, seen = step.call, step.seen
        given = numbers(seen.updates[-1][1] if seen else np.nan).ravel()
        share = given[0] / call.rate if len(given) == 1 else np.nan
        size, is_later = factor * share * len(step.batch), number >= call.batches_in_an_epoch
        passes = [each.seen for each in steps if each.seen is not None]
        if name := name_norm(passes):
            return name_at(name, where)
        if is_later and is_close(size, -1):
            return name_at("The weights move uphill after the first epoch", where)
        if not is_later and (factors := find_factors(steps)):
            return Named(" ".join(words.what for words in factors), where=where, hint=factors[0].hint)
        if is_close(share, 1):
            return Wrong(f"The step is {size:.5g} times as large as it should be.", where=where, hint=NOTHING_ELSE)
        wrong = Wrong(
            "dlayer.backward did not get the learning rate that train is given.",
            where=where,
            found=f"{given[0]:.5g}" if len(given) == 1 else shape_of(given),
            expected=f"{call.rate:.5g}",
            hint="Pass learning_rate unchanged, after the gradient.",
        )
        return name_as("The learning rate changes during training" if is_changing(passes) else "", wrong)


class EpochLoss(LoopRule):
    names = ("has_loss",)

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        """Compare with the weighted mean of the losses that the spy returned. Any dense layer returned is the trained.

        Where the loop takes other batches than it should, the losses are right if they are the means over these.
        """
        require_steps(steps, "softmax.forward")
        count, order = int(extra[0]), int(extra[1])
        found = extra[2 : 2 + count]
        expected = _epoch_losses(call, steps)
        is_cut = len(steps) == slots_of(call)  # of more steps nothing is known
        if not any(are_losses(found, each, is_cut) for each in expected):
            raise self._explain(call, steps, found, count, expected[0])
        if order:
            untrained, swapped = (
                "The dense layer that is returned has not been trained",
                "The layers are returned in another order",
            )
            raise name_at(swapped if order == 2 else untrained, second_call(call))

    def extra(self, recording: Recording) -> Array:
        """Give the number of losses, 1 for a layer that is not trained, 2 for one in another place, and the losses."""
        losses = recording.losses
        trained = {seen.layer for seen in recording.steps[-1:]}
        is_other = bool(recording.returned_layers) and not trained & {*recording.returned_layers}
        order = 1 if is_other else 2 * recording.is_softmax_first
        room = self._rows_of_extra(recording.call) * len((*HEADER, *self.names)) - 2
        return np.array([len(losses), order, *losses[:room]])

    def _rows_of_extra(self, call: Call) -> int:
        return call.epochs // 2 + 1  # for two losses an epoch, and some

    @staticmethod
    def _explain(call: Call, steps: Sequence[Step], found: Array, count: int, expected: Array) -> Wrong:
        """Say in which epoch the loss is wrong, or that there are too few or too many."""
        if count != len(expected):
            return Wrong(
                "train does not return one loss for each epoch.",
                found=f"{count} loss{'es' * (count != 1)}",
                expected=f"{len(expected)}, one for each epoch",
                where=second_call(call),
                hint="Append the epoch's loss once, after its last batch, and return the list.",
            )
        at = int(np.argmin([is_close(*both) for both in zip(found, expected, strict=True)]))
        return Wrong(
            "An epoch's loss is not the mean over its samples.",
            where=f"{second_call(call)}{', ' * call.number}epoch {at + 1}",
            found=f"{found[at]:.7g}",
            expected=f"{expected[at]:.7g}",
        )

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        """Name what is returned in place of the mean losses."""
        recording, what = recordings[number], wrong.what
        if not what.startswith(("An epoch's loss", "train does not return one")):
            return wrong
        expected = _epoch_losses(recording.call, self._steps(recording))[0]
        return name_as(name_losses(recording, recording.losses, len(recording.losses), expected), wrong)


def has_own_shuffles(call: Call, steps: Sequence[Step]) -> bool:
    """Tell whether a loop shuffles the samples itself, as well as generate_batch_indices does, which it never calls."""
    own = find_own_epochs(call, steps)
    return bool(own) and are_shuffles(call, own)


def _epoch_losses(call: Call, steps: Sequence[Step]) -> list[Array]:
    """Give what the epochs' losses may be: the means over the samples of each epoch's steps.

    The first are those of a loop whose steps are all right. Where a loop takes other batches than it should, an epoch
    is what lies between two shuffles, or as many steps as an epoch has full batches, or batches; and the weights may be
    the shares of all samples, or of those that were taken.
    """
    length = call.batches_in_an_epoch
    epochs = [list(steps[at : at + length]) for at in range(0, len(steps), length)]
    found = [_means(call, epochs, lambda step: len(step.samples), is_share=True)]
    is_whole = len(steps) == call.epochs * length
    if is_whole and (all(step.takes_a_batch for step in steps) or has_own_shuffles(call, steps)):
        return found
    steps = [step for step in steps if step["has_loss"]] or steps  # those beside the epoch have no loss
    epochs = [list(steps[at : at + length]) for at in range(0, len(steps), length)]
    shuffles = sorted({int(step["shuffle"]) for step in steps})
    between = [[step for step in steps if step["shuffle"] == shuffle] for shuffle in shuffles]
    full = max(call.samples // call.batch_size, 1)
    ways = [epochs, between, [list(steps[at : at + full]) for at in range(0, len(steps), full)]]
    ways += [way[:-1] for way in ways if len(way) > 1]  # the last epoch may have ended before its loss was noted
    for way in ways:
        for count in (lambda step: len(step.samples), lambda step: len(step.batch)):
            found += [_means(call, way, count, is_share) for is_share in (True, False)]
    return found


def _means(call: Call, epochs: list[list[Step]], count: Callable[[Step], int], is_share: bool) -> Array:
    means = []
    for epoch in epochs:
        weights = np.array([count(step) for step in epoch])
        losses = np.array([step.loss for step in epoch])
        means.append(weights @ losses / (call.samples if is_share else weights.sum()))
    return np.array(means)


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


_latest: list[tuple[Any, Inputs, Recordings]] = []
"""The two latest recordings: a check's help looks at the check's own inputs, and at others."""


def record_once(train: Any, inputs: Inputs, is_first: bool = False) -> Recordings:
    """Record the calls of `train`, or return a recording of just now if it is of the same loop on the same inputs.

    The first statement of a check records anew: what the loop calls may have been changed since the last check.
    """
    draw = getattr(inputs, "of", inputs)
    for earlier, seen, recording in _latest:
        is_same = seen is draw or (not is_first and all(np.array_equal(seen[name], draw[name]) for name in draw))
        if earlier is train and is_same:
            return recording
    with explain_errors(meanings=IN_LOOPS):
        recording = record_calls(train, inputs)
    _latest[:] = [*([] if is_first else _latest[-1:]), (train, draw, recording)]
    return recording


RULES: dict[str, LoopRule] = {
    rule.__name__: rule() for rule in (EveryBatch, LabelsWithSamples, GradientFlowsBack, EpochLoss)
}
"""The rules by the names of their statements."""
