"""Graded cells that need a person although tests or a text usually decide: which they are, and why.

The note is kept in the notebook's metadata, which `restore` makes anew for each submission: nbgrader writes a notebook
to disk between restoring and running it, and keeps nothing else.
"""

from nbformat.notebooknode import NotebookNode

KEY = "zerolayer_manual"
NOT_RUN = "It was not run to its end."
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
