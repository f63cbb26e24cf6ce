"""Figures on a class: a part's discrimination against its textbook formulas, and counts in which nobody is lost."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.grading.judge.verdict import PartVerdict, StatementVerdict
from lib.grading.pages.item_analysis import FEWEST, Scores, discrimination, distribution, outcome

POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 16)), min_size=FEWEST, max_size=40)


@given(POINTS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_discrimination_is_the_correlation_with_the_other_parts(drawn):
    own, others = map(np.array, zip(*drawn, strict=True))
    found = discrimination(own.tolist(), (own + others).tolist())
    if own.std() == 0 or others.std() == 0:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(own, others)[0, 1])


def test_for_all_or_nothing_it_is_the_point_biserial_correlation():
    own = np.array([0, 0, 0, 1, 1, 1, 1, 0, 1, 1])
    others = np.array([2.0, 5, 3, 9, 8, 11, 6, 4, 12, 7])
    passed, failed = others[own == 1], others[own == 0]
    share = own.mean()
    by_hand = (passed.mean() - failed.mean()) / others.std() * math.sqrt(share * (1 - share))
    assert discrimination(own.tolist(), (own + others).tolist()) == pytest.approx(by_hand)


def test_a_part_is_not_correlated_with_itself():
    """With itself in the total, even a part that has nothing to do with the others would seem to tell apart."""
    own, others = [0, 4] * 6, [5, 5, 6, 6] * 3
    totals = [a + b for a, b in zip(own, others, strict=True)]
    assert np.corrcoef(own, totals)[0, 1] > 0.9
    assert discrimination(own, totals) == pytest.approx(0, abs=1e-12)


def test_few_students_say_nothing():
    assert discrimination([0, 1] * 4, [0, 2] * 4) is None


@given(st.lists(st.floats(0, 24), max_size=50), st.sampled_from([1.0, 20.0, 24.0, 100.0, 250.0]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_score_is_in_one_bin(values, best):
    bins = distribution(Scores(tuple(values), best, judged=True))
    assert len(bins) <= 26
    assert sum(one.count for one in bins) == len(values)
    for one in bins[:-1]:
        assert one.count == sum(one.low <= value < one.high for value in values)


@pytest.mark.parametrize(
    ("states", "problem", "said"),
    [
        (("right", "right"), "", "all points"),
        (("right", "wrong"), "", "some points"),
        (("wrong", "not checked"), "", "no points"),
        (("right", "open"), "", "left blank"),
        (("not checked", "not checked"), "The kernel died.", "no answer"),
        (("not checked", "not checked"), "", "no answer"),
        (("wrong", "open"), "", "left blank"),
    ],
)
def test_each_part_has_one_outcome(states, problem, said):
    statements = tuple(StatementVerdict(f"S{at}", "It holds.", 1, state) for at, state in enumerate(states))
    assert outcome(PartVerdict("check", "A part", statements, problem=problem)) == said
