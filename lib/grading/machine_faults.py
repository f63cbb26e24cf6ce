"""Faults of the machine. They must not cost a student points: grading stops before it saves a verdict."""

import errno

FILE_FAULTS = ["EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "EINVAL", "EILSEQ", "ENXIO"]
"""Errors that a submitted file itself causes, by its permissions, its name or its kind."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_THREAD = "can't start new thread"
"""Python's message in a RuntimeError."""
MORE_THREADS = "Raise the limit on tasks (`ulimit -u`, a container's `pids.max`) or on address space (`ulimit -v`)"


class RunLostError(RuntimeError):
    """A run ended through no fault of the notebook; trying again may help."""


class TooBusyError(RunLostError):
    """A run got too little processor time to say anything about its notebook."""


def is_file_fault(error: OSError) -> bool:
    """True if the submitted file causes the error, and not the machine."""
    return errno.errorcode.get(error.errno or 0) in FILE_FAULTS


def sentence(error: BaseException) -> str:
    """Return what the system says of a fault of the machine, where it happened, and one thing to try if known."""
    # SQLAlchemy's text, and nbgrader's error that replaces it, contain the statement and its values.
    if original := getattr(error, "orig", None) or getattr(error.__context__, "orig", None):
        return f"The gradebook can't be used: {original}. Another program may be using it, or its disk may be full."
    if isinstance(error, MemoryError):
        return "There is not enough memory. End other programs, or run fewer notebooks at once with --jobs."
    if isinstance(error, OSError) and isinstance(error.errno, int):
        name = (error.errno in FULL and error.filename2) or error.filename  # a copy's target: that disk is full
        advice = " Free some space there." if error.errno in FULL else ""
        return f"{name}: {error.strerror}.{advice}" if name else f"{error.strerror}.{advice}"
    if isinstance(error, TimeoutError):  # raised by Pebble or us, not by the system
        return "It was not done in time."
    if NO_THREAD in str(error):
        return f"{error}. {MORE_THREADS}."
    return str(error) or f"{type(error).__name__}, without a message. Run the command again."
