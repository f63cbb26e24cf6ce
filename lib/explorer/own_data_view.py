"""Data of one's own in the picture of the regions: what pointer and keys do to points, and words for it.

The pointer drags a point, or adds one where there is none. Keys do the same with a cross, which they move until it has
a point to move. The training starts anew with each change.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.explorer import svg
from lib.explorer.own_data import MAX_POINTS, OwnData, Version
from lib.explorer.regions_view import BOTTOM, TOP, Plane, draw_points
from lib.explorer.samples import Samples
from lib.explorer.svg import HEIGHT, LEFT, RIGHT
from lib.explorer.touch import ARROWS, Touch

KEYS = (*ARROWS, "Enter", "n", "N", "c", "Delete", "Backspace", "u", "Escape")
HELP = (
    "Arrow keys move the cross or the selected point, with Shift farther. Enter selects the point at the cross, or "
    "adds one where there is none. N selects the next point to the right, Shift+N to the left. C gives it the next "
    "class, Delete removes it, U undoes the last change, Escape lets go."
)
REACH = 12  # pixels from a point within which it is meant
STILL = 0.5  # pixels that are no move
MIDDLE = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2


class Hand(NamedTuple):
    """What is under one's hand: the selected point or -1, where keys have put the cross, and what wasn't possible.

    `grip` is how far from the pointer the point lies that it drags, and `begun` whether the point has moved since it
    was selected: then one change holds all of its moves.
    """

    selected: int = -1
    cross: tuple[float, float] | None = None
    grip: tuple[float, float] | None = None
    begun: bool = False
    refusal: str = ""


NOTHING = Hand()


def answer(own: OwnData, hand: Hand, plane: Plane, label: int, touch: Touch) -> Hand:
    """Do what a touch asks for, with points that are added in class `label`; return what is under the hand then."""
    x, y = touch.x, touch.y
    if touch.what == "down":
        return _grip(own, hand, plane, label, x, y)
    if touch.what in ("move", "up"):
        if hand.grip:
            to = x + hand.grip[0], y + hand.grip[1]
            hand = _move(own, hand, plane, *to) if math.dist(to, _where(own, hand, plane)) > STILL else hand
        return hand._replace(grip=None) if touch.what == "up" else hand
    if touch.key in ARROWS:
        to = touch.moved(*_where(own, hand, plane))
        return _move(own, hand, plane, *to) if hand.selected >= 0 else Hand(cross=svg.within(*to, TOP, BOTTOM))
    if touch.key in "nN":
        return _go_on(own, hand, plane, -1 if touch.key == "N" else 1)
    if touch.key == "Enter" and hand.selected < 0:
        return _grip(own, hand, plane, label, *_where(own, hand, plane))._replace(grip=None)
    if touch.key in ("Enter", "Escape"):
        return Hand(cross=_where(own, hand, plane))
    if touch.key == "u":
        return Hand(refusal=own.undo())
    if touch.key == "c" and hand.selected >= 0:
        return relabel(own, hand, (int(own.now.labels[hand.selected]) + 1) % len(own.now.names))
    return remove(own, hand, plane)


def relabel(own: OwnData, hand: Hand, label: int) -> Hand:
    """Give the selected point another class."""
    own.relabel(hand.selected, label)
    return hand._replace(begun=False, refusal="")


def remove(own: OwnData, hand: Hand, plane: Plane) -> Hand:
    """Take the selected point out."""
    if hand.selected < 0:
        return hand._replace(refusal="No point is selected. Click on one, or press N in the picture of the regions.")
    place = _where(own, hand, plane)
    refusal = own.remove(hand.selected)
    return hand._replace(refusal=refusal) if refusal else Hand(cross=place)


def _grip(own: OwnData, hand: Hand, plane: Plane, label: int, x: float, y: float) -> Hand:
    """Select the point that is meant by a pixel, or add one there."""
    px, py = plane.pixels(own.now.X)
    far = np.hypot(px - x, py - y)
    nearest = int(np.argmin(far))
    if far[nearest] <= REACH:
        at = _where(own, Hand(nearest), plane)
        return Hand(nearest, grip=(at[0] - x, at[1] - y))
    if (x, y) != svg.within(x, y, TOP, BOTTOM):
        return Hand()
    refusal = own.add(plane.features(x, y), label)
    return hand._replace(refusal=refusal) if refusal else Hand(own.now.X.shape[1] - 1, grip=(0.0, 0.0))


def _move(own: OwnData, hand: Hand, plane: Plane, x: float, y: float) -> Hand:
    own.move(hand.selected, plane.features(x, y), hand.begun)
    return hand._replace(begun=True, refusal="")


def _go_on(own: OwnData, hand: Hand, plane: Plane, step: int) -> Hand:
    """Select the next point to the right, or to the left; after the last comes the first."""
    x, y = plane.pixels(own.now.X)
    order = np.lexsort((y, x))
    if hand.selected >= 0:
        return Hand(int(order[(np.nonzero(order == hand.selected)[0][0] + step) % len(order)]))
    right = int(np.searchsorted(x[order], hand.cross[0])) if hand.cross else 0
    return Hand(int(order[(right - (step < 0)) % len(order)]))


def _where(own: OwnData, hand: Hand, plane: Plane) -> tuple[float, float]:
    """Return the pixel of the selected point, or else of the cross."""
    if hand.selected < 0:
        return hand.cross or MIDDLE
    x, y = plane.pixels(own.now.X[:, [hand.selected]])
    return float(x[0]), float(y[0])


def obstacle(samples: Samples) -> str:
    """Say why the points of a data set can't be changed, or nothing where they can."""
    features, points = len(samples.X), samples.X.shape[1] + samples.X_validation.shape[1]
    if not samples.planar:
        return (
            f"Points can be changed where samples have 2 features, which make a plane; these have {features}. "
            "Choose blobs, rings or moons under Data."
        )
    if points > MAX_POINTS:
        return f"Points can be changed in sets of up to {MAX_POINTS:,} samples; this one has {points:,}."
    return ""


def describe(own: OwnData, hand: Hand) -> str:
    """Say how many points there are of each class, what was changed last, what is selected, and what wasn't done."""
    now, samples = own.now, own.now.samples
    train, aside = (np.bincount(each, minlength=len(now.names)) for each in (samples.labels, samples.labels_validation))
    counts = ", ".join(f"{count} of class {name}" for count, name in zip(train, now.names, strict=True))
    some = svg.count(len(samples.labels), "training sample")
    words = [f"The data: {some} ({counts}) and {aside.sum()} for validation."]
    words += [f"Class {name} has no training sample." for name, n in zip(now.names, train, strict=True) if not n]
    words.append(f"Change {own.changes}: {now.change}." if own.changes else "No point was changed.")
    if hand.selected >= 0:
        words.append(f"Selected: the {now.name(hand.selected)} at {now.place(hand.selected)}.")
    return " ".join([*words, hand.refusal]).rstrip()


def rest(version: Version, hand: Hand) -> Version:
    """Return the points that aren't selected."""
    if hand.selected < 0:
        return version
    others = np.arange(version.X.shape[1]) != hand.selected
    return _pick(version, others)


def draw_hand(version: Version, hand: Hand, plane: Plane) -> str:
    """Return the selected point with a ring around it, or the cross, and what can be done."""
    parts = [svg.text(4, HEIGHT - 5, "Drag a point, or click where there is none to add one.")]
    if hand.selected >= 0:
        only = _pick(version, np.arange(version.X.shape[1]) == hand.selected)
        ring = svg.marks(*plane.pixels(only.X), 0, 9)
        parts += [svg.path(ring, stroke=svg.var("paper"), stroke_width="5"), svg.path(ring, "ring")]
        parts.append(draw_points(only.samples, plane))
    elif hand.cross:
        parts.append(svg.cross(*hand.cross))
    return "".join(parts)


def _pick(version: Version, which: NDArray[np.bool_]) -> Version:
    return replace(version, X=version.X[:, which], labels=version.labels[which], validation=version.validation[which])
