"""`zerolayer collect ASSIGNMENT FILE…`: sort downloads from Canvas or Moodle into `submitted/`."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec
from nbgrader.api import Gradebook

from lib.grading.commands.command import Command, check_assignment, options
from lib.grading.files import put_in_place, temporary_sibling_folder
from lib.grading.gradebook.database import has_roster, open_gradebook
from lib.grading.lms.downloads import Download, DownloadedNotebook
from lib.grading.lms.names import Owner
from lib.grading.lms.roster import read_roster
from lib.grading.lms.students import Students, rename
from lib.grading.lms.table import Table
from lib.grading.progress import say
from lib.grading.safe_names import visible
from lib.grading.submissions.collection_records import (
    CollectedSubmission,
    CollectionRecords,
    Refusal,
    read_collection,
    write_collection,
)
from lib.grading.submissions.submitted_files import step_folder

OUTCOMES = ("new", "replaced", "unchanged", "older than the collected one")
"""The possible outcomes for a submission, apart from those that need a person."""

WHO_IS_WHO = {
    "canvas": "To find out who that is, collect again with Canvas' gradebook as a CSV file.",
    "moodle": "To find out who that is, collect again with Moodle's grading worksheet, which tells namesakes apart.",
    "blind": "Moodle hides these names. Once it shows them, collect again with its grading worksheet.",
}
"""What helps if a student isn't on the roster, by LMS."""


class CollectApp(Command):
    """Sort downloads from Canvas and Moodle into `submitted/`."""

    in_course = True
    name = "zerolayer-collect"
    argument = "ASSIGNMENT FILE…"
    description = """
        Collect submissions from Canvas or Moodle: zips as they were downloaded, folders or single files.

        Each file that needs attention gets a line. You can run the same command again: newer work replaces older
        work. The files' owners are in Canvas' gradebook, Moodle's participants or its grading worksheet, as CSV.
    """
    examples = """
        zerolayer collect UNIT submissions.zip
        zerolayer collect UNIT submissions.zip worksheet.csv
    """
    aliases = options("db")

    def start(self) -> None:
        """Collect. Exits with 1 if a file can't be used, nothing was submitted, or the disk is full."""
        super().start()
        assignment, *files = self.extra_args or [""]
        if not files:
            self.fail(f"Name an assignment and the downloads, for example: {self.command_name} UNIT submissions.zip")
        self.coursedir.assignment_id = check_assignment(self, assignment)
        paths = [Path(file) for file in files]
        tables = [path for path in paths if path.suffix.lower() == ".csv"]
        if tables == paths:
            alone = "`zerolayer roster FILE` reads a list of students alone."
            self.fail(f"{files[0]} is a table, which has no submissions. Name the download, too. {alone}")
        then = " Not everything was collected. Once this is fixed, the same command goes on from there."
        url, course = self.coursedir.db_url, self.coursedir.course_id
        with self.exit_on_failure("collected", then), open_gradebook(url, course) as gradebook:
            gradebook.find_assignment(assignment)
            read = [Table.read(table, "canvas", "worksheet", "participants") for table in tables]
            for roster in (table for table in read if table.kind != "worksheet"):
                read_roster(gradebook, Students(gradebook, self.coursedir, assignment), roster)
            self._begin(gradebook, assignment)
            for worksheet in (table for table in read if table.kind == "worksheet"):
                for old, new in [*self.students.note_numbers(worksheet)]:
                    self._rename(gradebook, old, new)
            single = [path for path in paths if not path.is_dir() and path.suffix.lower() not in (".zip", ".csv")]
            downloads = [*([path] for path in paths if path not in (*single, *tables)), single]
            # The latest last, by the files' own times: an LMS writes none into them.
            for download in sorted(filter(None, downloads), key=_time):
                self._collect(gradebook, download)
            write_collection(self.coursedir, assignment, CollectionRecords(self.notes, tuple(self.left_out)))
        self._report(assignment)

    def _begin(self, gradebook: Gradebook, assignment: str) -> None:
        records = read_collection(self.coursedir, assignment)
        self.students, self.has_roster = Students(gradebook, self.coursedir, assignment), has_roster(gradebook)
        self.notes, known = dict(records.notes), self.students.names
        self.left_out = [
            left for left in records.left_out if left.student in known or (left.student and not self.has_roster)
        ]
        self.counts, self.not_on_roster = Counter[str](), defaultdict[str, list[str]](list)
        self.released = {file.name for file in step_folder(self.coursedir, "release", ".", assignment).glob("*")}

    def _rename(self, gradebook: Gradebook, old: str, new: str) -> None:
        rename(gradebook, self.coursedir, self.coursedir.assignment_id, old, new)
        if old in self.notes:
            self.notes[new] = self.notes.pop(old)
        self.left_out = [left for left in self.left_out if left.student != old]
        say(visible(f"{old} is {self.students.names.get(new) or new} ({new})."))

    def _collect(self, gradebook: Gradebook, files: list[Path]) -> None:
        assignment, time = self.coursedir.assignment_id, _time(files)
        with temporary_sibling_folder(step_folder(self.coursedir, "submitted", ".", assignment)) as temporary:
            download = Download(self.students, self.released, temporary)
            for file in files:
                download.add(file)
            download.finish()
            self._reveal(gradebook, download)
            older = {student for student, note in self.notes.items() if note.downloaded > time}
            self.left_out = [left for left in self.left_out if left.student not in download.owners.keys() - older]
            for left in [left for left in download.left_out if left.student not in older]:
                self._leave(left, download.owners[left.student].name if left.student else "")
            for student, found in sorted(download.found.items()):
                self.counts[self._place(student, found, download.owners[student], time, temporary)] += 1

    def _reveal(self, gradebook: Gradebook, download: Download) -> None:
        """Move anonymous work to its student if Canvas now shows the name: the number of the file stays the same."""
        anonymous = {note.attachment: id for id, note in self.notes.items() if note.lms == "anonymous"}
        named = {
            each.owner.attachment: student
            for student, found in download.found.items()
            for each in found.values()
            if each.owner.lms == "canvas"
        }
        for number in anonymous.keys() & named.keys():
            self._rename(gradebook, anonymous[number], named[number])
        if named and (left := sorted(anonymous[number] for number in anonymous.keys() - named.keys())):
            why = "Canvas shows names now, and no file has the number of this one: there may be a newer one. If so,"
            why = f"{why} remove this one from submitted/ and autograded/."
            known = [each for each in self.left_out if each.student not in left]
            self.left_out = [*known, *(Refusal(id, "", why) for id in left)]
            self.counts["needs a person"] += len(left)
            say(f"{', '.join(left)}: {why}")

    def _place(
        self, student: str, found: Mapping[str, DownloadedNotebook], owner: Owner, time: float, temporary: Path
    ) -> str:
        """Move a student's work into `submitted/` unless a person has to look at it; return the outcome."""
        before, note = self.notes.get(student), _note(found, owner.late, time)
        named = {each.attachment for each in self.notes.values() if each.lms == "canvas"}
        if note.lms == "anonymous" and note.attachment in named:
            return "unchanged"  # an earlier download, before Canvas showed the name
        place = step_folder(self.coursedir, "submitted", student, self.coursedir.assignment_id)
        there = {file.name: file for file in place.glob("*.ipynb")}
        is_same = bool(there) and note.digest == (before.digest if before else _digest(there))
        if before and before.lms != "anonymous" and (before.lms, before.number) != (note.lms, note.number):
            why = f"{before.name} ({before.number}) submitted under this id before. Check in the LMS who the owner is."
            return self._leave(Refusal(student, "", why), note.name)
        if there and not before and not is_same:
            why = f"{place} already has work that was not collected here. To replace it, remove it and collect again."
            return self._leave(Refusal(student, "", why), note.name)
        if note.lms == "canvas" and self.students.is_group(note.name, student):
            why = f"the download names it {note.name}, which isn't {student}. If that is a group, enter the points of"
            self._leave(Refusal(student, "", f"{why} its other members by hand."), note.name)
        if there and before and note.is_older(before):
            return "older than the collected one"
        self.notes[student] = note
        if is_same:
            return "unchanged"
        if self.has_roster and student not in self.students.names and note.lms != "anonymous":
            self.not_on_roster["blind" if note.name == "Participant" else note.lms].append(f"{note.name} ({student})")
        for name, each in found.items():
            (temporary / student / place.name).mkdir(parents=True, exist_ok=True)
            each.place.rename(temporary / student / place.name / name)
        put_in_place(temporary / student / place.name, place)
        return "replaced" if there else "new"

    def _leave(self, left: Refusal, name: str) -> str:
        """Report a submission that needs a person, and note it for grading and the report."""
        self.left_out.append(left)
        self.counts["needs a person"] += 1
        name = self.students.names.get(left.student) or name
        say(visible(f"{name} ({left.student}): {left.reason}" if left.student else left.reason))
        return "needs a person"

    def _report(self, assignment: str) -> None:
        """Print what was collected. Exits with 1 if there was nothing in the files."""
        for lms, who in self.not_on_roster.items():
            are = "isn't on the roster" if len(who) == 1 else f"aren't on the roster ({len(who)})"
            say(visible(f"{', '.join(who)} {are}. {WHO_IS_WHO[lms]}"))
        counts = ", ".join(f"{self.counts[what]} {what}" for what in OUTCOMES if self.counts[what])
        if not self.counts:
            self.fail(f"{assignment}: nothing was collected. Name the file that Canvas or Moodle downloads for all.")
        new = min(self.counts["needs a person"], len(self.left_out))  # a later file may have settled one of this run
        earlier = len(self.left_out) - new
        more = f" {earlier} more from earlier downloads: see the report." if earlier else ""
        say(f"{assignment}: {counts or 'nothing new'}; {new} need a person.{more}")


def _note(found: Mapping[str, DownloadedNotebook], late: bool, downloaded: float) -> CollectedSubmission:
    """Return the record of one student's notebooks in a download."""
    owner = next(iter(found.values())).owner
    newest = max(each.owner.attachment for each in found.values())
    files = {name: each.downloaded for name, each in found.items()}
    digest = _digest({name: each.place for name, each in found.items()})
    return CollectedSubmission(owner.lms, owner.name, owner.number, late, newest, downloaded, files, digest)


def _digest(files: Mapping[str, Path]) -> str:
    """Return a digest of notebooks' names and contents."""
    digests = [(name, blake2b(path.read_bytes()).hexdigest()) for name, path in sorted(files.items())]
    return blake2b(msgspec.json.encode(digests), digest_size=16).hexdigest()


def _time(files: list[Path]) -> float:
    return max(file.stat().st_mtime for file in files)
