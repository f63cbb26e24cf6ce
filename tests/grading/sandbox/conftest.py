"""One process of each kind that forks children, for all tests, and what there is to reach from it."""

import os
import shutil
import socket
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyseccomp
import pytest

from tests.grading.sandbox.attacks import CALLS
from tests.grading.sandbox.forkers import ORDINARY, Forker, packages_of
from tests.missing import missing

SECRET = "nobody's business"
MEMORY_CALLS = ("process_vm_readv", "shmget", "shmat", "shmctl", "msgget", "mincore")
NUMBERS = ("ptrace", "clone", "clone3", "unshare", "mount", *MEMORY_CALLS)
NOBODY = 65534
NEIGHBOUR = CALLS
NEIGHBOUR += """
import fcntl, pathlib, signal, threading
for _ in range(40):
    threading.Thread(target=threading.Event().wait).start()
try:
    segment = call('shmget', 0, 4096, 0o666)
    call('shmat', segment, 0, 0)
    call('shmctl', segment, 0, 0)  # it goes with the last one who has it
except OSError:
    segment = -1
library = open(facts['library'])
fcntl.flock(library, fcntl.LOCK_SH)
fcntl.lockf(library, fcntl.LOCK_SH)
pathlib.Path('mine.txt').write_text(facts['secret'])
pathlib.Path('/dev/shm', facts['name']).write_text(facts['secret'])
tell(segment)
signal.pause()
"""
"""Another kernel of the same user: what it has and holds, an attack must neither see nor feel."""


@pytest.fixture(scope="session")
def home():
    """A folder that everyone may use: pytest's own are for one user alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    packages = packages_of(folder)
    packages.mkdir()
    yield folder
    for made in (folder, packages):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def facts(home):
    """What there is to reach on this machine: files and listeners."""
    canary, gradebook, place = home / "canary", home / "gradebook.db", home / "socket"
    for file in (canary, gradebook):
        file.write_text(SECRET)
    abstract = f"zerolayer-{os.getpid()}"
    unix = partial(socket.create_server, family=socket.AF_UNIX)
    with socket.create_server(("127.0.0.1", 0)) as tcp, unix(f"\0{abstract}"), unix(str(place)):
        place.chmod(0o777)
        yield {
            "secret": SECRET,
            "folder": str(home),
            "canary": str(canary),
            "gradebook": str(gradebook),
            "port": tcp.getsockname()[1],
            "abstract": abstract,
            "socket": str(place),
            "numbers": {name: pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in NUMBERS},
        }


@contextmanager
def a_forker(kind, home, facts, ordinary):
    """Start a forker and a neighbour of its children."""
    with Forker(kind, home, ordinary=ordinary, secret=SECRET) as forker:
        if forker.refusal:
            missing(f"sandbox ({forker.refusal.strip().splitlines()[-1]})", "`zerolayer doctor` says what to change.")
        name = f"zerolayer-{os.getpid()}-{kind}-{'ordinary' if ordinary else 'root'}"
        library = packages_of(home) / f"{name}.py"
        library.write_text("# Python\n")
        if os.geteuid() == 0:
            os.chown(library, *[ORDINARY if ordinary else NOBODY] * 2)
        forker.facts |= {**facts, "name": name, "library": str(library)}
        neighbour = forker.run(NEIGHBOUR, stays=True)
        began, segment = neighbour.output
        assert began == "began"
        forker.facts |= {"neighbour": neighbour.pid, "segment": int(segment)}
        yield forker
    Path("/dev/shm", name).unlink(missing_ok=True)


@pytest.fixture(scope="session", params=["root", "ordinary user"])
def user(request):
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("These tests are root's. Run them as root.")
    return request.param


def shared(kind):
    @pytest.fixture(scope="session")
    def forker(user, home, facts):
        with a_forker(kind, home, facts, user != "root") as forker:
            yield forker

    return forker


sandbox = shared("sandbox")
"""A forker that locks its children in."""
unlocked = shared("open")
"""A forker whose children run without any lock."""
