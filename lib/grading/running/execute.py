"""Running a submitted notebook: nbgrader's Execute, for code that may end its kernel, hang, or print without end.

Outputs of cells that ran before such an end stay. It ends this run with a remark, and no other submission's. Of a
kernel's messages only plain outputs are kept, and only for the cell that runs.
"""

import asyncio
import re
import subprocess
import threading
from collections.abc import MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from jupyter_client.utils import ensure_async
from nbclient.exceptions import CellExecutionComplete, DeadKernelError
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade
from traitlets import Bool, Enum, Integer

from lib.grading.running.outputs import OUTPUTS, OutputRoom, count_of, is_needed, plain_output, shorten

KEY = "zerolayer"
"""The name of a run's state in a notebook's resources."""
SKIPPED = "skip-execution"
"""nbclient's tag for a cell that isn't run."""
ADDED_CODE = "zerolayer_added_code"
"""Under this name a cell's metadata hold the code that is run of it, where that is not all of it."""
SECONDS_OF_ADDED_CODE = 5
"""The most that such a cell may take: no points depend on it by itself, and others need the time."""
SECONDS_OF_IMPORTS = 30
"""The same where it imports something: a large package took ten the first time, and can't always be interrupted."""
IMPORTS = re.compile(r"\bimport\b|\brun_line_magic\b")
"""What imports something, or may."""


@dataclass
class RunState:
    """What is known of a notebook where it is run.

    `remarks` say how the run went. `for_a_person` has reasons, in a few words each, why a person has to look at the
    submission: any preprocessor may add to it, and `zerolayer grade` lists them. `files` are to lie beside the notebook
    in the run and nowhere else, by name; without them the notebook's own folder counts.
    """

    remarks: list[str] = field(default_factory=list)
    for_a_person: list[str] = field(default_factory=list)
    files: dict[str, bytes] | None = None


def run_state(resources: MutableMapping[str, Any]) -> RunState:
    """Give the state in a notebook's resources, made at first need."""
    return resources.setdefault(KEY, RunState())


class RunLostError(RuntimeError):
    """A run ended by no fault of the notebook's; another try may help."""


class BoundedExecute(Execute):
    """Execute each cell within a time limit and keep no more of its output than `max_output` characters."""

    # Below these bounds the answers of checks, which are outputs too, would be dropped, or no cell would be run.
    max_output = Integer(
        1_000_000, min=100_000, help="Characters of output kept for each cell; the rest is dropped."
    ).tag(config=True)
    max_messages = Integer(1_000, min=0, help="Outputs kept for each cell; the rest is dropped.").tag(config=True)
    max_notebook_output = Integer(
        10_000_000,
        min=1_000_000,
        help="""Bytes that the outputs of all cells of a notebook may take in memory; the rest is dropped. Answers of
        checks may take as many besides.""",
    ).tag(config=True)
    grace = Integer(5, min=0, help="Seconds in which a cell has to end after it was interrupted.").tag(config=True)
    budget = Integer(300, min=1, help="Seconds that all cells of a notebook may take together.").tag(config=True)
    # A kernel that talks too fast loses some of its own words, and "idle" may be among them: no reason to end a run.
    raise_on_iopub_timeout = Bool(False).tag(config=True)
    record_timing = Bool(False).tag(config=True)
    # What code does when it is asked to leave is no part of an answer.
    shutdown_kernel = Enum(["graceful", "immediate"], "immediate").tag(config=True)

    # nbgrader's own fails the whole submission where a kernel dies, or ignores an interrupt.
    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde; leaves remarks on what went wrong in `resources`.

        Raises `RunLostError` where no kernel can be started, when no student's code has run, or the machine fails.
        """
        self._at: int | None = None
        self.clear_before_next_output: bool = False
        self._remarks = run_state(resources).remarks
        limits = self.max_output, self.max_messages, self.max_notebook_output
        self._room = OutputRoom(*limits, lambda did: self._remark(f"{self._place} {did}"))
        self._deadline = monotonic() + self.budget
        watch = threading.Timer(self.budget + self.grace, self.kill)
        watch.daemon = True
        try:
            watch.start()
            self.run_cells(nb, resources, km)
        except Exception as error:
            if isinstance(error, RunLostError):
                raise
            # A kernel that is waited for in vain is no error of this process, though TimeoutError is an OSError.
            is_ours = isinstance(error, (OSError, MemoryError)) and not isinstance(error, TimeoutError)
            if self._at is None or is_ours:
                raise RunLostError(f"{type(error).__name__}: {error}") from error
            died, stuck = isinstance(error, DeadKernelError), isinstance(error, TimeoutError)
            did = "made the kernel die" if died else "could not be stopped" if stuck else "broke off the run"
            self.log.warning("The run ended early: %s", type(error).__name__)
            self._remark(f"{self._place} {did}; nothing after it could run.")
        finally:
            watch.cancel()
        return nb, resources

    def run_cells(self, nb: NotebookNode, resources: dict[str, Any], km: Any) -> None:
        """Run all cells, in a kernel that is started for them unless there is a manager of one."""
        super().preprocess(nb, resources, km)

    def kill(self) -> None:
        """End the kernel from outside: one that floods us with messages keeps every other clock from ticking."""
        process = getattr(getattr(self.km, "provisioner", None), "process", None)
        if process is not None:
            process.kill()

    def setup_kernel(self, **options: Any) -> AbstractContextManager[None]:
        """Called once a run. What a kernel writes past Jupyter, on the terminal, is nobody's to read."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return super().setup_kernel(**quiet, **options)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Run a cell with code, if there is time left. nbclient would start its event loop for the others too.

        A cell has a number afterwards if it ran to its end, and None otherwise: `gradebook` gives points by that.
        """
        if not has_code(cell):
            return cell, resources
        self._at = index
        self._room.begin_cell()
        if monotonic() > self._deadline:
            self._remark(f"The notebook ran longer than {self.budget} seconds; its last cells were not run.")
            return cell, resources
        # nbclient runs the source, and pages show it: of an example, what a student has added is run.
        whole, cell.source = cell.source, cell.metadata.get(ADDED_CODE, cell.source)
        try:
            cell, resources = super().preprocess_cell(cell, resources, index)
        except Exception:
            cell.execution_count = None  # the kernel may have told one when the cell began
            raise
        finally:
            cell.source = whole
        cell.execution_count = cell.execution_count or self.code_cells_executed  # its message may be lost
        return cell, resources

    def _get_timeout(self, cell: NotebookNode | None) -> int:
        """Give the seconds for one cell: what is left of the notebook's, if that is less."""
        left: int = max(1, round(self._deadline - monotonic()))
        # nbclient's limit is one for each cell; the notebook's is ours.
        own: int = super()._get_timeout(cell) or left
        added = cell.metadata.get(ADDED_CODE) if cell is not None else None
        if added is None:
            return min(own, left)
        return min(own, left, SECONDS_OF_IMPORTS if IMPORTS.search(added) else SECONDS_OF_ADDED_CODE)

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> Any:
        """Interrupt as nbclient does; kill a kernel that goes on regardless."""
        # nbclient interrupts and goes on, whether the kernel has stopped or not.
        reply = await super()._async_handle_timeout(timeout, cell)
        if not await self._is_idle():
            await ensure_async(self.km.shutdown_kernel(now=True))
            raise TimeoutError("the kernel ignored an interrupt")
        self._remark(f"{self._place} ran longer than {timeout} seconds and was stopped.")
        return reply

    async def _is_idle(self) -> bool:
        """Ask the kernel something easy and wait a little for the reply."""
        wanted, until = self.kc.kernel_info(), monotonic() + self.grace
        while (left := until - monotonic()) > 0:
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=left))
                if reply["parent_header"].get("msg_id") == wanted:
                    return True
            except Exception:
                await asyncio.sleep(0)
        return False

    async def _async_poll_output_msg(self, parent_msg_id: str, cell: NotebookNode, cell_index: int) -> None:
        """Listen as nbclient does, past what can't be read, and letting the clock tick between two messages."""
        channel = self.kc.iopub_channel
        while channel.is_alive():
            await asyncio.sleep(0)
            try:
                msg = await ensure_async(channel.get_msg(timeout=None))
                if msg["parent_header"].get("msg_id") == parent_msg_id:
                    self.process_message(msg, cell, cell_index)
            except (CellExecutionComplete, MemoryError) as end:
                if isinstance(end, MemoryError):
                    raise
                return
            except Exception:
                self._remark(f"{self._place} sent something that can't be read.")

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take outputs, made plain and within the limits, and leave out what would reach beyond them.

        Updates of displays could change a cell that ran before, widgets could catch what one puts out, and clearing
        could take an answer away.
        """
        kind, content = msg["msg_type"], msg["content"]
        # By this list alone: kinds of messages that are to come are left out until somebody has looked at them.
        if kind == "clear_output" and not is_grade(cell):
            self._room.clear()
            content = {"wait": bool(content.get("wait"))}
        elif kind == "execute_input":
            content = {"execution_count": count_of(content)}
        elif kind in OUTPUTS:
            content = plain_output(kind, content, cell)
            text = content["text"] if self._goes_on(kind, content, cell) else None
            if not self._room.takes(content, is_new=text is None):
                if not is_needed(kind, content, cell):
                    return None
                content = shorten(content)
            if text is not None:
                cell.outputs[-1].text += text
                return None
        elif kind == "status":
            content = {"execution_state": content["execution_state"]}
        else:
            return None
        return super().process_message({**msg, "content": content}, cell, cell_index)

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode:
        """Called by nbclient to keep an output, which would be validated again; `process_message` has made it plain."""
        if self.clear_before_next_output:
            outs.clear()
            self.clear_before_next_output = False
        outs.append(NotebookNode(output_type=msg["msg_type"], **msg["content"]))
        return outs[-1]

    def _goes_on(self, kind: str, content: dict[str, Any], cell: NotebookNode) -> bool:
        """Tell whether an output is more of the text that came last."""
        last = cell.outputs[-1] if cell.outputs and not self.clear_before_next_output else {}
        return kind == "stream" and last.get("output_type") == "stream" and last["name"] == content["name"]

    def _remark(self, remark: str) -> None:
        if remark not in self._remarks:
            self._remarks.append(remark)

    @property
    def _place(self) -> str:
        return place_of(self.nb.cells, self._at or 0)


def place_of(cells: Sequence[NotebookNode], at: int) -> str:
    """Name a notebook's cell by its id in the course, or else by its number."""
    name = cells[at].metadata.get("nbgrader", {}).get("grade_id")
    return f"The cell {name}" if name else f"Cell {at + 1}"


def has_code(cell: NotebookNode) -> bool:
    """Tell whether there is something to run in a cell."""
    return cell.cell_type == "code" and bool(cell.source.strip()) and not is_skipped(cell)


def is_skipped(cell: NotebookNode) -> bool:
    """Tell whether a cell has the tag for one that isn't run."""
    return SKIPPED in cell.metadata.get("tags", ())
