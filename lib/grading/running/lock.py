"""A lock: one run at a time grades an assignment.

It is a file that SQLite holds, which does so alike on every system and lets go when the process ends, however it ends.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY = "SQLITE_BUSY"


class LockedError(Exception):
    """Another run holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`. Raises LockedError where another process has it, and OSError where it can't be made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if (getattr(error, "sqlite_errorname", "") or "").startswith(BUSY):
            raise LockedError(str(path)) from error
        # SQLite has its own numbers, and none of the system's: a full disk, one that fails, a folder that is read-only.
        raise OSError(None, f"the lock of this run can't be taken: {error}", str(path)) from error
    with closing(connection):
        yield
