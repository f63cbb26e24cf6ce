"""The explorer: the student's own network with sliders, to see what learning rate and batch size do."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from lib.explorer.live import Explorer
from lib.explorer.training import Network
from lib.explorer.what_ifs import WhatIf

__all__ = ["Explorer", "Network", "WhatIf", "explore", "running_loop", "show"]

# A page that is opened again without the kernel would show "Error displaying widget" above the still picture. The rule
# that hides it comes from an output of its own, because nothing of the explorer is there then.
HIDE_ERROR = """element.classList.add('zl-before');
document.head.insertAdjacentHTML('beforeend', `<style>.jp-OutputArea-child:has(.zl-before) { display: none; }
  .jp-OutputArea-child:has(.zl-before) + .jp-OutputArea-child:not(:has(.zl-explorer)) { display: none; }</style>`)"""


def explore(
    Dense: Callable[..., Any],
    Softmax: Callable[..., Any],
    cce: Callable[..., Any],
    cce_gradient: Callable[..., Any],
    data: Any = None,
    what_ifs: Iterable[WhatIf] | None = None,
) -> None:
    """Show your network with sliders: change the learning rate or the batch size and see what it learns.

    `Dense(input_size, output_size)` has weights (classes, features + 1), `forward(input)` and
    `backward(output_gradient, learning_rate)`; `Softmax()` has both too. `forward` sets `output`, columns are samples.
    `cce(y, yhat)` is the mean loss of a batch, `cce_gradient(y, yhat)` the gradient for each sample, (classes, batch).
    The training loop around them is the course's, not your `train`, because it stops after any batch and goes on later.

    `data` is "blobs" (300 samples, 2 features, 3 classes), "digits" (1,797 images), a pair (X, labels) with X
    (features, samples) and labels (samples,), or a mapping from names to such pairs. Raises ValueError if it is
    something else or doesn't fit together; what goes wrong in the network is said in the explorer.

    `what_ifs` are the mistakes to choose from; without them there are those of the notebook's unit.
    """
    show(Explorer(Network(Dense, Softmax, cce, cce_gradient), data, running_loop(), what_ifs))


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the kernel's event loop, which does an explorer's work; None in a plain Python shell."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


def show(explorer: Explorer) -> None:
    """Show an explorer in the notebook: live, and as a still picture for pages without a kernel."""
    shell = get_ipython()
    if shell is None:
        print(explorer.caption)
        return
    live, _ = shell.display_formatter.format(explorer.box)
    display({"application/javascript": HIDE_ERROR, "text/plain": ""}, raw=True)
    display({**live, "text/plain": ""}, raw=True)
    stills = [display(each, raw=True, display_id=True) for each in explorer.still()]

    def renew() -> Iterator[None]:
        for outputs in explorer.draw_still():
            for handle, each in zip(stills, outputs, strict=False):  # there are none until the picture is drawn
                handle.update(each, raw=True)
            yield

    explorer.on_rest = renew
