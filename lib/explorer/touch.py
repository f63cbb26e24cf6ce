"""Touches: what somebody does with a picture, by pointer or by keys, in the picture's own pixels."""

from typing import NamedTuple

ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}  # right, and down
STEP, FAR = 6, 30  # pixels that an arrow key moves a point, and with Shift


class Touch(NamedTuple):
    """What somebody did with a picture.

    `what` is "down", "move" or "up" for the pointer, with its place x and y, or "key" for a key that the picture asked
    for, with its name and whether Shift was held.
    """

    picture: str
    what: str
    x: float = 0.0
    y: float = 0.0
    key: str = ""
    far: bool = False

    def moved(self, x: float, y: float) -> tuple[float, float]:
        """Return where this arrow key moves a point."""
        across, down = ARROWS[self.key]
        size = FAR if self.far else STEP
        return x + across * size, y + down * size
