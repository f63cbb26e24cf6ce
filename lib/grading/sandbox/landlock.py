"""Landlock: which files a process may touch from here on, and how, said by the process itself and never taken back.

The private root alone keeps the machine out of sight. This is a second lock on the same door, of another make.
"""

import ctypes
import errno
import os
from collections.abc import Mapping

from lib.grading.sandbox import syscalls

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446

_RIGHTS = """
    execute write_file read_file read_dir remove_dir remove_file make_char make_dir make_reg make_sock make_fifo
    make_block make_sym refer truncate ioctl_dev"""
"""Rights over files by Landlock's own names, in the order of their bits."""
_KNOWN = (0, 13, 14, 15, 15, 16)
"""How many of them each version of Landlock knows; later ones know as many as the last."""


def _bits(names: str) -> int:
    return sum(1 << _RIGHTS.split().index(name) for name in names.split())


RUN = _bits("execute")
READ = _bits("read_file read_dir")
USE_DEVICE = _bits("read_file write_file ioctl_dev")
CHANGE = READ | _bits("write_file remove_dir remove_file make_dir make_reg make_sock make_fifo make_sym refer truncate")
"""Everything but making device files, running files, and talking to devices."""


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
    # Both bits of each: to bind and connect by TCP; abstract sockets and signals to processes outside.
    everything = _Ruleset(known, 3 if has >= 4 else 0, 3 if has >= 6 else 0)
    ruleset = syscalls.call(_CREATE, ctypes.byref(everything), ctypes.c_size_t(ctypes.sizeof(everything)), 0)
    for path, rights in allowed.items():
        # O_PATH names a file without opening it, which asks for no right over it.
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = _PathBeneath(rights & known, place)
        syscalls.call(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
        os.close(place)
    syscalls.call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
