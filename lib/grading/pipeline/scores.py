"""Scores: the points of a notebook's cells from their outputs, and the cells that need a person."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader import utils

from lib.grading.pipeline.cell_errors import error_output
from lib.grading.pipeline.unit_faults import is_tested

NOT_RUN = "It was not run to its end."
UNREADABLE = "could not be read or run"
"""The reason for a notebook that a person has to open by other means."""


def comments_on(cells: Iterable[NotebookNode], waits: Mapping[str, str]) -> dict[str, str | None]:
    """Return a comment for each answer cell: why it needs a person, "No response." if unchanged, or None."""
    comments: dict[str, str | None] = {}
    for cell in cells:
        if utils.is_solution(cell) or utils.is_task(cell):
            own = cell.metadata.nbgrader
            untouched = own.get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
            comments[own.grade_id] = waits.get(own.grade_id) or ("No response." if untouched else None)
    return comments


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


def _failed(why: str) -> NotebookNode:
    """Return an output with the reason why a graded cell has no points. nbgrader gives no points for errors, too."""
    message = f"{why} It counts 0 points until your instructor has looked at it."
    trace = [f"NotGraded: {message}"]
    return NotebookNode(output_type="error", ename="NotGraded", evalue=message, traceback=trace)


def scores_of(
    cells: Iterable[NotebookNode], doubts: Mapping[str, str], judged: Container[str], log: Any
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return the points of each graded cell as nbgrader does, except when that would give points for no work.

    A cell with a `doubt` earns 0. The second value has the cells that need a person, with the reasons: those cells, and
    the answers in `doubts`.
    """
    scores, waits = dict[str, float | None](), dict(doubts)
    for cell in filter(utils.is_grade, cells):
        name = cell.metadata.nbgrader.grade_id
        is_test = is_tested(cell)
        if is_test and name not in judged and (why := doubt(cell)):
            waits.setdefault(name, why)
            cell.outputs.append(_failed(why))
        if is_test and error_output(cell):
            scores[name] = 0.0  # nbgrader would take a result from before the error
        elif name in waits and name not in judged:
            scores[name] = None  # an answer that wasn't found may still earn points
        else:
            scores[name] = utils.determine_grade(cell, log)[0]
    return scores, waits
