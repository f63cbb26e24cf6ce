"""Local checks of the training loop, and the spies that they use."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lib.blanks import OpenBlank
from lib.checking.student_code import student_line
from lib.unit import Mistake
from lib.units.softmax_classifier import train
from lib.units.softmax_classifier.spies import DataArray, Placeholder, record_calls
from tests.checking.desk import assert_it_says_what_is_wrong, checked, mistaken, mistakes_of, said, states
from tests.variants import Code, released, trains, written


def test_the_reference_is_right() -> None:
    assert set(states(checked(train)).values()) == {"right"}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(trains())
def test_a_right_loop_is_right_in_any_style(code: Code) -> None:
    report = checked(train, **code)
    assert report.right, str(report)


@mistakes_of(train)
def test_every_mistake_is_found(mistake: Mistake) -> None:
    assert_it_says_what_is_wrong(mistaken(train, mistake))


@pytest.mark.parametrize(
    ("mistake", "statement", "sentence"),
    [
        ("1/B is missing", "GradientFlowsBack", "1/B is missing."),
        ("1/B is applied twice", "GradientFlowsBack", "1/B is applied twice."),
        (
            "1/B uses batch_size, also for the short last batch",
            "GradientFlowsBack",
            "1/B uses batch_size, but this batch is shorter.",
        ),
        (
            "softmax.backward gets softmax's own output",
            "GradientFlowsBack",
            "softmax.backward did not get the result of cce_gradient.",
        ),
        ("The learning rate is always 0.01", "GradientFlowsBack", "did not get the learning rate that train is given"),
        (
            "The samples always come from the first columns of X",
            "EveryBatch",
            "dlayer.forward did not get the samples of the batch.",
        ),
        ("The short last batch is left out", "EveryBatch", "Found 6 steps, expected 9"),
        ("There is one epoch too many", "EveryBatch", "Found 4 calls of generate_batch_indices, expected 3"),
        (
            "The loss gets the labels of the first columns",
            "LabelsWithSamples",
            "cce did not get the labels of the batch as y.",
        ),
        ("The scores are used as the prediction", "LabelsWithSamples", "did not get softmax.output as yhat"),
        ("The loss is not reset between epochs", "EpochLoss", "Where: epoch 2"),
    ],
)
def test_it_says_where_to_look(mistake: str, statement: str, sentence: str) -> None:
    report = mistaken(train, mistake)
    assert sentence in said(report, statement)
    assert states(report)[statement] == "wrong"


@pytest.mark.parametrize("value", [None, 3, "train", [1], type("T", (), {})])
def test_what_is_no_function_is_said_to_be_none(value: Any) -> None:
    assert "train is not a function." in said(checked(train, train=value), "EveryBatch")


def test_a_loop_that_does_nothing_is_wrong_everywhere() -> None:
    report = checked(train, train=lambda X, y, learning_rate, batch_size, nepochs: None)
    assert set(states(report).values()) == {"wrong"}


def test_an_untouched_loop_is_not_checked_and_each_blank_is_told_where_it_matters() -> None:
    report = checked(train, train=released()["train"])
    assert set(states(report).values()) == {"not checked"}
    assert "Blank 1 of 8" in said(report, "EveryBatch")
    assert "Blank 2 of 8" in said(report, "LabelsWithSamples")


def test_the_students_own_namespace_is_left_alone() -> None:
    code = written(LOOP)
    before = dict(code)
    assert checked(train, train=code["train"]).right
    assert all(code[name] is before[name] for name in before)


def test_functions_beside_the_loop_call_the_spies_too() -> None:
    assert checked(train, train=written(SPLIT)["train"]).right


def test_the_data_are_the_loops_own() -> None:
    code = written(LOOP.replace("return dense", "X *= 0; y *= 0; return dense"))
    assert checked(train, train=code["train"]).right


def test_a_mistake_of_python_is_shown_with_its_line_and_told_once() -> None:
    report = checked(train, train=written(LOOP.replace("len(batch)", "len(batchs)"))["train"])
    assert "NameError" in said(report, "EveryBatch")
    assert "Your line 9: loss += len(batchs)" in said(report, "EveryBatch")
    assert list(states(report).values()) == ["wrong", "not checked", "not checked", "not checked"]
    assert str(report).count("NameError") == 1


PLACEHOLDER = Placeholder("Blank 1 of 1 on line 1 is still open.")


@pytest.mark.parametrize(
    "reckoned",
    [
        lambda: PLACEHOLDER * 2.0,
        lambda: 0.5 * PLACEHOLDER,
        lambda: np.ones(3) * PLACEHOLDER,
        lambda: PLACEHOLDER / np.float64(2),
        lambda: 0 + PLACEHOLDER,
        lambda: -PLACEHOLDER,
        lambda: np.ones((2, 2)) @ PLACEHOLDER,
        lambda: np.exp(PLACEHOLDER),
        lambda: np.ones((2, 3)).view(DataArray)[:, PLACEHOLDER],
        lambda: np.ones((2, 3)).view(DataArray)[PLACEHOLDER],
    ],
)
def test_arithmetic_with_an_open_blank_returns_it(reckoned: Callable[[], Any]) -> None:
    assert reckoned() is PLACEHOLDER


@pytest.mark.parametrize(
    "read", [len, float, bool, list, np.asarray, lambda blank: blank[0], lambda blank: blank(), range]
)
def test_reading_an_open_blank_raises(read: Callable[[Any], Any]) -> None:
    with pytest.raises(OpenBlank, match="Blank 1 of 1"):
        read(PLACEHOLDER)


def test_samples_are_arrays_like_any() -> None:
    X = np.arange(6.0).reshape(2, 3).view(DataArray)
    assert np.array_equal(X[:, [0, 2]], [[0, 2], [3, 5]])
    assert X[1, 1] == 4
    assert X[0].sum() == 3


def test_a_step_begins_with_forward_and_ends_with_backward() -> None:
    seen = record_calls(
        written(LOOP.replace("losses.append(loss)", "losses.append(loss); dense.forward(X)"))["train"],
        train.desk_inputs(),
    )
    assert [step.features.shape for step in seen.steps] == [(2, 4), (2, 4), (2, 3)] * 3
    assert seen.epochs == 3


def test_errors_of_the_spies_show_the_students_line() -> None:
    code = written(LOOP.replace("dense.forward(X[:, batch])", "dense.forward()"))
    with pytest.raises(TypeError) as caught:
        record_calls(code["train"], train.desk_inputs())
    assert student_line(caught.value) == "line 7: dense.forward()"


LOOP = """
def train(X, y, learning_rate, batch_size, nepochs):
    dense, softmax = Dense(X.shape[0], y.shape[0]), Softmax()
    losses = []
    for epoch in range(nepochs):
        loss = 0
        for batch in generate_batch_indices(X.shape[1], batch_size):
            dense.forward(X[:, batch])
            softmax.forward(dense.output)
            loss += len(batch) / X.shape[1] * cce(y[:, batch], softmax.output)
            grad = softmax.backward(cce_gradient(y[:, batch], softmax.output))
            dense.backward((1 / len(batch)) * grad, learning_rate)
        losses.append(loss)
    return dense, softmax, losses
"""
SPLIT = """
def step(dense, softmax, X, y, *, rate=None):
    dense.forward(X)
    softmax.forward(dense.output)
    grad = softmax.backward(cce_gradient(y, softmax.output))
    dense.backward((1 / y.shape[1]) * grad, rate)
    return y.shape[1] * cce(y, softmax.output)

def train(X, y, learning_rate, batch_size, nepochs):
    dense, softmax = Dense(X.shape[0], y.shape[0]), Softmax()
    def epoch():
        batches = generate_batch_indices(X.shape[1], batch_size)
        return sum(step(dense, softmax, X[:, b], y[:, b], rate=learning_rate) for b in batches) / X.shape[1]
    return dense, softmax, [epoch() for _ in range(nepochs)]
"""
