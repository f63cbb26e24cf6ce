"""The lock-down as an honest notebook meets it: what is there, what works, what comes in and what goes out."""

import os
import re
import shutil

import pytest

from tests.grading.sandbox.forkers import COURSE, ORDINARY, Forker

STATE = """
import os, resource, socket
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
for name in ('Uid', 'Gid', 'Groups', 'CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp'):
    tell(name, *status[name].split())
tell('processes', *[name for name in os.listdir('/proc') if name.isdigit()], 'me', os.getpid(), 'session', os.getsid(0))
tell('host', socket.gethostname())
tell('descriptors', len(os.listdir('/proc/self/fd')))
"""


def test_a_kernel_is_nobody_alone_and_without_rights(sandbox, user):
    state = sandbox.run(STATE).output[1:]
    assert state[:2] == ["Uid 1000 1000 1000 1000", "Gid 1000 1000 1000 1000"]
    kept = set() if user == "root" else {"1000", "65534"}  # its own groups, which only root may give up
    assert {*state[2].split()} <= {"Groups", *kept}
    assert state[3:7] == [f"{kind} 0000000000000000" for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb")]
    assert state[7:11] == ["NoNewPrivs 1", "Seccomp 2", "processes 1 me 1 session 1", "host sandbox"]
    assert state[11] == "descriptors 5"  # the standard streams, the pipe that `tell` writes to, and the one that looks


def test_root_is_left_for_good(sandbox, user):
    """Seen from outside, a kernel of root's is nobody, and one of an ordinary user's is that user still."""
    kernel = sandbox.run("import signal; tell('lives'); signal.pause()", stays=True)
    assert kernel.uid == (65534 if user == "root" else os.geteuid() or ORDINARY)


def test_where_memory_is_short_kernels_are_ended_first_and_the_largest_of_them(sandbox):
    """Linux ends who has most, after adding this number to each; else that might be the gradebook's database."""
    assert sandbox.run("tell(open('/proc/self/oom_score_adj').read())").output[1] == "1000"


DEVICES = {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm", "pts", "ptmx"}
LOOK = """
import os
tell(*os.listdir('/dev'))
tell(*os.listdir('/etc'))
for folder, _, names in os.walk('/'):
    if not folder.startswith(('/proc', '/scratch', '/tmp', '/dev')):
        if os.access(folder, os.W_OK):
            tell('writable', folder)
        if folder.endswith(('lib/reference', 'lib/grading')) and os.listdir(folder) != ['__init__.py']:
            tell('closed', folder)
        for name in names:
            if name in ('softmax_classifier.ipynb', 'gradebook.db') and 'nbgrader/tests' not in folder:
                tell('course', folder, name)
"""


def test_nothing_of_the_machine_is_seen_but_libraries(sandbox):
    _, devices, settings, *more = sandbox.run(LOOK).output
    assert set(devices.split()) == DEVICES
    assert not set(settings.split()) & {"shadow", "sudoers", "ssh", "hostname", "machine-id", "environment"}
    assert more == []


def test_only_scratch_can_be_written_and_it_is_all_one(sandbox):
    code = """
import os, pathlib, tempfile
for place in (os.getcwd(), os.environ['HOME'], tempfile.gettempdir(), '/tmp', '/dev/shm'):
    pathlib.Path(place, 'note').write_text('x')
    tell(place, os.statvfs(place).f_blocks * os.statvfs(place).f_frsize, os.stat(place).st_dev)
"""
    output = [line.split() for line in sandbox.run(code, scratch=16 * 2**20).output[1:]]
    assert [place for place, _, _ in output] == ["/scratch/work", "/scratch/home", "/tmp", "/tmp", "/dev/shm"]
    assert {size for _, size, _ in output} == {str(16 * 2**20)}
    assert len({device for _, _, device in output}) == 1


@pytest.mark.parametrize("name", ["../up", "data/../../up", "/tmp/up"])
def test_a_name_that_leads_out_of_the_working_directory_ends_the_lock_down(sandbox, name):
    [output] = sandbox.run("tell('ran')", files={name: "x"}).output
    assert re.match(f"NotConfined .*{name!r} leads out of the working directory", output)


LIBRARIES = """
import os, threading
import numpy as np, matplotlib.pyplot as plt, tensorflow as tf
a = np.ones((600, 600))
tell('product', (a @ a).sum())
model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3, activation='softmax')])
model.compile('sgd', 'categorical_crossentropy')
model.fit(np.ones((32, 4)), np.eye(3)[np.zeros(32, int)], epochs=1, verbose=0)
tell('trained', model.count_params())
tell('threads', len(os.listdir('/proc/self/task')) > 1)
figure, axes = plt.subplots()
axes.set_title(r'$\\sum_i x_i$ für Ähnliches')
figure.savefig('plot.png')
tell('drawn', open('plot.png', 'rb').read(4)[1:])
"""


@pytest.mark.slow
def test_numpy_matplotlib_and_tensorflow_work_after_the_lock_down(home):
    """They are imported before, in one thread, as the warm process does; their own threads start inside."""
    with Forker("sandbox", home, "numpy", "matplotlib.pyplot", "tensorflow") as forker:
        _, *output = forker.run(LIBRARIES).output
    assert output == ["product 216000000.0", "trained 15", "threads True", "drawn b'PNG'"]


HONEST = """
import asyncio, fcntl, mmap, os, sqlite3, tempfile
import numpy as np
table = sqlite3.connect('notes.db')
table.execute('create table notes (number)')
table.executemany('insert into notes values (?)', [(1,), (2,)])
table.commit()
tell('sum', *sqlite3.connect('notes.db').execute('select sum(number) from notes').fetchone())
with open('log', 'w') as log:
    fcntl.flock(log, fcntl.LOCK_EX)
    fcntl.lockf(log, fcntl.LOCK_EX)
    log.write('kept'), log.flush(), os.fsync(log)
    tell(os.get_inheritable(os.dup(log.fileno())), fcntl.fcntl(log, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY)
numbers = np.memmap('numbers', float, 'w+', shape=3)
numbers[:] = 7
numbers.flush()
tell(np.fromfile('numbers').sum())
async def away():
    return await asyncio.to_thread(tempfile.mkdtemp)
tell(asyncio.run(away()).startswith('/tmp/'))
"""


def test_what_honest_code_asks_of_its_files_works(sandbox):
    """Locks are given, though none is taken; to wait for a disk comes back at once, for there is none."""
    assert sandbox.run(HONEST).output == ["began", "sum 3", "False True", "21.0", "True"]


def test_a_course_may_allow_commands(sandbox):
    code = """
import subprocess, sys
tell(subprocess.run('echo hello', shell=True, capture_output=True, text=True).stdout.strip())
tell(subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True, text=True).stdout.strip())
tell(subprocess.run(['cat', facts['canary']], capture_output=True, text=True).stderr.strip())
"""
    output = sandbox.run(code, commands=True).output
    assert output[1:3] == ["hello", "42"]
    assert output[3].endswith("No such file or directory")


def test_it_hides_the_closed_zones_of_an_installed_package_too(home, tmp_path):
    site = home / "lib" / "site-packages"
    shutil.copytree(COURSE / "lib", site / "lib")
    with Forker("sandbox", home, course=site) as forker:
        code = "import lib.units.softmax_classifier; tell(lib.__file__); import lib.reference.dense"
        _, where, refusal = forker.run(code).output
    assert where == str(site / "lib/__init__.py")
    assert refusal == "ModuleNotFoundError No module named 'lib.reference' where submissions run"


@pytest.mark.parametrize("mask", [0o077, 0o777])
def test_a_private_umask_keeps_nothing_from_the_kernel(home, mask):
    """Root often has 077; what it made for the kernel's user, that user could not read."""
    with Forker("sandbox", home, umask=mask) as forker:
        code = "import lib; tell(open('train.csv').read()); tell(bool(open('/etc/passwd').read()))"
        output = forker.run(code, files={"train.csv": "1,2"}).output
    assert output == ["began", "1,2", "True"]
