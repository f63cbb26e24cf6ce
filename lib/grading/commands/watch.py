"""`zerolayer watch ASSIGNMENT`: grade submissions in rounds as they arrive, and release each feedback page.

A round collects from nbgrader's exchange, grades new submissions in `submitted/`, writes their pages and releases them.
All state is in files, such as a note next to each page with the digest of the submission that it was released for. So
the command can be stopped at any moment.
"""

import lib.grading.lazy_apps  # noqa: F401  # first: it keeps the imports below from loading slow modules

# isort: split
import signal
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from time import sleep, time
from typing import Literal

from filelock import FileLock
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import NbGraderException
from nbgrader.exchange import ExchangeError
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Float

from lib.grading.commands.command import Command, check_assignment, named_assignment, options
from lib.grading.commands.feedback import write_pages
from lib.grading.commands.grade import GradeApp
from lib.grading.errors import ConfigError
from lib.grading.files import is_file, write_whole
from lib.grading.gradebook.marks import Total, format_points, read_class
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.kernel.unit_imports import broken_units
from lib.grading.machine_faults import sentence
from lib.grading.pipeline.grade_class import Grade, unfinished
from lib.grading.progress import say
from lib.grading.safe_names import InvalidId, StudentId, visible
from lib.grading.submissions.exchange import SECRET
from lib.grading.submissions.submitted_files import NoAccessError, find_submitted, read, step_folder
from lib.grading.submissions.walk import last_change

LONGEST_PAUSE = 60.0
"""The longest pause in seconds after a failed round. The pause doubles with each failure up to this."""
RELEASED = "released.txt"
"""The note next to a student's page, with the digest of the submission that it was released for."""


class WatchApp(GradeApp):
    """Grade submissions as they arrive, and release their feedback, until stopped."""

    name = "zerolayer-watch"
    argument = "ASSIGNMENT"
    description = """
        Grade submissions as they arrive, and release each feedback page.

        Submissions may come from nbgrader's exchange, or be put into the folder `submitted/`. The command runs until it
        is stopped. When it is started again, it continues from there.
    """
    examples = """
        zerolayer watch UNIT
        zerolayer watch UNIT --WatchApp.wait=60
        zerolayer watch UNIT --once    one round, for a timer
    """
    every = Float(5, min=0.1, help="Seconds between two rounds.").tag(config=True)
    settled = Float(1, min=0, help="Seconds without a change after which a submission counts as complete.").tag(
        config=True
    )
    wait = Float(15, min=0, help="Minutes until a student's next submission is graded.").tag(config=True)
    once = Bool(False, help="Run one round, then exit.").tag(config=True)
    aliases = {
        **{name: GradeApp.aliases[name] for name in ("jobs", "scheduler", "timeout")},
        **options("assignment", "db", "course"),
        "every": "WatchApp.every",
    }
    flags = {
        **Command.flags,
        "no-sandbox": GradeApp.flags["no-sandbox"],
        "once": ({"WatchApp": {"once": True}}, once.help),
    }

    def start(self) -> None:
        """Watch until SIGTERM or Ctrl-C. Exits with 1 if the assignment doesn't exist, or the only round fails."""
        NbGrader.start(self)  # not GradeApp's, which grades at once
        self.coursedir.assignment_id = self.assignment = check_assignment(self, named_assignment(self))
        self.coursedir.student_id = "*"
        for problem in broken_units():
            self.log.warning("%s", problem)
        self._said: set[tuple[str, str]] = set()
        self._left_out: set[tuple[str, str]] = set()
        lock = Path(self.coursedir.root, unfinished(self.coursedir), f"{self.assignment}.watch.lock")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # sent by service managers
        try:
            with self.exit_on_failure("watched"):
                read_class(self.coursedir, self.assignment)  # raises MissingEntry for an unknown assignment
                with FileLock(lock, blocking=False):
                    self._watch()
        except KeyboardInterrupt:
            self._say("stopped. You can start it again at any time: it continues from here.")

    def _watch(self) -> None:
        self._say(f"watching {self.assignment}.")
        pause = self.every
        while True:
            try:
                self._round()
                pause = self.every
            except (NbGraderException, ExchangeError, SQLAlchemyError, ConfigError, OSError) as error:
                pause = max(self.every, min(2 * pause, LONGEST_PAUSE))
                why = sentence(error)
                if self.once:
                    self._say(f"this round failed: {why} Fix this, and run the command again.")
                    self.exit(1)
                self._say(f"this round failed: {why} The next one is in {pause:g} seconds.")
            if self.once:
                return
            sleep(pause)

    def _round(self) -> None:
        self._release()  # pages that an interrupted round has left
        self._collect()
        if due := [folder for student, folder in self._folders() if self._is_due(student, folder)]:
            run = Grade(coursedir=self.coursedir, parent=self, force=True)
            run.only, run.says = frozenset(due), False
            run.start()
            for student, why in run.not_graded.items():
                self._say_once(student, f"this try {why.rstrip('.')}. The next round tries again.")
            for student, (_, reasons) in run.graded.items():
                if reasons:
                    self._say(f"{student}: this try needs a person: {'; '.join(reasons)}.")
            self._release()

    def _collect(self) -> None:
        """Collect new and complete submissions from the exchange, if there is one."""
        collect = self.exchange.Collect(coursedir=self.coursedir, authenticator=self.authenticator, parent=self)
        collect.update, collect.settled, collect.reported = True, self.settled, self._left_out
        if Path(collect.root, self.coursedir.course_id, "inbound").is_dir():
            collect.start()
        if self.once:
            sleep(self.settled)  # otherwise the submissions just collected would not count as complete

    def _folders(self) -> Iterator[tuple[StudentId, Path]]:
        excluded = self.coursedir.student_id_exclude.split(",")
        for student, folder in find_submitted(self.coursedir, self.assignment):
            if not isinstance(student, InvalidId) and student not in excluded:
                yield student, folder

    def _is_due(self, student: StudentId, folder: Path) -> bool:
        """True if a submission is complete and not graded, and the student's last one was graded long enough ago."""
        is_complete = abs(time() - last_change(folder)) > self.settled  # abs, since the file's clock may be ahead
        if not is_complete or digest_in(folder, student, last_change(folder)) == self._digest_graded(student):
            return False
        verdict = self._place("autograded", student) / FILE
        at = min(time(), verdict.stat().st_mtime) + 60 * self.wait if is_file(verdict) else 0
        if at > time():
            self._say_once(student, f"the next try will be graded at {datetime.fromtimestamp(at):%H:%M}.")
        return at <= time()

    def _digest_graded(self, student: str) -> str:
        folder = self._place("autograded", student)
        return digest_graded_in(folder, last_change(folder))

    def _place(self, step: Literal["autograded", "feedback"], student: str) -> Path:
        return step_folder(self.coursedir, step, student, self.assignment)

    def _release(self) -> None:
        """Write and release the pages that aren't released yet, and continue after a failure."""
        due = dict[str, str]()
        for id, _ in self._folders():
            note = self._place("feedback", id) / RELEASED
            released = note.read_text(errors="replace") if is_file(note) else ""
            if (digest := self._digest_graded(id)) not in ("", released):
                due[id] = digest
        if not due:
            return
        _, _, failed = write_pages(self.coursedir, self, due)
        marks = read_class(self.coursedir, self.assignment)
        for student in (student for student in due if student not in failed):
            page = self._place("feedback", student)
            try:
                place = "released" if self._release_page(student, page) else f"in {page}"
                write_whole(page / RELEASED, due[student].encode())
            except (ExchangeError, OSError, ValueError) as error:  # ValueError: a damaged timestamp or secret
                failed[student] = sentence(error)
                continue
            self._said = {message for message in self._said if message[0] != student}
            self._say(f"{student}: {describe(Total.of(marks[student].values()))}. The feedback page is {place}.")
        for who, why in failed.items():
            self._say_once(who, f"no feedback page: {why.rstrip('.')}. The next round tries again.")

    def _release_page(self, student: str, page: Path) -> bool:
        """Release a student's page, and return True, if the submission came through the exchange."""
        if not is_file(page / SECRET):
            return False
        self.coursedir.student_id = student
        try:
            release = self.exchange.ReleaseFeedback
            release(coursedir=self.coursedir, authenticator=self.authenticator, parent=self).start()
        finally:
            self.coursedir.student_id = "*"
        return True

    def _say_once(self, student: str, text: str) -> None:
        if (student, text) not in self._said:
            self._said.add((student, text))
            self._say(f"{student}: {text}")

    def _say(self, text: str) -> None:
        say(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {visible(text)}")


# The caches keep a folder's result until anything in it has `changed`.


@lru_cache(10_000)
def digest_in(folder: Path, student: StudentId, changed: float) -> str:
    """Return a submission's digest, or "closed" if it can't be read, which grading then reports."""
    try:
        return read(folder, student).digest
    except NoAccessError:
        return "closed"


@lru_cache(10_000)
def digest_graded_in(folder: Path, changed: float) -> str:
    """Return the digest of the graded submission; "" if there is none, or its notebooks are of different ones."""
    try:
        digests = {verdict.handed_in for verdict in Verdict.load_each(folder, evidence=False)}
    except DamagedVerdictError:
        return ""
    return digests.pop() if len(digests) == 1 else ""


def describe(total: Total) -> str:
    """Return a phrase with a student's points."""
    less = f" ({format_points(total.penalty)} less for being late)" if total.penalty else ""
    more = f", and {format_points(total.waiting)} points are still to be marked" if total.waiting else ""
    return f"{format_points(total.points)} of {format_points(total.max_points)} points{less}{more}"
