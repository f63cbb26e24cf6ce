"""What the notebooks say of their experiments is true for all code that the checks accept.

The notebooks' cells run here one after the other, with each way to write the student's code: another floor under the
probabilities, or none, and other right formulas. Each prediction has its claims in a function of its name.
"""

import re
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from lib.checking.predictions import PREDICTED
from tests.test_notebook import numbers

pytestmark = pytest.mark.xdist_group("experiments")  # each worker would run all notebooks

ROOT = Path(__file__).parents[2]
SOFTMAX = "a * (output_gradient - (a * output_gradient).sum(axis=0))"
VARIANTS: dict[str, list[tuple[str, str]]] = {
    "floor 1e-7": [],
    "floor 1e-12": [("1e-7", "1e-12")],
    "floor 1e-300": [("1e-7", "1e-300")],
    "no floor": [("np.maximum(yhat, 1e-7)", "yhat")],
    "added": [("np.maximum(yhat, 1e-7)", "(yhat + 1e-6)")],
    "other formulas": [
        (r"np.einsum('kmi,mi->ki', T, output_gradient)", SOFTMAX),
        ("np.maximum(input, 0)", "input * (input > 0)"),
        ("(self.input > 0)", "(self.input >= 0)"),
        ("self.momentum * v - learning_rate * g", "-(learning_rate * g - v * self.momentum)"),
    ],
}
ON_A_PAGE = re.compile(r"\b(check(_\w+)?\.|explore\w*\(|Pad\()")
"""In cells with checks or widgets."""
OTHERS = {"%load_ext lib.blanks": "pass", "load_tensorflow()": "None"}


@cache
def solution(unit: str) -> list[Any]:
    cells = nbformat.read(ROOT / f"solutions/{unit}/{unit}.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


class Ran(dict[str, Any]):
    """The names of a notebook after its cells have run, and what each cell has printed, by its id."""

    def __init__(self, unit: str, variant: str) -> None:
        super().__init__(display=lambda *shown: None)
        self.printed: dict[str, str] = {}
        for cell in solution(unit):
            source = cell.source
            for old, new in [*OTHERS.items(), *VARIANTS[variant]]:
                source = source.replace(old, new)
            if not ON_A_PAGE.search(source):
                with redirect_stdout(StringIO()) as printed, warnings.catch_warnings(action="ignore"):
                    exec(source, self)
                self.printed[cell.id] = printed.getvalue().replace("\r", "\n")
                plt.close("all")

    def rows(self, cell: str, start: str) -> list[list[float]]:
        """Return the numbers of the lines that begin with `start`, without those of this text."""
        lines = self.printed[cell].splitlines()
        return [numbers(line.removeprefix(start)) for line in lines if line.startswith(start)]


run = cache(Ran)

# ---- The first notebook


def epochs(ran: Ran) -> None:
    ends = ran.rows("run-epochs", "batch size")
    assert [steps for _, steps, _ in ends] == [4800, 300, 20]
    one, some, all_ = (loss for *_, loss in ends)
    assert one < 0.9 * some < 0.9 * all_
    losses = [loss for *_, loss in ran.rows("run-steps", "batch size")]
    assert max(losses) < 1.01 * min(losses), "with 240 steps each nearly the same"


def scaling(ran: Ran) -> None:
    (*_, wanted), *others = ran.rows("run-scaling", "batch size")
    off = {rate: abs(loss - wanted) / wanted for _, rate, loss in others}
    assert off.pop(0.000625) < 0.02 and min(off.values()) > 0.3


def noise(ran: Ran) -> None:
    one, four, sixteen = (spread for *_, spread in ran.rows("run-noise", "batch size"))
    assert 0.2 < sixteen / one < 0.3 and 0.4 < four / one < 0.6


def limit(ran: Ran) -> None:
    one, some, all_ = (loss for *_, loss in ran.rows("run-limit", "batch size"))
    assert some < 0.9 * min(one, all_)
    one, some, all_ = (share for _, share, _ in ran.rows("raised", "batch size"))
    assert one > 50 and 0 == all_ < some < one, "more than half of the steps of one sample, none of all samples"
    # "A step from one sample lowers the loss of this sample."
    X, y = ran["X_train"], ran["y_train"]
    np.random.seed(1)
    dense, softmax = ran["Dense"](2, 3), ran["Softmax"]()
    for at in ran["generate_batch_indices"](240, 1):
        before = ran["loss_on"](dense, softmax, X[:, at], y[:, at])
        dense.backward(softmax.backward(ran["cce_gradient"](y[:, at], softmax.output)), 1)
        assert ran["loss_on"](dense, softmax, X[:, at], y[:, at]) <= before


def stop(ran: Ran) -> None:
    lines = [line for line in ran.printed["run-stop"].splitlines() if "validation" in line]
    (_, *at10), (_, *at50), (_, *at250) = map(numbers, lines)
    assert at250[0] < at50[0] < at10[0] and at50[1] < 0.95 * min(at10[1], at250[1])
    # "The weights grow, and the few samples that are predicted wrongly cost more and more."
    np.random.seed(0)
    with redirect_stdout(StringIO()):
        early, *_ = ran["train"](ran["X_digits"], ran["y_digits"], 0.1, 16, 50)
    (growing, costs), (grown, more) = ((dense, _costs(ran, dense)) for dense in (early, ran["dense_lab"]))
    assert np.linalg.norm(grown.weights) > 1.2 * np.linalg.norm(growing.weights)
    wrong = np.minimum(costs, more) > np.log(2)
    assert 0 < wrong.sum() < 20 and more[wrong].mean() > 1.1 * costs[wrong].mean()


def _costs(ran: Ran, dense: Any) -> Any:
    yhat = ran["Softmax"]().forward(dense.forward(ran["X_unseen"]))
    return -np.log((ran["y_unseen"] * yhat).sum(axis=0))


# ---- The second notebook


def rings(ran: Ran) -> None:
    loss, accuracy = numbers(ran.printed["no-hidden"])
    assert loss == pytest.approx(np.log(3), abs=0.02) and accuracy < 0.45
    assert numbers(ran.printed["squared"])[1] > 0.97, "the way out by hand"


def hidden(ran: Ran) -> None:
    assert min(numbers(ran.printed["training"])[1:3]) > 0.97


def zero(ran: Ran) -> None:
    loss, _, log_3, *bias, hidden, last = numbers(ran.printed["zero"])
    assert loss == pytest.approx(log_3, abs=0.01) and hidden == last == 0 < max(bias)


def rate(ran: Ran) -> None:
    dead = {rate: units for rate, units, *_ in ran.rows("lab-rate", "rate")}
    assert set(dead) == {0.1, 1, 3.16}
    assert max(dead[0.1], dead[1]) < 4 and dead[3.16] > 8


def digits(ran: Ran) -> None:
    without, hidden = (
        [float(each) for each in re.findall(r"0\.\d+", line)][:-1] for line in ran.printed["lab-digits"].splitlines()
    )
    assert len(without) == len(hidden) == 3
    gain = np.mean(hidden) - np.mean(without)
    assert np.mean(without) == pytest.approx(0.97, abs=0.005) and gain == pytest.approx(0.01, abs=0.004)
    assert np.ptp(hidden) / gain == pytest.approx(0.5, abs=0.25), "two seeds differ by about half as much"


def random(ran: Ran) -> None:
    linear, on_new, wide, wide_on_new = (numbers(line)[-2:] for line in ran.printed["lab-random"].splitlines())
    assert 0.95 * np.log(3) < linear[0] < np.log(3) < on_new[0]
    assert wide[0] < 0.1 and wide[1] > 0.95
    assert wide_on_new[0] > 2 * np.log(3) and wide_on_new[1] == pytest.approx(1 / 3, abs=0.05)


# ---- The third notebook


def bowl(ran: Ran) -> None:
    below, above = (line[-2:] for line in ran.rows("bowl", "rate"))
    assert below == pytest.approx([10 * 0.981**100, 0.9**100], abs=1e-4) and below[0] == pytest.approx(1.5, abs=0.05)
    assert abs(above[0]) < 10 and above[1] == pytest.approx(1.1**100, rel=1e-3)


def momentum(ran: Ran) -> None:
    plain, some, much = map(float, re.findall(r": (\d+) steps", ran.printed["momentum-bowl"]))
    assert plain == 459 and some == pytest.approx(90, abs=10) and much > plain


def correction(ran: Ran) -> None:
    for _, right, without in ran.rows("correction", "gradient"):
        assert right == pytest.approx(-0.01, abs=1e-4) and without / right == pytest.approx(3.16, abs=0.05)


def scales(ran: Ran) -> None:
    losses = [line[-2] for line in ran.rows("scales", "feature 1")]
    assert max(losses[:3]) < 0.1 and losses[5] < 0.1 and min(losses[3:5]) > 0.5


def schedule(ran: Ran) -> None:
    [(_, dead, _, fixed)], [(saved, _, reached)] = (ran.rows("schedule-run", start) for start in ("rate", "warm"))
    assert dead >= 15 and fixed < 0.5 and reached > 0.95
    assert saved == pytest.approx(8, abs=2), "about half of the units"


def decay(ran: Ran) -> None:
    (_, low, right), (_, new, new_right), (_, higher, _), (_, lower, as_right) = ran.rows("decay-run", "decay")
    assert low < higher and lower < new / 2 and right == 1
    assert [new_right, as_right] == pytest.approx([1 / 3, 1 / 3], abs=0.02)


UNITS: dict[str, list[Callable[[Ran], None]]] = {
    "softmax_classifier": [epochs, scaling, noise, limit, stop],
    "hidden_layer": [rings, hidden, zero, rate, digits, random],
    "optimizers": [bowl, momentum, correction, scales, schedule, decay],
}
BY_SLIDER = {"kinks", "slider"}
"""Predictions of what the explorer shows: `test_width.py` and `test_explorer.py` hold them."""
CASES = [(unit, claim) for unit, claims in UNITS.items() for claim in claims]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("unit", "claim"), CASES, ids=[claim.__name__ for _, claim in CASES])
def test_what_comes_out_is_so_for_all_right_code(unit: str, claim: Callable[[Ran], None], variant: str) -> None:
    claim(run(unit, variant))


@pytest.mark.parametrize("unit", UNITS)
def test_each_prediction_has_its_question_its_blank_its_claims_and_an_answer_of_its_check(unit: str) -> None:
    module = import_module(f"lib.units.{unit}")
    cells = nbformat.read(ROOT / f"notebooks/{unit}/{unit}.ipynb", as_version=4).cells
    sources = {cell.id: cell.source for cell in cells}
    known = {claim.__name__ for claim in UNITS[unit]} | BY_SLIDER
    for part in module.UNIT.predictions:
        [statement], [name] = part.statements, part.subjects
        id = name.removeprefix("prediction_")
        choices = re.findall(r"^\d\. (.*)$", sources[f"predict-{id}"], re.MULTILINE)
        assert id in known and re.match(rf"{name} = \?  # your guess: 1, ", sources[f"prediction-{id}"])
        assert sources[part.id] == f"check.{part.name}()"
        check = getattr(module.check, part.name)
        told = [" ".join(str(check(guess)).split()) for guess in range(1, len(choices) + 1)]
        right = [choice for choice, words in zip(choices, told, strict=True) if "✓ right" in words]
        assert len(right) == 1 and statement.text.startswith(f"{right[0]}. ")
        for number, (choice, words) in enumerate(zip(choices, told, strict=True), 1):
            assert " ".join(statement.text.split()) in words
            assert (PREDICTED.format(number=number, choice=choice) in words) is (choice != right[0])
        assert "expected 1 to 4" in str(check(len(choices) + 1)) and statement.text[:20] not in str(check())
