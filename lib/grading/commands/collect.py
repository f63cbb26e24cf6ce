"""`zerolayer collect ASSIGNMENT FILE…`: sort downloads from Canvas or Moodle into `submitted/`."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbgrader.api import Gradebook

from lib.grading.commands.command import Command, check_assignment, options
from lib.grading.files import put_in_place, temporary_sibling_folder
from lib.grading.gradebook.database import cells_of_all, has_roster, open_gradebook
from lib.grading.progress import say
from lib.grading.safe_names import visible
from lib.grading.submissions import collection
from lib.grading.submissions.collection import CollectedSubmission, CollectionRecords
from lib.grading.submissions.downloads import Download, DownloadedNotebook, Refusal
from lib.grading.submissions.lms_names import Roster, name_in_moodle
from lib.grading.submissions.restore import assignment_of, course_id
from lib.grading.submissions.submission import UnreadableError, cells_in
from lib.grading.submissions.submitted_files import step_folder

OUTCOMES = ("new", "replaced", "unchanged", "older than the collected one", "of students who left")
"""The possible outcomes for a submission, apart from those that need a person."""


class CollectApp(Command):
    """Sort downloads from Canvas and Moodle into `submitted/`."""

    in_course = True
    name = "zerolayer-collect"
    argument = "ASSIGNMENT FILE…"
    description = """
        Collect submissions from Canvas or Moodle: zips as they were downloaded, folders or single files.

        Each file that needs attention gets a line. You can run the same command again: newer work replaces older
        work. Students whom you removed from the gradebook and from `submitted/` stay out: `left.txt` has their ids.
    """
    examples = "zerolayer collect UNIT submissions.zip"
    aliases = options("db")

    def start(self) -> None:
        """Collect. Exits with 1 if the assignment or a file doesn't exist, or the disk is full."""
        super().start()
        assignment, *files = self.extra_args or [""]
        if not files:
            self.fail(f"Name an assignment and the downloads, for example: {self.command_name} UNIT submissions.zip")
        self.coursedir.assignment_id = check_assignment(self, assignment)
        url, course = self.coursedir.db_url, self.coursedir.course_id
        then = " Not everything was collected. Once this is fixed, the same command goes on from there."
        with self.exit_on_failure("collected", then), open_gradebook(url, course) as gradebook:
            gradebook.find_assignment(assignment)
            self._read_course(gradebook, assignment)
            paths = [Path(file) for file in files]
            alone = [path for path in paths if not path.is_dir() and path.suffix.lower() != ".zip"]
            downloads = [*([path] for path in paths if path not in alone), alone]
            # The latest last, by the files' own times: an LMS writes none into them.
            for download in sorted(filter(None, downloads), key=_time):
                self._collect(download)
            collection.write_collection(self.coursedir, assignment, CollectionRecords(self.notes, tuple(self.left_out)))
        counts = ", ".join(f"{self.counts[what]} {what}" for what in OUTCOMES if self.counts[what])
        say(f"{assignment}: {counts or 'nothing was found'}; {len(self.left_out)} need a person.")

    def _read_course(self, gradebook: Gradebook, assignment: str) -> None:
        before = {each.name: collection.read_collection(self.coursedir, each.name) for each in gradebook.assignments}
        students = gradebook.students
        self.roster = Roster(students, collection.known_numbers(before, assignment))
        self.has_roster = has_roster(gradebook)
        self.left = collection.read_former_students(self.coursedir, [one.id for one in students], before)
        notes = [item for each in before.values() for item in each.notes.items()]
        self.left_names = {name_in_moodle(note.name) for id, note in notes if id in self.left and note.lms == "moodle"}
        self.cells = cells_of_all(gradebook)
        self.notes = dict(before[assignment].notes)
        self.left_out = [left for left in before[assignment].left_out if left.student]
        self.counts = Counter[str]()
        self.released = {file.name for file in step_folder(self.coursedir, "release", ".", assignment).glob("*")}

    def _collect(self, files: list[Path]) -> None:
        assignment, time = self.coursedir.assignment_id, _time(files)
        with temporary_sibling_folder(step_folder(self.coursedir, "submitted", ".", assignment)) as temporary:
            download = Download(self.roster, self.released, temporary)
            for file in files:
                download.add(file)
            download.finish()
            older = {student for student, note in self.notes.items() if note.downloaded > time}
            self.left_out = [left for left in self.left_out if left.student not in download.owners.keys() - older]
            for left in [left for left in download.left_out if left.student not in (*older, *self.left)]:
                self._leave(left, download.owners[left.student].name if left.student else "")
            for student, found in sorted(download.found.items()):
                if found:
                    note = CollectedSubmission.of(found, download.owners[student].late, time)
                    self.counts[self._place(student, found, note, temporary)] += 1

    def _place(
        self, student: str, found: Mapping[str, DownloadedNotebook], note: CollectedSubmission, temporary: Path
    ) -> str:
        """Move a student's work into `submitted/` unless something speaks against it; return the outcome."""
        before = self.notes.get(student)
        place = step_folder(self.coursedir, "submitted", student, self.coursedir.assignment_id)
        there = {file.name: file for file in place.glob("*.ipynb")}
        is_same = there and note.digest == (before.digest if before else collection.digest_of(there))
        is_stranger = note.lms == "moodle" and student not in self.roster.names
        if student in self.left or (is_stranger and name_in_moodle(note.name) in self.left_names):
            self._say(student, note.name, "not collected: left.txt lists this student as having left the course.")
            return "of students who left"
        if before and (before.lms, before.number) != (note.lms, note.number):
            why = f"{before.name} ({before.number}) submitted under this id before. Check in the LMS who the owner is."
            return self._leave(Refusal(student, "", why), note.name)
        if there and not before and not is_same:
            why = f"{place} already has work that was not collected here. To replace it, remove it and collect again."
            return self._leave(Refusal(student, "", why), note.name)
        if self.roster.is_from_group(next(iter(found.values())).owner, student):
            why = f"the download names it {note.name}, which isn't {student}. If that is a group, enter the points of"
            self._leave(Refusal(student, "", f"{why} its other members by hand."), note.name)
        if there and before and note.is_older(before):
            return "older than the collected one"
        self.notes[student] = note
        if is_same:
            return "unchanged"
        self._warn(student, found)
        for name, each in found.items():
            (temporary / student / place.name).mkdir(parents=True, exist_ok=True)
            each.place.rename(temporary / student / place.name / name)
        put_in_place(temporary / student / place.name, place)
        return "replaced" if there else "new"

    def _warn(self, student: str, found: Mapping[str, DownloadedNotebook]) -> None:
        assignment = self.coursedir.assignment_id
        for name, each in found.items():
            with suppress(UnreadableError):
                cells = {*map(course_id, cells_in(each.place.read_bytes(), name))}
                if other := assignment_of(cells, self.cells, assignment):
                    self._say(student, each.owner.name, f"{each.downloaded} belongs to {other}, not {assignment}.")
        if self.has_roster and student not in self.roster.names and each.owner.lms != "anonymous":
            self._say(student, each.owner.name, "not on the roster. To update it, run `zerolayer roster`.")

    def _leave(self, left: Refusal, name: str) -> str:
        """Report a submission that needs a person, and note it for grading and the report."""
        self.left_out.append(left)
        self._say(left.student, name, left.reason)
        return "needs a person"

    def _say(self, student: str, name: str, what: str) -> None:
        name = self.roster.names.get(student) or name
        say(visible(f"{name} ({student}): {what}" if student else what))


def _time(files: list[Path]) -> float:
    return max(file.stat().st_mtime for file in files)
