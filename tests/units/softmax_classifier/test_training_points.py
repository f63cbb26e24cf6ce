"""What training loops cost: the statements that they break, in every draw, the same at the desk and at grading."""

from itertools import combinations

import numpy as np
import pytest

from lib.checking.local_checks import examine
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.comparison import outcomes, wrong_probes
from lib.grading.judge.judge import judge_statements
from lib.units.softmax_classifier import train
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.closed.training import SOURCE
from tests.grading.judge.test_judge import judged
from tests.units.softmax_classifier.loops import RIGHT, WRONG, loop
from tests.variants import written

SEEDS = range(200)
LOOPS = {name: written(one.source)["train"] for name, one in WRONG.items()}


def lost(code: object, seed: int) -> set[str]:
    """The statements that the judge calls wrong in one draw."""
    drawn = drawn_for(train, seed)
    right = outcomes(train, drawn, ANSWER_KEY.subjects(train))
    found = outcomes(train, drawn, (code,))
    verdicts = judge_statements(train.statements, found, right, wrong_probes(train.statements, drawn, found, right))
    return {verdict.name for verdict in verdicts if verdict.state != "right"}


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_in_odd_clothes_keeps_all_points(name: str) -> None:
    code = written(RIGHT[name])["train"]
    assert not any(lost(code, seed) for seed in range(5))
    verdict = judged(train, {"train": code}, 1)
    assert verdict.points == verdict.max_points
    assert verdict.mistake is None


def test_every_wrong_loop_loses_its_statement_in_every_draw() -> None:
    """Each draw has some of the loops, so that all draws and all loops are met."""
    names = list(LOOPS)
    for seed in SEEDS:
        for step in range(2):
            name = names[(2 * seed + step) % len(names)]
            assert lost(LOOPS[name], seed) == {WRONG[name].breaks}, (name, seed)


@pytest.mark.parametrize("seed", [3, 141])
def test_a_wrong_loop_is_told_no_false_name(seed: int) -> None:
    for name in list(LOOPS)[seed % 5 :: 5]:
        verdict = judged(train, {"train": LOOPS[name]}, seed)
        report = examine(train, (LOOPS[name],))
        at_desk = [found.why.what for found in report.findings if found.state == "wrong"]
        if verdict.mistake is not None and verdict.mistake.name + "." != at_desk[0]:
            numbers = [statement.why for statement in verdict.statements if statement.state == "wrong"]
            assert numbers == ["The numbers differ from the right ones."] or at_desk[0] in numbers[0], name


END = "        losses.append(loss)\n    return dense, softmax, losses"
RAISING = {
    "in the first step": ("dense.forward(X[:, batch])", "dense.forward(X[batch])", 0),
    "in the first update": ("learning_rate)\n", "rate)\n", 0),
    "after an epoch": (END, END.replace("append", "add"), 2),
    "where it returns": (END, END.replace(", losses", ", lossess"), 2),
    "with two mistakes": (f"learning_rate)\n{END}", f"2 * learning_rate)\n{END.replace('append', 'add')}", 1),
}


@pytest.mark.parametrize("name", RAISING)
def test_an_error_costs_what_the_steps_before_it_do_not_show(name: str) -> None:
    """Until an epoch is over nothing is known of the short last batch; afterwards labels and gradients are."""
    old, new, points = RAISING[name]
    source = SOURCE.replace(old, new)
    assert source != SOURCE
    code = written(f"from typing import Any\nArray = object\n{source}")["train"]
    report = examine(train, (code,))
    assert report.points == points and report.findings[0].state == "wrong"
    for seed in range(5):
        assert judged(train, {"train": code}, seed).points == points


def test_a_loop_that_writes_into_y_and_fails_loses_the_labels_too() -> None:
    source = SOURCE.replace(END, f"        y[0] = 1\n{END.replace('append', 'add')}")
    code = written(f"from typing import Any\nArray = object\n{source}")["train"]
    assert "LabelsWithSamples" in lost(code, 1)


PAIRS = [
    (one, other)
    for one, other in combinations(WRONG, 2)
    if WRONG[one].breaks != WRONG[other].breaks
    and "no update" not in one + other  # steps without updates are told by their batches
    and "no backward" not in one + other
    and "the gradient of the first epoch" not in (one, other)  # it uses a name that others remove
    and not {old for old, _ in WRONG[one].changes} & {old for old, _ in WRONG[other].changes}
]


def test_two_mistakes_cost_what_each_costs() -> None:
    """Pairs of one-line mistakes in different lines of the loop, each in one draw."""
    rng = np.random.default_rng(0)
    chosen = [PAIRS[at] for at in rng.choice(len(PAIRS), 60, replace=False)]
    for seed, pair in enumerate(chosen):
        try:
            code = written(loop(*WRONG[pair[0]].changes, *WRONG[pair[1]].changes))["train"]
        except AssertionError:  # the second mistake's line is no longer there
            continue
        found, costs = lost(code, seed), {WRONG[name].breaks for name in pair}
        assert found <= costs and found, (pair, found)


def test_several_numbers_for_each_epoch_are_not_counted_as_losses() -> None:
    code = written(loop(("losses.append(loss)", "losses.append((epoch, loss))")))["train"]
    report = examine(train, (code,))
    assert "The list has several numbers for each epoch. Found shape (7, 2)" in " ".join(str(report).split())
    verdict = judged(train, {"train": code}, 1)
    assert [s.why.partition(".")[0] for s in verdict.statements if s.state == "wrong"] == [
        "The list has several numbers for each epoch"
    ]
