"""Wrong answers grouped: the same mistake on different challenges is one group, and simple relations are named."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import product
from math import comb

import numpy as np
import pytest

from lib.checking.answers import encode
from lib.checking.student_code import Failure
from lib.grading.judge.verdict import DIFFERENT_CALLS, DIFFERENT_SHAPE, PartVerdict, StatementVerdict, Verdict
from lib.grading.pages.classroom import Classroom, StudentWork
from lib.grading.pages.clusters import NONE, codes_of, compare, defines, groups_of_unknown, is_unknown, relation
from lib.reference import cce
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.grading.judge.test_judge import judged, part_of

SEEDS = (1, 2**47 + 11, 77)
BY_CHANCE = {
    "The output is 1 for the largest score, and 0 elsewhere",
    "The largest score of each row is subtracted, not that of each column",
    "The sum runs over both class axes of the Jacobian",
    "Only one batch is used in each epoch",
    "Each label is used with the probabilities of all samples",
    "The rows are taken for the samples",
    "The gradient is transposed",
    "The output is the number of the largest class",
    "The probabilities are rounded",
    "The probabilities are clipped",
    "The sum runs over everything: the result is one number",
    "The result is rounded",
    "The weights' gradient is clipped",
    "Only the sign of the gradient counts",
    "Each weight has a step size of its own, as in Adam, RMSprop or AdaGrad",
    "The weights decay by the same amount, whatever their size",
    "Only the entries of the true classes are returned, in one row",
}
"""Mistakes that give the right numbers, their sums, the same one everywhere, or one larger, for some draws only."""
RIGHT = np.array([[0.5, 2.0, -3.0, 1.25], [4.0, 0.75, 1.5, -2.0], [1.0, 7.0, -0.5, 0.3]])


NO_MISTAKES = replace(ANSWER_KEY, mistakes=())


def unnamed(part, code, seed):
    """A verdict as it would be if nothing had a name."""
    return judged(part, code, seed, NO_MISTAKES)


@cache
def unnamed_of_catalogue(at, seed):
    """The same for the catalogue's mistake of this number: each is judged once."""
    mistake = ANSWER_KEY.mistakes[at]
    return unnamed(part_of(mistake.part), mistake.code, seed)


@pytest.mark.parametrize(
    ("at", "mistake"),
    list(enumerate(ANSWER_KEY.mistakes)),
    ids=[f"{mistake.part}: {mistake.name}" for mistake in ANSWER_KEY.mistakes],
)
def test_a_mistake_is_alike_on_any_challenge(at, mistake):
    """The catalogue stands in for what it doesn't have yet: taken as unknown, each of its mistakes is one group."""
    verdicts = [unnamed_of_catalogue(at, seed) for seed in SEEDS]
    assert all(map(is_unknown, verdicts))
    groups = {compare(verdict) for verdict in verdicts}
    assert len(groups) == 1 or mistake.name in BY_CHANCE


def test_an_open_blank_is_no_wrong_answer():
    """Even where it is only one of a part's: the report counts the part as left blank."""
    verdict = unnamed(part_of("check-cce"), {"cce": lambda y, p: 3 * cce(y, p)}, 1)
    first, *rest = verdict.statements
    assert is_unknown(verdict)
    assert not is_unknown(replace(verdict, statements=(replace(first, state="open"), *rest)))


def test_mistakes_that_relate_otherwise_are_other_groups():
    part = part_of("check-cce")
    codes = [lambda y, p, factor=factor: factor * cce(y, p) for factor in (-1, 3, 4, 1 / 3)]
    assert len({compare(unnamed(part, {"cce": code}, 1)) for code in codes}) == len(codes)


def test_two_mistakes_of_a_part_are_seldom_one_group():
    """Of all pairs of the catalogue's mistakes in a part, at most one in eight would be taken for the same one."""
    groups = Counter(
        (mistake.part, compare(unnamed_of_catalogue(at, SEEDS[0]))) for at, mistake in enumerate(ANSWER_KEY.mistakes)
    )
    sizes = Counter(one.part for one in ANSWER_KEY.mistakes)
    assert sum(comb(size, 2) for size in groups.values()) < sum(comb(size, 2) for size in sizes.values()) / 8


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (7 * RIGHT, "7 times the right numbers"),
        (-RIGHT / 4, "-1/4 times the right numbers"),
        (0.377 * RIGHT, "some number times the right numbers"),
        (RIGHT + 0.2, "the right numbers plus one number"),
        (np.abs(RIGHT), "right but for some signs"),
        (RIGHT.T, "the transpose of the right numbers"),
        (RIGHT * [1, 1, 1, 9], "right but for the last column"),
        (RIGHT * [[1], [2], [3]], "each row times a number of its own"),
        (RIGHT - RIGHT.max(axis=0), "each column plus a number of its own"),
        (RIGHT.sum(axis=0), "the sum of the right numbers over axis 0"),
        (RIGHT.mean(axis=1, keepdims=True), "the mean of the right numbers over axis 1"),
        (RIGHT[::-1], "the right numbers in other places"),
        (np.zeros((3, 4)), "0 everywhere"),
        (np.full((3, 4), 0.1), "the same number everywhere"),
        (np.where(RIGHT > 0, RIGHT, np.nan), "nan or infinite in some places"),
        (np.ones((2, 2)), "shape (2, 2) instead of (3, 4)"),
        (RIGHT**2, NONE),
        (np.full((3, 4), 1e300) * np.sign(RIGHT), NONE),
        (np.arange(5.0), "the challenge's own z"),
        (
            Failure("error", "It raised ValueError: shapes (3,4) and (5,4)."),
            "“It raised ValueError: shapes (…,…) and (…,…)”",
        ),
    ],
)
def test_a_relation_is_said_in_words(answer, said):
    assert relation(answer, RIGHT, {"z": np.arange(5.0)}) == said


EXTREME = [5e-324, -1e-310, 1e-160, 1e154, -9.9e299, 0.0, -0.0, 1.0, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("shape", [(), (1,), (2, 4), (4, 2), (3,), (1, 1, 1)])
@pytest.mark.parametrize("right", [(), (2, 4)])
def test_any_two_numbers_have_a_relation_that_can_be_said(shape, right):
    for answer, expected in product(EXTREME, EXTREME):
        said = relation(np.full(shape, answer), np.full(right, expected), {"z": np.full(3, expected)})
        assert said and len(said) < 100


DEEP = {
    "elif": "def cce(y, p):\n    if y:\n        pass\n" + "    elif p:\n        pass\n" * 500,
    "sum": "def cce(y, p):\n    return " + " + ".join(["y"] * 1500),
    "digits": "def cce(y, p):\n    return " + "9" * 9000,
    "hexadecimal": "def cce(y, p):\n    return 0x" + "f" * 9000,
    "attributes": "def cce(y, p):\n    return y" + ".a" * 3000,
    "calls": "def cce(y, p):\n    return y" + "()" * 3000,
    "lambdas": "def cce(y, p):\n    return " + "lambda: " * 1500 + "1",
    "signs": "def cce(y, p):\n    return " + "-" * 3000 + "1",
    "comparisons": "def cce(y, p):\n    return y" + " < y" * 3000,
    "words": "def cce(y, p):\n    return " + "'a' " * 3000,
    "no letter": "def cce(y, p):\n    return '\0'",
    "half a pair": "def cce(y, p):\n    return '\ud800'",
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_code_of_any_depth_is_shown_and_ends_no_report(tmp_path, source):
    part = part_of("check-cce")
    verdict = Verdict("softmax_classifier", "n", "ada", 1, (unnamed(part, {"cce": lambda y, p: 5e-324}, 1),))
    cells = [{"cell_type": "code", "source": "class cce:\n    pass"}, {"cell_type": "code", "source": source}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}))
    verdict.save(tmp_path)
    work = StudentWork("ada", folder=tmp_path, verdict=verdict)
    [group] = groups_of_unknown(Classroom("softmax_classifier", None, 20.0, (work,)))
    [(shown, works)] = codes_of(group, ANSWER_KEY)
    assert works == [work]
    assert source in shown or "class cce" in shown


def test_a_factor_that_comes_of_the_challenge_is_not_said_of_one_number():
    """Any number is some factor times another: only whole ones, and one over those, tell of a mistake."""
    assert relation(np.array(3.0), np.array(1.5), {}) == "2 times the right number"
    assert relation(np.array(2.5), np.array(1.5), {}) == "the right number plus 1"
    assert relation(np.array(1.9), np.array(1.5), {}) == "larger than the right number"


@pytest.mark.parametrize(("size", "said"), [(3, "fewer calls, or less in them"), (12, "more calls, or more in them")])
def test_calls_are_related_by_how_many_there_are(size, said):
    answer, right = ({"Calls": {"it": encode(np.arange(float(count)))}} for count in (size, 9))
    loop = StatementVerdict("Calls", "It calls f.", 1, "wrong", DIFFERENT_CALLS)
    part = PartVerdict("check-loop", "Loop", (loop,), answer=answer, expected=right)
    assert compare(part) == ((("It calls f.", said),), True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.array([2.0, 3.0, 4.0, 5.0]), "another size of axis 1, 3"),
        (np.array([[2.0, 2.0], [4.0, 4.0]]), "another size of axis 1"),
        (np.array([2.0]), "1 axis instead of 4"),
    ],
)
def test_shapes_are_related_by_their_axes_also_where_student_code_made_one_up(answer, said):
    answers, right = ({"Shape": {"shape": encode(each)}} for each in (answer, np.array([2.0, 1.0, 4.0, 4.0])))
    shape = StatementVerdict("Shape", "As X.", 1, "wrong", DIFFERENT_SHAPE)
    part = PartVerdict("check-f", "F", (shape,), answer=answers, expected=right)
    assert compare(part) == ((("As X.", said),), True)


@pytest.mark.parametrize(
    ("cell", "does"),
    [
        ("def cce(y, p):\n    return 0", True),
        ("class cce:\n    pass", True),
        ("print(cce)", False),
        ("def cce_gradient(y, p):\n    return 0", False),
        ("def cce(y, p:", False),
        ("(" * 50_000, False),
    ],
)
def test_the_cell_that_defines_a_subject_is_found(cell, does):
    assert defines(cell, ["cce"]) is does
