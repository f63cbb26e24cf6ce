"""The walk through a folder that is a student's: the one way in which what students handed in is found and read.

Its owner may change it meanwhile, put links, pipes and folders a thousand deep into it, or lay a file system of their
own over a part of it, which lists names without end, or says that a file is short and gives bytes without end.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from time import time

from lib.grading.files import NOTHING_THERE, TO_READ, read_first

DEEPEST = 10
"""Levels of folders that are looked into; a submission has one or two."""
MOST_ENTRIES = 10_000
"""Files and folders that are looked at in a submission's folder and below; it has some ten."""
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
"""How a folder is opened that is ours."""
INNER = FOLDER | getattr(os, "O_NOFOLLOW", 0)
"""How one is opened that is a student's: no link that was put there meanwhile."""


@dataclass(frozen=True)
class Entry:
    """What a walk has come to: where it lies, its place below the folder, and what was seen of it.

    `about` is all zeros where nothing could be seen. `changed` is when it was last changed, which nobody can set: just
    now if it is gone, never if it `is_closed`. `inside` is the folder that it is in, open while the walk stands there.
    """

    path: Path
    name: PurePosixPath
    inside: int
    about: os.stat_result
    changed: float
    is_closed: bool = False

    @property
    def is_file(self) -> bool:
        """Whether it is an ordinary file."""
        return stat.S_ISREG(self.about.st_mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.about.st_mode)

    def read(self, most: int) -> bytes:
        """Read the file that was seen, its first `most` bytes, while the walk stands there. Raises OSError that names
        it, also where another has come in its place."""
        try:
            # By its name in the folder that is open: its owner may change folders into links meanwhile.
            with os.fdopen(os.open(self.name.name, TO_READ, dir_fd=self.inside), "rb", buffering=0) as file:
                is_seen = os.path.samestat(os.fstat(file.fileno()), self.about)
                if not is_seen or _mount_of(file.fileno()) != _mount_of(self.inside):
                    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
                return read_first(file, most)
        except OSError as error:
            error.filename = str(self.path)
            raise


def walk(folder: Path, is_theirs: bool = False, most: int = MOST_ENTRIES) -> Iterator[Entry]:
    """Give what lies below a folder, in the order of names, `DEEPEST` levels down and without following links.

    `is_theirs` where who owns the folder can put another in its place, or a link. No more than `most` are looked
    at, and none on a file system that somebody has mounted in it. Raises OSError where it can't be listed.
    """
    start, name = (folder.parent, folder.name) if is_theirs else (folder, ".")
    try:
        outer = os.open(start, FOLDER)
        try:
            yield from _walk_in(outer, name, folder, PurePosixPath(), iter(range(most)))
        finally:
            os.close(outer)
    except OSError as error:
        error.filename = str(folder)
        raise


def _walk_in(outer: int, name: str, folder: Path, place: PurePosixPath, numbers: Iterator[int]) -> Iterator[Entry]:
    """Walk a folder by its name in one that is open; each entry takes a number, as long as there are any."""
    inner = os.open(name, INNER, dir_fd=outer)
    try:
        if _mount_of(inner) != _mount_of(outer):
            return
        # As many as there are numbers: a file system of a student's own may list names without end.
        with os.scandir(inner) as entries:
            names = sorted(entry.name for _, entry in zip(numbers, entries, strict=False))
        for each in names:
            entry = _look(each, inner, folder, place / each)
            yield entry
            if entry.is_folder and len(place.parts) < DEEPEST:
                with suppress(OSError):
                    yield from _walk_in(inner, each, folder, place / each, numbers)
    finally:
        os.close(inner)


def _look(name: str, inside: int, folder: Path, place: PurePosixPath) -> Entry:
    try:
        about = os.stat(name, dir_fd=inside, follow_symlinks=False)
    except OSError as error:
        changed = time() if isinstance(error, FileNotFoundError) else 0.0
        is_closed = error.errno not in NOTHING_THERE
        return Entry(folder / place, place, inside, os.stat_result([0] * 10), changed, is_closed)
    return Entry(folder / place, place, inside, about, about.st_ctime)


def _mount_of(descriptor: int) -> str | int:
    """Tell apart where open files lie: a student may lay a file system over a folder or a file, and what that says of
    times, sizes and contents is the student's own word."""
    # Not the device: on layered file systems (overlayfs) a file's may be another than its folder's.
    with suppress(OSError), open(f"/proc/self/fdinfo/{descriptor}") as found:  # noqa: PTH123  # a descriptor's, not a path
        return next(line for line in found if line.startswith("mnt_id:"))
    return os.fstat(descriptor).st_dev


def last_change(folder: Path, is_theirs: bool = False) -> float:
    """Give when something in a folder was last changed, in seconds since 1970; students can't set this time.

    Of each, since to write into a file changes no folder that it is in. See `Entry.changed` where it can't be seen.
    """
    try:
        return max(folder.lstat().st_ctime, *(entry.changed for entry in walk(folder, is_theirs)), 0.0)
    except OSError as error:
        return time() if isinstance(error, FileNotFoundError) else 0.0
