"""What a class has in common: figures by their textbook formulas, nobody lost, and wrong answers that are alike."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.checking.findings import Finding
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.pages.analysis import (
    Scores,
    codes_of,
    distribution,
    is_unknown,
    outcome,
    unknown,
)
from lib.grading.pages.class_data import Classroom, StudentWork
from tests.grading.judge.test_judge import given_by
from tests.grading.relu_unit import ANSWER_KEY, mse

SEEDS = (1, 2**47 + 11, 77)
BEST = st.sampled_from([1.0, 20.0, 24.0, 100.0, 250.0])


@given(st.lists(st.floats(0, 300) | BEST, max_size=50), BEST)
@settings(max_examples=60)
def test_every_score_is_in_one_bin(values, best):
    """Extra credit above the best score is in the last one."""
    bins = distribution(Scores(tuple(values), best, judged=True))
    lows = [low for low, _ in bins]
    assert len(bins) <= 26 and {*np.diff(lows)} <= {lows[1] if len(lows) > 1 else 0}
    for (low, count), high in zip(bins, [*lows[1:], np.inf], strict=True):
        assert count == sum(low <= value < high for value in values)


OUTCOMES = {
    ("right", "right"): "all points",
    ("right", "wrong"): "some points",
    ("wrong", "not checked"): "no points",
    ("right", "open"): "left blank",
    ("wrong", "open"): "left blank",
    ("not checked", "not checked"): "no answer",
}


def test_each_part_has_one_outcome_and_an_open_blank_is_no_wrong_answer():
    for states, said in OUTCOMES.items():
        part = PartVerdict("check", "A part", tuple(Finding("S", "It holds.", 1, state) for state in states))
        is_wrong = "wrong" in states and "open" not in states
        assert (outcome(part), is_unknown(part)) == (said, is_wrong), states


def work_with(folder, code, seed, source=""):
    """A student whose loss was judged as if no mistake had a name, in a notebook with this source."""
    folder.mkdir()
    part = ANSWER_KEY.part("check-mse")
    loss = judge(ANSWER_KEY, part, seed, given_by(part, code, seed, ANSWER_KEY))
    verdict = Verdict("relu", "n", folder.name, seed, (loss,))
    cells = {"print": "print(mse)", "mse": source, "check-mse": "check.mse(mse)"}
    written = [{"source": source, "metadata": {"nbgrader": {"grade_id": id}}} for id, source in cells.items()]
    (folder / "n.ipynb").write_text(json.dumps({"cells": written}))
    return StudentWork(folder.name, folder=folder, verdict=verdict, code={"check-mse": "mse"})


def test_the_same_mistake_is_one_group_on_any_challenge_and_its_codes_stand_together(tmp_path):
    """Also where it is written in another way; spaces are no other code."""
    sources = [
        "def mse(y, p):\n    return 3 * np.mean((y - p) ** 2)",
        "def mse(y,p):\n  return 3*np.mean((y-p)**2)",
        "def mse(y, p):\n    return np.mean((y - p) ** 2) * 3",
    ]
    code = {"mse": lambda y, p: 3 * mse(y, p)}
    works = [work_with(tmp_path / f"s{at}", code, seed, source=sources[at]) for at, seed in enumerate(SEEDS)]
    failing = work_with(tmp_path / "fails", {"mse": lambda y, p: y.mean(axis=7)}, 1)
    [(found, of), (other, others)] = unknown(Classroom("relu", None, 4.0, (failing, *works)))
    assert of == works and found.has_numbers
    assert {why for _, why in found.failing} == {"The result is not the right one."}
    assert [(source, len(of)) for source, of in codes_of("check-mse", of)] == [(sources[0], 2), (sources[2], 1)]
    assert others == [failing] and not other.has_numbers
