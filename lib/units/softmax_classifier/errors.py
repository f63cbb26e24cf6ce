"""Errors that tell a mistake: what an exception of student code means, where its words leave no doubt.

A check shows the meaning beside the error. Other errors are shown as they are, and `IN_LAYERS` says what to try after
those in a layer's own methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from lib.blanks import OpenBlank
from lib.checking.student_code import student_line
from lib.checking.values import Wrong
from lib.unit import ErrorHint


class Named(Wrong):
    """Wrong, and the sentence says the mistake, not only what came of it: it is shown at grading, too."""


class Meaning(NamedTuple):
    r"""An error's words, as a pattern of `Type: message` and the student's line below it, and what is said instead.

    In `what` and `hint`, `\1` is the first group of the pattern.
    """

    words: str
    what: str
    hint: str


NOBODY_TYPES = Meaning(
    r"StdinNotImplementedError|EOFError: EOF when reading a line",
    "The code waits for somebody to type.",
    "Leave out input(), breakpoint() and pdb.set_trace(): nobody types while the code is graded.",
)
MEANINGS = (
    NOBODY_TYPES,
    Meaning(
        # Before a bare `input`: a line may have both, and then the method is what the error is about.
        r"TypeError: .*'(?:builtin_function_or_method|method)'.*\n"
        r".*\.(?:sum|mean|max|min|std|dot|copy|transpose|argmax|argmin)\b(?!\s*\()",
        "A method of an array is used, and it is not called.",
        "Write parentheses behind its name: .sum is the method, and .sum() is the sum.",
    ),
    Meaning(
        # Python's own `input` is a builtin; in a notebook Jupyter puts a function or a method in its place.
        r"NameError: name '(?:output|weights|layers)' is not defined"
        r"|(?:'builtin_function_or_method'|'(?:function|method)' (?:object|and)\b|and '(?:function|method)').*\n"
        r".*(?<![\w.])input\b",
        "A name of the layer is used without self. before it.",
        "A layer keeps what it needs as self.input, self.output, self.weights or self.layers. Write self. before the"
        " name.",
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
        r"NameError: name 'self' is not defined",
        "The method has no parameter self.",
        "Write self as the first parameter of forward and backward.",
    ),
    Meaning(
        r"NameError: name '\w+' is not defined",
        "A name is used that is not defined.",
        "Compare its spelling with the names in the first line of the function.",
    ),
    Meaning(
        # With self or without it: which one is missing can't be told from the words.
        r"TypeError: .*backward\(\) takes (?:1 positional argument|2 positional arguments) but 3 were given",
        "backward takes too few arguments.",
        "Write self, output_gradient and learning_rate as its parameters, in this order.",
    ),
    Meaning(
        r"TypeError: .*(?:forward|backward)\(\) takes (?:from \d to )?(\d) positional arguments? but (?!\1)\d"
        r" (?:was|were) given",
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
        # Where the line is not known, as in the catalogue's own code, nothing else is likely.
        r"TypeError: 'float' object cannot be interpreted as an integer\n(?:$|.*\.a?(?:max|min|sum|mean)\()",
        "A float stands where NumPy expects an axis.",
        "np.max(M, c) and np.sum(M, c) read c as an axis. np.maximum(M, c) compares each entry with c.",
    ),
    Meaning(
        r"TypeError: only integer scalar arrays can be converted to a scalar index\n.*\.a?(?:max|min|sum|mean)\(",
        "An array stands where NumPy expects an axis.",
        "np.max(c, M) and np.sum(c, M) read M as an axis. np.maximum(c, M) compares each entry with c.",
    ),
    Meaning(
        r"TypeError: unsupported operand type\(s\) for [-+*/@]+: (?:.* and )?"
        r"'(?:builtin_function_or_method|function|method)'",
        "A function is used in arithmetic, and it is not called.",
        "Write parentheses with its arguments behind its name.",
    ),
    Meaning(
        r"ValueError: shapes (\(\d+,\d+\)) and \1 not aligned",
        "np.dot gets two arrays of the same shape.",
        "np.dot is the matrix product. The product entry by entry is written with *.",
    ),
    Meaning(
        # Where the bias is given a new value, not where a forward adds it to the scores.
        r"ValueError: .*(?:\((\d+),\) \(\1,(?!1\))\d+\)|shape \((\d+),1\) .*shape \(\2,).*\n"
        r".*weights\[:, ?-1:?\] ?(?:\+?=|-)",
        "The bias gets the gradients of all samples, without a sum.",
        "The bias has one number for each class. Print the shape of what is subtracted from it.",
    ),
    Meaning(
        r"IndexError: index \d+ is out of bounds for axis 1 .*\n(?:$|.*\w\[:, ?[a-z]\w*\])",
        "An index goes past the last column.",
        "M.shape[1] counts the columns of an array M. M.shape[0] and len(M) count its rows.",
    ),
    Meaning(
        r"TypeError: .*numpy boolean (?:negative|subtract)",
        "A minus sign is used with True and False.",
        "Make numbers of a comparison first: 1.0 * (a == b).",
    ),
    Meaning(
        r"TypeError: can't multiply sequence by non-int|TypeError: unsupported operand type\(s\) for [-+*/]+: 'list'",
        "A list is used in arithmetic.",
        "A list is not an array: np.array(...) makes one of it.",
    ),
)
CALL = "Compare the call with the first line of the function: both have the same arguments, in the same order."
IN_LOOPS = (
    NOBODY_TYPES,
    Meaning(
        r"IndexError: index \d+ is out of bounds for axis 0 .*\n.*\b([Xx]\w*)\[",
        r"Rows of \1 are taken, not columns.",
        "Columns are samples: the first index of a matrix counts its rows, and the second its columns.",
    ),
    Meaning(
        r"TypeError: object of type 'int' has no len\(\)\n.*\blen\((\w+)\)",
        r"\1 is one number, not a list of column numbers.",
        r"Print \1 in the loop. Each entry of batch_indices is a batch: loop over these.",
    ),
    Meaning(
        r"TypeError: only .*arrays can be converted to Python scalars\n.*\bgenerate_batch_indices\(",
        "generate_batch_indices gets an array, not the number of samples.",
        "The number of samples comes first, then batch_size.",
    ),
    Meaning(
        r"TypeError: 'int' object is not iterable\n.*\bfor\b.*\bin (\w+)\s*:",
        r"The loop runs over \1, which is one number.",
        r"range(\1) gives the numbers from 0 to \1 - 1.",
    ),
    Meaning(
        r"TypeError: 'float' object cannot be interpreted as an integer\n.*\brange\((\w+)\)",
        r"\1 has a fraction, so it does not count anything.",
        "train gets X, y, learning_rate, batch_size and nepochs, in this order. Compare its first line.",
    ),
    Meaning(
        r"TypeError: train\(\) (?:takes|missing|got)",
        "train does not take the arguments that it is given.",
        "Keep its first line: train(X, y, learning_rate, batch_size, nepochs).",
    ),
    Meaning(
        r"TypeError: (Dense|Softmax)\.(forward|backward)\(\): missing a required argument: '(?:input|output_gradient)'",
        r"\2 of \1 is called without its argument, or on the class \1, not on a layer.",
        r"A layer is made once, by \1 with parentheses. Give its \2 one array.",
    ),
    Meaning(r"TypeError: (\w+(?:\.\w+)?)\(\): missing a required argument: '(\w+)'", r"\1 is called without \2.", CALL),
    Meaning(r"TypeError: (\w+(?:\.\w+)?)\(\): too many positional", r"\1 is called with too many arguments.", CALL),
    Meaning(
        r"TypeError: (\w+(?:\.\w+)?)\(\): got an unexpected keyword argument '(\w+)'",
        r"\1 has no argument called \2.",
        CALL,
    ),
)
"""Errors of a training loop. The others of `MEANINGS` may have other causes there."""
METHOD = r"\w\.(forward|backward)$"
ALL_IN_ONE = Meaning(
    "",
    "The code makes one matrix of all samples together.",
    "Run it on one sample, then on two. Which axis of each array counts the samples?",
)
"""What an error about shapes means that has the product of classes and samples in it."""


def hints_of(meanings: Iterable[Meaning]) -> tuple[ErrorHint, ...]:
    """Give what to try after the sentences that say these meanings: at grading the sentence alone is known."""
    return tuple(ErrorHint(_pattern_of(each.what), re.sub(r"\\(\d)", r"\\g<group\1>", each.hint)) for each in meanings)


def _pattern_of(what: str) -> str:
    pattern = re.escape(what)
    for number in "12":
        name = f"group{number}"
        pattern = pattern.replace(rf"\\{number}", rf"(?P<{name}>[\w.]+)", 1).replace(rf"\\{number}", f"(?P={name})")
    return pattern


IN_CODE = hints_of((*MEANINGS, ALL_IN_ONE))
"""What to try after an error of all code but a training loop's, where the sentence says what it means."""
IN_LAYERS = (
    ErrorHint(
        r".*builtin_function_or_method",  # as in NumPy's own words, of which no meaning is known
        "Write self.input: the name input alone is a function of Python.",
        r"(?<![\w.])input\b(?!\s*\()",
        METHOD,
    ),
    ErrorHint(
        r"(?!.*object is not callable).*'NoneType'",
        "Print the values of this line just before it: one of them is None. A function without return gives None, and a"
        " layer's input and output are None until its forward sets them.",
        function=METHOD,
    ),
    ErrorHint(
        r"AttributeError: (?!module 'numpy' has|'numpy\.\w+' object has no)",
        "Check the name after the dot. A layer stores its arrays as self.input and self.output.",
        function=METHOD,
    ),
)
"""What to try after an error in a layer."""


@contextmanager
def explain_errors(classes: int = 0, batch: int = 0, meanings: tuple[Meaning, ...] = MEANINGS) -> Iterator[None]:
    """Raise `Wrong` with an error's meaning in place of the error, where the meaning is known.

    `classes` and `batch` are the sizes of the arrays that the code got: their product in an error about shapes shows
    that the code treats a batch as one sample.
    """

    try:
        yield
    except (Wrong, OpenBlank):
        raise
    except Exception as error:
        words, line = _words_of(error), student_line(error)
        for meaning in meanings:
            if match := re.search(meaning.words, f"{words}\n{line}"):
                what, hint = match.expand(meaning.what), match.expand(meaning.hint)
                raise Wrong(what, where=line, found=words, hint=hint) from error
        if batch > 1 and re.search(rf"(?:shapes|mismatch).*\b{classes * batch}\b", words):
            raise Wrong(ALL_IN_ONE.what, where=line, found=words, hint=ALL_IN_ONE.hint) from error
        raise


def _words_of(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}".partition("\n")[0][:200]
    except Exception:
        return type(error).__name__
