"""The path on the loss: the way of the weights on a true slice of the loss, and up to which rate a step goes down.

Lines join points of equal loss, and the deeper the shade, the higher it is. A click, or Enter at the cross, starts the
training there.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from contourpy import FillType, LineType, contour_generator

from lib.explorer import svg
from lib.explorer.curvature import descent_limit, find_rise
from lib.explorer.loss_slice import LossSlice
from lib.explorer.remembered import Remembered
from lib.explorer.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, short
from lib.explorer.touch import ARROWS
from lib.explorer.training import Run

TITLE = "The path on the loss"
KEYS = (*ARROWS, "Enter")
HELP = "Arrow keys move a cross, with Shift farther; Enter starts the training there."
MOST_LEVELS = 9
MOST_DOTS = 150

MIDDLE = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2

compute = Remembered(LossSlice, rough=64)  # the caption, the picture and a click ask for the same


def draw(run: Run, last: int, epoch: int, cross: tuple[float, float] | None = None) -> str:
    """Return the picture of the first `last` epochs, a ring after `epoch`, and a cross where the keys have moved it."""
    plane = compute(run, last)
    every = math.ceil(len(plane.path) / MOST_DOTS)
    x, y = plane.path.T
    dots = "a dot after each epoch" if every == 1 else f"a dot after every {every} epochs"
    return svg.picture(
        TITLE,
        svg.path(svg.boxes(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP), "g"),
        _contours(plane, plane.fine),
        svg.path(svg.line(x, y), "train"),
        svg.area(svg.marks(x[::every], y[::every], 2, 1.8), "train"),
        svg.path(svg.marks(x[0], y[0], 2, 5), "ring", svg.var("paper")),
        svg.area(svg.marks(x[-1], y[-1], 3, 5), "validate"),
        svg.path(svg.marks(x[epoch], y[epoch], 0, 8), "ring") if epoch < last else "",
        svg.cross(*cross) if cross else "",
        svg.path(svg.marks(170, 10, 2, 4), "ring", svg.var("paper")) + svg.text(178, 14, "start"),
        svg.area(svg.marks(228, 10, 3, 5), "validate") + svg.text(237, 14, "end"),
        svg.area(svg.marks(276, 10, 2, 1.8), "train") + svg.text(283, 14, dots),
        _scale(plane),
        svg.text(RIGHT, HEIGHT - 5, "click: start there", "e"),
        keys=KEYS,
        help=HELP,
    )


def describe(run: Run, last: int, epoch: int, cross: tuple[float, float] | None = None) -> str:
    """Say how much of the path the plane shows, up to which rate a step goes down, and the loss at the cross."""
    plane, where = compute(run, last), "last weights" if epoch == last else "weights that are shown"
    words = ["The start is one that you chose."] if run.setting.start else []
    held = f"holds {_percent(plane.share)} of the path"
    words.append(f"The plane through start and end {held}, counted in squared distances from its end.")
    words.append(_describe_limit(run, epoch, where))
    if cross:
        words.append(f"At the cross the loss is {short(run.loss(plane.weights(*cross)))}. Enter starts there.")
    return " ".join(words)


def _describe_limit(run: Run, epoch: int, where: str) -> str:
    """Say below which learning rate a step goes down, and at which one it doesn't all the same."""
    if not math.isfinite(limit := descent_limit(run, epoch)):
        return f"The largest curvature at the {where} is not a number above 0, so no rate is marked."
    said = f"At the {where}, 2/λ = {short(limit)} (λ: the largest curvature of the loss, from your own gradients)."
    if not (rise := find_rise(run, epoch)):
        return f"{said} A step with all samples goes down at each learning rate below it that was tried."
    rate, before, after = rise
    return (
        f"{said} Below it a step with all samples should go down, but at learning rate {short(rate)} "
        f"the loss goes up from {short(before)} to {short(after)}. The curvature changes on the way, or the step is "
        "not along the gradient."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%" if share < 0.9995 else "all" if share > 1 - 1e-9 else "over 99.9%"


def levels(losses: Any) -> list[float]:
    """Return up to `MOST_LEVELS` losses to draw lines at: round ones, closest where the loss is low."""
    known = losses[np.isfinite(losses)]
    if not known.size or known.max() <= known.min():
        return []
    low, high = float(known.min()), float(known.max())
    if low > 0 and high > 3 * low:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
            found = [step * 10.0**power for power in powers for step in steps if low < step * 10.0**power < high]
            if len(found) <= MOST_LEVELS:
                return found
        return found[:: math.ceil(len(found) / MOST_LEVELS)]
    size = 10 ** math.floor(math.log10((high - low) / 2))
    step = next(size * each for each in (0.5, 1, 2, 5, 10) if (high - low) / (size * each) <= MOST_LEVELS)
    found = [float(f"{step * at:.6g}") for at in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [level for level in found if low < level < high]


@lru_cache(maxsize=64)  # a map that fills in beside it is drawn again and again
def _contours(plane: LossSlice, fine: bool) -> str:
    """Draw a darker band above each level, a line at it, and its loss beside the line."""
    rows, columns = plane.losses.shape
    x, y = np.linspace(LEFT, RIGHT, columns), np.linspace(TOP, BOTTOM, rows)
    found = levels(plane.losses)
    highest = float(np.nanmax(plane.losses[np.isfinite(plane.losses)], initial=0)) + 1
    make: Any = contour_generator(
        x, y, np.ma.masked_invalid(plane.losses), fill_type=FillType.OuterOffset, line_type=LineType.Separate
    )
    bands, lines, words = [], [], []
    taken: list[Any] = []
    for level in found:
        bands.append(svg.area(svg.rings(*make.filled(level, highest)), "ink", 0.5 / len(found)))
        strokes = make.lines(level)
        lines += [svg.strokes(line) for line in strokes]
        if (place := _label_place(strokes, taken)) is not None:
            taken.append(place)
            words.append(svg.text(place[0], place[1] + 4, f"{level:g}", "m i o"))
    return "".join(bands) + svg.path("".join(lines), stroke=svg.var("soft"), opacity="0.8") + "".join(words)


def _label_place(strokes: Sequence[Any], taken: Sequence[Any]) -> Any:
    """Return a place for a number on one of the lines, away from other numbers and from the edges, or None."""
    for line in sorted(strokes, key=len, reverse=True):
        free = np.all((line > (LEFT + 14, TOP + 10)) & (line < (RIGHT - 14, BOTTOM - 10)), axis=1)
        for place in taken:
            free &= np.any(np.abs(line - place) > (34, 16), axis=1)
        if free.any():
            inner = line[free]
            return inner[np.argmax(inner.sum(axis=1))]  # down and to the right, where the path is not
    return None


def _scale(plane: LossSlice) -> str:
    """Draw how long one round number of weight units is, the same in both directions."""
    longest = 100 * plane.scale
    size = 10 ** math.floor(math.log10(longest))
    unit = max(size * each for each in (1, 2, 5) if size * each <= longest)
    end = LEFT + unit / plane.scale
    bar = svg.line([LEFT, LEFT, end, end], [HEIGHT - 14, HEIGHT - 10, HEIGHT - 10, HEIGHT - 14])
    return svg.path(bar, stroke=svg.var("soft")) + svg.text(end + 6, HEIGHT - 5, f"{unit:g} in the weights")
