"""ipykernel's shell with less work for each cell.

IPython tokenizes each cell to find magics, and compiles it once more to see whether it awaits anything; ipykernel
computes a checksum to name it. On a notebook with 42 short cells these take 3, 4 and 2 ms of 120 ms. So a cell that can
have no magic isn't tokenized, and one without the words `await` and `async` isn't compiled again.
"""

import contextlib
import inspect
import os
import re
import zlib
from typing import Any

from ipykernel import zmqshell
from ipykernel.compiler import XCachingCompiler, get_tmp_directory
from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.text import SList
from traitlets import Instance

MAY_BE_MAGIC = re.compile(r"^\s*[%!?,;/]|=\s*[%!]|\?\s*$")
"""Found in each line that a transformer in `TRANSFORMERS` changes, and in few others."""
TRANSFORMERS = TransformerManager().token_transformers
AWAITS = re.compile("await|async")


class Compiler(XCachingCompiler):
    """ipykernel's compiler with a faster checksum in the names of cells."""

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:
        """Return a file name for a cell, for tracebacks, unless the environment sets one for all cells."""
        number = zlib.crc32(raw_code.encode(errors="replace"))
        name = os.environ.get("IPYKERNEL_CELL_NAME") or f"{get_tmp_directory()}/{number}.py"
        # Saves half the time of an error: otherwise `inspect` searches all imported modules for the cell's file.
        inspect.modulesbyfile[name] = "__main__"
        return name


class Transformers(TransformerManager):
    """IPython's transformers, which skip cells without anything to transform."""

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        """Replace IPython's syntax in lines, if there may be any."""
        may = self.token_transformers != TRANSFORMERS or any(map(MAY_BE_MAGIC.search, lines))
        return super().do_token_transforms(lines) if may else lines


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """ipykernel's shell with fewer steps for each cell. Libraries recognize a notebook by the name of this class."""

    input_transformer_manager = Instance(Transformers, ())

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

    def should_run_async(self, raw_cell: str, *, transformed_cell: str | None = None, **rest: Any) -> bool:
        """True if a cell awaits anything."""
        may = AWAITS.search(transformed_cell or "") is not None
        return may and super().should_run_async(raw_cell, transformed_cell=transformed_cell, **rest)


# ipykernel reads the signature for each cell, and computing it takes as long as a short cell.
ZMQInteractiveShell.run_cell_async.__signature__ = inspect.signature(ZMQInteractiveShell.run_cell_async)
