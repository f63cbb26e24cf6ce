"""The explorer: the student's own network with sliders, which show the effect of learning rate and batch size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib.explorer.what_ifs import WhatIf
    from lib.explorer.widget import Explorer

__all__ = ["explore"]


def explore(
    Dense: Callable[..., Any],
    Softmax: Callable[..., Any],
    cce: Callable[..., Any],
    cce_gradient: Callable[..., Any],
    data: Any = None,
    what_ifs: Iterable[WhatIf] | None = None,
) -> Explorer:
    """Show your network with sliders: change the learning rate or the batch size and see what it learns.

    `Dense(input_size, output_size)` has weights (classes, features + 1), `forward(input)` and
    `backward(output_gradient, learning_rate)`. `Softmax()` has both methods too. `forward` sets `output`; columns are
    samples. `cce(y, yhat)` returns the mean loss of a batch, and `cce_gradient(y, yhat)` the gradient for each sample,
    (classes, batch). The training loop is the course's, not your `train`, because it must pause after any batch.

    `data` is "blobs" (300 samples, 2 features, 3 classes), "rings", "moons", "digits" (1,797 images), a pair
    (X, labels) with X (features, samples) and labels (samples,), or a mapping from names to such pairs. `what_ifs`
    are the mistakes to choose from; the default is those of the notebook's unit.

    Returns the widget. Its traits `learning_rate`, `batch_size`, `epochs`, `seed`, `data` and `what_if` can be read,
    set and observed. Raises ValueError for unknown data, or for X and labels that don't fit. The widget itself shows
    errors in the network.
    """
    # Not at the top: ipywidgets and anywidget take longer to import than all the rest of a notebook's first cell.
    from lib.explorer.runs import Network
    from lib.explorer.widget import Explorer

    return Explorer(Network(Dense, Softmax, cce, cce_gradient), data, what_ifs)
