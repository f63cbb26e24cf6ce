"""A true slice of the loss: a plane through the weights of a run, and the loss at its points.

The plane goes through the first and the last weights, so that both lie in it, and holds the direction in which the path
strays farthest from the line between them. The loss at a point is what the student's own layers and loss give for
exactly these weights.
"""

import numpy as np

from lib.explorer.gradients_view import find_plane
from lib.explorer.remembered import Refinable
from lib.explorer.svg import BOTTOM, LEFT, RIGHT, TOP
from lib.explorer.training import Matrix, Run

ROUGH = (8, 10)  # points down and across that are computed at once; between them the logarithm is interpolated
FINE = (28, 37)  # points that are computed while the controls rest
MARGIN = 1.4  # the size of the picture as a multiple of the path's
SMALLEST = 1e-3  # weights to a side at least, where the path doesn't move


class LossSlice(Refinable):
    """The plane of a run's first `epoch` epochs, its losses on a grid, and the way between weights and pixels."""

    def __init__(self, run: Run, epoch: int) -> None:
        self.run = run
        path = np.array([np.ravel(W) for W in run.weights[: epoch + 1]])
        self.origin = path[-1]
        self.directions = find_directions(path - self.origin)  # (2, weights)
        inside = (path - self.origin) @ self.directions.T  # (epochs + 1, 2)
        whole = float(np.sum((path - self.origin) ** 2))
        self.share = float(np.sum(inside**2)) / whole if whole else 1.0
        low, high = inside.min(axis=0), inside.max(axis=0)
        wide, tall = RIGHT - LEFT, BOTTOM - TOP
        pixel = max((high - low) / (wide, tall))
        self.scale = max(MARGIN * float(pixel), SMALLEST / tall)  # units of the weights a pixel, both ways
        self.middle = (low + high) / 2
        self.path = self.pixels(inside)  # (epochs + 1, 2)
        self._rows: list[list[float]] = []
        self.losses = self._interpolate()

    @property
    def fine(self) -> bool:
        """Whether the loss is known at every point of the fine grid."""
        return len(self._rows) == FINE[0]

    def pixels(self, points: Matrix) -> Matrix:
        """Return points of the plane, (n, 2), as pixels x and y, (n, 2)."""
        return [(LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2] + (points - self.middle) * [1, -1] / self.scale

    def weights(self, x: float, y: float) -> Matrix:
        """Return the weights at a pixel of the picture."""
        point: Matrix = self.middle + np.array([x - (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2 - y]) * self.scale
        flat: Matrix = self.origin + point @ self.directions
        return flat.reshape(self.run.weights[0].shape)

    def grow(self) -> None:
        """Compute the next row of the fine grid, which is drawn from once it is whole."""
        y = np.linspace(TOP, BOTTOM, FINE[0])[len(self._rows)]
        self._rows.append([self._loss(x, y) for x in np.linspace(LEFT, RIGHT, FINE[1])])
        if self.fine:
            self.losses = np.array(self._rows)

    def _interpolate(self) -> Matrix:
        """Compute the losses of the rough grid, and interpolate them to the fine one."""
        rows, columns = np.linspace(TOP, BOTTOM, ROUGH[0]), np.linspace(LEFT, RIGHT, ROUGH[1])
        losses: Matrix = np.array([[self._loss(x, y) for x in columns] for y in rows])
        if not (losses > 0).all() or not np.isfinite(losses).all():
            return losses
        down, across = cubic(ROUGH[0], FINE[0]), cubic(ROUGH[1], FINE[1])
        return np.exp(down @ np.log(losses) @ across.T)

    def _loss(self, x: float, y: float) -> float:
        return self.run.loss(self.weights(x, y))


def find_directions(path: Matrix) -> Matrix:
    """Return two orthonormal directions, (2, weights), of a path (points, weights) that ends at 0.

    The first points from the start to the end, so that the end lies to the right. The second is the first principal
    direction of what is left of the path, and the path's middle lies above the line from start to end.
    """
    rng = np.random.default_rng(0)
    first = -path[0] if np.any(path[0]) else rng.normal(size=path.shape[1])
    first = first / np.linalg.norm(first)
    along: Matrix = path @ first
    rest: Matrix = path - np.outer(along, first)
    second = find_plane(rest)[0] if np.any(rest) else rng.normal(size=path.shape[1])
    second = second - np.dot(second, first) * first
    second = second / np.linalg.norm(second)
    above = float(np.sum(rest, axis=0) @ second) >= 0
    return np.stack([first, second if above else -second])


def cubic(rough: int, fine: int) -> Matrix:
    """Return the matrix (fine, rough) that interpolates between evenly spaced values, by cubics through four each."""
    at = np.linspace(0, rough - 1, fine)
    first = np.clip(np.floor(at).astype(int) - 1, 0, rough - 4)
    matrix = np.zeros((fine, rough))
    for i in range(4):
        others = [j for j in range(4) if j != i]
        matrix[np.arange(fine), first + i] = np.prod([(at - first - j) / (i - j) for j in others], axis=0)
    return matrix
