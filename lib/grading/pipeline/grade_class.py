"""A class: all submissions that are due are prepared here, run by workers, many at once, and finished here.

All that needs the gradebook, the course's secret or the answers happens in this process, one submission after the
other (`one`). Workers, which know none of it, run the notebooks (`run.pool`).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import wait
from contextlib import ExitStack, suppress
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets import Float, Integer, Unicode

from lib.grading.errors import ConfigError, UnitFailsError
from lib.grading.execution.pool import Cluster, PackedNotebook, Pool, RunResult, RunTask, runs, workers
from lib.grading.execution.settings import BoundedExecute
from lib.grading.files import is_folder, remove
from lib.grading.gradebook.marks import read_class
from lib.grading.gradebook.seen import Seen
from lib.grading.gradebook.session import GradebookSession
from lib.grading.judge.verdict import Verdict
from lib.grading.kernel.unit_imports import broken_units
from lib.grading.machine_faults import NO_THREAD, ClusterError, RunLostError, TooBusyError, sentence, what_comes_next
from lib.grading.names import NoId, unknown, visible
from lib.grading.pipeline.course import Course
from lib.grading.pipeline.regrading import look
from lib.grading.pipeline.score_table import Score, write_table
from lib.grading.pipeline.stages import OF_THE_MACHINE, Work, grade, prepare, task
from lib.grading.progress import Progress, say
from lib.grading.sandbox.limits import TRIAL
from lib.grading.sandbox.obstacles import find_obstacle
from lib.grading.submissions.submitted_files import ClosedError, find_submitted, read, strays

OPEN = os.R_OK | os.W_OK | os.X_OK


class Grade(Autograde):
    """Grades many submissions at once, takes all that come, and goes on after any that fail.

    nbgrader's Autograde has the settings: `force`, what isn't overwritten, permissions, and what is called before and
    after.
    """

    jobs = Integer(0, min=0, help="Notebooks that run at once; by default two for each processor.").tag(config=True)
    scheduler = Unicode("", help="Address of a Dask scheduler whose workers run the notebooks.").tag(config=True)
    seen = Unicode("", help="A student, or a pattern: the reasons listed so far were seen.").tag(config=True)
    patience = Float(60, min=0, help="Seconds to wait for a Dask scheduler's workers or a slow start.").tag(config=True)

    only: frozenset[Path] | None = None
    """The folders that are graded; all that there are, if it is None."""
    says = True
    """Whether it says which units are broken, and at its end what came of it; `watch` has words of its own."""

    # A submission would count before it is whole.
    @property
    def _output_directory(self) -> str:
        return unfinished(self.coursedir)

    # nbgrader leaves out folders without a notebook, and so their students without a verdict.
    def init_notebooks(self) -> None:
        """Find all submitted folders. Raises NbGraderException if there are none, with nbgrader's own advice."""
        course, assignment = self.coursedir, self.coursedir.assignment_id
        self.students = {folder: student for student, folder in find_submitted(course, assignment, course.student_id)}
        if not self.students and course.student_id != "*":
            self._stop(f"Nothing of {course.student_id} is in {course.submitted_directory}/ for {assignment}.")
        if not self.students:
            super().init_notebooks()
        if self.says and course.student_id == "*":
            self._warn_of_strays(Path(course.format_path(course.submitted_directory, "STUDENT", assignment)))

    def _warn_of_strays(self, place: Path) -> None:
        """Warn of work that lies where nobody's is looked for; a course may have its folders in another order."""
        if place.parts[-2:] == ("STUDENT", self.coursedir.assignment_id) and place.parent.parent.is_dir():
            for stray in strays(place.parent.parent, self.coursedir.assignment_id):
                self.log.warning("%s is not graded: submissions are read only from %s", stray, place)

    # nbgrader converts one submission after the other, and removes the folder of each that fails.
    def convert_notebooks(self) -> None:
        """Grade all submissions that are due, and print what came of it.

        Raises NbGraderException, after a sentence on what to do, where grading as a whole can't go on.
        """
        assignment = self.coursedir.assignment_id
        self._found: list[Score] = []
        self.graded: dict[str, tuple[str, list[str]]] = {}
        """By student the digest of what was graded, and the reasons why a person has to look at it."""
        self.not_graded: dict[str, str] = {}
        """By student why."""
        try:
            with ExitStack() as stack:
                self._grade_all(stack)
            scores = self._scores() if self.says else ""
        except Timeout:
            self._stop(f"{assignment} is being graded by another run. Wait until it is through, or end it.")
        except MissingEntry:
            self._stop(f"The gradebook doesn't know {assignment}. Run `zerolayer build` first.")
        except ConfigError as error:
            self._stop(str(error))
        # ImportError: a database's driver may be missing.
        except (ClusterError, RuntimeError, ImportError, *OF_THE_MACHINE) as error:
            if type(error) is RuntimeError and NO_THREAD not in str(error):
                raise
            self._stop(sentence(error), self._once_mended)
        if self.says:
            say("\n\n".join(filter(None, (scores, self.progress.table()))))

    def _grade_all(self, stack: ExitStack) -> None:
        """Grade all that are due, with what `stack` holds open meanwhile."""
        directory, assignment = self.coursedir, self.coursedir.assignment_id
        # Linux lets go of it when this process ends, however it ends; filelock closes it in forked workers.
        lock = Path(directory.root, self._output_directory, f"{assignment}.lock")
        stack.enter_context(FileLock(lock, blocking=False))
        self._seen = Seen(Path(directory.root), assignment)
        course = self._open(stack)
        self.progress = stack.enter_context(Progress(len(self.students if self.only is None else self.only)))
        self._remove_leftovers(Path(self._format_dest(assignment, "*")))
        for work, result in runs(self._pool, self._prepare(course)):
            self._take(course, work, result)

    def _remove_leftovers(self, made: Path) -> None:
        """Remove what a broken-off run left, by the pattern of the folders in which submissions are made."""
        for pattern in (made, made.with_name(f".{made.name}.part-*")):
            for folder in glob(str(pattern)):  # noqa: PTH207  # a pattern as a whole, too
                remove(Path(folder))
        for folder in glob(str(made.parent)):  # noqa: PTH207
            with suppress(OSError):  # another assignment's submission is made there, or it is a file
                Path(folder).rmdir()

    def _open(self, stack: ExitStack) -> Course:
        """Open what a run needs: the workers, the gradebook and the course."""
        directory, assignment = self.coursedir, self.coursedir.assignment_id
        # Before processes are forked, which then need not import the units again.
        for problem in broken_units() if self.says else ():
            self.log.warning("%s", problem)
        # The workers first: processes are forked from this one before it knows any answer.
        locked = BoundedExecute(parent=self).bounds.sandbox
        self._pool: Pool | Cluster = workers(self.jobs, self.scheduler, locked, self.patience)
        stack.enter_context(self._pool)
        finding = self._pool.submit(find_obstacle) if locked else None
        book = stack.enter_context(GradebookSession(directory.db_url, directory.course_id, assignment))
        course = Course(self, book, assignment)
        if self.says and (other := course.other_points()):
            self.log.warning(
                "Points of the unit have changed since it was built, and those of the gradebook count:"
                f" {'; '.join(other)}. For those of the unit, run `zerolayer build` and grade again."
            )
        if finding and wait([finding], self.patience).not_done:
            self.log.warning("This machine is busy, and slow to start. Grading goes on by itself.")
        if finding and (obstacle := finding.result()):
            self._stop(str(obstacle))
        if not course.notebooks:
            if course.book.masters:
                self._stop(unknown("notebook", directory.notebook_id, course.book.masters))
            self._stop(f"The gradebook has no notebook of {assignment}. Run `zerolayer build` first.")
        return course

    def _scores(self) -> str:
        """Write the scores of those graded now: by their verdicts, or by the gradebook where there are none."""
        if self._found or not self.graded:
            return write_table(self._found) if self._found else ""
        marks = read_class(self.coursedir, self.coursedir.assignment_id)
        return write_table([Score.of_marks(student, marks[student].values()) for student in self.graded], "")

    def _prepare(self, course: Course) -> Iterator[tuple[Work, RunTask]]:
        """Prepare each submission that is due; give what is to be run."""
        self._list_uncollected(course)
        for folder in self.students:
            if (self.only is None or folder in self.only) and (work := self._begin(course, folder)):
                if (running := task(course, work)).notebooks:
                    yield work, running
                else:
                    self._take(course, work, {})

    def _list_uncollected(self, course: Course) -> None:
        """List for a person what could not be collected and isn't there."""
        for left in course.collected.left_out:
            is_asked = fnmatchcase(left.student, self.coursedir.student_id)
            is_there = left.student and is_folder(Path(self._format_source(course.assignment, left.student)))
            if is_asked and not is_there:  # what is nobody's by its name is listed by that name
                who, why = (left.student, left.reason) if left.student else (left.file, left.why)
                if self._to_list(who, left.file, [left.why]):
                    self.progress.for_a_person.setdefault(who, f"could not be collected: {why}")

    def _to_list(self, who: str, submission: str, reasons: Iterable[str]) -> list[str]:
        """Note the reasons that were listed before as seen, if that is asked for; return those that nobody has seen."""
        if self.seen and (who == self.seen or fnmatchcase(who, self.seen)):
            for reason in self._seen.unseen(who, submission, reasons):
                say(visible(f"Seen: {who}: {reason}"))
            self._seen.note(who, submission, reasons)
        return self._seen.unseen(who, submission, reasons)

    def _begin(self, course: Course, folder: Path) -> Work | None:
        """Read and prepare what lies in a folder, if it can be graded and is due."""
        student = self.students[folder]
        if isinstance(student, NoId):
            is_listed = bool(self._to_list(student.name, "", [student.reason]))
            self._leave(student.name, student.reason, is_listed)
            return None
        place = self._place(course, student)
        if closed := [each for each in (place.parent, place) if os.path.lexists(each) and not os.access(each, OPEN)]:
            self._leave(student, f"was not graded: this account can't write in {closed[0]}. Open it, and grade again")
            return None
        try:
            handed = read(folder, student)
            due = look(course, handed, place)
            if not due.now:
                self.progress.add("skipped", student, self._to_list(student, handed.digest, due.reasons))
                return None
            if due.lost:
                self.progress.note_again(student, due.lost)
            self.run_pre_convert_hook()
            return prepare(course, handed)
        except UnitFailsError as error:
            self._leave(student, f"was not graded: {error}")
        except (ClosedError, OSError) as error:
            file = error.filename if isinstance(error, OSError) else folder
            if not (isinstance(file, str | Path) and Path(file).is_relative_to(folder)):
                raise  # else a disk, or a file system of somebody's, fails to give a submitted file
            if not os.path.lexists(folder):
                why = f"was not graded: {folder} was there a moment ago, and is gone. Put it back, and grade again"
            elif isinstance(error, ClosedError):
                why = f"can't be read by this account: {error}. Give it the right to, and grade again"
            else:
                why = f"was not graded: {sentence(error)} Have it handed in anew, and grade again"
            self._leave(student, why)
        return None

    def _take(self, course: Course, work: Work, result: Mapping[str, RunResult] | BaseException) -> None:
        """Save what came of a submission's run; leave the submission ungraded where that says nothing about it.

        What kept it from being run may be the machine's fault. From within the sandbox nobody can end a worker;
        without it, what runs there can.
        """
        student = work.handed.student
        if isinstance(result, BaseException):
            self._see_whether_any_runs(course)
            if course.run.sandbox or isinstance(result, (RunLostError, OSError, MemoryError)):
                self._leave(student, f"was not graded: {sentence(result)}")
                return
        try:
            folder = Path(self._format_dest(course.assignment, student))
            graded = grade(course, work, result, folder, self._place(course, student))
        except UnitFailsError as error:
            self._leave(student, f"was not graded: {error}")
            return
        self.graded[student] = work.handed.digest, graded.reasons
        self.progress.add("graded", student, self._seen.unseen(student, work.handed.digest, graded.reasons))
        if any(verdict.parts for verdict in graded.verdicts):
            self._found.append(Score.of(Verdict.of_all(graded.verdicts)))
        self.run_post_convert_hook()

    def _place(self, course: Course, student: str) -> Path:
        directory = self.coursedir
        return Path(directory.format_path(directory.autograded_directory, student, course.assignment))

    def _leave(self, student: str, why: str, is_listed: bool = True) -> None:
        """Leave a submission ungraded, for a person, and as it was before."""
        self.not_graded[student] = why
        self.progress.add("not graded", student, [why] if is_listed else [])

    def _see_whether_any_runs(self, course: Course) -> None:
        """See whether a run failed twice because none works at present: then stop. Where that takes long, go on.

        A notebook is run that starts as many threads as any needs: only the machine can make it fail.
        """
        trial = RunTask({"trial": PackedNotebook.of_code(TRIAL)}, course.run, course.packages)
        try:
            # It has to wait for runs that are under way, which may take their time.
            ran = self._pool.submit(trial, trial.longest()).result(timeout=trial.longest())
            problem = next((ran[name].error() for name in ran), "")
        except (TimeoutError, TooBusyError):
            problem = ""
        except Exception as error:
            problem = sentence(error)
        if problem:
            self._stop(f"No notebook can be run at present: {problem}", f"Try `zerolayer doctor`. {self._once_mended}")

    @property
    def next_time(self) -> str:
        """What the same command does after this one was stopped."""
        # `zerolayer watch` forces what it chose, and chooses nothing that is graded.
        return what_comes_next(self.force and self.only is None)

    @property
    def _once_mended(self) -> str:
        return f"What was graded is kept. Once this is mended, {self.next_time}."

    def _stop(self, why: str, then: str = "") -> NoReturn:
        self.log.error("%s", f"{why}\n{then}".rstrip())
        raise NbGraderException(why)


def unfinished(directory: CourseDirectory) -> str:
    """Name the folder in which submissions are made, beside those that are autograded: patterns don't find it."""
    return str(Path(directory.autograded_directory, ".unfinished"))
