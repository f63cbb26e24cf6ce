"""The checks of the softmax classifier, one call for each part: in the notebook, `from lib import checks as check`.

| call | cell | what it looks at |
|---|---|---|
| `check.data(X, y)` | | orientation, one-hot, scaling; with `batch_size, learning_rate` these too; no points |
| `check.cce(cce)` | `check-cce` | the loss |
| `check.cce_gradient(cce_gradient, cce)` | `check-cce-gradient` | the gradient of one sample's loss |
| `check.softmax_forward(Softmax)` | `check-softmax-forward` | probabilities |
| `check.softmax_stable(Softmax)` | `check-softmax-stable` | large scores |
| `check.softmax_backward(Softmax)` | `check-softmax-backward` | the Jacobian at work |
| `check.dense_backward(Dense)` | `check-dense-backward` | the update, and the input's gradient |
| `check.train(train)` | `check-train` | the loop |
"""

from lib.checks.data import data
from lib.checks.dense import dense_backward
from lib.checks.loss import cce, cce_gradient
from lib.checks.softmax import softmax_backward, softmax_forward, softmax_stable
from lib.checks.training import train
from lib.names import watch

PARTS = (cce, cce_gradient, softmax_forward, softmax_stable, softmax_backward, dense_backward, train)

__all__ = [
    "PARTS",
    "cce",
    "cce_gradient",
    "data",
    "dense_backward",
    "softmax_backward",
    "softmax_forward",
    "softmax_stable",
    "train",
]

watch()
