"""The explorer: a network under sliders, the student's own, to see what a learning rate and a batch size do.

The way of one slider move, module by module: `controls` reads what is wished for, `latest` sees that the newest wish
wins, `training` trains the student's classes on `samples` (with a `what_if` mistake laid around them if asked), with
`patience` for slow code and `faults` for code that fails; `loss_view`, `regions_view`, `weights_view` and `sample_view`
draw the run with `ink`, `story` says the same in words, and `live` holds it all together. `still` is the picture for
pages without a kernel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from IPython.display import Image, display

from lib.explorer.live import Explorer
from lib.explorer.training import Network

__all__ = ["Explorer", "Network", "explore"]


def explore(
    Dense: Callable[..., Any],
    Softmax: Callable[..., Any],
    cce: Callable[..., Any],
    cce_gradient: Callable[..., Any],
    data: Any = None,
) -> None:
    """Show your network under sliders: change the learning rate or the batch size and see what it learns.

    `Dense(input_size, output_size)` has weights (classes, features + 1), `forward(input)` and
    `backward(output_gradient, learning_rate)`; `Softmax()` has both too. `forward` sets `output`, columns are samples.
    `cce(y, yhat)` is the mean loss of a batch, `cce_gradient(y, yhat)` the gradient for each sample, (classes, batch).

    `data` is "blobs" (300 samples, 2 features, 3 classes), "digits" (1,797 images), a pair (X, labels) with X
    (features, samples) and labels (samples,), or a mapping from names to such pairs. Raises ValueError if it is
    something else or doesn't fit together; what goes wrong in the network is said in the explorer.
    """
    loop = None
    with suppress(RuntimeError):  # no kernel: a plain Python shell
        loop = asyncio.get_running_loop()
    explorer = Explorer(Network(Dense, Softmax, cce, cce_gradient), data, loop)
    display({**explorer.box._repr_mimebundle_(), "text/plain": explorer.caption}, raw=True)
    display(Image(explorer.png(), alt=explorer.caption))  # hidden by the style of the first while that is alive
