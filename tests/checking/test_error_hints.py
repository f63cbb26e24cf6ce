"""After an error, what is said answers it: real code that raises, and what the table says of it."""

from typing import Any

import numpy as np

from lib.checking.error_hints import explain, hint_for
from lib.checking.student_code import Failure, run_student_code
from tests.variants import written

IN_CCE = """
import math
layers = [3]
def f(a):
    return a
class Dense:
    def forward(self, input):
        pass
layer = Dense()
def cce(y, yhat):
    {}
"""
AXIS, CALLED = "A float stands where NumPy expects an axis. np.max(M, c)", "An array is called like a function."
INPUT = "The name input alone is a function of Python."
RATE = "backward is called without 'learning_rate'."
UNSUMMED = "The bias gets the gradients of all samples, without a sum."
SAID = {
    # Functions and values
    "np.max(yhat, 1e-7)": AXIS,
    "np.min(yhat, 0.5)": AXIS,
    "np.max(0, yhat)": "NumPy expects an axis, and gets an array.",
    "y(0)": f"{CALLED} Look for round brackets",
    "y.shape(1)": "shape is not a function. Write y.shape[1], with square brackets.",
    "y[0, 0](2)": "A number is called like a function.",
    "layer(y)": "An object of the class Dense is called like a function. Call one of its methods",
    "np.sum[y]": "Square brackets follow a function.",
    "y.sum / 2": "A method of an array is used without calling it. Write parentheses after its name: .sum is",
    "y * input.sum": INPUT,
    "2 * f": "A function is used in arithmetic without calling it.",
    "np.dot(y, input.T)": INPUT,
    "None * y": "one of them is None",
    "[i for i in layers.reverse()]": "reverse changes the list itself, and returns None.",
    # Names
    "log(y)": "A function of NumPy is used without np. before it. Write np.log.",
    "loose * y": "Nothing is called loose here. Compare its spelling",
    "B * y": "B is a letter of the formulas, not a name in the code. The number of samples is y.shape[1]",
    "G @ y": "the gradient that comes back from the next layer is output_gradient.",
    "np.eye(K)": "The number of classes is len(y)",
    "z - 1": "In the forward of softmax the scores are called input.",
    "Yhat * Y": "In the code it is yhat, in lower case.",
    "plt.plot(y)": "The libraries are not imported.",
    "train(y)": "Another cell defines train",
    "0\n    for b in range(2): loss += 1": "Give loss a value before this line",
    "y.log()": "Write np.log(…) with the array inside the brackets",
    "y.forward(3)": "The object before the dot is an array, not a layer.",
    "layer.outputs": "Check the spelling of outputs, and that an earlier line has stored something",
    "[1, 2].shape": "A list is used as an array.",
    # Arguments
    "f()": "f is called without 'a'.",
    "f(1, 2)": "Compare the call with the first line of the function. The call passes 2",
    "f(b=1)": "f has no parameter called b.",
    "np.zeros(3, 4)": "as in np.zeros((3, 4))",
    "np.vstack(y, yhat)": "as in np.vstack([a, b])",
    "[i for i in 5]": "Use range(…) to count",
    "len(5)": "which has no entries to count",
    "range(0.5)": "range gets a float",
    "max(yhat, 1e-7)": "An array is compared as if it were one number.",
    "float(yhat)": "One number is needed, but the code has an array.",
    "-(y == 1)": "A minus sign is used with True and False.",
    "[1, 2] / 2": "A list is used in arithmetic.",
    # einsum
    "np.einsum('ij,ij=>j', y, yhat)": "Write the arrow as ->",
    "np.einsum('ij,ij>j', y, yhat)": "Write the arrow as ->",
    "np.einsum('ij,ij-j', y, yhat)": "Write the subscripts as letters, commas and one arrow",
    "np.einsum('i,ij->j', y, yhat)": "An array needs one letter for each of its axes",
    "np.einsum('ij,jk->ik', y, yhat)": "One letter is used for axes of different lengths",
    "np.einsum('ij,ij→j', y, yhat)": "with plain letters, commas and ->",
    "np.einsum('ij,ij->k', y, yhat)": "Each letter on the right of the arrow must also be on the left",
    # Shapes and indices
    "yhat.sum(axis=2)": "Print each index in this line",
    "yhat[0, 1, 2]": "Print each index in this line",
    "[1, 2][2]": "the length of each list",
    "yhat / yhat.sum(axis=1)": "The sum over axis 1 leaves one number for each row: each class or feature.",
    "y.T - yhat.max(0)[:, None] * y.sum(axis=0)": "The sum over axis 0 leaves one number for each column: each sample.",
    "weights = np.ones((3, 4))\n    weights[:, -1] -= 0.1 * y": UNSUMMED,
    "weights = np.ones((3, 4))\n    weights[:, -1:] -= 0.1 * y": UNSUMMED,
    "weights = np.ones((3, 4))\n    weights[:, -1] -= y.sum(1, keepdims=True)": "Print both shapes just before this",
    "y * y.flatten()[:5]": "Print both shapes just before this line",
    "np.dot(y, np.ones((3, 5)))": "gets (3,2) and (3,5). Work out what each axis counts",
    "y @ yhat": "gets 2 and 3",
    "yhat[3]": "Axis 0 has 3 entries, counted from 0, so there is no number 3",
    "[y[:, i] for i in range(3)]": "An index goes past the last column.",
    "np.vstack([y, np.ones((1, 5))])": "they need as many columns",
    # Others
    "y.astype(int).__itruediv__(2)": "an array of integers cannot hold the result",
    "yhat^-1": "Write ** for a power",
    "2^0.5": "Write ** for a power",
    "'1' + y": "one of them is not a number",
    "1 / 0": "it is 0",
    "int('x')": "Python then shows the whole error",
}


def failure(code: str) -> Failure:
    cce: Any = written(IN_CCE.format(code if "\n" in code else f"return {code}"))["cce"]
    ran = run_student_code(lambda: cce(np.eye(3)[:, :2], np.full((3, 2), 1 / 3)))
    assert isinstance(ran, Failure), code
    return ran


WITHOUT_CODE = [
    # (what is raised, in which line, what is said); without a line where a check's call raised it
    ("EOFError: EOF when reading a line", "input()", "The code waits for keyboard input."),
    ("TypeError: 'numpy.float64' object is not callable", "", "a value of type numpy.float64 instead of"),
    ("TypeError: cce() missing 1 required positional argument: 'z'", "", "The check calls cce with other arguments"),
    ("TypeError: Dense.backward() missing 1 required positional argument: 'learning_rate'", "d.backward(g)", RATE),
    ("NameError: name 'output' is not defined", "np.eye(4) * output", "A name of the layer is used without self."),
    ("NameError: name 'self' is not defined", "a = self.output", "The method has no parameter self."),
    ("ValueError: shapes (28,28) and (4,7) not aligned: 28 (dim 1) != 4", "J @ g", "all samples together."),
    ("IndexError: index 7 is out of bounds for axis 0 with size 4", "X[batch]", "The code selects rows of X"),
]


def test_what_is_said_answers_the_error() -> None:
    raised = {failure(code): said for code, said in SAID.items()}
    at_grading = {Failure("error", each.text, each.line): said for each, said in raised.items()}  # by its line alone
    others = {Failure("error", f"It raised {text}", line): said for text, line, said in WITHOUT_CODE}
    off = []
    for each, said in [*raised.items(), *at_grading.items(), *others.items()]:
        meaning = explain(each)
        off += [] if said in " ".join(filter(None, meaning)) and hint_for(each) else [(each.text, meaning, said)]
    assert not off


def test_only_errors_and_what_never_ends_have_hints_and_a_failures_own_comes_first() -> None:
    assert not hint_for(Failure("blank", "Blank 1.")) and not hint_for(Failure("value", "The loss is missing."))
    assert "a loop that never ends" in hint_for(Failure("time", "It was still running after 3 seconds."))
    assert hint_for(Failure("error", "It raised ZeroDivisionError.", hint="Try this.")) == "Try this."
