"""Feedback files for an LMS: pages for Moodle, and for Canvas the students' own notebooks with the findings.

Canvas attaches an uploaded file to a comment if it has the name and type of the submitted one, and finds the student by
the name. (`infer_comment_context_from_filename` in assignment.rb) Moodle finds the student by the second part of a
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

from lib.grading.pages.page_maker import Page, render_summary
from lib.grading.submissions.collection import CollectedSubmission
from lib.grading.submissions.restore import course_id

LINK = re.compile(r"</?a\b[^>]*>")


def notebook_of(page: Page) -> bytes:
    """Return the student's graded notebook, with the summary of its page as the first cell.

    The findings follow each check, and the instructor's comment follows its cell. Cells get new ids, so that grading
    again with the same findings returns the same bytes.
    """
    cells = [_text(LINK.sub("", render_summary(page)))]
    for cell in page.notebook.cells:
        cells.append({**cell})
        if comment := page.gradebook.comments.get(course_id(cell)):
            cells.append(_text(f"<p><b>Comment:</b> {escape(comment)}</p>"))
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return orjson.dumps({**page.notebook, "cells": numbered}, option=orjson.OPT_SORT_KEYS)


def _text(html: str) -> dict[str, Any]:
    # On a single line, all of it is HTML: Markdown of a student's, such as a picture, is not interpreted.
    return {"cell_type": "markdown", "metadata": {}, "source": " ".join(html.split())}


def canvas_files(note: CollectedSubmission, notebooks: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files to upload to Canvas for a student: notebooks, named and zipped as they were submitted."""
    files = defaultdict[str, dict[str, bytes]](dict)
    for name, content in notebooks.items():
        file = f"{name}.ipynb"
        own = file if file in note.files else next(iter(note.files))
        files[_in_canvas(note, note.files[own])][own] = content
    packed = {}
    for file, contents in files.items():
        packed[file] = pack(contents) if file.lower().endswith(".zip") else next(iter(contents.values()))
    return packed


def _in_canvas(note: CollectedSubmission, file: str) -> str:
    """Return a downloaded file's name, changed if numbers in the student's name would keep Canvas from finding it."""
    pieces = [piece for piece in file.split("_") if piece != "LATE"]
    numbers = pieces[1:3] if pieces[0] == "anon" else [piece for piece in pieces if piece.isdecimal()][:2]
    own = re.search(rf"{note.number}_(\d+)_.*", file, re.DOTALL)
    return file if own is None or numbers == [note.number, own[1]] else f"student_{own[0]}"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files, with the same bytes for the same files."""
    data = io.BytesIO()
    with ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return data.getvalue()
