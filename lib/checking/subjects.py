"""Subjects of a check: the notebook's objects by their names, unless the cell that defines one has failed since.

Python keeps a function when its cell is run again and fails. A check would then test the old version, and report that
everything is right for code that is no longer in the notebook. Grading runs the notebook as it is.
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
"""The definitions in a cell's text, even if Python can't parse it."""
ABSENT = object()
"""The value of a name that isn't defined."""
NOT_CALLABLE = (
    "The checks can't be called: {name} is now a variable or a function of your own. Give it another name, then restart"
    " the kernel and run all cells."
)


class CellRuns:
    """Compares the names of a notebook before and after each run of a cell."""

    def __init__(self, shell: Any):
        self.shell = shell
        self._before: dict[str, object] | None = None
        self.stale: dict[str, tuple[object, str]] = {}
        """Names that the last run of their cell did not define, each with its old value or `ABSENT`, and the reason."""
        self.cell_of: dict[str, str] = {}
        """For each name the id of the cell that should have defined it last, if the front end sends ids."""

    def note_names(self, info: Any) -> None:
        """Called by IPython before a cell runs."""
        self._before = dict(self.shell.user_ns)

    def compare_names(self, result: Any) -> None:
        """Called by IPython after a cell has run."""
        before, self._before, info = self._before, None, result.info
        if before is None or info is None:
            return
        names, text, cell = self.shell.user_ns, info.raw_cell or "", getattr(info, "cell_id", None)
        error = result.error_before_exec or result.error_in_exec
        for name in [name for name, value in names.items() if before.get(name) is not value]:
            self._note(name, cell)
            if type(before.get(name)).__name__ == "Checks" != type(names[name]).__name__:
                print(NOT_CALLABLE.format(name=name))
        written = {name for found in DEFINED.finditer(text) for name in found.groups() if name}
        own = {name for name, place in self.cell_of.items() if place == cell}
        for name in written | own:
            value = names.get(name, ABSENT)
            if value is not ABSENT and before.get(name) is not value:
                continue
            if error is not None:
                why = f"the last run of the cell that defines {name} failed ({_describe(error)}).{_advise(error, text)}"
                self._note(name, cell if value is ABSENT else None, (value, why))
            elif value is ABSENT:
                self._note(name, None)
            elif not re.search(rf"\b{name}\b", text):
                why = f"the cell that defined {name} was run again, and no longer defines it."
                self._note(name, None, (value, why))

    def _note(self, name: str, cell: str | None, stale: tuple[object, str] | None = None) -> None:
        self.stale.pop(name, None)
        if stale:
            self.stale[name] = stale
        if cell is not None:
            self.cell_of[name] = cell


def find_stale(values: tuple[Any, ...]) -> str:
    """Return why one of these objects is not the one in the notebook now, or an empty text if all are."""
    for name, (stale, why) in (_watching.stale if _watching else {}).items():
        if any(stale is value for value in values):
            old = f"Python still has the old {name}."
            return f"Not tested: {why} {old} Correct that cell, run it, and run this check again."
    return ""


def find_subjects(names: tuple[str, ...], args: tuple[Any, ...], at_desk: bool = True) -> tuple[tuple[Any, ...], str]:
    """Return the subjects of a check, and a message if one is missing.

    The subjects are the arguments, or without arguments the notebook's objects with these names. The message of a check
    `at_desk` suggests running another cell; during grading all cells have run.
    """
    if args:
        count = f"{len(args)} argument{'s' * (len(args) > 1)}"
        return args, "" if len(args) == len(names) else f"This check takes {', '.join(names)}. It got {count}."
    found, stale = notebook_names(), _watching.stale if _watching else {}
    for name in (name for name in names if name not in found):
        value, why = stale.get(name, (None, ""))
        if not at_desk:
            return (), f"{name} is not defined."
        if value is ABSENT:
            return (), f"{name} is not defined: {why} Correct that cell, and run it."
        return (), f"{name} is not defined yet. Run the cell that defines it first."
    return tuple(found[name] for name in names), ""


def find_other(names: tuple[str, ...], args: tuple[Any, ...]) -> str:
    """Return a warning if an argument of a check is not the notebook's object of that name, which grading checks."""
    found = notebook_names()
    for name, value in zip(names, args, strict=False):
        if found and found.get(name) is not value:
            return f"Grading checks {name} as this notebook defines it. This call checks something else."
    return ""


def find_borrowed(values: tuple[Any, ...]) -> str:
    """Return a warning if the code of these objects uses data from another cell.

    Grading doesn't run example cells, so the name is missing there. There is no warning if the front end sends no ids
    of cells.
    """
    cells, names = (_watching.cell_of, _watching.shell.user_ns) if _watching else ({}, {})
    # By type(): `isinstance` would run a `__class__` property of a student's object.
    code = [value for value in values if issubclass(type(value), FunctionType | type)]
    for function in (each for value in code for each in functions_of(value) if each.__globals__ is names):
        own = function.__qualname__.partition(".")[0]
        for name in globals_of(function.__code__):
            is_data = isinstance(names.get(name), np.ndarray | int | float | list | dict)
            if is_data and own in cells and cells.get(name, cells[own]) != cells[own]:
                why = "Grading does not run example cells"
                return f"{own} uses {name}, which another cell has set. {why}: use the function's own arguments."
    return ""


def globals_of(code: CodeType) -> Iterator[str]:
    """Yield the global names that a code object and its inner functions read."""
    yield from (each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL")
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from globals_of(inner)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def notebook_names() -> dict[str, Any]:
    """Return the current global names of the notebook. They are empty in a plain Python shell."""
    shell = _shell()
    return shell.user_ns if shell is not None else {}


def watch() -> None:
    """Watch the cells of the running notebook. A second call, or a call outside a notebook, does nothing."""
    global _watching
    shell = _shell()
    if shell is not None and (_watching is None or _watching.shell is not shell):
        _watching = CellRuns(shell)
        shell.events.register("pre_run_cell", _watching.note_names)
        shell.events.register("post_run_cell", _watching.compare_names)


def _describe(error: BaseException) -> str:
    # From Python 3.13 on, a cell that ends too early raises a private subclass of SyntaxError.
    name = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    if not isinstance(error, SyntaxError):
        return name
    return f"{name}: {error.msg}" + (f", line {error.lineno} of the cell" if error.lineno else "")


def _advise(error: BaseException, text: str) -> str:
    # `lib.blanks` prints this advice below the cell. Under nbgrader's validate only the check's own message is shown.
    if not isinstance(error, SyntaxError):
        return ""
    from lib.blanks import advise, find_pasted, masked  # only after a cell has failed

    return f" {advise(find_pasted(masked(text), str(error.msg)))}".rstrip()


_watching: CellRuns | None = None
