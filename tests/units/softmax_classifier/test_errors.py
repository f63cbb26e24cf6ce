"""Errors whose words leave no doubt: the check says what the mistake is, beside the error and the student's line."""

import numpy as np
import pytest

from lib.checking.error_hints import hint_for
from lib.checking.student_code import Failure, run_student_code
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.errors import IN_LAYERS
from tests.checking.desk import checked
from tests.grading.judge.test_judge import judged, part_of
from tests.units.softmax_classifier.loops import loop
from tests.variants import written

CCE = "def cce(y, yhat):\n    return {}"
SOFTMAX = """
class Softmax:
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / e.sum(axis=0)
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        T = {}
        return np.einsum('kmi,mi->ki', T, output_gradient)
"""
SINGLE = SOFTMAX.replace("T = {}", "J = {}").replace(
    "np.einsum('kmi,mi->ki', T, output_gradient)", "np.dot(J, output_gradient)"
)
DENSE = """
class Dense:
    def __init__(self, input_size, output_size):
        self.weights = np.zeros((output_size, input_size + 1))
    def forward(self, input):
        self.input = np.vstack([input, np.ones((1, input.shape[1]))])
        self.output = np.dot(self.weights, self.input)
    def backward(self, output_gradient, learning_rate):
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * {}
        return input_gradient
"""
CCE_OF_INPUT = CCE.replace("yhat", "input")
NO_SELF = SOFTMAX.replace("backward(self, output_gradient", "backward(output_gradient")
BIAS = DENSE.replace("self.weights = self.weights - learning_rate * {}", "{}")
UNSUMMED = "The bias gets the gradients of all samples, without a sum."
SAID = {
    "np.max for np.maximum": (
        CCE,
        "-np.sum(y * np.log(np.max(yhat, 1e-7)))",
        "A float stands where NumPy expects an axis.",
    ),
    "np.max, and 0 first": (
        CCE,
        "-np.sum(y * np.log(np.max(0, yhat)))",
        "An array stands where NumPy expects an axis.",
    ),
    "a column that is not there": (
        CCE,
        "-sum(np.dot(y[:, i], np.log(yhat[:, i])) for i in range(len(y))) / len(y)",
        "An index goes past the last column.",
    ),
    "a comparison with a minus": (
        CCE,
        "-np.sum(-(y == 1) * np.log(yhat)) / y.shape[1]",
        "A minus sign is used with True and False.",
    ),
    "no call": (CCE, "-np.sum(y * np.log(yhat)) / cce", "A function is used in arithmetic, and it is not called."),
    "a method without a call": (
        CCE,
        "-(y * np.log(yhat)).sum / y.shape[1]",
        "A method of an array is used, and it is not called.",
    ),
    "a method without a call beside a parameter": (
        CCE_OF_INPUT,
        "-np.sum(y * np.log(input)) / input.sum",
        "A method of an array is used, and it is not called.",
    ),
    "no np.": (CCE, "-np.mean(np.diag(y.T @ log(yhat)))", "A function of NumPy is used without np. before it."),
    "a call of .T": (CCE, "-np.mean(np.diag(y.T() @ np.log(yhat)))", "An array is called like a function."),
    "a question": (
        CCE,
        "(None for _ in ()).throw(EOFError('EOF when reading a line'))",
        "The code waits for somebody to type.",
    ),
    "a missing *": (CCE, "-np.sum(y(np.log(yhat)))", "An array is called like a function."),
    "a dot product": (CCE, "-np.dot(y, np.log(yhat))", "np.dot gets two arrays of the same shape."),
    "one matrix": (SINGLE, "np.diagflat(a) - np.dot(a, a.T)", "The code makes one matrix of all samples together."),
    "no self": (SOFTMAX, "np.eye(len(a))[:, :, None] * output", "A name of the layer is used without self. before it."),
    "no samples in T": (SOFTMAX, "a * (1 - a)", "T has the wrong shape."),
    "T of all samples": (SOFTMAX, "np.diagflat(a) - np.outer(a, a)", "T has the wrong shape."),
    "a builtin": (DENSE, "np.dot(output_gradient, input.T)", "A name of the layer is used without self. before it."),
    "a bias in place": (BIAS, "self.weights[:, -1] -= learning_rate * output_gradient", UNSUMMED),
    "a bias": (BIAS, "self.weights[:, -1] = self.weights[:, -1] - learning_rate * output_gradient", UNSUMMED),
    "a column of biases": (BIAS, "self.weights[:, -1:] -= learning_rate * output_gradient", UNSUMMED),
    "no self in the first line": (
        NO_SELF,
        "0",
        "The method has no parameter self.",
    ),
    "no weights": (DENSE, "(output_gradient @ weights)", "A name of the layer is used without self. before it."),
}
PARTS = {
    CCE: "check-cce",
    CCE_OF_INPUT: "check-cce",
    SOFTMAX: "check-softmax-backward",
    NO_SELF: "check-softmax-backward",
    SINGLE: "check-softmax-backward",
    DENSE: "check-dense-backward",
    BIAS: "check-dense-backward",
}


@pytest.mark.parametrize("name", SAID)
def test_the_mistake_is_said_at_the_desk_and_at_grading(name: str) -> None:
    source, blank, said = SAID[name]
    part = part_of(PARTS[source])
    code = {key: value for key, value in written(source.format(blank)).items() if key in ANSWER_KEY.right}
    report = " ".join(str(checked(part, **code)).split())
    assert said in report
    assert "Try: " in report
    assert said in " ".join(statement.why for statement in judged(part, code).statements)


LOOP_SAID = {
    ("X[:, batch])", "X[batch])"): "Rows of X are taken, not columns.",
    ("in batch_indices", "in range(len(batch_indices))"): "batch is one number, not a list of column numbers.",
    ("grad, learning_rate)", "grad)"): "Dense.backward is called without learning_rate.",
    ("cce(y[:, batch], softmax.output)", "cce(softmax.output)"): "cce is called without yhat.",
    ("Softmax()", "Softmax(num_labels)"): "Softmax is called with too many arguments.",
    ("Softmax()", "Softmax"): "forward of Softmax is called without its argument, or on the class Softmax",
    ("(num_samples, batch_size)", "(X, batch_size)"): "generate_batch_indices gets an array",
    ("in range(nepochs)", "in nepochs"): "The loop runs over nepochs, which is one number.",
    ("* cce(y[:, batch], softmax.output)", "* cce(y[:, batch], softmax)"): "The prediction given to cce is a layer",
    ("softmax.forward(dlayer.output)", "softmax.forward(dlayer)"): "The input of softmax.forward is a layer",
    (
        "cce_gradient(y[:, batch], softmax.output)",
        "cce_gradient",
    ): "The gradient given to softmax.backward is a function",
}


def test_a_column_of_the_weights_is_not_said_to_be_a_sample() -> None:
    code = written(BIAS.format("[self.weights[:, j].sum() for j in range(99)]"))
    report = " ".join(str(checked(part_of("check-dense-backward"), Dense=code["Dense"])).split())
    assert "An index goes past the last column." in report
    assert "Try: M.shape[1] counts the columns of an array M. M.shape[0] and len(M) count its rows." in report


@pytest.mark.parametrize("change", LOOP_SAID, ids=lambda change: change[1])
def test_an_error_of_a_loop_says_the_mistake(change: tuple[str, str]) -> None:
    code = {"train": written(loop(change))["train"]}
    part = part_of("check-train")
    assert LOOP_SAID[change] in " ".join(str(checked(part, **code)).split())
    assert LOOP_SAID[change] in " ".join(statement.why for statement in judged(part, code).statements)


def test_a_column_that_is_subtracted_from_the_bias_is_not_taken_for_all_samples() -> None:
    code = written(BIAS.format("self.weights[:, -1] -= learning_rate * output_gradient.sum(axis=1, keepdims=True)"))
    report = str(checked(part_of(PARTS[BIAS]), Dense=code["Dense"]))
    assert "could not be broadcast" in report or "non-broadcastable" in report
    assert UNSUMMED not in report


@pytest.mark.parametrize(
    "scores",
    [
        "self.weights[:, -1] + np.dot(self.weights, self.input)",
        "np.dot(self.weights, self.input); self.output += self.weights[:, -1]",
    ],
)
def test_a_bias_that_forward_adds_is_not_taken_for_one_that_is_updated(scores: str) -> None:
    right = "np.dot(self.weights, self.input)"
    code = written(DENSE.replace(right, scores).format("np.dot(output_gradient, self.input.T)"))
    report = str(checked(part_of(PARTS[DENSE]), Dense=code["Dense"]))
    assert "could not be broadcast" in report
    assert UNSUMMED not in report


@pytest.mark.parametrize("factor", ["input.T", "input > 0", "2 * input", "input - 1"])
def test_jupyters_input_is_known_as_well_as_pythons(monkeypatch: pytest.MonkeyPatch, factor: str) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt="": "")
    code = written(DENSE.format(f"np.dot(output_gradient, {factor})"))
    assert "used without self. before it." in str(checked(part_of(PARTS[DENSE]), Dense=code["Dense"]))


def test_the_axes_of_T_may_be_in_any_order() -> None:
    layout = SOFTMAX.replace("'kmi,mi->ki'", "'ikm,mi->ki'")
    code = written(layout.format("np.array([np.diag(c) - np.outer(c, c) for c in a.T])"))
    assert checked(part_of(PARTS[SOFTMAX]), Softmax=code["Softmax"]).right


def test_other_errors_of_a_line_with_a_right_T_are_shown_as_they_are() -> None:
    layout = SOFTMAX.replace("'kmi,mi->ki'", "'kmi,mi'")
    code = written(layout.format("np.einsum('kmi->km', np.zeros(2))"))
    report = str(checked(part_of(PARTS[SOFTMAX]), Softmax=code["Softmax"]))
    assert "It raised ValueError" in report
    assert "T has the wrong shape" not in report


def test_an_output_without_self_is_told_so() -> None:
    code = written(SOFTMAX.replace("self.output = e", "output = e").format("0"))
    report = str(checked(part_of("check-softmax-forward"), Softmax=code["Softmax"]))
    assert "self.output is missing." in report
    assert "Assign the result to self.output" in report


@pytest.mark.parametrize(
    ("expression", "in_forward", "elsewhere"),
    [
        ("input * x", "Write self.input", "Use the parameter's own name"),
        ("np.exp(input)", "Write self.input", "Use the parameter's own name"),
        ("self.outputs * x", "A layer stores its arrays as self.input", "nothing of that name has been stored there"),
        ("self.output * x", "until its forward sets them", "A function without return gives None"),
        ("np.Log(x)", "Check the spelling of np.Log", "Check the spelling of np.Log"),
        ("x.Shape", "Check the spelling of Shape", "Check the spelling of Shape"),
        ("self.output(x)", "Write * to multiply", "Write * to multiply"),
    ],
)
def test_what_a_layer_keeps_is_spoken_of_in_a_layer_alone(expression: str, in_forward: str, elsewhere: str) -> None:
    for method, said in (("forward", in_forward), ("step", elsewhere)):
        source = f"class Thing:\n    output = None\n    def {method}(self, x):\n        return {expression}"
        code = written(source)
        ran = run_student_code(lambda code=code, method=method: getattr(code["Thing"](), method)(np.ones(2)))
        assert isinstance(ran, Failure)
        assert said in hint_for(ran, IN_LAYERS)
        assert method == "forward" or "layer" not in hint_for(ran, IN_LAYERS)


@pytest.mark.parametrize(
    ("right", "wrong", "said", "to_try"),
    [
        ("(self.weights, self.input)", "(weights, self.input)", "without self. before it.", "Write self. before"),
        ("self.output = np", "self.output = output * np", "without self. before it.", "Write self. before"),
        ("forward(self, input)", "forward(self, x)", "without self. before it.", "Write self. before"),
        ("forward(self, input)", "forward(input)", "self is missing.", "Write self as the first parameter"),
    ],
)
def test_an_error_in_the_forward_of_a_dense_layer_is_explained_as_in_backward(
    right: str, wrong: str, said: str, to_try: str
) -> None:
    code = written(DENSE.replace(right, wrong).format("np.dot(output_gradient, self.input.T)"))
    report = " ".join(str(checked(part_of(PARTS[DENSE]), Dense=code["Dense"])).split())
    assert said in report and to_try in report


def test_each_hint_for_layers_is_a_sentence() -> None:
    assert all(rule.hint.endswith(".") and len(rule.hint) < 240 for rule in IN_LAYERS)


def test_checks_of_layers_give_the_hints_for_layers() -> None:
    code = written(DENSE.format("self.outputs"))
    assert "Try: Check the name after the dot. A layer stores" in " ".join(
        str(checked(part_of(PARTS[DENSE]), Dense=code["Dense"])).split()
    )


@pytest.mark.parametrize("parameters", ["(self, output_gradient)", "(self)"])
def test_a_backward_without_a_learning_rate_is_not_said_to_lack_self(parameters: str) -> None:
    code = DENSE.replace("(self, output_gradient, learning_rate)", parameters).replace("learning_rate * {}", "0")
    report = str(checked(part_of("check-dense-backward"), **written(code)))
    assert "backward takes too few arguments." in report
    assert "self is missing" not in report
