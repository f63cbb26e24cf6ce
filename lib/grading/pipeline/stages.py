"""The stages of grading a student's folder. Their results are plain data, and don't change.

| call | returns | |
|---|---|---|
| `submitted_files.read` | `SubmittedFiles` | the folder, as bytes with a digest |
| `grade_class.decide` | | the decision whether to grade it |
| `prepare` | `GradeTask` | each notebook with restored cells and a seed, and the other files of the run |
| the task's call | `Graded` by notebook | files, verdicts and rows, from a worker on this machine or another one |
| `save` | `Verdict` | rows in the gradebook, and the graded folder in its place |

Only the last stage writes: rows in one transaction, and then a folder. So a submission is graded as a whole or not at
all, whenever a run is stopped.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from lib.grading.files import is_file, put_in_place, remove, write_files
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.one_notebook import OF_THE_MACHINE, SENTENCE, Graded, GradeTask, digest_of_run
from lib.grading.remarks import Remark
from lib.grading.submissions.collection_records import LATE_WITH_MORE_TIME
from lib.grading.submissions.restore import assignment_of, course_id, restore
from lib.grading.submissions.submitted_files import STAMP, SubmittedFiles, run_files
from lib.grading.submissions.submitted_notebook import (
    Submission,
    explain_unreadable,
    read_submission,
    remark_on_other_notebooks,
)


def prepare(course: Course, submitted: SubmittedFiles) -> GradeTask:
    """Prepare the notebooks of a submission that are to be graded."""
    sources, notebooks = course.gradebook.sources, dict[str, Submission]()
    files, left_out = run_files(submitted, course.own, course.directory.ignore, course.bounds)
    others = [*map(Remark, remark_on_other_notebooks(submitted, sources))]
    remarks, reasons = (*map(Remark, left_out),), ("files were left out",) if left_out else ()
    for name in course.notebooks:
        read = read_submission(submitted, name, {each: source.cells for each, source in sources.items()})
        restored = partial(_restore, course, submitted, files, name)
        try:
            found = restored(replace(read, remarks=(*read.remarks, *remarks)))
        except OF_THE_MACHINE:
            raise
        except Exception as error:  # caused by the notebook's content
            course.log.error("Grading %s of %s failed: %r", name, submitted.student, error)
            found = restored(explain_unreadable(SENTENCE))  # without content from the student
        notebooks[name] = replace(found, remarks=(*found.remarks, *others), reasons=(*found.reasons, *reasons))
    return GradeTask(course.terms, submitted.student, submitted.digest, notebooks, files)


def _restore(
    course: Course, submitted: SubmittedFiles, files: Mapping[str, bytes], name: str, submission: Submission
) -> Submission:
    """Restore a notebook's cells, and draw its seed."""
    source, ids = course.gradebook.sources[name], {*map(course_id, submission.cells)}
    restored = restore(submission, source.cells, course.released(name))
    restored = replace(restored, kernelspec=source.kernelspec)
    if other := assignment_of(ids, course.cells_of_all, course.assignment):
        restored = replace(restored, reasons=(f"may not be this assignment's notebook, but {other}'s",))
    if course.unit is None:
        return restored
    stamp, digest = files.get(STAMP, b"")[:100].hex(), digest_of_run(restored.cells, files)
    return replace(restored, seed=seed_of(course.secret, course.assignment, name, submitted.student, stamp, digest))


def seed_of(secret: bytes, *names: str) -> int:
    """Derive a submission's seed. It is the same at each regrade, and can't be guessed without the secret."""
    return int.from_bytes(hmac.digest(secret, "\0".join(names).encode(), hashlib.sha256)[:6], "big")


def finish(
    course: Course,
    submitted: SubmittedFiles,
    graded: Mapping[str, Graded],
    files: Mapping[str, bytes],
    others: Sequence[Verdict] = (),
) -> tuple[list[Verdict], dict[str, bytes]]:
    """Write the rows of graded notebooks within the open transaction.

    `others` are the verdicts on notebooks that aren't graded now. Returns all verdicts, and the files of the graded
    folder, of which `files` are those of the run.
    """
    for error in (error for each in graded.values() for error in each.errors):
        course.log.error("%s", error)
    more = course.extensions.get(submitted.student)
    if more and submitted.student in course.collected.late:
        course.log.warning(LATE_WITH_MORE_TIME, submitted.student)
    rows, student = {name: each.rows for name, each in graded.items()}, submitted.student
    course.gradebook.save(student, course.timestamp_of(submitted), rows, partial(course.penalty, student), more)
    verdicts = [*(each.verdict for each in graded.values()), *others]
    notebooks = {f"{name}.ipynb": each.notebook for name, each in graded.items()}
    return verdicts, {**files, **notebooks, FILE: Verdict.pack(verdicts)}


def save(
    course: Course, submitted: SubmittedFiles, task: GradeTask, graded: Mapping[str, Graded], folder: Path, place: Path
) -> Verdict:
    """Keep a graded submission: write its `folder`, and move that to its `place`. After an error nothing is saved."""
    others = [name for name in course.gradebook.sources if name not in graded]
    before = {file.name: file.read_bytes() for name in others if is_file(file := place / f"{name}.ipynb")}
    earlier = list[Verdict]()
    if others:
        with suppress(DamagedVerdictError):
            found = Verdict.load_each(place, of=(course.assignment, submitted.student))
            earlier = [verdict for verdict in found if verdict.notebook in others]
    with course.gradebook.transaction():  # an error while the folder is written rolls the rows back
        verdicts, files = finish(course, submitted, graded, task.files, earlier)
        remove(folder)
        folder.mkdir(parents=True)
        write_files({**files, **before}, folder)
        course.converter.set_permissions(course.assignment, submitted.student)
    put_in_place(folder, place)
    return Verdict.of_all(verdicts)
