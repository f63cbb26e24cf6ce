"""Captions: what the picture shows, in a few sentences, and the presets that show it best.

A caption says what can be seen in both curves, up to the epochs that are shown and whatever was trained beyond, and
leaves judgements to who looks. Where a loss goes is told from two stretches of epochs at its end, never from one epoch.
"""

import math
import re
from collections.abc import Sequence

import numpy as np

from lib.explorer.samples import Samples
from lib.explorer.svg import count, short
from lib.explorer.training import Run, Setting

MIN_EPOCHS = 12  # epochs without which no two stretches after the first fall can be compared
LEVEL = 0.02  # the part by which a loss may change and still count as level
LEVEL_EVEN = 0.006  # the same where every epoch goes the same way: in as many epochs again it would change by 5%
ALIKE = 0.02  # the part by which two losses differ that are told as alike
UNEVEN = 0.05  # the part by which an uneven loss goes up, and down, from one epoch to the next
MAX_ITERATIONS = 400  # iterations an epoch of a preset at most: with more, 100 epochs reach the time limit

WORDS = {"falling": "still falling", "rising": "rising", "level": "nearly level", "uneven": "going up and down"}


def presets(samples: Samples) -> list[Setting]:
    """Return a setting of small steps and those that differ from the middle one in the rate or the batch size alone."""
    whole = samples.batch_sizes[-1]
    middle, smallest = min(16, whole), next(size for size in samples.batch_sizes if whole / size <= MAX_ITERATIONS)
    settings = [(0.0001, middle), (0.1, middle), (31.6, middle), (0.1, smallest), (0.1, whole)]
    return [Setting(rate, size) for rate, size in settings]


def name_setting(setting: Setting, counted: str = "") -> str:
    """Name a setting in a few words, as presets and kept runs are labelled: what it is, not how good it is."""
    words = f"{_size(setting, counted)}, " if setting.size else ""
    words += f"rate {short(setting.learning_rate)}, batch {setting.batch_size}"
    words += f", seed {setting.seed}" if setting.seed else ""
    words += ", own data" if setting.version else ""
    words += ", own start" if setting.start else ""
    return words + (f", {setting.what_if}" if setting.what_if else "")


def describe(run: Run, epochs: int) -> str:
    """Say what the picture shows: the setting, how far it got, the losses, the accuracy, and how the curves end."""
    done = min(epochs, run.epochs)
    parts = [f"{_setting(run)}. {_progress(run, done, epochs)} {_numbers(run, done)}."]
    if run.diverged is not None and run.diverged <= epochs:
        parts.append(
            f"Diverged in epoch {run.diverged}: the loss or a weight became {run.last_loss}. "
            "Try a smaller learning rate. If that does not help, test the gradients."
        )
    elif run.fault and run.epochs < epochs:
        parts.append(run.fault)
    elif done == epochs:
        guess = math.log(len(run.samples.y))  # the loss of equal probabilities
        parts += assess(run.epoch_loss[:epochs], run.validation_loss[:epochs], run.loss_before, guess)
    return " ".join(parts)


def describe_moment(run: Run, epoch: int, epochs: int) -> str:
    """Say how far the training was after some of its epochs, in numbers alone."""
    if not epoch:
        return f"{_setting(run)}. Before training the loss of all training samples is {short(run.loss_before)}."
    iterations = count(run.iterations_per_epoch * epoch, "iteration")
    return f"{_setting(run)}. After epoch {epoch} of {epochs} ({iterations}) {_numbers(run, epoch)}."


def describe_end(run: Run, epochs: int) -> str:
    """Say in a few words where a run ended."""
    done = min(epochs, run.epochs)
    if run.diverged is not None and run.diverged <= epochs:
        return f"diverged in epoch {run.diverged}"
    if not done:
        return "no epoch finished"
    return (
        f"training loss {short(run.epoch_loss[done - 1])}, validation loss {short(run.validation_loss[done - 1])}, "
        f"{run.right(done) / len(run.samples.labels_validation):.1%} right after {count(done, 'epoch')}"
    )


def list_changes(before: str, caption: str) -> str:
    """Return the sentences of a caption that the one before it hadn't, for those who listen."""
    known, now = (re.split(r"(?<=[.?!]) (?=[A-Z])", each) for each in (before, caption))
    return " ".join(each for each in now if each not in known)


def assess(training: Sequence[float], validation: Sequence[float], before: float, guess: float) -> list[str]:
    """Say in sentences how the two curves end, beside the loss before training and that of equal probabilities."""
    epochs = len(training)
    if min(min(training), min(validation)) < 0:
        return ["A loss is below 0, which no cross-entropy is: is the minus sign there?"]
    if epochs < MIN_EPOCHS:
        return [f"{MIN_EPOCHS} epochs or more show where the loss goes."]
    ends = trend(training), trend(validation)
    a, b = (WORDS[end] for end in ends)
    both = f"both losses are {a}" if a == b else f"the training loss is {a}, the validation loss {b}"
    found = [f"At the end {both}."]
    lowest = int(np.argmin(validation))
    if validation[-1] > 1.05 * validation[lowest] and lowest + 1 <= epochs - stretch(epochs):
        found.append(f"The validation loss was lowest, {short(validation[lowest])}, after epoch {lowest + 1}.")
        found += ["The network overfits."] if ends == ("falling", "rising") else []
    late = [training[-1], float(np.mean(training[-stretch(epochs) :]))]  # no word rests on one epoch
    if min(late) > (1 + ALIKE) * before:
        found.append(f"The training loss is higher than before training, {short(before)}.")
    elif max(abs(each - before) for each in late) < 0.1 * before:
        found.append(f"The training loss has hardly moved: before training it was {short(before)}.")
    if min(late) > (1 - ALIKE) * guess:
        found.append(f"Equal probabilities for all classes would give {short(guess)}.")
    return found


def trend(losses: Sequence[float]) -> str:
    """Return how a curve ends: "falling", "rising", "level" or "uneven".

    The mean over the last stretch of epochs is compared with the mean over the stretch before. A difference counts if
    it is more than `LEVEL`, or `LEVEL_EVEN`, and more than the curve's noise explains: two standard deviations of the
    difference of two such means, where the noise is estimated from how much the steps from epoch to epoch differ (their
    median absolute deviation).
    """
    long = stretch(len(losses))
    tail = np.maximum(losses[-2 * long :], 1e-12)
    steps = tail[1:] / tail[:-1] - 1
    if steps.max() > UNEVEN and steps.min() < -UNEVEN:
        return "uneven"
    change = tail[long:].mean() / tail[:long].mean() - 1
    noise = 3 * np.median(np.abs(steps - np.median(steps))) / math.sqrt(long)
    least = LEVEL_EVEN if steps.max() < 0 or steps.min() > 0 else LEVEL
    return "level" if abs(change) <= max(least, noise) else "falling" if change < 0 else "rising"


def stretch(epochs: int) -> int:
    """Return the length of the stretches that `trend` compares: an eighth of the epochs, four at the least."""
    return max(4, epochs // 8)


def _setting(run: Run) -> str:
    """Say how a run was trained."""
    setting = run.setting
    words = f"Learning rate {short(setting.learning_rate)}, batch size {setting.batch_size}"
    words += f", {_size(setting, run.recipe.network.counted)}" if setting.size else ""
    return words + (f", what if {setting.what_if}" if setting.what_if else "")


def _size(setting: Setting, counted: str) -> str:
    """Say how large the layers are; `counted` is what they have, in the plural."""
    return count(setting.size, counted.removesuffix("s"), counted)


def _progress(run: Run, done: int, epochs: int) -> str:
    """Say how far it got."""
    iterations = count(run.iterations_per_epoch * done, "iteration")
    if done == epochs:
        return f"After {count(done, 'epoch')} ({iterations})"
    return f"After {done} of {epochs} epochs ({iterations}{'' if run.over else ', still training'})"


def _numbers(run: Run, done: int) -> str:
    if not done:
        return "there is no loss" if run.over else "there is no loss yet"
    right, samples = run.right(done), len(run.samples.labels_validation)
    training, validation = run.epoch_loss[done - 1], run.validation_loss[done - 1]
    return (
        f"the training loss is {short(training)}, the validation loss {short(validation)},"
        f" and {right / samples:.1%} of the validation samples are right ({right} of {samples})"
    )
