"""Grade submissions in rounds as they arrive, and release each feedback page.

A round does what an instructor does by hand: it collects from nbgrader's exchange, grades what is new in `submitted/`,
writes the pages and releases them. Its state is in folders: the submissions, what is graded, and next to each page the
digest of the submission that it was released for. So it can be stopped at any moment.
"""

import signal
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from time import sleep, time

from filelock import FileLock
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import NbGraderException
from nbgrader.exchange import ExchangeError
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Float

from lib.grading.commands.command import Command, named_assignment, options
from lib.grading.commands.feedback import write_pages
from lib.grading.commands.grade import GradeApp
from lib.grading.commands.known_names import check_assignment
from lib.grading.errors import ConfigError
from lib.grading.files import is_file, write_whole
from lib.grading.gradebook.marks import Total, format_points, read_class
from lib.grading.judge.verdict import FILE, DamagedVerdictError, Verdict
from lib.grading.kernel.unit_imports import broken_units
from lib.grading.machine_faults import sentence
from lib.grading.names import NoId, StudentId, visible
from lib.grading.pipeline.grade_class import Grade, unfinished
from lib.grading.progress import say
from lib.grading.submissions.exchange import SECRET
from lib.grading.submissions.submitted_files import ClosedError, find_submitted, read
from lib.grading.submissions.walk import last_change

ROUND_FAILS = (NbGraderException, ExchangeError, SQLAlchemyError, ConfigError, OSError)
LONGEST_PAUSE = 60.0
"""Seconds from a round that failed to the next one: what keeps failing is tried less and less often."""
RELEASED = "released.txt"
"""Next to a student's page: the digest of the submission that it was released for."""


class WatchApp(GradeApp):
    """`zerolayer watch ASSIGNMENT`: grade what arrives, and release its feedback, until it is stopped."""

    name = "zerolayer-watch"
    argument = "ASSIGNMENT"
    description = """
        Grade what students hand in as it arrives, and release each feedback page.

        Takes submissions from nbgrader's exchange, and from the folder `submitted/`, however they come there. Runs
        until it is stopped, and goes on from there when it is started again.
    """
    examples = """
        zerolayer watch UNIT
        zerolayer watch UNIT --WatchApp.wait=60
        zerolayer watch UNIT --once    one round, for a timer
    """
    every = Float(5, min=0.1, help="Seconds between two rounds.").tag(config=True)
    settled = Float(
        1, min=0, help="Seconds without a change after which a submission is complete: it is copied file by file."
    ).tag(config=True)
    wait = Float(15, min=0, help="Minutes from one try of a student to the next one that is graded.").tag(config=True)
    once = Bool(False, help="Do one round, and end.").tag(config=True)
    aliases = {
        **{name: GradeApp.aliases[name] for name in ("jobs", "scheduler", "timeout")},
        **options("assignment", "db", "course"),
        "every": "WatchApp.every",
    }
    flags = {
        **Command.flags,
        "no-sandbox": GradeApp.flags["no-sandbox"],
        "once": ({"WatchApp": {"once": True}}, "Do one round, and end."),
    }

    def start(self) -> None:
        """Watch, until SIGTERM or Ctrl-C; exits with 1 where there is nothing to watch, or a single round fails."""
        NbGrader.start(self)  # not GradeApp's, which grades
        self.coursedir.assignment_id = self.assignment = check_assignment(self, named_assignment(self))
        self.coursedir.student_id = "*"
        for problem in broken_units():
            self.log.warning("%s", problem)
        self._said: set[tuple[str, str]] = set()
        self._left_out: set[tuple[str, str]] = set()
        lock = Path(self.coursedir.root, unfinished(self.coursedir), f"{self.assignment}.watch.lock")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a service manager sends
        try:
            with self.told_in_a_sentence("watched"):
                read_class(self.coursedir, self.assignment)  # what isn't there would be waited for for ever
                with FileLock(lock, blocking=False):
                    self._watch()
        except KeyboardInterrupt:
            self._say("stopped. Start it again at any time: it goes on from here.")

    def _watch(self) -> None:
        self._say(f"watching {self.assignment}.")
        pause = self.every
        while True:
            try:
                self._round()
                pause = self.every
            except ROUND_FAILS as error:
                pause = max(self.every, min(2 * pause, LONGEST_PAUSE))
                why = sentence(error)  # `grade` has logged what comes next
                if self.once:
                    self._say(f"this round failed: {why} Fix this, and give the command again.")
                    self.exit(1)
                self._say(f"this round failed: {why} The next one is in {pause:g} seconds.")
            if self.once:
                return
            sleep(pause)

    def _round(self) -> None:
        """Release what an earlier round has left, collect, grade what is due, and release that."""
        self._release()
        self._collect()
        if due := [folder for student, folder in self._folders() if self._is_due(student, folder)]:
            run = Grade(coursedir=self.coursedir, parent=self, force=True)
            run.only, run.says = frozenset(due), False
            run.start()
            for student, why in run.not_graded.items():
                self._say_once(student, f"this try {why.rstrip('.')}. The next round tries again.")
            for student, (_, reasons) in run.graded.items():
                if reasons:  # as `grade` lists them at its end
                    self._say(f"{student}: this try needs a person: {'; '.join(reasons)}.")
            self._release()

    def _collect(self) -> None:
        """Collect what is new and complete from the exchange, if there is one."""
        collect = self.exchange.Collect(coursedir=self.coursedir, authenticator=self.authenticator, parent=self)
        collect.update, collect.settled, collect.told = True, self.settled, self._left_out
        if Path(collect.root, self.coursedir.course_id, "inbound").is_dir():
            collect.start()
        if self.once:
            sleep(self.settled)  # no round follows that could grade what was collected just now

    def _folders(self) -> Iterator[tuple[StudentId, Path]]:
        """Find the submissions: the student, and the folder."""
        excluded = self.coursedir.student_id_exclude.split(",")
        for student, folder in find_submitted(self.coursedir, self.assignment):
            if not isinstance(student, NoId) and student not in excluded:
                yield student, folder

    def _is_due(self, student: StudentId, folder: Path) -> bool:
        """Return True if a submission is complete and not graded, and the student's last one is long enough ago."""
        is_complete = abs(time() - last_change(folder)) > self.settled  # the clock may have been ahead
        if not is_complete or digest_in(folder, student, last_change(folder)) == self._digest_graded(student):
            return False
        verdict = self._place(self.coursedir.autograded_directory, student) / FILE
        at = min(time(), verdict.stat().st_mtime) + 60 * self.wait if is_file(verdict) else 0
        if at > time():
            self._say_once(student, f"the next try will be graded at {datetime.fromtimestamp(at):%H:%M}.")
        return at <= time()

    def _digest_graded(self, student: str) -> str:
        folder = self._place(self.coursedir.autograded_directory, student)
        return digest_graded_in(folder, last_change(folder))

    def _place(self, directory: str, student: str) -> Path:
        return Path(self.coursedir.format_path(directory, student, self.assignment))

    def _release(self) -> None:
        """Write and release the pages that aren't released yet. One student's failure stops no other."""
        graded = {student: self._digest_graded(student) for student, _ in self._folders()}
        due = {student: digest for student, digest in graded.items() if digest not in ("", self._released(student))}
        if not due:
            return
        _, _, failed = write_pages(self.coursedir, self, due)
        marks = read_class(self.coursedir, self.assignment)
        for student in (student for student in due if student not in failed):
            page = self._place(self.coursedir.feedback_directory, student)
            try:
                place = "released" if self._release_page(student, page) else f"in {page}"
                write_whole(page / RELEASED, due[student].encode())
            except (ExchangeError, OSError, ValueError) as error:  # its time or its secret can't be read
                failed[student] = sentence(error)
                continue
            self._said = {said for said in self._said if said[0] != student}
            self._say(f"{student}: {describe(Total.of(marks[student].values()))}. The feedback page is {place}.")
        for who, why in failed.items():
            self._say_once(who, f"no feedback page: {why.rstrip('.')}. The next round tries again.")

    def _released(self, student: str) -> str:
        note = self._place(self.coursedir.feedback_directory, student) / RELEASED
        return note.read_text(errors="replace") if is_file(note) else ""

    def _release_page(self, student: str, page: Path) -> bool:
        """Release a student's page where the work came by the exchange; True if it did."""
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


# A folder is read once for each time at which anything in it was `changed`.


@lru_cache(10_000)
def digest_in(folder: Path, student: StudentId, changed: float) -> str:
    """Return a submission's digest; another word where it can't be read, which grading reports."""
    try:
        return read(folder, student).digest
    except ClosedError:
        return "closed"


@lru_cache(10_000)
def digest_graded_in(folder: Path, changed: float) -> str:
    """Return the digest of what was graded; "" where nothing was, or where the notebooks are of different tries."""
    try:
        digests = {verdict.handed_in for verdict in Verdict.load_each(folder, evidence=False)}
    except (DamagedVerdictError, FileNotFoundError):
        return ""
    return digests.pop() if len(digests) == 1 else ""


def describe(total: Total) -> str:
    """Return a student's points, in words."""
    less = f" ({format_points(total.penalty)} less for being late)" if total.penalty else ""
    more = f", and {format_points(total.waiting)} points wait for a person" if total.waiting else ""
    return f"{format_points(total.points)} of {format_points(total.max_points)} points{less}{more}"
