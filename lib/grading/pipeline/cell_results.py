"""The results of cells after a run: errors, names that are missing because of them, points, and doubts for a person."""

import logging
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader import utils

from lib.blanks import OpenBlank
from lib.checking.student_code import Failure
from lib.checking.subjects import DEFINED
from lib.grading.errors import end_sentence
from lib.grading.execution.notebook import has_code, place_of
from lib.grading.gradebook.session import CellResults
from lib.grading.submissions.restore import is_tested

AT_TOP_LEVEL = re.compile(r"(?m)^(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)")
"""The definitions in a cell's text."""
LONGEST = 200
"""The most characters of an error that are shown."""
LOG = logging.getLogger(__name__)
MOST_NAMES = 10_000
"""The most names to store, since each check goes through all. A completed notebook defines some hundred."""
VERSION = sys.version_info[:2]
"""The version of Python here, and so of the notebooks' kernels."""


def missing_names(cells: Sequence[NotebookNode]) -> dict[str, Failure]:
    """Return the names in definitions of failed cells, each with the failure of the first such cell."""
    found: dict[str, Failure] = {}  # by patterns, since a cell with a syntax error can't be parsed
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (error := error_output(cell)) is not None:
            failure = Failure("blank", error.evalue)
            if error.ename != OpenBlank.__name__:
                failure = Failure("error", end_sentence(f"{place_of(cells, at)} ended in {error_of(cell)}"))
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


# ---- Points

NOT_RUN = "It was not run to its end."
UNREADABLE = "could not be read or run"
"""The reason for a notebook that a person has to open by other means."""


def doubt(cell: NotebookNode) -> str:
    """Return why a graded code cell's outputs don't determine its points, or "".

    nbgrader would give full points to a cell without an error even if it never ran, and to a result of nan or less than
    0; it would fail on a result without text, or above the cell's points.
    """
    if cell.execution_count is None:
        return NOT_RUN
    if error_output(cell):
        return ""
    results = {output.data.get("text/plain", "") for output in cell.outputs if output.output_type == "execute_result"}
    if len(results) > 1:
        return "It gave more than one result."
    for result in results:
        try:
            if not 0 <= float(result) <= float(cell.metadata.nbgrader.points):
                return f"Its result, {result[:20]}, is not between 0 and {cell.metadata.nbgrader.points:g} points."
        except ValueError:
            if not result:
                return "Its result has no text."
    return ""


def rows_of(cells: Iterable[NotebookNode], doubts: Mapping[str, str], judged: Mapping[str, float]) -> CellResults:
    """Return scores, of `judged` cells or else as nbgrader's, and comments for answer cells.

    Where nbgrader would give points for no work, a cell with a `doubt` earns 0, and needs a person, as do the answers
    in `doubts`. A comment is the reason for that, "No response." for an unchanged answer, or None. Code with a check
    needs no such comment: the check says what is still open.
    """
    scores, comments, waits = dict[str, float | None](), dict[str, str | None](), dict(doubts)
    for cell in filter(lambda cell: "nbgrader" in cell.metadata, cells):
        own, is_test = cell.metadata.nbgrader, is_tested(cell)
        name = own.grade_id
        if name in judged:
            scores[name] = judged[name]
            continue
        if is_test and (why := doubt(cell)):
            waits.setdefault(name, why)
            message = f"{why} It counts 0 points until your instructor has looked at it."
            error = {"ename": "NotGraded", "evalue": message, "traceback": [f"NotGraded: {message}"]}
            cell.outputs.append(NotebookNode(output_type="error", **error))  # nbgrader, too, gives no points for errors
        if is_test and error_output(cell):
            scores[name] = 0.0  # nbgrader would take a result from before the error
        elif utils.is_grade(cell):
            # An answer that wasn't found may still earn points.
            scores[name] = None if name in waits else utils.determine_grade(cell, LOG)[0]
        if utils.is_solution(cell) or utils.is_task(cell):
            is_marked = utils.is_grade(cell) or not judged
            untouched = is_marked and own.get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
            comments[name] = waits.get(name) or ("No response." if untouched else None)
    return CellResults(scores, comments, waits)
