"""A kernel as notebooks meet it: what its cells put out, what it finds, and how it ends."""

import os
from pathlib import Path

import pytest

from lib.grading.sandbox.limits import NICENESS
from tests.grading.kernel.clients import SECONDS, kernel

pytestmark = pytest.mark.usefixtures("lockable_here")
BOTH = pytest.mark.parametrize("locked", [True, False], ids=["locked", "open"])
FILES = {"data/train.csv": "1,2", "helper.py": "WORD = 'found'"}
MODULES = ("numpy", "matplotlib.pyplot", "ipywidgets", "lib.units.softmax_classifier.training_loop", "lib.explorer")
CELLS = (
    ("1 + 1", "2"),
    ("_ + 1, In[1], Out[1]", "(3, '1 + 1', 2)"),
    ("return", "SyntaxError: 'return' outside function (2812165903.py, line 1)"),
    ("type(get_ipython()).__name__", "'ZMQInteractiveShell'"),  # by this programs know that they are in a notebook
    ("%history -n 1", "1: 1 + 1"),
    ("%who", "Interactive namespace is empty."),
    ("!true\n'goes on, whether or not there is a shell'", "'goes on, whether or not there is a shell'"),
    ("%matplotlib inline\nfrom matplotlib import pyplot\n_ = pyplot.plot([1])", "a picture"),
    ("import helper; helper.WORD", "'found'"),
    ("import os; os.path.samefile(get_ipython().starting_dir, '.')", "True"),
    ("import sys; os.environ['NBGRADER_EXECUTION'], __name__", "('autograde', '__main__')"),
    ("sys.argv", "['ipykernel_launcher.py']"),
    ("sys.flags.hash_randomization", "0"),  # no text has another place in a set than in another warm process
    ("get_ipython().history_manager.hist_file", "':memory:'"),
    ("os.getpriority(os.PRIO_PROCESS, 0)", str(os.nice(0) + NICENESS)),  # it stands back for the process that judges
    # What notebooks import is there already, and what words an error: both would take longer than all else.
    (f"[name for name in {MODULES} if name not in sys.modules]", "[]"),
    (
        "import inspect; before = len(sys.modules), len(inspect.modulesbyfile); missing",
        "NameError: name 'missing' is not defined",
    ),
    ("len(sys.modules) - before[0], len(inspect.modulesbyfile) - before[1]", "(0, 1)"),
)
"""What else cells put out, run/test_notebook compares with Jupyter's own kernel."""


@BOTH
def test_cells_put_out_what_they_do_in_a_notebook(locked):
    with kernel(FILES, locked=locked) as one:
        found = [(code, one.run(code)) for code, _ in CELLS]
    assert [each for each, right in zip(found, CELLS, strict=True) if each != right] == []


def test_a_locked_kernel_has_a_copy_of_its_folder_and_what_it_writes_is_gone():
    with kernel(FILES) as one:
        assert one.run("import os; sorted(os.listdir()), os.getcwd()") == "(['data', 'helper.py'], '/scratch/work')"
        assert one.run("open('data/train.csv', 'w').write('mine'); open('new', 'w').close()") == ""
    with kernel(FILES) as other:
        assert other.run("import os; os.path.exists('new'), open('data/train.csv').read()") == "(False, '1,2')"


def test_an_open_kernels_folder_is_gone_at_the_end():
    with kernel(FILES, locked=False) as one:
        folder = Path(eval(one.run("import os; os.getcwd()")))
        assert (folder / "data/train.csv").read_text() == "1,2"
    assert not folder.exists()


def test_a_locked_kernel_gets_little_of_our_environment(monkeypatch):
    monkeypatch.setenv("INSTRUCTORS_TOKEN", "secret")
    monkeypatch.setenv("MPLBACKEND", "agg")
    with kernel() as one, kernel(locked=False) as free:
        assert [each.run("import os; os.environ.get('INSTRUCTORS_TOKEN')") for each in (one, free)] == ["", "'secret'"]
        assert "secret" not in one.run("open('/proc/self/environ').read()")  # whether or not it may be read
        assert one.run("from matplotlib import pyplot; pyplot.get_backend()") == "'agg'"


def test_chance_is_its_own_in_every_kernel():
    numbers = "random.random(), np.random.rand(), np.random.default_rng().random(), uuid.uuid4()"
    draw = f"import random, uuid, numpy as np\nprint({numbers})"
    with kernel() as one, kernel() as other:
        first, second = (each.run(draw).split() for each in (one, other))
        assert len(first) == 4
        assert not set(first) & set(second)


@BOTH
@pytest.mark.parametrize(
    ("end", "codes"), [("os._exit(3)", {3}), ("os.kill(os.getpid(), 15)", {128 + 15, -15}), ("os.abort()", {-6, -11})]
)
def test_an_end_is_noticed_with_its_code(locked, end, codes):
    with kernel(locked=locked) as one:
        one.client.run(f"import os; {end}", "a token", SECONDS)
        assert "execute_reply" not in [message["msg_type"] for message in one.messages()]
        assert one.client.wait_for_exit()[0] in codes


@BOTH
def test_a_kernel_that_ignores_everything_and_stops_itself_is_ended(locked):
    with kernel(locked=locked) as one, kernel(locked=locked) as other:
        one.run("import signal, os; [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)]")
        one.client.run("os.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass", "a token", SECONDS)
        one.client.kill()
        assert one.client.has_ended(SECONDS)
        assert other.run("1 + 1") == "2"
