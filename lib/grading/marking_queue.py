"""What needs a person although tests or a text usually decide: graded cells, and whole notebooks; each with the reason.

The notes are kept in the notebook's metadata, which `restore` makes anew for each submission: nbgrader writes a
notebook to disk between restoring and running it, and keeps nothing else.
"""

import re
from pathlib import Path

import orjson
from nbformat.notebooknode import NotebookNode

KEY = "zerolayer_manual"
REASONS = "zerolayer_for_a_person"
"""Under this name the reasons why a person has to look at a notebook are kept, where there are any."""
NOT_RUN = "It was not run to its end."
HANDED_IN = "zerolayer_handed_in"
"""Under this name stands what was graded, as a digest of the folder that was handed in."""
TO_DECIDE = "The notebook is from before this was added to the unit: give points as you decide for the class."


def queue(nb: NotebookNode, cell: str, why: str) -> None:
    """Note that the cell with this id needs a person, and why; the first reason stays."""
    nb.metadata.setdefault(KEY, NotebookNode()).setdefault(cell, why)


def leave_to_person(nb: NotebookNode, cell: str) -> None:
    """Note that a person decides on a cell that was added later, whatever else was noted."""
    nb.metadata.setdefault(KEY, NotebookNode())[cell] = TO_DECIDE


def cells_for_person(nb: NotebookNode) -> dict[str, str]:
    """Give the cells that need a person, by id, each with the reason."""
    return dict(nb.metadata.get(KEY, {}))


def keep_reasons(nb: NotebookNode, reasons: list[str]) -> None:
    """Keep why a person has to look at a notebook, for a later run that finds it graded."""
    if reasons:
        nb.metadata[REASONS] = reasons


def read_reasons(path: Path) -> list[str]:
    """Read from a graded notebook's file what `keep_reasons` kept; nothing where the file was damaged since."""
    content = path.read_bytes()
    if REASONS.encode() not in content:  # as in nearly all, which then need not be read as JSON
        return []
    try:
        return [*map(str, orjson.loads(content)["metadata"].get(REASONS, ()))]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def read_digest(path: Path) -> str:
    """Read from a graded notebook's file of what it was made; nothing where an earlier version graded it."""
    found = re.search(rb'"%s": ?"([0-9a-f]+)"' % HANDED_IN.encode(), path.read_bytes())
    return found[1].decode() if found else ""
