"""A kernel in two halves.

What all kernels have in common is made once, in the warm process: ipykernel's application, its kernel and its shell,
with magics, formatters and what notebooks import. What is one kernel's own is made after the fork: sockets, threads,
streams, names and random seeds. The first half opens no socket and starts no thread: neither survives a fork.

All forks share the seed of `hash` and the addresses of objects in memory: those are the warm process's.
"""

import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, Self

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.session import Session
from traitlets import Type
from traitlets.config import Config

from lib.grading.kernels import server
from lib.grading.kernels.shell import Compiler, ZMQInteractiveShell
from lib.grading.kernels.slow_imports import import_units, slow_imports
from lib.grading.kernels.spawn_request import Request, send
from lib.grading.sandbox import syscalls
from lib.grading.sandbox.limits import NICENESS

INLINE = "module://matplotlib_inline.backend_inline"
IMPORTS = (
    *("numpy", "numpy.random", "matplotlib.pyplot", INLINE.removeprefix("module://"), "ipywidgets"),
    *("lib.checking.answers", "lib.blanks", "lib.data", "lib.explorer", "lib.checking.render"),
    *("IPython.core.logger", "resource"),
)
"""What notebooks import, at once or while they run, and what IPython and the sandbox do for each."""


class HalfKernel(IPythonKernel):
    """A kernel that is made before it has anything to talk with."""

    shell_class = Type(ZMQInteractiveShell)
    compiler_class = Type(Compiler)

    @classmethod
    def instance(cls, *args: Any, **own: Any) -> Self:
        """Called by ipykernel's application with what is the kernel's own; the rest of it may exist already."""
        if not cls.initialized():
            return super().instance(*args, **own)
        kernel = super().instance()
        for name in own.keys() - {"parent", "user_ns"}:
            setattr(kernel, name, own[name])
        kernel._set_identity()
        return kernel

    def _set_identity(self) -> None:
        self.ident = str(uuid.uuid4())
        self._stdout, self._stderr = sys.stdout, sys.stderr
        for publisher in (self.shell.displayhook, self.shell.display_pub):
            publisher.session, publisher.pub_socket = self.session, self.iopub_socket
        self.shell.displayhook.topic = self._topic("execute_result")
        self.shell.profile_dir = self.profile_dir


class HalfApp(IPKernelApp):
    """ipykernel's application in two halves, over listening sockets that somebody else has bound."""

    name = "ipython-kernel"
    kernel_class = HalfKernel

    def prepare(self) -> None:
        """Make what all kernels have in common."""
        self.update_config(Config({"HistoryManager": {"hist_file": ":memory:"}}))
        # Not IPKernelApp's own, which opens sockets and starts threads.
        super(IPKernelApp, self).initialize([])
        self.init_pdb()
        self.kernel = HalfKernel.instance(parent=self, log=self.log, profile_dir=self.profile_dir, user_ns=self.user_ns)
        self.init_path()
        self.init_shell()
        self._load_extensions()
        self.line_session = server.LineSession()

    def _load_extensions(self) -> None:
        self.init_gui_pylab()
        self.init_extensions()
        self.init_code()

    def complete_for_caller(self, caller: socket.socket) -> Callable[[], NoReturn]:
        """Make what is this kernel's own where it has one caller and none of Jupyter's sockets; give its work."""
        session = self.line_session
        session.open(caller)
        sys.stdout, sys.stderr = (server.Printed(name, session) for name in ("stdout", "stderr"))
        kernel = self.kernel
        kernel.session, kernel.iopub_socket = session, caller
        # ipykernel reads there in which thread cells run; there are no channels.
        kernel.shell_channel_thread = SimpleNamespace(parent_thread=threading.current_thread())
        kernel._set_identity()
        self._prepare_shell()
        return partial(server.serve, kernel, session)

    def _prepare_shell(self) -> None:
        shell, here = self.kernel.shell, Path.cwd()
        shell.init_environment()
        shell.starting_dir = str(here)
        shell.history_manager.dir_hist[:] = [here]


def warm_up(slow: bool) -> None:
    """Make the first half of a kernel and import what notebooks import, in one thread."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # a debugger takes threads, a port and 70 ms a kernel
    app = HalfApp.instance()
    app.prepare()
    import_units()
    for name in (*IMPORTS, *(name for one in slow_imports() if slow for name in one.modules)):
        importlib.import_module(name)
    _draw()
    _run_a_cell(app.kernel)
    _word_an_error(app.kernel.shell)
    # A collection in a fork would write into each object it looks at, and so copy memory that all share.
    gc.freeze()
    gc.enable()


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
    session = Session(key=b"nobody's")
    session.deserialize(session.serialize(session.msg("execute_request", {"code": ""}))[1:])
    str(kernel.kernel_info)
    kernel.shell.find_line_magic("load_ext")
    kernel.shell.display_formatter.format(None)
    kernel.shell.run_cell("if None:\n    pass", store_history=False, silent=True)


def _word_an_error(shell: Any) -> None:
    """Word an error once: what IPython imports for it is imported, and files of code have their modules' names."""
    try:
        json.loads("")
    except ValueError:
        shell.InteractiveTB.structured_traceback(*sys.exc_info())


def run(line: socket.socket) -> NoReturn:
    """Be a kernel, in a forked child, until it is told to end."""
    app: HalfApp = HalfApp.instance()
    try:
        request, own = Request.receive(line)
        _enter(request, (line.fileno(), *own))
        work = app.complete_for_caller(socket.socket(fileno=own[0]))
        send(line, ready=True)
        line.close()
    except BaseException as error:
        with suppress(OSError):
            send(line, failed=f"{type(error).__name__}: {error}")
        os._exit(1)
    with suppress(BaseException):
        work()
    os._exit(0)


def _enter(request: Request, keep: tuple[int, ...]) -> None:
    """Enter the sandbox or the folder in which the kernel works, with an environment and a random seed of its own."""
    os.nice(NICENESS)
    os.environ.clear()
    os.environ.update(request.environment)
    if request.limits is None:  # with all the rights of the warm process, and only as long as that lives
        syscalls.die_with_parent()
        os.setsid()
        syscalls.silence_standard_streams()
        os.chdir(request.folder)
    else:
        from lib.grading.sandbox.confine import Limits, Sandbox, confine

        confine(Sandbox(Limits(**request.limits), request.files, keep))
        # The first process of a namespace gets no signal that it has no handler for, not even from itself.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    sys.argv = ["ipykernel_launcher.py"]
    # C's library has read TZ in the warm process already.
    time.tzset()
    # Else all forks would draw the same numbers.
    sys.modules["numpy"].random.seed()
    if (backend := os.environ.setdefault("MPLBACKEND", INLINE)) != INLINE:
        sys.modules["matplotlib"].rcParams["backend"] = backend
