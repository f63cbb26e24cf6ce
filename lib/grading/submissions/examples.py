"""Examples: released cells that show something and are tagged so that grading skips them.

A student may write a helper into one of them, or into a copy of one, and call it elsewhere. So what is skipped is the
course's own code alone: a student's statements in an example are run, each by itself, since the example's data may be
missing there. So are those that a student has added to a locked cell.
"""

import ast
from collections.abc import Collection, Iterable
from functools import lru_cache

from nbformat.notebooknode import NotebookNode

from lib.grading.judge.library_calls import parse
from lib.grading.running.execute import ADDED_CODE, is_skipped


def run_added_code(cells: Iterable[NotebookNode], examples: Collection[str]) -> None:
    """Have what students wrote into `examples`, given by their released text, run; what is unchanged stays skipped."""
    for cell in cells:
        if is_skipped(cell) and cell.source not in examples and (code := added_code(cell.source, examples)):
            del cell.metadata["tags"]  # nbclient would skip the cell
            cell.metadata[ADDED_CODE] = code


def added_code(source: str, examples: Iterable[str], with_changed: bool = True) -> str:
    """Give the statements of a cell that no example has, as code in which none stops the next by an error.

    Without changed ones, a function or class stays out if the examples have one of its name.
    """
    tree = parse(source)
    if tree is None:
        return source if with_changed else ""
    given: dict[str, str] = {}
    for example in examples:
        given |= _statements(example)
    names = set() if with_changed else {*given.values()} - {""}
    try:
        own = [each for each in tree.body if ast.dump(each) not in given and _name_of(each) not in names]
        return ast.unparse(ast.fix_missing_locations(ast.Module([*map(_alone, own)], [])))
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        return source


def _alone(statement: ast.stmt) -> ast.stmt:
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.Try([statement], [handler], [], [])


@lru_cache(maxsize=256)  # the examples of a course are the same for a whole class
def _statements(source: str) -> dict[str, str]:
    """Read a cell's statements, each with the name of the function or class that it defines, or none."""
    tree = parse(source)
    return {ast.dump(statement): _name_of(statement) for statement in (tree.body if tree else ())}


def _name_of(statement: ast.stmt) -> str:
    return str(getattr(statement, "name", ""))
