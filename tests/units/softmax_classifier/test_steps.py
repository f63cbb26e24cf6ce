"""The number of steps in an epoch: at the desk, at grading, and against the batches themselves."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.answer_key import Mistake
from lib.checking.answers import answer
from lib.grading.judge.challenge import drawn_for
from lib.grading.judge.judge import judge
from lib.reference import generate_batch_indices
from lib.reference import steps_per_epoch as reference
from lib.units.softmax_classifier import steps_per_epoch
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.checking.desk import assert_it_says_what_is_wrong, checked, mistaken, mistakes_of, said
from tests.variants import released

SEEDS = range(20)
RIGHT = {
    "ceil": lambda n, b: int(np.ceil(n / b)),
    "math": lambda n, b: math.ceil(n / b),
    "negative": lambda n, b: -(-n // b),
    "range": lambda n, b: len(range(0, n, b)),
    "add": lambda n, b: (n + b - 1) // b,
    "rest": lambda n, b: n // b + (n % b > 0),
    "rest as a choice": lambda n, b: n // b if n % b == 0 else n // b + 1,
    "divmod": lambda n, b: divmod(n, b)[0] + bool(divmod(n, b)[1]),
    "count": lambda n, b: len(generate_batch_indices(n, b)),
    "numpy's int": lambda n, b: np.ceil(n / b).astype(int),
    "an array of no axes": lambda n, b: np.asarray(-(-n // b)),
}


def judged(code: Any, seed: int) -> Any:
    found = answer(steps_per_epoch, drawn_for(steps_per_epoch, seed), (code,))
    return judge(ANSWER_KEY, steps_per_epoch, seed, found)


@given(st.integers(1, 500), st.integers(1, 600))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_reference_counts_the_batches_of_an_epoch(samples: int, batch_size: int) -> None:
    assert reference(samples, batch_size) == len(generate_batch_indices(samples, batch_size))
    assert type(reference(samples, batch_size)) is int


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-4, 2), (3.0, 2), (3, 2.5)])
def test_the_reference_refuses_what_can_count_nothing(sizes: Any) -> None:
    with pytest.raises(ValueError, match="should be a whole number"):
        reference(*sizes)


@pytest.mark.parametrize("style", RIGHT)
def test_right_code_is_right_in_any_style_and_every_draw(style: str) -> None:
    assert checked(steps_per_epoch, steps_per_epoch=RIGHT[style]).right
    for seed in SEEDS:
        verdict = judged(RIGHT[style], seed)
        assert verdict.points == 1 and verdict.mistake is None


@mistakes_of(steps_per_epoch)
def test_every_mistake_is_named_at_the_desk_and_in_every_draw(mistake: Mistake) -> None:
    for way in mistake.ways:
        report = mistaken(steps_per_epoch, way)
        assert_it_says_what_is_wrong(report)
        assert report.help and report.help.mistake and report.help.mistake.name == mistake.name
    for seed in SEEDS:
        for way in mistake.ways:
            verdict = judged(way.code["steps_per_epoch"], seed)
            assert verdict.points == 0
            assert verdict.mistake and verdict.mistake.name == mistake.name


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (lambda n, b: n // b, "There are too few steps: some samples are in no batch."),
        (lambda n, b: n // b + 1, "There are too many steps: some have no sample left."),
        (lambda n, b: n / b, "The number of steps is not whole."),
        (lambda n, b: np.ceil(n / b), "The numbers are right, but they are not of type int."),
        (lambda n, b: None, "The number of steps is missing."),
        (lambda n, b: float("nan"), "The number of steps is not whole."),
        (lambda n, b: [n // b], "The number of steps has the wrong shape."),
        (lambda n, b: range(0, n, b), "The number of steps"),
        (lambda n, b: "3", "The number of steps is not a number."),
        (lambda n: 3, "TypeError"),
    ],
)
def test_what_is_wrong_is_said(code: Any, words: str) -> None:
    report = checked(steps_per_epoch, steps_per_epoch=code)
    assert not report.points
    assert words in said(report, "BatchesInAnEpoch")
    assert judged(code, 1).points == 0


def test_the_open_blank_is_said() -> None:
    report = checked(steps_per_epoch, steps_per_epoch=released()["steps_per_epoch"])
    assert "is still open: how many batches an epoch has: an int." in str(report).replace("\n       ", "")


def test_no_hint_gives_the_answer_away() -> None:
    shown = [mistake.hint for mistake in ANSWER_KEY.mistakes if mistake.part == steps_per_epoch.id]
    shown += [statement.hint for statement in steps_per_epoch.statements]
    assert not [hint for hint in shown if "ceil" in hint or "//" in hint or "+ 1" in hint]
