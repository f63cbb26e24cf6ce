"""`zerolayer collect ASSIGNMENT FILE…`: what Canvas or Moodle packed for a download, sorted into `submitted/`."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbgrader.api import Gradebook

from lib.grading.commands.command import Command, options
from lib.grading.commands.known_names import check_assignment
from lib.grading.files import put_in_place, temporary_sibling_folder
from lib.grading.gradebook.session import has_roster, open_gradebook
from lib.grading.gradebook.source_notebook import cells_of_all
from lib.grading.names import visible
from lib.grading.progress import say
from lib.grading.submissions import collection
from lib.grading.submissions.collection import CollectedSubmission, CollectionRecords
from lib.grading.submissions.downloads import Download, DownloadedNotebook, Refusal
from lib.grading.submissions.lms_names import Roster, name_in_moodle
from lib.grading.submissions.restore import assignment_of, course_id
from lib.grading.submissions.submission import UnreadableError, notebook_in

NOT_COMPLETE = " Not all was collected. Once this is mended, the same command goes on from there."

OUTCOMES = ("new", "replaced", "as before", "older than what is there", "of students who left")
"""What may become of a student's work, besides what is left to a person."""


class CollectApp(Command):
    """Sort downloads of Canvas and Moodle into `submitted/`."""

    in_course = True
    name = "zerolayer-collect"
    argument = "ASSIGNMENT FILE…"
    description = """
        Collect what students handed in on Canvas or Moodle: zips as they were downloaded, folders or single files.

        Each file that a person must know of gets a line. The same command can be given again: newer work replaces
        older work. Students who were taken out of the gradebook and of `submitted/` stay out: `left.txt` has their ids.
    """
    examples = "zerolayer collect UNIT submissions.zip"
    aliases = options("db")

    def start(self) -> None:
        """Collect; exits with 1 where the assignment or a file isn't there, or the disk is full."""
        super().start()
        assignment, *files = self.extra_args or [""]
        if not files:
            self.fail(f"Name an assignment and what was downloaded, for example: {self.typed} UNIT submissions.zip")
        self.coursedir.assignment_id = check_assignment(self, assignment)
        url, course = self.coursedir.db_url, self.coursedir.course_id
        with self.told_in_a_sentence("collected", NOT_COMPLETE), open_gradebook(url, course) as gradebook:
            gradebook.find_assignment(assignment)
            self._read_course(gradebook, assignment)
            for download in _downloads([Path(file) for file in files]):
                self._collect(download)
            collection.write_collection(self.coursedir, assignment, CollectionRecords(self.notes, tuple(self.left_out)))
        counts = ", ".join(f"{self.counts[what]} {what}" for what in OUTCOMES if self.counts[what])
        say(f"{assignment}: {counts or 'nothing was found'}; {len(self.left_out)} left to a person.")

    def _read_course(self, gradebook: Gradebook, assignment: str) -> None:
        """Read who is in the course, and what was collected before."""
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
        released = Path(self.coursedir.format_path(self.coursedir.release_directory, ".", assignment))
        self.released = {file.name for file in released.glob("*")}

    def _collect(self, files: list[Path]) -> None:
        """Collect what files have that were downloaded together."""
        assignment, time = self.coursedir.assignment_id, _time(files)
        with temporary_sibling_folder(collection.submitted_folder(self.coursedir, ".", assignment)) as beside:
            download = Download(self.roster, self.released, beside)
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
                    self.counts[self._take(student, found, note, beside)] += 1

    def _take(
        self, student: str, found: Mapping[str, DownloadedNotebook], note: CollectedSubmission, beside: Path
    ) -> str:
        """Put a student's work in its place, if it is to be there; return what became of it."""
        before = self.notes.get(student)
        place = collection.submitted_folder(self.coursedir, student, self.coursedir.assignment_id)
        there = {file.name: file for file in place.glob("*.ipynb")}
        is_same = there and note.digest == (before.digest if before else collection.digest_of(there))
        is_stranger = note.lms == "moodle" and student not in self.roster.names
        if student in self.left or (is_stranger and name_in_moodle(note.name) in self.left_names):
            self._say(student, note.name, "left the course, as left.txt says, so this isn't collected.")
            return "of students who left"
        if before and (before.lms, before.number) != (note.lms, note.number):
            why = f"{before.name} ({before.number}) handed in under this id before. Look in the LMS whose it is."
            return self._leave(Refusal(student, "", why), note.name)
        if there and not before and not is_same:
            why = f"{place} has work that came another way, and stays. Remove that folder, and collect again."
            return self._leave(Refusal(student, "", why), note.name)
        if self.roster.is_from_group(next(iter(found.values())).owner, student):
            why = f"it came under the name {note.name}, which isn't {student}'s. If it is a group's, give its other"
            self._leave(Refusal(student, "", f"{why} members the same points by hand."), note.name)
        if there and before and note.is_older(before):
            return "older than what is there"
        self.notes[student] = note
        if is_same:
            return "as before"
        self._look(student, found)
        for name, each in found.items():
            (beside / student / place.name).mkdir(parents=True, exist_ok=True)
            each.place.rename(beside / student / place.name / name)
        put_in_place(beside / student / place.name, place)
        return "replaced" if there else "new"

    def _look(self, student: str, found: Mapping[str, DownloadedNotebook]) -> None:
        """Report what is another assignment's, and who isn't on the roster."""
        assignment = self.coursedir.assignment_id
        for name, each in found.items():
            with suppress(UnreadableError):
                cells = {*map(course_id, notebook_in(each.place.read_bytes(), name).cells)}
                if other := assignment_of(cells, self.cells, assignment):
                    self._say(student, each.owner.name, f"{each.downloaded} is {other}'s notebook, not {assignment}'s.")
        if self.has_roster and student not in self.roster.names and each.owner.lms != "anonymous":
            self._say(student, each.owner.name, "not on the roster. `zerolayer roster` reads a new one.")

    def _leave(self, left: Refusal, name: str) -> str:
        """Report what is left to a person, and keep it for grading and the report."""
        self.left_out.append(left)
        self._say(left.student, name, left.reason)
        return "left to a person"

    def _say(self, student: str, name: str, what: str) -> None:
        name = self.roster.names.get(student) or name
        say(visible(f"{name} ({student}): {what}" if student else what))


def _time(files: list[Path]) -> float:
    return max(file.stat().st_mtime for file in files)


def _downloads(files: list[Path]) -> list[list[Path]]:
    """Return the files that were downloaded together, the latest last: the LMS writes no times that tell."""
    alone = [file for file in files if not file.is_dir() and file.suffix.lower() != ".zip"]
    downloads = [*([file] for file in files if file not in alone), alone]
    return sorted(filter(None, downloads), key=_time)
