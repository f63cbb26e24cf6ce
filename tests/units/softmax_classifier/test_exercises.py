"""Code that students might write for an exercise: what it costs, what it is called, and what is said of it."""

from typing import Any

import numpy as np
import pytest

from lib.unit import Part
from tests.answers import answers
from tests.certificate.seen import Seen, see
from tests.certificate.table import expect_none
from tests.checking.desk import KEYS, PARTS, checked, judged, said, states
from tests.variants import released

SEEDS = (1, 2**40 + 5)


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    """Each answer at the desk, and graded on two draws."""
    return [each for answer in answers("own") for each in see(answer, SEEDS)]


def test_code_costs_its_own_statements_at_the_desk_and_in_every_draw(seen: list[Seen]) -> None:
    expect_none(each for each in seen if not each.is_exact)


def test_code_is_called_what_it_is_and_no_more(seen: list[Seen]) -> None:
    expect_none((each, each.answer.called) for each in seen if each.answer.called not in (None, each.names))
    expect_none(each for each in seen if not each.answer.lost and each.names)


def test_the_desk_says_what_is_so(seen: list[Seen]) -> None:
    at_desk = (each for each in seen if each.where == "desk")
    expect_none(
        (each.answer.id, text, each.said) for each in at_desk for text in each.answer.said if text not in each.said
    )


@pytest.mark.parametrize("value", [None, "1.3", [None], {}, 1j, object(), np.array(["a"]), [[1], [2, 3]], lambda: 1])
def test_what_is_no_number_is_said_to_be_none(value: Any) -> None:
    report = checked(PARTS["check-cce"], cce=lambda y, yhat: value)
    assert states(report)["OneSample"] == "wrong"
    assert "The loss is" in said(report, "OneSample")


@pytest.mark.parametrize("part", KEYS["softmax_classifier"].parts, ids=lambda part: part.id)
def test_blanks_that_are_open_are_told_once_and_cost_no_more_than_points(part: Part) -> None:
    report = checked(part, **released())
    assert not {*states(report).values()} & {"right", "wrong"}
    assert str(report).count("is still open") == (not part.depends_on)
    [verdict] = judged(part, released())
    assert (verdict.points, verdict.mistakes) == (0, [])


def test_an_open_blank_in_backward_leaves_forward_right() -> None:
    half = {"Softmax": type("HalfDone", (released()["Softmax"],), {"forward": _forward})}  # type: ignore[arg-type]  # a class
    assert checked(PARTS["check-softmax-forward"], **half).right
    assert "Blank 2 of 3" in str(checked(PARTS["check-softmax-backward"], **half))


def _forward(self: Any, input: Any) -> Any:
    self.input = input
    self.output = np.exp(input - input.max(axis=0)) / np.exp(input - input.max(axis=0)).sum(axis=0)
    return self.output
