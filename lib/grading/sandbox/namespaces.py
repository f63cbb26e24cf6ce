"""Namespaces: each forked child is the first process of a PID namespace, and its end ends all processes in it.

A child is born into its namespace, so the warm process asks for a new one before each fork and for its own one again
after it. Going back takes rights over the namespace one goes back to: `prepare` makes one that the warm process owns.
"""

import os
import select
from pathlib import Path

from lib.grading.sandbox import cgroups, rootfs, seccomp, syscalls, threads
from lib.grading.sandbox.errors import step
from lib.grading.sandbox.limits import Limits

NOBODY = 65534
STUDENT = 1000
"""The user that code in the sandbox takes itself for. To the machine it is nobody, or whoever started the grading."""

_own: int | None = None
_groups: cgroups.Groups | None = None
_group: Path | None = None
"""In a child: its memory group, if the machine lets us have one."""


def prepare() -> None:
    """Called once, early in the warm process: makes it able to fork children into namespaces of their own.

    The caller goes on as process 1 of a new PID namespace; the process that it was stays behind, only to end when it
    ends and with its exit code, and to take it along when killed. Raises `NotConfined` where the system refuses.
    """
    global _own, _groups
    # Both are kept from here on: what is worked out before the fork is not worked out in each child.
    for commands in (False, True):
        with step("system calls"):
            seccomp.program(commands)
        rootfs.view(commands)
    if not may_leave_root():
        with step("user namespace"):
            new_users(os.geteuid(), os.getegid())
    threads.assert_one()
    if home := cgroups.find():
        _groups = cgroups.Groups(home)
        _groups.tidy()
    with step("process namespace"):
        syscalls.unshare(syscalls.NEW_PIDS)
        _go_on_as_child()
        _own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def _go_on_as_child() -> None:
    """Fork, and return in the child alone."""
    parent = os.pidfd_open(os.getpid())  # by which the child sees whether its parent died before `die_with_parent`
    child = os.fork()
    if child:
        # Who waits here holds nothing open: a socket or pipe of the child's closes when the child does.
        os.closerange(0, syscalls.HIGHEST_DESCRIPTOR)
        _, status = os.waitpid(child, 0)
        if _groups:
            _groups.tidy()
        code = os.waitstatus_to_exitcode(status)
        # A shell tells the end by a signal in this way. Without exit handlers: they are the child's to run.
        os._exit(code if code >= 0 else 128 - code)
    syscalls.die_with_parent()
    if select.select([parent], [], [], 0)[0]:
        os._exit(1)
    os.close(parent)


def fork() -> int:
    """Fork the warm process; give the child's id in the parent, and 0 in the child, where `confine` must come next.

    Raises `RuntimeError` if the process was not prepared or has more than one thread.
    """
    global _group
    if _own is None:
        raise RuntimeError("Call prepare() before fork().")
    threads.assert_one()
    with step("memory group"):
        _group = _groups.make() if _groups else None
    with step("process namespace"):
        syscalls.unshare(syscalls.NEW_PIDS)
        child = -1
        try:
            child = os.fork()
        finally:
            # Also where the fork failed: else the next child would be born into this one's namespace.
            if child:
                syscalls.enter(_own, syscalls.NEW_PIDS)
    if child and _groups and _group:
        _groups.give(child, _group)
    return child


def enter_group(limits: Limits) -> None:
    """Have Linux bound all that this child takes, where the machine lets us say so."""
    if _group:
        cgroups.enter(_group, limits)


def unshare_namespaces() -> None:
    """Take mounts, network, shared memory and names of one's own."""
    # Not time: its clocks are nobody's secret. Users come last, since a new user namespace gives up rights over these.
    kinds = syscalls.NEW_MOUNTS | syscalls.NEW_NETWORK | syscalls.NEW_IPC | syscalls.NEW_NAMES | syscalls.NEW_CGROUP
    syscalls.unshare(kinds)
    syscalls.keep_mounts_private()


def new_users(user: int, group: int) -> None:
    """Enter a user namespace that knows one user and one group, ourselves, under the given numbers."""
    outside = (os.geteuid(), os.getegid())
    syscalls.unshare(syscalls.NEW_USERS)
    Path("/proc/self/setgroups").write_text("deny")  # else an ordinary user may not write the group's map
    Path("/proc/self/uid_map").write_text(f"{user} {outside[0]} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {outside[1]} 1")


def may_leave_root() -> bool:
    """Tell whether we are a real root: one that may do anything, and knows a user nobody to become."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    ranges = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    knows_nobody = any(first <= NOBODY < first + count for first, _, count in ranges)
    # 21 is CAP_SYS_ADMIN: root of a container may lack it.
    return os.geteuid() == 0 and bool(int(status["CapEff"], 16) >> 21 & 1) and knows_nobody


def sandbox_ids() -> tuple[int, int]:
    """Tell the user and group that we will be once we left root."""
    return (NOBODY, NOBODY) if may_leave_root() else (os.geteuid(), os.getegid())


def leave_root() -> None:
    """Become nobody, if we are a real root; an ordinary user stays who they are."""
    if may_leave_root():
        # Groups first: who is no longer root can't leave them.
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        syscalls.set_dumpable(True)  # Linux took it away with the user, and the maps of a user namespace need it
