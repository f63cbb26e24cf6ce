"""What a check of the first unit says of code that is not there yet, or gives nothing of use.

Code that gives something has tables, in `tests.answers`, and the loop has `test_training`.
"""

import re
from typing import Any

import numpy as np
import pytest

from lib.reference import Softmax
from lib.unit import Part
from tests.checking.desk import KEYS, PARTS, checked, judged, said, states
from tests.variants import released


@pytest.mark.parametrize("value", [None, "1.3", [None], {}, 1j, object(), np.array(["a"]), [[1], [2, 3]], lambda: 1])
def test_what_is_no_number_is_said_to_be_none(value: Any) -> None:
    report = checked(PARTS["check-cce"], cce=lambda y, yhat: value)
    assert states(report)["OneSample"] == "wrong"
    assert "The loss is" in said(report, "OneSample")


@pytest.mark.parametrize("part", KEYS["softmax_classifier"].parts, ids=lambda part: part.id)
def test_blanks_that_are_open_are_told_once_and_are_no_mistakes(part: Part) -> None:
    report = checked(part, **released())
    assert not {*states(report).values()} & {"right", "wrong"}
    told = re.findall(r"A blank on line \d+", str(report))
    assert len(told) == len({*told}) and told
    [verdict] = judged(part, released())
    assert (verdict.points, verdict.mistakes) == (0, [])


def test_an_open_blank_in_backward_leaves_forward_right() -> None:
    half_done = type("Softmax", (released()["Softmax"],), {"forward": Softmax.forward})  # type: ignore[arg-type]  # a class
    assert checked(PARTS["check-softmax-forward"], Softmax=half_done).right
    assert "A blank on line" in str(checked(PARTS["check-softmax-backward"], Softmax=half_done))
