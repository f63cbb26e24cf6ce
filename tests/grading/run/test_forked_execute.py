"""A run that talks to the kernel directly: it gives what Jupyter's way gives, and survives what a kernel may say."""

import os
import re
import signal
import tracemalloc
from pathlib import Path

import nbformat
import pytest
from lib.grading.kernel.provisioner import WarmProvisioner
from lib.grading.run.forked_execute import ForkedExecute, locks_in
from nbgrader.preprocessors import Execute
from tests.grading.kernels.clients import at_work_in
from traitlets.config import Config
from traitlets.config.loader import KVArgParseConfigLoader

from lib.grading.kernel import forkserver
from lib.grading.run.pool import processes
from lib.grading.run.settings import BoundedExecute, RunLostError, run_state
from lib.grading.sandbox import limits

pytestmark = pytest.mark.usefixtures("lockable_here")

CELLS = {
    "prints": "print('one')\nprint('two', end='')",
    "both streams": "import sys\nprint('out'); print('err', file=sys.stderr); print('out again')",
    "a value": "6 * 7",
    "nothing": "x = 1;",
    "rich values": "from IPython.display import HTML, Markdown\ndisplay(HTML('<b>b</b>'), Markdown('*m*')); HTML('i')",
    "a figure": "import matplotlib.pyplot as plt\nprint('before')\nplt.plot([1, 2]); plt.show()\nprint('after')",
    "a figure left open": "_ = plt.plot([2, 1])",
    "an error": "print('before')\ndef f(x):\n    return 1 / x\nf(0)",
    "an error in a library": "import json\ndef read(text):\n    return json.loads(text)\nread('')",
    "an error in an earlier cell": "f(0)",
    "an error behind an error": "try:\n    f(0)\nexcept ZeroDivisionError as error:\n    raise ValueError from error",
    "a syntax error": "def f(:\n    pass",
    "cleared": "from IPython.display import clear_output\nprint('gone'); clear_output(); print('here')",
    "cleared later": "print('gone'); clear_output(wait=True); print('here')",
    "awaits": "import asyncio\nawait asyncio.sleep(0)\nprint('slept')",
    "a loop runs": "asyncio.get_running_loop().is_running()",
    "a task": "async def later():\n    return 5\nawait asyncio.create_task(later())",
    "asks": "input('name?')",
    "leaves": "raise SystemExit(3)",
    "magic": "%%capture said\nprint('caught')",
    "what magic left": "said.stdout",
    "help": "len?",
    "a widget": "import ipywidgets\nipywidgets.IntSlider().value",
    "counts": "len(In), Out[3]",
    "warns": "import warnings; warnings.warn('careful')",
    "unicode": "print('π', '\\x00', '😀')",
}


def executed(tmp_path, *sources, how=ForkedExecute, kernel="zerolayer", **limits):
    """Run cells; give the notebook and the remarks."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": kernel, "display_name": ""}})
    resources = {"metadata": {"path": str(tmp_path)}}
    notebook, resources = how(kernel_name=kernel, **limits).preprocess(notebook, resources)
    return notebook, run_state(resources).remarks


NICENESS_OF_MINE = "open('/proc/self/stat').read().rpartition(')')[2].split()[16]"


@pytest.mark.parametrize("sandbox", [True, False])
def test_a_kernel_stands_back_for_the_process_that_judges(tmp_path, sandbox):
    config = Config({"WarmProvisioner": {"sandbox": sandbox}})
    sources = (f"print({NICENESS_OF_MINE})", "import os\nos.nice(-1)")
    notebook, _ = executed(tmp_path, *sources, config=config)
    assert int(texts(notebook)[0]) == os.nice(0) + limits.NICENESS
    if sandbox:  # and it can't take that back
        assert notebook.cells[1].outputs[0].ename == "PermissionError"


def test_a_worker_stands_back_too():
    with processes(1) as pool:
        assert pool.submit(os.nice, 0).result() == os.nice(0) + limits.NICENESS


def texts(notebook):
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


def comparable(outputs):
    """Leave out what differs from run to run: how streams mix, places in memory, the numbers of cells' files."""
    joined, streams = [], {}
    for output in outputs:
        if output.output_type == "stream" and output.name in streams:
            streams[output.name]["text"] += output.text
            continue
        joined.append(dict(sorted(output.items())))
        if output.output_type == "stream":
            streams[output.name] = joined[-1]
    at_home = repr(joined).replace(str(Path.home()), "~")  # a locked kernel has another one
    return re.sub(r"0x[0-9a-f]+|ipykernel_\d+|\d+\.py|/tmp/\S+", "…", at_home)


def end_warm_process():
    for number in at_work_in(os.environ[forkserver.ADDRESS]):
        os.kill(number, signal.SIGKILL)


def without_tensorflow(fork):
    """Make a way to have kernels forked that fails for those that have TensorFlow."""

    def forked(self, request, descriptors):
        if "slow" in self.kind:
            raise forkserver.ForkServerDied("TensorFlow can't be imported.")
        return fork(self, request, descriptors)

    return forked


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    """The cells, run by nbgrader's own Execute in Jupyter's own kernel, and by ours."""
    stock, _ = executed(tmp_path_factory.mktemp("stock"), *CELLS.values(), how=Execute, kernel="python3")
    direct, remarks = executed(tmp_path_factory.mktemp("direct"), *CELLS.values())
    assert remarks == []
    return dict(zip(CELLS, zip(stock.cells, direct.cells, strict=True), strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_puts_out_what_it_does_in_jupyters_own_kernel(both_ways, name):
    stock, direct = both_ways[name]
    assert comparable(direct.outputs) == comparable(stock.outputs)
    assert direct.execution_count == stock.execution_count


def test_with_another_kernel_jupyter_runs_the_cells(tmp_path):
    notebook, remarks = executed(tmp_path, "import os; print(os.getcwd())", kernel="python3")
    assert texts(notebook) == [f"{tmp_path}\n"]
    assert remarks == []


@pytest.mark.parametrize("how", [ForkedExecute, BoundedExecute])
def test_files_beside_the_notebook_are_there_and_nothing_comes_back(tmp_path, how):
    (tmp_path / "data.txt").write_text("five")
    notebook, _ = executed(tmp_path, "open('made.txt', 'w').write(open('data.txt').read())", how=how)
    assert notebook.cells[0].outputs[0].data["text/plain"] == "4"
    assert [path.name for path in tmp_path.iterdir()] == ["data.txt"]


def test_without_a_folder_a_locked_kernel_sees_nothing_of_where_we_are(tmp_path, monkeypatch):
    """There may be a gradebook."""
    (tmp_path / "gradebook.db").write_text("points")
    monkeypatch.chdir(tmp_path)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; print(os.listdir())")])
    notebook, _ = ForkedExecute(kernel_name="zerolayer").preprocess(notebook, {})
    assert texts(notebook) == ["[]\n"]


def test_without_the_sandbox_it_works_where_the_notebook_lies(tmp_path):
    config = Config({"WarmProvisioner": {"sandbox": False}})
    notebook, _ = executed(
        tmp_path, "open('made.txt', 'w').write('x'); print(__import__('os').getcwd())", config=config
    )
    assert texts(notebook) == [f"{tmp_path}\n"]
    assert (tmp_path / "made.txt").exists()


@pytest.mark.parametrize(("words", "locked"), [([], True), (["--WarmProvisioner.sandbox=False"], False)])
def test_a_command_line_says_whether_kernels_are_locked_in(words, locked):
    config = KVArgParseConfigLoader(words, classes=[WarmProvisioner]).load_config()
    assert locks_in(config) is locked
    assert ForkedExecute(kernel_name="zerolayer", config=config).takes_files is locked


HAS_TENSORFLOW = "import sys; print('tensor' + 'flow' in sys.modules)"


@pytest.mark.parametrize(("mentions", "has"), [("x = 1", "False\n"), ("def f():\n    import tensorflow", "True\n")])
def test_tensorflow_is_there_at_once_where_code_names_it(tmp_path, mentions, has):
    notebook, _ = executed(tmp_path, HAS_TENSORFLOW, mentions)
    assert texts(notebook)[0] == has


def test_code_that_hides_its_wish_for_tensorflow_gets_it_all_the_same(tmp_path):
    notebook, remarks = executed(tmp_path, "__import__('tensor' + 'flow').constant(3).numpy().item()", timeout=120)
    assert notebook.cells[0].outputs[-1].data["text/plain"] == "3"
    assert remarks == []


# Bounds

BEFORE, AFTER = "print('before')", "print('after')"


def test_a_cell_that_runs_too_long_is_stopped_and_the_rest_runs(tmp_path):
    notebook, remarks = executed(tmp_path, BEFORE, "print('within')\nwhile True: pass", AFTER, timeout=1)
    assert texts(notebook) == ["before\n", "within\n", "after\n"]
    assert remarks == ["Cell 2 ran longer than 1 seconds and was stopped."]
    assert notebook.cells[1].outputs[-1].ename == "CellTimeoutError"


def test_a_task_that_is_awaited_too_long_is_stopped_too(tmp_path):
    notebook, remarks = executed(tmp_path, "import asyncio; await asyncio.sleep(60)", AFTER, timeout=1)
    assert texts(notebook)[-1] == "after\n"
    assert remarks == ["Cell 1 ran longer than 1 seconds and was stopped."]


def test_what_cannot_be_stopped_is_ended(tmp_path):
    endless = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    notebook, remarks = executed(tmp_path, BEFORE, endless, AFTER, timeout=1, grace=1)
    assert texts(notebook) == ["before\n", "", ""]
    assert remarks == ["Cell 2 could not be stopped; nothing after it could run."]
    assert notebook.cells[2].execution_count is None


def test_all_cells_together_have_their_time(tmp_path):
    slow = "import time; time.sleep(0.4); print('slept')"
    notebook, remarks = executed(tmp_path, *[slow] * 20, budget=2)
    run = texts(notebook).count("slept\n")  # how many, depends on how soon the kernel is there
    assert texts(notebook) == ["slept\n"] * run + [""] * (20 - run)
    assert run < 20
    assert remarks[-1] == "The notebook ran longer than 2 seconds; its last cells were not run."


@pytest.mark.parametrize("death", ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_a_kernel_that_dies_ends_the_run_and_what_ran_stays(tmp_path, death):
    notebook, remarks = executed(tmp_path, BEFORE, death, AFTER)
    assert texts(notebook) == ["before\n", "", ""]
    assert remarks == ["Cell 2 made the kernel die; nothing after it could run."]


def test_much_is_kept_within_bounds_and_a_flood_is_stopped(tmp_path):
    much = "for number in range(20_000): print(number)"
    flood = "while True: print('x' * 1000)"
    notebook, remarks = executed(tmp_path, much, flood, AFTER, max_output=100_000)
    for cell in notebook.cells:
        assert sum(len(output.get("text", "")) for output in cell.outputs) <= 100_000
    assert texts(notebook)[0].startswith("0\n1\n2\n")
    assert texts(notebook)[2] == "after\n"
    assert remarks == [
        "Cell 1 put out more than is kept; the rest was dropped.",
        "Cell 2 put out more than is kept; the rest was dropped.",
        "Cell 2 put out far more than is kept, and was stopped.",
    ]


def test_pictures_that_take_each_others_place_are_no_flood(tmp_path):
    film = """
from IPython.display import clear_output
for number in range(300):
    clear_output(wait=True); display({"text/plain": str(number), "image/png": "A" * 100_000}, raw=True)
"""
    notebook, remarks = executed(tmp_path, film, AFTER, max_output=1_000_000)
    assert [output.data["text/plain"] for output in notebook.cells[0].outputs] == ["299"]
    assert texts(notebook)[1] == "after\n"
    assert remarks == []


def test_text_and_values_come_in_the_order_in_which_they_were_put_out(tmp_path):
    code = "import sys\nprint('a'); display(1); print('b', end=''); print('c', file=sys.stderr); print('d')"
    notebook, _ = executed(tmp_path, code)
    [cell] = notebook.cells
    assert [output.get("text") or output.data["text/plain"] for output in cell.outputs] == [
        "a\n",
        "1",
        "b",
        "c\n",
        "d\n",
    ]


def test_text_is_not_lost_where_code_puts_another_stream_in_place(tmp_path):
    code = "import io, sys\nprint('a'); print('b', end='')\nkept, sys.stdout = sys.stdout, io.StringIO()"
    notebook, _ = executed(tmp_path, code, "sys.stdout = kept; print('c')")
    assert texts(notebook) == ["a\nb", "c\n"]


def test_an_interrupt_that_comes_as_a_cell_ends_does_no_harm(tmp_path):
    """A signal that code sends to itself at its very end; the one after must not meet it."""
    late = (
        "import os, signal, threading, time\nthreading.Timer(0.001 * {}, os.kill, (os.getpid(), signal.SIGINT)).start()"
    )
    cells = [late.format(number / 4) for number in range(12)]
    notebook, remarks = executed(tmp_path, *cells, "time.sleep(0.1)", AFTER)
    assert texts(notebook)[-1] == "after\n"
    assert remarks == []


def test_a_task_that_a_cell_left_goes_on_before_the_next(tmp_path):
    leave = "import asyncio\nasync def f():\n    print('went on')\n_ = asyncio.get_running_loop().create_task(f())"
    notebook, _ = executed(tmp_path, leave, "print('next')")
    assert texts(notebook)[1] == "went on\nnext\n"


def test_a_run_that_the_warm_process_took_along_is_no_fault_of_the_notebooks(tmp_path):
    """Its own parent is out of a kernel's reach; here it is ended from outside, while a cell runs."""

    class Watching(ForkedExecute):
        def process_message(self, msg, cell, cell_index):
            end_warm_process()
            return super().process_message(msg, cell, cell_index)

    with pytest.raises(RunLostError):
        executed(tmp_path, "import time; print('now', flush=True); time.sleep(60)", how=Watching)
    assert texts(executed(tmp_path, AFTER)[0]) == ["after\n"]


def test_without_a_warm_tensorflow_code_that_only_names_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver.ForkServer, "fork", without_tensorflow(forkserver.ForkServer.fork))
    notebook, remarks = executed(tmp_path, "# keras is fun\n" + AFTER)
    assert texts(notebook) == ["after\n"]
    assert remarks == []


# What a kernel may say that none of Jupyter's would

SPEAK = "line = get_ipython().kernel.session.line\n"
MADE_UP = 'b\'{"msg_type": "execute_reply", "content": {"status": "ok"}}\\n\''
WORDS = {
    "no JSON": "line.sendall(b'\\xff\\xfe no words \\n')",
    "no message": "line.sendall(b'7\\nnull\\n[]\\n{}\\n')",
    "no content": 'line.sendall(b\'{"msg_type": "stream", "content": 7}\\n\')',
    "depth": "line.sendall(b'[' * 200_000 + b'\\n')",
    "a reply of strange parts": 'line.sendall(b\'{"msg_type": "execute_reply", "content": []}\\n\')',
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_what_cannot_be_read_is_remarked_and_passed_over(tmp_path, words):
    notebook, remarks = executed(tmp_path, SPEAK, words + "; print('said')", AFTER)
    assert texts(notebook)[1:] == ["said\n", "after\n"]
    assert remarks == ["Cell 2 sent something that can't be read."]


def test_a_message_without_end_is_not_kept(tmp_path):
    endless = "for _ in range(40): line.sendall(b'x' * 2**20)\nline.sendall(b'\\n'); print('said')"
    notebook, remarks = executed(tmp_path, SPEAK, endless, AFTER, max_output=10_000_000)
    assert texts(notebook)[1:] == ["said\n", "after\n"]
    assert remarks == ["Cell 2 put out more than is kept; the rest was dropped."]


@pytest.mark.parametrize("error", ["ValueError('x' * 10**7)", "type('E' * 10**7, (Exception,), {})"])
def test_an_error_of_any_length_ends_its_own_cell_and_no_other(tmp_path, error):
    notebook, remarks = executed(tmp_path, f"raise {error}", AFTER)
    [said] = notebook.cells[0].outputs
    assert said.output_type == "error"
    assert len(said.ename) + len(said.evalue) < 2000
    assert texts(notebook)[1] == "after\n"
    assert remarks == ["Cell 1 put out more than is kept; the rest was dropped."]


def test_a_reply_made_up_in_advance_ends_no_cell(tmp_path):
    forged = f"line.sendall({MADE_UP} * 3)\nprint('late')"
    notebook, remarks = executed(tmp_path, SPEAK, forged, AFTER, "print('last')")
    assert remarks == []
    assert texts(notebook) == ["", "late\n", "after\n", "last\n"]
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4]


def test_replies_without_end_neither_hold_the_run_up_nor_fill_memory(tmp_path):
    endless = f"while True: line.sendall({MADE_UP} * 1000)"
    tracemalloc.start()
    notebook, remarks = executed(tmp_path, SPEAK, endless, BEFORE, AFTER)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert texts(notebook) == ["", "", "before\n", "after\n"]
    assert remarks[-1] == "Cell 2 put out far more than is kept, and was stopped."
    assert most < 2**26


def test_a_kernel_that_hangs_up_is_as_good_as_dead(tmp_path):
    notebook, remarks = executed(tmp_path, BEFORE, SPEAK + "import socket; line.shutdown(socket.SHUT_RDWR)", AFTER)
    assert texts(notebook)[0] == "before\n"
    assert remarks == ["Cell 2 made the kernel die; nothing after it could run."]


def test_a_thread_that_talks_on_breaks_nothing(tmp_path):
    client = """
import threading, time
def talk():
    while True:
        print('x', flush=True); display(1); time.sleep(0.001)
threading.Thread(target=talk, daemon=True).start()
"""
    notebook, remarks = executed(tmp_path, client, "x = 1", "print('heard')", "6 * 7")
    assert "heard\n" in texts(notebook)[2]
    assert remarks == []


def test_a_shell_line_that_can_start_nothing_does_not_stop_its_cell(tmp_path):
    """Where code can start no programs, right code below `!ls` is right still."""
    notebook, _ = executed(tmp_path, "!ls\ndef f(): return 'defined'", "files = !ls\nprint(f())")
    assert not any(output.output_type == "error" for cell in notebook.cells for output in cell.outputs)
    assert texts(notebook)[1] == "defined\n"
