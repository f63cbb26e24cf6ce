"""Spawning: a kernel that is forked from a warm process for one caller, locked in unless it is told otherwise."""

import os
import re
import shutil
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from lib.grading.kernels.client import KernelClient
from lib.grading.kernels.forkserver import ADDRESS, ForkServer
from lib.grading.kernels.spawn_request import Request
from lib.grading.safe_files import lay_out
from lib.grading.sandbox.limits import Limits

VARIABLES = re.compile("LANG|LC_.*|TZ|MPLBACKEND|IPYKERNEL_.*|NBGRADER_.*")
"""Names of what a locked kernel gets of our environment."""


def spawn(
    files: Mapping[str, bytes], locked: bool = True, limits: Mapping[str, Any] = {}, slow_imports: bool = True
) -> KernelClient:
    """Have a kernel forked that finds these files where it works.

    Raises `KernelNotStarted` if there is a reason why it can't be, and `ForkServerDied` if another try may help.
    """
    server = ForkServer.shared(locked, slow_imports)
    environment = {**os.environ, "NBGRADER_EXECUTION": "autograde"}  # a challenge may lie beside the notebook
    if locked:
        known = {name: value for name, value in environment.items() if VARIABLES.fullmatch(name)}
        request = Request(known, limits=asdict(Limits(**limits)), files=files)
    else:
        environment.pop(ADDRESS, None)
        folder = Path(mkdtemp(prefix="run-", dir=server.folder))  # removed with the warm process's own
        lay_out(files, folder)
        request = Request(environment, folder=str(folder))
    with ExitStack() as stack:
        ours, its = map(stack.enter_context, socket.socketpair())
        kernel = server.fork(request, [its.fileno()])
        client = KernelClient(kernel, socket.socket(fileno=ours.detach()))
    if not locked:
        client.at_end = lambda: shutil.rmtree(folder, ignore_errors=True)
    return client
