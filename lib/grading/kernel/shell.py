"""A shell that finds sooner what isn't there.

IPython reads each cell as tokens, to find magics and help, and compiles it once more, to find whether it awaits
anything; ipykernel asks anew each time how cells are run, and works out a checksum to name each. On cells that take a
millisecond that is half of it: of a notebook with 42 cells magics take 3 ms, awaiting 4 and names 2, of 120 in all. A
cell without a magic's letters has no magic, and one without the letters of `await` and `async` awaits nothing.
"""

import ast
import contextlib
import inspect
import os
import re
import sys
import zlib
from traceback import walk_tb
from typing import Any

from ipykernel import zmqshell
from ipykernel.compiler import XCachingCompiler, get_tmp_directory
from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.text import SList
from traitlets import Instance

from lib.grading.kernel.guard import guard

LETTERS = re.compile(r"[%!?]|^\s*[,;/]")
"""What stands in each line where one of `KNOWN` finds something."""
KNOWN = TransformerManager().token_transformers
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
DEFINITIONS = (*NAMED, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
"""Statements that give something a name."""
AWAITS = re.compile("await|async")


class Compiler(XCachingCompiler):
    """ipykernel's own, with another checksum in the name of a cell."""

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:
        """Name a cell: as a file, since tracebacks say more of those, unless the environment has a name for all."""
        number = zlib.crc32(raw_code.encode(errors="replace"))
        name = os.environ.get("IPYKERNEL_CELL_NAME") or f"{get_tmp_directory()}/{number}.py"
        # Else each error of a cell has Python look for its module among all that are imported: half of its time.
        inspect.modulesbyfile[name] = "__main__"
        return name


class Transformers(TransformerManager):
    """IPython's own, but those that would find nothing don't look."""

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        """Replace what is IPython's own within lines, if there may be any."""
        may = self.token_transformers != KNOWN or any(map(LETTERS.search, lines))
        return super().do_token_transforms(lines) if may else lines


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """ipykernel's shell, which does less for the same. By its name programs know that they are in a notebook."""

    input_transformer_manager = Instance(Transformers, ())

    def system(self, cmd: str) -> None:
        """Run a shell line such as `!ls`. Where no shell can be started, the rest of the cell runs all the same."""
        with contextlib.suppress(OSError):
            super().system(cmd)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """Run a shell line for its output, as in `files = !ls`: nothing where no shell can be started."""
        try:
            return super().getoutput(cmd, split, depth + 1)
        except OSError:
            return SList([]) if split else ""

    def enable_gui(self, gui: str | None = None) -> None:
        """Start no window's loop, as `%matplotlib` asks for: no window can be opened."""

    async def run_ast_nodes(self, nodelist: list[ast.stmt], cell_name: str, *rest: Any, **named: Any) -> bool:
        """Run a cell's statements. While a notebook is graded, what defines something below an error is run as well.

        A package, or an example's data, may be there for the student alone: nothing that doesn't need it is lost.
        """
        failed = await super().run_ast_nodes(nodelist, cell_name, *rest, **named)
        error = getattr(named.get("result"), "error_in_exec", None)
        if failed and isinstance(error, Exception) and os.environ.get("NBGRADER_EXECUTION") == "autograde":
            below = [guard(each) for each in _definitions_below(error, nodelist, cell_name)]
            await super().run_ast_nodes(below, cell_name, "none", named["compiler"])
        return bool(failed)

    def should_run_async(self, raw_cell: str, *, transformed_cell: str | None = None, **rest: Any) -> bool:
        """Tell whether a cell awaits anything."""
        may = AWAITS.search(transformed_cell or "") is not None
        return may and super().should_run_async(raw_cell, transformed_cell=transformed_cell, **rest)


def _definitions_below(error: Exception, statements: list[ast.stmt], cell_name: str) -> list[ast.stmt]:
    """Give what defines something below the statement that raised; a function or class stays as it is above it.

    A `raise` or a failed `assert` is to stop a cell: what stands below it did not run for the student either.
    """
    frames = walk_tb(error.__traceback__)  # the cell's own, and those of functions and modules that it calls
    line = next((line for frame, line in frames if frame.f_code.co_filename == cell_name), sys.maxsize)
    raising = [each for each in statements if each.lineno <= line <= (each.end_lineno or 0)]
    if isinstance(error, AssertionError) or any(isinstance(each, ast.Raise) for each in raising):
        return []
    above = {each.name for each in statements if isinstance(each, NAMED) and each.lineno <= line}
    below = [each for each in statements if isinstance(each, DEFINITIONS) and each.lineno > line]
    return [each for each in below if not _names_given_by(each) & above]


def _names_given_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, NAMED):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    return {each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


# ipykernel looks at the signature for each cell, and working it out takes as long as a short cell.
ZMQInteractiveShell.run_cell_async.__signature__ = inspect.signature(ZMQInteractiveShell.run_cell_async)
