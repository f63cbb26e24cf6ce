"""Grading a class: nbgrader's Autograde, which here runs notebooks in parallel and gives every submission a verdict.

All that needs the gradebook, the course's secret or the answers happens in this process, one submission after the
other (`job`): cells are restored and the challenge is written before a run, and answers are judged and saved after it.
Worker processes run the notebooks (`runner`).
"""

import logging
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import ClassVar, NoReturn

from filelock import FileLock, Timeout
from nbgrader.api import MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets import Float, Integer, Unicode

from lib.grading.commands.command import named_assignment, say, student_of
from lib.grading.commands.config import Configured
from lib.grading.commands.course import Course, unfinished
from lib.grading.commands.job import OF_THE_MACHINE, GradingJob
from lib.grading.errors import ConfigError, UnitFailsError
from lib.grading.judge.verdict import Verdict
from lib.grading.kernels.slow_imports import broken_units
from lib.grading.machine_faults import NO_THREAD, ClusterError, sentence, what_comes_next
from lib.grading.report.marks import read_class
from lib.grading.report.score_table import Score, write_table
from lib.grading.running.execute import BoundedExecute
from lib.grading.running.progress import Progress
from lib.grading.running.runner import Runner, RunResult, RunTask, _Question, workers
from lib.grading.safe_files import find_folders, is_file, is_folder, remove, unreadable_in
from lib.grading.sandbox.doctor import find_obstacle
from lib.grading.submissions.gradebook import GradebookSession
from lib.grading.submissions.strays import strays
from lib.grading.untrusted_names import id_problem

NEEDS_A_PERSON = 3
"""Exit code: done, but a person has to look at some. nbgrader ends with 0 or 1, a shell with 2 and with 126 or more."""
GradingRunner = Runner[GradingJob, dict[str, RunResult]]
STARTING = 30
"""Seconds in which a notebook of one cell has to be run, slow imports included."""


class SubmittedCourse(CourseDirectory):
    """A course directory in which a timestamp that can't be read is no timestamp: the student may have written it."""

    def get_existing_timestamp(self, dest_path: str) -> datetime | None:
        """Read when a submission was made, if it says so."""
        stamp = Path(dest_path, "timestamp.txt")
        try:
            if is_file(stamp) and stamp.stat().st_size < 1000:
                return super().get_existing_timestamp(dest_path)
        except (Exception, SystemExit):  # nbgrader itself would end the program here
            self.log.warning("The timestamp in %s can't be read; it is left out.", dest_path)
        return None


class Grade(Autograde):
    """Autograde that runs many submissions at once, takes all that come, and goes on after any that fail."""

    jobs = Integer(0, min=0, help="Notebooks that run at once; by default two for each processor.").tag(config=True)
    scheduler = Unicode("", help="Address of a Dask scheduler whose workers run the notebooks.").tag(config=True)
    patience = Float(60, min=0, help="Seconds to wait for workers of a Dask scheduler that has none.").tag(config=True)

    only: frozenset[str] | None = None
    """The folders that are graded; all that there are, if it is None."""
    more: Callable[[], Iterable[str]] | None = None
    """Asked for more folders to grade, again and again, once there is no other and notebooks are still run."""
    says = True
    """Whether it says which units are broken, and at its end what came of it; `watch` has words of its own."""

    # nbgrader would write into `autograded`, where a submission would count before it is whole.
    @property
    def _output_directory(self) -> str:
        return unfinished(self.coursedir)

    # nbgrader leaves out folders without a notebook, and so their students without a verdict.
    def init_notebooks(self) -> None:
        """Find all submitted folders, whether or not there is a notebook in them.

        Raises NbGraderException if there are none, with nbgrader's own advice.
        """
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        folders = find_folders(pattern)
        if not folders:
            super().init_notebooks()
        if self.only is not None:
            folders = [folder for folder in folders if folder in self.only]
        self.assignments: dict[str, list[str]] = {folder: [] for folder in folders}
        if self.says and self.coursedir.student_id == "*":
            self._warn_of_strays()

    def _warn_of_strays(self) -> None:
        course, assignment = self.coursedir, self.coursedir.assignment_id
        place = Path(course.format_path(course.submitted_directory, "STUDENT", assignment))
        submitted = place.parent.parent
        if place.parts[-2:] != ("STUDENT", assignment) or not submitted.is_dir():
            return  # the course lays out its folders in another way
        for stray in strays(submitted, assignment):
            self.log.warning("%s is not graded: nobody's work is looked for there. Lay it into %s", stray, place)

    # nbgrader converts one submission after the other, and removes the folder of each that fails.
    def convert_notebooks(self) -> None:
        """Grade all submissions that are due, and print what came of it.

        Raises NbGraderException, after a sentence on what to do, where grading as a whole can't go on.
        """
        assignment = self.coursedir.assignment_id
        self._found: list[Score] = []
        self.graded: dict[str, list[str]] = {}  # by student, the reasons why a person has to look at it
        self.not_graded: dict[str, str] = {}  # by student, why
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
            self._stop(f"{sentence(error)}\n{self._once_mended}")
        if self.says:
            say("\n\n".join(filter(None, (scores, self.progress.table()))))

    def _grade_all(self, stack: ExitStack) -> None:
        """Grade all that are due, with what `stack` holds open meanwhile."""
        runner, course = self._open(stack)
        self.progress = stack.enter_context(Progress(len(self.assignments)))
        # What a run that was broken off has left in its folder.
        for folder in glob(self._format_dest(course.assignment, "*")):  # noqa: PTH207  # a pattern as a whole, too
            remove(Path(folder))
        for job, result in runner.runs(self._prepare(course)):
            self._take(runner, job, result)

    def _open(self, stack: ExitStack) -> tuple[GradingRunner, Course]:
        """Open what a run needs: its lock, the workers, the gradebook and the course."""
        directory, assignment = self.coursedir, self.coursedir.assignment_id
        # Linux lets go of it when this process ends, however it ends; filelock closes it in forked workers.
        lock = Path(directory.root, self._output_directory, f"{assignment}.lock")
        stack.enter_context(FileLock(lock, blocking=False))
        # Before processes are forked, which then need not import the units again.
        problems = broken_units()
        for problem in problems if self.says else ():
            self.log.warning("%s", problem)
        # The workers first: processes are forked from this one before it knows any answer.
        sandbox = BoundedExecute(config=self.config).sandbox
        runner: GradingRunner = stack.enter_context(workers(self.jobs, self.scheduler, sandbox, self.patience))
        finding = runner.pool.submit(_Question(find_obstacle, STARTING)) if sandbox else None
        book = stack.enter_context(GradebookSession(directory.db_url, directory.course_id, assignment))
        course = Course(self, book)
        if self.says and (other := course.other_points()):
            self.log.warning(
                "Points of the unit have changed since it was built, and those of the gradebook count:"
                f" {'; '.join(other)}. For those of the unit, run `zerolayer build` and grade again."
            )
        if finding and (obstacle := finding.result()):
            self._stop(str(obstacle))
        return runner, course

    def _scores(self) -> str:
        """Write the scores of those graded now: by their verdicts, or by the gradebook where there are none."""
        if self._found:
            return write_table(self._found)
        if not self.graded:
            return ""
        marks = read_class(self.coursedir, self.coursedir.assignment_id)
        return write_table([Score.of_marks(student, marks[student].values()) for student in self.graded], "")

    def _folders(self) -> Iterator[str | None]:
        """Give the folders to grade; None where there is none yet, but more may come while notebooks are run."""
        waiting = deque(self.assignments)
        while waiting or self.more:
            if self.more and not waiting:
                waiting.extend(self.more())
            yield waiting.popleft() if waiting else None

    def _prepare(self, course: Course) -> Iterator[tuple[GradingJob, RunTask] | None]:
        """Begin with each submission that is due; give those that are to be run, and None where `_folders` does."""
        if not course.notebooks:
            self._stop(f"The gradebook has no such notebook of {course.assignment}. Run `zerolayer build` first.")
        self._list_uncollected(course)
        for source in self._folders():
            if source is None:
                yield None
            elif (job := self._begin(course, source)) is not None and (work := self._work(job)) is not None:
                yield job, work

    def _list_uncollected(self, course: Course) -> None:
        """List for a person what could not be collected and isn't there."""
        for left in course.collected.left_out:
            is_asked = fnmatchcase(left.student, self.coursedir.student_id)
            is_there = left.student and is_folder(Path(self._format_source(course.assignment, left.student)))
            if is_asked and not is_there:  # what is nobody's by its name is listed by that name
                who, why = (left.student, left.reason) if left.student else (left.file, left.why)
                self.progress.for_a_person.setdefault(who, f"could not be collected: {why}")

    def _begin(self, course: Course, source: str) -> GradingJob | None:
        """Make the job of a submitted folder, if it can be graded and is due."""
        try:
            student = student_of(self, source)
        except ValueError as error:
            self._stop(str(error))
        if problem := id_problem(student):
            why = f"its folder's name can't be a student's id: {problem}. Rename the folder, and grade again"
            self._leave(student, why)
        elif closed := unreadable_in(Path(source)):
            self._leave(student, f"can't be read by this account: {closed}. Give it the right to, and grade again")
        else:
            job = GradingJob(course, student, Path(source))
            if job.is_due():
                return job
            self.progress.add("skipped", job.student, job.reasons_left())
        return None

    def _work(self, job: GradingJob) -> RunTask | None:
        """Prepare a submission, and give what is to be run of it; one of which nothing is, is judged at once."""
        if job.lost:
            self.progress.note_again(job.student, job.lost)
        self.run_pre_convert_hook()
        try:
            work = job.work()
        except UnitFailsError as error:
            self._give_up(job, error)
            return None
        except OSError as error:
            file = error.filename
            if not (isinstance(file, str) and Path(file).is_relative_to(job.source)):
                raise  # else a disk, or a file system of somebody's, fails to give a submitted file
            self._give_up(job, f"{sentence(error)} Have it handed in anew, and grade again")
            return None
        if work.notebooks:
            return work
        self._end(job, {})
        return None

    def _take(self, runner: GradingRunner, job: GradingJob, result: Mapping[str, RunResult] | BaseException) -> None:
        """Save what came of a submission's run; leave the submission ungraded where that says nothing about it."""
        if isinstance(result, BaseException):
            self._see_whether_any_runs(runner, job)
            if job.is_lost(result):
                self._give_up(job, sentence(result))
                return
        try:
            self._end(job, result)
        except UnitFailsError as error:
            self._give_up(job, error)

    def _leave(self, student: str, why: str) -> None:
        self.not_graded[student] = why
        self.progress.add("not graded", student, [why])

    def _give_up(self, job: GradingJob, why: object) -> None:
        """Leave a submission ungraded, for a person, and as it was before its job began."""
        job.leave()
        self._leave(job.student, f"was not graded: {why}")

    def _end(self, job: GradingJob, result: Mapping[str, RunResult] | BaseException) -> None:
        """Save a submission that has been run, or failed to."""
        self.graded[job.student] = reasons = job.end(result)
        self.progress.add("graded", job.student, reasons)
        if any(verdict.parts for verdict in job.verdicts):
            self._found.append(Score.of(Verdict.of_all(job.verdicts)))
        self.run_post_convert_hook()

    def _see_whether_any_runs(self, runner: GradingRunner, job: GradingJob) -> None:
        """See whether a run failed twice because none works at present: then stop."""
        try:
            ran = runner.ask(job.trial(), STARTING)
            problem = next((ran[name].error() for name in ran), "")
        except TimeoutError:
            problem = "a notebook that only starts some threads did not end in time."
        except Exception as error:
            problem = sentence(error)
        if problem:
            self._stop(f"No notebook can be run at present: {problem}\nTry `zerolayer doctor`. {self._once_mended}")

    @property
    def next_time(self) -> str:
        """What the same command does after this one was stopped."""
        # `zerolayer watch` forces what it chose, and chooses nothing that is graded.
        return what_comes_next(self.force and self.only is None)

    @property
    def _once_mended(self) -> str:
        return f"What was graded is kept. Once this is mended, {self.next_time}."

    def _stop(self, why: str) -> NoReturn:
        self.log.error("%s", why)
        raise NbGraderException(why)


class GradeApp(Configured, AutogradeApp):
    """`zerolayer grade ASSIGNMENT`: `nbgrader autograde` with its flags, for a whole class at once."""

    in_course = True
    own_log_level = logging.WARNING  # nbgrader's own level tells of each file of each submission

    name = "zerolayer-grade"
    argument = "ASSIGNMENT"
    description = f"""
        Grade the submissions of an assignment: every one gets a verdict, whatever it is.

        Exits with 0 when all is graded. Exits with {NEEDS_A_PERSON} when all is done, but a person has to look at some:
        those that could not be read, or not be run to the end, and others, each listed with the reason. Exits with 1
        when grading had to stop, after a sentence that says why: what was graded is kept, and the same command goes
        on from there. With --force it begins again with all.

        Those that need a person stay listed until one has marked them, or the student hands in anew.
    """
    examples = """
        zerolayer grade UNIT
        zerolayer grade UNIT --student ada --force
        zerolayer grade UNIT --jobs 8 --timeout 60
        zerolayer grade UNIT --scheduler tcp://10.0.0.1:8786
    """
    aliases = {
        **AutogradeApp.aliases,
        "jobs": "Grade.jobs",
        "scheduler": "Grade.scheduler",
        "timeout": "BoundedExecute.timeout",
    }
    flags = {
        **AutogradeApp.flags,
        "no-sandbox": (
            {"BoundedExecute": {"sandbox": False}},
            "Run students' code with all your rights, on this machine as it is.",
        ),
    }

    uses: ClassVar[tuple[type, ...]] = (Grade, BoundedExecute)

    # nbgrader has no setting for the class of the course directory.
    def initialize(self, argv: list[str] | None = None, root: str = "") -> None:
        """Read the configuration as nbgrader does; its course, with an eye for what students send."""
        super().initialize(argv, root)
        self.coursedir = SubmittedCourse(parent=self, **({"root": root} if root else {}))

    def start(self) -> None:
        """Grade; exits with 1 where nbgrader would, and with `NEEDS_A_PERSON` where one is needed."""
        super(AutogradeApp, self).start()  # not AutogradeApp's, which makes nbgrader's own converter
        self.coursedir.assignment_id = named_assignment(self)
        try:
            self._carry_out(Grade(coursedir=self.coursedir, parent=self))
        except NbGraderException:
            self.exit(1)

    def _carry_out(self, grade: Grade) -> None:
        try:
            grade.start()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more says nothing new
            self.log.error("Stopped. What was graded is kept; %s.", grade.next_time)
            self.exit(130)
        if grade.progress.for_a_person:
            self.exit(NEEDS_A_PERSON)
