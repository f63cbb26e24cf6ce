"""Answers of students: what they cost, what they are called, and what is said of them, at the desk and graded.

No mistake of the catalogue was written against the public ones: how many of these are named truly says how much a name
is worth. Those of a unit's own are held to what stands beside them.
"""

from functools import cache
from zlib import crc32

import pytest

from tests.answers import answers
from tests.certificate.seen import PARTS_OF, Seen, see
from tests.certificate.test_certificate import expect_none
from tests.checking.desk import KEYS, PARTS, lost_on

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("answers")]

NOT_EXACT = 2
"""Public answers, of 387 wrong ones, that may lose other statements than they should."""
NAMED = 0.88
"""The share of wrong public answers that is called by a true name."""


@cache
def seen(folder: str) -> tuple[Seen, ...]:
    """Each answer at the desk and graded: public ones on one draw, each of a unit's own on another."""
    draws = {answer: 1 if folder == "public" else crc32(answer.id.encode()) for answer in answers(folder)}
    return tuple(each for answer, seed in draws.items() for each in see(answer, [seed]))


# ---- Public answers


def test_right_public_answers_keep_all_points_and_get_no_name() -> None:
    right = [each for each in seen("public") if not each.answer.lost]
    assert len({each.answer.id for each in right}) == 135
    expect_none(each for each in right if not each.is_exact or each.told)


def test_wrong_public_answers_lose_the_points_of_their_mistakes() -> None:
    wrong = [each for each in seen("public") if each.answer.lost]
    assert len({each.answer.id for each in wrong}) == 387
    off = {each.answer.id: each for each in wrong if not each.is_exact}
    expect_none(off.values() if len(off) > NOT_EXACT else ())


def test_wrong_public_answers_are_called_by_true_names_and_by_no_others() -> None:
    called = [(each, each.answer.called or frozenset()) for each in seen("public") if each.answer.lost]
    expect_none((each, each.told - true) for each, true in called if each.told - true)
    for at_desk in (True, False):
        there = [(each, true) for each, true in called if (each.where == "desk") == at_desk]
        unnamed = [each for each, true in there if not each.told & true]
        expect_none(unnamed if len(unnamed) > (1 - NAMED) * len(there) else ())


def test_the_desk_and_the_grade_agree_on_each_public_answer() -> None:
    """Each statement holds in both places or in neither, and the mistakes have the same names."""
    places = seen("public")
    pairs = [*zip(places[::2], places[1::2], strict=True)]
    assert all(desk.answer is graded.answer and desk.where == "desk" != graded.where for desk, graded in pairs)
    assert len(pairs) == 522
    expect_none(pair for pair in pairs if (pair[0].states, pair[0].names) != (pair[1].states, pair[1].names))


# ---- A unit's own


@pytest.mark.parametrize("unit", KEYS)
def test_code_costs_its_own_statements_at_the_desk_and_graded(unit: str) -> None:
    expect_none(each for each in seen(unit) if not each.is_exact)


@pytest.mark.parametrize("unit", KEYS)
def test_right_code_keeps_all_points_in_many_draws(unit: str) -> None:
    """Its rounding and its guards change numbers a little: these stay near enough, whatever is drawn."""
    right = [(each, PARTS[id]) for each in answers(unit) if not each.lost for id in PARTS_OF[each.cell]]
    right = [(each, part) for each, part in right if each.cell != "loops"]  # a loop takes thirty times as long
    on = ((each, part, seed) for each, part in right for seed in range(10))
    expect_none((each.id, seed, lost) for each, part, seed in on if (lost := lost_on(part, each.objects(), seed)))


@pytest.mark.parametrize("unit", KEYS)
def test_code_is_called_what_it_is_and_no_more(unit: str) -> None:
    asked = [each for each in seen(unit) if each.answer.called is not None or not each.answer.lost]
    expect_none((each, each.answer.called) for each in asked if each.names != {*(each.answer.called or ())})


@pytest.mark.parametrize("unit", KEYS)
def test_the_desk_says_what_is_so(unit: str) -> None:
    at_desk = [(each, text) for each in seen(unit) if each.where == "desk" for text in each.answer.said]
    expect_none((each.answer.id, text, each.said) for each, text in at_desk if text not in each.said)
