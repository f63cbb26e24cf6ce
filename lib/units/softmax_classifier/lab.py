"""The lab's questions: what learning rate and batch size do, to be predicted before each experiment is run.

What is so was found with right code for each of the seeds 0 to 9; a test finds it again. Where an explanation has a
number, it is counted and doesn't depend on the seed.
"""

from functools import partial

from lib import unit

Question = partial(unit.Question, found="With right code, and each seed from 0 to 9, the answer is:")

QUESTIONS = (
    Question(
        "epochs",
        "Three runs of 20 epochs each, at learning rate 0.01, with batch sizes 1, 16 and 240. Which one ends with the"
        " lowest loss?",
        ("Batch size 1", "Batch size 16", "Batch size 240", "None: the three losses differ by less than a tenth"),
        0,
        "In 20 epochs there are 4,800 steps with batch size 1, 300 steps with 16, and 20 steps with 240. All three see"
        " the same samples equally often, but the smallest batches make the most steps. With 240 steps each, the three"
        " losses are nearly the same: at this learning rate the number of steps counts, and not the number of epochs.",
    ),
    Question(
        "scaling",
        "A run of 20 epochs with batch size 16 and learning rate 0.01 ends with a certain loss. Now the batch size"
        " becomes 1, and there are 20 epochs again. Which learning rate ends nearest to the same loss?",
        (
            "0.16, which is 16 times the old one",
            "0.01, as before",
            "0.0025, which is a quarter of the old one",
            "0.000625, which is a sixteenth of the old one",
        ),
        3,
        "With batch size 1 there are 16 steps where there was one, so each may be a sixteenth as long. While steps are"
        " small, the learning rate divided by the batch size says how far the weights get in an epoch.",
    ),
    Question(
        "noise",
        "The weights are kept as they are. In one epoch, each batch has a loss of its own, and these losses have a"
        " spread (their standard deviation). The batch size goes from 1 to 16. What becomes of the spread?",
        (
            "It stays about the same",
            "It becomes about half as large",
            "It becomes about a quarter as large",
            "It becomes about a sixteenth as large",
        ),
        2,
        "The loss of a batch is a mean over its samples. The spread of a mean of B samples is about that of single"
        " samples divided by the square root of B, and the root of 16 is 4. Gradients are means too, so their spread"
        " shrinks alike.",
    ),
    Question(
        "limit",
        "The digits, 10 epochs, with a learning rate of 10, 100 times the one before. One run has batch size 1, the"
        " other has all 1,438 training samples in one batch. What becomes of them?",
        (
            "Batch size 1 is right on more validation digits: it makes 1,438 times as many steps",
            "All samples at once are right on more validation digits",
            "Both are right on more than 9 of 10 validation digits",
            "Both are right on fewer than 2 of 10 validation digits",
        ),
        1,
        "A step from one sample follows that sample alone. At this learning rate it is so long that it spoils what the"
        " steps before have learnt. The mean over all samples points the right way, so ten such steps do well. Which"
        " learning rate is too large depends on the batch size.",
    ),
    Question(
        "stop",
        "The digits, batch size 16, learning rate 0.1. Three runs last 10, 50 and 250 epochs. Which one ends with the"
        " lowest validation loss?",
        (
            "10 epochs",
            "50 epochs",
            "250 epochs",
            "None: the three losses differ by less than a hundredth of their size",
        ),
        1,
        "The training loss falls as long as the run lasts. The validation loss falls at first and then rises again: the"
        " weights grow, and the few samples that are predicted wrongly cost more and more. So one watches the"
        " validation loss, and stops where it is lowest.",
    ),
)
