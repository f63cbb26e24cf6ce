"""ipykernel's shell with less work for each cell, and with definitions that run below what is missing here.

IPython tokenizes each cell to find magics, and compiles it once more to see whether it awaits anything; ipykernel
computes a checksum to name it. On a notebook with 42 short cells these take 3, 4 and 2 ms of 120 ms. So a cell that can
have no magic isn't tokenized, and one without the words `await` and `async` isn't compiled again.
"""

import ast
import contextlib
import inspect
import math
import os
import re
import zlib
from traceback import walk_tb
from typing import Any

from ipykernel import zmqshell
from IPython.utils.text import SList
from traitlets import Instance

MAY_BE_MAGIC = re.compile(r"^\s*[%!?,;/]|=\s*[%!]|\?\s*$")
"""Found in each line that a transformer in `TRANSFORMERS` changes, and in few others."""
TRANSFORMERS = TransformerManager().token_transformers
AWAITS = re.compile("await|async")
LACKING = (ImportError, NameError, OSError)
"""Errors that students may not have had: they have other packages and files, and ran the examples, which give names."""
DEFINITIONS = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign),
)
"""Statements that only bind names."""


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

    async def run_ast_nodes(self, nodelist: list[ast.stmt], cell_name: str, *rest: Any, **named: Any) -> bool:
        """Run a cell's statements. If one lacks something here, the definitions below it run all the same."""
        failed = await super().run_ast_nodes(nodelist, cell_name, *rest, **named)
        error = getattr(named.get("result"), "error_in_exec", None)
        if failed and isinstance(error, LACKING):
            frames = walk_tb(error.__traceback__)  # of the cell, and of what it calls
            line = next((line for frame, line in frames if frame.f_code.co_filename == cell_name), math.inf)
            below = [_guard(each) for each in nodelist if each.lineno > line and isinstance(each, DEFINITIONS)]
            await super().run_ast_nodes(below, cell_name, "none", named["compiler"])
        return bool(failed)

    def should_run_async(self, raw_cell: str, *, transformed_cell: str | None = None, **rest: Any) -> bool:
        """True if a cell awaits anything."""
        may = AWAITS.search(transformed_cell or "") is not None
        return may and super().should_run_async(raw_cell, transformed_cell=transformed_cell, **rest)


def _guard(statement: ast.stmt) -> ast.stmt:
    """Wrap a statement, so that an error in it doesn't stop the next one. An interrupt still does."""
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.fix_missing_locations(ast.copy_location(ast.Try([statement], [handler], [], []), statement))


# ipykernel reads the signature for each cell, and computing it takes as long as a short cell.
ZMQInteractiveShell.run_cell_async.__signature__ = inspect.signature(ZMQInteractiveShell.run_cell_async)
