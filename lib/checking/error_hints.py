"""What to try when student code raises an exception: the first rule that fits the exception and the student's line.

The rules here hold for all code. A part may bring along others for code of its own kind, as `error_hints`.
"""

import re
import sys
from typing import NamedTuple

from lib.checking.student_code import Failure


class ErrorHint(NamedTuple):
    r"""What to try after an `error`, a pattern of `TypeError: message`, raised in a line that fits the pattern `code`."""

    error: str
    hint: str
    code: str = ""
    function: str = ""


ALIGN = "Transpose one of the two with .T, or multiply entry by entry with *, as the formula asks."
EQUAL = "Print both shapes just before this line. Entry by entry, lengths must be equal, or one of them 1."
LETTERS = "Print the shape of each array just before the einsum. An array needs one letter for each of its axes."
SPELLING = "Check the spelling of the name, and run the cell that defines it first."
SMALL = "Call your code in a new cell on a small example: Python then shows the whole error."

RULES: tuple[ErrorHint, ...] = (
    # Names
    ErrorHint(
        r".*'?builtin_function_or_method'?",
        "Use the parameter's own name, from the line with def: the name input alone is a function of Python.",
        r"(?<![\w.])input\b(?!\s*\()",
    ),
    ErrorHint(r"NameError: name '(np|plt)'", "Run the notebook's first cell, which imports it."),
    ErrorHint(
        r"UnboundLocalError: .*variable '(\w+)'",
        r"Give \1 a value before this line, for example before the loop: += needs a value to add to.",
    ),
    ErrorHint(
        r"NameError: name '"
        r"(log|exp|sqrt|maximum|minimum|einsum|dot|outer|eye|diag|array|zeros|ones|mean|argmax|clip|where|vstack)'",
        r"Write np.\1: it is a function of NumPy.",
    ),
    ErrorHint("NameError", SPELLING),
    # Attributes
    ErrorHint(
        r"TypeError: '([\w.]+)' object is not callable",
        r"The name that the check is given holds a value of type \1. Run the cell with the class or the function again,"
        " and use another name for what you make of it.",
        r"^$",
    ),
    ErrorHint(
        r"TypeError: 'numpy\.ndarray' object is not callable",
        ".T is not a function: leave out the brackets behind it.",
        r"\.T\s*\(",
    ),
    ErrorHint(
        r"TypeError: '(?:tuple|int)' object is not callable",
        "shape, size and ndim are not functions. Write y.shape[1] with square brackets.",
        r"\.(shape|size|ndim)(\[-?\d\])?\s*\(",
    ),
    ErrorHint(
        r"TypeError: '[\w.]+' object is not callable",
        "Round brackets call a function. Write * to multiply, and square brackets to pick an entry.",
    ),
    ErrorHint(
        r"TypeError: '(?:numpy\._ArrayFunctionDispatcher|\w*function\w*|method)' object is not subscriptable",
        "Square brackets pick an entry. Call a function with round brackets.",
    ),
    ErrorHint(
        r".*'NoneType'",
        "Print the values of this line just before it: one of them is None. A function without return gives None.",
    ),
    ErrorHint(
        r"AttributeError: module 'numpy' has no attribute '(\w+)'",
        r"Check the spelling of np.\1. NumPy's functions are written in small letters.",
    ),
    ErrorHint(
        r"AttributeError: 'numpy\.\w+' object has no attribute '"
        r"(log|exp|maximum|minimum|sqrt|abs|where|einsum|vstack|outer|multiply|add)'",
        r"Write np.\1(…) with the array inside the brackets: it is a function of NumPy, not of the array.",
    ),
    ErrorHint(
        r"AttributeError: 'numpy\.\w+' object has no attribute '(\w+)'", r"Check the spelling of \1 behind the dot."
    ),
    ErrorHint("AttributeError", "Check the name after the dot: nothing of that name has been stored there."),
    # Arguments
    ErrorHint(
        r"TypeError: 'float' object cannot be interpreted as an integer",
        r"np.max(a, b) reads b as the number of an axis. np.maximum(a, b) compares entry by entry.",
        r"\b(np|numpy)\.a?(max|min)\(",
    ),
    ErrorHint(
        r"TypeError: Cannot interpret '.*' as a data type",
        "Put the shape into brackets of its own, as in np.zeros((3, 4)).",
        r"\.(zeros|ones|empty)\(",
    ),
    ErrorHint(
        r"TypeError: '(?:int|float)' object is not iterable",
        "Write range(…) to count: a for loop goes through a range, a list or an array, not through one number.",
        r"\bfor\b",
    ),
    ErrorHint(
        r"TypeError: object of type '(?:int|float)' has no len",
        "Print what stands in the brackets of len: one number has no entries to count.",
    ),
    ErrorHint(
        r"TypeError: \w*(?:stack|concatenate)\(\) takes|TypeError: only integer scalar arrays can be",
        "Put the arrays into brackets of their own, as in np.vstack([a, b]).",
        r"\.(vstack|hstack|concatenate|stack)\(\s*[^\[(\s]",
    ),
    ErrorHint(
        r"TypeError: .*got an unexpected keyword argument '(\w+)'",
        r"Check the spelling of \1. NumPy's sums take axis and keepdims.",
        code=r"\.(sum|mean|max|min)\(",
    ),
    ErrorHint(
        r"TypeError: (\S+)\(\) got an unexpected keyword argument '(\w+)'",
        r"Keep the name \2 among the parameters of \1, as it was given: the check and the loop use it.",
    ),
    ErrorHint(
        r"TypeError: (\S+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)",
        r"Compare the call of \1 with its parameters: nothing is given for \2.",
    ),
    ErrorHint(
        r"TypeError: (\S+)\(\) takes .*positional arguments? but (\d+)",
        r"Compare the call of \1 with its parameters, in the line with def: \2 values are given.",
    ),
    # Shapes
    ErrorHint(
        "UnicodeEncodeError: 'ascii' codec",
        "Type the string of the einsum anew, with plain letters, commas and ->. It has another character, as pasted"
        " text often does.",
        code="einsum",
    ),
    ErrorHint(r"ValueError: invalid subscript '[=>]' in einstein sum", "Write the arrow as -> in the einsum."),
    ErrorHint(
        r"ValueError: (?:invalid subscript|einstein sum subscript string does not contain proper)",
        "Write the subscripts as letters, commas and one arrow, as in 'ij,jk->ik'.",
    ),
    ErrorHint(
        r"ValueError: einstein sum subscripts string included output subscript '(\w)'",
        r"Use letters on the right of the arrow that stand on its left too. \1 does not.",
    ),
    ErrorHint(
        r"ValueError: (?:more|fewer) operands provided to einstein sum",
        "Give as many arrays as there are groups of letters: a comma divides two groups.",
    ),
    ErrorHint(
        r"ValueError: .*too many subscripts for operand (\d)",
        rf"{LETTERS} Array number \1, counted from 0, has fewer axes than letters: look at the line that makes it.",
    ),
    ErrorHint(r"ValueError: operand has more dimensions than subscripts", LETTERS),
    ErrorHint(
        r"ValueError: .*(?:remapped shapes|operand has a mismatch|collapsing index)",
        "Print the shape of each array just before the einsum. One letter stands for axes of different lengths.",
    ),
    ErrorHint(
        r"ValueError: shapes (\(.*?\)) and (\(.*?\)) not aligned",
        rf"np.dot needs as many columns on the left as rows on the right, and gets \1 and \2. {ALIGN}",
    ),
    ErrorHint(
        r"ValueError: matmul: .*\(size (\d+) is different from (\d+)\)",
        rf"@ needs as many columns on the left as rows on the right, and gets \2 and \1. {ALIGN}",
    ),
    ErrorHint(
        r"ValueError: operands could not be broadcast together with shapes (\(.*\))",
        rf"{EQUAL} A sum or mean over an axis drops that axis, unless it is told keepdims=True.",
        code=r"(sum|mean|max|min)\(.*axis",
    ),
    ErrorHint(r"ValueError: (?:operands )?could not(?: be)? broadcast", EQUAL),
    ErrorHint(
        r"ValueError: all the input array dimensions except",
        "Print both shapes just before this line. Stacked on top of each other, they need as many columns.",
        code=r"vstack",
    ),
    ErrorHint(
        r"AxisError: axis (-?\d+) is out of bounds for array of dimension (\d)",
        r"Print the array's shape just before this line. It has \2 axes, counted from 0, so axis \1 is none of them.",
    ),
    ErrorHint(
        r"IndexError: too many indices for array: array is (\d)-dimensional, but (\d) were indexed",
        r"Print the array's shape just before this line. It has \1 axes, and the brackets hold \2 indices.",
    ),
    ErrorHint(
        r"IndexError: index (-?\d+) is out of bounds for axis (\d) with size 1$",
        r"Print the array's shape just before this line. Axis \2 has one entry, number 0, so none is number \1.",
    ),
    ErrorHint(
        r"IndexError: index (-?\d+) is out of bounds for axis (\d) with size (\d+)",
        r"Print the array's shape just before this line. Axis \2 has \3 entries, counted from 0, so none is number \1.",
    ),
    ErrorHint(
        r"IndexError: shape mismatch: indexing arrays",
        "Print the shape of each array in the square brackets: they need the same length.",
    ),
    ErrorHint(
        r"IndexError: list index out of range",
        "Print the index and the length of the list just before this line. A list of n entries has the indices 0 to"
        " n - 1.",
    ),
    ErrorHint(
        r"ValueError: (?:too many|not enough) values to unpack",
        "Print what is unpacked just before this line: it has another number of entries than there are names for them.",
    ),
    ErrorHint(
        r"IndexError: tuple index out of range",
        "Print the shape itself: it has one number for each axis, and they are counted from 0.",
        r"\.shape\[",
    ),
    ErrorHint(
        r"ValueError: setting an array element with a sequence",
        "Print what stands in the square brackets: it is a list of lists whose lengths differ, not a list of indices.",
        r"\[",
    ),
    ErrorHint(
        r"IndexError: (?:only integers|arrays used as indices)",
        "Print what stands in the square brackets: an index is a whole number, a slice, or an array of whole numbers.",
    ),
    ErrorHint(
        r"ValueError: The truth value of an array",
        "Work entry by entry, with np.maximum, np.where or np.clip: if and Python's max ask one question of the whole"
        " array.",
    ),
    ErrorHint(
        r"TypeError: only (?:length-1|0-dimensional) arrays can be converted",
        "Use NumPy's function, such as np.log or np.exp: those of math take one number only.",
        r"\bmath\.",
    ),
    ErrorHint(
        r"TypeError: only (?:length-1|0-dimensional) arrays can be converted",
        "Print the shape of the array in this line: one number is needed in its place.",
    ),
    ErrorHint(
        r".*Cannot cast ufunc '\w+' output from dtype\('float64'\) to dtype\('int64'\)",
        "Make it an array of floats first, for example with dtype=float: an array of integers can't hold the result.",
    ),
    # Others
    ErrorHint(r"TypeError: .*(?:bitwise_xor|for \^)", "Write ** for a power: ^ stands for something else in Python."),
    ErrorHint("ZeroDivisionError", "Print the number below the fraction line just before it: it is 0."),
    ErrorHint("RecursionError", "Look for the function in its own body: it calls itself without an end."),
    ErrorHint("AssertionError", "Print what the assert in this line compares, just before it."),
    ErrorHint(
        r"\w+: .*(?:unsupported operand|not supported for the input types|did not contain a loop)",
        "Print both values of this line just before it: one of them is not a number or an array of numbers.",
    ),
)


RAISED = re.compile(r"It raised (?P<type>\w+)(?:: |\.$)(?P<words>.*)", re.DOTALL)
EXPLAINED = re.compile(
    r".*?(?: Where: line \d+: (?P<line>.*))? Found (?P<type>\w+Error): (?P<words>.*?)\.?$", re.DOTALL
)
"""A `Wrong.sentence` that says what an error means: it quotes the error, and the line."""


def hint_for(failure: Failure) -> str:
    """Say what to try after a failure of student code; nothing for an open blank, which says so itself.

    What a part says of its own code comes before what holds for all code. A sentence on a wrong value has a hint where
    it quotes an error, or is one that the part has a hint for: at the desk it brings its own hint along.
    """
    if failure.kind == "time":
        ending = "Restart Kernel…" if sys.platform == "emscripten" else "Interrupt Kernel"  # browsers can't interrupt
        return f"Look for a loop that never ends. If the kernel stays busy, choose Kernel, then {ending}."
    line, function = (failure.own.code, failure.own.function) if failure.own else (failure.line, "")
    if failure.hint:
        return failure.hint
    pattern = {"error": RAISED, "value": EXPLAINED}.get(failure.kind)
    found = pattern and pattern.match(failure.text)
    if not found:
        return ""
    raised = found.groupdict(default="")
    error, line = f"{raised['type']}: {raised['words']}", line or raised.get("line", "")
    return next(filter(None, (_fit(rule, error, line, function) for rule in RULES)), SMALL)


def _fit(rule: ErrorHint, error: str, line: str, function: str) -> str:
    """Write a rule's hint, or nothing if the rule doesn't fit."""
    found = re.match(rule.error, error, re.DOTALL)
    fits = found and re.search(rule.code, line) and re.search(rule.function, function)
    return found.expand(rule.hint) if found and fits else ""
