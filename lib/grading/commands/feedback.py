"""`zerolayer feedback`: a class's feedback pages, made beside each other; a page that comes out as it is stays.

A page is made anew each time, since that takes a few milliseconds, and written only where it differs: so new marks,
another grading, other templates and a page that somebody has removed need no rule of their own.
"""

import logging
import os
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import filter as filter_names
from fnmatch import fnmatchcase
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import ClassVar

from filelock import FileLock
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from pebble import ProcessExpired, ProcessPool
from traitlets import Integer

from lib.grading.commands.command import Command, named_assignment, options
from lib.grading.commands.known_names import check_assignment, check_student
from lib.grading.errors import ConfigError
from lib.grading.files import find_folders, is_file, read_bounded, write_whole
from lib.grading.gradebook.marks import NotebookMarks, above_maximum, read_marks
from lib.grading.gradebook.penalties import renew_penalties
from lib.grading.gradebook.session import open_gradebook
from lib.grading.machine_faults import is_file_fault, resume_advice, sentence
from lib.grading.names import unknown, visible
from lib.grading.pages.feedback_page import PageMaker
from lib.grading.pipeline.unit_preprocessor import UnitPreprocessor
from lib.grading.progress import bar, say
from lib.grading.submissions.exchange import SECRET
from lib.grading.submissions.submitted_files import STAMP

LARGEST_PAGE = 50_000_000
"""Bytes of what lies in a page's place that are read: a page has some hundred thousand."""


@dataclass(frozen=True)
class PageTask:
    """One student's pages: made and written where this is called, in a process that was forked from the maker's."""

    maker: ClassVar[PageMaker]
    assignment: str
    student: str
    graded: Path
    place: Path
    notebooks: str
    marks: Mapping[str, NotebookMarks]

    def __call__(self) -> bool:
        """Tell whether any page is new. Raises MissingEntry where the gradebook has no marks, and OSError."""
        is_new = False
        for file in sorted(self.graded.glob(f"{self.notebooks}.ipynb")):
            if file.stem not in self.marks:
                raise MissingEntry(
                    f"the gradebook has nothing of it. Grade it again; if the student has left, remove {self.graded}."
                )
            page = self.maker.page_of(file, self.assignment, self.student, self.marks[file.stem])
            is_new |= self._write(self.place / f"{file.stem}.html", page.encode())
        for note in filter(is_file, (self.graded / STAMP, self.graded / SECRET)):  # by which a page is released
            write_whole(self.place / note.name, note.read_bytes())
        return is_new

    def _write(self, place: Path, page: bytes) -> bool:
        if is_file(place) and read_bounded(place, LARGEST_PAGE) == page:
            return False
        write_whole(place, page)
        return True


def write_pages(
    course: CourseDirectory, app: Command, only: Collection[str] | None = None, jobs: int = 0
) -> tuple[int, int, dict[str, str]]:
    """Write the pages of all whose work is graded, or of some. Raises Timeout where another run does so.

    Gives how many students have new pages, how many have those that they had, and why others have none.
    """
    assignment, made, failed = course.assignment_id, list[bool](), dict[str, str]()
    with FileLock(Path(course.root, course.feedback_directory, f".{assignment}.lock"), blocking=False):
        with open_gradebook(course.db_url, course.course_id) as gradebook:
            renew_penalties(gradebook, app)
            notebooks = [one.name for one in gradebook.find_assignment(assignment).notebooks]
            if not filter_names(notebooks, course.notebook_id):
                raise ConfigError(unknown("notebook", course.notebook_id, notebooks))
            marks = read_marks(gradebook, assignment)
        for student, more in above_maximum(marks):
            if only is None or student in only:
                app.log.warning("%s has %s. If that is a slip, correct it in formgrader.", visible(student), more)
        PageTask.maker = PageMaker(app)
        tasks = [
            PageTask(assignment, student, folder, place, course.notebook_id, marks[student])
            for student, folder, place in _graded(course)
            if only is None or student in only
        ]
        with bar(len(tasks), "page") as shown:
            for task, result in _each(tasks, jobs or os.cpu_count() or 1):
                if isinstance(result, BaseException):
                    failed[task.student] = _why(result, app)
                else:
                    made.append(result)
                shown.update()
    return made.count(True), made.count(False), failed


def _graded(course: CourseDirectory) -> Iterator[tuple[str, Path, Path]]:
    """Find the graded folders that were asked for: the student, the folder, and where the pages come."""
    excluded = course.student_id_exclude.split(",")
    for folder in map(Path, find_folders(course.format_path(course.autograded_directory, "*", course.assignment_id))):
        student = folder.parent.name
        if student not in excluded and fnmatchcase(student, course.student_id):
            yield student, folder, Path(course.format_path(course.feedback_directory, student, course.assignment_id))


def _each(tasks: Sequence[PageTask], jobs: int) -> Iterator[tuple[PageTask, bool | BaseException]]:
    """Carry out tasks in processes that are forked from this one; give what came of each.

    A process that is killed costs its own task alone: Pebble starts another one in its place.
    """
    # The first one here: all that pages have alike is there then, before processes are forked.
    here = 1 if os.name == "posix" else len(tasks)
    for task in tasks[:here]:
        yield task, _attempt(task)
    if beside := tasks[here:]:
        pool = ProcessPool(min(jobs, len(beside)), context=get_context("fork"))
        try:
            for task, future in [(task, pool.schedule(task)) for task in beside]:
                yield task, future.exception() or future.result()
        finally:  # also where somebody has stopped the command: Pebble would go on to the last task
            pool.stop()
            pool.join()


def _attempt(task: PageTask) -> bool | BaseException:
    try:
        return task()
    except Exception as error:
        return error


def _why(error: BaseException, app: Command) -> str:
    """Say why a student has no page. Raises what is the machine's fault."""
    app.log.debug("This is where: %r", error)
    if isinstance(error, ProcessExpired):  # to Pebble an OSError, though it is no fault of the machine's
        return "the process that made it was ended. The same command makes it."
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and not is_file_fault(error)):
        raise error
    if isinstance(error, OSError):
        return sentence(error)
    return str(error) if isinstance(error, MissingEntry) else f"{type(error).__name__}: {error}"


class FeedbackApp(Command):
    """`zerolayer feedback ASSIGNMENT`: what `nbgrader generate_feedback` does, for a whole class at once."""

    in_course = True
    own_log_level = logging.WARNING  # nbgrader's own level tells of each file of each submission

    name = "zerolayer-feedback"
    argument = "ASSIGNMENT"
    description = """
        Write the feedback pages of an assignment: those that are new, and those with new marks.

        Exits with 0 when all pages are there, and with 1 when some could not be made, after a sentence on each. The
        same command goes on from there.
    """
    examples = """
        zerolayer feedback UNIT
        zerolayer feedback UNIT --student ada
        zerolayer feedback UNIT --jobs 8
    """
    jobs = Integer(0, min=0, help="Pages that are made at once; by default one for each processor.").tag(config=True)
    aliases = {**options("student", "assignment", "notebook", "db"), "jobs": "FeedbackApp.jobs"}

    uses = (UnitPreprocessor,)

    def start(self) -> None:
        """Write the pages; exits with 1 where some can't be."""
        super().start()
        self.coursedir.assignment_id = assignment = check_assignment(self, named_assignment(self))
        check_student(self, self.coursedir.student_id)
        began = monotonic()
        then = f"\nPages that were made are kept. Once this is mended, {resume_advice(force=False)}."
        try:
            with self.told_in_a_sentence("given feedback", then):
                if not any(_graded(self.coursedir)):
                    self.fail(f"Nothing of {assignment} is graded. Run `zerolayer grade {assignment}` first.")
                written, kept, failed = write_pages(self.coursedir, self, jobs=self.jobs)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more says nothing new
            self.log.error("Stopped. Pages that were made are kept; the same command goes on from there.")
            self.exit(130)
        say(f"{written} of {written + kept + len(failed)} feedback pages written in {monotonic() - began:.1f} s")
        if kept:
            say(f"{kept:>6} are as they were")
        for student, why in sorted(failed.items()):
            self.log.error("The page of %s could not be made: %s", visible(student), visible(why))
        if failed:
            self.exit(1)
