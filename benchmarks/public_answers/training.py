"""Answers for the cell of `train`; many change one line of the notebook's loop."""

from .answer import Collection

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
            softmax.forward(dlayer.output) # softmax activate
            loss += len(batch) / num_samples * cce(y[:, batch], softmax.output)
            # Backward prop starts here
            grad = cce_gradient(y[:, batch], softmax.output)
            grad = softmax.backward(output_gradient = grad)
            grad = dlayer.backward((1 / len(batch)) * grad, learning_rate)
        losses.append(loss)
    return(dlayer, softmax, losses)
"""
ANY = "batches? labels? flow? losses?"
"""The point tables don't say which row is lost; one has to be."""

_training = Collection("training")
ANSWERS = _training.answers
right, wrong = _training.right, _training.wrong


def changed(changes: tuple[str, ...]) -> str:
    """Change lines of the notebook's loop: what is to go, what comes in its place, and so on."""
    code = LOOP
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert code.count(old) == 1, old
        code = code.replace(old, new)
    return code


def _right(id: str, *changes: str) -> None:
    right(id, changed(changes))


def _wrong(id: str, lost: str, mistakes: str | tuple[str, ...], *changes: str) -> None:
    wrong(id, lost, changed(changes), *([mistakes] if isinstance(mistakes, str) else mistakes))


FORWARD = "dlayer.forward(X[:, batch])"
ACTIVATE = "softmax.forward(dlayer.output)"
LOSS = "loss += len(batch) / num_samples * cce(y[:, batch], softmax.output)"
SLOPE = "grad = cce_gradient(y[:, batch], softmax.output)"
BACK = "grad = softmax.backward(output_gradient = grad)"
STEP = "grad = dlayer.backward((1 / len(batch)) * grad, learning_rate)"
EPOCHS = "for epoch in range(nepochs):"
SPLIT = "batch_indices = generate_batch_indices(num_samples, batch_size)"
RESET = "loss = 0 # every epoch starts anew"
NOTE = "        losses.append(loss)"
BATCHES = "for batch in batch_indices:"
DENSE = "    dlayer = Dense(num_features, num_labels) # define dense layer\n"
RETURN = "return(dlayer, softmax, losses)"

# ---- right

_right("as-in-the-notebook")
_right(
    "returned-values",
    f"{FORWARD}\n            {ACTIVATE}",
    "yhat = softmax.forward(dlayer.forward(X[:, batch]))",
    LOSS,
    "loss += cce(y[:, batch], yhat) * len(batch) / num_samples",
    SLOPE,
    "grad = cce_gradient(y[:, batch], yhat)",
    BACK,
    "grad = softmax.backward(grad)",
    STEP,
    "dlayer.backward(grad / len(batch), learning_rate)",
)
_right("item", LOSS, "loss += cce(y[:, batch], softmax.output).item() * (len(batch) / num_samples)")
_right("rate-by-keyword", STEP, "dlayer.backward(output_gradient=grad / batch.size, learning_rate=learning_rate)")
_right(
    "share-before-softmax",
    SLOPE,
    "grad = cce_gradient(y[:, batch], softmax.output) / len(batch)",
    STEP,
    "grad = dlayer.backward(grad, learning_rate)",
)
_right("share-in-the-rate", STEP, "grad = dlayer.backward(grad, learning_rate / len(batch))")
_right(
    "sum-then-divide",
    LOSS,
    "loss = loss + len(batch) * cce(y[:, batch], softmax.output)",
    NOTE,
    "        losses.append(loss / num_samples)",
)
_right(
    "average-with-weights",
    RESET,
    "batch_losses, counts = [], []",
    LOSS,
    "batch_losses.append(cce(y[:, batch], softmax.output)); counts.append(len(batch))",
    NOTE,
    "        losses.append(np.average(batch_losses, weights=counts))",
)
_right(
    "array-of-losses",
    "losses = [] # one loss for each epoch",
    "losses = np.zeros(nepochs)",
    f"        {RESET}\n",
    "",
    LOSS,
    "losses[epoch] += len(batch) / num_samples * cce(y[:, batch], softmax.output)",
    NOTE + "\n",
    "",
)
_right(
    "take",
    FORWARD,
    "dlayer.forward(np.take(X, batch, axis=1))",
    LOSS,
    "targets = y.T[batch].T\n            loss += targets.shape[1] / num_samples * cce(targets, softmax.output)",
    SLOPE,
    "grad = cce_gradient(targets, softmax.output)",
)
_right(
    "accuracy-after-the-step",
    STEP,
    STEP + "\n            predictions = softmax.forward(dlayer.forward(X[:, batch]))"
    "\n            hits = np.mean(predictions.argmax(axis=0) == y[:, batch].argmax(axis=0))",
)
_right(
    "prints-progress",
    NOTE,
    NOTE + "\n        if epoch % 10 == 0:\n            print(f'epoch {epoch}: loss {loss:.4f}')",
)
_right(
    "loss-of-all-data-printed",
    NOTE,
    NOTE + "\n        softmax.forward(dlayer.forward(X))\n        print('all data:', cce(y, softmax.output))",
)
_right(
    "while-loops",
    EPOCHS,
    "epoch = 0\n    while epoch < nepochs:",
    BATCHES,
    "while batch_indices:\n            batch = batch_indices.pop(0)",
    NOTE,
    NOTE + "\n        epoch += 1",
)
_right(
    "alias-of-the-loss",
    "losses = [] # one loss for each epoch",
    "losses = []\n    criterion = cce\n    slope_of = cce_gradient",
    LOSS,
    "loss += len(batch) / num_samples * criterion(y[:, batch], softmax.output)",
    SLOPE,
    "grad = slope_of(y[:, batch], softmax.output)",
)
_right(
    "shuffled-copies",
    BATCHES,
    "order = np.concatenate(batch_indices)\n        X_shuffled, y_shuffled = X[:, order], y[:, order]\n"
    "        for start in range(0, num_samples, batch_size):\n"
    "            batch = slice(start, start + batch_size)\n            B = X_shuffled[:, batch].shape[1]",
    FORWARD,
    "dlayer.forward(X_shuffled[:, batch])",
    LOSS,
    "loss += B / num_samples * cce(y_shuffled[:, batch], softmax.output)",
    SLOPE,
    "grad = cce_gradient(y_shuffled[:, batch], softmax.output)",
    STEP,
    "grad = dlayer.backward(grad / B, learning_rate)",
)
right(
    "helper-for-a-step",
    """
    def step(dlayer, softmax, X_batch, y_batch, learning_rate):
        B = X_batch.shape[1]
        softmax.forward(dlayer.forward(X_batch))
        loss = cce(y_batch, softmax.output)
        grad = softmax.backward(cce_gradient(y_batch, softmax.output))
        dlayer.backward(grad / B, learning_rate)
        return loss * B

    def train(X, y, learning_rate, batch_size, nepochs):
        dlayer, softmax = Dense(X.shape[0], y.shape[0]), Softmax()
        losses = []
        for _ in range(nepochs):
            total = sum(
                step(dlayer, softmax, X[:, batch], y[:, batch], learning_rate)
                for batch in generate_batch_indices(X.shape[1], batch_size)
            )
            losses.append(total / X.shape[1])
        return dlayer, softmax, losses
""",
)
right(
    "network-class",
    """
    class Network:
        def __init__(self, features, classes):
            self.layers = [Dense(features, classes), Softmax()]

        def forward(self, X):
            for layer in self.layers:
                layer.forward(X)
                X = layer.output
            return X

        def backward(self, grad, rate):
            for layer in reversed(self.layers):
                grad = layer.backward(grad, rate)

        def fit(self, X, y, rate):
            yhat = self.forward(X)
            self.backward(cce_gradient(y, yhat) / y.shape[1], rate)
            return cce(y, yhat)

    def train(X, y, learning_rate, batch_size, nepochs):
        N = X.shape[1]
        network = Network(X.shape[0], y.shape[0])
        losses = []
        for epoch in range(nepochs):
            losses.append(0)
            for batch in generate_batch_indices(N, batch_size):
                losses[-1] += network.fit(X[:, batch], y[:, batch], learning_rate) * len(batch) / N
        return (*network.layers, losses)
""",
)
right(
    "decorated-without-wraps",
    """
    import time

    def timed(function):
        def wrapper(*args, **kwargs):
            start = time.time()
            result = function(*args, **kwargs)
            print('seconds:', time.time() - start)
            return result
        return wrapper

    @timed
"""
    + LOOP.strip("\n").replace("\n", "\n    ").join(["    ", "\n"]),
)
right(
    "functions-in-a-dict",
    """
    parts = {'loss': cce, 'slope': cce_gradient, 'batches': generate_batch_indices}

    def train(X, y, learning_rate, batch_size, nepochs):
        dlayer, softmax, losses = Dense(len(X), len(y)), Softmax(), []
        for epoch in range(nepochs):
            loss = 0
            for batch in parts['batches'](X.shape[1], batch_size):
                softmax.forward(dlayer.forward(X[:, batch]))
                loss += parts['loss'](y[:, batch], softmax.output) * len(batch) / X.shape[1]
                grad = softmax.backward(parts['slope'](y[:, batch], softmax.output))
                dlayer.backward(grad / len(batch), learning_rate)
            losses.append(loss)
        return dlayer, softmax, losses
""",
)
right(
    "loss-as-a-default",
    """
    def train(X, y, learning_rate, batch_size, nepochs, loss_function=cce, gradient=cce_gradient):
        features, samples = X.shape
        dlayer = Dense(features, y.shape[0])
        softmax = Softmax()
        history = []
        for i in range(nepochs):
            epoch_loss = 0.0
            for batch in generate_batch_indices(samples, batch_size):
                xb, yb = X[:, batch], y[:, batch]
                dlayer.forward(xb)
                softmax.forward(dlayer.output)
                epoch_loss += loss_function(yb, softmax.output) * xb.shape[1]
                dlayer.backward(softmax.backward(gradient(yb, softmax.output)) / xb.shape[1], learning_rate)
            history.append(epoch_loss / samples)
        return dlayer, softmax, history
""",
)
right(
    "partial",
    """
    from functools import partial

    def fit(data, learning_rate, batch_size, nepochs, make_batches):
        X, y = data
        dlayer, softmax, losses = Dense(X.shape[0], y.shape[0]), Softmax(), []
        for _ in range(nepochs):
            loss = 0
            for batch in make_batches(batch_size=batch_size):
                softmax.forward(dlayer.forward(X[:, batch]))
                loss += cce(y[:, batch], softmax.output) * len(batch) / X.shape[1]
                back = partial(dlayer.backward, learning_rate=learning_rate)
                back(softmax.backward(cce_gradient(y[:, batch], softmax.output)) / len(batch))
            losses.append(loss)
        return dlayer, softmax, losses

    def train(X, y, learning_rate, batch_size, nepochs):
        return fit((X, y), learning_rate, batch_size, nepochs, partial(generate_batch_indices, X.shape[1]))
""",
)
right(
    "trainer-object",
    """
    class Trainer:
        def __call__(self, X, y, learning_rate, batch_size, nepochs):
            N = X.shape[1]
            self.dense, self.softmax = Dense(X.shape[0], y.shape[0]), Softmax()
            self.losses = []
            for epoch in range(nepochs):
                batches = generate_batch_indices(N, batch_size)
                self.losses.append(sum(self.step(X[:, b], y[:, b], learning_rate) for b in batches) / N)
            return self.dense, self.softmax, self.losses

        def step(self, X, y, rate):
            B = y.shape[1]
            yhat = self.softmax.forward(self.dense.forward(X))
            grad = self.softmax.backward(cce_gradient(y, yhat))
            self.dense.backward(grad / B, rate)
            return B * cce(y, yhat)

    train = Trainer()
""",
)
right(
    "bound-method",
    """
    class Model:
        def train(self, X, y, learning_rate, batch_size, nepochs):
            dlayer, softmax = Dense(X.shape[0], y.shape[0]), Softmax()
            losses = []
            for _ in range(nepochs):
                loss = 0
                for batch in generate_batch_indices(X.shape[1], batch_size):
                    softmax.forward(dlayer.forward(X[:, batch]))
                    loss += len(batch) / X.shape[1] * cce(y[:, batch], softmax.output)
                    G = softmax.backward(cce_gradient(y[:, batch], softmax.output)) / len(batch)
                    dlayer.backward(G, learning_rate)
                losses.append(loss)
            return dlayer, softmax, losses

    train = Model().train
""",
)
right(
    "subclassed-layer",
    """
    class CountingDense(Dense):
        steps = 0

        def backward(self, output_gradient, learning_rate):
            self.steps += 1
            return super().backward(output_gradient, learning_rate)

"""
    + LOOP.replace("Dense(", "CountingDense(").strip("\n").replace("\n", "\n    ").join(["    ", "\n"]),
)

right(
    "nested-function",
    """
    def train(X, y, learning_rate, batch_size, nepochs):
        N = X.shape[1]
        dlayer, softmax = Dense(X.shape[0], y.shape[0]), Softmax()
        loss, losses = 0, []

        def step(batch):
            nonlocal loss
            softmax.forward(dlayer.forward(X[:, batch]))
            loss += cce(y[:, batch], softmax.output) * batch.shape[0] / N
            dlayer.backward(softmax.backward(cce_gradient(y[:, batch], softmax.output)) / batch.shape[0], learning_rate)

        for _ in range(nepochs):
            loss = 0
            list(map(step, generate_batch_indices(N, batch_size)))
            losses += [loss]
        return dlayer, softmax, losses
""",
)
right(
    "generator-of-epochs",
    """
    def epochs(dlayer, softmax, X, y, rate, size):
        while True:
            total = 0
            for batch in generate_batch_indices(X.shape[1], size):
                yhat = softmax.forward(dlayer.forward(X[:, batch]))
                total += cce(y[:, batch], yhat) * len(batch)
                dlayer.backward(softmax.backward(cce_gradient(y[:, batch], yhat)) / len(batch), rate)
            yield total / X.shape[1]

    def train(X, y, learning_rate, batch_size, nepochs):
        dlayer, softmax = Dense(X.shape[0], y.shape[0]), Softmax()
        run = epochs(dlayer, softmax, X, y, learning_rate, batch_size)
        return dlayer, softmax, [next(run) for _ in range(nepochs)]
""",
)
right(
    "made-by-a-function",
    """
    def make_train(loss, gradient):
        def train(X, y, learning_rate, batch_size, nepochs):
            dlayer, softmax, losses = Dense(X.shape[0], y.shape[0]), Softmax(), []
            for _ in range(nepochs):
                total = 0
                for batch in generate_batch_indices(X.shape[1], batch_size):
                    softmax.forward(dlayer.forward(X[:, batch]))
                    total += loss(y[:, batch], softmax.output) * len(batch) / X.shape[1]
                    grad = softmax.backward(gradient(y[:, batch], softmax.output))
                    dlayer.backward(grad / len(batch), learning_rate)
                losses.append(total)
            return dlayer, softmax, losses
        return train

    train = make_train(cce, cce_gradient)
""",
)
right(
    "sequential-of-layers",
    """
    class Sequential(Layer):
        def __init__(self, *layers):
            super().__init__()
            self.layers = layers

        def forward(self, input):
            for layer in self.layers:
                input = layer.forward(input)
            self.output = input
            return input

        def backward(self, output_gradient, learning_rate):
            for layer in self.layers[::-1]:
                output_gradient = layer.backward(output_gradient, learning_rate)
            return output_gradient

    def train(X, y, learning_rate, batch_size, nepochs):
        network = Sequential(Dense(X.shape[0], y.shape[0]), Softmax())
        losses = []
        for epoch in range(nepochs):
            loss = 0
            for batch in generate_batch_indices(X.shape[1], batch_size):
                network.forward(X[:, batch])
                loss += cce(y[:, batch], network.output) * len(batch) / X.shape[1]
                network.backward(cce_gradient(y[:, batch], network.output) / len(batch), learning_rate)
            losses.append(loss)
        return network.layers[0], network.layers[1], losses
""",
)
right(
    "classes-in-a-list",
    """
    KINDS = [Dense, Softmax]

    def train(X, y, learning_rate, batch_size, nepochs):
        dlayer, softmax = KINDS[0](len(X), len(y)), KINDS[1]()
        losses = []
        for _ in range(nepochs):
            loss = 0
            for batch in generate_batch_indices(X.shape[1], batch_size):
                softmax.forward(dlayer.forward(X[:, batch]))
                loss += cce(y[:, batch], softmax.output) * len(batch) / X.shape[1]
                grad = softmax.backward(cce_gradient(y[:, batch], softmax.output))
                dlayer.backward(grad / len(batch), learning_rate)
            losses.append(loss)
        return dlayer, softmax, losses
""",
)
right(
    "dataclass-for-the-state",
    """
    from dataclasses import dataclass, field

    @dataclass
    class Run:
        dense: Dense
        softmax: Softmax
        losses: list = field(default_factory=list)

        def epoch(self, X, y, rate, batches):
            shares = []
            for batch in batches:
                yhat = self.softmax.forward(self.dense.forward(X[:, batch]))
                shares.append(cce(y[:, batch], yhat) * len(batch) / X.shape[1])
                self.dense.backward(self.softmax.backward(cce_gradient(y[:, batch], yhat)) / len(batch), rate)
            self.losses.append(sum(shares))

    def train(X, y, learning_rate, batch_size, nepochs):
        run = Run(Dense(X.shape[0], y.shape[0]), Softmax())
        for _ in range(nepochs):
            run.epoch(X, y, learning_rate, generate_batch_indices(X.shape[1], batch_size))
        return run.dense, run.softmax, run.losses
""",
)
right(
    "static-method",
    """
    class Model:
        @staticmethod
        def fit(X, y, learning_rate, batch_size, nepochs):
            dlayer, softmax, losses = Dense(X.shape[0], y.shape[0]), Softmax(), []
            for _ in range(nepochs):
                loss = 0
                for batch in generate_batch_indices(X.shape[1], batch_size):
                    softmax.forward(dlayer.forward(X[:, batch]))
                    loss += cce(y[:, batch], softmax.output) * len(batch) / X.shape[1]
                    grad = softmax.backward(cce_gradient(y[:, batch], softmax.output))
                    dlayer.backward(grad / len(batch), learning_rate)
                losses.append(loss)
            return dlayer, softmax, losses

    train = Model.fit
""",
)
_right(
    "accuracy-before-each-epoch",
    RESET,
    "softmax.forward(dlayer.forward(X))\n        print(np.mean(softmax.output.argmax(axis=0) == y.argmax(axis=0)))\n"
    f"        {RESET}",
)
_right("loss-computed-twice", LOSS, f"print(cce(y[:, batch], softmax.output))\n            {LOSS}")
_right(
    "rows-and-back",
    FORWARD,
    "xb, yb = X.T[batch], y.T[batch]\n            dlayer.forward(xb.T)",
    LOSS,
    "loss += len(yb) / num_samples * cce(yb.T, softmax.output)",
    SLOPE,
    "grad = cce_gradient(yb.T, softmax.output)",
)
_right(
    "history-in-arrays",
    "losses = [] # one loss for each epoch",
    "losses = np.full((nepochs,), np.nan)\n    steps = np.zeros(nepochs, dtype=int)",
    STEP,
    STEP + "\n            steps[epoch] += 1",
    NOTE,
    "        losses[epoch] = float(loss)",
)
_right(
    "weights-kept-for-a-plot",
    NOTE,
    NOTE + "\n        history = [] if epoch == 0 else history\n        history.append(dlayer.weights.copy())",
)

# ---- wrong: which samples, how often

_wrong(
    "first-columns",
    "batches labels?",
    "takes the first columns, not the batch's, of X and y",
    FORWARD,
    "dlayer.forward(X[:, :len(batch)])",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, :len(batch)], softmax.output)",
    SLOPE,
    "grad = cce_gradient(y[:, :len(batch)], softmax.output)",
)
_wrong(
    "whole-data",
    "batches",
    "sends all samples through in every step",
    FORWARD,
    "dlayer.forward(X)",
    LOSS,
    "loss += len(batch) / num_samples * cce(y, softmax.output)",
    SLOPE,
    "grad = cce_gradient(y, softmax.output)",
    STEP,
    "grad = dlayer.backward(grad / num_samples, learning_rate)",
)
_wrong(
    "no-shuffle-slices",
    "batches",
    "takes the samples in their first order: the shuffled indices are not used",
    BATCHES,
    "for i in range(0, num_samples, batch_size):\n            batch = np.arange(num_samples)[i:i + batch_size]",
)
_wrong(
    "one-shuffle-for-all",
    "batches",
    "the batches are made once, before the loop over epochs",
    f"        {SPLIT}\n",
    "",
    f"    {EPOCHS}",
    f"    {SPLIT}\n    {EPOCHS}",
)
_wrong(
    "short-batch-dropped",
    "batches losses?",
    "the last, short batch is dropped",
    BATCHES,
    BATCHES + "\n            if len(batch) < batch_size: continue",
)
_wrong(
    "break-after-first",
    "batches losses?",
    "a break ends each epoch after its first batch",
    STEP,
    STEP + "\n            break",
)
_wrong(
    "last-batch-left-out", "batches losses?", "the last batch is left out", BATCHES, "for batch in batch_indices[:-1]:"
)
_wrong(
    "with-replacement",
    "batches",
    "draws each batch with replacement: some samples come twice, others never",
    BATCHES,
    "for batch in [np.random.choice(num_samples, len(b)) for b in batch_indices]:",
)
_wrong(
    "one-random-batch",
    "batches losses?",
    "one batch in each epoch, drawn at random",
    BATCHES,
    "for batch in [np.random.choice(num_samples, batch_size, replace=False)]:",
)
_wrong("one-epoch-less", "batches losses?", "one epoch too few", EPOCHS, "for epoch in range(1, nepochs):")
_wrong("one-epoch-more", "batches losses?", "one epoch too many", EPOCHS, "for epoch in range(nepochs + 1):")
_wrong("epochs-fixed", "batches losses?", "three epochs, whatever nepochs says", EPOCHS, "for epoch in range(3):")
_wrong(
    "return-in-the-loop",
    "batches losses?",
    "the return stands in the loop over epochs: only one epoch is trained",
    f"    {RETURN}",
    f"        {RETURN}",
)
_wrong(
    "features-as-samples",
    "batches losses?",
    "generate_batch_indices is given the number of features",
    SPLIT,
    "batch_indices = generate_batch_indices(num_features, batch_size)",
)
_wrong(
    "swapped-batch-arguments",
    ANY,
    "the arguments of generate_batch_indices are exchanged",
    SPLIT,
    "batch_indices = generate_batch_indices(batch_size, num_samples)",
)
_wrong(
    "batch-size-one",
    "batches",
    "batches of 1, whatever batch_size says",
    SPLIT,
    "batch_indices = generate_batch_indices(num_samples, 1)",
)
_wrong(
    "rows-of-X",
    "batches labels? flow? losses?",
    "takes rows of X, not columns, which raises an error",
    FORWARD,
    "dlayer.forward(X[batch])",
)
_wrong(
    "index-of-the-batch",
    "batches labels? flow? losses?",
    "batch is the number of the batch, not its indices, which raises an error",
    BATCHES,
    "for batch in range(len(batch_indices)):",
)
_wrong(
    "early-stopping",
    ANY,
    "stops as soon as the loss is below 1.2: early stopping",
    NOTE,
    NOTE + "\n        if loss < 1.2:\n            break",
)
_wrong(
    "stops-when-it-rises",
    ANY,
    "stops as soon as the loss rises: early stopping",
    NOTE,
    NOTE + "\n        if len(losses) > 1 and losses[-1] > losses[-2]:\n            break",
)
_wrong(
    "batches-reversed",
    "batches",
    "takes the batches from last to first",
    BATCHES,
    "for batch in reversed(batch_indices):",
)
_wrong("each-batch-twice", ANY, "each batch is used twice, with two steps", BATCHES, "for batch in 2 * batch_indices:")

# ---- wrong: labels and predictions

_wrong(
    "labels-first-columns",
    "labels",
    "takes the labels of the first columns, not of the batch",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, :len(batch)], softmax.output)",
    SLOPE,
    "grad = cce_gradient(y[:, :len(batch)], softmax.output)",
)
_wrong(
    "labels-by-counter",
    "labels",
    "the labels are taken by a counter, not by the batch's indices",
    BATCHES,
    "for i, batch in enumerate(batch_indices):\n            targets = y[:, i * batch_size:i * batch_size + len(batch)]",
    LOSS,
    "loss += len(batch) / num_samples * cce(targets, softmax.output)",
    SLOPE,
    "grad = cce_gradient(targets, softmax.output)",
)
_wrong(
    "two-shuffles",
    "labels",
    "X and y are shuffled apart: samples get another sample's labels",
    SPLIT,
    "batch_indices = generate_batch_indices(num_samples, batch_size)\n"
    "        label_indices = generate_batch_indices(num_samples, batch_size)",
    BATCHES,
    "for batch, others in zip(batch_indices, label_indices):",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, others], softmax.output)",
    SLOPE,
    "grad = cce_gradient(y[:, others], softmax.output)",
)
_wrong(
    "labels-permuted",
    "labels",
    "the labels are shuffled once more, apart from X",
    SPLIT,
    SPLIT + "\n        y = y[:, np.random.permutation(num_samples)]",
)
_wrong(
    "first-epoch-labels",
    "labels",
    "the labels of the first epoch's batches are kept for all epochs",
    BATCHES,
    "if epoch == 0: targets = [y[:, b] for b in batch_indices]\n        for batch, t in zip(batch_indices, targets):",
    LOSS,
    "loss += len(batch) / num_samples * cce(t, softmax.output)",
    SLOPE,
    "grad = cce_gradient(t, softmax.output)",
)
_wrong(
    "labels-reversed",
    "labels",
    "the labels of the batch are in reversed order",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, batch[::-1]], softmax.output)",
    SLOPE,
    "grad = cce_gradient(y[:, batch[::-1]], softmax.output)",
)
_wrong(
    "rows-of-y",
    "labels batches? flow? losses?",
    "takes rows of y, not columns, which raises an error",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[batch], softmax.output)",
)
_wrong(
    "all-labels",
    "labels batches? flow? losses?",
    "takes the labels of all samples for each batch",
    LOSS,
    "loss += len(batch) / num_samples * cce(y, softmax.output)",
    SLOPE,
    "grad = cce_gradient(y, softmax.output)",
)
_wrong(
    "cce-swapped-arguments",
    "labels",
    "cce and cce_gradient are given prediction and labels in the wrong order",
    LOSS,
    "loss += len(batch) / num_samples * cce(softmax.output, y[:, batch])",
    SLOPE,
    "grad = cce_gradient(softmax.output, y[:, batch])",
)
_wrong(
    "gradient-swapped-arguments",
    "labels",
    "cce_gradient is given prediction and labels in the wrong order",
    SLOPE,
    "grad = cce_gradient(softmax.output, y[:, batch])",
)
_wrong(
    "scores-as-prediction",
    "labels",
    "the scores, dlayer.output, are given as the prediction",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, batch], dlayer.output)",
    SLOPE,
    "grad = cce_gradient(y[:, batch], dlayer.output)",
)
_wrong(
    "scores-in-the-gradient",
    "labels",
    "the scores, dlayer.output, are given as the prediction to cce_gradient",
    SLOPE,
    "grad = cce_gradient(y[:, batch], dlayer.output)",
)
_wrong(
    "one-hot-prediction",
    "labels",
    "the prediction is turned into 0 and 1 before the loss",
    LOSS,
    "yhat = (softmax.output == softmax.output.max(axis=0)).astype(float)\n"
    "            loss += len(batch) / num_samples * cce(y[:, batch], yhat)",
    SLOPE,
    "grad = cce_gradient(y[:, batch], yhat)",
)
_wrong(
    "layer-as-prediction",
    "labels batches? flow? losses?",
    "the layer itself is given as the prediction, which raises an error",
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, batch], softmax)",
)
_wrong(
    "softmax-of-the-input",
    ANY,
    "softmax is given the samples, not the dense layer's scores",
    ACTIVATE,
    "softmax.forward(X[:, batch])",
)
_wrong(
    "softmax-of-all", ANY, "softmax is given all samples, not the dense layer's scores", ACTIVATE, "softmax.forward(X)"
)
_wrong(
    "softmax-first",
    ANY,
    "softmax runs before the dense layer: it gets the scores of the batch before",
    FORWARD,
    "softmax.forward(dlayer.output) if dlayer.output is not None else softmax.forward(dlayer.forward(X[:, batch]))",
    "            softmax.forward(dlayer.output) # softmax activate",
    "            dlayer.forward(X[:, batch])",
)
_wrong(
    "softmax-forgotten",
    "labels batches? flow? losses?",
    "softmax.forward is not called",
    f"            {ACTIVATE} # softmax activate\n",
    "",
)
_wrong(
    "softmax-twice",
    ANY,
    "softmax is applied twice",
    ACTIVATE,
    "softmax.forward(dlayer.output)\n            softmax.forward(softmax.output)",
)

# ---- wrong: the way back

_wrong("share-missing", "flow", "1/B is missing", STEP, "grad = dlayer.backward(grad, learning_rate)")
_wrong(
    "share-twice",
    "flow",
    "1/B is applied twice",
    SLOPE,
    "grad = cce_gradient(y[:, batch], softmax.output) / len(batch)",
)
_wrong(
    "share-in-rate-too",
    "flow",
    "1/B is applied twice, once in the learning rate",
    STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad, learning_rate / len(batch))",
)
_wrong(
    "nominal-size",
    "flow",
    "1/B takes batch_size, but the last batch is shorter",
    STEP,
    "grad = dlayer.backward((1 / batch_size) * grad, learning_rate)",
)
_wrong(
    "all-samples-size",
    "flow",
    "divides by the number of all samples in place of the batch's",
    STEP,
    "grad = dlayer.backward((1 / num_samples) * grad, learning_rate)",
)
_wrong(
    "classes-size",
    "flow",
    "divides by the number of classes: len(grad) counts rows",
    STEP,
    "grad = dlayer.backward(grad / len(grad), learning_rate)",
)
_wrong(
    "times-size",
    "flow",
    "multiplies by B in place of 1/B",
    STEP,
    "grad = dlayer.backward(len(batch) * grad, learning_rate)",
)
_wrong(
    "minus",
    "flow",
    "a minus sign too many: the weights move uphill",
    STEP,
    "grad = dlayer.backward(-(1 / len(batch)) * grad, learning_rate)",
)
_wrong(
    "minus-rate",
    "flow",
    "the learning rate gets a minus sign: the weights move uphill",
    STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad, -learning_rate)",
)
_wrong(
    "uphill-later",
    "flow",
    "after the first epoch the weights move uphill",
    STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad, learning_rate if epoch == 0 else -learning_rate)",
)
_wrong("softmax-backward-forgotten", "flow", "softmax.backward is not called", f"            {BACK}\n", "")
_wrong(
    "softmax-backward-not-kept",
    "flow",
    "the result of softmax.backward is not used",
    BACK,
    "softmax.backward(output_gradient = grad)",
)
_wrong(
    "softmax-backward-twice",
    "flow",
    "softmax.backward is applied twice",
    BACK,
    BACK + "\n            grad = softmax.backward(grad)",
)
_wrong(
    "softmax-backward-of-output",
    "flow",
    "softmax.backward is given the prediction, not the gradient",
    BACK,
    "grad = softmax.backward(output_gradient = softmax.output)",
)
_wrong(
    "fused-then-jacobian",
    "labels? flow?",
    "yhat - y, the gradient at the scores, is multiplied by softmax's Jacobian once more",
    SLOPE,
    "grad = softmax.output - y[:, batch]",
)
_wrong(
    "loss-sent-back",
    "flow labels? batches? losses?",
    "the loss is sent back in place of its gradient",
    SLOPE,
    "grad = cce(y[:, batch], softmax.output) * np.ones_like(softmax.output)",
)
_wrong(
    "mean-gradient",
    "flow",
    "the gradients of the samples are averaged into one column",
    STEP,
    "grad = dlayer.backward(grad.mean(axis=1, keepdims=True), learning_rate)",
)
_wrong(
    "rate-fixed",
    "flow",
    "a fixed learning rate, 0.1, in place of the one that is given",
    STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad, 0.1)",
)
_wrong(
    "rate-decays",
    "flow",
    "the learning rate decays from epoch to epoch",
    NOTE,
    NOTE + "\n        learning_rate *= 0.95",
)
_wrong(
    "rate-decays-in-epoch",
    "flow",
    "the learning rate decays from step to step",
    STEP,
    STEP + "\n            learning_rate *= 0.99",
)
_wrong(
    "rate-by-epoch",
    "flow",
    "the learning rate decays from epoch to epoch",
    STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad, learning_rate / (1 + epoch))",
)
_wrong(
    "arguments-exchanged",
    "flow batches? labels? losses?",
    "the arguments of dlayer.backward are exchanged",
    STEP,
    "grad = dlayer.backward(learning_rate, (1 / len(batch)) * grad)",
)
_wrong(
    "rate-left-out",
    "flow batches? labels? losses?",
    "the learning rate is not passed on, which raises an error",
    STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad)",
)
_wrong(
    "gradient-clipped",
    "flow",
    "the gradient is clipped to -0.1 … 0.1",
    STEP,
    "grad = dlayer.backward(np.clip((1 / len(batch)) * grad, -0.1, 0.1), learning_rate)",
)
_wrong(
    "gradient-normalised",
    "flow",
    "the gradient is divided by its length",
    STEP,
    "grad = dlayer.backward(grad / np.linalg.norm(grad), learning_rate)",
)
_wrong(
    "two-steps",
    ANY,
    "dlayer.backward is called twice: two steps for one batch",
    STEP,
    "dlayer.backward((1 / len(batch)) * grad, learning_rate)\n            " + STEP,
)
_wrong(
    "no-update-later",
    ANY,
    "the weights move in the first epoch only",
    STEP,
    "if epoch == 0:\n                dlayer.backward((1 / len(batch)) * grad, learning_rate)",
)
_wrong("no-update", "flow", "dlayer.backward is never called: nothing is learnt", f"            {STEP}\n", "")
_wrong(
    "update-once-an-epoch",
    ANY,
    "the step is taken once an epoch, with the last batch's gradient",
    f"            {STEP}\n",
    f"        {STEP}\n",
)
_wrong(
    "weight-decay",
    ANY,
    "weight decay: the weights shrink in every step",
    STEP,
    STEP + "\n            dlayer.weights = 0.999 * dlayer.weights",
)
_wrong(
    "own-update",
    ANY,
    "the weights are updated in the loop and in dlayer.backward too",
    STEP,
    STEP + "\n            dlayer.weights = dlayer.weights - learning_rate * 0.1 * dlayer.weights",
)

# ---- wrong: the losses

_wrong(
    "loss-not-reset",
    "losses",
    "the loss is not set to 0 at the start of an epoch",
    f"        {RESET}\n",
    "",
    f"    {EPOCHS}",
    f"    loss = 0\n    {EPOCHS}",
)
_wrong(
    "loss-reset-each-batch",
    "losses",
    "the loss is set to 0 for each batch: only the last batch is left",
    f"        {RESET}\n",
    "",
    BATCHES,
    BATCHES + "\n            loss = 0",
)
_wrong(
    "loss-of-last-batch",
    "losses",
    "= in place of +=: only the last batch's loss is left",
    LOSS,
    LOSS.replace("+=", "="),
)
_wrong(
    "loss-of-last-batch-whole",
    "losses",
    "only the last batch's loss is noted",
    LOSS,
    "loss = cce(y[:, batch], softmax.output)",
)
_wrong(
    "loss-sum",
    "losses",
    "the batches' losses are added without their share",
    LOSS,
    "loss += cce(y[:, batch], softmax.output)",
)
_wrong(
    "loss-mean-of-batches",
    "losses",
    "the mean over the batches: the short batch counts as much as the others",
    LOSS,
    "loss += cce(y[:, batch], softmax.output) / len(batch_indices)",
)
_wrong(
    "loss-np-mean",
    "losses",
    "the mean over the batches: the short batch counts as much as the others",
    RESET,
    "batch_losses = []",
    LOSS,
    "batch_losses.append(cce(y[:, batch], softmax.output))",
    NOTE,
    "        losses.append(np.mean(batch_losses))",
)
_wrong(
    "loss-nominal-size",
    "losses",
    "each batch counts with batch_size samples, the short one too",
    LOSS,
    "loss += batch_size / num_samples * cce(y[:, batch], softmax.output)",
)
_wrong(
    "loss-integer-division",
    "losses",
    "// in place of /: the share becomes 0",
    LOSS,
    "loss += len(batch) // num_samples * cce(y[:, batch], softmax.output)",
)
_wrong(
    "loss-divided-twice",
    "losses",
    "divides by the number of samples twice",
    NOTE,
    "        losses.append(loss / num_samples)",
)
_wrong(
    "loss-times-size-only",
    "losses",
    "each loss is multiplied by its batch's size, and nothing is divided",
    LOSS,
    "loss += len(batch) * cce(y[:, batch], softmax.output)",
)
_wrong(
    "loss-divided-by-batch-size",
    "losses",
    "divides by batch_size in place of the number of samples",
    LOSS,
    "loss += len(batch) / batch_size * cce(y[:, batch], softmax.output)",
)
_wrong(
    "loss-noted-each-batch", "losses", "the loss is noted after each batch, not after each epoch", NOTE, "    " + NOTE
)
_wrong("loss-noted-once", "losses", "the loss is noted once, after all epochs", NOTE, "    losses.append(loss)")
_wrong(
    "loss-of-all-data",
    "losses",
    "the loss of all data after the epoch, in place of the mean of what the batches cost",
    NOTE,
    "        softmax.forward(dlayer.forward(X))\n        losses.append(cce(y, softmax.output))",
)
_wrong(
    "loss-after-the-step",
    "losses labels?",
    "the loss is computed after the step, with the new weights",
    f"            {LOSS}\n",
    "",
    STEP,
    STEP + "\n            softmax.forward(dlayer.forward(X[:, batch]))\n            " + LOSS,
)
_wrong("loss-rounded", "losses", "the losses are rounded to one digit", NOTE, "        losses.append(round(loss, 1))")
_wrong("loss-negative", "losses", "the loss is subtracted: it becomes negative", LOSS, LOSS.replace("+=", "-="))
_wrong("losses-not-returned", "losses", "the losses are not returned", RETURN, "return(dlayer, softmax)")
_wrong(
    "last-loss-returned", "losses", "only the last epoch's loss is returned", RETURN, "return(dlayer, softmax, loss)"
)
_wrong("nothing-returned", "losses batches? labels? flow?", "nothing is returned", f"    {RETURN}\n", "")
_wrong(
    "running-mean",
    "losses",
    "each entry is the mean of all losses so far, not the epoch's own",
    NOTE,
    "        losses.append((sum(losses) + loss) / (len(losses) + 1))",
)

# ---- wrong: layers

_wrong(
    "dense-each-batch",
    ANY,
    "Dense is made anew for each batch: what was learnt is lost",
    FORWARD,
    "dlayer = Dense(num_features, num_labels)\n            dlayer.forward(X[:, batch])",
)
_wrong(
    "dense-each-epoch",
    ANY,
    "Dense is made anew in each epoch: what was learnt is lost",
    RESET,
    RESET + "\n        dlayer = Dense(num_features, num_labels)",
)
_wrong(
    "dense-sizes-exchanged",
    ANY,
    "the sizes of the dense layer are exchanged",
    DENSE,
    "    dlayer = Dense(num_labels, num_features)\n",
)
_wrong(
    "dense-samples",
    ANY,
    "the dense layer gets the number of samples as its number of features",
    DENSE,
    "    dlayer = Dense(num_samples, num_labels)\n",
)
_wrong(
    "fresh-layers-returned",
    ANY,
    "returns new layers, not the trained ones",
    RETURN,
    "return(Dense(num_features, num_labels), Softmax(), losses)",
)
_wrong(
    "layers-returned-in-other-order",
    ANY,
    "the layers are returned in the wrong order",
    RETURN,
    "return(softmax, dlayer, losses)",
)
_wrong(
    "best-weights",
    ANY,
    "the weights of the best epoch are put back in the end, not those after the last step",
    RESET,
    RESET + "\n        if epoch == 0: best, kept = np.inf, None",
    NOTE,
    NOTE + "\n        if loss < best: best, kept = loss, dlayer.weights.copy()",
    f"    {RETURN}",
    f"    dlayer.weights = kept\n    {RETURN}",
)

# ---- wrong, two mistakes

_wrong(
    "share-missing-and-loss-sum",
    "flow losses",
    ("1/B is missing", "the batches' losses are added without their share"),
    STEP,
    "grad = dlayer.backward(grad, learning_rate)",
    LOSS,
    "loss += cce(y[:, batch], softmax.output)",
)
_wrong(
    "labels-and-nominal-size",
    "labels flow",
    ("takes the labels of the first columns, not of the batch", "1/B takes batch_size, but the last batch is shorter"),
    LOSS,
    "loss += len(batch) / num_samples * cce(y[:, :len(batch)], softmax.output)",
    SLOPE,
    "grad = cce_gradient(y[:, :len(batch)], softmax.output)",
    STEP,
    "grad = dlayer.backward((1 / batch_size) * grad, learning_rate)",
)
_wrong(
    "no-reset-and-short-dropped",
    "batches losses",
    ("the loss is not set to 0 at the start of an epoch", "the last, short batch is dropped"),
    f"        {RESET}\n",
    "",
    f"    {EPOCHS}",
    f"    loss = 0\n    {EPOCHS}",
    BATCHES,
    BATCHES + "\n            if len(batch) < batch_size: continue",
)
_wrong(
    "minus-and-share-missing",
    "flow",
    ("a minus sign too many: the weights move uphill", "1/B is missing"),
    STEP,
    "grad = dlayer.backward(-grad, learning_rate)",
)
