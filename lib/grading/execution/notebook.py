"""Running one notebook in a kernel of its own, within limits: its code may kill the kernel, hang, or print endlessly.

Cells go to a forked kernel over one connection, and their outputs come back (`kernel.client`); without the sandbox,
Jupyter's own kernel runs them. If the code breaks the run off, the outputs of earlier cells stay, and a remark says so.
Errors of the machine raise `RunLostError`, after which another try may help.
"""

import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
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
LONG = " Look for a loop that never ends, or for work that a smaller example would show as well."
"""Advice after a remark about the time limit."""

Cell = dict[str, Any]
IsRight = Callable[[str, Mapping[str, Any]], bool]
"""True if all of a part's answer to the secret draw is right; called with the part's id."""
ASK = "__import__('lib.checking.challenges').checking.challenges.asked = {!r}"
"""A cell that sets the draws of the checks after it. What it sets, student code may change: that draws other hints."""


class FloodError(TimeoutError):
    """A cell produces so much output that it is stopped."""


BROKE_OFF: dict[type[Exception], tuple[str, str]] = {
    EOFError: (
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

    def __init__(self, cells: Sequence[Cell], files: Mapping[str, bytes], bounds: Bounds, is_right: IsRight):
        self.cells, self.files, self.bounds, self.is_right = cells, files, bounds, is_right
        for cell in cells:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        self.remarks: list[Remark] = []
        self._at: int | None = None

    def run(self) -> None:
        """Run all cells. Raises RunLostError if no kernel can be started, or the machine fails or is too busy."""
        try:
            with self._kernel() as run_once:
                for at, cell in enumerate(self.cells):
                    if has_code(cell):
                        self._at = at
                        self._run_cell(run_once, cell)
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

    def _run_cell(self, run_once: Callable[[Cell], None], cell: Cell) -> None:
        """Run a cell. A check makes the secret draw, and the desk's only if the judge finds a fault."""
        run_once(cell)
        id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if not is_graded(cell) or (answer := answer_in(cell, id)) is None or DESK in answer:
            return
        if not self.is_right(id, answer):
            again = {**cell, "outputs": []}
            for each in (_ask(DESK), again, _ask(SECRET)):
                run_once(each)
            answer[DESK] = (answer_in(again, id) or {}).get(DESK)

    def _kernel(self) -> AbstractContextManager[Callable[[Cell], None]]:
        """Start a kernel; within the context, the value runs one cell."""
        raise NotImplementedError

    def _remark(self, did: str, is_too_long: bool = False) -> None:
        remark = Remark(f"{place_of(self.cells, at := self._at or 0)} {did}", at, is_too_long)
        if remark not in self.remarks:
            self.remarks.append(remark)

    def _remark_on_time(self, seconds: float) -> None:
        self._remark(f"ran longer than {seconds} seconds and was stopped.{LONG}", is_too_long=True)


def _ask(draw: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "source": ASK.format((draw,)), "outputs": []}


class LockedRun(Run):
    """A run in a forked kernel in the sandbox."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.was_refused = False
        """True if Linux refused the kernel a thread, or the kernel crashed, as some libraries then do."""
        self._number = 0
        self._room = OutputRoom(self.bounds.max_output, self.bounds.max_notebook_output, self._remark)

    @contextmanager
    def _kernel(self) -> Iterator[Callable[[Cell], None]]:
        from lib.grading.kernel.client import spawn  # not at the top: off Linux it can't be imported

        with spawn(self.files, self.bounds.limits) as client:
            self._deadline = client.clock() + self.bounds.budget
            client.latest = monotonic() + CLOCK_FACTOR * self.bounds.budget
            yield partial(self._run_once, client)

    def _run_once(self, client: "KernelClient", cell: Cell) -> None:
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
            client.run(cell["source"], token, CLOCK_FACTOR * seconds)
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
            self._remark_on_time(seconds)
        return {"status": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}

    def _receive_reply(
        self, client: "KernelClient", cell: Cell, token: str, seconds: float, most: float = math.inf
    ) -> dict[str, Any]:
        """Receive a cell's messages up to its reply. Raises FloodError if more than `most` bytes were dropped.

        Once the cell is interrupted, there is no `most`.
        """
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
                if most < math.inf:  # otherwise our own interrupt may have cut it off
                    self._remark("sent something that can't be read.")
        self._check_exit(client)
        raise EOFError("The kernel has ended.")

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


class PlainRun(Run):
    """A run in Jupyter's own kernel, with all our rights. Systems other than Linux have no sandbox."""

    @contextmanager
    def _kernel(self) -> Iterator[Callable[[Cell], None]]:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import DeadKernelError

        seconds = self.bounds.timeout or self.bounds.budget

        def run_once(cell: Cell) -> None:
            node, began = nbformat.from_dict(cell), monotonic()
            try:
                client.nb.cells.append(node)
                client.execute_cell(node, len(client.nb.cells) - 1)
            except DeadKernelError as error:
                raise EOFError from error
            if monotonic() - began >= seconds:  # nbclient has interrupted it
                self._remark_on_time(seconds)
            has_ended = "shell.execute_reply" in node.metadata.get("execution", ())  # the count is set at its start
            cell.update(outputs=node.outputs, execution_count=node.execution_count if has_ended else None)

        options = {"timeout": seconds, "interrupt_on_timeout": True, "allow_errors": True}
        with TemporaryDirectory() as folder:
            write_files(self.files, Path(folder))
            client = NotebookClient(nbformat.v4.new_notebook(), **options)
            environment = {**os.environ, "NBGRADER_EXECUTION": "autograde", "PYTHONHASHSEED": "0"}
            with client.setup_kernel(cwd=folder, env=environment):
                yield run_once


def run_cells(
    cells: Sequence[Cell], files: Mapping[str, bytes], bounds: Bounds, is_right: IsRight = lambda id, answer: False
) -> list[Remark]:
    """Run a notebook's cells, which get their outputs and execution counts; return remarks. Raises `RunLostError`.

    If the kernel was refused a thread, the notebook runs again, provided that the machine has enough threads.
    """
    if sys.platform != "linux" or not bounds.sandbox:
        plain = PlainRun(cells, files, bounds, is_right)
        plain.run()
        return plain.remarks
    for _ in range(2):
        run = LockedRun(cells, files, bounds, is_right)
        run.run()
        if not run.was_refused:
            break
        _try_threads(bounds)
    return run.remarks


def problem_here(bounds: Bounds) -> str:
    """Return why no notebook can be run at present, or "". Raises `RunLostError`."""
    cell: Cell = {"cell_type": "code", "metadata": {}, "source": TRIAL}
    remarks = run_cells([cell], {}, bounds)
    errors = [f"{each['ename']}: {each['evalue']}" for each in cell["outputs"] if each["output_type"] == "error"]
    return next(iter([*errors, *(remark.text for remark in remarks)]), "")


def _try_threads(bounds: Bounds) -> None:
    """Raise `RunLostError` unless this machine lets a kernel start as many threads as a notebook needs."""
    cell: Cell = {"cell_type": "code", "metadata": {}, "source": TRIAL}
    own_limits = replace(bounds, limits={})  # the course's may be narrower
    trial = LockedRun([cell], {}, own_limits, lambda *_: False)
    trial.run()
    if trial.was_refused or trial.remarks:
        raise RunLostError(
            f"A kernel could not start {THREADS} threads. {MORE_THREADS}, or run fewer notebooks at once with --jobs."
        )


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
