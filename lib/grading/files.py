"""Safe reading and writing: only regular files are read, and files and folders are replaced as a whole.

Students may leave pipes and symbolic links in their folders. Reading a pipe would hang, and a link may lead to another
person's file.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import glob, has_magic
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

LARGEST_FOLDER = 128 * 2**20
"""Bytes of a folder that is copied for a sandboxed kernel: nbgrader's `max_dir_size`, and room for the course's own
files."""
NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Linux's errors for a path that doesn't exist. With other errors there may be something that can't be read."""
PIECE = 2**20
"""Bytes read at a time."""
PRIVATE = (0o077, 0o007)
"""Permissions removed from a course's files: for the owner alone, or for the owner and the group."""
# O_NOFOLLOW: the file may have been replaced by a link since it was checked. O_NONBLOCK: opening a pipe must not wait.
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def is_file(path: Path) -> bool:
    """True if `path` is a regular file, not a symbolic link, pipe or device."""
    return stat.S_ISREG(_mode_of(path))


def is_folder(path: Path) -> bool:
    """True if `path` is a folder, not a symbolic link to one."""
    return stat.S_ISDIR(_mode_of(path))


def _mode_of(path: Path) -> int:
    # lstat, because stat would follow a link to another person's file.
    with suppress(OSError, ValueError):
        return path.lstat().st_mode
    return 0


def file_below(folder: Path, name: str) -> Path | None:
    """Return the regular file `name` in `folder` or below it; None if the name leads out of `folder` or to no file."""
    with suppress(OSError, ValueError):
        path = Path(os.path.realpath(os.path.normpath(folder / name)))
        return path if path.is_relative_to(os.path.realpath(folder)) and is_file(path) else None
    return None


def find_folders(pattern: str) -> list[str]:
    """Return the folders that match a pattern, sorted, including those that can't be opened: callers report them."""
    parent, name = os.path.split(pattern)
    # glob leaves out a folder that can't be opened, unless it lists the parent folder.
    found = glob(pattern) if has_magic(name) else [os.path.join(each, name) for each in glob(parent)]  # noqa: PTH118, PTH207
    return sorted(filter(_may_be_folder, found))


def _may_be_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116  # glob returns text
    except OSError as error:
        return error.errno not in NOTHING_THERE
    except ValueError:
        return False


def read_bounded(file: Path, most: int) -> bytes | None:
    """Read a file; None if it has more than `most` bytes. Raises OSError that names the file."""
    with _name_in_errors(file), os.fdopen(os.open(file, READ_FLAGS), "rb", buffering=0) as opened:
        content = read_first(opened, most + 1)
    return content if len(content) <= most else None


def read_first(file: IO[bytes], most: int) -> bytes:
    """Return the first `most` bytes of a file, without relying on the size that the file system reports."""
    pieces = list[bytes]()
    while most > 0 and (piece := file.read(min(most, PIECE))):
        most -= len(piece)
        pieces.append(piece)
    return b"".join(pieces)


def write(path: Path, content: bytes) -> None:
    """Write a file. Raises OSError that names the file."""
    with _name_in_errors(path):
        path.write_bytes(content)


@contextmanager
def _name_in_errors(path: Path) -> Iterator[None]:
    try:  # Python's error for a full disk names no file
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def temporary_sibling_file(path: Path) -> Iterator[Path]:
    """Yield a file in the same folder, which replaces `path` at the end; after an error, `path` stays as it was.

    Readers of `path` never see a part of the new content. Raises OSError that names `path`.
    """
    if os.path.lexists(path) and not is_file(path):  # a pipe, a terminal or a link can't be replaced
        yield path
        return
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        if error.filename in (None, str(part)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as `temporary_sibling_file` does, and create its folder if necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_sibling_file(path) as part:
        write(part, content)


@contextmanager
def temporary_sibling_folder(place: Path) -> Iterator[Path]:
    """Create a folder next to `place`, so that its contents can be moved there in one step; it is removed at the end.

    The parent folder of `place` is created if necessary.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=_sibling_prefix(place), dir=place.parent) as folder:
        yield Path(folder)


def _sibling_prefix(place: Path) -> str:
    return f".{place.name}.part-"


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder by their relative names. Raises ValueError for a name that leads out of the folder."""
    made = set[PurePosixPath]()
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} leads out of the working directory")
        if path.parent not in made:
            (folder / path.parent).mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        write(folder / path, content)


def remove(path: Path) -> None:
    """Delete a file, a folder or a link, but never the target of a link. Do nothing if `path` doesn't exist."""
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def private(is_shared: bool) -> Iterator[None]:
    """Create files that only this account can use, or also the group if the course `is_shared`."""
    before = os.umask(PRIVATE[is_shared])  # it applies to all threads of this process
    try:
        yield
    finally:
        os.umask(before)


def put_in_place(folder: Path, place: Path) -> None:
    """Move a complete folder to its place, and remove the previous one, which stays after an error."""
    place.parent.mkdir(parents=True, exist_ok=True)
    # On the disk of the new folder, where each move is one step.
    with TemporaryDirectory(prefix=_sibling_prefix(place), dir=folder.parent) as aside:
        previous = Path(aside, place.name)
        if os.path.lexists(place):
            place.rename(previous)
        try:
            folder.rename(place)
        except BaseException:
            if os.path.lexists(previous):
                previous.rename(place)
            raise
    with suppress(OSError):  # the parent may hold other assignments' folders
        folder.parent.rmdir()
