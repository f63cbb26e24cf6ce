"""Faults of the machine: how they differ from those of a submission, and a sentence for each.

A full disk, a database that is locked, or too little memory costs no student points: grading stops, and saves nothing
of the submission that it was grading.
"""

import errno
import os
import re
import shutil
import sys
from typing import Any

from lib.grading.files import NO_LOCKS

OF_A_FILE = ["EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "EINVAL", "EILSEQ", "ENXIO"]
"""What keeps a submitted file from being read by its own fault: its rights, its name, or its kind."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_THREAD = "can't start new thread"
"""What Python says, as a RuntimeError."""
ADDRESS_SPACE = 4 * 2**30
"""Bytes that a kernel may take if nobody says otherwise. Where less is allowed, threads have no room for their stacks
before they are too many."""
LOCKS = "/dev/shm"
"""Where Linux keeps locks that processes share; an error there names no file."""


class RunLostError(RuntimeError):
    """A run ended by no fault of the notebook's; another try may help."""


class TooBusyError(RunLostError):
    """A run got so little of a processor that it says nothing about its notebook."""


class ClusterError(Exception):
    """A cluster can't run notebooks; the message says why, and what to do."""


def what_comes_next(force: bool) -> str:
    """Say what a command that was stopped does when it is given once more: by `force`, nothing counts as done."""
    return "the same command begins again with all, as --force says" if force else "the same command goes on from there"


def is_of_a_file(error: OSError) -> bool:
    """Tell whether a submitted file can't be read by its own fault, and not by the machine's."""
    return errno.errorcode.get(error.errno or 0) in OF_A_FILE


def sentence(error: BaseException) -> str:
    """Say what went wrong with the machine, and one thing to try where that is known."""
    if isinstance(error, MemoryError):
        return "There is not enough memory to go on. End other programs, or run fewer notebooks at once with --jobs."
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        error = _first_of(error.args[0])
    if isinstance(error, TimeoutError) and not isinstance(error.errno, int):  # no system's: Pebble's, or our own
        return "It was not done in its time."
    if isinstance(error, OSError):
        full = error.errno in FULL
        name = (full and error.filename2) or error.filename  # of a copy the second one: that is where it has no room
        place, there = (f"{name}: ", " there") if name else ("", "")
        advice = f" Free some space{there}." if full else ""
        if error.errno in NO_LOCKS:
            advice = " Locks keep two runs apart: put the course on a file system that has them."
        elif not name and sys.platform == "linux" and not os.access(LOCKS, os.W_OK):
            place, advice = f"{LOCKS}: ", " Processes share locks there: mount it so that it can be written."
        return f"{place}{error.strerror or error}.{advice}"
    if NO_THREAD in str(error):
        return f"{error}. Raise {limit_on_threads()}."
    # SQLAlchemy's own text holds the statement and its values, and so does nbgrader's, which takes its place.
    original = getattr(error, "orig", None) or getattr(error.__context__, "orig", None)
    return str(error) if original is None else f"The gradebook can't be used: {_of_a_database(original)}"


def limit_on_threads() -> str:
    """Name the limit of this machine's that most likely keeps a process from starting a thread."""
    if sys.platform != "win32":
        import resource  # not there on Windows

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY and soft < ADDRESS_SPACE:
            return f"the limit on address space (`ulimit -v`), {soft // 1024:,} kB here"
    return "the limit on tasks (`ulimit -u`, or `pids.max` of the container, `TasksMax` of the service)"


def _first_of(failed: list[tuple[str, str, str]]) -> OSError:
    """Give the first of the errors with which files of a folder could not be copied: Python keeps their words alone."""
    _, place, why = failed[0]
    number = re.match(r"\[Errno (\d+)\]", why)
    return OSError(int(number[1]), os.strerror(int(number[1])), place) if number else OSError(f"{place}: {why}")


def _of_a_database(error: Any) -> str:
    """Say what a database's driver says; SQLite's words are short, and one thing can be tried for some."""
    said = str(error).strip()
    advice = {
        "SQLITE_BUSY": "Another program holds it, such as a backup or another nbgrader command. Wait, or end that.",
        "SQLITE_FULL": "Free some space on its disk.",
        "SQLITE_IOERR": "Look whether its disk is full or failing.",
        "SQLITE_READONLY": "Look whether it, and the folder that it is in, may be written.",
        "SQLITE_CANTOPEN": "Look whether its folder is there and may be written.",
    }
    name = getattr(error, "sqlite_errorname", "")
    known = (text for code, text in advice.items() if name.startswith(code))
    return f"{said}. {next(known, '')}".strip()
