"""A lock: one run at a time grades an assignment.

It is a file that SQLite holds, which does so alike on every system and lets go when the process ends, however it ends.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class LockedError(Exception):
    """Another run holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`. Raises LockedError where another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise LockedError(str(path)) from error
        yield
