"""Watching: what students hand in is graded within seconds, and the feedback page is released.

A round collects from nbgrader's exchange, grades what is new in `submitted/` as `zerolayer grade` does, writes the
pages as `zerolayer feedback` does, and releases them. All that it has to know lies in folders: what was handed in, what
is graded, and the ledger of who was told. So it can be stopped at any moment.
"""

import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache, partial
from math import inf
from pathlib import Path
from time import monotonic, sleep, time
from typing import NamedTuple

from filelock import FileLock
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import NbGraderException
from nbgrader.exchange import ExchangeError
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Float, List

from lib.grading.commands.command import Command, named_assignment, options
from lib.grading.commands.feedback import write_pages
from lib.grading.commands.grade import GradeApp
from lib.grading.commands.known_names import check_assignment
from lib.grading.errors import ConfigError
from lib.grading.files import is_file
from lib.grading.gradebook.ledger import Ledger
from lib.grading.gradebook.marks import Total, format_points, read_class
from lib.grading.judge.verdict import DamagedVerdictError, Verdict
from lib.grading.kernel.slow_imports import broken_units
from lib.grading.machine_faults import sentence
from lib.grading.names import InvalidId, StudentId, visible
from lib.grading.pipeline.grade_class import Grade, unfinished
from lib.grading.progress import say
from lib.grading.submissions.exchange import SECRET
from lib.grading.submissions.submitted_files import NoAccessError, find_submitted, read
from lib.grading.submissions.walk import last_change

ROUND_FAILS = (NbGraderException, ExchangeError, SQLAlchemyError, ConfigError, OSError)
LONGEST_PAUSE = 60.0
"""Seconds from a round that failed to the next one: what keeps failing is tried more and more seldom. One student's
try that could not be run, or whose page could not be made, waits as long, and keeps nobody else."""
MOST_KNOWN = 10_000
"""Folders of which it is remembered what they hold: what isn't there has another time at each look."""


class GradedTry(NamedTuple):
    """What is graded of a student: the digest of what was handed in, and why a person has to look at it."""

    digest: str = ""
    reasons: tuple[str, ...] = ()


class WatchApp(GradeApp):
    """`zerolayer watch ASSIGNMENT`: grade what arrives, and release its feedback, until it is stopped."""

    name = "zerolayer-watch"
    argument = "ASSIGNMENT"
    description = """
        Grade what students hand in as it arrives, and release each feedback page.

        Takes submissions from nbgrader's exchange, and from the folder `submitted/`, however they come there. A second
        try is graded at once, and further ones at widening intervals. Runs until it is stopped, and goes on from there
        when it is started again.
    """
    examples = """
        zerolayer watch UNIT
        zerolayer watch UNIT --WatchApp.waits='[0, 10, 60]'
        zerolayer watch UNIT --once    one round, for a timer
    """
    every = Float(2, min=0.1, help="Seconds between two rounds.").tag(config=True)
    settled = Float(
        1, min=0, help="Seconds without a change after which a submission is complete: it is copied file by file."
    ).tag(config=True)
    waits = List(
        Float(min=0),
        [0, 15, 60, 240],
        help="Minutes from the first try to the second, from that to the third, and so on; the last one is repeated.",
    ).tag(config=True)
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
        self._said: dict[str, set[str]] = defaultdict(set)
        self._later: dict[tuple[str, str], float] = {}
        self._left_out: set[tuple[str, str]] = set()
        self._running: set[str] = set()
        file = Path(self.coursedir.root, unfinished(self.coursedir), f"{self.assignment}.told.jsonl")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a service manager sends
        try:
            with self.exit_on_failure("watched"):
                read_class(self.coursedir, self.assignment)  # what isn't there would be waited for for ever
                with FileLock(file.with_suffix(".lock"), blocking=False):
                    self._ledger = Ledger(file)
                    self._watch()
        except KeyboardInterrupt:
            self._say("stopped. Start it again at any time: it goes on from here.")

    def _watch(self) -> None:
        self._say(f"watching {self.assignment}: students who were told of a try: {len(self._ledger.told)}.")
        pause = self.every
        while True:
            try:
                self._round()
                pause = self.every
            except ROUND_FAILS as error:
                pause = max(self.every, min(2 * pause, LONGEST_PAUSE))
                why, _, _ = sentence(error).partition("\n")  # `grade` has logged the rest
                if self.once:
                    self._say(f"this round failed: {why} Mend this, and give the command again.")
                    self.exit(1)
                self._say(f"this round failed: {why} The next one is in {pause:g} seconds.")
            if self.once:
                return
            sleep(pause)

    def _round(self) -> None:
        """Collect, grade, write the feedback, release it."""
        self._collect()
        self._grade()
        self._release(self._write_feedback())

    def _collect(self) -> None:
        """Collect what is new and complete from the exchange, if there is one.

        What was graded before, by another command or just before a kill, is told first: a newer try takes its place.
        """
        self._release(self._write_feedback())
        collect = self.exchange.Collect(coursedir=self.coursedir, authenticator=self.authenticator, parent=self)
        collect.update, collect.settled, collect.reported = True, self.settled, self._left_out
        if Path(collect.root, self.coursedir.course_id, "inbound").is_dir():
            collect.start()
        if self.once:
            sleep(self.settled)  # no round follows that could grade what was collected just now

    def _grade(self) -> None:
        """Grade what is due. A slow notebook keeps nobody waiting: while it runs, others go all the way."""
        self._running.clear()
        if due := self._due():
            run = Grade(coursedir=self.coursedir, parent=self, force=True)
            run.only, run.says, run.more = frozenset(due.values()), False, partial(self._go_on, run)
            self._next_look = monotonic() + self.every
            run.start()
            self._note_failed(run)

    def _go_on(self, run: Grade) -> list[Path]:
        """Called while notebooks are still run and no other is due: tell whose is through, and take in what arrives.

        Gives the folders that are to be graded in the same run.
        """
        if monotonic() < self._next_look:
            return []
        self._next_look = monotonic() + self.every
        try:
            self._note_failed(run)
            self._collect()
            due = self._due()
        except ROUND_FAILS:
            self._next_look = inf  # the next round meets the same, and says so
            return []
        run.students |= {folder: student for student, folder in due.items()}
        return list(due.values())

    def _due(self) -> dict[StudentId, Path]:
        """Find what is to be graded now and isn't: by student, the folder."""
        found = {student: folder for student, folder in self._folders() if student not in self._running}
        due = {student: folder for student, folder in found.items() if self._is_due(student, folder)}
        self._running |= due.keys()
        return due

    def _is_due(self, student: StudentId, folder: Path) -> bool:
        digest = self._digest(student, folder)
        is_complete = abs(time() - last_change(folder)) > self.settled  # the clock may have been ahead
        if not is_complete or self._is_put_off(student, digest) or digest == self._graded(student).digest:
            return False
        at = self._ledger.next_try(student, [60 * minutes for minutes in self.waits], time())
        if at > time():
            number = len(self._ledger.told[student]) + 1
            self._say_once(student, f"try {number} will be graded at {datetime.fromtimestamp(at):%H:%M}.")
        return at <= time()

    def _folders(self) -> Iterator[tuple[StudentId, Path]]:
        """Find what was handed in: the student, and the folder."""
        excluded = self.coursedir.student_id_exclude.split(",")
        for student, folder in find_submitted(self.coursedir, self.assignment):
            if not isinstance(student, InvalidId) and student not in excluded:
                yield student, folder

    def _digest(self, student: StudentId, folder: Path) -> str:
        """Give the digest of what a student handed in; none where it can't be read, which grading says."""
        try:
            return digest_in(folder, student, last_change(folder))
        except NoAccessError:
            return ""

    def _graded(self, student: str) -> GradedTry:
        """Give what is graded of a student."""
        folder = self._place(self.coursedir.autograded_directory, student)
        return graded_in(folder, last_change(folder))

    def _place(self, directory: str, student: str) -> Path:
        return Path(self.coursedir.format_path(directory, student, self.assignment))

    def _write_feedback(self) -> dict[str, GradedTry]:
        """Write the pages of all who weren't told what they have; give what those have whose pages are there."""
        untold: dict[str, GradedTry] = {
            student: graded
            for student, graded in ((student, self._graded(student)) for student, _ in self._folders())
            if graded.digest not in ("", self._ledger.last(student)) and not self._is_put_off(student, graded.digest)
        }
        _, _, failed = write_pages(self.coursedir, self, untold) if untold else (0, 0, dict[str, str]())
        for student, why in failed.items():
            self._put_off(student, untold.pop(student).digest, f"has no feedback page: {why}")
        return untold

    def _release(self, pages: Mapping[str, GradedTry]) -> None:
        """Say what each has, and release the page where the work came by the exchange. One's failure stops no other."""
        marks = read_class(self.coursedir, self.assignment) if pages else {}
        for student, graded in pages.items():
            page = self._place(self.coursedir.feedback_directory, student)
            try:
                place = "released" if self._release_page(student, page) else f"in {page}"
            except (ExchangeError, OSError, ValueError) as error:  # its time or its secret can't be read
                why = f"has a feedback page that can't be released: {sentence(error)}"
                self._put_off(student, graded.digest, why)
                continue
            self._ledger.note(student, graded.digest, time())
            number, scored = len(self._ledger.told[student]), describe(Total.of(marks[student].values()))
            self._say(f"{student}: try {number} has {scored}. The feedback page is {place}.")
            if graded.reasons:  # as `grade` lists them at its end
                self._say(f"{student}: this try needs a person: {'; '.join(graded.reasons)}.")
            self._said.pop(student, None)

    def _release_page(self, student: str, page: Path) -> bool:
        """Release a student's page where the work came by the exchange; tell whether it did."""
        if not is_file(page / SECRET):
            return False
        self.coursedir.student_id = student
        try:
            release = self.exchange.ReleaseFeedback
            release(coursedir=self.coursedir, authenticator=self.authenticator, parent=self).start()
        finally:
            self.coursedir.student_id = "*"
        return True

    def _note_failed(self, run: Grade) -> None:
        """Note whose work is through, and put off what could not be graded."""
        self._running -= {*run.graded, *run.not_graded}
        for student, folder in self._folders():
            if why := run.not_graded.get(student):
                self._put_off(student, self._digest(student, folder), why)
        run.graded.clear()
        run.not_graded.clear()

    def _is_put_off(self, student: str, digest: str) -> bool:
        return monotonic() < self._later.get((student, digest), 0)

    def _put_off(self, student: str, digest: str, why: str) -> None:
        """Leave a try for a while that could not be graded, or whose page failed. Say each reason once."""
        self._later[student, digest] = monotonic() + LONGEST_PAUSE
        again = "the next round" if self.once else f"{LONGEST_PAUSE:g} seconds, and so on"
        self._say_once(student, f"this try {why.rstrip('.')}. It is tried again in {again}.")

    def _say_once(self, student: str, text: str) -> None:
        if text not in self._said[student]:
            self._said[student].add(text)
            self._say(f"{student}: {text}")

    def _say(self, text: str) -> None:
        say(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {visible(text)}")


# A folder is read once for each time at which anything of it was `changed`.


@lru_cache(MOST_KNOWN)
def digest_in(folder: Path, student: StudentId, changed: float) -> str:
    """Give the digest of what lies in a folder."""
    return read(folder, student).digest


@lru_cache(MOST_KNOWN)
def graded_in(folder: Path, changed: float) -> GradedTry:
    """Read what a graded folder holds; nothing where there is none, or where its notebooks are of different tries."""
    try:
        verdicts = Verdict.load_each(folder, evidence=False)
    except (DamagedVerdictError, FileNotFoundError):
        return GradedTry()
    [digest, *others] = {verdict.handed_in for verdict in verdicts}
    reasons = dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons)
    return GradedTry() if others else GradedTry(digest, tuple(reasons))


def describe(total: Total) -> str:
    """Write what a student has."""
    less = f" ({format_points(total.penalty)} less for being late)" if total.penalty else ""
    more = f", and {format_points(total.waiting)} points wait for a person" if total.waiting else ""
    return f"{format_points(total.points)} of {format_points(total.max_points)} points{less}{more}"
