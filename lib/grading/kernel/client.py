"""The caller's end: finds or starts a warm process, requests a kernel from it, sends cells and receives messages.

Student code can send anything over its line, of any length and at any time. So messages that are too long are dropped
as they arrive, and the caller sets time limits. `forkserver` and `cell_server` are the other ends.
"""

import atexit
import fcntl
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from functools import cache
from math import inf
from pathlib import Path
from signal import SIGKILL, pidfd_send_signal
from tempfile import gettempdir, mkdtemp
from time import monotonic
from typing import Any

from lib.checking.student_code import seconds_waited
from lib.grading.kernel import MAX_MESSAGE, forkserver
from lib.grading.machine_faults import RunLostError, TooBusyError
from lib.grading.sandbox.limits import Limits
from lib.units import COURSE

ADDRESS = "ZEROLAYER_WARM"
"""The environment variable with the folder of a warm process to share. The folder's name has its owner's process id."""
ENVIRONMENT = {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONHASHSEED": "0"}
INHERITED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")
"""Variables that a warm process inherits. It gets no others, since kernels can read its initial environment."""
VARIABLES = re.compile("LANG|LC_.*|TZ|MPLBACKEND|IPYKERNEL_.*|NBGRADER_.*")
"""Variables that a kernel gets from our environment."""
START_TIMEOUT = 600
"""The time limit in seconds for a warm process to start and fork a kernel. It needs a few, or minutes when busy."""
LONGEST_FOLDER = 58
"""Bytes of a temporary folder's path. Linux allows 107 for a socket's address, and ours adds 49."""
TICK = 0.1
"""Seconds between two measurements of how long a kernel has waited for a processor."""
THIS = Path("/proc/thread-self")
CHUNK = 2**18
"""Bytes to receive at a time: about the size of a socket's buffer."""


def spawn(files: Mapping[str, bytes], limits: Mapping[str, Any] = {}) -> "KernelClient":
    """Start a kernel with these files in its working directory. Raises `RunLostError` if that is impossible."""
    environment = {name: value for name, value in os.environ.items() if VARIABLES.fullmatch(name)}
    environment["NBGRADER_EXECUTION"] = "autograde"  # checks then read the challenge's file
    return ForkServer.shared().fork(write_request(environment, asdict(Limits(**limits)), files))


def write_request(environment: Mapping[str, str], limits: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return a request for a kernel, from the fields of its `Limits` and the files in its working directory."""
    sizes = {name: len(content) for name, content in files.items()}
    words = {"environment": dict(environment), "limits": dict(limits), "files": sizes}
    return b"".join((json.dumps(words).encode() + b"\n", *files.values()))


class ForkServer:
    """A warm process, identified by the folder of its socket. A request starts it if it isn't running."""

    def __init__(self, folder: Path, course: str = ""):
        """Set the folder of the socket, and the folder `course` with units that its kernels have."""
        self.folder, self.course = folder, {COURSE: course} if course else {}
        self.name = f"warm-{zlib.crc32(course.encode()):08x}"
        self.log = folder / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def shared(cls) -> "ForkServer":
        """Return the server that this process shares with its parents and children, through the environment."""
        if not _is_in_use(os.environ.get(ADDRESS, "")):
            os.environ[ADDRESS] = _make_folder(os.getpid())
        return _fork_server(os.environ[ADDRESS], os.environ.get(COURSE, ""))

    def fork(self, request: bytes) -> "KernelClient":
        """Request a kernel, and wait until it is ready.

        Raises `RunLostError` if that is impossible, or if the warm process ended, and a new one ended too.
        """
        if client := self._fork(request) or self._fork(request):
            return client
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        last_line = next((f"Its last output: {line}" for line in reversed(lines) if line.strip()), "It had no output.")
        raise RunLostError(f"The warm process ended. {last_line}")

    def _fork(self, request: bytes) -> "KernelClient | None":
        """Return a kernel, or None if the warm process ended."""
        line = self._connect_or_start()
        if line is None:
            return None
        line.settimeout(START_TIMEOUT)
        word, handles = b"", list[int]()
        with suppress(OSError):
            word, handles, *_ = socket.recv_fds(line, CHUNK, 1)
        if not handles:
            line.close()
            if not word:
                return None
            raise RunLostError(word.decode().strip())
        client = KernelClient(line, handles[0], word.strip())
        why = client.begin(request)
        if why is None:
            return client
        client.__exit__()
        if not why:
            return None
        raise RunLostError(why)

    def is_running(self) -> bool:
        """True if the warm process takes requests."""
        try:
            self._connect().close()
        except OSError:
            return False
        return True

    def start(self) -> None:
        """Start the process if it isn't running. Doesn't wait until it is warm."""
        with (self.folder / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # other processes that share the folder may try to start it, too
            if not self.is_running():
                self._start()

    def _connect_or_start(self) -> socket.socket | None:
        with suppress(OSError):
            return self._connect()
        self.start()
        with suppress(OSError):
            return self._connect()
        return None

    def _connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(self.folder / self.name))
        except OSError:
            line.close()
            raise
        return line

    def _start(self) -> None:
        (self.folder / self.name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener, self.log.open("wb") as log:
            listener.bind(str(self.folder / self.name))
            listener.listen(256)
            words = [str(listener.fileno()), str(_owner_of(self.folder))]
            self.process = subprocess.Popen(
                [sys.executable, "-m", forkserver.__name__, *words],
                cwd=self.folder,
                env=ENVIRONMENT | {name: os.environ[name] for name in INHERITED if name in os.environ} | self.course,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # without Ctrl-C: the command handles it, and ends its kernels
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@cache
def _fork_server(folder: str, course: str) -> ForkServer:
    return ForkServer(Path(folder), course)


@cache
def _make_folder(number: int) -> str:
    # Cached: a process has one folder, with its id in the name, for all of its warm processes.
    usual = gettempdir()
    near = Path(usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else "/tmp")
    folder = mkdtemp(prefix=f"warm-{number}-", dir=near)
    # `_tidy` does nothing in forks of this process. If this one is killed, the warm process removes the folder.
    atexit.register(_tidy, number, folder)
    return folder


def _tidy(number: int, folder: str) -> None:
    if number == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def _owner_of(folder: Path) -> int:
    return int(folder.name.split("-")[1])


def _is_in_use(folder: str) -> bool:
    """True if a folder belongs to this account, and the process that made it still runs."""
    try:
        os.kill(_owner_of(Path(folder)), 0)  # signal 0 only tests for existence
        return Path(folder).stat().st_uid == os.geteuid()
    except (OSError, ValueError, IndexError):
        return False


class KernelClient(AbstractContextManager["KernelClient"]):
    """A forked kernel and the connection to it. Leaving its context ends the kernel."""

    def __init__(self, line: socket.socket, handle: int, word: bytes):
        """Talk over the connection `line` to the kernel with the pidfd `handle`, which sends `word` before it ends."""
        self._line, self.handle, self._word = line, handle, word
        self._complete: deque[bytes] = deque()
        self._partial, self._is_skipping = bytearray(), False
        self.received = 0
        """Bytes received from the kernel so far."""
        self.end: tuple[int, float] | None = None
        """The exit code and the processor time, once the connection is closed; None if it is unknown."""
        self.was_killed = False
        """True if this side has ended the kernel."""
        self.latest = inf
        """The value of `time.monotonic` from which on the machine counts as too busy for this kernel."""
        number = re.search(r"Pid:\s*(\S+)", Path(f"/proc/self/fdinfo/{handle}").read_text())
        self._tasks = Path("/proc", number[1] if number else "", "task")
        self._waits, self._waited, self._looked = dict[Path, float](), 0.0, -inf

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._line.close()
        os.close(self.handle)

    def begin(self, request: bytes) -> str | None:
        """Send the request. Return None if the kernel is ready, else why it isn't: "" if the warm process ended."""
        with suppress(ConnectionError):
            self._line.sendall(request)
        for words in self.messages(self.clock() + START_TIMEOUT):
            message = json.loads(words)
            return message if isinstance(message, str) else None
        return f"The kernel ended before it could start, with code {self.end[0]}." if self.end else ""

    def run(self, code: str, token: str, seconds: float) -> None:
        """Send a cell to run; its reply will repeat the token.

        Raises `TimeoutError` if the kernel doesn't receive it in time.
        """
        self._line.settimeout(seconds)
        with suppress(ConnectionError):  # `messages` then ends at once
            self._line.sendall(json.dumps([code, token]).encode() + b"\n")

    def clock(self) -> float:
        """Return the time in seconds, minus the time that the kernel or this thread has waited for a processor.

        In each `TICK` only the thread that has waited longest counts: others wait for it, or for the same processors.
        """
        if monotonic() > self._looked + TICK:
            self._looked, before = monotonic(), self._waits
            self._waits = {task: seconds_waited(str(task)) for task in (THIS, *self._tasks.glob("*"))}
            self._waited += max([0.0, *(waited - before.get(task, 0.0) for task, waited in self._waits.items())])
        return monotonic() - self._waited

    def messages(self, until: float) -> Iterator[bytes]:
        """Yield the kernel's messages until it closes the connection; b"" in place of one that is too long.

        Raises `TimeoutError` when `clock` reaches `until`, and `TooBusyError`.
        """
        while True:
            while self._complete:
                words = self._complete.popleft()
                if words.startswith(self._word):
                    self.end = tuple(json.loads(words.removeprefix(self._word)))
                else:
                    yield words
            if not self._receive(until):
                return

    def _receive(self, until: float) -> bool:
        """Receive bytes for at most a `TICK`; return False once the connection is closed."""
        left = until - self.clock()
        if left <= 0:
            raise TimeoutError
        if monotonic() > self.latest:
            raise TooBusyError("it could not be run: this machine was too busy. Grade again when it has less to do")
        self._line.settimeout(min(left, TICK))
        try:
            more = self._line.recv(CHUNK)
        except TimeoutError:
            return True
        except ConnectionError:
            more = b""
        self.received += len(more)
        # Only the new bytes are searched for line ends: a message that comes byte by byte must not take quadratic time.
        first, *others = more.split(b"\n")
        self._partial += first
        for begun in others:
            if self._partial or self._is_skipping:
                self._complete.append(b"" if self._is_skipping else bytes(self._partial))
            self._partial, self._is_skipping = bytearray(begun), False
        if len(self._partial) > MAX_MESSAGE:
            self._partial.clear()
            self._is_skipping = True
        return bool(more)

    def has_ended(self, within: float = 0) -> bool:
        """True if the process has ended, or ends `within` some seconds."""
        return bool(select.select([self.handle], [], [], within)[0])

    def signal(self, number: int) -> None:
        """Send a signal. The kernel receives only SIGKILL and signals that it has a handler for."""
        with suppress(ProcessLookupError):
            pidfd_send_signal(self.handle, number)

    def kill(self) -> None:
        """Kill the kernel. Can be called from any thread."""
        self.was_killed = self.was_killed or not self.has_ended()
        with suppress(OSError):
            self.signal(SIGKILL)
