"""Watching: what students hand in is graded within seconds, and the feedback page is released.

Each round collects from nbgrader's exchange, grades what is new in `submitted/` as `zerolayer grade` does, writes the
pages as `zerolayer feedback` does, and releases them. What arrives while notebooks are run is taken into the round, and
the pages of those who are through are released, so that a slow notebook keeps nobody. What was done is kept at once.
"""

import signal
from collections.abc import Iterable, Mapping
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
from traitlets import Bool, Enum, Float, List

from lib.grading.commands.command import named_assignment, say
from lib.grading.commands.course import tries_file
from lib.grading.commands.feedback import write_pages
from lib.grading.commands.grade import Grade, GradeApp, SubmittedCourse
from lib.grading.errors import ConfigError
from lib.grading.kernels.slow_imports import broken_units
from lib.grading.machine_faults import sentence
from lib.grading.marking_queue import read_digest
from lib.grading.report.marks import NotebookMarks, format_points, read_class
from lib.grading.safe_files import is_file
from lib.grading.submissions.folders import find_submitted
from lib.grading.submissions.gradebook import open_gradebook
from lib.grading.submissions.tries import Tries, copy, digest, last_change, load, save, total, unchanged
from lib.grading.untrusted_names import id_problem, visible

BEST = ".best"
"""In the folder of submissions: what counts of each student, where that may be an earlier try."""

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
        zerolayer watch UNIT --WatchApp.keep=best
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
    keep = Enum(["last", "best"], "last", help="Which try counts: the last one, or the one with most points.").tag(
        config=True
    )
    once = Bool(False, help="Do one round, and end.").tag(config=True)
    aliases = {**GradeApp.aliases, "every": "WatchApp.every", "keep": "WatchApp.keep"}
    flags = {**GradeApp.flags, "once": ({"WatchApp": {"once": True}}, "Do one round, and end.")}

    def start(self) -> None:
        """Watch, until SIGTERM or Ctrl-C; exits with 1 where there is nothing to watch, or a single round fails."""
        NbGrader.start(self)  # not GradeApp's, which grades
        self.coursedir.assignment_id = self.assignment = named_assignment(self)
        self._require_assignment()
        for problem in broken_units():
            self.log.warning("%s", problem)
        self._file = tries_file(self.coursedir)
        self._said: dict[str, str] = {}
        self._later: dict[str, float] = {}
        self._left_out: set[tuple[str, str]] = set()
        self._under_way: dict[str, tuple[Path, str]] = {}
        self._looks_at: float | None = None
        self._may_be_half_restored = self.keep == "best"
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a service manager sends
        try:
            with FileLock(self._file.with_suffix(".lock"), blocking=False):
                self._tries = load(self._file)
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
        self._say(f"watching {self.assignment}: students with a try that is noted: {len(self._tries)}.")
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
        if self._may_be_half_restored:
            self._finish_restoring()
        self._note_graded()  # before what is newer is collected into its place
        self._collect()
        if self.once:
            sleep(self.settled)  # no round follows that could take what was collected just now
        self._under_way, self._looks_at = {}, None
        self._under_way = self._due()
        if self._under_way:
            run = self._grade([folder for folder, _ in self._under_way.values()], more=not self.once)
            self._tell(run)
        self._release_untold()
        if self.keep == "best":
            self._restore_best()

    def _look_up(self, run: Grade) -> list[str]:
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
        self._under_way |= due
        return [str(folder) for folder, _ in due.values()]

    def _due(self) -> dict[str, tuple[Path, str]]:
        """Find what is to be graded now: by student, the folder and its digest."""
        others = [(student, folder) for student, folder in self._folders() if student not in self._under_way]
        found = {student: (folder, digest(folder)) for student, folder in others if unchanged(folder) > self.settled}
        return {student: of for student, of in found.items() if self._is_due(student, *of)}

    def _tell(self, run: Grade) -> None:
        """Note and say whose work is through, once."""
        graded, not_graded = run.graded.copy(), run.not_graded.copy()
        run.graded.clear()
        run.not_graded.clear()
        through = {student: self._under_way.pop(student) for student in (*graded, *not_graded)}
        self._note({student: through[student] for student in graded})
        for student, reasons in sorted(graded.items()):
            if reasons:  # as `grade` lists them at its end
                self._say(f"{student}: this try needs a person: {'; '.join(reasons)}.")
        self._put_off(not_graded)

    def _release_untold(self) -> None:
        untold = [student for student, tries in self._tries.items() if tries.graded[-1:] != [tries.told]]
        if due := [student for student in untold if not self._is_put_off(student)]:
            self._release(due)

    def _collect(self) -> None:
        """Collect from the exchange, if there is one: what is new, and complete."""
        self.coursedir.student_id = "*"
        collect = self.exchange.Collect(coursedir=self.coursedir, authenticator=self.authenticator, parent=self)
        collect.update, collect.settled, collect.told = True, self.settled, self._left_out
        if Path(collect.root, self.coursedir.course_id, "inbound").is_dir():
            collect.start()

    def _folders(self) -> list[tuple[str, Path]]:
        excluded, found = self.coursedir.student_id_exclude.split(","), find_submitted(self.coursedir, self.assignment)
        return [(student, folder) for student, folder in found if not id_problem(student) and student not in excluded]

    def _is_due(self, student: str, folder: Path, found: str) -> bool:
        """Tell whether a submission is to be graded now."""
        if self._is_put_off(student):
            return False
        tries = self._tries.get(student)
        if tries is None or tries.graded[-1:] == [found]:
            return tries is None
        tries.at = min(tries.at, time())  # the clock may have been ahead
        at = tries.due([60 * minutes for minutes in self.waits])
        if at <= time():
            return True
        if self._said.get(student) != found:
            self._said[student] = found
            self._say(f"{student}: try {len(tries.graded) + 1} will be graded at {datetime.fromtimestamp(at):%H:%M}.")
        return False

    def _note_graded(self) -> None:
        """Note as a first try what was graded before, by another command, or just before this one was killed."""
        new = [(student, folder) for student, folder in self._folders() if student not in self._tries]
        found = {student: (folder, digest(folder)) for student, folder in new}
        if graded := {student: of for student, of in found.items() if self._was_graded(student, *of)}:
            self._note(graded)

    def _was_graded(self, student: str, folder: Path, found: str) -> bool:
        """Tell whether what lies there was graded before.

        Only where no digest was kept do times tell: in a course that was copied they are those of the copy.
        """
        place = Path(self.coursedir.format_path(self.coursedir.autograded_directory, student, self.assignment))
        graded = [file for file in place.glob("*.ipynb") if is_file(file)]
        if kept := {read_digest(file) for file in graded} - {""}:
            return kept == {found}
        return bool(graded) and min(file.stat().st_mtime for file in graded) >= last_change(folder)

    def _grade(
        self, folders: Iterable[Path], course: SubmittedCourse | None = None, more: bool = False, force: bool = True
    ) -> Grade:
        """Grade what lies in these folders, and `more` that arrives; give the run, which knows whose was graded."""
        grade = Grade(coursedir=course or self.coursedir, parent=self, force=force)
        grade.only = frozenset(map(str, folders))
        grade.more = partial(self._look_up, grade) if more else None
        grade.says = False
        self.coursedir.student_id = "*"
        grade.start()
        return grade

    def _note(self, graded: Mapping[str, tuple[Path, str]]) -> None:
        """Keep what was graded; and its folder, where that is the best so far."""
        marks = self._marks()
        for student, (folder, found) in graded.items():
            points = marks[student]
            # Removed from the gradebook, or changed while it was graded: the next round takes it as it is then.
            if not points or digest(folder) != found:
                continue
            self._said.pop(student, None)
            tries = self._tries.setdefault(student, Tries())
            tries.note(found, time(), *_scores(points))
            if self.keep == "best" and tries.best == found:
                copy(folder, self._best(student))
            late = sum(one.penalty for one in points.values())
            counts = sum(one.points for one in points.values()) - late
            waits = sum(mark.max_points for one in points.values() for mark in one.cells.values() if mark.waiting)
            most = sum(one.max_points for one in points.values()) - waits
            less = f" ({format_points(late)} less for being late)" if late else ""
            more = f", and {format_points(waits)} points wait for a person" if waits else ""
            scored = f"{format_points(counts)} of {format_points(most)} points{less}{more}"
            self._say(f"{student}: try {len(tries.graded)} has {scored}.")
        save(self._file, self._tries)

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
        outdone = frozenset[str]()
        if self.keep == "best":
            marks = self._marks()
            outdone = frozenset(student for student in students if self._has_better(student, marks[student]))
        pages = write_pages(self.coursedir, self, students, outdone)
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
            self._tries[student].told = self._tries[student].graded[-1]
            save(self._file, self._tries)
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

    def _restore_best(self) -> None:
        """Grade an earlier try once more where it has more points than the last: the challenge is the same again."""
        marks = self._marks()
        better = {student: self._best(student) for student in self._tries if self._has_better(student, marks[student])}
        if not better:
            return
        course = SubmittedCourse(parent=self, root=self.coursedir.root)
        course.assignment_id = self.assignment
        course.submitted_directory = str(Path(self.coursedir.submitted_directory, BEST))
        graded = self._grade(better.values(), course).graded
        marks = self._marks()
        for student in sorted(graded):
            score, by_hand = _scores(marks[student])
            self._tries[student].best_score = score  # the unit may have changed since, and give other points
            self._say(f"{student}: an earlier try has more points, {format_points(total(score, by_hand))}, and counts.")
        save(self._file, self._tries)

    def _finish_restoring(self) -> None:
        """Grade the last try of those anew whose best one was being put back when an earlier run was killed.

        The gradebook then has the best one's points, and the folder the last one's verdict: `grade` sees that they
        differ. After that the last try has less, and the best one is put back as always.
        """
        folders = [
            folder
            for student, folder in self._folders()
            if (tries := self._tries.get(student)) and tries.best != tries.graded[-1] == digest(folder)
        ]
        if folders:
            self._grade(folders, force=False)
        self._may_be_half_restored = False

    def _has_better(self, student: str, marks: Mapping[str, NotebookMarks]) -> bool:
        """Tell whether an earlier try has more points than what the gradebook has now, and is there to be graded.

        A student whom somebody has removed from the gradebook stays removed.
        """
        tries, (now, by_hand) = self._tries[student], _scores(marks)
        is_more = total(tries.best_score, by_hand) > total(now, by_hand)
        return bool(marks) and is_more and tries.best != tries.graded[-1] and digest(self._best(student)) == tries.best

    def _best(self, student: str) -> Path:
        folder = str(Path(self.coursedir.submitted_directory, BEST))
        return Path(self.coursedir.format_path(folder, student, self.assignment))

    def _marks(self) -> dict[str, dict[str, NotebookMarks]]:
        return read_class(self.coursedir, self.assignment)

    def _say(self, text: str) -> None:
        say(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {visible(text)}")


def _scores(marks: Mapping[str, NotebookMarks]) -> tuple[dict[str, float], dict[str, float]]:
    """Give the points that grading gave each cell, with what being late costs, and those that a person gave."""
    cells = {f"{notebook}/{name}": mark for notebook, one in marks.items() for name, mark in one.cells.items()}
    late = {notebook: -one.penalty for notebook, one in marks.items()}
    by_hand = {name: mark.points for name, mark in cells.items() if mark.by_hand}
    return {**{name: mark.graded or 0.0 for name, mark in cells.items()}, **late}, by_hand
