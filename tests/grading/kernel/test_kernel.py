"""A kernel as notebooks meet it: what its cells put out, what it finds, and how it ends."""

import os

import pytest

from lib.grading.sandbox.limits import NICENESS
from tests.grading.kernel.clients import SECONDS, kernel

pytestmark = pytest.mark.usefixtures("lockable_here")
FILES = {"data/train.csv": "1,2", "helper.py": "WORD = 'found'"}
MODULES = ("numpy", "matplotlib.pyplot", "ipywidgets", "lib.units.softmax_classifier.training_loop", "lib.explorer")
CELLS = (
    ("1 + 1", "2"),
    ("_ + 1, In[1], Out[1]", "(3, '1 + 1', 2)"),
    ("return", "SyntaxError: 'return' outside function (3438313781.py, line 1)"),
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
    ("before = len(sys.modules); missing", "NameError: name 'missing' is not defined"),
    ("len(sys.modules) - before", "0"),
)
"""What else cells put out, run/test_notebook compares with Jupyter's own kernel."""


def test_cells_put_out_what_they_do_in_a_notebook():
    with kernel(FILES) as one:
        found = [(code, one.run(code)) for code, _ in CELLS]
    assert [each for each, right in zip(found, CELLS, strict=True) if each != right] == []


def test_a_locked_kernel_has_a_copy_of_its_folder_and_what_it_writes_is_gone():
    with kernel(FILES) as one:
        assert one.run("import os; sorted(os.listdir()), os.getcwd()") == "(['data', 'helper.py'], '/scratch/work')"
        assert one.run("open('data/train.csv', 'w').write('mine'); open('new', 'w').close()") == ""
    with kernel(FILES) as other:
        assert other.run("import os; os.path.exists('new'), open('data/train.csv').read()") == "(False, '1,2')"


def test_a_locked_kernel_gets_little_of_our_environment(monkeypatch):
    monkeypatch.setenv("INSTRUCTORS_TOKEN", "secret")
    monkeypatch.setenv("MPLBACKEND", "agg")
    with kernel() as one:
        assert one.run("import os; os.environ.get('INSTRUCTORS_TOKEN')") == ""
        assert "secret" not in one.run("open('/proc/self/environ').read()")  # whether or not it may be read
        assert one.run("from matplotlib import pyplot; pyplot.get_backend()") == "'agg'"


def test_chance_is_its_own_in_every_kernel():
    numbers = "random.random(), np.random.rand(), np.random.default_rng().random(), uuid.uuid4()"
    draw = f"import random, uuid, numpy as np\nprint({numbers})"
    with kernel() as one, kernel() as other:
        first, second = (each.run(draw).split() for each in (one, other))
        assert len(first) == 4
        assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("end", "codes"), [("os._exit(3)", {3}), ("os.kill(os.getpid(), 15)", {128 + 15, -15}), ("os.abort()", {-6, -11})]
)
def test_an_end_is_noticed_with_its_code(end, codes):
    with kernel() as one:
        one.client.run(f"import os; {end}", "a token", SECONDS)
        assert "execute_reply" not in [message["msg_type"] for message in one.messages()]
        assert one.client.end[0] in codes


def test_a_kernel_that_ignores_everything_and_stops_itself_is_ended():
    with kernel() as one, kernel() as other:
        one.run("import signal, os; [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)]")
        one.client.run("os.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass", "a token", SECONDS)
        one.client.kill()
        assert one.client.has_ended(SECONDS)
        assert other.run("1 + 1") == "2"
