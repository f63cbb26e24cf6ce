"""A root of its own: a small file system in which the interpreter can be read and a scratch folder written, and nothing
else of the machine can be found.

Only libraries are shown: of each prefix its `lib`, not the prefix itself, which may hold a whole course. Of this
package and of units that lie elsewhere the open half is shown; over the closed ones lies a folder in which there is
nothing but a notice.
"""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import lib.units
from lib.grading import units
from lib.grading.sandbox import syscalls
from lib.grading.sandbox.limits import Limits

SCRATCH, TEMPORARY, SHARED = "/scratch", "/tmp", "/dev/shm"
"""What can be written. All three are one file system in memory, of bounded size."""
WORK, HOME = f"{SCRATCH}/work", f"{SCRATCH}/home"
PROC, TERMINALS = "/proc", "/dev/pts"
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_FOR_SCRATCH = (SCRATCH, TEMPORARY, "/dev", SHARED)
_SITE = "/tmp"
"""Where the new root is put together. It hides what was there, so that all sources are opened before."""

_SYSTEM = """
    /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /usr/share/fonts /usr/share/fontconfig /usr/local/share/fonts
    /usr/share/zoneinfo /etc/alternatives /etc/fonts /etc/ld.so.cache /etc/localtime
"""
_COMMANDS = "/bin /usr/bin /usr/local/bin /usr/share"

_WRITTEN = {
    "/etc/passwd": f"student:x:1000:1000:student:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "student:x:1000:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_NOTICE = "raise ModuleNotFoundError(f'No module named {__name__!r} where submissions run', name=__name__)\n"
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "fd/0",
    "/dev/stdout": "fd/1",
    "/dev/stderr": "fd/2",
    "/dev/ptmx": "pts/ptmx",
}


@dataclass(frozen=True)
class View:
    """What of the machine is seen in a sandbox, each thing at its own path. Paths are text, for speed."""

    folders: tuple[str, ...]
    """Made empty, to have something to mount on, beside those for scratch; each after the one that it is in."""
    files: tuple[str, ...]
    """Likewise."""
    shown: tuple[str, ...]
    """Folders and files that appear as they are, and can only be read."""
    links: dict[str, str]
    """Symbolic links, and where they lead."""
    hidden: tuple[str, ...]
    """Folders among the shown ones over which another is laid: the closed zones, wherever they are installed."""


def view(commands: bool) -> View:
    """Look at this machine, and choose what is seen of it; with `commands`, programs are too."""
    return _look(commands, tuple(lib.units.__path__))


@cache
def _look(commands: bool, units_in: tuple[str, ...]) -> View:
    """Do it once for each course, whose units lie in a folder of their own."""
    found = [path for named in _list_paths(commands) for path in (named, named.resolve()) if path.exists()]
    links = {path: str(path.readlink()) for path in found if path.is_symlink()}
    links = {path: goal for path, goal in links.items() if not any(folder in links for folder in path.parents)}
    shown = _outermost(path for path in found if not any(folder in links for folder in (path, *path.parents)))
    packages = {_package(), _package().resolve()}
    packages |= {package for path in shown for package in path.glob("python*/*-packages/lib")}
    closed = [folder for package in packages for folder in units.closed_folders(package)]
    of_units = [unit.closed for unit in units.places().values()]
    closed += [folder for each in of_units for folder in (each, each.resolve()) if folder.is_dir()]
    places = [Path(PROC), Path(TERMINALS), *(path for path in shown if path.is_dir())]
    files = [str(path) for path in shown if not path.is_dir()]
    entries = [*places, *links, *map(Path, (*files, *_WRITTEN))]
    inner = {folder for path in entries for folder in path.parents}
    folders = sorted({*places, *inner} - set(map(Path, ("/", *_FOR_SCRATCH))), key=lambda path: len(path.parts))
    return View(
        folders=tuple(map(str, folders)),
        files=(*files, *DEVICES),
        shown=tuple(map(str, shown)),
        links={str(path): goal for path, goal in links.items()} | _LINKS,
        hidden=tuple(dict.fromkeys(map(str, closed))),
    )


def _list_paths(commands: bool) -> list[Path]:
    prefixes = [Path(prefix) for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.prefix)]
    paths = [prefix / part for prefix in prefixes for part in ("lib", "lib64", "bin", "pyvenv.cfg")]
    paths += [Path(entry) for entry in sys.path if entry.endswith("-packages")]
    paths += [Path(path) for path in (_SYSTEM + (_COMMANDS if commands else "")).split()]
    return [*paths, _package(), *(unit.folder for unit in units.places().values())]


def _package() -> Path:
    return Path(lib.__file__).parent


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Leave out what lies below another of the paths."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def build(limits: Limits, owner: tuple[int, int]) -> None:
    """Put the new root together and enter it. Scratch belongs to `owner`, a user and a group."""
    os.umask(0o022)  # the kernel's user has to read what root makes here, whatever a shell's umask is
    seen = view(limits.commands)
    sources = {path: os.open(path, os.O_PATH) for path in (*seen.shown, *DEVICES)}
    syscalls.mount("tmpfs", _SITE, options="mode=755,size=1m")
    _mount_scratch(limits, owner)
    _make_entries(seen)
    for path, source in sources.items():
        syscalls.bind(f"/proc/self/fd/{source}", _SITE + path)
        os.close(source)
    for path in seen.hidden:
        # Two inodes: the folder, and the notice in it.
        syscalls.mount("tmpfs", _SITE + path, options="mode=755,size=4k,nr_inodes=2")
        Path(f"{_SITE}{path}/__init__.py").write_text(_NOTICE)
    for path in seen.shown:
        syscalls.restrict(_SITE + path, syscalls.READ_ONLY | syscalls.NO_SETUID | syscalls.NO_DEVICES)
    for path in DEVICES:  # they can be written to all the same, but what is noted of them, such as times, stays
        syscalls.restrict(_SITE + path, syscalls.READ_ONLY | syscalls.NO_SETUID)
    # Processes alone: the rest of /proc tells of the machine, and root may write there.
    syscalls.mount("proc", _SITE + PROC, syscalls.NO_SETUID | syscalls.NO_DEVICES | syscalls.NOEXEC, "subset=pid")
    if limits.commands:
        syscalls.mount("devpts", _SITE + TERMINALS, syscalls.NO_SETUID | syscalls.NOEXEC, "newinstance,ptmxmode=666")
    syscalls.restrict(_SITE, syscalls.READ_ONLY | syscalls.NO_SETUID | syscalls.NO_DEVICES, and_below=False)
    syscalls.change_root(_SITE)
    os.chdir(WORK)


def _mount_scratch(limits: Limits, owner: tuple[int, int]) -> None:
    """Scratch comes first: what is shown may lie in /tmp too."""
    for path in _FOR_SCRATCH:
        os.mkdir(_SITE + path)  # noqa: PTH102  # text is what a view is made of
    forbids = syscalls.NO_SETUID | syscalls.NO_DEVICES | (0 if limits.commands else syscalls.NOEXEC)
    bounds = f"size={limits.scratch},nr_inodes={limits.inodes}"
    syscalls.mount("tmpfs", _SITE + SCRATCH, forbids, f"mode=755,uid={owner[0]},gid={owner[1]},{bounds}")
    for folder, place in ((WORK, None), (HOME, None), (f"{SCRATCH}/tmp", TEMPORARY), (f"{SCRATCH}/shm", SHARED)):
        os.mkdir(_SITE + folder)  # noqa: PTH102  # a view's paths are text
        os.chown(_SITE + folder, *owner)
        if place:
            syscalls.bind(_SITE + folder, _SITE + place)


def _make_entries(seen: View) -> None:
    """Make what is ours alone, and a place for each thing that is not."""
    for path in seen.folders:
        os.mkdir(_SITE + path)  # noqa: PTH102  # a view's paths are text
    for path in seen.files:
        os.close(os.open(_SITE + path, os.O_CREAT))
    for path, goal in seen.links.items():
        os.symlink(goal, _SITE + path)  # noqa: PTH211  # a view's paths are text
    for path, content in _WRITTEN.items():
        Path(_SITE + path).write_text(content)
