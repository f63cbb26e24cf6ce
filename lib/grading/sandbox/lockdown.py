"""The lock-down: what a forked kernel gives up before any student code runs. To audit the sandbox, read `confine`.

    prepare()              # once, in the warm process
    if fork() == 0:        # for each kernel
        confine(limits, files, keep)  # in the child, before any student code

`confine` closes one lock after another; each makes the next one possible or safe, so their order matters. Where the
system refuses a step, `NotConfined` is raised, and the child must end. Below it stands what a kernel sees of the
machine (`view`) and which system calls it has (`ALLOWED` and what follows). docs/threat-model.md names the attacks.
"""

import ctypes
import errno
import itertools
import os
import select
import selectors
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from signal import SIGKILL
from typing import NamedTuple

import lib.units
from lib.grading import unit_registry
from lib.grading.files import write_files
from lib.grading.sandbox.limits import Limits

NOBODY = 65534
STUDENT = 1000
"""The user that code in the sandbox takes itself for. To the machine it is nobody, or whoever started the grading."""
SCRATCH, TEMPORARY, SHARED = "/scratch", "/tmp", "/dev/shm"
"""What can be written. All three are one file system in memory, of bounded size."""
WORK, HOME = f"{SCRATCH}/work", f"{SCRATCH}/home"
ENVIRONMENT = {
    "HOME": HOME,
    "IPYTHONDIR": f"{HOME}/.ipython",
    **dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), f"{HOME}/.jupyter"),
    "MPLCONFIGDIR": f"{HOME}/.matplotlib",
    "TMPDIR": TEMPORARY,
}
"""Where programs keep their own files: all of it in scratch."""

# ---- Linux, as far as Python's standard library doesn't have it (os.unshare and os.setns come with 3.12).

MOUNTS, CGROUP, NAMES, IPC, USERS, PIDS, NETWORK = (1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))
"""Kinds of namespace."""
READ_ONLY, NO_SETUID, NO_DEVICES, NOEXEC, BIND, AND_BELOW, PRIVATE, DETACH = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000, 2
"""What a mount forbids (writing, set-user-id programs, device files, running files), and how it is made."""
PARENT_DEATH, DUMPABLE, SECCOMP, IS_BOUNDING, DROP_BOUNDING, NO_NEW_PRIVILEGES = 1, 4, 22, 23, 24, 38
"""What prctl is asked for."""
MOUNT_SETATTR, HERE, RECURSIVELY, HIGHEST_DESCRIPTOR = 442, -100, 0x8000, 2**31 - 2
COLLAPSE, LARGE = 25, 2**21
"""What madvise is asked for, and the bytes of a large page."""
_libc = ctypes.CDLL(None, use_errno=True)


def linux(call: str, *arguments: object) -> int:
    """Call a function of C's library, with 0 for all that it may be given besides; raise what Linux has against it."""
    given = [each.encode() if isinstance(each, str) else each for each in (*arguments, *[0] * (6 - len(arguments)))]
    # As wide as a register: C's library takes any number of arguments, and ctypes would give it 32 bits of each.
    answer = getattr(_libc, call)(*(ctypes.c_long(each) if isinstance(each, int) else each for each in given))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(answer)


def mount(what: str | None, target: str, kind: str | None = None, how: int = 0, options: str = "") -> None:
    """Mount a file system of a kind, or have `what` appear at `target` too."""
    linux("mount", what, target, kind, how, options)


def restrict(target: str, forbids: int, how: int = RECURSIVELY) -> None:
    """Forbid more on the mount at `target`, and on those below it, which mount(2) would leave writable."""
    wanted = (ctypes.c_uint64 * 4)(forbids, 0, 0, 0)
    linux("syscall", MOUNT_SETATTR, HERE, target, how, ctypes.byref(wanted), ctypes.sizeof(wanted))


def use_large_pages() -> None:
    """Have Linux, from 6.1 on, keep this process's memory in large pages: each fork notes every page of its parent's.

    Where it refuses, as for memory that nobody has written to, all stays as it was.
    """
    for line in Path("/proc/self/maps").read_text().splitlines():
        where, rights, _, _, _, *name = line.split()
        low, high = (int(end, 16) for end in where.split("-"))
        if rights.startswith("rw") and name in ([], ["[heap]"]):
            for at in range(-(-low // LARGE) * LARGE, high - LARGE + 1, LARGE):
                with suppress(OSError):
                    linux("madvise", at, LARGE, COLLAPSE)


def die_with_parent() -> None:
    """Have Linux kill this process when its parent ends."""
    linux("prctl", PARENT_DEATH, int(SIGKILL))


def silence_standard_streams() -> None:
    """Read nothing from standard input, and lose what is written to output and error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def assert_one_thread() -> None:
    """Raise `RuntimeError` if this process has more than one thread: the others hold locks that a fork never opens."""
    # Not `threading`: it knows nothing of threads that a library has started.
    if (number := len(os.listdir("/proc/self/task"))) != 1:  # noqa: PTH208  # a count, not paths
        raise RuntimeError(f"A process with {number} threads can't be forked safely; start none before.")


def read_text(path: Path) -> str:
    """Read one of the system's settings; "" where it isn't there."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class NotConfined(Exception):
    """A step of the lock-down failed. Whoever catches it must not run student code in this process."""

    def __init__(self, step: str, reason: str):
        super().__init__(f"The sandbox can't be set up: {step}: {reason}. Try `zerolayer doctor`.")
        self.step, self.reason = step, reason


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name what is being done; raise `NotConfined` with that name if the system refuses."""
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        place = error.filename if isinstance(error, PermissionError) and isinstance(error.filename, str) else ""
        reason = getattr(error, "strerror", None) or str(error)
        raise NotConfined(name, f"{place}: {reason}" if place else reason) from error


# ---- The warm process


_is_root = False
"""Whether the warm process is a real root: one that may do anything, and knows a user nobody to become."""
_groups: Path | None = None
"""Where memory groups may be made, if anywhere."""
_own: int | None = None
"""Its own PID namespace, once it is prepared."""
_has_units = False
"""Whether it has all units in memory, so that no kernel needs their files."""


def hide_units() -> None:
    """Called once the warm process has imported the units. Their files say what is right: kernels don't see them."""
    global _has_units
    _has_units = True


def prepare() -> None:
    """Called once, early in the warm process: makes it able to fork children into namespaces of their own.

    The caller goes on as process 1 of a new PID namespace; the process that it was stays behind, only to end when it
    ends and with its exit code, and to take it along when killed. Raises `NotConfined` where the system refuses.
    """
    global _is_root, _groups, _own
    # Both are kept from here on: what is worked out before the fork is not worked out in each child.
    for commands in (False, True):
        with step("system calls"):
            compiled_calls(commands)
        view(commands)
    _is_root, _groups = _is_real_root(), find_groups()
    if not _is_root:
        with step("user namespace"):  # going back from a child's PID namespace takes rights over one's own
            _new_users("/proc/self", os.geteuid(), os.getegid())
    assert_one_thread()
    sweep_groups()
    with step("process namespace"):
        linux("unshare", PIDS)
        _go_on_as_child()
        _own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def _go_on_as_child() -> None:
    """Fork, and return in the child alone."""
    parent = os.pidfd_open(os.getpid())  # by which the child sees whether its parent died before `die_with_parent`
    child = os.fork()
    if child:
        # Who waits here holds nothing open: a socket or pipe of the child's closes when the child does.
        os.closerange(0, HIGHEST_DESCRIPTOR)
        _, status = os.waitpid(child, 0)
        sweep_groups()
        code = os.waitstatus_to_exitcode(status)
        # A shell tells the end by a signal in this way. Without exit handlers: they are the child's to run.
        os._exit(code if code >= 0 else 128 - code)
    die_with_parent()
    if select.select([parent], [], [], 0)[0]:
        os._exit(1)
    os.close(parent)


def fork() -> int:
    """Fork the warm process; give the child's id in the parent, and 0 in the child, where `confine` must come next.

    The child is the first process of a PID namespace of its own: its end ends all processes in it.
    Raises `RuntimeError` if the process was not prepared or has more than one thread.
    """
    if _own is None:
        raise RuntimeError("Call prepare() before fork().")
    assert_one_thread()
    sweep_groups()
    with step("process namespace"):
        linux("unshare", PIDS)
        child = -1
        try:
            child = os.fork()
        finally:
            # Also where the fork failed: else the next child would be born into this one's namespace.
            if child:
                linux("setns", _own, PIDS)
    return child


def _is_real_root() -> bool:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    ranges = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    knows_nobody = any(first <= NOBODY < first + count for first, _, count in ranges)
    # 21 is CAP_SYS_ADMIN: root of a container may lack it.
    return os.geteuid() == 0 and bool(int(status["CapEff"], 16) >> 21 & 1) and knows_nobody


def _new_users(me: str, user: int, group: int) -> None:
    """Enter a user namespace that knows one user and one group, ourselves; `me` is our folder in a /proc."""
    outside = (os.geteuid(), os.getegid())
    linux("unshare", USERS)
    Path(me, "setgroups").write_text("deny")  # else an ordinary user may not write the group's map
    Path(me, "uid_map").write_text(f"{user} {outside[0]} 1")
    Path(me, "gid_map").write_text(f"{group} {outside[1]} 1")


# ---- The child


def confine(limits: Limits, files: Mapping[str, bytes], keep: Iterable[int]) -> None:
    """Called in the child right after `fork`; afterwards student code may run, in as many threads as it likes.

    The working directory is `WORK`, where `files` lie by relative path such as `data/train.csv`; standard input and
    output are gone. Of the descriptors those to `keep` stay open. Raises `NotConfined`.
    """
    owner = (NOBODY, NOBODY) if _is_root else (os.geteuid(), os.getegid())

    with step("descriptors"):  # stops: what the warm process has open; typing into a terminal
        os.setsid()  # and a share of the processor of its own, where Linux counts by session
        edges = [2, *sorted(set(keep) - {0, 1, 2}), HIGHEST_DESCRIPTOR + 1]
        for low, high in itertools.pairwise(edges):
            os.closerange(low + 1, high)
        # Our own folder in the machine's /proc: the kernel's, which comes later, can't be written to.
        me = f"/proc/self/fd/{os.open('/proc/self', os.O_PATH | os.O_DIRECTORY)}"

    with step("memory group"):  # stops: what processes, scratch and Linux's own buffers take together
        if _groups:  # all that comes after it counts for the kernel
            _enter_group(_groups, limits)
        Path(me, "oom_score_adj").write_text("1000")  # where memory runs out, kernels end first

    with step("own namespaces"):  # stops: abstract sockets and the network of others, System V's memory, mounts
        # Not time: its clocks are nobody's secret. Users come last: a new user namespace gives up rights over these.
        linux("unshare", MOUNTS | NETWORK | IPC | NAMES | CGROUP)
        # systemd shares all mounts: without this the private root would appear on the machine, and pivot_root fail.
        mount(None, "/", how=PRIVATE | AND_BELOW)
        socket.sethostname("sandbox")

    with step("private root"):  # stops: all files of the machine's; filling its disk
        _enter_private_root(limits, owner)

    with step("another user"):  # stops: root's rights over what is shown, and its freedom from limits
        # After the mounts, which need root's rights; before the files, which are to be the kernel's own.
        if _is_root:
            os.setgroups([])  # groups first: who is no longer root can't leave them
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            linux("prctl", DUMPABLE, 1)  # Linux took it away with the user, and the maps of a user namespace need it

    with step("files"):  # stops nothing; what they take counts for the kernel, and none leads out of its folder
        write_files(files, Path())

    with step("inner user namespace"):  # stops: taking another kernel's share of threads, which Linux counts by it
        _new_users(me, STUDENT, STUDENT)
        os.close(int(me.rpartition("/")[2]))

    with step("limits"):  # stops: more memory, time, threads and descriptors than its own
        limits.impose()

    with step("capabilities"):  # stops: gaining rights in the namespaces above, by programs too
        # Out of the bounding set too: else they would come back with a program that has them.
        for capability in itertools.takewhile(_is_capability, itertools.count()):
            linux("prctl", DROP_BOUNDING, capability)
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        linux("capset", header, none)
        linux("prctl", DUMPABLE, 0)

    os.environ.update(ENVIRONMENT)
    tempfile.tempdir = TEMPORARY
    # asyncio's, which would ask for epoll; set by name, since typeshed has a type for each system
    vars(selectors)["DefaultSelector"] = selectors.PollSelector
    with step("standard streams"):  # stops: writing to the grader's terminal
        silence_standard_streams()

    with step("no new privileges"):  # stops: set-user-id programs, which the filter below could mislead
        linux("prctl", NO_NEW_PRIVILEGES, 1)

    with step("system calls"):  # stops: processes, sockets, memory that counts for nobody, most of Linux's own faults
        # Last: all that stands above needs calls that are gone now.
        calls = compiled_calls(limits.commands)
        linux("prctl", SECCOMP, 2, ctypes.byref(_Program(len(calls) // 8, calls)))


def _is_capability(number: int) -> bool:
    try:
        return linux("prctl", IS_BOUNDING, number) >= 0
    except OSError:  # beyond the last one that this Linux knows
        return False


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


# ---- Memory groups: Linux's cgroups, of the second version. Only root may make some, or whom systemd lets do so.

GROUPS = Path("/sys/fs/cgroup")
GROUP = "zerolayer-"
"""How the names of kernels' groups begin; the kernel's number follows."""


def find_groups() -> Path | None:
    """Find a group in which this process may make others that bound memory: the nearest one from its own upwards."""
    [own] = [line[4:] for line in read_text(Path("/proc/self/cgroup")).splitlines() if line[:4] == "0::/"] or [""]
    for folder in (GROUPS / own, *(GROUPS / own).parents):
        writable = (os.access(path, os.W_OK, effective_ids=True) for path in (folder, folder / "cgroup.procs"))
        if "memory" in read_text(folder / "cgroup.subtree_control").split() and all(writable):
            return folder
        # Whoever bounded this process meant its kernels too.
        if folder == GROUPS or read_text(folder / "memory.max") not in ("", "max"):
            break
    return None


def _enter_group(groups: Path, limits: Limits) -> None:
    """Make a group of one's own, bound it, and move there. A kernel that takes more is ended by Linux."""
    folder = groups / f"{GROUP}{Path('/proc/self').readlink()}"  # its number as the machine knows it
    folder.mkdir(exist_ok=True)
    # No swap, which would be memory beyond the bound. oom.group: all processes of a kernel end together.
    bounds = {"memory.swap.max": 0, "memory.oom.group": 1, "pids.max": limits.tasks}
    for name, bound in {"memory.max": limits.memory + limits.scratch, **bounds}.items():
        if (folder / name).exists():  # some a machine may not have switched on
            (folder / name).write_text(str(bound))
    (folder / "cgroup.procs").write_text("0")  # who writes this


def sweep_groups() -> None:
    """Remove the groups of kernels that have ended, those of a killed warm process too."""
    for folder in _groups.glob(f"{GROUP}*") if _groups else ():
        if not read_text(Path("/proc", folder.name.removeprefix(GROUP), "cmdline")):  # gone, or waits to be reaped
            with suppress(OSError):  # somebody is in it, or others were quicker
                folder.rmdir()


# ---- What is seen of the machine: of each prefix its `lib`, not the prefix itself, which may hold a whole course; of
# this package and of units the open half. Over the closed ones lies a folder with nothing in it but a notice.

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_FOR_SCRATCH = (SCRATCH, TEMPORARY, "/dev", SHARED)
_SITE = "/tmp"
"""Where the new root is put together. It hides what was there, so that all sources are opened before."""
_SYSTEM = """
    /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /usr/share/fonts /usr/share/fontconfig /usr/local/share/fonts
    /usr/share/zoneinfo /etc/alternatives /etc/fonts /etc/ld.so.cache /etc/localtime
"""
_COMMANDS = "/bin /usr/bin /usr/local/bin /usr/share"
_WRITTEN = {
    "/etc/passwd": f"student:x:1000:1000:student:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "student:x:1000:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_NOTICE = "raise ModuleNotFoundError(f'No module named {__name__!r} where submissions run', name=__name__)\n"
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    **{f"/dev/{name}": f"fd/{number}" for number, name in enumerate(("stdin", "stdout", "stderr"))},
    "/dev/ptmx": "pts/ptmx",
}


class View(NamedTuple):
    """What of the machine is seen in a sandbox, each thing at its own path. Paths are text, for speed."""

    folders: tuple[str, ...]  # made empty, to have something to mount on; each after the one that it is in
    files: tuple[str, ...]  # likewise
    shown: tuple[str, ...]  # folders and files that appear as they are, and can only be read
    links: dict[str, str]  # symbolic links, and where they lead
    hidden: tuple[str, ...]  # folders among the shown ones over which another is laid, wherever they are installed
    units: tuple[str, ...]  # likewise, once they are in memory


def view(commands: bool) -> View:
    """Look at this machine, and choose what is seen of it; with `commands`, programs are too."""
    return _look(commands, tuple(lib.units.__path__))


@cache
def _look(commands: bool, units_in: tuple[str, ...]) -> View:
    """Do it once for each course, whose units lie in a folder of their own."""
    prefixes = [Path(prefix) for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.prefix)]
    named = [prefix / part for prefix in prefixes for part in ("lib", "lib64", "bin", "pyvenv.cfg")]
    named += [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    named += [Path(path) for path in (_SYSTEM + (_COMMANDS if commands else "")).split()]
    named += [package := Path(lib.__file__).parent, *(unit.folder for unit in unit_registry.find_all().values())]
    found = [path for each in named for path in (each, each.resolve()) if path.exists()]
    links = {path: str(path.readlink()) for path in found if path.is_symlink()}
    links = {path: goal for path, goal in links.items() if not any(folder in links for folder in path.parents)}
    shown = _outermost(path for path in found if not any(folder in links for folder in (path, *path.parents)))
    packages = {package, package.resolve()} | {each for path in shown for each in path.glob("python*/*-packages/lib")}
    closed = [folder for each in packages for folder in unit_registry.closed_folders(each)]
    of_units = [unit.closed for unit in unit_registry.find_all().values()]
    closed += [folder for each in of_units for folder in (each, each.resolve()) if folder.is_dir()]
    places = [Path("/proc"), Path("/dev/pts"), *(path for path in shown if path.is_dir())]
    files = [str(path) for path in shown if not path.is_dir()]
    inner = {folder for path in [*places, *links, *map(Path, (*files, *_WRITTEN))] for folder in path.parents}
    folders = sorted({*places, *inner} - set(map(Path, ("/", *_FOR_SCRATCH))), key=lambda path: len(path.parts))
    known_links = {str(path): goal for path, goal in links.items()} | _LINKS
    hidden = tuple(dict.fromkeys(map(str, closed)))
    opened = [*(each / "units" for each in packages), *(unit.folder for unit in unit_registry.find_all().values())]
    of_units = _outermost(folder for each in opened for folder in (each, each.resolve()) if folder.is_dir())
    rest = (*files, *DEVICES), tuple(map(str, shown)), known_links, hidden, tuple(map(str, of_units))
    return View(tuple(map(str, folders)), *rest)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Leave out what lies below another of the paths."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def _enter_private_root(limits: Limits, owner: tuple[int, int]) -> None:
    """Put the new root together and enter it. Scratch belongs to `owner`, a user and a group."""
    os.umask(0o022)  # the kernel's user has to read what root makes here, whatever a shell's umask is
    seen = view(limits.commands)
    sources = {path: os.open(path, os.O_PATH) for path in (*seen.shown, *DEVICES)}
    mount("tmpfs", _SITE, "tmpfs", options="mode=755,size=1m")
    # Scratch comes first: what is shown may lie in /tmp too.
    for path in _FOR_SCRATCH:
        os.mkdir(_SITE + path)  # noqa: PTH102  # text is what a view is made of
    forbids = NO_SETUID | NO_DEVICES | (0 if limits.commands else NOEXEC)
    bounds = f"size={limits.scratch},nr_inodes={limits.inodes}"
    mount("tmpfs", _SITE + SCRATCH, "tmpfs", forbids, f"mode=755,uid={owner[0]},gid={owner[1]},{bounds}")
    for folder, place in ((WORK, None), (HOME, None), (f"{SCRATCH}/tmp", TEMPORARY), (f"{SCRATCH}/shm", SHARED)):
        os.mkdir(_SITE + folder)  # noqa: PTH102  # a view's paths are text
        os.chown(_SITE + folder, *owner)
        if place:
            mount(_SITE + folder, _SITE + place, how=BIND)
    # What is ours alone, and a place for each thing that is not.
    for path in seen.folders:
        os.mkdir(_SITE + path)  # noqa: PTH102  # a view's paths are text
    for path in seen.files:
        os.close(os.open(_SITE + path, os.O_CREAT))
    for path, goal in seen.links.items():
        os.symlink(goal, _SITE + path)  # noqa: PTH211  # a view's paths are text
    for path, content in _WRITTEN.items():
        Path(_SITE + path).write_text(content)
    for path, source in sources.items():
        mount(f"/proc/self/fd/{source}", _SITE + path, how=BIND | AND_BELOW)
        os.close(source)
    for path in (*seen.hidden, *(seen.units if _has_units else ())):
        # Two inodes: the folder, and the notice in it.
        mount("tmpfs", _SITE + path, "tmpfs", options="mode=755,size=4k,nr_inodes=2")
        Path(f"{_SITE}{path}/__init__.py").write_text(_NOTICE)
    for path in seen.shown:
        restrict(_SITE + path, READ_ONLY | NO_SETUID | NO_DEVICES)
    for path in DEVICES:  # they can be written to all the same, but what is noted of them, such as times, stays
        restrict(_SITE + path, READ_ONLY | NO_SETUID)
    # Its own processes alone, to look at: a program could undo there that kernels end first where memory runs out.
    mount("proc", f"{_SITE}/proc", "proc", READ_ONLY | NO_SETUID | NO_DEVICES | NOEXEC, "subset=pid")
    if limits.commands:
        mount("devpts", f"{_SITE}/dev/pts", "devpts", NO_SETUID | NOEXEC, "newinstance,ptmxmode=666")
    restrict(_SITE, READ_ONLY | NO_SETUID | NO_DEVICES, how=0)
    # Not chroot, out of which root finds its way back. "." twice lays the old root over the new one, to be detached.
    os.chdir(_SITE)
    linux("pivot_root", ".", ".")
    linux("umount2", ".", DETACH)
    os.chdir(WORK)


# ---- System calls: the few hundred that a computation needs. All others are as if Linux never had them, and libraries
# that find it so fall back on older ones. What people know by name is refused with words that they understand.

ALLOWED = {
    "its own files, which the private root and the limits bound": """
        access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fallocate
        fchdir fchmod fchmodat fchmodat2 fchown fchownat fgetxattr flistxattr fstat fstatfs ftruncate futimesat getcwd
        getdents getdents64 getxattr lchown lgetxattr link linkat listxattr llistxattr lseek lstat mkdir mkdirat
        newfstatat open openat openat2 pread64 preadv pwrite64 pwritev read readlink readlinkat readv rename renameat
        renameat2 rmdir sendfile stat statfs statx symlink symlinkat truncate umask unlink unlinkat utime utimensat
        utimes write writev""",
    "its own memory, which a limit bounds": """
        brk get_mempolicy membarrier mlock mlock2 mmap mprotect mremap mseal munlock munmap""",
    "its own threads, which a limit bounds, and their shares of the processor": """
        arch_prctl exit exit_group futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list getcpu rseq
        sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler
        sched_rr_get_interval sched_setaffinity sched_setparam sched_setscheduler sched_yield set_robust_list
        set_tid_address""",
    "signals, which reach nobody outside its namespace": """
        alarm kill pause pidfd_open pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask
        rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4
        tgkill tkill wait4 waitid""",
    "time, to read and to wait for": """
        clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create
        timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
        times""",
    "waiting, without epoll: what that notes outlives its descriptor, and counts for all kernels": """
        eventfd eventfd2 pipe pipe2 poll ppoll pselect6 select""",
    "talking on sockets that it has: the line to its caller, and pairs of its own": """
        getpeername getsockname getsockopt recvfrom sendto shutdown""",
    "questions about itself, and stricter limits": """
        capget getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom getresgid
        getresuid getrlimit getrusage getsid gettid getuid prlimit64 setpgid setpriority setrlimit setsid sysinfo
        uname""",
}
"""Calls that are allowed whatever their arguments are, by what they are for.

Not among them: messages that carry descriptors, since those under way count for all kernels of a user; names for
sockets, listening and larger buffers, since what is queued counts for nobody; what acts on a library file that all
kernels share (leases, locks, notices, which pages are in memory): it stops others, or can be felt by them.
"""
SOME = {
    # Duplicates, and what a descriptor's flags, pipe and seals are. Not: leases, notices, owners, sizes of pipes.
    "fcntl": (1, (0, 1, 2, 3, 4, 1030, 1032, 1034)),
    # Is this a terminal and how large, how much can be read, don't wait, close on exec.
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A)),
    # What allocators say of their own memory. Not: pages to be shared with equal ones of others, or put out of memory.
    "madvise": (2, (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23, 102, 103)),
    # A thread's name, whether one may be looked into, names of memory areas.
    "prctl": (0, (15, 16, 3, 0x53564D41)),
}
"""Calls of which only some commands are allowed: which argument names the command, and what it may be."""
REFUSED = "accept bind connect listen setsockopt"
RECORD_LOCKS = (6, 7, 37, 38)
"""`fcntl`'s commands that take locks. Who is alone with the own files would be given each, and so is told that it was.
No lock is taken: on a library file another kernel would feel it, and locks take memory that counts for nobody."""
WAITS_FOR_DISK = "fdatasync flock fsync"
"""Done at once: scratch is memory, and there is no disk to wait for but the grader's own."""
PROGRAMS = "fork vfork execve"
"""Starting processes, where a course allows commands; refused elsewhere."""
THREAD, NAMESPACES, MS_SYNC = 0x00010000, 0x7E020000, 4
"""`clone`'s flags of a new thread, as opposed to a new process, and of new namespaces; `msync`'s that waits."""


@cache
def compiled_calls(commands: bool) -> bytes:
    """Compile what is allowed for seccomp; with `commands`, starting processes is too.

    Raises `ImportError` or `RuntimeError` where seccomp's library is missing.
    """
    import pyseccomp as seccomp  # Where its library is missing, importing it fails: a step of the lock-down.

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    allowed, refused, pretended = seccomp.ALLOW, seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(0)

    def add(action: int, names: str, *conditions: seccomp.Arg) -> None:
        for name in names.split():
            if (number := seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)) != -1:
                rules.add_rule(action, number, *conditions)

    def bits(argument: int, mask: int, value: int) -> seccomp.Arg:
        return seccomp.Arg(argument, seccomp.MASKED_EQ, mask, value)

    add(allowed, " ".join(ALLOWED.values()))
    for name, (argument, known) in SOME.items():
        for command in known:
            add(allowed, name, bits(argument, 0xFFFFFFFF, command))
    add(allowed, "socket socketpair", seccomp.Arg(0, seccomp.EQ, socket.AF_UNIX))
    add(refused, "socket socketpair", seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    add(refused, REFUSED)
    for command in RECORD_LOCKS:
        add(pretended, "fcntl", bits(1, 0xFFFFFFFF, command))
    add(pretended, WAITS_FOR_DISK)
    add(pretended, "msync", bits(2, MS_SYNC, MS_SYNC))
    add(allowed, "msync", bits(2, MS_SYNC, 0))
    if commands:
        add(allowed, f"{PROGRAMS} ioctl")
        add(allowed, "clone", bits(0, NAMESPACES, 0))
    else:
        add(refused, f"{PROGRAMS} execveat")
        add(allowed, "clone", bits(0, NAMESPACES | THREAD, THREAD))
        add(refused, "clone", bits(0, THREAD, 0))
    with os.fdopen(os.memfd_create("rules"), "r+b") as compiled:
        rules.export_bpf(compiled)
        compiled.seek(0)
        return compiled.read()
