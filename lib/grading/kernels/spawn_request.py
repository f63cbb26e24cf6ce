"""A request: all that a forked kernel has to know, as it crosses from the caller to the child."""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

REPLY = "execute_reply"
"""The message that ends a cell."""
MAX_SAID = 1000
"""Characters of an error's name and text in a reply. A longer reply than is read would be waited for in vain."""


@dataclass(frozen=True)
class Request:
    """What makes one kernel different from another."""

    environment: Mapping[str, str]
    limits: Mapping[str, Any] | None = None
    """The fields of `Limits`, for a kernel that is locked in; None for one that isn't."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies in the working directory, by relative name, of a kernel that is locked in."""
    folder: str = ""
    """The working directory of a kernel that isn't."""

    def send(self, line: socket.socket, descriptors: Sequence[int]) -> None:
        """Send the request with descriptors: the one of the line to a caller."""
        sizes = {name: len(content) for name, content in self.files.items()}
        # In a file in memory: a message over a socket may not be as large as a notebook's files.
        with os.fdopen(os.memfd_create("request"), "w+b") as paper:
            paper.write(json.dumps({**vars(self), "files": sizes}).encode() + b"\n")
            paper.writelines(self.files.values())
            paper.flush()
            send(line, paper.fileno(), *descriptors)

    @classmethod
    def receive(cls, line: socket.socket) -> tuple[Self, list[int]]:
        """Read what `send` wrote. Raises `EOFError` if the caller hung up."""
        _, descriptors = recv(line)
        if not descriptors:
            raise EOFError("the caller hung up")
        with os.fdopen(descriptors[0], "rb") as paper:
            paper.seek(0)
            words = json.loads(paper.readline())
            files = {name: paper.read(size) for name, size in words.pop("files").items()}
        return cls(**words, files=files), descriptors[1:]


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
