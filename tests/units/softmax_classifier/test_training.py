"""Local checks of the training loop, and the spies that they use."""

import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from lib.answer_key import Mistake
from lib.blanks import OpenBlank
from lib.checking.render import Report
from lib.checking.student_code import student_line
from lib.units.softmax_classifier import train
from lib.units.softmax_classifier.loop.hints import DRAWN, HINTS
from lib.units.softmax_classifier.loop.recordings import Placeholder
from lib.units.softmax_classifier.loop.spies import DataArray, record_calls
from tests.checking.desk import assert_it_says_what_is_wrong, checked, mistaken, mistakes_of, said, states
from tests.grading.judge.test_judge import judged
from tests.units.softmax_classifier.loops import DENSE, EACH, RIGHT, UPDATE, WRONG, loop
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


@mistakes_of(train)
def test_the_check_names_what_it_can_tell_from_the_steps(mistake: Mistake) -> None:
    """In the words of the catalogue; the desk's fingerprints name the others."""
    if mistake.name in HINTS:
        report = mistaken(train, mistake)
        [wrong] = [found.statement.name for found in report.findings if found.state == "wrong"]
        sentence = SENTENCES.get(mistake.name, f"{mistake.name}.")
        assert said(report, wrong).startswith(sentence)
        assert mistake.hint in said(report, wrong)


SENTENCES = {
    "1/B uses batch_size, also for the short last batch": "1/B uses batch_size, but this batch is shorter.",
    "The weights move in the direction of the gradient, not against it": "The weights move the wrong way",
}


@pytest.mark.parametrize(
    ("mistake", "statement", "sentence"),
    [
        ("1/B is missing", "GradientFlowsBack", "Where: epoch 1, batch 1, dlayer.backward"),
        ("1/B uses batch_size, also for the short last batch", "GradientFlowsBack", "epoch 1, batch 3"),
        ("The gradient skips softmax.backward", "GradientFlowsBack", "softmax.backward was not called."),
        ("The learning rate is always 0.01", "GradientFlowsBack", "Found 0.01, expected 0."),
        ("The samples always come from the first columns of X", "EveryBatch", "Found columns 0, 1, 2, 3, 4 of X"),
        ("The short last batch is left out", "EveryBatch", "Found 14 steps, expected 21: 7 epochs of 3 batches"),
        ("There is one epoch too many", "EveryBatch", "Found 8 calls of generate_batch_indices, expected 7"),
        ("The sizes of the dense layer are swapped", "EveryBatch", "Found Dense(14, 8), expected Dense(8, 14)"),
        ("The loss gets the labels of the first columns", "LabelsWithSamples", "the labels of samples 0, 1, 2, 3, 4"),
        ("The loss is not reset between epochs", "EpochLoss", "Where: epoch 2"),
        ("A loss is stored for each batch, not for each epoch", "EpochLoss", "Found 21 losses, expected 7"),
    ],
)
def test_it_says_where_to_look(mistake: str, statement: str, sentence: str) -> None:
    report = mistaken(train, mistake)
    assert sentence in said(report, statement)
    assert states(report)[statement] == "wrong"


@pytest.mark.parametrize("rate", ["int(learning_rate)", "1e-5", "0.00012", "0.011", "learning_rate / 2000"])
def test_a_small_rate_is_not_taken_for_another(rate: str) -> None:
    report = checked(train, train=written(loop((UPDATE, UPDATE.replace("learning_rate", rate))))["train"])
    assert "did not get the learning rate that train is given" in said(report, "GradientFlowsBack")
    assert report.help is not None and report.help.mistake is None


def names_told(report: Report) -> set[str]:
    """The names of the catalogue that a report's sentences tell."""
    text = " ".join(said(report, found.statement.name) for found in report.findings)
    return {name for name in HINTS if f"{name}." in text}


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_in_odd_clothes_is_right(name: str) -> None:
    report = checked(train, train=written(RIGHT[name])["train"])
    assert report.right, str(report)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_loop_loses_one_statement(name: str) -> None:
    report = checked(train, train=written(WRONG[name].source)["train"])
    assert {of for of, state in states(report).items() if state != "right"} == {WRONG[name].breaks}, str(report)
    assert len(names_told(report)) <= 1 or name.startswith("no 1/B, and")


def test_a_loop_is_told_what_became_of_two_mistakes_in_one_expression() -> None:
    report = checked(train, train=written(WRONG["no 1/B, and the rate twice"].source)["train"])
    assert "1/B is missing. The learning rate is applied twice." in said(report, "GradientFlowsBack")


def test_1_over_B_in_the_number_of_entries_is_not_said_to_be_applied_twice() -> None:
    report = checked(train, train=written(WRONG["the number of entries"].source)["train"])
    words = said(report, "GradientFlowsBack")
    assert "The step is divided by the number of classes, as well as by B." in words
    assert "twice" not in words


def test_nan_is_said_of_the_loops_own_and_not_of_what_a_test_layer_cannot_multiply() -> None:
    for name, is_nan in (("a gradient of nan", True), ("the mean of the gradient", False)):
        verdict = judged(train, {"train": written(WRONG[name].source)["train"]})
        (lost,) = (each for each in verdict.statements if each.state != "right")
        assert ("nan" in lost.why + lost.hint) == is_nan


def test_what_fits_two_mistakes_is_called_neither() -> None:
    """Two epochs: a fixed number, or a loop that stopped early."""
    for name in ("two epochs", "a stop at a small loss"):
        report = checked(train, train=written(WRONG[name].source)["train"])
        assert names_told(report) == {"The loop stops before nepochs epochs are over"}


def test_features_that_differ_a_little_are_no_mistake_in_the_number_of_epochs() -> None:
    report = checked(train, train=written(WRONG["X in half precision"].source)["train"])
    assert names_told(report) == set()


TOLD = {
    "a shuffle of one's own, once": "All epochs use the same batches",
    "a shuffle of one's own, in equal parts": "The batches have another size than batch_size",
    "softmax before the dense layer": "softmax.forward runs before dlayer.forward",
    "no softmax.forward": "softmax.forward is not called",
    "no dlayer.forward": "dlayer.forward is not called",
    "X shuffled alone in each epoch": "The columns of X are in another order than those of y",
    "X standardised in each epoch": "X is moved or scaled inside train",
    "X between 0 and 1": "X is moved or scaled inside train",
    "most of the samples": "Only a part of the samples is used",
    "rows of y": "The labels are rows of y, not columns",
    "a rate that warms up": "The learning rate changes during training",
    "the number of batches": "The step is divided by the number of batches",
    "no entry in the list": "No loss is added to the list",
    "the loss so far": "softmax.backward gets the loss, not its gradient",
}


@pytest.mark.parametrize("name", TOLD)
def test_a_loop_is_told_its_mistake(name: str) -> None:
    assert names_told(checked(train, train=written(WRONG[name].source)["train"])) == {TOLD[name]}


def test_losses_that_are_none_are_told_what_they_are() -> None:
    for name, sentence in {
        "losses first": "train returns a layer last.\nFound Softmax, expected the list of losses",
        "losses as text": "Found list of text, expected a NumPy array of numbers",
    }.items():
        assert sentence in said(checked(train, train=written(WRONG[name].source)["train"]), "EpochLoss")


def test_of_more_steps_than_are_looked_at_the_number_of_epochs_is_not_told() -> None:
    report = checked(train, train=written(WRONG["one sample at a time"].source)["train"])
    assert "Found at least 48 steps, expected 21" in said(report, "EveryBatch")
    assert "generate_batch_indices" not in said(report, "EveryBatch")


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


def test_samples_that_come_twice_are_not_said_to_be_drawn_where_none_is_left_out() -> None:
    filled_up = "        batch_indices = [np.resize(batch, batch_size) for batch in batch_indices]\n"
    report = checked(train, train=written(loop((EACH, filled_up + EACH)))["train"])
    assert states(report)["EveryBatch"] == "wrong"
    assert DRAWN not in str(report)


def test_a_dense_layer_of_the_notebooks_is_said_to_have_the_sizes_it_was_made_with() -> None:
    code = written("dlayer = Dense(5, 3)\n" + loop((DENSE, "")))
    report = checked(train, train=code["train"])
    assert states(report) == dict.fromkeys(states(report), "right") | {"EveryBatch": "wrong"}
    assert "Found Dense(5, 3), expected Dense(8, 14)" in said(report, "EveryBatch")


def test_functions_beside_the_loop_call_the_spies_too() -> None:
    assert checked(train, train=written(SPLIT)["train"]).right


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


def test_a_step_is_a_forward_pass_with_an_update() -> None:
    code = written(LOOP.replace("losses.append(loss)", "losses.append(loss); dense.forward(X)"))
    first, second = record_calls(code["train"], train.desk_inputs())
    assert [step.features.shape for step in first.steps] == [(8, 5), (8, 5), (8, 3)] * 7
    batches = [batch for epoch in range(second.call.epochs) for batch in second.call.batches(epoch)]
    assert [step.features.shape for step in second.steps] == [(8, len(batch)) for batch in batches]
    assert (len(first.passes), first.shuffles) == (4 * 7, 7)


class TestSpies:
    """Spies are like what a student has."""

    def test_a_loss_is_a_number_of_numpy(self) -> None:
        used = "one = cce(y, y); assert type(one) is np.float64 and one.item() == one and one.shape == ()"
        record_calls(
            written(LOOP.replace("losses.append(loss)", f"losses.append(loss); {used}"))["train"], train.desk_inputs()
        )

    def test_layers_have_the_students_other_methods_and_attributes(self) -> None:
        layer = """
            class Dense(Dense):
                kind = 'dense'
                def __init__(self, inputs, outputs):
                    super().__init__(inputs, outputs)
                    self.made = (inputs, outputs)
                def _add_bias_node(self, X):
                    return np.vstack([X, np.ones((1, X.shape[1]))])
                __call__ = Dense.forward
        """
        used = "assert dense.kind == 'dense' and dense.made == (X.shape[0], y.shape[0])"
        used += "; assert dense._add_bias_node(X).shape == dense(X).shape[:0] + (len(X) + 1, X.shape[1])"
        used += "; assert dense.weights.shape == (len(y), len(X) + 1) and isinstance(dense, Dense)"
        source = f"{textwrap.dedent(layer)}\n{LOOP.replace('losses.append(loss)', f'losses.append(loss); {used}')}"
        report = checked(train, train=written(source)["train"])
        assert report.right, str(report)

    def test_the_same_input_gives_the_same_output_until_the_weights_change(self) -> None:
        used = "one = dense.forward(X); assert np.array_equal(one, dense.forward(X))"
        used += "; old = dense.weights; dense.backward(one, 0.1); assert not np.array_equal(one, dense.forward(X))"
        used += "; assert not np.array_equal(old, dense.weights)"
        record_calls(
            written(LOOP.replace("losses.append(loss)", f"losses.append(loss); {used}"))["train"], train.desk_inputs()
        )

    def test_draws_of_the_loop_are_the_same_each_time(self) -> None:
        state = np.random.get_state()[1].tolist()
        reports = [str(checked(train, train=written(WRONG["samples drawn with replacement"].source)["train"]))] * 2
        assert reports[0] == reports[1]
        assert np.random.get_state()[1].tolist() == state


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
