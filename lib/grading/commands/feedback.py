"""`zerolayer feedback`: write the feedback pages of a class, with several processes.

Every page is written each time, which takes a few milliseconds. So no rules are needed for new marks, regrading,
changed templates or removed pages.
"""

import logging
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import filter as filter_names
from fnmatch import fnmatchcase
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from filelock import FileLock
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from pebble import ProcessExpired, ProcessPool
from traitlets import Integer

from lib.grading.commands.command import Command, check_assignment, check_student, named_assignment, options
from lib.grading.errors import ConfigError
from lib.grading.files import find_folders, is_file, write_whole
from lib.grading.gradebook.database import open_gradebook
from lib.grading.gradebook.lateness import renew_penalties
from lib.grading.gradebook.marks import NotebookMarks, above_maximum, read_marks
from lib.grading.machine_faults import is_file_fault, sentence
from lib.grading.pages.feedback_maker import read_page, render
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import bar, say
from lib.grading.safe_names import unknown, visible
from lib.grading.submissions.exchange import SECRET
from lib.grading.submissions.submitted_files import STAMP, step_folder


@dataclass(frozen=True)
class PageTask:
    """The task to write one student's pages."""

    assignment: str
    student: str
    graded: Path
    place: Path
    notebooks: str
    marks: Mapping[str, NotebookMarks]
    log: logging.Logger

    def __call__(self) -> None:
        """Write the pages. Raises MissingEntry if the gradebook has no marks, and OSError."""
        for file in sorted(self.graded.glob(f"{self.notebooks}.ipynb")):
            if file.stem not in self.marks:
                raise MissingEntry(
                    f"the gradebook has no marks for it. Grade it again; if the student has left, remove {self.graded}."
                )
            page = read_page(file, self.assignment, self.student, self.marks[file.stem], self.log)
            write_whole(self.place / f"{file.stem}.html", render(page, file.parent).encode())
        for note in filter(is_file, (self.graded / STAMP, self.graded / SECRET)):  # nbgrader needs them for the release
            write_whole(self.place / note.name, note.read_bytes())


def write_pages(course: CourseDirectory, app: Command, jobs: int = 0) -> tuple[int, dict[str, str]]:
    """Write the pages of all graded students. Raises Timeout if another run does so.

    Returns the number of students, and the failures' reasons by student.
    """
    assignment, failed = course.assignment_id, dict[str, str]()
    with FileLock(Path(course.root, course.feedback_directory, f".{assignment}.lock"), blocking=False):
        with open_gradebook(course.db_url, course.course_id) as gradebook:
            renew_penalties(gradebook, app)
            notebooks = [one.name for one in gradebook.find_assignment(assignment).notebooks]
            if not filter_names(notebooks, course.notebook_id):
                raise ConfigError(unknown("notebook", course.notebook_id, notebooks))
            marks = read_marks(gradebook, assignment)
        for student, more in above_maximum(marks):
            app.log.warning("%s has %s. If that is a mistake, correct it in formgrader.", visible(student), more)
        tasks = [
            PageTask(assignment, student, folder, place, course.notebook_id, marks[student], app.log)
            for student, folder, place in _requested(course)
        ]
        with bar(len(tasks), "page") as shown:
            for task, error in _run_tasks(tasks, jobs or os.cpu_count() or 1):
                if error:
                    failed[task.student] = _reason_of(error, app)
                shown.update()
    return len(tasks), failed


def _requested(course: CourseDirectory) -> Iterator[tuple[str, Path, Path]]:
    excluded = course.student_id_exclude.split(",")
    for folder in map(Path, find_folders(course.format_path(course.autograded_directory, "*", course.assignment_id))):
        student = folder.parent.name
        if student not in excluded and fnmatchcase(student, course.student_id):
            yield student, folder, step_folder(course, "feedback", student, course.assignment_id)


def _run_tasks(tasks: Sequence[PageTask], jobs: int) -> Iterator[tuple[PageTask, BaseException | None]]:
    """Run the tasks in processes forked from this one; yield each with its error, if any."""
    # The first task runs in this process: it loads templates and caches, which the forked processes then share.
    here = 1 if os.name == "posix" else len(tasks)
    for task in tasks[:here]:
        try:
            task()
        except Exception as error:
            yield task, error
        else:
            yield task, None
    if rest := tasks[here:]:
        pool = ProcessPool(min(jobs, len(rest)), context=get_context("fork"))
        try:
            for task, future in [(task, pool.schedule(task)) for task in rest]:
                yield task, future.exception()
        finally:  # also after Ctrl-C, when Pebble would continue to the last task
            pool.stop()
            pool.join()


def _reason_of(error: BaseException, app: Command) -> str:
    """Return why a student's pages could not be written. Raises errors of the machine."""
    app.log.debug("Writing a page failed: %r", error)
    if isinstance(error, ProcessExpired):  # a subclass of OSError, though not an error of the machine
        return "the process that wrote it was killed. Run the same command again."
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and not is_file_fault(error)):
        raise error
    if isinstance(error, OSError):
        return sentence(error)
    return str(error) if isinstance(error, MissingEntry) else f"{type(error).__name__}: {error}"


class FeedbackApp(Command):
    """`zerolayer feedback ASSIGNMENT`: what `nbgrader generate_feedback` does, for a whole class at once."""

    in_course = True
    own_log_level = logging.WARNING  # at nbgrader's default level each file of each submission is logged

    name = "zerolayer-feedback"
    argument = "ASSIGNMENT"
    description = """
        Write the feedback pages of an assignment.

        Exits with 0 if all pages are written, and with 1 if some could not be written, after a message for each.
        You can run the same command again: it continues from there.
    """
    examples = """
        zerolayer feedback UNIT
        zerolayer feedback UNIT --student ada
        zerolayer feedback UNIT --jobs 8
    """
    jobs = Integer(0, min=0, help="The number of processes; by default one for each processor.").tag(config=True)
    aliases = {**options("student", "assignment", "notebook", "db"), "jobs": "FeedbackApp.jobs"}

    uses = (UnitPreprocessor,)

    def start(self) -> None:
        """Write the pages. Exits with 1 if some can't be written."""
        super().start()
        self.coursedir.assignment_id = assignment = check_assignment(self, named_assignment(self))
        check_student(self, self.coursedir.student_id)
        began = monotonic()
        then = "\nFinished pages are kept. Once this is fixed, the same command goes on from there."
        try:
            with self.exit_on_failure("given feedback", then):
                if not any(_requested(self.coursedir)):
                    self.fail(f"No submission of {assignment} is graded. Run `zerolayer grade {assignment}` first.")
                whole, failed = write_pages(self.coursedir, self, jobs=self.jobs)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the exit
            self.log.error("Stopped. Finished pages are kept; the same command goes on from there.")
            self.exit(130)
        say(f"{whole - len(failed)} of {whole} feedback pages written in {monotonic() - began:.1f} s")
        for student, why in sorted(failed.items()):
            self.log.error("The page of %s could not be written: %s", visible(student), visible(why))
        if failed:
            self.exit(1)
