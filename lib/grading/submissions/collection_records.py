"""Records of collected downloads: each student's files, and the refusals that a person has to look at.

They are stored in the course's folder, where no student's file can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
from nbgrader.coursedir import CourseDirectory

from lib.grading.files import is_file, write_whole

LATE_WITHOUT_TIME = timedelta(seconds=1)
"""How late a submission counts if Canvas calls it late without saying by how much: enough for nbgrader's penalty."""
LATE_WITH_MORE_TIME = "%s was late in Canvas, which doesn't say by how much, and has an extension: look in Canvas."


@dataclass(frozen=True)
class Refusal:
    """A file that was downloaded but not collected: its student or "", its name or "" for all files, and why."""

    student: str
    file: str
    why: str

    @property
    def reason(self) -> str:
        """The file's name and why it was not collected."""
        return ": ".join(filter(None, (self.file, self.why)))


@dataclass(frozen=True)
class CollectedSubmission:
    """A student's collected notebooks: the owner's name and number in the LMS, and each notebook's downloaded name.

    The newer of two has the larger file number in Canvas (`attachment`), or came in a later download.
    """

    lms: str
    name: str
    number: str
    late: bool
    attachment: int
    downloaded: float
    files: Mapping[str, str]
    digest: str

    def is_older(self, other: "CollectedSubmission") -> bool:
        """True if this one was submitted before the other one."""
        return (self.attachment, self.downloaded) < (other.attachment, other.downloaded)


@dataclass(frozen=True)
class CollectionRecords:
    """The records of an assignment's downloads."""

    notes: Mapping[str, CollectedSubmission] = field(default_factory=dict)
    left_out: tuple[Refusal, ...] = ()

    @property
    def late(self) -> list[str]:
        """The students who were late according to Canvas."""
        return [student for student, note in self.notes.items() if note.late]


def _file_of(course: CourseDirectory, assignment: str) -> Path:
    return Path(course.root, "downloaded", assignment, "collected.json")


def read_collection(course: CourseDirectory, assignment: str) -> CollectionRecords:
    """Read an assignment's records. Return empty ones if there are none or the file is damaged."""
    place = _file_of(course, assignment)
    if not is_file(place):
        return CollectionRecords()
    try:
        return msgspec.json.decode(place.read_bytes(), type=CollectionRecords)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError):
        course.log.warning("%s is damaged and is ignored. Remove it, and collect again.", place)
        return CollectionRecords()


def write_collection(course: CourseDirectory, assignment: str, collected: CollectionRecords) -> None:
    """Write an assignment's records."""
    write_whole(_file_of(course, assignment), msgspec.json.format(msgspec.json.encode(collected)))
