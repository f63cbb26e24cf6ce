"""Ours: the explorer, with loss and decision regions in view."""

from lib.explorer import explore
from tests.explorer.student import Dense, Softmax, cce, cce_gradient

explore(Dense, Softmax, cce, cce_gradient, data="blobs")
