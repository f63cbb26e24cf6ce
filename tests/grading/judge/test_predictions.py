"""A prediction in grading: judged as a part, without points, and counted for the class's report."""

from types import SimpleNamespace

import pytest

from lib.checking.challenges import answer
from lib.checking.predictions import NO_GUESS
from lib.grading import unit_registry
from lib.grading.judge import words
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.grading.pages.analysis import predictions
from lib.grading.pipeline.verdict_html import html

KEY = unit_registry.answer_key("softmax_classifier")


def judged(guess: object) -> PartVerdict:
    part = KEY.part("check-prediction-limit")
    assert part
    return judge(KEY, part, 1, answer(part, 1, (guess,)))


@pytest.mark.parametrize(
    ("guess", "state", "said"),
    [
        (2, "right", ""),
        (1, "wrong", "You predicted 1: Batch size 1, as in Experiment A."),
        (9, "wrong", "It is another number."),
        ("<b>", "wrong", "The result is not a number."),
    ],
)
def test_a_guess_has_a_row_of_its_own_and_no_points(guess: object, state: str, said: str) -> None:
    verdict = judged(guess)
    [row] = verdict.statements
    assert (row.state, words.brief(row), verdict.max_points) == (state, said, 0)
    page = html(verdict)
    assert " points" not in page and "wrong" not in page
    assert ("Batch size 16." in page) is (guess in (1, 2)), "without a guess nobody reads what comes out"


def test_an_open_guess_stays_without_its_answer() -> None:
    page = html(judge(KEY, KEY.part("check-prediction-limit"), 1, None))
    assert NO_GUESS in page and "Batch size 16." not in page


def test_the_class_is_counted_by_what_it_predicted() -> None:
    graded = [(None, SimpleNamespace(predictions=(judged(guess),))) for guess in (2, 1, 1, 2, 2)]
    [(title, text, right, others)] = predictions(SimpleNamespace(graded=graded))  # type: ignore[arg-type]  # a class
    assert title.startswith("Experiment D") and text.startswith("Batch size 16. ")
    assert right == 3 and others == [("You predicted 1: Batch size 1, as in Experiment A.", 2)]
