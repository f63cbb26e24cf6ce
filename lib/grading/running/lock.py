"""A lock: one run at a time grades an assignment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class LockedError(Exception):
    """Another run holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`. Raises LockedError where another process has it, and OSError where it can't be made.

    The operating system lets go of it when the process ends, however it ends: forked workers that live longer don't
    hold it, because filelock closes its file in each of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:  # an OSError too, but not one of the machine's
        raise LockedError(str(path)) from error
    try:
        yield
    finally:
        lock.release()
