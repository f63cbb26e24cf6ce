"""Records of collected downloads: each student's files, and the refusals that a person has to look at.

They are stored in the course's folder, where no student's file can be.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import msgspec
import orjson
from nbgrader.coursedir import CourseDirectory

from lib.grading.files import is_file, write_whole
from lib.grading.submissions.downloads import DownloadedNotebook, Refusal
from lib.grading.submissions.submitted_files import step_folder

LATE_WITHOUT_TIME = timedelta(seconds=1)
"""How late a submission counts if Canvas calls it late without saying by how much: enough for nbgrader's penalty."""
LATE_WITH_MORE_TIME = "%s was late in Canvas, which doesn't say by how much, and has an extension: look in Canvas."


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

    @classmethod
    def of(cls, found: Mapping[str, DownloadedNotebook], late: bool, downloaded: float) -> "CollectedSubmission":
        """Return the record of one student's notebooks in a download."""
        owner = next(iter(found.values())).owner
        newest = max(each.owner.attachment for each in found.values())
        files = {name: each.downloaded for name, each in found.items()}
        digest = digest_of({name: each.place for name, each in found.items()})
        return cls(owner.lms, owner.name, owner.number, late, newest, downloaded, files, digest)

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


def collection_file(course: CourseDirectory, assignment: str, name: str = "collected.json") -> Path:
    """Return the path of a file about an assignment's downloads."""
    return Path(course.root, "downloaded", assignment, name)


def read_collection(course: CourseDirectory, assignment: str) -> CollectionRecords:
    """Read an assignment's records. Return empty ones if there are none or the file is damaged."""
    place = collection_file(course, assignment)
    if not is_file(place):
        return CollectionRecords()
    try:
        return msgspec.json.decode(place.read_bytes(), type=CollectionRecords)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError):
        course.log.warning("%s is damaged and is ignored. Remove it, and collect again.", place)
        return CollectionRecords()


def write_collection(course: CourseDirectory, assignment: str, collected: CollectionRecords) -> None:
    """Write an assignment's records."""
    write_whole(collection_file(course, assignment), orjson.dumps(collected, option=orjson.OPT_INDENT_2))


def known_numbers(collected: Mapping[str, CollectionRecords], assignment: str = "") -> dict[tuple[str, str], str]:
    """Return the ids of everyone with a collected submission, by LMS and number.

    Canvas uses the same number in all assignments. Numbers of other LMS are only those of `assignment`.
    """
    notes = [(name, *item) for name, each in collected.items() for item in each.notes.items()]
    return {(one.lms, one.number): id for name, id, one in notes if one.lms == "canvas" or name == assignment}


def read_former_students(
    course: CourseDirectory, students: Collection[str], collected: Mapping[str, CollectionRecords]
) -> list[str]:
    """Return the ids in `left.txt`, the students who left the course, after adding those who left since.

    These have a collected submission, but are neither among the gradebook's `students` nor in `submitted/`.
    """
    place, submitted = Path(course.root, "left.txt"), {id for each in collected.values() for id in each.notes}
    left = [*filter(None, map(str.strip, place.read_text("utf-8").splitlines()))] if is_file(place) else []
    present = submitted.intersection(students)  # empty if the gradebook is new: then nobody has left
    folders = {id for id in submitted for name in collected if step_folder(course, "submitted", id, name).is_dir()}
    if present and (missing := sorted(submitted - present - folders - {*left})):
        left += missing
        write_whole(place, "".join(f"{id}\n" for id in left).encode())
    return left


def digest_of(files: Mapping[str, Path]) -> str:
    """Return a digest of notebooks' names and contents."""
    digests = [(name, blake2b(path.read_bytes()).hexdigest()) for name, path in sorted(files.items())]
    return blake2b(orjson.dumps(digests), digest_size=16).hexdigest()
