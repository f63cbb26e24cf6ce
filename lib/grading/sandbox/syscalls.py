"""Linux's system calls that build namespaces and mounts, and that Python's standard library doesn't have.

Each raises `OSError` with what the kernel answered.
"""

import ctypes
import itertools
import os
from pathlib import Path
from signal import SIGKILL

NEW_MOUNTS, NEW_CGROUP, NEW_NAMES, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USERS, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
"""Kinds of namespace."""

READ_ONLY, NO_SETUID, NO_DEVICES, NOEXEC = 1, 2, 4, 8
"""What a mount forbids: writing, set-user-id programs, device files, running files."""

HIGHEST_DESCRIPTOR = 2**31 - 2

_BIND, _RECURSIVE, _PRIVATE, _DETACH = 0x1000, 0x4000, 0x40000, 2
_HERE, _AND_BELOW = -100, 0x8000
_PARENT_DEATH, _DUMPABLE, _SECCOMP, _IS_BOUNDING, _DROP_FROM_BOUNDING_SET, _NO_NEW_PRIVILEGES = 1, 4, 22, 23, 24, 38
_MOUNT_SETATTR = 442

_libc = ctypes.CDLL(None, use_errno=True)
# It takes any number of arguments: without types ctypes would hand them over as 32 bits.
_libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def check(answer: int) -> int:
    """Give the kernel's answer back, or raise it."""
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def call(number: int, *arguments: object) -> int:
    """Make a system call that libc has no function for; its number is the same on every architecture."""
    return check(_libc.syscall(ctypes.c_long(number), *arguments))


def unshare(kinds: int) -> None:
    """Leave namespaces of these kinds for new ones. For `NEW_PIDS` it is the next child that is in the new one."""
    check(_libc.unshare(kinds))


def enter(namespace: int, kind: int) -> None:
    """Enter the namespace behind a descriptor. For `NEW_PIDS` it is children that are in it."""
    check(_libc.setns(namespace, kind))


def mount(kind: str, target: str, forbids: int = 0, options: str = "") -> None:
    """Mount a new file system at `target`."""
    check(_libc.mount(kind.encode(), target.encode(), kind.encode(), ctypes.c_ulong(forbids), options.encode()))


def bind(source: str, target: str) -> None:
    """Make `source`, and what is mounted below it, appear at `target` too."""
    check(_libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(_BIND | _RECURSIVE), None))


def keep_mounts_private() -> None:
    """Let no mount that is made from here on be seen in another namespace, nor theirs in this one."""
    # systemd shares all mounts: without this the private root would appear on the machine, and pivot_root would fail.
    check(_libc.mount(None, b"/", None, ctypes.c_ulong(_PRIVATE | _RECURSIVE), None))


def restrict(target: str, forbids: int, and_below: bool = True) -> None:
    """Forbid more on the mount at `target`, and on the mounts below it."""
    wanted = _MountAttributes(set=forbids)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    # mount(2) changes one mount; only mount_setattr reaches those below it, which would stay writable.
    call(_MOUNT_SETATTR, _HERE, target.encode(), _AND_BELOW if and_below else 0, ctypes.byref(wanted), size)


def change_root(root: str) -> None:
    """Make the mount at `root` the root of this namespace and let go of the old one."""
    os.chdir(root)
    # Not chroot, out of which root finds its way back. "." twice lays the old root over the new one, to be detached.
    check(_libc.pivot_root(b".", b"."))
    check(_libc.umount2(b".", _DETACH))
    os.chdir("/")


def silence_standard_streams() -> None:
    """Read nothing from standard input, and lose what is written to output and error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    # A process namespace ends with its first process; this ends that one with the process that made it.
    check(_libc.prctl(_PARENT_DEATH, SIGKILL, None, 0, 0))


def prefer_for_oom_kill() -> None:
    """Where the machine runs out of memory, have Linux end this process before all that isn't a kernel of ours."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def set_dumpable(yes: bool) -> None:
    """Say whether one's own files in /proc can be opened, and memory be dumped. Changing user says no by itself."""
    check(_libc.prctl(_DUMPABLE, int(yes), None, 0, 0))


def gain_no_privileges() -> None:
    """Make it so that running a program never adds a right."""
    # Landlock and seccomp ask for it: a set-user-id program could be misled by rules that it doesn't expect.
    check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, None, 0, 0))


def drop_capabilities() -> None:
    """Give up every capability, for good."""
    # Out of the bounding set too: else they would come back with a program that has them.
    known = itertools.takewhile(lambda number: _libc.prctl(_IS_BOUNDING, number, None, 0, 0) >= 0, itertools.count())
    for capability in known:
        check(_libc.prctl(_DROP_FROM_BOUNDING_SET, capability, None, 0, 0))
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    check(_libc.capset(header, none))


def filter_calls(program: bytes) -> None:
    """Let a seccomp program decide on every system call from here on."""
    # By prctl and not by pyseccomp's own load: the program is compiled once, before the fork, which saves 0.5 ms each.
    check(_libc.prctl(_SECCOMP, 2, ctypes.byref(_Program(len(program) // 8, program)), 0, 0))
