"""What there is to judge in the softmax classifier: the checks' parts, the reference, and the catalogue of mistakes."""

from lib.checks import PARTS
from lib.grading.judge import Unit
from lib.grading.mistakes.softmax_classifier import MISTAKES
from lib.reference import Dense, Softmax, cce, cce_gradient, train

UNIT = Unit(
    parts=PARTS,
    right={"cce": cce, "cce_gradient": cce_gradient, "Softmax": Softmax, "Dense": Dense, "train": train},
    mistakes=MISTAKES,
)
