"""Grading one notebook, once its cells are restored: its run as bytes for a worker, and its verdict from the outputs.

`grade` does this with a single file, and `stages` with each notebook of a class.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import orjson
from nbformat.notebooknode import NotebookNode

from lib.answer_key import AnswerKey
from lib.checking.challenges import CHALLENGE
from lib.grading.execution.notebook import TOO_LONG, has_code, place_of
from lib.grading.execution.outputs import answer_in, missing_packages, read_json
from lib.grading.execution.pool import PackedNotebook, RunResult
from lib.grading.gradebook.session import CellResults
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.pipeline import cell_results
from lib.grading.pipeline.cell_results import NOT_RUN, UNREADABLE, rows_of
from lib.grading.pipeline.part_html import html
from lib.grading.remarks import Remark
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.safe_html import clean_outputs
from lib.grading.submissions.submission import Submission


def pack(submission: Submission, files: Mapping[str, bytes], has_unit: bool = True) -> PackedNotebook:
    """Return what a worker needs to run a notebook: its cells, the files beside it, and with a unit the challenge."""
    challenge = {CHALLENGE: orjson.dumps({"seed": submission.seed})} if has_unit else {}
    return PackedNotebook.of(submission.cells, {**files, **challenge}, submission.seed if has_unit else None)


def digest_of_run(cells: Iterable[Mapping[str, Any]], files: Mapping[str, bytes]) -> str:
    """Return a digest of all that a run can read: a notebook's restored cells, and the files in its folder.

    The seed depends on it, so that the outputs of one run are of no use in another notebook. Outputs and cell ids are
    left out, since they differ when the same submission is graded again.
    """
    digest = hashlib.sha256()
    for cell in cells:
        seen = (cell["cell_type"], cell["source"], cell["metadata"].get("tags"), cell.get("attachments"))
        digest.update(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS) + b"\n")
    for file in sorted(files, key=PurePosixPath):
        name, content = os.fsencode(file), files[file]
        digest.update(b"%d %b %d %b" % (len(name), name, len(content), content))
    return digest.hexdigest()


def with_outputs(submission: Submission, result: RunResult | None) -> Submission:
    """Return a notebook with the outputs of its run, if there was one."""
    if result is None:
        return submission
    outputs = read_json(result.cells)
    # nbformat would make nodes at all levels, but an answer has hundreds of objects.
    cells = [
        NotebookNode({**cell, **run, "outputs": [*map(_node_of, run["outputs"])]} if run else cell)
        for cell, run in zip(submission.cells, outputs, strict=True)
    ]
    remarks = (*submission.remarks, *result.remarks)
    return replace(submission, cells=cells, remarks=remarks, verdicts=result.verdicts)


def _node_of(output: dict[str, Any]) -> NotebookNode:
    return NotebookNode({name: NotebookNode(each) if type(each) is dict else each for name, each in output.items()})


def judge_notebook(
    submission: Submission,
    unit: AnswerKey | None,
    names: tuple[str, str, str],
    log: Any,
    digest: str = "",
    trim: Callable[[NotebookNode], NotebookNode] = lambda notebook: notebook,
) -> tuple[NotebookNode, Verdict, CellResults]:
    """Judge a notebook's cells, and replace the outputs of graded ones by the verdicts.

    `names` are those of assignment, notebook and student, and `digest` identifies the submitted files. `trim` shortens
    outputs. Returns the notebook, its verdict, and its rows in the gradebook.
    """
    cells = submission.cells
    clean_outputs(cells)
    missing = tuple(missing_packages(cells))
    local, reasons = _environment_remarks(cells, missing)
    remarks = (*submission.remarks, *local)
    scored = [*_judge_cells(cells, unit, submission, remarks)] if unit else []
    guesses = {part.id for part in unit.unit.predictions} if unit else set()
    parts, predictions = (tuple(each for each, _ in scored if (each.id in guesses) is it) for it in (False, True))
    is_stopped = any(TOO_LONG in remark.text for remark in submission.remarks)
    if is_stopped and not (parts and all(part.points == part.max_points for part in parts)):
        reasons.append("a cell ran too long and was stopped")
    # Format 4.5, the first whose cells have ids.
    notebook = trim(NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=cells))
    rows = rows_of(notebook.cells, submission.doubts, {part.id: score for part, score in scored}, log)
    verdict = Verdict(
        *(*names, submission.seed, parts, remarks),
        handed_in=digest,
        reasons=tuple(_reasons(submission, rows.waits, reasons)),
        waits=rows.waits,
        lacked=missing,
        predictions=predictions,
    )
    return notebook, verdict, rows


def _environment_remarks(cells: Sequence[NotebookNode], missing: Sequence[str]) -> tuple[list[Remark], list[str]]:
    """Return remarks and reasons on code that may work for the student only, with a newer Python or other packages."""
    here = ".".join(map(str, cell_results.VERSION))
    remarks = [
        Remark(
            f"{place_of(cells, at)} can't be read by Python {here}, which graded this notebook. Python 3.12"
            " may read it. If it ran for you, tell your instructor.",
            at,
        )
        for at, cell in enumerate(cells)
        if cell_results.may_need_newer_python(cell)
    ]
    reasons = [f"may need Python 3.12, but this is {here}"] if remarks else []
    if packages := ", ".join(missing):
        reasons.append(f"imports {packages}, not installed here")
        said = f"Your code imports {packages}, which could not be found where this notebook was graded."
        remarks.append(Remark(f"{said} If it ran for you, tell your instructor."))
    return remarks, reasons


def _judge_cells(
    cells: Sequence[NotebookNode], unit: AnswerKey, submission: Submission, remarks: tuple[Remark, ...]
) -> Iterator[tuple[PartVerdict, float]]:
    """Judge each part's cell, and replace its outputs by the verdict; yield that with its score in the gradebook."""
    missing, definitions = cell_results.missing_names(cells), cell_results.first_definitions(cells)
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (part := unit.part(course_id(cell))) is not None:
            if error := cell_results.error_output(cell):
                problem = f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
            else:
                problem = " ".join(("The check gave no answer.", *(remark.text for remark in remarks)))
            if (verdict := submission.verdicts.get(part.id)) is None:
                lacking = cell_results.defined_below(definitions, at) | missing
                verdict = judge(unit, part, submission.seed, answer_in(cell, part.id), problem, lacking)
            worth = float(cell.metadata.nbgrader["points"])
            page = html(verdict, worth / verdict.max_points if verdict.max_points else 0.0)
            data = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": page})
            kind = {"output_type": "execute_result", "execution_count": None}
            cell.outputs = [NotebookNode(**kind, data=data, metadata=NotebookNode())]
            yield verdict, verdict.score(worth)


def judge_right(unit: AnswerKey, seed: int, id: str, answer: Answers) -> PartVerdict | None:
    """Return the verdict on an answer if all of it is right, else None: `judge_notebook` tells the rest.

    Called in workers.
    """
    with suppress(Exception):
        if part := unit.part(id):
            verdict = judge(unit, part, seed, answer)
            return verdict if all(each.state == "right" for each in verdict.statements) else None
    return None


def _reasons(submission: Submission, waits: Mapping[str, str], more: Iterable[str]) -> Iterator[str]:
    """Yield the reasons why a graded notebook needs a person."""
    if not submission.runnable:
        yield UNREADABLE
    else:
        if any(cell.execution_count is None for cell in submission.cells if has_code(cell)):
            yield "was not run to the end"
        for why in dict.fromkeys(waits.values()):
            if why != NOT_RUN:
                yield f"{', '.join(cell for cell in waits if waits[cell] == why)}: {why}"
    yield from (*submission.reasons, *more)
