"""What a check looks at: the notebook's own objects by their names, unless the cell that defines one has failed since.

Python keeps a function when its cell is run again and fails, so a check would test the version from before, and say
that all is right of code that isn't in the notebook any more. Grading runs what is in the notebook.
"""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from lib.checking.spies import functions_of

DEFINED = re.compile(r"(?m)^[ \t]*(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)")
"""What a cell's text defines, also where Python can't read all of it."""
ABSENT = object()
"""Stands for the value of a name that isn't defined."""
TAKEN = (
    "The checks can't be called: {name} is now a variable or a function of your own. Give it another name, then restart"
    " the kernel and run all cells."
)


class CellRuns:
    """Watches a notebook's cells run: `ended` has by name what the last run of its cell did not define again, and why.

    What it left there is `ABSENT` where the name has never been defined.
    """

    def __init__(self, shell: Any):
        self.ended: dict[str, tuple[object, str]] = {}
        self.shell = shell
        self._before: dict[str, object] | None = None
        self.cell_of: dict[str, str] = {}
        """For each name the id of the cell that defined it last, or was to, where the front end sends ids."""

    def note_names(self, info: Any) -> None:
        """Called by IPython before a cell is run."""
        self._before = dict(self.shell.user_ns)

    def compare_names(self, result: Any) -> None:
        """Called by IPython after a cell was run."""
        before, self._before, info = self._before, None, result.info
        if before is None or info is None:
            return
        names, text, cell = self.shell.user_ns, info.raw_cell or "", getattr(info, "cell_id", None)
        error = result.error_before_exec or result.error_in_exec
        for name in [name for name, value in names.items() if before.get(name) is not value]:
            self._end(name, cell)
            if type(before.get(name)).__name__ == "Checks" != type(names[name]).__name__:
                print(TAKEN.format(name=name))
        written = {name for found in DEFINED.finditer(text) for name in found.groups() if name}
        own = {name for name, place in self.cell_of.items() if place == cell}
        for name in written | own:
            value = names.get(name, ABSENT)
            if value is not ABSENT and before.get(name) is not value:
                continue
            if error is not None:
                why = f"the last run of the cell that defines {name} failed ({_describe(error)}).{_advise(error, text)}"
                self._end(name, cell if value is ABSENT else None, (value, why))
            elif value is ABSENT:
                self._end(name, None)
            elif not re.search(rf"\b{name}\b", text):
                why = f"the cell that defined {name} was run again, and does not define it any more."
                self._end(name, None, (value, why))

    def _end(self, name: str, cell: str | None, how: tuple[object, str] | None = None) -> None:
        """Note how the cell of a name ended, or nothing if it defined it, and which cell it is, if that is known."""
        self.ended.pop(name, None)
        if how:
            self.ended[name] = how
        if cell is not None:
            self.cell_of[name] = cell


def find_stale(values: tuple[Any, ...]) -> str:
    """Return why one of these objects is not what is in the notebook now; nothing where all are."""
    for name, (stale, why) in (_watching.ended if _watching else {}).items():
        if any(stale is value for value in values):
            kept = f"Python still has the {name} from before."
            return f"Not tested: {why} {kept} Correct that cell, run it, and run this check again."
    return ""


def find_subjects(names: tuple[str, ...], given: tuple[Any, ...], at_desk: bool = True) -> tuple[tuple[Any, ...], str]:
    """Return what a check is about: what it is given, or what has these names in the notebook; and what is missing.

    A student `at_desk` can run another cell first; at grading all have run.
    """
    if given:
        count = f"{len(given)} argument{'s' * (len(given) > 1)}"
        return given, "" if len(given) == len(names) else f"This check takes {', '.join(names)}. It was given {count}."
    found, ended = _notebook_names(), _watching.ended if _watching else {}
    for name in (name for name in names if name not in found):
        value, why = ended.get(name, (None, ""))
        if not at_desk:
            return (), f"{name} is not defined."
        if value is ABSENT:
            return (), f"{name} is not defined: {why} Correct that cell, and run it."
        return (), f"{name} is not defined yet. Run the cell that defines it first."
    return tuple(found[name] for name in names), ""


def find_other(names: tuple[str, ...], given: tuple[Any, ...]) -> str:
    """Return that a check was given other code than grading finds by these names; nothing outside a notebook."""
    found = _notebook_names()
    for name, value in zip(names, given, strict=False):
        if found and found.get(name) is not value:
            return f"Grading checks what is called {name} in this notebook, and this call checks something else."
    return ""


def find_borrowed(values: tuple[Any, ...]) -> str:
    """Return which data of another cell these objects' code uses; nothing where the front end sends no ids of cells.

    At the desk they are there. Grading doesn't run the cells that only show something, and finds a name missing.
    """
    cells, names = (_watching.cell_of, _watching.shell.user_ns) if _watching else ({}, {})
    code = [value for value in values if issubclass(type(value), FunctionType | type)]  # of an object nothing is asked
    for function in (each for value in code for each in functions_of(value) if each.__globals__ is names):
        own = function.__qualname__.partition(".")[0]
        for name in globals_of(function.__code__):
            is_data = isinstance(names.get(name), np.ndarray | int | float | list | dict)
            if is_data and own in cells and cells.get(name, cells[own]) != cells[own]:
                why = "Grading does not run the cells that only show something"
                return f"{own} uses {name}, which another cell has set. {why}: use what the function is given."
    return ""


def globals_of(code: CodeType) -> Iterator[str]:
    """Yield the global names that a piece of code reads, and those that the functions within it read."""
    yield from (each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL")
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from globals_of(inner)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _notebook_names() -> dict[str, Any]:
    shell = _shell()
    return shell.user_ns if shell is not None else {}


def watch() -> None:
    """Watch the cells of the running notebook, once; outside a notebook do nothing."""
    global _watching
    shell = _shell()
    if shell is not None and (_watching is None or _watching.shell is not shell):
        _watching = CellRuns(shell)
        shell.events.register("pre_run_cell", _watching.note_names)
        shell.events.register("post_run_cell", _watching.compare_names)


def _describe(error: BaseException) -> str:
    # From Python 3.13 on, a cell that ends too early has a kind of its own below SyntaxError, which isn't public.
    name = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    if not isinstance(error, SyntaxError):
        return name
    return f"{name}: {error.msg}" + (f", line {error.lineno} of the cell" if error.lineno else "")


def _advise(error: BaseException, text: str) -> str:
    """Return what to type for characters that Python refuses: under nbgrader's validate only a check can."""
    if not isinstance(error, SyntaxError):
        return ""
    from lib.blanks import masked  # only after a cell has failed
    from lib.pasted import advise, find_pasted

    return f" {advise(find_pasted(masked(text), str(error.msg)))}".rstrip()


_watching: CellRuns | None = None
