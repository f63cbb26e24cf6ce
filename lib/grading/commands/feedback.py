"""Feedback for a class: nbgrader's generate_feedback, which here makes many pages at once, and those that are due.

A page is due if it would come out in another way: after new marks or comments, another grading, or new templates.
Beside each page stands what it was made from. So a run that was stopped goes on where it stopped.
"""

import json
import logging
import os
import shutil
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from filelock import FileLock, Timeout
from nbgrader.api import MissingEntry
from nbgrader.apps import GenerateFeedbackApp
from nbgrader.converters import GenerateFeedback, NbGraderException
from nbgrader.preprocessors import GetGrades
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Integer
from traitlets.config import Config

from lib.grading.commands.command import named_assignment, say, student_of
from lib.grading.commands.config import Configured, import_steps
from lib.grading.errors import ConfigError
from lib.grading.machine_faults import is_of_a_file, sentence, what_comes_next
from lib.grading.report.feedback import KnownGrades
from lib.grading.report.marks import NotebookMarks, read_marks
from lib.grading.report.rendered_cells import RememberCells
from lib.grading.report.templates import FOLDER
from lib.grading.running.progress import Bar
from lib.grading.running.runner import Runner, can_fork, processes
from lib.grading.safe_files import files_in, is_file, is_folder, read_bounded, remove
from lib.grading.submissions.exchange import SECRET
from lib.grading.submissions.folders import put_in_place
from lib.grading.submissions.gradebook import open_gradebook
from lib.grading.submissions.penalties import renew_penalties
from lib.grading.submissions.read import STAMP, list_names
from lib.grading.untrusted_names import visible

RECORD = ".made_from.json"
"""Beside a student's pages: for each notebook a digest of what its page was made from, and the page's time."""
LARGEST_RECORD = 100_000
"""Bytes of it that are read; it has a line for each notebook."""
LONGEST = 60.0
"""Seconds that one student's pages take at most; `page_budget` lets a notebook's texts take five."""


class ClassFeedback(GenerateFeedback):
    """nbgrader's GenerateFeedback for a whole class at once."""

    jobs = Integer(0, min=0, help="Pages that are made at once; by default one for each processor.").tag(config=True)

    only: frozenset[str] | None = None
    """The students whose pages are written; all, if it is None."""
    outdone: frozenset[str] = frozenset()
    """The students of whom an earlier try counts, which has more points than the one that the page is about."""
    says = True
    """Whether it says at its end what came of it, and raises where pages could not be made; else `failed` tells."""

    # nbgrader would write where students' pages are fetched from, page by page.
    @property
    def _output_directory(self) -> str:
        return str(Path(self.coursedir.feedback_directory, ".unfinished"))

    def start(self) -> None:
        """Make the pages. Raises NbGraderException where some couldn't be made, after a sentence on each."""
        # Validating a notebook after each step takes longer than all steps; once is enough.
        self.update_config(Config({"Exporter": {"optimistic_validation": True}}))
        steps = (KnownGrades if step is GetGrades else step for step in import_steps(self.preprocessors))
        self.preprocessors: list[type] = [*steps, RememberCells]
        super().start()

    def convert_notebooks(self) -> None:
        """Make the pages that are due, and say what came of it; called by nbgrader's `start`."""
        assignment, start = self.coursedir.assignment_id, monotonic()
        self.failed: dict[str, str] = {}  # by student, why
        try:
            lock = Path(self.coursedir.root, self._output_directory, f"{assignment}.lock")
            with FileLock(lock, blocking=False):
                due = self._make_all(assignment)
        except Timeout:
            self._stop(
                f"Feedback on {assignment} is being written by another run. Wait until it is through, or end it."
            )
        except MissingEntry:
            self._stop(f"The gradebook doesn't know {assignment}. Run `zerolayer build` first.")
        except (OSError, MemoryError, SQLAlchemyError, ConfigError) as error:
            self._stop(
                f"{sentence(error)}\nPages that were made are kept. Once this is mended, {what_comes_next(self.force)}."
            )
        if self.says:
            self._end(due, monotonic() - start)

    def _make_all(self, assignment: str) -> list[str]:
        """Make the pages that are due; give the folders that these are of."""
        self._clear()
        with open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            renew_penalties(gradebook, self)
            self.marks = read_marks(gradebook, assignment)
        due = [folder for folder in sorted(self.assignments) if self._is_due(folder)]
        with Bar(total=len(due), unit="page", disable=None, leave=False, dynamic_ncols=True) as bar:
            for folder, problem in self._make_each(due):
                if problem:
                    self.failed[student_of(self, folder)] = problem
                bar.update()
        return due

    def _clear(self) -> None:
        """Remove what a run that was killed has left, also a folder of which it had moved the pages to their place."""
        for folder in self.assignments:
            made = Path(self._format_dest(self.coursedir.assignment_id, student_of(self, folder)))
            remove(made)
            with suppress(OSError):  # it isn't there, as nearly always, or another assignment is in it
                made.parent.rmdir()

    def _end(self, due: list[str], seconds: float) -> None:
        """Say what came of it. Raises NbGraderException where pages could not be made."""
        made = len(due) - len(self.failed)
        say(f"{made} of {len(self.assignments)} feedback pages written in {seconds:.1f} s")
        if len(due) < len(self.assignments):
            say(f"{len(self.assignments) - len(due):>6} are up to date (--force writes them again)")
        alike: dict[str, list[str]] = defaultdict(list)
        for student, problem in sorted(self.failed.items()):
            alike[problem.replace(student, "")].append(student)  # one folder of theirs all may be unable to have
        for first, *others in alike.values():
            more = f" So it is with the pages of {list_names(others)}." if others else ""
            self.log.error("The page of %s could not be made: %s", visible(first), visible(self.failed[first]) + more)
        if self.failed:
            raise NbGraderException(f"{len(self.failed)} pages could not be made.")

    def _make_each(self, due: list[str]) -> Iterator[tuple[str, str]]:
        """Make the pages of each folder; give what kept them from being made, or nothing."""
        jobs = self.jobs or os.cpu_count() or 1
        # The first here: all that pages have alike is there then, before processes are forked.
        first, rest = (due[:1], due[1:]) if jobs > 1 and can_fork() else (due, [])
        yield from ((folder, self.make(folder)) for folder in first)
        if not rest:
            return
        PageTask.converter = self
        tasks = [(folder, PageTask(folder)) for folder in rest]
        runner: Runner[str, str] = Runner(partial(processes, jobs), lambda: 2 * jobs, LONGEST, self.log.warning)
        with runner:
            for folder, result in runner.runs(tasks):
                if isinstance(result, (OSError, MemoryError)):
                    raise result
                yield folder, f"{type(result).__name__}: {result}" if isinstance(result, BaseException) else result

    def make(self, folder: str) -> str:
        """Make one student's pages apart, and move them to their place as a whole.

        Gives a sentence where that can't be done. Raises OSError and MemoryError where the machine is at fault.
        """
        student, assignment = student_of(self, folder), self.coursedir.assignment_id
        folders = self._output_directory, self.coursedir.feedback_directory
        made, place = (Path(self.coursedir.format_path(step, student, assignment)) for step in folders)
        try:
            self._make_apart(folder, made, place)
        except Exception as error:
            remove(made)
            if isinstance(error, MemoryError) or (isinstance(error, OSError) and not is_of_a_file(error)):
                raise
            self.log.debug("This is where", exc_info=True)
            if isinstance(error, OSError):
                return sentence(error)
            return str(error) if isinstance(error, MissingEntry) else f"{type(error).__name__}: {error}"
        return ""

    def _make_apart(self, folder: str, made: Path, place: Path) -> None:
        """Make a student's pages in the folder `made`, as nbgrader makes them, and move that to its place."""
        student, assignment = student_of(self, folder), self.coursedir.assignment_id
        self.notebooks = sorted(self.assignments[folder])
        remove(made)  # of a run that was stopped
        if self.coursedir.notebook_id != "*" and is_folder(place):
            shutil.copytree(place, made)
        self.run_pre_convert_hook()
        self.init_assignment(assignment, student)
        for notebook in self.notebooks:
            self.convert_single_notebook(notebook)
        self.set_permissions(assignment, student)
        self._note(folder, made, place)
        put_in_place(made, place)
        self.run_post_convert_hook()

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Called to begin a student's pages: lay beside them the notes by which they are released.

        nbgrader copies all that the student handed in, and would release a web page among it as feedback. A page of
        ours holds its pictures itself.
        """
        source, made = (Path(form(assignment_id, student_id)) for form in (self._format_source, self._format_dest))
        made.mkdir(parents=True, exist_ok=True)
        for note in filter(is_file, (source / STAMP, source / SECRET)):
            shutil.copy(note, made)

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """Give nbgrader's resources of a notebook, with its marks. Raises MissingEntry where there are none."""
        resources: dict[str, Any] = super().init_single_notebook_resources(notebook_filename)
        names = resources["nbgrader"]
        if (names["student"], names["notebook"]) not in self.marks:
            folder = Path(notebook_filename).parent
            raise MissingEntry(
                f"the gradebook has nothing of it. Grade it again; if the student has left, remove {folder}."
            )
        names["marks"] = self.marks[names["student"], names["notebook"]]
        names["outdone"] = names["student"] in self.outdone
        return resources

    def _is_due(self, folder: str) -> bool:
        """Tell whether a student's pages would come out in another way than they are, or have to be made by force."""
        student = student_of(self, folder)
        course = self.coursedir
        excluded = course.student_id_exclude.split(",")
        if student in excluded or (self.only is not None and student not in self.only):
            return False
        place = Path(course.format_path(course.feedback_directory, student, course.assignment_id))
        return bool(self.force) or any(
            not is_file(place / f"{name}.html") or _record(place).get(name) != self._origin(folder, name, place)
            for name in self._names(folder)
        )

    def _note(self, folder: str, made: Path, place: Path) -> None:
        """Write beside pages what they were made from; those of other notebooks are as they were in `place`."""
        record = _record(place) | {name: self._origin(folder, name, made) for name in self._names(folder)}
        remove(made / RECORD)  # a student may have handed in anything of this name
        (made / RECORD).write_text(json.dumps(record))

    def _names(self, folder: str) -> list[str]:
        return [Path(notebook).stem for notebook in self.assignments[folder]]

    def _origin(self, folder: str, notebook: str, place: Path) -> list[Any]:
        """Give a digest of all that a page is made from, and the time of the page, since others write it too."""
        marks: NotebookMarks | None = self.marks.get((student_of(self, folder), notebook))
        files = sorted((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files_in(Path(folder)))
        origin = [self._recipe, files, asdict(marks) if marks else None]
        digest = blake2b(json.dumps(origin, sort_keys=True, default=sorted).encode(), digest_size=16).hexdigest()
        return [digest, (place / f"{notebook}.html").stat().st_mtime_ns]

    @cached_property
    def _recipe(self) -> list[str]:
        """What all pages are made by: this version, the templates, and the settings of the steps."""
        templates = [file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.j2"))]
        kinds = {kind.__name__ for step in (type(self.exporter), *self.preprocessors) for kind in step.__mro__}
        settings = [str(self.config[name]) for name in sorted(kinds & self.config.keys())]
        return [version("zerolayer"), *templates, *settings, str(self.preprocessors)]

    def _stop(self, why: str) -> None:
        self.log.error("%s", why)
        raise NbGraderException(why)


@dataclass(frozen=True)
class PageTask:
    """One student's pages, to be made by a process that was forked from the one with the converter."""

    folder: str
    converter: ClassVar[ClassFeedback]

    def __call__(self) -> str:
        """Make them; give what kept them from being made, or nothing."""
        return self.converter.make(self.folder)

    def longest(self) -> float:
        """Tell how many seconds that may take."""
        return LONGEST


def _record(place: Path) -> dict[str, Any]:
    """Read what pages were made from; nothing where that isn't known. nbgrader's own command copies students' files."""
    try:
        record = json.loads(read_bounded(place / RECORD, LARGEST_RECORD) or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


class FeedbackApp(Configured, GenerateFeedbackApp):
    """`zerolayer feedback ASSIGNMENT`: `nbgrader generate_feedback` with its flags, for a whole class at once."""

    in_course = True
    own_log_level = logging.WARNING  # nbgrader's own level tells of each file of each submission

    name = "zerolayer-feedback"
    argument = "ASSIGNMENT"
    description = """
        Write the feedback pages of an assignment: those that are new, and those with new marks.

        Exits with 0 when all pages are there, and with 1 when some could not be made, after a sentence on each. The
        same command goes on from there; with --force it begins again with all.
    """
    examples = """
        zerolayer feedback UNIT
        zerolayer feedback UNIT --student ada --force
        zerolayer feedback UNIT --jobs 8
    """
    aliases = {**GenerateFeedbackApp.aliases, "jobs": "ClassFeedback.jobs"}

    uses = (ClassFeedback,)

    def start(self) -> None:
        """Write the pages; exits with 1 where nbgrader would."""
        super(GenerateFeedbackApp, self).start()  # not GenerateFeedbackApp's, which makes nbgrader's own converter
        self.coursedir.assignment_id = named_assignment(self)
        feedback = ClassFeedback(coursedir=self.coursedir, parent=self)
        try:
            feedback.start()
        except NbGraderException:
            self.exit(1)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more says nothing new
            self.log.error("Stopped. Pages that were made are kept; %s.", what_comes_next(feedback.force))
            self.exit(130)
