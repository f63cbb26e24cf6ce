"""Watching: what students hand in is graded within seconds, and the feedback page is released.

Each round collects from nbgrader's exchange, grades what is new in `submitted/` as `zerolayer grade` does, writes the
pages as `zerolayer feedback` does, and releases them. What arrives while notebooks are run is taken into the round, and
the pages of those who are through are released, so that a slow notebook keeps nobody. What was done is kept at once.
"""

import signal
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic, sleep, time

from filelock import FileLock, Timeout
from nbgrader.api import MissingEntry
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import NbGraderException
from nbgrader.exchange import ExchangeError
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Float, List

from lib.grading.book.attempts import Attempts, Ledger
from lib.grading.book.gradebook import open_gradebook
from lib.grading.book.marks import format_points, read_class
from lib.grading.commands.command import named_assignment
from lib.grading.commands.feedback import write_pages
from lib.grading.commands.grade import GradeApp
from lib.grading.door.handed_in import ClosedError, find_submitted, read
from lib.grading.door.walk import last_change
from lib.grading.errors import ConfigError
from lib.grading.files import is_file
from lib.grading.grade.class_ import Grade, unfinished
from lib.grading.judge.verdict import was_graded
from lib.grading.kernel.slow_imports import broken_units
from lib.grading.machine_faults import sentence
from lib.grading.names import NoId, StudentId, visible
from lib.grading.progress import say

ROUND_FAILS = (NbGraderException, ExchangeError, SQLAlchemyError, ConfigError, OSError)

LONGEST_PAUSE = 60.0
"""Seconds from a round that failed to the next one: what keeps failing is tried more and more seldom. One student's
try that could not be run, or whose page could not be made, waits as long, and keeps nobody else."""


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
    aliases = {**GradeApp.aliases, "every": "WatchApp.every"}
    flags = {**GradeApp.flags, "once": ({"WatchApp": {"once": True}}, "Do one round, and end.")}

    def start(self) -> None:
        """Watch, until SIGTERM or Ctrl-C; exits with 1 where there is nothing to watch, or a single round fails."""
        NbGrader.start(self)  # not GradeApp's, which grades
        self.coursedir.assignment_id = self.assignment = named_assignment(self)
        self._require_assignment()
        for problem in broken_units():
            self.log.warning("%s", problem)
        file = Path(self.coursedir.root, unfinished(self.coursedir), f"{self.assignment}.attempts.jsonl")
        self._said: dict[str, str] = {}
        self._later: dict[str, float] = {}
        self._left_out: set[tuple[str, str]] = set()
        self._seen: dict[Path, tuple[float, str]] = {}
        self._under_way: set[str] = set()
        self._looks_at: float | None = None
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a service manager sends
        try:
            with FileLock(file.with_suffix(".lock"), blocking=False):
                self._ledger = Ledger(file)
                self._watch()
        except Timeout:
            self.fail(f"{self.assignment} is being watched already. End the other run first.")
        except ValueError as error:
            self.fail("%s", error)
        except KeyboardInterrupt:
            self._say("stopped. Start it again at any time: it goes on from here.")

    def _require_assignment(self) -> None:
        """Exit with 1 where the gradebook has no such assignment: rounds would wait for its submissions for ever."""
        try:
            with open_gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
                gradebook.find_assignment(self.assignment)
        except MissingEntry:
            self.fail(f"The gradebook doesn't know {self.assignment}. Run `zerolayer build` first.")
        except SQLAlchemyError:
            pass  # a database may come back: each round says so, and the next one tries again

    def _watch(self) -> None:
        self._say(f"watching {self.assignment}: students with a try that is noted: {len(self._ledger.of)}.")
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
        """Take in what has arrived, grade what is due of it, and release the pages."""
        self._note_graded()  # before what is newer is collected into its place
        self._collect()
        if self.once:
            sleep(self.settled)  # no round follows that could take what was collected just now
        self._under_way, self._looks_at = set(), None
        if due := self._due():
            self._tell(self._grade(due))
        self._release_untold()

    def _look_up(self, run: Grade) -> list[Path]:
        """Called while only slow notebooks are run, which are to keep nobody: tell whose is through, and take in more.

        Gives the folders of what has arrived and is due.
        """
        if self._looks_at is None:  # nothing is slow yet: these are the last ones of all
            self._looks_at = monotonic() + self.every
        if monotonic() < self._looks_at:
            return []
        self._looks_at = monotonic() + self.every
        try:
            self._tell(run)
            self._release_untold()
            self._collect()
            due = self._due()
        except ROUND_FAILS:
            self._looks_at = inf  # the next round meets the same, and says so
            return []
        run.students |= {folder: student for student, folder in due.items()}
        return list(due.values())

    def _due(self) -> dict[StudentId, Path]:
        """Find what is to be graded now: by student, the folder."""
        found = {student: folder for student, folder in self._folders() if student not in self._under_way}
        settled = {student: of for student, of in found.items() if abs(time() - last_change(of)) > self.settled}
        due = {student: folder for student, folder in settled.items() if self._is_due(student, folder)}
        self._under_way |= due.keys()
        return due

    def _digest(self, student: StudentId, folder: Path) -> str:
        """Give the digest of what lies there, read again only where something was changed."""
        changed = last_change(folder)
        if self._seen.get(folder, (None,))[0] != changed:
            try:
                self._seen[folder] = changed, read(folder, student).digest
            except ClosedError:  # which grading says
                return ""
        return self._seen[folder][1]

    def _tell(self, run: Grade) -> None:
        """Note and say whose work is through, once."""
        graded, not_graded = run.graded.copy(), run.not_graded.copy()
        run.graded.clear()
        run.not_graded.clear()
        self._under_way -= {*graded, *not_graded}
        self._note({student: digest for student, (digest, _) in graded.items()})
        for student, (_, reasons) in sorted(graded.items()):
            if reasons:  # as `grade` lists them at its end
                self._say(f"{student}: this try needs a person: {'; '.join(reasons)}.")
        self._put_off(not_graded)

    def _release_untold(self) -> None:
        untold = [student for student, attempts in self._ledger.of.items() if not attempts.is_told]
        if due := [student for student in untold if not self._is_put_off(student)]:
            self._release(due)

    def _collect(self) -> None:
        """Collect from the exchange, if there is one: what is new, and complete."""
        self.coursedir.student_id = "*"
        collect = self.exchange.Collect(coursedir=self.coursedir, authenticator=self.authenticator, parent=self)
        collect.update, collect.settled, collect.told = True, self.settled, self._left_out
        if Path(collect.root, self.coursedir.course_id, "inbound").is_dir():
            collect.start()

    def _folders(self) -> list[tuple[StudentId, Path]]:
        excluded, found = self.coursedir.student_id_exclude.split(","), find_submitted(self.coursedir, self.assignment)
        return [
            (student, folder) for student, folder in found if not isinstance(student, NoId) and student not in excluded
        ]

    def _is_due(self, student: StudentId, folder: Path) -> bool:
        """Tell whether a submission is to be graded now."""
        if self._is_put_off(student):
            return False
        attempts, found = self._ledger.of.get(student, Attempts()), self._digest(student, folder)
        if attempts.graded[-1:] == [found]:
            return False
        attempts.at = min(attempts.at, time())  # the clock may have been ahead
        at = attempts.due([60 * minutes for minutes in self.waits])
        if at <= time():
            return True
        if self._said.get(student) != found:
            self._said[student] = found
            number = len(attempts.graded) + 1
            self._say(f"{student}: try {number} will be graded at {datetime.fromtimestamp(at):%H:%M}.")
        return False

    def _note_graded(self) -> None:
        """Note as a first try what was graded before, by another command, or just before this one was killed."""
        for student, folder in self._folders():
            place = Path(self.coursedir.format_path(self.coursedir.autograded_directory, student, self.assignment))
            digest = self._digest(student, folder)
            if self._ledger.of.get(student, Attempts()).graded[-1:] != [digest] and was_graded(place, digest):
                self._note({student: digest})

    def _grade(self, due: Mapping[StudentId, Path]) -> Grade:
        """Grade what lies in these folders, and more that arrives; give the run, which knows whose was graded."""
        grade = Grade(coursedir=self.coursedir, parent=self, force=True)
        grade.only, grade.says = frozenset(due.values()), False
        grade.more = None if self.once else partial(self._look_up, grade)
        self.coursedir.student_id = "*"
        grade.start()
        return grade

    def _note(self, graded: Mapping[str, str]) -> None:
        """Note what was graded, by its digest, and say what it has."""
        marks = read_class(self.coursedir, self.assignment) if graded else {}
        for student, digest in graded.items():
            if not (points := marks[student]):  # removed from the gradebook meanwhile
                continue
            self._said.pop(student, None)
            self._ledger.note(student, graded=digest, at=time())
            late = sum(one.penalty for one in points.values())
            counts = sum(one.points for one in points.values()) - late
            waits = sum(mark.max_points for one in points.values() for mark in one.cells.values() if mark.waiting)
            most = sum(one.max_points for one in points.values()) - waits
            less = f" ({format_points(late)} less for being late)" if late else ""
            more = f", and {format_points(waits)} points wait for a person" if waits else ""
            scored = f"{format_points(counts)} of {format_points(most)} points{less}{more}"
            self._say(f"{student}: try {len(self._ledger.of[student].graded)} has {scored}.")

    def _is_put_off(self, student: str) -> bool:
        return monotonic() < self._later.get(student, 0)

    def _put_off(self, failed: Mapping[str, str]) -> None:
        """Leave for a while what could not be graded, or whose page failed. Say each reason once."""
        again = "the next round" if self.once else f"{LONGEST_PAUSE:g} seconds, and so on"
        for student, why in sorted(failed.items()):
            self._later[student] = monotonic() + LONGEST_PAUSE
            if self._said.get(student) != why:
                self._said[student] = why
                self._say(f"{student}: this try {why.rstrip('.')}. It is tried again in {again}.")

    def _release(self, students: list[str]) -> None:
        """Write these students' pages, and release those that came by the exchange; one that fails stops no other."""
        pages = write_pages(self.coursedir, self, students)
        failed = {student: f"has no feedback page: {problem}" for student, problem in pages.failed.items()}
        for student in students:
            if student in failed:
                continue
            page = Path(self.coursedir.format_path(self.coursedir.feedback_directory, student, self.assignment))
            try:
                place = "released" if self._release_page(student, page) else f"in {page}"
            except (ExchangeError, OSError, ValueError) as error:  # its time or its secret can't be read
                failed[student] = f"has a feedback page that can't be released: {sentence(error)}"
                continue
            self._say(f"{student}: the feedback page is {place}.")
            self._ledger.note(student, told=self._ledger.of[student].graded[-1])
        self._put_off(failed)

    def _release_page(self, student: str, page: Path) -> bool:
        """Release a student's page where the work came by the exchange; tell whether it did."""
        if not is_file(page / "submission_secret.txt"):
            return False
        self.coursedir.student_id = student
        try:
            release = self.exchange.ReleaseFeedback
            release(coursedir=self.coursedir, authenticator=self.authenticator, parent=self).start()
        finally:
            self.coursedir.student_id = "*"
        return True

    def _say(self, text: str) -> None:
        say(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {visible(text)}")
