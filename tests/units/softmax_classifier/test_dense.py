"""Local checks of the dense layer's backward."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings

from lib.answer_key import Mistake
from lib.checking.answers import run_probes
from lib.grading.judge.comparison import wrong_probes
from lib.reference import Dense
from lib.units.softmax_classifier import dense_backward
from tests.checking.desk import assert_it_says_what_is_wrong, checked, mistaken, mistakes_of, said, states
from tests.variants import Code, denses, released


def test_the_reference_is_right() -> None:
    assert set(states(checked(dense_backward)).values()) == {"right"}


@settings(max_examples=20, deadline=None, derandomize=True)
@given(denses())
def test_a_right_layer_is_right_in_any_style(code: Code) -> None:
    assert checked(dense_backward, **code).right


@mistakes_of(dense_backward)
def test_every_mistake_is_found(mistake: Mistake) -> None:
    assert_it_says_what_is_wrong(mistaken(dense_backward, mistake))


def test_the_scores_may_have_any_name_and_be_returned() -> None:
    class Renamed(Dense):
        def forward(self, input: Any) -> Any:
            self.scores = super().forward(input)
            del self.output
            return self.scores

    assert set(states(checked(dense_backward, Dense=Renamed)).values()) == {"right"}


def test_a_step_over_the_batch_size_is_recognised() -> None:
    report = mistaken(dense_backward, "The step is divided by the batch size")
    assert "The step is divided by the batch size." in said(report, "WeightsMove")
    assert states(report)["InputGradient"] == "right"


def test_weights_that_change_too_early_spoil_the_input_gradient_alone() -> None:
    report = mistaken(dense_backward, "The weights are updated before the input's gradient is computed")
    assert list(states(report).values()) == ["right", "right", "wrong"]
    assert "Compute this gradient before the weights change." in said(report, "InputGradient")


def test_a_bias_row_of_zeros_in_forward_is_found_in_backward() -> None:
    class ZeroRow(Dense):
        def forward(self, input: Any) -> Any:
            self.input = np.vstack([input, np.zeros((1, input.shape[1]))])
            self.output = self.weights @ self.input
            return self.output

    report = checked(dense_backward, Dense=ZeroRow)
    assert list(states(report).values()) == ["right", "wrong", "right"]
    assert "its row of ones" in said(report, "BiasMoves")


def test_a_forward_that_is_not_the_notebooks_is_told_so_and_a_right_one_is_not() -> None:
    class BendsItsOutput(Dense):
        def forward(self, input: Any) -> Any:
            self.output = np.maximum(super().forward(input), 0)
            return self.output

    sentence = "forward does not give the weights times the input and its row of ones."
    assert sentence in said(checked(dense_backward, Dense=BendsItsOutput), "WeightsMove")
    report = mistaken(dense_backward, "The weights move in the direction of the gradient, not against it")
    assert sentence not in str(report)


def test_a_missing_bias_row_meets_the_shapes() -> None:
    class NoRow(Dense):
        def forward(self, input: Any) -> Any:
            self.input = input
            self.output = self.weights[:, :-1] @ self.input
            return self.output

    report = checked(dense_backward, Dense=NoRow)
    assert "could not be broadcast together" in said(report, "WeightsMove")


def test_a_returned_bias_row_is_found_by_its_shape() -> None:
    report = mistaken(dense_backward, "The returned gradient has a row for the bias")
    assert "Found shape (5, 6), expected shape (4, 6)" in said(report, "InputGradient")


def test_a_returned_gradient_of_another_shape_is_not_told_of_the_bias() -> None:
    class Averaged(Dense):
        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            return super().backward(output_gradient, learning_rate).mean(axis=1, keepdims=True)

    sentences = said(checked(dense_backward, Dense=Averaged), "InputGradient")
    assert "Found shape (4, 1), expected shape (4, 6)" in sentences
    assert "a row for each feature and a column for each sample" in sentences


def test_an_open_blank_is_told_once() -> None:
    report = checked(dense_backward, Dense=released()["Dense"])
    assert set(states(report).values()) == {"not checked"}
    assert str(report).count("is still open") == 1
    assert said(report, "InputGradient") == "Not tested: the same blank as in statement 1."


def test_each_step_is_run_once_for_all_statements_at_grading() -> None:
    ran = []

    class Counted(Dense):
        def backward(self, output_gradient: Any, learning_rate: float) -> Any:
            ran.append(output_gradient.shape)
            return super().backward(output_gradient, learning_rate)

    run_probes(replace(dense_backward, naming_draws=1), dense_backward.desk_inputs(), (Counted,))
    again = [(3, 6), (3, 5)]  # a first step, and the second one of the same layer
    assert ran == 2 * [(3, 6), (4, 4), *again]


def test_a_gradient_that_a_later_step_writes_over_is_read_before() -> None:
    class WithOneBuffer(Dense):
        buffer = np.zeros(1000)

        def backward(self, output_gradient: Any, learning_rate: float) -> Any:
            right = super().backward(output_gradient, learning_rate)
            kept = WithOneBuffer.buffer[: right.size].reshape(right.shape)
            kept[:] = right
            return kept

    inputs = dense_backward.desk_inputs()
    found, right = (run_probes(dense_backward, inputs, (layer,)) for layer in (WithOneBuffer, Dense))
    for statement in dense_backward.statements:
        assert not wrong_probes([statement], inputs, found, right)
