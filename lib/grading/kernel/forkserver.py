"""The warm process: it imports once what notebooks import, and forks a kernel for everyone who asks (`client`).

It never reads what a caller sends. It forks first and the child reads, so that no kernel finds in its memory what was
sent for another. On each connection there come

1. from the warm process: a descriptor of the child, by which the caller signals it and sees it end,
2. from the caller: a `Request`, and the kernel's end of the line on which cells go,
3. from the child: that it is ready, or what kept it from starting,
4. from the warm process, once the child has ended: its exit code, and the processor time that it took.

A caller that hangs up ends its kernel. A warm process ends with its owner, and takes all its kernels along.
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
"""Seconds without a kernel, after which a warm process ends to give its memory back."""
HANG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Request:
    """All that a forked kernel has to know, as it crosses from the caller to the child."""

    environment: Mapping[str, str]
    limits: Mapping[str, Any] | None = None
    """The fields of `Limits`, for a kernel that is locked in; None for one that isn't."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies in the working directory, by relative name, of a kernel that is locked in."""
    folder: str = ""
    """The working directory of a kernel that isn't."""

    def send(self, warm: socket.socket, line: int) -> None:
        """Send the request, with the kernel's end of the line to a caller."""
        sizes = {name: len(content) for name, content in self.files.items()}
        # In a file in memory: a message over a socket may not be as large as a notebook's files.
        with os.fdopen(os.memfd_create("request"), "w+b") as paper:
            paper.write(json.dumps({**vars(self), "files": sizes}).encode() + b"\n")
            paper.writelines(self.files.values())
            paper.flush()
            send(warm, paper.fileno(), line)

    @classmethod
    def receive(cls, warm: socket.socket) -> tuple[Self, int]:
        """Read what `send` wrote. Raises `EOFError` if the caller hung up."""
        _, descriptors = recv(warm)
        if not descriptors:
            raise EOFError("the caller hung up")
        with os.fdopen(descriptors[0], "rb") as paper:
            paper.seek(0)
            words = json.loads(paper.readline())
            files = {name: paper.read(size) for name, size in words.pop("files").items()}
        return cls(**words, files=files), descriptors[1]


def send(line: socket.socket, *descriptors: int, **words: Any) -> None:
    """Send plain data over a socket that keeps messages apart, and descriptors with it: a locked kernel has none."""
    message = json.dumps(words).encode()
    if descriptors:
        socket.send_fds(line, [message], descriptors)
    else:
        line.send(message)


def recv(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for what `send` sends; no words at all once the other end is closed."""
    data, descriptors, *_ = socket.recv_fds(line, 2**16, 7)
    return json.loads(data or b"{}"), descriptors


def main() -> None:
    """Called in the warm process with a listening socket, the owner's number, and the words of `ForkServer.kind`."""
    listener, owner = socket.socket(fileno=int(sys.argv[1])), os.pidfd_open(int(sys.argv[2]))
    # `python -m` puts its folder first: nothing is to be imported from among the sockets.
    sys.path.remove(here := str(Path.cwd()))
    # What IPython writes as it starts goes with this process.
    os.environ["IPYTHONDIR"] = here
    if locked := "locked" in sys.argv[3:]:
        lockdown.prepare()
    gc.disable()  # what is imported stays
    from lib.grading.kernel import cell_server, kernel

    hooks = kernel.warm_up()
    warm = serve(listener, owner, lockdown.fork if locked else os.fork)
    # From here on this is a child, which never returns.
    try:
        request, line = Request.receive(warm)
        ready = kernel.begin(socket.socket(fileno=line), keep=(warm.fileno(), line), **vars(request))
        send(warm, ready=True)
        warm.close()
    except BaseException as error:
        with suppress(OSError):
            send(warm, failed=f"{type(error).__name__}: {error}")
        os._exit(1)
    cell_server.serve(ready, hooks)


@dataclass(frozen=True)
class Child:
    """A kernel that runs: its number, a descriptor that can be read once it has ended, and the line to its caller."""

    number: int
    handle: int
    warm: socket.socket


def serve(listener: socket.socket, owner: int, fork: Callable[[], int]) -> socket.socket:
    """Fork a child for every caller until the owner ends. Returns in each child, with the line to its caller."""
    poll = select.poll()
    # A descriptor of a process can be read once that process has ended.
    poll.register(owner, select.POLLIN)
    poll.register(listener, select.POLLIN)
    children: dict[int, Child] = {}  # by both of their descriptors
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(None if children else IDLE * 1000)}
        if owner in ready:
            with suppress(FileNotFoundError):  # the owner may have been quicker
                shutil.rmtree(Path.cwd(), ignore_errors=True)
        if owner in ready or not (ready or children):
            os._exit(0)
        for descriptor in ready:
            if (child := children.get(descriptor)) is None:
                continue  # not a child's, or reaped by another event of the same poll
            poll.unregister(descriptor)
            if descriptor != child.handle:  # its caller hung up
                pidfd_send_signal(child.handle, SIGKILL)
                continue
            _, status, usage = os.wait4(child.number, 0)  # waitpid doesn't tell the processor time
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
            if number == 0:  # it must reach none of the others
                for child in set(children.values()):
                    os.close(child.handle)
                    child.warm.close()
                listener.close()
                os.close(owner)
                return warm
            # A descriptor and not the number, which may be another process's by the time of a signal.
            child = Child(number, os.pidfd_open(number), warm)
            children[child.handle] = children[warm.fileno()] = child
            poll.register(child.handle, select.POLLIN)
            poll.register(warm, HANG_UP)
            with suppress(OSError):
                send(warm, child.handle)


if __name__ == "__main__":
    main()
