"""Errors that tell a mistake: what an exception of student code means, where its words leave no doubt.

A check shows the meaning beside the error. Other errors are shown as they are.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import NamedTuple

from lib.blanks import OpenBlank
from lib.checking.student_code import student_line
from lib.checking.values import Wrong


class Meaning(NamedTuple):
    """An error's words, as a pattern of `Type: message` and the student's line below it, and what is said instead."""

    words: str
    what: str
    hint: str


MEANINGS = (
    Meaning(
        # Python's own `input` is a builtin; in a notebook Jupyter puts a function or a method in its place.
        r"NameError: name '(?:output|weights)' is not defined|'builtin_function_or_method'"
        r"|'(?:function|method)' object .*\n.*(?<![\w.])input\b",
        "A name of the layer is used without self. before it.",
        "A layer keeps its arrays as self.input, self.output and self.weights. Write self. before the name.",
    ),
    Meaning(
        r"NameError: name '(?:np|plt)' is not defined",
        "The libraries are not loaded.",
        "Run the notebook's first cell, which imports them.",
    ),
    Meaning(
        r"NameError: name '(?:log|exp|sqrt|maximum|minimum|einsum|dot|outer|eye|diag|array|zeros|ones|mean|argmax|clip"
        r"|where|vstack)' is not defined",
        "A function of NumPy is used without np. before it.",
        "Write np. before the function's name, as in np.maximum.",
    ),
    Meaning(
        r"NameError: name '\w+' is not defined",
        "A name is used that is not defined.",
        "Compare its spelling with the names in the first line of the function.",
    ),
    Meaning(
        r"TypeError: .*(?:forward|backward)\(\) takes (\d) positional arguments? but (?!\1)\d (?:was|were) given",
        "The method takes one argument too few: self is missing.",
        "Write self as the first parameter of forward and backward.",
    ),
    Meaning(
        r"TypeError: \w+\(\) (?:takes \d positional arguments? but|missing \d required positional arguments?)",
        "A function is called with another number of arguments than it takes.",
        "Count the arguments in its first line, and in the call.",
    ),
    Meaning(
        r"TypeError: only .*arrays can be converted to Python scalars",
        "A function for one number gets an array.",
        "math.log and float take one number. np.log works entry by entry.",
    ),
    Meaning(
        r"ValueError: The truth value of an array with more than one element is ambiguous",
        "An array is compared as if it were one number.",
        "Python's max, min and if need one number. np.max, np.maximum and np.where take arrays.",
    ),
    Meaning(
        r"TypeError: 'numpy\.(?:ndarray|float64)' object is not callable",
        "An array is called like a function.",
        "Look for parentheses right behind an array: M.T has none, and a product needs a * between its factors.",
    ),
    Meaning(
        r"TypeError: 'float' object cannot be interpreted as an integer",
        "A float stands where NumPy expects an axis.",
        "np.max(M, c) and np.sum(M, c) read c as an axis. np.maximum(M, c) compares each entry with c.",
    ),
    Meaning(
        r"ValueError: shapes (\(\d+,\d+\)) and \1 not aligned",
        "np.dot gets two arrays of the same shape.",
        "np.dot is the matrix product. The product entry by entry is written with *.",
    ),
    Meaning(
        r"TypeError: can't multiply sequence by non-int|TypeError: unsupported operand type\(s\) for [-+*/]+: 'list'",
        "A list is used in arithmetic.",
        "A list is not an array: np.array(...) makes one of it.",
    ),
)
ALL_IN_ONE = "The code makes one matrix of all samples together."


class explained:  # noqa: N801  # a context manager reads as a word
    """Raise `Wrong` with an error's meaning in place of the error, where the meaning is known.

    `classes` and `batch` are the sizes of the arrays that the code got: their product in an error about shapes shows
    that the code treats a batch as one sample.
    """

    def __init__(self, classes: int, batch: int) -> None:
        self.all = classes * batch if batch > 1 else 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not isinstance(error, Exception) or isinstance(error, Wrong | OpenBlank):
            return
        words, line = _words_of(error), student_line(error)
        for meaning in MEANINGS:
            if re.search(meaning.words, f"{words}\n{line}"):
                raise Wrong(meaning.what, where=line, found=words, hint=meaning.hint) from error
        if self.all and re.search(rf"(?:shapes|mismatch).*\b{self.all}\b", words):
            hint = "Run it on one sample, then on two. Which axis of each array counts the samples?"
            raise Wrong(ALL_IN_ONE, where=line, found=words, hint=hint) from error


def _words_of(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}".partition("\n")[0][:200]
    except Exception:
        return type(error).__name__
