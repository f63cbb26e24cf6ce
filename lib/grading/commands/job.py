"""A grading job: one submission, from the folder that was handed in to the one that is graded.

The graded folder is made apart. Once its rows are in the gradebook it is moved to its place, and from then on the
submission counts as graded: whole or not at all, whenever a run is stopped.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from sqlalchemy.exc import SQLAlchemyError

from lib.grading.commands.course import Course, unfinished
from lib.grading.errors import ConfigError
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.kernels.slow_imports import needs_slow_imports
from lib.grading.marking_queue import HANDED_IN, NOT_RUN, cells_for_person, keep_reasons, read_digest, read_reasons
from lib.grading.running.execute import KEY
from lib.grading.running.notebook import RunLostError, has_code
from lib.grading.running.runner import PackedNotebook, RunResult, RunTask
from lib.grading.safe_files import files_in, is_file, is_folder, remove, write
from lib.grading.sandbox.threads import TRIAL
from lib.grading.submissions.folders import fill, put_in_place
from lib.grading.submissions.gradebook import Known
from lib.grading.submissions.read import Submission, explain_unreadable, notebooks_beside, read_submission
from lib.grading.submissions.state import SubmissionState, submission_state
from lib.grading.submissions.tries import digest, last_change
from pebble import ProcessExpired

OF_THE_MACHINE = (SQLAlchemyError, OSError, MemoryError, ConfigError)
"""Errors of the machine and the course, which are nobody's verdict. RecursionError is none: how deep something
is nested is the notebook's doing."""
SENTENCE = "This notebook could not be graded as it is. Your instructor has been told."
"""Where grading itself fails on a notebook, for a reason that nobody foresaw."""
CHANGED = "what was handed in has changed since"
"""Why something is graded once more."""


def apply(steps: Sequence[Preprocessor], nb: NotebookNode, resources: dict[str, Any]) -> NotebookNode:
    """Apply preprocessors one after the other."""
    for step in steps:
        nb, resources = step(nb, resources)
    return nb


@dataclass
class PreparedNotebook:
    """One notebook of a submission: as it came, as it is to be run, and what nbgrader's steps hand on with it."""

    submission: Submission
    notebook: NotebookNode
    resources: dict[str, Any]
    reasons: list[str] = field(default_factory=list)
    """Why a person has to look at it, once it is graded."""

    @property
    def state(self) -> SubmissionState:
        """What the steps of grading hand on."""
        return submission_state(self.resources)


class GradingJob:
    """The grading of one submission."""

    def __init__(self, course: Course, student: str, source: Path):
        self.course, self.student, self.source = course, student, source
        directory = course.directory
        steps = directory.autograded_directory, unfinished(directory)
        self.place, self.folder = (Path(directory.format_path(step, student, course.assignment)) for step in steps)
        self.timestamp: datetime | None = directory.get_existing_timestamp(str(source)) or course.late_stamp(student)
        self.prepared_notebooks: dict[str, PreparedNotebook] = {}
        self.handed_in = ""
        """A digest of what is graded."""
        self.verdicts: tuple[Verdict, ...] = ()
        """What it got, once it has ended: nothing where its assignment has no unit."""
        self.lost = ""
        """What is missing of an earlier run, if that is why this is graded again."""
        self._known: Known | None = None
        """What the gradebook has of an earlier run, once `is_due` has asked."""

    def is_due(self) -> bool:
        """Tell, by nbgrader's own rule, whether this is to be graded: not before, or by force, or handed in anew.

        What was graded before is due too where the gradebook and the verdict differ.
        """
        if self.student in self.course.directory.student_id_exclude.split(","):
            return False
        graded = [is_file(self.place / f"{name}.ipynb") for name in self.course.notebooks]
        if self.course.converter.force or not all(graded):
            return True
        known = self._known = self.course.book.known(self.student)
        if known is None:
            self.lost = "the gradebook had nothing of it"
            return True
        self.lost = self._lost_of_verdict(known) if self.course.unit else ""
        before = known.timestamp
        is_newer = self.timestamp is not None and (before is None or self.timestamp > before)
        if is_newer and not self._counts_less():
            return True
        self.lost = self.lost or self._change()
        return bool(self.lost)

    def _change(self) -> str:
        """Say that other work lies there than was graded, if so: what comes from a download has no time of its own."""
        before = self._graded_digests()
        if not before:
            files = [self.place / f"{name}.ipynb" for name in self.course.notebooks]
            is_newer = last_change(self.source) > min(file.stat().st_mtime for file in files)
            return CHANGED if is_newer and self._draws_another_challenge() else ""
        return "" if before == {digest(self.source)} or self._counts_less() else CHANGED

    def _graded_digests(self) -> set[str]:
        """Read from the graded notebooks what was handed in; nothing where no digest was kept."""
        return {read_digest(self.place / f"{name}.ipynb") for name in self.course.notebooks} - {""}

    def _counts_less(self) -> bool:
        """Tell whether `watch` has graded what lies there, and has put back an earlier try that has more points."""
        tries = self.course.tries.get(self.student)
        if tries is None or self._graded_digests() != {tries.best}:
            return False
        now = digest(self.source)
        return now != tries.best and now in tries.graded

    def _draws_another_challenge(self) -> bool:
        """Tell other work by the seed of its challenge, which derives from what was handed in.

        Versions before 0.4 kept no digest, and nbgrader's own command keeps none. A time alone may be that of a copy.
        """
        if self.course.unit is None:
            return False
        before = {verdict.notebook: verdict.seed for verdict in Verdict.load_each(self.place, evidence=False)}
        try:
            self.work()
        except OSError:
            return True  # what it is that fails, the grading itself will say
        finally:
            self.leave()
        challenges = {name: prepared.state.challenge for name, prepared in self.prepared_notebooks.items()}
        return any(drawn and drawn.seed != before.get(name) for name, drawn in challenges.items())

    def reasons_left(self) -> list[str]:
        """Give why an earlier run listed what isn't due now, unless a person has marked it since."""
        if self._known is None or self._known.is_marked:
            return []
        kept = (read_reasons(self.place / f"{name}.ipynb") for name in self.course.notebooks)
        return list(dict.fromkeys(reason for reasons in kept for reason in reasons))

    def _lost_of_verdict(self, known: Known) -> str:
        """Say why the verdict of an earlier run can't be used, if it can't."""
        masters = self.course.book.masters
        try:
            verdicts = Verdict.load_each(self.place, evidence=False, of=(self.course.assignment, self.student))
        except FileNotFoundError:
            return f"its {FILE} was missing"
        except DamagedVerdictError as error:
            return f"its {FILE} {error}"
        found = {
            (verdict.notebook, part.id, tuple((one.name, one.max_points) for one in part.statements))
            for verdict in verdicts
            for part in verdict.parts
            if verdict.notebook in self.course.notebooks or verdict.notebook not in masters
        }
        if found != self.course.judged:
            return "the unit has other parts or points now"
        if any(known.differs(one, masters[one.notebook]) for one in verdicts if one.notebook in self.course.notebooks):
            return "the gradebook had other points"
        return ""

    def work(self) -> RunTask:
        """Fill the folder and prepare the notebooks; give what is to be run of them."""
        course, self.handed_in = self.course, digest(self.source)
        # Where only some notebooks are graded, the others stay as an earlier run left them.
        if course.directory.notebook_id != "*" and is_folder(self.place):
            shutil.copytree(self.place, self.folder)
        left_out = fill(self.folder, self.source, course.own, course.directory, course.bounds)
        beside = notebooks_beside(self.source, course.book.masters)
        notebooks = {}
        for name in course.notebooks:
            submission = read_submission(self.source / f"{name}.ipynb", course.book.masters)
            submission = replace(submission, remarks=(*submission.remarks, *left_out))
            try:
                prepared = self._prepare(name, submission)
            except OF_THE_MACHINE:
                raise
            except Exception as error:
                self._log(name, error)
                prepared = self._prepare(name, explain_unreadable(SENTENCE))
            prepared.state.remarks.extend(beside)
            if left_out:
                prepared.state.for_a_person.append("files were left out")
            self.prepared_notebooks[name] = prepared
            if prepared.submission.runnable:
                notebooks[name] = PackedNotebook.of(prepared.notebook.cells, self._files(prepared))
        return RunTask(notebooks, course.run, course.packages)

    def is_lost(self, result: BaseException) -> bool:
        """Tell whether what kept a submission from being run is the machine's fault: then it is no verdict.

        From within the sandbox nobody can end a worker; without it, what runs there can.
        """
        return isinstance(result, (RunLostError, OSError, MemoryError)) or (
            self.course.run.locked and isinstance(result, ProcessExpired)
        )

    def trial(self) -> RunTask:
        """Make a notebook that starts as many threads as any needs: only the machine can make it fail.

        Code with slow imports stands in it as a comment, so that the same kind of kernel runs it.
        """
        # The type of kernel depends on whether code names a slow import, also in a comment.
        cells = [cell for prepared in self.prepared_notebooks.values() for cell in prepared.notebook.cells]
        slow = next((cell.source for cell in cells if has_code(cell) and needs_slow_imports(cell.source)), "")
        code = TRIAL + "".join(f"# {line}\n" for line in slow.splitlines())
        return RunTask({"trial": PackedNotebook.of_code(code)}, self.course.run, self.course.packages)

    def _files(self, prepared: PreparedNotebook) -> dict[str, bytes]:
        """Read what lies beside a notebook where it is run: the submission's files, and the challenge."""
        files = {str(path.relative_to(self.folder)): path.read_bytes() for path in files_in(self.folder)}
        return {**files, **(prepared.state.files or {})}

    def leave(self) -> None:
        """Leave the submission as it was before."""
        remove(self.folder)

    def end(self, result: Mapping[str, RunResult] | BaseException) -> list[str]:
        """Judge the notebooks, save all there is, and move the folder to its place.

        Gives the reasons why a person has to look at the submission, if there are any. Raises what is
        `OF_THE_MACHINE`: nothing is saved then.
        """
        course = self.course
        # One transaction: what fails in one notebook takes back the rows of the others.
        with course.book.transaction():
            judged = {name: self._judge(name, prepared, result) for name, prepared in self.prepared_notebooks.items()}
            for name, (_, json_bytes) in judged.items():
                write(self.folder / f"{name}.ipynb", json_bytes)
            course.converter.set_permissions(course.assignment, self.student)
        put_in_place(self.folder, self.place)
        for prepared, _ in judged.values():
            self.verdicts = prepared.state.verdicts  # the last one judged knows of the others
        reasons = [reason for prepared, _ in judged.values() for reason in prepared.reasons]
        return list(dict.fromkeys(reasons))

    def _prepare(self, name: str, submission: Submission) -> PreparedNotebook:
        """Restore a notebook's cells and write its challenge."""
        course = self.course
        names = {
            "assignment": course.assignment,
            "notebook": name,
            "student": self.student,
            "db_url": course.directory.db_url,
        }
        remarks, files = list(submission.remarks), f"{name}_files"
        state = SubmissionState(
            remarks, files={}, gradebook=course.book, timestamp=self.timestamp, is_empty=submission.empty
        )
        place = {"name": name, "path": str(self.folder)}
        resources = {"nbgrader": names, "unique_key": name, "output_files_dir": files, "metadata": place, KEY: state}
        notebook = apply(course.before, NotebookNode(submission.notebook), resources)
        return PreparedNotebook(submission, notebook, resources)

    def _judge(
        self, name: str, prepared: PreparedNotebook, result: Mapping[str, RunResult] | BaseException
    ) -> tuple[PreparedNotebook, bytes]:
        """Judge a notebook as it ran; where that fails as it was before, and where that fails as an empty one.

        Gives it with its JSON: to write what came of a student's code can fail too.
        """
        unrun = replace(prepared.submission, remarks=(*prepared.submission.remarks, SENTENCE), runnable=False)
        if isinstance(result, BaseException):
            self.course.log.error("Running %s of %s failed twice: %r", name, self.student, result)
            prepared = self._prepare(name, unrun)
        elif name in result:
            ran = json.loads(result[name].cells, object_hook=NotebookNode)
            for cell, found in zip(prepared.notebook.cells, ran, strict=True):
                cell.update(found or {})
            prepared.state.remarks.extend(result[name].remarks)
        # The last attempt has nothing of the student's in it; if even that fails, the error is ours and is raised.
        for again in (unrun, explain_unreadable(SENTENCE)):
            try:
                return self._finish(prepared)
            except OF_THE_MACHINE:
                raise
            except Exception as error:
                self._log(name, error)
            prepared = self._prepare(name, again)
        return self._finish(prepared)

    def _finish(self, prepared: PreparedNotebook) -> tuple[PreparedNotebook, bytes]:
        prepared.notebook = apply(self.course.after, prepared.notebook, prepared.resources)
        prepared.reasons = _for_a_person(prepared)
        keep_reasons(prepared.notebook, prepared.reasons)
        prepared.notebook.metadata[HANDED_IN] = self.handed_in
        return prepared, _as_json(prepared.notebook)

    def _log(self, name: str, error: Exception) -> None:
        self.course.log.error("Grading %s of %s failed: %r", name, self.student, error)
        self.course.log.debug("This is where", exc_info=True)


def _as_json(notebook: NotebookNode) -> bytes:
    """Write a notebook as JSON, ten times as fast where no whole number in it is longer than 64 bits."""
    try:
        return orjson.dumps(notebook)
    except orjson.JSONEncodeError:
        return json.dumps(notebook, ensure_ascii=False).encode()


def _for_a_person(prepared: PreparedNotebook) -> list[str]:
    """Say in a few words why a person has to look at a notebook that was graded, if there is a reason."""
    given = prepared.state.for_a_person
    if not prepared.submission.runnable:
        return ["could not be read or run", *given]
    cells: dict[str, list[str]] = {}
    for cell, why in cells_for_person(prepared.notebook).items():
        if why != NOT_RUN:
            cells.setdefault(why, []).append(cell)
    given = [*(f"{', '.join(of)}: {why}" for why, of in cells.items()), *given]
    if any(cell.execution_count is None for cell in prepared.notebook.cells if has_code(cell)):
        return ["was not run to the end", *given]
    return given
