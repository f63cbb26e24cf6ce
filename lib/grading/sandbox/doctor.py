"""Can this machine lock a kernel in? Found out by doing it, and said with what it means and what to try.

Whoever is about to run student code asks `find_obstacle` first.
"""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lib
from lib.grading.sandbox.cgroups import read_text
from lib.grading.sandbox.threads import NEEDED

HOW_TO_RUN_WITHOUT = "Grading goes on without protection only if you ask for it, with --no-sandbox."
NEWEST_NEEDED = 6
"""The version of Landlock that holds all that the sandbox asks of it."""


@dataclass(frozen=True)
class Problem:
    """Something about this machine that keeps kernels from being locked in, or weakens the lock."""

    subject: str
    """What was tried."""
    found: str
    means: str
    advice: str
    blocks: bool = True
    """Whether student code is not run because of it."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.found}\n    {self.means}\n    Try: {self.advice}"


def find_obstacle() -> Problem | None:
    """Give what keeps kernels from being locked in on this machine; None if nothing does."""
    return next((finding for finding in examine() if finding.blocks), None)


def report(findings: Sequence[Problem]) -> str:
    """Say in a few lines how this machine stands."""
    verdict = "can't be locked in here" if any(finding.blocks for finding in findings) else "are locked in here"
    return "\n\n".join([f"Kernels that run student code {verdict}.", *map(str, findings)])


def examine() -> list[Problem]:
    """Lock a throwaway child in, in a process of its own, and give what was wrong: nothing, if all went well."""
    if sys.platform != "linux":
        return [_NOT_LINUX]
    outcome = _run_selftest()
    if "step" in outcome:
        return [_explain(str(outcome["step"]), str(outcome["reason"]))]
    version = int(str(outcome["landlock"]))
    weaker = [] if version >= NEWEST_NEEDED else [_old_landlock(version)]
    return weaker if outcome["memory group"] else [*weaker, _NO_GROUPS]


def _run_selftest() -> dict[str, object]:
    # -P: a file in the course's folder that is called as a module of Python's is not imported.
    command = [sys.executable, "-P", "-m", "lib.grading.sandbox.selftest"]
    places = [str(Path(lib.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        return {"step": "a process of its own", "reason": error.strerror}
    last = (done.stderr.strip().splitlines() or [f"it ended with exit code {done.returncode}"])[-1]
    return json.loads(done.stdout) if done.stdout else {"step": "life", "reason": last}


_NOT_LINUX = Problem(
    "The system",
    f"this is {sys.platform}, not Linux.",
    f"Kernels are locked in by what only Linux has. Everything else works. {HOW_TO_RUN_WITHOUT}",
    "grade in a virtual machine or a container with Linux.",
)

_NO_GROUPS = Problem(
    "Memory groups (cgroups)",
    "this process may make none.",
    "Kernels are locked in all the same, and each process has its bound. Not bounded is what all processes of"
    " a kernel take together, where a course allows commands, and some 100 MB that Linux keeps for each kernel.",
    "grade as root, or, where systemd runs, `systemd-run --user --scope zerolayer grade …`; or leave it at that.",
    blocks=False,
)


def _explain(step: str, reason: str) -> Problem:
    means, advice = _MEANINGS.get(step, ("This is not a fault we know.", "tell the authors of zerolayer about it."))
    if reason == os.strerror(errno.EAGAIN):
        means, advice = _TOO_FEW_TASKS
    elif step in _OF_NAMESPACES:
        means, advice = _why_no_namespaces() or _MEANINGS.get(step, _NO_NAMESPACES)
    return Problem(f"Locking a kernel in, at the step “{step}”", f"{reason}.", f"{means} {HOW_TO_RUN_WITHOUT}", advice)


_OF_NAMESPACES = ("user namespace", "process namespace", "own namespaces", "private root", "inner user namespace")
_NO_NAMESPACES = (
    "This process may not make the namespaces that a kernel lives in.",
    "grade as root, or in a virtual machine of your own.",
)
_TOO_FEW_TASKS = (
    f"A notebook needs up to {NEEDED} threads at once, and a limit on tasks lets not so many be started.",
    "raise the limit of this user (`ulimit -u`), or of the container or service (`pids.max`, `TasksMax`).",
)
_MEANINGS = {
    "threads": _TOO_FEW_TASKS,
    "system calls": (
        "The library that compiles the filter of system calls, or seccomp itself, is missing.",
        "`pip install pyseccomp`, and `apt install libseccomp2` or your system's like.",
    ),
    "private root": (
        "The small file system that a kernel is to see can't be put together.",
        "Linux 5.14 or newer; on an older one, a virtual machine.",
    ),
    "proof": ("The lock-down went through, but does not hold.", "tell the authors of zerolayer about it."),
}


def _why_no_namespaces() -> tuple[str, str] | None:
    if any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")):
        return _IN_A_CONTAINER
    return next((because for (setting, value), because in _SETTINGS.items() if read_text(Path(setting)) == value), None)


_SETTINGS = {
    ("/proc/sys/user/max_user_namespaces", "0"): (
        "An ordinary user may make no user namespaces here.",
        "`sudo sysctl user.max_user_namespaces=10000`, or grade as root.",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0"): (
        "An ordinary user may make no user namespaces here.",
        "`sudo sysctl kernel.unprivileged_userns_clone=1`, or grade as root.",
    ),
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"): (
        "AppArmor lets an ordinary user make a user namespace, but do nothing in it; Ubuntu does so since 24.04.",
        "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or grade as root.",
    ),
}
_IN_A_CONTAINER = (
    "This is a container, and it may make no containers of its own.",
    "start it with `--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined`.",
)


def _old_landlock(version: int) -> Problem:
    found = f"this kernel has version {version} of it." if version else "this kernel has it not, or not switched on."
    return Problem(
        "Landlock",
        found,
        "Kernels are locked in all the same: the second lock on the files they see, and on signals, is weaker.",
        f"Linux 6.12 or newer, which has version {NEWEST_NEEDED}; or leave it at that.",
        blocks=False,
    )
