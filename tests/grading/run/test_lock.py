"""The lock on an assignment is filelock's: one process holds it, and it goes when that process goes."""

import os
import signal
import subprocess
import sys

import pytest
from filelock import FileLock, Timeout

HOLD = """
import os, sys
from filelock import FileLock

with FileLock(sys.argv[1], blocking=False):
    if os.fork() == 0:
        print("held", flush=True)  # by the worker, in which the lock's file is closed by now
        os.read(0, 1)  # it waits for work, until the test closes the pipe
        os._exit(0)
    os.read(0, 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked on POSIX systems only")
def test_a_run_that_is_killed_leaves_no_lock_with_its_workers(tmp_path):
    path = tmp_path / "deep" / "x.lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Timeout), FileLock(path, blocking=False):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with FileLock(path, blocking=False):  # its worker is alive: nobody has closed the pipe
            assert holder.stdin.writable()


@pytest.mark.parametrize("name", ["folder", "file/x.lock", "link"])
def test_a_lock_that_cannot_be_made_is_a_fault_of_the_machine(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=str(tmp_path)), FileLock(tmp_path / name, blocking=False):
        pass
    assert not (tmp_path / "elsewhere").exists()
