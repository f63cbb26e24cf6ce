"""Training loops: what they cost at the desk and in each draw, what is said of them, and what spies leave alone."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from lib.blanks import OpenBlank, runnable
from lib.checking.placeholders import DataArray, Placeholder
from lib.units.softmax_classifier import train
from tests.answers import loops
from tests.answers.loops import ADD, BACK, EACH, FORWARD, GRADIENT, NOTE, UPDATE, instead, loop
from tests.certificate.table import expect_none
from tests.checking.desk import checked, judged, lost, lost_on, names, said, states
from tests.variants import written

BATCHES, LABELS, FLOW, LOSS = "EveryBatch", "LabelsWithSamples", "GradientFlowsBack", "EpochLoss"


def code_of(*changes: tuple[str, str]) -> object:
    return written(f"from copy import deepcopy\n{runnable(loop(*changes))}")["train"]


# ---- Points


def test_right_loops_in_odd_clothes_keep_all_points_and_have_no_name() -> None:
    off = []
    for name, source in loops.RIGHT.items():
        code = {"train": written(source)["train"]}
        seen = [checked(train, **code), *judged(train, code, [2**40 + 5])]
        off += [(name, str(each)) for each in seen if lost(each) or names(each)]
    expect_none(off)


def test_a_wrong_loop_loses_one_statement_at_the_desk_and_graded() -> None:
    """Each loop in another draw, so that all kinds of draws are met."""
    off = []
    for at, (name, wrong) in enumerate(loops.WRONG.items()):
        code = written(wrong.source)["train"]
        costs = [lost(checked(train, train=code)), lost_on(train, {"train": code}, at)]
        off += [(name, wrong.breaks, costs)] if costs != 2 * [{wrong.breaks}] else []
    expect_none(off)


LIMITS = {
    "an untrained copy": [("losses = []", "losses, first = [], deepcopy(dlayer)"), ("return(dlayer", "return(first")],
    "100 samples at most": [("X.shape\n", "X.shape; num_samples = min(num_samples, 100)\n")],
    "10 epochs at most": [("range(nepochs)", "range(min(nepochs, 10))")],
    "another rate after epoch 5": [(NOTE, f"{NOTE}        learning_rate *= 1 if epoch < 5 else 0.5\n")],
    "another rate after 30 steps": [(UPDATE, UPDATE.replace("rate)", "rate / (1 if 2 * epoch < 30 else 10))"))],
    "a rate of 0.3 at most": [(UPDATE, UPDATE.replace("learning_rate", "min(learning_rate, 0.3)"))],
    "a rate of 0.01 or more": [(UPDATE, UPDATE.replace("learning_rate", "max(learning_rate, 0.01)"))],
    "no batches of one": [(EACH, f"{EACH}            if len(batch) < 2: continue\n")],
    "no updates for batches of one": [instead(UPDATE, f"if len(batch) > 1: {UPDATE.strip()}")],
    "1 / max(2, B)": [(UPDATE, UPDATE.replace("len(batch)", "max(2, len(batch))"))],
    "1 / min(8, B)": [(UPDATE, UPDATE.replace("len(batch)", "min(8, len(batch))"))],
    "three batches at most": [("batch_size)", "batch_size)[:3]")],
    "16 features at most": [(loops.MAKE, f"        X = X[:16]; num_features = len(X)\n{loops.MAKE}")],
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_loop_that_works_within_limits_shows_them_in_every_draw(name: str) -> None:
    code = {"train": code_of(*LIMITS[name])}
    assert all(lost_on(train, code, seed) for seed in range(5))


def test_two_mistakes_cost_what_each_costs() -> None:
    """Pairs of mistakes in different lines of the loop, each in one draw."""
    hidden = ("no update", "no backward", "the gradient of the first epoch")  # told by batches, or by a name
    alone = [name for name in loops.WRONG if not name.startswith(hidden)]
    pairs = [pair for pair in combinations(alone, 2) if loops.WRONG[pair[0]].breaks != loops.WRONG[pair[1]].breaks]
    off = []
    for seed, at in enumerate(np.random.default_rng(0).choice(len(pairs), 60, replace=False)):
        one, other = (loops.WRONG[name] for name in pairs[at])
        if {old for old, _ in one.changes} & {old for old, _ in other.changes}:
            continue
        try:
            code = code_of(*one.changes, *other.changes)
        except AssertionError:  # the second mistake's line is no longer there
            continue
        costs = lost_on(train, {"train": code}, seed)
        off += [(pairs[at], costs)] if not costs <= {one.breaks, other.breaks} or not costs else []
    expect_none(off)


COSTS = {
    "an error in the first step": ((FORWARD, FORWARD.replace("[:, batch]", "[batch]")), {BATCHES, LABELS, FLOW, LOSS}),
    "an error in the first update": ((UPDATE, UPDATE.replace("rate)", "rates)")), {BATCHES, LABELS, FLOW, LOSS}),
    "an error after an epoch": ((NOTE, NOTE.replace("append", "add")), {BATCHES, LOSS}),
    "an error where it returns": ((loops.RETURN, loops.RETURN.replace("losses", "lossess")), {BATCHES, LOSS}),
    "an error after it has changed y": (
        (NOTE, f"        y[0] = 1\n{NOTE.replace('append', 'add')}"),
        {BATCHES, LABELS, LOSS},
    ),
    "? for samples": ((FORWARD, FORWARD.replace("batch]", "?]")), {BATCHES}),
    "? for labels in the loss": ((ADD, ADD.replace("batch]", "?]")), {LABELS, LOSS}),
    "? for probabilities in the loss": ((ADD, ADD.replace("softmax.output", "?")), {LABELS, LOSS}),
    "? for labels in the gradient": ((GRADIENT, GRADIENT.replace("y[:, batch]", "?")), {LABELS}),
    "? for probabilities in the gradient": ((GRADIENT, GRADIENT.replace("softmax.output", "?")), {LABELS}),
    "? for what goes back": ((BACK, BACK.replace("= grad)", "= ?)")), {FLOW}),
    "? for the mean gradient": ((UPDATE, UPDATE.replace("(1 / len(batch)) * grad", "?")), {FLOW}),
    "? for the rate": ((UPDATE, UPDATE.replace("learning_rate", "?")), {FLOW}),
}


@pytest.mark.parametrize("name", COSTS)
def test_an_error_costs_what_no_step_shows_and_a_blank_its_own_statements_and_says_which_it_is(name: str) -> None:
    """Until an epoch is over nothing is known of the short last batch; afterwards labels and gradients are."""
    change, costs = COSTS[name]
    code = code_of(change)
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


# ---- Words

SAID = {
    "no 1/B, and uphill": "The weights move the wrong way: gradient times learning rate has the wrong sign.",
    "a rate of 1": "times as large as it should be. Where: epoch 1, batch 1",
    "the mean of the gradient": "softmax.backward did not get the result of cce_gradient. Where: epoch 1, batch 1."
    " Found a single number, expected what cce_gradient returned.",
    "a gradient of nan": "Found nan among the numbers.",
    "a gradient turned around": "Found an array of shape (9, 14).",
    "no update at all": "dlayer.backward was not called.",
    "a dense layer for all calls": "The dense layer is kept from one call to the next.",
    "the last batch left out": "Found 16 steps, expected 32: 16 epochs of 2 batches, with 9, 4 samples.",
    "two epochs": "The number of epochs is wrong. Found 2 calls of generate_batch_indices, expected 16",
    "batches of 4": "Found generate_batch_indices(13, 4), expected generate_batch_indices(13, 9)",
    "swapped sizes": "Found Dense(14, 18), expected Dense(18, 14).",
    "labels of the next sample": "cce did not get the labels of the batch as y. Where: epoch 1, batch 1. Found the"
    " labels of samples 9, 1, 6, 3, 4, 11, 12, 2, 5, expected those of samples 10, 2, 7, 4, 5, 12, 0, 3, 6.",
    "softmax of the features": "softmax.forward did not get dlayer.output.",
    "a loss for each batch": "Found 32 losses, expected 16, one for each epoch.",
    "new layers returned": "The dense layer that is returned has not been trained.",
    "1/batch_size": "1/B uses batch_size, but this batch is shorter. Where: epoch 1, batch 2",
    "several numbers for each epoch": "The list has several numbers for each epoch. Found shape (16, 2)",
    "one sample at a time": "Found 208 steps, expected 32",
}


def test_the_first_row_that_differs_is_told_in_words() -> None:
    sources = {name: wrong.source for name, wrong in loops.WRONG.items()}
    sources["1/batch_size"] = loop((UPDATE, UPDATE.replace("len(batch)", "batch_size")))
    sources["several numbers for each epoch"] = loop((NOTE, NOTE.replace("loss)", "(epoch, loss))")))
    off = []
    for name, text in SAID.items():
        findings = checked(train, train=written(sources[name])["train"]).findings
        told = " ".join(getattr(each.why, "sentence", str(each.why)) for each in findings)
        off += [(name, told)] if text not in told else []
    expect_none(off)


@pytest.mark.parametrize("value", [None, 3, "train", [1], type("T", (), {})])
def test_what_is_no_function_is_said_to_be_none(value: Any) -> None:
    assert "train is not a function." in said(checked(train, train=value), BATCHES)


# ---- What is left alone


def test_the_students_own_names_and_random_numbers_are_left_alone() -> None:
    code = written(loop())
    before, state = {**code}, np.random.get_state()[1].tolist()
    methods = {method: method.__code__ for method in (code["Dense"].forward, code["cce"])}  # type: ignore[attr-defined]  # student code
    reports = [str(checked(train, train=code["train"])) for _ in range(2)]
    assert reports[0] == reports[1] and checked(train, train=code["train"]).right
    assert code == before and np.random.get_state()[1].tolist() == state
    assert all(method.__code__ is code for method, code in methods.items())
    assert "__getattr__" not in vars(code["Dense"])
