"""Training loops: what limits, errors, blanks and two mistakes cost, and what spies leave alone."""

import tomllib
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.blanks import OpenBlank, runnable
from lib.checking.placeholders import DataArray, Placeholder
from lib.units.softmax_classifier import train
from tests import answers
from tests.certificate.table import expect_none
from tests.checking.desk import checked, judged, lost, lost_on, said, states
from tests.variants import written

BATCHES, LABELS, FLOW, LOSS = "EveryBatch", "LabelsWithSamples", "GradientFlowsBack", "EpochLoss"


FILE = Path(answers.__file__).with_name("softmax_classifier") / "loops.toml"
LOOPS = tomllib.loads(FILE.read_text(encoding="utf-8"))
"""Loops as changes of the notebook's, which is `base`: test_answers.py checks and judges each of them."""


def code_of(changes: Mapping[str, str]) -> object:
    source = LOOPS["base"]
    for old, new in changes.items():
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return written(f"from copy import deepcopy\n{runnable(source)}")["train"]


# ---- Points

LIMITS = {
    "an untrained copy": {"losses = []": "losses, first = [], deepcopy(dlayer)", "return(dlayer": "return(first"},
    "100 samples at most": {"X.shape\n": "X.shape; num_samples = min(num_samples, 100)\n"},
    "10 epochs at most": {"range(nepochs)": "range(min(nepochs, 10))"},
    "another rate after epoch 5": {"(loss)": "(loss); learning_rate *= 1 if epoch < 5 else 0.5"},
    "another rate after 30 steps": {"grad, learning_rate": "grad, learning_rate / (1 if 2 * epoch < 30 else 10)"},
    "a rate of 0.3 at most": {"grad, learning_rate": "grad, min(learning_rate, 0.3)"},
    "a rate of 0.01 or more": {"grad, learning_rate": "grad, max(learning_rate, 0.01)"},
    "no batches of one": {"dlayer.forward(": "if len(batch) < 2: continue\n            dlayer.forward("},
    "no updates for batches of one": {"grad = dlayer": "if len(batch) > 1: grad = dlayer"},
    "1 / max(2, B)": {"1 / len(batch)": "1 / max(2, len(batch))"},
    "1 / min(8, B)": {"1 / len(batch)": "1 / min(8, len(batch))"},
    "three batches at most": {"batch_size)": "batch_size)[:3]"},
    "16 features at most": {"loss = 0": "loss = 0; X = X[:16]; num_features = len(X)"},
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_loop_that_works_within_limits_shows_them_in_every_draw(name: str) -> None:
    code = {"train": code_of(LIMITS[name])}
    assert all(lost_on(train, code, seed) for seed in range(5))


def lines_of(changes: Mapping[str, str]) -> set[str]:
    return {line for line in LOOPS["base"].splitlines() if any(old in line for old in changes)}


def test_two_mistakes_cost_what_each_costs() -> None:
    """Pairs of mistakes in different lines of the loop, each in one draw."""
    hidden = ("no update", "no backward", "the gradient of the first epoch")  # told by batches, or by a name
    wrong = {name: row for name, row in LOOPS.items() if "change" in row and "lost" in row}
    rows = [row for name, row in wrong.items() if not name.startswith(hidden)]
    pairs = [(one, other) for one, other in combinations(rows, 2) if one["lost"] != other["lost"]]
    off = []
    for seed, at in enumerate(np.random.default_rng(0).choice(len(pairs), 60, replace=False)):
        changes = [row["change"] for row in pairs[at]]
        if lines_of(changes[0]) & lines_of(changes[1]):
            continue
        costs = lost_on(train, {"train": code_of({**changes[0], **changes[1]})}, seed)
        alone = {each for row in pairs[at] for each in row["lost"]}
        if not costs or not costs <= alone:
            off.append((changes, costs))
    expect_none(off)


COSTS = {
    "an error in the first step": ("X[:, batch]", "X[batch]", {BATCHES, LABELS, FLOW, LOSS}),
    "an error in the first update": ("grad, learning_rate", "grad, learning_rates", {BATCHES, LABELS, FLOW, LOSS}),
    "an error after an epoch": ("losses.append", "losses.add", {BATCHES, LOSS}),
    "an error where it returns": ("softmax, losses", "softmax, lossess", {BATCHES, LOSS}),
    "an error after it has changed y": ("losses.append", "y[0] = 1; losses.add", {BATCHES, LABELS, LOSS}),
    "? for samples": ("X[:, batch", "X[:, ?", {BATCHES}),
    "? for labels in the loss": ("cce(y[:, batch", "cce(y[:, ?", {LABELS, LOSS}),
    "? for probabilities in the loss": ("cce(y[:, batch], softmax.output", "cce(y[:, batch], ?", {LABELS, LOSS}),
    "? for labels in the gradient": ("gradient(y[:, batch]", "gradient(?", {LABELS}),
    "? for probabilities in the gradient": (
        "gradient(y[:, batch], softmax.output",
        "gradient(y[:, batch], ?",
        {LABELS},
    ),
    "? for what goes back": ("output_gradient = grad", "output_gradient = ?", {FLOW}),
    "? for the mean gradient": ("(1 / len(batch)) * grad", "?", {FLOW}),
    "? for the rate": ("grad, learning_rate", "grad, ?", {FLOW}),
}


@pytest.mark.parametrize("name", COSTS)
def test_an_error_costs_what_no_step_shows_and_a_blank_its_own_statements_and_says_which_it_is(name: str) -> None:
    """Until an epoch is over nothing is known of the short last batch; afterwards labels and gradients are."""
    old, new, costs = COSTS[name]
    code = code_of({old: new})
    report = checked(train, train=code)
    assert [lost(each) for each in (report, *judged(train, {"train": code}))] == 2 * [costs]
    if name.startswith("?"):
        assert {statement for statement, state in states(report).items() if state == "open"} == costs
        assert "Blank 1 of 1" in str(report)


def test_arithmetic_with_an_open_blank_returns_it_and_reading_it_raises() -> None:
    blank: Any = Placeholder("Blank 1 of 1 on line 1 is still open.")
    X: Any = np.arange(6.0).reshape(2, 3).view(DataArray)
    reckoned = [blank * 2.0, np.ones(3) * blank, blank / np.float64(2), 0 + blank, -blank]
    reckoned += [np.ones((2, 2)) @ blank, np.exp(blank), X[:, blank], X[blank]]
    assert all(each is blank for each in reckoned)
    readings: list[Callable[[Any], Any]] = [len, float, bool, list, np.asarray, range, lambda b: b[0], lambda b: b()]
    for read in readings:
        with pytest.raises(OpenBlank, match="Blank 1 of 1"):
            read(blank)
    assert np.array_equal(X[:, [0, 2]], [[0, 2], [3, 5]]) and X[1, 1] == 4


@pytest.mark.parametrize("value", [None, 3, "train", [1], type("T", (), {})])
def test_what_is_no_function_is_said_to_be_none(value: Any) -> None:
    assert "train is not a function." in said(checked(train, train=value), BATCHES)


# ---- What is left alone


def test_the_students_own_names_and_random_numbers_are_left_alone() -> None:
    code = written(LOOPS["base"])
    before, state = {**code}, np.random.get_state()[1].tolist()
    methods = {method: method.__code__ for method in (code["Dense"].forward, code["cce"])}  # type: ignore[attr-defined]  # student code
    reports = [str(checked(train, train=code["train"])) for _ in range(2)]
    assert reports[0] == reports[1] and checked(train, train=code["train"]).right
    assert code == before and np.random.get_state()[1].tolist() == state
    assert all(method.__code__ is code for method, code in methods.items())
    assert "__getattr__" not in vars(code["Dense"])
