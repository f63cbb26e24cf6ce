"""Attacks on the sandbox: each a piece of code that tells `worked` if, and only if, it got what it was after.

`facts` names what there is to reach on this machine. Where it does no harm, an attack is first shown to work
without locks: a key that fits nowhere says nothing about a lock.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Attack:
    """What is run, and how it is known that a lock stopped it."""

    name: str
    code: str
    stopped_by: str
    """What it tells in the sandbox: a pattern, mostly the name of an exception."""
    shown_by: str = ""
    """Who alone can show it working, if not everybody: `root`, or an `ordinary user`, whom limits bind anyway."""
    needs: str = ""
    """What a machine has to have, by a name in `facts`, for it to find anything."""
    limits: dict[str, int] = field(default_factory=dict)


CALLS = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(name, *arguments):
    plain = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    answer = libc.syscall(ctypes.c_long(facts['numbers'][name]), *plain)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
"""

FILES = [
    Attack("read a file", "open(facts['canary']).read() == facts['secret'] and tell('worked')", "FileNotFoundError"),
    Attack("read the passwords", "open('/etc/shadow').read() and tell('worked')", "FileNotFoundError", shown_by="root"),
    Attack("read the gradebook", "open(facts['gradebook']).read() and tell('worked')", "FileNotFoundError"),
    Attack(
        "write a file",
        "open(facts['folder'] + '/' + facts['name'], 'w').write('x') and tell('worked')",
        "FileNotFoundError",
    ),
    Attack(
        "read the solutions beside the package",
        """
import lib, pathlib
list(pathlib.Path(lib.__file__).parents[1].glob('solutions/*/*.ipynb'))[0].read_text() and tell('worked')
""",
        "IndexError",
    ),
    Attack("import the reference", "import lib.reference.dense; tell('worked')", "ModuleNotFoundError"),
    Attack("import the judge", "import lib.grading.judge; tell('worked')", "ModuleNotFoundError"),
    Attack(
        "find the closed zones, as source or compiled",
        """
import lib, pathlib, sys
places = {pathlib.Path(place) for place in (*sys.path, *lib.__path__)} | {pathlib.Path(lib.__file__).parents[1]}
files = [file for place in places for zone in ('lib/reference', 'lib/grading', 'reference', 'grading')
         for file in (place / zone).glob('**/*.py*')]
tell('worked' if any(file.name != '__init__.py' for file in files) else 'found nothing')
""",
        "found nothing",
    ),
    Attack(
        "follow a link out of scratch",
        "import os; os.symlink(facts['canary'], 'link'); open('link').read() and tell('worked')",
        "FileNotFoundError",
    ),
    Attack(
        "climb out of the working directory",
        "open('../' * 40 + facts['canary'].lstrip('/')).read() and tell('worked')",
        "FileNotFoundError",
    ),
    Attack(
        "use a descriptor that was left open",
        """
import os
for number in range(3, 200):
    try:
        if os.pread(number, 100, 0).decode() == facts['secret']:
            tell('worked')
    except (OSError, UnicodeDecodeError):
        pass
tell('tried them all')
""",
        "tried them all",
    ),
    Attack(
        "make a device",
        "import os, stat; os.mknod('disk', stat.S_IFBLK | 0o666, os.makedev(7, 0)); tell('worked')",
        "OSError",
        shown_by="root",
    ),
    Attack(
        "open the kernel's settings for writing",
        "open('/proc/sys/kernel/core_pattern', 'r+') and tell('worked')",
        "FileNotFoundError",
        shown_by="root",
    ),
    Attack(
        "read what devices there are", "import os; os.listdir('/sys/class') and tell('worked')", "FileNotFoundError"
    ),
]

OTHERS = [
    Attack(
        "read the environment of others",
        """
import pathlib
for process in pathlib.Path('/proc').glob('[0-9]*'):
    try:
        if facts['secret'] in (process / 'environ').read_text():
            tell('worked')
    except OSError:
        pass
tell('looked at all')
""",
        "looked at all",
    ),
    Attack(
        "read the command lines of others",
        """
import contextlib, pathlib
lines = []
for process in pathlib.Path('/proc').glob('[0-9]*'):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        lines.append((process / 'cmdline').read_bytes())
tell('worked' if any(b'600.25' in line for line in lines) else 'looked at all')
""",
        "looked at all",
    ),
    Attack(
        "read what another submission wrote",
        """
import os
for place in ('/scratch/work', *(f'/proc/{name}/cwd' for name in os.listdir('/proc'))):
    try:
        if open(place + '/mine.txt').read() == facts['secret']:
            tell('worked')
    except OSError:
        pass
tell('looked everywhere')
""",
        "looked everywhere",
    ),
    Attack(
        "read another submission's shared memory",
        "open('/dev/shm/' + facts['name']).read() == facts['secret'] and tell('worked')",
        "FileNotFoundError",
    ),
    Attack("signal another kernel", "import os; os.kill(facts['neighbour'], 0); tell('worked')", "ProcessLookupError"),
    Attack("signal everyone", "import os; os.kill(-1, 0); tell('worked')", "ProcessLookupError"),
    Attack(
        "signal the parent",
        "import os; parent = os.getppid() or 1 / 0; os.kill(parent, 0); tell('worked')",
        "ZeroDivisionError",
    ),
    Attack(
        "take hold of another kernel",
        CALLS + "call('ptrace', 0x4206, facts['neighbour'], 0, 0); tell('worked')",
        "OSError",
        shown_by="root",
    ),
    Attack(
        "read the memory of another kernel",
        CALLS
        + """
class Piece(ctypes.Structure):
    _fields_ = [('start', ctypes.c_void_p), ('size', ctypes.c_size_t)]
mine, size = ctypes.create_string_buffer(100), len(facts['secret'])
here, there = Piece(ctypes.addressof(mine), size), Piece(facts['address'], size)
call('process_vm_readv', facts['neighbour'], ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
mine.value.decode() == facts['secret'] and tell('worked')
""",
        "OSError",
        shown_by="root",
    ),
    Attack(
        "read another kernel's System V memory",
        CALLS
        + """
call('shmat', facts['segment'], 0, 0)
tell('worked')
""",
        "not implemented",
    ),
    Attack(
        "have a neighbour's threads counted as one's own",
        """
import resource, threading
resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
end = threading.Event()
try:
    for _ in range(40):  # the neighbour has as many
        threading.Thread(target=end.wait, daemon=True).start()
    tell('started them all')
except RuntimeError:
    tell('worked')
finally:
    end.set()
""",
        "started them all",
        shown_by="ordinary user",
    ),
    Attack(
        "learn the machine's name",
        "import os; tell('worked' if os.uname().nodename == facts['host'] else 'another')",
        "another",
    ),
    Attack(
        "see in which group of the machine's it is",
        "tell('worked' if any(not line.endswith(':/\\n') for line in open('/proc/self/cgroup')) else 'in the first')",
        "in the first",
        needs="group",
    ),
    Attack(
        "write to the grader's terminal",
        "import os; tell('worked' if os.fstat(2).st_ino == facts['terminal'] and os.write(2, b'x') else 'nowhere')",
        "nowhere",
    ),
    Attack(
        "pass descriptors on, where they count for all",
        """
import socket
here, there = socket.socketpair()
socket.send_fds(here, [b'x'], [here.fileno()])
tell('worked')
""",
        "OSError",
    ),
]

NETWORK = [
    Attack(
        "see which sockets others have",
        "tell('worked' if facts['abstract'] in open('/proc/self/net/unix').read() else 'saw none')",
        "saw none",
    ),
    Attack(
        "reach a listener by TCP",
        "import socket; socket.create_connection(('127.0.0.1', facts['port'])); tell('worked')",
        "PermissionError",
    ),
    Attack(
        "reach a listener's abstract socket",
        "import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + facts['abstract']); tell('worked')",
        "PermissionError",
    ),
    Attack(
        "reach a listener's socket in a folder",
        "import socket; socket.socket(socket.AF_UNIX).connect(facts['socket']); tell('worked')",
        "PermissionError",
    ),
    Attack(
        "open any other kind of socket",
        """
import socket
for family in range(2, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind)
            tell('worked', family, kind)
        except OSError:
            pass
tell('tried them all')
""",
        "tried them all",
    ),
]

PROCESSES = [
    Attack("fork", "import os; os.fork() and tell('worked')", "PermissionError"),
    Attack("run a command", "import subprocess; subprocess.run(['true']); tell('worked')", "PermissionError"),
    Attack("spawn a command", "import os; os.posix_spawnp('true', ['true'], {}); tell('worked')", "PermissionError"),
    Attack("run a shell", "import os; tell('worked' if os.system('exit 7') == 7 << 8 else 'no shell')", "no shell"),
    Attack(
        "become another program",
        """
import os
os.set_inheritable(speaks, True)
os.execv('/bin/sh', ['sh', '-c', f'echo worked >&{speaks}'])
""",
        "PermissionError",
    ),
    Attack("fork past libc", CALLS + "call('clone', 17, 0, 0, 0, 0) and tell('worked')", "PermissionError"),
    Attack(
        "fork by the newest call",
        CALLS + "call('clone3', ctypes.byref((ctypes.c_uint64 * 8)(0, 0, 0, 0, 17)), 64) and tell('worked')",
        "not implemented",
    ),
    Attack(
        "become root of a new world",
        CALLS + "call('unshare', 0x10000000); tell('worked')",
        "not implemented",
    ),
    Attack(
        "mount something",
        CALLS
        + """
call('unshare', 0x20000)
call('mount', b'none', facts['folder'].encode(), b'tmpfs', 0, None)
tell('worked')
""",
        "not implemented",
        shown_by="root",
    ),
    Attack("have another root", "import os; os.chroot('.'); tell('worked')", "not implemented", shown_by="root"),
    Attack("be another user", "import os; os.setuid(1); tell('worked')", "not implemented", shown_by="root"),
    Attack(
        "take the processor before all others",
        "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); tell('worked')",
        "PermissionError",
        shown_by="root",
    ),
    Attack(
        "lift a limit",
        """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
tell('worked')
""",
        "ValueError",
    ),
]

MEMORY_SHORT = [
    Attack(
        "be ended last where memory is short",
        """
import pathlib
file = pathlib.Path('/proc/self/oom_score_adj')
for number in ('1000', '0'):
    file.write_text(number)
tell('worked' if file.read_text() == '0\\n' else 'as it was')
""",
        "Read-only file system",
    ),
    Attack(
        "be ended last where memory is short, by a program, where commands are allowed",
        """
import subprocess
command = 'echo 1000 > /proc/self/oom_score_adj && echo 0 > /proc/self/oom_score_adj && cat /proc/self/oom_score_adj'
done = subprocess.run(['sh', '-c', command], capture_output=True, text=True)
tell('worked' if done.stdout.strip() == '0' else done.stderr.strip())
""",
        "Read-only file system",
        limits={"commands": True},
    ),
]

MIB = 2**20
BOMBS = [
    Attack(
        "take more memory than there is for one",
        "import mmap; mmap.mmap(-1, 2 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); tell('worked')",
        "OSError",
        limits={"memory": 1 << 30},
    ),
    Attack(
        "take it piece by piece",
        "pieces = [bytearray(64 << 20) for _ in range(8)]; tell('worked')",
        "MemoryError",
        limits={"memory": 512 * MIB},
    ),
    Attack(
        "take shared memory",
        "import mmap; mmap.mmap(-1, 2 << 30); tell('worked')",
        "OSError",
        limits={"memory": 1 << 30},
    ),
    Attack("take memory as a file", "import os; os.memfd_create('hoard'); tell('worked')", "not implemented"),
    Attack(
        "take System V's shared memory", CALLS + "call('shmget', 0, 4096, 0o600); tell('worked')", "not implemented"
    ),
    Attack("take System V's messages", CALLS + "call('msgget', 0, 0o600); tell('worked')", "not implemented"),
    Attack(
        "fill /dev/shm",
        """
import os
with open('/dev/shm/hoard', 'wb') as file:
    os.unlink('/dev/shm/hoard')
    for _ in range(16):
        file.write(bytes(1 << 20)), file.flush()
tell('worked')
""",
        "No space left",
        limits={"scratch": 8 * MIB},
    ),
    Attack(
        "fill the disk with one file",
        "open('large', 'wb').write(bytes(5 << 20)) and tell('worked')",
        "File too large",
        limits={"file_size": 4 * MIB},
    ),
    Attack(
        "fill the disk with many files",
        "[open(str(number), 'wb').write(bytes(1 << 20)) for number in range(16)] and tell('worked')",
        "No space left",
        limits={"scratch": 8 * MIB},
    ),
    Attack(
        "fill the disk with empty files",
        "[open(str(number), 'w').close() for number in range(600)] and tell('worked')",
        "No space left",
        limits={"inodes": 300},
    ),
    Attack(
        "start threads without end",
        """
import threading
end = threading.Event()
try:
    for _ in range(80):
        threading.Thread(target=end.wait, daemon=True).start()
    tell('worked')
finally:
    end.set()
""",
        "RuntimeError",
        limits={"tasks": 40},
    ),
    Attack(
        "open files without end",
        "files = [open('/dev/null') for _ in range(300)]; tell('worked')",
        "Too many open files",
        limits={"open_files": 100},
    ),
    Attack(
        "start processes without end, where commands are allowed",
        """
import os, time
for _ in range(80):
    if not os.fork():
        time.sleep(3)
        os._exit(0)
tell('worked')
""",
        "BlockingIOError",
        limits={"tasks": 40, "commands": True},
    ),
]

LIBRARY = """
import ctypes, fcntl, mmap, os, struct
F_SETPIPE_SZ, F_OFD_GETLK, F_OFD_SETLK, PAGE, DONTNEED, MERGEABLE = 1031, 36, 37, mmap.PAGESIZE, 4, 12
library = os.open(facts['library'], os.O_RDONLY)
def lock(kind):
    return struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0)
def is_locked(command):
    return struct.unpack_from('h', fcntl.fcntl(library, command, lock(fcntl.F_WRLCK)))[0] != fcntl.F_UNLCK
"""
"""A library file that belongs to the kernel's user; the neighbour has locked it in every way that it could."""
SHARED = [
    Attack(
        "stop whoever opens a library",
        LIBRARY + "fcntl.fcntl(library, fcntl.F_SETLEASE, fcntl.F_RDLCK); tell('worked')",
        "not implemented",
    ),
    Attack(
        "feel a neighbour's lock on a library",
        LIBRARY
        + """
try:
    fcntl.flock(library, fcntl.LOCK_EX | fcntl.LOCK_NB)
    tell('felt nothing')
except BlockingIOError:
    tell('worked')
""",
        "felt nothing",
    ),
    Attack(
        "feel a neighbour's record lock on a library",
        LIBRARY + "tell('worked' if is_locked(fcntl.F_GETLK) else 'felt nothing')",
        "not implemented",
    ),
    Attack(
        "feel a lock on a library by its open description",
        LIBRARY
        + """
other = os.open(facts['library'], os.O_RDONLY)
fcntl.fcntl(other, F_OFD_SETLK, lock(fcntl.F_RDLCK))
tell('worked' if is_locked(F_OFD_GETLK) else 'felt nothing')
""",
        "not implemented",
    ),
    Attack(
        "hear of what happens in a library's folder",
        LIBRARY
        + """
folder = os.open(os.path.dirname(facts['library']), os.O_RDONLY)
fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS)
tell('worked')
""",
        "not implemented",
    ),
    Attack(
        "have signals sent for a descriptor",
        LIBRARY + "fcntl.fcntl(library, fcntl.F_SETOWN, os.getpid()); tell('worked')",
        "not implemented",
    ),
    Attack(
        "see which pages of a library are in memory",
        CALLS
        + LIBRARY
        + """
pages = mmap.mmap(library, 0, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE)
place = ctypes.addressof(ctypes.c_char.from_buffer(pages))
call('mincore', ctypes.c_void_p(place), PAGE, ctypes.create_string_buffer(1))
tell('worked')
""",
        "not implemented",
    ),
    Attack(
        "read of a library only what is in memory",
        LIBRARY + "os.preadv(library, [bytearray(1)], 0, os.RWF_NOWAIT) and tell('worked')",
        "not implemented|not supported",
    ),
    Attack(
        "put a library out of memory",
        LIBRARY + "os.posix_fadvise(library, 0, 0, os.POSIX_FADV_DONTNEED); tell('worked')",
        "not implemented",
    ),
    Attack(
        "share memory with whoever has the same in it",
        LIBRARY + "mmap.mmap(-1, PAGE).madvise(MERGEABLE); tell('worked')",
        "not implemented",
    ),
    Attack(
        "leave a time on a device that all share",
        """
import os
before = os.stat('/dev/null').st_mtime_ns
os.utime('/dev/null')
tell('worked' if os.stat('/dev/null').st_mtime_ns != before else 'left nothing')
""",
        "Read-only file system",
    ),
]

QUEUES = [
    Attack(
        "queue data for a listener, past all limits",
        """
import socket
listener, queued = socket.socket(socket.AF_UNIX), 0
listener.bind(chr(0) + facts['name'] + 'hoard')
listener.listen(4096)
while queued < 64 << 20:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listener.getsockname())
        client.setblocking(False)
        queued += client.send(bytes(128 << 10))
tell('worked')
""",
        "PermissionError",
    ),
    Attack(
        "queue data for a name, past all limits",
        """
import socket
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(chr(0) + facts['name'] + 'names')
for _ in range(8):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(bytes(128 << 10), receiver.getsockname())
tell('worked')
""",
        "PermissionError",
    ),
    Attack(
        "get a name without asking",
        """
import socket
SO_PASSCRED = 16
here, there = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
here.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
here.bind('')
there.connect(here.getsockname())
tell('worked')
""",
        "PermissionError",
    ),
    Attack(
        "enlarge a socket's buffer",
        """
import socket
here, there = socket.socketpair()
before = here.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
tell('worked' if here.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > before else 'as it was')
""",
        "PermissionError",
    ),
    Attack(
        "have Linux note what is waited for, past all limits",
        """
import os, select
waits, file = select.epoll(), os.eventfd(0)
for number in range(100, 200):
    os.dup2(file, number)
    waits.register(number, 0)  # and stays so when the number is closed: it counts for all kernels of a user
    os.close(number)
tell('worked')
""",
        "not implemented",
    ),
    Attack(
        "enlarge a pipe's buffer",
        LIBRARY + "fcntl.fcntl(os.pipe()[1], F_SETPIPE_SZ, 1 << 18) > 1 << 16 and tell('worked')",
        "not implemented",
    ),
]
"""What Linux keeps for a process in memory of its own."""

ATTACKS = [*FILES, *OTHERS, *NETWORK, *PROCESSES, *MEMORY_SHORT, *BOMBS, *SHARED, *QUEUES]
