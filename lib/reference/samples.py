"""Samples: X holds one in each column, y its class as a one-hot column, and training asks for both to be so."""

import numpy as np

from lib.reference.layer import FloatArray


def require_samples(X: FloatArray, y: FloatArray) -> None:
    """Raise ValueError unless X is (features, samples), of finite numbers, and y is one-hot (classes, samples)."""
    if not (X.ndim == y.ndim == 2 and X.shape[1] == y.shape[1] > 0):
        raise ValueError(
            f"The samples and labels don't fit each other: X is {X.shape} and y is {y.shape}, but should be "
            "(features, samples) and (classes, samples). Try X.T or y.T, or np.eye(K)[:, labels] if y is 1-D."
        )
    odd = np.flatnonzero((np.count_nonzero(y, axis=0) != 1) | (y.max(axis=0) != 1))
    if odd.size:
        raise ValueError(
            f"The labels aren't one-hot: column {odd[0]} of y is {y[:, odd[0]]}, but should be a single 1 "
            "among 0s. Try np.eye(K)[:, labels] for K classes."
        )
    odd = np.flatnonzero(~np.isfinite(X).all(axis=0))
    if odd.size:
        raise ValueError(
            f"The samples should be finite numbers, but column {odd[0]} of X holds nan or infinity. "
            "Try to leave that sample out, or to look for the missing value."
        )
