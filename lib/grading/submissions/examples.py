"""Examples: released cells that show something and are tagged so that grading skips them.

A student may write a helper into one of them, or into a copy of one, and call it elsewhere. So what is skipped is the
course's own code alone: a student's statements in an example are run, each by itself, since the example's data may be
missing there.
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


def added_code(source: str, examples: Iterable[str]) -> str:
    """Give the statements of a cell that no example has, as code in which none stops the next by an error."""
    tree = parse(source)
    if tree is None:
        return source
    given = frozenset[str]().union(*map(_statements, examples))
    try:
        own = [statement for statement in tree.body if ast.dump(statement) not in given]
        return ast.unparse(ast.fix_missing_locations(ast.Module([*map(_alone, own)], [])))
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        return source


def _alone(statement: ast.stmt) -> ast.stmt:
    handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    return ast.Try([statement], [handler], [], [])


@lru_cache(maxsize=256)  # the examples of a course are the same for a whole class
def _statements(source: str) -> frozenset[str]:
    tree = parse(source)
    return frozenset(map(ast.dump, tree.body if tree else ()))
