"""Limits on the resources of a kernel, and the number of threads that it needs. Can be imported on all systems."""

import os
from dataclasses import asdict, dataclass

MIB = 2**20
NICENESS = 5
"""The nice value of runs. The process that judges them needs a higher priority: otherwise the next runs start
late, and processors are idle."""
THREADS = 8 + 4 * (os.cpu_count() or 1)
"""Threads at once: twice as many as measured in TensorFlow's training, which has 8 on two processors."""
TRIAL = f"""
import threading
go = threading.Event()
threads = [threading.Thread(target=go.wait) for _ in range({THREADS})]
try:
    for thread in threads:
        thread.start()
finally:
    go.set()
"""
"""Code that raises RuntimeError unless THREADS threads can be started. It distinguishes a machine that is near its
limit on tasks from a fault of the student's code."""


@dataclass(frozen=True)
class Limits:
    """The limits on one kernel. `dataclasses.asdict` returns plain data, from which `Limits(**data)` restores them."""

    memory: int = 4096 * MIB
    """Bytes of address space. TensorFlow's training needs 2.1 GiB on two processors, and more with more threads.
    With memory groups, all processes of a kernel and its scratch files together may use `memory` + `scratch`."""
    cpu_seconds: int = 600
    """Seconds of processor time of all threads together, after which Linux kills the kernel."""
    tasks: int = 512
    """Threads, and processes if commands are allowed."""
    open_files: int = 256
    """Open files, pipes and sockets."""
    file_size: int = 256 * MIB
    """Bytes of one file."""
    scratch: int = 512 * MIB
    """Bytes of all files in the working directory, /tmp and /dev/shm together. They are kept in memory."""
    inodes: int = 16384
    """Files and folders in the same places."""
    commands: bool = False
    """True if code may start programs, as `!ls` does. Each of them may use as much memory as the kernel itself."""

    def impose(self) -> None:
        """Set these limits for this process and its children. Stricter limits stay."""
        import resource  # here, since Windows has no such module

        bounds = {
            resource.RLIMIT_AS: self.memory,
            resource.RLIMIT_CPU: self.cpu_seconds,
            resource.RLIMIT_NPROC: self.tasks,
            resource.RLIMIT_NOFILE: self.open_files,
            resource.RLIMIT_FSIZE: self.file_size,
            resource.RLIMIT_CORE: 1,  # with 0 Linux would still pipe core dumps to a program that collects them
            resource.RLIMIT_MEMLOCK: MIB,  # locked pages can't be swapped out
            resource.RLIMIT_MSGQUEUE: 0,  # queues take memory of the Linux kernel
            resource.RLIMIT_NICE: 0,  # no higher priority
            resource.RLIMIT_RTPRIO: 0,
            resource.RLIMIT_SIGPENDING: 1024,  # pending signals take memory of the Linux kernel
        }
        for kind, bound in bounds.items():
            _, hard = resource.getrlimit(kind)
            most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(kind, (most, most))


LEAST = Limits(256 * MIB, cpu_seconds=1, tasks=16, open_files=64, file_size=MIB, scratch=MIB, inodes=64)
"""The lowest usable limits, measured and rounded up: with less, kernels don't start, or die in their first cells."""
MOST = 10**15
"""Linux may treat larger or negative numbers as no limit at all."""


def limit_problem(name: str, value: object) -> str:
    """Return why `value` can't be the limit of this name; "" if it can."""
    if (least := asdict(LEAST).get(name)) is None:
        return f"has no {name!r}. Try one of {', '.join(asdict(LEAST))}."
    if type(value) is type(least) and least <= value <= MOST:  # type: ignore[operator]
        return ""
    return f"has {name!r}: {value!r}. Expected {'True or False' if least is False else f'a number from {least:,}'}."
