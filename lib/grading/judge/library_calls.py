"""Library calls: a library's own function in a student's code, in the place of one that was to be built.

Numbers can't tell a function that was built from one that was called, so the code is looked at and never run. A name is
followed through imports and aliases to the library that it comes from. That finds what an honest student writes. Who
wants to hide a call can, so what is found is for a person to read, and costs nothing by itself.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping

from nbformat.notebooknode import NotebookNode

from lib.unit import WatchedCalls

LONGEST = 20_000
"""Characters of a cell that is looked at: a completed one has some hundred."""

MOST = 20
"""Names that are kept; a long one is a joke, and left out."""

Origins = Mapping[str, str]
"""Where names come from: `sp` from `scipy.special`."""


def library_calls(cells: Iterable[NotebookNode], watched: WatchedCalls) -> tuple[str, ...]:
    """Name what the student's own code takes from a library, sorted and in full, such as `scipy.special.softmax`.

    Every cell's imports count, but only code that isn't the course's is looked at: solutions and added cells.
    """
    cells = [cell for cell in cells if cell.cell_type == "code"]
    if not any(library in cell.source for cell in cells for library in watched.libraries):
        return ()  # as in nearly all submissions, and nothing need be parsed to see it
    code = [(cell, tree) for cell in cells if (tree := parsed(cell.source)) is not None]
    origins: dict[str, str] = {}
    for _, tree in code:
        for node in ast.walk(tree):
            origins.update(_imported(node, origins, watched))
    own = [tree for cell, tree in code if not cell.metadata.get("nbgrader", {}).get("locked", False)]
    names = {name for tree in own for node in ast.walk(tree) if (name := _full_name(node, origins, watched))}
    return tuple(sorted(name for name in names if _is_watched(name, watched)))[:MOST]


def parsed(source: str) -> ast.Module | None:
    """Read a cell as Python, without its magics; None where it isn't any, or is too long or too deep to be read."""
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(re.sub(r"^[^\S\n]*+[%!].*$", "", source, flags=re.MULTILINE))
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


def _imported(node: ast.AST, origins: Origins, watched: WatchedCalls) -> Iterator[tuple[str, str]]:
    """Give the names that an import, or `name = a.library's.thing`, defines, and what they stand for."""
    match node:
        case ast.Import():
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        case ast.ImportFrom(module=str(module), level=0):
            for alias in node.names:
                yield (alias.asname or alias.name, f"{module}.{alias.name}")
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute() as value):
            if full := _full_name(value, origins, watched):
                yield name, full


def _full_name(node: ast.AST, origins: Origins, watched: WatchedCalls) -> str:
    """Spell a name out from its library on, or give nothing for one that comes from none."""
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    if node.id in origins:
        return ".".join([origins[node.id], *reversed(path)])
    star = origins.get("*", "")
    return star.replace("*", node.id) if not path and watched.from_a_star.fullmatch(node.id) else ""


def _is_watched(name: str, watched: WatchedCalls) -> bool:
    library, _, path = name.partition(".")
    return library in watched.libraries and len(path) < 80 and watched.names.search(path.rpartition(".")[2]) is not None
