"""A submission: what came from a student, read as a notebook if it can be, with a sentence if it can't.

The file may be empty, cut short, not JSON, another notebook, or under another name. None of this stops a class.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

LARGEST = 20_000_000
"""Bytes of a notebook file that are read: a completed one has some hundred thousand."""


class UnreadableError(Exception):
    """A file that isn't a notebook; the message says so to the student."""


@dataclass(frozen=True)
class Submission:
    """A notebook to grade, remarks for its verdict, and whether there is anything to run."""

    notebook: NotebookNode
    remarks: tuple[str, ...] = ()
    runnable: bool = True


def read_submission(path: Path) -> Submission:
    """Read the notebook at `path`, or the only other notebook beside it, or make an empty one that says what was wrong."""
    others = [] if path.exists() else sorted(p for p in path.parent.glob("*.ipynb") if p.is_file())
    if len(others) == 1:
        remark = f"{path.name} was not in the submission; {others[0].name} was graded in its place."
        return _read(others[0], (remark,))
    if not path.exists():
        found = f"found {', '.join(other.name for other in others)}" if others else "no notebook was there"
        return unreadable(f"{path.name} was not in the submission: {found}. Submit the notebook under its own name.")
    return _read(path)


def unreadable(sentence: str) -> Submission:
    """Make the submission that stands for one that can't be graded: an empty notebook with the sentence on top."""
    return Submission(new_notebook(cells=[new_markdown_cell(f"**{sentence}**")]), (sentence,), runnable=False)


def _read(path: Path, remarks: tuple[str, ...] = ()) -> Submission:
    try:
        return Submission(notebook_in(path), remarks)
    except UnreadableError as error:
        return unreadable(str(error))


def notebook_in(path: Path) -> NotebookNode:
    """Read a notebook of the current format, with every cell in order to be run.

    Raises UnreadableError with a sentence for the student if the file isn't one.
    """
    advice = "Open it in JupyterLab, run it from top to bottom, save, and submit again."
    if not path.is_file():
        raise UnreadableError(f"{path.name} is not a file. {advice}")
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"{path.name} has more than {LARGEST // 10**6} MB. Clear the outputs, save, and submit again.")
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.strip():
        raise UnreadableError(f"{path.name} is empty. {advice}")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{path.name} is not a notebook: it can't be read as JSON. {advice}") from None
    try:
        notebook = nbformat.convert(nbformat.from_dict(data), to_version=4)
        notebook = new_notebook(cells=[_sound(cell) for cell in notebook.cells], metadata=notebook.metadata)
    except Exception:
        raise UnreadableError(f"{path.name} is JSON, but not a notebook. {advice}") from None
    return notebook


def _sound(cell: NotebookNode) -> NotebookNode:
    """Make a cell valid again, keeping its kind and text; ids, outputs and unknown keys are made anew."""
    kind = cell.get("cell_type")
    source = cell.get("source", "")
    source = "".join(source) if isinstance(source, list) else str(source)
    metadata = cell.get("metadata", {})
    make = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}.get(kind, new_markdown_cell)
    sound = make(source)
    sound.metadata = NotebookNode(metadata) if isinstance(metadata, dict) else NotebookNode()
    if kind == "markdown" and isinstance(cell.get("attachments"), dict):
        sound.attachments = cell.attachments
    return sound
