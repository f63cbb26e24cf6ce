"""The doctor, on machines that can't lock a kernel in: this one, each time with something really taken away."""

import errno
import json
import resource
import subprocess
import sys
from functools import partial

import pyseccomp
import pytest

from lib.grading.sandbox import lockdown, obstacles

EXAMINE = ("-c", "from lib.grading.sandbox import obstacles; print(obstacles.report(obstacles.examine()))")
COMMAND = ("-m", "lib.grading", "doctor")
LOCK_THAT_HOLDS_NOTHING = """
import os, pyseccomp
from lib.grading.sandbox import obstacles, lockdown
open_door = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
file = os.fdopen(os.memfd_create("rules"), "r+b")
open_door.export_bpf(file)
file.seek(0)
rules = file.read()
lockdown.compiled_calls = lambda *kinds: rules
obstacles.main()
"""
NO_USERS = "echo 0 > /proc/sys/user/max_user_namespaces"
HELD = "Kernels that run student code are locked in here."
NOT_HELD = "Kernels that run student code can't be locked in here."


def run(*arguments, after="", **options):
    """Run Python; `after` a shell's command, in a user's and mounts' namespaces of its own."""
    within = ["unshare", "--map-root-user", "--mount", "sh", "-ec", f'{after}; exec "$@"', "sh"] if after else []
    command = [*within, sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def forbid(number, *calls):
    """Have system calls fail for this process."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for call in calls:
        rules.add_rule(pyseccomp.ERRNO(number), call)
    rules.load()


def forbid_namespaces():
    """Do as Docker does for an account that isn't root."""
    forbid(errno.EPERM, "unshare", "setns", "mount")
    forbid(errno.ENOSYS, "clone3")


TAKEN = {
    "an old kernel": (partial(forbid, errno.ENOSYS, "mount_setattr"), "private root", "Function not implemented."),
    "a container without a mark": (forbid_namespaces, "namespace", "Operation not permitted."),
    "little memory": (partial(resource.setrlimit, resource.RLIMIT_AS, [400_000 * 1024] * 2), "", ""),
    "few threads": (partial(resource.setrlimit, resource.RLIMIT_NPROC, (8, 8)), "", ""),
}


@pytest.mark.parametrize(("take_away", "step", "reason"), TAKEN.values(), ids=TAKEN)
def test_it_names_the_step_that_fails_and_why(lockable_here, take_away, step, reason):
    said = run(*EXAMINE, preexec_fn=take_away).stdout
    assert said.startswith(NOT_HELD)
    assert f"{step}” failed." in said and f"Reason: {reason}" in said
    assert "\n    Try: " in said and "--no-sandbox" in said


def test_it_tells_where_kernels_have_no_memory_groups(lockable_here):
    assert ("memory group" in run(*EXAMINE).stdout) is (lockdown.find_groups() is None)
    said = run(*EXAMINE, after="mount -t tmpfs none /sys/fs/cgroup").stdout
    assert said.startswith(HELD)
    assert "“memory group” failed. Warning only" in said and "Reason: this process may make none." in said


def test_it_names_the_step_where_a_setting_forbids_user_namespaces(lockable_here):
    """The command exits by what it found."""
    healthy = run(*COMMAND)
    assert (healthy.returncode, healthy.stdout.partition("\n")[0]) == (0, HELD)
    ill = run(*COMMAND, after=NO_USERS)
    assert (ill.returncode, ill.stdout.partition("\n")[0]) == (1, NOT_HELD)
    assert "“user namespace” failed." in ill.stdout and "Reason: No space left on device." in ill.stdout


def test_a_lock_that_holds_nothing_is_noticed(lockable_here):
    tried = run("-c", LOCK_THAT_HOLDS_NOTHING)
    assert json.loads(tried.stdout) == {"step": "proof", "reason": "a process was started"}


def test_elsewhere_than_on_linux_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert [str(problem.reason) for problem in obstacles.examine()] == ["this is darwin, not Linux"]
