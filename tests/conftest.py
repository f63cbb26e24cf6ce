"""Fixtures that several tests share, and which process runs what."""

import gc
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

QUICK = str(Path(__file__).with_name("quick"))
"""A folder of modules that stand in for slow ones, here and in every Python that a test starts."""
sys.path.insert(0, QUICK)
os.environ["PYTHONPATH"] = QUICK
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # of alembic, for nbgrader
# Several processes test at a time: threads of a product of small matrices would only wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# The tests start hundreds of programs: each would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Streams are buffered as a user's are: what a command doesn't flush is lost.
os.environ.pop("PYTHONUNBUFFERED", None)
sys.dont_write_bytecode = False

settings.register_profile("the same on every machine", derandomize=True, deadline=None, database=None)
settings.load_profile("the same on every machine")

from tests.browser import browser, lab  # noqa: E402  # it imports nbformat

__all__ = ["browser", "lab"]

os.umask(UMASK := os.umask(0o077))
"""Of this process as it began: commands that are run in it set another one."""


def pytest_configure() -> None:
    """Let Ctrl-C end tests, and each command that they give, also if a shell has started them in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(10**6): pass"
"""A program that is busy for as long as this process lives."""


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Bind all that this process has begun to one processor, with four busy programs: other tests have the others.

    They have sessions of their own: Linux shares processors out by session.
    """
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("There is no /proc/self/schedstat here. Run this on a Linux kernel with CONFIG_SCHED_INFO.")
    processors = os.sched_getaffinity(0)
    bind({max(processors)})
    command = [sys.executable, "-ISc", BUSY]
    programs = [subprocess.Popen(command, start_new_session=True) for _ in range(4)]
    yield
    for program in programs:
        program.kill()
        program.wait()
    bind(processors)


def bind(processors: set[int]) -> None:
    """Let this process and those below it, and what they begin from now on, run on these processors alone.

    A fork server that a command has begun is no child of this process once the command has ended.
    """
    folder = os.environ.get("ZEROLAYER_WARM")
    servers = [each for each in psutil.process_iter(["cwd"]) if folder and each.info["cwd"] == folder]
    for root in (psutil.Process(), *servers):
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                for thread in process.threads():
                    os.sched_setaffinity(thread.id, processors)


@pytest.fixture(scope="session", autouse=True)
def one_fork_server() -> None:
    """Have all commands of a process's tests share a fork server, which takes seconds to start."""
    if sys.platform == "linux":
        from lib.grading.kernel.client import ForkServer

        ForkServer.shared()


@pytest.fixture(scope="module", autouse=True)
def modules_leave_nothing_behind() -> Iterator[None]:
    """Seek garbage only in what is new, since a look at all takes 0.3 s; and undo what the tests of a module do."""
    gc.collect()
    gc.freeze()
    os.umask(UMASK)
    yield
    os.umask(UMASK)
    if "lib.units" in sys.modules:
        sys.modules["lib.units"].enter(os.curdir)  # programs started later would find the course entered by a command
    if "IPython.core.interactiveshell" in sys.modules:  # some widgets make a shell, and a check asks it for its folder
        sys.modules["IPython.core.interactiveshell"].InteractiveShell.clear_instance()
    if absl := sys.modules.get("absl.logging"):  # TensorFlow's log closes any other where a command sets up logging
        absl.get_absl_handler().python_handler.stream = sys.__stderr__


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Called by xdist; one process more than there are processors, since a test waits for others every now and then."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def no_thread_waits_for_student_code() -> Iterator[None]:
    """End the threads in which student code ran: a pool forks its workers only where there is one thread."""
    yield
    if ran := sys.modules.get("lib.checking.student_code"):
        while ran._idle:
            worker = ran._idle.pop()
            worker._stopped = True
            worker._given.put(((), []))
            worker._thread.join()


@cache
def scope_of(file: Path) -> str:
    """Name the group in a file's `pytestmark`, or the file itself: xdist hands out names of tests, without marks."""
    group = re.search(r'^pytestmark = .*pytest\.mark\.xdist_group\("(.+)"\)', file.read_text(), re.MULTILINE)
    return group[1] if group else str(file)


class ByFile(LoadFileScheduling):
    """Tests of one file, or of a group of files that share what takes long to make, are run by one process.

    xdist's own `loadgroup` changes names of tests in a way that pytest 9.2 no longer looks at.
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(self.config.rootpath / super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """Called by xdist; another way to hand out tests, as `--dist=load`, remains possible."""
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among thousands of tests that are collected, and stay to the end."""
    gc.disable()
    yield
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what has the fixture `browser`, and put first what takes longest, since xdist keeps this order.

    First are groups, then what makes most for several tests: a fixture is shared because it takes long.
    """
    made = defaultdict[str, set[tuple[Path, str]]](set)
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
        found = item._fixtureinfo.name2fixturedefs.items()  # pytest has no public way to ask for their scopes
        made[scope_of(item.path)] |= {(item.path, name) for name, (*_, each) in found if each.scope != "function"}

    def rank(item: pytest.Function) -> tuple[bool, int]:
        scope = scope_of(item.path)
        return scope != str(item.path), len(made[scope])

    items.sort(key=rank, reverse=True)
