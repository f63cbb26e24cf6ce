"""What the notebook's text states in numbers: each is computed again here, by NumPy alone or by running the cells."""

import re
from contextlib import redirect_stdout
from fractions import Fraction
from io import StringIO
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from lib.data import digits

SOLUTION = nbformat.read(
    Path(__file__).parents[3] / "solutions/softmax_classifier/softmax_classifier.ipynb", as_version=4
)
LAB = 12
"""The section of the lab: `test_lab.py` holds what its questions say of runs."""
TEXTS = {cell.id: cell.source for cell in SOLUTION.cells if cell.cell_type == "markdown"}

# The example that goes through Steps 1 to 10: two samples, worked out without the notebook's code.
X = np.array([[2, 1], [-1, -1]])
X_TILDE = np.vstack([X, np.ones((1, 2))])
W = np.log(2) * np.array([[1, 0, 0], [0, -1, 0], [-1, -1, 2]])
Y = np.array([[0, 0], [1, 0], [0, 1]])
E = np.exp(W @ X_TILDE)
A = E / E.sum(axis=0)
P = A[Y.argmax(axis=0), [0, 1]]
LOSSES = -np.log(P)
LAST = -Y / A
G = np.stack([(np.diag(a) - np.outer(a, a)) @ last for a, last in zip(A.T, LAST.T, strict=True)], axis=1)
GRADIENT = G / 2 @ X_TILDE.T
DIGITS, LABELS = digits()


def fraction(number):
    """Write a number as a fraction, as the text does: -3/4, 1, 0."""
    return str(Fraction(float(number)).limit_denominator(64))


def listed(numbers):
    return f"({', '.join(map(fraction, numbers))})"


def matrix(rows):
    return r" \\ ".join(" & ".join(map(fraction, row)) for row in rows)


def loss_after_a_step():
    moved = np.exp((W - GRADIENT) @ X_TILDE)
    return -np.log(moved / moved.sum(axis=0))[Y.argmax(axis=0), [0, 1]].mean()


def slope(p, h):
    return (-np.log(p + h) + np.log(p - h)) / (2 * h)


CLAIMS = {
    "example-sample": [
        rf"\log 2 \approx {np.log(2):.2f}",
        f"e^{{2 \\log 2}} = {np.exp(2 * np.log(2)):.0f}",
        r"\begin{bmatrix} 1 & 0 & 0 \\ 0 & -1 & 0 \\ -1 & -1 & 2 \end{bmatrix}",
    ],
    "derivation-forward": [
        rf"\mathbf{{z}} = \log 2 \cdot {listed(W @ X_TILDE[:, 0] / np.log(2))}",
        "The exponentials are {:.0f}, {:.0f} and {:.0f}, with the sum {:.0f}.".format(*E[:, 0], E[:, 0].sum()),
        rf"\mathbf{{a}} = {listed(A[:, 0])}",
        rf"p = a_1 = {fraction(P[0])}$ and $\ell = \log {1 / P[0]:.0f} \approx {LOSSES[0]:.2f}",
        rf"\ell = -0 \log {fraction(A[0, 0])} - 1 \log {fraction(A[1, 0])} - 0 \log {fraction(A[2, 0])} = \log 4",
    ],
    "derivation-last-factor": [
        rf"\ell = {listed(LAST[:, 0])}",
        "h = 0.001",
        rf"-\log {P[0] + 0.001:.3f} \approx {-np.log(P[0] + 0.001):.4f}",
        rf"-\log {P[0] - 0.001:.3f} \approx {-np.log(P[0] - 0.001):.4f}",
        f"The difference is ${np.log(P[0] - 0.001) - np.log(P[0] + 0.001):.4f}$",
        f"divided by $0.002$ it is ${slope(P[0], 0.001):.1f}$",
    ],
    "loss-text": [f"With 3 classes and 5 samples, `y * np.log(yhat)` has {np.ones((3, 5)).size} entries", "10^{-7}"],
    "loss-run-text": [rf"\mathbf{{x}} = {listed(X[:, 1])}$ and the label {Y[:, 1].argmax()}", listed(A[:, 1])],
    "softmax-forward-text": [rf"$e^{{{np.float64(1000):.0f}}}$ is too large for a number in NumPy"],
    "jacobian-text": [rf"\mathbf{{a}} = {listed(A[:, 0])}", f"the last factor, ${listed(LAST[:, 0])}$"],
    "softmax-forward-run-text": [rf"\log 2 \cdot {listed(z / np.log(2))}" for z in (W @ X_TILDE).T],
    "softmax-backward-run-text": [*(f"${listed(last)}$" for last in LAST.T), rf"\mathbf{{a}} = {listed(A[:, 1])}"],
    "derivation-weights": [
        rf"\mathbf{{g}} = {listed(G[:, 0])}$ and $\tilde{{\mathbf{{x}}}} = {listed(X_TILDE[:, 0])}",
        matrix(np.outer(G[:, 0], X_TILDE[:, 0])),
        rf"L = 1/2 (\log {1 / P[0]:.0f} + \log {1 / P[1]:.0f}) \approx {LOSSES.mean():.2f}",
        rf"1/2 \left({fraction(G[1, 0])} \cdot {X[0, 0]} + {fraction(G[1, 1])} \cdot {X[0, 1]}\right) = "
        rf"{fraction(GRADIENT[1, 0])}$. With learning rate 1 the weight grows by ${fraction(-GRADIENT[1, 0])}",
        rf"the loss is $L \approx {loss_after_a_step():.2f}",
    ],
    "one-batch-text": [f"a probability near {fraction(1 / 3)}", f"$p = {fraction(1 / 3)}$"],
    "one-batch-backward-text": [rf"\log 3 \approx {np.log(3):.2f}"],
    "train-text": ["With 10 samples and a batch size of 4"],
    "digits-text": [
        f"{DIGITS.shape[1]:,} digits, each an image of 8 by 8 pixels",
        f"{len(DIGITS)} features, {np.ptp(LABELS) + 1} classes",
    ],
    "digits-train-text": [f"Guessing gets 1 of {np.ptp(LABELS) + 1} digits right", "How many of 10 unseen digits"],
    "digits-weights-text": ["More than 19 of 20 unseen digits"],
    "random-text": [rf"\log 3 \approx {np.log(3):.2f}", "Train on all 64 samples", "on 6,400 new ones"],
    "random-see-text": ["18 weights can't fit 64 random labels", "for each of the 64 samples"],
    "data-text": [f"with probability {fraction(1 / 3)}"],
    "explain-random-labels": [
        "In 64 samples",
        rf"-{fraction(1 / 3)}\sum_k",
        f"probability {fraction(1 / 3)}",
        f"are {fraction(1 / 3)}",
    ],
}
"""For each cell the statements that are computed here, as they stand in it once `plain` has made it simpler."""


def plain(text):
    """Write fractions with a stroke, and leave out what is no number that could be wrong: places, links, points."""
    text = re.sub(r"\\[td]?frac\s*(\d)\s*(\d)|\\[td]?frac\{(\d+)\}\{(\d+)\}", r"\1\3/\2\4", text)
    text = re.sub(r"\{\{.*?\}\}|\]\([^)]*\)|\[2(\.5)?ex\]|^## .*$", "", text, flags=re.MULTILINE)
    return re.sub(r"([Ss]teps?|[Ss]ections?) \d+((,| and| to)* \d+)*", "", text)


@pytest.mark.parametrize("id", CLAIMS)
def test_numbers_of_the_text_are_what_numpy_gives(id):
    text = " ".join(plain(TEXTS[id]).replace(">", " ").split())
    for claim in CLAIMS[id]:
        assert claim in text


def numbers_in(text):
    """Give the numbers that say something: decimals, fractions, and whole numbers above 9, without commas."""
    found = re.findall(r"(?<![\w.])\d+(?:,\d{3})+|(?<![\w.])\d+(?:\.\d+)?(?:/\d+)?", text)
    return [each.replace(",", "") for each in found if not re.fullmatch(r"\d", each)]


def test_no_number_stands_in_the_text_that_nothing_computes():
    """A number is a claim above, or a setting in the code of its section. Times and points have tests of their own."""
    code, texts, section = dict[int, str](), list[tuple[int, str]](), 0
    for cell in SOLUTION.cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"## (\d+)\. ", cell.source)):
            section = int(heading[1])
        if cell.cell_type == "code":
            code[section] = code.get(section, "") + cell.source
        elif cell.id not in ("title", "how-to") and section != LAB:
            texts.append((section, cell.id))
    for section, id in texts:
        known = {*numbers_in(" ".join(CLAIMS.get(id, ()))), *numbers_in(code.get(section, ""))}
        assert set(numbers_in(plain(TEXTS[id]))) <= known, id


# ---- What the text says of runs


@pytest.fixture(scope="module")
def ran():
    """The notebook's names after each of its cells, which run here one after the other; the explorer isn't needed."""
    names, after, printed = {}, {}, {}
    for cell in SOLUTION.cells:
        if cell.cell_type == "code" and not cell.source.startswith(("check.", "from lib.explorer")):
            with redirect_stdout(StringIO()) as shown:
                exec(cell.source.replace("%load_ext lib.blanks", "pass"), names)
            printed[cell.id] = shown.getvalue()
            plt.close("all")
            after[cell.id] = names.copy()
    return after | {"printed": printed}


def test_students_are_asked_before_they_run_a_cell_and_not_told_what_it_prints(ran):
    cells = list(zip(SOLUTION.cells, SOLUTION.cells[1:], strict=False))
    asked = [(text, cell) for text, cell in cells if cell.source.startswith("# I predict:")]
    runs = [name for name in ran["printed"] if name.endswith("-run")]
    assert set(runs) <= {cell.id for _, cell in asked} and len(asked) >= 20
    for text, cell in asked:
        assert text.cell_type == "markdown" and "**Predict, then run" in text.source, cell.id
        question = text.source.partition("**Predict, then run")[2]
        assert "?" in question or "Sketch" in question, cell.id
        told = set(map(float, re.findall(r"\d+\.\d+", plain(text.source))))
        assert not told & set(map(float, re.findall(r"\d+\.\d+", ran["printed"][cell.id]))), cell.id


def says(id, *words):
    return all(each in " ".join(TEXTS[id].split()) for each in words)


def test_one_batch_and_one_step(ran):
    assert says("one-batch-backward-text", "The loss is near $\\log 3")
    assert ran["one-batch-forward"]["loss"] == pytest.approx(np.log(3), abs=0.05)
    assert ran["one-batch-again"]["loss_after"] < ran["one-batch-again"]["loss"]


def test_three_samples_start_near_log_3_and_get_better_in_each_epoch(ran):
    losses = ran["train-run"]["losses"]
    assert losses[0] == pytest.approx(np.log(3), abs=0.05)
    assert (np.diff(losses) < 0).all()


def test_blobs(ran):
    assert says("blobs-curve-text", "fall steeply in the first epochs and then flatten", "can be the lower one")
    after = ran["blobs-train"]
    for losses in (after["losses"], after["validation_losses"]):
        assert losses[0] - losses[4] > 10 * (losses[-5] - losses[-1])
    assert after["validation_losses"][0] < after["losses"][0]
    assert says("rates-text", "The two are close")
    network = after["dlayer"], after["softmax"]
    accuracy = ran["accuracy"]["accuracy"]
    training, validation = (
        accuracy(*network, after[f"X_{part}"], after[f"y_{part}"]) for part in ("train", "validation")
    )
    assert training == pytest.approx(validation, abs=0.03)


def test_the_same_seed_gives_the_same_run_one_epoch_longer(ran):
    assert says("blobs-train-text", "The same seed gives the same run each time, one epoch longer.")
    after = ran["blobs-train"]
    np.random.seed(0)  # as the notebook does
    *_, losses = after["train"](after["X_train"], after["y_train"], 0.1, 16, 7)
    assert losses == after["losses"][:7]


def test_rates(ran):
    assert says(
        "rates-curve-text", "At 0.0001 the loss hardly changes.", "At 0.01 it is still falling", "it has flattened"
    )
    after, falls = ran["rates"], {}
    for rate in (0.0001, 0.01, 0.1):
        np.random.seed(0)  # as the notebook does
        *_, losses = after["train"](after["X_train"], after["y_train"], rate, 16, 30)
        falls[rate] = losses[0] - losses[-1], losses[-6] - losses[-1]
    assert falls[0.0001][0] < 0.05 < 0.1 < falls[0.01][0]
    assert falls[0.01][1] > 3 * falls[0.1][1]


def test_digits(ran):
    after = ran["digits-train"]
    unseen = after["accuracy"](after["dlayer_digits"], after["softmax_digits"], after["X_unseen"], after["y_unseen"])
    assert unseen > 19 / 20
    assert says("digits-see-text", "its ring is mostly blue, and its middle is red")
    image = after["dlayer_digits"].weights[0, :-1].reshape(8, 8)  # blue is above 0
    assert image[3:5, 3:5].mean() < 0 < image[2:6, 2].mean()


def test_random_labels(ran):
    after = ran["random-train"]
    assert after["X"].shape[1] == 64
    assert after["X_new"].shape[1] == 6400
    assert after["dlayer_random"].weights.size == 18
    assert after["losses"][-1] < 0.2 * np.log(3), "with structure far below"
    assert 0.9 * np.log(3) < after["losses_random"][-1] < np.log(3)
    assert after["cce"](
        after["y_new"], after["softmax_random"].forward(after["dlayer_random"].forward(after["X_new"]))
    ) > np.log(3)
    *_, longer = after["train"](after["X"], after["y"], 0.05, 16, 1000)
    assert longer[-1] > 0.9 * np.log(3), "however long you train"


def test_a_wider_model_memorises_random_labels(ran):
    assert says("random-wide-see-text", "nearly all labels", "as often right as guessing", "far above $\\log 3$")
    after = ran["random-wide"]
    network = after["dlayer_wide"], after["softmax_wide"]
    assert len(after["X_wide"]) == 200
    assert after["accuracy"](*network, after["X_wide"], after["y"]) > 0.95
    assert after["accuracy"](*network, after["X_new_wide"], after["y_new"]) == pytest.approx(1 / 3, abs=0.02)
    assert after["new_loss"] > 3 * np.log(3)


def test_the_minutes_of_the_headings_make_the_hours_that_the_title_promises():
    minutes = {
        int(number): int(time)
        for text in TEXTS.values()
        for number, time in re.findall(r"^## (\d+)\. .*\((\d+) minutes\)$", text, re.MULTILINE)
    }
    assert sorted(minutes) == list(range(1, max(minutes) + 1))
    assert says("title", "about six hours in two sittings", "sections 1 to 7, then the others")
    first = sum(time for section, time in minutes.items() if section <= 7)
    assert sum(minutes.values()) == pytest.approx(6 * 60, abs=15)
    assert first == pytest.approx(sum(minutes.values()) / 2, abs=20)
