"""Names of mistakes in the training loop, with one hint for each.

A name is told from the steps that a loop took, and only where nothing else gives the same steps. So it is found in any
style of code, and also where samples are drawn at random.
"""

from lib.checking.values import Wrong
from lib.units.softmax_classifier.errors import Named

COLUMNS = "A batch is a list of column numbers: take these columns from both X and y."
ORDER = "Swap the two arguments: the labels y come first, then the prediction yhat."
PREDICTION = "Use the probabilities as the prediction: they are the output of the softmax layer."
ONCE = "Multiply by 1/B once, just before the dense layer. B is the number of samples in the batch."
ACTIVATE = "Call softmax.forward once in each step, with the scores that dlayer.forward has just computed."
EPOCHS = "Run the outer loop nepochs times."
EVERY = "Run the training step for every batch of the epoch, once and in order."
BACK = "Follow the gradient backward: pass to each call the result of the call before it."
NOTHING_ELSE = "Multiply the result of softmax.backward by 1/B, and do nothing else to it."
RATE = "Pass the learning_rate that train is given, in every step."
DENSE = "Make the dense layer once, before the loops: what it has learnt is in its weights."
RETURNED = "Return the layers that the loop has used: dense layer, softmax, losses."
FIXED_RATE = "Pass the learning_rate that train is given, not a fixed number."
UPDATE = "Call dlayer.backward once in every step, with the gradient of this batch."

DRAWN = "Some samples come twice in an epoch, others never"

HINTS = {
    "The arguments of generate_batch_indices are swapped": "The number of samples comes first, then batch_size.",
    "generate_batch_indices gets the number of features": "Pass the number of samples: X has one column for each.",
    "Only a part of the samples is used": "X has one column for each sample: use each of them once in an epoch.",
    "The batches have another size than batch_size": "Pass the batch_size that train is given.",
    "The sizes of the dense layer are swapped": "Dense takes the number of inputs first. What goes into it?",
    "The dense layer gets the number of samples as its number of inputs": (
        "A sample's inputs are its features: X has one row for each."
    ),
    "dlayer.forward is not called": "Call dlayer.forward once in each step, with the columns of the batch.",
    "Each step uses all samples, not those of one batch": COLUMNS,
    "Samples and labels always come from the first columns": COLUMNS,
    "The samples always come from the first columns of X": COLUMNS,
    "The samples come in the order of the columns, not in a shuffled order": (
        "Use the column numbers that generate_batch_indices gives: each epoch has its own order."
    ),
    DRAWN: "Loop over the batches of generate_batch_indices: each sample is used once in an epoch.",
    "All epochs use the same batches": (
        "Call generate_batch_indices in each epoch, and set no seed there: each epoch has its own order."
    ),
    "There is one epoch too many": EPOCHS,
    "There is one epoch too few": EPOCHS,
    "Only one epoch is trained": "Run the outer loop nepochs times. A return or a break inside it ends it early.",
    "There are more epochs than nepochs": EPOCHS,
    "The number of epochs is fixed, whatever nepochs is": EPOCHS,
    "The loop stops before nepochs epochs are over": "Train for nepochs epochs, whatever the loss is.",
    "Only one batch is trained": "Check the indentation: a return inside a loop ends the function in the first round.",
    "The short last batch is left out": (
        "Train on every batch: each sample is used once in an epoch, also those of the short last batch."
    ),
    "Only one batch is used in each epoch": "Run the step for every batch of the epoch, inside the inner loop.",
    "The first batch of each epoch is left out": EVERY,
    "The batches are used in reversed order": EVERY,
    "Each batch is used twice in an epoch": EVERY,
    "The first batch of an epoch is used again and again": EVERY,
    "X is moved or scaled inside train": (
        "Use X as train is given it. It is scaled before, once, so that new samples can be scaled alike."
    ),
    "softmax.forward gets the samples, not the scores": "The scores are the output of the dense layer.",
    "Softmax is applied to its own output": ACTIVATE,
    "softmax.forward is not called": ACTIVATE,
    "softmax.forward runs before dlayer.forward": ACTIVATE,
    "The columns of X are in another order than those of y": COLUMNS,
    "The labels are rows of y, not columns": COLUMNS,
    "The labels are class numbers, not one-hot columns": "Take whole columns of y: each has a 1 at its sample's class.",
    "The labels always come from the first columns of y": COLUMNS,
    "The loss gets the labels of the first columns": COLUMNS,
    "The loss gradient gets the labels of the first columns": COLUMNS,
    "The labels come in the order of the columns, the samples in a shuffled order": COLUMNS,
    "The labels are those of the first epoch's batches": COLUMNS,
    "The labels are those of another shuffle than the samples": (
        "Call generate_batch_indices once in each epoch, and take the same columns from both X and y."
    ),
    "The labels of the batch are in another order than its samples": COLUMNS,
    "The labels are those of other samples": COLUMNS,
    "All labels are used in each step, not those of one batch": COLUMNS,
    "The labels are the predicted classes": "Take the labels from y. The prediction is the other argument.",
    "Labels and prediction are swapped": ORDER,
    "Labels and prediction are swapped in the loss": ORDER,
    "Labels and prediction are swapped in the loss gradient": ORDER,
    "The scores are used as the prediction": PREDICTION,
    "The loss uses the scores as the prediction": PREDICTION,
    "The loss gradient uses the scores as the prediction": PREDICTION,
    "The prediction is turned into 0 and 1 before the loss": PREDICTION,
    "The prediction is clipped before the loss": PREDICTION,
    "1/B is missing": ONCE,
    "1/B is applied twice": ONCE,
    "1/B uses batch_size, also for the short last batch": (
        "Use the number of samples in this batch: the last batch can be shorter than batch_size."
    ),
    "The step is divided by the number of all samples": ONCE,
    "The step is divided by the number of classes": ONCE,
    "The step is divided by the number of features": ONCE,
    "The step is divided by the number of batches": ONCE,
    "The step is multiplied by the batch size, not divided by it": ONCE,
    "The weights move in the direction of the gradient, not against it": (
        "Leave out the minus sign: dlayer.backward subtracts the step itself."
    ),
    "The weights move uphill after the first epoch": RATE,
    "The learning rate is applied twice": (
        "Pass the gradient without the learning rate: dlayer.backward multiplies by the rate itself."
    ),
    "The learning rate is not applied": RATE,
    "The learning rate changes during training": RATE,
    "The learning rate is always 0.01": FIXED_RATE,
    "The learning rate is always 0.1": FIXED_RATE,
    "The learning rate is always 0.0001": FIXED_RATE,
    "softmax.backward gets softmax's own output": BACK,
    "softmax.backward gets the labels": BACK,
    "softmax.backward gets the loss, not its gradient": BACK,
    "softmax.backward gets yhat - y": (
        "Pass the result of cce_gradient. yhat - y is already the gradient for the scores."
    ),
    "softmax.backward gets the gradient of another step": BACK,
    "softmax.backward is applied twice": "Call softmax.backward once in each step.",
    "The gradient is averaged over the batch before dlayer.backward": (
        "Pass one gradient for each sample: dlayer.backward sums over the samples itself."
    ),
    "dlayer.backward gets the loss, not a gradient": BACK,
    "The gradient is averaged to one number": NOTHING_ELSE,
    "The gradient is transposed before dlayer.backward": NOTHING_ELSE,
    "The gradient is clipped": NOTHING_ELSE,
    "The gradient is clipped before softmax.backward": BACK,
    "dlayer.backward gets a gradient of zeros": (
        "Print each factor of the gradient. // rounds down to a whole number, also to 0."
    ),
    "Only the sign of the gradient is used": NOTHING_ELSE,
    "The gradient is divided by its norm": NOTHING_ELSE,
    "The gradient is scaled to a fixed norm": NOTHING_ELSE,
    "The arguments of dlayer.backward are swapped": "The gradient comes first, then the learning rate.",
    "The dense layer is made anew for each batch": DENSE,
    "The dense layer is made anew in each epoch": DENSE,
    "The weights are updated in the first epoch only": UPDATE,
    "The weights are updated once in each epoch only": UPDATE,
    "The weights are updated in some steps only": UPDATE,
    "The weights are updated twice in each step": UPDATE,
    "Something besides dlayer.backward changes the weights": (
        "Leave dlayer.weights alone in the loop: dlayer.backward makes the whole step."
    ),
    "The loss of all samples after the epoch is stored": (
        "Add up the losses of the epoch's batches, each weighted by its share of all samples."
    ),
    "The dense layer is kept from one call to the next": "Make the dense layer inside train, before the loops.",
    "The list of losses is kept from one call to the next": "Make the list of losses inside train, before the loops.",
    "No loss is added to the list": "Append the epoch's loss to the list once, after the epoch's last batch.",
    "Every loss is 0, though cce is called": "Print the loss after each line that changes it. Where is it still 0?",
    "The loss is stored in some epochs only": "Append the epoch's loss in every epoch, after its last batch.",
    "The mean over all epochs is returned, not a loss for each": "Return the list with the losses of all epochs.",
    "The epoch's loss is divided by the number of epochs": "Append each epoch's loss as it is: it is a mean already.",
    "The losses come in reversed order": "Put each epoch's loss behind those of the epochs before it.",
    "The losses are rounded": "Keep all digits in the list. Round only what you print.",
    "The layers are returned in another order": RETURNED,
    "The dense layer that is returned has not been trained": RETURNED,
    "cce is never called": (
        "Call cce for each batch. Add what it returns to the epoch's loss, weighted by the batch's share of samples."
    ),
}
"""For each name one thing to try."""


def name_as(name: str, wrong: Wrong) -> Wrong:
    """Give a finding a mistake's name; it keeps where it was and what was found. Without a name it stays as it is."""
    if not name:
        return wrong
    named = Named(f"{name}.", where=wrong.where, hint=HINTS[name])
    named.found, named.expected = wrong.found, wrong.expected
    return named


def name_at(name: str, where: str) -> Wrong:
    """Say that a mistake was made at a place; its name says all that is known of it."""
    return name_as(name, Wrong("", where=where))
