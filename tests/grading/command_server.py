"""A process that has imported what all commands import, and forks for each of them; a new Python needs a second for it.

A command that is run in this way has a process, a folder, arguments, an environment and streams of its own, as has one
that is started. The server ends with the process that started it.
"""

import atexit
import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path


def run(module, arguments, folder, environment=os.environ):
    """Run `python -m MODULE ARGUMENT…` in a folder; give what came of it, as `subprocess.run` does."""
    sys.audit("subprocess.Popen", sys.executable, [sys.executable, "-m", module, *arguments], folder, None)
    request = {"module": module, "arguments": arguments, "folder": str(folder), "environment": {**environment}}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, socket.socket(socket.AF_UNIX) as line:
        line.connect(_address())
        socket.send_fds(line, [b"%-8d" % len(content := json.dumps(request).encode())], [out.fileno(), err.fileno()])
        line.sendall(content)
        code = int(line.makefile().readline())
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode().replace("\r\n", "\n"))
        return subprocess.CompletedProcess([module, *arguments], code, *texts)


@cache
def _address():
    """Start the server when the first command is given; give the address of its socket."""
    folder = tempfile.mkdtemp(prefix="commands-")  # no object that would take it along where a fork forgets it
    address = str(Path(folder, "socket"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    server = subprocess.Popen(
        [sys.executable, "-m", __name__, str(listener.fileno())],
        pass_fds=[listener.fileno()],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,  # its end is this process's
    )
    atexit.register(lambda: (server.kill(), server.wait(), shutil.rmtree(folder)))
    return address


def serve(listener):
    """Fork for each caller a process that waits for the command's end, and from that the command."""
    import nbgrader.api
    import nbgrader.apps
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import lib.grading.commands.app
    import lib.units.softmax_classifier.closed  # noqa: F401

    nbgrader.api.get_alembic_version = cache(nbgrader.api.get_alembic_version)  # it starts a program
    nbgrader.api.get_alembic_version()  # here for all
    gc.freeze()  # a command doesn't look for garbage in what it hasn't made, nor get pages of its own by that
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those who wait have ended
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        line, _ = listener.accept()
        with line:
            if os.fork():
                continue
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            length, streams, _, _ = socket.recv_fds(line, 8, 2)
            request = json.loads(line.makefile("rb").read(int(length)))
            if command := os.fork():
                _, status = os.waitpid(command, 0)
                line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
                os._exit(0)
        be(streams=streams, **request)


def be(module, arguments, folder, environment, streams):
    """Be the command, and never return."""
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *streams]):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder  # as `python -m` has it
    sys.argv[1:] = arguments
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
