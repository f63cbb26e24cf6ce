"""Help below a failed check: a hint, the student's own lines, a worked example; and a question once it is right."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.checking.dispatch import Check
from lib.checking.render import TITLES, WHY, Report
from lib.unit import Part
from lib.units import hidden_layer, softmax_classifier
from lib.units.softmax_classifier import UNIT, cce, cce_gradient, check, softmax_backward, softmax_forward, train
from lib.units.softmax_classifier.closed import ANSWER_KEY
from tests.checking.desk import checked, mistaken, states
from tests.checking.test_render import Reader
from tests.variants import BY_PART, released, written

parts = pytest.mark.parametrize("part", UNIT.parts, ids=lambda part: part.id)


def summed() -> Any:
    """A loss that is a sum in place of a mean."""
    code = written(
        """
        def cce(y, yhat):
            # add them up
            logs = np.log(yhat)

            return -np.sum(y * logs)
        """
    )
    return code["cce"]


def loss_of_the_check() -> float:
    """The summed loss of the check's own batch, as a student can compute it."""
    inputs = check.cce.example()
    return float(-np.sum(inputs["y_batch"] * np.log(inputs["yhat_batch"])))


def agreeing(part: Part, code: dict[str, Any]) -> list[bool]:
    """For each step of the worked example, whether this code gives what comes out by hand."""
    from time import monotonic

    from lib.checking.help import work_example

    objects = {**ANSWER_KEY.right, **code}
    example = work_example(part, tuple(objects[name] for name in part.subjects), monotonic() + 20)
    assert example is not None
    return [step.agrees for step in example.steps]


@parts
def test_a_worked_example_of_right_code_agrees_in_every_step(part: Part) -> None:
    steps = agreeing(part, {})
    assert len(steps) >= 2 and all(steps)


@parts
@settings(max_examples=6, deadline=None, derandomize=True)
@given(data=st.data())
def test_so_it_does_for_right_code_in_any_style(part: Part, data: st.DataObject) -> None:
    assert all(agreeing(part, data.draw(BY_PART[part.id])))


@parts
def test_a_worked_example_shows_the_mistakes_that_two_samples_can_show(part: Part) -> None:
    """Not a rounded result, an overwritten argument, or the second step of a layer."""
    ours = [mistake for mistake in ANSWER_KEY.mistakes if mistake.part == part.id]
    shown = [mistake.name for mistake in ours if not all(agreeing(part, dict(mistake.code)))]
    assert len(shown) >= 0.8 * len(ours), {mistake.name for mistake in ours} - {*shown}


def test_the_steps_of_help_come_in_order_and_are_closed() -> None:
    html = checked(cce, cce=summed())._repr_html_()
    folds = re.findall(r"<details[^>]*><summary[^>]*>(.*?)</summary>", html)
    assert folds == list(TITLES)
    assert "open" not in Reader(html).attributes
    before = html.partition("<details")[0]
    assert f"Found {loss_of_the_check():.5g}, expected" in before
    for later in ("sum over the batch", "fits this mistake", "logs", "by hand"):
        assert later not in before


def test_a_report_that_is_right_or_open_has_no_help() -> None:
    for report in (checked(cce), checked(cce, cce=released()["cce"]), check.cce()):
        assert isinstance(report, Report)
        assert "details" not in report._repr_html_()
        assert "----" not in str(report)


def test_the_hint_is_the_mistakes_and_otherwise_the_statements() -> None:
    named = str(checked(cce, cce=summed()))
    assert "All that was seen fits this mistake: The loss is the sum over the batch, not its mean." in " ".join(
        named.split()
    )
    unnamed = " ".join(str(checked(cce, cce=lambda y, yhat: 7 * np.sum(y * np.log2(yhat)))).split())
    assert "fits this mistake" not in unnamed
    assert f"Statement 1. Try: {cce.statements[0].hint}" in unnamed


def test_the_students_own_lines_are_shown_without_comments() -> None:
    place = checked(cce, cce=summed()).help.place
    assert place is not None
    assert place.function == "cce"
    assert [(number, line.strip()) for number, line in place.lines] == [
        (3, "logs = np.log(yhat)"),
        (5, "return -np.sum(y * logs)"),
    ]


def test_of_a_long_loop_only_the_lines_are_shown_that_the_failed_statement_is_about() -> None:
    source = """
    def train(X, y, learning_rate, batch_size, nepochs):
        dense, softmax = Dense(X.shape[0], len(y)), Softmax()
        losses = []
        for _ in range(nepochs):
            loss = 0
            for batch in generate_batch_indices(X.shape[1], batch_size):
                dense.forward(X[:, batch])
                softmax.forward(dense.output)
                loss += len(batch) / X.shape[1] * cce(y[:, batch], softmax.output)
                grad = softmax.backward(cce_gradient(y[:, batch], softmax.output))
                dense.backward(grad, learning_rate)
            losses.append(loss)
        return dense, softmax, losses
    """
    report = checked(train, train=written(source)["train"])
    assert states(report)["GradientFlowsBack"] == "wrong"
    assert report.help.place is not None
    assert [number for number, _ in report.help.place.lines] == [10, 11]


@pytest.mark.parametrize("gradient", ["loss_gradient / 16", "loss_gradient(y, yhat) / None"])
def test_the_line_that_raised_is_among_them(gradient: str) -> None:
    code = written(
        f"""
        def step(network, loss, loss_gradient, X, y, learning_rate):
            yhat = network.forward(X)
            network.backward({gradient}, learning_rate)
            return loss(y, yhat)
        """
    )
    report = Check(hidden_layer.step, hidden_layer.__name__)(code["step"])
    assert isinstance(report, Report) and report.help is not None and report.help.place is not None
    assert [number for number, _ in report.help.place.lines] == [2, 3, 4]


def test_lines_of_a_method_are_found_in_a_class_and_none_of_what_has_no_source() -> None:
    code = written(
        """
        class Softmax:
            def forward(self, input):
                self.output = np.exp(input)

            def backward(self, output_gradient):
                return output_gradient
        """
    )
    place = checked(softmax_forward, Softmax=code["Softmax"]).help.place
    assert place is not None and place.function == "Softmax.forward"
    assert [number for number, _ in place.lines] == [3]
    assert checked(cce, cce=np.dot).help.place is None
    assert checked(softmax_forward, Softmax=3).help.place is None


def test_a_worked_example_survives_what_student_code_does() -> None:
    def fails(y: Any, yhat: Any) -> Any:
        raise ValueError("<b>no</b>")

    report = checked(cce, cce=fails)
    assert report.help.example is not None
    assert {step.found for step in report.help.example.steps} == {"It raised ValueError: <b>no</b>"}
    assert "<b>no</b>" in Reader(report._repr_html_()).heard
    blank = checked(train, train=written("def train(*a):\n    return None")["train"])
    assert blank.help.example is not None and not any(step.agrees for step in blank.help.example.steps)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return np.zeros(3)", "The gradient has the wrong shape. Found shape (3,), expected shape (3, 2)."),
        ("-y / yhat", "The gradient is missing. Found None, expected numbers."),
    ],
)
def test_a_worked_example_says_what_came_in_place_of_a_matrix(body: str, found: str) -> None:
    code = written(f"def cce_gradient(y, yhat):\n    {body}")
    report = checked(cce_gradient, cce_gradient=code["cce_gradient"])
    assert report.help.example is not None
    assert {step.found for step in report.help.example.steps} == {found}


@pytest.mark.filterwarnings("error")
def test_a_worked_example_shows_numbers_that_cannot_be_rounded() -> None:
    """np.nan_to_num makes such numbers of infinities."""
    report = checked(cce_gradient, cce_gradient=lambda y, yhat: np.nan_to_num(np.divide(-1, y * yhat)))
    assert any("1.7977e+308" in step.found for step in report.help.example.steps)


def test_a_corrected_mistake_is_told_once_with_a_question_to_answer_for_oneself() -> None:
    own = Check(cce, softmax_classifier.__name__)
    mistake = own(summed()).help.mistake
    assert mistake
    corrected = own(ANSWER_KEY.right["cce"])
    assert isinstance(corrected, Report)
    assert f"You have corrected this mistake: {mistake.name}." in " ".join(str(corrected).split())
    html = corrected._repr_html_()
    assert re.findall(r"<summary[^>]*>(.*?)</summary>", html) == [WHY]
    assert mistake.hint in html and mistake.hint not in html.partition("<details")[0]
    again = own(ANSWER_KEY.right["cce"])
    assert "You have corrected" not in str(again)


def test_what_is_still_wrong_in_another_way_is_not_called_corrected() -> None:
    own = Check(cce, softmax_classifier.__name__)
    own(summed())
    assert "corrected" not in str(own(lambda y, yhat: 0.0))
    assert "corrected" in str(own(ANSWER_KEY.right["cce"]))
    assert "corrected" not in str(Check(cce)(ANSWER_KEY.right["cce"]))


@parts
def test_the_inputs_of_a_check_can_be_taken_into_the_notebook(part: Part) -> None:
    inputs = check.example(part.id)
    assert inputs.keys() == check.example(part.name).keys() == part.desk_inputs().keys()
    for name, array in inputs.items():
        assert np.array_equal(array, part.desk_inputs()[name])
        assert f"[{name!r}], shape {array.shape}" in repr(inputs)
    assert max(map(len, repr(inputs).splitlines())) <= 83


def test_the_number_that_a_check_found_comes_out_of_its_inputs() -> None:
    assert check.cce.example()["y_batch"].shape == (4, 7)
    assert f"Found {loss_of_the_check():.5g}, expected" in str(checked(cce, cce=summed()))


def test_a_check_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match=r"There is no check called 'mse'. There are: cce, cce_gradient"):
        check.mse(None)
    with pytest.raises(AttributeError, match="delete it, and run the first cell"):
        check.relu_forward(None)  # of another notebook, whose cells a student may paste
    with pytest.raises(ValueError, match=r"There is no check called 'check-mse'. There are: cce, cce_gradient"):
        check.example("check-mse")


def test_help_is_only_for_what_is_wrong() -> None:
    report = checked(softmax_backward, Softmax=mistaken_forward())
    assert set(states(report).values()) == {"right"}  # backward is tested apart from forward
    assert report.help is None
    assert checked(cce_gradient, cce_gradient=lambda y, p: y / p).help.mistake


def mistaken_forward() -> object:
    mistake = next(each for each in ANSWER_KEY.mistakes if each.name == "The whole matrix sums to 1")
    assert not mistaken(softmax_forward, mistake).right
    return mistake.code["Softmax"]
