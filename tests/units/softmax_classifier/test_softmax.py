"""Local checks of the softmax layer."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lib.answer_key import Mistake
from lib.reference import Softmax
from lib.unit import Part
from lib.units.softmax_classifier import softmax_backward, softmax_forward, softmax_stable
from tests.checking.desk import assert_it_says_what_is_wrong, checked, mistaken, mistakes_of, said, states
from tests.grading.judge.test_judge import judged
from tests.variants import Code, released, softmaxes

some = settings(max_examples=20, deadline=None, derandomize=True)


class Flat(Softmax):
    def forward(self, input: Any) -> Any:
        self.output = np.ones(input.shape)
        return self.output


class ForwardRaises(Softmax):
    def forward(self, input: Any) -> Any:
        raise ValueError("shapes do not fit")


class ForwardOpen(Softmax):
    forward = released()["Softmax"].forward


all_parts = pytest.mark.parametrize(
    "part", [softmax_forward, softmax_stable, softmax_backward], ids=lambda part: part.id
)


@all_parts
def test_the_reference_is_right(part: Part) -> None:
    assert set(states(checked(part)).values()) == {"right"}


@all_parts
@some
@given(softmaxes())
def test_a_right_layer_is_right_in_any_style(part: Part, code: Code) -> None:
    assert checked(part, **code).right


@mistakes_of(softmax_forward)
def test_every_mistake_in_forward_is_found(mistake: Mistake) -> None:
    assert_it_says_what_is_wrong(mistaken(softmax_forward, mistake))


@mistakes_of(softmax_stable)
def test_every_mistake_with_large_scores_is_found(mistake: Mistake) -> None:
    report = mistaken(softmax_stable, mistake)
    assert_it_says_what_is_wrong(report)
    assert mistaken(softmax_forward, mistake).right, "for small scores it does what it should"


@mistakes_of(softmax_backward)
def test_every_mistake_in_backward_is_found(mistake: Mistake) -> None:
    assert_it_says_what_is_wrong(mistaken(softmax_backward, mistake))


def test_rows_that_sum_to_1_are_recognised() -> None:
    report = mistaken(softmax_forward, "The sum runs over axis 1: each row sums to 1, not each column")
    assert "The rows sum to 1, not the columns." in said(report, "ColumnsSumToOne")
    assert said(report, "RatiosFollowScores") == "Not tested: it needs statement 1, which is not right yet."


def test_a_buffer_of_integers_is_right_for_all_other_scores() -> None:
    report = mistaken(softmax_forward, "The output is written into an array of integers")
    assert list(states(report).values()) == ["right", "right", "wrong", "right"]
    assert "Which of them can't hold 0.3?" in said(report, "WholeNumbers")


def test_overflow_is_found_where_it_happens() -> None:
    report = mistaken(softmax_stable, "Large scores overflow")
    assert "Where: scores near 1000" in said(report, "LargeScores")


def test_one_shift_for_all_samples_is_found_where_they_differ() -> None:
    report = mistaken(softmax_stable, "All samples are shifted by the same number")
    assert "samples with scores of very different sizes" in said(report, "LargeScores")


def test_a_jacobian_that_all_samples_share_is_right_for_one_sample() -> None:
    report = mistaken(softmax_backward, "All samples use one Jacobian, averaged over the batch")
    assert list(states(report).values()) == ["right", "wrong", "right"]


@pytest.mark.parametrize("layer", [Flat, ForwardRaises, ForwardOpen])
def test_backward_is_checked_whatever_forward_does(layer: type) -> None:
    """As at grading, where each part is judged on its own."""
    assert set(states(checked(softmax_backward, Softmax=layer)).values()) == {"right"}


def test_a_wrong_backward_is_found_behind_a_wrong_forward() -> None:
    class Both(Flat):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return self.output * (1 - self.output) * output_gradient

    report = checked(softmax_backward, Softmax=Both)
    assert list(states(report).values()) == ["wrong", "not checked", "not checked"]
    assert "differs from central differences of softmax" in said(report, "OneSampleBack")


def test_an_output_that_is_returned_but_not_kept_is_missed() -> None:
    class Forgetful(Softmax):
        def forward(self, input: Any) -> Any:
            e = np.exp(input - input.max(axis=0))
            return e / e.sum(axis=0)

    report = checked(softmax_forward, Softmax=Forgetful)
    assert "self.output is missing." in said(report, "ColumnsSumToOne")


def test_an_output_that_is_kept_but_not_returned_is_advice() -> None:
    class Silent(Softmax):
        def forward(self, input: Any) -> None:  # type: ignore[override]  # what is tested
            super().forward(input)

    report = checked(softmax_forward, Softmax=Silent)
    assert report.right and states(report)["ReturnsOutput"] == "advice"
    assert "Found None" in said(report, "ReturnsOutput")


def test_backward_is_held_to_softmax() -> None:
    report = mistaken(softmax_backward, "Only the diagonal of the Jacobian is used")
    assert "differs from central differences of softmax" in said(report, "OneSampleBack")


def test_a_result_of_another_shape_is_told_by_its_shape() -> None:
    """The identity times `a` is one matrix, whatever the number of samples: for one sample NumPy stretches it."""

    class OneMatrix(Softmax):
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            a = self.output
            T = np.eye(len(a)) * a - np.einsum("rc,sc->rsc", a, a)
            return np.einsum("kmi,mi->ki", T, output_gradient)

    told = said(checked(softmax_backward, Softmax=OneMatrix), "OneSampleBack")
    assert "The result does not have the shape of the gradient that came in." in told
    assert "Found shape (4, 4), expected shape (4, 1)" in told


class Renamed:
    """The output has another name in all of the layer, and forward may return it."""

    def forward(self, input: Any) -> Any:
        self.out = Softmax().forward(input)

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
        return self.out * (output_gradient - (self.out * output_gradient).sum(axis=0))


class WithRate(Softmax):
    """As the base class `Layer` has it: the learning rate has no default."""

    def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
        return super().backward(output_gradient)


class RenamedAndReturned(Renamed):
    def forward(self, input: Any) -> Any:
        super().forward(input)
        return self.out


class RenamedRows(RenamedAndReturned):
    """Its forward is wrong, and its backward is right on the output that a right forward would have set."""

    def forward(self, input: Any) -> Any:
        self.out = np.ones(input.shape)

    def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
        self.out = self.output
        return super().backward(output_gradient)


@pytest.mark.parametrize("layer", [Renamed, RenamedAndReturned, RenamedRows, WithRate])
def test_backward_is_right_under_any_name_of_the_output_and_with_a_rate(layer: type) -> None:
    """As at grading, where any one route earns the points."""
    assert set(states(checked(softmax_backward, Softmax=layer)).values()) == {"right"}
    verdict = judged(softmax_backward, {"Softmax": layer})
    assert verdict.points == verdict.max_points


@pytest.mark.parametrize("output", [np.array([]), np.array([True]), np.array(["no"]), np.array([None])], ids=str)
def test_an_output_that_cannot_be_computed_with_is_not_backwards_fault(output: Any) -> None:
    class Odd(Renamed):
        def forward(self, input: Any) -> Any:
            super().forward(input)
            self.output = output.copy()

    assert set(states(checked(softmax_backward, Softmax=Odd)).values()) == {"right"}
    verdict = judged(softmax_backward, {"Softmax": Odd})
    assert verdict.points == verdict.max_points


@pytest.mark.parametrize("kind", [np.asmatrix, np.ma.array])
def test_backward_is_right_where_the_output_is_another_kind_of_array(kind: Any) -> None:
    class Odd(Softmax):
        def forward(self, input: Any) -> Any:
            self.out = super().forward(input)
            self.output = kind(self.out)

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return Renamed.backward(self, output_gradient)  # type: ignore[arg-type]  # it has the same attribute

    verdict = judged(softmax_backward, {"Softmax": Odd})
    assert verdict.points == verdict.max_points


@pytest.mark.parametrize("base", [Renamed, RenamedAndReturned])
def test_a_wrong_backward_under_another_name_is_told_what_is_wrong_in_it(base: type) -> None:
    class Layer(base):  # type: ignore[misc,valid-type]  # a base that is drawn
        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return self.out * (1 - self.out) * output_gradient

    report = checked(softmax_backward, Softmax=Layer)
    assert "differs from central differences of softmax" in said(report, "OneSampleBack")


@all_parts
def test_every_blank_open_is_told_once(part: Part) -> None:
    report = checked(part, Softmax=released()["Softmax"])
    assert set(states(report).values()) == {"not checked"}
    assert str(report).count("is still open") == 1


def test_an_open_blank_in_backward_leaves_forward_right() -> None:
    class HalfDone(Softmax):
        backward = released()["Softmax"].backward

    assert checked(softmax_forward, Softmax=HalfDone).right
    report = checked(softmax_backward, Softmax=HalfDone)
    assert list(states(report).values()) == ["not checked"] * 3
    assert "Blank 2 of 3" in said(report, "OneSampleBack")
