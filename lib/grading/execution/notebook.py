"""Running a submitted notebook in a kernel of its own, within bounds: code may end it, hang, or print for ever.

Cells go to a forked kernel over one connection, and their outputs come back (`kernel.client`). Outputs of cells that
ran before such an end stay. It ends this run with a remark, and no other submission's. What the machine does wrong is
`RunLostError`: another try may help. All here is plain data, and nothing imports Jupyter or nbgrader: a worker is there
in a tenth of a second.
"""

import json
import math
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from lib.checking.results import clean
from lib.grading.execution.outputs import (
    OUTPUTS,
    PRINTS,
    TOO_MUCH,
    OutputRoom,
    is_graded,
    is_needed,
    plain_output,
    shorten,
)
from lib.grading.files import lay_out
from lib.grading.kernel import MAX_MESSAGE, MAX_SAID, REFUSED, REPLY
from lib.grading.machine_faults import RunLostError, limit_on_threads
from lib.grading.remarks import Remark
from lib.grading.sandbox.limits import THREADS, TRIAL, Limits

if TYPE_CHECKING:  # off Linux it can't be imported
    from lib.grading.kernel.client import KernelClient

SKIPPED = "skip-execution"
"""nbclient's tag for a cell that isn't run."""
ADDED_CODE = "zerolayer_added_code"
"""Under this name a cell's metadata hold the code that is run of it, where that is not all of it."""
ADDED_SECONDS = (5, 30)
"""Seconds for what was added to an example or a locked cell; the second where it imports something, or may."""
LONGER = 5
"""So many times its budget a run may take by the clock: a busy machine keeps kernels waiting, which costs no points."""
IMPORTS = re.compile(r"\bimport\b|\brun_line_magic\b")

LONG = " Look for a loop that never ends, or for work that a smaller example would show as well."
"""What to try where something ran too long, after the sentence that says so."""

Cell = dict[str, Any]


class FloodError(TimeoutError):
    """A cell puts out so much that it isn't waited for any longer."""


class KernelDied(Exception):
    """The kernel ended while a cell ran, by the cell's doing."""


BROKE_OFF: dict[type[Exception], tuple[str, str]] = {
    KernelDied: (
        "made the kernel die",
        " Choose Run, then Restart Kernel and Run All Cells: it should end for you too. Look for what takes a lot of"
        " memory, or tells Python to stop.",
    ),
    TimeoutError: ("could not be stopped", LONG),
}
"""What a cell did that ended the run, and what to try."""


@dataclass(frozen=True)
class Bounds:
    """What a notebook's run may take: the settings of `BoundedExecute`, as plain data that goes to a worker with it."""

    timeout: int | None
    budget: int
    grace: int
    max_output: int
    max_messages: int
    max_notebook_output: int
    flood: int
    sandbox: bool
    limits: Mapping[str, Any]


class Run:
    """One run of a notebook's cells: fills in their outputs and numbers, and says in `remarks` how it went.

    A cell has a number afterwards if it ran to its end, and None otherwise: points depend on that.
    """

    def __init__(self, cells: Sequence[Cell], files: Mapping[str, bytes], bounds: Bounds):
        self.cells, self.files, self.bounds = cells, files, bounds
        for cell in cells:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        self.remarks: list[Remark] = []
        self.was_refused = False
        """Whether the kernel said that it was refused a thread, or crashed, as libraries may that are refused one."""
        self._at: int | None = None
        self._number = 0
        limits = bounds.max_output, bounds.max_messages, bounds.max_notebook_output
        self._room = OutputRoom(*limits, self._remark)

    def run(self) -> None:
        """Run all cells. Raises RunLostError where no kernel can be started, or the machine fails or is too busy."""
        try:
            with self._start_client() as client:
                self._deadline = client.clock() + self.bounds.budget
                client.latest = monotonic() + LONGER * self.bounds.budget
                for at, cell in enumerate(self.cells):
                    if has_code(cell):
                        self._at = at
                        self._run_cell(client, cell)
        except RunLostError:
            raise
        except Exception as error:
            # To Python what could not be stopped in time is an error of the system's.
            of_the_system = isinstance(error, (OSError, MemoryError)) and not isinstance(error, TimeoutError)
            if self._at is None or of_the_system:
                raise RunLostError(f"{type(error).__name__}: {error}") from error
            self.cells[self._at]["execution_count"] = None
            did, advice = BROKE_OFF.get(type(error), ("broke off the run", ""))
            self._remark(f"{did}; nothing after it could run.{advice}")

    def _start_client(self) -> "KernelClient":
        from lib.grading.kernel.client import spawn

        return spawn(self.files, self.bounds.sandbox, self.bounds.limits)

    def _run_cell(self, client: "KernelClient", cell: Cell) -> None:
        if client.clock() > self._deadline:
            all_of_it = f"The notebook ran longer than {self.bounds.budget} seconds; its last cells were not run.{LONG}"
            self.remarks += [remark] if (remark := Remark(all_of_it)) not in self.remarks else []
            return
        self._room.begin_cell()
        self._number += 1
        self._clears = False
        cell["outputs"] = []
        seconds = self._seconds(cell, self._deadline - client.clock())
        token = token_hex(8)  # code that ran before can't know it, nor reply for cells that are still to come
        try:
            client.run(cell["metadata"].get(ADDED_CODE, cell["source"]), token, LONGER * seconds, is_the_courses(cell))
            most = self.bounds.flood * self.bounds.max_output
            reply = self._receive_reply(client, cell, token, seconds, most)
        except TimeoutError as reason:
            client.signal(signal.SIGINT)
            self._receive_reply(client, cell, token, self.bounds.grace)
            reply = self._error_of_stop(reason, seconds)
        if reply["status"] == "error" and not any(output["output_type"] == "error" for output in cell["outputs"]):
            cell["outputs"].append({"output_type": "error", **{key: reply[key] for key in reply if key != "status"}})
        cell["execution_count"] = self._number  # whatever the kernel said it was

    def _seconds(self, cell: Cell, left: float) -> int:
        """Give the seconds for one cell: what is `left` of the notebook's, if that is less."""
        own = max(1, round(min(left, self.bounds.timeout or left)))
        added = cell["metadata"].get(ADDED_CODE)
        return own if added is None else min(own, ADDED_SECONDS[bool(IMPORTS.search(added))])

    def _error_of_stop(self, reason: TimeoutError, seconds: int) -> dict[str, Any]:
        """Say why a cell was interrupted; give the error that stands for its own reply, which came too late."""
        name, said = "TimeoutError", "Cell execution timed out"
        if isinstance(reason, FloodError):
            name, said = "OutputLimitError", "The cell put out far more than is kept, and was stopped."
            self._remark(f"put out far more than is kept, and was stopped.{PRINTS}")
        else:
            self._remark(f"ran longer than {seconds} seconds and was stopped.{LONG}")
        return {"status": "error", "ename": name, "evalue": said, "traceback": [f"{name}: {said}"]}

    def _receive_reply(
        self, client: "KernelClient", cell: Cell, token: str, seconds: float, most: float = math.inf
    ) -> dict[str, Any]:
        """Receive a cell's messages up to its reply within some seconds, or until `most` characters were dropped.

        Ten times as many may be received: pictures that replace each other are no flood.
        """
        began = client.received
        for words in client.messages(client.clock() + seconds):
            if self._room.dropped > most or client.received - began > 10 * most:
                raise FloodError
            if not words:
                self._remark(TOO_MUCH)
                self._room.drop(MAX_MESSAGE)
                continue
            try:
                if (reply := self._take_message(client, cell, token, words)) is not None:
                    return reply
            except (MemoryError, RunLostError):
                raise
            except Exception:
                self._room.drop(len(words))
                self._remark("sent something that can't be read.")
        self._see_why_it_ended(client)
        raise KernelDied

    def _take_message(self, client: "KernelClient", cell: Cell, token: str, words: bytes) -> dict[str, Any] | None:
        """Take what a message says; give the cell's reply, if it is that. Other kinds than these are left out.

        Updates of displays could change a cell that ran before, and clearing could take an answer away.
        """
        message = json.loads(words)
        kind, content = message["msg_type"], message["content"]
        if kind == REPLY:
            if content.get("token") == token:
                return _plain_reply(content)
            self._room.drop(len(words))  # a reply made up by code, or to a cell that is over
        elif kind == REFUSED:
            self.was_refused = True
        elif kind == "clear_output" and not is_graded(cell):
            self._room.clear()
            self._clears = bool(content.get("wait"))
            if not self._clears:
                cell["outputs"].clear()
        elif kind in OUTPUTS:
            self._keep(kind, plain_output(kind, content, cell, self._number), cell)
        return None

    def _keep(self, kind: str, content: dict[str, Any], cell: Cell) -> None:
        """Keep an output if there is room for it: text with the text before it, after what is to be cleared is gone."""
        last = cell["outputs"][-1] if cell["outputs"] and not self._clears else {}
        goes_on = kind == "stream" == last.get("output_type") and last["name"] == content["name"]
        if not self._room.takes(content, is_new=not goes_on):
            if not is_needed(kind, content, cell):
                return
            content = shorten(content)
        if goes_on:
            last["text"] += content["text"]
            return
        if self._clears:
            cell["outputs"].clear()
            self._clears = False
        cell["outputs"].append({"output_type": kind, **content})

    def _see_why_it_ended(self, client: "KernelClient") -> None:
        """Raise `RunLostError` where a kernel did not end by its own doing, as far as can be told.

        Nothing within a locked kernel can kill its first process; Linux does where memory is short, and where its
        processor time is spent.
        """
        code, seconds = client.ended_with()
        if code is None:
            raise RunLostError("The warm process ended while a notebook was run.")
        if client.was_killed:
            return
        # The first process of a namespace gets no SIGABRT, not even from itself: there abort() ends by SIGSEGV.
        self.was_refused |= code in (-signal.SIGABRT, -signal.SIGSEGV)
        is_spent = seconds >= Limits(**self.bounds.limits).cpu_seconds - 1
        if code == -signal.SIGKILL and self.bounds.sandbox and not is_spent:
            raise RunLostError("A kernel was killed from outside; Linux does so where memory is short.")

    def _remark(self, did: str) -> None:
        """Note what the cell that runs did, once."""
        remark = Remark(f"{place_of(self.cells, at := self._at or 0)} {did}", at)
        if remark not in self.remarks:
            self.remarks.append(remark)


def run_cells(cells: bytes, files: Mapping[str, bytes], bounds: Bounds) -> tuple[list[Cell], list[Remark]]:
    """Run a notebook's cells, given as JSON; give them with their outputs, and remarks. Raises `RunLostError`.

    What was refused a thread is run once more, and counts then, if the machine has threads.
    """
    if sys.platform != "linux":
        return _run_plainly(json.loads(cells), files, bounds)
    for _ in range(2):
        run = Run(json.loads(cells), files, bounds)
        run.run()
        if not run.was_refused:
            break
        _try_threads(bounds)
    return list(run.cells), run.remarks


def _try_threads(bounds: Bounds) -> None:
    """See whether this machine lets a kernel start as many threads as a notebook needs. Raises `RunLostError`."""
    cell: Cell = {"cell_type": "code", "metadata": {}, "source": TRIAL}
    trial = Run([cell], {}, replace(bounds, limits={}))  # not the course's own limits, which may be narrower
    trial.run()
    if trial.was_refused or trial.remarks:
        raise RunLostError(
            f"A kernel could not start {THREADS} threads. Raise {limit_on_threads()}, or run fewer notebooks at once"
            " with --jobs."
        )


def _run_plainly(cells: list[Cell], files: Mapping[str, bytes], bounds: Bounds) -> tuple[list[Cell], list[Remark]]:
    """Run cells in Jupyter's own kernel, with all our rights: elsewhere than on Linux there is no other way."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    for cell in cells:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None, source=cell["metadata"].get(ADDED_CODE, cell["source"]))
    notebook = nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    remarks: list[Remark] = []
    options = {"timeout": bounds.timeout or bounds.budget, "interrupt_on_timeout": True, "allow_errors": True}
    with TemporaryDirectory() as folder:
        lay_out(files, Path(folder))
        client = NotebookClient(notebook, resources={"metadata": {"path": folder}}, **options)
        try:
            client.execute(env={**os.environ, "NBGRADER_EXECUTION": "autograde", "PYTHONHASHSEED": "0"})
        except (CellTimeoutError, DeadKernelError) as error:
            remarks = [Remark(f"A cell broke off the run, and nothing after it could run: {type(error).__name__}.")]
        except Exception as error:
            raise RunLostError(f"{type(error).__name__}: {error}") from error
    for cell in notebook.cells:
        if "shell.execute_reply" not in cell.metadata.get("execution", ()):  # it has a number from its beginning on
            cell.execution_count = None
    return list(notebook.cells), remarks


def _plain_reply(content: Any) -> dict[str, Any]:
    """Take from a reply whether the cell ended in an error, and in which."""
    if content["status"] != "error":
        return {"status": "ok"}
    name, value = (clean(content.get(key))[:MAX_SAID] for key in ("ename", "evalue"))
    return {"status": "error", "ename": name, "evalue": value, "traceback": []}


def place_of(cells: Sequence[Mapping[str, Any]], at: int) -> str:
    """Name a notebook's cell by its id in the course, or else by its number."""
    name = cells[at]["metadata"].get("nbgrader", {}).get("grade_id")
    return f"The cell {name}" if name else f"Cell {at + 1}"


def is_the_courses(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell's code is the course's own: it alone is locked, once cells are restored."""
    return bool(cell["metadata"].get("nbgrader", {}).get("locked")) and ADDED_CODE not in cell["metadata"]


def has_code(cell: Mapping[str, Any]) -> bool:
    """Tell whether there is something to run in a cell."""
    return cell["cell_type"] == "code" and bool(cell["source"].strip()) and not is_skipped(cell)


def is_skipped(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell has the tag for one that isn't run."""
    return SKIPPED in cell["metadata"].get("tags", ())
