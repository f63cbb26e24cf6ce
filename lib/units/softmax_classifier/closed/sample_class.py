"""A sample class: submissions that fill the released notebook's blanks as students would.

Some are right, in different styles. Some have one common mistake. Others have open blanks or a syntax error.
"""

from collections.abc import Mapping
from functools import partial

from lib.answer_key import Fillings, SampleClass
from lib.units.softmax_classifier.lab import QUESTIONS

RIGHT: Fillings = {
    "loss": ("-np.sum(y * np.log(yhat)) / y.shape[1]", "-y / yhat"),
    "softmax": (
        "np.exp(input - input.max(axis=0)) / np.sum(np.exp(input - input.max(axis=0)), axis=0)",
        "np.einsum('ik,ij->ijk', self.output, np.eye(len(self.output)))"
        " - np.einsum('ik,jk->ijk', self.output, self.output)",
        "'ijk,jk->ik'",
    ),
    "dense": ("output_gradient", "self.input.T"),
    "train": (
        "batch",
        "batch",
        "softmax.output",
        "y[:, batch]",
        "softmax.output",
        "grad",
        "grad / len(batch)",
        "learning_rate",
    ),
}

ANSWERS = {
    "explain-gradient": "What is left is $\\hat{y} - y$: each class's probability, less 1 for the true class.",
    "explain-rate-and-batch": "Four times the batch size, four times the learning rate: there are fewer steps,"
    " so each has to be longer.",
}
"""Written answers to the questions that a person grades."""


fill = partial(dict[str, tuple[str, ...]], RIGHT)
"""Gives the right fillings with some cells replaced."""
STUDENTS: Mapping[str, Fillings] = {
    "ada": RIGHT,
    "bao": fill(
        loss=("np.mean(np.sum(-y * np.log(np.maximum(yhat, 1e-7)), axis=0))", "np.where(y == 1, -1 / yhat, 0.0)"),
        softmax=(
            "(lambda e: e / e.sum(0, keepdims=True))(np.exp(input - np.max(input, axis=0)))",
            "np.array([np.diag(a) - np.outer(a, a) for a in self.output.T])",
            "'kij,jk->ik'",
        ),
    ),
    "chidi": fill(dense=("output_gradient @ self.input.T", "np.eye(self.input.shape[0])")),
    "dana": fill(softmax=("np.exp(input) / np.exp(input).sum(axis=1, keepdims=True)", *RIGHT["softmax"][1:])),
    "emil": fill(loss=("-np.mean(y * np.log(yhat))", "-y / yhat")),
    "farah": fill(loss=("-np.sum(y * np.log(yhat)) / y.shape[1]", "yhat - y")),
    "goro": fill(softmax=("np.exp(input) / np.exp(input).sum(axis=0)", *RIGHT["softmax"][1:])),
    "hana": fill(softmax=(RIGHT["softmax"][0], "self.output * (1 - self.output)", "'ik,ik->ik'")),
    "ines": fill(train=(*RIGHT["train"][:6], "grad", "learning_rate")),
    "jomo": fill(softmax=("", "", ""), train=("",) * 8),
    "kaja": fill(loss=("np.linalg.inv(y", "-y / yhat")),
}

PREDICTIONS = {
    student: dict(zip(QUESTIONS, choices, strict=False))
    for student, choices in {
        "ada": (0, 3, 2, 1, 1),
        "bao": (0, 3, 3, 1, 1),
        "chidi": (2, 1, 3, 0, 2),
        "dana": (0, 3, 2, 0, 2),
        "emil": (1, 1, 1, 0, 1),
        "farah": (0, 2, 3, 1, 2),
        "goro": (3, 3, 2, 0, 1),
        "hana": (2, 0, 3),
        "ines": (1,),
    }.items()
}
"""What they predicted in the lab, question by question; the last two did not come to its end."""

SAMPLE_CLASS = SampleClass(STUDENTS, ANSWERS, PREDICTIONS)
