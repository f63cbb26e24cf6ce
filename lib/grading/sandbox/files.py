"""What goes into a sandbox with a notebook and what comes out again: ordinary files alone, and only so much.

Its scratch is gone when the kernel is, unless somebody outside holds a descriptor of its working directory.
`confine` sends one over `Sandbox.outbox` before any student code runs.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from lib.grading.safe_files import files_in


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


def collect(working: int, patterns: Iterable[str], into: Path, limit: int) -> list[str]:
    """Copy files that match a pattern such as `*.png` out of a working directory; name those that were left out.

    Called when the kernel has ended, so nothing changes there any more. Only ordinary files count, reached by no link.
    Left out is what would make the bytes copied more than `limit`, and what a link or folder in `into` is in the way
    of. A file of that name there is replaced.
    """
    root, patterns, left_out = Path(f"/proc/self/fd/{working}"), tuple(patterns), []
    names = sorted(path.relative_to(root) for path in files_in(root))
    for name in (name for name in names if any(map(name.match, patterns))):
        size = (root / name).stat().st_size
        if size > limit or not _copy(root / name, into, name):
            left_out.append(str(name))
        else:
            limit -= size
    return left_out


def _copy(source: Path, into: Path, name: Path) -> bool:
    """Copy a file to its name below `into`, unless a link or something else is in the way."""
    if any((into / folder).is_symlink() for folder in name.parents):
        return False
    try:
        content = source.read_bytes()  # before anything is replaced: its rights may not let us
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).unlink(missing_ok=True)
        (into / name).write_bytes(content)
    except OSError:
        return False
    return True
