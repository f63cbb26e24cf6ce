"""The guesses before the experiments of the second notebook, for all code that the checks accept."""

from lib.checking.predictions import prediction

PREDICTIONS = (
    prediction(
        "rings",
        "Rings without a hidden layer",
        ("Less than half of them", "About two thirds", "About nine tenths", "Nearly all"),
        right=1,
        why="The scores are linear, so the borders between classes are straight lines without an end. They can't go "
        "around the class in the middle. The loss stays near log 3, the loss of equal probabilities. Tiny "
        "differences decide which class is the most probable one, so the accuracy can even fall below 1/3.",
    ),
    prediction(
        "hidden",
        "Rings with 16 hidden units",
        ("Less than half of them", "About two thirds", "About nine tenths", "More than 95 of 100"),
        right=4,
        why="The borders still consist of straight pieces. But each of the 16 units can bend them, and with so many "
        "bends a border comes close to a circle.",
    ),
    prediction(
        "kinks",
        "How many units close a border?",
        ("1", "2", "3", "8"),
        right=3,
        why="Far away in a direction in which all units are 0, the scores no longer change. With one or two units "
        "there is always such a direction, so the border can't be closed. Three kinks can form a triangle.",
    ),
    prediction(
        "zero",
        "All first weights are zero",
        (
            "All of them",
            "All weights of the last dense layer, and none of the hidden layer",
            "Only the bias of the last dense layer",
            "None of them",
        ),
        right=3,
        why="The question below asks for the reason.",
    ),
    prediction(
        "rate",
        "Experiment A: dead units",
        ("At none", "Only at 3.16", "At 1 and 3.16", "At all three"),
        right=2,
        why="A step that is too long moves a unit's kink past all samples, so that the unit is 0 for each of them. "
        "Then its slope is 0 for every sample, and no gradient comes through. The unit stays dead at any learning "
        "rate.",
    ),
    prediction(
        "digits",
        "Experiment B: digits",
        ("None, or fewer", "About one more of 100", "About three more of 100", "All of them"),
        right=2,
        why="Straight borders separate most digits, so there is little left to gain. The seeds of one network differ "
        "too, so one run of each network does not show how large the gain is.",
    ),
    prediction(
        "random",
        "Experiment C: random labels",
        (
            "About a third of the training samples and a third of new samples",
            "Nearly all training samples, and about a third of new samples",
            "Nearly all training samples, and about two thirds of new samples",
            "Nearly all of both",
        ),
        right=2,
        why="There are more weights than samples, and the borders can bend around every single sample. A new sample "
        "has each of the 3 labels with probability 1/3, whatever its features are. So the prediction 1/3 for each "
        "label has the loss log 3, and any other prediction has a higher loss on average. In the training "
        "samples, some labels go with some features by chance, and even straight borders fit that. New samples "
        "don't repeat it. A low training loss alone shows nothing: look at the validation loss.",
    ),
)
