"""A test of the sandbox on this machine, and what to try if a step of it fails.

Call `find_obstacle` before you run student code. `python -m lib.grading.sandbox.obstacles` confines a child that tests
each lock, and prints one JSON object: the failed step and the reason, or whether there is a memory group.
"""

import json
import os
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
from lib.grading.sandbox.limits import TRIAL, Limits

HOW_TO_RUN_WITHOUT = "To grade without protection, use --no-sandbox."
TRY = {
    "system calls": "pip install pyseccomp, and install the system's package libseccomp2",
    "system": "Linux, in a virtual machine or a container",
    "own process": "let this account read the folder",
    "private root": "Linux 5.14 or later; if a path is named, let this account read it",
    "namespace": (
        "grade as root, or as root run: sysctl -w user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1"
        " kernel.apparmor_restrict_unprivileged_userns=0. In Docker, start the container with: --cap-add SYS_ADMIN"
        " --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    ),
    "threads": "raise ulimit -u, ulimit -v or pids.max",
    "memory group": "systemd-run --user --scope zerolayer grade …",
}
"""What to try, by a word of the step; of two that fit, the first."""
SECONDS = 300
"""The time limit of the test. It takes a fraction of a second, and longer on a busy machine."""


class Problem(NamedTuple):
    """A step of the lock-down that fails on this machine, and the system's reason."""

    step: str
    reason: str
    blocks: bool = True  # False if student code is run all the same

    def __str__(self) -> str:
        means = HOW_TO_RUN_WITHOUT if self.blocks else "Warning only: the sandbox works without it."
        attempt = next((f"\n    Try: {advice}." for word, advice in TRY.items() if word in self.step), "")
        return f"The step “{self.step}” failed. {means}\n    Reason: {self.reason}.{attempt}"


@cache
def find_obstacle() -> Problem | None:
    """Return the problem that prevents the sandbox on this machine, or None. The test runs once."""
    return next((problem for problem in examine() if problem.blocks), None)


def report(problems: Sequence[Problem]) -> str:
    """Return the message on the problems, or on their absence."""
    verdict = "can't be locked in here" if any(problem.blocks for problem in problems) else "are locked in here"
    return "\n\n".join([f"Kernels that run student code {verdict}.", *map(str, problems)])


def examine() -> list[Problem]:
    """Run the test in another process; return the problems found."""
    if sys.platform != "linux":
        return [Problem("system", f"this is {sys.platform}, not Linux")]
    # -P: files in the course's folder must not shadow Python's modules.
    command = [sys.executable, "-P", "-m", __spec__.name]
    places = [str(Path(lib.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        return [Problem("own process", ": ".join(filter(None, (error.filename, error.strerror))))]
    if not done.stdout:
        return [Problem("start", (done.stderr.splitlines() or [f"it ended with exit code {done.returncode}"])[-1])]
    outcome = json.loads(done.stdout)
    if "step" in outcome:
        return [Problem(outcome["step"], outcome["reason"])]
    return [] if outcome["memory group"] else [Problem("memory group", "this process may make none", blocks=False)]


def main() -> None:
    """Confine a child that tests each lock, and print the result as one JSON object."""
    from lib.grading.sandbox import lockdown

    out, machine = os.dup(1), _namespaces()
    signal.alarm(SECONDS)
    result: dict[str, object]
    try:
        lockdown.prepare()
        result = {"memory group": lockdown.find_groups() is not None}
        if child := lockdown.fork():
            os.waitpid(child, 0)
            return
        lockdown.confine(Limits(), {}, keep=[out])
        with lockdown.step("proof"):
            for fault in _faults(machine):
                raise RuntimeError(fault)
        with lockdown.step("threads"):
            exec(TRIAL, {})  # starts as many threads as a notebook needs
    except lockdown.NotConfined as failure:
        result = {"step": failure.step, "reason": failure.reason}
    os.write(out, json.dumps(result).encode())
    os._exit(0)


def _namespaces() -> set[str]:
    return {
        str(Path("/proc/self/ns", kind).readlink()) for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    }


def _faults(machine: set[str]) -> Iterator[str]:
    """Yield each forbidden action that is possible, and each necessary one that isn't."""
    import resource

    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    raised = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    tried: dict[str, Callable[[], object]] = {
        "a process was started": lambda: os.fork() or os._exit(0),
        "a network socket was opened": partial(socket.socket, socket.AF_INET),
        "the closed half can be read": Path(__file__).read_bytes,
        "the machine's programs can be seen": Path("/sbin").stat,
        "the interpreter's files can be changed": Path(os.__file__).touch,
        "files outside scratch can be written": Path("/note").touch,
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
        yield f"it shares namespaces with the machine: {', '.join(shared)}"
    if any(int(status[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")):
        yield "it has rights of root"
    if (status["NoNewPrivs"], status["Seccomp"]) != ("1", "2"):
        yield "programs can gain rights, or use all system calls"
    numpy = find_spec("numpy")
    if numpy is None or not numpy.origin or not Path(numpy.origin).read_bytes():
        yield "the interpreter's packages can't be read"


if __name__ == "__main__":
    main()
