"""Grading a submission's notebooks once their cells are restored: each one is run, judged, and written.

`GradeTask` is this work as plain data: for a worker, or for this process. `grade` does it with files of no course,
`stages` with each submission of a class.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import IgnorePattern, LimitOutput
from sqlalchemy.exc import SQLAlchemyError

from lib.answer_key import AnswerKey
from lib.checking.challenges import CHALLENGE
from lib.grading import unit_registry
from lib.grading.errors import ConfigError
from lib.grading.execution.notebook import CLOCK_FACTOR, Bounds, has_code, place_of, run_cells
from lib.grading.execution.outputs import answer_in, missing_packages
from lib.grading.gradebook.session import CellResults
from lib.grading.judge.judge import Answers, judge, shipped
from lib.grading.judge.verdict import PartVerdict, Verdict
from lib.grading.machine_faults import RunLostError
from lib.grading.pipeline import cell_results
from lib.grading.pipeline.cell_results import NOT_RUN, UNREADABLE, rows_of
from lib.grading.pipeline.verdict_html import html
from lib.grading.remarks import Remark
from lib.grading.submissions.restore import course_id
from lib.grading.submissions.safe_html import clean_outputs
from lib.grading.submissions.submitted_notebook import CleanCell, Submission, clean_cell

OF_THE_MACHINE = (SQLAlchemyError, OSError, MemoryError, ConfigError, RunLostError)
"""Errors of the machine and the course, which must not affect a verdict. RecursionError isn't among them: only a
notebook's deep nesting causes it."""
SENTENCE = "This notebook could not be graded as it is. Your instructor has been notified."
JUDGING = threading.RLock()
"""Held while units are loaded and run: a Dask worker has several threads, and random numbers are the process's own."""
MARGIN = 60
"""Seconds that a task may take beyond the limits of its notebooks."""


@dataclass(frozen=True)
class Terms:
    """All that a worker has to know of a course: the unit's name or "", the settings, the folder of solutions.

    `trims` has the settings of nbgrader's preprocessors that shorten outputs.
    """

    assignment: str
    unit: str
    bounds: Bounds
    solutions: Path | None = None
    trims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def answer_key(self) -> AnswerKey | None:
        """Return the unit's answer key. Raises RunLostError if this worker doesn't have the unit."""
        if not self.unit:
            return None
        if self.solutions:
            unit_registry.SOLUTIONS[self.unit] = self.solutions
        try:
            with JUDGING:
                return unit_registry.answer_key(self.unit)
        except KeyError:
            module = f"lib.units.{self.unit}"
            raise RunLostError(f"The notebook's checks are in {module}, which the worker doesn't have.") from None

    def trim(self, cells: list[NotebookNode]) -> None:
        """Shorten the outputs of judged cells by nbgrader's own preprocessors and their settings."""
        notebook = NotebookNode(cells=[cell for cell in cells if cell.get("outputs")])
        for step in (IgnorePattern, LimitOutput):
            step(**self.trims.get(step.__name__, {}))(notebook, {})


@dataclass(frozen=True)
class Graded:
    """A graded notebook: the file with its verdict, the verdict, its rows in the gradebook, and errors to log."""

    notebook: bytes
    verdict: Verdict
    rows: CellResults
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class GradeTask:
    """The notebooks of one submission to run and judge, by name, the other files of the run, and the student."""

    terms: Terms
    student: str
    digest: str
    notebooks: Mapping[str, Submission]
    files: Mapping[str, bytes]

    def __call__(self) -> dict[str, Graded]:
        """Run and judge the notebooks one after the other. Raises errors that are `OF_THE_MACHINE`."""
        key = self.terms.answer_key()
        return {name: self._grade(key, name, submission) for name, submission in self.notebooks.items()}

    def time_limit(self) -> float:
        """Return the longest time in seconds that the task may take."""
        bounds = self.terms.bounds
        # Twice, since a notebook that was refused a thread runs again.
        return 2 * (CLOCK_FACTOR * bounds.budget + bounds.grace) * len(self.notebooks) + MARGIN

    def unrun(self) -> "GradeTask":
        """Return the task to judge the notebooks as they are, because they can't be run."""
        return replace(self, notebooks={name: _unrun(each) for name, each in self.notebooks.items()})

    def _grade(self, key: AnswerKey | None, name: str, submission: Submission) -> Graded:
        """Grade a notebook; if it makes that fail, judge it as not run; if that fails, too, judge it without texts."""
        errors: list[str] = []
        for attempt in (lambda each: each, _unrun, lambda each: _unrun(_empty(each))):
            try:
                graded = self._run_and_judge(key, name, attempt(submission))
                return replace(graded, errors=tuple(errors))
            except OF_THE_MACHINE:
                raise
            except Exception as error:
                errors.append(f"Grading {name} of {self.student} failed: {error!r}")
        raise RunLostError(errors[-1])

    def _run_and_judge(self, key: AnswerKey | None, name: str, submission: Submission) -> Graded:
        cells = [*map(clean_cell, submission.cells)]  # running and judging change cells
        remarks, right = list[Remark](), dict[str, PartVerdict]()
        if submission.runnable:
            challenge = {CHALLENGE: msgspec.json.encode({"seed": submission.seed})} if key else {}
            is_right = partial(_is_right, key, submission.seed, right)
            remarks = run_cells(cells, {**self.files, **challenge}, self.terms.bounds, is_right)
            for cell in cells:
                if cell.cell_type == "code":
                    cell.outputs = [*map(_node_of, cell.outputs)]
        submission = replace(submission, remarks=(*submission.remarks, *remarks))
        with JUDGING:
            return judge_notebook(self, key, name, submission, cells, right)


def _unrun(submission: Submission) -> Submission:
    return replace(submission, remarks=(*submission.remarks, Remark(SENTENCE)), runnable=False)


def _empty(submission: Submission) -> Submission:
    kept = ("id", "cell_type", "metadata", "execution_count", "outputs")
    cells = ({name: cell[name] for name in kept if name in cell} for cell in submission.cells)
    return replace(submission, cells=[CleanCell(cell, source="") for cell in cells])


def _node_of(output: dict[str, Any]) -> NotebookNode:
    # nbformat would make nodes at all levels, but an answer has hundreds of objects.
    return NotebookNode({name: NotebookNode(each) if type(each) is dict else each for name, each in output.items()})


def _is_right(key: AnswerKey | None, seed: int, right: dict[str, PartVerdict], id: str, answer: Answers) -> bool:
    """True if all of an answer to the secret draw is right: then this adds its verdict to `right`.

    Also true for a part of which no mistakes are known, such as a prediction: no other draw could name one.
    """
    if key is None or (part := key.part(id)) is None or not shipped(key).mistakes.get(id):
        return True
    with JUDGING:
        verdict = judge(key, part, seed, answer)
    if is_whole := all(each.state == "right" for each in verdict.statements):
        right[id] = verdict
    return is_whole


def digest_of_run(cells: Iterable[Mapping[str, Any]], files: Mapping[str, bytes]) -> str:
    """Return a digest of all that a run can read: a notebook's restored cells, and the files in its folder.

    The seed depends on it, so that the outputs of one run are of no use in another notebook. Outputs and cell ids are
    left out, since they differ when the same submission is graded again.
    """
    digest = hashlib.sha256()
    for cell in cells:
        seen = (cell["cell_type"], cell["source"], cell["metadata"].get("tags"), cell.get("attachments"))
        digest.update(msgspec.json.encode(seen, order="deterministic") + b"\n")
    for file in sorted(files, key=PurePosixPath):
        name, content = os.fsencode(file), files[file]
        digest.update(b"%d %b %d %b" % (len(name), name, len(content), content))
    return digest.hexdigest()


def judge_notebook(
    task: GradeTask,
    key: AnswerKey | None,
    name: str,
    submission: Submission,
    cells: list[NotebookNode],
    right: Mapping[str, PartVerdict] = {},
) -> Graded:
    """Judge a notebook's cells with their outputs, and replace the outputs of graded ones by the verdicts.

    `right` has the verdicts on parts that are known to be right.
    """
    clean_outputs(cells)
    missing = missing_packages(cells)
    local, reasons = _environment_remarks(cells, missing)
    remarks = (*submission.remarks, *local)
    scored = [*_judge_cells(cells, key, submission.seed, remarks, right)] if key else []
    guesses = {part.id for part in key.unit.predictions} if key else set()
    parts, predictions = (tuple(each for each, _ in scored if (each.id in guesses) is it) for it in (False, True))
    is_stopped = any(remark.is_too_long for remark in submission.remarks)
    if is_stopped and not (parts and all(part.points == part.max_points for part in parts)):
        reasons.append("a cell ran too long and was stopped")
    # Format 4.5, the first whose cells have ids.
    metadata = NotebookNode(kernelspec=submission.kernelspec) if submission.kernelspec else NotebookNode()
    notebook = NotebookNode(nbformat=4, nbformat_minor=5, metadata=metadata, cells=cells)
    task.terms.trim(cells)
    rows = rows_of(cells, submission.doubts, {part.id: score for part, score in scored})
    verdict = Verdict(
        *(task.terms.assignment, name, task.student, submission.seed, parts, remarks),
        digest=task.digest,
        reasons=tuple(_reasons(submission, cells, rows.waits, reasons)),
        waits=rows.waits,
        predictions=predictions,
    )
    return Graded(msgspec.json.encode(notebook), verdict, rows)


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
    cells: Sequence[NotebookNode],
    key: AnswerKey,
    seed: int,
    remarks: tuple[Remark, ...],
    right: Mapping[str, PartVerdict],
) -> Iterator[tuple[PartVerdict, float]]:
    """Judge each part's cell, and replace its outputs by the verdict; yield that with its score in the gradebook."""
    missing, definitions = cell_results.missing_names(cells), cell_results.first_definitions(cells)
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (part := key.part(course_id(cell))) is not None:
            if error := cell_results.error_output(cell):
                problem = f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
            else:
                problem = " ".join(("The check gave no answer.", *(remark.text for remark in remarks)))
            if (verdict := right.get(part.id)) is None:
                lacking = cell_results.defined_below(definitions, at) | missing
                verdict = judge(key, part, seed, answer_in(cell, part.id), problem, lacking)
            worth = float(cell.metadata.nbgrader["points"])
            page = html(verdict, worth / verdict.max_points if verdict.max_points else 0.0)
            data = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": page})
            kind = {"output_type": "execute_result", "execution_count": None}
            cell.outputs = [NotebookNode(**kind, data=data, metadata=NotebookNode())]
            yield verdict, verdict.score(worth)


def _reasons(
    submission: Submission, cells: Sequence[NotebookNode], waits: Mapping[str, str], more: Iterable[str]
) -> Iterator[str]:
    """Yield the reasons why a graded notebook needs a person."""
    if not submission.runnable:
        yield UNREADABLE
    else:
        if any(cell.execution_count is None for cell in cells if has_code(cell)):
            yield "was not run to the end"
        for why in dict.fromkeys(waits.values()):
            if why != NOT_RUN:
                yield f"{', '.join(cell for cell in waits if waits[cell] == why)}: {why}"
    yield from (*submission.reasons, *more)
