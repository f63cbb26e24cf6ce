"""Errors of cells, and names that are missing because their cell failed or comes after the check that needs them."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nbformat.notebooknode import NotebookNode

from lib.blanks import OpenBlank
from lib.checking.student_code import Failure
from lib.checking.subjects import DEFINED
from lib.grading.errors import end_sentence
from lib.grading.execution.notebook import has_code, place_of

AT_TOP_LEVEL = re.compile(r"(?m)^(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)")
"""The definitions in a cell's text."""
LONGEST = 200
"""The most characters of an error that are shown."""
MOST_NAMES = 10_000
"""The most names to store, since each check goes through all. A completed notebook defines some hundred."""
VERSION = sys.version_info[:2]
"""The version of Python here, and so of the notebooks' kernels."""


def missing_names(cells: Sequence[NotebookNode]) -> dict[str, Failure]:
    """Return the names in definitions of failed cells, each with the failure of the first such cell."""
    found: dict[str, Failure] = {}  # by patterns, since a cell with a syntax error can't be parsed
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (failure := _failure_of(cells, at)):
            for each in DEFINED.finditer(cell.source):
                found.setdefault(each[1] or each[2], failure)
    return found


def first_definitions(cells: Sequence[NotebookNode]) -> dict[str, int]:
    """Return the names that successful cells define at top level, each with the index of the first such cell."""
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        if has_code(cell) and error_output(cell) is None:
            for each in AT_TOP_LEVEL.finditer(cell.source):
                if len(found) < MOST_NAMES:
                    found.setdefault(each[1] or each[2], at)
    return found


def defined_below(definitions: Mapping[str, int], at: int) -> dict[str, Failure]:
    """Return the names that are defined only below the check in cell `at`, each with a failure for the verdict."""
    late = (name for name, place in definitions.items() if place > at)
    move = "Move that cell above this check: a check uses the cells above it."
    return {name: Failure("undefined", f"A cell below this check defines {name}. {move}") for name in late}


def _failure_of(cells: Sequence[NotebookNode], at: int) -> Failure | None:
    error = error_output(cells[at])
    if error is None:
        return None
    if error.ename == OpenBlank.__name__:
        return Failure("blank", error.evalue)
    return Failure("error", end_sentence(f"{place_of(cells, at)} ended in {error_of(cells[at])}"))


def may_need_newer_python(cell: Mapping[str, Any]) -> bool:
    """True if a cell has a syntax error here that Python 3.12 may not have, since it allows more in f-strings."""
    # A notebook's metadata doesn't help: notebooks from the browser edition name a version that never ran.
    return VERSION < (3, 12) and error_of(cell).startswith("SyntaxError: f-string")


def error_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's error as text, or "" if it has none."""
    error = error_output(cell)
    if error is None:
        return ""
    # IPython gives cells numeric file names, which mean nothing to students.
    return re.sub(r"\(\d+\.py, ", "(", ": ".join(filter(None, (error.ename, error.evalue)))[:LONGEST])


def error_output(cell: Mapping[str, Any]) -> NotebookNode | None:
    """Return a cell's error output, or None."""
    return next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)
