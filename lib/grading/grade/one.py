"""One submission, from what was handed in to points: prepared, run elsewhere, judged, and put in its place.

What goes from step to step is plain data. Only the end writes: rows in one transaction, and then a folder that comes to
its place as a whole. From then on the submission counts as graded: whole or not at all, whenever a run is stopped.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade
from sqlalchemy.exc import SQLAlchemyError

from lib.answer_key import AnswerKey
from lib.checking.answers import CHALLENGE, MIME
from lib.grading.book.receipt import TO_DECIDE, Receipt
from lib.grading.door.cells import IN_DOUBT, Restored, course_id, restore
from lib.grading.door.handed_in import STAMP, HandedIn, lay_beside
from lib.grading.door.markup import clean_outputs
from lib.grading.door.notebook import Submission, explain_unreadable, notebooks_beside, read_submission
from lib.grading.errors import ConfigError
from lib.grading.files import lay_out, put_in_place, remove
from lib.grading.grade import cell_ends
from lib.grading.grade.course import Course
from lib.grading.grade.scores import NOT_RUN, comments_on, scores_of
from lib.grading.judge.challenge import challenge, seed_of
from lib.grading.judge.judge import Answers, judge
from lib.grading.judge.library_calls import is_too_long, library_calls
from lib.grading.judge.verdict import FILE, PartVerdict, Verdict, html
from lib.grading.run.notebook import has_code, place_of
from lib.grading.run.outputs import missing_packages
from lib.grading.run.pool import PackedNotebook, RunResult, RunTask

OF_THE_MACHINE = (SQLAlchemyError, OSError, MemoryError, ConfigError)
"""Errors of the machine and the course, which are nobody's verdict. RecursionError is none: how deep something
is nested is the notebook's doing."""
SENTENCE = "This notebook could not be graded as it is. Your instructor has been told."
"""Where grading itself fails on a notebook, for a reason that nobody foresaw."""
FROM_BEFORE = (
    "This notebook is from before some questions were added, and has no cells for them. Nothing is lost by that: your"
    " instructor decides on their points."
)


@dataclass
class Prepared:
    """One notebook, ready to be run: its cells, which a run fills in, and the challenge to lie beside them.

    `remarks` are for its student, `reasons` say why a person has to look at it.
    """

    submission: Submission
    restored: Restored
    seed: int = 0
    challenge: Mapping[str, bytes] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[NotebookNode]:
        """The cells, the course's own among them."""
        return self.restored.cells


@dataclass(frozen=True)
class Work:
    """A submission under way: what was handed in, the files to lie beside its notebooks, and these."""

    handed: HandedIn
    files: Mapping[str, bytes]
    notebooks: dict[str, Prepared]


@dataclass(frozen=True)
class Graded:
    """A submission that is graded: its folder's files, its verdicts, and why a person has to look at it."""

    files: Mapping[str, bytes]
    verdicts: tuple[Verdict, ...]
    reasons: list[str]


def prepare(course: Course, handed: HandedIn, names: Iterable[str] | None = None) -> Work:
    """Prepare what was handed in: all notebooks that the course grades, or those named."""
    files, left_out = lay_beside(handed, course.own, course.directory.ignore, course.bounds)
    work, beside = Work(handed, files, {}), notebooks_beside(handed, course.book.masters)
    for name in course.notebooks if names is None else names:
        submission = read_submission(handed, name, course.book.masters)
        submission = replace(submission, remarks=(*submission.remarks, *left_out))
        try:
            prepared = _prepare(course, work, name, submission)
        except OF_THE_MACHINE:
            raise
        except Exception as error:
            _log(course, work, name, error)
            prepared = _prepare(course, work, name, explain_unreadable(SENTENCE))
        prepared.remarks += beside
        prepared.reasons += ["files were left out"] if left_out else []
        work.notebooks[name] = prepared
    return work


def task(course: Course, work: Work) -> RunTask:
    """Give what is to be run of a submission: those of its notebooks that can be."""
    runnable = {name: prepared for name, prepared in work.notebooks.items() if prepared.submission.runnable}
    packed = {
        name: PackedNotebook.of(prepared.cells, {**work.files, **prepared.challenge})
        for name, prepared in runnable.items()
    }
    return RunTask(packed, course.run, course.packages)


def finish(
    course: Course, work: Work, ran: Mapping[str, RunResult] | BaseException, others: Iterable[Verdict] = ()
) -> Graded:
    """Judge the notebooks as they ran, and write their rows, as part of the transaction that is open.

    `others` are the verdicts on notebooks that aren't graded now. Raises what is `OF_THE_MACHINE`.
    """
    course.book.enrol(work.handed.student, course.made(work.handed))
    files, verdicts, reasons = dict(work.files), list[Verdict](), dict[str, None]()
    for name in work.notebooks:
        files[f"{name}.ipynb"], verdict, why = _judge(course, work, name, ran)
        verdicts += [verdict] if verdict else []
        reasons |= dict.fromkeys(why)
    verdicts += others if course.unit else ()
    if verdicts:
        files[FILE] = Verdict.pack(verdicts)
    return Graded(files, tuple(verdicts), list(reasons))


def grade(
    course: Course, work: Work, ran: Mapping[str, RunResult] | BaseException, folder: Path, place: Path
) -> Graded:
    """Finish a submission, make its graded `folder`, and move that to its `place`. After an error nothing is saved."""
    # Where only some notebooks are graded, the others stay as an earlier run left them.
    kept = [name for name in course.book.masters if name not in work.notebooks]
    before = {file.name: file.read_bytes() for name in kept if (file := place / f"{name}.ipynb").is_file()}
    with course.book.transaction():  # one: what fails in one notebook takes back the rows of the others
        graded = finish(course, work, ran, verdicts_on(place, kept))
        remove(folder)
        folder.mkdir(parents=True)
        lay_out({**graded.files, **before}, folder)
        course.converter.set_permissions(course.assignment, work.handed.student)
    put_in_place(folder, place)
    return graded


def verdicts_on(place: Path, notebooks: Collection[str]) -> list[Verdict]:
    """Give the verdicts in a graded folder on these notebooks of an assignment."""
    try:
        return [verdict for verdict in Verdict.load_each(place) if verdict.notebook in notebooks] if notebooks else []
    except Exception:  # where nbgrader itself has copied what was handed in, it may be anything
        return []


def _prepare(course: Course, work: Work, name: str, submission: Submission) -> Prepared:
    """Restore a notebook's cells and draw its challenge."""
    master = course.book.masters[name]
    cells, remarks = submission.notebook.cells, list(submission.remarks)
    restored = restore(cells, master.cells, course.released(name), bool(remarks), submission.empty)
    prepared = Prepared(submission, restored, remarks=remarks, reasons=[*restored.reasons])
    if course.unit:
        stamp = work.files.get(STAMP, b"")[:100].hex()
        whose = course.assignment, name, work.handed.student
        prepared.seed = seed_of(course.secret, *whose, stamp, _digest_of_run(restored.cells, work.files))
        prepared.challenge = {CHALLENGE: orjson.dumps(challenge(course.unit, prepared.seed))}
    return prepared


def _digest_of_run(cells: Iterable[Mapping[str, Any]], files: Mapping[str, bytes]) -> str:
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


def _judge(
    course: Course, work: Work, name: str, ran: Mapping[str, RunResult] | BaseException
) -> tuple[bytes, Verdict | None, list[str]]:
    """Judge a notebook as it ran; where that fails as it was before, and where that fails as an empty one.

    Gives its JSON: to write what came of a student's code can fail too.
    """
    prepared = work.notebooks[name]
    unrun = replace(prepared.submission, remarks=(*prepared.submission.remarks, SENTENCE), runnable=False)
    if isinstance(ran, BaseException):
        course.log.error("Running %s of %s failed twice: %r", name, work.handed.student, ran)
        prepared = _prepare(course, work, name, unrun)
    elif name in ran:
        for cell, found in zip(prepared.cells, json.loads(ran[name].cells, object_hook=NotebookNode), strict=True):
            cell.update(found or {})
        prepared.remarks += ran[name].remarks
    # The last attempt has nothing of the student's in it; if even that fails, the error is ours and is raised.
    for again in (unrun, explain_unreadable(SENTENCE)):
        try:
            return _finish(course, work, name, prepared)
        except OF_THE_MACHINE:
            raise
        except Exception as error:
            _log(course, work, name, error)
        prepared = _prepare(course, work, name, again)
    return _finish(course, work, name, prepared)


def _finish(course: Course, work: Work, name: str, prepared: Prepared) -> tuple[bytes, Verdict | None, list[str]]:
    student, master, waits = work.handed.student, course.book.masters[name], dict(prepared.restored.doubts)
    clean_outputs(prepared.cells)
    verdict = None
    if course.unit:
        remarks = _remarks_on(prepared, course.unit, waits)
        parts = tuple(_judge_cells(prepared.cells, course.unit, prepared.seed, remarks))
        calls = library_calls(prepared.cells, course.unit.watched_calls)
        if is_too_long(prepared.cells, course.unit.watched_calls):
            prepared.reasons.append("has more code than is looked through for library calls")
        verdict = Verdict(course.assignment, name, student, prepared.seed, parts, remarks, calls)
    notebook = NotebookNode(prepared.submission.notebook, cells=prepared.cells, metadata=NotebookNode())
    for step in course.trims:
        notebook, _ = step(notebook, {})
    judged = {part.id for part in verdict.parts} if verdict else set()
    scores = scores_of(notebook.cells, waits, judged, course.log)
    course.book.save(student, name, scores, comments_on(notebook.cells, waits), partial(course.penalty, student), waits)
    reasons = _for_a_person(prepared, waits)
    receipt = Receipt(work.handed.digest, reasons, waits).as_metadata()
    notebook.metadata = {**({"kernelspec": master.kernelspec} if master.kernelspec else {}), **receipt}
    return _as_json(notebook), verdict, reasons


def _remarks_on(prepared: Prepared, unit: AnswerKey, waits: dict[str, str]) -> tuple[str, ...]:
    """Remark on how a notebook was restored and how it ran; cells that it can't have are left to a person."""
    here = (*_remark_on_newer_python(prepared), *_remark_on_packages(prepared))
    remarks = (*prepared.restored.remarks, *prepared.remarks, *here)
    added = _cells_added_since(prepared, unit)
    if not added:
        return remarks
    waits.update(dict.fromkeys(added, TO_DECIDE))
    if {*waits.values()} == {TO_DECIDE}:  # then no answer is to be looked for elsewhere
        remarks = tuple(remark for remark in remarks if remark != IN_DOUBT)
    return (*remarks, FROM_BEFORE)


def _remark_on_newer_python(prepared: Prepared) -> Iterator[str]:
    """Remark on cells that a newer Python than this one may be able to read, and leave them to a person."""
    here = ".".join(map(str, cell_ends.VERSION))
    places = [at for at, cell in enumerate(prepared.cells) if cell_ends.may_need_newer_python(cell)]
    if places:
        prepared.reasons.append(f"may need Python 3.12, and {here} runs here")
    for at in places:
        yield (
            f"{place_of(prepared.cells, at)} can't be read by Python {here}, which graded this notebook. Python 3.12"
            " may read it: if it ran for you, tell your instructor."
        )


def _remark_on_packages(prepared: Prepared) -> Iterator[str]:
    """Remark on packages that may be there for the student alone, and leave what lacks them to a person."""
    if packages := ", ".join(missing_packages(prepared.cells)):
        prepared.reasons.append(f"imports {packages}, not installed here")
        yield (
            f"Your code imports {packages}, which could not be found where this notebook was graded. If it ran for"
            " you, tell your instructor."
        )


def _cells_added_since(prepared: Prepared, unit: AnswerKey) -> list[str]:
    """Name the graded cells that a notebook lacks because it was handed out before they were added to the unit.

    A notebook from before has none of the later cells, and others. Who deletes them all gains nothing: a person looks.
    """
    missing = prepared.restored.missing
    if prepared.submission.empty or not missing:
        return []
    graded = [course_id(cell) for cell in prepared.cells if is_grade(cell)]
    later = unit.unit.later_cells & {course_id(cell) for cell in prepared.cells}
    from_before = later <= missing and not missing.issuperset(graded)
    return [id for id in graded if id in later] if from_before else []


def _judge_cells(
    cells: list[NotebookNode], unit: AnswerKey, seed: int, remarks: tuple[str, ...]
) -> Iterator[PartVerdict]:
    """Judge each part's cell, and put its verdict in the place of what it put out."""
    missing, definitions = cell_ends.missing_names(cells), cell_ends.first_definitions(cells)
    for at, cell in enumerate(cells):
        if cell.cell_type == "code" and (part := unit.part(course_id(cell))) is not None:
            lacking = cell_ends.come_too_late(definitions, at) | missing
            verdict = judge(unit, part, seed, answers_in(cell, part.id), _problem(cell, remarks), lacking)
            cell.outputs = [_output_of(verdict, float(cell.metadata.nbgrader["points"]))]
            yield verdict


def answers_in(cell: NotebookNode, part: str) -> Answers | None:
    """Find the answer among a graded cell's outputs: the last one for this part, whoever put it there."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}).get(MIME) if output.output_type in ("execute_result", "display_data") else None
        if isinstance(data, dict) and data.get("part") == part and isinstance(data.get("statements"), dict):
            return data["statements"]
    return None


def _problem(cell: NotebookNode, remarks: tuple[str, ...]) -> str:
    """Say why a graded cell has no answer: the error that it ended with, or what happened to the run."""
    if error := cell_ends.error_output(cell):
        return f"The check gave no answer. {error.ename}: {error.evalue}"[:300]
    return " ".join(("The check gave no answer.", *remarks))


def _output_of(verdict: PartVerdict, worth: float) -> NotebookNode:
    """Make the output that nbgrader reads as points (text) and people as a verdict (HTML)."""
    scale = worth / verdict.max_points if verdict.max_points else 0.0
    shown = NotebookNode({"text/plain": str(verdict.score(worth)), "text/html": html(verdict, scale)})
    return NotebookNode(output_type="execute_result", data=shown, metadata=NotebookNode(), execution_count=None)


def _for_a_person(prepared: Prepared, waits: Mapping[str, str]) -> list[str]:
    """Say in a few words why a person has to look at a notebook that was graded, if there is a reason."""
    given = prepared.reasons
    if not prepared.submission.runnable:
        return ["could not be read or run", *given]
    cells: dict[str, list[str]] = {}
    for cell, why in waits.items():
        if why != NOT_RUN:
            cells.setdefault(why, []).append(cell)
    given = [*(f"{', '.join(of)}: {why}" for why, of in cells.items()), *given]
    if any(cell.execution_count is None for cell in prepared.cells if has_code(cell)):
        return ["was not run to the end", *given]
    return given


def _as_json(notebook: NotebookNode) -> bytes:
    """Write a notebook as JSON, ten times as fast where no whole number in it is longer than 64 bits."""
    try:
        return orjson.dumps(notebook)
    except orjson.JSONEncodeError:
        return json.dumps(notebook, ensure_ascii=False).encode()


def _log(course: Course, work: Work, name: str, error: Exception) -> None:
    course.log.error("Grading %s of %s failed: %r", name, work.handed.student, error)
    course.log.debug("This is where", exc_info=True)
