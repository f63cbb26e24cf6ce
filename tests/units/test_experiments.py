"""What the notebooks say of what comes out is true for all code that the checks accept.

The notebooks' cells run here one after the other, with each way to write the student's code: another floor under the
probabilities or none, other right formulas, another precision, other shuffles, and other seeds. Each prediction has its
claims in a function of its name; the other functions hold what the texts say of runs and of the explorer.
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
from lib.explorer import explore, widget
from lib.explorer.runs import Run, Setting
from lib.units.hidden_layer.width import explore_width
from tests.test_notebook import numbers

pytestmark = pytest.mark.xdist_group("experiments")  # each worker would run all notebooks

ROOT = Path(__file__).parents[2]
FLOOR = "np.maximum(yhat, 1e-7)"
LOSS, GRADIENT = f"-np.sum(y * np.log({FLOOR})) / y.shape[1]", f"-y / {FLOOR}"
SOFTMAX = "np.exp(input - input.max(axis=0)) / np.exp(input - input.max(axis=0)).sum(axis=0)"
ORDERS = ("np.random.choice(num_samples, num_samples, replace = False)", "np.random.permutation(X.shape[1])")
OTHER_FORMULAS = [
    ("np.einsum('kmi,mi->ki', T, output_gradient)", "a * (output_gradient - (a * output_gradient).sum(axis=0))"),
    ("np.maximum(input, 0)", "input * (input > 0)"),
    ("(self.input > 0)", "(self.input >= 0)"),
    ("self.momentum * v - learning_rate * g", "-(learning_rate * g - v * self.momentum)"),
]
VARIANTS: dict[str, list[tuple[str, str]]] = {
    "floor 1e-7": [],
    "floor 1e-12": [("1e-7", "1e-12")],
    "no floor, other shuffles": [(FLOOR, "yhat"), *((order, f"{order}[::-1]") for order in ORDERS)],
    "added, other formulas": [(FLOOR, "(yhat + 1e-6)"), *OTHER_FORMULAS],
    "clipped, float32": [
        (FLOOR, "np.clip(yhat, 1e-7, 1 - 1e-7)"),
        (SOFTMAX, f"({SOFTMAX}).astype(np.float32)"),
    ],
    "exact": [(LOSS, "-np.mean(np.log((y * yhat).sum(axis=0)))"), (GRADIENT, "np.where(y > 0, -1 / yhat, 0)")],
}
RUNS = [(name, at % 3) for at, name in enumerate(VARIANTS)]
ALL = [pytest.param(*each, marks=[pytest.mark.slow] * (each != RUNS[0])) for each in RUNS]
"""Each way to write the code, with one of three seeds: a run takes seconds."""
ON_A_PAGE = re.compile(r"^(display\()?(check(_\w+)?\.|explore\w*\(|Pad\()", re.MULTILINE)
"""In cells with checks or widgets."""
OTHERS = {"%load_ext lib.blanks": "pass", "load_tensorflow()": "None"}


@cache
def solution(unit: str) -> list[Any]:
    cells = nbformat.read(ROOT / f"solutions/{unit}/{unit}.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


class Ran(dict[str, Any]):
    """The names of a notebook after its cells have run, and what each cell has printed, by its id."""

    def __init__(self, unit: str, variant: str, seed: int) -> None:
        super().__init__(display=lambda *shown: None)
        self.seed = seed
        self.printed: dict[str, str] = {}
        for cell in solution(unit):
            source = cell.source.replace("np.random.seed(0)", f"np.random.seed({seed})")
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

    def after(self, cell: str, words: str) -> list[float]:
        """Return the numbers that a cell has printed after these words."""
        return [float(number) for number in re.findall(rf"{words}\s*(-?[\d.]+)", self.printed[cell])]


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
    assert one > 34 and 0 == all_ < some, "more than a third of the steps of one sample, none of all samples"


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


def numbers_of_the_text(ran: Ran) -> None:
    assert np.abs(ran["yhat_first"] - 1 / 10).mean() < 0.02, "a network with small random weights guesses"
    assert ran.after("first-forward", "loss") == pytest.approx([np.log(10)], abs=0.05)
    assert ran.after("first-forward", "right:") == pytest.approx([1797 / 10], rel=0.6)
    assert ran["grad_two"] == pytest.approx(np.array([[1 / 2, 1 / 4], [-3 / 4, 1 / 4], [1 / 4, -1 / 2]]), abs=1e-4)
    before, [after] = ran.after("by-hand", "loss"), ran.after("by-hand", "step")
    assert before == [pytest.approx(-np.log([1 / 4, 1 / 2]).mean(), abs=5e-4)] and after < before[0]
    assert ran.after("one-batch", "before") == pytest.approx([np.log(3)], abs=0.1)
    assert ran.after("one-batch", "after")[-1] < ran.after("one-batch", "before")[0]
    assert len(np.flatnonzero(ran["read_as"] != ran["labels_unseen"])) >= 5, "misread digits to show"
    measured, gradient = ran["measured"], ran["W"] - ran["layer"].weights
    assert gradient == pytest.approx(measured, abs=1e-8 if ran["yhat_first"].dtype == np.float64 else 0.01)


def blobs(ran: Ran) -> None:
    """The loss falls steeply and then flattens; most of what remains comes from few samples where clouds overlap."""
    losses, X, labels = ran["losses_blobs"], ran["X_train"], ran["labels_train"]
    assert losses[0] - losses[4] > 10 * (losses[-5] - losses[-1])
    each = -np.log((ran["y_train"] * ran["Softmax"]().forward(ran["dense_blobs"].forward(X))).sum(axis=0))
    few = np.argsort(each)[-len(each) // 10 :]
    assert each[few].sum() > each.sum() / 2
    centres = np.stack([X[:, labels == k].mean(axis=1) for k in range(3)])
    first, second, _ = np.sort(np.linalg.norm(centres[:, :, None] - X, axis=1), axis=0)
    assert np.median((second / first)[few]) < np.median(second / first) / 2


def explorer(ran: Ran) -> None:
    """Too large is worse than guessing, Good is good; random labels are learnt by heart and not recognised."""
    own = [ran[name] for name in ("Dense", "Softmax", "cce", "cce_gradient")]
    [cell] = [cell.source for cell in solution("softmax_classifier") if cell.id == "explorer"]
    exec(cell.replace("explore(Dense", "shown = explore(Dense"), names := dict(ran))
    data = list(names["data"])
    assert data[0] == "overlapping clouds" and list(names["shown"].choices["data"])[:3] == data
    shown = explore(*own, data=names["data"], what_ifs=())

    def train(rate: float, name: str) -> Run:
        found = shown.run(Setting(rate, widget.PRESET_BATCH, ran.seed, name))
        found.advance(widget.EPOCHS, seconds=600)
        return found

    small, good, large = (train(widget.PRESETS[name], data[0]) for name in ("Too small", "Good", "Too large"))
    for curve in ("epoch_loss", "validation_loss"):
        slow, well, badly = (getattr(each, curve)[-10:] for each in (small, good, large))
        assert max(well) < 0.7 < 0.8 < min(slow) and 1.2 * np.log(3) < min(badly)
    random = train(widget.PRESETS["Good"], "random labels")
    assert random.epoch_loss[-1] < 0.95 * np.log(3) < 1.05 * np.log(3) < random.validation_loss[-1]


# ---- The second notebook


def rings(ran: Ran) -> None:
    loss, accuracy = numbers(ran.printed["no-hidden"])
    assert loss == pytest.approx(np.log(3), abs=0.02) and accuracy < 0.45
    assert numbers(ran.printed["squared"])[1] > 0.97, "the way out by hand"


def hidden(ran: Ran) -> None:
    assert min(numbers(ran.printed["training"])[1:3]) > 0.97


def kinks(ran: Ran) -> None:
    """Three units close a border around the class in the middle from some first weights, two from none."""
    rings = {"three rings": (ran["X_rings"], ran["labels_rings"])}
    shown = explore_width(ran["make_network"], ran["cce"], ran["cce_gradient"], data=rings)
    angles = np.linspace(0, 2 * np.pi, 360)
    far = 1e3 * np.array([np.cos(angles), np.sin(angles)])

    def closes(units: int, seed: int) -> bool:
        found = shown.run(Setting(0.1, 16, seed, "three rings", size=units))
        found.advance(100, seconds=600)
        inner, outside = (found.predict(X, 100).argmax(axis=0) == 0 for X in (np.zeros((2, 1)), far))
        return bool(inner.all() and not outside.any())

    three = [closes(3, seed) for seed in range(6)]
    assert any(three) and not all(three) and not any(closes(2, seed) for seed in range(2))


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
    assert np.mean(without) == pytest.approx(0.97, abs=0.005) and gain == pytest.approx(0.01, abs=0.005)
    assert np.ptp(hidden) + np.ptp(without) > 0.002, "the seeds of one network differ too"


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


def slider(ran: Ran) -> None:
    def train(optimizer: Any, rate: float) -> Any:
        np.random.seed(ran.seed)
        network = ran["make_network"]([2, 16, 3])
        losses = ran["fit"](network, optimizer, lambda t: rate, ran["X_train"], ran["y_train"], 16, 100)
        return np.log(np.mean(np.reshape(losses, (100, 15)), axis=1))

    kept = train(ran["Momentum"](0.9), 0.01)
    off = {rate: np.abs(train(ran["SGD"](), rate) - kept).mean() for rate in (0.01, 0.02, 0.1, 1)}
    assert off.pop(0.1) < 0.2 < min(off.values())


def schedule(ran: Ran) -> None:
    [(_, dead, _, fixed)], [(saved, _, reached)] = (ran.rows("schedule-run", start) for start in ("rate", "warm"))
    assert dead > 12 and fixed < 0.7 and saved < dead and reached > 0.95


def decay(ran: Ran) -> None:
    (_, low, right), (_, new, new_right), (_, higher, _), (_, lower, as_right) = ran.rows("decay-run", "decay")
    assert low < higher and lower < new / 2 and right == 1
    assert [new_right, as_right] == pytest.approx([1 / 3, 1 / 3], abs=0.02)


UNITS: dict[str, list[Callable[[Ran], None]]] = {
    "softmax_classifier": [epochs, scaling, noise, limit, stop, numbers_of_the_text, blobs, explorer],
    "hidden_layer": [rings, hidden, kinks, zero, rate, digits, random],
    "optimizers": [bowl, momentum, correction, scales, slider, schedule, decay],
}
CASES = [(unit, claim) for unit, claims in UNITS.items() for claim in claims]


@pytest.mark.parametrize(("variant", "seed"), ALL)
@pytest.mark.parametrize(("unit", "claim"), CASES, ids=[claim.__name__ for _, claim in CASES])
def test_what_comes_out_is_so_for_all_right_code(
    unit: str, claim: Callable[[Ran], None], variant: str, seed: int
) -> None:
    claim(run(unit, variant, seed))


@pytest.mark.parametrize(("variant", "seed"), ALL)
@pytest.mark.parametrize("unit", UNITS)
def test_each_way_to_write_the_code_earns_all_points(unit: str, variant: str, seed: int) -> None:
    module, ran = import_module(f"lib.units.{unit}"), run(unit, variant, seed)
    reports = [getattr(module.check, part.name)(*map(ran.get, part.subjects)) for part in module.UNIT.parts]
    assert [str(report) for report in reports if not report.right] == []


@pytest.mark.parametrize("unit", UNITS)
def test_each_prediction_has_its_question_its_blank_its_claims_and_an_answer_of_its_check(unit: str) -> None:
    module = import_module(f"lib.units.{unit}")
    cells = nbformat.read(ROOT / f"notebooks/{unit}/{unit}.ipynb", as_version=4).cells
    sources = {cell.id: cell.source for cell in cells}
    goes_on = {cell.id for cell in cells if "raises-exception" in cell.metadata.get("tags", ())}
    known = {claim.__name__ for claim in UNITS[unit]}
    for part in module.UNIT.predictions:
        [statement], [name] = part.statements, part.subjects
        id = name.removeprefix("prediction_")
        choices = re.findall(r"^\d\. (.*)$", sources[f"predict-{id}"], re.MULTILINE)
        assert id in known and re.match(rf"{name} = \?  # your guess: 1, ", sources[f"prediction-{id}"])
        assert sources[part.id] == f"check.{part.name}()"
        assert f"prediction-{id}" in goes_on, "Run All Cells goes on past an open guess"
        check = getattr(module.check, part.name)
        told = [" ".join(str(check(guess)).split()) for guess in range(1, len(choices) + 1)]
        right = [choice for choice, words in zip(choices, told, strict=True) if "✓ right" in words]
        assert len(right) == 1 and statement.text.startswith(f"{right[0]}. ")
        for number, (choice, words) in enumerate(zip(choices, told, strict=True), 1):
            assert " ".join(statement.text.split()) in words
            assert (PREDICTED.format(number=number, choice=choice) in words) is (choice != right[0])
        assert "expected 1 to 4" in (no_choice := str(check(len(choices) + 1)))
        assert statement.text[:20] not in no_choice + str(check()), "without a guess nobody reads what comes out"
