"""Added code: statements that a student wrote into an example or a locked cell.

Examples are released cells with a tag, which grading skips. A student may define a helper in an example, or in a copy
of one, and call it elsewhere. So only the course's own code is skipped. A student's statements run, each in a `try` of
its own, because the example's data may be missing. Statements added to a locked cell run in the same way.
"""

import ast
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import lru_cache

from nbformat.notebooknode import NotebookNode

from lib.grading.execution.notebook import ADDED_CODE, is_skipped
from lib.grading.judge.parse_cells import NOT_RUN, Allowance, parse, parse_python, replace_all
from lib.grading.kernel.guard import guard

MOST_CHANGED = 50_000
"""Characters of changed examples that are parsed, and as many of changed locked cells; a notebook has 15,000."""
_SPACE = r"[^\S\n]*+"
_MAGIC = re.compile(rf"(?m)^({_SPACE})%(run|time|load_ext|reload_ext|pylab|cd|env|set_env)\b{_SPACE}(.*)$")
"""A line with a magic that defines names or sets up what other code needs. `%timeit` and others only take time."""


def run_added_code(cells: Iterable[NotebookNode], examples: Collection[str]) -> None:
    """Mark students' statements in examples to be run. `examples` are released texts; unchanged cells stay skipped."""
    allowance = Allowance(MOST_CHANGED)
    for cell in cells:
        if not is_skipped(cell) or cell.source in examples:
            continue
        if code := added_code(cell.source, examples) if allowance.take(cell.source) else cell.source:
            del cell.metadata["tags"]  # nbclient would skip the cell
            cell.metadata[ADDED_CODE] = code


def added_code(source: str, examples: Iterable[str]) -> str:
    """Return the statements of a cell that no example has. An error in one of them doesn't stop the next one."""
    tree = _read(source)
    if tree is None:
        return source
    given = frozenset[str]().union(*map(_statements, examples))
    try:
        return _unparse([statement for statement in tree.body if ast.dump(statement) not in given])
    except (RecursionError, ValueError):  # nested too deep, or an integer with too many digits
        return source


def added_to_locked(source: str, released: str) -> str:
    """Return the statements that a student added to a locked cell, as `added_code` does.

    A function or class of the released cell counts only if the student has kept all of its original statements.
    """
    given, tree = _read(released), _read(source)
    if given is None or tree is None:
        return ""
    bodies = {getattr(each, "name", ""): _bodies(each) for each in given.body}
    with suppress(RecursionError, ValueError):  # as in `added_code`
        own = [each for each in tree.body if ast.dump(each) not in _statements(released)]
        return _unparse([each for each in own if bodies.get(getattr(each, "name", None), set()) <= _bodies(each)])
    return ""


def _read(source: str) -> ast.Module | None:
    # `%run helpers.py` may define names that other cells need.
    called = _MAGIC.sub(lambda found: f"{found[1]}get_ipython().run_line_magic({found[2]!r}, {found[3]!r})", source)
    return parse_python(source) or parse(called) or parse(replace_all(called, NOT_RUN))


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
