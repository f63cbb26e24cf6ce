"""The provisioner as Jupyter's own parts use it: kernel managers, nbclient, nbgrader and a server."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbclient import NotebookClient
from nbgrader.preprocessors import Execute
from traitlets.config import Config

import lib
from lib.grading.kernel.forkserver import ADDRESS, ForkServer, KernelNotStarted
from lib.grading.kernel.provisioner import WarmProvisioner
from tests.grading.kernels.clients import LOCKED, OPEN, at_work_in, kernel

BOTH = pytest.mark.parametrize("options", [LOCKED, OPEN], ids=["locked", "open"])
MODULES = (
    "numpy",
    "matplotlib.pyplot",
    "tensorflow",
    "ipywidgets",
    "lib.units.softmax_classifier",
    "lib.units.softmax_classifier.loop.rules",
    "lib.data",
    "lib.explorer",
)
COURSE = Path(lib.__file__).parent


# ---- The start


@BOTH
def test_what_notebooks_import_is_there_already(options):
    with kernel(options) as client:
        assert isinstance(client.provisioner, WarmProvisioner)
        assert client.run(f"import sys; [name for name in {MODULES} if name not in sys.modules]") == "[]"


@BOTH
def test_what_words_an_error_is_there_already(options):
    """Importing it would take longer than all else in a notebook, and so would the look for each module's file."""
    before = "import inspect, sys; before = len(sys.modules), len(inspect.modulesbyfile); missing"
    with kernel(options) as client:
        assert client.run(before) == "NameError: name 'missing' is not defined"
        assert client.run("len(sys.modules) - before[0], len(inspect.modulesbyfile) - before[1]") == "(0, 1)"


def test_the_package_brings_a_kernelspec_that_names_the_provisioner():
    spec = KernelSpecManager().get_kernel_spec("zerolayer")
    assert spec.metadata["kernel_provisioner"]["provisioner_name"] == "zerolayer-warm"
    assert spec.to_json() == type(spec).from_resource_dir(str(COURSE / "grading/kernels/kernelspec")).to_json()


def test_the_kernels_folder_is_where_it_was_started(tmp_path):
    with kernel(OPEN, cwd=str(tmp_path)) as client:
        client.run("open('made.txt', 'w').close(); import os; os.chdir('/')")
        assert client.run("print(get_ipython().starting_dir)") == str(tmp_path)
        assert Path(tmp_path, "made.txt").exists()


def test_a_locked_kernel_has_a_copy_of_its_folder(tmp_path):
    Path(tmp_path, "data").mkdir()
    Path(tmp_path, "data", "train.csv").write_text("1,2")
    Path(tmp_path, "way out").symlink_to("/etc/passwd")
    with kernel(LOCKED, cwd=str(tmp_path)) as client:
        assert client.run("import os; sorted(os.listdir())") == "['data']"
        assert client.run("print(open('data/train.csv').read())") == "1,2"
        assert client.run("open('data/train.csv', 'w').write('mine'); open('new', 'w').close()") == ""
        assert client.run("os.chdir('data'); get_ipython().starting_dir == os.path.dirname(os.getcwd())") == "True"
    assert Path(tmp_path, "data", "train.csv").read_text() == "1,2"
    assert not Path(tmp_path, "new").exists()


def test_a_folder_that_is_too_large_to_copy_is_said_to_be(tmp_path):
    Path(tmp_path, "large").write_bytes(bytes(1001))
    manager = KernelManager(kernel_name="zerolayer", config=Config({"WarmProvisioner": {"largest_folder": 1000}}))
    with pytest.raises(KernelNotStarted, match="more than 1,000 bytes"):
        manager.start_kernel(cwd=str(tmp_path))
    manager.cleanup_resources()


def test_files_without_a_folder_are_for_locked_kernels_alone():
    with pytest.raises(ValueError, match="Only a locked kernel"):
        WarmProvisioner(kernel_spec=KernelSpec(), sandbox=False).client("", {"data.txt": b""})


def test_a_locked_kernel_gets_what_a_caller_adds_to_its_environment_and_little_else(monkeypatch):
    monkeypatch.setenv("INSTRUCTORS_TOKEN", "secret")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    ask = "import os; [os.environ.get(name) for name in ('ADDED', 'NBGRADER_EXECUTION', 'INSTRUCTORS_TOKEN')]"
    born_with = "pathlib.Path('/proc/self/environ').read_bytes()"
    added = {**os.environ, "ADDED": "1"}
    with kernel(LOCKED, env=added) as client:
        assert client.run(ask) == "['1', 'autograde', None]"
        assert "secret" not in client.run(f"import pathlib; {born_with}")  # whether or not it may be read
    with kernel(OPEN, env=added) as client:
        assert client.run(ask) == "['1', 'autograde', 'secret']"


@BOTH
def test_arguments_are_obeyed(options):
    arguments = ["--IPKernelApp.exec_lines=told = 42", "--PlainTextFormatter.pprint=False", "--log-level=ERROR"]
    with kernel(options, extra_arguments=arguments) as client:
        assert client.run("told") == "42"
        assert client.run("shell = get_ipython(); shell.display_formatter.formatters['text/plain'].pprint") == "False"
        assert client.run("from ipykernel.kernelapp import IPKernelApp; IPKernelApp.instance().log_level") == "40"


@pytest.mark.parametrize("arguments", [[], ["--HistoryManager.hist_file=:memory:"]])
def test_history_is_kept_in_memory(arguments):
    with kernel(LOCKED, extra_arguments=arguments) as client:
        client.run("a = 1")
        assert client.run("get_ipython().history_manager.hist_file") == "':memory:'"
        assert client.run("%history -n 1") == "1: a = 1"


def test_history_is_kept_in_a_file_for_whoever_wants_it(tmp_path):
    with kernel(OPEN, extra_arguments=[f"--HistoryManager.hist_file={tmp_path}/history"]) as client:
        client.run("a = 1")
    assert Path(tmp_path, "history").exists()


def test_chance_is_its_own_in_every_fork():
    draw = """
import random, uuid, numpy as np, tensorflow as tf
print(random.random(), np.random.rand(), np.random.default_rng().random(), float(tf.random.uniform([])), uuid.uuid4())
"""
    with kernel() as one, kernel() as other:
        first, second = (client.run(draw).split() for client in (one, other))
        assert len(first) == 5
        assert not set(first) & set(second)
        assert one.run("hash('warm')") == other.run("hash('warm')")  # Python's seed for this is its process's


def test_figures_are_shown_inline_unless_told_otherwise():
    draw = "from matplotlib import pyplot; pyplot.plot([1]); print(pyplot.get_backend())"
    with kernel() as client:
        assert "inline" in client.run(draw)
    with kernel(env={**os.environ, "MPLBACKEND": "agg"}) as client:
        assert client.run(draw) == "agg"


def test_another_kernel_than_ipykernel_is_refused_with_a_reason(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "other"
    spec.mkdir(parents=True)
    text = {"argv": ["sh", "{connection_file}"], "display_name": "Shell", "language": "sh"}
    Path(spec, "kernel.json").write_text(json.dumps(text))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr("jupyter_client.provisioning.KernelProvisionerFactory._instance", None)
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "zerolayer-warm")
    manager = KernelManager(kernel_name="other")
    with pytest.raises(KernelNotStarted, match="Shell is not ipykernel"):
        manager.start_kernel()
    manager.cleanup_resources()


# ---- The end


@BOTH
@pytest.mark.parametrize(("end", "codes"), [("os._exit(3)", {3}), ("os.kill(os.getpid(), 15)", {128 + 15, -15})])
def test_an_end_is_noticed_at_once_and_without_asking_again(options, end, codes, monkeypatch):
    async def ends():
        manager = AsyncKernelManager(kernel_name="zerolayer", config=Config({"WarmProvisioner": options}))
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        client.execute(f"import os; {end}")
        monkeypatch.setattr(asyncio, "sleep", None)  # whoever polls, sleeps
        code = await manager.provisioner.wait()
        monkeypatch.undo()
        alive = await manager.is_alive()
        client.stop_channels()
        await manager.cleanup_resources()
        return code, alive

    code, alive = asyncio.run(ends())
    assert code in codes
    assert not alive


@BOTH
def test_a_kernel_is_interrupted_and_goes_on(options):
    with kernel(options) as client:
        said = client.run(
            "print('going', flush=True)\nwhile True: pass", lambda text: client.manager.interrupt_kernel()
        )
        assert "KeyboardInterrupt" in said
        assert client.run("1 + 1") == "2"


@BOTH
def test_a_restarted_kernel_is_a_new_one_at_the_same_address(options, tmp_path):
    with kernel(options, cwd=str(tmp_path)) as client:
        client.run("a = 1")
        before = client.manager.get_connection_info()
        client.manager.restart_kernel(now=True)
        assert client.manager.get_connection_info() == before
        client.client.wait_for_ready(timeout=60)
        assert client.run("a") == "NameError: name 'a' is not defined"


@BOTH
def test_a_kernel_that_is_asked_to_ends_by_itself(options, tmp_path):
    with kernel(options, cwd=str(tmp_path)) as client:
        client.run("import atexit, os; atexit.register(os._exit, 7)")
        sockets, provisioner = Path(client.manager.ip).parent, client.provisioner
        assert len(list(sockets.iterdir())) == 5
        client.manager.shutdown_kernel()
        assert not client.manager.has_kernel
        assert not sockets.exists()
    assert asyncio.run(provisioner.poll()) == 7


@BOTH
def test_a_kernel_that_stops_itself_or_ignores_everything_is_ended_all_the_same(options):
    with kernel(options) as client:
        client.run("import signal, os; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]")
        client.client.execute("os.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass")
        client.manager.shutdown_kernel(now=True)
        assert not client.manager.has_kernel


def test_only_the_owner_of_the_sockets_can_reach_them():
    with kernel() as client:
        folder = Path(client.manager.ip).parent
        assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
        with socket.socket(socket.AF_UNIX) as anyone:
            anyone.connect(f"{client.manager.ip}-1")


# ---- Who uses it


def test_nbclient_runs_a_notebook_in_it(tmp_path):
    cells = [nbformat.v4.new_code_cell(code) for code in ("import numpy as np", "np.arange(3).sum()", "1 / 0")]
    client = NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        kernel_name="zerolayer",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    done = client.execute()
    assert "3" in done.cells[1].outputs[0].data["text/plain"]
    assert done.cells[2].outputs[0].ename == "ZeroDivisionError"


def test_nbgraders_execute_runs_a_notebook_in_it(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; os.getcwd()")])
    resources = {"metadata": {"path": str(tmp_path)}}
    done, _ = Execute(kernel_name="zerolayer").preprocess(notebook, resources)
    assert done.cells[0].outputs[0].data["text/plain"] == "'/scratch/work'"


def test_a_jupyter_server_starts_interrupts_restarts_and_ends_it(tmp_path):
    async def a_day_at_the_server():
        kernels = AsyncMappingKernelManager(root_dir=str(tmp_path))
        number = await kernels.start_kernel(kernel_name="zerolayer", path="/")
        one = kernels.get_kernel(number)
        await one.ready
        assert isinstance(one.provisioner, WarmProvisioner)
        await kernels.interrupt_kernel(number)
        await kernels.restart_kernel(number)
        alive = await kernels.is_alive(number)
        await kernels.shutdown_kernel(number)
        return alive, number in kernels

    assert asyncio.run(a_day_at_the_server()) == (True, False)


def asked_in_a_process_of_its_own(code):
    """Called in a worker process."""
    with kernel() as client:
        return os.environ["ZEROLAYER_WARM"], client.run(code)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_worker_processes_share_one_warm_process(way):
    """Whichever way they come to be, and also if the process that they are forked from has had kernels itself."""
    folder = ForkServer.shared().folder
    with kernel(), ProcessPoolExecutor(2, get_context(way)) as workers:
        before = at_work_in(folder)
        answers = list(workers.map(asked_in_a_process_of_its_own, ["1 + 1", "2 + 2", "3 + 3"]))
    assert answers == [(str(folder), answer) for answer in ("2", "4", "6")]
    assert before
    assert at_work_in(folder) == before


class DeafLoop(asyncio.SelectorEventLoop):
    """An event loop that hears nothing of its threads: a forked process has its parent's, and others hear it first."""

    def _write_to_self(self):
        pass


def test_a_kernel_starts_where_another_process_hears_that_it_is_there():
    async def start():
        manager = AsyncKernelManager(kernel_name="zerolayer")
        await manager.start_kernel()
        alive = await manager.is_alive()
        await manager.shutdown_kernel(now=True)
        return alive

    with asyncio.Runner(loop_factory=DeafLoop) as runner:
        assert runner.run(asyncio.wait_for(start(), 30))


def test_a_signal_goes_to_the_kernel_alone():
    with kernel(OPEN) as one, kernel(OPEN) as other:
        asyncio.run(one.provisioner.send_signal(signal.SIGKILL))
        assert asyncio.run(one.provisioner.wait()) == -signal.SIGKILL
        assert other.run("1 + 1") == "2"


IN_A_LONG_FOLDER = (
    "from tests.grading.kernels.clients import kernel\nwith kernel() as talk:\n    print(talk.run('6 * 7'))"
)


def test_a_folder_for_temporary_files_may_have_a_long_name(tmp_path):
    """The address of a socket may not: it has 107 characters."""
    folder = tmp_path / ("t" * 120)
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != ADDRESS} | {"TMPDIR": str(folder)}
    command = [sys.executable, "-c", IN_A_LONG_FOLDER]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (run.stdout, run.stderr) == ("42\n", "")
