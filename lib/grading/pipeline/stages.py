"""The stages of grading a student's folder. Their results are plain data, and don't change.

| call | returns | |
|---|---|---|
| `submitted_files.read` | `SubmittedFiles` | the folder, as bytes with a digest |
| `grade_class.decide` | `Decision` | the decision whether to grade it |
| `prepare` | `PreparedSubmission` | each notebook with restored cells and a seed, and the other files of the run |
| `task` | `RunTask` | the task for a worker, on this machine or another one |
| `finish` | verdicts and files | rows in the gradebook's open transaction |
| `save` | `Verdict` | the same, and the graded folder is moved to its place |

Only the last stage writes: rows in one transaction, and then a folder. So a submission is graded as a whole or not at
all, whenever a run is stopped.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson
from sqlalchemy.exc import SQLAlchemyError

from lib.grading.errors import ConfigError
from lib.grading.execution.pool import RunResult, RunTask
from lib.grading.files import is_file, put_in_place, remove, write_files
from lib.grading.gradebook.session import CellResults
from lib.grading.judge.secret import seed_of
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.one_notebook import digest_of_run, judge_notebook, pack, with_outputs
from lib.grading.remarks import Remark
from lib.grading.submissions.collection import LATE_WITH_MORE_TIME
from lib.grading.submissions.restore import assignment_of, course_id, restore
from lib.grading.submissions.submission import (
    Submission,
    clean_cell,
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
JudgedNotebook = tuple[bytes, Verdict, CellResults]
"""A judged notebook as JSON, since writing outputs of student code may fail, too; its verdict, and its rows."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class PreparedSubmission:
    """A submission that is ready to run: the submitted files, the files for its working directory, its notebooks."""

    submitted: SubmittedFiles
    files: Mapping[str, bytes]
    notebooks: Mapping[str, Submission]


def prepare(course: Course, submitted: SubmittedFiles) -> PreparedSubmission:
    """Prepare the notebooks of a submission that are to be graded."""
    sources, notebooks = course.gradebook.sources, dict[str, Submission]()
    files, left_out = run_files(submitted, course.own, course.directory.ignore, course.bounds)
    work = PreparedSubmission(submitted, files, notebooks)
    others = [*map(Remark, remark_on_other_notebooks(submitted, sources))]
    remarks, reasons = (*map(Remark, left_out),), ("files were left out",) if left_out else ()
    for name in course.notebooks:
        read = read_submission(submitted, name, {each: source.cells for each, source in sources.items()})
        attempts = [partial(_restore, course, work, name, each, remarks) for each in (read, FAILED)]
        found = _first_that_works(course, f"{name} of {submitted.student}", attempts)
        notebooks[name] = replace(found, remarks=(*found.remarks, *others), reasons=(*found.reasons, *reasons))
    return work


def _restore(
    course: Course, work: PreparedSubmission, name: str, submission: Submission, remarks: tuple[Remark, ...] = ()
) -> Submission:
    """Restore a notebook's cells, and draw its seed."""
    submission = replace(submission, remarks=(*submission.remarks, *remarks))
    restored = restore(submission, course.gradebook.sources[name].cells, course.released(name))
    if other := assignment_of({*map(course_id, submission.cells)}, course.cells_of_all, course.assignment):
        restored = replace(restored, reasons=(f"may not be this assignment's notebook, but {other}'s",))
    if course.unit is None:
        return restored
    stamp, digest = work.files.get(STAMP, b"")[:100].hex(), digest_of_run(restored.cells, work.files)
    return replace(
        restored, seed=seed_of(course.secret, course.assignment, name, work.submitted.student, stamp, digest)
    )


def task(course: Course, work: PreparedSubmission) -> RunTask:
    """Return the task to run a submission's notebooks, except those that can't be run."""
    runnable = {name: each for name, each in work.notebooks.items() if each.runnable}
    packed = {name: pack(each, work.files, course.unit is not None) for name, each in runnable.items()}
    return RunTask(packed, course.run, course.packages)


def finish(
    course: Course, work: PreparedSubmission, outcome: RunOutcome, others: Sequence[Verdict] = ()
) -> tuple[list[Verdict], dict[str, bytes]]:
    """Judge the notebooks after their run, and write their rows within the open transaction.

    `others` are the verdicts on notebooks that aren't graded now. Returns all verdicts, and the files of the graded
    folder. Raises errors that are `OF_THE_MACHINE`.
    """
    student, done = work.submitted.student, {name: _judge(course, work, name, outcome) for name in work.notebooks}
    more = course.extensions.get(student)
    if more and student in course.collected.late:
        course.log.warning(LATE_WITH_MORE_TIME, student)
    rows = {name: each for name, (_, _, each) in done.items()}
    course.gradebook.save(student, course.timestamp_of(work.submitted), rows, partial(course.penalty, student), more)
    verdicts = [*(verdict for _, verdict, _ in done.values()), *others]
    notebooks = {f"{name}.ipynb": notebook for name, (notebook, _, _) in done.items()}
    return verdicts, {**work.files, **notebooks, FILE: Verdict.pack(verdicts)}


def save(course: Course, work: PreparedSubmission, outcome: RunOutcome, folder: Path, place: Path) -> Verdict:
    """Finish a submission, write its graded `folder`, and move that to its `place`. After an error nothing is saved."""
    others = [name for name in course.gradebook.sources if name not in work.notebooks]
    before = {file.name: file.read_bytes() for name in others if is_file(file := place / f"{name}.ipynb")}
    earlier = list[Verdict]()
    if others:
        with suppress(DamagedVerdictError):
            found = Verdict.load_each(place, of=(course.assignment, work.submitted.student))
            earlier = [verdict for verdict in found if verdict.notebook in others]
    with course.gradebook.transaction():  # an error while the folder is written rolls the rows back
        verdicts, files = finish(course, work, outcome, earlier)
        remove(folder)
        folder.mkdir(parents=True)
        write_files({**files, **before}, folder)
        course.converter.set_permissions(course.assignment, work.submitted.student)
    put_in_place(folder, place)
    return Verdict.of_all(verdicts)


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


def _judge(course: Course, work: PreparedSubmission, name: str, outcome: RunOutcome) -> JudgedNotebook:
    """Judge a notebook after its run; if that fails, judge it as not run; if that fails, too, as an empty one."""
    prepared, what = work.notebooks[name], f"{name} of {work.submitted.student}"
    fresh = [*map(clean_cell, prepared.cells)]  # judging changes cells
    unrun = replace(prepared, cells=fresh, remarks=(*prepared.remarks, Remark(SENTENCE)), runnable=False)
    ways: list[Callable[[], Submission]] = [lambda: unrun, partial(_restore, course, work, name, FAILED)]
    if isinstance(outcome, BaseException):
        course.log.error("Running %s failed twice: %r", what, outcome)
    else:
        ways.insert(0, partial(with_outputs, prepared, outcome.get(name)))
    return _first_that_works(course, what, [partial(_finish, course, work, name, way) for way in ways])


def _finish(course: Course, work: PreparedSubmission, name: str, way: Callable[[], Submission]) -> JudgedNotebook:
    names = (course.assignment, name, work.submitted.student)
    judged = judge_notebook(way(), course.unit, names, course.log, work.submitted.digest, course.trim)
    notebook, verdict, rows = judged
    if kernelspec := course.gradebook.sources[name].kernelspec:
        notebook.metadata.kernelspec = kernelspec
    try:
        return orjson.dumps(notebook), verdict, rows  # ten times as fast as `json`
    except orjson.JSONEncodeError:  # raised for integers over 64 bits
        return json.dumps(notebook, ensure_ascii=False).encode(), verdict, rows
