"""Mistakes in the training loop. Each is a change to the text of one right loop."""

import inspect
from typing import Any

import numpy as np  # noqa: F401  # for the loops, whose text is run with this module's names

from lib.answer_key import MistakeCatalog
from lib.reference import Dense, Softmax, cce, cce_gradient, generate_batch_indices
from lib.reference.layer import FloatArray as Array
from lib.units.softmax_classifier.loop.hints import BACK, COLUMNS, DRAWN, HINTS, ONCE


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
            labels, yhat = y[:, batch], softmax.output
            loss += len(batch) / num_samples * cce(labels, yhat)
            grad = cce_gradient(labels, yhat)
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


loop = MistakeCatalog("check-train", "train", lambda changes: change_loop(*changes))


def _named(name: str, *changes: tuple[str, str]) -> None:
    """Add a mistake that the check itself names, with the same hint."""
    _mistake(name, HINTS[name], *changes)


def _mistake(name: str, hint: str, *changes: tuple[str, str]) -> None:
    """Add a mistake, or another way to make it, by changes to the loop."""
    loop(name, hint, teach=TEACH.get(hint, LOOP))(changes)


SIZES = "(num_samples, batch_size)"
BATCHES = f"generate_batch_indices{SIZES}"
NUMBERED = ("for batch in", "for b, batch in"), (BATCHES, f"enumerate({BATCHES})")
ORDER = "np.random.permutation(num_samples)"
MEAN = "len(batch) / num_samples * cce"
INTO_DENSE = "(1 / len(batch)) * grad, learning_rate"
GRADIENT = "cce_gradient(labels"
THEN = "\n            "  # to the next line of a step
FORWARD, SCORES = "dense.forward(X[:, batch])", "softmax.forward(dense.output)"
DENSE = "Dense(num_features, len(y))"
UPDATE = f"dense.backward({INTO_DENSE})"
LOSS, BACKWARD = f"            loss += {MEAN}(labels, yhat)\n", "            grad = softmax.backward(grad)\n"
NOTE, RETURN = "        losses.append(loss)\n", "    return dense, softmax, losses\n"
STOP = "        if len(losses) > 2 and losses[-1] > losses[-2]:\n            break\n"
PREDICTED = "(yhat == yhat.max(axis=0)).astype(float)"

SHARE = "Add each batch's mean loss, weighted by the batch's share of all samples."
RESET = "Set the loss to 0 at the start of each epoch."
THREE = "Return three things, in this order: the dense layer, softmax, and the list of losses."

EPOCH = "Divide ten samples into batches of four. Compute the epoch's loss from the three batches' mean losses."
LOOP = (
    "Follow one batch through the loop at the board: its columns of X and y, the forward pass, the loss, the backward"
    " pass, and what it adds to the epoch's loss."
)
TEACH = {
    COLUMNS: "Shuffle five column numbers at the board, and take the first two of these columns from both X and y.",
    ONCE: "Differentiate the mean of B losses. Show where 1/B comes from, and which line of the loop multiplies by it.",
    HINTS[
        "1/B uses batch_size, also for the short last batch"
    ]: "Divide ten samples into batches of four. Compute 1/B for each batch: the last one has two samples.",
    BACK: "Draw the layers with arrows backward. Write at each arrow which array is passed and which call returns it.",
    SHARE: EPOCH,
    RESET: EPOCH,
}
"""What to teach again, for each hint that several mistakes share."""

_named("1/B is missing", ("(1 / len(batch)) * ", ""))
_named("1/B is applied twice", ("backward(grad)", "backward(grad / len(batch))"))
_named("1/B uses batch_size, also for the short last batch", ("1 / len(batch)", "1 / batch_size"))
_named("The step is divided by the number of all samples", ("1 / len(batch)", "1 / num_samples"))
_named("The step is divided by the number of classes", ("1 / len(batch)", "1 / len(y)"))
_named("The labels always come from the first columns of y", ("y[:, batch]", "y[:, :batch_size]"))
_named("The loss gets the labels of the first columns", ("cce(labels", "cce(y[:, :batch_size]"))
_named("The loss gradient gets the labels of the first columns", (GRADIENT, "cce_gradient(y[:, :batch_size]"))
_named("The samples always come from the first columns of X", ("X[:, batch]", "X[:, :batch_size]"))
_named("Samples and labels always come from the first columns", ("[:, batch]", "[:, :batch_size]"))
_named(
    "The samples come in the order of the columns, not in a shuffled order",
    (FORWARD, f"columns = range(num_samples)[b * batch_size : (b + 1) * batch_size]{THEN}{FORWARD}"),
    ("[:, batch]", "[:, columns]"),
    *NUMBERED,
)
_named(
    "The columns of X are in another order than those of y",
    ("losses = []", "losses, X = [], X[:, np.random.permutation(X.shape[1])]"),
)
_named(
    "The columns of X are in another order than those of y",
    ("loss = 0.0\n", "loss, X = 0.0, X[:, np.random.permutation(num_samples)]\n"),
)
_named(
    "X is moved or scaled inside train",
    ("losses = []", "losses, X = [], (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)"),
)
_named("X is moved or scaled inside train", ("losses = []", "losses, X = [], (X - X.min()) / (X.max() - X.min())"))
_named(
    "X is moved or scaled inside train",
    (FORWARD, f"some = X[:, batch]{THEN}{FORWARD}"),
    ("forward(X[:, batch])", "forward((some - some.mean(axis=1, keepdims=True)) / some.std(axis=1, keepdims=True))"),
)
_named("The short last batch is left out", (BATCHES, f"{BATCHES}[: num_samples // batch_size]"))
_named(
    "The short last batch is left out",
    (BATCHES, f"{ORDER}[: num_samples - num_samples % batch_size].reshape(-1, batch_size)"),
)
_named("Only one batch is used in each epoch", (BATCHES, f"{BATCHES}[:1]"))
_named("There is one epoch too many", ("nepochs)", "nepochs + 1)"))
_named("There is one epoch too few", ("nepochs)", "nepochs - 1)"))
_named(
    "All epochs use the same batches",
    ("losses = []", f"losses, batches = [], {BATCHES}"),
    (f"in {BATCHES}", "in batches"),
)
_named("All epochs use the same batches", ("loss = 0.0\n", "loss = 0.0\n        np.random.seed(42)\n"))
_named("Labels and prediction are swapped", ("(labels, yhat)", "(yhat, labels)"))
_named("Labels and prediction are swapped in the loss gradient", (f"{GRADIENT}, yhat", "cce_gradient(yhat, labels"))
_named("Labels and prediction are swapped in the loss", ("cce(labels, yhat)", "cce(yhat, labels)"))
_named("The scores are used as the prediction", ("yhat)", "dense.output)"))
_named("The loss uses the scores as the prediction", ("cce(labels, yhat", "cce(labels, dense.output"))
_named("The loss gradient uses the scores as the prediction", (f"{GRADIENT}, yhat", f"{GRADIENT}, dense.output"))
_named("softmax.backward gets softmax's own output", ("backward(grad)", "backward(softmax.output)"))
_named("softmax.backward gets the labels", ("backward(grad)", "backward(labels)"))
for without in ((), (("(1 / len(batch)) * ", ""),)):  # with 1/B, or also without: the larger mistake has the name
    _mistake("The gradient skips softmax.backward", BACK, (BACKWARD, ""), *without)
    _mistake(
        "yhat - y replaces cce_gradient and softmax.backward",
        "Call cce_gradient and softmax.backward: yhat - y is right for this loss and this layer only.",
        ("cce_gradient(labels, yhat)", "yhat - labels"),
        (BACKWARD, ""),
        *without,
    )
_named("dlayer.backward gets the loss, not a gradient", (")) * grad", ")) * cce(labels, yhat)"))
_named("The gradient is averaged to one number", (")) * grad", ")) * np.mean(grad)"))
_mistake("dlayer.backward gets the output of softmax", BACK, (")) * grad", ")) * softmax.output"))
_named("softmax.backward gets yhat - y", ("cce_gradient(labels, yhat)", "yhat - labels"))
_named(
    "The gradient is averaged over the batch before dlayer.backward",
    (")) * grad", ")) * grad.sum(axis=1, keepdims=True)"),
)
_named("The gradient is averaged over the batch before dlayer.backward", (")) * grad", ")) * grad.sum(axis=1)"))
_named("The weights move in the direction of the gradient, not against it", (INTO_DENSE, f"-{INTO_DENSE}"))
for fixed in ("0.01", "0.1", "0.0001"):
    _named(f"The learning rate is always {fixed}", (INTO_DENSE, f"(1 / len(batch)) * grad, {fixed}"))
_named("The learning rate is applied twice", (INTO_DENSE, f"learning_rate * {INTO_DENSE}"))
_mistake("The loss is not reset between epochs", RESET, ("        loss = 0.0\n", ""), ("[]\n", "[]\n    loss = 0.0\n"))
_mistake("The losses of the batches are added, not averaged", SHARE, (MEAN, "cce"))
_mistake(
    "The losses of all batches are added, and never reset",
    "Set the loss to 0 at the start of each epoch. Weight each batch's loss by its share of all samples.",
    (MEAN, "cce"),
    ("        loss = 0.0\n", ""),
    ("[]\n", "[]\n    loss = 0.0\n"),
)
_mistake(
    "All batches count the same in the epoch's loss, also the short one",
    SHARE,
    (MEAN, "cce"),
    ("append(loss)", "append(loss / -(-num_samples // batch_size))"),
)
_mistake(
    "The epoch's loss weights every batch by batch_size, also the short one",
    SHARE,
    (MEAN, "batch_size / num_samples * cce"),
)
_mistake(
    "The epoch's loss is divided by the number of full batches",
    SHARE,
    (MEAN, "cce"),
    ("append(loss)", "append(loss / (num_samples // batch_size))"),
)
_mistake("Each batch's mean loss is divided by the number of all samples", SHARE, (MEAN, "1 / num_samples * cce"))
_mistake("Each batch's mean loss is divided by its size", SHARE, (MEAN, "1 / len(batch) * cce"))
_mistake(
    "The epoch's mean loss is divided by the number of batches",
    "Append the epoch's loss as it is: the shares of its batches add up to 1.",
    ("append(loss)", "append(loss / -(-num_samples // batch_size))"),
)
_mistake("The epoch's loss is divided by the batch size", SHARE, (MEAN, "1 / batch_size * cce"))
_mistake(
    "The epoch's loss is the loss of its last batch",
    "Add up the losses of all batches, each weighted by its share of all samples.",
    (f"loss += {MEAN}", "loss = cce"),
)
_mistake(
    "A loss is stored for each batch, not for each epoch",
    "Append one loss for each epoch, after its last batch.",
    (f"loss += {MEAN}(labels, yhat)", "losses.append(cce(labels, yhat))"),
    ("        losses.append(loss)\n", ""),
)
_mistake(
    "A loss is stored for each batch, not for each epoch",
    "Append one loss for each epoch, after its last batch.",
    (NOTE, f"    {NOTE}"),
)
_named(
    "Every loss is 0, though cce is called", (NOTE, ""), ("loss = 0.0\n", "loss = 0.0\n        losses.append(loss)\n")
)
_named("Every loss is 0, though cce is called", ("len(batch) / num_samples", "len(batch) // num_samples"))
_mistake(
    "Only the last epoch's loss is returned",
    "Return the list with the losses of all epochs.",
    ("softmax, losses", "softmax, loss"),
)

# which samples
_named("The arguments of generate_batch_indices are swapped", (SIZES, "(batch_size, num_samples)"))
_named("generate_batch_indices gets the number of features", (SIZES, "(num_features, batch_size)"))
_named("The batches have another size than batch_size", (SIZES, "(num_samples, 16)"))
_named(
    "The batches have another size than batch_size",
    (BATCHES, f"np.array_split({ORDER}, -(-num_samples // batch_size))"),
)
_named(
    "The batches have another size than batch_size",
    (BATCHES, "range(0, num_samples, batch_size)"),
    (FORWARD, f"batch = order[batch : batch + batch_size - 1]{THEN}{FORWARD}"),
    ("loss = 0.0\n", f"loss, order = 0.0, {ORDER}\n"),
)
_named("The sizes of the dense layer are swapped", ("Dense(num_features, len(y))", "Dense(len(y), num_features)"))
_named("Each step uses all samples, not those of one batch", ("[:, batch]", "[:, :]"))
_named(DRAWN, (BATCHES, "np.random.choice(num_samples, (num_samples // batch_size, batch_size))"))
_named("Only one epoch is trained", (RETURN, f"    {RETURN}"))
_named("The number of epochs is fixed, whatever nepochs is", ("range(nepochs)", "range(3)"))
_named("There are more epochs than nepochs", ("range(nepochs)", "range(2 * nepochs)"))
_named("The loop stops before nepochs epochs are over", (NOTE, NOTE + STOP))
_named("Only one batch is trained", (NOTE, ""), (RETURN, f"            losses.append(loss)\n        {RETURN}"))
_named("The first batch of each epoch is left out", (BATCHES, f"{BATCHES}[1:]"))
_named("The batches are used in reversed order", (BATCHES, f"{BATCHES}[::-1]"))
_named("Each batch is used twice in an epoch", (BATCHES, f"2 * {BATCHES}"))
_named("The first batch of an epoch is used again and again", (BATCHES, f"[b[0] for b in [{BATCHES}] for _ in b]"))
_named("Only a part of the samples is used", ("samples = X.shape", "samples = len(X), X.shape[1] - 1"))
_named("The dense layer gets the number of samples as its number of inputs", (DENSE, "Dense(num_samples, len(y))"))
_named("dlayer.forward is not called", (f"            {FORWARD}\n", ""))
_named("softmax.forward is not called", (f"            {SCORES}\n", ""))
_named("softmax.forward runs before dlayer.forward", (f"{FORWARD}{THEN}{SCORES}", f"{SCORES}{THEN}{FORWARD}"))
_named(
    "softmax.forward runs before dlayer.forward",
    ("dense.forward(X[:, batch])", "softmax.forward(X[:, batch])"),
    (SCORES, "dense.forward(softmax.output)"),
)
_named("The labels are rows of y, not columns", ("y[:, batch]", "y[batch]"))
_named("The labels are class numbers, not one-hot columns", ("y[:, batch]", "y[:, batch].argmax(axis=0)"))
_named(
    "The step is divided by the number of batches",
    ("in generate_batch_indices(num_samples, batch_size)", f"in (batches := {BATCHES})"),
    ("1 / len(batch)", "1 / len(batches)"),
)
_named("No loss is added to the list", (NOTE, ""))
_named("softmax.forward gets the samples, not the scores", (SCORES, "softmax.forward(X[:, batch])"))
_named("Softmax is applied to its own output", (SCORES, f"{SCORES}{THEN}softmax.forward(softmax.output)"))

# labels and prediction
_named(
    "The labels come in the order of the columns, the samples in a shuffled order",
    ("y[:, batch]", "y[:, columns]"),
    *NUMBERED,
    (FORWARD, f"columns = range(b * batch_size, b * batch_size + len(batch)){THEN}{FORWARD}"),
)
_named(
    "The labels are those of the first epoch's batches",
    ("losses = []", "losses, first = [], []"),
    *NUMBERED,
    (FORWARD, f"first.append(batch){THEN}{FORWARD}"),
    ("y[:, batch]", "y[:, first[b]]"),
)
_named(
    "The labels are those of another shuffle than the samples",
    ("for batch in", "for batch, other in"),
    (BATCHES, f"zip({BATCHES}, {BATCHES})"),
    ("y[:, batch]", "y[:, other]"),
)
_named("The labels of the batch are in another order than its samples", ("y[:, batch]", "y[:, batch[::-1]]"))
_named("The labels are those of other samples", ("y[:, batch]", "y[:, batch - 1]"))
_named("All labels are used in each step, not those of one batch", ("y[:, batch]", "y"))
_named("The labels are the predicted classes", (GRADIENT, f"cce_gradient({PREDICTED}"))
_named("The prediction is turned into 0 and 1 before the loss", (f"{GRADIENT}, yhat", f"{GRADIENT}, {PREDICTED}"))
_named("The prediction is clipped before the loss", (f"{GRADIENT}, yhat", f"{GRADIENT}, np.clip(yhat, 0.1, 0.9)"))

# the gradient
_named("The step is divided by the number of features", ("1 / len(batch)", "1 / num_features"))
_named("The step is multiplied by the batch size, not divided by it", ("1 / len(batch)", "len(batch)"))
_named("The learning rate is not applied", (INTO_DENSE, "(1 / len(batch)) * grad, 1"))
_named("The learning rate changes during training", (NOTE, f"{NOTE}        learning_rate *= 0.95\n"))
_named("The weights move uphill after the first epoch", (INTO_DENSE, f"{INTO_DENSE} if not losses else -learning_rate"))
_named("softmax.backward gets the loss, not its gradient", ("backward(grad)", "backward(0 * grad + cce(labels, yhat))"))
_named("softmax.backward is applied twice", ("backward(grad)", "backward(softmax.backward(grad))"))
_named(
    "softmax.backward gets the gradient of another step",
    ("losses = []", "losses, before = [], {}"),
    ("backward(grad)", "backward(before.get(len(batch), grad))"),
    (UPDATE, f"before[len(batch)] = cce_gradient(labels, yhat){THEN}{UPDATE}"),
)
_named("The gradient is transposed before dlayer.backward", (")) * grad", ")) * grad.T"))
_named("The gradient is clipped", (")) * grad", ")) * np.clip(grad, -1, 1)"))
_named("The gradient is clipped before softmax.backward", ("backward(grad)", "backward(np.clip(grad, -1, 1))"))
_named("dlayer.backward gets a gradient of zeros", ("1 / len(batch)", "1 // len(batch)"))
_named("Only the sign of the gradient is used", ("(1 / len(batch)) * grad", "np.sign(grad)"))
_named("The gradient is divided by its norm", ("(1 / len(batch)) * grad", "grad / np.linalg.norm(grad)"))
_named("The gradient is scaled to a fixed norm", ("(1 / len(batch)) * grad", "5 * grad / np.linalg.norm(grad)"))
_named("The arguments of dlayer.backward are swapped", (INTO_DENSE, "learning_rate, (1 / len(batch)) * grad"))
_named("The dense layer is made anew for each batch", (FORWARD, f"dense = {DENSE}{THEN}{FORWARD}"))
_named("The dense layer is kept from one call to the next", (f"= {DENSE}", f"= globals().setdefault('kept', {DENSE})"))
_named("The dense layer is made anew in each epoch", ("loss = 0.0\n", f"loss = 0.0\n        dense = {DENSE}\n"))
_named("The weights are updated in the first epoch only", (UPDATE, f"if not losses:\n                {UPDATE}"))
_named("The weights are updated once in each epoch only", (f"            {UPDATE}", f"        {UPDATE}"))
_named("The weights are updated twice in each step", (UPDATE, f"{UPDATE}{THEN}{UPDATE}"))
_mistake(
    "The weights are never updated",
    HINTS["The weights are updated in some steps only"],
    (f"            {UPDATE}\n", ""),
)
_named("Something besides dlayer.backward changes the weights", (UPDATE, f"{UPDATE}{THEN}dense.weights *= 0.99"))
_mistake(
    "1/B divides by the gradient: the parenthesis is closed too late",
    "Close the parenthesis before the gradient: 1/B is a factor of its own.",
    ("(1 / len(batch)) * grad", "1 / (len(batch) * grad)"),
)

# the losses
_named(
    "The loss of all samples after the epoch is stored",
    (NOTE, "        losses.append(cce(y, softmax.forward(dense.forward(X))))\n"),
)
_named("cce is never called", (LOSS, ""))
_named(
    "The loss is stored in some epochs only",
    ("for _ in range(nepochs)", "for epoch in range(nepochs)"),
    (NOTE, f"        if epoch % 2 == 0:\n    {NOTE}"),
)
_named("The mean over all epochs is returned, not a loss for each", ("softmax, losses", "softmax, np.mean(losses)"))
_named("The epoch's loss is divided by the number of epochs", ("append(loss)", "append(loss / nepochs)"))
_named("The losses come in reversed order", ("losses.append(loss)", "losses.insert(0, loss)"))
_named("The losses are rounded", ("append(loss)", "append(round(loss, 2))"))
_named("The losses are rounded", ("append(loss)", "append(int(loss))"))
_named(
    "The list of losses is kept from one call to the next",
    ("nepochs: int)", "nepochs: int, losses: list = [])"),
    ("    losses = []\n", ""),
)
_named("The layers are returned in another order", ("return dense, softmax,", "return softmax, dense,"))
_named("The dense layer that is returned has not been trained", ("return dense,", f"return {DENSE},"))
_mistake(
    "Only the share of the last batch is stored: = replaces +=",
    "Add to the epoch's loss: += keeps what the batches before have added.",
    ("loss +=", "loss ="),
)
_mistake("The loss is subtracted, not added", "Add each batch's share to the epoch's loss.", ("loss +=", "loss -="))
_mistake(
    "The epoch's loss is divided by the number of samples twice", SHARE, ("append(loss)", "append(loss / num_samples)")
)
_mistake("The batches' losses are weighted by their size, and never divided", SHARE, (MEAN, "len(batch) * cce"))
_mistake(
    "The epoch's loss is multiplied by B / batch_size, not by B / N", SHARE, (MEAN, "len(batch) / batch_size * cce")
)
_mistake(
    "Each entry is the mean of all losses so far",
    RESET,
    ("append(loss)", "append((sum(losses) + loss) / (len(losses) + 1))"),
)
_mistake(
    "The loss is computed after the step, with the new weights",
    "Compute the loss from the prediction that the step starts with.",
    (LOSS, ""),
    (UPDATE, f"{UPDATE}{THEN}yhat = softmax.forward(dense.forward(X[:, batch]))\n{LOSS}"),
)
_mistake("What train returns does not end with the losses", THREE, ("softmax, losses", "softmax"))
_mistake("Nothing is returned", THREE, (RETURN, ""))

MISTAKES = tuple(loop.mistakes)
