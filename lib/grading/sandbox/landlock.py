"""Landlock: which files a process may touch from here on, and how, said by the process itself and never taken back.

The private root alone keeps the machine out of sight. This is a second lock on the same door, of another make.
"""

import ctypes
import errno
import os
from collections.abc import Mapping

from lib.grading.sandbox import syscalls

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_WRITE, _REMOVE_FOLDER, _REMOVE, _MAKE_FOLDER, _MAKE_FILE = 1 << 1, 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_SOCKET, _MAKE_PIPE, _MAKE_LINK, _MOVE, _TRUNCATE, _CONTROL_DEVICE = (
    1 << 9,
    1 << 10,
    1 << 12,
    1 << 13,
    1 << 14,
    1 << 15,
)

RUN = 1 << 0
READ = _READ_FILE | _READ_FOLDER
USE_DEVICE = _READ_FILE | _WRITE | _CONTROL_DEVICE
CHANGE = (
    READ
    | _WRITE
    | _REMOVE_FOLDER
    | _REMOVE
    | _MAKE_FOLDER
    | _MAKE_FILE
    | _MAKE_SOCKET
    | _MAKE_PIPE
    | _MAKE_LINK
    | _MOVE
    | _TRUNCATE
)
"""Everything but making device files, running files, and talking to devices."""

_KNOWN = (0, 13, 14, 15, 15, 16)
"""Rights over files that each version of Landlock knows; later ones know as many as the last."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("path", ctypes.c_int32)]


def version() -> int:
    """Ask the kernel for its version of Landlock; 0 if it has none."""
    try:
        return syscalls.call(_CREATE, None, ctypes.c_size_t(0), 1)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP):
            return 0
        raise


def allow_only(allowed: Mapping[str, int]) -> None:
    """Allow, below each path, what it is mapped to, and nothing anywhere else; no TCP, no signals out of here either.

    An older kernel holds fewer of these; one without Landlock none.
    """
    if not (has := version()):
        return
    known = (1 << _KNOWN[min(has, len(_KNOWN) - 1)]) - 1
    everything = _Ruleset(known, 3 if has >= 4 else 0, 3 if has >= 6 else 0)
    ruleset = syscalls.call(_CREATE, ctypes.byref(everything), ctypes.c_size_t(ctypes.sizeof(everything)), 0)
    for path, rights in allowed.items():
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = _PathBeneath(rights & known, place)
        syscalls.call(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
        os.close(place)
    syscalls.call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
