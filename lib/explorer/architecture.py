"""An architecture: what a unit has in the place of one dense layer, with a slider for its size and views of its own.

A unit stands above the explorer, so it hands its architecture over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from lib.explorer.regions_view import Plane
from lib.explorer.training import Run


class View(NamedTuple):
    """A picture of a run after some epochs, and what it says in words."""

    name: str
    tooltip: str
    draw: Callable[[Run, int], str]
    describe: Callable[[Run, int], str]


@dataclass(frozen=True)
class Architecture:
    """Layers below softmax of which one can choose the size, such as the number of `counted` "hidden units".

    `make(size)` gives what is called as `Dense` is. The layers that it makes may have weights of any shape, in one
    array. `over_regions` draws on the plane, above the regions and below the samples. `views` are there besides the
    explorer's own, but for those of a single dense layer.
    """

    counted: str
    sizes: tuple[int, ...]
    size: int
    make: Callable[[int], Callable[[int, int], Any]]
    over_regions: Callable[[Run, int, Plane], str]
    views: tuple[View, ...]
