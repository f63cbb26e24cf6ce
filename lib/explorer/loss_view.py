"""The loss by epoch and by iteration in one picture: how it falls, and how much it varies with a small batch.

The loss is on a log scale, and its axis begins and ends at the same losses for nearly all settings, so that the lower
of two curves has the lower loss. An epoch's loss beyond these ends makes the axis longer, by whole powers of ten.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.explorer import svg
from lib.explorer.svg import BOTTOM, LEFT, RIGHT, TOP
from lib.explorer.training import Run

LOW, HIGH = 0.01, 30.0  # from well learnt to nearly certain of the wrong class
FARTHEST = 1e12  # from 1, either way: the axis goes no farther
DASHES = ("10 3", "2 4", "10 3 2 3", "5 5")
COLUMNS = 240  # an iteration curve is drawn as that many strokes from its lowest to its highest


@dataclass(frozen=True)
class KeptRun:
    """A run kept for comparison: the name of its setting, and the epochs it had."""

    name: str
    run: Run
    epochs: int


@dataclass(frozen=True)
class Axes:
    """How many epochs lie between left and right, and which losses at the bottom and at the top.

    The epochs are those of the run that is shown; a kept run's are placed by `step`, how long one of them is beside one
    of these: 1 where runs compare by epochs, else the ratio of their iterations.
    """

    epochs: int
    low: float
    high: float

    @classmethod
    def around(cls, epochs: int, losses: NDArray[np.float64]) -> Self:
        """Return axes on which all of the losses lie that a log scale can show."""
        shown = np.clip(losses[losses > 0], 1 / FARTHEST, FARTHEST)
        down = math.floor(math.log10(shown.min(initial=LOW) / LOW))
        up = math.ceil(math.log10(shown.max(initial=HIGH) / HIGH))
        return cls(epochs, LOW * 10.0**down, HIGH * 10.0**up)

    def x(self, epoch: ArrayLike) -> NDArray[np.float64]:
        """Return where an epoch lies, in pixels from the left."""
        return LEFT + np.asarray(epoch, dtype=float) / self.epochs * (RIGHT - LEFT)

    def y(self, loss: ArrayLike) -> NDArray[np.float64]:
        """Return where a loss lies, in pixels from the top; beyond the axis it lies on its end."""
        share = np.log(np.clip(loss, self.low, self.high) / self.low) / math.log(self.high / self.low)
        return BOTTOM - share * (BOTTOM - TOP)

    def curve(self, losses: Sequence[float], name: str, step: float = 1, **attributes: str) -> str:
        """Draw the losses of the first epochs; a single one is a dot."""
        x, y = self.x(step * np.arange(1, len(losses) + 1)), self.y(losses)
        dot = svg.marks(x, y, 0, 2) if len(losses) == 1 else ""
        return svg.path(svg.line(x, y), name, **attributes) + svg.area(dot, name)


def draw(
    run: Run, epochs: int, kept: Sequence[KeptRun] = (), time: int | None = None, by_iterations: bool = False
) -> str:
    """Return the picture of a run's first `epochs` epochs, with kept runs behind it and a line at the time shown.

    By iterations, the axis is as long as the longest of these runs.
    """
    training, validation = run.epoch_loss[:epochs], run.validation_loss[:epochs]
    steps = [each.run.iterations_per_epoch / run.iterations_per_epoch if by_iterations else 1.0 for each in kept]
    most = [each.epochs if by_iterations else min(each.epochs, epochs) for each in kept]
    others = [each.run.epoch_loss[:most] for each, most in zip(kept, most, strict=True)]
    longest = max([epochs, *(math.ceil(step * len(losses)) for step, losses in zip(steps, others, strict=True))])
    axes = Axes.around(longest, np.concatenate([training, validation, *others]))
    every = max(1, epochs // 8)
    done = np.arange(every, len(validation) + 1, every)
    return svg.picture(
        "Loss",
        _scales(axes, run, by_iterations),
        _legend(),
        _iterations(run, epochs, axes),
        *(_kept(at, losses, step, axes) for at, (losses, step) in enumerate(zip(others, steps, strict=True))),
        axes.curve(training, "train"),
        axes.curve(validation, "validate"),
        svg.area(svg.marks(axes.x(done), axes.y(validation[every - 1 :: every]), 0, 3), "validate"),
        _end(run, epochs, axes),
        _time(time, axes) if time is not None and time < epochs else "",
    )


def _time(epoch: int, axes: Axes) -> str:
    """Draw a line where the other views are in time."""
    x = float(axes.x(epoch))
    line = svg.path(svg.line([x, x], [TOP, BOTTOM]), stroke=svg.var("ink"), stroke_width="1.5")
    return line + svg.area(svg.marks(x, BOTTOM + 1, 1, 5), "ink")


def _scales(axes: Axes, run: Run, by_iterations: bool) -> str:
    classes, per_epoch = len(run.samples.y), run.iterations_per_epoch
    powers = range(round(math.log10(axes.low)), math.floor(math.log10(axes.high)) + 1)
    ticks = [10.0**power for power in powers if not (power - powers[0]) % math.ceil(len(powers) / 6)]
    heights = axes.y(ticks).tolist()
    guess = float(axes.y(math.log(classes)))
    steps = sorted({0, axes.epochs // 4, axes.epochs // 2, 3 * axes.epochs // 4, axes.epochs})
    title = f"epoch ({svg.count(per_epoch * axes.epochs, 'iteration')} in all)"
    title, unit = (f"iteration ({per_epoch:,} an epoch)", per_epoch) if by_iterations else (title, 1)
    return "".join(
        [
            svg.path("".join(svg.line([LEFT, RIGHT], [height] * 2) for height in heights), "g"),
            *(svg.text(LEFT - 6, at + 4, f"{tick:g}", "e") for at, tick in zip(heights, ticks, strict=True)),
            svg.path(svg.line([LEFT, RIGHT], [guess, guess]), "guess"),
            svg.text(RIGHT, guess - 4, f"guessing: log {classes} = {math.log(classes):.2f}", "e"),
            *(svg.text(float(axes.x(step)), BOTTOM + 15, f"{step * unit:,}", "m") for step in steps),
            svg.text((LEFT + RIGHT) / 2, BOTTOM + 30, title, "m"),
        ]
    )


def _legend() -> str:
    return "".join(
        [
            svg.path(svg.line([64, 84], [10, 10]), "train") + svg.text(88, 14, "training, by epoch"),
            svg.path(svg.line([194, 199, 204, 209, 214], [6, 14, 5, 15, 8]), "noise"),
            svg.text(218, 14, "by iteration"),
            svg.path(svg.line([290, 314], [10, 10]), "validate") + svg.area(svg.marks(302, 10, 0, 3), "validate"),
            svg.text(319, 14, "validation"),
        ]
    )


def _iterations(run: Run, epochs: int, axes: Axes) -> str:
    """Draw the loss of every batch; many are gathered into strokes, each from the lowest to the highest."""
    per_epoch = run.iterations_per_epoch
    losses = np.frombuffer(run.iteration_loss, dtype=float)[: per_epoch * epochs]
    losses = losses[np.isfinite(losses)]
    below, above = losses.min(initial=1) < axes.low, losses.max(initial=1) > axes.high
    notes = svg.text(LEFT + 4, BOTTOM - 4, "some batches lie below", "o") if below else ""
    notes += svg.text(LEFT + 4, TOP + 10, "some batches lie above", "o") if above else ""
    group = max(1, math.ceil(per_epoch * axes.epochs / COLUMNS))
    starts = np.arange(0, len(losses), group)
    x = axes.x((starts + group / 2) / per_epoch)
    if group == 1:
        return svg.path(svg.line(x, axes.y(losses)), "noise") + notes
    ends = [end.reduceat(losses, starts) if len(starts) else losses for end in (np.minimum, np.maximum)]
    return svg.path(svg.line(np.repeat(x, 2), axes.y(np.column_stack(ends).ravel())), "noise") + notes


def _kept(number: int, losses: Sequence[float], step: float, axes: Axes) -> str:
    """Draw a kept run's training loss, with its number at the end."""
    if not losses:
        return ""
    x, y = float(axes.x(step * len(losses))), float(axes.y(losses[-1]))
    number_there = svg.text(min(x + 3, RIGHT + 2), y + 4, str(number + 1), "i o")
    return axes.curve(losses, "kept", step, stroke_dasharray=dash(number)) + number_there


def dash(number: int) -> str:
    """Return the dashes of the kept run with this number."""
    return DASHES[number % len(DASHES)]


def legend(kept: Sequence[str]) -> str:
    """Return the list of kept runs: each one's line, number and words."""
    rows = []
    for number, words in enumerate(kept):
        stroke = f'<path class="kept" d="M2 6h32" stroke-dasharray="{dash(number)}" />'
        rows.append(f'<li><svg viewBox="0 0 36 12" aria-hidden="true">{stroke}</svg> {escape(words)}</li>')
    return f'<ul class="zl-kept" aria-label="Kept runs">{"".join(rows)}</ul>' if rows else ""


def _end(run: Run, epochs: int, axes: Axes) -> str:
    """Mark where a run ended early, in words."""
    if not run.over or run.epochs >= epochs:
        return ""
    x = float(axes.x(run.epochs + 1))
    words = f"stopped in epoch {run.epochs + 1}" if run.fault else f"{run.last_loss} in epoch {run.diverged}"
    cross = svg.line([x - 6, x + 6], [TOP - 6, TOP + 6]) + svg.line([x - 6, x + 6], [TOP + 6, TOP - 6])
    return svg.path(cross, "stop") + svg.text(x + (12 if x < 200 else -12), TOP + 5, words, "h" if x < 200 else "h e")
