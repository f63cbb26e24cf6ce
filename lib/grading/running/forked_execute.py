"""A run without Jupyter between us and the kernel: a cell is sent to a forked kernel, and its outputs come back.

The kernel is the one that Jupyter would get; the bounds are `BoundedExecute`'s, and so are the remarks. What is left
out is what costs most on a short notebook: five sockets, three threads, signatures, and a turn of two event loops for
each message. Where kernels aren't ours (another kernelspec, another system), `BoundedExecute` runs the notebook.
"""

import json
import math
import signal
from contextlib import suppress
from secrets import token_hex
from time import monotonic
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError
from nbformat.notebooknode import NotebookNode
from traitlets import Bool, Dict, Integer, TraitType
from traitlets.config import Config
from traitlets.config.loader import DeferredConfig

from lib.checking.answers import plain
from lib.grading.kernels.client import MAX_MESSAGE, KernelClient
from lib.grading.kernels.slow_imports import needs_slow_imports
from lib.grading.kernels.spawn_request import MAX_SAID, REPLY
from lib.grading.running.execute import BoundedExecute, RunLostError, has_code, run_state
from lib.grading.sandbox.limits import Limits
from lib.grading.sandbox.threads import REFUSED, STACK, TRIAL

KERNEL = "zerolayer"
"""The kernelspec whose kernels are forked from a warm process, and locked in."""
FLOOD = "The cell put out far more than is kept, and was stopped."
ERROR_ON_FLOOD = {"ename": "OutputLimitError", "evalue": FLOOD, "traceback": [f"OutputLimitError: {FLOOD}"]}
"""The error that a cell ends with when it is stopped in the middle of a flood."""


def setting(config: Config, name: str, trait: TraitType[Any, Any], otherwise: Any) -> Any:
    """Read one of `WarmProvisioner`'s settings from a configuration, on systems too where there is no such thing."""
    said = config.WarmProvisioner.get(name, otherwise)
    return said.get_value(trait) if isinstance(said, DeferredConfig) else said


def locks_in(config: Config) -> bool:
    """Read from a configuration whether kernels are locked in; they are, unless it says otherwise."""
    return bool(setting(config, "sandbox", Bool(), True))


SECONDS_OF_A_TRIAL = 20


class FloodError(TimeoutError):
    """A cell puts out so much that it isn't waited for any longer."""


class ForkedExecute(BoundedExecute):
    """Execute each cell in a forked kernel over one connection, within `BoundedExecute`'s limits."""

    flood = Integer(20, min=1, help="A cell is stopped when so many times `max_output` of it was dropped.").tag(
        config=True
    )

    _client: KernelClient | None = None
    """Our connection to the kernel, while there is one."""

    @property
    def takes_files(self) -> bool:
        """Tell whether the files beside a notebook may be in its run's state, and in no folder."""
        return bool(self.kernel_name == KERNEL and locks_in(self.config))

    def run_cells(self, nb: NotebookNode, resources: dict[str, Any], km: Any) -> None:
        """Run the notebook in a kernel of its own, which is gone afterwards."""
        self._client = None
        if km is not None or self.kernel_name != KERNEL:
            super().run_cells(nb, resources, km)
            return
        self.nb, self.resources = nb, resources
        self.reset_execution_trackers()
        with self._start_client() as self._client:
            for index, cell in enumerate(nb.cells):
                self.preprocess_cell(cell, resources, index)

    def _start_client(self) -> KernelClient:
        """Begin to talk with a kernel that has the slow imports that code names, or without them if it must be."""
        from lib.grading.kernels.forkserver import ForkServerDied
        from lib.grading.kernels.provisioner import WarmProvisioner  # on Linux alone

        where = self.resources.get("metadata", {}).get("path", ""), run_state(self.resources).files
        provisioner = WarmProvisioner(parent=self, kernel_spec=KernelSpec())
        provisioner.slow_imports = any(has_code(cell) and needs_slow_imports(cell.source) for cell in self.nb.cells)
        if provisioner.slow_imports:
            with suppress(ForkServerDied):
                return provisioner.client(*where)
            provisioner.slow_imports = False
        return provisioner.client(*where)

    def kill(self) -> None:
        """End the kernel from outside."""
        if self._client is None:
            super().kill()
        else:
            self._client.kill()

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        """Run a cell. Raises `DeadKernelError`, `TimeoutError` if it can't be stopped, and `RunLostError`."""
        if self._client is None:
            return super().execute_cell(cell, cell_index, **options)
        client = self._client
        self.code_cells_executed += 1
        cell.outputs, cell.execution_count = [], self.code_cells_executed
        self.clear_before_next_output = False
        seconds = self._get_timeout(cell)
        token = token_hex(8)  # code that ran before can't know it, nor reply for cells that are still to come
        try:
            client.run(cell.source, token, seconds)
            reply = self._receive_reply(client, cell, token, monotonic() + seconds, self.flood * self.max_output)
        except TimeoutError as reason:
            client.kernel.signal(signal.SIGINT)
            self._receive_reply(client, cell, token, monotonic() + self.grace)
            reply = self._error_of_stop(reason, seconds)
        cell.execution_count = self.code_cells_executed  # whatever the kernel said it was
        self.on_cell_executed(cell=cell, cell_index=cell_index, execute_reply={"content": reply})
        return cell

    def _error_of_stop(self, reason: TimeoutError, seconds: int) -> dict[str, Any]:
        """Say why a cell was interrupted; give the error that stands for its own reply, which came too late."""
        if isinstance(reason, FloodError):
            self._remark(f"{self._place} put out far more than is kept, and was stopped.")
            return {"status": "error", **ERROR_ON_FLOOD}
        self._remark(f"{self._place} ran longer than {seconds} seconds and was stopped.")
        return {"status": "error", **self.error_on_timeout}

    def _receive_reply(
        self, client: KernelClient, cell: NotebookNode, token: str, until: float, most: float = math.inf
    ) -> dict[str, Any]:
        """Receive a cell's messages up to its reply, or until `most` characters were dropped.

        Ten times as many may be received: pictures that replace each other are no flood.
        """
        began = client.received
        for words in client.messages(until):
            if self._room.dropped > most or client.received - began > 10 * most:
                raise FloodError
            if not words:
                self._room.pass_over(MAX_MESSAGE)
                continue
            try:
                if (reply := self._take_message(client, cell, token, words)) is not None:
                    return reply
            except (MemoryError, RunLostError):
                raise
            except Exception:
                self._room.drop(len(words))
                self._remark(f"{self._place} sent something that can't be read.")
        self._see_why_it_ended(client)
        raise DeadKernelError("the kernel hung up")

    def _take_message(
        self, client: KernelClient, cell: NotebookNode, token: str, words: bytes
    ) -> dict[str, Any] | None:
        """Take what a message says; give the cell's reply, if it is that."""
        message = json.loads(words)
        kind, content = message["msg_type"], message["content"]
        if kind == REPLY:
            if content.get("token") == token:
                return _plain_reply(content)
            self._room.drop(len(words))  # a reply made up by code, or to a cell that is over
            return None
        header = {"msg_type": kind}
        msg = {**header, "header": header, "parent_header": {}, "content": content}
        # Of an error only its own sentence: a traceback quotes lines of any code.
        said = plain(content.get("evalue")).encode() if kind == "error" else words
        self._notice_refusals(client, said)
        self.process_message(msg, cell, self._at or 0)
        return None

    def _notice_refusals(self, client: KernelClient, words: bytes) -> None:
        """Raise `RunLostError` where a kernel says that it was refused a thread, and is within its own limits.

        What it says may be made up: that costs the one who does so a verdict, and nobody else.
        """
        if any(text in words for text in REFUSED):
            threads, size = client.kernel.holds()
            limits = self._limits()
            if threads < limits.tasks // 2 and size < limits.memory - STACK:
                raise RunLostError(
                    f"A kernel with {threads} threads could not start another one. Raise the limit on tasks (`ulimit "
                    "-u`, or `pids.max` of the container or service), or run fewer notebooks at once with --jobs."
                )

    def _limits(self) -> Limits:
        return Limits(**setting(self.config, "limits", Dict(), {}))

    def _see_why_it_ended(self, client: KernelClient) -> None:
        """Raise `RunLostError` where a kernel did not end by its own doing, as far as can be told.

        Nothing within a locked kernel can kill its first process; Linux does where memory is short, and where its
        processor time is spent. A library that is refused a thread aborts: whether that was so is tried.
        """
        code, seconds = client.ended_with()
        if code is None:
            raise RunLostError("The warm process ended while a notebook was run.")
        if code >= 0 or client.was_killed or not locks_in(self.config):
            return
        if code == -signal.SIGKILL and seconds < self._limits().cpu_seconds - 1:
            raise RunLostError("A kernel was killed from outside; Linux does so where memory is short.")
        if code == -signal.SIGABRT:
            self._try_threads()

    def _try_threads(self) -> None:
        """See whether a kernel can start as many threads as a notebook needs. Raises `RunLostError`."""
        with self._start_client() as client:
            client.run(TRIAL, token_hex(8), SECONDS_OF_A_TRIAL)
            for words in client.messages(monotonic() + SECONDS_OF_A_TRIAL):
                self._notice_refusals(client, words)
                if f'"{REPLY}"'.encode() in words:
                    return
        raise RunLostError("A kernel that only starts some threads ended before it had.")


def _plain_reply(content: Any) -> dict[str, Any]:
    """Take from a reply whether the cell ended in an error, and in which."""
    if content["status"] != "error":
        return {"status": "ok"}
    name, value = (plain(content.get(key))[:MAX_SAID] for key in ("ename", "evalue"))
    return {"status": "error", "ename": name, "evalue": value, "traceback": []}
