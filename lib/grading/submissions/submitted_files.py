"""What a student handed in, read once into bytes. Nothing behind this opens the student's folder again.

So what is told apart by its digest, what lies beside the notebook in a run, what the challenge derives from, and what
is kept as graded are the same bytes, also where the folder changes meanwhile.
"""

import errno
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatch
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from re import IGNORECASE, compile, escape, fullmatch

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files, parse_utc

from lib.checking.challenges import CHALLENGE
from lib.checking.results import clean
from lib.grading.files import LARGEST_FOLDER, find_folders
from lib.grading.judge.verdict import FILE
from lib.grading.machine_faults import is_of_a_file
from lib.grading.names import NoId, StudentId, parse_id
from lib.grading.sandbox.limits import Limits
from lib.grading.submissions.walk import DEEPEST, Entry, walk

STAMP = "timestamp.txt"
"""nbgrader's note of when a submission was made."""
OURS = (CHALLENGE, FILE, f"{FILE}.part")
"""Names in a submission's folder that are not a student's to use."""
NOTEBOOK = compile(r"\.ipynb(\.json|\.txt)?$", IGNORECASE)
"""How the name of a notebook ends."""
ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"}
"""Endings of files that hold others."""
DRAWINGS = (".svg", ".svgz")
"""Pictures of which five kilobytes can take a browser gigabytes to show: only the course's own are let in."""
MOST_READ = 2**27
"""Bytes of a folder's files that are read; what is beyond them is known by its size alone."""
MOST_BYTES = 20_000_000
"""Bytes of a notebook file that are read: a completed one has some hundred thousand."""
MOST_FILES = 1_000
"""Files that a submission may have beside its notebook; each may be in folders of its own."""
PAGE = 4096
"""Bytes: a file takes whole pages where notebooks run, since the disk there is memory."""
NAMED = 5
"""Files that a remark names; there may be thousands."""
Name = PurePosixPath


class ClosedError(Exception):
    """A folder that this account may not read all of; the message says what not."""


@dataclass(frozen=True)
class SubmittedFiles:
    """A student's folder: its ordinary files by name, in order, each with its bytes or the error why there are none.

    `others` are names at the top at which something else lies.
    """

    student: StudentId
    folder: Path
    files: Mapping[Name, bytes | OSError]
    others: frozenset[str] = frozenset()
    digest: str = ""
    """Tells it apart from any other, by names and contents."""

    def has(self, name: str) -> bool:
        """Tell whether anything lies in it under this name."""
        return Name(name) in self.files or name in self.others

    def is_too_large(self, name: Name) -> bool:
        """Tell whether a file was not read because of its size."""
        found = self.files.get(name)
        return isinstance(found, OSError) and found.errno == errno.EFBIG

    def content(self, name: Name) -> bytes | None:
        """Give what a file holds; None where that is too much, or can't be read by the file's own fault.

        Raises OSError, which names the file, where the machine is at fault.
        """
        found = self.files.get(name)
        if isinstance(found, OSError) and not self.is_too_large(name) and not is_of_a_file(found):
            raise found
        return found if isinstance(found, bytes) else None

    @cached_property
    def made(self) -> datetime | None:
        """When it was made, as its stamp says, which may be the student's. Raises ValueError if that is no time."""
        stamp = self.files.get(Name(STAMP), b"")
        try:
            return parse_utc(text) if isinstance(stamp, bytes) and (text := stamp[:1000].decode().strip()) else None
        except Exception as error:  # what a parser of dates raises has no end
            raise ValueError(f"The timestamp in {self.folder} can't be read; it is left out.") from error


def read(folder: Path, student: StudentId, notebooks_only: bool = False) -> SubmittedFiles:
    """Read what was handed in. Raises ClosedError where this account may not read some of it."""
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ClosedError(str(folder))
    files, others, found, left = dict[Name, bytes | OSError](), set[str](), blake2b(digest_size=16), MOST_READ
    for entry in walk(folder):
        name, is_notebook = entry.name, NOTEBOOK.search(entry.name.name) is not None
        if entry.is_closed:
            raise ClosedError(str(entry.path))
        if not entry.is_file:
            others |= {name.name} if len(name.parts) == 1 else set()
        elif is_notebook or not notebooks_only:
            held, inner = _read_file(entry, min(left, MOST_BYTES) if is_notebook else left)
            files[name] = held
            left -= len(held) if isinstance(held, bytes) else 0
            found.update(f"{name}\n{len(inner)}\n".encode(errors="surrogateescape") + inner)
    return SubmittedFiles(student, folder, files, frozenset(others), found.hexdigest())


def _read_file(entry: Entry, most: int) -> tuple[bytes | OSError, bytes]:
    """Read a file, or say why not; give what its digest counts for, too. Raises ClosedError where it may not be."""
    size = entry.about.st_size
    if size > most:
        return OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(entry.path)), str(size).encode()
    try:
        content = entry.read(size)  # and no more, whatever a file system of the owner's gives
    except PermissionError as error:
        raise ClosedError(str(entry.path)) from error
    except OSError as error:  # what can't be read may be readable later
        return error, str(error.errno).encode()
    return content, blake2b(content).digest()


@dataclass
class FileBounds:
    """How much may still lie beside a notebook: bytes of all files together, and how many there may be."""

    size: int
    files: int

    @classmethod
    def of(cls, most_submitted: int, limits: Limits) -> "FileBounds":
        """Take what may be submitted, and no more than a locked kernel has room for."""
        # Half of the scratch is left to the run itself; a file and its folders take an inode each.
        size = min(most_submitted, LARGEST_FOLDER, limits.scratch // 2)
        return cls(size, min(MOST_FILES, limits.inodes // (DEEPEST + 2)))

    def take(self, size: int) -> bool:
        """Tell whether a file of so many bytes still fits, and count it if so."""
        whole = -(-size // PAGE) * PAGE
        fits = self.files > 0 and whole <= self.size
        if fits:
            self.size, self.files = self.size - whole, self.files - 1
        return fits


def lay_beside(
    handed: SubmittedFiles, own: Mapping[str, bytes], ignored: Collection[str], bounds: FileBounds
) -> tuple[dict[str, bytes], list[str]]:
    """Give the files that lie beside a notebook in its run, and remarks on what was left out.

    The course's `own` are in the place of those that are called alike. Of what was handed in there are only ordinary
    files, no notebooks, nothing that is ours or a page's to write, and no more than fits. Raises OSError as
    `SubmittedFiles.content` does.
    """
    wanted = [
        name
        for name in handed.files
        if not any(NOTEBOOK.search(part) or any(fnmatch(part, like) for like in ignored) for part in name.parts)
        and name.suffix.lower() not in DRAWINGS
        and not (name.parts[0] in OURS or (len(name.parts) > 1 and name.parts[0].endswith(".html")))
        and not _clashes(name, own)
    ]
    laid, too_much, unread, left = dict(own), list[Name](), list[Name](), replace(bounds)
    for content in own.values():
        left.take(len(content))
    for name in wanted:
        held = handed.content(name)
        if held is None and not handed.is_too_large(name):
            unread.append(name)
        elif held is None or not left.take(len(held)):
            too_much.append(name)
        else:
            laid[str(name)] = held
    largest = f"A submission may have {bounds.files:,} files of {bounds.size // 10**6:,} MB beside its notebook."
    left_out = ((too_much, largest), (unread, "They can't be read."))
    return laid, [
        f"The notebook was run without these files: {list_names(names)}. {why}" for names, why in left_out if names
    ]


def _clashes(name: Name, own: Mapping[str, bytes]) -> bool:
    """Tell whether a submitted file is called as one of the course's own, its folders, or the other way round."""
    submitted = {str(name), *map(str, name.parents)}
    return any(place in submitted or name in Name(place).parents for place in own)


def own_files(course: CourseDirectory, assignment: str, excluded: Collection[str]) -> dict[str, bytes]:
    """Read the files that the course lays beside its notebooks, by their place in a submission's folder."""
    source = Path(course.format_path(course.source_directory, ".", assignment))
    found = map(Path, find_all_files(str(source), [*course.ignore, "*.ipynb"]))
    return {name: path.read_bytes() for path in found if (name := str(path.relative_to(source))) not in excluded}


def find_submitted(
    course: CourseDirectory, assignment: str, student: str = "*"
) -> Iterator[tuple[StudentId | NoId, Path]]:
    """Find the folders of an assignment that were handed in, each with the student whose it is by its place."""
    place = course.format_path(course.submitted_directory, "(?P<student>[^/]+)", escape(assignment), escape=True)
    for folder in find_folders(course.format_path(course.submitted_directory, student, assignment)):
        if found := fullmatch(place, folder):
            yield parse_id(found["student"]), Path(folder)


def strays(submitted: Path, assignment: str) -> Iterator[Path]:
    """Find work that lies beside the students' folders, or beside a student's folder of this assignment.

    It would be missed in silence. Also a folder whose name differs from the assignment's by capitals alone, and one of
    a hidden student's.
    """
    for entry in sorted(submitted.iterdir()):
        with suppress(OSError):  # what can't be looked at `find_folders` finds, if it is a student's
            if _is_work(entry) or (entry.name.startswith(".") and (entry / assignment).is_dir()):
                yield entry
            elif not entry.name.startswith(".") and entry.is_dir() and not (entry / assignment).is_dir():
                for file in sorted(entry.iterdir()):  # others may lie there, too
                    is_named = _is_work(file) and assignment in file.name
                    if is_named or file.name.casefold() == assignment.casefold():
                        yield file


def _is_work(file: Path) -> bool:
    return file.suffix.lower() in {".ipynb", *ARCHIVES} and not file.name.startswith(".") and file.is_file()


def list_names(names: Sequence[object]) -> str:
    """List the names of a student's files: the first few, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(clean(str(name)) for name in names[:NAMED]) + (f" and {more} more" if more > 0 else "")
