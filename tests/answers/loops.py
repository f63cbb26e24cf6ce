"""Training loops for the tests: right ones in odd clothes, and wrong ones that look right.

All start from the notebook's own loop. A wrong one says which texts of it are replaced, and which statement it breaks.
"""

from typing import NamedTuple

LOOP = """
def train(X, y, learning_rate, batch_size, nepochs):
    num_features, num_samples = X.shape
    num_labels = y.shape[0]
    dlayer = Dense(num_features, num_labels) # define dense layer
    softmax = Softmax() # define softmax activation layer
    losses = [] # one loss for each epoch

    for epoch in range(nepochs):
        loss = 0 # every epoch starts anew
        batch_indices = generate_batch_indices(num_samples, batch_size)
        for batch in batch_indices:
            dlayer.forward(X[:, batch])
            softmax.forward(dlayer.output)
            loss += len(batch) / num_samples * cce(y[:, batch], softmax.output)
            grad = cce_gradient(y[:, batch], softmax.output)
            grad = softmax.backward(output_gradient = grad)
            grad = dlayer.backward((1 / len(batch)) * grad, learning_rate)
        losses.append(loss)
    return(dlayer, softmax, losses)
"""
START = "    losses = [] # one loss for each epoch\n"
FORWARD = "            dlayer.forward(X[:, batch])\n"
ACTIVATE = "            softmax.forward(dlayer.output)\n"
ADD = "            loss += len(batch) / num_samples * cce(y[:, batch], softmax.output)\n"
GRADIENT = "            grad = cce_gradient(y[:, batch], softmax.output)\n"
BACK = "            grad = softmax.backward(output_gradient = grad)\n"
UPDATE = "            grad = dlayer.backward((1 / len(batch)) * grad, learning_rate)\n"
NOTE = "        losses.append(loss)\n"
MAKE = "        batch_indices = generate_batch_indices(num_samples, batch_size)\n"
EACH = "        for batch in batch_indices:\n"
DENSE = "    dlayer = Dense(num_features, num_labels) # define dense layer\n"
DENSE_ARGUMENTS = "Dense(num_features, num_labels)"
RETURN = "    return(dlayer, softmax, losses)\n"

SHUFFLE = "np.random.permutation(num_samples)"
OWN_SHUFFLE = """\
        order = np.random.permutation(num_samples)
        batch_indices = [order[start : start + batch_size] for start in range(0, num_samples, batch_size)]
"""

Changes = tuple[tuple[str, str], ...]


def loop(*changes: tuple[str, str]) -> str:
    """The notebook's loop with each old text replaced by its new one."""
    source = LOOP
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


LAYERS = """
class Softmax(Softmax):
    def forward(self, input):
        super().forward(input)
        self.probabilities, self.cache = self.output, {"a": self.output, "batch": input.shape[1]}
        return self.output

class Dense(Dense):
    def forward(self, input):
        self.z = super().forward(input)
        return self.z
"""
"""Layers that keep more than the notebook's do."""
WRAPPED = """
class Inner(Dense):
    pass

class Dense:
    def __init__(self, *sizes):
        self.__dict__["inner"] = Inner(*sizes)

    def __getattr__(self, name):
        return getattr(self.__dict__["inner"], name)

    def __setattr__(self, name, value):
        setattr(self.__dict__["inner"], name, value)
"""
APART = """
class Dense:
    def __init__(self, input_size, output_size):
        self.W, self.b = np.ones((output_size, input_size)), np.zeros((output_size, 1))

    @property
    def weights(self):
        return np.hstack([self.W, self.b])

    @weights.setter
    def weights(self, new):
        self.W, self.b = new[:, :-1].copy(), new[:, -1:].copy()

    def forward(self, input):
        self.x, self.z = input, self.W @ input + self.b
        self.output = self.z
        return self.output

    def backward(self, output_gradient, learning_rate):
        below = self.W.T @ output_gradient
        self.W = self.W - learning_rate * output_gradient @ self.x.T
        self.b = self.b - learning_rate * output_gradient.sum(axis=1, keepdims=True)
        return below
"""
ONE_FOR_ALL = """
class Softmax(Softmax):
    made = None

    def __new__(cls):
        Softmax.made = Softmax.made or super().__new__(cls)
        return Softmax.made

Softmax()
"""

OWN = """
class Dense(Dense):
    kind = 'dense'

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.made = (inputs, outputs)

    def _add_bias_node(self, X):
        return np.vstack([X, np.ones((1, X.shape[1]))])
"""
USES_OWN = """\
        assert dlayer.kind == 'dense' and dlayer.made == (num_features, num_labels) and isinstance(dlayer, Dense)
        assert dlayer._add_bias_node(X).shape == (num_features + 1, num_samples)
        one = cce(y, y)
        assert type(one) is np.float64 and one.item() == one and one.shape == ()
"""
SAME = """\
        one, before = dlayer.forward(X), dlayer.weights
        assert np.array_equal(one, dlayer.forward(X))
        if epoch == nepochs - 1:
            continue
        assert np.array_equal(before, dlayer.weights)
"""
BY_NAME = """
_cce = cce

class Dense(Dense):
    def backward(self, output_gradient, *, learning_rate):
        return super().backward(output_gradient, learning_rate)

def cce(y, yhat, *, eps=0):
    return _cce(y, yhat + eps)
"""
"""Layers and losses with methods and parameters of their own."""

MISSPELT = """
class Layer:
    def __init__(self):
        self.input = None
        self.output = None

    def forward(self, input):
        pass

    def backward(self, output_gradient, learning_rate):
        pass

class Softmax(Layer):
    def forwards(self, input):
        self.output = np.exp(input) / np.exp(input).sum(axis=0)
        return self.output

    def backwards(self, output_gradient, learning_rate=None):
        return self.output * (output_gradient - (self.output * output_gradient).sum(axis=0))
"""
"""A layer whose methods have other names: its own checks say so."""

HANDED_ON = """
class Softmax(Softmax):
    def backward(self, gradient):
        return gradient
"""
"""A backward with a name of its own for what it is given; that it is wrong its own check says."""

COUNTED = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Loss:
    values: list

    def __call__(self, y, yhat):
        self.values.append(-np.mean(np.log(np.sum(y * yhat, axis=0))))
        return self.values[-1]

cce = Loss([])
"""
"""A loss that is an object, and can't be hashed."""

RIGHT: dict[str, str] = {
    "the notebook's": loop(),
    "outputs by names of the layers' own": LAYERS
    + loop((ACTIVATE, ACTIVATE.replace("output", "z")), (ADD, ADD.replace("output", "probabilities")))
    .replace("softmax.output", "softmax.cache['a']")
    .replace("len(batch))", "softmax.cache['batch'])"),
    "a layer that passes all on to another": WRAPPED + loop(),
    "weights and bias that a dense layer keeps apart": APART + loop((ACTIVATE, ACTIVATE.replace("output", "z"))),
    "a softmax with misspelt methods": MISSPELT + loop(),
    "a softmax that hands its gradient on": HANDED_ON + loop((BACK, BACK.replace("output_gradient =", "gradient ="))),
    "one softmax layer for all": ONE_FOR_ALL + loop(),
    "methods and attributes of the layers' own": OWN + loop((NOTE, NOTE + USES_OWN)),
    "parameters that are given by name alone": BY_NAME
    + loop((UPDATE, UPDATE.replace("learning_rate", "learning_rate=learning_rate"))),
    "the same output for the same input, until the weights change": loop((NOTE, NOTE + SAME)),
    "a dense layer of the notebook's with new weights": "dlayer = Dense(8, 14)\n"
    + loop((DENSE, "    dlayer.weights = 0.1 * np.random.randn(num_labels, num_features + 1)\n")),
    "a loss that can't be hashed, called with its arguments' names": COUNTED
    + loop((ADD, ADD.replace("y[:, batch], softmax", "y=y[:, batch], yhat=softmax"))),
    "numbers of NumPy from the loss": loop((ADD, ADD.replace("softmax.output)", "softmax.output).item()"))),
    "the loss's mean and shape": loop(
        (ADD, ADD.replace("+= ", "+= float(").replace("softmax.output)", "softmax.output).mean().reshape(()))"))
    ),
    "accuracy on all data after each step": loop(
        (
            UPDATE,
            f"{UPDATE}            softmax.forward(dlayer.forward(X))\n"
            "            accuracy = np.mean(softmax.output.argmax(0) == y.argmax(0))\n",
        )
    ),
    "accuracy on the batch after the step": loop(
        (
            UPDATE,
            f"{UPDATE}            softmax.forward(dlayer.forward(X[:, batch]))\n"
            "            accuracy = np.mean(softmax.output.argmax(0) == y[:, batch].argmax(0))\n",
        )
    ),
    "loss and accuracy of all data after each epoch, printed": loop(
        (
            NOTE,
            f"{NOTE}        softmax.forward(dlayer.forward(X))\n"
            "        print('%.3f %.3f' % (cce(y, softmax.output), (softmax.output.argmax(0) == y.argmax(0)).mean()))\n",
        )
    ),
    "all batches once more after each epoch, for the accuracy": loop(
        (
            NOTE,
            f"{NOTE}        hits = 0\n        for batch in batch_indices:\n"
            "            softmax.forward(dlayer.forward(X[:, batch]))\n"
            "            hits += (softmax.output.argmax(0) == y[:, batch].argmax(0)).sum()\n",
        )
    ),
    "the forward pass twice": loop((ACTIVATE, FORWARD + 2 * ACTIVATE)),
    "the loss after the step": loop((ADD, ""), (UPDATE, UPDATE + ADD)),
    "the loss after the step, of a prediction kept": loop(
        (ADD, "            prediction = softmax.output\n"),
        (
            UPDATE,
            f"{UPDATE}            softmax.forward(dlayer.forward(X))\n{ADD}".replace("softmax.output)", "prediction)"),
        ),
    ),
    "a mean over single samples": loop(
        (
            ADD,
            "            for at, sample in enumerate(batch):\n"
            "                loss += cce(y[:, [sample]], softmax.output[:, [at]]) / num_samples\n",
        )
    ),
    "the loss of all batches at once": loop(
        (MAKE, MAKE + "        labels, predictions = [], []\n"),
        (ADD, "            labels.append(y[:, batch])\n            predictions.append(softmax.output)\n"),
        (NOTE, "        losses.append(cce(np.hstack(labels), np.hstack(predictions)))\n"),
    ),
    "the loss of all samples, in a matrix that is filled batch by batch": loop(
        (MAKE, MAKE + "        predictions = np.zeros(y.shape)\n"),
        (ADD, "            predictions[:, batch] = softmax.output\n"),
        (NOTE, "        losses.append(cce(y, predictions))\n"),
    ),
    "all shuffles before the loop": loop(
        (MAKE, ""),
        (
            "    for epoch in range(nepochs):\n",
            "    for batch_indices in [generate_batch_indices(num_samples, batch_size) for _ in range(nepochs)]:\n",
        ),
    ),
    "a shuffle of one's own": loop((MAKE, OWN_SHUFFLE)),
    "a shuffle of one's own, by another generator": loop(
        (MAKE, OWN_SHUFFLE.replace("np.random.permutation", "np.random.default_rng(epoch).permutation"))
    ),
    "a copy of the trained layer": "from copy import deepcopy\n" + loop(("return(dlayer", "return(deepcopy(dlayer)")),
    "layers and losses in a list": loop((RETURN, "    return [dlayer, softmax, losses]\n")),
    "losses alone, which are all that is asked of them": loop((RETURN, "    return losses\n")),
    "X and y shuffled together before the loops": loop(
        (START, f"{START}    order = {SHUFFLE}\n    X, y = X[:, order], y[:, order]\n")
    ),
    "X and y shuffled together in each epoch": loop(
        (MAKE, f"        order = {SHUFFLE}\n        X, y = X[:, order], y[:, order]\n{MAKE}")
    ),
    "a seed before the loops": loop((START, f"{START}    np.random.seed(42)\n")),
    "a seed of its own for each epoch": loop((MAKE, f"        np.random.seed(epoch)\n{MAKE}")),
    "sorted samples": loop((EACH, f"{EACH}            batch = np.sort(batch)\n")),
    "a mask": loop(
        ("X[:, batch]", "X[:, np.isin(np.arange(num_samples), batch)]"),
        ("y[:, batch]", "y[:, np.isin(np.arange(num_samples), batch)]"),
    ),
    "samples in rows": loop(
        (START, f"{START}    rows, labels = X.T.copy(), y.T.copy()\n"),
        ("X[:, batch]", "rows[batch].T"),
        ("y[:, batch]", "labels[batch].T"),
    ),
    "the number of batches counted before": loop(
        (START, f"{START}    count = len(generate_batch_indices(num_samples, batch_size))\n")
    ),
    "float32": loop((START, f"{START}    X, y = X.astype(np.float32), y.astype(np.float32)\n")),
    "a loss clipped, and a small number added": loop(
        (ADD, ADD.replace("softmax.output", "np.clip(softmax.output, 1e-7, 1 - 1e-7)")),
        (GRADIENT, GRADIENT.replace("softmax.output", "softmax.output + 1e-9")),
    ),
    "scores shifted before softmax": loop(
        (ACTIVATE, ACTIVATE.replace("dlayer.output", "dlayer.output - dlayer.output.max(axis=0)"))
    ),
    "1/B at the loss gradient": loop(
        (GRADIENT, GRADIENT.replace("= cce", "= 1 / len(batch) * cce")),
        (UPDATE, UPDATE.replace("(1 / len(batch)) * ", "")),
    ),
    "1/B at the learning rate": loop(
        (UPDATE, UPDATE.replace("(1 / len(batch)) * grad, learning_rate", "grad, learning_rate / len(batch)"))
    ),
    "1/B by the gradient's shape": loop((UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "grad / grad.shape[1]"))),
    "1/B by the layer's input": loop(
        (UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "grad / dlayer.input.shape[1]"))
    ),
    "a guard against nan": loop(
        (NOTE, f"        assert np.isfinite(loss) and not np.isnan(dlayer.weights).any()\n{NOTE}")
    ),
    "weights looked at": loop(
        (
            NOTE,
            f"{NOTE}        norm, shape = np.linalg.norm(dlayer.weights), dlayer.weights.shape\n"
            "        assert shape == (num_labels, num_features + 1)\n",
        )
    ),
    "weights that start smaller": loop((DENSE, f"{DENSE}    dlayer.weights = 0.1 * dlayer.weights\n")),
    "a softmax for each batch": loop((FORWARD, f"{FORWARD}            softmax = Softmax()\n")),
    "losses as an array": loop((RETURN, "    return dlayer, softmax, np.array(losses)\n")),
    "a generator of batches": loop(
        (MAKE, ""),
        ("in batch_indices", "in (b for b in generate_batch_indices(batch_size=batch_size, num_samples=num_samples))"),
    ),
    "a class around the layers": """
class Network:
    def __init__(self, num_features, num_labels):
        self.dense, self.softmax = Dense(num_features, num_labels), Softmax()

    def forward(self, X):
        self.dense.forward(X)
        return self.softmax.forward(self.dense.output)

    def loss(self, y):
        return cce(y, self.softmax.output)

    def backward(self, y, learning_rate):
        grad = self.softmax.backward(cce_gradient(y, self.softmax.output))
        self.dense.backward(grad / y.shape[1], learning_rate)

def train(X, y, learning_rate, batch_size, nepochs):
    network, losses = Network(X.shape[0], y.shape[0]), []
    for epoch in range(nepochs):
        total = 0
        for batch in generate_batch_indices(X.shape[1], batch_size):
            network.forward(X[:, batch])
            total += network.loss(y[:, batch]) * len(batch)
            network.backward(y[:, batch], learning_rate)
        losses.append(total / X.shape[1])
    return network.dense, network.softmax, losses
""",
    "classes that inherit from the layers": loop(
        (DENSE, "    dlayer = Counting(num_features, num_labels)\n"),
        (
            "def train",
            "class Counting(Dense):\n    calls = 0\n\n    def forward(self, input):\n"
            "        self.calls += 1\n        return super().forward(input)\n\ndef train",
        ),
    ),
    "a dataclass for the history": loop(
        (
            "def train",
            "from dataclasses import dataclass, field\n\n@dataclass\nclass History:\n"
            "    loss: list = field(default_factory=list)\n\ndef train",
        ),
        (START, "    history = History()\n    losses = history.loss\n"),
    ),
    "a decorator without wraps": "def timed(f):\n    def wrapper(*args, **kwargs):\n        "
    "return f(*args, **kwargs)\n    return wrapper\n\n@timed" + LOOP,
    "a decorator with wraps": "import functools\ndef timed(f):\n    @functools.wraps(f)\n"
    "    def wrapper(*args, **kwargs):\n        return f(*args, **kwargs)\n    return wrapper\n\n@timed" + LOOP,
    "a partial": "import functools\n"
    + LOOP.replace("def train(", "def run(loss_of, ").replace("* cce(", "* loss_of(")
    + "\ntrain = functools.partial(run, cce)\n",
    "a bound method": "class Trainer:"
    + LOOP.replace("\n", "\n    ").replace("def train(", "def train(self, ")
    + "\ntrain = Trainer().train\n",
    "a callable object": "class Trainer:"
    + LOOP.replace("\n", "\n    ").replace("def train(", "def __call__(self, ")
    + "\ntrain = Trainer()\n",
    "functions in a dict": "functions = {'loss': cce, 'gradient': cce_gradient, 'batches': generate_batch_indices}\n"
    + LOOP.replace("cce_gradient(", "functions['gradient'](")
    .replace("* cce(", "* functions['loss'](")
    .replace("generate_batch_indices(", "functions['batches']("),
    "layers in a list": "layers = [Dense, Softmax]\n"
    + LOOP.replace("Dense(", "layers[0](").replace("Softmax(", "layers[1]("),
    "a default argument": LOOP.replace("nepochs):", "nepochs, loss_of=cce, *, dense=Dense):", 1)
    .replace("* cce(", "* loss_of(")
    .replace("= Dense(", "= dense("),
    "an alias": "loss_of, D = cce, Dense\n" + LOOP.replace("* cce(", "* loss_of(").replace("= Dense(", "= D("),
    "a closure": "def make(loss_of):"
    + LOOP.replace("\n", "\n    ").replace("* cce(", "* loss_of(")
    + "\n    return train\ntrain = make(cce)\n",
    "a lambda": "loss_of = lambda y, p: cce(y, p)\n" + LOOP.replace("* cce(", "* loss_of("),
    "an own name for the arguments": loop(
        (GRADIENT, GRADIENT.replace("(y[:, batch], softmax.output)", "(yhat=softmax.output, y=y[:, batch])"))
    ),
    "a generator of steps": """
def steps(dense, softmax, X, y, size, rate):
    for batch in generate_batch_indices(X.shape[1], size):
        softmax.forward(dense.forward(X[:, batch]))
        yield len(batch), cce(y[:, batch], softmax.output)
        dense.backward(softmax.backward(cce_gradient(y[:, batch], softmax.output)) / len(batch), rate)

def train(X, y, learning_rate, batch_size, nepochs):
    dense, softmax = Dense(len(X), len(y)), Softmax()
    epochs = [list(steps(dense, softmax, X, y, batch_size, learning_rate)) for _ in range(nepochs)]
    return dense, softmax, [np.average([l for _, l in e], weights=[n for n, _ in e]) for e in epochs]
""",
    "recursion": """
def run(dense, softmax, X, y, rate, size, left, losses):
    if left == 0:
        return dense, softmax, losses
    loss = 0
    for batch in generate_batch_indices(X.shape[1], size):
        softmax.forward(dense.forward(X[:, batch]))
        loss += cce(y[:, batch], softmax.output) * len(batch) / X.shape[1]
        dense.backward(softmax.backward(cce_gradient(y[:, batch], softmax.output)) / len(batch), rate)
    return run(dense, softmax, X, y, rate, size, left - 1, [*losses, loss])

def train(X, y, learning_rate, batch_size, nepochs):
    return run(Dense(len(X), len(y)), Softmax(), X, y, learning_rate, batch_size, nepochs, [])
""",
}
"""Right loops, as a cell of the notebook."""


class WrongLoop(NamedTuple):
    """A wrong loop: the one statement that it breaks, and how its text differs from the notebook's."""

    breaks: str
    changes: Changes

    @property
    def source(self) -> str:
        return loop(*self.changes)


def _at(*changes: tuple[str, str], breaks: str) -> WrongLoop:
    return WrongLoop(breaks, changes)


B, L, G, E = "EveryBatch", "LabelsWithSamples", "GradientFlowsBack", "EpochLoss"
STOP = "        losses.append(loss)\n        if {}: break\n"
RANDOM = "        for _ in range({}):\n            batch = np.random.{}\n"

WRONG: dict[str, WrongLoop] = {
    "a dense layer for each batch": _at((FORWARD, f"        {DENSE}{FORWARD}"), breaks=G),
    "a dense layer for each epoch": _at((MAKE, f"    {DENSE}{MAKE}"), breaks=G),
    "softmax of the features": _at((ACTIVATE, ACTIVATE.replace("dlayer.output", "X[:, batch]")), breaks=B),
    "softmax of all features": _at((ACTIVATE, ACTIVATE.replace("dlayer.output", "X")), breaks=B),
    "softmax of softmax": _at((ACTIVATE, ACTIVATE + ACTIVATE.replace("dlayer", "softmax")), breaks=B),
    "labels of the first epoch": _at(
        (START, f"{START}    labels = []\n"),
        (EACH, EACH.replace("batch in batch_indices", "at, batch in enumerate(batch_indices)")),
        (FORWARD, f"            if epoch == 0: labels.append(y[:, batch])\n{FORWARD}"),
        ("cce(y[:, batch]", "cce(labels[at]"),
        ("cce_gradient(y[:, batch]", "cce_gradient(labels[at]"),
        breaks=L,
    ),
    "uphill after the first epoch": _at(
        (UPDATE, UPDATE.replace("learning_rate", "(-1) ** (epoch > 0) * learning_rate")), breaks=G
    ),
    "two updates a step": _at(
        (UPDATE, UPDATE + UPDATE.replace("* grad", "* softmax.backward(cce_gradient(y[:, batch], softmax.output))")),
        breaks=G,
    ),
    "no update after the first epoch": _at((UPDATE, UPDATE.replace("grad =", "if epoch == 0:")), breaks=G),
    "no backward pass after the first epoch": _at(
        (GRADIENT, f"            if epoch > 0: continue\n{GRADIENT}"), breaks=G
    ),
    "no update at all": _at((UPDATE, ""), breaks=G),
    "swapped sizes": _at((DENSE_ARGUMENTS, "Dense(num_labels, num_features)"), breaks=B),
    "a size too large": _at((DENSE_ARGUMENTS, "Dense(num_features + 1, num_labels)"), breaks=B),
    "batches of the features": _at(("indices(num_samples", "indices(num_features"), breaks=B),
    "batches of 16": _at(("_samples, batch_size)", "_samples, 16)"), breaks=B),
    "batches of 4": _at(("_samples, batch_size)", "_samples, 4)"), breaks=B),
    "three epochs": _at(("range(nepochs)", "range(3)"), breaks=B),
    "two epochs": _at(("range(nepochs)", "range(2)"), breaks=B),
    "six epochs": _at(("range(nepochs)", "range(6)"), breaks=B),
    "twice as many epochs": _at(("range(nepochs)", "range(2 * nepochs)"), breaks=B),
    "new layers returned": _at((RETURN, RETURN.replace("dlayer", DENSE_ARGUMENTS)), breaks=E),
    "X changed": _at((RETURN, f"    X *= 2\n{RETURN}"), breaks=B),
    "y changed": _at((RETURN, f"    y *= 2\n{RETURN}"), breaks=L),
    "X standardised in place": _at((START, f"{START}    X -= X.mean(axis=1, keepdims=True)\n"), breaks=B),
    "X shuffled in place": _at((START, f"{START}    np.random.shuffle(X)\n"), breaks=B),
    "a decaying rate": _at((NOTE, f"{NOTE}        learning_rate *= 0.95\n"), breaks=G),
    "a rate that decays by the epoch": _at(
        (UPDATE, UPDATE.replace("learning_rate", "learning_rate / (1 + epoch)")), breaks=G
    ),
    "a stop where the loss rises": _at((NOTE, "        if losses and loss > losses[-1]: break\n" + NOTE), breaks=B),
    "a stop where the loss rises, after it is noted": _at(
        (NOTE, STOP.format("len(losses) > 1 and losses[-1] > losses[-2]")), breaks=B
    ),
    "a stop at a small loss": _at((NOTE, STOP.format("loss < 0.05")), breaks=B),
    "a stop where the loss hardly changes": _at(
        (NOTE, STOP.format("len(losses) > 1 and abs(losses[-1] - losses[-2]) < 1e-3")), breaks=B
    ),
    "a stop after two epochs without progress": _at(
        (NOTE, STOP.format("len(losses) > 2 and min(losses[-2:]) > min(losses[:-2])")), breaks=B
    ),
    "a stop after three epochs without progress": _at(
        (NOTE, STOP.format("len(losses) > 3 and min(losses[-3:]) > min(losses[:-3])")), breaks=B
    ),
    "a stop at a high accuracy": _at(
        (
            NOTE,
            f"{NOTE}        softmax.forward(dlayer.forward(X))\n"
            "        if np.mean(softmax.output.argmax(0) == y.argmax(0)) > 0.95: break\n",
        ),
        breaks=B,
    ),
    "a shuffle of one's own, once": _at((START, START + OWN_SHUFFLE.replace("        ", "    ")), (MAKE, ""), breaks=B),
    "a shuffle of one's own, in batches of about one size": _at(
        (MAKE, f"        batch_indices = np.array_split({SHUFFLE}, -(-num_samples // batch_size))\n"), breaks=B
    ),
    "a shuffle of one's own, in slices that are too short": _at(
        (MAKE, OWN_SHUFFLE.replace("start + batch_size]", "start + batch_size - 1]")), breaks=B
    ),
    "as many batches as there are epochs": _at((MAKE, MAKE.rstrip("\n") + "[:nepochs]\n"), breaks=B),
    "a seed in each epoch": _at((MAKE, f"        np.random.seed(42)\n{MAKE}"), breaks=B),
    "a shuffle of one's own, in equal parts": _at(
        (
            MAKE,
            "        batch_indices = np.array_split(np.random.permutation(num_samples), num_samples // batch_size)\n",
        ),
        breaks=B,
    ),
    "a shuffle of one's own, without the short batch": _at(
        (MAKE, OWN_SHUFFLE.replace("num_samples, batch_size)]", "num_samples - batch_size + 1, batch_size)]")), breaks=B
    ),
    "softmax before the dense layer": _at((FORWARD + ACTIVATE, ACTIVATE + FORWARD), breaks=B),
    "no softmax.forward": _at((ACTIVATE, ""), breaks=L),
    "no dlayer.forward": _at((FORWARD, ""), breaks=B),
    "most of the samples": _at(
        ("num_features, num_samples = X.shape", "num_features, num_samples = len(X), int(0.8 * X.shape[1])"), breaks=B
    ),
    "rows of y": _at(("y[:, batch]", "y[batch]"), breaks=L),
    "a rounded gradient": _at((UPDATE, f"            grad = np.round(grad, 3)\n{UPDATE}"), breaks=G),
    "noise in the gradient": _at(
        (UPDATE, f"            grad = grad + 1e-3 * np.random.randn(*grad.shape)\n{UPDATE}"), breaks=G
    ),
    "a rate that warms up": _at(
        (UPDATE, UPDATE.replace("learning_rate", "learning_rate * min(1, (epoch + 1) / 3)")), breaks=G
    ),
    "the number of batches": _at(
        (UPDATE, UPDATE.replace("len(batch)", "int(np.ceil(num_samples / batch_size))")), breaks=G
    ),
    "no entry in the list": _at((NOTE, ""), breaks=E),
    "a clipped gradient": _at((UPDATE, f"            grad = np.clip(grad, -1, 1)\n{UPDATE}"), breaks=G),
    "a gradient clipped at 5": _at(
        (UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "np.clip(grad / len(batch), -5, 5)")), breaks=G
    ),
    "a gradient clipped before softmax": _at((BACK, f"            grad = np.clip(grad, -10, 10)\n{BACK}"), breaks=G),
    "a gradient clipped by its norm": _at(
        (UPDATE, f"            grad = grad * min(1, 5 / np.linalg.norm(grad))\n{UPDATE}"), breaks=G
    ),
    "a normalised gradient": _at((UPDATE, f"            grad = grad / np.linalg.norm(grad)\n{UPDATE}"), breaks=G),
    "the gradient's sign": _at((UPDATE, f"            grad = np.sign(grad)\n{UPDATE}"), breaks=G),
    "weight decay": _at(
        (UPDATE, f"{UPDATE}            dlayer.weights -= learning_rate * 0.01 * dlayer.weights\n"), breaks=G
    ),
    "weight decay before the step": _at(
        (FORWARD, f"            dlayer.weights = 0.999 * dlayer.weights\n{FORWARD}"), breaks=G
    ),
    "a bias set to 0": _at((UPDATE, f"{UPDATE}            dlayer.weights[:, -1] = 0\n"), breaks=G),
    "the mean gradient of the steps so far": _at(
        (START, f"{START}    sums, count = 0, 0\n"),
        (
            UPDATE,
            f"            sums, count = sums + grad.mean(), count + 1\n"
            f"{UPDATE.replace('* grad', '* (grad + sums / count)')}",
        ),
        breaks=G,
    ),
    "the gradient of the first epoch": _at(
        (START, f"{START}    kept = []\n"),
        (BACK, f"            kept.append(grad)\n            grad = kept[len(kept) % len(batch_indices) - 1]\n{BACK}"),
        breaks=G,
    ),
    "the loss of all data": _at(
        (NOTE, "        softmax.forward(dlayer.forward(X))\n        loss = cce(y, softmax.output)\n" + NOTE), breaks=E
    ),
    "the loss of all data, of batches left out": _at(
        (ADD, ""),
        (NOTE, "        softmax.forward(dlayer.forward(X))\n        losses.append(cce(y, softmax.output))\n"),
        breaks=E,
    ),
    "a return after the first epoch": _at((RETURN, "    " + RETURN), breaks=B),
    "a return after the first batch": _at(
        (NOTE, ""), (RETURN, "            losses.append(loss)\n        " + RETURN), breaks=B
    ),
    "a loss for every second epoch": _at((NOTE, f"        if epoch % 2: continue\n{NOTE}"), breaks=E),
    "the mean of all losses": _at((RETURN, RETURN.replace("losses", "np.mean(losses)")), breaks=E),
    "softmax by hand": _at(
        (ACTIVATE, "            e = np.exp(dlayer.output)\n            yhat = e / e.sum(axis=0)\n"),
        ("softmax.output", "yhat"),
        breaks=L,
    ),
    "a loss for each batch": _at((NOTE, "    " + NOTE), breaks=E),
    "two shuffles": _at(
        (MAKE, MAKE + MAKE.replace("batch_indices =", "others =")),
        (EACH, "        for batch, other in zip(batch_indices, others):\n"),
        ("y[:, batch]", "y[:, other]"),
        breaks=L,
    ),
    "X shuffled alone": _at((START, f"{START}    X = X[:, np.random.permutation(num_samples)]\n"), breaks=B),
    "X shuffled alone in each epoch": _at((MAKE, f"{MAKE}        X = X[:, {SHUFFLE}]\n"), breaks=B),
    "samples that are moved on by one in each epoch": _at(
        (MAKE, OWN_SHUFFLE.replace(SHUFFLE, "np.roll(np.arange(num_samples), epoch + 1)")), breaks=B
    ),
    "one sample at a time": _at(
        (EACH, f"        for batch in {SHUFFLE}[:, None]:\n"),
        breaks=B,
    ),
    "X standardised in each epoch": _at(
        (MAKE, f"{MAKE}        X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)\n"), breaks=B
    ),
    "X in half precision": _at((START, f"{START}    X = X.astype(np.float16)\n"), breaks=B),
    "X between 0 and 1": _at((START, f"{START}    X = (X - X.min()) / (X.max() - X.min())\n"), breaks=B),
    "losses first": _at((RETURN, "    return losses, dlayer, softmax\n"), breaks=E),
    "losses as text": _at((NOTE, "        losses.append('%.3f' % loss)\n"), breaks=E),
    "labels by a counter": _at(
        (EACH, EACH.replace("batch in batch_indices", "at, batch in enumerate(batch_indices)")),
        ("y[:, batch]", "y[:, at * batch_size:(at + 1) * batch_size]"),
        breaks=L,
    ),
    "class numbers": _at(("y[:, batch]", "y[:, batch].argmax(axis=0)"), breaks=L),
    "labels of the next sample": _at(("y[:, batch]", "y[:, batch - 1]"), breaks=L),
    "predicted labels": _at(
        ("cce_gradient(y[:, batch]", "cce_gradient(np.eye(num_labels)[:, softmax.output.argmax(0)]"), breaks=L
    ),
    "smoothed labels": _at(("cce_gradient(y[:, batch]", "cce_gradient(0.9 * y[:, batch] + 0.1 / num_labels"), breaks=L),
    "a prediction clipped at 0.02": _at(
        (GRADIENT, GRADIENT.replace("softmax.output", "np.clip(softmax.output, 0.02, 1)")), breaks=L
    ),
    "a prediction with 0.00001 added": _at(
        (GRADIENT, GRADIENT.replace("softmax.output", "softmax.output + 1e-5")), breaks=L
    ),
    "a layer in place of its output": _at((ADD, ADD.replace("softmax.output", "softmax")), breaks=L),
    "all data in each step": _at(("[:, batch]", ""), breaks=B),
    "all data in each step, and their mean": _at(("[:, batch]", ""), ("1 / len(batch)", "1 / num_samples"), breaks=B),
    "all features in each step": _at(("X[:, batch]", "X"), breaks=B),
    "samples drawn with replacement": _at(
        (MAKE + EACH, RANDOM.format("num_samples // batch_size", "choice(num_samples, batch_size)")), breaks=B
    ),
    "samples drawn with replacement, one batch more": _at(
        (MAKE + EACH, RANDOM.format("0, num_samples, batch_size", "randint(0, num_samples, size=batch_size)")), breaks=B
    ),
    "a new shuffle for each batch": _at(
        (EACH, f"{EACH}            batch = generate_batch_indices(num_samples, batch_size)[0]\n"), breaks=B
    ),
    "a break": _at((UPDATE, f"{UPDATE}            break\n"), breaks=B),
    "short batches skipped": _at((FORWARD, f"            if len(batch) < batch_size: continue\n{FORWARD}"), breaks=B),
    "the last batch left out": _at(("in batch_indices:", "in batch_indices[:-1]:"), breaks=B),
    "the first batch left out": _at(("in batch_indices:", "in batch_indices[1:]:"), breaks=B),
    "batches in reverse": _at(("in batch_indices:", "in batch_indices[::-1]:"), breaks=B),
    "each batch twice": _at((EACH, "        for batch in [b for b in batch_indices for _ in range(2)]:\n"), breaks=B),
    "the first batch, as often as there are batches": _at(
        (EACH, f"{EACH}            batch = batch_indices[0]\n"), breaks=B
    ),
    "a parenthesis closed late": _at(
        (UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "1 / (len(batch) * grad)")), breaks=G
    ),
    "= in place of +=": _at((ADD, ADD.replace("+=", "=")), breaks=E),
    "a share with one digit": _at(
        (ADD, ADD.replace("len(batch) / num_samples", "round(len(batch) / num_samples, 1)")), breaks=E
    ),
    "a rounded loss": _at((NOTE, "        losses.append(round(loss, 4))\n"), breaks=E),
    "a loss rounded to 6 digits": _at((NOTE, "        losses.append(np.round(loss, 6))\n"), breaks=E),
    "a loss cut to a whole number": _at((NOTE, "        losses.append(int(loss))\n"), breaks=E),
    "no loss": _at((ADD, ""), breaks=E),
    "no return": _at((RETURN, ""), breaks=E),
    "a list that is kept for the next call": _at(
        ("batch_size, nepochs):", "batch_size, nepochs, losses=[]):"), (START, ""), breaks=E
    ),
    "a rate of 1": _at((UPDATE, UPDATE.replace("grad, learning_rate", "grad, 1")), breaks=G),
    "no 1/B, and the rate twice": _at((UPDATE, UPDATE.replace("(1 / len(batch))", "learning_rate")), breaks=G),
    "no 1/B, and uphill": _at((UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "-grad")), breaks=G),
    "the number of entries": _at((UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "grad / grad.size")), breaks=G),
    "the loss so far": _at((BACK, BACK.replace("= grad)", "= loss)")), breaks=G),
    "the mean of the gradient": _at((BACK, BACK.replace("= grad)", "= grad.mean())")), breaks=G),
    "a gradient of nan": _at((UPDATE, UPDATE.replace("* grad", "* np.nan * grad")), breaks=G),
    "a gradient turned around": _at((UPDATE, UPDATE.replace("* grad", "* grad.T")), breaks=G),
    "features turned around": _at((FORWARD, FORWARD.replace("X[:, batch]", "X[:, batch].T")), breaks=B),
    "a dense layer for all calls": _at(
        (DENSE, f"    if not hasattr(train, 'd'):\n        train.d = {DENSE_ARGUMENTS}\n    dlayer = train.d\n"),
        breaks=G,
    ),
}
"""Wrong loops: each breaks one statement, and only that."""
