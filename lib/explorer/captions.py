"""Captions: one or two sentences that describe the picture.

A caption describes both curves up to the epochs shown, even if more epochs are trained, and leaves judgements to the
reader. The trend of a loss is computed from the last two stretches of epochs, because a single epoch is too noisy.
"""

import math
from collections.abc import Sequence

import numpy as np

from lib.explorer.runs import Run

MIN_EPOCHS = 12  # fewer epochs don't have two stretches after the first fall
# Relative changes of a loss:
SAME = 0.001  # at most this: "level", since the third digit is the same
LEVEL = 0.02  # at most this: "nearly level"
LEVEL_EVEN = 0.006  # the same if all epochs go one way: after as many epochs again it would have changed by 5%
ALIKE = 0.02  # two losses that differ by at most this count as equal
JUMP = 0.05  # an uneven loss changes by more than this between epochs, both up and down

FALLING, RISING, UNEVEN = "still falling", "rising", "going up and down"


def describe(run: Run, epochs: int) -> str:
    """Return the caption: the setting, the progress, the losses, the accuracy, and the trend of the curves."""
    done = min(epochs, run.epochs)
    parts = [f"{_setting(run)}. {_progress(run, done, epochs)} {_losses(run, done)}."]
    if run.diverged is not None and run.diverged <= epochs:
        parts.append(
            f"Diverged in epoch {run.diverged}: the loss or a weight became {run.last_loss}. "
            "Try a smaller learning rate. If that does not help, test the gradients."
        )
    elif run.fault and run.epochs < epochs:
        parts.append(run.fault)
    elif done == epochs:
        parts.append(assess(run.epoch_loss[:epochs], run.validation_loss[:epochs], run.loss_before))
    return " ".join(parts)


def assess(training: Sequence[float], validation: Sequence[float], before: float) -> str:
    """Return a sentence on how both curves end, compared with the loss before training."""
    epochs = len(training)
    if min(min(training), min(validation)) < 0:
        return "A loss is below 0, but a cross-entropy is never negative. Check the minus sign."
    if epochs < MIN_EPOCHS:
        return f"Train for {MIN_EPOCHS} epochs or more to see where the loss goes."
    a, b = trend(training), trend(validation)
    both = f"both losses are {a}" if a == b else f"the training loss is {a}, the validation loss {b}"
    found = [f"At the end {both}"]
    lowest = int(np.argmin(validation))
    if b != UNEVEN and validation[-1] > 1.05 * validation[lowest] and lowest + 1 <= epochs - stretch(epochs):
        overfits = ", so the network overfits" if (a, b) == (FALLING, RISING) else ""
        found.append(f"the validation loss was lowest, {short(validation[lowest])}, after epoch {lowest + 1}{overfits}")
    last = training[-stretch(epochs) :]  # not one epoch, which may be an exception
    if min(last) > (1 + ALIKE) * before:
        found.append(f"the training loss is higher than before training, {short(before)}")
    elif max(abs(loss - before) for loss in last) < 0.1 * before:
        found.append(f"the training loss is about the same as before training, {short(before)}")
    return "; ".join(found) + "."


def trend(losses: Sequence[float]) -> str:
    """Return how a curve ends: "still falling", "rising", "level", "nearly level" or "going up and down".

    The means over the last stretch of epochs and over the stretch before are compared. Their difference counts if it is
    larger than `LEVEL` (or `LEVEL_EVEN`), and larger than two standard deviations of such a difference. The standard
    deviation is estimated from the median absolute deviation of the steps from epoch to epoch.
    """
    long = stretch(len(losses))
    tail = np.maximum(losses[-2 * long :], 1e-12)
    steps = tail[1:] / tail[:-1] - 1
    if tail.max() - tail.min() <= SAME * tail.max():
        return "level"
    if steps.max() > JUMP and steps.min() < -JUMP:
        return UNEVEN
    change = tail[long:].mean() / tail[:long].mean() - 1
    noise = 3 * np.median(np.abs(steps - np.median(steps))) / math.sqrt(long)
    least = LEVEL_EVEN if steps.max() < 0 or steps.min() > 0 else LEVEL
    return "nearly level" if abs(change) <= max(least, noise) else FALLING if change < 0 else RISING


def stretch(epochs: int) -> int:
    """Return the length of the stretches that `trend` compares: an eighth of the epochs, and at least four."""
    return max(4, epochs // 8)


def short(value: float) -> str:
    """Return a number to three digits, with a real minus sign."""
    return f"{value:.3g}".replace("-", "−") if value < 0 else f"{value:.3g}"


def exact(value: float) -> str:
    """Return a number with all its digits, as settings are shown."""
    return repr(value).removesuffix(".0")


def count(number: int, one: str) -> str:
    """Return a number and its unit: "1 epoch", "1,080 iterations"."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def span(values: Sequence[float]) -> str:
    """Return the smallest and the largest number, "0.59 to 0.868", or one number if both look the same."""
    low, high = short(min(values)), short(max(values))
    return low if low == high else f"{low} to {high}"


def _setting(run: Run) -> str:
    setting, network = run.setting, run.recipe.network
    words = f"Learning rate {exact(setting.learning_rate)}, batch size {setting.batch_size}"
    if network.is_number:
        words += f", {network.counted} {exact(setting.size)}"
    elif setting.size:
        words += f", {count(int(setting.size), network.counted.removesuffix('s'))}"
    return words + (f", what if {setting.what_if}" if setting.what_if else "")


def _progress(run: Run, done: int, epochs: int) -> str:
    iterations = count(run.iterations_per_epoch * done, "iteration")
    if done == epochs:
        return f"After {count(done, 'epoch')} ({iterations})"
    return f"After {done} of {epochs} epochs ({iterations}{'' if run.over else ', still training'})"


def _losses(run: Run, done: int) -> str:
    # Curves that go up and down get the range over a stretch: the values of one epoch would be chance.
    if not done:
        return "there is no loss" if run.over else "there is no loss yet"
    samples = len(run.samples.labels_validation)
    curves = run.epoch_loss[:done], run.validation_loss[:done]
    if done >= MIN_EPOCHS and UNEVEN in map(trend, curves):
        last = stretch(done)
        training, validation = (span(curve[-last:]) for curve in curves)
        return (
            f"the losses of the last {last} epochs are {training} in training and {validation} in validation,"
            f" with {span(run.right[done - last : done])} of {samples} validation samples right"
        )
    training, validation = (short(curve[-1]) for curve in curves)
    right = run.right[done - 1]
    return (
        f"the training loss is {training}, the validation loss {validation},"
        f" and {right / samples:.1%} of the validation samples are right ({right} of {samples})"
    )
