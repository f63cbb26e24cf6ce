"""Training loops for the tests: right ones in odd clothes, and wrong ones that look right.

All start from the notebook's own loop, and say which texts of it are replaced.
"""

from textwrap import indent
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
SIZES = "Dense(num_features, num_labels)"
RETURN = "    return(dlayer, softmax, losses)\n"

SHUFFLE = "np.random.permutation(num_samples)"
OWN_SHUFFLE = f"""\
order = {SHUFFLE}
batch_indices = [order[start : start + batch_size] for start in range(0, num_samples, batch_size)]"""
PREDICT, PREDICT_ALL = "softmax.forward(dlayer.forward(X[:, batch]))", "softmax.forward(dlayer.forward(X))"
HITS = "np.mean(softmax.output.argmax(0) == y.argmax(0))"
SHARE = "(1 / len(batch)) * grad"
SHUFFLE_BOTH = (f"order = {SHUFFLE}", "X, y = X[:, order], y[:, order]")

Change = tuple[str, str]


def loop(*changes: Change) -> str:
    """The notebook's loop with each old text replaced by its new one."""
    source = LOOP
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


def instead(line: str, *new: str) -> Change:
    """Other lines, or none, in the place of one; they are indented as it is."""
    return line, indent("".join(f"{each}\n" for each in new), line[: len(line) - len(line.lstrip())])


def before(line: str, *new: str) -> Change:
    return line, instead(line, *new)[1] + line


def after(line: str, *new: str) -> Change:
    return line, line + instead(line, *new)[1]


def within(line: str, old: str, new: str) -> Change:
    assert old in line
    return line, line.replace(old, new)


USES_OWN = """\
assert dlayer.kind == 'dense' and dlayer.made == (num_features, num_labels) and isinstance(dlayer, Dense)
assert dlayer._add_bias_node(X).shape == (num_features + 1, num_samples)
one = cce(y, y)
assert type(one) is np.float64 and one.item() == one and one.shape == ()"""
SAME = """\
one, before = dlayer.forward(X), dlayer.weights
assert np.array_equal(one, dlayer.forward(X))
if epoch == nepochs - 1:
    continue
assert np.array_equal(before, dlayer.weights)"""

RIGHT: dict[str, str] = {
    "outputs by names of the layers' own": """
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
    + loop(within(ACTIVATE, "output", "z"), within(ADD, "output", "probabilities"))
    .replace("softmax.output", "softmax.cache['a']")
    .replace("len(batch))", "softmax.cache['batch'])"),
    "parameters of other names than in the loop": """
class Softmax(Softmax):
    def backward(self, grad, rate):
        return super().backward(grad)

class Dense(Dense):
    def backward(self, grad, rate):
        return super().backward(grad, rate)
"""
    + loop(within(UPDATE, "learning_rate", "learning_rate=learning_rate")),
    "a layer that passes all on to another": """
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
    + loop(),
    "weights and bias that a dense layer keeps apart": """
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
    + loop(within(ACTIVATE, "output", "z")),
    "a softmax with misspelt methods": """
class Softmax(Layer):
    def forwards(self, input):
        self.output = np.exp(input) / np.exp(input).sum(axis=0)
        return self.output

    def backwards(self, output_gradient, learning_rate=None):
        return self.output * (output_gradient - (self.output * output_gradient).sum(axis=0))
"""
    + loop(),
    "a softmax that hands its gradient on": """
class Softmax(Softmax):
    def backward(self, gradient):
        return gradient
"""
    + loop(within(BACK, "output_gradient =", "gradient =")),
    "one softmax layer for all": """
class Softmax(Softmax):
    made = None

    def __new__(cls):
        Softmax.made = Softmax.made or super().__new__(cls)
        return Softmax.made

Softmax()
"""
    + loop(),
    "methods and attributes of the layers' own": """
class Dense(Dense):
    kind = 'dense'

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.made = (inputs, outputs)

    def _add_bias_node(self, X):
        return np.vstack([X, np.ones((1, X.shape[1]))])
"""
    + loop(after(NOTE, USES_OWN)),
    "parameters that are given by name alone": """
_cce = cce

class Dense(Dense):
    def backward(self, output_gradient, *, learning_rate):
        return super().backward(output_gradient, learning_rate)

def cce(y, yhat, *, eps=0):
    return _cce(y, yhat + eps)
"""
    + loop(within(UPDATE, "learning_rate", "learning_rate=learning_rate")),
    "the same output for the same input, until the weights change": loop(after(NOTE, SAME)),
    "a dense layer of the notebook's with new weights": "dlayer = Dense(8, 14)\n"
    + loop(instead(DENSE, "dlayer.weights = 0.1 * np.random.randn(num_labels, num_features + 1)")),
    "a loss that can't be hashed, called with its arguments' names": """
from dataclasses import dataclass

@dataclass(frozen=True)
class Loss:
    values: list

    def __call__(self, y, yhat):
        self.values.append(-np.mean(np.log(np.sum(y * yhat, axis=0))))
        return self.values[-1]

cce = Loss([])
"""
    + loop(within(ADD, "y[:, batch], softmax", "y=y[:, batch], yhat=softmax")),
    "the loss's mean and shape": loop(
        (ADD, ADD.replace("+= ", "+= float(").replace("softmax.output)", "softmax.output).mean().reshape(()))"))
    ),
    "accuracy on all data after each step": loop(after(UPDATE, PREDICT_ALL, HITS)),
    "all batches once more after each epoch, for the accuracy": loop(
        after(NOTE, f"for batch in batch_indices:\n    {PREDICT}\n    hits = {HITS.replace('y.', 'y[:, batch].')}")
    ),
    "the forward pass twice": loop((ACTIVATE, FORWARD + 2 * ACTIVATE)),
    "the loss after the step": loop(instead(ADD), (UPDATE, UPDATE + ADD)),
    "the loss after the step, of a prediction kept": loop(
        instead(ADD, "prediction = softmax.output"),
        after(UPDATE, PREDICT_ALL, ADD.strip().replace("softmax.output", "prediction")),
    ),
    "a mean over single samples": loop(
        instead(
            ADD,
            "for at, sample in enumerate(batch):",
            "    loss += cce(y[:, [sample]], softmax.output[:, [at]]) / num_samples",
        )
    ),
    "the loss of all batches at once": loop(
        after(MAKE, "labels, predictions = [], []"),
        instead(ADD, "labels.append(y[:, batch])", "predictions.append(softmax.output)"),
        instead(NOTE, "losses.append(cce(np.hstack(labels), np.hstack(predictions)))"),
    ),
    "the loss of all samples, in a matrix that is filled batch by batch": loop(
        after(MAKE, "predictions = np.zeros(y.shape)"),
        instead(ADD, "predictions[:, batch] = softmax.output"),
        instead(NOTE, "losses.append(cce(y, predictions))"),
    ),
    "all shuffles before the loop": loop(
        instead(MAKE),
        ("epoch in range(", "batch_indices in [generate_batch_indices(num_samples, batch_size) for _ in range("),
        ("(nepochs):", "(nepochs)]:"),
    ),
    "a shuffle of one's own, by another generator": loop(
        instead(MAKE, OWN_SHUFFLE.replace("np.random.permutation", "np.random.default_rng(epoch).permutation"))
    ),
    "a copy of the trained layer": "from copy import deepcopy\n" + loop(("return(dlayer", "return(deepcopy(dlayer)")),
    "layers and losses in a list": loop(instead(RETURN, "return [dlayer, softmax, losses]")),
    "losses alone, which are all that is asked of them": loop(instead(RETURN, "return losses")),
    "X and y shuffled together before the loops": loop(after(START, *SHUFFLE_BOTH)),
    "X and y shuffled together in each epoch": loop(before(MAKE, *SHUFFLE_BOTH)),
    "a seed of its own for each epoch": loop(before(MAKE, "np.random.seed(epoch)")),
    "sorted samples": loop(before(FORWARD, "batch = np.sort(batch)")),
    "a mask": loop(("[:, batch]", "[:, np.isin(np.arange(num_samples), batch)]")),
    "the number of batches counted before": loop(
        after(START, "count = len(generate_batch_indices(num_samples, batch_size))")
    ),
    "float32": loop(after(START, "X, y = X.astype(np.float32), y.astype(np.float32)")),
    "a loss clipped, and a small number added": loop(
        within(ADD, "softmax.output", "np.clip(softmax.output, 1e-7, 1 - 1e-7)"),
        within(GRADIENT, "softmax.output", "softmax.output + 1e-9"),
    ),
    "scores shifted before softmax": loop(
        within(ACTIVATE, "dlayer.output", "dlayer.output - dlayer.output.max(axis=0)")
    ),
    "1/B by the gradient's shape": loop((SHARE, "grad / grad.shape[1]")),
    "1/B by the layer's input": loop((SHARE, "grad / dlayer.input.shape[1]")),
    "a guard against nan": loop(before(NOTE, "assert np.isfinite(loss) and not np.isnan(dlayer.weights).any()")),
    "weights looked at": loop(
        after(
            NOTE,
            "norm, shape = np.linalg.norm(dlayer.weights), dlayer.weights.shape",
            "assert shape == (num_labels, num_features + 1)",
        )
    ),
    "weights that start smaller": loop(after(DENSE, "dlayer.weights = 0.1 * dlayer.weights")),
    "a softmax for each batch": loop(after(FORWARD, "softmax = Softmax()")),
    "a generator of batches": loop(
        instead(MAKE),
        ("in batch_indices", "in (b for b in generate_batch_indices(batch_size=batch_size, num_samples=num_samples))"),
    ),
    "a decorator with wraps": "import functools\ndef timed(f):\n    @functools.wraps(f)\n"
    "    def wrapper(*args, **kwargs):\n        return f(*args, **kwargs)\n    return wrapper\n\n@timed" + LOOP,
    "a partial": "import functools\n"
    + LOOP.replace("def train(", "def run(loss_of, ").replace("* cce(", "* loss_of(")
    + "\ntrain = functools.partial(run, cce)\n",
    "a default argument": LOOP.replace("nepochs):", "nepochs, loss_of=cce, *, dense=Dense):", 1)
    .replace("* cce(", "* loss_of(")
    .replace("= Dense(", "= dense("),
    "an alias": "loss_of, D = cce, Dense\n" + LOOP.replace("* cce(", "* loss_of(").replace("= Dense(", "= D("),
    "an own name for the arguments": loop(
        within(GRADIENT, "(y[:, batch], softmax.output)", "(yhat=softmax.output, y=y[:, batch])")
    ),
}
"""Right loops, as a cell of the notebook, besides those in `public`."""


class WrongLoop(NamedTuple):
    """A wrong loop: the one statement that it breaks, and how its text differs from the notebook's."""

    breaks: str
    changes: list[Change]

    @property
    def source(self) -> str:
        return loop(*self.changes)


def stop(condition: str) -> Change:
    """A break behind the note of the epoch's loss."""
    return after(NOTE, f"if {condition}: break")


BREAKING: dict[str, dict[str, list[Change]]] = {
    "EveryBatch": {
        "softmax of the features": [within(ACTIVATE, "dlayer.output", "X[:, batch]")],
        "swapped sizes": [(SIZES, "Dense(num_labels, num_features)")],
        "a size too large": [(SIZES, "Dense(num_features + 1, num_labels)")],
        "batches of 4": [("_samples, batch_size)", "_samples, 4)")],
        "two epochs": [("range(nepochs)", "range(2)")],
        "twice as many epochs": [("range(nepochs)", "range(2 * nepochs)")],
        "X changed": [before(RETURN, "X *= 2")],
        "X standardised in place": [after(START, "X -= X.mean(axis=1, keepdims=True)")],
        "X shuffled in place": [after(START, "np.random.shuffle(X)")],
        "a stop at a small loss": [stop("loss < 0.05")],
        "a stop where the loss hardly changes": [stop("len(losses) > 1 and abs(losses[-1] - losses[-2]) < 1e-3")],
        "a stop after three epochs without progress": [stop("len(losses) > 3 and min(losses[-3:]) > min(losses[:-3])")],
        "a stop at a high accuracy": [after(NOTE, PREDICT_ALL, f"if {HITS} > 0.95: break")],
        "a shuffle of one's own, once": [after(START, OWN_SHUFFLE), instead(MAKE)],
        "as many batches as there are epochs": [(MAKE, MAKE.rstrip("\n") + "[:nepochs]\n")],
        "softmax before the dense layer": [(FORWARD + ACTIVATE, ACTIVATE + FORWARD)],
        "no dlayer.forward": [instead(FORWARD)],
        "a return after the first epoch": [(RETURN, "    " + RETURN)],
        "a return after the first batch": [
            instead(NOTE),
            (RETURN, "            losses.append(loss)\n        " + RETURN),
        ],
        "X shuffled alone": [after(START, f"X = X[:, {SHUFFLE}]")],
        "X shuffled alone in each epoch": [after(MAKE, f"X = X[:, {SHUFFLE}]")],
        "samples that are moved on by one in each epoch": [
            instead(MAKE, OWN_SHUFFLE.replace(SHUFFLE, "np.roll(np.arange(num_samples), epoch + 1)"))
        ],
        "one sample at a time": [instead(EACH, f"for batch in {SHUFFLE}[:, None]:")],
        "X in half precision": [after(START, "X = X.astype(np.float16)")],
        "a new shuffle for each batch": [before(FORWARD, "batch = generate_batch_indices(num_samples, batch_size)[0]")],
        "the last batch left out": [("in batch_indices:", "in batch_indices[:-1]:")],
        "the first batch left out": [("in batch_indices:", "in batch_indices[1:]:")],
        "each batch twice": [instead(EACH, "for batch in [b for b in batch_indices for _ in range(2)]:")],
        "the first batch, as often as there are batches": [before(FORWARD, "batch = batch_indices[0]")],
        "features turned around": [("X[:, batch]", "X[:, batch].T")],
    },
    "LabelsWithSamples": {
        "y changed": [before(RETURN, "y *= 2")],
        "softmax by hand": [
            instead(ACTIVATE, "e = np.exp(dlayer.output)", "yhat = e / e.sum(axis=0)"),
            ("softmax.output", "yhat"),
        ],
        "labels of the next sample": [("y[:, batch]", "y[:, batch - 1]")],
        "predicted labels": [within(GRADIENT, "y[:, batch]", "np.eye(num_labels)[:, softmax.output.argmax(0)]")],
        "smoothed labels": [within(GRADIENT, "y[:, batch]", "0.9 * y[:, batch] + 0.1 / num_labels")],
        "a prediction clipped at 0.02": [within(GRADIENT, "softmax.output", "np.clip(softmax.output, 0.02, 1)")],
        "a prediction with 0.00001 added": [within(GRADIENT, "softmax.output", "softmax.output + 1e-5")],
    },
    "GradientFlowsBack": {
        "a dense layer for all calls": [
            instead(DENSE, f"if not hasattr(train, 'd'):\n    train.d = {SIZES}\ndlayer = train.d")
        ],
        "no backward pass after the first epoch": [before(GRADIENT, "if epoch > 0: continue")],
        "no update at all": [instead(UPDATE)],
        "a rate that warms up": [within(UPDATE, "learning_rate", "learning_rate * min(1, (epoch + 1) / 3)")],
        "a rate of 1": [within(UPDATE, "learning_rate", "1")],
        "a rounded gradient": [before(UPDATE, "grad = np.round(grad, 3)")],
        "noise in the gradient": [before(UPDATE, "grad = grad + 1e-3 * np.random.randn(*grad.shape)")],
        "the number of batches": [within(UPDATE, "len(batch)", "int(np.ceil(num_samples / batch_size))")],
        "a gradient clipped before softmax": [before(BACK, "grad = np.clip(grad, -10, 10)")],
        "a gradient clipped by its norm": [before(UPDATE, "grad = grad * min(1, 5 / np.linalg.norm(grad))")],
        "a normalised gradient": [before(UPDATE, "grad = grad / np.linalg.norm(grad)")],
        "the gradient's sign": [before(UPDATE, "grad = np.sign(grad)")],
        "weight decay before the step": [before(FORWARD, "dlayer.weights = 0.999 * dlayer.weights")],
        "a bias set to 0": [after(UPDATE, "dlayer.weights[:, -1] = 0")],
        "the gradient of the first epoch": [
            after(START, "kept = []"),
            before(BACK, "kept.append(grad)", "grad = kept[len(kept) % len(batch_indices) - 1]"),
        ],
        "a parenthesis closed late": [(SHARE, "1 / (len(batch) * grad)")],
        "no 1/B, and the rate twice": [within(UPDATE, "(1 / len(batch))", "learning_rate")],
        "no 1/B, and uphill": [(SHARE, "-grad")],
        "the number of entries": [(SHARE, "grad / grad.size")],
        "the loss so far": [within(BACK, "= grad)", "= loss)")],
        "the mean of the gradient": [within(BACK, "= grad)", "= grad.mean())")],
        "a gradient of nan": [within(UPDATE, "* grad", "* np.nan * grad")],
        "a gradient turned around": [within(UPDATE, "* grad", "* grad.T")],
    },
    "EpochLoss": {
        "new layers returned": [within(RETURN, "dlayer", SIZES)],
        "no entry in the list": [instead(NOTE)],
        "a loss for each batch": [(NOTE, "    " + NOTE)],
        "a share with one digit": [within(ADD, "len(batch) / num_samples", "round(len(batch) / num_samples, 1)")],
        "a loss rounded to 6 digits": [instead(NOTE, "losses.append(np.round(loss, 6))")],
        "a loss cut to a whole number": [instead(NOTE, "losses.append(int(loss))")],
        "no loss": [instead(ADD)],
        "a list that is kept for the next call": [
            ("batch_size, nepochs", "batch_size, nepochs, losses=[]"),
            instead(START),
        ],
    },
}
WRONG = {name: WrongLoop(breaks, changes) for breaks, rows in BREAKING.items() for name, changes in rows.items()}
"""Wrong loops, besides those in `public`: each breaks one statement, and only that."""
