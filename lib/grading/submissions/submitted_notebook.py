"""A submission: the notebook that a student submitted, or a message to the student if it can't be read.

The file may be empty, truncated, not JSON, another notebook, or misnamed. None of this stops the grading of a class.
"""

import json
import re
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from random import getrandbits
from typing import Any

import msgspec
from nbformat.notebooknode import NotebookNode

from lib.checking.results import clean
from lib.grading.execution.notebook import SKIPPED
from lib.grading.execution.outputs import read_json
from lib.grading.remarks import Remark
from lib.grading.safe_names import visible
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
"""Characters of all cells together; a completed notebook has about ten thousand."""
MOST_CELLS = 1_000
"""Cells of a notebook; a completed one has about a hundred."""
MOST_PARTS = 500_000
"""Lists and objects in a notebook file; a completed one has thousands. Each takes 200 bytes of memory when parsed."""
PICTURES = ("image/png", "image/jpeg", "image/gif")
HIDDEN = re.compile(r"\.|__MACOSX$")
"""Names of files and folders that programs create by themselves."""
ADVICE = "Open it in JupyterLab, run it from top to bottom, save, and submit again."


class UnreadableError(Exception):
    """A file that can't be read as a notebook; the message is for the student."""


@dataclass(frozen=True)
class Submission:
    """A notebook to grade: its cells as they were read, then restored, then run.

    `remarks` are for the student, and `reasons` say why a person has to look at the notebook. `doubts` has the answers
    that a person has to look for, each with the reason. The challenge is drawn from the `seed`. If the submitted file
    can't be read, the notebook is not `runnable`, and `empty` if nothing was submitted. `kernelspec` is the course's.
    """

    cells: list[NotebookNode]
    remarks: tuple[Remark, ...] = ()
    reasons: tuple[str, ...] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    runnable: bool = True
    empty: bool = False
    kernelspec: Mapping[str, str] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Called by pickle: for a worker the cells are packed as JSON, twenty times as fast as pickle does it."""
        cells, *more = (getattr(self, each.name) for each in fields(self))
        return _unpack, (msgspec.json.encode(cells), *more)


def _unpack(cells: bytes, *more: Any) -> Submission:
    return Submission([_node_of(cell) for cell in msgspec.json.decode(cells)], *more)


def _node_of(cell: dict[str, Any]) -> "CleanCell":
    metadata = {name: NotebookNode(each) if isinstance(each, dict) else each for name, each in cell["metadata"].items()}
    return CleanCell(cell, metadata=NotebookNode(metadata))


def read_submission(
    submitted: SubmittedFiles, notebook: str, notebooks: Mapping[str, Collection[str]] = {}
) -> Submission:
    """Read the submitted `notebook`, or a misnamed one in its place; else return an empty one with a remark.

    `notebooks` has the ids of the assignment's cells by notebook: a file with most ids of this one is this one,
    whatever its name. A file without ids takes its place if it is the only one.
    """
    file = f"{notebook}.ipynb"
    if submitted.has(file):
        return _read_or_explain(submitted, Name(file))
    found = _notebooks_in(submitted)
    owners = {name: _owner_of(submitted, name, notebooks) for name in found}
    others = [name for name in found if owners[name] == notebook] or [name for name in found if not owners[name]]
    if found and not others:
        present = list_names([each.name for each in found])
        return explain_unreadable(f"{file} was not in the submission. Submit it together with {present}.")
    names = ", ".join(clean(str(other)) for other in others)
    if len(others) == 1:
        remark = f"{file} was not in the submission; {names} was graded in its place. Submit it under its own name."
        return _read_or_explain(submitted, others[0], (Remark(remark),))
    packed = next((each for each in submitted.files if each.suffix.lower() in ARCHIVES), None)
    if packed and not others:
        what = f"{clean(packed.name)} is a {packed.suffix.lower()} archive, which is not opened"
        return explain_unreadable(
            f"{file} was not in the submission: {what}. Unpack it, and submit the notebook itself."
        )
    present = f"found {names}" if others else "found no notebook"
    sentence = f"{file} was not in the submission: {present}. Submit the notebook under its own name."
    return explain_unreadable(sentence, empty=all(each.name == STAMP for each in submitted.files))


def remark_on_other_notebooks(submitted: SubmittedFiles, notebooks: Collection[str]) -> list[str]:
    """Return a remark on notebooks that aren't the assignment's, if those are all there: a student may mean another."""
    others = [each.name for each in _notebooks_in(submitted) if NOTEBOOK.sub("", each.name) not in notebooks]
    if not others or not all(submitted.has(f"{name}.ipynb") for name in notebooks):
        return []
    graded, were = " and ".join(f"{name}.ipynb" for name in notebooks), "was" if len(notebooks) == 1 else "were"
    rename = "If you meant one of them, submit it under its original name."
    return [f"Only {graded} {were} graded. These other notebooks were not: {list_names(others)}. {rename}"]


def _notebooks_in(submitted: SubmittedFiles) -> list[PurePosixPath]:
    """Return the notebooks at the top of a submission, or those in its subfolders if there are none at the top."""
    named = [name for name in submitted.files if NOTEBOOK.search(name.name)]
    # Hidden files and folders contain what programs saved automatically.
    found = [name for name in named if not any(map(HIDDEN.match, name.parts))]
    return [name for name in found if len(name.parts) == 1] or found


def _owner_of(submitted: SubmittedFiles, name: PurePosixPath, notebooks: Mapping[str, Collection[str]]) -> str:
    """Return the notebook that a file is by its name or its cells' ids, or ""."""
    if name.stem in notebooks:
        return name.stem
    ids = set[str]()
    with suppress(UnreadableError):
        cells = cells_in(submitted.content(name) or b"", name.name)
        ids = {str(cell.metadata.get("nbgrader", {}).get("grade_id")) for cell in cells}
    counts = {each: len(ids.intersection(known)) for each, known in notebooks.items()}
    return max((each for each in counts if counts[each]), key=counts.__getitem__, default="")


def explain_unreadable(sentence: str, empty: bool = False) -> Submission:
    """Return a submission that replaces an unreadable one: a notebook with only this sentence."""
    cell = clean_cell({"cell_type": "markdown", "source": f"**{sentence}**"})
    return Submission([cell], (Remark(sentence),), runnable=False, empty=empty)


def _read_or_explain(submitted: SubmittedFiles, name: PurePosixPath, remarks: tuple[Remark, ...] = ()) -> Submission:
    shown = visible(name.name)
    data = submitted.content(name)
    try:
        if name not in submitted.files:
            raise UnreadableError(f"{shown} is not a file. {ADVICE}")
        if data is None:
            if submitted.is_too_large(name):
                raise UnreadableError(
                    f"{shown} has more than {MOST_BYTES // 10**6} MB. Clear the outputs and submit again."
                )
            raise UnreadableError(f"{shown} can't be opened. {ADVICE}")
        return Submission(cells_in(data, shown), remarks)
    except UnreadableError as error:
        return explain_unreadable(str(error), empty=data is not None and not data.strip())


def cells_in(data: bytes, name: str) -> list[NotebookNode]:
    """Read a notebook, and return its cells in the current format, each rebuilt.

    Raises UnreadableError with a message for the student if the file isn't a notebook.
    """
    # JSON begins with ASCII characters, so its first bytes show whether it is UTF-8, 16 or 32, even without a BOM.
    # Bytes in another encoding, which some editors write, are replaced.
    text = data.decode(json.detect_encoding(data), errors="replace")
    if not text.strip():
        raise UnreadableError(f"{name} is empty. {ADVICE}")
    if _count_lists(data) > MOST_PARTS:
        raise UnreadableError(f"{name} has more than {MOST_PARTS:,} lists. Clear the outputs and submit again.")
    try:
        read = read_json(text)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is not a notebook: it can't be read as JSON. {ADVICE}") from None
    return _cells_of(read, name)


def _cells_of(read: Any, name: str) -> list[NotebookNode]:
    """Rebuild the cells of parsed JSON. Raises UnreadableError if it isn't a notebook or has too much in it."""
    try:
        found = read["cells"] if "cells" in read else _cells_of_worksheets(read)
        if len(found) > MOST_CELLS:
            raise UnreadableError(f"{name} has more than {MOST_CELLS:,} cells. Delete some and submit again.")
        cells: list[NotebookNode] = [clean_cell(cell) for cell in found]
    except (UnreadableError, MemoryError):
        raise
    except Exception:  # JSON of any shape may raise any error here
        raise UnreadableError(f"{name} is JSON, but not a notebook. {ADVICE}") from None
    if sum(len(cell.source) for cell in cells) > LONGEST_SOURCE:
        raise UnreadableError(f"{name} has cells with more than {LONGEST_SOURCE // 10**6} million characters.")
    return cells


def _cells_of_worksheets(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    # Notebook format 3. nbformat would convert everything in the file, which can take minutes.
    cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"][: MOST_CELLS + 1]]
    return [
        {**cell, "source": cell.get("input" if cell.get("cell_type") == "code" else "source", "")} for cell in cells
    ]


def strip_widgets(data: bytes) -> bytes:
    """Return a notebook file without its widget state, or the data unchanged if it isn't a notebook.

    JupyterLab restores widget state when it opens a notebook, trusted or not, and runs a script in it (`_esm` of an
    anywidget). Raises UnreadableError if the file has too many lists.
    """
    if _count_lists(data) > MOST_PARTS:
        raise UnreadableError(f"has more than {MOST_PARTS:,} lists")
    # In a new thread, which has the shortest stack: whatever is nested too deep here is too deep for Jupyter's server.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_without_widgets, data).result()


def _without_widgets(data: bytes) -> bytes:
    try:
        read = json.loads(data)  # as Jupyter's server does: the last of duplicate keys counts
    except (ValueError, RecursionError):
        return data
    metadata = read.get("metadata") if isinstance(read, dict) else None
    if not isinstance(metadata, dict) or "widgets" not in metadata:
        return data
    del metadata["widgets"]
    return json.dumps(read).encode()


def _count_lists(data: bytes) -> int:
    # Before parsing: a list of empty lists takes fifty times its length in memory.
    return data.count(b"[") + data.count(b"{")


class CleanCell(NotebookNode):
    """A cell that `clean_cell` has rebuilt."""


def clean_cell(cell: dict[str, Any]) -> CleanCell:
    """Rebuild a submitted cell from its type, source, pictures, course id and skip tag; drop everything else."""
    if isinstance(cell, CleanCell):
        return CleanCell(cell, metadata=NotebookNode(cell.metadata), **({"outputs": []} if "outputs" in cell else {}))
    kind, source = cell.get("cell_type"), cell.get("source")
    if isinstance(source, list):
        source = "".join([line for line in source if isinstance(line, str)])
    kind = kind if kind in ("code", "raw") else "markdown"
    metadata = found if isinstance(found := cell.get("metadata"), dict) else {}
    own, safe = metadata.get("nbgrader"), dict[str, Any]()
    if isinstance(own, dict) and isinstance(own.get("grade_id"), str):
        safe["nbgrader"] = NotebookNode(grade_id=own["grade_id"])
    if isinstance(metadata.get("tags"), list) and SKIPPED in metadata["tags"]:
        safe["tags"] = [SKIPPED]
    # Not by nbformat's functions, which also validate each cell.
    new = {"id": f"{getrandbits(32):08x}", "cell_type": kind, "metadata": NotebookNode(safe), "source": clean(source)}
    if kind == "code":
        new |= {"execution_count": None, "outputs": []}
    elif kind == "markdown" and isinstance(cell.get("attachments"), dict):
        new["attachments"] = NotebookNode((clean(name), _pictures(data)) for name, data in cell["attachments"].items())
    return CleanCell(new)


def is_base64(data: Any) -> bool:
    """True if `data` is text of base64 characters."""
    return isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data) is not None


def _pictures(data: Any) -> NotebookNode:
    items = data.items() if isinstance(data, dict) else ()
    return NotebookNode({kind: picture for kind, picture in items if kind in PICTURES and is_base64(picture)})
