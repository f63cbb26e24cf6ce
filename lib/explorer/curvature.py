"""The largest learning rate at which a step still goes down, which follows from the curvature of the loss.

Near weights W, the loss along a direction v is a parabola of curvature v·Hv, where H holds the second derivatives. A
step of gradient descent on the whole set goes down along every direction of that parabola as long as the learning rate
is below 2/λ, where λ is the largest eigenvalue of H (Goh, "Why Momentum Really Works", 2017). Beyond it, a step crosses
the narrowest valley and ends higher on the other side.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lib.explorer.training import Run

Vector = NDArray[np.float64]
STEPS = 12  # of Lanczos's method: 1% near λ or nearer, also with the 650 weights of digits
ROUNDING = 1e-8  # curvature below it is what rounding makes of none
DIFFERENCE = 1e-4  # between two gradients, as the length of a step in weights
ALIKE = 1e-3  # the part by which a loss is higher at least to be told as higher: it has three digits
TRIED = (0.001, 0.01, 0.05, 0.2, 0.5, 0.95, 0.99)  # parts of 2/λ at which a step is tried


def largest_descending_rate(run: Run, epoch: int) -> float:
    """Return the largest learning rate that takes a step on all samples downhill after `epoch` epochs.

    This is 2/λ, or less where steps that are tried below it go up: the loss is a parabola only near the weights. nan or
    inf where there is no such rate.
    """
    W, limit = run.weights[epoch], descent_limit(run, epoch)
    if not math.isfinite(limit):
        return limit
    before, gradient, downhill = run.loss(W), run.gradient(W), math.nan
    for rate in (share * limit for share in TRIED):
        if run.loss(W - rate * gradient) > before + ALIKE * abs(before):
            return downhill
        downhill = rate
    return limit


def descent_limit(run: Run, epoch: int) -> float:
    """Return 2/λ of the loss on all training samples after `epoch` epochs; nan or inf where there is none.

    H v is the difference between two of the student's own gradients, one of them a small step along v.
    """
    W = run.weights[epoch]
    here = run.gradient(W)

    def product(v: Vector) -> Vector:
        there = run.gradient(W + DIFFERENCE * v.reshape(W.shape))
        return np.ravel(there - here) / DIFFERENCE

    largest = largest_eigenvalue(product, W.size, STEPS)
    return 2 / largest if largest > ROUNDING else math.inf if largest == largest else math.nan


def largest_eigenvalue(product: Callable[[Vector], Vector], size: int, steps: int) -> float:
    """Return the largest eigenvalue of a symmetric matrix (size, size) of which only products with vectors are known.

    This is Lanczos's method with full orthogonalisation (Golub and Van Loan, "Matrix Computations", chapter 10):
    the largest eigenvalue within the space of v, H v, H² v and so on. Returns nan where a product isn't finite.
    """
    rng = np.random.default_rng(0)
    basis, products = np.empty((0, size)), np.empty((0, size))
    v = rng.normal(size=size)
    for _ in range(min(steps, size)):
        v = v - basis.T @ (basis @ v)
        v = v - basis.T @ (basis @ v)  # twice is enough for rounding
        length = np.linalg.norm(v)
        if not math.isfinite(length):
            return math.nan
        if length < 1e-9:  # the space is whole
            break
        basis = np.vstack([basis, v / length])
        products = np.vstack([products, product(basis[-1])])
        v = products[-1]
    small = basis @ products.T
    return float(np.linalg.eigvalsh((small + small.T) / 2)[-1]) if np.isfinite(small).all() else math.nan
