"""Running a submitted notebook: nbgrader's Execute, for code that may die, hang, or talk without end.

What ran before stays. What a kernel does to itself ends the run with a remark and never the class.
"""

import json
from typing import Any

from jupyter_client.utils import ensure_async
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Integer

REMARKS = "zerolayer_remarks"


class BoundedExecute(Execute):
    """Execute each cell within a time limit and keep no more of its output than `max_output` characters."""

    max_output = Integer(1_000_000, help="Characters of output kept for each cell; the rest is dropped.").tag(config=True)
    max_messages = Integer(1_000, help="Outputs kept for each cell; the rest is dropped.").tag(config=True)
    grace = Integer(5, help="Seconds in which a cell has to end after it was interrupted.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Called by nbgrader's Autograde; leaves remarks on what went wrong in `resources`."""
        self._kept: dict[int, tuple[int, int]] = {}
        self._at = 0
        remarks = resources.setdefault(REMARKS, [])
        try:
            return super().preprocess(nb, resources, km)
        except DeadKernelError:
            remarks.append(f"The kernel died while {self._place(nb)} ran; nothing after it could run.")
        except (CellTimeoutError, TimeoutError):
            remarks.append(f"{self._place(nb).capitalize()} could not be stopped; nothing after it could run.")
        except RuntimeError as error:
            remarks.append(f"The notebook could not be run: {error}")
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Remember which cell runs, so that a remark can name it."""
        self._at = index
        return super().preprocess_cell(cell, resources, index)

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> Any:
        """Interrupt as nbclient does; kill a kernel that goes on regardless."""
        reply = await super()._async_handle_timeout(timeout, cell)
        self.resources.setdefault(REMARKS, []).append(
            f"{self._place(self.nb).capitalize()} ran longer than {timeout} seconds and was stopped."
        )
        if not await self._is_idle():
            await ensure_async(self.km.shutdown_kernel(now=True))
            raise CellTimeoutError.error_from_timeout_and_cell("The cell ignored the interrupt", timeout, cell)
        return reply

    async def _is_idle(self) -> bool:
        """Ask the kernel something easy and wait a little for the reply."""
        wanted = self.kc.kernel_info()
        try:
            while True:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=self.grace))
                if reply["parent_header"].get("msg_id") == wanted:
                    return True
        except Exception:
            return False

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Drop outputs beyond the limits before they are kept anywhere."""
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            size, count = self._kept.get(cell_index, (0, 0))
            size, count = size + _size(msg["content"]), count + 1
            if size > self.max_output or count > self.max_messages:
                self._remark_once(f"{self._place(self.nb).capitalize()} put out more than is kept; the rest was dropped.")
                return None
            self._kept[cell_index] = (size, count)
        return super().process_message(msg, cell, cell_index)

    def _remark_once(self, remark: str) -> None:
        remarks = self.resources.setdefault(REMARKS, [])
        if remark not in remarks:
            remarks.append(remark)

    def _place(self, nb: NotebookNode) -> str:
        cell = nb.cells[self._at]
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        return f"the cell {name}" if name else f"cell {self._at + 1}"


def _size(content: dict[str, Any]) -> int:
    """Count an output's characters; a base64 picture counts as what it is written with."""
    text = content.get("text")
    return len(text) if isinstance(text, str) else len(json.dumps(content, default=str))
