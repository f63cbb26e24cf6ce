"""The guesses before the experiments of the third notebook, for all code that the checks accept."""

from lib.checking.predictions import prediction

PREDICTIONS = (
    prediction(
        "bowl",
        "One rate for two directions",
        (
            "At both rates near (0, 0)",
            "At 0.019 near (0, 0); at 0.021 far away in the flat direction",
            "At 0.019 near 0 in the steep direction only; at 0.021 far away in the steep direction",
            "At 0.019 near 0 in the flat direction only; at 0.021 far away in both",
        ),
        right=3,
        why="The steep direction allows no rate above 0.02: at a larger rate, each step there is longer than the one "
        "before. The flat direction needs a far larger rate: at 0.019, about 1.5 of its 10 are left after 100 "
        "steps.",
    ),
    prediction(
        "momentum",
        "Momentum in the bowl",
        ("About 450", "About 250", "About 90", "About 5"),
        right=3,
        why="In the flat direction the velocity grows up to 10 times a plain step. With 0.99 it grows up to 100 "
        "times. Then the weight runs past the lowest point, and swings to and fro for hundreds of steps.",
    ),
    prediction(
        "correction",
        "Adam's first step",
        (
            "It depends on the gradient",
            "A tenth of that with corrections",
            "As long as with corrections",
            "About three times as long as with corrections",
        ),
        right=4,
        why="With corrections, the first step is rate · g / |g|: as long as the rate, whatever the size of the "
        "gradient. Without them it is rate · 0.1 g / √(0.001 g²), which is 3.16 times as long. At first both m "
        "and √v are too small, and √v is smaller by a larger factor.",
    ),
    prediction(
        "scales",
        "A feature in other units",
        ("All three", "Momentum and Adam", "Only Adam", "None"),
        right=3,
        why="The weights of the small feature get small gradients, but must become 20 times as large. The rates that "
        "they need are too large for the other weights. Adam divides by √v, so all weights take steps of about "
        "the same size. After standardising, one rate suits all weights, and all three optimizers succeed.",
    ),
    prediction(
        "slider",
        "Rate and momentum",
        ("0.01", "0.02", "0.1", "1"),
        right=3,
        why="The velocity adds up to 1/(1 − 0.9) = 10 plain steps, so it is like a rate of 0.1. If you raise the "
        "momentum, lower the rate. With momentum near 1, one batch has an effect on many steps.",
    ),
    prediction(
        "schedule",
        "A schedule",
        ("Less than half of them", "About two thirds", "About eight tenths", "More than 95 of 100"),
        right=4,
        why="At first the gradients are large, and steps at rate 3 move the kinks of units past all samples. No "
        "gradient brings them back. With short first steps, more units stay alive, and they are enough for the rings. "
        "With short last steps, the weights settle.",
    ),
    prediction(
        "decay",
        "Weight decay",
        (
            "Their loss is lower, and more of them are right",
            "Their loss is lower, and no more of them are right",
            "Their loss is the same, and more of them are right",
            "Nothing changes",
        ),
        right=2,
        why="The labels are random, so a third of the predictions are right, whatever the network does. Large weights "
        "make predictions certain, and a prediction that is certain but wrong has a high loss. Decay keeps the "
        "weights small and the predictions less certain: the loss rises on training samples, and falls on new "
        "ones.",
    ),
)
