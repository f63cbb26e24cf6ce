"""The two halves of making a kernel: before and after the fork.

The warm process makes the common half: ipykernel's kernel and shell with their magics and formatters, and all imports.
The fork makes its own half: the connection to its caller, streams, names and random seeds. The first half opens no
socket and starts no thread, since neither survives a fork.

All forks share the fixed seed of `hash`, and the addresses of objects in memory.
"""

import asyncio
import gc
import importlib
import io
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from traitlets.config import Config

from lib.checking import randomness
from lib.checking.challenges import read_challenge
from lib.grading.kernel import READY, cell_server
from lib.grading.kernel.shell import ZMQInteractiveShell
from lib.grading.kernel.unit_imports import import_units
from lib.grading.sandbox import lockdown
from lib.grading.sandbox.limits import NICENESS, Limits

NO_HISTORY = {"HistoryManager": {"hist_file": ":memory:"}}
INLINE = "module://matplotlib_inline.backend_inline"
IMPORTS = (
    *("numpy", "numpy.random", "matplotlib.pyplot", INLINE.removeprefix("module://"), "ipywidgets"),
    *("lib.checking.challenges", "lib.blanks", "lib.data", "lib.explorer", "lib.plots", "lib.checking.render"),
    *("IPython.core.logger", "resource"),
)
"""Modules that notebooks import at any time, and those that IPython and the sandbox import for each notebook."""


def make_kernel() -> IPythonKernel:
    """Make the common kernel, with our shell, and without ipykernel's application, which opens sockets and threads."""
    # The socket is a placeholder: without one, ipykernel drops displays.
    own = {"session": cell_server.LineSession(), "iopub_socket": "the line", "config": Config(NO_HISTORY)}
    own["log"] = logging.getLogger("kernel")  # by default the application's, which doesn't exist here
    kernel = IPythonKernel.instance(user_ns={}, shell_class=ZMQInteractiveShell, **own)
    shell = kernel.shell
    # Modules next to a notebook are found after the standard library, and before installed packages.
    at = next((at for at, path in enumerate(sys.path) if path.endswith("-packages")), 0)
    sys.path.insert(at, "")
    shell.extension_manager.load_extension("storemagic")
    shell.user_ns_hidden.update(shell.user_ns)
    shell._sys_modules_keys = set(sys.modules)
    return kernel


def warm_up() -> None:
    """Make the common half of a kernel, in one thread, with all imports."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # the debugger takes threads, a port and 70 ms a kernel
    os.environ["MPLBACKEND"] = INLINE  # matplotlib's import connects this backend with the current shell
    kernel = make_kernel()
    gc.freeze()  # nothing so far refers to units, so the search for their right results can leave it out
    import_units()
    lockdown.hide_units()
    for name in IMPORTS:
        importlib.import_module(name)
    _draw_figure()
    # A cell without effects and a formatted traceback fill IPython's caches and complete its imports.
    kernel.shell.find_line_magic("load_ext")
    kernel.shell.display_formatter.format(None)
    asyncio.run(kernel.do_execute("if None:\n    pass", silent=True, store_history=False))
    try:
        json.loads("")
    except ValueError:
        kernel.shell.InteractiveTB.structured_traceback(*sys.exc_info())
    # A garbage collection in a fork would write into each object, and so copy the shared memory.
    gc.freeze()
    gc.enable()


def _draw_figure() -> None:
    """Draw a figure, so that matplotlib finds its fonts and completes its imports."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.set_prop_cycle(color=["black"], linestyle=["-"])
    axes.plot([0, 1], label="$x$")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close("all")


def begin(
    line: socket.socket, environment: Mapping[str, str], limits: Mapping[str, Any], files: Mapping[str, bytes]
) -> IPythonKernel:
    """Make the second half in a forked child, from the fields of its request. Tells the caller when it is ready."""
    os.nice(NICENESS)
    os.environ.clear()
    os.environ.update(environment)
    lockdown.confine(Limits(**limits), files, keep=[line.fileno()])
    # The first process of a PID namespace receives no signal without a handler, even from itself.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    sys.argv = ["ipykernel_launcher.py"]
    # The C library has read TZ in the warm process, with another environment.
    time.tzset()
    if (backend := os.environ.setdefault("MPLBACKEND", INLINE)) != INLINE:
        sys.modules["matplotlib"].rcParams["backend"] = backend
    kernel = _finish_kernel(line)
    # The challenge's seed makes a submission draw the same numbers each time that it is graded.
    if (seed := read_challenge()) is not None:
        randomness.begin(seed)
    else:
        sys.modules["numpy"].random.seed()
    kernel.session.send(None, READY)
    return kernel


def _finish_kernel(line: socket.socket) -> IPythonKernel:
    kernel = IPythonKernel.instance()
    kernel.session.open(line)
    sys.stdout, sys.stderr = (cell_server.StreamWriter(name, kernel.session) for name in ("stdout", "stderr"))
    cell_server.report_refusals(kernel.session)
    # ipykernel reads from this attribute in which thread cells run.
    kernel.shell_channel_thread = SimpleNamespace(parent_thread=threading.current_thread())
    kernel.shell.init_environment()
    kernel.shell.starting_dir = str(here := Path.cwd())
    kernel.shell.history_manager.dir_hist[:] = [here]
    return kernel
