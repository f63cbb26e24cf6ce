"""After an exception, the hint answers the exception: real code that raises, and what is said of it."""

import re
from typing import Any

import numpy as np
import pytest

from lib.checking.error_hints import RULES, SMALL, SPELLING, hint_for
from lib.checking.student_code import Failure, run_student_code
from lib.unit import ErrorHint
from tests.checking.desk import checked
from tests.variants import written

SAID = {
    "np.max(yhat, 1e-7)": "np.maximum(a, b) compares entry by entry",
    "np.min(yhat, 0.5)": "np.maximum(a, b) compares entry by entry",
    "y.T()": ".T is not a function",
    "y.shape(1)": "Write y.shape[1] with square brackets",
    "y.shape[1](2)": "shape, size and ndim are not functions",
    "y(0)": "Write * to multiply",
    "np.sum[y]": "Call a function with round brackets",
    "np.einsum('ij,ij=>j', y, yhat)": "Write the arrow as ->",
    "np.einsum('ij,ij>j', y, yhat)": "Write the arrow as ->",
    "np.einsum('ij,ij→j', y, yhat)": "with plain letters, commas and ->",
    "np.einsum('ij，ij->j', y, yhat)": "with plain letters, commas and ->",
    "np.einsum('ij,ij-j', y, yhat)": "Write the subscripts as letters, commas and one arrow",
    "np.einsum('ijk,jk->ik', y, yhat)": "Array number 0, counted from 0, has fewer axes than letters",
    "np.einsum('i,ij->j', y, yhat)": "An array needs one letter for each of its axes",
    "np.einsum('ij,jk->ik', y, yhat)": "One letter stands for axes of different lengths",
    "np.einsum('ij,ij->k', y, yhat)": "k does not",
    "np.einsum('ij,ij,ij->j', y, yhat)": "a comma divides two groups",
    "yhat / yhat.sum(axis=1)": "unless it is told keepdims=True",
    "y * np.ones(5)": "Print both shapes just before this line",
    "np.dot(y, yhat)": "gets (3,2) and (3,2)",
    "y @ yhat": "gets 2 and 3",
    "yhat.sum(axis=2)": "It has 2 axes, counted from 0, so axis 2 is none of them",
    "yhat[0, 1, 2]": "It has 2 axes, and the brackets hold 3 indices",
    "yhat[3]": "Axis 0 has 3 entries, counted from 0, so none is number 3",
    "yhat[:, :1][:, 1]": "Axis 1 has one entry, number 0, so none is number 1.",
    "yhat[y.argmax(axis=1), np.arange(2)]": "each array in the square brackets: they need the same length",
    "yhat[0.5]": "an index is a whole number",
    "max(yhat, 1e-7)": "Work entry by entry, with np.maximum",
    "math.log(yhat)": "Use NumPy's function, such as np.log",
    "float(yhat)": "one number is needed in its place",
    "np.zeros(3, 4)": "as in np.zeros((3, 4))",
    "np.vstack(y, yhat)": "as in np.vstack([a, b])",
    "np.vstack([y, np.ones((1, 5))])": "they need as many columns",
    "np.sum(y, axes=0)": "Check the spelling of axes",
    "y.sum(keepdim=True)": "NumPy's sums take axis and keepdims",
    "np.Log(y)": "Check the spelling of np.Log",
    "y.log()": "Write np.log(…) with the array inside the brackets",
    "y.Shape": "Check the spelling of Shape behind the dot",
    "None * y": "one of them is None",
    "print(y).sum()": "one of them is None",
    "output * y": "Check the spelling of the name",
    "input * y": "Use the parameter's own name",
    "log(y)": "Write np.log",
    "[1, 2][2]": "A list of n entries has the indices 0 to n - 1",
    "[a for a, b in [(1, 2, 3)]]": "another number of entries than there are names",
    "y.shape[2]": "it has one number for each axis",
    "[i for i in 5]": "Write range(…) to count",
    "len(5)": "one number has no entries to count",
    "y[:, [[0, 1], [0]]]": "not a list of indices",
    "yhat^-1": "Write ** for a power",
    "2^0.5": "Write ** for a power",
    "loose * y": "Check the spelling of the name, and run the cell",
    "'1' + y": "one of them is not a number",
    "1 / 0": "it is 0",
    "f()": "nothing is given for 'a'",
    "f(1, 2)": "in the line with def: 2 values are given",
    "int('x')": SMALL,
}


def failure(source: str) -> Failure:
    code = written(f"import math\ndef f(a):\n    return a\n{source}")
    ran = run_student_code(lambda: code["cce"](np.eye(3)[:, :2], np.full((3, 2), 1 / 3)))
    assert isinstance(ran, Failure)
    return ran


@pytest.mark.parametrize("expression", SAID)
def test_the_hint_answers_the_exception(expression: str) -> None:
    assert SAID[expression] in hint_for(failure(f"def cce(y, yhat):\n    return {expression}"))


def test_a_name_that_is_used_before_it_has_a_value() -> None:
    found = failure("def cce(y, yhat):\n    for b in range(2):\n        loss += 1\n    return loss")
    assert hint_for(found).startswith("Give loss a value before this line")


def test_an_array_of_integers_that_is_divided_in_place() -> None:
    found = failure("def cce(y, yhat):\n    y = y.astype(int)\n    y /= 2\n    return y")
    assert "an array of integers can't hold the result" in hint_for(found)


def test_each_rule_is_for_exceptions_and_its_hint_is_a_sentence() -> None:
    for rule in RULES:
        re.compile(rule.error)
        re.compile(rule.code)
        assert rule.hint.endswith(".") and len(rule.hint) < 240


def test_an_open_blank_and_a_value_have_no_hint_of_their_own_and_time_has() -> None:
    assert hint_for(Failure("blank", "Blank 1.")) == ""
    assert hint_for(Failure("value", "The loss is missing.")) == ""
    assert hint_for(Failure("value", "The loss is not a number. Found str, expected a number.")) == ""
    assert "it is 0" in hint_for(Failure("value", "Nothing is left. Found ZeroDivisionError: division by zero."))
    assert "a loop that never ends" in hint_for(Failure("time", "It was still running after 3 seconds."))


@pytest.mark.parametrize("part", ["cce", "train"])
def test_a_check_shows_it_under_its_first_help(part: str) -> None:
    from lib.units.softmax_classifier import UNIT

    code: dict[str, Any] = written(f"def {part}(*given):\n    return np.sum(given[0], axes=0)")
    report = str(checked(next(each for each in UNIT.parts if each.name == part), **{part: code[part]}))
    found, _, help = report.partition("----")
    assert "got an unexpected keyword argument 'axes'" in found
    assert "Try: Check the spelling of axes" in help


def test_an_object_in_the_place_of_its_class_is_told_so() -> None:
    """The error is the check's own call, so there is no line of the student's."""
    failure = run_student_code(written("class Softmax: ...\nSoftmax = Softmax()")["Softmax"])
    assert isinstance(failure, Failure)
    assert hint_for(failure).startswith("The name that the check is given holds a value of type Softmax.")


def test_what_a_part_brings_along_comes_first() -> None:
    own = ErrorHint(r"NameError: name '(\w+)'", r"Name it otherwise than \1.", code=r"\*", function="^cce$")
    assert hint_for(failure("def cce(y, yhat):\n    return loose * y"), (own,)) == "Name it otherwise than loose."
    assert hint_for(failure("def cce(y, yhat):\n    return loose + y"), (own,)) == SPELLING
