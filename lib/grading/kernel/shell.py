"""ipykernel's shell where no program and no window can be started."""

import contextlib
from typing import Any

from ipykernel import zmqshell
from IPython.utils.text import SList


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """ipykernel's shell for locked kernels. Libraries recognize a notebook by the name of this class."""

    def system(self, cmd: str) -> None:
        """Run a shell command such as `!ls`. If no shell can be started, do nothing, so that the cell goes on."""
        with contextlib.suppress(OSError):
            super().system(cmd)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """Run a shell command and return its output, as in `files = !ls`; empty if no shell can be started."""
        try:
            return super().getoutput(cmd, split, depth + 1)
        except OSError:
            return SList([]) if split else ""

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing for `%matplotlib` with a GUI: no window can be opened here."""
