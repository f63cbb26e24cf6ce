"""Feedback as an LMS takes it: for Moodle the pages, for Canvas the students' own notebooks with what was found.

Canvas attaches a file to a comment under the name of what was handed in, so it must be a notebook, and knows by its
name whose it is. (`infer_comment_context_from_filename` in assignment.rb) Moodle knows that by the second part of a
name. (`assignfeedback_file_zip_importer`)
"""

import io
import re
from collections import defaultdict
from collections.abc import Mapping
from html import escape
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from lib.grading.pages.feedback_page import Page
from lib.grading.submissions.collection import CollectedSubmission
from lib.grading.submissions.restore import course_id

SUMMARY = re.compile(r'<header class="summary">.*?</header>|<h1>.*?</h1>', re.DOTALL)
LINK = re.compile(r"</?a\b[^>]*>")


def notebook_of(page: Page, html: str) -> bytes:
    """Return the student's notebook as it was graded, with the summary of its page, `html`, as its first cell.

    Each check has below it what was found, and each cell the instructor's comment. All ids of cells are made anew, so
    that another grading which finds the same gives the same bytes.
    """
    summary = SUMMARY.search(html)
    cells = [_text(LINK.sub("", summary[0]) if summary else "")]
    for cell in page.notebook.cells:
        cells.append({**cell})
        if comment := page.book.comments.get(course_id(cell)):
            cells.append(_text(f"<p><b>Comment:</b> {escape(comment)}</p>"))
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return orjson.dumps({**page.notebook, "cells": numbered}, option=orjson.OPT_SORT_KEYS)


def _text(html: str) -> dict[str, Any]:
    # In one line it is HTML to its end: Markdown in it, such as a picture of a student's, is no Markdown.
    return {"cell_type": "markdown", "metadata": {}, "source": " ".join(html.split())}


def canvas_files(note: CollectedSubmission, notebooks: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what goes up to Canvas for a student: notebooks, by name, as the files that they came in."""
    files = defaultdict[str, dict[str, bytes]](dict)
    for name, content in notebooks.items():
        file = f"{name}.ipynb"
        own = file if file in note.files else next(iter(note.files))
        files[_in_canvas(note, note.files[own])][own] = content
    packed = {}
    for file, held in files.items():
        packed[file] = pack(held) if file.lower().endswith(".zip") else next(iter(held.values()))
    return packed


def _in_canvas(note: CollectedSubmission, file: str) -> str:
    """Return a downloaded name by which Canvas finds its owner: a student's name may have numbers in it."""
    pieces = [piece for piece in file.split("_") if piece != "LATE"]
    numbers = pieces[1:3] if pieces[0] == "anon" else [piece for piece in pieces if piece.isdecimal()][:2]
    own = re.search(rf"{note.number}_(\d+)_.*", file, re.DOTALL)
    return file if own is None or numbers == [note.number, own[1]] else f"student_{own[0]}"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files, the same bytes each time."""
    data = io.BytesIO()
    with ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return data.getvalue()
