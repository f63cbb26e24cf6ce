"""The stages of grading one submission, from a folder to a verdict. Their results are plain data, and don't change.

| call | returns | |
|---|---|---|
| `submitted_files.read` | `SubmittedFiles` | the submission, as bytes with a digest |
| `grade_class.decide` | `Decision` | the decision whether to grade it |
| `prepare` | `PreparedSubmission` | each notebook with restored cells and a challenge, and the other files of the run |
| `task` | `RunTask` | the task for a worker, on this machine or another one |
| `finish` | `GradedSubmission` | verdicts and files of the graded folder; rows in the gradebook's open transaction |
| `grade` | `GradedSubmission` | the same, and the folder is moved to its place |

Only the last stage writes: rows in one transaction, and then a folder. So a submission is graded as a whole or not at
all, whenever a run is stopped.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import orjson
from nbformat.notebooknode import NotebookNode
from sqlalchemy.exc import SQLAlchemyError

from lib.answer_key import AnswerKey
from lib.checking.challenges import CHALLENGE, MIME
from lib.grading.errors import ConfigError
from lib.grading.execution.notebook import has_code, place_of
from lib.grading.execution.outputs import missing_packages
from lib.grading.execution.pool import PackedNotebook, RunResult, RunTask
from lib.grading.files import is_file, put_in_place, remove, write_files
from lib.grading.gradebook.session import CellResults
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.secret import seed_of
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.pipeline import cell_results
from lib.grading.pipeline.cell_results import NOT_RUN, UNREADABLE, rows_of
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.part_html import html
from lib.grading.remarks import Remark
from lib.grading.submissions.collection import LATE_WITH_MORE_TIME
from lib.grading.submissions.restore import RestoredNotebook, assignment_of, course_id, restore
from lib.grading.submissions.safe_html import clean_outputs
from lib.grading.submissions.submission import (
    Submission,
    explain_unreadable,
    read_submission,
    remark_on_other_notebooks,
)
from lib.grading.submissions.submitted_files import STAMP, SubmittedFiles, run_files

OF_THE_MACHINE = (SQLAlchemyError, OSError, MemoryError, ConfigError)
"""Errors of the machine and the course, which must not affect a verdict. RecursionError isn't among them: only a
notebook's deep nesting causes it."""
SENTENCE = "This notebook could not be graded as it is. Your instructor has been notified."
FAILED = explain_unreadable(SENTENCE)
"""The replacement for a notebook on which grading fails unexpectedly. It has no content from the student."""
RunOutcome = Mapping[str, RunResult] | BaseException
"""The results of a run by notebook, or the error of the whole run."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class PreparedNotebook:
    """A notebook as it was read, its restored cells, and the file with its challenge."""

    submission: Submission
    restored: RestoredNotebook
    remarks: tuple[Remark, ...]  # for the student
    reasons: tuple[str, ...]  # why it needs a person
    seed: int = 0
    challenge: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def cells(self) -> list[NotebookNode]:
        """All cells, including the course's own."""
        return self.restored.cells


@dataclass(frozen=True)
class PreparedSubmission:
    """A submission that is ready to run: the submitted files, the files for its working directory, its notebooks."""

    submitted: SubmittedFiles
    files: Mapping[str, bytes]
    notebooks: Mapping[str, PreparedNotebook]


@dataclass(frozen=True)
class JudgedNotebook:
    """A judged notebook, its verdict, and its rows in the gradebook."""

    notebook: bytes  # JSON already, since writing outputs of student code may fail, too
    verdict: Verdict
    rows: CellResults


@dataclass(frozen=True)
class GradedSubmission:
    """A graded submission: the files of its folder, its verdicts, and the reasons why it needs a person."""

    files: Mapping[str, bytes]
    verdicts: tuple[Verdict, ...]
    reasons: list[str]


def prepare(course: Course, submitted: SubmittedFiles) -> PreparedSubmission:
    """Prepare the notebooks of a submission that are to be graded."""
    sources = course.gradebook.sources
    files, left_out = run_files(submitted, course.own, course.directory.ignore, course.bounds)
    other_remarks, notebooks = remark_on_other_notebooks(submitted, sources), {}
    for name in course.notebooks:
        read = read_submission(submitted, name, sources)
        read = replace(read, remarks=(*read.remarks, *left_out))
        attempts = [partial(_prepare, course, submitted, files, name, each) for each in (read, FAILED)]
        prepared = _first_that_works(course, f"{name} of {submitted.student}", attempts)
        reasons = (*prepared.reasons, *(["files were left out"] if left_out else []))
        notebooks[name] = replace(prepared, remarks=(*prepared.remarks, *map(Remark, other_remarks)), reasons=reasons)
    return PreparedSubmission(submitted, files, notebooks)


def task(course: Course, work: PreparedSubmission) -> RunTask:
    """Return the task to run a submission's notebooks, except those that can't be run."""
    packed = {
        name: PackedNotebook.of(notebook.cells, {**work.files, **notebook.challenge})
        for name, notebook in work.notebooks.items()
        if notebook.submission.runnable
    }
    return RunTask(packed, course.run, course.packages)


def finish(
    course: Course, work: PreparedSubmission, outcome: RunOutcome, others: Sequence[Verdict] = ()
) -> GradedSubmission:
    """Judge the notebooks after their run, and write their rows within the open transaction.

    `others` are the verdicts on notebooks that aren't graded now. Raises errors that are `OF_THE_MACHINE`.
    """
    done = {name: _judge(course, work, name, outcome) for name in work.notebooks}
    rows = {name: judged.rows for name, judged in done.items()}
    student = work.submitted.student
    more = course.extensions.get(student)
    if more and student in course.collected.late:
        course.log.warning(LATE_WITH_MORE_TIME, student)
    course.gradebook.save(student, course.timestamp_of(work.submitted), rows, partial(course.penalty, student), more)
    verdicts = (*(judged.verdict for judged in done.values()), *others)
    notebooks = {f"{name}.ipynb": judged.notebook for name, judged in done.items()}
    reasons = dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons)
    return GradedSubmission({**work.files, **notebooks, FILE: Verdict.pack(verdicts)}, verdicts, list(reasons))


def grade(course: Course, work: PreparedSubmission, outcome: RunOutcome, folder: Path, place: Path) -> GradedSubmission:
    """Finish a submission, write its graded `folder`, and move that to its `place`. After an error nothing is saved."""
    others = [name for name in course.gradebook.sources if name not in work.notebooks]
    before = {file.name: file.read_bytes() for name in others if is_file(file := place / f"{name}.ipynb")}
    earlier = list[Verdict]()
    # nbgrader's own command has already copied the submission there, which may have a file of that name.
    if others and not work.submitted.has(FILE):
        with suppress(DamagedVerdictError):
            found = Verdict.load_each(place, of=(course.assignment, work.submitted.student))
            earlier = [verdict for verdict in found if verdict.notebook in others]
    with course.gradebook.transaction():  # an error while the folder is written rolls the rows back
        graded = finish(course, work, outcome, earlier)
        remove(folder)
        folder.mkdir(parents=True)
        write_files({**graded.files, **before}, folder)
        course.converter.set_permissions(course.assignment, work.submitted.student)
    put_in_place(folder, place)
    return graded


def _first_that_works(course: Course, what: str, attempts: Sequence[Callable[[], Result]]) -> Result:
    """Return the result of the first attempt that doesn't fail by a notebook's content."""
    for attempt in attempts[:-1]:
        try:
            return attempt()
        except OF_THE_MACHINE:
            raise
        except Exception as error:
            course.log.error("Grading %s failed: %r", what, error)
            course.log.debug("Traceback", exc_info=True)
    return attempts[-1]()  # it uses no content from the student, so its errors are ours


def _prepare(
    course: Course, submitted: SubmittedFiles, files: Mapping[str, bytes], name: str, submission: Submission
) -> PreparedNotebook:
    source, remarks = course.gradebook.sources[name], tuple(map(Remark, submission.remarks))
    cells = submission.notebook.cells
    restored = restore(cells, source.cells, course.released(name), bool(remarks), submission.empty)
    if other := assignment_of({*map(course_id, cells)}, course.cells_of_all, course.assignment):
        restored = replace(restored, reasons=(f"may not be this assignment's notebook, but {other}'s",))
    if course.unit is None:
        return PreparedNotebook(submission, restored, remarks, restored.reasons)
    stamp = files.get(STAMP, b"")[:100].hex()
    seed = seed_of(
        course.secret, course.assignment, name, submitted.student, stamp, digest_of_run(restored.cells, files)
    )
    challenge = {CHALLENGE: orjson.dumps({"seed": seed})}
    return PreparedNotebook(submission, restored, remarks, restored.reasons, seed, challenge)


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


def _judge(course: Course, work: PreparedSubmission, name: str, outcome: RunOutcome) -> JudgedNotebook:
    """Judge a notebook after its run; if that fails, judge it as not run; if that fails, too, as an empty one."""
    prepared, what = work.notebooks[name], f"{name} of {work.submitted.student}"
    remarks = (*prepared.submission.remarks, SENTENCE)
    unrun = replace(prepared.submission, remarks=remarks, runnable=False)
    ways = [partial(_prepare, course, work.submitted, work.files, name, each) for each in (unrun, FAILED)]
    if isinstance(outcome, BaseException):
        course.log.error("Running %s failed twice: %r", what, outcome)
    else:
        ways.insert(0, partial(_with_outputs, prepared, outcome.get(name)))
    return _first_that_works(course, what, [partial(_finish, course, work, name, way) for way in ways])


def _with_outputs(prepared: PreparedNotebook, result: RunResult | None) -> PreparedNotebook:
    """Return a notebook with the outputs of its run, if there was one."""
    if result is None:
        return prepared
    try:
        outputs = orjson.loads(result.cells)
    except orjson.JSONDecodeError:  # orjson is stricter, for example about NaN
        outputs = json.loads(result.cells)
    # nbformat would make nodes at all levels, but an answer has hundreds of objects.
    cells = [
        NotebookNode({**cell, **run, "outputs": [*map(_node_of, run["outputs"])]} if run else cell)
        for cell, run in zip(prepared.cells, outputs, strict=True)
    ]
    restored = replace(prepared.restored, cells=cells)
    return replace(prepared, restored=restored, remarks=(*prepared.remarks, *result.remarks))


def _node_of(output: dict[str, Any]) -> NotebookNode:
    return NotebookNode({name: NotebookNode(each) if type(each) is dict else each for name, each in output.items()})


def _finish(course: Course, work: PreparedSubmission, name: str, way: Callable[[], PreparedNotebook]) -> JudgedNotebook:
    """Judge a notebook's cells, and replace the outputs of graded ones by the verdicts."""
    prepared, submitted = way(), work.submitted
    cells, unit = prepared.cells, course.unit
    clean_outputs(cells)
    missing = tuple(missing_packages(cells))
    local, reasons = _environment_remarks(cells, missing)
    remarks = (*map(Remark, prepared.restored.remarks), *prepared.remarks, *local)
    parts = tuple[PartVerdict, ...]()
    if unit:
        parts = tuple(_judge_cells(cells, unit, prepared.seed, remarks))
    notebook = course.trim(NotebookNode(prepared.submission.notebook, cells=cells, metadata=NotebookNode()))
    judged = {part.id for part in parts}
    rows = rows_of(notebook.cells, prepared.restored.doubts, judged, course.log)
    if kernelspec := course.gradebook.sources[name].kernelspec:
        notebook.metadata.kernelspec = kernelspec
    verdict = Verdict(
        *(course.assignment, name, submitted.student, prepared.seed, parts, remarks),
        handed_in=submitted.digest,
        reasons=tuple(_reasons(prepared, rows.waits, reasons)),
        waits=rows.waits,
        lacked=missing,
        is_readable=prepared.submission.runnable,
    )
    try:
        return JudgedNotebook(orjson.dumps(notebook), verdict, rows)  # ten times as fast as `json`
    except orjson.JSONEncodeError:  # raised for integers over 64 bits
        return JudgedNotebook(json.dumps(notebook, ensure_ascii=False).encode(), verdict, rows)


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
    cells: Sequence[NotebookNode], unit: AnswerKey, seed: int, remarks: tuple[Remark, ...]
) -> Iterator[PartVerdict]:
    """Judge each part's cell, and replace its outputs by the verdict."""
    missing, definitions = cell_results.missing_names(cells), cell_results.first_definitions(cells)
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (part := unit.part(course_id(cell))) is not None:
            if error := cell_results.error_output(cell):
                problem = f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
            else:
                problem = " ".join(("The check gave no answer.", *(remark.text for remark in remarks)))
            lacking = cell_results.defined_below(definitions, at) | missing
            verdict = judge(unit, part, seed, answers_in(cell, part.id), problem, lacking)
            worth = float(cell.metadata.nbgrader["points"])
            page = html(verdict, worth / verdict.max_points if verdict.max_points else 0.0)
            # The points as text for nbgrader, and the verdict as HTML for people.
            data = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": page})
            kind = {"output_type": "execute_result", "execution_count": None}
            cell.outputs = [NotebookNode(**kind, data=data, metadata=NotebookNode())]
            yield verdict


def answers_in(cell: NotebookNode, part: str) -> Answers | None:
    """Return the last answer for this part in a graded cell's outputs, if any. It is untrusted."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}).get(MIME) if output.output_type in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("shown"), dict):
            shown: Answers = data["shown"]
            return shown
    return None


def _reasons(prepared: PreparedNotebook, waits: Mapping[str, str], more: Iterable[str]) -> Iterator[str]:
    """Yield the reasons why a graded notebook needs a person."""
    if not prepared.submission.runnable:
        yield UNREADABLE
    else:
        if any(cell.execution_count is None for cell in prepared.cells if has_code(cell)):
            yield "was not run to the end"
        for why in dict.fromkeys(waits.values()):
            if why != NOT_RUN:
                yield f"{', '.join(cell for cell in waits if waits[cell] == why)}: {why}"
    yield from (*prepared.reasons, *more)
