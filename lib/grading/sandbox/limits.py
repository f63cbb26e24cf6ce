"""How much of the machine a submission may use."""

from dataclasses import dataclass

MIB = 2**20
NICENESS = 5
"""How far runs stand back where others want the processor too. All runs wait for the process that judges them: on equal
terms with them it comes too late to give the next ones out, and processors have nothing to do."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one kernel; `dataclasses.asdict` makes it plain data, `Limits(**data)` reads that back."""

    memory: int = 4096 * MIB
    """Bytes of address space. TensorFlow's `fit` needs 2.1 GiB on two processors, more on many: threads take some.
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
