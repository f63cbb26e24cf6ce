"""One submission's way from a folder to a verdict, as plain data. What a step gives, no later step changes.

| call | gives | |
|---|---|---|
| `submitted_files.read` | `SubmittedFiles` | the submission, as bytes with a digest |
| `regrading.look` | `Due` | whether it is to be graded |
| `prepare` | `Work` | each notebook, its cells restored and its challenge drawn; and the other files of its run |
| `task` | `RunTask` | what a worker runs, on this machine or another one |
| `finish` | `Graded` | the verdicts and the files of the graded folder, and rows in the gradebook's open transaction |
| `grade` | `Graded` | the same, and the folder comes to its place as a whole |

Only the end writes: rows in one transaction, and then a folder. So a submission counts as graded whole or not at all,
whenever a run is stopped.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
from lib.grading.files import is_file, lay_out, put_in_place, remove
from lib.grading.gradebook.session import Rows
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.library_calls import library_calls
from lib.grading.judge.secret import seed_of
from lib.grading.judge.verdict import FILE, DamagedVerdictError, PartVerdict, Verdict
from lib.grading.pipeline import cell_errors
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.part_html import html
from lib.grading.pipeline.scores import NOT_RUN, UNREADABLE, comments_on, scores_of
from lib.grading.remarks import Remark
from lib.grading.submissions.collection import LATE_WITH_MORE_TIME
from lib.grading.submissions.restore import Restored, assignment_of, course_id, restore
from lib.grading.submissions.safe_html import clean_outputs
from lib.grading.submissions.submission import Submission, explain_unreadable, notebooks_beside, read_submission
from lib.grading.submissions.submitted_files import STAMP, SubmittedFiles, lay_beside

OF_THE_MACHINE = (SQLAlchemyError, OSError, MemoryError, ConfigError)
"""Errors of the machine and the course, which are nobody's verdict. RecursionError is none: how deep something
is nested is the notebook's doing."""
SENTENCE = "This notebook could not be graded as it is. Your instructor has been told."
FAILED = explain_unreadable(SENTENCE)
"""Where grading itself fails on a notebook, for a reason that nobody foresaw. Nothing of the student's is in it."""
Ran = Mapping[str, RunResult] | BaseException
"""What came of a run: by notebook the result, or the error that all failed with."""
Made = TypeVar("Made")


@dataclass(frozen=True)
class Prepared:
    """A notebook as it was read, its cells as the course knows them, and the challenge to lie beside it.

    `remarks` are for its student, `reasons` say why a person has to look at it.
    """

    submission: Submission
    restored: Restored
    remarks: tuple[Remark, ...]
    reasons: tuple[str, ...]
    seed: int = 0
    challenge: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def cells(self) -> list[NotebookNode]:
        """The cells, the course's own among them."""
        return self.restored.cells


@dataclass(frozen=True)
class Work:
    """A submission under way: what was handed in, the files to lie beside its notebooks, and these by name."""

    handed: SubmittedFiles
    files: Mapping[str, bytes]
    notebooks: Mapping[str, Prepared]


@dataclass(frozen=True)
class Judged:
    """A notebook that is judged: its JSON, since to write what came of a student's code can fail too, and its rows."""

    notebook: bytes
    verdict: Verdict
    rows: Rows


@dataclass(frozen=True)
class Graded:
    """A submission that is graded: its folder's files, its verdicts, and why a person has to look at it."""

    files: Mapping[str, bytes]
    verdicts: tuple[Verdict, ...]
    reasons: list[str]


def prepare(course: Course, handed: SubmittedFiles) -> Work:
    """Prepare what was handed in: the notebooks of the assignment that are to be graded."""
    masters = course.book.masters
    files, left_out = lay_beside(handed, course.own, course.directory.ignore, course.bounds)
    beside, notebooks = notebooks_beside(handed, masters), {}
    for name in course.notebooks:
        read = read_submission(handed, name, masters)
        read = replace(read, remarks=(*read.remarks, *left_out))
        attempts = [partial(_prepare, course, handed, files, name, each) for each in (read, FAILED)]
        made = _first_that_works(course, f"{name} of {handed.student}", attempts)
        reasons = (*made.reasons, *(["files were left out"] if left_out else []))
        notebooks[name] = replace(made, remarks=(*made.remarks, *map(Remark, beside)), reasons=reasons)
    return Work(handed, files, notebooks)


def task(course: Course, work: Work) -> RunTask:
    """Give what is to be run of a submission: those of its notebooks that can be."""
    packed = {
        name: PackedNotebook.of(notebook.cells, {**work.files, **notebook.challenge})
        for name, notebook in work.notebooks.items()
        if notebook.submission.runnable
    }
    return RunTask(packed, course.run, course.packages)


def finish(course: Course, work: Work, ran: Ran, others: Sequence[Verdict] = ()) -> Graded:
    """Judge the notebooks as they ran, and write their rows, as part of the transaction that is open.

    `others` are the verdicts on notebooks that aren't graded now. Raises what is `OF_THE_MACHINE`.
    """
    done = {name: _judge(course, work, name, ran) for name in work.notebooks}
    rows = {name: judged.rows for name, judged in done.items()}
    student = work.handed.student
    more = course.extensions.get(student)
    if more and student in course.collected.late:
        course.log.warning(LATE_WITH_MORE_TIME, student)
    course.book.save(student, course.made(work.handed), rows, partial(course.penalty, student), more)
    verdicts = (*(judged.verdict for judged in done.values()), *others)
    notebooks = {f"{name}.ipynb": judged.notebook for name, judged in done.items()}
    reasons = dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons)
    return Graded({**work.files, **notebooks, FILE: Verdict.pack(verdicts)}, verdicts, list(reasons))


def grade(course: Course, work: Work, ran: Ran, folder: Path, place: Path) -> Graded:
    """Finish a submission, make its graded `folder`, and move that to its `place`. After an error nothing is saved."""
    others = [name for name in course.book.masters if name not in work.notebooks]
    before = {file.name: file.read_bytes() for name in others if is_file(file := place / f"{name}.ipynb")}
    with course.book.transaction():  # what fails as the folder is made takes back the rows
        graded = finish(course, work, ran, _verdicts_on(others, course, work, place))
        remove(folder)
        folder.mkdir(parents=True)
        lay_out({**graded.files, **before}, folder)
        course.converter.set_permissions(course.assignment, work.handed.student)
    put_in_place(folder, place)
    return graded


def _verdicts_on(notebooks: Collection[str], course: Course, work: Work, place: Path) -> list[Verdict]:
    """Give what an earlier run has found in notebooks that aren't graded now, so that it stays."""
    # nbgrader's own command has copied what was handed in to that place before it calls this.
    if not notebooks or work.handed.has(FILE):
        return []
    with suppress(FileNotFoundError, DamagedVerdictError):
        found = Verdict.load_each(place, of=(course.assignment, work.handed.student))
        return [verdict for verdict in found if verdict.notebook in notebooks]
    return []


def _first_that_works(course: Course, what: str, attempts: Sequence[Callable[[], Made]]) -> Made:
    """Give what the first attempt gives that doesn't fail by what is in a notebook.

    The last attempt has nothing of the student's in it: if even that fails, the error is ours and is raised.
    """
    for attempt in attempts[:-1]:
        try:
            return attempt()
        except OF_THE_MACHINE:
            raise
        except Exception as error:
            course.log.error("Grading %s failed: %r", what, error)
            course.log.debug("This is where", exc_info=True)
    return attempts[-1]()


def _prepare(
    course: Course, handed: SubmittedFiles, files: Mapping[str, bytes], name: str, submission: Submission
) -> Prepared:
    """Restore a notebook's cells and draw its challenge."""
    master, remarks = course.book.masters[name], tuple(map(Remark, submission.remarks))
    cells = submission.notebook.cells
    restored = restore(cells, master.cells, course.released(name), bool(remarks), submission.empty)
    if other := assignment_of({*map(course_id, cells)}, course.cells_of_all, course.assignment):
        restored = replace(restored, reasons=(f"may not be this assignment's notebook, but {other}'s",))
    if course.unit is None:
        return Prepared(submission, restored, remarks, restored.reasons)
    stamp = files.get(STAMP, b"")[:100].hex()
    seed = seed_of(course.secret, course.assignment, name, handed.student, stamp, digest_of_run(restored.cells, files))
    posed = {CHALLENGE: orjson.dumps({"seed": seed})}
    return Prepared(submission, restored, remarks, restored.reasons, seed, posed)


def digest_of_run(cells: Iterable[Mapping[str, Any]], files: Mapping[str, bytes]) -> str:
    """Hash all that a run can read: a notebook's cells once they are restored, and the files beside it.

    Another notebook or other files have another seed: what one run has put out is of no use in the next. Outputs and
    the ids that cells are given anew are left out, so that grading again finds the same.
    """
    digest = hashlib.sha256()
    for cell in cells:
        seen = (cell["cell_type"], cell["source"], cell["metadata"].get("tags"), cell.get("attachments"))
        digest.update(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS) + b"\n")
    for file in sorted(files, key=PurePosixPath):
        name, content = os.fsencode(file), files[file]
        digest.update(b"%d %b %d %b" % (len(name), name, len(content), content))
    return digest.hexdigest()


def _judge(course: Course, work: Work, name: str, ran: Ran) -> Judged:
    """Judge a notebook as it ran; where that fails as it was before, and where that fails as an empty one."""
    prepared, what = work.notebooks[name], f"{name} of {work.handed.student}"
    remarks = (*prepared.submission.remarks, SENTENCE)
    unrun = replace(prepared.submission, remarks=remarks, runnable=False)
    ways = [partial(_prepare, course, work.handed, work.files, name, each) for each in (unrun, FAILED)]
    if isinstance(ran, BaseException):
        course.log.error("Running %s failed twice: %r", what, ran)
    else:
        ways.insert(0, partial(_as_it_ran, prepared, ran.get(name)))
    return _first_that_works(course, what, [partial(_finish, course, work, name, way) for way in ways])


def _as_it_ran(prepared: Prepared, result: RunResult | None) -> Prepared:
    """Give a notebook with what its cells put out; as it was, if it was not run."""
    if result is None:
        return prepared
    try:
        outputs = orjson.loads(result.cells)
    except orjson.JSONDecodeError:  # code may put out what it is stricter about, such as nan
        outputs = json.loads(result.cells)
    cells = [NotebookNode({**cell, **_as_nodes(put or {})}) for cell, put in zip(prepared.cells, outputs, strict=True)]
    restored = replace(prepared.restored, cells=cells)
    return replace(prepared, restored=restored, remarks=(*prepared.remarks, *result.remarks))


def _as_nodes(put: dict[str, Any]) -> dict[str, Any]:
    """Make nodes of outputs as nbformat does, but not of what is in them: an answer has hundreds of objects."""
    return {**put, "outputs": [_node_of(output) for output in put["outputs"]]} if "outputs" in put else put


def _node_of(output: dict[str, Any]) -> NotebookNode:
    return NotebookNode({name: NotebookNode(each) if type(each) is dict else each for name, each in output.items()})


def _finish(course: Course, work: Work, name: str, way: Callable[[], Prepared]) -> Judged:
    """Judge a notebook's cells: what graded ones put out makes way for the verdicts."""
    prepared, handed = way(), work.handed
    cells, unit = prepared.cells, course.unit
    clean_outputs(cells)
    lacked = tuple(missing_packages(cells))
    local, reasons = _on_this_machine(cells, lacked)
    remarks = (*map(Remark, prepared.restored.remarks), *prepared.remarks, *local)
    parts, calls = tuple[PartVerdict, ...](), tuple[str, ...]()
    if unit:
        parts = tuple(_judge_cells(cells, unit, prepared.seed, remarks))
        calls, is_too_long = library_calls(cells, unit.watched_calls)
        if is_too_long:
            reasons.append("has more code than is looked through for library calls")
    notebook = course.trim(NotebookNode(prepared.submission.notebook, cells=cells, metadata=NotebookNode()))
    judged = {part.id for part in parts}
    scores, waits = scores_of(notebook.cells, prepared.restored.doubts, judged, course.log)
    if kernelspec := course.book.masters[name].kernelspec:
        notebook.metadata.kernelspec = kernelspec
    why = tuple(_for_a_person(prepared, waits, reasons))
    of = course.assignment, name, handed.student, prepared.seed
    verdict = Verdict(*of, parts, remarks, calls, handed.digest, why, waits, lacked)
    return Judged(_as_json(notebook), verdict, Rows(scores, comments_on(notebook.cells, waits), waits))


def _on_this_machine(cells: Sequence[NotebookNode], lacked: Sequence[str]) -> tuple[list[Remark], list[str]]:
    """Remark on what may have run for the student alone, under a newer Python or with a package; say so to a person."""
    here = ".".join(map(str, cell_errors.VERSION))
    remarks = [
        Remark(
            f"{place_of(cells, at)} can't be read by Python {here}, which graded this notebook. Python 3.12"
            " may read it: if it ran for you, tell your instructor.",
            at,
        )
        for at, cell in enumerate(cells)
        if cell_errors.may_need_newer_python(cell)
    ]
    reasons = [f"may need Python 3.12, and {here} runs here"] if remarks else []
    if packages := ", ".join(lacked):
        reasons.append(f"imports {packages}, not installed here")
        said = f"Your code imports {packages}, which could not be found where this notebook was graded."
        remarks.append(Remark(f"{said} If it ran for you, tell your instructor."))
    return remarks, reasons


def _judge_cells(
    cells: Sequence[NotebookNode], unit: AnswerKey, seed: int, remarks: tuple[Remark, ...]
) -> Iterator[PartVerdict]:
    """Judge each part's cell, and put its verdict in the place of what it put out."""
    missing, definitions = cell_errors.missing_names(cells), cell_errors.first_definitions(cells)
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (part := unit.part(course_id(cell))) is not None:
            lacking = cell_errors.come_too_late(definitions, at) | missing
            verdict = judge(unit, part, seed, answers_in(cell, part.id), _problem(cell, remarks), lacking)
            cell.outputs = [_output_of(verdict, float(cell.metadata.nbgrader["points"]))]
            yield verdict


def answers_in(cell: NotebookNode, part: str) -> Answers | None:
    """Find the answer among a graded cell's outputs: the last one for this part, whoever put it there."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}).get(MIME) if output.output_type in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("shown"), dict):
            shown: Answers = data["shown"]
            return shown
    return None


def _problem(cell: NotebookNode, remarks: tuple[Remark, ...]) -> str:
    """Say why a graded cell has no answer: the error that it ended with, or what happened to the run."""
    if error := cell_errors.error_output(cell):
        return f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
    return " ".join(("The check gave no answer.", *(remark.text for remark in remarks)))


def _output_of(verdict: PartVerdict, worth: float) -> NotebookNode:
    """Make the output that nbgrader reads as points (text) and people as a verdict (HTML)."""
    scale = worth / verdict.max_points if verdict.max_points else 0.0
    shown = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": html(verdict, scale)})
    return NotebookNode(output_type="execute_result", data=shown, metadata=NotebookNode(), execution_count=None)


def _for_a_person(prepared: Prepared, waits: Mapping[str, str], more: Iterable[str]) -> Iterator[str]:
    """Say in a few words why a person has to look at a notebook that was graded, if there is a reason."""
    if not prepared.submission.runnable:
        yield UNREADABLE
    else:
        if any(cell.execution_count is None for cell in prepared.cells if has_code(cell)):
            yield "was not run to the end"
        for why in dict.fromkeys(waits.values()):
            if why != NOT_RUN:
                yield f"{', '.join(cell for cell in waits if waits[cell] == why)}: {why}"
    yield from (*prepared.reasons, *more)


def _as_json(notebook: NotebookNode) -> bytes:
    """Write a notebook as JSON, ten times as fast where no whole number in it is longer than 64 bits."""
    try:
        return orjson.dumps(notebook)
    except orjson.JSONEncodeError:
        return json.dumps(notebook, ensure_ascii=False).encode()
