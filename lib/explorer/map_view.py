"""The map: the loss that each learning rate and batch size reaches, and a ring at the present setting.

The deeper the shade, the higher the loss, on a log scale; every cell also has its number. A click, or the arrow keys,
go to a cell.
"""

import math
from collections.abc import Iterator

import numpy as np

from lib.explorer import svg
from lib.explorer.loss_map import STEPS, Cell, LossMap
from lib.explorer.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, short
from lib.explorer.touch import ARROWS, Touch
from lib.explorer.training import Setting

TITLE = "Map"
KEYS = tuple(ARROWS)
HELP = "Arrow keys go to the next learning rate, left or right, or batch size, up or down. A click goes to a cell."
DIVERGED, FAILED = "×", "?"
SHADES = 8
DEEPEST = 0.5  # opacity, on which numbers can be read


def draw(losses: LossMap, setting: Setting) -> str:
    """Return the picture, as far as the losses are known."""
    wide, high = (RIGHT - LEFT) / len(losses.rates), (BOTTOM - TOP) / len(losses.batch_sizes)
    x, y = _place(losses, setting)
    lowest = losses.lowest()
    compared = f"{losses.epochs} epochs" if losses.epochs else f"{STEPS} steps"
    return svg.picture(
        TITLE,
        svg.path(svg.boxes(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP), "g"),
        *_shades(losses, wide, high),
        *(
            svg.text(*_middle(losses, cell, 4), _number(loss), f"m {'t' if cell == lowest else 'i'}")
            for cell, loss in losses.losses.items()
        ),
        svg.path(svg.marks(x, y, 0, 13), stroke=svg.var("paper"), stroke_width="6"),
        svg.path(svg.marks(x, y, 0, 13), "ring"),
        svg.text(44, 14, f"training loss after {compared}, the lowest in bold; ring: now"),
        *(
            svg.text(LEFT - 6, _middle(losses, (losses.rates[0], size), 4)[1], str(size), "e")
            for size in losses.batch_sizes
        ),
        *(
            svg.text(_middle(losses, (rate, losses.batch_sizes[0]))[0], BOTTOM + 15, f"{rate:g}", "m")
            for rate in losses.rates[::2]
        ),
        svg.text(4, TOP - 8, "batch size"),
        svg.text((LEFT + RIGHT) / 2, BOTTOM + 30, "learning rate", "m"),
        svg.text(4, HEIGHT - 5, _explain(losses)),
        "" if losses.complete else svg.text(RIGHT, HEIGHT - 5, f"{len(losses.losses)} of {losses.size} trained", "e"),
        keys=KEYS,
        help=HELP,
    )


def describe(losses: LossMap, setting: Setting) -> str:
    """Say what is compared, the loss of the present cell, and the lowest."""
    compared = f"{losses.epochs} epochs" if losses.epochs else f"{STEPS} steps"
    words = [
        f"Map: the loss of all training samples, measured after {compared} with each learning rate and batch size."
    ]
    here, lowest = (setting.learning_rate, setting.batch_size), losses.lowest()
    if lowest is None:
        return words[0]
    found = losses.losses
    if here in found:
        words.append(f"Here it is {_say(found[here])}.")
    rate, size = lowest
    so_far = "" if losses.complete else " so far"
    words.append(f"The lowest{so_far} is {_say(found[lowest])}, at rate {short(rate)}, batch {size}.")
    return " ".join(words)


def go(losses: LossMap, setting: Setting, touch: Touch) -> Cell | None:
    """Return the cell that a touch goes to, or None where it goes nowhere."""
    if touch.what == "down":
        column = math.floor((touch.x - LEFT) / (RIGHT - LEFT) * len(losses.rates))
        row = math.floor((BOTTOM - touch.y) / (BOTTOM - TOP) * len(losses.batch_sizes))
        inside = 0 <= column < len(losses.rates) and 0 <= row < len(losses.batch_sizes)
        return (losses.rates[column], losses.batch_sizes[row]) if inside else None
    if touch.key not in ARROWS:
        return None
    right, down = ARROWS[touch.key]
    rate, size = setting.learning_rate, setting.batch_size
    if right:
        beyond = [each for each in losses.rates if (each - rate) * right > 0]
        return (min(beyond, key=lambda each: abs(each - rate)), size) if beyond else None
    larger = [each for each in losses.batch_sizes if (size - each) * down > 0]
    return (rate, min(larger, key=lambda each: abs(each - size))) if larger else None


def _place(losses: LossMap, setting: Setting) -> tuple[float, float]:
    """Return the pixel of a setting, whose learning rate may lie between two columns."""
    wide = (RIGHT - LEFT) / len(losses.rates)
    columns = np.log(losses.rates)
    column = float(np.interp(math.log(setting.learning_rate), columns, np.arange(len(columns))))
    row = min(losses.batch_sizes, key=lambda size: abs(math.log(size / setting.batch_size)))
    return LEFT + (column + 0.5) * wide, _middle(losses, (losses.rates[0], row))[1]


def _middle(losses: LossMap, cell: Cell, below: float = 0) -> tuple[float, float]:
    """Return the pixel in the middle of a cell, or some pixels below, where a text's line is."""
    wide, high = (RIGHT - LEFT) / len(losses.rates), (BOTTOM - TOP) / len(losses.batch_sizes)
    column, row = losses.rates.index(cell[0]), losses.batch_sizes.index(cell[1])
    return LEFT + (column + 0.5) * wide, BOTTOM - (row + 0.5) * high + below


def _shades(losses: LossMap, wide: float, high: float) -> Iterator[str]:
    """Draw the cells of each shade as one path; one that diverged has the deepest, one that failed none."""
    lowest = losses.lowest()
    low = losses.losses[lowest] if lowest else 1.0
    shades: dict[int, list[tuple[float, float]]] = {}
    for cell, loss in losses.losses.items():
        share = 0.0 if math.isnan(loss) else 1.0
        if low > 0 and math.isfinite(loss):
            share = math.log(loss / low) / math.log(100)  # of two powers of ten
        x, y = _middle(losses, cell)
        shades.setdefault(round(SHADES * min(max(share, 0), 1)), []).append((x - wide / 2, y - high / 2))
    for shade, corners in sorted(shades.items()):
        x, y = np.array(corners).T
        yield svg.area(svg.boxes(x, y, wide, high), "ink", DEEPEST * shade / SHADES)


def _number(loss: float) -> str:
    """Write a loss in three characters at most."""
    if not math.isfinite(loss):
        return DIVERGED if loss > 0 else FAILED
    return f"{loss:.2f}"[1:] if 0 <= loss < 0.995 else f"{loss:.1f}" if abs(loss) < 9.95 else f"{min(loss, 99):.0f}"


def _say(loss: float) -> str:
    return short(loss) if math.isfinite(loss) else "infinite" if loss > 0 else "not known"


def _explain(losses: LossMap) -> str:
    """Say what the signs of cells without a number mean, as far as there are any."""
    signs = {_number(loss) for loss in losses.losses.values() if not math.isfinite(loss)}
    meanings = {DIVERGED: f"{DIVERGED}: diverged", FAILED: f"{FAILED}: stopped by an error or the time limit"}
    return ", ".join(meaning for sign, meaning in meanings.items() if sign in signs)
