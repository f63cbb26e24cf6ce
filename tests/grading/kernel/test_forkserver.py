"""The warm process: what its forks hold and what they don't, and how it and they end."""

import ast
import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp

import pytest

import lib
from lib.grading.kernel import client
from lib.grading.kernel.client import ADDRESS, ForkServer, write_request
from lib.grading.machine_faults import RunLostError
from lib.grading.sandbox import lockdown
from tests.grading.kernel.clients import SECONDS, held, kernel, sockets_of, warm_processes

pytestmark = pytest.mark.usefixtures("lockable_here")
LOOKS_INSIDE = pytest.mark.skipif(os.geteuid() != 0, reason="Only root sees into a locked kernel. Run this as root.")
COURSE = Path(lib.__file__).parent
A_DAY = """
import os
from tests.grading.kernel.clients import kernel
with kernel() as one, kernel() as other:
    print(os.environ["ZEROLAYER_WARM"], one.number, other.number, flush=True)
    input()
"""
AN_IDLE_DAY = """
import os, socket, sys
from lib.grading.kernel import forkserver
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    forkserver.IDLE = 0
    forkserver.serve(listener, os.pidfd_open(os.getppid()))
"""


def sentences(zone):
    """Return the first sentence of each module in a zone as it is in memory, where a text is as wide as it needs."""
    for path in sorted((COURSE / zone).rglob("*.py")):
        if text := ast.get_docstring(ast.parse(path.read_text())):
            yield text.splitlines()[0].encode("latin-1" if max(map(ord, text)) < 256 else "utf-16-le")


def ended(handle):
    return bool(select.select([handle], [], [], SECONDS)[0])


# ---- What is in a fork


@LOOKS_INSIDE
def test_a_kernel_holds_no_answers():
    """None of their words, anywhere in its memory, and nothing to import. The open zone's words are found there."""
    with kernel() as one:
        known = {*sentences("checking")}
        closed = {*sentences("reference"), *sentences("grading/judge"), *sentences("units/softmax_classifier/closed")}
        assert min(len(known), len(closed)) > 5
        found = held(one.number, known | closed)
        assert not found & closed
        assert len(found & known) > 5  # some modules are loaded only after a check has failed
        for module in ("lib.reference.softmax", "lib.units.softmax_classifier.closed"):
            assert one.run(f"import {module}").startswith("ModuleNotFoundError")


@LOOKS_INSIDE
def test_a_kernel_holds_nothing_that_was_sent_for_another():
    """The warm process forks before anything is read. Earlier, later and at the same time: each has its own alone."""
    sentence = b"what one student handed in, and no other"
    with kernel() as earlier, kernel({"own.txt": sentence.decode()}) as one, kernel() as later:
        one.run("kept = open('own.txt').read()")
        assert [held(each.number, {sentence}) for each in (earlier, one, later)] == [set(), {sentence}, set()]


@LOOKS_INSIDE
def test_kernels_share_no_socket_with_each_other():
    """With the warm process each shares its own connection alone: that tells the caller how the kernel ended."""
    with kernel() as one, kernel() as other:
        assert one.run("1") == other.run("1")  # they have closed what they began with
        first, second = sockets_of(one.number), sockets_of(other.number)
        warm = set().union(*map(sockets_of, set(warm_processes()) - {one.number, other.number}))
        assert not first & second
        assert (len(first & warm), len(second & warm)) == (1, 1)


def asked_in_a_process_of_its_own(code):
    """Called in a worker process."""
    with kernel() as one:
        return os.environ[ADDRESS], one.run(code)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_worker_processes_share_one_warm_process(way):
    """Whichever way they come to be, and also if the process that they are forked from has had kernels itself."""
    folder = ForkServer.shared().folder
    with kernel(), ProcessPoolExecutor(2, get_context(way)) as workers:
        before = warm_processes()
        answers = list(workers.map(asked_in_a_process_of_its_own, ["1 + 1", "2 + 2", "3 + 3"]))
    assert answers == [(str(folder), answer) for answer in ("2", "4", "6")]
    assert before
    assert not set(warm_processes()) - set(before)


def test_a_process_with_a_second_thread_is_not_forked():
    with ThreadPoolExecutor(1) as thread, pytest.raises(RuntimeError, match="threads can't be forked safely"):
        thread.submit(int).result()
        lockdown.assert_one_thread()


# ---- What goes wrong


def test_what_keeps_a_kernel_from_starting_is_told():
    with pytest.raises(RunLostError, match="files: No space left on device"):
        kernel({"large": "x" * 2**21}, scratch=2**20).__enter__()


def test_a_warm_process_that_died_is_started_again():
    with kernel() as one:
        before = warm_processes()
        for number in before:
            os.kill(number, signal.SIGKILL)
        assert ended(one.client.handle)
        assert [*one.messages()] == [] and one.client.end is None
    with kernel() as one:
        assert one.run("1 + 1") == "2"
        assert not set(before) & set(warm_processes())


def test_one_that_dies_again_is_told_with_its_last_words(monkeypatch):
    monkeypatch.setattr(client, "ENVIRONMENT", {"PYTHONHOME": "/no/such/place"})  # no Python starts with that
    folder = Path(mkdtemp(prefix=f"zerolayer-{os.getpid()}-"))
    with pytest.raises(RunLostError, match="Its last output: "):
        ForkServer(folder).fork(write_request({}, {}, {}))
    client._tidy(os.getpid(), str(folder))
    assert not folder.exists()


# ---- The end


def test_a_caller_that_hangs_up_ends_its_kernel():
    with kernel() as one:
        one.client._line.close()
        assert ended(one.client.handle)


def test_it_ends_with_its_owner_and_takes_all_along():
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", A_DAY], **pipes, env=environment, cwd=COURSE.parent) as owner:
        folder, *kernels = owner.stdout.readline().split()
        handles = [os.pidfd_open(int(number)) for number in (*kernels, *warm_processes(folder=folder))]
        assert len(handles) > 2
        owner.kill()
        assert all(ended(handle) for handle in handles)
    assert not Path(folder).exists()


def test_one_that_nobody_asks_for_long_ends(tmp_path):
    done = subprocess.run([sys.executable, "-c", AN_IDLE_DAY, str(tmp_path / "address")], check=False)
    assert done.returncode == 0
