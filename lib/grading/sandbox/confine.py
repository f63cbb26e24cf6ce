"""The lock-down of a forked child: from here on it is alone, and has only what a computation needs.

    confine.prepare()            # once, in the warm process
    if confine.fork() == 0:      # for each kernel
        confine.confine(Sandbox())  # in the child, before any student code
        ...

Each step makes the next one possible or safe; their order matters. `NotConfined` means that the child must end.
"""

import itertools
import os
import selectors
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lib.grading.safe_files import lay_out
from lib.grading.sandbox import landlock, namespaces, rootfs, seccomp, syscalls
from lib.grading.sandbox.errors import NotConfined, step
from lib.grading.sandbox.limits import Limits
from lib.grading.sandbox.namespaces import fork, prepare

__all__ = ["Limits", "NotConfined", "Sandbox", "confine", "fork", "prepare", "step"]

ENVIRONMENT = {
    "HOME": rootfs.HOME,
    "IPYTHONDIR": f"{rootfs.HOME}/.ipython",
    "JUPYTER_CONFIG_DIR": f"{rootfs.HOME}/.jupyter",
    "JUPYTER_DATA_DIR": f"{rootfs.HOME}/.jupyter",
    "JUPYTER_RUNTIME_DIR": f"{rootfs.HOME}/.jupyter",
    "MPLCONFIGDIR": f"{rootfs.HOME}/.matplotlib",
    "TMPDIR": rootfs.TEMPORARY,
}
"""Where programs keep their own files: all of it in scratch."""


@dataclass(frozen=True)
class Sandbox:
    """What one child is given."""

    limits: Limits = field(default_factory=Limits)
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies in the working directory at the start, by relative path such as `data/train.csv`."""
    keep: tuple[int, ...] = ()
    """Descriptors that stay open, such as listening sockets; all others are closed."""


def confine(sandbox: Sandbox) -> None:
    """Called in the child right after `fork`; afterwards student code may run, in as many threads as it likes.

    The working directory is `rootfs.WORK`, standard input and output are gone. Raises `NotConfined`.
    """
    limits = sandbox.limits
    with step("descriptors"):
        os.setsid()  # no terminal to type into, and a share of the processor of its own where Linux counts by session
        # All above the standard streams: what the warm process has open must not be reached from here.
        edges = [2, *sorted(set(sandbox.keep) - {0, 1, 2}), syscalls.HIGHEST_DESCRIPTOR + 1]
        for low, high in itertools.pairwise(edges):
            os.closerange(low + 1, high)
    # While the machine's own /sys is in sight. All that comes after it counts for the kernel.
    with step("memory group"):
        namespaces.enter_group(limits)
        syscalls.prefer_for_oom_kill()
    with step("own namespaces"):
        namespaces.unshare_namespaces()
        socket.sethostname("sandbox")
    with step("private root"):
        rootfs.build(limits, namespaces.sandbox_ids())
    with step("another user"):
        # After the mounts, which need root's rights; before the files, which are to be the kernel's own.
        namespaces.leave_root()
    with step("files"):
        lay_out(sandbox.files, Path())
    with step("inner user namespace"):
        # Linux counts threads by user namespace: in one of its own no kernel takes another one's share.
        namespaces.new_users(namespaces.STUDENT, namespaces.STUDENT)
    with step("Landlock"):
        syscalls.gain_no_privileges()
        landlock.allow_only(_rights(limits.commands))
    with step("limits"):
        limits.impose()
    with step("capabilities"):
        syscalls.drop_capabilities()
        syscalls.set_dumpable(False)
    os.environ.update(ENVIRONMENT)
    tempfile.tempdir = rootfs.TEMPORARY
    # asyncio's, which would ask for epoll; set by name, since typeshed has a type for each system
    vars(selectors)["DefaultSelector"] = selectors.PollSelector
    with step("standard streams"):
        syscalls.silence_standard_streams()
    with step("system calls"):
        # Last: all that stands above needs calls that are gone now.
        syscalls.filter_calls(seccomp.program(limits.commands))


def _rights(commands: bool) -> dict[str, int]:
    run = landlock.RUN if commands else 0
    writable = dict.fromkeys((rootfs.SCRATCH, rootfs.TEMPORARY, rootfs.SHARED), landlock.CHANGE | run)
    devices = dict.fromkeys((*rootfs.DEVICES, *([rootfs.TERMINALS] if commands else [])), landlock.USE_DEVICE)
    return {"/": landlock.READ | run, **writable, **devices}
