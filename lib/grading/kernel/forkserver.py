"""The warm process: imports once what notebooks import, and forks a kernel for each connection (from `client`).

A kernel and its caller have one connection, a stream of lines:

1. from the warm process: a word that code can't know, and a pidfd of the child, by which the caller sends signals,
2. from the caller: the request and the files for the working directory, and later a line for each cell,
3. from the child: that it is ready, or why it could not start, and then its messages,
4. from the warm process, after the child has ended: the word, the exit code and the processor time.

The warm process reads nothing, so that no kernel can find another one's files in its memory. When a caller closes the
connection, its kernel is killed. A warm process ends with its owner, and so do its kernels.
"""

import gc
import json
import os
import select
import shutil
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from signal import SIGKILL, pidfd_send_signal

from lib.grading.sandbox import lockdown

IDLE = 600
"""Seconds without a kernel after which a warm process ends, to free its memory."""
HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


def main() -> None:
    """Run the warm process. Its arguments are a listening socket and the owner's process id."""
    listener, owner = socket.socket(fileno=int(sys.argv[1])), os.pidfd_open(int(sys.argv[2]))
    # `python -m` puts the working directory first in the path, but nothing is to be imported from there.
    sys.path.remove(here := str(Path.cwd()))
    # IPython writes files as it starts: here they are removed with this process's folder.
    os.environ["IPYTHONDIR"] = here
    lockdown.prepare()
    gc.disable()  # imports create few garbage objects
    from lib.grading.kernel import cell_server, kernel

    kernel.warm_up()
    line = serve(listener, owner)
    # From here on this process is a child.
    try:
        cells = line.makefile("rb")
        if not (request := cells.readline()):
            os._exit(0)  # the caller closed the connection
        words = json.loads(request)
        files = {name: cells.read(size) for name, size in words.pop("files").items()}
        ready = kernel.begin(line, files=files, **words)
    except BaseException as error:
        with suppress(OSError):
            line.sendall(json.dumps(f"{type(error).__name__}: {error}").encode() + b"\n")
        os._exit(1)
    cell_server.serve(ready, cells)


@dataclass(frozen=True)
class Child:
    """A running kernel: its process id, its pidfd, its connection, and the word for the caller."""

    number: int
    handle: int
    line: socket.socket
    word: bytes


def serve(listener: socket.socket, owner: int) -> socket.socket:
    """Fork a child for every caller until the owner ends. Returns only in children, with the connection."""
    poll = select.poll()
    # A pidfd becomes readable when its process ends.
    poll.register(owner, select.POLLIN)
    poll.register(listener, select.POLLIN)
    children: dict[int, Child] = {}  # by pidfd and by connection
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(None if children else IDLE * 1000)}
        if owner in ready:
            with suppress(FileNotFoundError):  # the owner may have removed it already
                shutil.rmtree(Path.cwd(), ignore_errors=True)
        if owner in ready or not (ready or children):
            os._exit(0)
        for descriptor in ready:
            if (child := children.get(descriptor)) is None:
                continue  # not a child's, or already reaped after another event of this poll
            poll.unregister(descriptor)
            if descriptor == child.handle:
                del children[child.handle], children[child.line.fileno()]
                with suppress(KeyError):
                    poll.unregister(child.line)
                _reap(child)
            else:  # its caller closed the connection
                pidfd_send_signal(child.handle, SIGKILL)
        if listener.fileno() in ready and (line := _fork(listener, children, poll)):
            listener.close()
            os.close(owner)
            return line


def _fork(listener: socket.socket, children: dict[int, Child], poll: select.poll) -> socket.socket | None:
    """Fork a child for the next caller. Returns the connection in the child, and None in the warm process."""
    line, _ = listener.accept()
    try:
        number = lockdown.fork()
    except Exception as error:
        with line, suppress(OSError):
            line.sendall(f"No kernel could be forked: {error}\n".encode())
        return None
    if number == 0:  # the child must not have access to other kernels
        for child in set(children.values()):
            os.close(child.handle)
            child.line.close()
        return line
    # A pidfd, since a process id may belong to another process by the time of a signal. The word comes after the fork:
    # code may send anything over its connection, so it must not know how the last message begins.
    child = Child(number, os.pidfd_open(number), line, token_hex(8).encode())
    children[child.handle] = children[line.fileno()] = child
    poll.register(child.handle, select.POLLIN)
    poll.register(line, HANG_UP)
    with suppress(OSError):
        socket.send_fds(line, [child.word + b"\n"], [child.handle])
    return None


def _reap(child: Child) -> None:
    """Report to the caller how a child ended, unless the connection is full or closed."""
    _, status, usage = os.wait4(child.number, 0)  # unlike waitpid it returns the processor time
    os.close(child.handle)
    end = json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime]).encode()
    with child.line, suppress(OSError):  # a new line, since the child's last one may be cut off
        child.line.send(b"\n" + child.word + end + b"\n", socket.MSG_DONTWAIT)


if __name__ == "__main__":
    main()
