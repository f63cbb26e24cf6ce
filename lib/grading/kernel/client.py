"""The caller's end: it finds or starts a warm process, has a kernel forked, sends cells and receives messages.

Student code can send anything over its line, of any length and at any time. A message that is too long is dropped
while it comes in, and the caller sets a time limit. `forkserver` and `server` are the other ends.
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
from collections.abc import Callable, Iterator, Mapping
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
from lib.grading.files import TEMPORARY, lay_out, make_used, sweep
from lib.grading.kernel import MAX_MESSAGE, forkserver
from lib.grading.kernel.forkserver import Request, recv
from lib.grading.machine_faults import TooBusyError
from lib.grading.sandbox.limits import Limits
from lib.units import COURSE

ADDRESS = "ZEROLAYER_WARM"
"""The environment variable that names the folder of a warm process to share. It holds the maker's number."""
ENVIRONMENT = {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONHASHSEED": "0"}
INHERITED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")
"""The rest of the environment stays outside: a kernel can read what its warm process was started with."""
VARIABLES = re.compile("LANG|LC_.*|TZ|MPLBACKEND|IPYKERNEL_.*|NBGRADER_.*")
"""Names of what a locked kernel gets of our environment."""
STARTING = 600
"""Seconds that a warm process may take to become warm and fork a kernel; it needs a few, and a busy machine minutes."""
LONGEST_FOLDER = 58
"""Bytes of the path of a folder for temporary files: a socket's address may have 107, of which 49 are ours."""
ENDING = 10.0
"""Seconds in which a kernel that hung up may end: what closed its socket is most often its end. A busy one is slow."""
TICK = 0.1
"""Seconds after which it is looked at again how long a kernel has waited for a processor."""
THIS = Path("/proc/thread-self")
CHUNK = 2**18
"""Bytes that are received at a time: about what a socket holds."""


class ForkServerDied(RuntimeError):
    """The warm process ended, by no fault of the notebook's. Whoever asks again gets a new one."""


class KernelNotStarted(RuntimeError):
    """A child was forked and could not become a kernel; the message says why."""


def spawn(files: Mapping[str, bytes], locked: bool = True, limits: Mapping[str, Any] = {}) -> "KernelClient":
    """Have a kernel forked that finds these files where it works.

    Raises `KernelNotStarted` if there is a reason why it can't be, and `ForkServerDied` if another try may help.
    """
    server = ForkServer.shared(locked)
    environment = {**os.environ, "NBGRADER_EXECUTION": "autograde"}  # a challenge may lie beside the notebook
    if locked:
        known = {name: value for name, value in environment.items() if VARIABLES.fullmatch(name)}
        return server.fork(Request(known, limits=asdict(Limits(**limits)), files=files))
    environment.pop(ADDRESS, None)
    folder = mkdtemp(prefix="run-", dir=server.folder)  # removed with the warm process's own
    lay_out(files, Path(folder))
    client = server.fork(Request(environment, folder=folder))
    client.at_end = lambda: shutil.rmtree(folder, ignore_errors=True)
    return client


class ForkServer:
    """A warm process, found by the folder that holds its socket. Whoever finds it not running starts it."""

    def __init__(self, folder: Path, locked: bool = True, course: str = ""):
        """Look at nothing yet. Its kernels will be locked in, unless told otherwise.

        They have the units of the folder `course`, if it has any.
        """
        self.folder, self.course = folder, {COURSE: course} if course else {}
        self.kind = "locked" if locked else "open"
        self.name = "-".join([self.kind, *(f"{zlib.crc32(course.encode()):08x}" for course in self.course.values())])
        self.log = folder / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def shared(cls, locked: bool = True) -> "ForkServer":
        """Give the one that this process shares with its parents and children, through its environment."""
        if not _is_in_use(os.environ.get(ADDRESS, "")):
            os.environ[ADDRESS] = _make_folder(os.getpid())
        return _fork_server(os.environ[ADDRESS], locked, os.environ.get(COURSE, ""))

    def fork(self, request: Request) -> "KernelClient":
        """Have a kernel forked, and wait until it can be talked to.

        Raises `KernelNotStarted` if there is a reason why it can't be, and `ForkServerDied` if the warm process ended
        over it, and one started in its place too.
        """
        with suppress(ForkServerDied):
            return self._fork(request)
        return self._fork(request)

    def _fork(self, request: Request) -> "KernelClient":
        warm = self._connect_or_start()
        warm.settimeout(STARTING)
        words: dict[str, Any] = {}
        handles: list[int] = []
        ours, its = socket.socketpair()
        with its, suppress(OSError):
            words, handles = recv(warm)
            if handles:
                request.send(warm, its.fileno())
                words, _ = recv(warm)
        if handles and words.get("ready"):
            return KernelClient(handles[0], warm, ours)
        for each in (warm, ours):
            each.close()
        for handle in handles:
            os.close(handle)
        if "exit" in words:
            raise KernelNotStarted(f"The kernel ended before it could start, with code {words['exit']}.")
        if "failed" in words:
            raise KernelNotStarted(words["failed"])
        raise self._error_of_death()

    def start(self) -> None:
        """Start the process if there is none: it warms up while the caller does something else."""
        with (self.folder / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # others who know the folder may be about to start one
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
        warm = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            warm.connect(str(self.folder / self.name))
        except OSError:
            warm.close()
            raise
        return warm

    def _start(self) -> None:
        (self.folder / self.name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, self.log.open("wb") as log:
            listener.bind(str(self.folder / self.name))
            listener.listen(256)
            words = [str(listener.fileno()), str(_owner_of(self.folder)), self.kind]
            self.process = subprocess.Popen(
                [sys.executable, "-m", forkserver.__name__, *words],
                cwd=self.folder,
                env=ENVIRONMENT | {name: os.environ[name] for name in INHERITED if name in os.environ} | self.course,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for the command, which ends its kernels by itself
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _error_of_death(self) -> ForkServerDied:
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        said = next((f"It said: {line}" for line in reversed(lines) if line.strip()), "It said nothing.")
        return ForkServerDied(f"The warm process ended. {said}")


@cache
def _fork_server(folder: str, locked: bool, course: str) -> ForkServer:
    return ForkServer(Path(folder), locked, course)


@cache
def _make_folder(number: int) -> str:
    """Make a folder for the warm processes of this process, whose number it bears; the same one each time."""
    usual = gettempdir()
    near = Path(usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else "/tmp")
    sweep(near, TEMPORARY)
    made, _ = make_used(near, f"zerolayer-{number}-")  # its lock is held until this process ends
    folder = str(made)
    # When this process ends, and not when a copy of it does. A warm process does it for one that was killed.
    atexit.register(_tidy, number, folder)
    return folder


def _tidy(number: int, folder: str) -> None:
    if number == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def _owner_of(folder: Path) -> int:
    """Read the number of the process that made a warm process's folder."""
    return int(folder.name.split("-")[1])


def _is_in_use(folder: str) -> bool:
    """Tell whether a folder is ours, and the process that made it still there."""
    try:
        os.kill(_owner_of(Path(folder)), 0)  # no signal: it asks whether there is such a process
        return Path(folder).stat().st_uid == os.geteuid()
    except (OSError, ValueError, IndexError):
        return False


class KernelClient(AbstractContextManager["KernelClient"]):
    """A kernel that was forked for us, and the line to it; leaving its context ends it."""

    def __init__(self, handle: int, warm: socket.socket, line: socket.socket):
        """Take a descriptor of its process, the line to the warm process, and the one to the kernel."""
        self.handle, self._warm, self._line = handle, warm, line
        self._whole: deque[bytes] = deque()
        self._rest, self._passing = bytearray(), False
        self.received = 0
        """Bytes that the kernel has sent so far."""
        self.was_killed = False
        """Whether it was this side that ended it."""
        self.latest = inf
        """When `time.monotonic` says this, the machine is too busy for this kernel."""
        number = re.search(r"Pid:\s*(\S+)", Path(f"/proc/self/fdinfo/{handle}").read_text())
        self._tasks = Path("/proc", number[1] if number else "", "task")
        self._waits, self._waited, self._looked = dict[Path, float](), 0.0, -inf
        self.at_end: Callable[[], object] = lambda: None

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._line.close()
        self._warm.close()
        os.close(self.handle)
        self.at_end()

    def run(self, code: str, token: str, seconds: float, is_the_courses: bool = False) -> None:
        """Have a cell run, the course's own as `hooks` says, and its reply repeat the token.

        Raises `TimeoutError` if it isn't taken in time.
        """
        self._line.settimeout(seconds)
        with suppress(ConnectionError):  # `messages` will tell
            self._line.sendall(json.dumps([code, token, is_the_courses]).encode() + b"\n")

    def clock(self) -> float:
        """Return the time in seconds without waits for a processor, of the kernel or of this thread which serves it.

        In each `TICK` that thread counts which waited longest: others wait for it, or for the same processors.
        """
        if monotonic() > self._looked + TICK:
            self._looked, before = monotonic(), self._waits
            self._waits = {task: seconds_waited(str(task)) for task in (THIS, *self._tasks.glob("*"))}
            self._waited += max([0.0, *(waited - before.get(task, 0.0) for task, waited in self._waits.items())])
        return monotonic() - self._waited

    def messages(self, until: float) -> Iterator[bytes]:
        """Give each message that the kernel sends, until it hangs up; nothing in place of one that is too long.

        Raises `TimeoutError` when the kernel's `clock` says `until`, and `TooBusyError`.
        """
        while True:
            while self._whole:
                yield self._whole.popleft()
            if not self._receive(until):
                return

    def _receive(self, until: float) -> bool:
        """Wait for bytes, but not for long; return whether there may be more."""
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
        # What came before is not looked through again: byte by byte that would keep a processor busy.
        first, *others = more.split(b"\n")
        self._rest += first
        for begun in others:
            if self._rest or self._passing:
                self._whole.append(b"" if self._passing else bytes(self._rest))
            self._rest, self._passing = bytearray(begun), False
        if len(self._rest) > MAX_MESSAGE:
            self._rest.clear()
            self._passing = True
        return bool(more)

    def has_ended(self, within: float = 0) -> bool:
        """Tell whether the process has ended, or does so within some seconds."""
        return bool(select.select([self.handle], [], [], within)[0])

    def ended_with(self) -> tuple[int | None, float]:
        """End a kernel that hung up, unless it ends by itself; give its exit code and the seconds of processor time.

        The code is None where the warm process had ended and taken it along.
        """
        if not self.has_ended(within=ENDING):
            self.kill()
        with suppress(OSError):
            words, _ = recv(self._warm)
            return words.get("exit"), words.get("seconds", 0.0)
        return None, 0.0

    def signal(self, number: int) -> None:
        """Send a signal. Of those that it doesn't expect, only SIGKILL reaches a kernel that is locked in."""
        with suppress(ProcessLookupError):
            pidfd_send_signal(self.handle, number)

    def kill(self) -> None:
        """End the kernel at once; safe to call from any thread."""
        self.was_killed = self.was_killed or not self.has_ended()
        with suppress(OSError):
            self.signal(SIGKILL)
