"""A warm process for tests: it forks a child for each piece of code, locked in or not, and says what came of it.

A script: `fork_children.py sandbox|open MODULE…` imports the modules and reads lines of JSON from standard input. The
first is a secret; each other is what `Forker.run` was asked for, and is answered by a
line with a `ChildResult`. Code finds `facts`, and a function `tell`: all that is heard of it.
"""

import importlib
import json
import os
import re
import resource  # noqa: F401  # as in the warm process: where root's own Python is hidden, it can't be imported later
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from lib.grading.sandbox import lockdown
from lib.grading.sandbox.limits import Limits

IS_LOCKED = sys.argv[1] != "open"
SECRET = json.loads(sys.stdin.readline())
SECRET = SECRET.encode()
"""Something that is in the memory of this process, and so of each child's that runs without locks."""
STAYING = []
"""The children that were asked to stay: where no PID namespace holds them, they would outlive this process."""
PATIENCE = 1.0
"""Seconds after which what a child left behind is believed to stay."""


def main():
    lockdown.die_with_parent()
    for module in sys.argv[2:]:
        importlib.import_module(module)
    witness = {"env": {"SECRET": SECRET.decode()}, "preexec_fn": lockdown.die_with_parent}
    subprocess.Popen(["sleep", "600.25"], **witness)
    if IS_LOCKED:
        lockdown.prepare()
    left_open = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # nobody closes it: that is the point
    left_open.write(SECRET)
    in_a_group = re.search(r":/.+$", Path("/proc/self/cgroup").read_text(), re.M) is not None
    found = {"host": os.uname().nodename, "group": in_a_group, "terminal": os.fstat(2).st_ino}
    print(json.dumps({**found, "address": id(SECRET) + bytes.__basicsize__ - 1}), flush=True)
    for line in sys.stdin:
        print(json.dumps(attend(json.loads(line))), flush=True)
    for child in STAYING:
        os.kill(child, signal.SIGKILL)


def attend(request):
    heard, speaks = os.pipe()
    child = lockdown.fork() if IS_LOCKED else os.fork()
    if not child:
        os.close(heard)
        live(request, speaks)
    os.close(speaks)
    if request["stays"]:
        STAYING.append(child)
        with os.fdopen(heard) as lines:
            return {"output": [next(lines, "").strip() for _ in range(2)], "pid": child, "uid": uid_of(child)}
    exit_code = end(child, request["seconds"])
    output, survivors = listen(heard)
    return {"output": output, "exit": exit_code, "survivors": survivors}


def uid_of(child):
    """Return a child's user as this machine sees it, whose /proc this still is."""
    handle = os.pidfd_open(child)
    seen = dict(line.split(":", 1) for line in Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines())
    os.close(handle)
    status = Path(f"/proc/{int(seen['Pid'])}/status").read_text()
    return int(re.search(r"^Uid:\s+(\d+)", status, re.M)[1])


def end(child, seconds):
    """Wait for the child to end or to stop; return its exit code, or None if it hasn't ended by itself in time."""
    late = []
    signal.signal(signal.SIGALRM, lambda *_: (late.append(True), os.kill(child, signal.SIGKILL)))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _, status = os.waitpid(child, os.WUNTRACED)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if os.WIFSTOPPED(status):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return None if late or os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def listen(heard):
    """Return the output, and whether a process is left that could still print something."""
    output, more = b"", b"something"
    while more and (said := select.select([heard], [], [], PATIENCE)[0]):
        output += (more := os.read(heard, 65536))
    os.close(heard)
    return output.decode(errors="replace").splitlines(), not said


def live(request, speaks):
    """Be the child: lock oneself in, run the code, and never return."""

    def tell(*words):
        os.write(speaks, (" ".join(map(str, words)) + "\n").encode())

    lockdown.die_with_parent()
    try:
        if IS_LOCKED:
            laid_out = {name: text.encode() for name, text in request["files"].items()}
            lockdown.confine(Limits(**request["limits"]), laid_out, keep=[speaks])
        else:
            os.chdir(tempfile.mkdtemp())
        tell("began")
        exec(request["code"], {"tell": tell, "speaks": speaks, "facts": request["facts"], "__name__": "__main__"})
    except BaseException as error:
        tell(type(error).__name__, error)
    os._exit(0)


if __name__ == "__main__":
    main()
