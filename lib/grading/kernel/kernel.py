"""A kernel in two halves.

What all kernels have in common is made once, in the warm process: ipykernel's kernel and its shell, with magics,
formatters and what notebooks import. What is one kernel's own is made after the fork: its line to a caller, streams,
names and random seeds. The first half opens no socket and starts no thread: neither survives a fork.

All forks share the seed of `hash`, which is fixed, and the addresses of objects in memory: the warm process's.
"""

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
from traitlets import Type
from traitlets.config import Config

from lib.checking import randomness
from lib.checking.challenges import read_challenge
from lib.grading.kernel import cell_server, hooks
from lib.grading.kernel.shell import Compiler, ZMQInteractiveShell
from lib.grading.kernel.unit_imports import import_units
from lib.grading.sandbox import lockdown
from lib.grading.sandbox.limits import NICENESS, Limits

NO_HISTORY = {"HistoryManager": {"hist_file": ":memory:"}}
INLINE = "module://matplotlib_inline.backend_inline"
IMPORTS = (
    *("numpy", "numpy.random", "matplotlib.pyplot", INLINE.removeprefix("module://"), "ipywidgets"),
    *("lib.checking.challenges", "lib.blanks", "lib.data", "lib.explorer", "lib.checking.render"),
    *("IPython.core.logger", "resource"),
)
"""What notebooks import, at once or while they run, and what IPython and the sandbox do for each."""


class LineKernel(IPythonKernel):
    """ipykernel's kernel with our shell, and one caller in place of Jupyter's sockets."""

    shell_class = Type(ZMQInteractiveShell)
    compiler_class = Type(Compiler)


def make_kernel() -> LineKernel:
    """Make what all kernels have in common, without ipykernel's application, which opens sockets and starts threads."""
    # A placeholder for a socket: without one, displays are dropped.
    own = {"session": cell_server.LineSession(), "iopub_socket": "the line", "config": Config(NO_HISTORY)}
    own["log"] = logging.getLogger("kernel")  # the application's else; ipykernel notes each error there
    kernel = LineKernel.instance(user_ns={}, **own)
    shell = kernel.shell
    # A notebook's own modules come after Python's, and before those of packages.
    at = next((at for at, path in enumerate(sys.path) if path.endswith("-packages")), 0)
    sys.path.insert(at, "")
    shell.extension_manager.load_extension("storemagic")
    shell.user_ns_hidden.update(shell.user_ns)
    shell._sys_modules_keys = set(sys.modules)
    return kernel


def warm_up() -> hooks.Hooks:
    """Make the first half of a kernel and import what notebooks import, in one thread; return the shell's hooks."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # a debugger takes threads, a port and 70 ms a kernel
    os.environ["MPLBACKEND"] = INLINE  # figures are shown by the shell that is there when matplotlib is imported
    kernel = make_kernel()
    import_units()
    lockdown.hide_units()
    for name in IMPORTS:
        importlib.import_module(name)
    _draw()
    _run_a_cell(kernel)
    _word_an_error(kernel.shell)
    noted = hooks.Hooks(kernel.shell)
    # A collection in a fork would write into each object it looks at, and so copy memory that all share.
    gc.freeze()
    gc.enable()
    lockdown.use_large_pages()
    return noted


def _draw() -> None:
    """Draw a figure once: fonts are found, and what matplotlib imports late is imported."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.set_prop_cycle(color=["black"], linestyle=["-"])
    axes.plot([0, 1], label="$x$")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close("all")


def _run_a_cell(kernel: Any) -> None:
    """Run a cell once that does and leaves nothing: what is worked out at the first one is worked out."""
    kernel.shell.find_line_magic("load_ext")
    kernel.shell.display_formatter.format(None)
    kernel.shell.run_cell("if None:\n    pass", store_history=False, silent=True)
    hooks.settle(kernel.shell)


def _word_an_error(shell: Any) -> None:
    """Word an error once: what IPython imports for it is imported, and files of code have their modules' names."""
    try:
        json.loads("")
    except ValueError:
        shell.InteractiveTB.structured_traceback(*sys.exc_info())


def begin(
    line: socket.socket,
    keep: tuple[int, ...],
    environment: Mapping[str, str],
    limits: Mapping[str, Any] | None,
    files: Mapping[str, bytes],
    folder: str,
) -> LineKernel:
    """Make the second half, in a forked child, as its `Request` says; `keep` are descriptors that stay open."""
    os.nice(NICENESS)
    os.environ.clear()
    os.environ.update(environment)
    if limits is None:  # with all the rights of the warm process, and only as long as that lives
        lockdown.die_with_parent()
        os.setsid()
        lockdown.silence_standard_streams()
        os.chdir(folder)
    else:
        lockdown.confine(Limits(**limits), files, keep)
        # The first process of a namespace gets no signal that it has no handler for, not even from itself.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    sys.argv = ["ipykernel_launcher.py"]
    # C's library has read TZ in the warm process already.
    time.tzset()
    if (backend := os.environ.setdefault("MPLBACKEND", INLINE)) != INLINE:
        sys.modules["matplotlib"].rcParams["backend"] = backend
    kernel = _own_half(line)
    # A submission draws the same numbers each time it is graded, and each one its own.
    if (seed := read_challenge()) is not None:
        randomness.begin(seed)
    else:
        sys.modules["numpy"].random.seed()
    return kernel


def _own_half(line: socket.socket) -> LineKernel:
    """Make what is this kernel's own: streams, names, folder."""
    kernel = LineKernel.instance()
    kernel.session.open(line)
    sys.stdout, sys.stderr = (cell_server.StreamWriter(name, kernel.session) for name in ("stdout", "stderr"))
    cell_server.tell_refusals(kernel.session)
    # ipykernel reads there in which thread cells run; there are no channels.
    kernel.shell_channel_thread = SimpleNamespace(parent_thread=threading.current_thread())
    kernel.shell.init_environment()
    kernel.shell.starting_dir = str(here := Path.cwd())
    kernel.shell.history_manager.dir_hist[:] = [here]
    return kernel
