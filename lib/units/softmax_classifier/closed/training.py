"""Mistakes in the training loop. Each is a change to the text of one right loop."""

import inspect
from typing import Any

from lib.reference import Dense, Softmax, cce, cce_gradient, generate_batch_indices
from lib.reference.layer import FloatArray as Array
from lib.unit import Mistake


def train(X: Array, y: Array, learning_rate: float, batch_size: int, nepochs: int) -> Any:
    """Train a dense layer and softmax, and return them with the loss of each epoch: the loop before any mistake."""
    num_features, num_samples = X.shape
    dense, softmax = Dense(num_features, len(y)), Softmax()
    losses = []
    for _ in range(nepochs):
        loss = 0.0
        for batch in generate_batch_indices(num_samples, batch_size):
            dense.forward(X[:, batch])
            softmax.forward(dense.output)
            loss += len(batch) / num_samples * cce(y[:, batch], softmax.output)
            grad = cce_gradient(y[:, batch], softmax.output)
            grad = softmax.backward(grad)
            dense.backward((1 / len(batch)) * grad, learning_rate)
        losses.append(loss)
    return dense, softmax, losses


SOURCE = inspect.getsource(train)


def change_loop(*changes: tuple[str, str]) -> object:
    """Return the loop with each old text replaced by its new one. Raises ValueError for one that it lacks."""
    source = SOURCE
    for old, new in changes:
        if old not in source:
            raise ValueError(f"The loop has no {old!r} to change.")
        source = source.replace(old, new)
    namespace = dict(globals())
    exec(source, namespace)
    return namespace["train"]


def _mistake(name: str, hint: str, *changes: tuple[str, str], same_as: tuple[str, ...] = ()) -> Mistake:
    return Mistake("check-train", name, hint, {"train": change_loop(*changes)}, same_as, TEACH.get(hint, LOOP))


BATCHES = "generate_batch_indices(num_samples, batch_size)"
LABELS_OF_LOSS, LABELS_OF_GRADIENT = "cce(y[:, batch]", "cce_gradient(y[:, batch]"
MEAN = "len(batch) / num_samples * cce"
INTO_DENSE = "(1 / len(batch)) * grad, learning_rate"

COLUMNS = "A batch is a list of column numbers: take these columns from both X and y."
ONCE = "Multiply by 1/B once, just before the dense layer. B is the number of samples in the batch."
SHORT = "Use the number of samples in this batch: the last batch can be shorter than batch_size."
PREDICTION = "Use the probabilities as the prediction: they are the output of the softmax layer."
ORDER = "Swap the two arguments: the labels y come first, then the prediction yhat."
BACK = "Follow the gradient backward: pass to each call the result of the call before it."
SHARE = "Add each batch's mean loss, weighted by the batch's share of all samples."
RESET = "Set the loss to 0 at the start of each epoch."
RATE = "Pass the learning_rate that train is given, not a fixed number."

EPOCH = "Divide ten samples into batches of four. Compute the epoch's loss from the three batches' mean losses."
LOOP = (
    "Follow one batch through the loop at the board: its columns of X and y, the forward pass, the loss, the backward"
    " pass, and what it adds to the epoch's loss."
)
TEACH = {
    COLUMNS: "Shuffle five column numbers at the board, and take the first two of these columns from both X and y.",
    ONCE: "Differentiate the mean of B losses. Show where 1/B comes from, and which line of the loop multiplies by it.",
    SHORT: "Divide ten samples into batches of four. Compute 1/B for each batch: the last one has two samples.",
    BACK: "Draw the layers with arrows backward. Write at each arrow which array is passed and which call returns it.",
    SHARE: EPOCH,
    RESET: EPOCH,
}
"""What to teach again, for each hint that several mistakes share."""

MISTAKES = (
    _mistake("1/B is missing", ONCE, ("(1 / len(batch)) * ", "")),
    _mistake("1/B is applied twice", ONCE, ("backward(grad)", "backward(grad / len(batch))")),
    _mistake("1/B uses batch_size, also for the short last batch", SHORT, ("1 / len(batch)", "1 / batch_size")),
    _mistake("The gradient is divided by the number of all samples", ONCE, ("1 / len(batch)", "1 / num_samples")),
    _mistake("The gradient is divided by the number of classes", ONCE, ("1 / len(batch)", "1 / len(y)")),
    _mistake("The labels always come from the first columns of y", COLUMNS, ("y[:, batch]", "y[:, :batch_size]")),
    _mistake("The loss gets the labels of the first columns", COLUMNS, (LABELS_OF_LOSS, "cce(y[:, :batch_size]")),
    _mistake(
        "The loss gradient gets the labels of the first columns",
        COLUMNS,
        (LABELS_OF_GRADIENT, "cce_gradient(y[:, :batch_size]"),
    ),
    _mistake("The samples always come from the first columns of X", COLUMNS, ("X[:, batch]", "X[:, :batch_size]")),
    _mistake("Samples and labels always come from the first columns", COLUMNS, ("[:, batch]", "[:, :batch_size]")),
    _mistake(
        "The samples come in the order of the columns, not in a shuffled order",
        "Use the column numbers that generate_batch_indices gives: each epoch has its own order.",
        ("[:, batch]", "[:, columns]"),
        ("in generate", "in enumerate(generate"),
        (
            "batch_size):\n",
            "batch_size)):\n            columns = range(num_samples)[b * batch_size : (b + 1) * batch_size]\n",
        ),
        ("for batch", "for b, batch"),
    ),
    _mistake(
        "The short last batch is left out",
        "Train on every batch: each sample is used once in an epoch, also those of the short last batch.",
        (BATCHES, f"{BATCHES}[: num_samples // batch_size]"),
    ),
    _mistake(
        "Only one batch is used in each epoch",
        "Run the training step for every batch of the epoch, inside the inner loop.",
        (BATCHES, f"{BATCHES}[:1]"),
    ),
    _mistake("There is one epoch too many", "Run the outer loop nepochs times.", ("nepochs)", "nepochs + 1)")),
    _mistake("There is one epoch too few", "Run the outer loop nepochs times.", ("nepochs)", "nepochs - 1)")),
    _mistake(
        "All epochs use the same batches",
        "Call generate_batch_indices inside the loop over the epochs: each epoch has its own order.",
        ("losses = []", f"losses, batches = [], {BATCHES}"),
        (f"in {BATCHES}", "in batches"),
    ),
    _mistake(
        "Labels and prediction are swapped", ORDER, ("(y[:, batch], softmax.output)", "(softmax.output, y[:, batch])")
    ),
    _mistake(
        "Labels and prediction are swapped in the loss gradient",
        ORDER,
        (f"{LABELS_OF_GRADIENT}, softmax.output)", "cce_gradient(softmax.output, y[:, batch])"),
    ),
    _mistake(
        "Labels and prediction are swapped in the loss",
        ORDER,
        (f"{LABELS_OF_LOSS}, softmax.output)", "cce(softmax.output, y[:, batch])"),
    ),
    _mistake("The scores are used as the prediction", PREDICTION, (", softmax.output", ", dense.output")),
    _mistake(
        "The loss uses the scores as the prediction",
        PREDICTION,
        (f"{LABELS_OF_LOSS}, softmax.output", f"{LABELS_OF_LOSS}, dense.output"),
    ),
    _mistake(
        "The loss gradient uses the scores as the prediction",
        PREDICTION,
        (f"{LABELS_OF_GRADIENT}, softmax.output", f"{LABELS_OF_GRADIENT}, dense.output"),
    ),
    _mistake("softmax.backward gets softmax's own output", BACK, ("backward(grad)", "backward(softmax.output)")),
    _mistake("softmax.backward gets the labels", BACK, ("backward(grad)", "backward(y[:, batch])")),
    _mistake("The gradient skips softmax.backward", BACK, ("            grad = softmax.backward(grad)\n", "")),
    _mistake("dlayer.backward gets the output of softmax", BACK, (")) * grad", ")) * softmax.output")),
    _mistake(
        "yhat - y replaces cce_gradient and softmax.backward",
        "Call cce_gradient and softmax.backward: yhat - y is right for this loss and this layer only.",
        (f"{LABELS_OF_GRADIENT}, softmax.output)", "softmax.output - y[:, batch]"),
        ("            grad = softmax.backward(grad)\n", ""),
    ),
    _mistake(
        "softmax.backward gets yhat - y",
        "Pass the result of cce_gradient. yhat - y is already the gradient for the scores.",
        (f"{LABELS_OF_GRADIENT}, softmax.output)", "softmax.output - y[:, batch]"),
    ),
    _mistake(
        "The gradient is averaged over the batch before dlayer.backward",
        "Pass one gradient for each sample: dlayer.backward sums over the samples itself.",
        (")) * grad", ")) * grad.sum(axis=1, keepdims=True)"),
    ),
    _mistake(
        "The weights move in the direction of the gradient, not against it",
        "Leave out the minus sign: dlayer.backward subtracts the step itself.",
        (INTO_DENSE, f"-{INTO_DENSE}"),
    ),
    _mistake("The learning rate is always 0.01", RATE, (INTO_DENSE, "(1 / len(batch)) * grad, 0.01")),
    _mistake("The learning rate is always 0.1", RATE, (INTO_DENSE, "(1 / len(batch)) * grad, 0.1")),
    _mistake("The learning rate is always 0.0001", RATE, (INTO_DENSE, "(1 / len(batch)) * grad, 1e-4")),
    _mistake(
        "The learning rate is applied twice",
        "Pass the gradient without the learning rate: dlayer.backward multiplies by the rate itself.",
        (INTO_DENSE, f"learning_rate * {INTO_DENSE}"),
    ),
    _mistake(
        "The loss is not reset between epochs", RESET, ("        loss = 0.0\n", ""), ("[]\n", "[]\n    loss = 0.0\n")
    ),
    _mistake("The losses of the batches are added, not averaged", SHARE, (MEAN, "cce")),
    _mistake(
        "The losses of all batches are added, and never reset",
        "Set the loss to 0 at the start of each epoch. Weight each batch's loss by its share of all samples.",
        (MEAN, "cce"),
        ("        loss = 0.0\n", ""),
        ("[]\n", "[]\n    loss = 0.0\n"),
    ),
    _mistake(
        "All batches count the same in the epoch's loss, also the short one",
        SHARE,
        (MEAN, "cce"),
        ("append(loss)", "append(loss / -(-num_samples // batch_size))"),
    ),
    _mistake(
        "The epoch's loss weights every batch by batch_size, also the short one",
        SHARE,
        (MEAN, "batch_size / num_samples * cce"),
    ),
    _mistake(
        "The epoch's loss is divided by the number of full batches",
        SHARE,
        (MEAN, "cce"),
        ("append(loss)", "append(loss / (num_samples // batch_size))"),
    ),
    _mistake("Each batch's mean loss is divided by the number of all samples", SHARE, (MEAN, "1 / num_samples * cce")),
    _mistake("The epoch's loss is divided by the batch size", SHARE, (MEAN, "1 / batch_size * cce")),
    _mistake(
        "The epoch's loss is the loss of its last batch",
        "Add up the losses of all batches, each weighted by its share of all samples.",
        (f"loss += {MEAN}", "loss = cce"),
    ),
    _mistake(
        "A loss is stored for each batch, not for each epoch",
        "Append one loss for each epoch, after its last batch.",
        (f"loss += {MEAN}(y[:, batch], softmax.output)", "losses.append(cce(y[:, batch], softmax.output))"),
        ("        losses.append(loss)\n", ""),
    ),
    _mistake(
        "The loss is stored before the epoch, not after it",
        "Append one loss for each epoch, after its last batch.",
        ("        losses.append(loss)\n", ""),
        ("loss = 0.0\n", "loss = 0.0\n        losses.append(loss)\n"),
    ),
    _mistake(
        "Only the last epoch's loss is returned",
        "Return the list with the losses of all epochs.",
        ("softmax, losses", "softmax, loss"),
    ),
)
