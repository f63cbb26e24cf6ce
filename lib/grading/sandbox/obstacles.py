"""Find out whether this machine can lock a kernel in, by doing it. docs/teaching.md says what to try if it can't.

Call `find_obstacle` before you run student code. `python -m lib.grading.sandbox.obstacles` locks in a child that tries
each lock, and prints one JSON object: the step that failed and the reason, or whether it had a memory group.
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

READ = "docs/teaching.md says what to try, under “Where kernels can't be locked in”."
HOW_TO_RUN_WITHOUT = "Grading goes on without protection only if you ask for it, with --no-sandbox."
SECONDS = 300
"""What a trial may take before it is given up; it needs a fraction of one, and longer on a busy machine."""


class Problem(NamedTuple):
    """A step of the lock-down that fails on this machine, and the system's reason."""

    step: str
    reason: str
    blocks: bool = True  # whether student code is not run because of it

    def __str__(self) -> str:
        means = HOW_TO_RUN_WITHOUT if self.blocks else "Warning only: kernels are locked in without."
        return f"The step “{self.step}” failed. {means}\n    Reason: {self.reason}.\n    {READ}"


@cache
def find_obstacle() -> Problem | None:
    """Return what keeps kernels from being locked in on this machine; None if nothing does. It is tried once."""
    return next((problem for problem in examine() if problem.blocks), None)


def report(problems: Sequence[Problem]) -> str:
    """Return in a few lines whether this machine can lock kernels in."""
    verdict = "can't be locked in here" if any(problem.blocks for problem in problems) else "are locked in here"
    return "\n\n".join([f"Kernels that run student code {verdict}.", *map(str, problems)])


def examine() -> list[Problem]:
    """Lock a throwaway child in, in a process of its own; return what was wrong: nothing, if all went well."""
    if sys.platform != "linux":
        return [Problem("system", f"this is {sys.platform}, not Linux")]
    # -P: a file in the course's folder that is called as a module of Python's is not imported.
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
    """Lock a child in, have it try each lock, and print as one JSON object how that went."""
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
    """Yield the locks that don't hold: what is possible that must not be, and what isn't that must be."""
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


if __name__ == "__main__":
    main()
