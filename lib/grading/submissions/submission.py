"""A submission: what came from a student, read as a notebook if it can be, with a sentence if it can't.

The file may be empty, cut short, not JSON, another notebook, or under another name. None of this stops a class.
"""

import json
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from random import getrandbits
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4.nbbase import nbformat_minor

from lib.checking.results import clean
from lib.grading.execution.notebook import SKIPPED
from lib.grading.names import visible
from lib.grading.submissions.submitted_files import (
    ARCHIVES,
    MOST_BYTES,
    NOTEBOOK,
    STAMP,
    Name,
    SubmittedFiles,
    list_names,
)

LONGEST_SOURCE = 1_000_000
"""Characters that all cells together may have: a completed notebook has some ten thousand."""
MOST_CELLS = 1_000
"""Cells that a notebook may have: a completed one has a hundred."""
MOST_PARTS = 500_000
"""Lists and objects in a notebook file: each takes two hundred bytes when read, and a completed one has thousands."""
PICTURES = ("image/png", "image/jpeg", "image/gif")
HIDDEN = re.compile(r"\.|__MACOSX$")
"""How names begin that no person gave."""
ADVICE = "Open it in JupyterLab, run it from top to bottom, save, and submit again."


class UnreadableError(Exception):
    """A file that isn't a notebook; the message says so to the student."""


class EmptyError(UnreadableError):
    """A file in which there is nothing that even a person could read."""


@dataclass(frozen=True)
class Submission:
    """A notebook to grade, remarks for its verdict, whether it may be run, and whether nothing at all was handed in."""

    notebook: NotebookNode
    remarks: tuple[str, ...] = ()
    runnable: bool = True
    empty: bool = False


def read_submission(handed: SubmittedFiles, notebook: str, notebooks: Collection[str] = ()) -> Submission:
    """Read a notebook of what was handed in, or the one that stands for it, or make an empty one that says what was
    wrong.

    Of an assignment's `notebooks` none stands for another, and neither does a copy of one.
    """
    file = f"{notebook}.ipynb"
    if handed.has(file):
        return _read_or_explain(handed, Name(file))
    there, others = _notebooks_in(handed), _stand_ins(handed, notebook, notebooks)
    if there and not others:
        beside = list_names([each.name for each in there])
        return explain_unreadable(f"{file} was not in the submission. Submit it beside {beside}.")
    names = ", ".join(clean(str(other)) for other in others)
    if len(others) == 1:
        remark = f"{file} was not in the submission; {names} was graded in its place. Submit it under its own name."
        return _read_or_explain(handed, others[0], (remark,))
    packed = next((each for each in handed.files if each.suffix.lower() in ARCHIVES), None)
    if packed and not others:
        what = f"{clean(packed.name)} is packed as {packed.suffix.lower()}, and is not opened"
        return explain_unreadable(
            f"{file} was not in the submission: {what}. Unpack it, and submit the notebook itself."
        )
    found = f"found {names}" if others else "no notebook was there"
    sentence = f"{file} was not in the submission: {found}. Submit the notebook under its own name."
    return explain_unreadable(sentence, empty=all(each.name == STAMP for each in handed.files))


def notebooks_beside(handed: SubmittedFiles, notebooks: Collection[str]) -> list[str]:
    """Remark on notebooks that lie beside an assignment's, if these are all there: a student may mean another one."""
    others = [each.name for each in _notebooks_in(handed) if NOTEBOOK.sub("", each.name) not in notebooks]
    if not others or not all(handed.has(f"{name}.ipynb") for name in notebooks):
        return []
    were, them = ("was", "it") if len(notebooks) == 1 else ("were", "them")
    graded = " and ".join(f"{name}.ipynb" for name in notebooks)
    left = f"not what lay beside {them}: {list_names(others)}. If you meant that one, rename it."
    return [f"Only {graded} {were} graded, and {left}"]


def _notebooks_in(handed: SubmittedFiles) -> list[PurePosixPath]:
    """Find the notebooks of a submission: in its folder or, where there are none, in the folders in it.

    Some systems write `.IPYNB`, and programs that don't know notebooks add `.txt` or `.json`. Hidden files and folders
    hold what was saved automatically.
    """
    named = [name for name in handed.files if NOTEBOOK.search(name.name)]
    found = [name for name in named if not any(map(HIDDEN.match, name.parts))]
    return [name for name in found if len(name.parts) == 1] or found


def _stand_ins(handed: SubmittedFiles, notebook: str, notebooks: Collection[str]) -> list[PurePosixPath]:
    """Find the notebooks that may stand for one that is missing: the only one of its name but for the case of its
    letters and its ending, else all that aren't named as another one. One that is alone does stand for it."""
    others = [other for other in _notebooks_in(handed) if _named_as(other, notebooks) in ("", notebook)]
    alike = [other for other in others if NOTEBOOK.sub("", other.name).lower() == notebook.lower()]
    return alike if len(alike) == 1 else others


def _named_as(file: PurePosixPath, notebooks: Collection[str]) -> str:
    """Give the notebook that a file's name begins with, as `lab-Copy1.IPYNB` begins with lab; nothing if with none."""
    name = NOTEBOOK.sub("", file.name)
    begun = [each for each in notebooks if re.match(rf"{re.escape(each)}(?![^\W_])", name, re.IGNORECASE)]
    return max(begun, key=len, default="")


def submitted_notebook(handed: SubmittedFiles, notebook: str, notebooks: Collection[str] = ()) -> bytes | None:
    """Give what a notebook's file holds, or the one that stands for it, as `read_submission` has it."""
    file = f"{notebook}.ipynb"
    names = [Name(file)] if handed.has(file) else _stand_ins(handed, notebook, notebooks)
    return handed.content(names[0]) if len(names) == 1 else None


def explain_unreadable(sentence: str, empty: bool = False) -> Submission:
    """Make the submission that stands for one that can't be graded: an empty notebook with the sentence on top."""
    cell = clean_cell({"cell_type": "markdown", "source": f"**{sentence}**"})
    return Submission(_notebook([cell]), (sentence,), runnable=False, empty=empty)


def _read_or_explain(handed: SubmittedFiles, name: PurePosixPath, remarks: tuple[str, ...] = ()) -> Submission:
    shown = visible(name.name)
    data = handed.content(name)
    try:
        if name not in handed.files:
            raise UnreadableError(f"{shown} is not a file. {ADVICE}")
        if data is None:
            if handed.is_too_large(name):
                raise UnreadableError(
                    f"{shown} has more than {MOST_BYTES // 10**6} MB. Clear the outputs and submit again."
                )
            raise UnreadableError(f"{shown} can't be opened. {ADVICE}")
        return Submission(notebook_in(data, shown), remarks)
    except UnreadableError as error:
        return explain_unreadable(str(error), empty=isinstance(error, EmptyError))


def notebook_in(data: bytes, name: str) -> NotebookNode:
    """Read a notebook as one of the current format, with every cell made anew.

    Raises UnreadableError with a sentence for the student if the file isn't one.
    """
    # JSON begins with letters of ASCII: its first bytes tell UTF-8, 16 and 32 apart, also without a mark. Some editors
    # write single letters in an encoding of their own, which are shown as such.
    text = data.decode(json.detect_encoding(data), errors="replace")
    if not text.strip():
        raise EmptyError(f"{name} is empty. {ADVICE}")
    if _count_lists(data) > MOST_PARTS:
        raise UnreadableError(f"{name} has more than {MOST_PARTS:,} lists. Clear the outputs and submit again.")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is not a notebook: it can't be read as JSON. {ADVICE}") from None
    return _notebook(_cells_in(read, name))


def _cells_in(read: Any, name: str) -> list[NotebookNode]:
    """Make the cells anew that JSON has, if it is a notebook's. Raises UnreadableError where it isn't, or too long."""
    try:
        found = read["cells"] if "cells" in read else _cells_of_worksheets(read)
        if len(found) > MOST_CELLS:
            raise UnreadableError(f"{name} has more than {MOST_CELLS:,} cells. Delete some and submit again.")
        cells: list[NotebookNode] = [clean_cell(cell) for cell in found]
    except (UnreadableError, MemoryError):
        raise
    except Exception:  # JSON can say anything, and so there is no end of ways to stumble over it
        raise UnreadableError(f"{name} is JSON, but not a notebook. {ADVICE}") from None
    if sum(len(cell.source) for cell in cells) > LONGEST_SOURCE:
        raise UnreadableError(f"{name} has cells with more than {LONGEST_SOURCE // 10**6} million characters.")
    return cells


def _cells_of_worksheets(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the cells of format 3. nbformat would convert all that is in a file, which takes it minutes."""
    cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"][: MOST_CELLS + 1]]
    return [
        {**cell, "source": cell.get("input" if cell.get("cell_type") == "code" else "source", "")} for cell in cells
    ]


def strip_widgets(data: bytes) -> bytes:
    """Take the state of widgets out of a notebook's file: JupyterLab restores it as it opens one, trusted or not, and
    with it a script (`_esm` of an anywidget). What is no notebook stays as it is, since nothing opens it as one.

    Raises UnreadableError where there is more in it than is read.
    """
    if _count_lists(data) > MOST_PARTS:
        raise UnreadableError(f"has more than {MOST_PARTS:,} lists")
    # In a thread of its own, whose stack is as short as any: what is nested too deep for it is so for Jupyter's server.
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(_without_widgets, data).result()


def _without_widgets(data: bytes) -> bytes:
    try:
        read = json.loads(data)  # as Jupyter's server does: of a key that is there twice the last counts
    except (ValueError, RecursionError):
        return data
    metadata = read.get("metadata") if isinstance(read, dict) else None
    if not isinstance(metadata, dict) or "widgets" not in metadata:
        return data
    del metadata["widgets"]
    return json.dumps(read).encode()


def _count_lists(data: bytes) -> int:
    """Count the lists and objects in JSON before it is read: a list of empty ones takes fifty times its length then."""
    return data.count(b"[") + data.count(b"{")


def _notebook(cells: list[NotebookNode]) -> NotebookNode:
    return NotebookNode(nbformat=4, nbformat_minor=nbformat_minor, metadata=NotebookNode(), cells=cells)


class CleanCell(NotebookNode):
    """A cell that was made anew: there is nothing in it but what `clean_cell` has looked at."""


def clean_cell(cell: dict[str, Any]) -> CleanCell:
    """Make a submitted cell anew from its kind, its text, its pictures, its id in the course, and whether it is run.

    All else that a cell can hold is a student's to write and nobody's to need.
    """
    if isinstance(cell, CleanCell):
        return CleanCell(cell, metadata=NotebookNode(cell.metadata), **({"outputs": []} if "outputs" in cell else {}))
    kind, source = cell.get("cell_type"), cell.get("source")
    if isinstance(source, list):
        source = "".join([line for line in source if isinstance(line, str)])
    kind = kind if kind in ("code", "raw") else "markdown"
    metadata = found if isinstance(found := cell.get("metadata"), dict) else {}
    own, kept = metadata.get("nbgrader"), dict[str, Any]()
    if isinstance(own, dict) and isinstance(own.get("grade_id"), str):
        kept["nbgrader"] = NotebookNode(grade_id=own["grade_id"])
    if isinstance(metadata.get("tags"), list) and SKIPPED in metadata["tags"]:
        kept["tags"] = [SKIPPED]
    # nbformat's own functions would go on to validate what can't be wrong here.
    made = {"id": f"{getrandbits(32):08x}", "cell_type": kind, "metadata": NotebookNode(kept), "source": clean(source)}
    if kind == "code":
        made |= {"execution_count": None, "outputs": []}
    elif kind == "markdown" and isinstance(cell.get("attachments"), dict):
        made["attachments"] = NotebookNode((clean(name), _pictures(data)) for name, data in cell["attachments"].items())
    return CleanCell(made)


def is_base64(data: Any) -> bool:
    """Tell whether `data` is written in the letters of base64, as pictures are."""
    return isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data) is not None


def _pictures(data: Any) -> NotebookNode:
    kept = data.items() if isinstance(data, dict) else ()
    return NotebookNode({kind: picture for kind, picture in kept if kind in PICTURES and is_base64(picture)})
