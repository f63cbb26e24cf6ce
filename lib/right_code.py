"""Right code from a solution notebook: the subjects of checks, and the definitions that they use.

The rest of the notebook isn't run: loading a loss must not train a network.
"""

import ast
import json
import linecache
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from symtable import SymbolTable, symtable
from types import ModuleType
from typing import NamedTuple

MARKER = re.compile(r" *#\? .*")
"""The marker after a statement that students write."""
MAGIC = re.compile(r"^([^\S\n]*)[%!].*$", re.MULTILINE)
"""A line for IPython that isn't Python."""
DEFINING = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Import, ast.ImportFrom)
SOURCES = ("solutions", "source")
"""Folders of a course with solution notebooks: of this package, and of nbgrader."""


class Definition(NamedTuple):
    """A statement of a cell: the names that it defines and uses, its node, its source, and the cell's place.

    The node's line numbers are those in the cell.
    """

    names: set[str]
    uses: set[str]
    node: ast.stmt
    source: str
    place: str


def find_definitions(cells: Iterable[tuple[str, str]]) -> Iterator[Definition]:
    """Yield the definitions in cells, which are pairs of a place and a source."""
    for place, source in cells:
        source = MARKER.sub("", source)
        for text in source, MAGIC.sub(r"\1pass", source):  # first unchanged: a long string may have a line with %
            with suppress(SyntaxError):
                yield from _definitions_in(ast.parse(text).body, text.split("\n"), place)
                break


def _definitions_in(body: Iterable[ast.stmt], lines: list[str], place: str) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, ast.Try | ast.If | ast.With):
            yield from _definitions_in(node.body, lines, place)
        elif isinstance(node, DEFINING):
            first = min(each.lineno for each in (node, *getattr(node, "decorator_list", ())))
            source = "\n".join(line[node.col_offset :] for line in lines[first - 1 : node.end_lineno])
            table = symtable(ast.unparse(node), place, "exec")
            names = {each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()}
            yield Definition(names, _find_used(table), node, source, place)


def _find_used(table: SymbolTable) -> set[str]:
    is_inner = table.get_type() != "module"
    own = {each.get_name() for each in table.get_symbols() if (each.is_global() if is_inner else each.is_referenced())}
    return own.union(*map(_find_used, table.get_children()))


def find_needed(definitions: Iterable[Definition], names: Iterable[str]) -> list[Definition]:
    """Return the definitions of these names and of all names that they use, in the notebook's order."""
    found, left, needed = [*definitions], [*names], set[str]()
    while left:
        if (name := left.pop()) not in needed:
            needed.add(name)
            left += [used for each in found if name in each.names for used in each.uses]
    return [each for each in found if each.names & needed]


def solutions_of(unit: Path, solutions: Path | None = None) -> list[Path]:
    """Return a unit's solution notebooks.

    They are in `solutions`, or else next to the units of a course, next to `lib` in a clone, or in `authoring` of an
    installed package.
    """
    roots = (unit.parents[1], unit.parents[2], Path(__file__).parent / "authoring")
    folders = (*filter(None, [solutions]), *(root / source / unit.name for root in roots for source in SOURCES))
    return next(filter(None, (sorted(folder.glob("*.ipynb")) for folder in folders)), [])


def cells_of(unit: Path, solutions: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the place and the source of each code cell of a unit's solution."""
    for file in solutions_of(unit, solutions):
        try:
            cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError) as error:
            raise ValueError(f"{file} is not a notebook: {error}") from error
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] == "code":
                yield f"{file}, cell {cell.get('id', number)!r}", "".join(cell["source"])


def load(unit: Path, module: str, subjects: Iterable[str], solutions: Path | None = None) -> ModuleType:
    """Create a module from a unit's right code, with its source for `inspect`. Raises any exception of that code.

    Raises LookupError if no cell defines a subject.
    """
    needed = find_needed(find_definitions(cells_of(unit, solutions)), subjects := [*subjects])
    if missing := [name for name in subjects if not any(name in each.names for each in needed)]:
        raise LookupError(
            f"no cell of a notebook in solutions/{unit.name} defines {missing[0]}, the subject of a check"
        )
    text, right = "\n\n\n".join(each.source for each in needed), ModuleType(module)
    right.__file__ = file = f"<the right code of {unit.name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    sys.modules[module] = right
    exec(compile(text, file, "exec"), vars(right))
    return right
