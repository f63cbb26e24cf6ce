"""Memory groups (Linux's cgroups): a bound on all that a kernel takes, with what Linux itself keeps for it.

`Limits.memory` bounds the address space of each process; a group bounds the memory of all processes of a kernel, its
scratch, and buffers in Linux, together. Only root may make groups, or a user to whom systemd has given some to manage.
Elsewhere kernels go without: `find` gives None.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lib.grading.sandbox.limits import Limits

MEMBERS, ENABLED, BOUND = "cgroup.procs", "cgroup.subtree_control", "memory.max"
OLD_BOUNDS = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
"""Names in the first version of cgroups, which some machines still use: memory, and memory with swap."""
PREFIX = "zerolayer"


def find() -> Path | None:
    """Find a group in which this process may make others that bound memory: the nearest one from its own upwards."""
    for tree, own in _own_groups():
        for folder in (own, *own.parents):
            if not folder.is_relative_to(tree):
                break
            if _is_ours_to_divide(folder):
                return folder
            if read_text(folder / BOUND) not in ("", "max"):
                break  # whoever bounded this process meant its kernels too
    return None


def _own_groups() -> Iterator[tuple[Path, Path]]:
    """Give each tree of groups that may bound memory, by where it is mounted, and this process's own group in it."""
    paths = {}
    for line in read_text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            paths["cgroup" if controllers else "cgroup2"] = path
    for line in read_text(Path("/proc/self/mountinfo")).splitlines():
        place, _, system = line.partition(" - ")
        root, tree = place.split()[3:5]
        kind, *_, options = system.split()
        if kind in paths and (kind == "cgroup2" or "memory" in options.split(",")):
            yield Path(tree), Path(tree, os.path.relpath(paths[kind], root))


def _is_ours_to_divide(folder: Path) -> bool:
    """Tell whether groups in `folder` bound memory, and we may make some and move our own processes there."""
    bounds = "memory" in read_text(folder / ENABLED).split() or (folder / OLD_BOUNDS[0]).exists()
    writable = (os.access(path, os.W_OK, effective_ids=True) for path in (folder, folder / MEMBERS))
    return bounds and all(writable)


def read_text(path: Path) -> str:
    """Read one of the system's settings; "" where it isn't there."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


@dataclass
class Groups:
    """The groups of one warm process's kernels, in a group where it may make them."""

    home: Path
    owner: int = field(default_factory=os.getpid)
    """The process that outlives the kernels, by whose number others know whether a group is still in use."""
    _of: dict[int, Path] = field(default_factory=dict)
    _made: int = 0

    def make(self) -> Path:
        """Make a group for the next kernel, and remove those of kernels that have ended."""
        for child in list(self._of):
            try:
                os.kill(child, 0)
            except ProcessLookupError:
                _remove(self._of.pop(child))
        self._made += 1
        folder = self.home / f"{PREFIX}-{self.owner}-{self._made}"
        folder.mkdir()
        return folder

    def give(self, child: int, folder: Path) -> None:
        """Note whose group it is."""
        if child in self._of:  # its number was another's before
            _remove(self._of[child])
        self._of[child] = folder

    def tidy(self) -> None:
        """Remove this process's groups, where it has no kernels, and those that a killed warm process left."""
        for folder in self.home.glob(f"{PREFIX}-*-*"):
            owner = folder.name.split("-")[1]
            # One that was killed keeps its number until its parent asks how it ended: Linux calls it a zombie.
            if owner == str(self.owner) or state_of(owner) in ("", "Z"):
                _remove(folder)


def state_of(process: str) -> str:
    """Give Linux's letter for the state of a process, by its number; "" where there is none."""
    # The name before it, in brackets, may have spaces and brackets in it.
    return read_text(Path("/proc", process, "stat")).rpartition(")")[2][1:2]


def _remove(folder: Path) -> None:
    with suppress(OSError):  # somebody is in it, or others were quicker
        folder.rmdir()


def enter(folder: Path, limits: Limits) -> None:
    """Bound a group, and move this process there. A kernel that takes more is ended by Linux."""
    most = limits.memory + limits.scratch
    # No swap, which would be memory beyond the bound. oom.group: all processes of a kernel end together.
    bounds = {BOUND: most, "memory.swap.max": 0, "memory.oom.group": 1, "pids.max": limits.tasks}
    for name, bound in {**bounds, **dict.fromkeys(OLD_BOUNDS, most)}.items():
        if (folder / name).exists():  # they differ between versions, and with what the machine has switched on
            (folder / name).write_text(str(bound))
    (folder / MEMBERS).write_text("0")  # who writes this
