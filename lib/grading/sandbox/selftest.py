"""A trial of the lock-down: `python -m lib.grading.sandbox.selftest` locks a child in, which tries what is forbidden.

It prints one JSON object: the step that failed and the reason, or the version of Landlock that holds and
whether the child had a memory group.
"""

import importlib.util
import json
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lib.grading.sandbox import cgroups, confine, landlock, threads

SECONDS = 20
"""What a trial may take before it is given up; it needs a fraction of one."""


def main() -> None:
    """Lock a child in and print the result."""
    reading, writing = os.pipe()
    signal.alarm(SECONDS)
    try:
        confine.prepare()
        child = confine.fork()
        if not child:
            _run_child(writing)
    except confine.NotConfined as failure:
        print(json.dumps({"step": failure.step, "reason": failure.reason}))
        return
    os.close(writing)
    with os.fdopen(reading) as answer:
        print(answer.read() or json.dumps({"step": "life", "reason": "the child died"}))
    os.waitpid(child, 0)


def _run_child(writing: int) -> None:
    """Lock this child in, try the lock, send the result, and end."""
    result: dict[str, object] = {"landlock": landlock.version(), "memory group": cgroups.find() is not None}
    try:
        confine.confine(confine.Sandbox(keep=(writing,)))
        with confine.step("proof"):
            _try_what_is_forbidden()
        with confine.step("threads"):
            exec(threads.TRIAL, {})  # starts as many as a notebook needs
    except confine.NotConfined as failure:
        result = {"step": failure.step, "reason": failure.reason}
    os.write(writing, json.dumps(result).encode())
    os._exit(0)


def _try_what_is_forbidden() -> None:
    """Raise if what must not be possible is, or what must be possible is not."""
    forbidden: dict[str, Callable[[], object]] = {
        "a process was started": lambda: os.fork() or os._exit(0),
        "a way to the network was opened": partial(socket.socket, socket.AF_INET),
        "the closed zones can be read": Path(__file__).read_bytes,
        "the machine's programs can be seen": Path("/sbin").stat,
        "the interpreter's files can be changed": Path(os.__file__).touch,
    }
    for name, attempt in forbidden.items():
        try:
            attempt()
        except OSError:
            continue
        raise RuntimeError(name)
    numpy = importlib.util.find_spec("numpy")
    if numpy is None or not numpy.origin or not Path(numpy.origin).read_bytes():
        raise RuntimeError("the interpreter's packages can't be read")


if __name__ == "__main__":
    main()
