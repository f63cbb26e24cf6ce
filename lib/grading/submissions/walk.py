"""A safe walk through a student's folder: all submitted files are found and read with it.

The owner may change the folder at any time, and put links, pipes or a thousand nested folders into it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lib.grading.files import NOTHING_THERE, READ_FLAGS, read_first

DEEPEST = 10
"""Levels of folders in a walk; a submission has one or two."""
MOST_ENTRIES = 10_000
"""Files and folders in a walk; a submission has about ten."""
FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# A student may replace a folder with a link between listing and opening it.
STUDENT_FOLDER_FLAGS = FOLDER_FLAGS | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class Entry:
    """A file or folder in a walk. `name` is its path relative to the walked folder.

    `status` is all zeros if the entry has been removed, or if it `is_inaccessible` to this account. `parent` is the
    descriptor of its folder, which is open only while the walk is at this entry.
    """

    path: Path
    name: PurePosixPath
    parent: int
    status: os.stat_result
    is_inaccessible: bool = False

    @property
    def is_file(self) -> bool:
        """True if it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        """True if it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    def read(self, most: int) -> bytes:
        """Read the file's first `most` bytes while the walk is at this entry.

        Raises OSError that names the file, also if another file has replaced it.
        """
        try:
            # Relative to the open folder: the owner may have replaced a folder in the path with a link.
            with os.fdopen(os.open(self.name.name, READ_FLAGS, dir_fd=self.parent), "rb", buffering=0) as file:
                if not os.path.samestat(os.fstat(file.fileno()), self.status):
                    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
                return read_first(file, most)
        except OSError as error:
            error.filename = str(self.path)
            raise


def walk(folder: Path, is_untrusted: bool = False, most: int = MOST_ENTRIES) -> Iterator[Entry]:
    """Yield at most `most` entries below a folder, by name, `DEEPEST` levels down and without following links.

    If it `is_untrusted`, the folder's owner may replace it with another folder or a link. Raises OSError if the folder
    can't be listed.
    """
    start, name = (folder.parent, folder.name) if is_untrusted else (folder, ".")
    try:
        outer = os.open(start, FOLDER_FLAGS)
        try:
            yield from _walk_in(outer, name, folder, PurePosixPath(), iter(range(most)))
        finally:
            os.close(outer)
    except OSError as error:
        error.filename = str(folder)
        raise


def _walk_in(outer: int, name: str, folder: Path, place: PurePosixPath, numbers: Iterator[int]) -> Iterator[Entry]:
    """Walk the folder `name` in the open folder `outer`; each entry takes one of `numbers`, until none is left."""
    inner = os.open(name, STUDENT_FOLDER_FLAGS, dir_fd=outer)
    try:
        # Stop at the last number: a folder may have millions of names.
        with os.scandir(inner) as entries:
            names = sorted(entry.name for _, entry in zip(numbers, entries, strict=False))
        for each in names:
            entry = _read_entry(each, inner, folder, place / each)
            yield entry
            if entry.is_folder and len(place.parts) < DEEPEST:
                with suppress(OSError):
                    yield from _walk_in(inner, each, folder, place / each, numbers)
    finally:
        os.close(inner)


def _read_entry(name: str, parent: int, folder: Path, place: PurePosixPath) -> Entry:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        nothing = os.stat_result([0] * 10)
        return Entry(folder / place, place, parent, nothing, is_inaccessible=error.errno not in NOTHING_THERE)
    return Entry(folder / place, place, parent, status)
