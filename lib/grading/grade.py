"""Grading one notebook file, without a course's folder or gradebook: `grade("ada.ipynb", "softmax_classifier")`.

`zerolayer grade` takes the same steps with each notebook of a class, in a pool of workers, and keeps the results.
"""

import logging
import secrets
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import find_all_files

from lib.answer_key import AnswerKey
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.execution.notebook import Bounds, is_skipped
from lib.grading.execution.pool import RunTask
from lib.grading.judge.verdict import Verdict
from lib.grading.pipeline.course import BoundedExecute
from lib.grading.pipeline.one_notebook import judge_notebook, pack, with_outputs
from lib.grading.pipeline.unit_preprocessor import misfits
from lib.grading.safe_names import StudentId, unknown
from lib.grading.sandbox.obstacles import find_obstacle
from lib.grading.submissions.restore import ReleasedCell, course_id, restore
from lib.grading.submissions.submission import clean_cell, read_submission
from lib.grading.submissions.submitted_files import Name, SubmittedFiles
from lib.right_code import solutions_of


def grade(
    path: Path | str,
    unit: str = "",
    *,
    released: Path | str = "",
    seed: int | None = None,
    bounds: Bounds | None = None,
) -> Verdict:
    """Run a notebook file in the sandbox, and return the verdict, with points and findings for each part.

    `unit` is the name of a unit with one notebook, by default the file's. `released` is the notebook as students got
    it, by default the unit's solution: cells that students can't change come from it, and other files for the run from
    its folder. The `seed` draws the inputs: two gradings with one seed are equal, and by default it is random. `bounds`
    has limits in seconds, characters and bytes, by default those of a course. A file that is no notebook gets 0 points
    and a remark.

    `points` and `max_points`, of the verdict, a part or a finding, are the unit's. `found` and `expected` in a
    finding's `why` are texts.

    Raises OSError if a file can't be read, ConfigError if there is no such unit, the released notebook doesn't fit it
    or the sandbox doesn't work here, UnitFailsError if the unit's own code fails, RunLostError if the machine does.
    """
    file, known = Path(path), unit_registry.find_all()
    name, bounds = unit or file.stem, bounds or BoundedExecute().bounds
    if name not in known:
        raise ConfigError(unknown("unit", name, known))
    if not (sources := [released] if released else solutions_of(known[name].folder)):
        raise ConfigError(f"The unit {name} has no solution notebook here. Name the released one: released=…")
    key, source = unit_registry.answer_key(name), Path(sources[0])
    if bounds.sandbox and (obstacle := find_obstacle()):
        raise ConfigError(str(obstacle))
    cells = nbformat.read(source, as_version=4).cells
    own = {course_id(cell): _own(cell, key) for cell in cells if "nbgrader" in cell.metadata}
    for fault in misfits(key.unit, {source.name: own.values()}):
        raise ConfigError(str(fault))
    files = {Name(f"{source.stem}.ipynb"): file.read_bytes()}
    submission = read_submission(SubmittedFiles(StudentId(""), file.parent, files), source.stem)
    submission = restore(
        submission, own, [ReleasedCell(course_id(cell), cell.source, is_skipped(cell)) for cell in cells]
    )
    submission = replace(submission, seed=secrets.randbits(48) if seed is None else seed)
    if submission.runnable:
        beside = map(Path, find_all_files(str(source.parent), ["*.ipynb"]))
        packed = pack(submission, {str(each.relative_to(source.parent)): each.read_bytes() for each in beside})
        submission = with_outputs(submission, RunTask({name: packed}, bounds, (f"lib.units.{name}",))()[name])
    return judge_notebook(submission, key, (name, source.stem, ""), logging.getLogger(__name__))[1]


def _own(cell: NotebookNode, key: AnswerKey) -> NotebookNode:
    """Return a cell of the course as the gradebook would have it."""
    flags, part, clean = {"grade": False, "solution": False, "task": False}, key.part(course_id(cell)), clean_cell(cell)
    worth = {"points": part.points} if part else {}
    clean.metadata["nbgrader"] = NotebookNode({**flags, **cell.metadata.nbgrader, **worth})
    return clean
