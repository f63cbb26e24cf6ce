"""What was collected from downloads: which student handed in what, and what is left to a person.

It is noted in the course's folder, where no file of a student can be.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import orjson
from nbgrader.coursedir import CourseDirectory

from lib.grading.files import is_file, write_whole
from lib.grading.submissions.downloads import Found, LeftOut

LATE_WITHOUT_TIME = timedelta(seconds=1)
"""How late a submission counts that Canvas calls late: it doesn't say by how much."""
LATE_WITH_MORE_TIME = "%s was late in Canvas, which doesn't say by how much, and has more time: look there."


@dataclass(frozen=True)
class Note:
    """A student's hand-in: the LMS' name and number of its owner, and under which name each notebook was downloaded.

    Of two hand-ins that one is newer which has the larger number of a file in Canvas, or came in a later download.
    """

    lms: str
    name: str
    number: str
    late: bool
    attachment: int
    downloaded: float
    files: Mapping[str, str]
    digest: str

    @classmethod
    def of(cls, found: Mapping[str, Found], late: bool, downloaded: float) -> "Note":
        """Note what a download has of one student."""
        owner = next(iter(found.values())).owner
        newest = max(each.owner.attachment for each in found.values())
        files = {name: each.downloaded for name, each in found.items()}
        digest = digest_of({name: each.place for name, each in found.items()})
        return cls(owner.lms, owner.name, owner.number, late, newest, downloaded, files, digest)

    def is_older(self, other: "Note") -> bool:
        """True if this hand-in was made before the other one."""
        return (self.attachment, self.downloaded) < (other.attachment, other.downloaded)


@dataclass(frozen=True)
class Collected:
    """What `submitted/` doesn't show of an assignment's downloads."""

    notes: Mapping[str, Note] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def late(self) -> list[str]:
        """Who was late according to Canvas."""
        return [student for student, note in self.notes.items() if note.late]


def note_file(course: CourseDirectory, assignment: str, name: str = "collected.json") -> Path:
    """Return where something about an assignment's downloads is noted."""
    return Path(course.root, "downloaded", assignment, name)


def read_collected(course: CourseDirectory, assignment: str) -> Collected:
    """Read what is noted of an assignment; nothing where nothing was downloaded, or the note is damaged."""
    place = note_file(course, assignment)
    if not is_file(place):
        return Collected()
    try:
        data = orjson.loads(place.read_bytes())
        notes = {str(student): Note(**note) for student, note in data["notes"].items()}
        return Collected(notes, tuple(LeftOut(**left) for left in data["left_out"]))
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        course.log.warning("%s is damaged and isn't used. Remove it, and collect again.", place)
        return Collected()


def write_collected(course: CourseDirectory, assignment: str, collected: Collected) -> None:
    """Note what was collected of an assignment."""
    write_whole(note_file(course, assignment), orjson.dumps(collected, option=orjson.OPT_INDENT_2))


def known_numbers(collected: Mapping[str, Collected], assignment: str = "") -> dict[tuple[str, str], str]:
    """Return the ids of all who handed in any assignment, by the LMS and the number there.

    Only Canvas' numbers are the same in each: others are those of the one `assignment`.
    """
    notes = [(name, *item) for name, each in collected.items() for item in each.notes.items()]
    return {(one.lms, one.number): id for name, id, one in notes if one.lms == "canvas" or name == assignment}


def read_left(course: CourseDirectory, students: Collection[str], collected: Mapping[str, Collected]) -> list[str]:
    """Return who left the course, as `left.txt` has it; whoever was taken out of it since comes into that file.

    These were collected once, and are now neither among the gradebook's `students` nor in `submitted/`.
    """
    place, handed_in = Path(course.root, "left.txt"), {id for each in collected.values() for id in each.notes}
    left = [*filter(None, map(str.strip, place.read_text("utf-8").splitlines()))] if is_file(place) else []
    there = handed_in.intersection(students)  # none where the gradebook was made anew
    folders = {id for id in handed_in for name in collected if submitted_folder(course, id, name).is_dir()}
    if there and (gone := sorted(handed_in - there - folders - {*left})):
        left += gone
        write_whole(place, "".join(f"{id}\n" for id in left).encode())
    return left


def submitted_folder(course: CourseDirectory, student: str, assignment: str) -> Path:
    """Return where a student's work comes."""
    return Path(course.format_path(course.submitted_directory, student, assignment))


def digest_of(files: Mapping[str, Path]) -> str:
    """Return what tells notebooks apart from others, by their names and contents."""
    held = [(name, blake2b(path.read_bytes()).hexdigest()) for name, path in sorted(files.items())]
    return blake2b(orjson.dumps(held), digest_size=16).hexdigest()
