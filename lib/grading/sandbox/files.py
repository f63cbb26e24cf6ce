"""What goes into a sandbox with a notebook and what comes out again: ordinary files alone, and only so much.

Its scratch is gone when the kernel is, unless somebody outside holds a descriptor of its working directory.
`confine` sends one over `Sandbox.outbox` before any student code runs.
"""

import os
import socket
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

DEEPEST = 10
"""Parts that a name may have."""


def lay_out(files: Mapping[str, bytes]) -> None:
    """Write files into the working directory. Raises `ValueError` for a name that leads out of it."""
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} leads out of the working directory")
        Path(path.parent).mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def send(working: int, outbox: int) -> None:
    """Send a descriptor of the working directory over a connected unix socket."""
    with socket.socket(fileno=os.dup(outbox)) as channel:
        socket.send_fds(channel, [b"working directory"], [working])


def receive(channel: socket.socket) -> int:
    """Wait for the descriptor that `confine` sends, for the caller to close. Raises `EOFError` if the child ended."""
    _, descriptors, _, _ = socket.recv_fds(channel, 32, 1)
    if not descriptors:
        raise EOFError("The kernel ended before it was locked in.")
    return descriptors[0]


def find(working: int, patterns: Iterable[str]) -> list[str]:
    """Name the files in a working directory that match a pattern such as `*.png`, in folders that aren't too deep."""
    found = []
    for folder, folders, names, _ in os.fwalk(".", dir_fd=working):
        at = PurePosixPath(folder)
        if len(at.parts) >= DEEPEST - 1:
            folders.clear()
        found += [str(at / name) for name in names if any((at / name).match(pattern) for pattern in patterns)]
    return sorted(found)


def collect(working: int, names: Iterable[str], into: Path, limit: int) -> list[str]:
    """Copy the named files out of a working directory; give the names of those that were not.

    `names` are relative paths such as `figures/loss.png`. What is no ordinary file, or lies behind a link on either
    side, or would make the bytes copied more than `limit`, is left out. A file of that name in `into` is replaced.
    """
    left_out = []
    for name in names:
        content = _read(working, PurePosixPath(name), limit)
        if content is None or not _write(into, PurePosixPath(name), content):
            left_out.append(name)
        else:
            limit -= len(content)
    return left_out


def _write(into: Path, name: PurePosixPath, content: bytes) -> bool:
    """Write a file below `into`, unless a link or something else is in the way."""
    if any((into / folder).is_symlink() for folder in name.parents):
        return False
    try:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).unlink(missing_ok=True)
        (into / name).write_bytes(content)
    except OSError:
        return False
    return True


def _read(working: int, name: PurePosixPath, limit: int) -> bytes | None:
    """Read a file of at most `limit` bytes, following no link on the way; None if that can't be."""
    *folders, last = name.parts or [""]
    if not last or len(name.parts) > DEEPEST or ".." in name.parts or name.is_absolute():
        return None
    opened = [os.dup(working)]
    try:
        for part in folders:
            opened.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
        opened.append(os.open(last, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=opened[-1]))
        if not stat.S_ISREG(os.fstat(opened[-1]).st_mode):
            return None
        with os.fdopen(os.dup(opened[-1]), "rb") as file:
            content = file.read(limit + 1)
        return content if len(content) <= limit else None
    except OSError:
        return None
    finally:
        for descriptor in opened:
            os.close(descriptor)
