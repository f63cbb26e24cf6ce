"""Each lock of the sandbox is left out in turn, and then an attack works that no other lock stops."""

from typing import NamedTuple

import pytest

from tests.grading.sandbox.attacks import ATTACKS
from tests.grading.sandbox.conftest import a_forker
from tests.grading.sandbox.forkers import Forker

NAMED = {attack.name: attack for attack in ATTACKS}


class Lock(NamedTuple):
    name: str
    leave_out: str  # code that the warm process runs before it locks any child in
    attacks: tuple[str, ...]  # what works then; with all locks none of them does, says test_attacks
    behind: str = ""  # a lock that stops these too, and is left out with it: this one is the second wall
    user: str = ""  # for whom alone it is a lock


LOCKS = [
    Lock("descriptors", "os.closerange = lambda *edges: None", ("use a descriptor that was left open",)),
    Lock("network", "lockdown.NETWORK = 0", ("see which sockets others have",)),
    Lock("shared memory", "lockdown.IPC = 0", ("read another kernel's System V memory",), behind="system calls"),
    Lock(
        "host name", "lockdown.NAMES, lockdown.socket.sethostname = 0, lambda name: None", ("learn the machine's name",)
    ),
    Lock("view of groups", "lockdown.CGROUP = 0", ("see in which group of the machine's it is",)),
    Lock(
        "processes",
        "lockdown.PIDS = 0; leave_out('setns')",
        ("read the command lines of others", "signal another kernel", "signal everyone"),
        user="root",  # an ordinary user could mount no /proc without it: see REFUSED
    ),
    Lock(
        "private root",
        """
def stay(limits, owner):
    os.chdir(folder := tempfile.mkdtemp())
    os.chown(folder, *owner)
lockdown._enter_private_root = stay
""",
        (
            *("read a file", "read the gradebook", "write a file", "read the solutions beside the package"),
            *("import the judge", "follow a link out of scratch", "climb out of the working directory"),
            *("read what devices there are", "read another submission's shared memory", "fill /dev/shm"),
            *("fill the disk with many files", "leave a time on a device that all share"),
        ),
    ),
    Lock(
        "settings to read only",
        """
mount = lockdown.mount
def mount_proc_writable(what, target, kind=None, how=0, options=''):
    mount(what, target, kind, how & ~lockdown.READ_ONLY if kind == 'proc' else how, options)
lockdown.mount = mount_proc_writable
""",
        ("be ended last, by a program",),
    ),
    Lock(
        "another user",
        """
confine = lockdown.confine
def stay_root(*words, **named):
    lockdown._is_root = False
    confine(*words, **named)
lockdown.confine = stay_root
""",
        ("start threads without end", "start processes without end"),
        user="root",
    ),
    Lock(
        "inner users",
        """
enter = lockdown._new_users
lockdown._new_users = lambda me, *ids: enter(me, *ids) if me == '/proc/self' else None
leave_out('prctl', lockdown.DROP_BOUNDING)  # root's child may do this only in a user namespace of its own
""",
        ("have a neighbour's threads counted as one's own",),
    ),
    Lock(
        "limits",
        "Limits.impose = lambda limits: None",
        (
            *("lift a limit", "take more memory than there is for one", "take it piece by piece", "take shared memory"),
            *("fill the disk with one file", "start threads without end", "open files without end"),
        ),
    ),
    Lock(
        "capabilities",
        "leave_out('prctl', lockdown.DROP_BOUNDING), leave_out('capset')",
        ("have another root",),
        behind="system calls",
    ),
    Lock(
        "not dumpable", "leave_out('prctl', lockdown.DUMPABLE, 0)", ("be ended last",), behind="settings to read only"
    ),
    Lock("streams", "lockdown.silence_standard_streams = lambda: None", ("write to the grader's terminal",)),
    Lock(
        "system calls",
        "leave_out('prctl', lockdown.SECCOMP)",
        (
            *("fork", "become root of a new world", "open any other kind of socket", "take memory as a file"),
            *("take System V's shared memory", "stop whoever opens a library", "enlarge a pipe's buffer"),
            *("queue data for a listener, past all limits", "pass descriptors on, where they count for all"),
            *("feel a neighbour's lock on a library", "have Linux note what is waited for, past all limits"),
        ),
    ),
]
"""The locks in the order in which they close. Memory groups have a file of their own, since few machines give any."""
LEAVE_OUT = {lock.name: lock.leave_out for lock in LOCKS}
REFUSED = {
    "root": ("leave_out('prctl', lockdown.NO_NEW_PRIVILEGES)", "system calls: Permission denied"),
    "ordinary user": (LEAVE_OUT["processes"], "private root: Operation not permitted"),
}
"""What can't be left out: a later step fails without it."""


def tried(lock, left_out, home, facts, user):
    """Try a lock's attacks where some locks are left out; tell of each whether it worked."""
    code = "\n".join(LEAVE_OUT[name] for name in left_out)
    with a_forker("sandbox", home, facts, user != "root", code) as forker:
        attacks = [NAMED[name] for name in lock.attacks if forker.facts.get(NAMED[name].needs, True)]
        return {attack.name: forker.run(attack.code, **attack.limits).worked for attack in attacks}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name.replace(" ", "-"))
def test_without_a_lock_attacks_work_that_no_other_stops(lock, home, facts, user):
    if lock.user not in ("", user):
        pytest.skip(f"It is a lock for {lock.user} alone.")
    works = tried(lock, filter(None, (lock.name, lock.behind)), home, facts, user)
    assert all(works.values()), works
    if lock.behind:  # where the first wall is gone, the second one holds
        works = tried(lock, [lock.behind], home, facts, user)
        assert not any(works.values()), works


def test_some_locks_cannot_be_left_out(home, user):
    code, reason = REFUSED[user]
    refusal = f"NotConfined The sandbox can't be set up: {reason}. Try `zerolayer doctor`."
    with Forker("sandbox", home, ordinary=user != "root", leave_out=code) as forker:
        assert forker.run("tell('ran')").output == [refusal]
