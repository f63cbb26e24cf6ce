"""Examples: released cells that show something and are tagged so that grading skips them.

A student may write a helper into one of them, or into a copy of one, and call it elsewhere. So what is skipped is the
course's own code alone: a student's statements in an example are run, each by itself, since the example's data may be
missing there. So are those that a student has added to a locked cell.
"""

import ast
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import lru_cache

from nbformat.notebooknode import NotebookNode

from lib.grading.execution.notebook import ADDED_CODE, is_skipped
from lib.grading.judge.python_cells import NOT_RUN, Allowance, parse, parse_python, replace_all
from lib.grading.kernel.guard import guard

MOST_CHANGED = 50_000
"""Characters that are read of the changed examples, and as many of changed locked cells. A notebook has 15,000."""
_SPACE = r"[^\S\n]*+"
_MAGIC = re.compile(rf"(?m)^({_SPACE})%(run|time|load_ext|reload_ext|pylab|cd|env|set_env)\b{_SPACE}(.*)$")
"""A magic on a line of its own, of those that define something or that other code needs. `%timeit` takes seconds."""


def run_added_code(cells: Iterable[NotebookNode], examples: Collection[str]) -> None:
    """Have what students wrote into `examples`, given by their released text, run; what is unchanged stays skipped."""
    allowance = Allowance(MOST_CHANGED)
    for cell in cells:
        if not is_skipped(cell) or cell.source in examples:
            continue
        if code := added_code(cell.source, examples) if allowance.take(cell.source) else cell.source:
            del cell.metadata["tags"]  # nbclient would skip the cell
            cell.metadata[ADDED_CODE] = code


def added_code(source: str, examples: Iterable[str]) -> str:
    """Give the statements of a cell that no example has, as code in which none stops the next by an error."""
    tree = _read(source)
    if tree is None:
        return source
    given = frozenset[str]().union(*map(_statements, examples))
    try:
        return _unparse([statement for statement in tree.body if ast.dump(statement) not in given])
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        return source


def added_to_locked(source: str, released: str) -> str:
    """Give the statements that a student has added to a locked cell, as code in which none stops the next by an error.

    A function or class of the cell's own is one of them only if all that it had is still in it.
    """
    given, tree = _read(released), _read(source)
    if given is None or tree is None:
        return ""
    bodies = {getattr(each, "name", ""): _bodies(each) for each in given.body}
    with suppress(RecursionError, ValueError):  # likewise
        own = [each for each in tree.body if ast.dump(each) not in _statements(released)]
        return _unparse([each for each in own if bodies.get(getattr(each, "name", None), set()) <= _bodies(each)])
    return ""


def _read(source: str) -> ast.Module | None:
    """Read a cell as Python, with its magics as calls: `%run helpers.py` may define what other cells need."""
    called = _MAGIC.sub(_call_magic, source)
    return parse_python(source) or parse(called) or parse(replace_all(called, NOT_RUN))


def _call_magic(found: re.Match[str]) -> str:
    space, name, rest = found.groups()
    return f"{space}get_ipython().run_line_magic({name!r}, {rest!r})"


def _bodies(statement: ast.stmt) -> set[str]:
    return {ast.dump(each) for each in getattr(statement, "body", ())}


def _unparse(statements: Iterable[ast.stmt]) -> str:
    return ast.unparse(ast.Module([each if _is_future(each) else guard(each) for each in statements], []))


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"  # has to be outermost


@lru_cache(maxsize=256)  # the examples of a course are the same for a whole class
def _statements(source: str) -> frozenset[str]:
    tree = _read(source)
    return frozenset(map(ast.dump, tree.body if tree else ()))
