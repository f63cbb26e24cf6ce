"""The guesses before the experiments of the lab, for all code that the checks accept."""

from lib.checking.predictions import prediction

PREDICTIONS = (
    prediction(
        "epochs",
        "Experiment A: epochs or steps?",
        ("Batch size 1", "Batch size 16", "Batch size 240", "None: the three losses differ by less than a tenth"),
        right=1,
        why="In 20 epochs there are 4,800 steps with batch size 1, 300 steps with 16, and 20 steps with 240. All "
        "three see the same samples equally often, but the smallest batches make the most steps. With 240 steps "
        "each, the three losses are nearly the same: at this learning rate the number of steps counts, not the "
        "number of epochs.",
    ),
    prediction(
        "scaling",
        "Experiment B: one setting makes up for the other",
        (
            "0.16, which is 16 times the old one",
            "0.01, as before",
            "0.0025, which is a quarter of the old one",
            "0.000625, which is a sixteenth of the old one",
        ),
        right=4,
        why="With batch size 1 there are 16 steps in place of each one, so each step may be a sixteenth as long. As "
        "long as steps are small, the learning rate divided by the batch size decides how far the weights move in "
        "an epoch.",
    ),
    prediction(
        "noise",
        "Experiment C: noise",
        (
            "It stays about the same",
            "It becomes about half as large",
            "It becomes about a quarter as large",
            "It becomes about a sixteenth as large",
        ),
        right=3,
        why="The loss of a batch is a mean over its samples. The spread of a mean of B samples is about the spread of "
        "single samples divided by the square root of B, and the root of 16 is 4. Gradients are means too, so "
        "their spread shrinks in the same way.",
    ),
    prediction(
        "limit",
        "Experiment D: how large is too large?",
        (
            "Batch size 1, as in Experiment A",
            "Batch size 16",
            "Batch size 240",
            "None: the three losses differ by less than a tenth",
        ),
        right=2,
        why="A step follows the gradient of its own batch. With one sample in a batch, and at this rate, more than a "
        "third of the steps raise the mean loss of all samples. No step from all 240 samples does that, but 20 steps "
        "are too few. Batch size 16 is between the two. So the batch size decides which learning rate is too large.",
    ),
    prediction(
        "stop",
        "Experiment E: when to stop",
        (
            "10 epochs",
            "50 epochs",
            "250 epochs",
            "None: the three losses differ by less than a hundredth of their size",
        ),
        right=2,
        why="The training loss falls as long as the run lasts. The validation loss falls at first and then rises "
        "again: the weights grow, and the few samples that are predicted wrongly cost more and more. So watch the "
        "validation loss, and stop where it is lowest.",
    ),
)
