"""The warm process: what its forks hold and what they don't, and how it and they end."""

import ast
import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import mkdtemp

import pytest
from jupyter_client.manager import KernelManager
from lib.grading.kernel.spawn_request import Request
from tests.grading.kernels.clients import LOCKED, OPEN, at_work_in, held, kernel, number_of, sockets_of
from traitlets import TraitError
from traitlets.config import Config

import lib
from lib.grading.kernel import forkserver
from lib.grading.kernel.forkserver import ForkServer, ForkServerDied, KernelNotStarted

BOTH = pytest.mark.parametrize("options", [LOCKED, OPEN], ids=["locked", "open"])
COURSE = Path(lib.__file__).parent
CLOSED = re.compile(r"lib\.reference|lib\.grading\.judge|lib\.units\.\w+\.closed|nbgrader")
A_DAY = """
from tests.grading.kernels.clients import kernel, number_of
with kernel() as one, kernel() as other:
    print(one.provisioner._warm.folder, number_of(one), number_of(other), flush=True)
    input()
"""
AN_IDLE_DAY = """
import os, socket, sys
from lib.grading.kernel import forkserver
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    forkserver.IDLE = 0
    forkserver.serve(listener, os.pidfd_open(os.getppid()), os.fork)
"""


def sentences(zone):
    """Give the first sentence of each module in a zone as it lies in memory, where a text is as wide as it needs."""
    for path in sorted((COURSE / zone).rglob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text()))
        yield text.splitlines()[0].encode("latin-1" if max(map(ord, text)) < 256 else "utf-16-le")


def ended(handle):
    """Wait until the process behind a descriptor has ended."""
    return bool(select.select([handle], [], [], 60)[0])


# ---- What is in a fork


def test_a_kernel_holds_no_answers():
    """None of their modules, and none of their words anywhere in its memory. The open zone's are found there."""
    with kernel() as client:
        loaded = client.run("import sys; print(*sys.modules)").split()
        assert "lib.units.softmax_classifier.loss" in loaded
        assert not [name for name in loaded if CLOSED.match(name)]
        known = {*sentences("checking")}
        closed = {*sentences("reference"), *sentences("grading/judge"), *sentences("units/softmax_classifier/closed")}
        assert min(len(known), len(closed)) > 5
        found = held(number_of(client), known | closed)
        assert not found & closed
        assert len(found & known) > 5  # some modules are loaded only after a check has failed


def test_a_locked_kernel_cannot_import_the_answers():
    with kernel() as client:
        assert client.run("import lib.reference.softmax").startswith("ModuleNotFoundError")
        assert client.run("import lib.units.softmax_classifier.closed").startswith("ModuleNotFoundError")


def test_a_kernel_holds_nothing_that_was_sent_for_another(tmp_path):
    """The warm process forks before anything is read. Earlier, later and at the same time: each has its own alone."""
    own, sentence = tmp_path / "own.txt", b"what one student handed in, and no other"
    own.write_bytes(sentence)
    with kernel() as earlier, kernel(cwd=str(tmp_path)) as one, kernel() as later:
        one.run("kept = open('own.txt').read()")
        private = {sentence, one.manager.session.key}
        assert [held(number_of(client), private) for client in (earlier, one, later)] == [set(), private, set()]


@BOTH
def test_kernels_share_no_socket_with_each_other_or_the_warm_process(options):
    with kernel(options) as one, kernel(options) as other:
        numbers = [number_of(one), number_of(other)]
        others = set(at_work_in(one.provisioner._warm.folder, options["sandbox"])) - set(numbers)
        first, second = (sockets_of(number) for number in numbers)
        warm_ones = set().union(*(sockets_of(number) for number in others))
        assert min(len(sockets) for sockets in (first, second, warm_ones)) >= 3
        assert not first & second
        assert not (first | second) & warm_ones


def test_a_process_that_loses_its_environment_finds_its_warm_process_again(monkeypatch):
    monkeypatch.delenv(forkserver.ADDRESS, raising=False)
    folder = ForkServer.shared().folder
    monkeypatch.delenv(forkserver.ADDRESS)
    assert ForkServer.shared().folder == folder


def test_a_process_with_a_second_thread_is_not_forked():
    wait = threading.Event()
    threading.Thread(target=wait.wait).start()
    try:
        with pytest.raises(RuntimeError, match="threads can't be forked safely"):
            forkserver._plain_fork()
    finally:
        wait.set()


# ---- What goes wrong


def test_what_keeps_a_kernel_from_starting_is_told():
    manager = KernelManager(kernel_name="zerolayer", config=Config({"WarmProvisioner": OPEN}))
    with pytest.raises(KernelNotStarted, match=r"FileNotFoundError.*no/such/folder"):
        manager.start_kernel(cwd="/no/such/folder")
    manager.cleanup_resources()


def test_a_limit_that_there_is_not_is_told():
    manager = KernelManager(kernel_name="zerolayer", config=Config({"WarmProvisioner": {"limits": {"memroy": 1}}}))
    with pytest.raises(TraitError, match=r"knows no 'memroy'\. Try one of memory, "):
        manager.start_kernel()


def test_a_warm_process_that_died_is_started_again():
    with kernel() as client:
        shared = client.provisioner._warm
        before = at_work_in(shared.folder)
        for number in before:
            os.kill(number, signal.SIGKILL)
        assert asyncio.run(client.provisioner.wait()) == -signal.SIGKILL
    with kernel() as client:
        assert client.run("1 + 1") == "2"
        assert not set(before) & set(at_work_in(shared.folder))


def test_one_that_dies_again_is_told_with_its_last_words(monkeypatch):
    monkeypatch.setattr(forkserver, "ENVIRONMENT", {"PYTHONHOME": "/no/such/place"})  # no Python starts with that
    folder = Path(mkdtemp(prefix=f"zerolayer-{os.getpid()}-"))
    with pytest.raises(ForkServerDied, match="It said: "):
        ForkServer(folder).fork(Request({}, [], {}), [])
    forkserver._tidy(folder)
    assert not folder.exists()


# ---- The end


@BOTH
def test_a_caller_that_hangs_up_ends_its_kernel(options):
    with kernel(options) as client:
        client.provisioner.process.line.close()
        assert ended(client.provisioner.process.handle)


def test_it_ends_with_its_owner_and_takes_all_along():
    command = [sys.executable, "-c", A_DAY]
    environment = {name: value for name, value in os.environ.items() if name != forkserver.ADDRESS}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        folder, *kernels = owner.stdout.readline().split()
        handles = [os.pidfd_open(int(number)) for number in (*kernels, *at_work_in(folder))]
        assert len(handles) > 2
        owner.kill()
        assert all(ended(handle) for handle in handles)
    assert not Path(folder).exists()


def test_one_that_nobody_asks_for_long_ends(tmp_path):
    done = subprocess.run([sys.executable, "-c", AN_IDLE_DAY, str(tmp_path / "address")], timeout=60, check=False)
    assert done.returncode == 0
