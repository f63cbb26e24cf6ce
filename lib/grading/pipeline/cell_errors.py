"""How cells ended: a name is missing where its cell ended in an error, or comes too late, and a verdict says so."""

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
"""What a cell's text defines for the cells below it."""
LONGEST = 200
"""Characters of an error that are shown."""
MOST_NAMES = 10_000
"""Names whose place is noted: a completed notebook defines some hundred, and all are gone through for each check."""
VERSION = sys.version_info[:2]
"""The version of Python that runs here, and so in the notebooks."""


def missing_names(cells: Sequence[NotebookNode]) -> dict[str, Failure]:
    """Give for each name that a cell which ended in an error was to define how that cell ended.

    By the cell's text: Python can't read all of it after a syntax error. Of several such cells the first counts.
    """
    found: dict[str, Failure] = {}
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (failure := _failure_of(cells, at)):
            for each in DEFINED.finditer(cell.source):
                found.setdefault(each[1] or each[2], failure)
    return found


def first_definitions(cells: Sequence[NotebookNode]) -> dict[str, int]:
    """Give for each name that a cell defines at its top level, and that ran to its end, the first such cell's place."""
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        if has_code(cell) and error_output(cell) is None:
            for each in AT_TOP_LEVEL.finditer(cell.source):
                if len(found) < MOST_NAMES:
                    found.setdefault(each[1] or each[2], at)
    return found


def come_too_late(definitions: Mapping[str, int], at: int) -> dict[str, Failure]:
    """Give for each name that cells define only below the check in cell `at` what a verdict says of it."""
    late = (name for name, place in definitions.items() if place > at)
    move = "Move it above this check: a check uses the cells above it."
    return {name: Failure("undefined", f"A cell further down defines {name}. {move}") for name in late}


def _failure_of(cells: Sequence[NotebookNode], at: int) -> Failure | None:
    error = error_output(cells[at])
    if error is None:
        return None
    if error.ename == OpenBlank.__name__:
        return Failure("blank", error.evalue)
    return Failure("error", end_sentence(f"{place_of(cells, at)} ended in {error_of(cells[at])}"))


def may_need_newer_python(cell: Mapping[str, Any]) -> bool:
    """Tell whether Python can't read a cell that it may be able to read since 3.12.

    Since then f-strings hold quotes of their own kind, comments and backslashes. With which version a student worked
    can't be told: notebooks of the browser edition name one that never ran.
    """
    return VERSION < (3, 12) and error_of(cell).startswith("SyntaxError: f-string")


def error_of(cell: Mapping[str, Any]) -> str:
    """Say in which error a cell ended, or nothing if it ended in none."""
    error = error_output(cell)
    if error is None:
        return ""
    # IPython names a cell's file by a number that says nothing to a student.
    return re.sub(r"\(\d+\.py, ", "(", ": ".join(filter(None, (error.ename, error.evalue)))[:LONGEST])


def error_output(cell: Mapping[str, Any]) -> NotebookNode | None:
    """Give the output that says in which error a cell ended, if it did."""
    return next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)
