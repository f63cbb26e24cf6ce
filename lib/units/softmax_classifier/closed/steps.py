"""Mistakes in the number of steps of an epoch."""

import math

import numpy as np

from lib.answer_key import MistakeCatalog

steps = MistakeCatalog(
    "check-steps-per-epoch",
    "steps_per_epoch",
    teach="Cut 10 samples into batches of 4 at the board, then 12 samples, then 10 into batches of 16. Count the"
    " batches each time, and ask for one rule that gives all three numbers.",
)
SHORT = "Write down the batches of 10 samples, 4 at a time. Which of them does your number leave out?"
FULL = "Write down the batches of 12 samples, 4 at a time. Is there a short one?"
TYPE = "range() needs a whole number of type int. What turns a float such as 3.0 into one?"
SHORT_AND_TYPE = "Write down the batches of 10 samples, 4 at a time. Give their number as an int, not as a float."

steps("The short last batch is not counted: the number is rounded down", SHORT)(lambda n, b: n // b)
steps("The short last batch is not counted, unless it is the only one", SHORT)(lambda n, b: max(n // b, 1))
steps("There is always one step more than full batches", FULL)(lambda n, b: n // b + 1)
steps("The number is rounded to the nearest, so a last batch of less than half is not counted", SHORT)(
    lambda n, b: round(n / b)
)
steps(
    "The two sizes are exchanged",
    "Which of the two is divided? With more samples an epoch has more steps; with larger batches it has fewer.",
)(lambda n, b: math.ceil(b / n))
steps("The two sizes are exchanged, and the number is rounded down", "Which of the two is divided?")(
    lambda n, b: b // n
)
steps("The result is a float", TYPE)(lambda n, b: np.ceil(n / b))
steps("The short last batch is not counted, and the result is a float", SHORT_AND_TYPE)(lambda n, b: np.floor(n / b))
steps("The number is rounded to the nearest, and the result is a float", SHORT_AND_TYPE)(lambda n, b: np.round(n / b))
steps("There is always one step more than full batches, and the result is a float", FULL)(
    lambda n, b: np.floor(n / b) + 1
)
steps(
    "The number is not rounded",
    "A batch is used whole or not at all. What becomes of the samples that don't fill the last one?",
)(lambda n, b: n / b)
steps(
    "There is one step too few",
    "Write down the batches of 10 samples, 4 at a time: two places to cut make three batches.",
)(lambda n, b: math.ceil(n / b) - 1)
steps(
    "There is one step too many", "Write down the batches of 10 samples, 4 at a time. Compare their number with yours."
)(lambda n, b: math.ceil(n / b) + 1)
steps(
    "The samples of the short last batch are counted as steps",
    "The rest of the division counts samples. How many batches do these samples make?",
)(lambda n, b: n // b + n % b)
steps("The number is that of the samples", "Each step uses a whole batch of samples.")(lambda n, b: n)
steps("The number is the batch size", "The batch size is the number of samples in a step.")(lambda n, b: b)
steps("The two sizes are multiplied", "Which size is divided by which?")(lambda n, b: n * b)
steps(
    "The number is that of the samples that are left over",
    "The rest of the division counts samples. The question is how many batches there are.",
)(lambda n, b: n % b)
steps("The number is that of the samples less the batch size", "Which size is divided by which?")(lambda n, b: n - b)

MISTAKES = (*steps.mistakes,)
