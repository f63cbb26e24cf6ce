"""Mistakes in the training loop, each as what it changes in one right loop."""

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
    """Give the loop with some of its text changed, wherever it stands. Raises ValueError where it doesn't."""
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

COLUMNS = "A batch is a list of column numbers. Which columns do you take?"
ONCE = "The gradient of the batch's mean has 1/B in it once, and cce_gradient is each sample's own."
SHORT = "The last batch may be short. How many samples does it have?"
PREDICTION = "The loss compares labels with probabilities. Which layer put those out?"
ORDER = "Which of the two arguments is the label? Look at the head of the function."
BACK = "Follow the gradient back: each step takes what the step before it gave."
EPOCH = "An epoch's loss is the mean over its samples. What does each batch add to it, and where does it start?"
RATE = "train is given a learning rate."

LOOP = (
    "Follow one batch through the loop at the board: its columns of X and of y, forward, the loss, back, and what it"
    " adds to the epoch's loss."
)
TEACH = {
    COLUMNS: "Take a shuffled list of five indices, and pick the columns of X and of y by it, the same from both.",
    ONCE: "Differentiate the mean of B losses: where does 1/B come from, and which line of the loop applies it?",
    SHORT: "Cut ten samples into batches of four. What does the last batch change, in the gradient and in the loss?",
    BACK: "Draw the layers in a row, and write over each arrow back which array travels there, and who makes it.",
    EPOCH: "Cut ten samples into batches of four, and put the epoch's loss together from the three batches' means.",
}
"""What to go through again, for each hint that says what a mistake is about."""

MISTAKES = (
    _mistake("1/B is missing", ONCE, ("(1 / len(batch)) * ", "")),
    _mistake("1/B is applied twice", ONCE, ("backward(grad)", "backward(grad / len(batch))")),
    _mistake("1/B takes the nominal batch size", SHORT, ("1 / len(batch)", "1 / batch_size")),
    _mistake("The gradient is divided by the number of all samples", ONCE, ("1 / len(batch)", "1 / num_samples")),
    _mistake("The gradient is divided by the number of classes", ONCE, ("1 / len(batch)", "1 / len(y)")),
    _mistake("The labels are always those of the first columns", COLUMNS, ("y[:, batch]", "y[:, :batch_size]")),
    _mistake("The loss gets the labels of the first columns", COLUMNS, (LABELS_OF_LOSS, "cce(y[:, :batch_size]")),
    _mistake(
        "The loss gradient gets the labels of the first columns",
        COLUMNS,
        (LABELS_OF_GRADIENT, "cce_gradient(y[:, :batch_size]"),
    ),
    _mistake("The samples are always the first columns", COLUMNS, ("X[:, batch]", "X[:, :batch_size]")),
    _mistake("Samples and labels are always the first columns", COLUMNS, ("[:, batch]", "[:, :batch_size]")),
    _mistake(
        "The samples come in the order of the columns",
        "Every epoch has an order of its own: what does generate_batch_indices give?",
        ("[:, batch]", "[:, columns]"),
        ("in generate", "in enumerate(generate"),
        (
            "batch_size):\n",
            "batch_size)):\n            columns = range(num_samples)[b * batch_size : (b + 1) * batch_size]\n",
        ),
        ("for batch", "for b, batch"),
    ),
    _mistake(
        "The short last batch is dropped",
        "Every sample is seen once an epoch, those of the short batch too.",
        (BATCHES, f"{BATCHES}[: num_samples // batch_size]"),
    ),
    _mistake(
        "Only one batch an epoch is trained",
        "How many times do the lines of a training step run in one epoch?",
        (BATCHES, f"{BATCHES}[:1]"),
    ),
    _mistake(
        "There is one epoch too many", "Count the epochs from the first to the last.", ("nepochs)", "nepochs + 1)")
    ),
    _mistake(
        "There is one epoch too few", "Count the epochs from the first to the last.", ("nepochs)", "nepochs - 1)")
    ),
    _mistake(
        "All epochs have the same batches",
        "Every epoch has an order of its own. Where are its batches made?",
        ("losses = []", f"losses, batches = [], {BATCHES}"),
        (f"in {BATCHES}", "in batches"),
    ),
    _mistake(
        "Labels and prediction are exchanged", ORDER, ("(y[:, batch], softmax.output)", "(softmax.output, y[:, batch])")
    ),
    _mistake(
        "Labels and prediction are exchanged in the loss gradient",
        ORDER,
        (f"{LABELS_OF_GRADIENT}, softmax.output)", "cce_gradient(softmax.output, y[:, batch])"),
    ),
    _mistake(
        "Labels and prediction are exchanged in the loss",
        ORDER,
        (f"{LABELS_OF_LOSS}, softmax.output)", "cce(softmax.output, y[:, batch])"),
    ),
    _mistake("The scores are taken for the prediction", PREDICTION, (", softmax.output", ", dense.output")),
    _mistake(
        "The loss takes the scores for the prediction",
        PREDICTION,
        (f"{LABELS_OF_LOSS}, softmax.output", f"{LABELS_OF_LOSS}, dense.output"),
    ),
    _mistake(
        "The loss gradient takes the scores for the prediction",
        PREDICTION,
        (f"{LABELS_OF_GRADIENT}, softmax.output", f"{LABELS_OF_GRADIENT}, dense.output"),
    ),
    _mistake("Softmax's own output goes back into it", BACK, ("backward(grad)", "backward(softmax.output)")),
    _mistake("The labels go back into softmax", BACK, ("backward(grad)", "backward(y[:, batch])")),
    _mistake("The gradient skips softmax on its way back", BACK, ("            grad = softmax.backward(grad)\n", "")),
    _mistake("The output of softmax goes into Dense.backward", BACK, (")) * grad", ")) * softmax.output")),
    _mistake(
        "p - y takes a short cut past cce_gradient and softmax",
        "For these two it is right. The loop should work with any loss and layer, though: let them compute it.",
        (f"{LABELS_OF_GRADIENT}, softmax.output)", "softmax.output - y[:, batch]"),
        ("            grad = softmax.backward(grad)\n", ""),
    ),
    _mistake(
        "p - y goes back into softmax",
        "That is the gradient at the scores already. What is it at the probabilities?",
        (f"{LABELS_OF_GRADIENT}, softmax.output)", "softmax.output - y[:, batch]"),
    ),
    _mistake(
        "All samples of a batch move the weights by their mean gradient",
        "Dense.backward takes a gradient for each sample, and sums over them itself.",
        (")) * grad", ")) * grad.sum(axis=1, keepdims=True)"),
    ),
    _mistake(
        "The weights go up the gradient", "The gradient points to where the loss grows.", (INTO_DENSE, f"-{INTO_DENSE}")
    ),
    _mistake("The learning rate is always 0.01", RATE, (INTO_DENSE, "(1 / len(batch)) * grad, 0.01")),
    _mistake("The learning rate is always 0.1", RATE, (INTO_DENSE, "(1 / len(batch)) * grad, 0.1")),
    _mistake("The learning rate is always 0.0001", RATE, (INTO_DENSE, "(1 / len(batch)) * grad, 1e-4")),
    _mistake("The learning rate is applied twice", RATE, (INTO_DENSE, f"learning_rate * {INTO_DENSE}")),
    _mistake("The loss never starts anew", EPOCH, ("        loss = 0.0\n", ""), ("[]\n", "[]\n    loss = 0.0\n")),
    _mistake("The losses of the batches are added, not averaged", EPOCH, (MEAN, "cce")),
    _mistake(
        "The losses of all batches are added for ever",
        EPOCH,
        (MEAN, "cce"),
        ("        loss = 0.0\n", ""),
        ("[]\n", "[]\n    loss = 0.0\n"),
    ),
    _mistake(
        "All batches weigh the same in the epoch's loss, the short one too",
        SHORT,
        (MEAN, "cce"),
        ("append(loss)", "append(loss / -(-num_samples // batch_size))"),
    ),
    _mistake("The epoch's loss takes the nominal batch size", SHORT, (MEAN, "batch_size / num_samples * cce")),
    _mistake(
        "The epoch's loss is divided by the number of full batches",
        SHORT,
        (MEAN, "cce"),
        ("append(loss)", "append(loss / (num_samples // batch_size))"),
    ),
    _mistake("Each batch's mean is divided by the number of all samples", EPOCH, (MEAN, "1 / num_samples * cce")),
    _mistake("The epoch's loss is divided by the batch size", EPOCH, (MEAN, "1 / batch_size * cce")),
    _mistake("The epoch's loss is that of its last batch", EPOCH, (f"loss += {MEAN}", "loss = cce")),
    _mistake(
        "A loss is noted for each batch, not for each epoch",
        EPOCH,
        (f"loss += {MEAN}(y[:, batch], softmax.output)", "losses.append(cce(y[:, batch], softmax.output))"),
        ("        losses.append(loss)\n", ""),
    ),
    _mistake(
        "The loss is noted before the epoch, not after it",
        "What has the loss seen when it is noted?",
        ("        losses.append(loss)\n", ""),
        ("loss = 0.0\n", "loss = 0.0\n        losses.append(loss)\n"),
    ),
    _mistake(
        "Only the last epoch's loss is returned",
        "train returns a loss for each epoch.",
        ("softmax, losses", "softmax, loss"),
    ),
)
