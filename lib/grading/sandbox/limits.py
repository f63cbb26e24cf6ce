"""How much of the machine a submission may use, and how many threads it needs; plain data, which all systems read."""

import os
from dataclasses import asdict, dataclass

MIB = 2**20
NICENESS = 5
"""How far runs stand back where others want the processor too. All runs wait for the process that judges them: on equal
terms with them it comes too late to give the next ones out, and processors have nothing to do."""
THREADS = 8 + 4 * (os.cpu_count() or 1)
"""Threads at once: training in TensorFlow has 8 on two processors, and more on more; this is twice as many."""
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
"""Code that raises RuntimeError unless so many threads can be started. Where a limit on tasks is nearly reached, a
thread that can't be started looks like a fault of the code that wanted it, and is none."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one kernel; `dataclasses.asdict` makes it plain data, `Limits(**data)` reads that back."""

    memory: int = 4096 * MIB
    """Bytes of address space. Training in TensorFlow needs 2.1 GiB on two processors, more on many: threads take some.
    Where there are memory groups, all processes of a kernel and its scratch share this and `scratch` together."""
    cpu_seconds: int = 600
    """Seconds of processor time, of all threads together; the kernel dies when they are spent."""
    tasks: int = 512
    """Threads, and processes where commands are allowed."""
    open_files: int = 256
    """Files, pipes and sockets open at a time."""
    file_size: int = 256 * MIB
    """Bytes of one file."""
    scratch: int = 512 * MIB
    """Bytes of all files, in the working directory, /tmp and /dev/shm together. They are kept in memory."""
    inodes: int = 16384
    """Files and folders, likewise."""
    commands: bool = False
    """Whether code may start programs, as `!ls` does. Each of them may use as much memory as the kernel itself."""

    def impose(self) -> None:
        """Bind this process, and all it may start, to these limits. What is stricter already stays."""
        import resource  # not there on Windows, where the numbers are read all the same

        bounds = {
            resource.RLIMIT_AS: self.memory,
            resource.RLIMIT_CPU: self.cpu_seconds,
            resource.RLIMIT_NPROC: self.tasks,
            resource.RLIMIT_NOFILE: self.open_files,
            resource.RLIMIT_FSIZE: self.file_size,
            # Not 0, with which a program of the machine's that collects core dumps would still be given one.
            resource.RLIMIT_CORE: 1,
            resource.RLIMIT_MEMLOCK: MIB,  # locked pages can't be swapped out when the machine needs them
            resource.RLIMIT_MSGQUEUE: 0,  # queues lie in Linux's own memory
            resource.RLIMIT_NICE: 0,  # no way to go before others
            resource.RLIMIT_RTPRIO: 0,
            resource.RLIMIT_SIGPENDING: 1024,  # signals that wait lie in Linux's own memory
        }
        for kind, bound in bounds.items():
            _, hard = resource.getrlimit(kind)
            most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(kind, (most, most))


LEAST = Limits(256 * MIB, cpu_seconds=1, tasks=16, open_files=64, file_size=MIB, scratch=MIB, inodes=64)
"""Below these, measured with both units and rounded up, no kernel starts, or each one dies in its first cells."""
MOST = {"tasks": 2**22}
"""What Linux takes; of all others it takes 10**15. Larger numbers, and those below 0, may be no limit at all to it."""
UNITS = {"memory": " of bytes", "cpu_seconds": " of seconds", "file_size": " of bytes", "scratch": " of bytes"}


def limit_problem(name: str, value: object) -> str:
    """Say what keeps `value` from being the limit of this name, what is expected, and what to try; "" if nothing."""
    defaults = asdict(Limits())
    if name not in defaults:
        return f"knows no {name!r}. Try one of {', '.join(defaults)}."
    default = defaults[name]
    found, attempt = f"has {name!r}: {value!r}, where", f"Try {{{name!r}: {default}}}"
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else f"{found} True or False is expected. {attempt}."
    least, most = getattr(LEAST, name), MOST.get(name, 10**15)
    number = value if isinstance(value, int) and not isinstance(value, bool) else 0
    if least <= number <= most:
        return ""
    bound = f"at most {most:,}" if number > most else f"at least {least:,}"
    return f"{found} a whole number{UNITS.get(name, '')} is expected: {bound}. {attempt}."
