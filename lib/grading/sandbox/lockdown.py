"""The lock-down: the steps by which a forked kernel gives up its rights. To audit the sandbox, read `confine`.

    prepare()              # once, in the warm process
    if fork() == 0:        # for each kernel
        confine(limits, files, keep)  # in the child, before any student code

The order of the steps in `confine` matters, since each one makes the next one possible or safe. If the system refuses
a step, `NotConfined` is raised, and the child must exit. After it come the files that a kernel can see (`view`), and
the system calls that it may use (`ALLOWED` and the following names). docs/threat-model.md lists the attacks.
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
"""The user id inside the sandbox. Outside it is NOBODY, or the account that started the grading."""
SCRATCH, TEMPORARY, SHARED = "/scratch", "/tmp", "/dev/shm"
"""The writable folders: one file system in memory, of limited size."""
WORK, HOME = f"{SCRATCH}/work", f"{SCRATCH}/home"
ENVIRONMENT = {
    "HOME": HOME,
    "IPYTHONDIR": f"{HOME}/.ipython",
    **dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), f"{HOME}/.jupyter"),
    "MPLCONFIGDIR": f"{HOME}/.matplotlib",
    "TMPDIR": TEMPORARY,
}
"""Folders for the files of programs, all in scratch."""

# ---- System calls that Python's standard library doesn't have (os.unshare and os.setns are new in 3.12).

MOUNTS, CGROUP, NAMES, IPC, USERS, PIDS, NETWORK = (1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))
"""Flags for the kinds of namespaces."""
READ_ONLY, NO_SETUID, NO_DEVICES, NOEXEC, BIND, AND_BELOW, PRIVATE, DETACH = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000, 2
"""Flags of mounts: read-only, no set-user-id programs, no device files, no programs; and how to mount."""
PARENT_DEATH, DUMPABLE, SECCOMP, IS_BOUNDING, DROP_BOUNDING, NO_NEW_PRIVILEGES = 1, 4, 22, 23, 24, 38
"""Options of prctl."""
MOUNT_SETATTR, HERE, RECURSIVELY, HIGHEST_DESCRIPTOR = 442, -100, 0x8000, 2**31 - 2
_libc = ctypes.CDLL(None, use_errno=True)


def linux(call: str, *arguments: object) -> int:
    """Call a function of the C library, with 0 for the remaining arguments. Raises OSError."""
    values = [each.encode() if isinstance(each, str) else each for each in (*arguments, *[0] * (6 - len(arguments)))]
    # ctypes would pass an int as 32 bits, but these functions read whole registers.
    result = getattr(_libc, call)(*(ctypes.c_long(each) if isinstance(each, int) else each for each in values))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def mount(what: str | None, target: str, kind: str | None = None, how: int = 0, options: str = "") -> None:
    """Mount a file system of a kind at `target`, or bind `what` to it."""
    linux("mount", what, target, kind, how, options)


def restrict(target: str, forbids: int, how: int = RECURSIVELY) -> None:
    """Set more restrictions on the mount at `target`, and on those below it, which mount(2) can't change."""
    wanted = (ctypes.c_uint64 * 4)(forbids, 0, 0, 0)
    linux("syscall", MOUNT_SETATTR, HERE, target, how, ctypes.byref(wanted), ctypes.sizeof(wanted))


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends."""
    linux("prctl", PARENT_DEATH, int(SIGKILL))


def silence_standard_streams() -> None:
    """Redirect standard input, output and error to /dev/null."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def assert_one_thread() -> None:
    """Raise `RuntimeError` if this process has several threads: locks of the others would stay locked in a fork."""
    # Not `threading`, which doesn't know threads that C libraries have started.
    if (number := len(os.listdir("/proc/self/task"))) != 1:  # noqa: PTH208  # a count, not paths
        raise RuntimeError(f"A process with {number} threads can't be forked safely. Fork before starting any.")


def read_text(path: Path) -> str:
    """Return the text of a system file; "" if there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class NotConfined(Exception):
    """A step of the lock-down failed. No student code must run in this process."""

    def __init__(self, step: str, reason: str):
        super().__init__(f"The sandbox can't be set up: {step}: {reason}. Try `zerolayer doctor`.")
        self.step, self.reason = step, reason


@contextmanager
def step(name: str) -> Iterator[None]:
    """Raise `NotConfined` with this name if the system refuses the step."""
    try:
        yield
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        place = error.filename if isinstance(error, PermissionError) and isinstance(error.filename, str) else ""
        reason = getattr(error, "strerror", None) or str(error)
        raise NotConfined(name, f"{place}: {reason}" if place else reason) from error


# ---- The warm process


_is_root = False
"""True if the warm process is a real root: one with all rights that can become the user NOBODY."""
_groups: Path | None = None
"""The cgroup in which memory groups can be made, if any."""
_namespace: int | None = None
"""A descriptor of the warm process's PID namespace, once it is prepared."""
_has_units = False
"""True if all units are in memory, so that no kernel needs their files."""


def hide_units() -> None:
    """Hide the units' files, which contain right results, from kernels. Call this after the units are imported."""
    global _has_units
    _has_units = True


def prepare() -> None:
    """Prepare the warm process for forks into their own namespaces. Call this once, early.

    The caller continues as process 1 of a new PID namespace. The original process waits for its end and returns its
    exit code; if killed, it takes the new one along. Raises `NotConfined` if the system refuses.
    """
    global _is_root, _groups, _namespace
    # Both are cached here, so that the forks need not compute them.
    for commands in (False, True):
        with step("system calls"):
            compiled_calls(commands)
        view(commands)
    _is_root, _groups = _is_real_root(), find_groups()
    if not _is_root:
        with step("user namespace"):  # gives the rights over our PID namespace that `fork` needs to return to it
            _new_users("/proc/self", os.geteuid(), os.getegid())
    assert_one_thread()
    sweep_groups()
    with step("process namespace"):
        linux("unshare", PIDS)
        _go_on_as_child()
        _namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def _go_on_as_child() -> None:
    """Fork, and return only in the child."""
    parent = os.pidfd_open(os.getpid())  # tells the child if its parent dies before `die_with_parent`
    child = os.fork()
    if child:
        # Otherwise the child's sockets and pipes would stay open after its end.
        os.closerange(0, HIGHEST_DESCRIPTOR)
        _, status = os.waitpid(child, 0)
        sweep_groups()
        code = os.waitstatus_to_exitcode(status)
        # Shells report signals in this way. No exit handlers run here, since the child runs them.
        os._exit(code if code >= 0 else 128 - code)
    die_with_parent()
    if select.select([parent], [], [], 0)[0]:
        os._exit(1)
    os.close(parent)


def fork() -> int:
    """Fork the warm process. Returns the child's id in the parent, and 0 in the child, which must call `confine`.

    The child is the first process of its own PID namespace: when it ends, Linux kills all processes in the namespace.
    Raises `RuntimeError` if the process was not prepared or has several threads.
    """
    if _namespace is None:
        raise RuntimeError("Call prepare() before fork().")
    assert_one_thread()
    sweep_groups()
    with step("process namespace"):
        linux("unshare", PIDS)
        child = -1
        try:
            child = os.fork()
        finally:
            # Also if the fork failed: otherwise the next child would get the same namespace.
            if child:
                linux("setns", _namespace, PIDS)
    return child


def _is_real_root() -> bool:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    ranges = [list(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    knows_nobody = any(first <= NOBODY < first + count for first, _, count in ranges)
    # 21 is CAP_SYS_ADMIN, which root in a container may not have.
    return os.geteuid() == 0 and bool(int(status["CapEff"], 16) >> 21 & 1) and knows_nobody


def _new_users(me: str, user: int, group: int) -> None:
    """Enter a new user namespace with one user and one group, which are ours; `me` is our folder in /proc."""
    outside = (os.geteuid(), os.getegid())
    linux("unshare", USERS)
    Path(me, "setgroups").write_text("deny")  # Linux requires this of ordinary users before the group's map
    Path(me, "uid_map").write_text(f"{user} {outside[0]} 1")
    Path(me, "gid_map").write_text(f"{group} {outside[1]} 1")


# ---- The child


def confine(limits: Limits, files: Mapping[str, bytes], keep: Iterable[int]) -> None:
    """Confine this process: call this in the child right after `fork`. Then it may run student code and start threads.

    The working directory is `WORK`, with `files` by relative paths such as `data/train.csv`. Standard input and output
    are /dev/null. Of all descriptors only those to `keep` stay open. Raises `NotConfined`.
    """
    owner = (NOBODY, NOBODY) if _is_root else (os.geteuid(), os.getegid())

    with step("descriptors"):  # stops: use of the warm process's open files; typing into a terminal
        os.setsid()  # also gives the kernel its own share of the processor if Linux schedules by session
        edges = [2, *sorted(set(keep) - {0, 1, 2}), HIGHEST_DESCRIPTOR + 1]
        for low, high in itertools.pairwise(edges):
            os.closerange(low + 1, high)
        # Our folder in the machine's /proc, since the sandbox's own /proc will be read-only.
        me = f"/proc/self/fd/{os.open('/proc/self', os.O_PATH | os.O_DIRECTORY)}"

    with step("memory group"):  # stops: taking all memory with processes, scratch files and Linux's buffers together
        if _groups:  # early, so that all later memory counts for this kernel
            _enter_group(_groups, limits)
        Path(me, "oom_score_adj").write_text("1000")  # when memory runs out, Linux kills kernels first

    with step("own namespaces"):  # stops: use of the network, of others' abstract sockets, System V memory and mounts
        # The user namespace comes later, since a new one gives up the rights over these. Clocks need no namespace.
        linux("unshare", MOUNTS | NETWORK | IPC | NAMES | CGROUP)
        # systemd shares all mounts: otherwise the private root would appear on the machine, and pivot_root would fail.
        mount(None, "/", how=PRIVATE | AND_BELOW)
        socket.sethostname("sandbox")

    with step("private root"):  # stops: access to the machine's files; filling its disk
        _enter_private_root(limits, owner)

    with step("another user"):  # stops: use of root's rights over visible files, and its exemption from limits
        # After the mounts, which need root; before the files, which must belong to the kernel.
        if _is_root:
            os.setgroups([])  # first, since only root can leave groups
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            linux("prctl", DUMPABLE, 1)  # the change of user has reset it, but user namespaces' maps need it

    with step("files"):  # stops nothing; here, so that their memory counts for the kernel, and links stay in the root
        write_files(files, Path())

    with step("inner user namespace"):  # stops: using up other kernels' threads, which Linux counts by user namespace
        _new_users(me, STUDENT, STUDENT)
        os.close(int(me.rpartition("/")[2]))

    with step("limits"):  # stops: using more memory, time, threads and descriptors than allowed
        limits.impose()

    with step("capabilities"):  # stops: use of rights in the namespaces above
        # Also dropped from the bounding set: otherwise a program file with capabilities would bring them back.
        for capability in itertools.count():
            try:
                linux("prctl", IS_BOUNDING, capability)
            except OSError:  # after the last capability of this Linux
                break
            linux("prctl", DROP_BOUNDING, capability)
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        linux("capset", header, none)
        linux("prctl", DUMPABLE, 0)

    os.environ.update(ENVIRONMENT)
    tempfile.tempdir = TEMPORARY
    # asyncio would use epoll, which is not allowed. Set by name, since typeshed has a type for each system.
    vars(selectors)["DefaultSelector"] = selectors.PollSelector
    with step("standard streams"):  # stops: writing to the grader's terminal
        silence_standard_streams()

    with step("no new privileges"):  # stops: set-user-id programs, which the filter below could make misbehave
        linux("prctl", NO_NEW_PRIVILEGES, 1)

    with step("system calls"):  # stops: processes, sockets, memory that no limit counts, most bugs in Linux
        # Last, since the steps above need calls that are forbidden from here on.
        calls = compiled_calls(limits.commands)
        linux("prctl", SECCOMP, 2, ctypes.byref(_Program(len(calls) // 8, calls)))


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


# ---- Memory groups: cgroups, version 2. Only root may make some, and accounts to which systemd delegates a group.

GROUPS = Path("/sys/fs/cgroup")
GROUP = "zerolayer-"
"""The prefix of the kernels' groups, before the process id."""


def find_groups() -> Path | None:
    """Return the nearest group, from our own upwards, in which this process may make groups with a memory limit."""
    [own] = [line[4:] for line in read_text(Path("/proc/self/cgroup")).splitlines() if line[:4] == "0::/"] or [""]
    for folder in (GROUPS / own, *(GROUPS / own).parents):
        writable = (os.access(path, os.W_OK, effective_ids=True) for path in (folder, folder / "cgroup.procs"))
        if "memory" in read_text(folder / "cgroup.subtree_control").split() and all(writable):
            return folder
        # A limit on this process must also hold for its kernels, so groups above that limit are no option.
        if folder == GROUPS or read_text(folder / "memory.max") not in ("", "max"):
            break
    return None


def _enter_group(groups: Path, limits: Limits) -> None:
    """Make a memory group with a limit, and move this process into it. Linux kills a kernel that exceeds the limit."""
    folder = groups / f"{GROUP}{Path('/proc/self').readlink()}"  # the process id outside the namespace
    folder.mkdir(exist_ok=True)
    # No swap, which would be memory beyond the limit. oom.group: Linux kills all processes of a kernel together.
    bounds = {"memory.swap.max": 0, "memory.oom.group": 1, "pids.max": limits.tasks}
    for name, bound in {"memory.max": limits.memory + limits.scratch, **bounds}.items():
        if (folder / name).exists():  # some controllers may be off
            (folder / name).write_text(str(bound))
    (folder / "cgroup.procs").write_text("0")  # 0 is the writing process


def sweep_groups() -> None:
    """Remove the groups of kernels that have ended, also those of killed warm processes."""
    for folder in _groups.glob(f"{GROUP}*") if _groups else ():
        if not read_text(Path("/proc", folder.name.removeprefix(GROUP), "cmdline")):  # "" for ended processes
            with suppress(OSError):  # not empty, or already removed
                folder.rmdir()


# ---- The visible part of the machine: of each Python prefix only folders such as `lib`, since a prefix may contain a
# whole course; of this package and of units only the open half. An empty folder with a notice hides each closed half.

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_FOR_SCRATCH = (SCRATCH, TEMPORARY, "/dev", SHARED)
_NEW_ROOT = "/tmp"
"""The mount point of the new root during its construction. It hides /tmp, so all sources are opened before."""
_SYSTEM = """
    /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /usr/share/fonts /usr/share/fontconfig /usr/local/share/fonts
    /usr/share/zoneinfo /etc/alternatives /etc/fonts /etc/ld.so.cache /etc/localtime
"""
_COMMANDS = "/bin /usr/bin /usr/local/bin /usr/share"
_OWN_FILES = {
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
    """The visible part of the machine, with all paths unchanged. Paths are strings, for speed."""

    folders: tuple[str, ...]  # empty folders to mount on, parents first
    files: tuple[str, ...]  # empty files to mount on
    shown: tuple[str, ...]  # folders and files of the machine to show, read-only
    links: dict[str, str]  # symbolic links and their targets
    hidden: tuple[str, ...]  # folders within the shown ones that are replaced by empty ones
    units: tuple[str, ...]  # likewise, once the units are in memory


def view(commands: bool) -> View:
    """Return the visible part of this machine; with `commands` it includes programs."""
    return _view(commands, tuple(lib.units.__path__))


@cache
def _view(commands: bool, units_in: tuple[str, ...]) -> View:
    # Cached for each course, since courses have units of their own.
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
    inner = {folder for path in [*places, *links, *map(Path, (*files, *_OWN_FILES))] for folder in path.parents}
    folders = sorted({*places, *inner} - set(map(Path, ("/", *_FOR_SCRATCH))), key=lambda path: len(path.parts))
    known_links = {str(path): goal for path, goal in links.items()} | _LINKS
    hidden = tuple(dict.fromkeys(map(str, closed)))
    opened = [*(each / "units" for each in packages), *(unit.folder for unit in unit_registry.find_all().values())]
    of_units = _outermost(folder for each in opened for folder in (each, each.resolve()) if folder.is_dir())
    rest = (*files, *DEVICES), tuple(map(str, shown)), known_links, hidden, tuple(map(str, of_units))
    return View(tuple(map(str, folders)), *rest)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Return the paths that aren't inside another one."""
    outermost: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in outermost):
            outermost.append(path)
    return outermost


def _enter_private_root(limits: Limits, owner: tuple[int, int]) -> None:
    """Build the new root and enter it. Scratch belongs to `owner`, a user and a group."""
    os.umask(0o022)  # the kernel's user must be able to read the folders that root makes here
    seen = view(limits.commands)
    sources = {path: os.open(path, os.O_PATH) for path in (*seen.shown, *DEVICES)}
    mount("tmpfs", _NEW_ROOT, "tmpfs", options="mode=755,size=1m")
    # Scratch comes first, since shown folders may be in /tmp, too.
    for path in _FOR_SCRATCH:
        os.mkdir(_NEW_ROOT + path)  # noqa: PTH102  # a view's paths are text
    forbids = NO_SETUID | NO_DEVICES | (0 if limits.commands else NOEXEC)
    bounds = f"size={limits.scratch},nr_inodes={limits.inodes}"
    mount("tmpfs", _NEW_ROOT + SCRATCH, "tmpfs", forbids, f"mode=755,uid={owner[0]},gid={owner[1]},{bounds}")
    for folder, place in ((WORK, None), (HOME, None), (f"{SCRATCH}/tmp", TEMPORARY), (f"{SCRATCH}/shm", SHARED)):
        os.mkdir(_NEW_ROOT + folder)  # noqa: PTH102  # a view's paths are text
        os.chown(_NEW_ROOT + folder, *owner)
        if place:
            mount(_NEW_ROOT + folder, _NEW_ROOT + place, how=BIND)
    # Our own files, and mount points for the shown ones.
    for path in seen.folders:
        os.mkdir(_NEW_ROOT + path)  # noqa: PTH102  # a view's paths are text
    for path in seen.files:
        os.close(os.open(_NEW_ROOT + path, os.O_CREAT))
    for path, goal in seen.links.items():
        os.symlink(goal, _NEW_ROOT + path)  # noqa: PTH211  # a view's paths are text
    for path, content in _OWN_FILES.items():
        Path(_NEW_ROOT + path).write_text(content)
    for path, source in sources.items():
        mount(f"/proc/self/fd/{source}", _NEW_ROOT + path, how=BIND | AND_BELOW)
        os.close(source)
    for path in (*seen.hidden, *(seen.units if _has_units else ())):
        # Two inodes: the folder, and the notice in it.
        mount("tmpfs", _NEW_ROOT + path, "tmpfs", options="mode=755,size=4k,nr_inodes=2")
        Path(f"{_NEW_ROOT}{path}/__init__.py").write_text(_NOTICE)
    for path in seen.shown:
        restrict(_NEW_ROOT + path, READ_ONLY | NO_SETUID | NO_DEVICES)
    for path in DEVICES:  # read-only protects their metadata, such as times; the devices still accept writes
        restrict(_NEW_ROOT + path, READ_ONLY | NO_SETUID)
    # Only its own processes, and read-only: a program could reset `oom_score_adj` there.
    mount("proc", f"{_NEW_ROOT}/proc", "proc", READ_ONLY | NO_SETUID | NO_DEVICES | NOEXEC, "subset=pid")
    if limits.commands:
        mount("devpts", f"{_NEW_ROOT}/dev/pts", "devpts", NO_SETUID | NOEXEC, "newinstance,ptmxmode=666")
    restrict(_NEW_ROOT, READ_ONLY | NO_SETUID | NO_DEVICES, how=0)
    # Not chroot, which root can leave. With "." twice the old root is mounted over the new one, and then detached.
    os.chdir(_NEW_ROOT)
    linux("pivot_root", ".", ".")
    linux("umount2", ".", DETACH)
    os.chdir(WORK)


# ---- System calls: a few hundred that a computation needs. All others fail with ENOSYS, as if Linux didn't have them,
# so that libraries use older ones instead. Well-known calls fail with EPERM, a clearer message for people.

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
    "signals, which reach only processes in its namespace": """
        alarm kill pause pidfd_open pidfd_send_signal restart_syscall rt_sigaction rt_sigpending rt_sigprocmask
        rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4
        tgkill tkill wait4 waitid""",
    "reading the time and waiting": """
        clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create
        timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
        times""",
    "waiting for events, without epoll, whose memory outlives its descriptor and counts for all kernels": """
        eventfd eventfd2 pipe pipe2 poll ppoll pselect6 select""",
    "existing sockets: the connection to its caller, and its own socket pairs": """
        getpeername getsockname getsockopt recvfrom sendto shutdown""",
    "information about itself, and stricter limits": """
        capget getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom getresgid
        getresuid getrlimit getrusage getsid gettid getuid prlimit64 setpgid setpriority setrlimit setsid sysinfo
        uname""",
}
"""Calls that are allowed with any arguments, by purpose.

Not allowed are messages with descriptors, since those in transit count for all kernels of a user; binding, listening
and larger buffers of sockets, since no limit counts queued data; and calls that act on library files that all kernels
share (leases, locks, notifications, page cache state), since other kernels would be blocked or could notice them.
"""
SOME = {
    # Duplicates; a descriptor's flags, pipe size and seals. Not: leases, notifications, owners, setting pipe sizes.
    "fcntl": (1, (0, 1, 2, 3, 4, 1030, 1032, 1034)),
    # Terminal tests and sizes, readable bytes, non-blocking mode, close on exec.
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A)),
    # Advice from allocators. Not: merging pages with equal ones of other processes, or swapping pages out.
    "madvise": (2, (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 22, 23, 102, 103)),
    # A thread's name, whether the process can be dumped, names of memory areas.
    "prctl": (0, (15, 16, 3, 0x53564D41)),
}
"""Calls that are allowed only with some commands: the position of the command's argument, and the allowed values."""
REFUSED = "accept bind connect listen setsockopt"
RECORD_LOCKS = (6, 7, 37, 38)
"""`fcntl`'s commands for locks. They report success without effect. A kernel alone with its files would get each lock,
while locks on library files would affect other kernels, and take memory that no limit counts."""
WAITS_FOR_DISK = "fdatasync flock fsync"
"""Calls that report success at once: scratch files are in memory, and only the grader's disk would be busy."""
PROGRAMS = "fork vfork execve"
"""Calls to start processes, refused unless the course allows commands."""
THREAD, NAMESPACES, MS_SYNC = 0x00010000, 0x7E020000, 4
"""Flags of `clone` for a new thread (not a process) and for new namespaces; the flag of `msync` to wait."""


@cache
def compiled_calls(commands: bool) -> bytes:
    """Return the filter for seccomp, as a BPF program; with `commands` it allows starting processes."""
    import pyseccomp as seccomp  # here, so that a missing libseccomp fails as a step of the lock-down

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
