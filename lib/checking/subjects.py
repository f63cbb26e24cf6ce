"""Subjects of a check: the notebook's objects by their names, unless the cell that defines one has failed since.

Python keeps a function when its cell is run again and fails. A check would then test the old version, and report that
everything is right for code that is no longer in the notebook. Grading runs the notebook as it is, without example
cells: a check doesn't have their names either.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

DEFINED = re.compile(r"(?m)^[ \t]*(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*=(?!=)")
"""The definitions in a cell's text, even if Python can't parse it."""
SKIPPED = "skip-execution"
"""nbgrader's tag of cells that grading doesn't run."""
ABSENT = object()
"""The value of a name that isn't defined."""
SECTIONS = "sections.json"
"""The file of a unit with the section of the notebook that defines each name; a build writes it."""
UNDEFINED = "{name} is not defined: {why} Correct that cell, and run it."
OPEN = "a blank in its cell is still open."
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
        self.before_examples: dict[str, object] = {}
        """Names that example cells have set, each with its value before that or `ABSENT`."""

    def note_names(self, info: Any) -> None:
        """Called by IPython before a cell runs."""
        self._before = dict(self.shell.user_ns)

    def compare_names(self, result: Any) -> None:
        """Called by IPython after a cell has run."""
        before, self._before, info = self._before, None, result.info
        if before is None or info is None:
            return
        names, text, cell = self.shell.user_ns, info.raw_cell or "", getattr(info, "cell_id", None)
        error, is_example = result.error_before_exec or result.error_in_exec, self._is_example()
        is_missing = isinstance(error, NameError) and error.name not in self.stale
        if is_missing and (section := find_section(error.name or "", names)):
            print(f"{error.name} comes from “{section}”. Run the cells of that section first.")
        for name in [name for name, value in names.items() if before.get(name) is not value]:
            self._note(name, cell)
            if is_example:
                self.before_examples.setdefault(name, before.get(name, ABSENT))
            else:
                self.before_examples.pop(name, None)
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
                why = OPEN if _describe(error) == "OpenBlank" and value is ABSENT else why
                self._note(name, cell if value is ABSENT else None, (value, why))
            elif value is ABSENT:
                self._note(name, None)
            elif not re.search(rf"\b{name}\b", text):
                why = f"the cell that defined {name} was run again, and no longer defines it."
                self._note(name, None, (value, why))

    def show_name_error(self, shell: Any, kind: Any, error: Any, traceback: Any, tb_offset: Any = None) -> None:
        """Called by IPython to show a NameError. If a blank is open, it is a sentence without a traceback."""
        _, why = self.stale.get(error.name, (None, ""))
        if why == OPEN:
            error._render_traceback_ = lambda: [UNDEFINED.format(name=error.name, why=why)]
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    def _is_example(self) -> bool:
        # JupyterLab sends a cell's metadata with its code. In the browser edition only the kernel has the message.
        try:
            return SKIPPED in self.shell.kernel.get_parent()["metadata"]["tags"]
        except (AttributeError, KeyError, TypeError):
            return False

    def _note(self, name: str, cell: str | None, stale: tuple[object, str] | None = None) -> None:
        self.stale.pop(name, None)
        if stale:
            self.stale[name] = stale
        if cell is not None:
            self.cell_of[name] = cell


def find_section(name: str, names: dict[str, Any]) -> str:
    """Return the section of the notebook that defines a missing name, or an empty text.

    The notebook's unit is the one of its `check`. Before that is imported, the unit has the name of a notebook in the
    working directory, or of that folder, as in the release.
    """
    if name in names:
        return ""
    import json  # only after an error
    from importlib.util import find_spec
    from pathlib import Path

    check, found = names.get("check"), set[str]()
    units = {each.package for each in vars(check).values()} if type(check).__name__ == "Checks" else set()
    try:
        places = [] if units else [Path.cwd(), *Path.cwd().glob("*.ipynb")]
        for unit in units or {f"lib.units.{path.stem}" for path in places if path.stem.isidentifier()}:
            if (spec := find_spec(unit)) and spec.origin:
                text = Path(spec.origin).with_name(SECTIONS).read_text(encoding="utf-8")
                found.add(json.loads(text).get(name, ""))
    except (OSError, ValueError):  # no working directory, or a unit that isn't built yet
        return ""
    found.discard("")
    return found.pop() if len(found) == 1 else ""


def find_stale(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """Return why the value of one of these names is not the one in the notebook now, or an empty text if all are.

    Code is found under another name too; a number isn't, since Python has one object for equal small numbers.
    """
    for name, (stale, why) in (_watching.stale if _watching else {}).items():
        if any(stale is value and (own == name or callable(value)) for own, value in zip(names, values, strict=False)):
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
            return (), UNDEFINED.format(name=name, why=why)
        return (), f"{name} is not defined yet. Run the cell that defines it first."
    return tuple(found[name] for name in names), ""


@contextmanager
def as_graded() -> Iterator[None]:
    """Set names to what they are in grading, which doesn't run the cells that are tagged `SKIPPED`."""
    names, before = notebook_names(), _watching.before_examples if _watching else {}
    now = {name: names.get(name, ABSENT) for name in before}
    _set(names, before)
    try:
        yield
    finally:
        _set(names, now)


def _set(names: dict[str, Any], values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if value is ABSENT:
            names.pop(name, None)
        else:
            names[name] = value


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
        shell.set_custom_exc((NameError,), _watching.show_name_error)
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
