"""Grading a class: this process decides which submissions are due, prepares and finishes them, and workers run them.

Every step that needs the gradebook or the course's secret happens in this process, one submission after the other
(`stages`). Workers (`execution.pool`) run and judge. No student code runs in them, nor in a fork of one: the warm
process of the kernels is a program of its own, which never reads an answer.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde, NbGraderException
from traitlets import Float, Integer, Unicode

from lib.grading.errors import ConfigError
from lib.grading.execution.notebook import problem_here
from lib.grading.execution.pool import Cluster, Pool, open_pool, run_tasks
from lib.grading.files import is_file
from lib.grading.gradebook.database import label
from lib.grading.gradebook.marks import NotebookMarks, read_class
from lib.grading.gradebook.session import GradebookSession
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.kernel.unit_imports import broken_units
from lib.grading.machine_faults import NO_THREAD, TooBusyError, sentence
from lib.grading.pipeline.course import BoundedExecute, Course
from lib.grading.pipeline.one_notebook import OF_THE_MACHINE, Graded, GradeTask
from lib.grading.pipeline.stages import prepare, save
from lib.grading.progress import Progress, say
from lib.grading.safe_names import InvalidId, unknown
from lib.grading.sandbox.obstacles import find_obstacle
from lib.grading.score_table import Score, write_table
from lib.grading.submissions.submitted_files import (
    NoAccessError,
    SubmittedFiles,
    find_submitted,
    read,
    step_folder,
)
from lib.grading.submissions.submitted_notebook import Submission

CHANGED = "the submitted files have changed since"
"""The reason to grade a submission again if only its digest differs."""


def decide(course: Course, submitted: SubmittedFiles, place: Path) -> tuple[bool, str]:
    """Return whether to grade a submission, and the reason if that is because earlier results are lost.

    By nbgrader's rule a submission is due if it is new, newer than before, or with --force.

    A graded submission is also due if the gradebook and the verdict differ, or the files have changed, since files from
    a download have no time of their own. Nothing else is due, since a new grading asks for manual marks again.
    """
    if submitted.student in course.directory.student_id_exclude.split(","):
        return False, ""
    if course.converter.force or not all(is_file(place / f"{name}.ipynb") for name in course.notebooks):
        return True, ""
    if submitted.student not in course.times:
        return True, "the gradebook had no marks for it"
    timestamp, before = course.timestamp_of(submitted), course.times[submitted.student]
    try:
        found = Verdict.load_each(place, of=(course.assignment, submitted.student))
    except DamagedVerdictError as error:
        return True, f"its {FILE} {error}"
    verdicts = [
        one for one in found if one.notebook in course.notebooks or one.notebook not in course.gradebook.sources
    ]
    marks = {name: course.marks.get(submitted.student, {}).get(name) for name in course.notebooks}
    if lost := _lost_of(course, verdicts, marks):
        return True, lost
    if timestamp is not None and (before is None or timestamp > before):
        return True, ""
    if {verdict.notebook: verdict.digest for verdict in verdicts} != dict.fromkeys(marks, submitted.digest):
        return True, CHANGED
    return False, ""


def _lost_of(course: Course, verdicts: Sequence[Verdict], marks: dict[str, NotebookMarks | None]) -> str:
    """Return why an earlier run's results can't be used, or ""."""
    found = {
        (verdict.notebook, part.id, tuple((one.name, one.max_points) for one in part.statements))
        for verdict in verdicts
        for part in verdict.parts
    }
    if found != course.judged:
        return "the unit has other parts or points now"
    for verdict in verdicts:
        cells = one.cells if (one := marks.get(verdict.notebook)) else {}
        for part in verdict.parts:
            if part.id not in cells or cells[part.id].graded != part.score(cells[part.id].max_points):
                return "the gradebook had other points"
    return ""


OPEN = os.R_OK | os.W_OK | os.X_OK


class Grade(Autograde):
    """Grades many submissions at once, with the settings of nbgrader's Autograde, and continues after failures."""

    jobs = Integer(0, min=0, help="Notebooks that run at once; by default two for each processor.").tag(config=True)
    scheduler = Unicode("", help="The address of a Dask scheduler, to run notebooks on its workers.").tag(config=True)
    patience = Float(60, min=0, help="Seconds to wait for a Dask scheduler's workers or a slow start.").tag(config=True)

    # nbgrader would write into the final folder, where a partial submission would count as graded.
    @property
    def _output_directory(self) -> str:
        # The dot hides it from patterns for autograded submissions.
        return str(Path(self.coursedir.autograded_directory, ".unfinished"))

    # nbgrader would skip folders without a notebook, and their students would get no verdict.
    def init_notebooks(self) -> None:
        """Find all submitted folders. Raises NbGraderException if there are none."""
        course, assignment = self.coursedir, self.coursedir.assignment_id
        self.students = {folder: student for student, folder in find_submitted(course, assignment, course.student_id)}
        if not self.students and course.student_id != "*":
            self._stop(f"{course.submitted_directory}/ has no submission of {course.student_id} for {assignment}.")
        if not self.students:
            super().init_notebooks()

    # nbgrader would convert submissions one after the other, and remove the folder of each one that fails.
    def convert_notebooks(self) -> None:
        """Grade all submissions that are due. Raises NbGraderException, after a message, if grading has to stop."""
        assignment = self.coursedir.assignment_id
        self._found: list[Score] = []
        self._graded: list[str] = []
        try:
            with ExitStack() as stack:
                self._grade_all(stack)
            scores = self._scores()
        except Timeout:
            self._stop(f"{assignment} is being graded by another run. Wait until it has finished, or stop it.")
        except MissingEntry:
            self._stop(f"The gradebook has no assignment {assignment}. Run `zerolayer build` first.")
        except ConfigError as error:
            self._stop(str(error))
        # ImportError: raised by SQLAlchemy if the database's driver is missing.
        except (RuntimeError, ImportError, *OF_THE_MACHINE) as error:
            if type(error) is RuntimeError and NO_THREAD not in str(error):
                raise
            self._stop(sentence(error), self._once_fixed)
        say("\n\n".join(filter(None, (scores, self.progress.table()))))

    def _grade_all(self, stack: ExitStack) -> None:
        """Grade all submissions that are due. `stack` closes the lock, workers and gradebook."""
        directory, assignment = self.coursedir, self.coursedir.assignment_id
        # Linux releases the lock when this process ends, even if killed; filelock closes it in forked workers.
        lock = Path(directory.root, self._output_directory, f"{assignment}.lock")
        stack.enter_context(FileLock(lock, blocking=False))
        course = self._open(stack)
        self._names = course.gradebook.query(lambda gradebook: {one.id: label(one) for one in gradebook.students})
        self.progress = stack.enter_context(Progress(len(self.students), self._names))
        self.progress.late = course.late
        for (submitted, task), result in run_tasks(self._pool, self._prepare(course)):
            self._take(course, submitted, task, result)

    def _open(self, stack: ExitStack) -> Course:
        """Open the workers, the gradebook and the course."""
        directory, assignment = self.coursedir, self.coursedir.assignment_id
        # Imports the units before the forks, which then need not import them again.
        for problem in broken_units():
            self.log.warning("%s", problem)
        locked = BoundedExecute(parent=self).bounds.sandbox
        if sys.platform == "linux" and locked and not self.scheduler:
            from lib.grading.kernel.client import ForkServer

            ForkServer.shared().start()  # a new program, which knows no answers; it warms up in the meantime
        gradebook = stack.enter_context(GradebookSession(directory.db_url, directory.course_id, assignment))
        course = Course(self, gradebook, assignment)
        self._pool: Pool | Cluster = open_pool(self.jobs, self.scheduler, self.patience)
        stack.enter_context(self._pool)
        finding = self._pool.submit(find_obstacle) if locked else None
        if finding and wait([finding], self.patience).not_done:
            self.log.warning("This machine is busy, so the start is slow. Please wait.")
        if finding and (obstacle := finding.result()):
            self._stop(str(obstacle))
        if not course.notebooks:
            if course.gradebook.sources:
                self._stop(unknown("notebook", directory.notebook_id, course.gradebook.sources))
            self._stop(f"The gradebook has no notebook of {assignment}. Run `zerolayer build` first.")
        return course

    def _scores(self) -> str:
        """Return the table of scores, from verdicts, or from the gradebook for an assignment without a unit."""
        if self._found or not self._graded:
            return write_table(self._found) if self._found else ""
        marks = read_class(self.coursedir, self.coursedir.assignment_id)
        return write_table([self._named(Score.of_marks(each, marks[each].values())) for each in self._graded], "")

    def _prepare(self, course: Course) -> Iterator[tuple[tuple[SubmittedFiles, GradeTask], GradeTask, float]]:
        """Read and prepare each submission that is due and can be graded, and yield it with its task and time limit."""
        for folder in self.students:
            if work := self._begin(course, folder):
                yield work, work[1], work[1].time_limit()

    def _begin(self, course: Course, folder: Path) -> tuple[SubmittedFiles, GradeTask] | None:
        student = self.students[folder]
        if isinstance(student, InvalidId):
            self._leave(student.name, student.reason)
            return None
        place = step_folder(self.coursedir, "autograded", student, course.assignment)
        if closed := [each for each in (place.parent, place) if os.path.lexists(each) and not os.access(each, OPEN)]:
            self._leave(
                student,
                f"was not graded: this account can't write to {closed[0]}. Fix its permissions, and grade again",
            )
            return None
        try:
            submitted = read(folder, student)
            is_due, lost = decide(course, submitted, place)
            if not is_due:
                self.progress.add("skipped", student)
                return None
            if lost:
                self.progress.note_again(student, lost)
            self.run_pre_convert_hook()
            return submitted, prepare(course, submitted)
        except (NoAccessError, OSError) as error:
            file = error.filename if isinstance(error, OSError) else folder
            if not (isinstance(file, str | Path) and Path(file).is_relative_to(folder)):
                raise  # an error of the machine, not of the submitted files
            if not os.path.lexists(folder):
                why = f"was not graded: {folder} has just been removed. Put it back, and grade again"
            elif isinstance(error, NoAccessError):
                why = f"can't be read by this account: {error}. Fix the permissions, and grade again"
            else:
                why = f"was not graded: {sentence(error)} Ask the student to submit again"
            self._leave(student, why)
        return None

    def _take(
        self, course: Course, submitted: SubmittedFiles, task: GradeTask, result: Mapping[str, Graded] | BaseException
    ) -> None:
        """Keep a submission's results. Leave it ungraded if its unit or the machine failed."""
        student = submitted.student
        if isinstance(result, BaseException):
            if not isinstance(result, ConfigError):
                self._stop_if_none_runs(course)
            # In the sandbox student code can't kill a worker, so a lost worker is the machine's fault.
            if course.run.sandbox or isinstance(result, OF_THE_MACHINE):
                self._leave(student, f"was not graded: {sentence(result)}")
                return
            self.log.error("Running the notebooks of %s failed twice: %r", student, result)
            result = task.unrun()()
        folder = Path(self._format_dest(course.assignment, student))
        place = step_folder(self.coursedir, "autograded", student, course.assignment)
        verdict = save(course, submitted, task, result, folder, place)
        self._graded.append(student)
        self.progress.add("graded", student, verdict.reasons)
        if verdict.parts:
            self._found.append(self._named(Score.of(verdict)))
        self.run_post_convert_hook()

    def _named(self, score: Score) -> Score:
        return replace(score, student=self._names.get(score.student, score.student))

    def _leave(self, student: str, why: str) -> None:
        """Leave a submission ungraded, and list it with the reason."""
        self.progress.add("not graded", student, [why])

    def _stop_if_none_runs(self, course: Course) -> None:
        """Stop if no notebook can be run at present, not even one that only the machine can make fail."""
        seconds = GradeTask(course.terms, "", "", {"trial": Submission([])}, {}).time_limit()
        try:
            # The time limit applies to the wait for other runs, too.
            problem = self._pool.submit(partial(problem_here, course.run), seconds).result(timeout=seconds)
        except (TimeoutError, TooBusyError):
            problem = ""
        except Exception as error:
            problem = sentence(error)
        if problem:
            self._stop(f"No notebook can be run at present: {problem}", f"Try `zerolayer doctor`. {self._once_fixed}")

    @property
    def next_time(self) -> str:
        """The message about what the same command would do next time."""
        return f"the same command {'starts over, because of --force' if self.force else 'goes on from there'}"

    @property
    def _once_fixed(self) -> str:
        return f"Finished submissions are kept. Once this is fixed, {self.next_time}."

    def _stop(self, why: str, then: str = "") -> NoReturn:
        self.log.error("%s", f"{why}\n{then}".rstrip())
        raise NbGraderException(why)
