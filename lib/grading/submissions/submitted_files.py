"""Submitted files: a student's folder, read once into bytes. No later step opens the folder again.

So the digest, the files of a run, the challenge's seed and the stored copy all come from the same bytes, even if the
student changes the folder during grading.
"""

import errno
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatch
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from re import IGNORECASE, compile, escape, fullmatch
from typing import Literal

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files, parse_utc

from lib.checking.challenges import CHALLENGE
from lib.checking.results import clean
from lib.grading.files import LARGEST_FOLDER, find_folders
from lib.grading.judge.verdict import FILE
from lib.grading.machine_faults import is_file_fault
from lib.grading.safe_names import InvalidId, StudentId, parse_id
from lib.grading.sandbox.limits import Limits
from lib.grading.submissions.walk import DEEPEST, Entry, walk

STAMP = "timestamp.txt"
"""nbgrader's file with the time of a submission."""
RESERVED = (CHALLENGE, FILE, f"{FILE}.part")
"""Names of our own files in a run's folder; submitted files with these names are ignored."""
NOTEBOOK = compile(r"\.ipynb(\.json|\.txt)?$", IGNORECASE)
"""Endings of a notebook's name: programs that don't know notebooks append `.json` or `.txt`."""
ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"}
DRAWINGS = (".svg", ".svgz")
"""A drawing of five kilobytes can take a browser gigabytes to show, so only the course's own are allowed."""
MOST_READ = 2**27
"""Bytes read from a folder. Of files beyond this limit, only the size counts for the digest."""
MOST_BYTES = 20_000_000
"""Largest notebook file in bytes; a completed one has about a hundred thousand."""
MOST_FILES = 1_000
"""Files that a submission may have besides its notebook, each perhaps in folders of its own."""
PAGE = 4096
"""Bytes of a memory page. Notebooks run on a file system in memory, where files take whole pages."""
MOST_LISTED = 5
"""Files that a remark lists; there may be thousands."""
Name = PurePosixPath
Step = Literal["source", "release", "submitted", "autograded", "feedback"]


class NoAccessError(Exception):
    """This account may not read all of a folder; the message names the path."""


@dataclass(frozen=True)
class SubmittedFiles:
    """A student's folder: its regular files by name, in order, each as bytes or as the error from reading it.

    `others` are the names of entries at the top that aren't regular files. `digest` identifies names and contents.
    """

    student: StudentId
    folder: Path
    files: Mapping[Name, bytes | OSError]
    others: frozenset[str] = frozenset()
    digest: str = ""

    def has(self, name: str) -> bool:
        """True if the folder has an entry of this name at the top."""
        return Name(name) in self.files or name in self.others

    def is_too_large(self, name: Name) -> bool:
        """True if a file was not read because of its size."""
        found = self.files.get(name)
        return isinstance(found, OSError) and found.errno == errno.EFBIG

    def content(self, name: Name) -> bytes | None:
        """Return a file's content; None if it is too large, or unreadable because of its name, kind or permissions.

        Raises OSError that names the file if the machine is at fault.
        """
        found = self.files.get(name)
        if isinstance(found, OSError) and not self.is_too_large(name) and not is_file_fault(found):
            raise found
        return found if isinstance(found, bytes) else None

    @cached_property
    def timestamp(self) -> datetime | None:
        """The time in `timestamp.txt`, which the student may have written. Raises ValueError if it isn't a time."""
        stamp = self.files.get(Name(STAMP), b"")
        try:
            return parse_utc(text) if isinstance(stamp, bytes) and (text := stamp[:1000].decode().strip()) else None
        except Exception as error:  # dateutil's parser may raise anything
            raise ValueError(f"The timestamp in {self.folder} can't be read and is ignored.") from error


def read(folder: Path, student: StudentId) -> SubmittedFiles:
    """Read a student's folder. Raises NoAccessError if this account may not read all of it."""
    if not os.access(folder, os.R_OK | os.X_OK):
        raise NoAccessError(str(folder))
    files, others, found, left = dict[Name, bytes | OSError](), set[str](), blake2b(digest_size=16), MOST_READ
    for entry in walk(folder):
        name, is_notebook = entry.name, NOTEBOOK.search(entry.name.name) is not None
        if entry.is_inaccessible:
            raise NoAccessError(str(entry.path))
        if not entry.is_file:
            others |= {name.name} if len(name.parts) == 1 else set()
        else:
            content, identity = _read_file(entry, min(left, MOST_BYTES) if is_notebook else left)
            files[name] = content
            left -= len(content) if isinstance(content, bytes) else 0
            found.update(f"{name}\n{len(identity)}\n".encode(errors="surrogateescape") + identity)
    return SubmittedFiles(student, folder, files, frozenset(others), found.hexdigest())


def _read_file(entry: Entry, most: int) -> tuple[bytes | OSError, bytes]:
    """Return a file's content or the error from reading it, and the bytes that stand for it in the folder's digest."""
    size = entry.status.st_size
    if size > most:
        return OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(entry.path)), str(size).encode()
    try:
        content = entry.read(size)  # no more, even if the owner's file system returns more
    except PermissionError as error:
        raise NoAccessError(str(entry.path)) from error
    except OSError as error:  # by its number, because the file may be readable later
        return error, str(error.errno).encode()
    return content, blake2b(content).digest()


@dataclass
class FileBounds:
    """How many bytes and how many files a run may still have besides its notebook."""

    size: int
    files: int

    @classmethod
    def of(cls, most_submitted: int, limits: Limits) -> "FileBounds":
        """Return what may be submitted, but no more than a sandboxed kernel has room for."""
        # Half of the scratch space is left to the run itself. A file and each of its folders take an inode.
        size = min(most_submitted, LARGEST_FOLDER, limits.scratch // 2)
        return cls(size, min(MOST_FILES, limits.inodes // (DEEPEST + 2)))

    def take(self, size: int) -> bool:
        """Subtract a file of `size` bytes and return True, or return False if it doesn't fit."""
        whole = -(-size // PAGE) * PAGE
        fits = self.files > 0 and whole <= self.size
        if fits:
            self.size, self.files = self.size - whole, self.files - 1
        return fits


def run_files(
    submitted: SubmittedFiles, own: Mapping[str, bytes], ignored: Collection[str], bounds: FileBounds
) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of a notebook's run, and remarks on submitted files that were left out.

    The course's `own` files replace submitted ones with the same name. Submitted notebooks, drawings, ignored files,
    reserved names, and folders named like pages are left out, as is whatever exceeds the bounds. Raises OSError as
    `SubmittedFiles.content` does.
    """
    files, too_much, unread, left = dict(own), list[Name](), list[Name](), replace(bounds)
    for data in own.values():
        left.take(len(data))
    for name in submitted.files:
        if (
            any(NOTEBOOK.search(part) or any(fnmatch(part, like) for like in ignored) for part in name.parts)
            or name.suffix.lower() in DRAWINGS
            or name.parts[0] in RESERVED
            or (len(name.parts) > 1 and name.parts[0].endswith(".html"))
            # Also if one is a file where the other has a folder.
            or any(Name(each) in (name, *name.parents) or name in Name(each).parents for each in own)
        ):
            continue
        content = submitted.content(name)
        if content is None and not submitted.is_too_large(name):
            unread.append(name)
        elif content is None or not left.take(len(content)):
            too_much.append(name)
        else:
            files[str(name)] = content
    largest = f"A submission may have {bounds.files:,} files of {bounds.size // 10**6:,} MB besides its notebook."
    left_out = ((too_much, largest), (unread, "They can't be read."))
    return files, [
        f"The notebook was run without these files: {list_names(names)}. {why}" for names, why in left_out if names
    ]


def step_folder(course: CourseDirectory, step: Step, student: str, assignment: str) -> Path:
    """Return the folder of a submission in one of nbgrader's steps. For `source` and `release`, `student` is "."."""
    return Path(course.format_path(getattr(course, f"{step}_directory"), student, assignment))


def course_files(course: CourseDirectory, assignment: str, excluded: Collection[str]) -> dict[str, bytes]:
    """Read the files that the course provides with its notebooks, by their path in a submission's folder."""
    source = step_folder(course, "source", ".", assignment)
    found = map(Path, find_all_files(str(source), [*course.ignore, "*.ipynb"]))
    return {name: path.read_bytes() for path in found if (name := str(path.relative_to(source))) not in excluded}


def find_submitted(
    course: CourseDirectory, assignment: str, student: str = "*"
) -> Iterator[tuple[StudentId | InvalidId, Path]]:
    """Yield an assignment's submitted folders, each with the student's id from its path."""
    pattern = course.format_path(course.submitted_directory, "(?P<student>[^/]+)", escape(assignment), escape=True)
    for folder in find_folders(course.format_path(course.submitted_directory, student, assignment)):
        if found := fullmatch(pattern, folder):
            yield parse_id(found["student"]), Path(folder)


def list_names(names: Sequence[object]) -> str:
    """Return the first few names of a student's files, and how many more there are."""
    more = len(names) - MOST_LISTED
    return ", ".join(clean(str(name)) for name in names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
