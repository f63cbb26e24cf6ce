"""The gradients of batches at the present weights, around the gradient of the whole set: the noise of a step.

Each gradient is a point in as many dimensions as there are weights; the picture shows the plane in which those of
single samples differ most. Batches of B samples lie about √B times nearer to the full gradient than single samples do.
"""

import math

import numpy as np

from lib.explorer import svg
from lib.explorer.remembered import Refinable, Remembered
from lib.explorer.svg import HEIGHT, count, short
from lib.explorer.training import Matrix, Run

FEW, MAX_GRADIENTS = 32, 240  # gradients of either kind: after a move, so that a slider stays quick, and at rest
X, Y = 210, 164  # the middle of the picture
RADIUS = 128  # in pixels; twice the spread of single samples


class Cloud(Refinable):
    """Gradients at the weights after `epoch` epochs, computed with the student's own layers.

    They are of single samples and of batches, (number, weights) each, and of the whole set, (weights,).
    """

    def __init__(self, run: Run, epoch: int) -> None:
        self.run, self.epoch = run, epoch
        self.full = run.gradients(epoch, run.samples.X.shape[1], 1)[0]
        self.samples = self.batches = np.empty((0, self.full.size))
        self.grow()

    @property
    def fine(self) -> bool:
        """Whether there are as many as the picture shows at rest."""
        return len(self.samples) == min(MAX_GRADIENTS, self.run.samples.X.shape[1])

    def grow(self) -> None:
        """Compute a few more of either kind, as far as there are so many."""
        size, most = self.run.setting.batch_size, min(len(self.samples) + FEW, MAX_GRADIENTS)
        batches = self.run.gradients(self.epoch, size, most, len(self.batches))
        self.batches = np.vstack([self.batches, batches])
        singles = batches if size == 1 else self.run.gradients(self.epoch, 1, most, len(self.samples))
        self.samples = np.vstack([self.samples, singles])

    def spread(self, gradients: Matrix) -> float:
        """Return the root mean square distance from the full gradient."""
        return float(np.sqrt(np.mean(np.sum((gradients - self.full) ** 2, axis=1))))


compute = Remembered(Cloud, rough=4)  # the caption and the picture ask for the same


def describe(run: Run, epoch: int) -> str:
    """Say how far single samples and batches lie from the full gradient, and how far √B predicts for these."""
    cloud, size = compute(run, epoch), run.setting.batch_size
    one, many = cloud.spread(cloud.samples), cloud.spread(cloud.batches)
    distance = f"lie {short(one)} from the full gradient (root mean square)"
    words = f"At these weights the gradients of {len(cloud.samples)} single samples {distance}."
    if size == 1:
        return words
    if size == run.samples.X.shape[1]:
        return f"{words} A batch of all samples has the full gradient itself."
    predicted = f"{short(one)} / √{size} is {short(one / math.sqrt(size))}"
    words += f" For {count(len(cloud.batches), 'batch', 'batches')} of {size} it is {short(many)}; {predicted}."
    if 4 * size < run.samples.X.shape[1]:
        return words
    return f"{words} Batches of a quarter of the set or more tend to lie nearer, since no sample comes twice."


def find_plane(gradients: Matrix) -> Matrix:
    """Return two orthogonal directions, (2, weights), along which the gradients, (number, weights), are longest.

    This is orthogonal iteration: a singular value decomposition finds all directions, and takes seconds.
    """
    plane = np.random.default_rng(0).normal(size=(gradients.shape[1], 2))
    for _ in range(20):
        plane = np.linalg.qr(gradients.T @ (gradients @ plane))[0]
    return plane.T


def draw(run: Run, epoch: int) -> str:
    """Return the picture after `epoch` epochs: the full gradient in the middle, and the rings that √B predicts."""
    cloud = compute(run, epoch)
    around = [each - cloud.full for each in (cloud.samples, cloud.batches, np.zeros((1, cloud.full.size)))]
    if not all(np.isfinite(each).all() for each in around):
        return svg.note(svg.picture("Batch gradients"), "a gradient is not a finite number")
    plane = find_plane(around[0])
    points = [each @ plane.T for each in around]
    spread = max(math.sqrt(np.mean(np.sum(points[0] ** 2, axis=1))), 1e-12)
    (single, far), (batch, _), (zero, _) = (_place(each, spread) for each in points)
    rings = RADIUS / 2 * np.array([1, 1 / math.sqrt(run.setting.batch_size)])
    outside = count(far, "sample lies", "samples lie")
    turn = np.linspace(0, 2 * np.pi, 49)
    return svg.picture(
        "Batch gradients",
        *(svg.path(svg.line(X + ring * np.cos(turn), Y + ring * np.sin(turn)), "guess") for ring in rings),
        svg.area(svg.marks(*single, 0, 2), "soft", 0.45),
        svg.area(svg.marks(*batch, 0, 3), "train", 0.8),
        svg.area(svg.marks(X, Y, 3, 5), "validate"),
        svg.path(svg.marks(*zero, 0, 5), stroke=svg.var("ink"), stroke_width="2"),
        svg.text(float(zero[0][0]) + 8, float(zero[1][0]) + 14, "zero", "i o"),
        svg.area(svg.marks(130, 10, 0, 2), "soft") + svg.text(136, 14, "one sample"),
        svg.area(svg.marks(214, 10, 0, 3), "train") + svg.text(221, 14, f"batch of {run.setting.batch_size}"),
        svg.area(svg.marks(312, 10, 3, 5), "validate") + svg.text(321, 14, "full gradient"),
        svg.text(4, HEIGHT - 20, f"rings: the spread of {len(single[0])} samples in this plane, and that over √B"),
        svg.text(
            4, HEIGHT - 5, f"{count(len(batch[0]), 'batch', 'batches')}; {outside} farther out, in the direction shown"
        ),
    )


def _place(points: Matrix, spread: float) -> tuple[tuple[Matrix, Matrix], int]:
    """Return points in the plane as pixels, x and y, and how many were too far out and are drawn at the edge."""
    pixels = RADIUS / 2 / spread * points
    farther = np.hypot(*pixels.T) / RADIUS
    x, y = (pixels / np.maximum(farther, 1)[:, None]).T
    return (X + x, Y - y), int(np.sum(farther > 1))
