"""ipykernel's shell where no program and no window can be started, and definitions run below what is missing here."""

import ast
import contextlib
import math
from traceback import walk_tb
from typing import Any

from ipykernel import zmqshell
from IPython.utils.text import SList

LACKING = (ImportError, NameError, OSError)
"""Errors that students may not have had: they have other packages and files, and ran the examples, which give names."""
DEFINITIONS = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign),
)
"""Statements that only bind names."""


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """ipykernel's shell for locked kernels. Libraries recognize a notebook by the name of this class."""

    def should_run_async(self, raw_cell: str, **transformed: Any) -> bool:
        """Return False for a cell that can't await. IPython would compile each cell twice to see that."""
        return ("await" in raw_cell or "async" in raw_cell) and bool(super().should_run_async(raw_cell, **transformed))

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


def _guard(statement: ast.stmt) -> ast.stmt:
    """Wrap a statement, so that an error in it doesn't stop the next one. An interrupt still does."""
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.fix_missing_locations(ast.copy_location(ast.Try([statement], [handler], [], []), statement))
