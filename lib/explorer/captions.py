"""Captions: what the picture shows, in two sentences, and the presets that show it best."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lib.explorer.svg import short
from lib.explorer.training import Run, Setting
from lib.explorer.what_ifs import WhatIf

SURE_AND_WRONG = 10.0  # the loss of a sample whose class gets a probability of 1 in 22,000


@dataclass(frozen=True)
class Preset:
    """A setting with a name; a batch size of 0 is the whole set."""

    name: str
    learning_rate: float
    batch_size: int


PRESETS = (
    Preset("Too small", 1e-4, 16),
    Preset("About right", 0.1, 16),
    Preset("Too large", 31.6, 16),
    Preset("One sample at a time", 0.1, 1),
    Preset("The whole set at once", 0.1, 0),
)


def name_setting(setting: Setting) -> str:
    """Name a setting in a few words, as kept runs are labelled."""
    words = f"rate {short(setting.learning_rate)}, batch {setting.batch_size}"
    words += f", seed {setting.seed}" if setting.seed else ""
    return words + (f", {setting.what_if}" if setting.what_if else "")


def describe(run: Run, epochs: int) -> str:
    """Say what the picture shows: the setting, how far it got, the losses, the accuracy, and what to make of them."""
    setting = run.setting
    done = min(epochs, run.epochs)
    start = f"Learning rate {short(setting.learning_rate)}, batch size {setting.batch_size}"
    start += f", what if {setting.what_if}" if setting.what_if else ""
    parts = [f"{start}. {_progress(run, done, epochs)}{_numbers(run, done)}."]
    if run.diverged is not None and run.diverged <= epochs:
        parts.append(_divergence(run))
    elif run.fault and run.epochs < epochs:
        parts.append(run.fault)
    elif done == epochs:
        parts.append(assess(run, epochs))
    return " ".join(parts)


def describe_end(run: Run, epochs: int) -> str:
    """Say in a few words where a run ended."""
    done = min(epochs, run.epochs)
    if run.diverged is not None and run.diverged <= epochs:
        return f"diverged in epoch {run.diverged}"
    if not done:
        return "no epoch finished"
    return (
        f"training loss {run.epoch_loss[done - 1]:.3g}, validation loss {run.validation_loss[done - 1]:.3g}, "
        f"{run.accuracy(done):.1%} right after {done} epoch{'s' * (done != 1)}"
    )


def ask_prediction(what_if: WhatIf) -> str:
    """Ask for a prediction before the picture of a mistake is shown."""
    return f"What if {what_if.name}? {what_if.question} Predict the curve first, then press Look."


def assess(run: Run, epochs: int) -> str:
    """Say in a sentence what a finished training curve looks like."""
    losses = run.epoch_loss[:epochs]
    first, last = run.loss_before(), losses[-1]
    guess = math.log(len(run.samples.y))  # the loss of equal probabilities
    tail = losses[-max(3, epochs // 4) :]
    if last > max(first, guess) * 1.1:
        return "The loss went up: this does not learn."
    if max(tail) > 1.3 * min(tail) and epochs > 4:
        return "The loss jumps about: each step overshoots."
    if max(run.iteration_loss[-run.iterations_per_epoch * len(tail) :]) > SURE_AND_WRONG:
        return "It is nearly certain of everything, also where it is wrong: the steps are too large."
    if last > 0.9 * first:
        return "The loss has hardly moved: each step is too short, or there is nothing to learn."
    if epochs > 4 and last < 0.98 * losses[-max(2, epochs // 10)]:
        return "It learns, and was still falling at the end."
    if last > 0.97 * guess:
        return f"It ends no better than guessing, whose loss is {guess:.3g}."
    return "It has learnt, and settled."


def _progress(run: Run, done: int, epochs: int) -> str:
    """Say how far it got."""
    iterations = f"{run.iterations_per_epoch * done:,} iterations"
    if done == epochs:
        return f"After {done} epoch{'s' * (done != 1)} ({iterations})"
    return f"After {done} of {epochs} epochs ({iterations}{'' if run.over else ', still training'})"


def _numbers(run: Run, done: int) -> str:
    if not done:
        return " there is no loss yet" if not run.over else " there is no loss"
    return (
        f" the training loss is {run.epoch_loss[done - 1]:.3g}, "
        f"the validation loss {run.validation_loss[done - 1]:.3g}, "
        f"and {run.accuracy(done):.1%} of the validation samples are right"
    )


def _divergence(run: Run) -> str:
    what = "the loss became" if not math.isnan(run.last_loss) else "the loss or a weight became"
    why = "The learning rate is too large here, or a gradient is wrong."
    return f"Diverged in epoch {run.diverged}: {what} {run.last_loss}. {why}"
