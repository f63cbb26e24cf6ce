"""Files in folders that students write to: only ordinary ones are read. And folders that come to their place whole.

A student may leave pipes, and links to other places: what reads them would hang, or give what is others'.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape, glob, has_magic
from pathlib import Path, PurePosixPath
from tempfile import gettempdir, mkdtemp
from typing import IO

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

LARGEST_FOLDER = 128 * 2**20
"""Bytes of a folder that a locked kernel gets a copy of: what nbgrader lets students submit (`max_dir_size`), and some
more for what is laid beside it."""
NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""How Linux answers where there is no folder, which may be closed or broken in other cases."""
NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""How Linux answers where a file system has no locks."""
TEMPORARY = "zerolayer-[0-9]*-*"
"""What this package makes in the folder for temporary files: the number is that of the process which made it."""
PIECE = 2**20
"""Bytes of a file that are read at a time."""
PRIVATE = (0o077, 0o007)
"""The rights that files of a course lack: only its teacher's account has any, or also the group that shares it."""
# O_NOFOLLOW: no link that was put there meanwhile. O_NONBLOCK: no pipe that is waited for.
TO_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def is_file(path: Path) -> bool:
    """Tell whether an ordinary file lies at `path` itself: no link to one, no pipe, no device."""
    return stat.S_ISREG(_mode_of(path))


def is_folder(path: Path) -> bool:
    """Tell whether a folder lies at `path` itself, and no link to one."""
    return stat.S_ISDIR(_mode_of(path))


def _mode_of(path: Path) -> int:
    # lstat, since stat follows a link to a file of somebody else's. It may be gone since it was listed.
    with suppress(OSError, ValueError):
        return path.lstat().st_mode
    return 0


def file_below(folder: Path, name: str) -> Path | None:
    """Find the ordinary file of this name in `folder` or deeper; None where the name leads elsewhere, or to no file.

    Elsewhere there are files of others, and files that have no end or that nobody can read (`/proc`).
    """
    with suppress(OSError, ValueError):
        path = Path(os.path.realpath(os.path.normpath(folder / name)))
        return path if path.is_relative_to(os.path.realpath(folder)) and is_file(path) else None
    return None


def find_folders(pattern: str) -> list[str]:
    """Find the folders that a pattern names, in order; those that can't be looked at, too, so that a person is told."""
    place, name = os.path.split(pattern)
    # glob leaves out what can't be looked at; such a name is found where the folder that it is in can be listed.
    found = glob(pattern) if has_magic(name) else [os.path.join(each, name) for each in glob(place)]  # noqa: PTH118, PTH207
    return sorted(filter(_may_be_folder, found))


def _may_be_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116  # a pattern's matches are text
    except OSError as error:
        return error.errno not in NOTHING_THERE
    except ValueError:
        return False


def read_bounded(file: Path, most: int) -> bytes | None:
    """Read a file; None if it holds more than `most` bytes, whatever it says. Raises OSError that names the file."""
    with _name_in_errors(file), os.fdopen(os.open(file, TO_READ), "rb", buffering=0) as opened:
        content = read_first(opened, most + 1)
    return content if len(content) <= most else None


def read_first(file: IO[bytes], most: int) -> bytes:
    """Read what a file holds, its first `most` bytes at most: its size may be a lie."""
    pieces = list[bytes]()
    while most > 0 and (piece := file.read(min(most, PIECE))):
        most -= len(piece)
        pieces.append(piece)
    return b"".join(pieces)


def write(path: Path, content: bytes) -> None:
    """Write a file. Raises OSError that names it."""
    with _name_in_errors(path):
        path.write_bytes(content)


@contextmanager
def _name_in_errors(path: Path) -> Iterator[None]:
    """Name a file in an OSError that names none, as Python's own does where a disk is full."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def file_beside(path: Path) -> Iterator[Path]:
    """Give where to write what will lie at `path`: it comes there as a whole, or after an error not at all.

    So a full disk costs nothing that was there before, and who reads meanwhile reads all. Raises OSError that names
    `path`.
    """
    if os.path.lexists(path) and not is_file(path):  # a pipe, a terminal, or a link that says where to write
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
    """Write a file as `file_beside` does; the folder that it is in is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_beside(path) as part:
        write(part, content)


@contextmanager
def folder_beside(place: Path) -> Iterator[Path]:
    """Make a folder on the same disk as `place`, for what will be moved there whole; it is removed at the end.

    What killed runs left is removed first. The folder that `place` is in is made if need be.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep(place.parent, part_of(place, "*"))
    with used_folder(place.parent, part_of(place)) as beside:
        yield beside


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder where this system keeps temporary files; it is removed at the end, after a kill by a later one."""
    sweep(Path(gettempdir()), TEMPORARY)
    with used_folder(Path(gettempdir()), f"zerolayer-{os.getpid()}-") as folder:
        yield folder


def part_of(place: Path, rest: str = "") -> str:
    """Return how the name of a folder begins in which what comes to `place` is made; a pattern of it with `*`."""
    return f".{escape(place.name) if rest else place.name}.part-{rest}"


@contextmanager
def used_folder(near: Path, start: str) -> Iterator[Path]:
    """Make a folder in `near` that `sweep` lets alone until this process, and all that it forks, have ended."""
    folder, lock = make_used(near, start)
    try:
        yield folder
    finally:
        remove(folder)
        if lock is not None:
            os.close(lock)


def make_used(near: Path, start: str) -> tuple[Path, int | None]:
    """Make a folder whose name begins with `start`, and lock it; the lock is None on a file system that has none."""
    while True:
        folder = Path(mkdtemp("", start, near))
        with suppress(FileNotFoundError, BlockingIOError):  # a sweep of another process may come between
            lock = _lock(folder)
            if folder.exists():
                return folder, lock


def sweep(near: Path, pattern: str) -> None:
    """Remove folders that killed runs left. One that a process uses is locked; where locks can't be had, all stay.

    The number of a process says nothing: another machine may use the same disk, and in a container each run has 1.
    """
    for left in near.glob(pattern):
        with suppress(OSError):  # it is used, another's, or gone
            if (lock := _lock(left)) is not None:
                remove(left)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder, and return the lock's descriptor. Raises BlockingIOError where another process has it."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it at the end of the process
    except OSError as error:
        os.close(descriptor)
        if error.errno in NO_LOCKS:
            return None
        raise
    return descriptor


def lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder, by relative name. Raises ValueError for a name that leads out of it."""
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} leads out of the working directory")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write(folder / path, content)


def remove(path: Path) -> None:
    """Delete whatever lies at `path`, if anything, and nothing that a link leads to."""
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def private(is_shared: bool) -> Iterator[None]:
    """Make files within for this account alone, or also for the group that shares the course."""
    before = os.umask(PRIVATE[is_shared])
    try:
        yield
    finally:
        os.umask(before)


def put_in_place(made: Path, place: Path) -> None:
    """Move a folder that is complete to its place; what was there before is gone afterwards."""
    with in_place(made, place):
        pass
    with suppress(OSError):  # the folder of another assignment may be there too
        made.parent.rmdir()


@contextmanager
def in_place(made: Path, place: Path) -> Iterator[None]:
    """Have a folder that is complete lie at its place; after an error within, both are what they were before."""
    place.parent.mkdir(parents=True, exist_ok=True)
    # Where the new folder is: on the same disk, so that each move is one step.
    aside = Path(mkdtemp("", part_of(place), made.parent), place.name)
    try:
        if os.path.lexists(place):
            place.rename(aside)
        made.rename(place)
        yield
    except BaseException:
        if not made.exists():
            place.rename(made)
        if os.path.lexists(aside):
            aside.rename(place)
        raise
    finally:
        remove(aside.parent)
