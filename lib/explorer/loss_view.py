"""The loss by epoch and by iteration in one picture: how it falls, and how much it varies with a small batch.

Both axes are fixed, and the loss is on a log scale: the lower of two curves has the lower loss, whatever the setting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.explorer import svg
from lib.explorer.training import Run

WIDTH, HEIGHT = 420, 330
LEFT, RIGHT, TOP, BOTTOM = 40, 410, 44, 296
LOW, HIGH = 0.01, 30.0  # from well learnt to nearly certain of the wrong class
DASHES = ("10 3", "2 4", "10 3 2 3", "5 5")
COLUMNS = 240  # an iteration curve is drawn as that many strokes from its lowest to its highest


@dataclass(frozen=True)
class KeptRun:
    """A run kept for comparison: the epochs it had, its setting and its end in words, and the edges of its regions."""

    run: Run
    epochs: int
    name: str
    outcome: str
    boundary: str = ""


def y_of(loss: ArrayLike) -> NDArray[np.float64]:
    """Return where a loss lies in the picture, in pixels from the top; beyond the axis it lies on its end."""
    safe = np.nan_to_num(np.asarray(loss, dtype=float), nan=HIGH, posinf=HIGH, neginf=LOW)
    share = np.log(np.clip(safe, LOW, HIGH) / LOW) / math.log(HIGH / LOW)
    down: NDArray[np.float64] = BOTTOM - share * (BOTTOM - TOP)
    return down


def draw(run: Run, epochs: int, kept: Sequence[KeptRun] = ()) -> str:
    """Return the picture of a run's first `epochs` epochs, with kept runs behind it."""
    return svg.picture(
        WIDTH,
        HEIGHT,
        "Loss",
        _axes(epochs, run.iterations_per_epoch, len(run.samples.y)),
        _iterations(run, epochs),
        *(_kept(number, each, epochs) for number, each in enumerate(kept)),
        _by_epoch(run.epoch_loss[:epochs], epochs, "train"),
        _by_epoch(run.validation_loss[:epochs], epochs, "validate"),
        _end(run, epochs),
    )


def x_of(epoch: ArrayLike, epochs: int) -> NDArray[np.float64]:
    """Return where an epoch lies in the picture, in pixels from the left."""
    return LEFT + np.asarray(epoch, dtype=float) / epochs * (RIGHT - LEFT)


def _axes(epochs: int, per_epoch: int, classes: int) -> str:
    ticks = (0.01, 0.1, 1, 10)
    grid = "".join(svg.line([LEFT, RIGHT], [float(y_of(tick))] * 2) for tick in ticks)
    guess = float(y_of(math.log(classes)))
    steps = sorted({0, epochs // 4, epochs // 2, 3 * epochs // 4, epochs})
    return "".join(
        [
            svg.path(grid, "g"),
            *(svg.text(LEFT - 6, float(y_of(tick)) + 4, f"{tick:g}", "e") for tick in ticks),
            svg.path(svg.line([LEFT, RIGHT], [guess, guess]), "guess"),
            svg.text(RIGHT, guess - 4, f"guessing: ln {classes} = {math.log(classes):.2f}", "e"),
            *(svg.text(float(x_of(step, epochs)), BOTTOM + 15, str(step), "m") for step in steps),
            svg.text((LEFT + RIGHT) / 2, BOTTOM + 30, f"epoch ({per_epoch * epochs:,} iterations in all)", "m"),
            _legend(),
        ]
    )


def _legend() -> str:
    return "".join(
        [
            svg.path(svg.line([64, 84], [10, 10]), "train") + svg.text(88, 14, "training, by epoch"),
            svg.path(svg.line([194, 199, 204, 209, 214], [6, 14, 5, 15, 8]), "noise")
            + svg.text(218, 14, "by iteration"),
            svg.path(svg.line([290, 314], [10, 10]), "validate")
            + svg.path("M3020 100h0", "dots")
            + svg.text(319, 14, "validation"),
        ]
    )


def _iterations(run: Run, epochs: int) -> str:
    """Draw the loss of every batch; many are gathered into strokes, each from the lowest to the highest."""
    per_epoch = run.iterations_per_epoch
    losses = np.frombuffer(run.iteration_loss, dtype=float)[: per_epoch * epochs]
    losses = losses[np.isfinite(losses)]
    if not len(losses):
        return ""
    group = max(1, math.ceil(per_epoch * epochs / COLUMNS))
    starts = np.arange(0, len(losses), group)
    x = x_of((starts + group / 2) / per_epoch, epochs)
    if group == 1:
        return svg.path(svg.line(x, y_of(losses)), "noise")
    ends = [np.minimum.reduceat(losses, starts), np.maximum.reduceat(losses, starts)]
    return svg.path(svg.line(np.repeat(x, 2), y_of(np.column_stack(ends).ravel())), "noise")


def _by_epoch(losses: Sequence[float], epochs: int, name: str) -> str:
    done = np.arange(1, len(losses) + 1)
    x, y = x_of(done, epochs), y_of(losses)
    if name == "train":
        return svg.path(svg.line(x, y), name) + (svg.path(_dot(x[:1], y[:1]), name) if len(x) == 1 else "")
    every = max(1, epochs // 8)
    return svg.path(svg.line(x, y), name) + svg.path(_dot(x[every - 1 :: every], y[every - 1 :: every]), "dots")


def _dot(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return "".join(f"M{a} {b}h0" for a, b in zip(svg.tenths(x).tolist(), svg.tenths(y).tolist(), strict=True))


def _kept(number: int, kept: KeptRun, epochs: int) -> str:
    """Draw a kept run's training loss, with its number at the end."""
    losses = kept.run.epoch_loss[: min(kept.epochs, epochs)]
    if not losses:
        return ""
    x, y = x_of(np.arange(1, len(losses) + 1), epochs), y_of(losses)
    at = min(float(x[-1]) + 3, RIGHT + 2), float(y[-1]) + 4
    return svg.path(svg.line(x, y), "kept", stroke_dasharray=dash(number)) + svg.text(*at, str(number + 1), "i o")


def dash(number: int) -> str:
    """Return the dashes of the kept run with this number."""
    return DASHES[number % len(DASHES)]


def legend(kept: Sequence[KeptRun]) -> str:
    """Return the list of kept runs: each one's line, number, setting and outcome."""
    rows = []
    for number, each in enumerate(kept):
        stroke = f'<path class="kept" d="M2 6h32" stroke-dasharray="{dash(number)}" />'
        words = svg.escape(f"{number + 1}  {each.name}: {each.outcome}")
        rows.append(f'<li><svg viewBox="0 0 36 12" aria-hidden="true">{stroke}</svg> {words}</li>')
    return f'<ul class="zl-kept" aria-label="KeptRun runs">{"".join(rows)}</ul>' if rows else ""


def _end(run: Run, epochs: int) -> str:
    """Mark where a run ended early, in words."""
    if not run.over or run.epochs >= epochs:
        return ""
    x = float(x_of(run.epochs + 1, epochs))
    cross = f"M{x * 10 - 60:.0f} {TOP * 10 - 60}l120 120m0 -120l-120 120"
    anchor = "start" if x < 200 else "end"
    words = f"stopped in epoch {run.epochs + 1}" if run.fault else f"{run.last_loss} in epoch {run.diverged}"
    return svg.path(cross, "stop") + svg.text(
        x + (12 if x < 200 else -12), TOP + 5, words, "h", style=f"text-anchor:{anchor}"
    )
