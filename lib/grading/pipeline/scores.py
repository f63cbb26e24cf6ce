"""Scores: the points that a notebook's outputs give, and the cells that wait for a person."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader import utils

from lib.grading.pipeline.cell_errors import error_output
from lib.grading.pipeline.unit_faults import is_tested

NOT_RUN = "It was not run to its end."
UNREADABLE = "could not be read or run"
"""Why a person has to open a notebook in another way."""


def comments_on(cells: Iterable[NotebookNode], waits: Mapping[str, str]) -> dict[str, str | None]:
    """Say of each cell that was to be written why it needs a person, or else whether it is as it was released."""
    comments: dict[str, str | None] = {}
    for cell in cells:
        if utils.is_solution(cell) or utils.is_task(cell):
            own = cell.metadata.nbgrader
            untouched = own.get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
            comments[own.grade_id] = waits.get(own.grade_id) or ("No response." if untouched else None)
    return comments


def doubt(cell: NotebookNode) -> str:
    """Say why a graded code cell's outputs tell no points for certain, or nothing.

    nbgrader gives full points to a cell without an error, also to one that never ran, and to a result of nan or less
    than 0; a result without text, or above the cell's points, stops it.
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
                return f"Its result, {result[:20]}, is no number of points from 0 to {cell.metadata.nbgrader.points:g}."
        except ValueError:
            if not result:
                return "Its result has no text."
    return ""


def _failed(why: str) -> NotebookNode:
    """Make the output that tells why a graded cell has no points; as an error it gives none by nbgrader's rule too."""
    said = f"{why} It counts 0 points until your instructor has looked at it."
    trace = [f"NotGraded: {said}"]
    return NotebookNode(output_type="error", ename="NotGraded", evalue=said, traceback=trace)


def scores_of(
    cells: Iterable[NotebookNode], doubts: Mapping[str, str], judged: Container[str], log: Any
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Read the points of each graded cell as nbgrader does, but where that would give points for no work.

    A cell that ran keeps nbgrader's score. One that says nothing for certain earns 0. Gives also which cells wait for a
    person, each with the reason: these, and those of the answers in `doubts`.
    """
    scores, waits = dict[str, float | None](), dict(doubts)
    for cell in filter(utils.is_grade, cells):
        name = cell.metadata.nbgrader.grade_id
        is_test = is_tested(cell)
        if is_test and name not in judged and (why := doubt(cell)):
            waits.setdefault(name, why)
            cell.outputs.append(_failed(why))
        if is_test and error_output(cell):
            scores[name] = 0.0  # wherever it stands: nbgrader takes a result that was shown before it
        elif name in waits and name not in judged:
            scores[name] = None  # an answer that wasn't found is not an empty one
        else:
            scores[name] = utils.determine_grade(cell, log)[0]
    return scores, waits
