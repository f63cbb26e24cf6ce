"""Faults of the machine, as opposed to faults of a submission, and a message for each.

A full disk, a locked database or too little memory must not cost a student points: grading stops without saving the
submission that it was grading.
"""

import errno
import os
import re
import shutil
import sys
from typing import Any

FILE_FAULTS = ["EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "EINVAL", "EILSEQ", "ENXIO"]
"""Errors that a submitted file itself causes, by its permissions, its name or its kind."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_THREAD = "can't start new thread"
"""Python's message in a RuntimeError."""
ADDRESS_SPACE = 4 * 2**30
"""A kernel's default limit in bytes. Below it, address space for the threads' stacks probably ran out first."""
LOCKS = "/dev/shm"
"""Linux's folder for locks that processes share; an error there names no file."""


class RunLostError(RuntimeError):
    """A run ended through no fault of the notebook; trying again may help."""


class TooBusyError(RunLostError):
    """A run got too little processor time to say anything about its notebook."""


class ClusterError(Exception):
    """A cluster can't run notebooks; the message says why and what to do."""


def is_file_fault(error: OSError) -> bool:
    """True if the submitted file causes the error, and not the machine."""
    return errno.errorcode.get(error.errno or 0) in FILE_FAULTS


def sentence(error: BaseException) -> str:
    """Return a message for a fault of the machine, with one thing to try if known."""
    if isinstance(error, MemoryError):
        return "There is not enough memory to go on. End other programs, or run fewer notebooks at once with --jobs."
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):  # errors from copying a folder, as text
        _, file, why = error.args[0][0]
        number = re.match(r"\[Errno (\d+)\]", why)
        error = OSError(int(number[1]), os.strerror(int(number[1])), file) if number else OSError(f"{file}: {why}")
    if isinstance(error, TimeoutError) and not isinstance(error.errno, int):  # raised by Pebble or us, not the system
        return "It was not done in time."
    if isinstance(error, OSError):
        full = error.errno in FULL
        name = (full and error.filename2) or error.filename  # a copy's target: that disk is full
        place, there = (f"{name}: ", " there") if name else ("", "")
        advice = f" Free some space{there}." if full else ""
        if not name and sys.platform == "linux" and not os.access(LOCKS, os.W_OK):
            place, advice = f"{LOCKS}: ", " Processes share locks there: mount it writable."
        return f"{place}{error.strerror or error}.{advice}"
    if NO_THREAD in str(error):
        return f"{error}. Raise {limit_on_threads()}."
    # SQLAlchemy's text, and nbgrader's error that replaces it, contain the statement and its values.
    original = getattr(error, "orig", None) or getattr(error.__context__, "orig", None)
    if original is not None:
        return f"The gradebook can't be used: {_of_a_database(original)}"
    return str(error) or f"{type(error).__name__}, without a message. Run the command again."


def limit_on_threads() -> str:
    """Return the limit that most likely keeps a process from starting a thread."""
    if sys.platform != "win32":
        import resource  # not there on Windows

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY and soft < ADDRESS_SPACE:
            return f"the limit on address space (`ulimit -v`), {soft // 1024:,} kB here"
    return "the limit on tasks (`ulimit -u`, or `pids.max` of the container, `TasksMax` of the service)"


def _of_a_database(error: Any) -> str:
    message = str(error).strip()
    advice = {
        "SQLITE_BUSY": "Another program is using it, such as a backup or another nbgrader command. Wait, or end that.",
        "SQLITE_FULL": "Free some space on its disk.",
        "SQLITE_IOERR": "Check whether its disk is full or failing.",
        "SQLITE_READONLY": "Check whether this account may write to it and to its folder.",
        "SQLITE_CANTOPEN": "Check whether its folder exists and this account may write there.",
    }
    name = getattr(error, "sqlite_errorname", "")
    known = (text for code, text in advice.items() if name.startswith(code))
    return f"{message}. {next(known, '')}".strip()
