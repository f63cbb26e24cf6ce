"""A sample class: submissions that fill the released notebook's blanks as students would.

Some are right, in different styles. Some have one common mistake, and one leaves blanks open.
"""

from collections.abc import Mapping
from functools import partial

from lib.answer_key import Fillings, SampleClass
from lib.units.hidden_layer.lab import QUESTIONS

RIGHT: Fillings = {
    "own-loss": ("-np.sum(y * np.log(np.maximum(yhat, 1e-7))) / y.shape[1]", "-y / np.maximum(yhat, 1e-7)"),
    "own-softmax": (
        "np.exp(input - input.max(axis=0)) / np.exp(input - input.max(axis=0)).sum(axis=0)",
        "self.output * (output_gradient - (self.output * output_gradient).sum(axis=0))",
    ),
    "own-dense": ("output_gradient", "self.input.T"),
    "relu": ("np.maximum(input, 0)", "output_gradient * (self.input > 0)"),
    "network": ("layer.forward(output)", "reversed(self.layers)", "layer.backward(output_gradient, learning_rate)"),
    "step": ("loss_gradient(y, yhat) / y.shape[1]", "learning_rate", "loss(y, yhat)"),
}

ANSWERS = {
    "explain-two-dense": "A product of two matrices is a matrix, so two layers draw the same lines as one.",
    "explain-zero": "All units compute the same and get the same gradient, which is 0: they never become different.",
}
"""Written answers to the questions that a person grades."""


fill = partial(dict[str, tuple[str, ...]], RIGHT)
"""Gives the right fillings with some cells replaced."""
STUDENTS: Mapping[str, Fillings] = {
    "ada": RIGHT,
    "bao": fill(
        relu=("np.where(input > 0, input, 0)", "np.where(self.output > 0, output_gradient, 0)"),
        network=("layer.forward(output)", "self.layers[::-1]", "layer.backward(output_gradient, learning_rate)"),
        step=("loss_gradient(y, yhat) * (1 / X.shape[1])", "learning_rate", "loss(y, yhat)"),
    ),
    "chidi": fill(relu=("np.maximum(input, 0)", "output_gradient * (output_gradient > 0)")),
    "dana": fill(network=("layer.forward(output)", "self.layers", "layer.backward(output_gradient, learning_rate)")),
    "emil": fill(step=("loss_gradient(y, yhat)", "learning_rate", "loss(y, yhat)")),
    "farah": fill(relu=("np.max(input, 0)", "output_gradient * (self.input > 0)")),
    "goro": fill(step=("loss_gradient(y, yhat) / y.shape[0]", "learning_rate", "loss(y, network.forward(X))")),
    "hana": fill(
        network=(
            "layer.forward(output)",
            "reversed(self.layers)",
            "layer.backward(output_gradient / output_gradient.shape[1], learning_rate)",
        )
    ),
    "ines": fill(network=("layer.forward(input)", "reversed(self.layers)", "layer.backward(output_gradient, 0.1)")),
    "jomo": fill(relu=("np.maximum(input, 0)", ""), network=("", "", ""), step=("", "", "")),
}

PREDICTIONS = {
    student: dict(zip(QUESTIONS, choices, strict=False))
    for student, choices in {
        "ada": (0, 3, 2, 2, 2, 1, 1),
        "bao": (0, 3, 2, 1, 2, 1, 1),
        "chidi": (1, 3, 1, 3, 1, 1, 2),
        "dana": (0, 2, 3, 2, 1, 0, 1),
        "emil": (1, 2, 1, 1, 3, 1),
        "hana": (0, 3, 2),
    }.items()
}
"""What they predicted, question by question; the last two did not come to the end."""

SAMPLE_CLASS = SampleClass(STUDENTS, ANSWERS, PREDICTIONS)
