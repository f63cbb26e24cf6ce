"""The warm process: imports once what notebooks import, and forks a kernel for each request (from `client`).

It never reads a request itself: the child reads it after the fork, so that no kernel can find another one's request in
its memory. The messages on each connection are:

1. from the warm process: a pidfd of the child, by which the caller sends signals and notices the end,
2. from the caller: a `Request`, and the kernel's end of the socket for cells,
3. from the child: that it is ready, or why it could not start,
4. from the warm process, after the child has ended: its exit code and processor time.

When a caller closes the connection, its kernel is killed. A warm process ends with its owner, and so do its kernels.
"""

import gc
import json
import os
import select
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, pidfd_send_signal
from typing import Any, Self

from lib.grading.sandbox import lockdown

IDLE = 600
"""Seconds without a kernel after which a warm process ends, to free its memory."""
HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Request:
    """A request for a kernel, sent from the caller to the child."""

    environment: Mapping[str, str]
    limits: Mapping[str, Any] | None = None
    """The fields of `Limits`, for a kernel in the sandbox; None for one without it."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The files in the working directory of a kernel in the sandbox, by relative name."""
    folder: str = ""
    """The working directory of a kernel without the sandbox."""

    def send(self, warm: socket.socket, line: int) -> None:
        """Send the request, with the descriptor of the kernel's socket."""
        sizes = {name: len(content) for name, content in self.files.items()}
        # A file in memory, since a notebook's files may exceed the size limit of a message.
        with os.fdopen(os.memfd_create("request"), "w+b") as paper:
            paper.write(json.dumps({**vars(self), "files": sizes}).encode() + b"\n")
            paper.writelines(self.files.values())
            paper.flush()
            send(warm, paper.fileno(), line)

    @classmethod
    def receive(cls, warm: socket.socket) -> tuple[Self, int]:
        """Receive a request. Raises `EOFError` if the caller closed the connection."""
        _, descriptors = recv(warm)
        if not descriptors:
            raise EOFError("the caller closed the connection")
        with os.fdopen(descriptors[0], "rb") as paper:
            paper.seek(0)
            words = json.loads(paper.readline())
            files = {name: paper.read(size) for name, size in words.pop("files").items()}
        return cls(**words, files=files), descriptors[1]


def send(line: socket.socket, *descriptors: int, **words: Any) -> None:
    """Send a message of plain data with descriptors over a SEQPACKET socket."""
    message = json.dumps(words).encode()
    if descriptors:  # a kernel in the sandbox may not call sendmsg, and so sends no descriptors
        socket.send_fds(line, [message], descriptors)
    else:
        line.send(message)


def recv(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive a message from `send`; an empty one if the other end is closed."""
    data, descriptors, *_ = socket.recv_fds(line, 2**16, 7)
    return json.loads(data or b"{}"), descriptors


def main() -> None:
    """Run the warm process. Its arguments: a listening socket, the owner's process id, and `ForkServer.kind`."""
    listener, owner = socket.socket(fileno=int(sys.argv[1])), os.pidfd_open(int(sys.argv[2]))
    # `python -m` puts the working directory first in the path, but nothing is to be imported from there.
    sys.path.remove(here := str(Path.cwd()))
    # IPython writes files as it starts: here they are removed with this process's folder.
    os.environ["IPYTHONDIR"] = here
    if locked := "locked" in sys.argv[3:]:
        lockdown.prepare()
    gc.disable()  # imports create few garbage objects
    from lib.grading.kernel import cell_server, kernel

    kernel.warm_up()
    warm = serve(listener, owner, lockdown.fork if locked else os.fork)
    # From here on this process is a child.
    try:
        request, line = Request.receive(warm)
        ready = kernel.begin(socket.socket(fileno=line), keep=(warm.fileno(), line), **vars(request))
        send(warm, ready=True)
        warm.close()
    except BaseException as error:
        with suppress(OSError):
            send(warm, failed=f"{type(error).__name__}: {error}")
        os._exit(1)
    cell_server.serve(ready)


@dataclass(frozen=True)
class Child:
    """A running kernel: its process id, its pidfd, and the socket to its caller."""

    number: int
    handle: int
    warm: socket.socket


def serve(listener: socket.socket, owner: int, fork: Callable[[], int]) -> socket.socket:
    """Fork a child for every caller until the owner ends. Returns only in children, with the socket to the caller."""
    poll = select.poll()
    # A pidfd becomes readable when its process ends.
    poll.register(owner, select.POLLIN)
    poll.register(listener, select.POLLIN)
    children: dict[int, Child] = {}  # by pidfd and by socket
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
            if descriptor != child.handle:  # its caller closed the connection
                pidfd_send_signal(child.handle, SIGKILL)
                continue
            _, status, usage = os.wait4(child.number, 0)  # unlike waitpid it returns the processor time
            del children[child.handle], children[child.warm.fileno()]
            os.close(child.handle)
            with suppress(KeyError):
                poll.unregister(child.warm)
            with child.warm, suppress(OSError):
                seconds = usage.ru_utime + usage.ru_stime
                send(child.warm, exit=os.waitstatus_to_exitcode(status), seconds=seconds)
        if listener.fileno() in ready:
            warm, _ = listener.accept()
            try:
                number = fork()
            except Exception as error:
                with warm, suppress(OSError):
                    send(warm, failed=f"No kernel could be forked: {error}")
                continue
            if number == 0:  # the child must not have access to other kernels
                for child in set(children.values()):
                    os.close(child.handle)
                    child.warm.close()
                listener.close()
                os.close(owner)
                return warm
            # A pidfd, since a process id may belong to another process by the time of a signal.
            child = Child(number, os.pidfd_open(number), warm)
            children[child.handle] = children[warm.fileno()] = child
            poll.register(child.handle, select.POLLIN)
            poll.register(warm, HANG_UP)
            with suppress(OSError):
                send(warm, child.handle)


if __name__ == "__main__":
    main()
