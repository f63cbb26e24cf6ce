"""Whether train returns one loss for each epoch, the mean over its samples."""

from collections.abc import Callable, Sequence

import numpy as np

from lib.checking.values import Wrong
from lib.unit import Array
from lib.units.softmax_classifier.loop.calls import Call
from lib.units.softmax_classifier.loop.hints import name_as, name_at
from lib.units.softmax_classifier.loop.own_epochs import has_own_shuffles
from lib.units.softmax_classifier.loop.recordings import Recording
from lib.units.softmax_classifier.loop.rule import LoopRule
from lib.units.softmax_classifier.loop.steps import HEADER, Step, slots_of
from lib.units.softmax_classifier.loop.words import are_losses, is_close, is_equal, require_steps, second_call


class EpochLoss(LoopRule):
    names = ("has_loss",)
    is_about_the_end = True

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
            raise self._explain(call, found, count, expected[0])
        if order == 2:
            raise name_at("The layers are returned in another order", second_call(call))
        if order:
            raise name_at("The dense layer that is returned has not been trained", second_call(call))

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
    def _explain(call: Call, found: Array, count: int, expected: Array) -> Wrong:
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
        recording, what = recordings[number], wrong.what
        if not what.startswith(("An epoch's loss", "train does not return one")):
            return wrong
        expected = _epoch_losses(recording.call, self._steps(recording))[0]
        return name_as(name_losses(recording, expected), wrong)


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


def name_losses(recording: Recording, expected: Array) -> str:
    """Name what `train` returns in place of the mean losses of its epochs."""
    found, count = recording.losses, len(recording.losses)
    if not any(each.loss_labels is not None for each in recording.passes):
        return "cce is never called"
    call, length = recording.call, recording.call.batches_in_an_epoch
    steps = recording.steps
    ends = [step.version + len(step.updates) for step in steps[length - 1 :: length]]
    of_all = [call.loss(version, np.arange(call.samples)) for version in ends]
    if is_equal(found, np.array(of_all)):
        return "The loss of all samples after the epoch is stored"
    if call.number and count > len(expected) and is_equal(found[-len(expected) :], expected):
        return "The list of losses is kept from one call to the next"
    if not len(found):
        return "No loss is added to the list"
    if not found.any():
        return "Every loss is 0, though cce is called"
    if count == 1 and np.allclose(found, expected.mean()):
        return "The mean over all epochs is returned, not a loss for each"
    if 1 < count < len(expected) and all(np.isclose(each, expected).any() for each in found):
        return "The loss is stored in some epochs only"
    if count == len(expected) and np.allclose(found * len(expected), expected):
        return "The epoch's loss is divided by the number of epochs"
    if count == len(expected) > 1 and is_equal(found, expected[::-1]):
        return "The losses come in reversed order"
    rounded = [np.floor(expected), *(np.round(expected, digits) for digits in range(7))]
    if count == len(expected) and any(np.allclose(found, each, rtol=0, atol=1e-12) for each in rounded):
        return "The losses are rounded"
    return ""
