"""Captions: the numbers of the picture up to the epochs shown, even if more are trained. The reader judges them."""

import math
from collections.abc import Sequence

from lib.explorer.runs import Run


def describe(run: Run, epochs: int) -> str:
    """Return the caption: the setting, the progress, the losses, the loss of guessing, and the accuracy."""
    done = min(epochs, run.epochs)
    words = f"{_setting(run)}. {_progress(run, done, epochs)} {_losses(run, done)}."
    if run.diverged is not None and run.diverged <= epochs:
        return (
            f"{words} Diverged in epoch {run.diverged}: the loss or a weight became {run.last_loss}. "
            "Try a smaller learning rate. If that does not help, test the gradients."
        )
    return f"{words} {run.fault}" if run.fault and run.epochs < epochs else words


def short(value: float) -> str:
    """Return a number to three digits, with a real minus sign."""
    return f"{value:.3g}".replace("-", "−") if value < 0 else f"{value:.3g}"


def count(number: int, one: str) -> str:
    """Return a number and its unit: "1 epoch", "1,080 iterations"."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def _setting(run: Run) -> str:
    setting, network = run.setting, run.recipe.network
    rate, size = (repr(each).removesuffix(".0") for each in (setting.learning_rate, setting.size))
    words = f"Learning rate {rate}, batch size {setting.batch_size}"
    if network.is_number:
        words += f", {network.counted} {size}"
    elif setting.size:
        words += f", {count(int(setting.size), network.counted.removesuffix('s'))}"
    return words + (f", what if {setting.what_if}" if setting.what_if else "")


def _progress(run: Run, done: int, epochs: int) -> str:
    iterations = count(run.iterations_per_epoch * done, "iteration")
    if done == epochs:
        return f"After {count(done, 'epoch')} ({iterations})"
    return f"After {done} of {epochs} epochs ({iterations}{'' if run.over else ', still training'})"


def _losses(run: Run, done: int) -> str:
    if not done:
        return "there is no loss" if run.over else "there is no loss yet"
    classes, samples = len(run.samples.y), len(run.samples.labels_validation)
    training, validation = (_loss(curve[:done]) for curve in (run.epoch_loss, run.validation_loss))
    return (
        f"the training loss is {training}, and the validation loss {validation}; that of guessing is log {classes} ="
        f" {short(math.log(classes))}. {run.right[done - 1]} of {samples} validation samples are right"
    )


def _loss(curve: Sequence[float]) -> str:
    # The last value, and the range of the last quarter: it tells a level curve from one that goes up and down.
    last = curve[-max(1, len(curve) // 4) :]
    low, high = short(min(last)), short(max(last))
    return short(curve[-1]) + (f" (from {low} to {high} in the last {len(last)} epochs)" if low != high else "")
