"""Running one notebook in a kernel of its own, within limits: its code may kill the kernel, hang, or print endlessly.

Cells go to a forked kernel over one connection, and their outputs come back (`kernel.client`). If the code breaks the
run off, the outputs of earlier cells stay, and a remark says so. Errors of the machine raise `RunLostError`, after
which another try may help. Everything here is plain data, without Jupyter or nbgrader, so a worker starts in 0.1 s.
"""

import json
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from lib.checking.challenges import DESK, SECRET
from lib.checking.results import clean
from lib.grading.execution.outputs import (
    FLOOD,
    OUTPUTS,
    PRINTS,
    TOO_MUCH,
    OutputRoom,
    answer_in,
    is_graded,
    is_needed,
    plain_output,
    read_json,
    shorten,
)
from lib.grading.files import write_files
from lib.grading.kernel import MAX_ERROR_TEXT, MAX_MESSAGE, REFUSED, REPLY
from lib.grading.machine_faults import MORE_THREADS, RunLostError
from lib.grading.remarks import Remark
from lib.grading.sandbox.limits import THREADS, TRIAL, Limits

if TYPE_CHECKING:  # off Linux it can't be imported
    from lib.grading.kernel.client import KernelClient

SKIPPED = "skip-execution"
"""nbclient's tag for cells that aren't run."""
CLOCK_FACTOR = 5
"""A run may take this many times its budget by the wall clock: waiting for a busy machine must not cost points."""

TOO_LONG = " seconds and was stopped"
LONG = " Look for a loop that never ends, or for work that a smaller example would show as well."
"""Advice after a remark about the time limit."""

Cell = dict[str, Any]


Judge = Callable[[str, Mapping[str, Any]], Any]
"""Returns the verdict on a part's answer, by the part's id, if all of it is right, else None."""


class FloodError(TimeoutError):
    """A cell produces so much output that it is stopped."""


class KernelDied(Exception):
    """A cell has made the kernel die."""


BROKE_OFF: dict[type[Exception], tuple[str, str]] = {
    KernelDied: (
        "made the kernel die",
        " Choose Run, then Restart Kernel and Run All Cells: it should end for you too. Look for what takes a lot of"
        " memory, or tells Python to stop.",
    ),
    TimeoutError: ("could not be stopped", LONG),
}
"""What a cell did to end the run, and advice."""


@dataclass(frozen=True)
class Bounds:
    """The limits on a notebook's run: the settings of `BoundedExecute`, as plain data for a worker."""

    timeout: int | None
    budget: int
    grace: int
    max_output: int
    max_notebook_output: int
    sandbox: bool
    limits: Mapping[str, Any]


class Run:
    """One run of a notebook's cells. Fills in their outputs and execution counts, and collects `remarks` on problems.

    Afterwards a cell's execution count is None unless it ran to its end: points depend on that.
    """

    def __init__(self, cells: Sequence[Cell], files: Mapping[str, bytes], bounds: Bounds, judge: Judge | None = None):
        self.cells, self.files, self.bounds, self.judge = cells, files, bounds, judge
        self.verdicts = dict[str, Any]()
        """The verdicts on the parts that are right."""
        for cell in cells:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        self.remarks: list[Remark] = []
        self.was_refused = False
        """True if Linux refused the kernel a thread, or the kernel crashed, as some libraries then do."""
        self._at: int | None = None
        self._number = 0
        self._room = OutputRoom(bounds.max_output, bounds.max_notebook_output, self._remark)

    def run(self) -> None:
        """Run all cells. Raises RunLostError if no kernel can be started, or the machine fails or is too busy."""
        try:
            from lib.grading.kernel.client import spawn  # not at the top: off Linux it can't be imported

            with spawn(self.files, self.bounds.limits) as client:
                self._deadline = client.clock() + self.bounds.budget
                client.latest = monotonic() + CLOCK_FACTOR * self.bounds.budget
                for at, cell in enumerate(self.cells):
                    if has_code(cell):
                        self._at = at
                        self._run_cell(client, cell)
        except RunLostError:
            raise
        except Exception as error:
            # TimeoutError is an OSError, but here it comes from a cell that could not be stopped.
            of_the_system = isinstance(error, (OSError, MemoryError)) and not isinstance(error, TimeoutError)
            if self._at is None or of_the_system:
                raise RunLostError(f"{type(error).__name__}: {error}") from error
            self.cells[self._at]["execution_count"] = None
            did, advice = BROKE_OFF.get(type(error), ("ended the run", ""))
            self._remark(f"{did}; no cell after it could run.{advice}")

    def _run_cell(self, client: "KernelClient", cell: Cell) -> None:
        """Run a cell. A check makes the secret draw, and the other one only if the judge finds a fault."""
        if self.judge is None or not is_graded(cell):
            self._run_once(client, cell)
            return
        self._run_once(client, cell, (SECRET,))
        id = cell["metadata"]["nbgrader"]["grade_id"]
        if (answer := answer_in(cell, id)) is None or DESK in answer:
            return
        if verdict := self.judge(id, answer):
            self.verdicts[id] = verdict
            cell["outputs"] = []
        else:
            kept = {name: cell[name] for name in ("outputs", "execution_count")}
            self._run_once(client, cell, (DESK,))
            answer[DESK] = (answer_in(cell, id) or {}).get(DESK)
            cell.update(kept)

    def _run_once(self, client: "KernelClient", cell: Cell, draws: Sequence[str] = (DESK, SECRET)) -> None:
        if client.clock() > self._deadline:
            all_of_it = f"The notebook ran longer than {self.bounds.budget} seconds; its last cells were not run.{LONG}"
            self.remarks += [remark] if (remark := Remark(all_of_it)) not in self.remarks else []
            return
        self._room.begin_cell()
        self._number += 1
        self._clears = False
        cell["outputs"] = []
        left = self._deadline - client.clock()
        seconds = max(1, round(min(left, self.bounds.timeout or left)))
        token = token_hex(8)  # random, so that code can't forge replies for later cells
        try:
            client.run(cell["source"], token, CLOCK_FACTOR * seconds, draws)
            reply = self._receive_reply(client, cell, token, seconds, FLOOD * self.bounds.max_output)
        except TimeoutError as reason:
            client.signal(signal.SIGINT)
            self._receive_reply(client, cell, token, self.bounds.grace)
            reply = self._reply_for_stopped(reason, seconds)
        if reply["status"] == "error" and not any(output["output_type"] == "error" for output in cell["outputs"]):
            cell["outputs"].append({"output_type": "error", **{key: reply[key] for key in reply if key != "status"}})
        cell["execution_count"] = self._number  # code could change the kernel's own count

    def _reply_for_stopped(self, reason: TimeoutError, seconds: int) -> dict[str, Any]:
        """Return an error in place of the reply of an interrupted cell, and remark on it."""
        name, message = "TimeoutError", "Cell execution timed out"
        if isinstance(reason, FloodError):
            name, message = "OutputLimitError", "The cell produced far more output than is kept, and was stopped."
            self._remark(f"produced far more output than is kept, and was stopped.{PRINTS}")
        else:
            self._remark(f"ran longer than {seconds}{TOO_LONG}.{LONG}")
        return {"status": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}

    def _receive_reply(
        self, client: "KernelClient", cell: Cell, token: str, seconds: float, most: float = math.inf
    ) -> dict[str, Any]:
        """Receive a cell's messages up to its reply. Raises FloodError if more than `most` bytes were dropped."""
        began = client.received
        for words in client.messages(client.clock() + seconds):
            # Ten times as many may be received, since figures that replace each other are no flood.
            if self._room.dropped > most or client.received - began > 10 * most:
                raise FloodError
            if not words:
                self._remark(TOO_MUCH)
                self._room.drop(MAX_MESSAGE)
                continue
            try:
                if (reply := self._handle_message(client, cell, token, words)) is not None:
                    return reply
            except (MemoryError, RunLostError):
                raise
            except Exception:
                self._room.drop(len(words))
                self._remark("sent something that can't be read.")
        self._check_exit(client)
        raise KernelDied

    def _handle_message(self, client: "KernelClient", cell: Cell, token: str, words: bytes) -> dict[str, Any] | None:
        """Process a message, and return the cell's reply if it is one.

        Updates of displays are ignored, since they could change earlier cells, and so is `clear_output` in graded
        cells, since it could remove an answer.
        """
        message = read_json(words)
        kind, content = message["msg_type"], message["content"]
        if kind == REPLY:
            if content.get("token") == token:
                if content["status"] != "error":
                    return {"status": "ok"}
                name, value = (clean(content.get(key))[:MAX_ERROR_TEXT] for key in ("ename", "evalue"))
                return {"status": "error", "ename": name, "evalue": value, "traceback": []}
            self._room.drop(len(words))  # a forged reply, or one to an earlier cell
        elif kind == REFUSED:
            self.was_refused = True
        elif kind == "clear_output" and not is_graded(cell):
            self._room.clear()
            self._clears = bool(content.get("wait"))
            if not self._clears:
                cell["outputs"].clear()
        elif kind in OUTPUTS:
            self._add_output(kind, plain_output(kind, content, cell, self._number), words, cell)
        return None

    def _add_output(self, kind: str, content: dict[str, Any], words: bytes, cell: Cell) -> None:
        last = cell["outputs"][-1] if cell["outputs"] and not self._clears else {}
        goes_on = kind == "stream" == last.get("output_type") and last["name"] == content["name"]
        if not self._room.accepts(content, words, is_new=not goes_on):
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

    def _check_exit(self, client: "KernelClient") -> None:
        """Raise `RunLostError` if the kernel was probably not ended by its own code."""
        from lib.grading.kernel.client import ForkServer

        if client.was_killed:
            return
        if client.end is None:  # the kernel has shut the connection down, or else the warm process has ended
            if ForkServer.shared().is_running():
                return
            raise RunLostError("The warm process ended while a notebook was run.")
        code, seconds = client.end
        # The first process of a PID namespace doesn't receive SIGABRT, even from itself: abort() ends it by SIGSEGV.
        self.was_refused |= code in (-signal.SIGABRT, -signal.SIGSEGV)
        # Code can't kill its first process. Linux does at the limits on memory and processor time.
        is_spent = seconds >= Limits(**self.bounds.limits).cpu_seconds - 1
        if code == -signal.SIGKILL and not is_spent:
            raise RunLostError("A kernel was killed from outside. Linux does so when memory runs out.")

    def _remark(self, did: str) -> None:
        remark = Remark(f"{place_of(self.cells, at := self._at or 0)} {did}", at)
        if remark not in self.remarks:
            self.remarks.append(remark)


def run_cells(cells: bytes, files: Mapping[str, bytes], bounds: Bounds) -> tuple[list[Cell], list[Remark]]:
    """Run a notebook's cells, given as JSON; return them with their outputs, and remarks. Raises `RunLostError`."""
    done, remarks, _ = run_and_judge(cells, files, bounds, None)
    return done, remarks


def run_and_judge(
    cells: bytes, files: Mapping[str, bytes], bounds: Bounds, judge: Judge | None
) -> tuple[list[Cell], list[Remark], dict[str, Any]]:
    """Run a notebook's cells; return them, remarks, and the verdicts on right parts. Raises `RunLostError`.

    If the kernel was refused a thread, the notebook runs again, provided that the machine has enough threads.
    """
    if sys.platform != "linux" or not bounds.sandbox:
        return *_run_plainly(json.loads(cells), files, bounds), {}
    for _ in range(2):
        run = Run(json.loads(cells), files, bounds, judge)
        run.run()
        if not run.was_refused:
            break
        _try_threads(bounds)
    return list(run.cells), run.remarks, run.verdicts


def _try_threads(bounds: Bounds) -> None:
    """Raise `RunLostError` unless this machine lets a kernel start as many threads as a notebook needs."""
    cell: Cell = {"cell_type": "code", "metadata": {}, "source": TRIAL}
    trial = Run([cell], {}, replace(bounds, limits={}))  # not the course's own limits, which may be narrower
    trial.run()
    if trial.was_refused or trial.remarks:
        raise RunLostError(
            f"A kernel could not start {THREADS} threads. {MORE_THREADS}, or run fewer notebooks at once with --jobs."
        )


def _run_plainly(cells: list[Cell], files: Mapping[str, bytes], bounds: Bounds) -> tuple[list[Cell], list[Remark]]:
    """Run cells in Jupyter's own kernel, with all our rights. Systems other than Linux have no sandbox."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    for cell in cells:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    notebook = nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    remarks: list[Remark] = []
    options = {"timeout": bounds.timeout or bounds.budget, "interrupt_on_timeout": True, "allow_errors": True}
    with TemporaryDirectory() as folder:
        write_files(files, Path(folder))
        client = NotebookClient(notebook, resources={"metadata": {"path": folder}}, **options)
        try:
            client.execute(env={**os.environ, "NBGRADER_EXECUTION": "autograde", "PYTHONHASHSEED": "0"})
        except (CellTimeoutError, DeadKernelError) as error:
            remarks = [Remark(f"A cell ended the run, and no cell after it could run: {type(error).__name__}.")]
        except Exception as error:
            raise RunLostError(f"{type(error).__name__}: {error}") from error
    for cell in notebook.cells:
        if "shell.execute_reply" not in cell.metadata.get("execution", ()):  # the count is set when a cell starts
            cell.execution_count = None
    return list(notebook.cells), remarks


def place_of(cells: Sequence[Mapping[str, Any]], at: int) -> str:
    """Return a cell's name for messages: its id in the course, or else its number."""
    name = cells[at]["metadata"].get("nbgrader", {}).get("grade_id")
    return f"The cell {name}" if name else f"Cell {at + 1}"


def has_code(cell: Mapping[str, Any]) -> bool:
    """True if a cell has code to run."""
    return cell["cell_type"] == "code" and bool(cell["source"].strip()) and not is_skipped(cell)


def is_skipped(cell: Mapping[str, Any]) -> bool:
    """True if a cell has the tag for cells that aren't run."""
    return SKIPPED in cell["metadata"].get("tags", ())
