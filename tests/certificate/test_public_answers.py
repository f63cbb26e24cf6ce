"""Answers that no mistake of the catalogue was written against: how many are judged and named truly."""

import pytest

from tests.answers import answers
from tests.certificate.seen import Seen, see
from tests.certificate.table import expect_none

NOT_EXACT = 2
"""Answers, of 387 wrong ones, that may lose other statements than they should."""
NAMED = 0.88
"""The share of wrong answers that is called by a true name."""


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    """Each answer at the desk and graded."""
    return [each for answer in answers("public") for each in see(answer)]


def test_right_answers_keep_all_points_and_get_no_name(seen: list[Seen]) -> None:
    right = [each for each in seen if not each.answer.lost]
    assert len({each.answer.id for each in right}) == 135
    expect_none(each for each in right if not each.is_exact or each.told)


def test_wrong_answers_lose_the_points_of_their_mistakes(seen: list[Seen]) -> None:
    wrong = [each for each in seen if each.answer.lost]
    assert len({each.answer.id for each in wrong}) == 387
    off = {each.answer.id: each for each in wrong if not each.is_exact}
    expect_none(off.values() if len(off) > NOT_EXACT else ())


def test_wrong_answers_are_called_by_true_names_and_by_no_others(seen: list[Seen]) -> None:
    called = [(each, each.answer.called or frozenset()) for each in seen if each.answer.lost]
    expect_none((each, each.told - true) for each, true in called if each.told - true)
    for at_desk in (True, False):
        there = [(each, true) for each, true in called if (each.where == "desk") == at_desk]
        unnamed = [each for each, true in there if not each.told & true]
        expect_none(unnamed if len(unnamed) > (1 - NAMED) * len(there) else ())
