"""Questions on the experiments: what hidden units do, to be predicted before each experiment is run.

What is so was found with right code, for the seeds of the notebook; its tests find it again.
"""

from functools import partial

from lib import unit

Question = partial(unit.Question, found="With right code the answer is:")

QUESTIONS = (
    Question(
        "rings",
        "The network of the first notebook, without a hidden layer, is trained on the three rings for 100 epochs. How"
        " many of the training samples does it get right?",
        ("Less than half of them", "About two thirds", "About nine tenths", "Nearly all"),
        0,
        "The scores are linear, so the borders between classes are straight lines that go on for ever. They can't go"
        " around the class in the middle. The loss stays near log 3, that of equal probabilities. Tiny differences"
        " decide which class is the most probable one, so the accuracy can fall below 1/3, too.",
    ),
    Question(
        "hidden",
        "A network with 16 hidden units is trained on the three rings for 100 epochs. How many of the training samples"
        " does it get right?",
        ("Less than half of them", "About two thirds", "About nine tenths", "More than 95 of 100"),
        3,
        "The borders are still made of straight pieces. But each of the 16 units can bend them, and so many bends"
        " come near a circle.",
    ),
    Question(
        "zero",
        "All weights are set to 0, also those of the hidden layer, and the network is trained for 100 epochs. Which"
        " weights change?",
        (
            "All of them",
            "All weights of the last dense layer, and none of the hidden layer",
            "Only the bias of the last dense layer",
            "None of them",
        ),
        2,
        "The hidden units give 0, so the last weights get a gradient of 0. These are 0, too, so no gradient"
        " comes back to the hidden layer. Only the bias of the last layer has an input that is not 0: it is 1.",
    ),
    Question(
        "kinks",
        "Each hidden unit gives the network one kink, a straight line at which borders can bend. How many hidden units"
        " does it take at least to draw a closed border around the class in the middle?",
        ("1", "2", "3", "8"),
        2,
        "Far away in the direction in which all units are 0, the scores don't change any more. With one or two units"
        " there is always such a direction, so the region of a class can't be closed. Three kinks can form a triangle.",
    ),
    Question(
        "rate",
        "The network with 16 hidden units is trained for 30 epochs with the learning rates 0.1, 1, 3.16 and 10. At"
        " which of them are most of the 16 units dead in the end?",
        ("At none", "Only at 10", "At 3.16 and 10", "At 1, 3.16 and 10"),
        2,
        "A step that is too long moves a unit's kink beyond all samples, to the side on which the unit is 0. Then its"
        " slope is 0 for every sample, no gradient comes through, and it stays so at any learning rate.",
    ),
    Question(
        "digits",
        "Without a hidden layer the network recognises about 96 of 100 unseen digits. How many more does it recognise"
        " with 32 hidden units, as a mean of three seeds?",
        ("None, or fewer", "About one more of 100", "About three more of 100", "All of them"),
        1,
        "Straight borders tell most digits apart, so there is little left to gain. Two seeds can differ by as much as"
        " the hidden layer adds: a single run would not show it.",
    ),
    Question(
        "random",
        "64 samples have random labels. A network with 64 hidden units is trained on them for 1,000 epochs. What does"
        " it get right?",
        (
            "About a third of the training samples and a third of new samples",
            "Nearly all training samples, and about a third of new samples",
            "Nearly all training samples, and about two thirds of new samples",
            "Nearly all of both",
        ),
        1,
        "There are more weights than samples, and the borders can bend around every single one. A new sample has each"
        " of the 3 labels with probability 1/3, whatever its features are. So the prediction 1/3 for each label has the"
        " loss log 3, and any other one has a higher loss on average. In the training samples some labels go along with"
        " some features by chance, and even straight borders follow that; new samples have nothing of it. A low"
        " training loss alone shows nothing: look at the validation loss.",
    ),
)
