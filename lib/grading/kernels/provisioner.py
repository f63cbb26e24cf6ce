"""A kernel provisioner: whoever starts kernels by Jupyter's own means gets warm ones, locked in.

A kernelspec names it, as `zerolayer` does; or the environment variable `JUPYTER_DEFAULT_PROVISIONER_NAME`, for all of
ipykernel's. Its options are set as for any part of Jupyter: `c.WarmProvisioner.sandbox = False`.
"""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL
from tempfile import mkdtemp
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase
from traitlets import Bool, Dict, Integer, TraitError, validate

from lib.grading.kernels.client import KernelClient
from lib.grading.kernels.forkserver import ADDRESS, ForkedKernel, ForkServer, KernelNotStarted
from lib.grading.kernels.spawn_request import PORTS, Request
from lib.grading.safe_files import LARGEST_FOLDER, files_in
from lib.grading.sandbox.limits import Limits, limit_problem

LAUNCHER = "ipykernel_launcher"
VARIABLES = re.compile("LANG|LC_.*|TZ|MPLBACKEND|IPYKERNEL_.*|NBGRADER_.*")
"""Names of what a locked kernel gets of our environment, besides what a caller adds to that."""
SECONDS_ASLEEP = 1.0
"""Seconds after which a loop that nobody wakes looks whether a kernel is there."""
SECONDS_TO_END = 2.0
"""Seconds in which a kernel may end by itself when it is asked to."""


class WarmProvisioner(KernelProvisionerBase):
    """Provides kernels that are forked from a warm process and, unless told otherwise, locked in."""

    sandbox = Bool(
        True,
        help="""Lock kernels in: they see the libraries and a copy of their folder, and nothing else of the machine.
        Without this, code runs with all your rights. That is for your own code alone.""",
    ).tag(config=True)
    slow_imports = Bool(
        True,
        help="Fork from a process that has what units say is slow to import. Without this, code that imports it waits.",
    ).tag(config=True)
    limits = Dict(
        help="How much of the machine a locked kernel may use: names and numbers as in lib.grading.sandbox.limits."
    ).tag(config=True)
    largest_folder = Integer(LARGEST_FOLDER, min=0, help="Bytes of a folder that a locked kernel gets a copy of.").tag(
        config=True
    )

    @validate("limits")
    def _known_limits(self, proposal: dict[str, Any]) -> dict[str, Any]:
        for name, value in proposal["value"].items():
            if problem := limit_problem(name, value):
                raise TraitError(f"WarmProvisioner.limits {problem}")
        return proposal["value"]

    process: ForkedKernel | None = None
    """The kernel, from its launch until somebody has waited for its end."""
    _code: int | None = None
    _sockets: Path | None = None
    _folder: Path | None = None

    @property
    def has_process(self) -> bool:
        """Called by the kernel manager: is there a kernel to look after?"""
        return self.process is not None

    @property
    def _warm(self) -> ForkServer:
        return ForkServer.shared(self.sandbox, self.slow_imports)

    # ---- The start

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """Called first: choose where to meet, tell the manager, and put a command line together.

        Raises `KernelNotStarted` for a kernelspec that isn't ipykernel's.
        """
        manager, session = self.parent, options.get("env", {}).get("JPY_SESSION_NAME", "")
        self._sockets = self._sockets or Path(mkdtemp(prefix="kernel-", dir=self._warm.folder))
        manager.transport, manager.ip = "ipc", str(self._sockets / "at")  # Jupyter adds a number for each socket
        for name, number in PORTS.items():
            setattr(manager, name, number)
        manager.write_connection_file(jupyter_session=session)
        self.connection_info = manager.get_connection_info()
        command = manager.format_kernel_cmd(extra_arguments=options.pop("extra_arguments", []))
        if LAUNCHER not in command:
            raise KernelNotStarted(
                f"{self.kernel_spec.display_name} is not ipykernel, and no other kernel can be kept warm. Try the "
                "kernel zerolayer."
            )
        return await super().pre_launch(cmd=command, **options)

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Called second, with what `pre_launch` gave: have a kernel forked, and come back when it listens.

        Raises `KernelNotStarted` if it can't start, and `ForkServerDied` if trying again may help.
        """
        self._folder = Path(options["cwd"]) if options.get("cwd") else None
        self._code = None
        connection = {**self.connection_info, "key": self.connection_info["key"].decode()}
        request = self._request(connection, cmd[cmd.index(LAUNCHER) + 1 :], options["env"])
        with ExitStack() as stack:
            listeners = [stack.enter_context(self._listener(number)).fileno() for number in PORTS.values()]
            # Not the loop's own threads: in a process that was forked they are there no more.
            thread, loop = stack.enter_context(ThreadPoolExecutor(1)), asyncio.get_running_loop()
            forked = loop.run_in_executor(thread, self._warm.fork, request, listeners)
            while not forked.done():  # a forked process has its parent's loop: another one may be woken in its place
                await asyncio.wait([forked], timeout=SECONDS_ASLEEP)
            self.process = forked.result()
        return self.connection_info

    def client(self, folder: str, more: Mapping[str, bytes] | None = None) -> KernelClient:
        """Have a kernel forked that works in `folder`, if one is named, and is given cells by us over one socket.

        A locked one finds `more` files there, by name.

        Raises `KernelNotStarted` and `ForkServerDied` as `launch_kernel` does, and ValueError where it isn't locked.
        """
        self._folder = Path(folder) if folder else None
        request = self._request(None, [], os.environ, more)
        with ExitStack() as stack:
            ours, its = map(stack.enter_context, socket.socketpair())
            kernel = self._warm.fork(request, [its.fileno()])
            return KernelClient(kernel, socket.socket(fileno=ours.detach()))

    def _request(
        self,
        connection: Mapping[str, Any] | None,
        arguments: list[str],
        environment: Mapping[str, str],
        more: Mapping[str, bytes] | None = None,
    ) -> Request:
        if not self.sandbox:
            if more:
                raise ValueError("Only a locked kernel can be given files that lie in no folder.")
            known = {name: value for name, value in environment.items() if name != ADDRESS}
            return Request(connection, arguments, known, folder=str(self._folder or Path.cwd()))
        # Looked up once: `os.environ` encodes and decodes whatever is asked of it.
        given, ours = dict(environment), dict(os.environ)
        names = {name for name in given if VARIABLES.fullmatch(name)} | self.kernel_spec.env.keys()
        known = {name: value for name, value in given.items() if name in names or ours.get(name) != value}
        copies = self._copies(more or {})
        return Request(connection, arguments, known, limits=asdict(Limits(**self.limits)), files=copies)

    def _copies(self, more: Mapping[str, bytes]) -> dict[str, bytes]:
        """Read the ordinary files of the kernel's folder; without one there are only those that are given.

        Whoever gives files has chosen them, and how many: it is folders that may hold anything.
        """
        copies, left = dict(more), self.largest_folder
        if folder := self._folder:
            for path in files_in(folder):
                left -= path.stat().st_size
                if left < 0:
                    break
                copies[str(path.relative_to(folder))] = path.read_bytes()
        if left < 0:
            raise KernelNotStarted(
                f"{self._folder} has more than {self.largest_folder:,} bytes of files, and a locked "
                "kernel works on copies. Try fewer, or raise WarmProvisioner.largest_folder."
            )
        return copies

    def _listener(self, number: int) -> socket.socket:
        """Bind a socket before the kernel is there, so that nobody calls too early."""
        address = Path(f"{self.connection_info['ip']}-{number}")
        address.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(address))
        # More than the clients that a kernel has; a queue that is full would keep one waiting.
        listener.listen(32)
        return listener

    # ---- The end

    async def poll(self) -> int | None:
        """Called by whoever wants to know: None while the kernel runs, afterwards its exit code."""
        if self.process is not None and not self.process.has_ended():
            return None
        return self._exit_code()

    async def wait(self) -> int | None:
        """Called to see the kernel end: comes back the moment it does, with its exit code."""
        if self.process is not None:
            await self._end(self.process)
            self._exit_code()
            self.process.close()
            self.process = None
        return self._code

    async def _end(self, kernel: ForkedKernel) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        handle = os.dup(kernel.handle)  # one for each who waits
        loop.add_reader(handle, ended.set)
        try:
            while not kernel.has_ended():  # a forked process may hear of what its parent waits for
                await ended.wait()
                ended.clear()
        finally:
            loop.remove_reader(handle)
            os.close(handle)

    def _exit_code(self) -> int:
        if self._code is None and self.process is not None:
            code = self.process.exit_code()
            self._code = -SIGKILL if code is None else code  # the warm process has ended, and taken it along
        return self._code or 0

    async def send_signal(self, signum: int) -> None:
        """Called to interrupt the kernel, with SIGINT."""
        if self.process is not None:
            self.process.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        """Called to end the kernel at once."""
        await self.send_signal(SIGKILL)
        if self.process is not None:
            await self._end(self.process)

    # Called when a kernel didn't end by itself; the first process of a namespace can't be asked more politely.
    terminate = kill

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Called after the kernel was asked to end: give it the time that it takes."""
        with suppress(TimeoutError):
            if self.process is not None:
                await asyncio.wait_for(self._end(self.process), SECONDS_TO_END)

    async def cleanup(self, restart: bool = False) -> None:
        """Called at last: leave nothing behind."""
        if self.process is not None:
            self.process.close()
            self.process = None
        if self._sockets is not None and not restart:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None
