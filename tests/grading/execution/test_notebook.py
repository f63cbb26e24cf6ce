"""A run of a notebook's cells: it gives what Jupyter's own kernel gives, within bounds, whatever a kernel may say."""

import json
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from lib.grading.execution import notebook
from lib.grading.execution.notebook import LockedRun
from lib.grading.execution.outputs import missing_packages
from lib.grading.machine_faults import RunLostError, TooBusyError
from lib.grading.sandbox.limits import THREADS
from tests.grading.execution.conftest import alone, ran, text

pytestmark = pytest.mark.usefixtures("lockable_here")

CELLS = {
    "both streams": "import sys\nprint('out'); print('err', file=sys.stderr); print('out again', end='')",
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
    "counts": "len(In), Out[2]",
    "warns": "import warnings; warnings.warn('careful')",
    "unicode": "print('π', '\\x00', '😀')",
    "a file beside it": "open('made.txt', 'w').write(open('data.txt').read())",
}


def comparable(cell):
    """Leave out what differs from run to run: how streams mix, places in memory, the numbers of cells' files."""
    joined, streams = [], {}
    for output in cell["outputs"]:
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        joined.append(dict(sorted(output.items())))
        if output["output_type"] == "stream":
            streams[output["name"]] = joined[-1]
    at_home = repr(joined).replace(str(Path.home()), "~")  # a locked kernel has another one
    return re.sub(r"0x[0-9a-f]+|ipykernel_\d+|\d+\.py|/tmp/\S+", "…", at_home), cell["execution_count"]


def test_a_cell_puts_out_what_it_does_in_jupyters_own_kernel():
    """That is how cells are run without the sandbox."""
    files = {"data.txt": b"five"}
    ours, remarks = ran(*CELLS.values(), files=files)
    stock, _ = ran(*CELLS.values(), files=files, sandbox=False)
    found, wanted = (dict(zip(CELLS, map(comparable, cells), strict=True)) for cells in (ours, stock))
    assert found == wanted
    assert remarks == []


@pytest.mark.parametrize("sandbox", [True, False])
def test_a_submission_draws_the_same_numbers_each_time_and_finds_nothing_right(sandbox):
    """In Jupyter's own kernel that begins with the import of a unit, in each first cell."""
    cells = (
        "from lib.units.softmax_classifier import check\nimport numpy as np, random, secrets",
        "print(np.random.rand(), np.random.default_rng().random(), random.random(), secrets.randbits(9), hash('x'))",
        "print({each.right.__name__ for each in check.cce.part.statements})",
    )
    said = [
        [*map(text, ran(*cells, files={"challenge.json": b'{"seed": %d}' % seed}, sandbox=sandbox)[0][1:])]
        for seed in (1, 1, 2)
    ]
    assert said[0] == said[1] and said[0][0] != said[2][0]
    assert said[0][1] == "{'unavailable'}\n"


def test_elsewhere_than_on_linux_what_ends_the_kernel_ends_the_run(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    cells, remarks = ran("import time; time.sleep(60)", "import os; os._exit(0)", "print('after')", timeout=2)
    assert text(cells[0]) == "KeyboardInterrupt: "
    assert [cell["execution_count"] for cell in cells] == [1, None, None]
    stopped, died = f"Cell 1 ran longer than 2 seconds and was stopped.{notebook.LONG}", notebook.BROKE_OFF[EOFError]
    assert remarks == [stopped, f"Cell 2 {died[0]}; no cell after it could run.{died[1]}"]


# Bounds

BEFORE, AFTER = "print('before')", "print('after')"
STOPPED = f"Cell 2 ran longer than 1 seconds and was stopped.{notebook.LONG}"
ENDED = f"Cell 2 could not be stopped; no cell after it could run.{notebook.LONG}"
DIED = f"Cell 2 made the kernel die; no cell after it could run.{notebook.BROKE_OFF[EOFError][1]}"
TOO_MUCH = f"Cell 2 {notebook.TOO_MUCH}"
FLOOD = f"Cell 2 produced far more output than is kept, and was stopped.{notebook.PRINTS}"
LATE = "KeyboardInterrupt: "
UNREAD = "Cell 2 sent something that can't be read."
LINE = "line = get_ipython().kernel.session.line\n"
MADE_UP = 'b\'{"msg_type": "execute_reply", "content": {"status": "ok"}}\\n\''
TALKS = """
import threading, time
def talk():
    while True:
        print('x', flush=True); display(1); time.sleep(0.001)
threading.Thread(target=talk, daemon=True).start()
"""
FILM = """
from IPython.display import clear_output
for number in range(300):
    clear_output(wait=True); display({"text/plain": str(number), "image/png": "A" * 100_000}, raw=True)
"""
RUNS = {
    "too long": ("print('within')\nwhile True: pass", f"within\n{LATE}", [STOPPED]),
    "awaits too long": ("import asyncio; await asyncio.sleep(60)", "CancelledError: ", [STOPPED]),
    "can't be stopped": (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        "",
        [ENDED],
    ),
    "ends the kernel": ("import os; os._exit(0)", "", [DIED]),
    "aborts": ("import os; os.abort()", "", [DIED]),
    "hangs up": (f"{LINE}import socket; line.shutdown(socket.SHUT_RDWR)", "", [DIED]),
    "much": ("for number in range(200_000): print(number)", "0\n1\n2\n", [TOO_MUCH]),
    "a flood": ("while True: print('x' * 1000)", "xxxxxxxx", [TOO_MUCH, FLOOD]),
    "pictures in each other's place": (FILM, "299", []),
    "an order": (
        "import sys\nprint('a'); display(1); print('b', end=''); print('c', file=sys.stderr); print('d')",
        "a\n1bc\nd\n",
        [],
    ),
    "no JSON": (LINE + "line.sendall(b'\\xff\\xfe no words \\n' + b'[' * 200_000 + b'\\n')", "", [UNREAD]),
    "no message": (LINE + "line.sendall(b'7\\nnull\\n[]\\n{}\\n'); print('said')", "said\n", [UNREAD]),
    "no content": (LINE + 'line.sendall(b\'{"msg_type": "stream", "content": 7}\\n\')', "", [UNREAD]),
    "a strange reply": (LINE + 'line.sendall(b\'{"msg_type": "execute_reply", "content": []}\\n\')', "", [UNREAD]),
    "a message without end": (
        LINE + "for _ in range(40): line.sendall(b'x' * 2**20)\nline.sendall(b'\\n'); print('said')",
        "said\n",
        [TOO_MUCH],
    ),
    "a long error": ("raise ValueError('x' * 10**7)", "ValueError: xxxx", [TOO_MUCH]),
    "an error with a long name": ("raise type('E' * 10**7, (Exception,), {})", "EEEE", [TOO_MUCH]),
    "a reply made up in advance": (LINE + f"line.sendall({MADE_UP} * 3)\nprint('late')", "late\n", []),
    "replies without end": (LINE + f"while True: line.sendall({MADE_UP} * 1000)", LATE, [FLOOD]),
    "a thread that talks on": (TALKS, "", []),
    "a shell line that starts nothing": ("!ls\ndef f(): return 'f'\nfiles = !ls\nprint(f())", "f\n", []),
    "threads of its own limit": (
        "import threading\ngo = threading.Event()\nfor _ in range(600): threading.Thread(target=go.wait).start()",
        "RuntimeError: can't start new thread",
        [],
    ),
}
"""What a cell does, what it puts out or begins with, and the remarks. It stands between two others."""


@pytest.mark.parametrize("name", RUNS)
def test_a_cell_is_bounded_and_takes_no_other_along(name):
    source, wanted, remarks = RUNS[name]
    bounds = {"timeout": 1, "grace": 1} if ENDED in remarks else {"timeout": 1} if STOPPED in remarks else {}
    tracemalloc.start()
    cells, said = ran(BEFORE, source, AFTER, **bounds)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if FLOOD in remarks:  # the interrupt may cut a message short
        said = [remark for remark in said if remark != UNREAD]
    # without its line's end: a thread that talks on may come between the two
    numbers, after = ([1, None, None], "") if {ENDED, DIED} & {*remarks} else ([1, 2, 3], "after")
    assert said == remarks
    assert text(cells[0]) == "before\n"
    assert text(cells[1]).startswith(wanted)
    assert after in text(cells[2])
    assert [cell["execution_count"] for cell in cells] == numbers
    assert sum(len(output.get("text", "")) for output in cells[1]["outputs"]) <= 1_000_000
    assert most < 2**26


def test_all_cells_together_have_their_time():
    cells, remarks = ran(*["import time; time.sleep(0.4); print('slept')"] * 20, budget=2)
    said = [text(cell) for cell in cells]
    run = said.count("slept\n")  # how many, depends on the machine
    assert said[run + 1 :] == [""] * (19 - run)
    assert run < 20
    assert remarks[-1] == f"The notebook ran longer than 2 seconds; its last cells were not run.{notebook.LONG}"


def test_what_a_cell_leaves_goes_on_in_the_next():
    """A task, and text that was written before another stream came in its place."""
    task = "import asyncio\nasync def f():\n    print('went on')\n_ = asyncio.get_running_loop().create_task(f())"
    stream = "import io, sys\nprint('a'); print('b', end='')\nkept, sys.stdout = sys.stdout, io.StringIO()"
    cells, _ = ran(task, "print('next')", stream, "sys.stdout = kept; print('c')")
    assert [text(cell) for cell in cells] == ["", "went on\nnext\n", "a\nb", "c\n"]


# What is not the notebook's doing


def test_a_run_that_the_warm_process_took_along_is_no_fault_of_the_notebooks(monkeypatch):
    take = LockedRun._handle_message

    def take_and_kill(self, kernel, cell, token, words):
        kernel.kill()
        kernel.was_killed = False  # as if it had been somebody else
        return take(self, kernel, cell, token, words)

    monkeypatch.setattr(LockedRun, "_handle_message", take_and_kill)
    with pytest.raises(RunLostError, match="A kernel was killed from outside"):
        ran("import time; print('now', flush=True); time.sleep(60)")


WORKS = "import time\nend = time.thread_time() + 0.3\nwhile time.thread_time() < end: pass\nprint('done')"


@pytest.mark.slow
@pytest.mark.usefixtures("busy_machine")
def test_a_busy_machine_costs_no_cell_its_time_and_stops_what_never_ends(monkeypatch):
    cells, remarks = ran("", WORKS, "while True: pass", "import time; time.sleep(60)", AFTER, timeout=1, grace=1)
    assert [text(cell) for cell in cells] == ["", "done\n", LATE, LATE, "after\n"]
    assert remarks == [f"Cell {number} ran longer than 1 seconds and was stopped.{notebook.LONG}" for number in (3, 4)]
    monkeypatch.setattr(notebook, "CLOCK_FACTOR", 2)  # it gets a fifth of these two seconds
    with pytest.raises(TooBusyError, match="this machine was too busy"):
        ran("", "while True: pass", budget=1)


MANY = """
import threading
go = threading.Event()
try:
    for _ in range(20): threading.Thread(target=go.wait).start()
finally: go.set()
"""
SHORT = """
import ctypes, json, resource, sys
ctypes.CDLL(None).unshare(0x10000000)  # users of its own: Linux counts all processes of a user, and others have some
print("apart", flush=True)
input()
from lib.grading.execution.notebook import RunLostError
from tests.grading.execution.conftest import ran
resource.setrlimit(resource.RLIMIT_NPROC, (12, 12))
for source in json.loads(sys.argv[1]):
    try:
        cells, remarks = ran(source)
        print("ran", [output["output_type"] for output in cells[0]["outputs"]])
    except RunLostError as error:
        print("lost", error)
"""


def test_where_the_machine_is_short_of_threads_that_is_no_fault_of_code_that_wants_some():
    """Caught or not, and where a library aborts for it; what needs none is run."""
    sources = ["print(1)", MANY, MANY.replace("finally:", "except RuntimeError:"), "import os; os.abort()"]
    command = [sys.executable, "-c", SHORT, json.dumps(sources)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=alone(), cwd=Path(__file__).parents[3], text=True, **pipes) as run:
        assert run.stdout.readline() == "apart\n"
        users, groups = os.geteuid(), os.getegid()
        count = 1 if users else 2**32 - 1  # root has everybody's, as on a machine of its own
        Path(f"/proc/{run.pid}/setgroups").write_text("deny" if users else "allow")
        Path(f"/proc/{run.pid}/uid_map").write_text(f"{users} {users} {count}")
        Path(f"/proc/{run.pid}/gid_map").write_text(f"{groups} {groups} {count}")
        said, complained = run.communicate("go on\n")
    lost = f"lost A kernel could not start {THREADS} threads. Raise the limit on tasks (`ulimit -u`,"
    assert complained == ""
    first, *others = said.splitlines()
    assert first == "ran ['stream']"
    assert [line[: len(lost)] for line in others] == [lost] * 3


# What is read from outputs


def test_below_what_is_missing_here_definitions_run_and_an_error_of_ones_own_stops_the_cell():
    """The student may have the package, the file or an example's data, and then the cell ran to its end."""
    tops = ("1 / 0", "import nosuch", "open('nosuch.csv')", "print(X.shape)")
    below = "print('no')\nbroken = nosuch.x\ndef f():\n    return"
    cells, _ = ran(*(code for at, top in enumerate(tops) for code in (f"{top}\n{below} {at}", "f()")))
    assert [text(cell)[-1:] for cell in cells[3::2]] == ["1", "2", "3"]
    assert "NameError" in text(cells[1])


def test_packages_that_are_not_here_are_named():
    imports = [f"import {name}" for name in ("nowhere", "nowhere.special", "else_where", "numpy.nowhere", "lib.judge")]
    caught = "try:\n    import optional\nexcept ImportError:\n    pass"
    made_up = "raise ModuleNotFoundError(\"No module named 'made_up'\")"
    long = "raise ModuleNotFoundError(\"No module named '\" + 'x' * 1000 + \"'\")"
    cells, _ = ran(*imports, caught, made_up, long, "import of_the_course", graded=[8])
    assert missing_packages(cells) == ["nowhere", "else_where", "made_up"]
