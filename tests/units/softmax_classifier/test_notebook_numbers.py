"""What the notebook's text states in numbers: each is computed again here, by NumPy alone.

`test_experiments.py` holds what comes out of the notebook's own code.
"""

import re
from fractions import Fraction
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lib.data import digits

SOLUTIONS = Path(__file__).parents[3] / "solutions"
SOLUTION = nbformat.read(SOLUTIONS / "softmax_classifier/softmax_classifier.ipynb", as_version=4)
LAB = 14
"""The section of the lab: `test_experiments.py` holds what its questions say of runs."""
TEXTS = {cell.id: cell.source for cell in SOLUTION.cells if cell.cell_type == "markdown"}

# The example of two samples, worked out without the notebook's code.
W = np.log(2) * np.array([[2, 1, 0], [1, 1, 0], [1, 2, 0]])
X = np.eye(2)
Z = W @ np.vstack([X, np.ones(2)])
Y = np.array([[0, 0], [1, 0], [0, 1]])
E = np.exp(Z)
A = E / E.sum(axis=0)
LOSS = -np.log(A[1, 0])
LAST = -Y / A
G = A - Y  # the middle factor times the last one, by the short formula
DIGITS, LABELS = digits()


def listed(numbers):
    """Write numbers as fractions in a row, as the text does: (0,-4,1/2)."""
    return f"({','.join(str(Fraction(float(number)).limit_denominator(64)) for number in numbers)})"


CLAIMS = {
    "derivation-forward": [
        rf"The scores $\log2\cdot{listed(Z[:, 0] / np.log(2))}$",
        "have the exponentials {:.0f}, {:.0f} and {:.0f}".format(*E[:, 0]),
        rf"so $\mathbf{{a}}={listed(A[:, 0])}$. With label {Y[:, 0].argmax()},",
        rf"$\ell=\log{1 / A[1, 0]:.0f}\approx{LOSS:.2f}$, and the gradient is ${listed(LAST[:, 0])}$",
    ],
    "loss-run-text": [f"the label {Y[:, 1].argmax()} and the probabilities ${listed(A[:, 1])}$"],
    "softmax-forward-text": ["$e^{1000}$ is too large for NumPy. It becomes `inf`"],
    "first-forward-text": ["each of the 10 classes gets a probability near 1/10", "$p=1/10$"],
    "jacobian-text": [rf"\mathbf{{a}}={listed(A[:, 0])}$", f"multiplied by ${listed(LAST[:, 0])}$"],
    "title": ["each an image of 8 by 8 grey pixels", "190 minutes", "sections 1 to 7 take 82, and the others 108"],
    "data-text": [
        f"Each of the {DIGITS.shape[1]:,} digits is a column of {len(DIGITS)} numbers,",
        f"from {DIGITS.min():.0f} (paper) to {DIGITS.max():.0f} (ink)",
    ],
    "by-hand-text": [
        r"The weights $\log2\begin{bmatrix}" + r"\\".join("&".join(f"{w:.0f}" for w in row / np.log(2)) for row in W),
        rf"give $\mathbf{{x}}={listed(X[:, 0])}$ and ${listed(X[:, 1])}$ the probabilities of section 5",
        f"The gradients at the scores are ${listed(G[:, 0])}$ and ${listed(G[:, 1])}$.",
    ],
    "digits-text": [
        f"{len(DIGITS)} features and {np.ptp(LABELS) + 1} classes",
        f"Guessing gets 1 of {np.ptp(LABELS) + 1} digits right",
        "How many of 10 unseen digits",
    ],
    "draw-text": ["turns it into 8 by 8 pixels"],
}
"""For each cell the statements that are computed here; spaces don't count."""


@pytest.mark.parametrize("id", CLAIMS)
def test_numbers_of_the_text_are_what_numpy_gives(id):
    squeezed = re.sub(r"[\s>]", "", TEXTS[id])
    assert all(re.sub(r"\s", "", claim) in squeezed for claim in CLAIMS[id])


def numbers_in(text):
    """Return the numbers that say something: decimals, fractions, and whole numbers above 9, without commas."""
    found = re.findall(r"(?<![\w.])\d+(?:,\d{3})+|(?<![\w.])\d+(?:\.\d+)?(?:/\d+)?", text)
    return {each.replace(",", "") for each in found if not re.fullmatch(r"\d", each)}


def plain(text):
    """Leave out what is no number that could be wrong: headings, places, points."""
    text = re.sub(r"\{\{.*?\}\}|^## .*$", "", text, flags=re.MULTILINE)
    return re.sub(r"([Ss]teps?|[Ss]ections?) \d+((,| and| to)* \d+)*", "", text)


def test_no_number_stands_in_the_text_that_nothing_computes():
    """A number is a claim above, or a setting in the code of its section. Times and points have tests of their own."""
    code, texts, section = dict[int, str](), list[tuple[int, str]](), 0
    for cell in SOLUTION.cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"## (\d+)\. ", cell.source)):
            section = int(heading[1])
        if cell.cell_type == "code":
            code[section] = code.get(section, "") + cell.source
        elif section != LAB:
            texts.append((section, cell.id))
    for section, id in texts:
        known = numbers_in(" ".join(CLAIMS.get(id, ()))) | numbers_in(code.get(section, ""))
        assert numbers_in(plain(TEXTS[id])) <= known, id
