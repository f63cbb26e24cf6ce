"""Right code from a solution notebook: what checks are called with, and all that it uses of the notebook's own names.

Nothing else of the notebook is run: to define a loss must not train a network.
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
"""What follows a statement that students write."""
MAGIC = re.compile(r"^([^\S\n]*)[%!].*$", re.MULTILINE)
"""A line that IPython reads, and Python doesn't."""
DEFINING = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Import, ast.ImportFrom)
SOURCES = ("solutions", "source")
"""Folders of a course that have solution notebooks: ours, and nbgrader's own."""


class Definition(NamedTuple):
    """A statement of a cell: the names that it defines, those that it uses, its node, its source, and the cell's place.

    The node's lines count in the cell.
    """

    names: set[str]
    uses: set[str]
    node: ast.stmt
    source: str
    place: str


def find_definitions(cells: Iterable[tuple[str, str]]) -> Iterator[Definition]:
    """Find what cells define, which are given as pairs of a place and a source."""
    for place, source in cells:
        source = MARKER.sub("", source)
        for text in source, MAGIC.sub(r"\1pass", source):  # a longer text may have a line that begins with %, too
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
    """Return the definitions of these names, and of all that they use, in the notebook's order."""
    known, left, needed = [*definitions], [*names], set[str]()
    while left:
        if (name := left.pop()) not in needed:
            needed.add(name)
            left += [used for each in known if name in each.names for used in each.uses]
    return [each for each in known if each.names & needed]


def cells_of(unit: Path) -> Iterator[tuple[str, str]]:
    """Yield place and source of each code cell of a unit's solution, from the unit's folder.

    A course has it next to its units, a clone next to `lib`, and an installed package in `authoring`.
    """
    roots = (unit.parents[1], unit.parents[2], Path(__file__).parent / "authoring")
    found = (sorted((root / source / unit.name).glob("*.ipynb")) for root in roots for source in SOURCES)
    for file in next(filter(None, found), ()):
        for number, cell in enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"], 1):
            if cell["cell_type"] == "code":
                yield f"{file}, cell {cell.get('id', number)!r}", "".join(cell["source"])


def load(unit: Path, module: str, subjects: Iterable[str]) -> ModuleType:
    """Make a module of a unit's right code, with source that `inspect` finds. Raises whatever that code raises.

    Raises LookupError where no cell defines a subject.
    """
    needed = find_needed(find_definitions(cells_of(unit)), subjects := [*subjects])
    if missing := [name for name in subjects if not any(name in each.names for each in needed)]:
        raise LookupError(
            f"no cell of a notebook in solutions/{unit.name} defines {missing[0]}, which a check is about"
        )
    text, made = "\n\n\n".join(each.source for each in needed), ModuleType(module)
    made.__file__ = file = f"<the right code of {unit.name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    sys.modules[module] = made
    exec(compile(text, file, "exec"), vars(made))
    return made
