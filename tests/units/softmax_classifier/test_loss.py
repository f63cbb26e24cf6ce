"""Local checks of the loss and its gradient."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lib.answer_key import Mistake
from lib.units.softmax_classifier import cce, cce_gradient
from tests.checking.desk import assert_it_says_what_is_wrong, checked, mistaken, mistakes_of, said, states
from tests.variants import Code, gradients, losses, released

some = settings(max_examples=15, deadline=None, derandomize=True)


def test_the_reference_is_right() -> None:
    assert set(states(checked(cce)).values()) == {"right"}
    assert set(states(checked(cce_gradient)).values()) == {"right"}


@some
@given(losses())
def test_a_right_loss_is_right_in_any_style(code: Code) -> None:
    assert checked(cce, **code).right


@some
@given(gradients())
def test_a_right_gradient_is_right_in_any_style(code: Code) -> None:
    assert checked(cce_gradient, **code).right


@mistakes_of(cce)
def test_every_mistake_in_the_loss_is_found(mistake: Mistake) -> None:
    assert_it_says_what_is_wrong(mistaken(cce, mistake))


@mistakes_of(cce_gradient)
def test_every_mistake_in_the_gradient_is_found(mistake: Mistake) -> None:
    assert_it_says_what_is_wrong(mistaken(cce_gradient, mistake))


def test_a_sum_in_place_of_the_mean_is_shown_with_both_numbers() -> None:
    report = mistaken(cce, "The loss is the sum over the batch, not its mean")
    assert states(report)["OneSample"] == "right"
    assert said(report, "BatchMean").splitlines() == [
        "The batch's loss is not the mean over its samples.",
        "Where: 4 classes, 7 samples",
        "Found 14.46, expected 2.0657",
        "Try: Call cce with two samples, and with each of them alone. Compare the mean of the two with what both give.",
    ]


def test_a_class_that_the_loss_leaves_out_is_shown_with_its_loss() -> None:
    def first_classes(y: Any, yhat: Any) -> Any:
        return -np.sum(y[:3] * np.log(yhat[:3])) / y.shape[1]

    assert said(checked(cce, cce=first_classes), "BatchMean").splitlines()[:3] == [
        "The loss of a sample alone is not -log of its true class's probability p.",
        "Where: a sample of class 3, one of 4 classes, with p = 0.9580",
        "Found 0, expected 0.0429",
    ]


def test_what_depends_on_a_wrong_statement_is_not_checked() -> None:
    report = mistaken(cce, "The minus sign is missing")
    assert list(states(report).values()) == ["wrong", "not checked", "not checked"]
    assert said(report, "BatchMean") == "Not tested: it needs statement 1, which is not right yet."


def test_log_of_zero_is_advice_without_points() -> None:
    report = checked(cce, cce=lambda y, yhat: -np.sum(y * np.log(yhat)) / y.shape[1])
    assert report.right
    assert states(report)["ZeroProbability"] == "advice"
    assert "Keep yhat away from 0" in said(report, "ZeroProbability")
    assert report.points == 2


def test_a_gradient_over_the_batch_size_is_recognised() -> None:
    report = mistaken(cce_gradient, "The gradient is divided by the batch size")
    assert "The gradient here is each sample's own, without 1/B." in said(report, "TrueClass")


@pytest.mark.parametrize("loss", [lambda y, yhat: 0.0, lambda y, yhat: 1 / 0, lambda y, yhat: np.log2(yhat), None])
def test_the_gradient_is_checked_apart_from_the_loss(loss: Any) -> None:
    report = checked(cce_gradient, cce=loss)
    assert report.right and report.points == 3
    wrong = checked(cce_gradient, cce=loss, cce_gradient=lambda y, yhat: y / yhat)
    assert states(wrong)["TrueClass"] == "wrong"
    assert "is not the slope" in said(wrong, "TrueClass")


def test_a_small_number_that_is_added_to_yhat_is_right() -> None:
    code = {"cce": lambda y, yhat: -np.sum(y * np.log(yhat + 1e-6)) / y.shape[1]}
    assert checked(cce_gradient, cce_gradient=lambda y, yhat: -y / (yhat + 1e-6), **code).right


@pytest.mark.parametrize("value", [None, "1.3", [None], {}, 1j, object(), np.array(["a"]), [[1], [2, 3]], lambda: 1])
def test_what_is_no_number_is_said_to_be_none(value: Any) -> None:
    report = checked(cce, cce=lambda y, yhat: value)
    assert states(report)["OneSample"] == "wrong"
    assert "The loss is" in said(report, "OneSample")


def test_a_result_of_another_kind_is_told_what_to_look_at() -> None:
    gradient = said(checked(cce, cce=lambda y, yhat: -y / yhat), "OneSample")
    assert "Try: Print the shape of what you return. A loss is one number, for one sample and for a batch." in gradient
    both = said(checked(cce_gradient, cce_gradient=lambda y, yhat: "-y / yhat"), "TrueClass")
    assert "Try: Print this value and its type. It has to be a NumPy array of numbers, and nothing else." in both


def test_every_blank_open_is_told_once() -> None:
    report = checked(cce, cce=released()["cce"])
    assert set(states(report).values()) == {"not checked"}
    assert "Blank 1 of 2 on line 3 is still open: the batch's mean loss: one number." in str(report).replace(
        "\n       ", ""
    )
    assert str(report).count("is still open") == 1
