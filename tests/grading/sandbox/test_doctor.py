"""The doctor, on machines that can't lock a kernel in: this one, each time with something really taken away."""

import json
import resource
import subprocess
import sys

import pyseccomp
import pytest

from lib.grading.sandbox import doctor, lockdown

EXAMINE = "from lib.grading.sandbox import doctor; print(doctor.report(doctor.examine()))"
LOCK_THAT_HOLDS_NOTHING = """
import os, pyseccomp
from lib.grading.sandbox import doctor, lockdown
open_door = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
file = os.fdopen(os.memfd_create("rules"), "r+b")
open_door.export_bpf(file)
file.seek(0)
rules = file.read()
lockdown.compiled_calls = lambda *kinds: rules
doctor.main()
"""


def said_where(*missing):
    """Give what the doctor says in a process for which these system calls don't exist."""

    def take_away():
        rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        for call in missing:
            rules.add_rule(pyseccomp.ERRNO(38), call)
        rules.load()

    command = [sys.executable, "-c", EXAMINE]
    return subprocess.run(command, preexec_fn=take_away, capture_output=True, text=True, check=True, timeout=60).stdout


def test_it_tells_what_an_old_kernel_is_missing(lockable):
    said = said_where("mount_setattr")
    assert said.startswith("Kernels that run student code can't be locked in here.")
    assert "at the step “private root”: Function not implemented." in said
    assert "Linux 5.14 or newer" in said
    assert "--no-sandbox" in said


def test_it_names_the_limit_that_leaves_a_notebook_too_few_threads(lockable):
    """Of tasks it does so too, says test_machine_faults."""
    bound = 400_000 * 1024
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (bound, bound))}
    said = subprocess.run([sys.executable, "-c", EXAMINE], **limit, capture_output=True, text=True, timeout=60).stdout
    assert "can't be locked in here" in said
    assert "raise the limit on address space (`ulimit -v`), 400,000 kB here" in said


def test_a_place_for_locks_that_cannot_be_written_is_named():
    """It keeps a class from being graded, and Linux names no file then."""
    code = """
from multiprocessing import Lock
from lib.grading.machine_faults import sentence
try:
    Lock()
except OSError as error:
    print(sentence(error))
"""
    hide = ["unshare", "--map-root-user", "--mount", "sh", "-ec", 'mount -t tmpfs -o ro none /dev/shm; exec "$@"', "sh"]
    said = subprocess.run([*hide, sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
    assert said.startswith("/dev/shm: Read-only file system. ")


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_command_whose_output_is_closed_ends_as_ever(lockable, closed):
    command = f'exec "{sys.executable}" -m lib.grading doctor {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_tells_where_kernels_have_no_memory_groups(lockable):
    examine = [sys.executable, "-c", EXAMINE]
    here = subprocess.run(examine, capture_output=True, text=True, check=True, timeout=60).stdout
    assert ("Memory groups" in here) is (lockdown.find_groups() is None)
    hide = ["unshare", "--map-root-user", "--mount", "sh", "-ec", 'mount -t tmpfs none /sys/fs/cgroup; exec "$@"', "sh"]
    said = subprocess.run([*hide, *examine], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.startswith("Kernels that run student code are locked in here.")
    assert "Memory groups (cgroups, version 2): this process may make none." in said
    assert "systemd-run --user --scope" in said


@pytest.mark.gives("zerolayer doctor")
def test_it_names_the_setting_that_forbids_user_namespaces(lockable):
    """The command exits by what it found."""
    command = [sys.executable, "-m", "lib.grading", "doctor"]
    healthy = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert healthy.returncode == 0
    assert healthy.stdout.startswith("Kernels that run student code are locked in here.")
    denied = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    within = ["unshare", "--user", "--map-root-user", "sh", "-c", denied, "sh"]
    ill = subprocess.run([*within, *command], capture_output=True, text=True, timeout=60, check=False)
    assert ill.returncode == 1
    assert ill.stdout.startswith("Kernels that run student code can't be locked in here.")
    assert "at the step “user namespace”: No space left on device." in ill.stdout
    assert "sysctl user.max_user_namespaces=10000" in ill.stdout


def test_a_lock_that_holds_nothing_is_noticed(lockable):
    tried = subprocess.run([sys.executable, "-c", LOCK_THAT_HOLDS_NOTHING], capture_output=True, text=True, timeout=60)
    assert json.loads(tried.stdout) == {"step": "proof", "reason": "a process was started"}


def test_elsewhere_than_on_linux_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    finding = doctor.find_obstacle()
    assert "not Linux" in finding.found
    assert "virtual machine" in finding.advice
