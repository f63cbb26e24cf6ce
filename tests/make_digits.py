"""Make lib/digits.npz from scikit-learn's copy of the handwritten digits: the same bytes at every run.

    python tests/make_digits.py lib/digits.npz

The bytes hang on zlib alone, for numpy stamps an archive with no time of day.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def make_digits(path: Path) -> None:
    """Write X (64, 1797) and labels (1797,), a byte a number, to `path`."""
    rows, labels = load_digits(return_X_y=True)
    np.savez_compressed(path, X=np.ascontiguousarray(rows.T, dtype=np.uint8), labels=labels.astype(np.uint8))


if __name__ == "__main__":
    make_digits(Path(sys.argv[1]))
