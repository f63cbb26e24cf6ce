"""Can this machine lock a kernel in? Found out by doing it, and said with what it means and what to try.

Whoever is about to run student code asks `find_obstacle` first. `python -m lib.grading.sandbox.obstacles` locks a child in
that tries each lock, and prints one JSON object: the step that failed and the reason, or whether it had a memory group.
"""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import lib
from lib.grading.machine_faults import limit_on_threads
from lib.grading.sandbox.limits import THREADS, TRIAL, Limits

HOW_TO_RUN_WITHOUT = "Grading goes on without protection only if you ask for it, with --no-sandbox."
CAP_SYS_ADMIN = 21
SECONDS = 300
"""What a trial may take before it is given up; it needs a fraction of one, and longer on a busy machine."""


class Problem(NamedTuple):
    """Something about this machine that keeps kernels from being locked in, or weakens the lock."""

    subject: str  # what was tried
    found: str
    means: str
    advice: str
    blocks: bool = True  # whether student code is not run because of it

    def __str__(self) -> str:
        return f"{self.subject}: {self.found}\n    {self.means}\n    Try: {self.advice}"


@cache
def find_obstacle() -> Problem | None:
    """Give what keeps kernels from being locked in on this machine; None if nothing does. It is tried once."""
    return next((finding for finding in examine() if finding.blocks), None)


def report(findings: Sequence[Problem]) -> str:
    """Say in a few lines how this machine stands."""
    verdict = "can't be locked in here" if any(finding.blocks for finding in findings) else "are locked in here"
    return "\n\n".join([f"Kernels that run student code {verdict}.", *map(str, findings)])


def examine() -> list[Problem]:
    """Lock a throwaway child in, in a process of its own, and give what was wrong: nothing, if all went well."""
    if sys.platform != "linux":
        return [_NOT_LINUX]
    # -P: a file in the course's folder that is called as a module of Python's is not imported.
    command = [sys.executable, "-P", "-m", __spec__.name]
    places = [str(Path(lib.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        return [_explain("a process of its own", ": ".join(filter(None, (error.filename, error.strerror))))]
    if not done.stdout:
        return [_explain("life", (done.stderr.splitlines() or [f"it ended with exit code {done.returncode}"])[-1])]
    outcome = json.loads(done.stdout)
    if "step" in outcome:
        return [_explain(outcome["step"], outcome["reason"])]
    return [] if outcome["memory group"] else [_NO_GROUPS]


# ---- The trial


def main() -> None:
    """Lock a child in, have it try each lock, and say in one JSON object how that went."""
    from lib.grading.sandbox import lockdown

    out, machine = os.dup(1), _namespaces()
    signal.alarm(SECONDS)
    said: dict[str, object]
    try:
        lockdown.prepare()
        said = {"memory group": lockdown.find_groups() is not None}
        if child := lockdown.fork():
            os.waitpid(child, 0)
            return
        lockdown.confine(Limits(), {}, keep=[out])
        with lockdown.step("proof"):
            for fault in _faults(machine):
                raise RuntimeError(fault)
        with lockdown.step("threads"):
            exec(TRIAL, {})  # starts as many as a notebook needs
    except lockdown.NotConfined as failure:
        said = {"step": failure.step, "reason": failure.reason}
    os.write(out, json.dumps(said).encode())
    os._exit(0)


def _namespaces() -> set[str]:
    return {
        str(Path("/proc/self/ns", kind).readlink()) for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    }


def _faults(machine: set[str]) -> Iterator[str]:
    """Say of each lock whether it holds: what is possible that must not be, and what isn't that must be."""
    import resource

    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    raised = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    tried: dict[str, Callable[[], object]] = {
        "a process was started": lambda: os.fork() or os._exit(0),
        "a way to the network was opened": partial(socket.socket, socket.AF_INET),
        "the closed zones can be read": Path(__file__).read_bytes,
        "the machine's programs can be seen": Path("/sbin").stat,
        "the interpreter's files can be changed": Path(os.__file__).touch,
        "something beside scratch can be written": Path("/note").touch,
        "its processes' settings can be changed": partial(open, "/proc/self/comm", "w"),
        "a limit can be lifted": partial(resource.setrlimit, resource.RLIMIT_AS, raised),
    }
    for fault, attempt in tried.items():
        try:
            attempt()
        except (OSError, ValueError):
            continue
        yield fault
    if shared := machine & _namespaces():
        yield f"it is in a namespace of the machine's: {', '.join(shared)}"
    if any(int(status[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")):
        yield "it has rights that only root has"
    if (status["NoNewPrivs"], status["Seccomp"]) != ("1", "2"):
        yield "a program can have more rights than it has, or all system calls"
    numpy = find_spec("numpy")
    if numpy is None or not numpy.origin or not Path(numpy.origin).read_bytes():
        yield "the interpreter's packages can't be read"


# ---- What is said


_NOT_LINUX = Problem(
    "The system",
    f"this is {sys.platform}, not Linux.",
    f"Kernels are locked in by what only Linux has. Everything else works. {HOW_TO_RUN_WITHOUT}",
    "grade in a virtual machine or a container with Linux.",
)
_NO_GROUPS = Problem(
    "Memory groups (cgroups, version 2)",
    "this process may make none.",
    "Kernels are locked in all the same, and each process has its bound. Not bounded is what all processes of"
    " a kernel take together, where a course allows commands, and some 100 MB that Linux keeps for each kernel.",
    "where systemd runs, `systemd-run --user --scope zerolayer grade …`, for root without --user; or leave it at that.",
    blocks=False,
)
_OF_NAMESPACES = ("user namespace", "process namespace", "own namespaces", "private root", "inner user namespace")
_MEANINGS = {
    "a process of its own": (
        "This account can't start Python, which runs all the same: its folder may be another account's.",
        "give this account the right to read that folder, or use a Python that it may start.",
    ),
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
_FLAGS = "`--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined`"
_NO_NAMESPACES = (
    "This process may not make the namespaces that a kernel lives in.",
    f"grade as root with all its rights, or in a virtual machine of your own; start a container with {_FLAGS}.",
)
_CLOSED = (
    "A kernel needs a folder of Python's or the system's that this account may not read.",
    "give this account the right to read it and the folders that it is in, or use a Python that it may read.",
)
_UNKNOWN = ("This is not a fault we know.", "tell the authors of zerolayer about it.")
_MAY_NOT = "An ordinary user may make no user namespaces here."
_APPARMOR = "AppArmor lets an ordinary user make a user namespace, but do nothing in it; Ubuntu does so since 24.04."
_SETTINGS = (
    ("user.max_user_namespaces", "0", _MAY_NOT, "10000"),
    ("kernel.unprivileged_userns_clone", "0", _MAY_NOT, "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", _APPARMOR, "0"),
)
"""Settings of Linux's, values at which a step fails, what that means, and a value at which it doesn't."""
_IN_A_CONTAINER = ("This is a container, and it may make no containers of its own.", f"start it with {_FLAGS}.")


def _explain(step: str, reason: str) -> Problem:
    means, advice = _MEANINGS.get(step, _NO_NAMESPACES if step in _OF_NAMESPACES else _UNKNOWN)
    if step == "threads" or reason == os.strerror(errno.EAGAIN):
        means = f"A notebook needs up to {THREADS} threads at once, and not so many can be started."
        advice = f"raise {limit_on_threads()}."
    elif step == "private root" and reason.startswith("/"):
        means, advice = _CLOSED
    elif step in _OF_NAMESPACES and _is_in_a_container():
        means, advice = _IN_A_CONTAINER
    elif step in _OF_NAMESPACES:
        for setting, value, meaning, better in _SETTINGS:
            file = Path("/proc/sys", *setting.split("."))
            if file.exists() and file.read_text().strip() == value:
                means, advice = meaning, f"`sudo sysctl {setting}={better}`, or grade as root."
    return Problem(f"Locking a kernel in, at the step “{step}”", f"{reason}.", f"{means} {HOW_TO_RUN_WITHOUT}", advice)


def _is_in_a_container() -> bool:
    """Tell whether this is one: it has a mark, or a root without all of root's rights, as no machine's own has."""
    capabilities = re.search(r"^CapEff:\t(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    is_bound = os.geteuid() == 0 and capabilities and not int(capabilities[1], 16) >> CAP_SYS_ADMIN & 1
    return bool(is_bound) or any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


if __name__ == "__main__":
    main()
