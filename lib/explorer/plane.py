"""A piece of the plane around samples of two features, with a grid on which the network predicts."""

from functools import cached_property

import numpy as np

from lib.explorer.samples import Matrix, Samples

GRID = 36  # points to a side, which JavaScript interpolates for each pixel
MARGIN = 0.4


class Plane:
    """The axes `x` and `y` of the grid, and its `points` (2, GRID * GRID), row by row from below."""

    def __init__(self, samples: Samples) -> None:
        both = np.hstack([samples.X, samples.X_validation])
        self.low, self.high = both.min(axis=1) - MARGIN, both.max(axis=1) + MARGIN
        self.x, self.y = np.linspace(self.low, self.high, GRID).T

    @cached_property
    def points(self) -> Matrix:
        """The features at each point of the grid."""
        return np.stack([axis.ravel() for axis in np.meshgrid(self.x, self.y)])

    def share(self, X: Matrix) -> Matrix:
        """Return how far samples (2, n) lie from the left and from below, in parts of the plane."""
        share: Matrix = (X - self.low[:, None]) / (self.high - self.low)[:, None]
        return share
