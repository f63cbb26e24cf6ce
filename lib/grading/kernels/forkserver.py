"""The warm process: it imports once what notebooks import, and forks a kernel for everyone who asks.

It never reads what a caller sends. It forks first and the child reads, so that no kernel finds in its memory what was
sent for another. On each connection there come

1. from the warm process: a descriptor of the child, by which the caller signals it and sees it end,
2. from the caller: a `Request`,
3. from the child: that it is ready, or what kept it from starting,
4. from the warm process, once the child has ended: its exit code, and the processor time that it took.

A caller that hangs up ends its kernel. A warm process ends with its owner, and takes all its kernels along.
"""

import atexit
import fcntl
import gc
import os
import select
import shutil
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from signal import SIGKILL, pidfd_send_signal
from tempfile import gettempdir, mkdtemp
from typing import Any

from lib.grading.kernels.spawn_request import Request, recv, send
from lib.grading.sandbox import threads
from lib.units import COURSE

PREFIX = "zerolayer"
"""How the names of folders for warm processes begin; the number of the process that made it follows."""
ADDRESS = "ZEROLAYER_WARM"
"""The environment variable that names the folder of a warm process to share."""
ENVIRONMENT = {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
INHERITED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")
"""The rest of the environment stays outside: a kernel can read what its warm process was started with."""
IDLE = 600
"""Seconds without a kernel, after which a warm process ends to give its memory back."""
STARTING = 120
"""Seconds that a warm process may take to become warm and fork a kernel; it needs a few."""
LONGEST_FOLDER = 58
"""Bytes of the path of a folder for temporary files: a socket's address may have 107, of which 49 are ours."""
HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


# ---- The warm process


def main() -> None:
    """Called in the warm process with a listening socket, the owner's number, and the words of `ForkServer.kind`."""
    listener, owner = socket.socket(fileno=int(sys.argv[1])), os.pidfd_open(int(sys.argv[2]))
    # `python -m` puts its folder first: nothing is to be imported from among the sockets.
    sys.path.remove(here := str(Path.cwd()))
    # What IPython writes as it starts goes with this process.
    os.environ["IPYTHONDIR"] = here
    fork = _plain_fork
    if "locked" in sys.argv[3:]:
        from lib.grading.sandbox import confine

        confine.prepare()
        fork = confine.fork
    gc.disable()  # what is imported stays
    from lib.grading.kernels import kernel

    kernel.warm_up("slow" in sys.argv[3:])
    kernel.run(serve(listener, owner, fork))


def serve(listener: socket.socket, owner: int, fork: Callable[[], int]) -> socket.socket:
    """Fork a child for every caller until the owner ends. Returns in each child, with the line to its caller."""
    poll = select.poll()
    # A descriptor of a process can be read once that process has ended.
    poll.register(owner, select.POLLIN)
    poll.register(listener, select.POLLIN)
    children = Children(poll)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(None if children else IDLE * 1000)}
        if owner in ready:
            with suppress(FileNotFoundError):  # the owner may have been quicker
                shutil.rmtree(Path.cwd(), ignore_errors=True)
        if owner in ready or not (ready or children):
            os._exit(0)
        for descriptor in ready - {listener.fileno()}:
            children.handle(descriptor)
        if listener.fileno() in ready:
            line, _ = listener.accept()
            try:
                child = fork()
            except Exception as error:
                with line, suppress(OSError):
                    send(line, failed=f"No kernel could be forked: {error}")
                continue
            if child == 0:
                children.close_all()
                listener.close()
                os.close(owner)
                return line
            children.add(child, line)


def _plain_fork() -> int:
    threads.assert_one()
    return os.fork()


@dataclass(frozen=True)
class Child:
    """A kernel that runs: its number, a descriptor that can be read once it has ended, and the line to its caller."""

    number: int
    handle: int
    line: socket.socket


class Children:
    """The kernels that run."""

    def __init__(self, poll: select.poll):
        self.poll = poll
        self.watched: dict[int, Child] = {}

    def __bool__(self) -> bool:
        return bool(self.watched)

    def add(self, number: int, line: socket.socket) -> None:
        """Give the caller its child, and watch both."""
        # A descriptor and not the number, which may be another process's by the time of a signal.
        child = Child(number, os.pidfd_open(number), line)
        self.watched[child.handle] = self.watched[line.fileno()] = child
        self.poll.register(child.handle, select.POLLIN)
        self.poll.register(line, HANG_UP)
        with suppress(OSError):
            send(line, child.handle)

    def handle(self, descriptor: int) -> None:
        """Reap a child that has ended; end the child of a caller that has hung up."""
        child = self.watched.get(descriptor)
        if child is None:
            return  # reaped by another event of the same poll
        if descriptor == child.handle:
            self._reap(child)
        else:
            self.poll.unregister(descriptor)
            pidfd_send_signal(child.handle, SIGKILL)

    def _reap(self, child: Child) -> None:
        # wait4, since waitpid doesn't tell the processor time.
        _, status, usage = os.wait4(child.number, 0)
        for descriptor in (child.handle, child.line.fileno()):
            del self.watched[descriptor]
            with suppress(KeyError):
                self.poll.unregister(descriptor)
        os.close(child.handle)
        with child.line, suppress(OSError):
            send(child.line, exit=os.waitstatus_to_exitcode(status), seconds=usage.ru_utime + usage.ru_stime)

    def close_all(self) -> None:
        """Close what belongs to other kernels; called in a child, which must reach none of them."""
        for child in set(self.watched.values()):
            os.close(child.handle)
            child.line.close()


# ---- Its callers


class ForkServerDied(RuntimeError):
    """The warm process ended, by no fault of the notebook's. Whoever asks again gets a new one."""


class KernelNotStarted(RuntimeError):
    """A child was forked and could not become a kernel; the message says why."""


@dataclass
class ForkedKernel:
    """A kernel that was forked for us."""

    handle: int
    """A descriptor of its process; it can be read once that has ended."""
    line: socket.socket
    seconds: float = 0.0
    """Processor time that it took, once its exit code is known."""

    def has_ended(self, within: float = 0) -> bool:
        """Tell whether the process has ended, or does so within some seconds."""
        return bool(select.select([self.handle], [], [], within)[0])

    def holds(self) -> tuple[int, int]:
        """Tell how many threads it has, and bytes of address space; none once it has ended."""
        number = _field(f"/proc/self/fdinfo/{self.handle}", "Pid")
        with suppress(OSError):
            status = f"/proc/{number}/status"
            return _field(status, "Threads"), _field(status, "VmSize") * 1024
        return 0, 0

    def exit_code(self) -> int | None:
        """Give the code that an ended process ended with; None if the warm process ended too, and took it along."""
        with suppress(OSError):
            words, _ = recv(self.line)
            self.seconds = words.get("seconds", 0.0)
            return words.get("exit")
        return None

    def signal(self, number: int) -> None:
        """Send a signal. Of those that it doesn't expect, only SIGKILL reaches a kernel that is locked in."""
        with suppress(ProcessLookupError):
            pidfd_send_signal(self.handle, number)

    def kill(self) -> None:
        """End the kernel at once; safe to call from any thread."""
        self.signal(SIGKILL)

    def close(self) -> None:
        """Hang up: that ends the kernel, if it hasn't ended."""
        self.line.close()
        os.close(self.handle)


class ForkServer:
    """A warm process, found by the folder that holds its socket. Whoever finds it not running starts it.

    The folder is named after the process that made it. Warm processes in it end with that one.
    """

    def __init__(self, folder: Path, locked: bool = True, slow: bool = True, course: str = ""):
        """Look at nothing yet. Its kernels will be locked in, and have imported what is slow, unless told otherwise.

        They have the units of the folder `course`, if it has any.
        """
        self.folder = folder
        self.kind = ("locked" if locked else "open", *(["slow"] if slow else []))
        self.course = {COURSE: course} if course else {}
        self.name = "-".join([*self.kind, *(f"{zlib.crc32(course.encode()):08x}" for course in self.course.values())])
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def shared(cls, locked: bool = True, slow: bool = True) -> "ForkServer":
        """Give the one that this process shares with its parents and children, through its environment."""
        if not _is_in_use(os.environ.get(ADDRESS, "")):
            os.environ[ADDRESS] = _make_folder(os.getpid())
        return _fork_server(os.environ[ADDRESS], locked, slow, os.environ.get(COURSE, ""))

    def fork(self, request: Request, descriptors: Sequence[int]) -> ForkedKernel:
        """Have a kernel forked, and wait until it can be talked to.

        Raises `KernelNotStarted` if there is a reason why it can't be, and `ForkServerDied` if the warm process ended
        over it, and one started in its place too.
        """
        with suppress(ForkServerDied):
            return self._fork(request, descriptors)
        return self._fork(request, descriptors)

    def _fork(self, request: Request, descriptors: Sequence[int]) -> ForkedKernel:
        line = self._connect_or_start()
        line.settimeout(STARTING)
        words: dict[str, Any] = {}
        handle: int | None = None
        with suppress(OSError):
            words, handles = recv(line)
            if handles:
                (handle,) = handles
                request.send(line, descriptors)
                words, _ = recv(line)
        if handle is not None and words.get("ready"):
            return ForkedKernel(handle, line)
        line.close()
        if handle is not None:
            os.close(handle)
        if "exit" in words:
            raise KernelNotStarted(f"The kernel ended before it could start, with code {words['exit']}.")
        if "failed" in words:
            raise KernelNotStarted(words["failed"])
        raise self._error_of_death()

    def start(self) -> None:
        """Start the process if there is none: it warms up while the caller does something else."""
        from filelock import FileLock  # here, since the warm process has no use for it

        with FileLock(self.folder / f"{self.name}.lock"):  # others who know the folder may be about to start one
            try:
                self._connect().close()
            except OSError:
                self._start()

    def _connect_or_start(self) -> socket.socket:
        with suppress(OSError):
            return self._connect()
        self.start()
        try:
            return self._connect()
        except OSError:
            raise self._error_of_death() from None

    def _connect(self) -> socket.socket:
        # It keeps messages apart: what comes with a message are its own descriptors.
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            line.connect(str(self.folder / self.name))
        except OSError:
            line.close()
            raise
        return line

    def _start(self) -> None:
        owner = _owner_of(self.folder)
        (self.folder / self.name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, self._log.open("wb") as log:
            listener.bind(str(self.folder / self.name))
            listener.listen(256)
            self.process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, str(listener.fileno()), str(owner), *self.kind],
                cwd=self.folder,
                env=ENVIRONMENT | {name: os.environ[name] for name in INHERITED if name in os.environ} | self.course,
                pass_fds=[listener.fileno()],
                # Ctrl-C is for the command, which ends its kernels by itself.
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def _error_of_death(self) -> ForkServerDied:
        lines = self._log.read_text(errors="replace").split("\n") if self._log.exists() else []
        said = next((f"It said: {line}" for line in reversed(lines) if line.strip()), "It said nothing.")
        return ForkServerDied(f"The warm process ended. {said}")


def _field(path: str, name: str) -> int:
    """Read a number from one of the system's tables, 0 if it isn't there."""
    lines = (line.split() for line in Path(path).read_text().splitlines())
    return next((int(words[1]) for words in lines if words and words[0] == f"{name}:"), 0)


@cache
def _make_folder(number: int) -> str:
    """Make a folder for the warm processes of this process, whose number it bears; the same one each time."""
    usual = gettempdir()
    place = Path(usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else "/tmp")
    _remove_abandoned(place)
    folder = mkdtemp(prefix=f"{PREFIX}-{number}-", dir=place)
    # Never closed: Linux lets go of the lock when this process ends, however it ends.
    _lock(Path(folder))
    atexit.register(_tidy, Path(folder))
    return folder


def _lock(folder: Path) -> int:
    """Lock a folder; give its descriptor. Raises OSError if somebody else has it, or it is no folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _remove_abandoned(place: Path) -> None:
    """Remove the folders of processes that were killed together with their warm processes."""
    for folder in place.glob(f"{PREFIX}-*-*"):
        with suppress(OSError, ValueError):  # another's, or none of these folders
            if folder.stat().st_uid != os.geteuid() or Path("/proc", str(_owner_of(folder))).exists():
                continue
            # The number is not enough: who shares the place may be in another container, with numbers of its own.
            handle = _lock(folder)
            try:
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


@cache
def _fork_server(folder: str, locked: bool, slow: bool, course: str) -> ForkServer:
    return ForkServer(Path(folder), locked, slow, course)


def _owner_of(folder: Path) -> int:
    """Read the number of the process that made a warm process's folder."""
    return int(folder.name.split("-")[1])


def _is_in_use(folder: str) -> bool:
    """Tell whether a folder is ours, and the process that made it still there."""
    try:
        # 0 is no signal: it asks whether there is such a process.
        os.kill(_owner_of(Path(folder)), 0)
        return Path(folder).stat().st_uid == os.geteuid()
    except (OSError, ValueError, IndexError):
        return False


def _tidy(folder: Path) -> None:
    """Remove a folder when the process that made it ends, and not when a copy of that does."""
    if _owner_of(folder) == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
